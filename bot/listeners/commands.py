"""Listeners for `/calls list`, `/calls status` and the details button. Only one person sees their answers."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.log_search import LogSearch
from bot.services.overview import Overview
from bot.services.pauses import PauseService
from bot.services.pending import MOST_COUNTED
from bot.services.permissions import Permissions
from bot.slack.blocks import Message
from bot.slack.masking import Masking
from bot.slack.responses import EphemeralResponder
from bot.text.formatting import short
from bot.ui import call_times, do_not_call, pauses, request_lists
from bot.ui.request_lists import SHOWN, Row
from storage.errors import RequestNotFoundError
from storage.event_log.hash_chain import CALLS_PAUSED
from storage.ids import MISREAD, readings
from storage.models import ActionRecord, Event, Person, Request
from storage.repositories.do_not_call import NUMBER
from storage.states import State
from storage.store import Store

Body = dict[str, Any]


@dataclass(slots=True)
class RequestLists:
    """Lists of requests, and the state of one request."""

    _store: Store
    _permissions: Permissions
    personal: Overview
    _replies: EphemeralResponder
    search: LogSearch
    pauses: PauseService
    _connections: Collection[str]
    _masking: Masking
    _clock: Callable[[], datetime]

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        self.search.listen(app)
        app.action(request_lists.STATUS)(self.details)

    async def details(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show a person the state of a request."""
        self._replies.send(body["response_url"], await self.status(action["value"], person))
        await ack()

    async def overview(self, person: Person) -> Message:
        """Return the person's own requests, the pending requests of others, and the upcoming calls."""
        mine, _ = await self.personal.own(person, SHOWN)
        known = {request.id for request in mine}
        waiting = await self._store.approvals.pending(SHOWN + len(known), team=person.team)
        first = [await self._store.requests.request(one.id) for one in waiting if one.id not in known][:SHOWN]
        shown = len(first) + sum(request.state is State.PENDING for request in mine)
        waits = await self._store.approvals.count_pending(shown + MOST_COUNTED, team=person.team)
        coming = await self._store.call_history.scheduled(
            self._connections, self._clock(), mine="", limit=SHOWN + 1
        )
        return self._shown(
            person,
            request_lists.lists(
                [self._row(request, person) for request in mine],
                [self._row(request, person) for request in first],
                coming,
                checking=[
                    self._row(request, person) for request in await self.personal.unknown(person, SHOWN)
                ],
                more_wait=max(waits - shown, 0),
                paused=await self.pauses.active(),
            ),
        )

    def _shown(self, person: Person, message: Message) -> Message:
        """Return a message as its one reader sees it: with masked numbers, on the reader's clock."""
        return call_times.on_clock(self._masking.message(message), person.timezone)

    async def status(self, typed: str, person: Person) -> Message:
        """Return the state of the request, stop, do-not-call list or pause whose id was typed."""
        found = await self._meant(typed, person)
        if not found and (stop := await self._stop_meant(typed)):
            kept = await self._store.requests.personal_values(stop[0].request)
            if stop[0].name == CALLS_PAUSED:
                reasons = {seq: value for seq, field, value in kept if field == "reason"}
                return self._shown(person, pauses.status(stop, reasons))
            numbers = {seq: value for seq, field, value in kept if field == NUMBER}
            return self._masking.message(do_not_call.status(stop, numbers))
        if not found:
            return request_lists.not_found(short(typed.strip()))
        if len(found) > 1:
            return self._shown(person, request_lists.which(found, short(typed.strip())))
        events = await self._store.requests.events(found[0].id)
        progress = await self._store.call_lists.progress(found[0].id) if found[0].kind.is_list else None
        return self._shown(person, request_lists.status(self._row(found[0], person), events, progress))

    async def _meant(self, typed: str, person: Person) -> list[Request]:
        """Return the requests that an id can mean. Only symbols that are easily misread allow several."""
        found: dict[str, Request] = {}
        for one in readings(typed):
            try:
                request = await self._store.requests.request(one)
            except RequestNotFoundError:
                continue
            if request.team == person.team:
                found.setdefault(request.id, request)
        certain = not set(typed.upper()) & set(MISREAD)
        return [*found.values()][:1] if certain else [*found.values()]

    async def _stop_meant(self, typed: str) -> Sequence[Event]:
        """Return the events of the stop, do-not-call list or pause that an id means, or none."""
        for one in (*readings(typed, "S"), *readings(typed, "B")):
            try:
                return await self._store.requests.events(one)
            except RequestNotFoundError:
                continue
        return ()

    def _row(self, request: Request, person: Person) -> Row:
        waits = request.state is State.PENDING
        return Row(
            request,
            may_withdraw=person.id == request.requester
            and all(map(_can_be_withdrawn, request.actions))
            and not (request.kind.is_list and request.state is State.APPROVED),
            may_settle=any(record.state is State.UNKNOWN for record in request.actions)
            and self._permissions.may_settle(request, person).allowed,
            may_decide=waits and self._permissions.may_decide(request, person).allowed,
        )


def _can_be_withdrawn(record: ActionRecord) -> bool:
    return record.state in {State.PENDING, State.APPROVED}
