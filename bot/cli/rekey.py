"""`python -m bot rekey`: gives the log another key of look-ups by number, while the bot is stopped."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot import CallOpsError
from bot.cli.do_not_call_file import read
from bot.cli.maintenance import operator
from bot.cli.progress import share_bar
from bot.config.environment import existing_log, key_bytes, log_key, secret_of
from bot.config.loader import read_config
from bot.parsing.csv_file import UnreadableListError, decoded
from bot.text.formatting import counted
from bot.text.terminal import complain, say
from storage.database.connection import CannotOpenLogError
from storage.maintenance.rekey import Rekeyed, RekeyError, Unknown, UnknownNumbersError, has_key, rekey
from storage.maintenance.verification import verify

OK, WRONG, CANNOT_START = 0, 1, 2
_THEN = "Set CALLOPS_KEY to the new key, and unset CALLOPS_NEW_KEY. Keep the old key with the older backups."


class _CannotRekeyError(CallOpsError):
    """Why nothing was changed: a sentence, or several."""


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Change the key and return the exit status: 1 if nothing changes, because blocks would be lost."""
    try:
        path, old, new = _keys(variables)
        if has_key(path, new):
            say(f"{path} has the new key already. {_THEN}")
            return OK
        if faults := _faults(path, old, "Verifying"):
            complain(*faults, "The log can't be verified, so its key wasn't changed.")
            return WRONG
        numbers = [number for file in chosen.numbers for number in _numbers(Path(file), variables)]
        done = rekey(path, old, new, actor=operator(), numbers=numbers, drop=chosen.drop_unknown)
    except UnknownNumbersError as error:
        complain(*_unknown(error))
        return WRONG
    except (_CannotRekeyError, CannotOpenLogError, RekeyError) as error:
        complain(*map(str, error.args))
        return CANNOT_START
    if done:
        say(*_told(done))
    say(_THEN)
    if faults := _faults(path, new, "Verifying again"):
        complain(
            *faults, "The log can't be verified with its new key. Restore the backup that you made before."
        )
        return WRONG
    return OK


def _keys(variables: Mapping[str, str]) -> tuple[Path, bytes, bytes]:
    """Return the log, its key and the next one. Raises `_CannotRekeyError`."""
    faults: list[str] = []
    path = existing_log(variables, faults)
    old, wrong = log_key(variables, faults), list[str]()
    new = key_bytes(secret_of(variables, "CALLOPS_NEW_KEY", wrong) or "")
    faults += wrong
    if new is None and not wrong:
        faults.append(
            "CALLOPS_NEW_KEY isn't set. Make a key with  python -m bot key  and keep it safe first."
        )
    if new and new == old:
        faults.append("CALLOPS_NEW_KEY is the key that the log has now. Make another.")
    if faults or old is None or new is None:
        raise _CannotRekeyError(*faults)
    return path, old, new


def _faults(path: Path, key: bytes, doing: str) -> list[str]:
    with share_bar(doing) as progress:
        return [*verify(path, key=key, progress=progress).faults]


def _numbers(file: Path, variables: Mapping[str, str]) -> set[str]:
    """Return the numbers of a file, as `stop import` reads them. Raises `_CannotRekeyError`."""
    region = read_config(variables).default_region
    try:
        with file.open("rb") as opened:
            found = read(decoded(opened), default_region=region, columns=[])
    except UnreadableListError as error:
        raise _CannotRekeyError(f"{file}: {error}", "Nothing was changed.") from error
    except OSError as error:
        raise _CannotRekeyError(f"{file} can't be read: {error.strerror}. Nothing was changed.") from error
    if found.bad:
        complain(f"{file}: {found.counted(found.bad.total())} can't be read and were skipped.")
    return found.numbers


def _unknown(error: UnknownNumbersError) -> Iterator[str]:
    """Say what would be lost, and what to do."""
    yield "Nothing was changed, because these numbers would no longer be blocked:"
    yield from (f"  {_of(one)}" for one in error.unknown)
    yield "Add their files with --numbers FILE. Or add --drop-unknown, and all calls stay paused"
    yield "until a person has blocked them again and types /calls resume."


def _of(one: Unknown) -> str:
    if one.list is None:
        return f"the number of {one.id}, which a person blocked"
    return f"{counted(one.numbers, 'number')} of the list {one.list}"


def _told(done: Rekeyed) -> Iterator[str]:
    yield (
        f"The log has the new key now: {counted(done.targets, 'target')} and "
        f"{counted(done.stops, 'blocked number')} carried over. Recorded as {done.id}."
    )
    if done.dropped:
        yield f"All calls are paused ({done.pause}). Before a person resumes them, block again:"
        yield from (f"  {_of(one)}" for one in done.dropped)
    if not done.wiped:
        yield "Another process reads the log. Old hashes stay in its -wal file until that is emptied."
