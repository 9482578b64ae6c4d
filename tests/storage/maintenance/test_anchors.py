import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from storage.maintenance.anchors import Anchor, anchors_beside, missing
from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.maintenance.test_verification import exported
from tests.storage.samples import KEY, NUMBER, Clock, cancelling_by_id, erase, placing

FAR = 300
"""Events that fill several pages."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Yield an open log with a request, which is in its file and not only beside it."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    await log.requests.create(placing(NUMBER))
    await log.close()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    yield log
    await log.close()


async def grow(store: Store, by: int) -> None:
    """Record that many more requests."""
    await asyncio.gather(*(store.requests.create(cancelling_by_id(f"vx_{n}")) for n in range(by)))


def head(path: Path) -> Anchor:
    """Return the anchor of a file's log."""
    verdict = verify(path)
    assert verdict.faults == ()
    return Anchor(verdict.events, verdict.head)


def copied(path: Path, to: Path, *beside: str) -> Path:
    """Return a copy of the file without the files beside it, except the named ones."""
    to.mkdir()
    for name in ("", *beside):
        shutil.copy(f"{path}{name}", to / f"{path.name}{name}")
    return to / path.name


async def test_a_log_that_grew_holds_its_anchors(store: Store, tmp_path: Path) -> None:
    """Later writes and erasures do not matter."""
    path = tmp_path / "log.db"
    anchors = [head(path)]
    await grow(store, 3)
    anchors.append(head(path))
    fault = await store.audit.record_error(actor="U1", where="commands", private={"line": "x"})
    anchors.append(head(path))
    await erase(store, fault, actor="U0DPO")
    assert missing(path, anchors) == []


async def test_a_write_ahead_log_that_is_gone_is_named(store: Store, tmp_path: Path) -> None:
    """Committed rows vanish with it while everything else looks whole, and only an anchor shows it."""
    await grow(store, 3)
    anchor = head(tmp_path / "log.db")
    cut = copied(tmp_path / "log.db", tmp_path / "copy")
    with closing(sqlite3.connect(cut)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert (verify(cut).faults, verify(cut).events) == ((), 1)
    [fault] = missing(cut, [anchor])
    assert fault.startswith("Event 4 is anchored, but the log ends with event 1: its end was cut off")


async def test_a_damaged_write_ahead_log_is_named_or_harmless(store: Store, tmp_path: Path) -> None:
    """After any cut or flipped bit, the anchor or verification shows it, or the log is the same."""
    await grow(store, 8)
    anchor = head(tmp_path / "log.db")
    whole = copied(tmp_path / "log.db", tmp_path / "whole", "-wal")
    kept = exported(copied(whole, tmp_path / "read", "-wal"))
    written = await asyncio.to_thread(Path(f"{whole}-wal").read_bytes)
    chosen, told = Random(5), set()  # noqa: S311 - the same damage every time
    for n in range(40):
        damaged = bytearray(written)
        place = chosen.randrange(len(written))
        if n % 2:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << chosen.randrange(8)
        copy = copied(whole, tmp_path / f"copy {n}")
        await asyncio.to_thread(Path(f"{copy}-wal").write_bytes, damaged)
        faults = [*verify(copy).faults, *missing(copy, [anchor])]
        told.add(bool(faults))
        assert faults or exported(copy) == kept
    assert True in told


async def test_an_older_copy_put_back_is_named(store: Store, tmp_path: Path) -> None:
    """An old copy may have grown again to the same length. Its events then differ."""
    older = copied(tmp_path / "log.db", tmp_path / "older")
    await grow(store, 2)
    anchor = head(tmp_path / "log.db")
    other = await Store.open(older, key=KEY, clock=Clock())
    await grow(other, 1)
    assert "an older copy was put in its place" in missing(older, [anchor])[0]
    await grow(other, 5)
    await other.close()
    assert verify(older).faults == ()
    [fault] = missing(older, [anchor])
    assert fault.startswith(f"Event {anchor.seq} isn't the one that was anchored: the log was written anew")


async def test_a_history_written_anew_is_named(store: Store, tmp_path: Path) -> None:
    """A whole chain made with this very program verifies, but does not hold the anchor."""
    await grow(store, 2)
    anchor = head(tmp_path / "log.db")
    forged = await Store.open(tmp_path / "forged.db", key=KEY, clock=Clock())
    await forged.requests.create(replace(placing(NUMBER), requester="U0SOMEONE"))
    await grow(forged, 2)
    await forged.close()
    assert verify(tmp_path / "forged.db").faults == ()
    assert missing(tmp_path / "forged.db", [anchor])


async def test_a_truncated_file_is_named(store: Store, tmp_path: Path) -> None:
    """The file may end anywhere, at a page, or be empty."""
    await grow(store, FAR)
    await store._database.writer.wipe()
    anchor = head(tmp_path / "log.db")
    whole = (tmp_path / "log.db").read_bytes()
    chosen = Random(3)  # noqa: S311 - the same places every time
    places = [0, 1, 4096, len(whole) - 4096, len(whole) - 1]
    for place in places + [chosen.randrange(len(whole)) for _ in range(20)]:
        (tmp_path / "cut.db").write_bytes(whole[:place])
        assert verify(tmp_path / "cut.db").faults or missing(tmp_path / "cut.db", [anchor]), place


async def test_anchors_are_read_wherever_they_stand(store: Store, tmp_path: Path) -> None:
    """Anchors are in the file beside the log and in lines copied from the channel.

    Each counts once, oldest first.
    """
    anchor = await store.audit.anchor(Clock()().replace(year=2027))
    assert anchor is not None
    await store.audit.keep_anchor(anchor)
    await store.audit.keep_anchor(anchor)
    written = anchors_beside(tmp_path / "log.db").read_text(encoding="utf-8")
    assert written == f"1:{anchor.hash} 2026-03-02T12:00:00Z\n" * 2
    assert anchors_beside(tmp_path / "log.db").stat().st_mode & 0o077 == 0
    channel = f"*Mon, 2 Mar 2026:* the log ends with event 12. Its anchor is `12:{'ab' * 32}`: see"
    assert [str(one) for one in Anchor.all_in(channel + written)] == [f"1:{anchor.hash}", f"12:{'ab' * 32}"]
    assert not Anchor.all_in(f"12:{'ab' * 31} 0:{'ab' * 32}")
