"""What people do to actions: ask, approve, deny, take back, settle. The only code that moves one for people.

Each operation reads, decides by the rules, and makes one change in the log, together with the posts that tell
of it. Losing a race is an answer, not an error: `storage.errors.Conflict` says who was first.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from bot.config.settings import Settings
from bot.policy import engine
from bot.policy.engine import Case, Decision, Effect
from bot.policy.matching import wanted
from bot.policy.rules import Rule
from bot.services import call_checks
from bot.services.notifications import APPROVED_IN_PART, TOLD, answered, confirmation, with_card
from bot.services.outcomes import not_again
from bot.services.timing import decide_by
from bot.slack.users import Directory
from bot.text import interactions, outcomes, policy_reasons, scheduled_calls
from bot.text.interactions import Evidence
from providers.actions import CallAction, CallRef, CancelCall, Code, Kind, NumberRef, PlaceCall, Refused
from providers.base import Adapter, Context, Prepared
from storage.errors import AlreadyAsked, Conflict
from storage.models import (
    Approval,
    Change,
    LogEntry,
    Move,
    NewAction,
    NewRequest,
    Note,
    Person,
    Post,
    Query,
    Request,
    Stop,
    Waiting,
)
from storage.states import State
from storage.store import Store

_CANCELLING = frozenset({State.APPROVED, State.SENDING, State.UNKNOWN, State.SUCCEEDED})
"""How a cancellation stands that was let pass, and did not come to nothing."""
CHECKED = "A-0000"
"""The id that a request is checked with before it has one."""


ATTEMPTED = "attempted"
"""A note: somebody wanted to decide, or to settle, who may not; ``what`` and ``why`` in its data."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The call that a cancellation is to move: its entry, and what is placed once it is cancelled."""

    entry: str
    again: PlaceCall


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants done, complete, but not asked yet."""

    connection: str
    actions: Sequence[CallAction]
    reason: str | None = None
    purpose: str | None = None
    consent: str | None = None
    goes_out: datetime | None = None
    """When a call to be cancelled goes out, as the person says; what the log knows counts more."""
    moves: Moved | None = None
    follows: str | None = None
    """The move whose second step this is."""
    zone: str | None = None
    """The time zone of whoever is called (an IANA name), as the person says."""

    @property
    def kind(self) -> Kind:
        """What all its actions are."""
        return self.actions[0].kind


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: the person, the channel, and the keys that make it once."""

    person: Person
    channel: str | None
    inbound: str
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: a new request, or the one that the same intent had made (``fresh`` is False).

    ``joined`` are the requests that ask already for the ``left_out`` targets; where that is all of them,
    ``request`` is the first of those, and nothing was recorded.
    """

    request: Request
    fresh: bool
    joined: tuple[Request, ...] = ()
    left_out: int = 0

    @property
    def nothing_new(self) -> bool:
        """Whether everything had been asked before."""
        return self.request in self.joined


class NotAllowed(Exception):
    """The rules say no; ``why`` is for the person, ``request`` where the refusal itself was recorded."""

    def __init__(self, why: Sequence[str], request: Request | None = None) -> None:
        super().__init__(" ".join(why))
        self.why = tuple(why)
        self.request = request


class Settlement(StrEnum):
    """What an entitled person says of an unknown."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"
    ORDERED = "ordered"
    """Nobody knows; send it again."""


class Operations:
    """What people can do. ``wake`` is called whenever the machine has something new to do."""

    def __init__(
        self,
        log: Store,
        settings: Settings,
        directory: Directory,
        adapters: Mapping[str, Adapter],
        *,
        team: str,
        clock: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._log = log
        self._settings = settings
        self._directory = directory
        self._adapters = adapters
        self._team = team
        self._clock = clock
        self._wake = wake

    def wake(self) -> None:
        """Say that the machine has something new to do."""
        self._wake()

    def prepare(self, wish: Wish) -> list[Prepared]:
        """Build every request without sending it. Raises `providers.actions.Refused`."""
        context = Context(now=self._clock(), action_id=CHECKED)
        adapter = self.adapter(wish.connection)
        return [adapter.prepare(action, context) for action in wish.actions]

    def adapter(self, connection: str) -> Adapter:
        """A connection's adapter. Raises `providers.actions.Refused` for one that is off or gone."""
        found = self._adapters.get(connection)
        if found is None:
            why = self._settings.off.get(connection, outcomes.NOT_CONFIGURED)
            said = outcomes.connection_off(connection, why)
            raise Refused(said, code=Code.CONFIG_ERROR, field="connection")
        return found

    def standing(self, person: Person) -> str | None:
        """Why somebody may do nothing at all here, not even read, or None."""
        return engine.standing(person, self._team)

    def follow(self, settings: Settings) -> None:
        """Go by other rules from now on."""
        self._settings = settings

    def may_read(self, person: Person) -> Decision:
        """Whether somebody may search the log."""
        return engine.at_reading(self._settings.rules, self._directory.members(), person, team=self._team)

    @property
    def rules(self) -> Sequence[Rule]:
        """The rules in force."""
        return self._settings.rules

    def may_open(self, person: Person, kind: Kind) -> Decision:
        """What the rules say to somebody who is about to fill in a form."""
        members, now = self._directory.members(), self._clock()
        return engine.at_opening(self.rules, members, person, kind, team=self._team, now=now)

    def may_ask(self, wish: Wish, person: Person, *, channel: str | None) -> Decision:
        """What the rules say to somebody who is about to ask."""
        asked = wanted(
            wish.connection, wish.kind, wish.actions, at=self._clock(), channel=channel, reason=wish.reason
        )
        members = self._directory.members()
        return engine.at_request(self._settings.rules, members, person, asked, team=self._team)

    async def check(self, wish: Wish, person: Person, *, channel: str | None = None) -> Decision:
        """What the rules say to a wish that can be sent. Raises `providers.actions.Refused`."""
        self.prepare(wish)
        decision = self.may_ask(wish, person, channel=channel)
        if decision.effect is Effect.ASK:
            decision = await self.nobody_can_approve(decision.rule, person.id) or decision
        if wish.moves:
            again = replace(wish, actions=(wish.moves.again,), moves=None)
            placing = await self.check(again, person, channel=channel)
            if not placing.allowed:
                return placing
        if decision.allowed and decision.rule and decision.rule.reason == "required" and not wish.reason:
            raise Refused(outcomes.REASON_MISSING, field="reason")
        if decision.allowed:
            for action in wish.actions:
                self._check_call(action, decision.rule, wish)
                if why := await self.placed_elsewhere(wish.connection, action):
                    raise Refused(why, field="targets")
        return decision

    async def placed_elsewhere(self, connection: str, action: CallAction) -> str | None:
        """Return why a cancellation cannot reach the calls that it is aimed at, or None; None for all else.

        They were placed before the connection was changed to another account or agent, where the same id or
        number may be somebody else's call, or none.
        """
        now = self._clock()
        match action:
            case CancelCall(target=NumberRef(agent=agent, to=to)):
                known = list(await self._log.call_history.coming_up(connection, agent, to, now))
            case CancelCall(target=CallRef(call_id=call_id)):
                one = await self._log.call_history.known_call(connection, call_id, now)
                known = [one] if one else []
            case _:
                return None
        here = self.fingerprint(connection, action)
        where = [(await self._log.requests.request(call.request)).fingerprint for call in known]
        if not known or any(one.startswith(here) for one in where):
            return None
        return scheduled_calls.placed_elsewhere(connection, [call.id for call in known])

    async def nobody_can_approve(self, rule: Rule | None, requester: str) -> Decision | None:
        """Return a denial where too few people could approve under a rule now, or None."""
        if rule is None:
            return Decision(Effect.DENY, (policy_reasons.RULE_GONE,))
        members = self._directory.members()
        possible = engine.approvers(rule, members, Case(requester, self._team, escalated=True))
        unfit = await self._directory.unfit(possible, enough=rule.needed)
        return engine.nobody_can_approve(rule, members, requester, unfit)

    def _check_call(self, action: CallAction, rule: Rule | None, said: Wish | Request) -> None:
        """Check that a call may go out when it should, as described. Raises `providers.actions.Refused`."""
        if isinstance(action, PlaceCall):
            call_checks.check(
                action,
                self._settings,
                rule,
                said.connection,
                purpose=said.purpose,
                consent=said.consent,
                zone=said.zone,
                connection_zone=getattr(self.adapter(said.connection).settings, "timezone", None),
                now=self._clock(),
            )

    async def stops(self, action: CallAction) -> Sequence[Stop]:
        """Why a call may not be placed whoever asks: calls to its number are stopped. Empty for all else."""
        return await self._log.do_not_call.stops(action.to) if isinstance(action, PlaceCall) else ()

    async def check_before_sending(self, request: Request, action: CallAction) -> None:
        """Whether a call may still go out. Raises `providers.actions.Refused`."""
        if stops := await self.stops(action):
            raise Refused(call_checks.stopped(stops), code=Code.COMPLIANCE_BLOCKED)
        if isinstance(action, PlaceCall) and (other := await self.cancelled_since(request, action)):
            raise Refused(scheduled_calls.cancelled_before(other))
        await self._check_zone(request)
        self._check_call(action, self.rule_of(request), request)
        if why := await self._cannot_move(request):
            raise Refused(why)

    async def cancelled_since(self, request: Request, call: PlaceCall) -> str | None:
        """Return the request that cancels all to a call's number and was asked since ``request``, or None.

        Otherwise a call that waits here would go out after its cancellation found nothing. A move cancels
        one call only.
        """
        query = Query(connection=request.connection, number=call.to, since=request.asked_at)
        for entry in (await self._log.search.page(query)).entries:  # newest first
            if entry.request == request.id:
                break
            cancels = entry.kind is Kind.CANCEL_CALL and entry.agent == call.agent
            if cancels and entry.state in _CANCELLING:
                other = await self._log.requests.request(entry.request)
                if not other.moves:
                    return other.id
        return None

    async def _check_zone(self, request: Request) -> None:
        """Raise `providers.actions.Refused` for a time zone that a number to be called cannot be in."""
        if request.zone is None:
            return
        moved = (await self._log.requests.request(request.moves)).entries if request.moves else ()
        for entry in (*request.entries, *moved):
            if isinstance(entry.action, PlaceCall):
                call_checks.check_zone(entry.action, self._settings, request.zone)

    async def _cannot_move(self, request: Request) -> str | None:
        """Return why a move must not cancel its call any more, or None; None for all else.

        A call that somebody else cancelled is not placed again. Where a connection cancels by number, the
        other calls to it would go as well.
        """
        if not request.moves:
            return None
        if gone := (await self._log.requests.request(request.moves)).cancelled:
            return scheduled_calls.cancelled_by(gone.by)
        numbers = [
            entry.action.target
            for entry in request.entries
            if isinstance(entry.action, CancelCall) and isinstance(entry.action.target, NumberRef)
        ]
        coming = [
            await self._log.call_history.coming_up(request.connection, one.agent, one.to, self._clock())
            for one in numbers
        ]
        beside = [call.id for calls in coming for call in calls if call.id != request.moves]
        return scheduled_calls.placed_since(request.connection, beside) if beside else None

    async def who_stopped(self, stops: Sequence[Stop]) -> list[str]:
        """Why calls to a number are stopped, in words for the person who wants to call."""
        stopper = await self._log.users.person(stops[0].by)
        return call_checks.stopped_by(stops, stopper.name if stopper else None)

    async def ask(self, wish: Wish, origin: Origin) -> Asked:
        """Write a request down: approved, waiting, or refused; what is asked already joins that.

        Raises `NotAllowed` once the refusal is recorded, or `providers.actions.Refused`.
        """
        placed = [*wish.actions, *([wish.moves.again] if wish.moves else [])]
        stops = [stop for action in placed for stop in await self.stops(action)]
        if stops:  # whoever is not called at all has no hours
            decision = self.may_ask(wish, origin.person, channel=origin.channel)
        else:
            decision = await self.check(wish, origin.person, channel=origin.channel)
        if decision.allowed and stops:
            decision = Decision(Effect.DENY, (call_checks.stopped(stops),), decision.rule)
        joined: dict[str, Request] = {}
        left = list(wish.actions)
        while left:
            try:
                new = await self._request(replace(wish, actions=left), origin, decision)
                if stops:
                    new = replace(new, code=Code.COMPLIANCE_BLOCKED)
                recorded = await self._log.requests.record(new)
            except AlreadyAsked as already:
                joined |= {request.id: request for request in already.by.values()}
                left = [action for place, action in enumerate(left) if place not in already.by]
                continue
            if not decision.allowed:
                why = await self.who_stopped(stops) if stops else decision.why
                raise NotAllowed(why, recorded.request)
            self._wake()
            left_out = len(wish.actions) - len(left)
            return Asked(recorded.request, recorded.fresh, tuple(joined.values()), left_out)
        waiting = tuple(joined.values())
        return Asked(waiting[0], fresh=False, joined=waiting, left_out=len(wish.actions))

    async def cannot(self, wish: Wish, origin: Origin, refused: Refused) -> Request:
        """Write down that somebody asked for what a provider cannot be asked. Their form may be mended."""
        decision = Decision(Effect.DENY, (refused.message,))
        new = await self._request(wish, replace(origin, nonce=None), decision)
        return (await self._log.requests.record(replace(new, code=refused.code))).request

    async def _request(self, wish: Wish, origin: Origin, decision: Decision) -> NewRequest:
        if len({self.fingerprint(wish.connection, action) for action in wish.actions}) > 1:
            raise RuntimeError("a request is bound to one account and agent: ask for each in one of its own")
        now = self._clock()
        actions = [await self._new_action(wish.connection, action, now) for action in wish.actions]
        rule = decision.rule
        known = [action.scheduled_for for action in actions if action.scheduled_for]
        said = wish.goes_out if len(known) < len(actions) else None
        end = None
        if decision.effect is Effect.ASK and rule:
            times = [*known, *([said] if said else []), *_time_after(wish.moves)]
            end = decide_by(now, rule.expires, times, margin=self._settings.dispatch.margin)
        state, posts = {
            Effect.ALLOW: (State.APPROVED, (Post("state", "audit"),)),
            Effect.ASK: (State.PENDING, (Post("state", "audit"), Post("state", "card"))),
            Effect.DENY: (State.REFUSED, ()),
        }[decision.effect]
        posts += tuple(Post(TOLD, f"dm:{person}") for person in sorted(decision.tell))
        return NewRequest(
            kind=wish.kind,
            connection=wish.connection,
            fingerprint=self.fingerprint(wish.connection, wish.actions[0]),
            requester=origin.person.id,
            team=origin.person.team,
            actions=actions,
            state=state,
            rule=rule.name if rule else None,
            approvals_needed=rule.approvals if rule and decision.effect is Effect.ASK else 0,
            decide_by=end,
            channel=origin.channel,
            reason=wish.reason,
            purpose=wish.purpose,
            consent=wish.consent,
            code=None if decision.allowed else Code.REJECTED,
            message=None if decision.allowed else " ".join(decision.why),
            inbound=origin.inbound,
            nonce=origin.nonce,
            posts=posts,
            mode=self._mode(wish.connection),
            joins=decision.allowed and wish.kind is not Kind.PLACE_CALL,
            goes_out=said,
            moves=wish.moves.entry if wish.moves else None,
            moves_to=wish.moves.again.at if wish.moves else None,
            follows=wish.follows,
            zone=wish.zone,
            why="\n".join(decision.why),
        )

    async def cancel_for(self, stop: Stop, wish: Wish, origin: Origin) -> Request:
        """Ask for what carries out a stop: at once, whatever the rules say, beside what is asked already.

        Raises `providers.actions.Refused`.
        """
        self.prepare(wish)
        new = await self._request(wish, origin, Decision(Effect.ALLOW, ()))
        recorded = await self._log.requests.record(replace(new, joins=False, stop=stop.id))
        self._wake()
        return recorded.request

    async def _new_action(self, connection: str, action: CallAction, now: datetime) -> NewAction:
        match action:
            case PlaceCall(to=to, at=at):
                return NewAction(action, number=to, scheduled_for=at)
            case CancelCall(target=NumberRef(agent=agent, to=to)):
                known = await self._log.call_history.coming_up(connection, agent, to, now)
                return NewAction(action, number=to, scheduled_for=known[0].scheduled_for if known else None)
            case CancelCall(target=CallRef(call_id=call_id)):
                call = await self._log.call_history.known_call(connection, call_id, now)
                return NewAction(action, scheduled_for=call.scheduled_for if call else None)
            case _:
                return NewAction(action)

    def fingerprint(self, connection: str, action: CallAction) -> str:
        """What a request is bound to: the provider's host and account, and the agent behind the name."""
        match action:
            case PlaceCall(agent=agent) | CancelCall(target=NumberRef(agent=agent)):
                return self._adapters[connection].fingerprint(agent)
            case _:
                return self._adapters[connection].fingerprint(None)

    async def is_from_a_backup(self, entry: LogEntry) -> bool:
        """Whether an action stands as in a backup that was put back: it may have been sent since."""
        copied = await self._log.audit.copied_at()
        return copied is not None and entry.updated_at <= copied

    def goes_where(self, request: Request) -> bool:
        """Whether what a request asked for would go now where it went then: to that account and agent."""
        first = request.entries[0].action
        if first is None or request.connection not in self._adapters:
            return False
        return self.fingerprint(request.connection, first) == request.fingerprint

    def _mode(self, connection: str) -> str | None:
        """How a connection is set up to send: None for really, else ``dry-run``."""
        mode = self._adapters[connection].settings.mode
        return None if mode == "live" else mode

    def rule_of(self, request: Request | Waiting) -> Rule | None:
        """The rule a request was made under, as it stands now.

        What carries out a stop was asked of no rule: how long it may take, and who says what became of it,
        is as for any cancellation.
        """
        if isinstance(request, Request) and request.stop:
            rules = (rule for rule in self._settings.rules if rule.effect == "allow")
            return next((rule for rule in rules if Kind.CANCEL_CALL in rule.actions), None)
        return next((rule for rule in self._settings.rules if rule.name == request.rule), None)

    def case(self, request: Request | Waiting) -> Case:
        """A request, as far as it matters for who may decide it now."""
        escalated = engine.is_escalated(self.rule_of(request), request.asked_at, self._clock())
        return Case(request.requester, self._team, escalated)

    def may_decide(self, request: Request | Waiting, person: Person) -> Decision:
        """Whether somebody may approve or deny a request."""
        members = self._directory.members()
        return engine.at_decision(self.rule_of(request), members, person, self.case(request))

    async def turn_away(self, request: Request, person: Person, what: str, decision: Decision) -> None:
        """Write down, once for each person and request, that somebody wanted what they may not."""
        note = Note(request.id, ATTEMPTED, {"what": what, "why": "\n".join(decision.why)})
        try:
            # A nonce, not an inbound key: those are forgotten after some days.
            once = f"{ATTEMPTED} {request.id} {person.id}"
            await self._log.requests.apply(Change(request.id, person.id, [], nonce=once, notes=[note]))
        except Conflict:
            return  # it is in the log already

    async def approve(
        self, request_id: str, person: Person, *, shown: str, nonce: str, note: str | None = None
    ) -> Request:
        """Let a request pass, as it was shown. Raises `NotAllowed` or `Conflict`."""
        return await self._decide(request_id, person, "approve", shown=shown, nonce=nonce, note=note)

    async def deny(self, request_id: str, person: Person, *, reason: str, shown: str, nonce: str) -> Request:
        """Stop a request, with the reason. Raises `NotAllowed` or `Conflict`."""
        return await self._decide(request_id, person, "deny", shown=shown, nonce=nonce, note=reason)

    async def _decide(
        self,
        request_id: str,
        person: Person,
        decision: Literal["approve", "deny"],
        *,
        shown: str,
        nonce: str,
        note: str | None = None,
    ) -> Request:
        while True:
            request = await self._log.requests.request(request_id)
            allowed = self.may_decide(request, person)
            if not allowed.allowed:
                await self.turn_away(request, person, decision, allowed)
                raise NotAllowed(allowed.why)
            self._check_in_time(request)
            if shown != content(request):
                raise NotAllowed([outcomes.CHANGED_SINCE_OPENED])
            if decision == "approve":
                await self._check_stops(request)
                try:
                    await self._check_zone(request)
                except Refused as refused:
                    raise NotAllowed([refused.message]) from refused
                if why := await self._cannot_move(request):
                    raise NotAllowed([why])
            change = self._decision(request, person, decision, allowed, note)
            try:
                return await self._apply(replace(change, nonce=nonce))
            except Conflict as conflict:
                if not _another_was_first(request, conflict.current, person, decision):
                    raise

    async def _check_stops(self, request: Request) -> None:
        """Raise `NotAllowed` where calls to one of the numbers were stopped since it was asked."""
        for entry in request.entries:
            if entry.action and (stops := await self.stops(entry.action)):
                raise NotAllowed(await self.who_stopped(stops))

    def _decision(
        self,
        request: Request,
        person: Person,
        decision: Literal["approve", "deny"],
        allowed: Decision,
        note: str | None,
    ) -> Change:
        """What a decision changes: every action's state, or nothing yet where others have to approve too."""
        private = {"note": note} if note else {}
        name, after = {"approve": ("approved", State.APPROVED), "deny": ("denied", State.DENIED)}[decision]
        moves = [
            Move(
                entry.id,
                name,
                frozenset({State.PENDING}),
                after,
                data={"group": allowed.group, "why": "\n".join(allowed.why)},
                private=private,
            )
            for entry in request.entries
        ]
        approval = Approval(
            person=person.id,
            decision=decision,
            group=allowed.group,
            members=sorted(allowed.approvers),
            content=content(request),
        )
        last = decision == "deny" or self.missing(request, person.id) == 0
        posts = [Post("state", "audit"), Post(name if last else APPROVED_IN_PART, "thread")]
        if decision == "deny":
            posts.append(Post(name, f"dm:{request.requester}"))
        posts += answered(request)
        return Change(
            request.id,
            person.id,
            moves if last else [],
            approval,
            posts=with_card(request, posts),
            after=len(request.approvals),
            private={} if last else private,
        )

    def missing(self, request: Request, *more: str) -> int:
        """How many people still have to approve, once these have, too."""
        rule = self.rule_of(request)
        if rule is None:
            return 0
        counted = engine.given(rule, self._directory.members(), request.approvals, request.asked_at)
        needed = max(request.approvals_needed, rule.needed)
        return max(0, needed - len(counted.union(more)))

    def may_reveal(self, request: Request, person: Person) -> Decision:
        """Whether somebody who decides a request may see its full numbers."""
        members = self._directory.members()
        return engine.at_reveal(self.rule_of(request), members, person, self.case(request))

    async def reveal(self, request_id: str, person: Person, *, nonce: str) -> Request:
        """Write down that somebody is about to see the full numbers. Raises `NotAllowed` or `Conflict`."""
        request = await self._log.requests.request(request_id)
        decision = self.may_reveal(request, person)
        if not decision.allowed:
            await self.turn_away(request, person, "reveal", decision)
            raise NotAllowed(decision.why)
        note = Note(request.id, "revealed", {"group": decision.group})
        return await self._apply(Change(request.id, person.id, [], nonce=nonce, notes=[note]))

    def _check_in_time(self, request: Request) -> None:
        """Raise `NotAllowed` for what has run out of time, even if the dispatcher has not said so yet."""
        waits = request.state is State.PENDING
        if waits and request.decide_by and self._clock() >= request.decide_by:
            raise NotAllowed([outcomes.OUT_OF_TIME])

    async def take_back(self, request_id: str, person: Person, *, inbound: str) -> Request:
        """Withdraw one's own request while nothing of it is being sent. Raises `NotAllowed` or `Conflict`.

        What is in doubt cannot be withdrawn; that it is sent again can.
        """
        request = await self._log.requests.request(request_id)
        if person.id != request.requester:
            raise NotAllowed([outcomes.ONLY_THE_REQUESTER])
        moves = [
            not_again(entry, "order_withdrawn", outcomes.TAKEN_BACK)
            if entry.doubted and entry.state is State.APPROVED
            else Move(entry.id, "withdrawn", frozenset({State.PENDING, State.APPROVED}), State.WITHDRAWN)
            for entry in request.entries
        ]
        posts: list[Post] = [Post("state", "audit"), Post("withdrawn", "thread")]
        if any(move.after is State.UNKNOWN for move in moves):
            posts.append(Post("unknown", "thread"))
        posts += answered(request)
        told = with_card(request, posts)
        return await self._apply(Change(request.id, person.id, moves, inbound=inbound, posts=told))

    def may_settle(self, request: Request, person: Person) -> Decision:
        """Whether somebody may say what became of an unknown."""
        members = self._directory.members()
        return engine.at_settlement(self.rule_of(request), members, person, self.case(request))

    def may_lift(self, person: Person) -> Decision:
        """Whether somebody may let calls to a stopped number go out again."""
        members = self._directory.members()
        return engine.at_lifting(self._settings.rules, members, person, team=self._team)

    async def settle(
        self,
        entry_id: str,
        person: Person,
        settlement: Settlement,
        *,
        evidence: Evidence,
        reason: str,
        nonce: str,
    ) -> Request:
        """Say what became of an unknown, or order another attempt. Raises `NotAllowed` or `Conflict`."""
        if settlement is not Settlement.ORDERED and evidence is Evidence.NONE:
            raise NotAllowed([interactions.EVIDENCE_MISSING])
        request = await self._log.requests.request(entry_id)
        decision = self.may_settle(request, person)
        if not decision.allowed:
            await self.turn_away(request, person, "settle", decision)
            raise NotAllowed(decision.why)
        after, message = {
            Settlement.HAPPENED: (State.SUCCEEDED, outcomes.IT_HAPPENED),
            Settlement.DID_NOT_HAPPEN: (State.FAILED, outcomes.IT_DID_NOT_HAPPEN),
            Settlement.ORDERED: (State.APPROVED, outcomes.ORDERED_AGAIN),
        }[settlement]
        move = Move(
            entry_id,
            settlement,
            frozenset({State.UNKNOWN}),
            after,
            changes={
                "message": message
                if settlement is Settlement.ORDERED
                else f"{message} {interactions.SHOWN_BY[evidence]}",
                "not_before": None,
                "not_after": None,
            },
            data={"group": decision.group, "why": "\n".join(decision.why), "evidence": evidence},
            private={"note": reason},
        )
        posts = [Post("state", "audit"), Post(settlement, "thread")]
        if settlement is not Settlement.ORDERED:
            posts.append(Post(settlement, f"dm:{request.requester}"))
        posts += confirmation(self._settings, request, [move])
        told = with_card(request, posts)
        return await self._apply(Change(request.id, person.id, [move], nonce=nonce, posts=told))

    async def _apply(self, change: Change) -> Request:
        request = await self._log.requests.apply(change)
        self._wake()
        return request


def _time_after(move: Moved | None) -> list[datetime]:
    """When a call that is moved is to go out instead: what is decided later is decided too late for it."""
    return [move.again.at] if move and move.again.at else []


def _another_was_first(before: Request, now: Request, person: Person, decision: str) -> bool:
    """Whether only somebody else's approval came between, so that one's own is still to be counted."""
    decided = {(one.person, one.decision) for one in now.approvals}
    return (
        now.state is State.PENDING
        and len(now.approvals) > len(before.approvals)
        and (person.id, decision) not in decided
    )


def content(request: Request) -> str:
    """Hash what a decision about a request is bound to: its targets, its connection, and what was said of it.

    The chain keeps this hash for good. What can be erased is in it as a salted hash alone.
    """
    parts = [request.id, request.fingerprint, request.connection, request.sealed]
    parts += [request.goes_out.isoformat()] if request.goes_out else []
    parts += [f"{request.moves} {request.moves_to.isoformat()}"] if request.moves_to else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
