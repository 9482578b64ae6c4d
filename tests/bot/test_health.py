"""Health at `/healthz` and `/readyz`, with clocks that tests advance."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.web import STUCK_AFTER, UNWRITTEN_AFTER, Health
from bot.workers.loop import POLL, PeriodicTask
from bot.workers.write_probe import EVERY, OVERLAP, REMEMBERED, WriteProbe
from storage.repositories.processes import ProcessLock
from storage.store import Store


@dataclass
class Seconds:
    """A clock in seconds that tests set."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return the time that the test set."""
        return self.now


@dataclass
class Door:
    """The state of the connection to Slack, set by a test."""

    why: str | None = None

    def closed(self) -> str | None:
        """Return why Slack does not reach us, or None."""
        return self.why


def at_noon() -> datetime:
    """Return the fixed time of all tests here."""
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


async def nothing_to_do() -> bool:
    """Run a periodic task that finds nothing to do."""
    return False


async def open_log(folder: Path) -> Store:
    """Open a log of one's own."""
    return await Store.open(folder / "callops.db", key=bytes(32), clock=at_noon)


@pytest.fixture
def seconds() -> Seconds:
    """Return the clock of the process."""
    return Seconds()


async def test_a_process_whose_rounds_turn_and_whose_log_is_written_is_ready(
    tmp_path: Path, seconds: Seconds
) -> None:
    """A running process is healthy.

    It is ready once the log was written and Slack is connected, until it stops.
    """
    log = await open_log(tmp_path)
    write_probe = WriteProbe(log, seconds=seconds)
    health = Health([PeriodicTask("outbox", nothing_to_do, seconds=seconds)], list, write_probe, seconds)
    assert health.unhealthy() == []
    assert health.unready() == ["The log was not written to yet.", "CallOps is not connected to Slack yet."]
    health.slack = Door()
    await write_probe.run_once()
    assert health.unready() == []
    health.slack = Door("Slack has not answered for 12 s.")
    health.stopping = True
    assert health.unready() == ["CallOps is stopping.", "Slack has not answered for 12 s."]
    await log.close()


async def test_a_round_that_hangs_and_one_that_ended_are_named(tmp_path: Path, seconds: Seconds) -> None:
    """Only a restart mends these, so they are unhealthy. A slow task is not stuck."""
    write_probe = WriteProbe(await open_log(tmp_path), seconds=seconds)
    outbox = PeriodicTask("outbox", nothing_to_do, seconds=seconds)
    health = Health([outbox], lambda: ["dispatcher"], write_probe, seconds)
    seconds.now += STUCK_AFTER + POLL
    assert health.unhealthy() == ["The dispatcher has ended."]
    seconds.now += 1
    assert health.unhealthy() == ["The dispatcher has ended.", "The outbox has not run for 62 s."]


async def test_a_log_that_cannot_be_written_to_is_said_once_and_in_readiness(
    tmp_path: Path, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    """A probe writes nothing: it reads the result of the last heartbeat."""
    log = await open_log(tmp_path)
    write_probe = WriteProbe(log, seconds=seconds)
    health = Health([], list, write_probe, seconds, slack=Door())
    await write_probe.run_once()
    seconds.now += UNWRITTEN_AFTER + 1
    assert health.unready() == ["The log was not written to for 21 s."]
    await log.close()
    for _ in range(3):
        await write_probe.run_once()
        seconds.now += EVERY
    assert len(health.unready()) == 1
    assert health.unready()[0].startswith("The log cannot be written to: ")
    assert caplog.text.count("The log cannot be written to") == 1


async def test_processes_of_one_log_are_counted(tmp_path: Path) -> None:
    """Each process counts while it holds its lock, so Slack's count is compared with this log."""
    log = await open_log(tmp_path)
    one, two = (ProcessLock.acquire(tmp_path / "callops.db", owner=name) for name in ("one", "two"))
    write_probe = WriteProbe(log)
    await write_probe.counted(2)
    assert write_probe.another_log() is None
    await two.release(log.processes.release_owner)
    await write_probe.counted(2)
    assert "another CallOps is connected with another log" in str(write_probe.another_log())
    await one.release(log.processes.release_owner)
    await log.close()


async def test_a_connection_that_we_left_is_ours_for_a_while(tmp_path: Path, seconds: Seconds) -> None:
    """After a reconnect Slack may still count the old connection.

    Only later it is an alarm, and that is forgotten again.
    """
    log = await open_log(tmp_path)
    lock = ProcessLock.acquire(tmp_path / "callops.db", owner="one")
    write_probe = WriteProbe(log, seconds=seconds)
    await write_probe.run_once()
    write_probe.left_a_connection()
    await write_probe.counted(2)
    assert write_probe.another_log() is None
    seconds.now += OVERLAP
    await write_probe.run_once()
    await write_probe.counted(2)
    health = Health([], list, write_probe, seconds, slack=Door())
    assert health.unready() == []
    assert len(health.warnings()) == 1
    seconds.now += REMEMBERED
    assert health.warnings() == []
    await lock.release(log.processes.release_owner)
    await log.close()
