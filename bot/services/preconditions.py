"""Whether an action can be sent: its connection, its number, its time, and what else was asked meanwhile.

Asked before a request is recorded, before it is approved, and once more before it is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.config.settings import SettingsHolder
from bot.policy.rules import Rule
from bot.services import call_checks
from bot.services.models import RequestSpec
from bot.services.permissions import Permissions
from bot.text import outcomes, scheduled_calls
from providers.actions import (
    CallAction,
    CallRef,
    CancelCall,
    CannotSendError,
    Code,
    Kind,
    NumberRef,
    PlaceCall,
)
from providers.base import Adapter, Context, Prepared
from storage.models import ActionRecord, DoNotCallEntry, Query, Request
from storage.states import State
from storage.store import Store

CHECKED: Final = "A-0000"
"""The id that a request is checked with before it has one."""
_CANCELLING: Final = frozenset({State.APPROVED, State.SENDING, State.UNKNOWN, State.SUCCEEDED})
"""How a cancellation stands that was let pass, and did not come to nothing."""


@dataclass(slots=True)
class Preconditions:
    """What must hold for an action to be sent, whoever asks for it."""

    _store: Store
    _settings: SettingsHolder
    _adapters: Mapping[str, Adapter]
    _permissions: Permissions
    _clock: Callable[[], datetime]

    def adapter(self, connection: str) -> Adapter:
        """A connection's adapter. Raises `providers.actions.CannotSendError` for one that is off or gone."""
        found = self._adapters.get(connection)
        if found is None:
            why = self._settings.current.off.get(connection, outcomes.NOT_CONFIGURED)
            said = outcomes.connection_off(connection, why)
            raise CannotSendError(said, code=Code.CONFIG_ERROR, field="connection")
        return found

    def prepare(self, wish: RequestSpec) -> list[Prepared]:
        """Build every request without sending it. Raises `providers.actions.CannotSendError`."""
        context = Context(now=self._clock(), action_id=CHECKED)
        adapter = self.adapter(wish.connection)
        return [adapter.prepare(action, context) for action in wish.actions]

    def fingerprint(self, connection: str, action: CallAction) -> str:
        """What a request is bound to: the provider's host and account, and the agent behind the name."""
        match action:
            case PlaceCall(agent=agent) | CancelCall(target=NumberRef(agent=agent)):
                return self._adapters[connection].fingerprint(agent)
            case _:
                return self._adapters[connection].fingerprint(None)

    def mode(self, connection: str) -> str | None:
        """How a connection is set up to send: None for really, else ``dry-run``."""
        mode = self._adapters[connection].settings.mode
        return None if mode == "live" else mode

    def goes_where(self, request: Request) -> bool:
        """Whether what a request asked for would go now where it went then: to that account and agent."""
        first = request.entries[0].action
        if first is None or request.connection not in self._adapters:
            return False
        return self.fingerprint(request.connection, first) == request.fingerprint

    async def is_from_a_backup(self, entry: ActionRecord) -> bool:
        """Whether an action stands as in a backup that was put back: it may have been sent since."""
        copied = await self._store.audit.copied_at()
        return copied is not None and entry.updated_at <= copied

    async def placed_elsewhere(self, connection: str, action: CallAction) -> str | None:
        """Return why a cancellation cannot reach the calls that it is aimed at, or None; None for all else.

        They were placed before the connection was changed to another account or agent, where the same id or
        number may be somebody else's call, or none.
        """
        now = self._clock()
        match action:
            case CancelCall(target=NumberRef(agent=agent, to=to)):
                known = list(await self._store.call_history.upcoming_calls(connection, agent, to, now))
            case CancelCall(target=CallRef(call_id=call_id)):
                one = await self._store.call_history.find_scheduled(connection, call_id, now)
                known = [one] if one else []
            case _:
                return None
        here = self.fingerprint(connection, action)
        where = [(await self._store.requests.request(call.request)).fingerprint for call in known]
        if not known or any(one.startswith(here) for one in where):
            return None
        return scheduled_calls.placed_elsewhere(connection, [call.id for call in known])

    async def stops(self, action: CallAction) -> Sequence[DoNotCallEntry]:
        """Why a call may not be placed whoever asks: calls to its number are stopped. Empty for all else."""
        return await self._store.do_not_call.stops(action.to) if isinstance(action, PlaceCall) else ()

    async def who_stopped(self, stops: Sequence[DoNotCallEntry]) -> list[str]:
        """Why calls to a number are stopped, in words for the person who wants to call."""
        stopper = await self._store.users.person(stops[0].by)
        return call_checks.stopped_by(stops, stopper.name if stopper else None)

    def check_call(self, action: CallAction, rule: Rule | None, said: RequestSpec | Request) -> None:
        """Check that a call may go out when it should, as described.

        Raises `providers.actions.CannotSendError`.
        """
        if isinstance(action, PlaceCall):
            call_checks.check(
                action,
                self._settings.current,
                rule,
                said.connection,
                purpose=said.purpose,
                consent=said.consent,
                zone=said.zone,
                connection_zone=getattr(self.adapter(said.connection).settings, "timezone", None),
                now=self._clock(),
            )

    async def check_zone(self, request: Request) -> None:
        """Raise `CannotSendError` for a time zone that a number to be called cannot be in."""
        if request.zone is None:
            return
        moved = (
            (await self._store.requests.request(request.reschedules)).entries if request.reschedules else ()
        )
        for entry in (*request.entries, *moved):
            if isinstance(entry.action, PlaceCall):
                call_checks.check_zone(entry.action, self._settings.current, request.zone)

    async def cannot_move(self, request: Request) -> str | None:
        """Return why a move must not cancel its call any more, or None; None for all else.

        A call that somebody else cancelled is not placed again. Where a connection cancels by number, the
        other calls to it would go as well.
        """
        if not request.reschedules:
            return None
        if gone := (await self._store.requests.request(request.reschedules)).cancelled:
            return scheduled_calls.cancelled_by(gone.by)
        numbers = [
            entry.action.target
            for entry in request.entries
            if isinstance(entry.action, CancelCall) and isinstance(entry.action.target, NumberRef)
        ]
        coming = [
            await self._store.call_history.upcoming_calls(
                request.connection, one.agent, one.to, self._clock()
            )
            for one in numbers
        ]
        beside = [call.id for calls in coming for call in calls if call.id != request.reschedules]
        return scheduled_calls.placed_since(request.connection, beside) if beside else None

    async def cancelled_since(self, request: Request, call: PlaceCall) -> str | None:
        """Return the request that cancels all to a call's number and was asked since ``request``, or None.

        Otherwise a call that waits here would go out after its cancellation found nothing. A move cancels
        one call only.
        """
        query = Query(connection=request.connection, number=call.to, since=request.asked_at)
        for entry in (await self._store.search.page(query)).entries:  # newest first
            if entry.request == request.id:
                break
            cancels = entry.kind is Kind.CANCEL_CALL and entry.agent == call.agent
            if cancels and entry.state in _CANCELLING:
                other = await self._store.requests.request(entry.request)
                if not other.reschedules:
                    return other.id
        return None

    async def check_before_sending(self, request: Request, action: CallAction) -> None:
        """Whether a call may still go out. Raises `providers.actions.CannotSendError`."""
        if stops := await self.stops(action):
            raise CannotSendError(call_checks.stopped(stops), code=Code.COMPLIANCE_BLOCKED)
        if isinstance(action, PlaceCall) and (other := await self.cancelled_since(request, action)):
            raise CannotSendError(scheduled_calls.cancelled_before(other))
        await self.check_zone(request)
        self.check_call(action, self._permissions.rule_of(request), request)
        if why := await self.cannot_move(request):
            raise CannotSendError(why)
