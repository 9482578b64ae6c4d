"""Requests and changes for tests of the log, and a clock that tests move."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from providers.actions import (
    CallEnd,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Ending,
    Kind,
    NumberRef,
    PlaceCall,
)
from storage.call_ends import end_data
from storage.changes import Annotation, ChangeSet, NewAction, NewRequest, Transition
from storage.event_log.hash_chain import CALL_ENDED
from storage.maintenance.verification import verify
from storage.models import Approval, Scalar, VerificationReport
from storage.repositories import retention
from storage.states import State
from storage.store import Store

KEY = b"a key for look-ups, as long as 32"
NUMBER = "+919876543210"
OTHER_NUMBER = "+919876543211"
NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)


def many_numbers(amount: int) -> list[str]:
    """Return that many different numbers, without the two above."""
    return [f"+91{9_000_000_000 + n}" for n in range(amount)]


@dataclass
class Clock:
    """A clock that stands still until it is moved, either way."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def move(self, **by: float) -> datetime:
        """Move the clock by that much (arguments of `timedelta`), and return the new time."""
        self.now += timedelta(**by)
        return self.now


_PLACE = NewRequest(
    kind=Kind.PLACE_CALL,
    connection="reminders",
    fingerprint="callkaro:1",
    requester="U0AGENT",
    team="T0",
    actions=(),
    state=State.APPROVED,
    rule="anyone may place a call",
)
_CANCEL = replace(
    _PLACE,
    kind=Kind.CANCEL_CALL,
    state=State.PENDING,
    rule="cancellations need a manager",
    approvals_needed=1,
    decide_by=NOON + timedelta(hours=8),
)


def placing(*numbers: str, at: datetime | None = None) -> NewRequest:
    """Return a request to call one or more numbers, which needs nobody's approval."""
    actions = [
        NewAction(PlaceCall(to=number, agent="payments", at=at), number=number, scheduled_for=at)
        for number in numbers or (NUMBER,)
    ]
    return replace(_PLACE, actions=actions)


def cancelling(*numbers: str) -> NewRequest:
    """Return a request to cancel the scheduled calls to one or more numbers, which waits for a manager."""
    actions = [
        NewAction(CancelCall(target=NumberRef(agent="payments", to=number)), number=number)
        for number in numbers or (NUMBER,)
    ]
    return replace(_CANCEL, actions=actions)


def cancelling_by_id(*ids: str) -> NewRequest:
    """Return a request to cancel one or more calls by their provider's ids."""
    return replace(_CANCEL, actions=[NewAction(CancelCall(target=CallRef(call_id=id_))) for id_ in ids])


def deleting(campaign: str) -> NewRequest:
    """Return a request to delete a campaign."""
    action = DeleteCampaign(target=CampaignRef(campaign_id=campaign))
    return replace(_CANCEL, kind=Kind.DELETE_CAMPAIGN, actions=[NewAction(action)])


def approve(*actions: str, person: str = "U0MANAGER") -> ChangeSet:
    """Return a manager's approval of all of these actions of a request."""
    return _decided(actions, person, State.APPROVED)


def deny(*actions: str, person: str = "U0MANAGER") -> ChangeSet:
    """Return a manager's denial of all of these actions of a request."""
    return _decided(actions, person, State.DENIED)


def withdraw(*actions: str, before: Collection[State] = (State.PENDING, State.APPROVED)) -> ChangeSet:
    """Return the requester's withdrawal of all of these actions of a request."""
    moves = [Transition(action, "withdrawn", frozenset(before), State.WITHDRAWN) for action in actions]
    return ChangeSet(request_of(actions[0]), "U0AGENT", moves)


def claim(action: str, *, until: datetime, owner: str = "one", attempt: int = 1) -> ChangeSet:
    """Return an owner's claim of an approved action."""
    changes: dict[str, Scalar | datetime] = {"owner": owner, "lease_until": until, "attempt": attempt}
    move = Transition(action, "sending", frozenset({State.APPROVED}), State.SENDING, changes=changes)
    return ChangeSet(request_of(action), owner, [move])


def finish(
    action: str,
    after: State = State.SUCCEEDED,
    *,
    code: Code = Code.QUEUED,
    reference: str | None = None,
    owner: str | None = "one",
    attempt: int | None = 1,
) -> ChangeSet:
    """Return the change with which the owner records the outcome of its action."""
    move = Transition(
        action,
        after.value,
        frozenset({State.SENDING}),
        after,
        owner=owner,
        attempt=attempt,
        changes={"code": code, "reference": reference, "message": "The provider has it.", "http_status": 200},
        private={"raw": '{"ok": true}'},
    )
    return ChangeSet(request_of(action), "system", [move])


def doubt(
    action: str,
    *,
    attempt: int = 1,
    ordered: bool = False,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> ChangeSet:
    """Return the change after an attempt without an answer, with another attempt if ``ordered``."""
    moves = [
        Transition(
            action,
            "unknown",
            frozenset({State.SENDING}),
            State.UNKNOWN,
            owner="one",
            attempt=attempt,
            changes={"maybe_executed": True, "code": Code.NO_ANSWER},
        )
    ]
    if ordered:
        changes: dict[str, Scalar | datetime] = {"not_before": not_before} if not_before else {}
        changes |= {"not_after": not_after} if not_after else {}
        order = Transition(
            action, "retry_scheduled", frozenset({State.UNKNOWN}), State.APPROVED, changes=changes
        )
        moves.append(order)
    return ChangeSet(request_of(action), "system", moves)


def noted(*notes: Annotation) -> ChangeSet:
    """Return the system's annotations of a request's actions."""
    return ChangeSet(request_of(notes[0].action), "system", [], annotations=notes)


def ended(action: str, ending: Ending, number: int | None) -> ChangeSet:
    """Return the annotation of a try's end, with a length."""
    data, erasable = end_data(CallEnd(ending=ending, word="HUNG_UP", seconds=42, try_number=number))
    return noted(Annotation(action, CALL_ENDED, data, erasable))


def request_of(action: str) -> str:
    """Return the id of an action's request."""
    return action.partition(".")[0]


def _decided(actions: tuple[str, ...], person: str, after: State) -> ChangeSet:
    moves = [Transition(action, after.value, frozenset({State.PENDING}), after) for action in actions]
    approval = Approval(
        person,
        "approve" if after is State.APPROVED else "deny",
        group="S0MANAGERS",
        members=("U0MANAGER", "U0SECOND"),
        content="a hash",
    )
    return ChangeSet(request_of(actions[0]), person, moves, approval=approval)


async def erase(store: Store, request: str, *, actor: str) -> None:
    """Erase a request or a fault in any state, unlike a purge, which keeps open requests."""
    sources = store._database.sources
    await store._database.writer.do(lambda connection: retention.erase(connection, sources, request, actor))
    await store._database.writer.wipe()


async def verified(store: Store) -> VerificationReport:
    """Verify an open log."""
    return await asyncio.to_thread(verify, store._database.path, key=store._database.sources.key)
