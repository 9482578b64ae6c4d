import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from providers.actions import Code
from storage.maintenance.backup import BackupError, backup
from storage.maintenance.verification import verify
from storage.queries import Query
from storage.repositories.erasure_list import AGAIN, Listed, PurgeFilter, UnreadableListError, list_beside
from storage.store import Store
from tests.storage.contract.changes import succeeded
from tests.storage.maintenance.test_verification import exported, tamper
from tests.storage.samples import (
    KEY,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    cancelling,
    cancelling_by_id,
    deny,
    placing,
    verified,
)

CLOCK = Clock()


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    """Yield the log of a file."""
    log = await Store.open(path, key=KEY, clock=CLOCK)
    try:
        yield log
    finally:
        await log.close()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Return the path of a closed log with one call in it."""
    async with opened(tmp_path / "log.db") as log:
        made = (await log.requests.create(placing(NUMBER))).request
        await succeeded(log, made.id, CLOCK, Code.QUEUED)
    return tmp_path / "log.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """Yield the same log, open."""
    async with opened(path) as log:
        yield log


def numbers_in(path: Path) -> set[str]:
    """Return the numbers in the bytes of a file."""
    content = path.read_bytes()
    return {number for number in (NUMBER, OTHER_NUMBER) if number[3:].encode() in content}


def copies(folder: Path) -> list[str]:
    """Return the files that a backup left in a folder."""
    return sorted(file.name for file in folder.iterdir() if file.name.startswith("copy"))


@pytest.mark.usefixtures("store")
async def test_a_backup_holds_everything(tmp_path: Path) -> None:
    """Content that stands only beside the file of an open log is included.

    Only its owner can read the backup.
    """
    verdict = backup(tmp_path / "log.db", tmp_path / "copy.db")
    assert (verdict.actions, verdict.events, verdict.faults) == (1, 3, ())
    assert verify(tmp_path / "copy.db") == verify(tmp_path / "log.db") == verdict
    assert exported(tmp_path / "copy.db") == exported(tmp_path / "log.db")
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
    assert copies(tmp_path) == ["copy.db"]


async def test_a_backup_can_be_made_while_others_write(store: Store, tmp_path: Path) -> None:
    """The backup is the whole log of one moment, and the writers do not fail."""
    writing = [asyncio.create_task(store.requests.create(cancelling_by_id(f"vx_{n}"))) for n in range(300)]
    verdict = await asyncio.to_thread(backup, tmp_path / "log.db", tmp_path / "copy.db")
    await asyncio.gather(*writing)
    assert verdict.faults == ()
    assert exported(tmp_path / "copy.db")[:3] == exported(tmp_path / "log.db")[:3]


@pytest.mark.usefixtures("path")
def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Neither a finished backup nor an unfinished one is overwritten."""
    for name, said in (
        ("copy.db", "is there already"),
        ("copy.db.unfinished", "another backup is being made"),
    ):
        (tmp_path / name).write_text("precious")
        with pytest.raises(BackupError, match=said):
            backup(tmp_path / "log.db", tmp_path / "copy.db")
        assert (tmp_path / name).read_text() == "precious"
        (tmp_path / name).unlink()


def test_a_log_that_is_not_whole_has_no_backup(path: Path, tmp_path: Path) -> None:
    """A tampered log and an unreadable one are named, and leave no file."""
    whole = path.read_bytes()
    tamper(tmp_path / "log.db", "UPDATE actions SET state = 'failed'")
    assert "its row says state = failed" in backup(tmp_path / "log.db", tmp_path / "copy.db").faults[0]
    (tmp_path / "log.db").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupError, match="can't be read to its end"):
        backup(tmp_path / "log.db", tmp_path / "copy.db")
    (tmp_path / "other.db").touch()
    with pytest.raises(BackupError, match="isn't a log of this program"):
        backup(tmp_path / "other.db", tmp_path / "copy.db")
    with pytest.raises(BackupError, match=r"nowhere/copy\.db cannot be written"):
        backup(tmp_path / "log.db", tmp_path / "nowhere" / "copy.db")
    assert not copies(tmp_path)


async def test_what_was_purged_goes_again_after_a_restore(path: Path, tmp_path: Path) -> None:
    """Single requests and numbers go again, and nothing else. The list holds no number, and does not grow."""
    async with opened(path) as log:
        erased = (await log.requests.create(replace(cancelling(OTHER_NUMBER), reason="hers"))).request
        await log.requests.apply(deny(erased.id))
        kept = (await log.requests.create(replace(cancelling_by_id("vx_1"), reason="kept"))).request
        await log.requests.apply(deny(kept.id))
        backup(path, tmp_path / "copy.db")
        await log.retention.purge(PurgeFilter("by number", numbers=frozenset({NUMBER})), actor="operator")
        one = PurgeFilter("one request", listed=(Listed(erased.id, erased.asked_at),))
        await log.retention.purge(one, actor="U0DPO")
    listed = list_beside(path).read_text(encoding="utf-8")
    assert len(listed.splitlines()) == 2
    assert "9876543210" not in listed

    shutil.copy(tmp_path / "copy.db", path)
    assert numbers_in(path) == {NUMBER, OTHER_NUMBER}
    async with opened(path) as restored:
        again = await restored.retention.erased_before(hold=frozenset())
        assert again is not None
        done = await restored.retention.purge(again, actor="system")
        assert [one.id for one in done.requests][1:] == [erased.id]
        assert len(done.requests) == 2
        assert await restored.requests.personal_values(kept.id)
        assert not (await restored.retention.purge(again, actor="system")).anything
        assert not (await verified(restored)).faults
    assert list_beside(path).read_text(encoding="utf-8") == listed
    assert not numbers_in(path)


async def test_an_id_that_was_drawn_again_is_somebody_elses(path: Path) -> None:
    """The list means the request of that time. A later request with the same id stays."""
    async with opened(path) as log:
        [only] = (await log.search.page(Query())).actions
        later = Listed(only.request, only.asked_at + timedelta(seconds=1))
        assert not (await log.retention.purge(PurgeFilter(AGAIN, listed=[later]), actor="system")).requests
        same = replace(later, at=only.asked_at)
        assert (await log.retention.purge(PurgeFilter(AGAIN, listed=[same]), actor="system")).requests == [
            same
        ]


async def test_an_age_that_was_purged_goes_again(path: Path, tmp_path: Path) -> None:
    """A single line covers all requests of that age."""
    backup(path, tmp_path / "copy.db")
    before = CLOCK.now + timedelta(days=1)
    async with opened(path) as log:
        assert (
            await log.retention.purge(PurgeFilter("older than a day", before=before), actor="system")
        ).requests
    shutil.copy(tmp_path / "copy.db", path)
    async with opened(path) as restored:
        again = await restored.retention.erased_before(hold=frozenset())
        assert again is not None
        assert (again.rule, again.before, again.listed) == (AGAIN, before, ())
        assert (await restored.retention.purge(again, actor="system")).requests


async def test_a_damaged_list_is_named(store: Store, tmp_path: Path) -> None:
    """The message has the line. Nothing is wrongly purged, and nothing is skipped in silence."""
    assert await store.retention.erased_before(hold=frozenset()) is None
    list_beside(tmp_path / "log.db").write_text(
        '{"at": 1, "before": 2}\n{"at": 1, "id": "A-2222"\n', encoding="utf-8"
    )
    with pytest.raises(UnreadableListError, match="line 2 is damaged"):
        await store.retention.erased_before(hold=frozenset())
