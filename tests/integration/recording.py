"""Invariants 5 and 9: a tamper-evident chain without personal data."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from bot.services.approvals import ApprovalService, content
from bot.workers.attempt import Attempts
from bot.workers.outbox import Outbox
from bot.workers.prepared_posts import Prepared
from providers.actions import Outcome
from storage.changes import ChangeSet
from storage.models import ActionRecord, MessageRef, Request, VerificationReport
from storage.repositories import retention
from storage.repositories.erasure_list import Listed, PurgeFilter
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    BotWorld,
    StepLog,
    StepRequests,
)
from tests.integration.seeding import BadConnection, BadLog, Invariant, Seeded
from tests.storage.samples import NUMBER


async def _lives(bench: BotWorld) -> list[Request]:
    """Create a placed call, a cancellation that is approved and sent, and one that is denied with a note."""
    placed = await bench.bot.ask(PLACE, delivery_key="place")
    await bench.bot.run_until_idle()  # a waiting call would not go out after its cancellation
    sent = await bench.bot.approve(await bench.bot.ask(CANCEL_BY_NUMBER, delivery_key="cancel"))
    denied = await bench.bot.ask(CANCEL_BY_ID, delivery_key="deny")
    manager = await bench.bot.person(MANAGER)
    await bench.bot.approvals.deny(
        denied.id, manager, reason="his mother asked us", shown=content(denied), nonce="denied"
    )
    await bench.bot.run_until_idle()
    await bench.bot.posts()
    return [placed, sent, denied]


@contextmanager
def _shell(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a SQLite shell on the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


async def events_are_only_ever_appended(bench: BotWorld) -> None:
    """Check that the file itself refuses to change, delete or reorder an event."""
    await _lives(bench)
    later = (
        "INSERT INTO events SELECT seq + 100, at, request, action, name, actor, data, private, previous, hash"
    )
    for statement in (
        "UPDATE events SET actor = 'U0MALLORY' WHERE seq = 2",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        f"{later} FROM events WHERE seq = 1",
    ):
        with _shell(bench.path) as shell, suppress(sqlite3.IntegrityError):
            shell.execute(statement)
            raise AssertionError(f"the file took: {statement}")


class NoTriggers(StepLog):
    """A bug: has no triggers."""

    @classmethod
    async def open(cls, *where: Any, **how: Any) -> Self:
        """Open the log, and drop its triggers."""
        log = await super().open(*where, **how)
        await log._database.writer._thread.run(
            lambda connection: connection.executescript(
                "DROP TRIGGER events_hold; DROP TRIGGER events_stay; DROP TRIGGER events_follow"
            )
        )
        return log


async def each_event_seals_the_one_before(bench: BotWorld) -> None:
    """Check that events are numbered without gaps, and each hash covers the one before and canonical JSON."""
    await _lives(bench)
    with _shell(bench.path) as shell:
        shell.row_factory = sqlite3.Row
        events = shell.execute("SELECT * FROM events ORDER BY seq").fetchall()
    head = "0" * 64
    for number, row in enumerate(events, start=1):
        said = {name: row[name] for name in ("seq", "at", "request", "action", "name", "actor")}
        said |= {name: json.loads(row[name]) for name in ("data", "private")}
        written = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert row["seq"] == number
        assert row["previous"] == head, "an event does not seal the one before it"
        head = hashlib.sha256((head + written).encode()).hexdigest()
        assert row["hash"] == head


class Unlinked(BadLog):
    """A bug: writes each event as if it were the first."""

    class bad(BadConnection):  # noqa: N801 - an attribute that is a class
        """A connection that forgets the previous hash."""

        def instead(self, sql: str, parameters: Any) -> tuple[str, Any]:
            """Return an event without its predecessor."""
            if sql.startswith("INSERT INTO events"):
                parameters = [*parameters[:8], "0" * 64, parameters[9]]
            return sql, parameters


async def tampering_is_named(bench: BotWorld) -> None:
    """Check that changing an event and its row alike, with the triggers off, is detected."""
    placed, *_ = await _lives(bench)
    with _shell(bench.path) as shell:
        locks = shell.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in locks:
            shell.execute(f"DROP TRIGGER {name}")
        assert shell.execute(
            "UPDATE events SET data = replace(data, 'CallKaro', 'Nobody') WHERE action = ? AND name = 'succeeded'",
            [placed.id],
        ).rowcount
        shell.execute(
            "UPDATE actions SET message = replace(message, 'CallKaro', 'Nobody') WHERE id = ?", [placed.id]
        )
        for _, lock in locks:
            shell.execute(lock)
    faults = (await bench.bot.store.verify()).faults
    assert any("was changed after it was written" in fault for fault in faults), "nobody noticed"


class ComparesOnlyRows(StepLog):
    """A bug: verifies only that rows match events, whoever wrote the events."""

    async def verify(self) -> VerificationReport:
        """Verify without the chain."""
        verdict = await super().verify()
        return replace(verdict, faults=[fault for fault in verdict.faults if "its row" in fault])


async def events_tell_everything(bench: BotWorld) -> None:
    """Check that replaying the events gives the rows, after every kind of change."""
    await _lives(bench)
    assert not (await bench.bot.store.verify()).faults, "a row changed without an event"


class ChangesInSilence(StepRequests):
    """A bug: sets a column without an event."""

    async def apply(self, change: ChangeSet) -> Request:
        """Apply the change, and another one in silence."""
        await super().apply(change)
        await self._write(
            lambda connection: connection.execute(
                "UPDATE actions SET message = 'so' WHERE request = ?", [change.request]
            )
        )
        return await self.request(change.request)


PERSONAL = ("9876543210", "customer asked", "his mother asked us", "initiated successfully", "asha")
"""Number, reason, note, raw reply and name that `_lives` leaves behind."""


async def nothing_personal_is_sealed(bench: BotWorld) -> None:
    """Check that the chain, and every row that cannot be erased, holds no number, text or name of anybody."""
    await bench.bot.person(AGENT)
    await _lives(bench)
    with _shell(bench.path) as shell:
        rows = {
            table: str(shell.execute(f'SELECT * FROM "{table}"').fetchall())  # noqa: S608 - the file's own names
            for (table,) in shell.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        }
    erasable = "".join(rows.pop(table) for table in ("personal", "people", "lookup", "nonces"))
    whole = "".join(rows.values())
    assert AGENT in whole
    assert all(one in erasable for one in PERSONAL)
    assert not [one for one in PERSONAL if one in whole], "something personal can never be erased"


class NotesInTheChain(ApprovalService):
    """A bug: writes people's notes into the chain."""

    async def _apply(self, change: ChangeSet) -> Request:
        moves = [replace(move, data={**move.data, **move.private}) for move in change.transitions]
        return await super()._apply(replace(change, transitions=moves))


class NumbersInMessages(Attempts):
    """A bug: writes the number into the outcome's message."""

    async def _record(self, request: Request, record: ActionRecord, outcome: Outcome) -> None:
        told = outcome.model_copy(update={"message": f"{outcome.message} {NUMBER}"})
        await super()._record(request, record, told)


async def a_commitment_is_salted(bench: BotWorld) -> None:
    """Check that two commitments to the same words differ, so that nobody can guess a number."""
    first = await bench.bot.ask(PLACE, delivery_key="1")
    second = await bench.bot.ask(PLACE, delivery_key="2")
    sealed = [(await bench.bot.store.requests.events(one.id))[0].private["reason"] for one in (first, second)]
    assert sealed[0] != sealed[1], "a commitment can be guessed"


class Unsalted(StepLog):
    """A bug: always uses the same salt."""

    @classmethod
    async def open(cls, *where: Any, **how: Any) -> Self:
        """Open the log without randomness."""
        return await super().open(*where, **how, random=bytes)


async def what_is_erased_is_gone(bench: BotWorld) -> None:
    """Check that after erasing no byte of the log's files holds the number, and the chain is whole."""
    placed, sent, _ = await _lives(bench)

    def found() -> bool:
        return any(b"9876543210" in file.read_bytes() for file in bench.folder.glob("callops.db*"))

    assert found()
    listed = [Listed(request.id, request.asked_at) for request in (placed, sent)]
    erased = await bench.bot.store.retention.purge(PurgeFilter("asked for", listed=listed), actor=MANAGER)
    assert erased.requests == listed
    assert not found(), "a number is still in the file"
    assert not (await bench.bot.store.verify()).faults


class LeavesTraces(retention.Retention):
    """A bug: erases in the tables, but not in the write-ahead log."""

    async def _wiped(self) -> bool:
        """Return that the erasure is complete, without erasing."""
        return True


async def channels_see_masked_numbers(bench: BotWorld) -> None:
    """Check that no channel and no direct message shows a whole number."""
    await _lives(bench)
    said = [one for one in await bench.people.messages() if not one.ephemeral_to]
    assert any("•3210" in one.text for one in said)
    assert "9876543210" not in str(said), "a channel reads a customer's number"


class Unmasked(Outbox):
    """A bug: shows the number."""

    async def _send(self, one: Prepared, arguments: dict[str, Any]) -> MessageRef:
        shown = {
            name: json.loads(json.dumps(value).replace("\\u2022", "9")) for name, value in arguments.items()
        }
        return await super()._send(one, shown | {"text": f"{arguments['text']} {NUMBER}"})


CHAINED = Invariant(
    5,
    [
        events_are_only_ever_appended,
        each_event_seals_the_one_before,
        tampering_is_named,
        events_tell_everything,
    ],
    [
        Seeded(events_are_only_ever_appended, NoTriggers, "the file took: UPDATE"),
        Seeded(each_event_seals_the_one_before, Unlinked, "does not seal"),
        Seeded(tampering_is_named, ComparesOnlyRows, "nobody noticed"),
        Seeded(events_tell_everything, ChangesInSilence, "without an event"),
    ],
)
PRIVATE = Invariant(
    9,
    [nothing_personal_is_sealed, a_commitment_is_salted, what_is_erased_is_gone, channels_see_masked_numbers],
    [
        Seeded(nothing_personal_is_sealed, NotesInTheChain, "never be erased"),
        Seeded(nothing_personal_is_sealed, NumbersInMessages, "never be erased"),
        Seeded(a_commitment_is_salted, Unsalted, "guessed"),
        Seeded(what_is_erased_is_gone, LeavesTraces, "still in the file"),
        Seeded(channels_see_masked_numbers, Unmasked, "a customer's number"),
    ],
)
