"""The error handler, which answers the user even if the log failed."""

from datetime import UTC, datetime
from pathlib import Path

from bot.app import _explain
from bot.text import interactions
from storage.store import Store

BODY = {"command": "/calls", "user_id": "U0AGENT"}


def now() -> datetime:
    """Return a fixed time."""
    return datetime(2026, 11, 21, tzinfo=UTC)


async def test_a_fault_is_said_with_an_id_that_the_log_knows_and_without_its_words(tmp_path: Path) -> None:
    """An exception's message may hold a number, so neither the user nor the log gets it."""
    log = await Store.open(tmp_path / "callops.db", key=bytes(32), clock=now)
    sentence = await _explain(log, ValueError("+919876543210"), BODY)
    reference = sentence.split("`")[1]
    kept = str(await log.requests.personal_values(reference))
    await log.close()
    assert "ValueError" in kept
    assert "9876543210" not in kept + sentence


async def test_a_log_that_cannot_be_written_is_said_too(tmp_path: Path) -> None:
    """If the report itself fails, the user still reads what to do."""
    log = await Store.open(tmp_path / "callops.db", key=bytes(32), clock=now)
    await log.close()
    assert await _explain(log, ValueError("x"), BODY) == interactions.LOG_FAILS
