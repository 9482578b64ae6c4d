"""Appends events to the chain. It is the only code that inserts into ``events`` and ``personal``."""

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
"""128 random bits for each personal value, so that nobody guesses a number from its commitment."""


def utc_now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WriteContext:
    """The external inputs of writing: the key of look-ups by number, the clock, random bytes."""

    key: bytes
    clock: Callable[[], datetime] = utc_now
    random: Callable[[int], bytes] = secrets.token_bytes

    def lookup(self, number: str) -> bytes:
        """Return the keyed hash under which a number's line is found.

        Nobody can reverse it without the key.
        """
        return hmac.digest(self.key, line(number).encode(), hashlib.sha256)


def keeps_to(connection: Connection, sources: WriteContext) -> bool | None:
    """Return whether a file was written with this key of look-ups, or None for a file without one."""
    kept = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    return None if kept is None else bool(kept[0] == sources.lookup("key"))


class EventWriter:
    """The end of the chain, in a transaction that holds the write lock."""

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
        """Append an event that belongs to no request, under an id of its own."""
        own = self.new_id(prefix)
        return self.append(own, own, name, actor=actor, data=data, private=private)

    def new_id(self, prefix: str) -> str:
        """Return a random id that no event has."""
        return new_id(prefix, random=self._random, taken=self._is_taken)

    def _is_taken(self, request: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM events WHERE request = ?", [request])
        return found.fetchone() is not None

    def append(
        self,
        request: str,
        action: str,
        name: str,
        *,
        actor: str,
        data: Mapping[str, Scalar],
        private: Mapping[str, str],
    ) -> Event:
        """Append an event. Write its private values into erasable rows, to which the event commits."""
        salted = [(field, self._random(SALT_BYTES), _storable(value)) for field, value in private.items()]
        commitments = {field: commitment(salt, value) for field, salt, value in salted}
        unsigned = Event(
            self._seq + 1, self.now, request, action, name, actor, data, commitments, self._head, hash=""
        )
        event = replace(unsigned, hash=digest(unsigned))
        self._connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                event.seq,
                microseconds(event.at),
                request,
                action,
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
    """Return a text with lone surrogates escaped, because UTF-8 cannot encode them."""
    return value.encode(errors="backslashreplace").decode()
