"""Reads from the log what completes a command, and finds a recent call that it may repeat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.parsing.command import KINDS, Command, CommandContext, ConnectionInfo, Verb
from bot.parsing.defaults import FilledCommand, TargetHistory, fill_defaults
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.services.models import RequestSpec
from providers.actions import CallRef, CancelCall, Code, Kind, NumberRef, PlaceCall
from storage.models import ActionRecord, Request
from storage.queries import Query
from storage.states import State
from storage.store import Store

LATELY = timedelta(minutes=10)
"""The time after a call within which another call to the same number must be confirmed."""


_CAME_TO_NOTHING = frozenset({State.FAILED, State.REFUSED, State.DENIED, State.EXPIRED, State.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class RecentCall:
    """A recent call to the same number: its request, its action, and the cancellation of it."""

    request: Request
    record: ActionRecord
    cancel: CancelCall | None
    """None if the call went out, or if the connection cannot cancel it."""


def recent_calls(
    records: Sequence[tuple[Request, ActionRecord]],
    coming: Sequence[ActionRecord],
    through: ConnectionInfo,
    now: datetime,
) -> RecentCall | None:
    """Return the newest recent call to a number that was or may still be placed, None if there is none.

    ``coming`` are the calls to the number that the log knows as still scheduled.
    """
    still_to_come = {record.id for record in coming}
    for request, record in records:
        gone = record.code is Code.SCHEDULED and record.id not in still_to_come
        if now - record.asked_at < LATELY and record.state not in _CAME_TO_NOTHING and not gone:
            cancel = _cancel(record, through) if record.id in still_to_come else None
            return RecentCall(request, record, cancel)
    return None


def _cancel(record: ActionRecord, through: ConnectionInfo) -> CancelCall | None:
    if Kind.CANCEL_CALL not in through.kinds or not isinstance(record.action, PlaceCall):
        return None
    if through.cancels_by == "number":
        return CancelCall(target=NumberRef(agent=record.action.agent, to=record.action.to))
    return CancelCall(target=CallRef(call_id=record.reference)) if record.reference else None


LOOKED_BACK = 20
"""The count of a person's newest requests of one kind that are searched for the last connection and agent."""
REPEATS = 5
"""The count of the newest calls to a number that are searched for a recent one."""


async def fill_defaults_from_history(
    line: Command, vocabulary: CommandContext, store: Store, *, person: str, now: datetime
) -> FilledCommand:
    """Fill in the connection and the agent of a command. The log is read only if the choice is ambiguous."""
    found = fill_defaults(line, vocabulary)
    if found.open is None:
        return found
    return fill_defaults(line, vocabulary, await _known(line, store, person, now))


async def _known(line: Command, store: Store, person: str, now: datetime) -> TargetHistory:
    ids = [target.provider_id for target in line.targets if isinstance(target, IdTarget)]
    numbers = [target.phone.e164 for target in line.targets if isinstance(target, NumberTarget)]
    scheduled: set[tuple[str, str]] = set()
    for number in numbers if line.verb is Verb.CANCEL else ():
        calls = await store.call_history.scheduled_to(number, now)
        scheduled |= {(call.connection, call.agent) for call in calls if call.agent}
    kind = KINDS[line.verb] if line.verb else None
    page = await store.search.page(Query(kind=kind, requester=person), limit=LOOKED_BACK)
    return TargetHistory(
        connections=await store.call_history.connections_knowing(ids) if ids else frozenset(),
        scheduled=frozenset(scheduled),
        used=tuple(dict.fromkeys((record.connection, record.agent) for record in page.actions)),
    )


async def recent_call_to(
    store: Store, connection: str, number: str, through: ConnectionInfo, now: datetime
) -> RecentCall | None:
    """Return a recent call to the same number through the same connection, None if there is none."""
    page = await store.search.page(
        Query(kind=Kind.PLACE_CALL, connection=connection, number=number), limit=REPEATS
    )
    if not page.actions:
        return None
    records = [(await store.requests.request(record.request), record) for record in page.actions]
    return recent_calls(records, await store.call_history.scheduled_to(number, now), through, now)


async def without_known_call(store: Store, spec: RequestSpec, now: datetime) -> Sequence[str]:
    """Return the numbers of a cancellation to which no scheduled call is known.

    Return nothing if the user said when the call goes out.
    """
    if spec.reported_call_time or spec.reschedules:
        return []
    aims = [action.target for action in spec.actions if isinstance(action, CancelCall)]
    return [
        aim.to
        for aim in aims
        if isinstance(aim, NumberRef)
        and not await store.call_history.upcoming_calls(spec.connection, aim.agent, aim.to, now)
    ]
