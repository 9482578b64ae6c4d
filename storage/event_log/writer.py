"""Appending events to the chain: the only code that writes ``events`` and ``personal``."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from sqlite3 import Connection
from types import MappingProxyType
from typing import Final

from providers.phone import line
from storage.event_log.hash_chain import GENESIS, canonical, commitment, digest, microseconds
from storage.ids import new_id
from storage.models import Event, Scalar

SALT_BYTES: Final = 16
"""128 random bits for each personal value: nobody guesses a number from its commitment."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What writing takes from outside: the key of look-ups by number, the clock, random bytes."""

    key: bytes
    clock: Callable[[], datetime] = utc_now
    random: Callable[[int], bytes] = secrets.token_bytes

    def lookup(self, number: str) -> bytes:
        """What a number's line is found under: nothing that can be read back without the key."""
        return hmac.digest(self.key, line(number).encode(), hashlib.sha256)


def keeps_to(connection: Connection, sources: WriteContext) -> bool | None:
    """Return whether a file keeps to the key of look-ups; None for a file that keeps to none yet."""
    kept = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    return None if kept is None else bool(kept[0] == sources.lookup("key"))


class EventWriter:
    """The end of the chain, in one transaction that holds the write lock."""

    def __init__(self, connection: Connection, sources: WriteContext) -> None:
        self._connection = connection
        self._random = sources.random
        self.now = sources.clock()
        last = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        self._seq: int = last["seq"] if last else 0
        self._head: str = last["hash"] if last else GENESIS

    def append_new(
        self,
        prefix: str,
        name: str,
        *,
        actor: str,
        data: Mapping[str, Scalar],
        private: Mapping[str, str] = MappingProxyType({}),
    ) -> Event:
        """Write an event that belongs to no request, under an id of its own."""
        own = self.new_id(prefix)
        return self.append(own, own, name, actor=actor, data=data, private=private)

    def new_id(self, prefix: str) -> str:
        """Draw an id that no event has."""
        return new_id(prefix, random=self._random, taken=self._is_taken)

    def _is_taken(self, request: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM events WHERE request = ?", [request])
        return found.fetchone() is not None

    def append(
        self,
        request: str,
        entry: str,
        name: str,
        *,
        actor: str,
        data: Mapping[str, Scalar],
        private: Mapping[str, str],
    ) -> Event:
        """Write an event, and what is private to it into erasable rows that it commits to."""
        salted = [(field, self._random(SALT_BYTES), _storable(value)) for field, value in private.items()]
        commitments = {field: commitment(salt, value) for field, salt, value in salted}
        unsigned = Event(
            self._seq + 1, self.now, request, entry, name, actor, data, commitments, self._head, hash=""
        )
        event = replace(unsigned, hash=digest(unsigned))
        self._connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                event.seq,
                microseconds(event.at),
                request,
                entry,
                name,
                actor,
                canonical(data),
                canonical(commitments),
                event.previous,
                event.hash,
            ],
        )
        self._connection.executemany(
            "INSERT INTO personal (event, field, salt, value) VALUES (?, ?, ?, ?)",
            [(event.seq, *fields) for fields in salted],
        )
        self._seq, self._head = event.seq, event.hash
        return event


def _storable(value: str) -> str:
    """Half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes its escape."""
    return value.encode(errors="backslashreplace").decode()
