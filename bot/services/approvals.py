"""What people decide about a request: approve, deny, see its numbers, settle; whoever asked takes it back.

Each operation reads, decides by the rules, and makes one change in the log, together with the posts that tell
of it. Losing a race is an answer, not an error: `storage.log.Conflict` says who was first.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.config.settings import Settings
from bot.policy.engine import Decision
from bot.services.models import NotAllowed, Settlement
from bot.services.notifications import APPROVED_IN_PART, answered, confirmation, with_card
from bot.services.outcomes import not_again
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.wakeups import Wakeups
from bot.text import interactions, outcomes
from bot.text.interactions import Evidence
from providers.actions import Refused
from storage.changes import Change, Move, Note, Post
from storage.errors import Conflict
from storage.models import Approval, Person, Request
from storage.states import State
from storage.store import Store


@dataclass(slots=True)
class ApprovalService:
    """Moves requests for the people who decide on them."""

    _log: Store
    _settings: Settings
    _permissions: Permissions
    _preconditions: Preconditions
    _wakeups: Wakeups
    _clock: Callable[[], datetime]

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
            allowed = self._permissions.may_decide(request, person)
            if not allowed.allowed:
                await self._permissions.turn_away(request, person, decision, allowed)
                raise NotAllowed(allowed.why)
            self._check_in_time(request)
            if shown != content(request):
                raise NotAllowed([outcomes.CHANGED_SINCE_OPENED])
            if decision == "approve":
                await self._check_stops(request)
                try:
                    await self._preconditions.check_zone(request)
                except Refused as refused:
                    raise NotAllowed([refused.message]) from refused
                if why := await self._preconditions.cannot_move(request):
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
            if entry.action and (stops := await self._preconditions.stops(entry.action)):
                raise NotAllowed(await self._preconditions.who_stopped(stops))

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
        last = decision == "deny" or self._permissions.missing(request, person.id) == 0
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

    def _check_in_time(self, request: Request) -> None:
        """Raise `NotAllowed` for what has run out of time, even if the dispatcher has not said so yet."""
        waits = request.state is State.PENDING
        if waits and request.decide_by and self._clock() >= request.decide_by:
            raise NotAllowed([outcomes.OUT_OF_TIME])

    async def reveal(self, request_id: str, person: Person, *, nonce: str) -> Request:
        """Write down that somebody is about to see the full numbers. Raises `NotAllowed` or `Conflict`."""
        request = await self._log.requests.request(request_id)
        decision = self._permissions.may_reveal(request, person)
        if not decision.allowed:
            await self._permissions.turn_away(request, person, "reveal", decision)
            raise NotAllowed(decision.why)
        note = Note(request.id, "revealed", {"group": decision.group})
        return await self._apply(Change(request.id, person.id, [], nonce=nonce, notes=[note]))

    async def withdraw(self, request_id: str, person: Person, *, delivery_key: str) -> Request:
        """Withdraw one's own request while nothing of it is being sent. Raises `NotAllowed` or `Conflict`.

        What is in doubt cannot be withdrawn; that it is sent again can.
        """
        request = await self._log.requests.request(request_id)
        if person.id != request.requester:
            raise NotAllowed([outcomes.ONLY_THE_REQUESTER])
        moves = [
            not_again(entry, "order_withdrawn", outcomes.TAKEN_BACK)
            if entry.maybe_executed and entry.state is State.APPROVED
            else Move(entry.id, "withdrawn", frozenset({State.PENDING, State.APPROVED}), State.WITHDRAWN)
            for entry in request.entries
        ]
        posts: list[Post] = [Post("state", "audit"), Post("withdrawn", "thread")]
        if any(move.after is State.UNKNOWN for move in moves):
            posts.append(Post("unknown", "thread"))
        posts += answered(request)
        told = with_card(request, posts)
        return await self._apply(Change(request.id, person.id, moves, delivery_key=delivery_key, posts=told))

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
        if settlement is not Settlement.RETRY_REQUESTED and evidence is Evidence.NONE:
            raise NotAllowed([interactions.EVIDENCE_MISSING])
        request = await self._log.requests.request(entry_id)
        decision = self._permissions.may_settle(request, person)
        if not decision.allowed:
            await self._permissions.turn_away(request, person, "settle", decision)
            raise NotAllowed(decision.why)
        after, message = {
            Settlement.HAPPENED: (State.SUCCEEDED, outcomes.IT_HAPPENED),
            Settlement.DID_NOT_HAPPEN: (State.FAILED, outcomes.IT_DID_NOT_HAPPEN),
            Settlement.RETRY_REQUESTED: (State.APPROVED, outcomes.ORDERED_AGAIN),
        }[settlement]
        move = Move(
            entry_id,
            settlement,
            frozenset({State.UNKNOWN}),
            after,
            changes={
                "message": message
                if settlement is Settlement.RETRY_REQUESTED
                else f"{message} {interactions.SHOWN_BY[evidence]}",
                "not_before": None,
                "not_after": None,
            },
            data={"group": decision.group, "why": "\n".join(decision.why), "evidence": evidence},
            private={"note": reason},
        )
        posts = [Post("state", "audit"), Post(settlement, "thread")]
        if settlement is not Settlement.RETRY_REQUESTED:
            posts.append(Post(settlement, f"dm:{request.requester}"))
        posts += confirmation(self._settings, request, [move])
        told = with_card(request, posts)
        return await self._apply(Change(request.id, person.id, [move], nonce=nonce, posts=told))

    async def _apply(self, change: Change) -> Request:
        request = await self._log.requests.apply(change)
        self._wakeups.all()
        return request


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
    parts += [request.reported_call_time.isoformat()] if request.reported_call_time else []
    parts += [f"{request.reschedules} {request.new_time.isoformat()}"] if request.new_time else []
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
