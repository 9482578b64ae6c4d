"""Backups at a terminal: `python -m bot backup`, and `restore-drill`, which proves that one restores."""

import argparse
import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bot import CallOpsError
from bot.cli.progress import share_bar
from bot.config.environment import UnreadableFileError, existing_log, log_key, read_text
from bot.text.terminal import complain, say
from storage.maintenance.anchors import Anchor, anchors_beside
from storage.maintenance.backup import BackupError
from storage.maintenance.backup import backup as copy_log
from storage.maintenance.backup_folder import backups, name_at, prune
from storage.maintenance.restore_drill import DrillError, DrillReport, drill
from storage.repositories.erasure_list import list_beside

OK, WRONG, CANNOT_START = 0, 1, 2


class _NoBackupError(CallOpsError):
    """There is no backup to restore. The message is a sentence that says why."""


def backup(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Make a verified copy of the log, also beside a running bot, and return the exit status.

    In a folder, the copy's name is the time. With ``--keep``, the oldest copies there are removed.
    """
    faults: list[str] = []
    log, target = existing_log(variables, faults), Path(chosen.file)
    is_folder = _is_folder(target)
    if chosen.keep and not is_folder:
        faults.append(f"{target} isn't a folder. --keep needs one, in which each backup gets a name.")
    if faults:
        complain(*faults)
        return CANNOT_START
    copy = target / name_at(datetime.now(UTC)) if is_folder else target
    try:
        with share_bar("Backing up") as progress:
            verdict = copy_log(log, copy, progress=progress)
    except BackupError as error:
        complain(str(error))
        return CANNOT_START
    if verdict.faults:
        complain(*verdict.faults)
        complain("The log is damaged, so no backup was kept. See docs/keeping.md.")
        return WRONG
    head = Anchor(verdict.events, verdict.head)
    say(f"{copy} is intact: {verdict.actions} actions, {verdict.events} events, head {head}")
    beside = [str(path) for path in (anchors_beside(log), list_beside(log)) if path.exists()]
    if beside:
        say(f"Keep the newest {' and '.join(beside)} beside it, and CALLOPS_KEY somewhere else.")
    else:
        say("Keep CALLOPS_KEY somewhere else. Without it, no number can be found in this file.")
    return _prune(target, chosen.keep) if chosen.keep else OK


def _is_folder(path: Path) -> bool:
    """Return whether there is a folder at a path. There is none at a name that the system refuses."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _prune(folder: Path, keep: int) -> int:
    """Remove the oldest backups of a folder, and return the exit status: 1 if one had to be left."""
    try:
        pruned = prune(folder, keep)
    except OSError as error:
        complain(f"Old backups can't be removed: {error.filename}: {error.strerror}.")
        return WRONG
    say(*(f"Removed {one}, because {keep} newer ones are kept." for one in pruned.removed))
    complain(*(f"{one} was left, because {why}." for one, why in pruned.left))
    return WRONG if pruned.left else OK


def restore_drill(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Restore a backup into a temporary folder, prove it, say so, and return the exit status."""
    faults: list[str] = []
    key = log_key(variables, faults)
    try:
        copy = _newest(Path(chosen.backup))
        anchors = _anchors(anchors_beside(existing_log(variables, [])))
    except _NoBackupError as error:
        faults.append(str(error))
    if faults or key is None:
        complain(*faults)
        return CANNOT_START
    try:
        with share_bar("Restoring") as progress:
            done = asyncio.run(drill(copy, key=key, anchors=anchors, progress=progress))
    except DrillError as error:
        complain(str(error))
        return CANNOT_START
    if done.faults:
        complain(*done.faults, f"{copy} can't be restored.")
        return WRONG
    say(*_told(copy, done))
    return OK


def _newest(given: Path) -> Path:
    """Return a backup, or the newest one of a folder. Raises `_NoBackupError`."""
    try:
        found = backups(given) if given.is_dir() else [given]
    except OSError as error:
        raise _NoBackupError(f"{given} can't be read: {error.strerror}.") from error
    if not found:
        raise _NoBackupError(f"{given} has no backup that  python -m bot backup {given}  made.")
    if not found[0].is_file():
        raise _NoBackupError(f"There is no backup at {given}.")
    return found[0]


def _anchors(file: Path) -> list[Anchor]:
    """Return the anchors beside the log, none without a file. Raises `_NoBackupError`."""
    try:
        return [*Anchor.all_in(read_text(file))]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _NoBackupError(f"{file} can't be read: {error.strerror}.") from error
    except UnreadableFileError as error:
        raise _NoBackupError(f"{file} can't be read: {error}.") from error


def _told(copy: Path, done: DrillReport) -> list[str]:
    """Return what was proven, as lines."""
    head = Anchor(done.verdict.events, done.verdict.head)
    lines = [
        f"{copy} was restored, verified and read in {done.seconds:.1f} s, and deleted again.",
        f"  chain: {done.verdict.events} events, head {head}",
        f"  anchors: {done.anchors} found in it" if done.anchors else "  anchors: none to compare it with",
    ]
    if done.read:
        return [*lines, f"  newest request: {done.read}, with {done.events} events"]
    return [*lines, "  newest request: there is none yet"]
