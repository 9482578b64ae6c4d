"""Screens of people without a browser: messages, unread counts, and the traffic with Slack."""

import asyncio
from typing import Any

import pytest

from playground.faults import Fault
from playground.web.browsers import BEHIND, Browser, Browsers
from playground.web.screens import Screens
from playground.web.switches import FAULTS
from playground.web.traffic import Traffic

PEOPLE = ("U0AGENT", "U0MANAGER")


def message(ts: str, **changes: object) -> dict[str, Any]:
    """Return a message of the app in a channel with both people."""
    usual: dict[str, Any] = {
        "ts": ts,
        "channel": "C0AUDIT",
        "user": "U0CALLOPS",
        "text": "told",
        "blocks": [],
    }
    usual |= {
        "thread_ts": None,
        "ephemeral_to": None,
        "deleted": False,
        "edits": [],
        "pings": [],
        "changed": 1,
    }
    return usual | {"in_reply_to": None, "seen_by": [*PEOPLE]} | changes


def screens(*messages: dict[str, Any]) -> Screens:
    """Return screens that have these messages."""
    made = Screens(PEOPLE)
    made.update({"messages": messages, "views": {}, "homes": {}, "channels": []})
    return made


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, {"C0AUDIT": {"messages": 1, "pings": 0}}),
        ({"pings": ["@U0AGENT"]}, {"C0AUDIT": {"messages": 1, "pings": 1}}),
        ({"pings": ["@U0MANAGER"]}, {"C0AUDIT": {"messages": 1, "pings": 0}}),
        ({"pings": ["!channel"]}, {"C0AUDIT": {"messages": 1, "pings": 1}}),
        ({"channel": "D0AGENT"}, {"D0AGENT": {"messages": 1, "pings": 1}}),
        ({"user": "U0AGENT"}, {}),
        ({"ephemeral_to": "U0AGENT"}, {}),
        ({"thread_ts": "1.0"}, {}),
        ({"deleted": True}, {}),
        ({"seen_by": ["U0MANAGER"]}, {}),
    ],
)
def test_what_counts_as_unread(changes: dict[str, Any], counted: dict[str, Any]) -> None:
    """Other people's messages in a channel count. A badge counts those that mention this person."""
    assert screens(message("2.0", **changes)).unread("U0AGENT") == counted


def test_what_was_read_is_not_unread_and_stays_so() -> None:
    """Everything up to the seen message is read.

    An older message takes nothing back, and an edit is not new.
    """
    seen = screens(message("2.0"), message("10.0"))
    seen.read("U0AGENT", "C0AUDIT", "10.0")
    seen.read("U0AGENT", "C0AUDIT", "2.0")
    seen.update({"messages": [message("10.0", edits=[{}])], "views": {}, "homes": {}, "channels": []})
    assert seen.unread("U0AGENT") == {}
    assert seen.unread("U0MANAGER")["C0AUDIT"]["messages"] == 2


def test_each_sees_their_own() -> None:
    """Another person's ephemeral message is hidden, a deleted one reported, and edits are a number."""
    mine, theirs = message("1.0", edits=[{}, {}]), message("2.0", seen_by=["U0MANAGER"])
    seen = screens(mine, theirs, message("3.0", deleted=True))
    told = seen.screen("U0AGENT")
    assert [(one["ts"], one["edits"]) for one in told["messages"]] == [("1.0", 2)]
    assert told["gone"] == [["C0AUDIT", "3.0"]]
    assert not {"seen_by", "changed"} & told["messages"][0].keys()


def test_traffic_tells_a_line_again_once_it_is_answered() -> None:
    """An open line is sent and watched again. A settled line is sent once."""
    asked: dict[str, Any] = {
        "at": 1.0,
        "method": "chat.postMessage",
        "args": {"channel": "C0AUDIT"},
        "answer": None,
    }
    traffic = Traffic()
    nothing: dict[str, list[Any]] = {"deliveries": [], "refused": []}
    assert [one["answered"] for one in traffic.update({"calls": [asked], **nothing})] == [False]
    assert traffic.cursors["calls"] == 0
    answered = asked | {"answer": {"ok": False, "error": "is_archived"}}
    (line,) = traffic.update({"calls": [answered], **nothing})
    assert (line["error"], line["where"]) == ("is_archived", "C0AUDIT")
    assert traffic.cursors["calls"] == 1
    assert traffic.update({"calls": [], **nothing}) == []


async def test_a_browser_that_is_too_far_behind_is_let_go() -> None:
    """A slow browser gets nothing more, so that unread events do not pile up."""
    browser, others = Browser("U0AGENT"), Browsers()
    others.add(browser)
    for number in range(BEHIND + 1):
        others.tell("told", number)
    assert [one async for one in browser.stream()] == []


async def test_a_browser_reads_in_order() -> None:
    """Each event is a single JSON value on a single line, whatever it contains."""
    browser = Browser("U0AGENT")
    browser.tell("first", {"said": "two\nlines"})
    browser.tell("second", 2)
    stream = browser.stream()
    async with asyncio.timeout(1):
        assert await anext(stream) == 'event: first\ndata: {"said":"two\\nlines"}\n\n'
        assert await anext(stream) == "event: second\ndata: 2\n\n"


def test_only_a_refusal_lasts() -> None:
    """Every other fault affects a single request."""
    assert {name for name, fault in FAULTS.items() if fault.times is None} == {"refused"}
    assert all(isinstance(fault, Fault) for fault in FAULTS.values())
