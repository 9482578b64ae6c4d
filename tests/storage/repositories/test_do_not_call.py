import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from storage.repositories.do_not_call import StopLiftedError, holds_back
from storage.store import Store
from tests.storage.samples import KEY, NUMBER, Clock, placing, verified


@pytest.mark.parametrize(
    ("stopped", "called"),
    [
        ("+541123456789", "+5491123456789"),
        ("+5491123456789", "+541123456789"),
        ("+390549886377", "+3780549886377"),
        ("+970599123456", "+972599123456"),
    ],
)
async def test_a_line_is_stopped_in_both_its_spellings(tmp_path: Path, stopped: str, called: str) -> None:
    """A person and a list stop it, and either spelling removes the stop."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    action = (await log.requests.create(placing(called))).request.id
    await log.do_not_call.add(stopped, masked="", actor="U0AGENT", reason=None)
    await log.do_not_call_lists.add("ndnc", [stopped], actor="system")
    with closing(sqlite3.connect(tmp_path / "log.db")) as file:
        assert holds_back(file, action)
    assert [one.list for one in await log.do_not_call.stops(called)] == [None, "ndnc"]
    assert await log.do_not_call.remove(called, masked="", actor="U0AGENT", reason="asked") is not None
    await log.close()


async def test_a_person_lifts_only_what_a_person_stopped(tmp_path: Path) -> None:
    """A list blocks on, and removing a list leaves people's stops."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    stop, fresh = await log.do_not_call.add(NUMBER, masked="masked", actor="U0AGENT", reason="asked")
    assert fresh
    await log.do_not_call_lists.add("ndnc", [NUMBER], actor="system")
    assert [one.list for one in await log.do_not_call.stops(NUMBER)] == [None, "ndnc"]
    assert (
        await log.do_not_call.remove(NUMBER, masked="masked", actor="U0MANAGER", reason="called us") == stop
    )
    assert (
        await log.do_not_call.remove(NUMBER, masked="masked", actor="U0MANAGER", reason="called us") is None
    )
    assert [one.list for one in await log.do_not_call.stops(NUMBER)] == ["ndnc"]
    assert await log.do_not_call_lists.remove("ndnc", actor="system") == 1
    assert await log.do_not_call_lists.remove("ndnc", actor="system") == 0
    assert not await log.do_not_call.stops(NUMBER)
    names = [event.name for event in await log.requests.events(stop.id)]
    assert names == ["calls_stopped", "calls_allowed"]
    assert (await verified(log)).faults == ()
    await log.close()


async def test_another_stop_of_a_number_that_was_allowed_is_a_stop_of_its_own(tmp_path: Path) -> None:
    """The new stop has a new id and a new user."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    first, _ = await log.do_not_call.add(NUMBER, masked="masked", actor="U0AGENT", reason=None)
    same, fresh = await log.do_not_call.add(NUMBER, masked="masked", actor="U0MANAGER", reason=None)
    assert (same, fresh) == (first, False)
    await log.do_not_call.remove(NUMBER, masked="masked", actor="U0MANAGER", reason="called us")
    second, fresh = await log.do_not_call.add(NUMBER, masked="masked", actor="U0MANAGER", reason=None)
    assert fresh
    assert (second.by, second.id == first.id) == ("U0MANAGER", False)
    assert (await verified(log)).faults == ()
    await log.close()


async def test_a_button_makes_one_stop_however_often_it_is_pressed(tmp_path: Path) -> None:
    """A second press finds the stop of the first, and makes no other once that was lifted."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    first, fresh = await log.do_not_call.add(NUMBER, masked="m", actor="U0AGENT", reason=None, nonce="n1")
    again = await log.do_not_call.add(NUMBER, masked="m", actor="U0AGENT", reason=None, nonce="n1")
    assert (fresh, again) == (True, (first, True))
    assert await log.do_not_call.add(NUMBER, masked="m", actor="U0AGENT", reason=None, nonce="n2") == (
        first,
        False,
    )
    assert await log.do_not_call.add(NUMBER, masked="m", actor="U0AGENT", reason=None, nonce="n2") == (
        first,
        False,
    )
    await log.do_not_call.remove(NUMBER, masked="m", actor="U0MANAGER", reason="called us")
    for nonce in ("n1", "n2"):
        with pytest.raises(StopLiftedError):
            await log.do_not_call.add(NUMBER, masked="m", actor="U0AGENT", reason=None, nonce=nonce)
    assert not await log.do_not_call.stops(NUMBER)
    assert (await verified(log)).faults == ()
    await log.close()


async def test_only_the_person_who_stopped_a_number_undoes_it_once_and_soon(tmp_path: Path) -> None:
    """The log has who undid it. A later stop of the number is not touched."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    stop, _ = await log.do_not_call.add(NUMBER, masked="masked", actor="U0AGENT", reason="asked")
    soon, late = stop.at, stop.at + timedelta(microseconds=1)
    undo = log.do_not_call.undo
    assert await undo(stop.id, actor="U0MANAGER", not_before=soon) is None
    assert await undo(stop.id, actor="U0AGENT", not_before=late) is None
    assert await undo(stop.id, actor="U0AGENT", not_before=soon) == (stop, [])
    assert not await log.do_not_call.stops(NUMBER)
    other, _ = await log.do_not_call.add(NUMBER, masked="masked", actor="U0AGENT", reason="asked")
    assert await undo(stop.id, actor="U0AGENT", not_before=soon) == (stop, [other]), "as it said before"
    assert await undo(stop.id, actor="U0MANAGER", not_before=soon) is None
    assert await log.do_not_call.stops(NUMBER) == [other]
    events = await log.requests.events(stop.id)
    assert [(event.name, event.actor, event.data.get("undone")) for event in events] == [
        ("calls_stopped", "U0AGENT", None),
        ("calls_allowed", "U0AGENT", True),
    ]
    assert (await verified(log)).faults == ()
    await log.close()
