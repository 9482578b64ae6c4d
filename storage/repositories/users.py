"""What is kept of people and of what they were about to ask."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any, Final

from storage.database.folding import fold
from storage.event_log.hash_chain import microseconds, moment
from storage.models import Draft, Person

DRAFTS_KEPT: Final = timedelta(days=1)
"""How long what a preview or form was about to ask is kept."""


def keep_draft(
    connection: Connection, now: datetime, nonce: str, person: str, content: Mapping[str, object]
) -> None:
    """Keep a draft under its nonce, and forget old ones."""
    connection.execute(
        "UPDATE nonces SET content = NULL WHERE content IS NOT NULL AND at < ?",
        [microseconds(now - DRAFTS_KEPT)],
    )
    connection.execute(
        "INSERT OR IGNORE INTO nonces (nonce, person, content, at) VALUES (?, ?, ?, ?)",
        [nonce, person, json.dumps(dict(content)), microseconds(now)],
    )


def claim(connection: Connection, now: datetime, name: str) -> bool:
    """Use a name up, once."""
    taken = connection.execute(
        "INSERT OR IGNORE INTO nonces (nonce, at) VALUES (?, ?)", [name, microseconds(now)]
    )
    return taken.rowcount == 1


def draft(connection: Connection, nonce: str) -> Draft | None:
    """Read a draft: None if nobody kept one, or if it was forgotten before it was used."""
    row = connection.execute("SELECT * FROM nonces WHERE nonce = ?", [nonce]).fetchone()
    if row is None or (row["content"] is None and row["request"] is None):
        return None
    return Draft(row["nonce"], row["person"] or "", json.loads(row["content"] or "{}"), row["request"])


def keep_person(connection: Connection, person: Person) -> None:
    """Keep what Slack says of a person, in place of what was known."""
    connection.execute(
        """
        INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET team = excluded.team, name = excluded.name,
            timezone = excluded.timezone, bot = excluded.bot, deleted = excluded.deleted,
            guest = excluded.guest, stranger = excluded.stranger, read_at = excluded.read_at
        """,
        [
            person.id,
            person.team,
            person.name,
            person.timezone,
            person.bot,
            person.deleted,
            person.guest,
            person.stranger,
            microseconds(person.read_at),
        ],
    )


def person(connection: Connection, person: str) -> Person | None:
    """What was kept of a person."""
    row = connection.execute("SELECT * FROM people WHERE id = ?", [person]).fetchone()
    return None if row is None else _person(row)


def named(connection: Connection, name: str) -> list[Person]:
    """People of that name, or, where there are none, whose name begins so, however it is written."""
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
        stranger=bool(row["stranger"]),
        read_at=moment(row["read_at"]),
    )
