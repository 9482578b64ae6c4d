"""The promises of `storage.store.Store` as tests: a store joins by one class with one fixture."""

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
    Reading,
    Searching,
    Posting,
    Remembering,
    Forgetting,
    ABC,
):
    """Subclass it as ``Test…`` and say how a fresh store is opened."""

    @abstractmethod
    async def open_log(self, folder: Path, clock: Clock) -> Store:
        """Open a store with nothing in it, which keeps what it keeps in the folder."""

    @pytest.fixture
    def clock(self) -> Clock:
        """The store's clock."""
        return Clock()

    @pytest.fixture
    async def store(self, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
        """A fresh store."""
        log = await self.open_log(tmp_path, clock)
        yield log
        await log.close()
