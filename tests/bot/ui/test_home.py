"""The Home tab: its order, its limits, and that it shows no full number."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.parsing.command import CommandContext, ConnectionInfo, Verb
from bot.services.overview import LISTED, HomeContent
from bot.services.pending import MOST_COUNTED
from bot.slack.blocks import View
from bot.slack.masking import Masking
from bot.ui import home
from bot.ui.command_replies import OPENS
from playground.blocks import MAX_VIEW_BYTES, faults
from providers.actions import CallRef, CancelCall, Code, Kind, PlaceCall
from storage.models import ActionRecord, ConnectionOutage, Pause, PauseCounts, Request
from storage.states import State
from tests.support.slack_schemas import checker
from tests.support.values import an_action

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NUMBER = "+919876543210"
CAN = CommandContext(
    {
        "reminders": ConnectionInfo(
            kinds=frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), cancels_by="number", title="CallKaro"
        ),
        "voxworks": ConnectionInfo(kinds=frozenset({Kind.CANCEL_CALL}), cancels_by="call_id"),
    },
    "IN",
)
EVERYTHING = frozenset(Kind)
LONG = f"क्या & {NUMBER} " * 200
CALL = PlaceCall(to=NUMBER, agent="payments", at=NOW + timedelta(hours=1))


def request(number: int, state: State, *, message: str = "") -> Request:
    """Return a request in a state. A placed one is scheduled."""
    made = f"A-{number:04}"
    cancels = state is State.PENDING
    record: ActionRecord = an_action(
        id=made,
        request=made,
        kind=Kind.CANCEL_CALL if cancels else Kind.PLACE_CALL,
        connection="voxworks" if cancels else "reminders",
        agent=None if cancels else "payments",
        target_id="vx_1" if cancels else None,
        scheduled_for=None if cancels else CALL.at,
        state=state,
        attempt=0 if cancels else 1,
        code=Code.SCHEDULED if state is State.SUCCEEDED else None,
        message=message or None,
        action=CancelCall(target=CallRef(call_id="vx_1")) if cancels else CALL,
    )
    return Request(
        id=made,
        kind=record.kind,
        connection=record.connection,
        fingerprint="f",
        requester="U0AGENT",
        team="T0",
        channel=None,
        rule="r",
        approvals_needed=1 if cancels else 0,
        decide_by=NOW + timedelta(hours=8) if cancels else None,
        asked_at=NOW,
        reason=LONG,
        purpose=None,
        consent=None,
        actions=[record],
    )


def many(state: State, count: int = LISTED, message: str = "") -> list[Request]:
    """Return several requests in a state."""
    return [request(number, state, message=message) for number in range(count)]


OUTAGE = ConnectionOutage("reminders", "down", NOW, NOW + timedelta(minutes=5), 3, NOW, False, True)
PAUSE = Pause("B-7K3F", "reminders", "U0MANAGER", NOW, None, LONG, PauseCounts())
FULL = HomeContent(
    may=EVERYTHING,
    pausable=[None, *(f"connection-{n}" for n in range(20))],
    paused=[replace(PAUSE, connection=f"connection-{n}") for n in range(20)],
    outages=[replace(OUTAGE, connection=f"connection-{n}") for n in range(20)],
    unknown=many(State.UNKNOWN, 4, LONG),
    to_decide=many(State.PENDING, 6),
    more_needed=MOST_COUNTED,
    own=many(State.FAILED, message=LONG),
    more_own=MOST_COUNTED,
    upcoming=[one.actions[0] for one in many(State.SUCCEEDED)],
    more_upcoming=7,
)


def shown(content: HomeContent) -> View:
    """Return a Home tab as it is published."""
    blocks = Masking("IN").blocks(home.blocks(content, CAN))
    return home.view(blocks, NOW)


def texts(view: View) -> list[str]:
    """Return the text of each block, or the labels of its buttons."""
    return [
        text["text"]
        for block in view["blocks"]
        for text in (
            [block["text"]]
            if "text" in block
            else [one.get("text", one) if one["type"] == "button" else one for one in block["elements"]]
        )
    ]


def buttons(view: View) -> list[dict[str, Any]]:
    """Return every button."""
    found = [one for block in view["blocks"] for one in block.get("elements", ()) if one["type"] == "button"]
    return found + [block["accessory"] for block in view["blocks"] if "accessory" in block]


def test_slack_takes_a_full_tab_that_shows_no_number() -> None:
    """With 500 requests waiting it keeps all of Slack's limits, however long the texts of people are."""
    view = shown(FULL)
    assert faults("home", view) == []
    assert len(view["blocks"]) <= 100
    assert len(json.dumps(view)) <= MAX_VIEW_BYTES
    assert "98765" not in json.dumps(view)


def test_slacks_own_schemas_find_no_fault() -> None:
    """Nor with an empty tab, a refused person, and a tab that is not kept up to date any more."""
    check = checker("check_blocks").faults
    for view in (shown(FULL), shown(HomeContent(EVERYTHING)), home.refused("No."), home.resting()):
        assert check("home", view) == []


def test_the_parts_come_in_order() -> None:
    """Outages, forms, what needs the person with unknown outcomes first, their requests, their calls, a time."""
    said = texts(shown(replace(FULL, paused=[], outages=[OUTAGE])))
    assert said[0].startswith("⚠️ *reminders is down. Next try: ")
    assert said[1:6] == ["Place a call…", "Cancel a call…", "Move a call…", "Call list…", "Pause calls…"]
    parts = [said.index(part) for part in ("*Needs you*", "*Your requests*", "*Coming up*")]
    assert parts == sorted(parts)
    needed = said[parts[0] + 1 : parts[0] + 11]
    assert ["Outcome unknown" in one for one in needed] == [True] * 4 + [False] * 6
    assert said[parts[0] + 11] == "at least 100 more · `/calls list`, or search with `/calls log`"
    assert said[-2] == "7 more · `/calls list`, or search with `/calls log`"
    assert said[-1].startswith("As of <!date^")


def test_each_row_has_its_next_step() -> None:
    """The buttons are those of the messages, so that the same listeners hear them."""
    view = shown(FULL)
    steps = [block["accessory"]["action_id"] for block in view["blocks"] if "accessory" in block]
    assert steps == ["resume_calls"] * 10 + ["settle"] * 4 + ["review"] * 6 + ["place_again"] * 10
    rows = [block for block in view["blocks"] if block["type"] == "actions"][1:]
    assert [[one["action_id"] for one in row["elements"]] for row in rows] == [
        ["cancel_this", "move_this"]
    ] * 10
    assert all(one["text"]["text"] != "Cancel" for one in buttons(view))


def test_a_tab_offers_only_what_the_person_and_the_connection_can_do() -> None:
    """No form, and no button on a call, without permission."""
    limited = shown(replace(FULL, may={Kind.PLACE_CALL}, own=[]))
    assert {OPENS.get(one["action_id"]) for one in buttons(limited)} - {None} == {Verb.PLACE}
    assert "cancel_this" not in json.dumps(limited)


def test_an_empty_tab_says_what_to_do_first() -> None:
    """It offers the forms. Without any form it only says what will be shown."""
    said = texts(shown(HomeContent(EVERYTHING)))
    assert said[4].startswith("*Nothing here yet.*")
    assert said[5] == "To start, press a button above. `/calls` shows all commands."
    assert len(texts(shown(HomeContent(frozenset())))) == 2


def test_a_pause_stands_first_with_its_button() -> None:
    """Without permission for all connections, a pause of all has none."""
    paused = [replace(PAUSE, connection=None, reason="why"), replace(PAUSE, reason="why")]
    view = shown(HomeContent(EVERYTHING, pausable=["reminders"], paused=paused))
    assert texts(view)[0].startswith("⏸️ *All calls:* Paused by <@U0MANAGER> since <!date^")
    assert texts(view)[0].endswith("“why”.\n`/calls resume` lets them go on")
    resume, *_ = [one for one in buttons(view) if one["action_id"] == "resume_calls"]
    assert (resume["value"], resume["accessibility_label"]) == (PAUSE.id, "Resume calls through reminders")
    assert resume["confirm"]["title"]["text"] == "Resume calls through reminders?"
