"""Checks of the file, the environment, the log and its disk."""

import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.config.environment import key_bytes
from bot.config.loader import ConfigReport
from bot.text.findings import Finding, Result, ok, skipped, warning, wrong
from storage.maintenance.inspection import DatabaseLocation, inspect

LITTLE_FREE = 1 << 30
LEAST_FREE = 100 << 20
"""Bytes. An action takes 2 kB in the log (measured), its reply up to 4 kB: 100 MiB are 17 000 actions."""

_LOST = frozenset({"tmpfs", "ramfs"})
_OF_A_CONTAINER = frozenset({"overlay", "aufs"})
_OF_A_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p"})
"""File systems by the names that Linux gives them. SQLite's write-ahead log needs shared memory, which those
of a network do not have (https://www.sqlite.org/wal.html)."""


def about_file(found: ConfigReport) -> Iterator[Finding]:
    """Report every fault of the file, or its contents."""
    if not found.readable:
        [fault] = found.file_faults
        what, _, mend = fault.partition(": ")
        yield wrong("file", _sentence(what), _sentence(mend[:1].upper() + mend[1:]))
        return
    if found.file_faults:
        for fault in found.file_faults:
            yield wrong("file", _sentence(fault), f"Fix it in {found.path}. See callops.example.toml.")
        return
    connections = len(found.connections) + len(found.off)
    holds = (
        _count(connections, "connection"),
        _count(len(found.groups), "group"),
        _count(len(found.rules), "rule"),
    )
    yield ok("file", f"{found.path} has no errors: {', '.join(holds)}.")


def about_environment(found: ConfigReport) -> Iterator[Finding]:
    """Report every fault of the environment, and connections without a secret."""
    for fault in found.environment_faults:
        in_a_file = " can't be read from " in fault
        mend = "Repair that file." if in_a_file else "Set it in the environment or in .env."
        yield wrong("environment", _sentence(fault), mend)
    if not found.environment_faults:
        yield ok("environment", "The tokens and the key are set and well-formed.")
    everything = not found.connections and not found.file_faults
    for name, why in sorted(found.off.items()):
        say = wrong if everything else warning  # with no connection on, nothing can be asked of anybody
        variable = why.removesuffix(" not set")
        if variable == why:
            mend = "Write the secret into that file, where the bot can read it"
        else:
            mend = f"Set {variable} in the environment or in .env"
        yield say(
            f"connection {name}", f"It's off: {why}.", f"{mend}, or remove the connection from the file."
        )
    yield from _about_secret_files(found.secret_files)


def _about_secret_files(files: Iterable[Path]) -> Iterator[Finding]:
    """Report each file of secrets that everybody on this machine can read."""
    for path in dict.fromkeys(files):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # a file that is needed and can't be read is reported where it is read
        if mode & stat.S_IROTH:
            what = f"Everybody on this machine can read {path}, which holds a secret."
            yield warning("environment", what, f"Run  chmod o= {shlex.quote(str(path))}")


def place(found: ConfigReport) -> DatabaseLocation | None:
    """Look at the log's place; None where its address cannot be read."""
    if not found.usable("DATABASE_URL"):
        return None
    return inspect(found.database, key_bytes(found.key.get_secret_value()))


def about_log(
    place: DatabaseLocation | None, *, key_given: bool, platform: str | None = None
) -> Iterator[Finding]:
    """Report whether the log is usable and its disk lasts."""
    if place is None:
        yield skipped("log", "DATABASE_URL can't be read")
        return
    if place.problem:
        yield wrong("log", f"{place.path} can't be used as a log: {place.problem}.", _mend_log(place.problem))
    elif not place.exists:
        yield ok("log", f"{place.path} doesn't exist yet. The first start creates it.")
    else:
        fits = " and fits the key" if key_given else ""
        yield ok("log", f"{place.path} can be used{fits}: {_count(place.actions, 'action')}.")
    if place.exists and not key_given and not place.problem:
        yield skipped("log's key", "CALLOPS_KEY can't be read")
    if place.free is None:
        yield skipped("log's disk", "its folder doesn't exist")
    else:
        yield from about_disk(place, platform)
        yield from _about_room(place.free)


def what_will_not_last(path: Path, platform: str | None) -> list[str]:
    """Return the warning of `serve` about a disk on which the log will not last."""
    return [
        f"{one.message} {one.fix}"
        for one in about_disk(inspect(path, None), platform)
        if one.result in {Result.WARN, Result.FAIL}
    ]


def _mend_log(trouble: str) -> str:
    if "CALLOPS_KEY" in trouble:
        return "Restore the key it was created with. If that key is lost, start a new log with DATABASE_URL."
    if "another version" in trouble:
        return "Run the version of CallOps that created it, or start a new log with DATABASE_URL."
    return "Fix that, or set another path in DATABASE_URL."


def about_disk(place: DatabaseLocation, platform: str | None) -> Iterator[Finding]:
    """Report whether the log's disk lasts."""
    name = "log's disk"
    elsewhere = "Set DATABASE_URL to a path on a persistent disk."
    folder, kind = place.path.parent, place.file_system
    if platform:
        yield wrong(
            name,
            f"{platform} starts with an empty disk: every deploy or restart loses the log.",
            "Run CallOps on a machine with a persistent disk.",
        )
    elif kind in _LOST:
        yield wrong(name, f"{folder} is in memory ({kind}): a restart loses the log.", elsewhere)
    elif kind in _OF_A_NETWORK:
        yield wrong(
            name,
            f"{folder} is on a network ({kind}), where SQLite can't keep the log safely.",
            "Set DATABASE_URL to a path on a local disk.",
        )
    elif place.cleared:
        yield warning(name, f"{folder} may be cleared by the system.", elsewhere)
    elif kind in _OF_A_CONTAINER:
        yield warning(
            name,
            f"{folder} is a container's own layer ({kind}), which a new container loses.",
            elsewhere,
        )
    elif kind is None:
        yield skipped(name, "this system doesn't tell the kind of disk")
    else:
        yield ok(name, f"{folder} seems to be on a persistent disk ({kind}).")


def _about_room(free: int) -> Iterator[Finding]:
    room = f"{free / (1 << 30):.1f} GiB" if free >= LITTLE_FREE else f"{free >> 20} MiB"
    make_room = "Make room: CallOps takes no requests when the disk is full."
    if free < LEAST_FREE:
        yield wrong("free space", f"Only {room} are left beside the log.", make_room)
    elif free < LITTLE_FREE:
        yield warning("free space", f"Only {room} are left beside the log.", make_room)
    else:
        yield ok("free space", f"{room} are left beside the log.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _sentence(fault: str) -> str:
    return fault if fault.endswith(".") else f"{fault}."
