"""New files are private to their owner, follow no link, and replace nothing."""

import errno
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.database.files import CannotWriteFileError, append_line, make, whole
from storage.maintenance.anchors import Anchor, anchors_beside, note
from storage.maintenance.backup import BackupError, backup
from storage.repositories.erasure_list import Listed, PurgeFilter, keep_in_list, list_beside
from storage.repositories.processes import BEGINNING, SERVING, ProcessLock
from storage.store import Store
from tests.storage.samples import KEY, Clock, placing

NOW = datetime(2026, 11, 21, tzinfo=UTC)
Plant = Callable[[Path, Path], None]


def _link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def _link_to_nothing(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("nothing"))


def _second_name(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def _file(path: Path, _: Path) -> None:
    path.write_bytes(b"theirs")
    path.chmod(0o666)


def _pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path, _: Path) -> None:
    path.mkdir()


PLANTED: dict[str, Plant] = {
    "a link to a file": _link,
    "a link to nothing": _link_to_nothing,
    "a second name of a file": _second_name,
    "a file that all may read": _file,
    "a pipe": _pipe,
    "a folder": _folder,
}
"""Files that somebody may have put in the place of ours."""


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a file that is not ours to write to, in another folder."""
    file = tmp_path / "elsewhere" / "victim"
    file.parent.mkdir()
    file.write_bytes(b"precious")
    return file


def untouched(victim: Path) -> bool:
    """Return whether the file is unchanged and alone."""
    return victim.read_bytes() == b"precious" and [*victim.parent.iterdir()] == [victim]


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("name", ["out.csv", "out.csv.partial"])
def test_a_new_file_takes_no_place_that_is_taken(
    tmp_path: Path, victim: Path, name: str, plant: Plant
) -> None:
    """Both its own name and its temporary name may be taken, and the other file stays unchanged."""
    plant(tmp_path / name, victim)
    before = os.lstat(tmp_path / name)
    said = "is there already" if name == "out.csv" else "another export is being made"
    with (
        pytest.raises(CannotWriteFileError, match=said),
        whole(tmp_path / "out.csv", "export", mark=".partial") as made,
    ):
        os.write(made.descriptor, b"numbers")
    assert untouched(victim)
    after = os.lstat(tmp_path / name)
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)
    assert {one.name for one in tmp_path.iterdir()} == {name, "elsewhere"}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_name_that_is_taken_meanwhile_is_left_alone(tmp_path: Path, victim: Path, plant: Plant) -> None:
    """The new content is removed, also on file systems without hard links."""

    def cannot(_: Path, __: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    def write(target: Path, link: Callable[[Path, Path], None]) -> None:
        with whole(target, "export", mark=".partial", link=link) as made:
            os.write(made.descriptor, b"numbers")
            plant(target, victim)

    for link in (os.link, cannot):
        target = tmp_path / f"out-{link.__name__}"
        with pytest.raises(CannotWriteFileError, match="is there already"):
            write(target, link)
        assert untouched(victim)
        assert not (tmp_path / f"{target.name}.partial").exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_is_whole_has_its_name_and_is_its_owners(tmp_path: Path, *, links: bool) -> None:
    """Missing hard links, and any umask, make no difference."""

    def cannot(_: Path, __: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    before = os.umask(0)
    try:
        target = tmp_path / "out.csv"
        with whole(target, "export", mark=".partial", link=os.link if links else cannot) as made:
            os.write(made.descriptor, b"numbers")
            assert not target.exists()
            assert mode(made.path) == 0o600
    finally:
        os.umask(before)
    assert (target.read_bytes(), mode(target)) == (b"numbers", 0o600)
    assert [*tmp_path.iterdir()] == [target]


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    """A failing write, an unwanted file, and a file that cannot be made leave nothing."""
    target = tmp_path / "out.csv"
    with pytest.raises(ZeroDivisionError), whole(target, "export", mark=".partial"):
        raise ZeroDivisionError
    with whole(target, "export", mark=".partial") as made:
        made.keep = False
    with (
        pytest.raises(CannotWriteFileError, match="cannot be written: No space"),
        whole(target, "x", mark=".partial"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        pytest.raises(CannotWriteFileError, match="No such file or directory"),
        whole(tmp_path / "a" / "b", "x", mark="."),
    ):
        pass
    with (
        pytest.raises(CannotWriteFileError, match="File name too long"),
        whole(tmp_path / ("a" * 300), "x", mark="."),
    ):
        pass
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("plant", [_link, _link_to_nothing, _pipe, _folder])
def test_no_line_is_added_to_what_is_no_file_of_ours(tmp_path: Path, victim: Path, plant: Plant) -> None:
    """Neither a link nor a pipe is written to, and the error names the obstacle."""
    plant(tmp_path / "lines", victim)
    with pytest.raises(OSError, match="lines"):
        append_line(tmp_path / "lines", "1:abc")
    assert untouched(victim)


def test_anchors_and_what_was_erased_are_kept_for_their_owner_alone(tmp_path: Path, victim: Path) -> None:
    """Both grow line by line, and a link in their place is not followed."""
    log, before = tmp_path / "callops.db", os.umask(0)
    try:
        for _ in range(2):
            note(log, Anchor(1, "0" * 64, NOW))
            keep_in_list(log, PurgeFilter("by age", before=NOW), [Listed("A-1", NOW)], NOW)
    finally:
        os.umask(before)
    for path in (anchors_beside(log), list_beside(log)):
        assert (mode(path), path.read_text(encoding="utf-8").count("\n")) == (0o600, 2)
        path.unlink()
        path.symlink_to(victim)
    with pytest.raises(OSError, match="anchors"):
        note(log, Anchor(1, "0" * 64, NOW))
    with pytest.raises(OSError, match="erasures"):
        keep_in_list(log, PurgeFilter("by age", before=NOW), [], NOW)
    assert untouched(victim)


async def test_a_log_is_made_for_its_owner_alone_where_its_link_says(tmp_path: Path) -> None:
    """An operator may link the log to another disk, and the log there is private, too."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "callops.db").symlink_to(disk / "log.db")
    before = os.umask(0)
    try:
        log = await Store.open(tmp_path / "callops.db", key=KEY, clock=Clock())
        await log.requests.create(placing())
        made = {path.name: mode(path) for path in disk.iterdir()}
        await log.close()
    finally:
        os.umask(before)
    assert made == {"log.db": 0o600, "log.db-wal": 0o600, "log.db-shm": 0o600}


async def test_a_process_says_that_it_serves_in_a_file_of_its_own(tmp_path: Path, victim: Path) -> None:
    """A link in its place is not followed. A link that looks like another process's file is no process."""
    database = tmp_path / "callops.db"
    (tmp_path / f"callops.db{BEGINNING}one").symlink_to(victim)
    with pytest.raises(FileExistsError):
        ProcessLock.acquire(database, "one")
    (tmp_path / f"callops.db{SERVING}gone").symlink_to(victim)
    (tmp_path / f"callops.db{SERVING}lost").symlink_to(tmp_path / "nothing")
    released: list[str] = []

    async def release(owner: str) -> None:
        released.append(owner)

    mine = ProcessLock.acquire(database, "two")
    assert mode(tmp_path / f"callops.db{SERVING}two") == 0o600
    assert await mine.reap(release) == []
    await mine.release(release)
    assert released == ["two"]
    assert untouched(victim)


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("name", ["copy.db", "copy.db.unfinished"])
async def test_a_backup_takes_no_place_that_is_taken(
    tmp_path: Path, victim: Path, name: str, plant: Plant
) -> None:
    """A backup is a new file like any other."""
    log = await Store.open(tmp_path / "callops.db", key=KEY, clock=Clock())
    await log.close()
    plant(tmp_path / name, victim)
    with pytest.raises(BackupError, match="is there"):
        backup(tmp_path / "callops.db", tmp_path / "copy.db")
    assert untouched(victim)
    assert not (tmp_path / ("copy.db.unfinished" if name == "copy.db" else "copy.db")).exists()


def test_only_what_is_new_is_made(tmp_path: Path, victim: Path) -> None:
    """A link counts as an existing file."""
    os.close(make(tmp_path / "new"))
    assert mode(tmp_path / "new") == 0o600
    (tmp_path / "link").symlink_to(victim.with_name("nothing"))
    for name in ("new", "link"):
        with pytest.raises(FileExistsError):
            make(tmp_path / name)


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)
