"""`python -m bot backup FILE`: a verified copy of the log, also beside a running bot."""

from collections.abc import Mapping
from pathlib import Path

from bot.cli.progress import share_bar
from bot.config.environment import database_path
from bot.text.terminal import complain, say
from storage.maintenance.anchors import Anchor, anchors_beside
from storage.maintenance.backup import CannotBackUp, backup
from storage.repositories.erasure_list import list_beside

OK, WRONG, CANNOT_START = 0, 1, 2


def run(file: str, variables: Mapping[str, str]) -> int:
    """Make the backup and return the exit status."""
    faults: list[str] = []
    log = database_path(variables.get("DATABASE_URL") or None, faults)
    if not faults and not log.exists():
        faults.append(f"There is no log at {log}: is DATABASE_URL right?")
    if faults:
        complain(*faults)
        return CANNOT_START
    try:
        with share_bar("Backing up") as progress:
            verdict = backup(log, Path(file), progress=progress)
    except CannotBackUp as error:
        complain(str(error))
        return CANNOT_START
    if verdict.faults:
        complain(*verdict.faults)
        complain("The log is not whole. No backup was kept: docs/keeping.md says what to do.")
        return WRONG
    head = Anchor(verdict.events, verdict.head)
    say(f"{file} is whole: {verdict.entries} actions, {verdict.events} events, head {head}")
    beside = [str(path) for path in (anchors_beside(log), list_beside(log)) if path.exists()]
    if beside:
        say(f"Keep the newest {' and '.join(beside)} beside it, and CALLOPS_KEY somewhere else.")
    else:
        say("Keep CALLOPS_KEY somewhere else: without it no number is found in this file.")
    return OK
