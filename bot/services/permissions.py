"""Decides who may do what, by the current rules, groups and user directory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.config.settings import SettingsHolder
from bot.policy import engine
from bot.policy.engine import ApprovalContext, Decision, Effect
from bot.policy.matching import context_of_actions, context_of_request, rules_of
from bot.policy.pausing import can_pause
from bot.policy.rules import Rule
from bot.services.models import RequestSpec
from bot.slack.users import UserDirectory
from bot.text import policy_reasons
from providers.actions import Kind
from storage.changes import Annotation, ChangeSet
from storage.errors import ConflictError
from storage.models import PendingRequest, Person, Request
from storage.states import State
from storage.store import Store

ATTEMPTED: Final = "attempted"
"""An annotation for a denied attempt to decide or settle, with ``tried`` and ``reasons`` in its data."""


@dataclass(slots=True)
class Permissions:
    """Gives `bot.policy.engine`, which decides, the current rules, members and time."""

    _store: Store
    _settings: SettingsHolder
    _directory: UserDirectory
    _team: str
    _clock: Callable[[], datetime]

    def ineligible_reason(self, person: Person) -> str | None:
        """Return why a user may do nothing here, not even read, None if the user is eligible."""
        return engine.ineligible_reason(person, self._team)

    def may_read(self, person: Person) -> Decision:
        """Return whether a person may search the log."""
        return engine.can_search(self.rules, self._directory.members(), person, team=self._team)

    @property
    def rules(self) -> Sequence[Rule]:
        """The current rules."""
        return self._settings.current.rules

    def may_open(self, person: Person, kind: Kind, connection: str = "") -> Decision:
        """Return the rules' decision on a person who opens a form, of a connection if one is given."""
        members, now = self._directory.members(), self._clock()
        rules = rules_of(self.rules, connection) if connection else self.rules
        return engine.can_open(rules, members, person, kind, team=self._team, now=now)

    def may_ask(self, spec: RequestSpec, person: Person, *, channel: str | None) -> Decision:
        """Return the rules' decision on a person's request."""
        asked = context_of_actions(
            spec.connection, spec.kind, spec.actions, at=self._clock(), channel=channel, reason=spec.reason
        )
        members = self._directory.members()
        return engine.can_request(self.rules, members, person, asked, team=self._team)

    async def nobody_can_approve(self, rule: Rule | None, requester: str) -> Decision | None:
        """Return a denial if too few people could approve under a rule now, None if enough could."""
        if rule is None:
            return Decision(Effect.DENY, (policy_reasons.RULE_GONE,))
        members = self._directory.members()
        possible = engine.approvers(rule, members, ApprovalContext(requester, self._team, escalated=True))
        unfit = await self._directory.unfit(possible, enough=rule.needed)
        return engine.nobody_can_approve(rule, members, requester, unfit)

    def rule_of(self, request: Request | PendingRequest) -> Rule | None:
        """Return the rule of a request as it is now, None if it was removed.

        A request that carries out a stop has no rule. Its expiry and settlers are those of the first rule for
        cancellations.
        """
        if isinstance(request, Request) and request.stop:
            rules = (rule for rule in self.rules if rule.effect == "allow")
            return next((rule for rule in rules if Kind.CANCEL_CALL in rule.actions), None)
        found = next((rule for rule in self.rules if rule.name == request.rule), None)
        return found.for_lists(request.kind.of_rows) if found and request.kind.is_list else found

    def approval_context(self, request: Request | PendingRequest) -> ApprovalContext:
        """Return the facts about a request that matter for who may decide it now."""
        escalated = engine.is_escalated(self.rule_of(request), request.asked_at, self._clock())
        return ApprovalContext(request.requester, self._team, escalated)

    def may_decide(self, request: Request | PendingRequest, person: Person) -> Decision:
        """Return whether a person may approve or deny a request."""
        members = self._directory.members()
        return engine.can_decide(self.rule_of(request), members, person, self.approval_context(request))

    async def may_go_on(self, request: Request) -> Decision:
        """Return whether the present rules and people still permit an approved request.

        Raises `bot.slack.users.UserUnavailableError` if Slack does not return one of the people.
        """
        requester = await self._directory.get_user_in_background(request.requester)
        approvals = [
            (one, await self._directory.get_user_in_background(one.person)) for one in request.approvals
        ]
        return engine.can_dispatch(
            self.rules,
            self._directory.members(),
            requester,
            approvals,
            context_of_request(request),
            rule=request.rule,
            team=self._team,
            now=self._clock(),
        )

    def missing(self, request: Request, *more: str) -> int:
        """Return the count of approvals still missing, with those of ``more`` included."""
        rule = self.rule_of(request)
        if rule is None:
            return 0
        counted = engine.counted_approvals(
            rule, self._directory.members(), request.approvals, request.asked_at
        )
        needed = max(request.approvals_needed, rule.needed)
        return max(0, needed - len(counted.union(more)))

    def may_reveal(self, request: Request, person: Person) -> Decision:
        """Return whether a person may see a request's full numbers, to decide or to settle it."""
        members, case = self._directory.members(), self.approval_context(request)
        settling = any(record.state is State.UNKNOWN for record in request.actions)
        return engine.can_reveal(self.rule_of(request), members, person, case, settling=settling)

    def may_settle(self, request: Request, person: Person) -> Decision:
        """Return whether a person may record the outcome of an unknown action."""
        members = self._directory.members()
        return engine.can_settle(self.rule_of(request), members, person, self.approval_context(request))

    def asked_to_settle(self, request: Request) -> frozenset[str]:
        """Return everyone by name who may get a direct message that asks to record an unknown outcome."""
        rule = self.rule_of(request)
        if rule is None or rule.notify == "nobody":
            return frozenset()
        return engine.settlers(rule, self._directory.members(), self.approval_context(request))

    def may_unblock(self, person: Person) -> Decision:
        """Return whether a person may allow calls to a stopped number again."""
        members = self._directory.members()
        return engine.can_unblock(self.rules, members, person, team=self._team)

    def may_pause(self, person: Person, connection: str | None) -> Decision:
        """Return whether a person may pause and resume a connection, or all with None."""
        members = self._directory.members()
        names = [connection] if connection else self._settings.current.connections
        return can_pause(self.rules, members, person, names, team=self._team)

    def pausable(self, person: Person) -> list[str | None]:
        """Return the connections that a person may pause and resume, first None if they may pause all."""
        names: list[str | None] = [None, *self._settings.current.connections]
        return [name for name in names if self.may_pause(person, name).allowed]

    async def record_denied_attempt(
        self, request: Request, person: Person, tried: str, decision: Decision
    ) -> None:
        """Record, once for each person and request, an attempt that the rules deny."""
        note = Annotation(request.id, ATTEMPTED, {"tried": tried, "reasons": "\n".join(decision.reasons)})
        try:
            # It is a nonce, because delivery keys are erased after some days.
            once = f"{ATTEMPTED} {request.id} {person.id}"
            await self._store.requests.apply(
                ChangeSet(request.id, person.id, [], nonce=once, annotations=[note])
            )
        except ConflictError:
            return  # the log has the attempt already
