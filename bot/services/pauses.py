"""Pauses calls and the start of campaigns, and lets them go on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.services.models import PermissionDeniedError
from bot.services.permissions import Permissions
from bot.services.wakeups import Wakeups
from storage.models import Pause, PauseCounts, Person
from storage.store import Store


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
