"""Reads what concerns a person: what needs them, their requests and calls, pauses and outages."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.parsing.command import CommandContext
from bot.services.pending import MOST_COUNTED
from bot.services.permissions import Permissions
from providers.actions import Kind
from storage.models import ActionRecord, ConnectionOutage, Pause, PendingRequest, Person, Request
from storage.queries import Query
from storage.store import Store

PAGE: Final = 100
"""Pending requests read at a time, in the search for those that a person may decide."""
LISTED: Final = 10
"""Requests or calls in each part of a Home tab. The rest is counted."""
LOOKED_THROUGH: Final = LISTED + MOST_COUNTED
"""The newest actions, or unknown outcomes, that are read to find a person's requests."""


@dataclass(frozen=True, slots=True)
class HomeContent:
    """The lists of a person's Home tab. Each count is of what the list before it leaves out.

    ``unknown`` are requests whose outcome the person may record, ``to_decide`` those that they may decide.
    ``pausable`` are the connections that the person may pause and resume, None for all.
    """

    may: Collection[Kind]
    pausable: Collection[str | None] = ()
    paused: Sequence[Pause] = ()
    outages: Sequence[ConnectionOutage] = ()
    unknown: Sequence[Request] = ()
    to_decide: Sequence[Request] = ()
    more_needed: int = 0
    own: Sequence[Request] = ()
    more_own: int = 0
    upcoming: Sequence[ActionRecord] = ()
    more_upcoming: int = 0


@dataclass(frozen=True, slots=True)
class Overview:
    """Reads what concerns a person."""

    _store: Store
    _permissions: Permissions
    _clock: Callable[[], datetime]

    def may_request(self, person: Person) -> Collection[Kind]:
        """Return the kinds of action that the person could request."""
        return {kind for kind in Kind if self._permissions.may_open(person, kind).allowed}

    async def unknown(self, person: Person, most: int) -> list[Request]:
        """Return the requests with an unknown outcome that the person may settle, oldest first."""
        since, found = await self._store.dispatch_queue.unknown_requests(), list[Request]()
        for one in sorted(since, key=since.__getitem__)[:LOOKED_THROUGH]:
            request = await self._store.requests.request(one)
            if request.team == person.team and self._permissions.may_settle(request, person).allowed:
                found.append(request)
            if len(found) == most:
                break
        return found

    async def to_decide(self, person: Person, most: int) -> list[PendingRequest]:
        """Return up to ``most`` pending requests that the person may decide, soonest deadline first."""
        now, found = self._clock(), list[PendingRequest]()
        page: Sequence[PendingRequest] = await self._store.approvals.pending(PAGE)
        while page and len(found) < most:
            found += [
                one
                for one in page
                if (one.decide_by is None or now < one.decide_by)
                and person.id not in one.approved_by
                and self._permissions.may_decide(one, person).allowed
            ]
            page = await self._store.approvals.pending(PAGE, after=page[-1])
        return found[:most]

    async def own(self, person: Person, most: int) -> tuple[list[Request], int]:
        """Return the person's newest requests in their workspace, newest first, and the count of older ones.

        Older ones are counted up to `LOOKED_THROUGH` actions.
        """
        page = await self._store.search.page(Query(requester=person.id, no_rows=True), limit=LOOKED_THROUGH)
        found: list[Request] = []
        ids = list(dict.fromkeys(record.request for record in page.actions))
        for at, one in enumerate(ids, start=1):
            request = await self._store.requests.request(one)
            found += [request] if request.team == person.team else []
            if len(found) == most:
                return found, MOST_COUNTED if page.after is not None else len(ids) - at
        return found, 0

    async def home(self, person: Person, vocabulary: CommandContext) -> HomeContent:
        """Return what a person's Home tab shows now."""
        unknown = await self.unknown(person, LOOKED_THROUGH)
        waiting = await self.to_decide(person, LOOKED_THROUGH)
        room = max(LISTED - len(unknown), 0)
        own, more_own = await self.own(person, LISTED)
        upcoming = await self._store.call_history.scheduled_by(
            vocabulary.connections, self._clock(), person=person.id, limit=LOOKED_THROUGH
        )
        pausable = self._permissions.pausable(person)
        return HomeContent(
            may=self.may_request(person),
            pausable=pausable,
            paused=[
                one
                for one in await self._store.pauses.active(self._clock())
                if one.connection is None
                or one.connection in pausable
                or self._may_use(person, one.connection, vocabulary)
            ],
            outages=[
                one
                for one in await self._store.outages.all_outages()
                if one.told and self._may_use(person, one.connection, vocabulary)
            ],
            unknown=unknown[:LISTED],
            to_decide=[await self._store.requests.request(one.id) for one in waiting[:room]],
            more_needed=max(len(unknown) + len(waiting) - LISTED, 0),
            own=own,
            more_own=more_own,
            upcoming=upcoming[:LISTED],
            more_upcoming=len(upcoming[LISTED:]),
        )

    def _may_use(self, person: Person, connection: str, vocabulary: CommandContext) -> bool:
        """Return whether the person could request anything through a connection."""
        known = vocabulary.connections.get(connection)
        kinds = known.kinds if known else ()
        return any(self._permissions.may_open(person, kind, connection).allowed for kind in kinds)
