"""Repeated requests for a call: the age of the earlier one, and the choices."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.parsing.command import ConnectionInfo
from bot.services.call_history import LATELY, recent_calls
from bot.ui.prompts import MOST_SHOWN, ago, already_asked, cancel_first, ignored, question
from bot.ui.ways_on import show_status, withdraw
from playground.blocks import faults
from providers.actions import CallRef, CancelCall, Code, Kind, NumberRef
from storage.models import ActionRecord
from storage.states import State
from tests.bot.ui.test_channel_messages import ACTIONS, NOW, record, request

BOTH = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
BY_NUMBER, BY_ID = ConnectionInfo(("payments",), BOTH, "number"), ConnectionInfo((), BOTH, "call_id")
SCHEDULED = record(ACTIONS["place"], State.SUCCEEDED)
OUT = replace(record(ACTIONS["place now"], State.SUCCEEDED), code=Code.QUEUED)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "a day ago"),
        (200000, "2 days ago"),
    ],
)
def test_how_long_ago_is_said_as_people_do(seconds: int, said: str) -> None:
    """Ages are minutes, hours and days. After a clock was set back it is just now."""
    assert ago(NOW, NOW + timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("one", "coming", "through", "cancel"),
    [
        pytest.param(
            SCHEDULED,
            [SCHEDULED],
            BY_NUMBER,
            CancelCall(target=NumberRef(agent="pay<ments>", to="+919876543210")),
            id="by number",
        ),
        pytest.param(SCHEDULED, [SCHEDULED], BY_ID, CancelCall(target=CallRef(call_id="a1b2")), id="by id"),
        pytest.param(replace(SCHEDULED, reference=None), [SCHEDULED], BY_ID, None, id="its id is not known"),
        pytest.param(SCHEDULED, [SCHEDULED], ConnectionInfo(), None, id="nothing is cancelled there"),
        pytest.param(OUT, [], BY_NUMBER, None, id="it went out"),
        pytest.param(record(ACTIONS["place now"], State.SENDING), [], BY_NUMBER, None, id="being sent"),
        pytest.param(record(ACTIONS["place now"], State.UNKNOWN), [], BY_NUMBER, None, id="unknown"),
    ],
)
def test_an_earlier_call_is_asked_about(
    one: ActionRecord, coming: list[ActionRecord], through: ConnectionInfo, cancel: CancelCall | None
) -> None:
    """The earlier call can be cancelled first only if the log has it as scheduled and it is cancellable."""
    found = recent_calls([(request(one), one)], coming, through, NOW + LATELY - timedelta(seconds=1))
    assert found is not None
    assert found.cancel == cancel
    assert len(cancel_first(found, "d" * 24)) == (cancel is not None)
    assert "9 min ago" in question(found, reader="U9", now=NOW + timedelta(minutes=9))
    assert question(found, reader=found.request.requester, now=NOW).startswith("⚠️ *You placed")
    for block in cancel_first(found, "d" * 24):
        assert faults("message", {"text": "x", "blocks": [{"type": "actions", "elements": [block]}]}) == []


@pytest.mark.parametrize("state", [State.FAILED, State.REFUSED, State.DENIED, State.EXPIRED, State.WITHDRAWN])
def test_what_came_to_nothing_asks_nothing(state: State) -> None:
    """A call that came to nothing, is older than ten minutes, or was cancelled raises no question."""
    one = record(ACTIONS["place"], state)
    assert recent_calls([(request(one), one)], [one], BY_NUMBER, NOW) is None
    assert recent_calls([(request(SCHEDULED), SCHEDULED)], [SCHEDULED], BY_NUMBER, NOW + LATELY) is None
    assert recent_calls([(request(SCHEDULED), SCHEDULED)], [], BY_NUMBER, NOW) is None


def test_what_is_in_doubt_says_who_can_help() -> None:
    """A user who joins an unknown outcome reads that somebody may settle it, and Slack accepts the answer."""
    doubtful = request(record(ACTIONS["cancel by id"], State.UNKNOWN))
    message = already_asked([doubtful], reader="U9", now=NOW, channel="C0AUDIT", buttons={})
    assert "Its outcome can be recorded there." in str(message.blocks)
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []


@pytest.mark.parametrize("count", [2, 20, 50])
def test_however_many_were_asked_before_slack_takes_the_answer(count: int) -> None:
    """Each request that can be withdrawn has a button below it, and the hidden ones are counted."""
    made = [
        replace(request(record(ACTIONS["cancel by id"], State.PENDING)), id=f"A-{n:04}") for n in range(count)
    ]
    mine = {one.id: [withdraw(one), show_status(one)] for one in made}
    message = already_asked(made, reader="U0AGENT", now=NOW, channel="C0AUDIT", buttons=mine)
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    below = {
        row["elements"][0]["value"]: above["text"]["text"]
        for above, row in itertools.pairwise(message.blocks)
        if row["type"] == "actions"
    }
    assert all(f"({one})" in said for one, said in below.items())
    assert len(below) == min(count, MOST_SHOWN)
    assert (f"… and {count - MOST_SHOWN} more" in str(message.blocks)) == (count > MOST_SHOWN)
    told = ignored(made, count, reader="U9", now=NOW)
    assert all(one.id in str(told) for one in made)
    assert faults("message", {"text": "x", "blocks": told}) == []
