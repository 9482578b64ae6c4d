"""Records people's decisions on a request: approve, deny, reveal, settle and withdraw.

Each operation reads the request, checks the rules, and makes one change in the log, together with its
notifications. A lost race is an answer, not an error: `storage.errors.ConflictError` holds the current
request.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.config.settings import Settings
from bot.policy.engine import Decision
from bot.services.models import PermissionDeniedError, Settlement
from bot.services.notifications import (
    APPROVED_IN_PART,
    confirmation,
    outcome_for_approvers,
    with_card,
)
from bot.services.outcomes import stop_retrying
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.wakeups import Wakeups
from bot.text import interactions, outcomes
from bot.text.interactions import Evidence
from providers.actions import CannotSendError, Kind
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError
from storage.models import Approval, Person, Request
from storage.states import State
from storage.store import Store

REVEALED = "revealed"
RECORDING_OPENED = "recording_opened"
"""The annotations for a person who saw full numbers, or the address of a call's recording."""


@dataclass(slots=True)
class ApprovalService:
    """Records decisions on requests, and brings their actions to the next state."""

    _store: Store
    _settings: Settings
    _permissions: Permissions
    _preconditions: Preconditions
    _wakeups: Wakeups
    _clock: Callable[[], datetime]

    async def approve(
        self, request_id: str, person: Person, *, shown: str, nonce: str, note: str | None = None
    ) -> Request:
        """Approve a request as it was shown. Raises `PermissionDeniedError` or `ConflictError`."""
        return await self._decide(request_id, person, "approve", shown=shown, nonce=nonce, note=note)

    async def deny(self, request_id: str, person: Person, *, reason: str, shown: str, nonce: str) -> Request:
        """Deny a request with a reason. Raises `PermissionDeniedError` or `ConflictError`."""
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
            request = await self._store.requests.request(request_id)
            allowed = self._permissions.may_decide(request, person)
            if not allowed.allowed:
                await self._permissions.record_denied_attempt(request, person, decision, allowed)
                raise PermissionDeniedError(allowed.reasons)
            self._check_in_time(request)
            if shown != content(request):
                raise PermissionDeniedError([outcomes.CHANGED_SINCE_OPENED])
            if decision == "approve":
                await self._check_stops(request)
                try:
                    await self._preconditions.check_zone(request)
                except CannotSendError as refused:
                    raise PermissionDeniedError([refused.message]) from refused
                if why := await self._preconditions.cannot_move(request):
                    raise PermissionDeniedError([why])
            change = self._decision(request, person, decision, allowed, note)
            try:
                return await self._apply(replace(change, nonce=nonce))
            except ConflictError as conflict:
                if not _another_was_first(request, conflict.current, person, decision):
                    raise

    async def _check_stops(self, request: Request) -> None:
        """Raise `PermissionDeniedError` if calls to one of the numbers were stopped since the request."""
        for record in request.actions:
            if record.action and (stops := await self._preconditions.stops(record.action)):
                raise PermissionDeniedError(await self._preconditions.who_stopped(stops))

    def _decision(
        self,
        request: Request,
        person: Person,
        decision: Literal["approve", "deny"],
        allowed: Decision,
        note: str | None,
    ) -> ChangeSet:
        """Return the change set of a decision.

        As long as other approvals are missing, it changes no action's state.
        """
        private = {"note": note} if note else {}
        name, after = {"approve": ("approved", State.APPROVED), "deny": ("denied", State.DENIED)}[decision]
        moves = [
            Transition(
                record.id,
                name,
                frozenset({State.PENDING}),
                after,
                data={"group": allowed.group, "reasons": "\n".join(allowed.reasons)},
                private=private,
            )
            for record in request.actions
        ]
        approval = Approval(
            person=person.id,
            decision=decision,
            group=allowed.group,
            members=sorted(allowed.approvers),
            content=content(request),
        )
        last = decision == "deny" or self._permissions.missing(request, person.id) == 0
        posts = [Notification("state", "audit")]
        if note:  # the audit message names the approver
            posts.append(Notification(name if last else APPROVED_IN_PART, "thread"))
        if decision == "deny":
            posts.append(Notification(name, f"dm:{request.requester}"))
        return ChangeSet(
            request.id,
            person.id,
            moves if last else [],
            approval,
            notifications=with_card(request, posts),
            expected_decisions=len(request.approvals),
            private={} if last else private,
        )

    def _check_in_time(self, request: Request) -> None:
        """Raise `PermissionDeniedError` if the request has expired, even before its expiry is recorded."""
        waits = request.state is State.PENDING
        if waits and request.decide_by and self._clock() >= request.decide_by:
            raise PermissionDeniedError([outcomes.OUT_OF_TIME])

    async def reveal(self, request_id: str, person: Person, *, nonce: str, event: str = REVEALED) -> Request:
        """Record that a person is about to see the full numbers, or the recording of a call.

        Raises `PermissionDeniedError` or `ConflictError`.
        """
        request = await self._store.requests.request(request_id)
        decision = self._permissions.may_reveal(request, person)
        if not decision.allowed:
            await self._permissions.record_denied_attempt(request, person, "reveal", decision)
            raise PermissionDeniedError(decision.reasons)
        note = Annotation(
            request_id if event == RECORDING_OPENED else request.id, event, {"group": decision.group}
        )
        return await self._apply(ChangeSet(request.id, person.id, [], nonce=nonce, annotations=[note]))

    async def withdraw(self, request_id: str, person: Person, *, delivery_key: str) -> Request:
        """Withdraw a person's own request, as long as nothing of it is being sent.

        Raises `PermissionDeniedError` or `ConflictError`.

        An action with an unknown outcome cannot be withdrawn, but its next attempt can.
        """
        request = await self._store.requests.request(request_id)
        return await self._apply(replace(withdrawal(request, person), delivery_key=delivery_key))

    async def settle(
        self,
        action_id: str,
        person: Person,
        settlement: Settlement,
        *,
        evidence: Evidence,
        reason: str,
        nonce: str,
    ) -> Request:
        """Record the outcome of an unknown action, or order another attempt.

        Whoever has evidence knows the outcome, so nothing is sent again. A call is never placed twice.
        Raises `PermissionDeniedError` or `ConflictError`.
        """
        again = settlement is Settlement.RETRY_REQUESTED
        if again is not (evidence is Evidence.NONE):
            why = interactions.AGAIN_WITH_EVIDENCE if again else interactions.EVIDENCE_MISSING
            raise PermissionDeniedError([why])
        request = await self._store.requests.request(action_id)
        if again and request.kind is Kind.PLACE_CALL:
            raise PermissionDeniedError([interactions.PLACE_ANEW])
        decision = self._permissions.may_settle(request, person)
        if not decision.allowed:
            await self._permissions.record_denied_attempt(request, person, "settle", decision)
            raise PermissionDeniedError(decision.reasons)
        after, message = {
            Settlement.HAPPENED: (State.SUCCEEDED, outcomes.IT_HAPPENED),
            Settlement.DID_NOT_HAPPEN: (State.FAILED, outcomes.IT_DID_NOT_HAPPEN),
            Settlement.RETRY_REQUESTED: (State.APPROVED, outcomes.ORDERED_AGAIN),
        }[settlement]
        move = Transition(
            action_id,
            settlement,
            frozenset({State.UNKNOWN}),
            after,
            changes={
                "message": message if again else f"{message} {interactions.SHOWN_BY[evidence]}",
                "not_before": None,
                "not_after": None,
            },
            data={"group": decision.group, "reasons": "\n".join(decision.reasons), "evidence": evidence},
            private={"note": reason} if reason else {},
        )
        posts = [Notification("state", "audit"), Notification(settlement, "thread")]
        if not again:
            posts.append(Notification(settlement, f"dm:{request.requester}"))
        posts += outcome_for_approvers(request, [move], besides=[person.id])
        posts += confirmation(self._settings, request, [move])
        told = with_card(request, posts)
        return await self._apply(ChangeSet(request.id, person.id, [move], nonce=nonce, notifications=told))

    async def _apply(self, change: ChangeSet) -> Request:
        request = await self._store.requests.apply(change)
        self._wakeups.all()
        return request


def withdrawal(request: Request, person: Person) -> ChangeSet:
    """Return the change set that withdraws a person's own request. Raises `PermissionDeniedError`.

    A call list that has begun is stopped instead.
    """
    if person.id != request.requester:
        raise PermissionDeniedError([outcomes.ONLY_THE_REQUESTER])
    before = {State.PENDING} if request.kind.is_list else {State.PENDING, State.APPROVED}
    moves = [
        stop_retrying(record, "order_withdrawn", outcomes.TAKEN_BACK)
        if record.maybe_executed and record.state is State.APPROVED
        else Transition(record.id, "withdrawn", frozenset(before), State.WITHDRAWN)
        for record in request.actions
    ]
    posts: list[Notification] = [Notification("state", "audit")]
    if any(move.to_state is State.UNKNOWN for move in moves):
        posts.append(Notification("unknown", "thread"))
    return ChangeSet(request.id, person.id, moves, notifications=with_card(request, posts))


def _another_was_first(before: Request, now: Request, person: Person, decision: str) -> bool:
    """Return whether only other people's approvals came first, so that this decision still counts."""
    decided = {(one.person, one.decision) for one in now.approvals}
    return (
        now.state is State.PENDING
        and len(now.approvals) > len(before.approvals)
        and (person.id, decision) not in decided
    )


def content(request: Request) -> str:
    """Return the hash of what a decision is bound to: the request's targets, connection and details.

    The hash chain keeps this hash permanently. Data that can be erased is part of it only as a salted hash.
    """
    parts = [request.id, request.fingerprint, request.connection, request.sealed]
    parts += [request.reported_call_time.isoformat()] if request.reported_call_time else []
    parts += [f"{request.reschedules} {request.new_time.isoformat()}"] if request.new_time else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
