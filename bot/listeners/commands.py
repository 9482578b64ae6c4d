"""Reading back: `/calls list`, `/calls status` and the button for details, for one person's eyes only."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.log_search import LogSearch
from bot.services.pending import MOST_COUNTED
from bot.services.permissions import Permissions
from bot.slack.blocks import Message
from bot.slack.masking import Masking
from bot.slack.responses import Replies
from bot.text.formatting import short
from bot.ui import do_not_call, request_lists
from bot.ui.request_lists import SHOWN, Row
from storage.errors import NoSuchRequest
from storage.ids import MISREAD, readings
from storage.models import Event, LogEntry, Person, Query, Request
from storage.repositories.do_not_call import NUMBER
from storage.states import State
from storage.store import Store

Body = dict[str, Any]
LOOKED_THROUGH = 100
"""The newest entries of a kind that are put together to requests."""


@dataclass(slots=True)
class Lists:
    """What people ask to read."""

    _log: Store
    _permissions: Permissions
    _replies: Replies
    search: LogSearch
    _connections: Collection[str]
    _masking: Masking
    _clock: Callable[[], datetime]

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        self.search.listen(app)
        app.action(request_lists.STATUS)(self.details)

    async def details(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show one person how a request stands."""
        self._replies.send(body["response_url"], await self.status(action["value"], person))
        await ack()

    async def overview(self, person: Person) -> Message:
        """What is somebody's, what waits, and what is coming up."""
        mine = await self._own(person)
        known = {request.id for request in mine}
        waiting = await self._log.approvals.pending(SHOWN + len(known), team=person.team)
        first = [await self._log.requests.request(one.id) for one in waiting if one.id not in known][:SHOWN]
        shown = len(first) + sum(request.state is State.PENDING for request in mine)
        waits = await self._log.approvals.count_pending(shown + MOST_COUNTED, team=person.team)
        coming = await self._log.call_history.scheduled(
            self._connections, self._clock(), mine="", limit=SHOWN + 1
        )
        return self._masking.message(
            request_lists.lists(
                [self._row(request, person) for request in mine],
                [self._row(request, person) for request in first],
                coming,
                more_wait=max(waits - shown, 0),
            )
        )

    async def _own(self, person: Person) -> Sequence[Request]:
        """The requests that somebody made last in their workspace, the newest first."""
        page = await self._log.search.page(Query(requester=person.id), limit=LOOKED_THROUGH)
        found: list[Request] = []
        for one in dict.fromkeys(entry.request for entry in page.entries):
            request = await self._log.requests.request(one)
            found += [request] if request.team == person.team else []
            if len(found) == SHOWN:
                break
        return found

    async def status(self, typed: str, person: Person) -> Message:
        """How the request that somebody means stands."""
        found = await self._meant(typed, person)
        if not found and (stop := await self._stop_meant(typed)):
            kept = await self._log.requests.private(stop[0].request)
            numbers = {seq: value for seq, field, value in kept if field == NUMBER}
            return self._masking.message(do_not_call.status(stop, numbers))
        if not found:
            return request_lists.not_found(short(typed.strip()))
        if len(found) > 1:
            return self._masking.message(request_lists.which(found, short(typed.strip())))
        events = await self._log.requests.events(found[0].id)
        return self._masking.message(request_lists.status(self._row(found[0], person), events))

    async def _meant(self, typed: str, person: Person) -> list[Request]:
        """The requests that an id can mean: one, unless a symbol in it can be read in several ways."""
        found: dict[str, Request] = {}
        for one in readings(typed):
            try:
                request = await self._log.requests.request(one)
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
                return await self._log.requests.events(one)
            except NoSuchRequest:
                continue
        return ()

    def _row(self, request: Request, person: Person) -> Row:
        waits = request.state is State.PENDING
        return Row(
            request,
            may_withdraw=person.id == request.requester and all(map(_can_be_withdrawn, request.entries)),
            may_decide=waits and self._permissions.may_decide(request, person).allowed,
        )


def _can_be_withdrawn(entry: LogEntry) -> bool:
    return entry.state in {State.PENDING, State.APPROVED}
