"""Doubts that nobody has ended: once a day, until somebody does, those who may are reminded.

That it was done is a note in the log, committed together with the posts, under a key that is used up once:
two processes, or a restart, find it. A day on which nothing ran is not made up for.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.policy import engine
from bot.services.notifications import STILL_UNKNOWN
from bot.services.requests import Operations
from bot.slack.users import Directory
from storage.errors import Conflict
from storage.models import SYSTEM, Change, Note, Post, Query, Request
from storage.states import State
from storage.store import Store

EVERY = timedelta(days=1)
PAGE = 100
"""Entries read at a time."""


def days_unknown(request: Request, now: datetime) -> int:
    """For how many whole days something of a request has been unknown; 0 where nothing is."""
    since = [entry.updated_at for entry in request.entries if entry.state is State.UNKNOWN]
    return max((now - min(since)) // EVERY, 0) if since else 0


class Doubts:
    """Reminds of what is unknown. ``announce``: there is something to post."""

    def __init__(
        self,
        log: Store,
        directory: Directory,
        operations: Operations,
        *,
        clock: Callable[[], datetime],
        announce: Callable[[], None],
    ) -> None:
        self._log = log
        self._directory = directory
        self._operations = operations
        self._clock = clock
        self._announce = announce
        self._reminded: dict[str, int] = {}
        """The days after which requests were reminded of. Only saves work."""

    async def step(self) -> bool:
        """Remind of every request of which something has been unknown for another day."""
        reminded, after, known = {}, None, self._reminded
        while True:
            page = await self._log.search.page(Query(state=State.UNKNOWN), after=after, limit=PAGE)
            for entry in page.entries:
                if self._clock() - entry.updated_at >= EVERY and entry.request not in reminded:
                    request = await self._log.requests.request(entry.request)
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
        rule = self._operations.rule_of(request)
        people = sorted(engine.settlers(rule, self._directory.members(), self._operations.case(request)))
        posts = [Post(STILL_UNKNOWN, "thread"), *(Post(STILL_UNKNOWN, f"dm:{person}") for person in people)]
        note = Note(request.id, STILL_UNKNOWN, {"days": days})
        first = min(entry.updated_at for entry in request.entries if entry.state is State.UNKNOWN)
        key = f"{request.id}:{STILL_UNKNOWN}:{first.isoformat()}:{days}"
        try:
            await self._log.requests.apply(
                Change(request.id, SYSTEM, [], inbound=key, notes=[note], posts=posts)
            )
        except Conflict:
            return  # another process was first, or did so before a restart
        self._announce()
