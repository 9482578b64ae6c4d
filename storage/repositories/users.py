"""Slack users, drafts, and names that are claimed once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any, Final

from storage.database.folding import fold
from storage.database.repository import Repository, reads, writes
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import WriteContext
from storage.models import Person

DRAFTS_KEPT: Final = timedelta(days=1)
"""Retention of the draft of a preview or form."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft of a preview or form, kept until its nonce is used or it is erased."""

    nonce: str
    person: str
    content: Mapping[str, object]
    request: str | None
    """The request that used the nonce."""


def _keep_draft(
    connection: Connection, now: datetime, nonce: str, person: str, content: Mapping[str, object]
) -> None:
    """Store a draft under its nonce, and erase old drafts."""
    connection.execute(
        "UPDATE nonces SET content = NULL WHERE content IS NOT NULL AND at < ?",
        [microseconds(now - DRAFTS_KEPT)],
    )
    connection.execute(
        "INSERT INTO nonces (nonce, person, content, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [nonce, person, json.dumps(dict(content)), microseconds(now)],
    )


def claim_once(connection: Connection, sources: WriteContext, name: str) -> bool:
    """Claim a name. Return True for the first claim only."""
    taken = connection.execute(
        "INSERT INTO nonces (nonce, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [name, microseconds(sources.clock())],
    )
    return taken.rowcount == 1


def _draft(connection: Connection, nonce: str) -> Draft | None:
    """Return a draft, or None if there is none or it was erased before it was used."""
    row = connection.execute("SELECT * FROM nonces WHERE nonce = ?", [nonce]).fetchone()
    if row is None or (row["content"] is None and row["request"] is None):
        return None
    return Draft(row["nonce"], row["person"] or "", json.loads(row["content"] or "{}"), row["request"])


def _keep_person(connection: Connection, person: Person) -> None:
    """Store what Slack says of a user, in place of earlier data."""
    connection.execute(
        """
        INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET team = excluded.team, name = excluded.name,
            timezone = excluded.timezone, bot = excluded.bot, deleted = excluded.deleted,
            guest = excluded.guest, is_external = excluded.is_external, read_at = excluded.read_at
        """,
        [
            person.id,
            person.team,
            person.name,
            person.timezone,
            person.bot,
            person.deleted,
            person.guest,
            person.is_external,
            microseconds(person.read_at),
        ],
    )


def _read_person(connection: Connection, person: str) -> Person | None:
    """Return the stored user, or None."""
    row = connection.execute("SELECT * FROM people WHERE id = ?", [person]).fetchone()
    return None if row is None else _person(row)


def people_named(connection: Connection, name: str) -> list[Person]:
    """Return the users with a name, or else those whose name begins with it."""
    known = [_person(row) for row in connection.execute("SELECT * FROM people ORDER BY name, id")]
    wanted, names = fold(name), {one.id: fold(one.name) for one in known}
    whole = [one for one in known if names[one.id] == wanted]
    return whole or [one for one in known if wanted and names[one.id].startswith(wanted)]


def _person(row: Mapping[str, Any]) -> Person:
    return Person(
        id=row["id"],
        team=row["team"],
        name=row["name"],
        timezone=row["timezone"],
        bot=bool(row["bot"]),
        deleted=bool(row["deleted"]),
        guest=bool(row["guest"]),
        is_external=bool(row["is_external"]),
        read_at=moment(row["read_at"]),
    )


class Users(Repository):
    """Slack users and drafts. Both are small values that no answer waits for."""

    claim_once = writes(claim_once)
    people_named = reads(people_named)

    async def keep_draft(self, nonce: str, *, person: str, content: Mapping[str, object]) -> None:
        """Store the draft of a button or form. Storing the same nonce again changes nothing."""
        now = self._sources.clock()
        await self._database.behind.keep(
            ("draft", nonce),
            Draft(nonce, person, content, None),
            lambda connection: _keep_draft(connection, now, nonce, person, content),
        )

    async def draft(self, nonce: str) -> Draft | None:
        """Return a draft, or None."""
        found = await self._read(lambda connection: _draft(connection, nonce))
        if found is None and isinstance(kept := self._database.behind.get(("draft", nonce)), Draft):
            as_read_back = json.loads(json.dumps(dict(kept.content)))
            return replace(kept, content=as_read_back)
        return found

    async def keep_person(self, person: Person) -> None:
        """Store what Slack says of a user, in place of earlier data."""
        await self._database.behind.keep(
            ("person", person.id), person, lambda connection: _keep_person(connection, person)
        )

    async def person(self, person: str) -> Person | None:
        """Return the stored user, or None."""
        found = await self._read(lambda connection: _read_person(connection, person))
        kept = self._database.behind.get(("person", person))
        return kept if isinstance(kept, Person) else found
