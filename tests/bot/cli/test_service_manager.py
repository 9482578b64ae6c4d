"""The signs to a service manager, at a real socket."""

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.service_manager import READY, WATCHDOG, ServiceManager
from bot.web import STUCK_AFTER, Health
from bot.workers.loop import POLL, PeriodicTask


@pytest.fixture(params=["path", "abstract"])
def manager_socket(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, str]]:
    """Yield the socket of a service manager, and its name as the environment has it."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        name = str(Path(folder) / "notify") if request.param == "path" else f"@callops-{os.getpid()}"
        ours.bind(name.replace("@", "\0", 1))
        ours.setblocking(False)
        yield ours, name


def received(ours: socket.socket) -> list[str]:
    """Return all that was sent until now."""
    told = []
    while True:
        try:
            told.append(ours.recv(4096).decode())
        except BlockingIOError:
            return told


class Clock:
    """Seconds that a test sets, and the waits between two signs."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self._asleep, self._wake = asyncio.Event(), asyncio.Event()

    def __call__(self) -> float:
        """Return the time that the test set."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait until the test goes on."""
        self.waits.append(seconds)
        self._asleep.set()
        await self._wake.wait()
        self._wake.clear()

    async def turn(self) -> None:
        """Let one wait end, and return in the next."""
        if self.waits:
            self._asleep.clear()
            self._wake.set()
        await self._asleep.wait()


async def test_signs_of_life_stop_while_a_worker_is_stuck(
    manager_socket: tuple[socket.socket, str], caplog: pytest.LogCaptureFixture
) -> None:
    """They follow the judgement of `/healthz`, go on once the worker does, and the reason is logged once."""
    ours, name = manager_socket
    clock, stuck = Clock(), asyncio.Event()

    async def work() -> bool:
        await stuck.wait()
        return False

    worker = PeriodicTask("outbox", work, seconds=clock)
    health = Health([worker], seconds=clock)
    manager = ServiceManager.of({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000000"})
    working = asyncio.create_task(worker.run())
    watching = asyncio.create_task(manager.watch(health.unhealthy, clock.sleep))
    await clock.turn()
    await clock.turn()
    assert received(ours) == [WATCHDOG, WATCHDOG]
    clock.now += STUCK_AFTER + POLL + 1
    await clock.turn()
    await clock.turn()
    assert received(ours) == []
    assert caplog.text.count("gets no sign of life: The outbox has not run for 62 s.") == 1
    worker.last_run = clock.now
    await clock.turn()
    assert received(ours) == [WATCHDOG]
    assert set(clock.waits) == {10.0}
    for task in (working, watching):
        task.cancel()
    await asyncio.gather(working, watching, return_exceptions=True)


@pytest.mark.parametrize(
    ("variables", "watchdog"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_for_one_process(variables: dict[str, str], watchdog: float | None) -> None:
    """A variable that was meant for another process, or that is no time, asks for nothing."""
    assert ServiceManager.of(variables, 7).watchdog == watchdog


async def test_without_a_manager_nothing_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    """At a terminal or in a container there is none."""
    manager = ServiceManager.of({})
    manager.notify(READY)
    await manager.watch(list)
    assert caplog.text == ""


def test_a_manager_that_cannot_be_reached_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The bot goes on."""
    ServiceManager(str(tmp_path / "gone")).notify(READY)
    assert "The service manager can't be told READY=1" in caplog.text


def test_a_manager_that_reads_nothing_delays_nobody(
    manager_socket: tuple[socket.socket, str], caplog: pytest.LogCaptureFixture
) -> None:
    """A full queue is a warning too."""
    _, name = manager_socket
    for _ in range(2000):
        ServiceManager(name).notify(READY)
        if caplog.text:
            break
    assert "The service manager can't be told READY=1" in caplog.text
