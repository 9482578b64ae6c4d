from pathlib import Path

from storage.log import ActionLog
from storage.store import SQLiteLog
from tests.storage.contract import ActionLogContract
from tests.storage.samples import KEY, Clock


class TestSQLite(ActionLogContract):
    """The SQLite store keeps every promise of a log."""

    async def open_log(self, folder: Path, clock: Clock) -> ActionLog:
        """Open a new file."""
        return await SQLiteLog.open(folder / "log.db", key=KEY, clock=clock)
