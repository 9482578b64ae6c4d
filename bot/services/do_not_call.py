"""Stops all calls to a number, and allows them again.

The number is blocked first, so that no new call to it begins. Then pending calls are withdrawn, and every
connection that can cancels its calls. There is one request for each agent, or for all the calls known by id.
These requests need no approval and are never deduplicated, because the recipient asked not to be called.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.config.settings import Settings
from bot.parsing.parser import MAX_TARGETS
from bot.services.models import (
    DoNotCallPreview,
    DoNotCallResult,
    PermissionDeniedError,
    RequestSource,
    RequestSpec,
)
from bot.services.notifications import with_card
from bot.services.outcomes import stop_retrying
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.services.wakeups import Wakeups
from bot.text import do_not_call, scheduled_calls
from providers.actions import CallAction, CallRef, CancelCall, CannotSendError, Code, Kind, NumberRef
from providers.base import Adapter
from providers.phone import Phone, mask
from storage.changes import ChangeSet, Notification, Transition
from storage.errors import ConflictError
from storage.models import ActionRecord, DoNotCallEntry, Person, Request
from storage.queries import Query
from storage.repositories.do_not_call import StopLiftedError, StopSharedError
from storage.states import State
from storage.store import Store

QUEUED_LATELY: Final = timedelta(days=1)
"""The time for which an immediate call may wait at its provider, or be retried there."""
STOPPED: Final = "call_stopped"
"""The event and the notification of a pending call that is withdrawn because calls to its number were
stopped."""
UNDO_WITHIN: Final = timedelta(minutes=10)
"""The time in which a person may undo their own stop."""
_PAGE: Final = 200
_WAITS: Final = frozenset({State.PENDING, State.APPROVED})


@dataclass(slots=True)
class DoNotCallService:
    """Stops and allows calls to numbers."""

    _store: Store
    _settings: Settings
    _permissions: Permissions
    _preconditions: Preconditions
    _requests: RequestService
    _adapters: Mapping[str, Adapter]
    _wakeups: Wakeups
    _clock: Callable[[], datetime]

    async def preview(self, phone: Phone, person: Person) -> DoNotCallPreview:
        """Return what a stop of a number would do. Raises `PermissionDeniedError`."""
        self._check_eligible(person)
        stops = await self._store.do_not_call.stops(phone.e164)
        waiting = [record async for record in self._placed(phone.e164) if record.state in _WAITS]
        scheduled = await self._store.call_history.scheduled_to(phone.e164, self._clock())
        why = {record.id: await self._cannot_cancel(record, phone) for record in scheduled}
        return DoNotCallPreview(
            phone,
            next((stop for stop in stops if stop.list is None), None),
            waiting,
            scheduled,
            {action: reason for action, reason in why.items() if reason},
        )

    async def _cannot_cancel(self, call: ActionRecord, phone: Phone) -> str | None:
        """Return why a stop could not cancel a scheduled call. Return None if it can."""
        name = call.connection
        adapter = self._adapters.get(name)
        if adapter is None:
            why = self._settings.off.get(name)
            return do_not_call.off(why) if why else do_not_call.NOT_CONFIGURED
        cancels = adapter.capability(Kind.CANCEL_CALL)
        if cancels is None:
            return do_not_call.CANCELS_NONE
        target: NumberRef | CallRef
        if cancels.target is NumberRef:
            target = NumberRef(agent=call.agent or "", to=phone.e164)
        elif call.reference:
            target = CallRef(call_id=call.reference)
        else:
            return scheduled_calls.has_no_id(name)
        here = self._preconditions.fingerprint(name, CancelCall(target=target))
        placed = (await self._store.requests.request(call.request)).fingerprint
        return None if placed.startswith(here) else scheduled_calls.placed_elsewhere(name, [call.id])

    def _check_eligible(self, person: Person) -> None:
        """Raise `PermissionDeniedError` unless the person may stop calls."""
        if why := self._permissions.ineligible_reason(person):
            raise PermissionDeniedError([why])

    async def add(self, phone: Phone, origin: RequestSource, reason: str | None) -> DoNotCallResult:
        """Stop all calls to a number. Any full member may do so. A second stop cancels again what it finds.

        Another press of the same button, by its nonce, finishes what the first press began.

        Raises `PermissionDeniedError`.
        """
        self._check_eligible(origin.person)
        try:
            stop, fresh = await self._store.do_not_call.add(
                phone.e164,
                masked=mask(phone.e164),
                actor=origin.person.id,
                reason=reason,
                nonce=origin.nonce,
            )
        except StopLiftedError as lifted:
            raise PermissionDeniedError([do_not_call.LIFTED_SINCE]) from lifted
        report = DoNotCallResult(phone, stop, fresh)
        placed = [record async for record in self._placed(phone.e164)]
        await self._withdraw(placed, origin.person, report)
        await self._cancel(placed, origin, reason or do_not_call.ASKED_FOR, report)
        self._wakeups.all()
        return report

    async def remove(
        self, phone: Phone, person: Person, reason: str
    ) -> tuple[DoNotCallEntry | None, Sequence[DoNotCallEntry]]:
        """Allow calls to a number again. Return the stop that was removed, and the stops that remain.

        Raises `PermissionDeniedError`.
        """
        decision = self._permissions.may_unblock(person)
        if not decision.allowed:
            raise PermissionDeniedError(decision.reasons)
        lifted = await self._store.do_not_call.remove(
            phone.e164, masked=mask(phone.e164), actor=person.id, reason=reason
        )
        self._wakeups.all()
        return lifted, await self._store.do_not_call.stops(phone.e164)

    async def undo(self, stop: str, person: Person) -> tuple[DoNotCallEntry, Sequence[DoNotCallEntry]]:
        """Undo a person's own new stop. Return it, and the stops that remain. Cancelled calls stay cancelled.

        Raises `PermissionDeniedError`.
        """
        self._check_eligible(person)
        now = self._clock()
        try:
            undone = await self._store.do_not_call.undo(stop, actor=person.id, not_before=now - UNDO_WITHIN)
        except StopSharedError as shared:
            raise PermissionDeniedError([do_not_call.SHARED]) from shared
        if undone:
            self._wakeups.all()
            return undone
        made, *later = await self._store.requests.events(stop)
        if made.actor != person.id:
            why = do_not_call.NOT_YOURS_TO_UNDO
            await self._store.audit.record_denied_attempt(actor=person.id, where="undo", reason=why)
            raise PermissionDeniedError([why])
        raise PermissionDeniedError([do_not_call.LIFTED_ALREADY if later else do_not_call.TOO_LATE_TO_UNDO])

    async def _placed(self, number: str) -> AsyncIterator[ActionRecord]:
        """Yield every call to a number that was ever requested here, newest first."""
        query, after = Query(kind=Kind.PLACE_CALL, number=number), None
        while True:
            page = await self._store.search.page(query, after=after, limit=_PAGE)
            for record in page.actions:
                yield record
            if page.after is None:
                return
            after = page.after

    async def _withdraw(
        self, placed: Iterable[ActionRecord], person: Person, report: DoNotCallResult
    ) -> None:
        """Withdraw the pending calls, and record in the report those that may go out or may have gone out."""
        for record in placed:
            now = record
            while now.state in _WAITS:
                request = await self._store.requests.request(now.request)
                try:
                    await self._store.requests.apply(_withdrawal(request, now, person, report.stop))
                    break
                except ConflictError as conflict:  # another change came first: read the current state
                    now = next(one for one in conflict.current.actions if one.id == record.id)
            if now.state in _WAITS and not now.maybe_executed:
                report.withdrawn.append(record.id)
            elif now.state is State.SENDING:
                report.going_out.append(record.id)
            elif now.state is State.UNKNOWN or now.maybe_executed:
                report.unknown.append(record.id)

    async def _cancel(
        self, placed: Sequence[ActionRecord], origin: RequestSource, reason: str, report: DoNotCallResult
    ) -> None:
        number = report.phone.e164
        due = {record.id for record in await self._store.call_history.scheduled_to(number, self._clock())}
        for name, adapter in self._adapters.items():
            here = [record for record in placed if record.connection == name]
            parts: list[Sequence[CallAction]] = []
            cancels = adapter.capability(Kind.CANCEL_CALL)
            if cancels is None:
                report.not_cancelled[name] = do_not_call.CANCELS_NONE
            elif cancels.target is NumberRef:
                # A request has one fingerprint, and with it one agent.
                parts = [[action] for action in _by_number(adapter, here, number)]
                if not parts:
                    report.not_cancelled[name] = do_not_call.NO_AGENT
            else:
                actions = [action async for action in self._by_id(here, due, report)]
                parts = [actions[at : at + MAX_TARGETS] for at in range(0, len(actions), MAX_TARGETS)]
                if not parts:
                    report.not_cancelled.setdefault(name, do_not_call.NO_CALL_KNOWN)
            for part, some in enumerate(parts):
                await self._ask(name, some, origin, reason, part, report)
        for name, why in self._settings.off.items():
            report.not_cancelled[name] = do_not_call.off(why)

    async def _by_id(
        self, placed: Sequence[ActionRecord], due: set[str], report: DoNotCallResult
    ) -> AsyncIterator[CallAction]:
        """Yield cancellations, by provider's id, of the calls that go out later or may still be queued."""
        now = self._clock()
        for record in placed:
            queued = record.code is Code.QUEUED and now - record.updated_at < QUEUED_LATELY
            if record.state is not State.SUCCEEDED or record.reference is None:
                continue
            cancel = CancelCall(target=CallRef(call_id=record.reference))
            account = self._preconditions.fingerprint(record.connection, cancel)
            if why := await self._preconditions.placed_elsewhere(record.connection, cancel):
                report.not_cancelled[record.connection] = why
            elif record.id in due or (
                queued
                and await self._store.call_history.seen(record.connection, account, record.reference, now)
            ):
                yield cancel

    async def _ask(
        self,
        connection: str,
        actions: Sequence[CallAction],
        origin: RequestSource,
        reason: str,
        part: int,
        report: DoNotCallResult,
    ) -> None:
        """Make one request through one connection. Its own idempotency keys make it once on redelivery."""
        once = replace(
            origin,
            delivery_key=f"{origin.delivery_key}:{connection}:{part}",
            nonce=f"{origin.nonce}:{connection}:{part}" if origin.nonce else None,
        )
        try:
            spec = RequestSpec(connection, actions, reason)
            request = await self._requests.cancel_for(report.stop, spec, once)
        except CannotSendError as refused:
            report.not_cancelled[connection] = refused.message
        else:
            if request.mode:
                report.not_cancelled[connection] = do_not_call.dry_run(request.id)
            else:
                report.cancelling.append(request)
            for action in actions:
                if why := await self._preconditions.placed_elsewhere(connection, action):
                    report.not_cancelled[connection] = why


def _by_number(adapter: Adapter, placed: Sequence[ActionRecord], number: str) -> Iterator[CallAction]:
    """Yield a cancellation for each configured agent, and for each agent that called the number before."""
    agents = dict.fromkeys([*adapter.agents, *(record.agent for record in placed if record.agent)])
    for agent in agents:
        yield CancelCall(target=NumberRef(agent=agent, to=number))


def _withdrawal(request: Request, record: ActionRecord, person: Person, stop: DoNotCallEntry) -> ChangeSet:
    """Return the change set that withdraws a pending call because calls to its number were stopped."""
    if record.maybe_executed:
        move = stop_retrying(record, "order_withdrawn", do_not_call.SINCE_THEN)
    else:
        changes = {"code": Code.COMPLIANCE_BLOCKED, "message": do_not_call.not_placed(stop.id)}
        move = Transition(record.id, STOPPED, frozenset({record.state}), State.WITHDRAWN, changes=changes)
    posts = [Notification("state", "audit"), Notification(STOPPED, "thread")]
    if request.requester != person.id:
        posts.append(Notification(STOPPED, f"dm:{request.requester}"))
    return ChangeSet(request.id, person.id, [move], notifications=with_card(request, posts))
