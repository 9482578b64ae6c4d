from pathlib import Path

import pytest

from storage.sqlite import SQLiteLog
from tests.storage.samples import KEY, NUMBER, OTHER_NUMBER, Clock


def _written(folder: Path) -> bytes:
    """Every byte of every file of the log."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_list_keeps_hashes_and_nothing_else(tmp_path: Path) -> None:
    """No number of a list or a stop is in the file, not even its digits; importing it again adds nothing."""
    log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=Clock())
    added = await log.add_list("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    again = await log.add_list("ndnc", [NUMBER, OTHER_NUMBER], actor="system")
    await log.stop(NUMBER, masked="+91 ••••• •3210", actor="U0AGENT", reason=None)
    assert (added.added, added.numbers) == (2, 2)
    assert (again.id, again.added, again.numbers) == (None, 0, 2)
    assert await log.stopped_numbers() == {None: 1, "ndnc": 2}
    assert (await log.verify()).faults == ()
    written = _written(tmp_path)
    for number in (NUMBER, OTHER_NUMBER):
        assert number[3:].encode() not in written
    await log.close()


async def test_a_person_lifts_only_what_a_person_stopped(tmp_path: Path) -> None:
    """A list blocks on, and a list that is removed leaves what people stopped."""
    log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=Clock())
    stop, fresh = await log.stop(NUMBER, masked="masked", actor="U0AGENT", reason="asked")
    assert fresh
    await log.add_list("ndnc", [NUMBER], actor="system")
    assert [one.list for one in await log.stops(NUMBER)] == [None, "ndnc"]
    assert await log.allow(NUMBER, masked="masked", actor="U0MANAGER", reason="called us") == stop
    assert await log.allow(NUMBER, masked="masked", actor="U0MANAGER", reason="called us") is None
    assert [one.list for one in await log.stops(NUMBER)] == ["ndnc"]
    assert await log.remove_list("ndnc", actor="system") == 1
    assert await log.remove_list("ndnc", actor="system") == 0
    assert not await log.stops(NUMBER)
    names = [event.name for event in await log.events(stop.id)]
    assert names == ["calls_stopped", "calls_allowed"]
    assert (await log.verify()).faults == ()
    await log.close()


async def test_another_stop_of_a_number_that_was_allowed_is_a_stop_of_its_own(tmp_path: Path) -> None:
    """Its id is new, and so is who stopped it."""
    log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=Clock())
    first, _ = await log.stop(NUMBER, masked="masked", actor="U0AGENT", reason=None)
    same, fresh = await log.stop(NUMBER, masked="masked", actor="U0MANAGER", reason=None)
    assert (same, fresh) == (first, False)
    await log.allow(NUMBER, masked="masked", actor="U0MANAGER", reason="called us")
    second, fresh = await log.stop(NUMBER, masked="masked", actor="U0MANAGER", reason=None)
    assert fresh
    assert (second.by, second.id == first.id) == ("U0MANAGER", False)
    assert (await log.verify()).faults == ()
    await log.close()


async def test_a_list_without_a_name_is_no_list(tmp_path: Path) -> None:
    """Its numbers would be taken for what people stopped."""
    log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=Clock())
    with pytest.raises(ValueError, match="has a name"):
        await log.add_list("", [NUMBER], actor="system")
    assert await log.remove_list("", actor="system") == 0
    await log.close()
