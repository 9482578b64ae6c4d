"""Gives a log another key of look-ups by number, in one transaction, while no bot uses it.

Every keyed hash whose number is known gets the new key: targets of requests, and blocked numbers that stand
in a request or that the operator gives. Numbers are not kept for do-not-call lists, nor for a block without a
request. A hash whose number nobody gives can't be carried over. It is dropped only if the operator says so,
and a pause then holds back all calls until a person resumes them.

A killed process leaves the log as it was. The old key is refused from the commit on.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from providers.phone import mask
from storage import StorageError
from storage.database.connection import open_for_reading, open_for_writing, wipe
from storage.database.locking import begin
from storage.event_log.hash_chain import REKEYED, STOP_REKEYED, NumberSeal
from storage.event_log.writer import SALT_BYTES, EventWriter, WriteContext, keeps_to, utc_now
from storage.models import SYSTEM
from storage.repositories import pauses
from storage.repositories.do_not_call import BY_PERSON, COUNTS, LOOKUP, SEALED
from storage.repositories.processes import count_serving

NONCE: Final = "rekey"
"""The nonce of the pause, with the event's number."""

_AIMS: Final = """
    SELECT lookup.action, lookup.number, masked,
        coalesce(json_extract(value, '$.to'), json_extract(value, '$.target.to')) AS dialled,
        coalesce(json_extract(value, '$.target.call_id'), json_extract(value, '$.target.campaign_id')) AS id
    FROM lookup JOIN actions ON actions.n = lookup.action
    LEFT JOIN personal ON personal.event = actions.asked_event AND personal.field = 'action'
"""
_STOPS: Final = f"""
    SELECT number, list, event, request FROM stops JOIN events ON events.seq = stops.event
    WHERE {COUNTS} ORDER BY request, list
"""  # noqa: S608 - fixed text


class RekeyError(StorageError):
    """The log keeps its key. The message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Hashes that can't be carried over: those of a do-not-call list, or the block of one number.

    ``list`` is None for a person's block. ``id`` is that of the block, or of the list's last import.
    """

    id: str
    list: str | None
    numbers: int


class UnknownNumbersError(RekeyError):
    """Some hashes can't be carried over, and dropping them was not asked for."""

    def __init__(self, unknown: Sequence[Unknown]) -> None:
        super().__init__("The numbers of some hashes aren't known.")
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """Result of a new key: counts of targets and blocked numbers, what was dropped, and ids of the events.

    ``pause`` is the id of the pause that followed, or None. ``wiped``: no old hash is beside the file.
    """

    id: str
    targets: int
    stops: int
    dropped: Sequence[Unknown]
    pause: str | None
    wiped: bool = False


def rekey(
    path: Path,
    old: bytes,
    new: bytes,
    *,
    actor: str,
    numbers: Iterable[str] = (),
    drop: bool = False,
    clock: Callable[[], datetime] = utc_now,
    connect: Callable[[Path], Connection] = open_for_writing,
) -> Rekeyed | None:
    """Give the log a new key. Return None if it has that key already.

    ``numbers`` are those that lists and blocks may hold. With ``drop``, hashes of other numbers are dropped,
    and all calls are paused. ``connect`` opens the file for writing.

    Raises:
        CannotOpenLogError: The file cannot be used as a log.
        RekeyError: A bot uses the log, it has neither key, or hashes would be lost.
    """
    before, after = WriteContext(old, clock), WriteContext(new, clock)
    with closing(connect(path)) as connection:
        begin(connection)
        try:
            if keeps_to(connection, after):
                return None
            if not keeps_to(connection, before):
                raise RekeyError("The log was written with another key than CALLOPS_KEY.")
            _check_alone(path)
            known = _rekey_targets(connection, before, after) | _rekey_rows(connection, before, after)
            known |= {before.lookup(one): after.lookup(one) for one in numbers}
            done = _rekey_stops(connection, after, known, actor, drop=drop)
            _rekey_lifted(connection, after, known, actor)
            connection.execute("UPDATE homes SET shown = NULL")
            connection.execute("UPDATE meta SET value = ? WHERE name = 'key'", [after.lookup("key")])
            _check_alone(path)  # a bot that starts from here on checks its key after this commit
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return replace(done, wiped=wipe(connection))


def has_key(path: Path, key: bytes) -> bool:
    """Return whether a log has a key. Raises `CannotOpenLogError`."""
    with closing(open_for_reading(path)) as connection:
        return bool(keeps_to(connection, WriteContext(key)))


def _check_alone(path: Path) -> None:
    if serving := count_serving(path):
        raise RekeyError(
            f"{serving} running CallOps {'uses' if serving == 1 else 'use'} this log. Stop it first."
        )


def _rekey_targets(connection: Connection, before: WriteContext, after: WriteContext) -> dict[bytes, bytes]:
    """Give the look-ups of targets their new hashes. Return these by the old ones."""
    known: dict[bytes, bytes] = {}
    changed = []
    for row in connection.execute(_AIMS):
        aim = row["dialled"] or row["id"]
        if aim is None or row["number"] != before.lookup(aim):
            raise RekeyError(
                "The log is damaged: a look-up isn't that of its request. Run  log verify  first."
            )
        number = known.setdefault(row["number"], after.lookup(aim))
        masked = None if row["masked"] is None else after.lookup(mask(row["dialled"]))
        changed.append((number, masked, row["action"]))
    connection.executemany("UPDATE lookup SET number = ?, masked = ? WHERE action = ?", changed)
    return known


def _rekey_rows(connection: Connection, before: WriteContext, after: WriteContext) -> dict[bytes, bytes]:
    """Give the rows of call lists that wait their new hashes. Return these by the old ones."""
    known: dict[bytes, bytes] = {}
    changed = []
    rows = connection.execute("SELECT id, number, value FROM call_list_rows WHERE number IS NOT NULL")
    for row in rows:
        action = json.loads(row["value"].partition("\n")[2])
        aim = action.get("to") or action["target"]["to"]
        if row["number"] != before.lookup(aim):
            raise RekeyError(
                "The log is damaged: a row of a call list isn't found by its number. Run  log verify  first."
            )
        changed.append((known.setdefault(row["number"], after.lookup(aim)), row["id"]))
    connection.executemany("UPDATE call_list_rows SET number = ? WHERE id = ?", changed)
    return known


def _rekey_stops(
    connection: Connection, after: WriteContext, known: Mapping[bytes, bytes], actor: str, *, drop: bool
) -> Rekeyed:
    """Give blocked numbers their new hashes, drop those of unknown numbers, and record it.

    Raises:
        UnknownNumbersError: There are such numbers, and they are not to be dropped.
    """
    rows = connection.execute(_STOPS).fetchall()
    unknown = _unknown([row for row in rows if row["number"] not in known])
    if unknown and not drop:
        raise UnknownNumbersError(unknown)
    connection.execute("DELETE FROM stops")  # with those of unfinished lists, which never count
    connection.execute("DELETE FROM unfinished_lists")
    connection.execute("UPDATE seals SET salt = NULL")
    writer = EventWriter(connection, after)
    dropped = sum(one.numbers for one in unknown)
    [(targets,)] = connection.execute("SELECT count(*) FROM lookup")
    data = {"targets": targets, "stops": len(rows) - dropped, "dropped": dropped}
    event = writer.append_new("K", REKEYED, actor=actor, data=data)
    for (request, name), some in groupby(rows, key=lambda row: (row["request"], row["list"])):
        _keep_stops(connection, after, known, actor, request, name, list(some))
    pause = _pause(connection, after, unknown, event.seq) if unknown else None
    return Rekeyed(event.request, targets, len(rows) - dropped, unknown, pause)


def _unknown(rows: Sequence[Mapping[str, str]]) -> list[Unknown]:
    """Return rows of unknown numbers by their list, and those of people one by one."""
    lists = Counter(row["list"] for row in rows if row["list"] != BY_PERSON)
    last = {row["list"]: row["request"] for row in rows}
    blocks = [Unknown(row["request"], None, 1) for row in rows if row["list"] == BY_PERSON]
    return [*(Unknown(last[name], name, lists[name]) for name in sorted(lists)), *blocks]


def _keep_stops(
    connection: Connection,
    after: WriteContext,
    known: Mapping[bytes, bytes],
    actor: str,
    request: str,
    name: str,
    rows: Sequence[Mapping[str, bytes]],
) -> None:
    """Write the blocked numbers of an event under the new key, with their new commitment."""
    kept = sorted((known[row["number"]], row["event"]) for row in rows if row["number"] in known)
    salt = after.random(SALT_BYTES)
    sealed = NumberSeal(salt, name).add(number for number, _ in kept).text() if kept else None
    event = EventWriter(connection, after).append(
        request,
        request,
        STOP_REKEYED,
        actor=actor,
        data={"list": name, "removed": len(rows) - len(kept), SEALED: sealed},
        private={},
    )
    connection.executemany("INSERT INTO stops VALUES (?, ?, ?)", [(one, name, seq) for one, seq in kept])
    connection.execute("INSERT INTO seals VALUES (?, ?)", [event.seq, salt if kept else None])


def _rekey_lifted(
    connection: Connection, after: WriteContext, known: Mapping[bytes, bytes], actor: str
) -> None:
    """Let a purge by number find lifted blocks, too."""
    rows = connection.execute(
        """
        SELECT DISTINCT events.request, value FROM personal JOIN events ON events.seq = personal.event
        WHERE field = ? AND value IS NOT NULL
        """,
        [LOOKUP],
    ).fetchall()
    for request, value in rows:
        if number := known.get(bytes.fromhex(value)):
            EventWriter(connection, after).append(
                request, request, STOP_REKEYED, actor=actor, data={}, private={LOOKUP: number.hex()}
            )


def _pause(connection: Connection, after: WriteContext, unknown: Sequence[Unknown], seq: int) -> str:
    """Pause all calls until a person resumes them, and return the pause's id."""
    lists = [str(one.list) for one in unknown if one.list]
    blocks = [one.id for one in unknown if one.list is None]
    todo = [f"import {', '.join(lists)} again"] if lists else []
    todo += [f"block the numbers of {', '.join(blocks)} again"] if blocks else []
    made = pauses.pause(
        connection,
        after,
        None,
        actor=SYSTEM,
        reason=f"CallOps has a new key. Before you resume, {' and '.join(todo)}.",
        until=None,
        nonce=f"{NONCE}:{seq}",
    )
    return made.id
