"""Call lists: the form, the check with its faults, the progress, and the buttons in every state."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.parsing.command import CommandContext, ConnectionInfo
from bot.slack.blocks import Block, Message, View
from bot.text import call_lists as sentences
from bot.text.markup import when
from bot.ui import call_lists
from bot.ui.call_lists import (
    LEAVE_OUT,
    MAX_PROBLEMS,
    PAUSE,
    PROBLEMS,
    RESULTS,
    RESUME,
    STOP,
    ListCheck,
    ListForm,
)
from bot.ui.channel_messages import audit, card
from bot.ui.decision_facts import list_facts
from bot.ui.modal import About
from bot.ui.review_modal import Review
from playground.blocks import faults
from providers.actions import CallList, Ending, Kind
from storage.models import ListProgress, Request
from storage.states import State
from tests.support.slack_schemas import checker
from tests.support.values import NOW, an_action

HASH = "ab" * 32
NASTY = "<!channel> & *calls* " + "x" * 300
BOTH = (Kind.PLACE_CALL, Kind.CANCEL_CALL)
LISTS = (Kind.PLACE_LIST, Kind.CANCEL_LIST)
NOTHING = ListProgress({}, {}, 0, None, paused=False)


def asked(kind: Kind = Kind.PLACE_LIST, **fields: Any) -> CallList:
    """Return a list of 1,500 calls with two rows left out."""
    known: dict[str, Any] = {
        "kind": kind,
        "list": 7,
        "name": "reminders & <more>.csv",
        "sha256": HASH,
        "rows_sha256": HASH,
        "rows": 1500,
        "skipped": {sentences.DUPLICATE: 2},
        "countries": {"IN": 1499, "DE": 1},
        "hours": {"": 500, NOW.isoformat(): 1000},
        "sample": ("+91 •••3210", "+49 •••4567"),
    }
    return CallList(**(known | fields))


def request(state: State = State.APPROVED, kind: Kind = Kind.PLACE_LIST, **fields: Any) -> Request:
    """Return the request of a list in a state."""
    record = an_action(kind=kind, state=state, action=asked(kind))
    pending = state is State.PENDING
    made = Request(
        id="A-7K3F",
        kind=kind,
        connection="reminders",
        fingerprint="f",
        requester="U0AGENT",
        team="T0",
        channel=None,
        rule="r",
        approvals_needed=1,
        decide_by=NOW + timedelta(hours=8) if pending else None,
        asked_at=NOW,
        reason=NASTY,
        purpose=None,
        consent=None,
        actions=[record],
    )
    return replace(made, **fields)


def form(kinds: tuple[Kind, ...] = BOTH) -> View:
    """Return the empty form for two connections."""
    return ListForm.build(kinds, ("reminders", "dialer"), nonce="n", channel="C0SUPPORT")


def check(problems: list[tuple[int, str]], kind: Kind = Kind.PLACE_LIST, **counts: int) -> View:
    """Return the view of a check, with the count of ``faults``."""
    known = {"faults": 0} | counts
    return ListCheck.build(asked(kind), problems, nonce="n", channel="C0SUPPORT", **known)


def texts(blocks: list[Block]) -> str:
    """Return the texts of sections and their fields."""
    found = [part for one in blocks for part in (one.get("text"), *one.get("fields", ()))]
    return "\n".join(part["text"] for part in found if part)


def ids(blocks: list[Block]) -> list[str]:
    """Return the actions of all buttons."""
    return [
        one["action_id"] for block in blocks for one in block.get("elements", [block]) if "action_id" in one
    ]


# -- the form


@pytest.mark.parametrize(
    ("may", "kinds", "shown"),
    [
        pytest.param(LISTS, BOTH, True, id="both"),
        pytest.param((Kind.CANCEL_LIST,), BOTH, True, id="one of them"),
        pytest.param(BOTH, BOTH, False, id="single calls only"),
        pytest.param((Kind.PLACE_LIST,), (Kind.CANCEL_CALL,), False, id="no connection places calls"),
        pytest.param((), BOTH, False, id="nothing"),
    ],
)
def test_the_button_is_for_people_who_may_use_lists(
    may: tuple[Kind, ...], kinds: tuple[Kind, ...], *, shown: bool
) -> None:
    """It needs a connection that carries out the rows."""
    commands = CommandContext({"reminders": ConnectionInfo(kinds=frozenset(kinds))}, "IN")
    buttons = call_lists.list_button(commands, frozenset(may))
    assert ids(buttons) == ([call_lists.OPEN] if shown else [])


def test_the_form_asks_for_a_file_and_what_its_rows_share() -> None:
    """It offers the kinds and connections of the person, the first ones chosen."""
    view = form()
    inputs = {block["block_id"]: block for block in view["blocks"]}
    assert list(inputs) == ["kind", "connection", "file", "agent", "at", "reason", "purpose", "consent"]
    assert inputs["file"]["element"]["type"] == "file_input"
    assert inputs["file"]["element"]["max_files"] == 1
    required = [name for name, block in inputs.items() if not block.get("optional")]
    assert required == ["kind", "connection", "file", "reason"]
    chosen = [inputs[name]["element"]["initial_option"]["value"] for name in ("kind", "connection")]
    assert chosen == [Kind.PLACE_CALL, "reminders"]
    [only] = form((Kind.CANCEL_CALL,))["blocks"][0]["element"]["options"]
    assert only["value"] == Kind.CANCEL_CALL


def test_a_submitted_form_is_read() -> None:
    """Fields that were left empty are empty texts, and the file is its id."""
    kind, file = {"selected_option": {"value": "cancel_call"}}, {"files": [{"id": "F0LIST"}]}
    values = {"kind": {"kind": kind}, "file": {"file": file}, "reason": {"reason": {"value": " wrong list "}}}
    found = ListForm.read({"state": {"values": values}})
    assert (found["kind"], found["file"]) == ("cancel_call", "F0LIST")
    assert found["reason"].strip() == "wrong list"
    assert {found[name] for name in ("connection", "agent", "at", "purpose", "consent")} == {""}
    assert ListForm.read({})["file"] == ""


# -- the check


def test_a_check_without_faults_can_be_requested() -> None:
    """It names the count, the countries, the hours, masked numbers and the hash that is approved."""
    view = check([])
    said = texts(view["blocks"])
    assert view["submit"]["text"] == "Request calls"
    assert said.startswith("*1500 calls to place* · reminders &amp; &lt;more&gt;.csv")
    for part in ("IN: 1,499, DE: 1", "As soon as possible: 500", "+91 •••3210", "2 duplicate", HASH):
        assert part in said
    assert ids(view["blocks"]) == []
    assert About.of(view) == About(nonce="n", channel="C0SUPPORT")


def test_a_check_with_faults_can_only_be_corrected() -> None:
    """Nothing is left out silently: the person says so, or chooses a corrected file."""
    view = check([(3, "mobile: <that's a date>")], faults=1)
    said = texts(view["blocks"])
    assert "submit" not in view
    assert "⚠️ *1 line can't be used.*" in said
    assert "• line 3: mobile: &lt;that's a date&gt;" in said
    assert ids(view["blocks"]) == [LEAVE_OUT, PROBLEMS]


def test_lines_that_were_left_out_stay_listed() -> None:
    """The rest can be requested, and the file of problems is still offered."""
    view = check([(4, sentences.same_as(2))], Kind.CANCEL_LIST)
    assert view["submit"]["text"] == "Request calls"
    assert texts(view["blocks"]).startswith("*1500 calls to cancel*")
    assert "• line 4: The same call as in line 2." in texts(view["blocks"])
    assert ids(view["blocks"]) == [PROBLEMS]


def test_a_check_says_what_the_approval_will_bind() -> None:
    """Calls that wait for their hours aren't faults. The same file, requested before, is named."""
    facts = dict(list_facts(asked(closed=12, agents={"payments": 9}, before=("A-7K3F",))))
    assert facts["Wait for calling hours"] == "12"
    assert facts["Voice agent"] == "payments: 9"
    assert facts["⚠️ Same file as in"] == "A-7K3F"


def test_many_problems_are_cut_and_counted() -> None:
    """The file of problems has all of them."""
    said = texts(check([(n, "That's a date.") for n in range(2, 502)], faults=500)["blocks"])
    assert said.count("• line ") == MAX_PROBLEMS
    assert "… and 480 more" in said
    assert "*500 lines can't be used.*" in said


def test_an_unusable_file_is_explained() -> None:
    """The reasons stand before the lines, and nothing can be submitted."""
    view = call_lists.unusable([(2, "A call ID is missing.")], sentences.NOTHING_LEFT)
    assert texts(view["blocks"]).split("\n") == [
        "❌ No line of this file can be used.",
        "• line 2: A call ID is missing.",
    ]
    assert "submit" not in view


# -- the progress


@pytest.mark.parametrize(
    ("counts", "waiting", "line"),
    [
        ({}, 0, "Nothing yet"),
        ({}, 1500, "1,500 to go"),
        ({State.SUCCEEDED: 1200}, 0, "1,200 done"),
        ({State.FAILED: 2}, 0, "2 failed"),
        ({State.REFUSED: 3}, 0, "3 not allowed"),
        ({State.EXPIRED: 4}, 0, "4 expired"),
        ({State.WITHDRAWN: 5}, 0, "5 withdrawn"),
        ({State.UNKNOWN: 1}, 0, "1 outcome unknown"),
        ({State.APPROVED: 7, State.SENDING: 1}, 0, "1 being sent · 7 to go"),
        (
            {State.SENDING: 1, State.UNKNOWN: 1, State.FAILED: 1, State.SUCCEEDED: 9},
            3,
            "9 done · 1 failed · 1 outcome unknown · 1 being sent · 3 to go",
        ),
    ],
)
def test_the_progress_counts_each_state(counts: dict[State, int], waiting: int, line: str) -> None:
    """What is done comes first, what is still to come last."""
    assert (
        call_lists.progress_line(request(State.APPROVED), replace(NOTHING, counts=counts, waiting=waiting))
        == line
    )


def test_no_state_of_a_row_is_left_out_of_the_progress() -> None:
    """A row of a list is approved with it, so that it is never pending or denied."""
    for state in set(State) - {State.PENDING, State.DENIED}:
        assert call_lists.progress_line(
            request(State.APPROVED), replace(NOTHING, counts={state: 6})
        ).startswith("6 "), state


def test_ends_of_calls_are_counted_in_words() -> None:
    """They have the words of the other screens."""
    endings = {str(Ending.ANSWERED): 1000, str(Ending.INVALID_NUMBER): 2}
    said = texts(call_lists.progress_blocks(request(), replace(NOTHING, endings=endings)))
    assert said == "Nothing yet\nCalls: 1,000 answered · 2 invalid number"


NEXT = ListProgress({State.SUCCEEDED: 1}, {}, 2, NOW, paused=False)


@pytest.mark.parametrize(
    ("state", "progress", "shown"),
    [
        pytest.param(State.APPROVED, NEXT, True, id="between two calls"),
        pytest.param(State.APPROVED, replace(NEXT, paused=True), False, id="paused"),
        pytest.param(
            State.APPROVED, replace(NEXT, counts={State.SENDING: 1}), False, id="a call is sent now"
        ),
        pytest.param(State.APPROVED, replace(NEXT, next_at=None), False, id="no row is left"),
        pytest.param(State.WITHDRAWN, NEXT, False, id="stopped"),
    ],
)
def test_the_next_call_is_told_while_a_list_waits(
    state: State, progress: ListProgress, *, shown: bool
) -> None:
    """A list at night says when it goes on."""
    said = texts(call_lists.progress_blocks(request(state), progress))
    assert (f"Next call {when(NOW)}" in said) is shown


# -- the buttons


@pytest.mark.parametrize(
    ("state", "paused", "expected"),
    [
        (State.PENDING, False, []),
        (State.DENIED, False, []),
        (State.EXPIRED, False, []),
        (State.APPROVED, False, [PAUSE, STOP, RESULTS]),
        (State.APPROVED, True, [RESUME, STOP, RESULTS]),
        (State.SUCCEEDED, False, [RESULTS]),
        (State.WITHDRAWN, False, [RESULTS]),
    ],
)
def test_the_buttons_are_those_of_the_state(state: State, expected: list[str], *, paused: bool) -> None:
    """Only a running list can be paused or stopped, and results exist once it has begun."""
    progress = replace(NEXT, paused=paused)
    found = call_lists.buttons(request(state), progress)
    assert [one["action_id"] for one in found] == expected
    assert {one["value"] for one in found} <= {"A-7K3F"}
    names = [one["accessibility_label"] for one in found]
    assert all("A-7K3F" in name for name in names)
    assert len(set(names)) == len(names)


def test_to_stop_is_confirmed_with_the_calls_that_will_not_go_out() -> None:
    """Rows in line count, and those already requested but not sent. Those being sent do not."""
    progress = replace(NEXT, counts={State.APPROVED: 3, State.SENDING: 1, State.SUCCEEDED: 9})
    [_, stop, _] = call_lists.buttons(request(), progress)
    assert stop["confirm"]["text"]["text"].startswith("5 calls won't go out.")


@pytest.mark.parametrize(
    ("state", "paused", "first"),
    [
        (State.APPROVED, True, "⏳ *Paused* · "),
        (State.APPROVED, False, "⏳ *Resumed* · "),
        (State.WITHDRAWN, True, "🚫 *Withdrawn* · "),
    ],
)
def test_the_answer_to_a_button_says_the_state_first(state: State, first: str, *, paused: bool) -> None:
    """It names the list, its progress and its request."""
    message = call_lists.controlled(request(state), replace(NEXT, paused=paused))
    assert message.text.startswith(first)
    left = "2 to go" if state is State.APPROVED else "2 not requested"
    assert f"1 done · {left}" in texts(list(message.blocks))
    assert message.blocks[-1]["elements"][0]["text"] == "A-7K3F"


# -- Slack


def views() -> list[View]:
    """Return every view, short and at its longest."""
    problems = [(n, NASTY) for n in range(2, 400)]
    long = asked(hours={(NOW + timedelta(hours=n)).isoformat(): 1 for n in range(1400)}, name=NASTY[:200])
    full = ListCheck.build(long, problems, faults=398, nonce="n", channel="C0SUPPORT")
    shown = [form(), form((Kind.CANCEL_CALL,)), check([]), check([(2, "x")], faults=1), full]
    return [*shown, call_lists.reading(), call_lists.unusable(problems, NASTY)]


def messages() -> list[Message]:
    """Return the messages about a list in every state, with and without progress."""
    found = [
        message
        for kind in LISTS
        for state in State
        for paused in (False, True)
        for message in (
            audit(request(state, kind), progress=replace(NEXT, paused=paused)),
            call_lists.controlled(request(state, kind), replace(NEXT, paused=paused)),
        )
    ]
    pending = request(State.PENDING)
    others = [card(pending), call_lists.results(pending), call_lists.problems_sent(NASTY)]
    return [*found, *others, call_lists.results_coming()]


def payload(message: Message) -> dict[str, Any]:
    """Return a message as it is sent."""
    return {"text": message.text, "blocks": list(message.blocks)}


def test_slack_takes_every_view_and_message() -> None:
    """They keep Slack's limits, however long the file's name and its faults are."""
    approving = Review.build(request(State.PENDING), nonce="n", shown="s")
    for view in (*views(), approving):
        assert faults("modal", view) == []
    for message in messages():
        assert faults("message", payload(message)) == []
        assert "<!channel>" not in str(payload(message))


def test_slacks_own_schemas_take_them_too() -> None:
    """Slack's schemas, if installed, find no fault."""
    find = checker("check_blocks").faults
    for view in views():
        assert find("modal", view) == []
    sent = {str(payload(message)): payload(message) for message in messages()}
    for one in sent.values():
        assert find("message", one) == []
