"""Asks approvers to decide, escalates requests, and reminds approvers.

Approvers are asked one after another, or all at once. Each question and reminder is recorded with a unique
key, in one transaction with its Slack posts. So it is sent once even with several processes or after a
restart.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

from bot.config.settings import Settings, SettingsHolder
from bot.policy import engine
from bot.policy.rules import Rule
from bot.services.notifications import ASKED, INSTEAD_OF, REMINDED
from bot.services.pending import ESCALATED, similar_numbers
from bot.services.permissions import Permissions
from bot.services.timing import next_reminder, reminder_due
from bot.services.wakeups import Wakeups
from bot.slack.errors import NOT_POSTED
from bot.slack.users import FRESH, UserDirectory
from bot.ui.channel_messages import STUCK
from bot.workers.turns import LOOK_AGAIN, Turns
from storage.changes import Annotation, ChangeSet, Notification
from storage.errors import ConflictError
from storage.models import SYSTEM, Event, PendingRequest, Scalar
from storage.store import Store

ALIKE = "alike"
"""An annotation of a card that was updated, because another request's number looks like its own."""

BATCH = 50
"""Requests that are checked in one run."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ApprovalNotifier:
    """Asks and reminds the approvers of pending requests."""

    _store: Store
    _settings: SettingsHolder
    _directory: UserDirectory
    _permissions: Permissions
    _turns: Turns
    _wakeups: Wakeups
    _clock: Callable[[], datetime]
    _read: int = field(default=0, init=False)
    """The position up to which the log was read for new pending requests."""
    _due: dict[str, datetime] = field(default_factory=dict, init=False)
    """The time at which each pending request is checked again. It only saves work."""
    _queue: list[tuple[datetime, int, str]] = field(default_factory=list, init=False)
    """The same times as a heap. An item whose time is not that in `_due` is obsolete, and is skipped."""
    _places: Iterator[int] = field(default_factory=count, init=False)
    _new: set[str] = field(default_factory=set, init=False)
    """New requests that were not yet compared with others for similar numbers."""
    _again: set[str] = field(default_factory=set, init=False)
    _looked_at: datetime = field(init=False)
    _followed: Settings = field(init=False)
    """The settings of the last run. With new settings, other approvers may have to be asked."""

    def __post_init__(self) -> None:
        self._looked_at, self._followed = self._clock(), self._settings.current

    def look_again(self, request: str) -> None:
        """Check a request in the next run, because its card could not be posted."""
        self._again.add(request)
        self._wakeups.approvals()

    def _look_at(self, request: str, due: datetime) -> None:
        """Schedule the check of a request."""
        self._due[request] = due
        heappush(self._queue, (due, next(self._places), request))

    async def run_once(self) -> bool:
        """Check the requests that are due, one after another. Return True if there are more.

        A person asked about one request counts as asked for the next.
        """
        now = self._clock()
        # After the clock was set back, the waiting times are unknown.
        if now < self._looked_at or self._settings.current is not self._followed:
            for request in self._due:
                self._look_at(request, now)
        self._looked_at, self._followed = now, self._settings.current
        new, self._read = await self._store.approvals.pending_since(self._read, BATCH)
        self._new.update(new)
        for one in [*new, *(self._again & self._due.keys())]:
            self._look_at(one, now)
        self._again.clear()
        due = list[str]()
        while self._queue and self._queue[0][0] <= now and len(due) < BATCH:
            at, _, one = heappop(self._queue)
            if self._due.get(one) == at:
                del self._due[one]
                due.append(one)
        for one in due:
            await self._look_now(one)
        return bool(new) or len(due) == BATCH

    async def _look_now(self, request: str) -> None:
        """Ask and remind about a request if it is time, and schedule the next check."""
        again = self._clock() + LOOK_AGAIN
        try:
            if request in self._new:
                await self._tell_apart(request)
                self._new.discard(request)
            one = await self._store.approvals.pending_request(request)
            if one is None:
                return
            again = await self._look(one)
        except ConflictError:  # another process was first: the next run reads its change
            again = self._clock()
        except Exception:  # noqa: BLE001 - a failure must not delay other requests
            _log.exception("Asking about %s failed; it is tried again", request)
        self._look_at(request, again)

    async def _look(self, one: PendingRequest) -> datetime:
        """Ask and remind if it is time. Return the time of the next check."""
        events = await self._store.requests.events(one.id)
        asked = {str(event.data["person"]): event.at for event in events if event.name == ASKED}
        shut = [
            one.data["channel"] for one in events if one.name == NOT_POSTED and one.data["post"] == "card"
        ]
        rule = self._permissions.rule_of(one)
        again = [await self._escalate(one, rule, events, asked)]
        again.append(await self._ask(one, rule, asked, shut[-1] if shut else None))
        stuck = await self._permissions.nobody_can_approve(rule, one.requester)
        why, reminded = stuck.reasons[0] if stuck else "", False
        if one.decide_by:
            reminded = await self._remind(one, one.decide_by, events, list(asked), why)
            again.append(next_reminder(one.asked_at, one.decide_by, self._clock()))
        if stuck and not stuck.unread and not reminded:
            await self._say_stuck(one, events, why)
        again.append(self._clock() + FRESH)  # the approvers' profiles are stale by then
        return min(at for at in again if at)

    async def _escalate(
        self, one: PendingRequest, rule: Rule | None, events: Sequence[Event], asked: dict[str, datetime]
    ) -> datetime | None:
        """Escalate a request if it is time, and ask more approvers. Return the time if it is later.

        The people who are asked are added to ``asked``.
        """
        if rule is None or rule.escalate_after is None or any(event.name == ESCALATED for event in events):
            return None
        case = self._permissions.approval_context(one)
        if not case.escalated:
            return one.asked_at + rule.escalate_after
        able = engine.escalation(rule, self._directory.members(), case) - asked.keys() - one.approved_by
        told = () if rule.notify == "nobody" else able
        chosen = await self._turns.choose(told, one_by_one=rule.notify == "first")
        notes = [Annotation(one.id, ESCALATED, {"to": " and ".join(rule.escalate_to)})]
        notes += [Annotation(one.id, ASKED, {"person": person}) for person in chosen]
        posts = [Notification("state", "card"), Notification(ESCALATED, "card_thread")]
        posts += [Notification(ASKED, f"{ASKED}:{person}") for person in chosen]
        await self._note(one.id, notes, posts, key=ESCALATED)
        asked |= dict.fromkeys(chosen, self._clock())
        return None

    async def _ask(
        self, one: PendingRequest, rule: Rule | None, asked: Mapping[str, datetime], shut: Scalar
    ) -> datetime | None:
        """Ask the approver whose turn it is. Return the time of the next turn, None if there is none.

        ``shut`` is the channel that the card could not be posted in. With it, everyone who can decide is
        asked.
        """
        if rule is None or (rule.notify == "nobody" and not shut):
            return None
        case = self._permissions.approval_context(one)
        entitled = engine.approvers(rule, self._directory.members(), case) - one.approved_by
        turn = await self._turns.next(entitled, asked, one_by_one=rule.notify == "first" and not shut)
        if not turn.people:
            return turn.again
        instead: dict[str, Scalar] = {INSTEAD_OF: shut} if shut else {}
        notes = [Annotation(one.id, ASKED, {"person": person, **instead}) for person in turn.people]
        posts = [Notification(ASKED, f"{ASKED}:{person}") for person in turn.people]
        await self._note(one.id, notes, posts, key=f"{ASKED}:{len(asked)}")
        return turn.again

    async def _remind(
        self, one: PendingRequest, end: datetime, events: Sequence[Event], asked: Sequence[str], stuck: str
    ) -> bool:
        """Remind the approvers who were asked, below the card, if it is time. Return whether it was time.

        ``stuck`` is the reason why nobody can approve the request now. With it, the requester is reminded,
        too.
        """
        due = reminder_due(one.asked_at, end, self._clock())
        if due is None or any(event.name == REMINDED and event.data["which"] == due for event in events):
            return False
        reminded = dict.fromkeys([*asked, one.requester] if stuck else asked)
        posts = [
            Notification(REMINDED, "card_thread"),
            *(Notification(REMINDED, f"dm:{person}") for person in reminded),
        ]
        data: dict[str, Scalar] = {"which": due, **({"reason": stuck} if stuck else {})}
        await self._note(one.id, [Annotation(one.id, REMINDED, data)], posts, key=f"{REMINDED}:{due}")
        return True

    async def _say_stuck(self, one: PendingRequest, events: Sequence[Event], why: str) -> None:
        """Report once, below the card and to the requester, that nobody can approve a request any more."""
        if not any(event.name == STUCK for event in events):
            posts = [Notification(STUCK, "card_thread"), Notification(STUCK, f"dm:{one.requester}")]
            await self._note(one.id, [Annotation(one.id, STUCK, {"reason": why})], posts, key=STUCK)

    async def _tell_apart(self, new: str) -> None:
        """Update the cards of earlier requests whose numbers look like a new request's."""
        request = await self._store.requests.request(new)
        for other in sorted({record.request for record in await similar_numbers(self._store, request)}):
            note = Annotation(other, ALIKE, {"other": new})
            try:
                await self._note(other, [note], [Notification("state", "card")], key=f"{ALIKE}:{new}")
            except ConflictError:
                continue  # the card was updated before

    async def _note(
        self, request: str, notes: Sequence[Annotation], posts: Sequence[Notification], *, key: str
    ) -> None:
        """Commit annotations with their posts, once. Raises `ConflictError` if that was done before."""
        delivery_key = f"{request}:{key}"
        await self._store.requests.apply(
            ChangeSet(request, SYSTEM, [], delivery_key=delivery_key, annotations=notes, notifications=posts)
        )
        self._wakeups.outbox()
