"""Who is asked to decide, and reminded: one phone rings, then the next; nobody twice, whatever restarts.

That somebody was asked or reminded is a note in the log, committed together with the posts that do so. Two
processes, or a restart, find the note; its key is used up, so that it is made once.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from bot.config.settings import Settings, SettingsHolder
from bot.policy import engine
from bot.policy.rules import Rule
from bot.services.notifications import ASKED, INSTEAD_OF, REMINDED
from bot.services.pending import ESCALATED, alike
from bot.services.permissions import Permissions
from bot.services.timing import next_reminder, reminder_due
from bot.services.wakeups import Wakeups
from bot.slack.errors import NOT_POSTED
from bot.slack.users import FRESH, Directory, PersonUnreadable
from bot.ui.channel_messages import STUCK
from storage.changes import Change, Note, Post
from storage.errors import Conflict
from storage.models import SYSTEM, Event, Scalar, Waiting
from storage.repositories.rate_limits import MINUTE
from storage.store import Store

ALIKE = "alike"
"""A note: a request's card was rewritten, as another one's number reads like its own."""

LOOK_AGAIN = timedelta(seconds=30)
"""Until it is looked again for somebody to ask, where nobody could be found."""

BATCH = 50
"""Requests that are looked at in one round."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Asking:
    """Asks approvers for what waits, and reminds them."""

    _log: Store
    _settings: SettingsHolder
    _directory: Directory
    _permissions: Permissions
    _wakeups: Wakeups
    _team: str
    _clock: Callable[[], datetime]
    _read: int = field(default=0, init=False)
    """How far the log was read for requests that became pending."""
    _due: dict[str, datetime] = field(default_factory=dict, init=False)
    """When each pending request is to be looked at again. Only saves work."""
    _queue: list[tuple[datetime, int, str]] = field(default_factory=list, init=False)
    """The same as a heap, in order. What is not in `_due` any more for that time is passed over."""
    _places: Iterator[int] = field(default_factory=count, init=False)
    _new: set[str] = field(default_factory=set, init=False)
    """Requests that others with such a number were not told apart from yet."""
    _again: set[str] = field(default_factory=set, init=False)
    _looked_at: datetime = field(init=False)
    _followed: Settings = field(init=False)
    """The settings of the last round: whose turn it is may be different by others."""

    def __post_init__(self) -> None:
        self._looked_at, self._followed = self._clock(), self._settings.current

    def look_again(self, request: str) -> None:
        """Look at a request in the next round: its card could not be posted."""
        self._again.add(request)
        self._wakeups.approvals()

    def _look_at(self, request: str, due: datetime) -> None:
        """Look at a request when that time has come."""
        self._due[request] = due
        heappush(self._queue, (due, next(self._places), request))

    async def step(self) -> bool:
        """Look at what is due, one after another: who is asked for one counts for the next. True: go on."""
        now = self._clock()
        # A clock that was set back says nothing of how long they have waited.
        if now < self._looked_at or self._settings.current is not self._followed:
            for request in self._due:
                self._look_at(request, now)
        self._looked_at, self._followed = now, self._settings.current
        new, self._read = await self._log.approvals.pending_since(self._read, BATCH)
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
        """Ask and remind about a request as far as it is time, and find out when to look again."""
        again = self._clock() + LOOK_AGAIN
        try:
            if request in self._new:
                await self._tell_apart(request)
                self._new.discard(request)
            one = await self._log.approvals.pending_request(request)
            if one is None:
                return
            again = await self._look(one)
        except Conflict:  # another process was first: the next round reads what it did
            again = self._clock()
        except Exception:  # noqa: BLE001 - one that fails holds up no other; it is logged in full
            _log.exception("Asking about %s failed; it is tried again", request)
        self._look_at(request, again)

    async def _look(self, one: Waiting) -> datetime:
        """Ask and remind as far as it is time; when to look again."""
        events = await self._log.requests.events(one.id)
        asked = {str(event.data["person"]): event.at for event in events if event.name == ASKED}
        shut = [one.data["where"] for one in events if one.name == NOT_POSTED and one.data["what"] == "card"]
        rule = self._permissions.rule_of(one)
        again = [await self._escalate(one, rule, events, asked)]
        again.append(await self._ask(one, rule, asked, shut[-1] if shut else None))
        stuck = await self._permissions.nobody_can_approve(rule, one.requester)
        why, reminded = stuck.why[0] if stuck else "", False
        if one.decide_by:
            reminded = await self._remind(one, one.decide_by, events, list(asked), why)
            again.append(next_reminder(one.asked_at, one.decide_by, self._clock()))
        if stuck and not stuck.unread and not reminded:
            await self._say_stuck(one, events, why)
        again.append(self._clock() + FRESH)  # what is known of the approvers may have changed by then
        return min(at for at in again if at)

    async def _escalate(
        self, one: Waiting, rule: Rule | None, events: Sequence[Event], asked: dict[str, datetime]
    ) -> datetime | None:
        """Say that others may decide as well, and ask them, once it is time; when that will be.

        Whoever is asked is added to ``asked``.
        """
        if rule is None or rule.escalate_after is None or any(event.name == ESCALATED for event in events):
            return None
        case = self._permissions.case(one)
        if not case.escalated:
            return one.asked_at + rule.escalate_after
        able = engine.escalation(rule, self._directory.members(), case) - asked.keys() - one.approved_by
        chosen = [] if rule.notify == "nobody" else await self._fit(sorted(able))
        if rule.notify == "first" and chosen:
            chosen = [await self._first(chosen)]
        notes = [Note(one.id, ESCALATED, {"to": " and ".join(rule.escalate_to)})]
        notes += [Note(one.id, ASKED, {"person": person}) for person in chosen]
        posts = [Post("state", "card"), Post(ESCALATED, "card_thread")]
        posts += [Post(ASKED, f"{ASKED}:{person}") for person in chosen]
        await self._note(one.id, notes, posts, key=ESCALATED)
        asked |= dict.fromkeys(chosen, self._clock())
        return None

    async def _ask(
        self, one: Waiting, rule: Rule | None, asked: Mapping[str, datetime], shut: Scalar
    ) -> datetime | None:
        """Ask whose turn it is; when the next one's comes.

        ``shut`` is the channel that the card could not be posted in: then everyone is asked who can decide.
        """
        if rule is None or (rule.notify == "nobody" and not shut):
            return None
        in_turn = rule.notify == "first" and not shut
        now, wait = self._clock(), self._settings.current.dispatch.next_approver_after
        case = self._permissions.case(one)
        entitled = engine.approvers(rule, self._directory.members(), case) - one.approved_by
        left = sorted(entitled - asked.keys())
        if asked and not left:
            return None
        # A clock that was set back leaves times that lie ahead of it: the wait since then is over.
        lately = max((at for at in asked.values() if at <= now + MINUTE), default=None)
        if in_turn and lately and now < lately + wait:
            return lately + wait
        chosen = await self._fit(left)
        if in_turn and chosen:
            chosen = [await self._first(chosen)]
        if not chosen:
            return now + LOOK_AGAIN
        instead: dict[str, Scalar] = {INSTEAD_OF: shut} if shut else {}
        notes = [Note(one.id, ASKED, {"person": person, **instead}) for person in chosen]
        posts = [Post(ASKED, f"{ASKED}:{person}") for person in chosen]
        await self._note(one.id, notes, posts, key=f"{ASKED}:{len(asked)}")
        asked = {**asked, **dict.fromkeys(chosen, now)}
        return now + wait if entitled - asked.keys() else None

    async def _fit(self, people: Sequence[str]) -> list[str]:
        """Those who can decide anything at all, as far as Slack says."""
        able = await asyncio.gather(*map(self._can_decide, people))
        return [one for one, fit in zip(people, able, strict=True) if fit]

    async def _can_decide(self, user: str) -> bool:
        try:
            person = await self._directory.person_in_background(user)
        except PersonUnreadable:
            return False
        return engine.standing(person, self._team) is None

    async def _first(self, people: Sequence[str]) -> str:
        """Who was asked least recently and is not away; if all are, who was asked least recently."""
        last = await self._log.approvals.last_asked(people)
        never = datetime.min.replace(tzinfo=self._clock().tzinfo)
        in_turn = sorted(people, key=lambda one: (last.get(one, never), one))
        for one in in_turn:
            if not await self._directory.away(one):
                return one
        return in_turn[0]

    async def _remind(
        self, one: Waiting, end: datetime, events: Sequence[Event], asked: Sequence[str], stuck: str
    ) -> bool:
        """Remind those who were asked, below the card, where it is time and was not done yet.

        ``stuck``: why nobody can approve it now; then the requester is reminded, too. Return whether it was
        time.
        """
        due = reminder_due(one.asked_at, end, self._clock())
        if due is None or any(event.name == REMINDED and event.data["which"] == due for event in events):
            return False
        reminded = dict.fromkeys([*asked, one.requester] if stuck else asked)
        posts = [Post(REMINDED, "card_thread"), *(Post(REMINDED, f"dm:{person}") for person in reminded)]
        data: dict[str, Scalar] = {"which": due, **({"why": stuck} if stuck else {})}
        await self._note(one.id, [Note(one.id, REMINDED, data)], posts, key=f"{REMINDED}:{due}")
        return True

    async def _say_stuck(self, one: Waiting, events: Sequence[Event], why: str) -> None:
        """Say once, below the card and to the requester, that nobody can approve a request any more."""
        if not any(event.name == STUCK for event in events):
            posts = [Post(STUCK, "card_thread"), Post(STUCK, f"dm:{one.requester}")]
            await self._note(one.id, [Note(one.id, STUCK, {"why": why})], posts, key=STUCK)

    async def _tell_apart(self, new: str) -> None:
        """Have the cards rewritten that waited before and whose numbers read like a new request's."""
        request = await self._log.requests.request(new)
        for other in sorted({entry.request for entry in await alike(self._log, request)}):
            note = Note(other, ALIKE, {"other": new})
            try:
                await self._note(other, [note], [Post("state", "card")], key=f"{ALIKE}:{new}")
            except Conflict:
                continue  # it was told apart before

    async def _note(self, request: str, notes: Sequence[Note], posts: Sequence[Post], *, key: str) -> None:
        """Commit notes with their posts, once. Raises `Conflict` where that was done before."""
        delivery_key = f"{request}:{key}"
        await self._log.requests.apply(
            Change(request, SYSTEM, [], delivery_key=delivery_key, notes=notes, posts=posts)
        )
        self._wakeups.outbox()
