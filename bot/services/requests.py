"""Records requests: approved, pending or refused.

Each operation reads, checks the rules, and records one request, together with its notifications.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.config.settings import Settings
from bot.policy.engine import Decision, Effect
from bot.services import call_checks
from bot.services.approvals import withdrawal
from bot.services.models import CreateResult, PermissionDeniedError, RequestSource, RequestSpec, Reschedule
from bot.services.notifications import TOLD
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.timing import decide_by
from bot.services.wakeups import Wakeups
from bot.text import outcomes
from providers.actions import (
    CallRef,
    CancelCall,
    CannotSendError,
    Code,
    Kind,
    NumberRef,
    PlaceCall,
    RequestedAction,
)
from storage.changes import NewAction, NewRequest, Notification, Recorded
from storage.errors import DuplicateRequestError
from storage.models import DoNotCallEntry, Person, Request
from storage.states import State
from storage.store import Store


@dataclass(slots=True)
class RequestService:
    """Makes the requests of people."""

    _store: Store
    _settings: Settings
    _permissions: Permissions
    _preconditions: Preconditions
    _wakeups: Wakeups
    _clock: Callable[[], datetime]

    async def check(self, spec: RequestSpec, person: Person, *, channel: str | None = None) -> Decision:
        """Return the rules' decision on a request that can be sent. Raises `CannotSendError`."""
        self._preconditions.prepare(spec)
        decision = self._permissions.may_ask(spec, person, channel=channel)
        if decision.effect is Effect.NEEDS_APPROVAL:
            decision = await self._permissions.nobody_can_approve(decision.rule, person.id) or decision
        if spec.reschedules:
            again = replace(spec, actions=(spec.reschedules.replacement,), reschedules=None)
            placing = await self.check(again, person, channel=channel)
            if not placing.allowed:
                return placing
        if decision.allowed and decision.rule and decision.rule.reason == "required" and not spec.reason:
            raise CannotSendError(outcomes.REASON_MISSING, field="reason")
        if decision.allowed:
            for action in spec.actions:
                self._preconditions.check_call(action, decision.rule, spec)
                if why := await self._preconditions.placed_elsewhere(spec.connection, action):
                    raise CannotSendError(why, field="targets")
        return decision

    async def ask(
        self, spec: RequestSpec, origin: RequestSource, *, instead_of: Request | None = None
    ) -> CreateResult:
        """Record a request: approved, pending or refused. Targets that are already requested are left out.

        ``instead_of`` is the person's own request that is withdrawn in the same transaction, if the rules
        allow the new one. Raises `storage.errors.ConflictError` if that is no longer possible.

        Raises `PermissionDeniedError` once the refusal is recorded, or `providers.actions.CannotSendError`.
        """
        placed = [*spec.actions, *([spec.reschedules.replacement] if spec.reschedules else [])]
        stops = [stop for action in placed for stop in await self._preconditions.stops(action)]
        if stops:  # calling hours do not matter for a blocked number
            decision = self._permissions.may_ask(spec, origin.person, channel=origin.channel)
        else:
            decision = await self.check(spec, origin.person, channel=origin.channel)
        if decision.allowed and stops:
            decision = Decision(Effect.DENY, (call_checks.stopped(stops),), decision.rule)
        joined: dict[str, Request] = {}
        left = list(spec.actions)
        while left:
            try:
                new = await self._request(replace(spec, actions=left), origin, decision)
                if stops:
                    new = replace(new, code=Code.COMPLIANCE_BLOCKED)
                recorded = await self._record(new, instead_of if decision.allowed else None, origin.person)
            except DuplicateRequestError as already:
                joined |= {request.id: request for request in already.by.values()}
                left = [action for place, action in enumerate(left) if place not in already.by]
                continue
            if not decision.allowed:
                why = await self._preconditions.who_stopped(stops) if stops else decision.reasons
                raise PermissionDeniedError(why, recorded.request)
            self._wakeups.all()
            left_out = len(spec.actions) - len(left)
            return CreateResult(recorded.request, recorded.created, tuple(joined.values()), left_out)
        waiting = tuple(joined.values())
        return CreateResult(waiting[0], created=False, duplicates_of=waiting, skipped=len(spec.actions))

    async def _record(self, new: NewRequest, instead_of: Request | None, person: Person) -> Recorded:
        if instead_of is None:
            return await self._store.requests.create(new)
        return await self._store.requests.replace(withdrawal(instead_of, person), new)

    async def record_unsupported(
        self, spec: RequestSpec, origin: RequestSource, refused: CannotSendError
    ) -> Request:
        """Record a request that a provider does not support. The user can still correct the form."""
        decision = Decision(Effect.DENY, (refused.message,))
        new = await self._request(spec, replace(origin, nonce=None), decision)
        return (await self._store.requests.create(replace(new, code=refused.code))).request

    async def _request(self, spec: RequestSpec, origin: RequestSource, decision: Decision) -> NewRequest:
        if len({self._preconditions.fingerprint(spec.connection, action) for action in spec.actions}) > 1:
            raise RuntimeError("a request is bound to one account and agent: ask for each in one of its own")
        now = self._clock()
        actions = [await self._new_action(spec.connection, action, now) for action in spec.actions]
        rule = decision.rule
        known = [action.scheduled_for for action in actions if action.scheduled_for]
        said = spec.reported_call_time if len(known) < len(actions) else None
        end = None
        if decision.effect is Effect.NEEDS_APPROVAL and rule:
            times = [*known, *([said] if said else []), *_time_after(spec.reschedules)]
            end = decide_by(now, rule.expires, times, margin=self._settings.dispatch.send_margin)
        state, posts = {
            Effect.ALLOW: (State.APPROVED, (Notification("state", "audit"),)),
            Effect.NEEDS_APPROVAL: (
                State.PENDING,
                (Notification("state", "audit"), Notification("state", "card")),
            ),
            Effect.DENY: (State.REFUSED, ()),
        }[decision.effect]
        posts += tuple(Notification(TOLD, f"dm:{person}") for person in sorted(decision.notify))
        return NewRequest(
            kind=spec.kind,
            connection=spec.connection,
            fingerprint=self._preconditions.fingerprint(spec.connection, spec.actions[0]),
            requester=origin.person.id,
            team=origin.person.team,
            actions=actions,
            state=state,
            rule=rule.name if rule else None,
            approvals_needed=rule.approvals if rule and decision.effect is Effect.NEEDS_APPROVAL else 0,
            decide_by=end,
            channel=origin.channel,
            reason=spec.reason,
            purpose=spec.purpose,
            consent=spec.consent,
            code=None if decision.allowed else Code.REJECTED,
            message=None if decision.allowed else " ".join(decision.reasons),
            delivery_key=origin.delivery_key,
            nonce=origin.nonce,
            notifications=posts,
            mode=self._preconditions.mode(spec.connection),
            deduplicate=decision.allowed and spec.kind.of_rows is not Kind.PLACE_CALL,
            reported_call_time=said,
            reschedules=spec.reschedules.action if spec.reschedules else None,
            new_time=spec.reschedules.replacement.at if spec.reschedules else None,
            second_step_of=spec.second_step_of,
            zone=spec.zone,
            tell_me=spec.tell_me,
            reasons="\n".join(decision.reasons),
        )

    async def cancel_for(self, stop: DoNotCallEntry, spec: RequestSpec, origin: RequestSource) -> Request:
        """Record the cancellations of a stop as approved, whatever the rules say, and never as duplicates.

        Raises `providers.actions.CannotSendError`.
        """
        self._preconditions.prepare(spec)
        new = await self._request(spec, origin, Decision(Effect.ALLOW, ()))
        recorded = await self._store.requests.create(replace(new, deduplicate=False, stop=stop.id))
        self._wakeups.all()
        return recorded.request

    async def request_row(
        self,
        asked: Request,
        row: int,
        spec: RequestSpec,
        origin: RequestSource,
        refused: CannotSendError | None,
    ) -> Request:
        """Record the request of a row of an approved call list, approved as the list is, or refused.

        A row has one request, however often this is called. Raises `storage.errors.DuplicateRequestError` if
        its target has one under way.
        """
        decision = Decision(Effect.ALLOW, (), self._permissions.rule_of(asked))
        if refused:
            decision = replace(decision, effect=Effect.DENY, reasons=(refused.message,))
        new = await self._request(spec, origin, decision)
        new = replace(new, rule=asked.rule, notifications=(), call_list=asked.id, row=row)
        recorded = await self._store.requests.create(replace(new, code=refused.code) if refused else new)
        return recorded.request

    async def _new_action(self, connection: str, action: RequestedAction, now: datetime) -> NewAction:
        match action:
            case PlaceCall(to=to, at=at):
                return NewAction(action, number=to, scheduled_for=at)
            case CancelCall(target=NumberRef(agent=agent, to=to)):
                known = await self._store.call_history.upcoming_calls(connection, agent, to, now)
                return NewAction(action, number=to, scheduled_for=known[0].scheduled_for if known else None)
            case CancelCall(target=CallRef(call_id=call_id)):
                call = await self._store.call_history.find_scheduled(connection, call_id, now)
                return NewAction(action, scheduled_for=call.scheduled_for if call else None)
            case _:
                return NewAction(action)


def _time_after(move: Reschedule | None) -> list[datetime]:
    """Return the new time of a rescheduled call, as it limits the time for a decision."""
    return [move.replacement.at] if move and move.replacement.at else []
