"""Scenes that are prepared before a test needs them. A start costs a second, which the other core spends."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.scene import OVER_HTTP, Scene

AHEAD = 2
"""Scenes that are prepared in advance: one for each core."""


class Wings:
    """A pool of scenes, each with a bot and a database of its own, on a stage that others used before."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder / str(number) for number in count(1))
        self._ready: deque[asyncio.Task[Scene]] = deque()
        self._free: list[Scene] = []
        self._all: list[Scene] = []

    async def next(self, *, over_http: bool = OVER_HTTP) -> Scene:
        """Return a scene whose bot is connected. Others are begun meanwhile."""
        if over_http != OVER_HTTP:
            return await self._lit(over_http=over_http)
        while len(self._ready) <= AHEAD:
            self._ready.append(asyncio.create_task(self._lit()))
        return await self._ready.popleft()

    async def dark(self) -> Scene:
        """Return a scene whose bot is not started yet."""
        if self._free:
            scene = self._free.pop()
            await scene.start_over(next(self._folders))
        else:
            scene = Scene(next(self._folders))
            self._all.append(scene)
            await scene.__aenter__()
        return scene

    def free(self, scene: Scene) -> None:
        """Take back a scene that was played to its end, so that its stage is used again."""
        self._free.append(scene)

    async def clear(self) -> None:
        """Stop all scenes."""
        await asyncio.gather(*self._ready, return_exceptions=True)
        for scene in self._all:
            await scene.__aexit__(None, None, None)

    async def _lit(self, *, over_http: bool = OVER_HTTP) -> Scene:
        scene = await self.dark()
        scene.over_http = over_http
        await scene.start_bot()
        return scene


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def wings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wings]:
    """Yield the pool of scenes. It is no session fixture: while other tests run, nothing drives its tasks."""
    wings = Wings(tmp_path_factory.mktemp("scenes"))
    yield wings
    await wings.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def scene(wings: Wings, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """Yield a scene of one's own, whose bot is connected. A test may choose the mode (`BOTH_MODES`)."""
    scene = await wings.next(over_http=getattr(request, "param", OVER_HTTP))
    yield scene
    await scene.check()
    wings.free(scene)


@pytest_asyncio.fixture(loop_scope="session")
async def dark_scene(wings: Wings) -> AsyncIterator[Scene]:
    """Yield a scene of one's own, whose bot is not started yet."""
    scene = await wings.dark()
    yield scene
    await scene.check()
    wings.free(scene)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_scene(wings: Wings) -> AsyncIterator[Scene]:
    """Yield a scene for all tests of a module that only read, or add a request and look at no other."""
    scene = await wings.next()
    yield scene
    await scene.check()
    wings.free(scene)
