"""Reading back: `/calls list`, `/calls status` and the button for details, for one person's eyes only."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.blocks import Message
from bot.log_search import LogSearch
from bot.messages import overview, stops
from bot.messages.overview import SHOWN, Row
from bot.operations import Operations
from bot.replies import Replies
from bot.words import short
from storage.entries import Event, LogEntry, Person, Query, Request
from storage.ids import MISREAD, readings
from storage.lifecycle import State
from storage.log import ActionLog, NoSuchRequest

Body = dict[str, Any]
LOOKED_THROUGH = 100
"""The newest entries of a kind that are put together to requests."""


class Lists:
    """What people ask to read."""

    def __init__(
        self,
        log: ActionLog,
        operations: Operations,
        replies: Replies,
        search: LogSearch,
        *,
        connections: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._operations = operations
        self._replies = replies
        self.search: Final = search
        self._connections = connections
        self._clock = clock

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        self.search.listen(app)
        app.action(overview.STATUS)(self.details)

    async def details(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show one person how a request stands."""
        self._replies.send(body["response_url"], await self.status(action["value"], person))
        await ack()

    async def overview(self, person: Person) -> Message:
        """What is somebody's, what waits, and what is coming up."""
        mine = await self._requests(Query(requester=person.id), person)
        known = {request.id for request in mine[:SHOWN]}
        others = [one for one in await self._log.waiting() if one.id not in known and one.team == person.team]
        first = [await self._log.request(one.id) for one in others[:SHOWN]]
        coming = await self._log.scheduled(self._connections, self._clock(), mine="", limit=SHOWN + 1)
        return overview.lists(
            [self._row(request, person) for request in mine[:SHOWN]],
            [self._row(request, person) for request in first],
            coming,
            more_wait=max(len(others) - SHOWN, 0),
        )

    async def _requests(self, query: Query, person: Person) -> Sequence[Request]:
        """The requests of a workspace with such entries, the newest first."""
        page = await self._log.page(query, limit=LOOKED_THROUGH)
        ids = dict.fromkeys(entry.request for entry in page.entries)
        found = [await self._log.request(one) for one in ids]
        return [request for request in found if request.team == person.team]

    async def status(self, typed: str, person: Person) -> Message:
        """How the request that somebody means stands."""
        found = await self._meant(typed, person)
        if not found and (stop := await self._stop_meant(typed)):
            return stops.status(stop)
        if not found:
            return overview.not_found(short(typed.strip()))
        if len(found) > 1:
            return overview.which(found, short(typed.strip()))
        return overview.status(self._row(found[0], person), await self._log.events(found[0].id))

    async def _meant(self, typed: str, person: Person) -> list[Request]:
        """The requests that an id can mean: one, unless a symbol in it can be read in several ways."""
        found: dict[str, Request] = {}
        for one in readings(typed):
            try:
                request = await self._log.request(one)
            except NoSuchRequest:
                continue
            if request.team == person.team:
                found.setdefault(request.id, request)
        certain = not set(typed.upper()) & set(MISREAD)
        return [*found.values()][:1] if certain else [*found.values()]

    async def _stop_meant(self, typed: str) -> Sequence[Event]:
        """What happened to the stop, or the do-not-call list, that an id means."""
        for one in readings(typed, "S"):
            try:
                return await self._log.events(one)
            except NoSuchRequest:
                continue
        return ()

    def _row(self, request: Request, person: Person) -> Row:
        waits = request.state is State.PENDING
        return Row(
            request,
            may_take_back=person.id == request.requester and all(map(_can_be_taken_back, request.entries)),
            may_decide=waits and self._operations.may_decide(request, person).allowed,
        )


def _can_be_taken_back(entry: LogEntry) -> bool:
    return entry.state in {State.PENDING, State.APPROVED}
