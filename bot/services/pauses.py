"""Pauses calls and the start of campaigns, and lets them go on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.parsing.command import CommandContext
from bot.parsing.parser import MAX_TARGETS
from bot.policy.engine import Decision
from bot.services import scheduled_calls
from bot.services.models import PermissionDeniedError
from bot.services.permissions import Permissions
from bot.services.scheduled_calls import CannotCancelError
from bot.services.wakeups import Wakeups
from providers.actions import Kind
from storage.models import Pause, PauseCounts, Person
from storage.store import Store

LOOKED_THROUGH: Final = 1000
"""Scheduled calls that are read to fill a form."""


@dataclass(slots=True)
class PauseService:
    """Sets and ends pauses."""

    _store: Store
    _permissions: Permissions
    _wakeups: Wakeups
    _clock: Callable[[], datetime]

    async def active(self) -> Sequence[Pause]:
        """Return the pauses that hold now, that of every connection first."""
        return await self._store.pauses.active(self._clock())

    async def counts(self) -> Mapping[str, PauseCounts]:
        """Return what a pause would find now, by connection. Connections without any action are left out."""
        return await self._store.pauses.counts(self._clock())

    def pausable(self, person: Person) -> Sequence[str | None]:
        """Return the connections that a person may pause and resume, first None if they may pause all."""
        return self._permissions.pausable(person)

    def may_cancel(self, person: Person, connection: str) -> Decision:
        """Return whether a person may ask to cancel calls of a connection."""
        return self._permissions.may_open(person, Kind.CANCEL_CALL, connection)

    async def to_cancel(
        self, connections: Sequence[str], vocabulary: CommandContext
    ) -> tuple[Mapping[str, str], int, int]:
        """Return scheduled calls that one request can cancel, as values of its form.

        Also return their count, and that of further calls, each up to `LOOKED_THROUGH`. The values are empty
        without such a call. A request has one connection, and one voice agent where that is needed.
        """
        calls = await self._store.call_history.to_cancel(connections, self._clock(), limit=LOOKED_THROUGH)
        groups: dict[tuple[str, str], list[str]] = {}
        for call in calls:
            try:
                aimed = scheduled_calls.values(call, vocabulary)
            except CannotCancelError:  # the provider gave it no id, so people cancel it there
                continue
            targets = groups.setdefault((aimed["connection"], aimed.get("agent", "")), [])
            targets.append(aimed.get("targets") or aimed["call"])
        if not groups:
            return {}, 0, 0
        [(connection, agent), targets], *_ = groups.items()
        chosen = list(dict.fromkeys(targets))[:MAX_TARGETS]
        values = {"targets": "\n".join(chosen), "connection": connection, "agent": agent}
        count = sum(target in set(chosen) for target in targets)
        return values, count, sum(map(len, groups.values())) - count

    async def pause(
        self, connection: str | None, person: Person, reason: str, *, until: datetime | None, nonce: str
    ) -> Pause:
        """Pause a connection, or all with None. Raises `PermissionDeniedError`."""
        await self.check(connection, person, "pause")
        made = await self._store.pauses.pause(
            connection, actor=person.id, reason=reason, until=until, nonce=nonce
        )
        self._wakeups.all()
        return made

    async def resume(self, connection: str | None, person: Person) -> tuple[Pause | None, Sequence[Pause]]:
        """Let calls go on. Return the pause that ended, if any, and those that remain.

        Raises `PermissionDeniedError`.
        """
        await self.check(connection, person, "resume")
        ended = await self._store.pauses.resume(connection, actor=person.id)
        self._wakeups.all()
        return ended, await self.active()

    async def resume_one(self, pause: str, person: Person) -> tuple[Pause | None, Sequence[Pause]]:
        """End the pause with this id as `resume` does, if it still holds. Raises `PermissionDeniedError`."""
        known = next((one for one in await self.active() if one.id == pause), None)
        if known is None:
            return None, await self.active()
        await self.check(known.connection, person, "resume")
        ended = await self._store.pauses.resume(known.connection, actor=person.id, only=pause)
        self._wakeups.all()
        return ended, await self.active()

    async def check(self, connection: str | None, person: Person, tried: str) -> None:
        """Raise `PermissionDeniedError`, and record it, unless the person may pause the connection."""
        decision = self._permissions.may_pause(person, connection)
        if not decision.allowed:
            why = " ".join(decision.reasons)
            await self._store.audit.record_denied_attempt(actor=person.id, where=tried, reason=why)
            raise PermissionDeniedError(decision.reasons)
