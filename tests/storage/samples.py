"""Requests and moves that tests of a log are about, and a clock that does as it is told."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from providers.actions import (
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
)
from storage.changes import Annotation, ChangeSet, NewAction, NewRequest, Transition
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
    """So many different numbers, neither of the two above among them."""
    return [f"+91{9_000_000_000 + n}" for n in range(amount)]


@dataclass
class Clock:
    """A clock that stands still until it is moved, either way."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Say what time it is."""
        return self.now

    def move(self, **by: float) -> datetime:
        """Move by that much (arguments of `timedelta`) and say the new time."""
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
    """A request to call one or more numbers, which needs nobody's approval."""
    actions = [
        NewAction(PlaceCall(to=number, agent="payments", at=at), number=number, scheduled_for=at)
        for number in numbers or (NUMBER,)
    ]
    return replace(_PLACE, actions=actions)


def cancelling(*numbers: str) -> NewRequest:
    """A request to cancel what is scheduled to one or more numbers, waiting for a manager."""
    actions = [
        NewAction(CancelCall(target=NumberRef(agent="payments", to=number)), number=number)
        for number in numbers or (NUMBER,)
    ]
    return replace(_CANCEL, actions=actions)


def cancelling_by_id(*ids: str) -> NewRequest:
    """A request to cancel one or more calls by their provider's ids."""
    return replace(_CANCEL, actions=[NewAction(CancelCall(target=CallRef(call_id=id_))) for id_ in ids])


def deleting(campaign: str) -> NewRequest:
    """A request to delete a campaign."""
    action = DeleteCampaign(target=CampaignRef(campaign_id=campaign))
    return replace(_CANCEL, kind=Kind.DELETE_CAMPAIGN, actions=[NewAction(action)])


def approve(*entries: str, person: str = "U0MANAGER") -> ChangeSet:
    """A manager approves all of these entries of one request."""
    return _decided(entries, person, State.APPROVED)


def deny(*entries: str, person: str = "U0MANAGER") -> ChangeSet:
    """A manager denies all of these entries of one request."""
    return _decided(entries, person, State.DENIED)


def withdraw(*entries: str, before: Collection[State] = (State.PENDING, State.APPROVED)) -> ChangeSet:
    """The requester takes all of these entries of one request back."""
    moves = [Transition(entry, "withdrawn", frozenset(before), State.WITHDRAWN) for entry in entries]
    return ChangeSet(request_of(entries[0]), "U0AGENT", moves)


def claim(entry: str, *, until: datetime, owner: str = "one", attempt: int = 1) -> ChangeSet:
    """An owner takes an approved entry to send it."""
    changes: dict[str, Scalar | datetime] = {"owner": owner, "lease_until": until, "attempt": attempt}
    move = Transition(entry, "sending", frozenset({State.APPROVED}), State.SENDING, changes=changes)
    return ChangeSet(request_of(entry), owner, [move])


def finish(
    entry: str,
    after: State = State.SUCCEEDED,
    *,
    code: Code = Code.QUEUED,
    reference: str | None = None,
    owner: str | None = "one",
    attempt: int | None = 1,
) -> ChangeSet:
    """The owner records what came of the entry it sent."""
    move = Transition(
        entry,
        after.value,
        frozenset({State.SENDING}),
        after,
        owner=owner,
        attempt=attempt,
        changes={"code": code, "reference": reference, "message": "The provider has it.", "http_status": 200},
        private={"raw": '{"ok": true}'},
    )
    return ChangeSet(request_of(entry), "system", [move])


def doubt(
    entry: str,
    *,
    attempt: int = 1,
    ordered: bool = False,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> ChangeSet:
    """The owner's attempt ended without an answer; perhaps another one is ordered at once."""
    moves = [
        Transition(
            entry,
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
            entry, "retry_scheduled", frozenset({State.UNKNOWN}), State.APPROVED, changes=changes
        )
        moves.append(order)
    return ChangeSet(request_of(entry), "system", moves)


def noted(*notes: Annotation) -> ChangeSet:
    """The machine notes something about entries of one request."""
    return ChangeSet(request_of(notes[0].entry), "system", [], annotations=notes)


def request_of(entry: str) -> str:
    """The request that an entry's id belongs to."""
    return entry.partition(".")[0]


def _decided(entries: tuple[str, ...], person: str, after: State) -> ChangeSet:
    moves = [Transition(entry, after.value, frozenset({State.PENDING}), after) for entry in entries]
    approval = Approval(
        person,
        "approve" if after is State.APPROVED else "deny",
        group="S0MANAGERS",
        members=("U0MANAGER", "U0SECOND"),
        content="a hash",
    )
    return ChangeSet(request_of(entries[0]), person, moves, approval=approval)


async def erase(store: Store, request: str, *, actor: str) -> None:
    """Forget a request or a fault, wherever it stands; a purge leaves what is under way."""
    sources = store._database.sources
    await store._database.writer.do(lambda connection: retention.erase(connection, sources, request, actor))
    await store._database.writer.wipe()


async def verified(store: Store) -> VerificationReport:
    """Verify a log that is open."""
    return await asyncio.to_thread(verify, store._database.path, key=store._database.sources.key)
