"""Reminds the people who may settle once a day of each unknown outcome.

Each reminder is recorded with a unique key, in one transaction with its Slack posts. So it is sent once even
with several processes or after a restart. Reminders missed while CallOps was down are not sent later.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.policy import engine
from bot.services.notifications import STILL_UNKNOWN, SystemChanges
from bot.services.permissions import Permissions
from bot.slack.users import UserDirectory
from storage.changes import Annotation, Notification
from storage.models import Query, Request
from storage.states import State
from storage.store import Store

EVERY = timedelta(days=1)
PAGE = 100
"""Actions read at a time."""


def days_unknown(request: Request, now: datetime) -> int:
    """Return the whole days for which an action of a request has been unknown, 0 if none is."""
    since = [entry.updated_at for entry in request.entries if entry.state is State.UNKNOWN]
    return max((now - min(since)) // EVERY, 0) if since else 0


@dataclass(slots=True)
class UnknownReminders:
    """Reminds people of unknown outcomes."""

    _store: Store
    _directory: UserDirectory
    _permissions: Permissions
    _changes: SystemChanges
    _clock: Callable[[], datetime]
    _reminded: dict[str, int] = field(default_factory=dict, init=False)
    """The days after which each request was last reminded of. It only saves work."""

    async def run_once(self) -> bool:
        """Remind of every request with an action that has been unknown for another day."""
        reminded, after, known = {}, None, self._reminded
        while True:
            page = await self._store.search.page(Query(state=State.UNKNOWN), after=after, limit=PAGE)
            for entry in page.entries:
                if self._clock() - entry.updated_at >= EVERY and entry.request not in reminded:
                    request = await self._store.requests.request(entry.request)
                    days = days_unknown(request, self._clock())
                    if days > known.get(request.id, 0):
                        await self._remind(request, days)
                    reminded[request.id] = days
            after = page.after
            if after is None:
                break
        self._reminded = reminded
        return False

    async def _remind(self, request: Request, days: int) -> None:
        rule = self._permissions.rule_of(request)
        people = sorted(
            engine.settlers(rule, self._directory.members(), self._permissions.approval_context(request))
        )
        posts = [
            Notification(STILL_UNKNOWN, "thread"),
            *(Notification(STILL_UNKNOWN, f"dm:{person}") for person in people),
        ]
        note = Annotation(request.id, STILL_UNKNOWN, {"days": days})
        first = min(entry.updated_at for entry in request.entries if entry.state is State.UNKNOWN)
        key = f"{request.id}:{STILL_UNKNOWN}:{first.isoformat()}:{days}"
        # The key makes the reminder once, even with several processes or after a restart.
        await self._changes.apply(request, delivery_key=key, notes=[note], posts=posts)
