"""The contract of `storage.store.Store` as tests: a store joins with one class and one fixture."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.storage.contract.beginning import Beginning
from tests.storage.contract.changes import Changing
from tests.storage.contract.deciding import Deciding
from tests.storage.contract.forgetting import Forgetting
from tests.storage.contract.joining import Joining
from tests.storage.contract.moving import Moving
from tests.storage.contract.noting import Noting
from tests.storage.contract.pacing import Pacing
from tests.storage.contract.pausing import Pausing
from tests.storage.contract.reading import Reading
from tests.storage.contract.searching import Searching
from tests.storage.contract.slack import Posting, Remembering
from tests.storage.contract.taking_away import TakingAway
from tests.storage.samples import Clock


class StoreContract(
    Changing,
    Deciding,
    Joining,
    Moving,
    TakingAway,
    Noting,
    Beginning,
    Pacing,
    Pausing,
    Reading,
    Searching,
    Posting,
    Remembering,
    Forgetting,
    ABC,
):
    """Base of a ``Test…`` class, which defines how a new store is opened."""

    @abstractmethod
    async def open_log(self, folder: Path, clock: Clock) -> Store:
        """Open an empty store that keeps its files in the folder."""

    @pytest.fixture
    def clock(self) -> Clock:
        """Return the store's clock."""
        return Clock()

    @pytest.fixture
    async def store(self, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
        """Yield a new store."""
        log = await self.open_log(tmp_path, clock)
        yield log
        await log.close()
