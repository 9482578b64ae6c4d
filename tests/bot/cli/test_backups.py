"""Backups into a folder, as a timer makes them, and the restore drill."""

import asyncio
import base64
import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli import backups as backup_commands
from bot.cli.parser import make_parser
from storage.maintenance.anchors import Anchor, note
from storage.maintenance.backup import backup as copy_log
from storage.maintenance.backup_folder import backups, made_at, name_at, prune
from storage.maintenance.verification import verify
from storage.store import Store
from tests.storage.maintenance.test_verification import tamper
from tests.storage.samples import NOON, NUMBER, Clock, cancelling, deny, placing

KEY = bytes(range(32))
SECRET = base64.b64encode(KEY).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the path of a log with two requests, which the environment names with its key."""
    path = tmp_path / "callops.db"

    async def made() -> None:
        store = await Store.open(path, key=KEY, clock=Clock())
        await store.requests.create(placing(NUMBER))
        denied = (await store.requests.create(cancelling(NUMBER))).request
        await store.requests.apply(deny(denied.actions[0].id))
        await store.close()

    asyncio.run(made())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for backups."""
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def variables(log: Path) -> dict[str, str]:
    """Return the environment of an operator of the log."""
    return {"DATABASE_URL": f"sqlite:///{log}", "CALLOPS_KEY": SECRET}


def run(arguments: list[str], variables: dict[str, str]) -> int:
    """Run a command in an environment, and return its exit status."""
    chosen = make_parser().parse_args(arguments)
    if chosen.command == "backup":
        return backup_commands.backup(chosen, variables)
    return backup_commands.restore_drill(chosen, variables)


def older(log: Path, folder: Path, days: int) -> Path:
    """Make a backup as a timer made it some days ago."""
    copy = folder / name_at(NOON - timedelta(days=days))
    assert not copy_log(log, copy).faults
    return copy


def test_a_timer_keeps_the_newest(
    log: Path, variables: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oldest ones are removed and named, and the newest was just made."""
    made = [older(log, folder, days) for days in (1, 2, 3, 4)]
    assert run(["backup", str(folder), "--keep", "3"], variables) == 0
    shown = capsys.readouterr()
    newest, *others = backups(folder)
    assert others == made[:2]
    assert made_at(newest) > NOON
    assert f"{newest} is intact: 2 actions, 3 events" in shown.out
    assert [f"Removed {one}, because 3 newer ones are kept." in shown.out for one in made[2:]] == [True, True]
    assert sorted(folder.iterdir()) == sorted([newest, *others])


@pytest.mark.usefixtures("log")
def test_the_newest_is_never_removed(log: Path, folder: Path) -> None:
    """Not even where a number says so."""
    copy = older(log, folder, 1)
    assert prune(folder, 0).removed == []
    assert backups(folder) == [copy]


def test_only_intact_files_of_ours_are_removed(
    log: Path, variables: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged one, another program's, the log itself under such a name and a link are left, and named."""
    damaged, rubbish, copied = (folder / name_at(NOON - timedelta(days=days)) for days in (2, 3, 4))
    link, by_hand = folder / name_at(NOON - timedelta(days=5)), folder / "callops-before-upgrade.db"
    copy_log(log, damaged)
    tamper(damaged, "UPDATE actions SET state = 'failed'")
    rubbish.write_bytes(b"theirs")
    shutil.copyfile(log, copied)
    copy_log(log, by_hand)
    link.symlink_to(by_hand)
    assert run(["backup", str(folder), "--keep", "1"], variables) == 1
    shown = capsys.readouterr().err
    assert f"{damaged} was left, because it isn't intact." in shown
    assert f"{rubbish} was left, because it can't be read" in shown
    assert f"{copied} was left, because it isn't a backup of CallOps." in shown
    left = {damaged, rubbish, copied, link, by_hand}
    assert left < set(folder.iterdir())
    assert len(set(folder.iterdir()) - left) == 1


def test_nothing_is_removed_where_no_backup_was_made(
    log: Path, variables: dict[str, str], folder: Path
) -> None:
    """A damaged log makes no backup, and takes none away."""
    made = [older(log, folder, days) for days in (1, 2, 3)]
    tamper(log, "UPDATE actions SET state = 'failed'")
    assert run(["backup", str(folder), "--keep", "1"], variables) == 1
    assert backups(folder) == made


def test_keep_needs_a_folder(
    log: Path, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Which files a name stands for would be a guess."""
    assert run(["backup", str(log.with_name("copy.db")), "--keep", "3"], variables) == 2
    assert "isn't a folder. --keep needs one" in capsys.readouterr().err


def test_a_drill_proves_the_newest_backup(
    log: Path, variables: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what it compared, what it read, and how long it took, and leaves nothing behind."""
    older(log, folder, 1)
    copy = older(log, folder, 0)
    head = verify(log).head
    note(log, Anchor(3, head))
    note(log, Anchor(99, "ab" * 32))
    before = sorted(folder.iterdir())
    assert run(["restore-drill", str(folder)], variables) == 0
    first, *told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"{copy} was restored, verified and read in \d+\.\d s, and deleted again\.", first)
    assert told[:2] == [f"  chain: 3 events, head 3:{head}", "  anchors: 1 found in it"]
    assert re.fullmatch(r"  newest request: A-\w{4}, with 2 events", told[2])
    assert sorted(folder.iterdir()) == before


def test_a_drill_finds_what_would_not_restore(
    log: Path, variables: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed backup, one that an anchor denies, another key, and no backup at all."""
    assert run(["restore-drill", str(folder)], variables) == 2
    assert "has no backup that" in capsys.readouterr().err
    copy = older(log, folder, 1)
    note(log, Anchor(2, "ab" * 32))
    assert run(["restore-drill", str(copy)], variables) == 1
    assert "Event 2 isn't the one that was anchored" in capsys.readouterr().err
    log.with_name("callops.db.anchors").unlink()
    variables["CALLOPS_KEY"] = OTHER_KEY
    assert run(["restore-drill", str(copy)], variables) == 1
    assert "The log was written with another key" in capsys.readouterr().err
    variables["CALLOPS_KEY"] = ""
    assert run(["restore-drill", str(copy)], variables) == 2
    assert "CALLOPS_KEY isn't set" in capsys.readouterr().err
    variables["CALLOPS_KEY"] = SECRET
    tamper(copy, "UPDATE actions SET state = 'failed'")
    assert run(["restore-drill", str(copy)], variables) == 1
    assert f"{copy} can't be restored." in capsys.readouterr().err
    assert run(["restore-drill", str(folder / "none.db")], variables) == 2
    assert "There is no backup at" in capsys.readouterr().err
