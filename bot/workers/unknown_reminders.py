"""Tells the people who may settle of each unknown outcome, and reminds them of it.

They are told as soon as nothing automatic is left: no retry, and no look-up. Each message is recorded with a
unique key, in one transaction with its Slack posts. So it is sent once even with several processes or after a
restart. Of the reminders missed while CallOps was down, only the last is sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.policy import engine
from bot.services.notifications import SETTLE, SETTLE_ASKED, STILL_UNKNOWN, SystemChanges
from bot.services.permissions import Permissions
from bot.slack.users import UserDirectory
from bot.workers.lookups import TargetLookups
from bot.workers.turns import Turns
from storage.changes import Annotation, Notification
from storage.models import Event, Request, call_time
from storage.states import State
from storage.store import Store

EVERY = timedelta(days=1)
AFTER = (timedelta(minutes=15), timedelta(hours=1))
"""The times after which people are reminded on the first day."""
BEFORE_THE_CALL = timedelta(minutes=15)
"""The time before a call at which people are reminded that it may go out."""
LOOKED_UP_WITHIN = timedelta(minutes=1)
"""The time for which people are not told yet, because a look-up may still find out what happened."""
CHECKED_EVERY = timedelta(minutes=1)
"""The longest time between two checks of a request, as rules and groups may have changed."""


def unknown_since(request: Request) -> datetime | None:
    """Return when the last of a request's unknown actions became so, None if none is unknown."""
    return max(
        (record.updated_at for record in request.actions if record.state is State.UNKNOWN), default=None
    )


def reminders(request: Request, now: datetime) -> list[tuple[str, datetime]]:
    """Return the reminders of an unknown outcome up to now, and the next one, each with its name and time."""
    since = unknown_since(request)
    if since is None:
        return []
    times = {f"{after // timedelta(minutes=1)}m": since + after for after in AFTER}
    doubts = [record for record in request.actions if record.state is State.UNKNOWN]
    calls = [at for record in doubts if (at := call_time(request, record))]
    if calls and since < (before := min(calls) - BEFORE_THE_CALL) and now < min(calls):
        times["call"] = before
    days = max((now - since) // EVERY, 0)
    times |= {f"{day}d": since + day * EVERY for day in (days, days + 1) if day}
    return sorted(times.items(), key=lambda one: one[1])


@dataclass(slots=True)
class UnknownReminders:
    """Tells and reminds people of unknown outcomes."""

    _store: Store
    _directory: UserDirectory
    _permissions: Permissions
    _turns: Turns
    _lookups: TargetLookups
    _changes: SystemChanges
    _clock: Callable[[], datetime]
    _due: dict[tuple[str, datetime], datetime] = field(default_factory=dict, init=False)
    """The time at which each request that is unknown since a time is checked again. It only saves work."""
    _last: datetime | None = field(default=None, init=False)

    async def run_once(self) -> bool:
        """Tell and remind people of every unknown outcome for which it is time."""
        now = self._clock()
        if self._last and now < self._last:  # After the clock was set back, the waiting times are unknown.
            self._due.clear()
        self._last = now
        found = await self._store.dispatch_queue.unknown_requests()
        self._due = {one: at for one, at in self._due.items() if one in found.items()}
        for one in found.items():
            if self._due.get(one, now) <= now:
                self._due[one] = await self._look(await self._store.requests.request(one[0]))
        return False

    async def _look(self, request: Request) -> datetime:
        """Tell and remind people of a request if it is time. Return the time of the next check."""
        now, since = self._clock(), unknown_since(request)
        if since is None or await self._may_be_looked_up(request, now):
            return now
        events = [  # whatever was told since then covers all that is unknown
            event
            for event in await self._store.requests.events(request.id)
            if event.name in {SETTLE_ASKED, STILL_UNKNOWN} and event.at >= since
        ]
        again = [await self._tell(request, since, events), await self._remind(request, since, events)]
        return min([now + CHECKED_EVERY, *filter(None, again)])

    async def _may_be_looked_up(self, request: Request, now: datetime) -> bool:
        """Return whether a look-up may soon find out what happened, so that nobody is told yet."""
        fresh = [
            record
            for record in request.actions
            if record.state is State.UNKNOWN and now - record.updated_at < LOOKED_UP_WITHIN
        ]
        return any([await self._lookups.is_due(record) for record in fresh])

    async def _tell(self, request: Request, since: datetime, events: Sequence[Event]) -> datetime | None:
        """Tell the approvals channel once, and the people whose turn it is. Return when the next turn is.

        The approvers come first.
        """
        told = [event for event in events if event.name == SETTLE_ASKED]
        asked = {str(event.data["person"]): event.at for event in told if "person" in event.data}
        rule = self._permissions.rule_of(request)
        people: Sequence[str] = ()
        again = None
        if rule and (entitled := self._permissions.asked_to_settle(request)):
            # Approvers know the request, and hear of its outcome by this message alone.
            knowing = () if told else entitled.intersection(request.approved_by)
            one_by_one = rule.notify == "first" and not knowing
            turn = await self._turns.next(knowing or entitled, asked, one_by_one=one_by_one)
            people, again = turn.people, turn.again
        if told and not people:
            return again
        data = {"since": since.isoformat()}
        notes = [Annotation(request.id, SETTLE_ASKED, data | {"person": person}) for person in people]
        posts = [Notification(SETTLE_ASKED, f"{SETTLE}:{person}") for person in people]
        # A message that is edited rings nobody, so a further unknown outcome is told anew as well.
        posts += [
            Notification(STILL_UNKNOWN, f"dm:{person}")
            for person in people
            if f"{SETTLE}:{person}" in request.messages
        ]
        if not told:
            posts.insert(0, Notification(SETTLE_ASKED, SETTLE))
        await self._apply(
            request,
            notes or [Annotation(request.id, SETTLE_ASKED, data)],
            posts,
            key=f"{SETTLE_ASKED}:{since.isoformat()}:{len(told)}",
        )
        return again

    async def _remind(self, request: Request, since: datetime, events: Sequence[Event]) -> datetime | None:
        """Remind those who were told, and from the first day on all who may settle. Return the next time."""
        now = self._clock()
        times = reminders(request, now)
        due = next((name for name, at in reversed(times) if at <= now), None)
        if due and not any(event.name == STILL_UNKNOWN and event.data["which"] == due for event in events):
            people = {str(event.data["person"]) for event in events if "person" in event.data}
            if due.endswith("d"):
                case = self._permissions.approval_context(request)
                rule = self._permissions.rule_of(request)
                people |= engine.settlers(rule, self._directory.members(), case)
            data = {"since": since.isoformat(), "which": due}
            posts = [Notification(STILL_UNKNOWN, "thread")]
            posts += [Notification(STILL_UNKNOWN, f"dm:{person}") for person in sorted(people)]
            notes = [Annotation(request.id, STILL_UNKNOWN, data)]
            await self._apply(request, notes, posts, key=f"{STILL_UNKNOWN}:{since.isoformat()}:{due}")
        return next((at for _, at in times if at > now), None)

    async def _apply(
        self, request: Request, notes: Sequence[Annotation], posts: Sequence[Notification], *, key: str
    ) -> None:
        """Commit annotations with their posts, unless another process did."""
        # The key makes them once, even with several processes or after a restart.
        await self._changes.apply(request, delivery_key=f"{request.id}:{key}", notes=notes, posts=posts)
