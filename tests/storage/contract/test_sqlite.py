from pathlib import Path

from storage.store import Store
from tests.storage.contract import StoreContract
from tests.storage.samples import KEY, Clock


class TestSQLite(StoreContract):
    """The SQLite store, which keeps the whole contract."""

    async def open_log(self, folder: Path, clock: Clock) -> Store:
        """Open a new file."""
        return await Store.open(folder / "log.db", key=KEY, clock=clock)
