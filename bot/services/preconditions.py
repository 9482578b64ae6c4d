"""Checks whether an action can be sent: connection, number, time, and requests made meanwhile.

The checks run before a request is recorded, before it is approved, and again before it is sent.
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
    CallList,
    CallRef,
    CancelCall,
    CannotSendError,
    Code,
    Kind,
    NumberRef,
    PlaceCall,
    RequestedAction,
)
from providers.base import Adapter, Context, Prepared
from storage.models import ActionRecord, DoNotCallEntry, Request
from storage.queries import Query
from storage.states import State
from storage.store import Store

CHECKED: Final = "A-0000"
"""The id that a request is checked with before it has one."""
_CANCELLING: Final = frozenset({State.APPROVED, State.SENDING, State.UNKNOWN, State.SUCCEEDED})
"""The states of a cancellation that was approved and did not fail."""


@dataclass(slots=True)
class Preconditions:
    """Checks the conditions for an action to be sent, whoever requests it."""

    _store: Store
    _settings: SettingsHolder
    _adapters: Mapping[str, Adapter]
    _permissions: Permissions
    _clock: Callable[[], datetime]

    def adapter(self, connection: str) -> Adapter:
        """Return a connection's adapter. Raises `CannotSendError` if it is disabled or removed."""
        found = self._adapters.get(connection)
        if found is None:
            why = self._settings.current.off.get(connection, outcomes.NOT_CONFIGURED)
            said = outcomes.connection_off(connection, why)
            raise CannotSendError(said, code=Code.CONFIG_ERROR, field="connection")
        return found

    def prepare(self, spec: RequestSpec) -> list[Prepared]:
        """Build every HTTP request without sending it. Raises `providers.actions.CannotSendError`."""
        context = Context(now=self._clock(), action_id=CHECKED)
        adapter = self.adapter(spec.connection)
        return [adapter.prepare(one, context) for one in spec.actions if not isinstance(one, CallList)]

    def fingerprint(self, connection: str, action: RequestedAction) -> str:
        """Return the fingerprint of the provider's host, the account and the agent of an action."""
        match action:
            case PlaceCall(agent=agent) | CancelCall(target=NumberRef(agent=agent)):
                return self._adapters[connection].fingerprint(agent)
            case _:
                return self._adapters[connection].fingerprint(None)

    def mode(self, connection: str) -> str | None:
        """Return ``dry-run`` if a connection sends nothing, None if it is live."""
        mode = self._adapters[connection].settings.mode
        return None if mode == "live" else mode

    def goes_where(self, request: Request) -> bool:
        """Return whether a request's actions would still go to the same account and agent."""
        first = request.actions[0].action
        if first is None or request.connection not in self._adapters:
            return False
        return self.fingerprint(request.connection, first) == request.fingerprint

    async def is_from_a_backup(self, record: ActionRecord) -> bool:
        """Return whether an action's state is from a restored backup, so that it may have been sent since."""
        copied = await self._store.audit.copied_at()
        return copied is not None and record.updated_at <= copied

    async def placed_elsewhere(self, connection: str, action: RequestedAction) -> str | None:
        """Return why a cancellation cannot reach its calls, None if it can or for other actions.

        Its calls were placed before the connection was changed to another account or agent. The same id or
        number may belong to another call there, or to none.
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

    async def stops(self, action: RequestedAction) -> Sequence[DoNotCallEntry]:
        """Return the stops of the number of a call to be placed. They are empty for all other actions."""
        return await self._store.do_not_call.stops(action.to) if isinstance(action, PlaceCall) else ()

    async def who_stopped(self, stops: Sequence[DoNotCallEntry]) -> list[str]:
        """Return why calls to a number are stopped, in words for the requester."""
        stopper = await self._store.users.person(stops[0].by)
        return call_checks.stopped_by(stops, stopper.name if stopper else None)

    def check_call(self, action: RequestedAction, rule: Rule | None, said: RequestSpec | Request) -> None:
        """Check that a call may go out at its time.

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
            (await self._store.requests.request(request.reschedules)).actions if request.reschedules else ()
        )
        for record in (*request.actions, *moved):
            if isinstance(record.action, PlaceCall):
                call_checks.check_zone(record.action, self._settings.current, request.zone)

    async def cannot_move(self, request: Request) -> str | None:
        """Return why a reschedule must no longer cancel its call, None if it may or for other requests.

        A call that another person cancelled is not placed again. If a connection cancels by number, the other
        calls to the number would be cancelled, too.
        """
        if not request.reschedules:
            return None
        if gone := (await self._store.requests.request(request.reschedules)).cancelled:
            return scheduled_calls.cancelled_by(gone.by)
        numbers = [
            record.action.target
            for record in request.actions
            if isinstance(record.action, CancelCall) and isinstance(record.action.target, NumberRef)
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
        """Return the id of a later request that cancels all calls to a call's number, None if there is none.

        Without this check, a pending call would go out after its cancellation found nothing. A reschedule
        cancels one call only.
        """
        since = request.asked_at
        if request.call_list:  # the row waited since then
            since = (await self._store.requests.request(request.call_list)).asked_at
        query = Query(connection=request.connection, number=call.to, since=since)
        for record in (await self._store.search.page(query)).actions:  # newest first
            if record.request == request.id and not request.call_list:
                break
            cancels = record.kind is Kind.CANCEL_CALL and record.agent == call.agent
            if cancels and record.state in _CANCELLING:
                other = await self._store.requests.request(record.request)
                if not other.reschedules:
                    return other.id
        return None

    async def check_before_sending(self, request: Request, action: RequestedAction) -> None:
        """Check that a call may still go out. Raises `providers.actions.CannotSendError`."""
        if stops := await self.stops(action):
            raise CannotSendError(call_checks.stopped(stops), code=Code.COMPLIANCE_BLOCKED)
        if isinstance(action, PlaceCall) and (other := await self.cancelled_since(request, action)):
            raise CannotSendError(scheduled_calls.cancelled_before(other))
        await self.check_zone(request)
        self.check_call(action, self._permissions.rule_of(request), request)
        if why := await self.cannot_move(request):
            raise CannotSendError(why)
