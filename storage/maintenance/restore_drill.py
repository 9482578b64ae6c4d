"""The restore drill: proves that a backup can be restored, in a folder that is removed afterwards."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage import StorageError
from storage.database.connection import CannotOpenLogError
from storage.event_log.writer import utc_now
from storage.maintenance.anchors import Anchor, missing
from storage.maintenance.verification import verify
from storage.models import VerificationReport
from storage.queries import Query
from storage.store import Store


class DrillError(StorageError):
    """The drill could not begin. The message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """The result of a drill. ``faults`` are sentences, and empty if the backup can be restored.

    ``anchors`` counts the anchors that it was compared with. ``read`` is the request that was read with its
    history, None for a log without one. ``events`` is how many events that history has. ``seconds`` is how
    long the drill took.
    """

    verdict: VerificationReport
    faults: Sequence[str]
    anchors: int
    read: str | None
    events: int
    seconds: float


async def drill(
    backup: Path,
    *,
    key: bytes,
    anchors: Sequence[Anchor],
    progress: Callable[[float], None] | None = None,
    clock: Callable[[], datetime] = utc_now,
    seconds: Callable[[], float] = time.monotonic,
) -> DrillReport:
    """Restore a backup into a temporary folder, verify it with the key and the anchors, and read a request.

    Anchors of events after the backup are left out. ``progress`` is called with the share of the
    verification that is done, from 0 to 1.

    Raises:
        DrillError: The backup cannot be copied.
    """
    began = seconds()
    with tempfile.TemporaryDirectory(prefix="callops-drill-") as folder:
        restored = Path(folder) / "callops.db"
        try:
            await asyncio.to_thread(shutil.copyfile, backup, restored)
        except OSError as error:
            raise DrillError(f"{backup} can't be restored into {folder}: {error.strerror}.") from error
        verdict = await asyncio.to_thread(verify, restored, key=key, progress=progress)
        covered = [one for one in anchors if one.seq <= verdict.events]
        faults = [*verdict.faults, *missing(restored, covered)]
        read, events = None, 0
        if not faults:
            try:
                read, events = await _read(restored, key, clock)
            except CannotOpenLogError as error:
                faults.append(f"{error}.")
    return DrillReport(verdict, faults, len(covered), read, events, seconds() - began)


async def _read(restored: Path, key: bytes, clock: Callable[[], datetime]) -> tuple[str | None, int]:
    """Open a log as the bot does, and return its newest request and the number of events of that."""
    store = await Store.open(restored, key=key, clock=clock)
    try:
        found = (await store.search.page(Query(), limit=1)).actions
        if not found:
            return None, 0
        history = await store.requests.get_with_history(found[0].id)
        return history.request.id, len(history.events)
    finally:
        await store.close()
