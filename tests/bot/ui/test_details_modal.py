"""The details modal: each event is a sentence of its own, with the actor, the target and the reason."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.text.markup import quote, when
from bot.ui.details_modal import DID, MOST_LINES, Details, story
from playground.blocks import faults
from providers.actions import CallRef, CancelCall, Kind
from storage.event_log.hash_chain import microseconds
from storage.models import ActionRecord, Event, Request, Scalar
from tests.support.slack_schemas import checker
from tests.support.tree import ROOT
from tests.support.values import an_action

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
BOT = ROOT / "bot"


def record(number: int) -> ActionRecord:
    """Return a target of a cancellation."""
    return an_action(
        id=f"A-7K3F.{number}",
        position=number,
        connection="voxworks",
        target_id=f"vx_{number}",
        asked_at=NOW,
        updated_at=NOW,
        action=CancelCall(target=CallRef(call_id=f"vx_{number}")),
    )


REQUEST = Request(
    id="A-7K3F",
    kind=Kind.CANCEL_CALL,
    connection="voxworks",
    fingerprint="f",
    requester="U0AGENT",
    team="T0",
    channel=None,
    rule="cancellations need a manager",
    approvals_needed=1,
    decide_by=None,
    asked_at=NOW,
    reason="duplicate <!channel>",
    purpose=None,
    consent=None,
    actions=(record(1), record(2)),
)


def event(seq: int, name: str, *, of: int = 1, actor: str = "system", **data: Scalar) -> Event:
    """Return an event of an action."""
    return Event(seq, NOW, "A-7K3F", f"A-7K3F.{of}", name, actor, data, {}, "", "")


@pytest.mark.parametrize(
    ("tried", "says"),
    [
        ("approve", "tried to decide it, but isn't allowed to"),
        ("deny", "tried to decide it, but isn't allowed to"),
        ("decide", "tried to decide it, but isn't allowed to"),
        ("reveal", "tried to see the full number, but isn't allowed to"),
        ("settle", "tried to record the outcome, but isn't allowed to"),
    ],
)
def test_what_somebody_tried_is_said(tried: str, says: str) -> None:
    """A person who wanted to see a number did not try to decide."""
    [line] = story(REQUEST, [event(1, "attempted", actor="U0AGENT", tried=tried)], [])
    assert f"<@U0AGENT> {says}" in line


def test_a_story_names_who_and_what_and_why() -> None:
    """People are mentioned, and everything else is CallOps.

    A single decision about all targets is a single line.
    """
    events = [
        event(1, "requested", actor="U0AGENT"),
        event(2, "requested", of=2, actor="U0AGENT"),
        event(3, "approved", actor="U0MANAGER"),
        event(4, "approved", of=2, actor="U0MANAGER"),
        event(5, "sending", attempt=2, actor="host:1:2"),
        event(6, "failed", of=2, message="No <such> call."),
        event(7, "looked_up", of=2, found=False),
    ]
    lines = list(story(REQUEST, events, [(3, "note", "fine & good")], "Voxworks"))
    assert [line.split("* ", 1)[1] for line in lines] == [
        "<@U0AGENT> requested it.",
        "<@U0MANAGER> approved it. “fine &amp; good”",
        "Sent to Voxworks (attempt 2) (call `vx_1`).",
        "Voxworks: failed (call `vx_2`). No &lt;such&gt; call.",
        "Asked Voxworks whether it has it: no (call `vx_2`).",
    ]


@pytest.mark.parametrize(
    ("data", "kept", "says"),
    [
        ({"ending": "no_answer", "try": 0, "again": False}, "{}", "no answer"),
        ({"ending": "busy", "try": None, "again": True}, None, "busy, the provider tries again"),
        (
            {"ending": "answered", "try": 1, "again": False},
            '{"seconds": 61, "word": "HUNG_UP", "link": "https://x.test/•••3210"}',
            "answered (try 2), 1 min 1 s",
        ),
        (
            {"ending": "not_dialled", "try": 2, "again": True, "next_at": microseconds(NOW)},
            '{"word": "OUTSIDE_TRIGGER_WINDOW"}',
            f"not dialled: OUTSIDE_TRIGGER_WINDOW (try 3), again {when(NOW)}",
        ),
    ],
)
def test_the_end_of_a_try_is_told_in_words(data: dict[str, Scalar], kept: str | None, says: str) -> None:
    """The length and the provider's word are told until they are erased, and links never."""
    told = [] if kept is None else [(1, "end", kept)]
    [line] = story(REQUEST, [replace(event(1, "call_ended"), data=data)], told)
    assert line.split("* ", 1)[1] == f"The provider reported: {says} (call `vx_1`)."


def test_details_are_a_modal_that_slack_takes() -> None:
    """Slack accepts any number of events. The omitted ones are counted, and people's words ping nobody."""
    events = [event(n, "retry_scheduled", attempt=n) for n in range(1, 2 * MOST_LINES + 1)]
    view = Details.build(REQUEST, events, [])
    assert f"and {MOST_LINES} more" in str(view)
    assert "<!channel>" not in str(view)
    assert faults("modal", view) == []
    assert checker("check_blocks").faults("modal", view) == []


def test_long_words_are_told_whole_and_one_warning_once() -> None:
    """Equal warnings of several targets become a single warning. The longest note is not cut."""
    note, warning = "<&" * 250, "It has a follow-up call. " * 150
    events = [
        event(1, "approved", actor="U0MANAGER"),
        *(event(n, "succeeded", of=n - 1, warning_1=warning, warning_2=f"Number {n}.") for n in (2, 3)),
    ]
    view = Details.build(REQUEST, events, [(1, "note", note)])
    written = "".join(block["text"]["text"] for block in view["blocks"] if "text" in block)
    assert quote(note) in written
    assert written.count(warning.strip()) == 1
    assert "⚠️ Number 2. ⚠️ Number 3." in written
    assert faults("modal", view) == []


def test_a_story_that_no_modal_holds_is_counted() -> None:
    """Both the length and the number of lines can exceed the modal."""
    notes = [(n, "note", "भुगतान " * 70) for n in range(1, 61)]
    view = Details.build(REQUEST, [event(n, "denied", actor=f"U{n:04}") for n in range(1, 61)], notes)
    told = sum("denied it" in str(block) for block in view["blocks"])
    assert 0 < told < 60
    assert f"… and {60 - told} more, in `python -m bot log show A-7K3F`" in str(view)
    assert faults("modal", view) == []


@pytest.mark.parametrize(
    "module",
    [
        "workers/attempt",
        "workers/dispatcher",
        "services/outcomes",
        "services/approvals",
        "services/requests",
        "workers/lookups",
        "workers/provider_events",
    ],
)
def test_every_event_that_is_written_has_words(module: str) -> None:
    """No event is shown by its name in code."""
    source = (BOT / f"{module}.py").read_text(encoding="utf-8")
    written = re.findall(r'(?:Move|not_again|_move|_ended)\(\s*[\w.]+,(?:\s*outcome,)?\s*"(\w+)"', source)
    written += re.findall(r'\bname: str = "(\w+)"|\bname="(\w+)"', source)
    names = {name for found in written for name in ([found] if isinstance(found, str) else found) if name}
    assert names <= DID.keys()
