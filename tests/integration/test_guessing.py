"""Purged numbers: a reader of the file who knows the rest of a request cannot find its number."""

import hashlib
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bot.services.approvals import content
from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec
from providers import phone
from providers.actions import CancelCall, NumberRef, PlaceCall
from storage.event_log.hash_chain import commitment, seal
from storage.models import Request
from storage.repositories.erasure_list import PurgeFilter
from storage.repositories.rows import as_json
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, MANAGER, PLACE, BotWorld, bench
from tests.storage.samples import NUMBER

BY_NUMBER = PurgeFilter("by number", numbers=frozenset({NUMBER}))
REASON: Final = "customer asked"
GUESSES: Final = [f"+91{n}3210" for n in range(987600, 987700)]
"""Candidates, if the country, a few digits and the last four are known."""
HASHES: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda text: hashlib.sha256(text).digest(),
    lambda text: hashlib.sha1(text).digest(),  # noqa: S324 - to find one
    lambda text: hashlib.md5(text).digest(),  # noqa: S324 - to find one
    lambda text: hashlib.sha512(text).digest(),
    lambda text: hashlib.blake2b(text).digest(),
)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def digests(path: Path) -> set[bytes]:
    """Return every hash in the file, in hex or as bytes."""
    found: set[bytes] = set()
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names of the schema
                for value in row:
                    if isinstance(value, bytes):
                        found.add(value)
                    elif isinstance(value, str):
                        found |= {bytes.fromhex(one) for one in re.findall(r"(?:[0-9a-f]{2}){8,64}", value)}
    return found


def guesses(number: str, known: Request, salts: tuple[bytes, ...] = (b"", bytes(16))) -> Iterator[bytes]:
    """Yield the texts that could have been hashed for this number, with the rest of the request known."""
    place, cancel = (
        PlaceCall(to=number, agent="payments"),
        CancelCall(target=NumberRef(agent="payments", to=number)),
    )
    for action in (as_json(place), as_json(cancel)):
        yield from (number.encode(), number[1:].encode(), number[3:].encode(), action.encode())
        once = [known.id, known.fingerprint, known.connection, REASON, action]
        yield "\0".join(once).encode()
        for salt in salts:
            promises = [commitment(salt, value) for value in (action, REASON)]
            yield from (one.encode() for one in promises)
            parts = [known.id, known.fingerprint, known.connection, seal(promises)]
            yield "\0".join(parts).encode()
            yield salt + f'"{action}"'.encode()


def confirmed(there: set[bytes], known: Request) -> list[str]:
    """Return the guesses whose hash is in the file, whole or cut."""
    return [
        number
        for number in GUESSES
        if any(
            {whole, whole[:8], whole[:16], whole[:32]} & there
            for guess in guesses(number, known)
            for whole in (hashed(guess) for hashed in HASHES)
        )
    ]


async def live(stage: BotWorld) -> list[Request]:
    """Create requests in which a number is placed, cancelled, denied, approved, stopped and allowed again."""
    bot, manager = stage.bot, await stage.bot.person(MANAGER)
    placed = await bot.ask(PLACE, delivery_key="place")
    await bot.run_until_idle()
    approved = await bot.approve(await bot.ask(CANCEL_BY_NUMBER, delivery_key="approve"))
    await bot.run_until_idle()
    denied = await bot.ask(CANCEL_BY_NUMBER, delivery_key="deny")
    await bot.approvals.deny(denied.id, manager, reason=REASON, shown=content(denied), nonce="denied")
    stopping = bot.stopping
    known = phone.read(NUMBER, default_region="IN")
    await stopping.add(known, RequestSource(await bot.person(AGENT), "C0SUPPORT", "stop"), REASON)
    await bot.run_until_idle()
    await stopping.remove(known, manager, REASON)
    await bot.posts()
    return [placed, approved, denied]


async def test_no_guess_of_a_purged_number_is_confirmed(stage: BotWorld) -> None:
    """No approval's hash, event, used-up key, lookup or removed stop confirms it."""
    made = await live(stage)
    done = await stage.bot.store.retention.purge(BY_NUMBER, actor="operator")
    assert len(done.requests) > len(made)
    assert not done.kept
    there = digests(stage.path)
    assert len(there) > 40
    for request in made:
        assert not confirmed(there, await stage.bot.store.requests.request(request.id))
    for file in stage.folder.glob("callops.db*"):
        assert "•3210".encode() not in file.read_bytes(), "nor do the last digits stand anywhere"


async def test_the_search_finds_what_is_hashed_without_a_salt(stage: BotWorld) -> None:
    """With an unsalted hash in the file, the number is found."""
    [_, approved, _] = await live(stage)
    action = as_json(CANCEL_BY_NUMBER)
    parts = [approved.id, approved.fingerprint, approved.connection, REASON, action]
    kept = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    with closing(sqlite3.connect(stage.path)) as connection, connection:
        connection.execute("UPDATE approvals SET content = ?", [kept])
    assert confirmed(digests(stage.path), approved) == [NUMBER]


@pytest.mark.parametrize("field", ["action", "reason", "purpose", "consent", "zone"])
async def test_an_approval_is_bound_to_all_that_was_shown(stage: BotWorld, field: str) -> None:
    """If any of it differs in the file meanwhile, nothing is decided. The log keeps the hash."""
    bot = await stage.crash(
        **{'request = ["everyone"]\nsettle': 'request = ["everyone"]\napprove = ["managers"]\nsettle'}
    )
    said = {"action": "3210", "reason": "her reason", "purpose": "p", "consent": "c", "zone": "Asia/Kolkata"}
    spec = RequestSpec(
        "reminders", (PLACE,), said["reason"], said["purpose"], said["consent"], zone=said["zone"]
    )
    origin = RequestSource(await bot.person(AGENT), "C0SUPPORT", "place")
    made = (await bot.requests.ask(spec, origin)).request
    manager, shown = await bot.person(MANAGER), content(made)
    assert shown == content(await bot.store.requests.request(made.id))
    with closing(sqlite3.connect(stage.path)) as connection, connection:
        changed = connection.execute(
            "UPDATE personal SET value = replace(value, ?, ?) WHERE field = ?",
            [said[field], "3211" if field == "action" else "Asia/Dubai", field],
        )
        assert changed.rowcount == 1
    with pytest.raises(PermissionDeniedError, match="changed since you opened it"):
        await bot.approvals.approve(made.id, manager, shown=shown, nonce="approve")
    assert content(await bot.store.requests.request(made.id)) != shown


async def test_an_approval_is_bound_to_where_it_goes(stage: BotWorld) -> None:
    """The hash covers the request, the account behind its connection, and the rescheduled call."""
    made = replace(await stage.bot.ask(CANCEL_BY_NUMBER), new_time=stage.clock.now)
    others = [
        replace(made, id="another"),
        replace(made, fingerprint="another"),
        replace(made, connection="another"),
        replace(made, reschedules="another"),
        replace(made, new_time=None),
    ]
    assert len({content(one) for one in (made, *others)}) == len(others) + 1
