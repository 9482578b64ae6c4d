"""Rows of call lists that contradict the events are found, by both verifiers. A purge blanks them."""

from dataclasses import replace
from pathlib import Path

import pytest

from providers.actions import CallList, Kind, PlaceCall
from storage.changes import Annotation, ChangeSet, NewAction, NewRequest
from storage.event_log.hash_chain import LIST_PAUSED
from storage.maintenance.verification import verify
from storage.models import Request
from storage.repositories.call_list_rows import NewRow
from storage.repositories.erasure_list import PurgeFilter
from storage.states import State
from storage.store import Store
from tests.storage.maintenance.test_verification import tamper
from tests.storage.maintenance.test_verify_log import found
from tests.storage.samples import KEY, Clock, many_numbers, placing

NUMBERS = many_numbers(4)


async def listed(log: Store) -> Request:
    """Record an approved call list of four rows, of which the first is requested. Line 6 is left out."""
    list_id = await log.call_lists.begin("U0AGENT")
    rows = [
        NewRow(line, PlaceCall(to=number, agent="payments"), number)
        for line, number in enumerate(NUMBERS, start=2)
    ]
    await log.call_lists.add(list_id, [*rows, NewRow(6, None, problem="mobile: It has 3 digits.")])
    action = CallList(
        kind=Kind.PLACE_LIST,
        list=list_id,
        name="calls.csv",
        sha256="0" * 64,
        rows_sha256=await log.call_lists.rows_of(list_id),
        rows=4,
    )
    new = replace(placing(), kind=Kind.PLACE_LIST, actions=[NewAction(action)], state=State.APPROVED)
    request = (await log.requests.create(new)).request
    [first, *_] = (await log.call_lists.turn(request.id, request.asked_at, 9)).rows
    await log.requests.create(_row(request, first.id))
    return request


def _row(request: Request, row: int) -> NewRequest:
    return replace(placing(NUMBERS[0]), call_list=request.id, row=row, delivery_key=f"row {row}")


async def test_a_row_becomes_one_request(tmp_path: Path) -> None:
    """Asking for it again returns the same, even once delivery keys are forgotten."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    request = await listed(log)
    again = await log.requests.create(replace(_row(request, 1), delivery_key="another"))
    assert not again.created
    progress = await log.call_lists.progress(request.id)
    assert (progress.counts, progress.waiting) == ({State.APPROVED: 1}, 3)
    results = [one for _, one in await log.call_lists.results(request.id, request.asked_at, 0, 9)]
    assert [(one.line, one.problem, one.request is not None) for one in results] == [
        (2, None, True),
        (3, None, False),
        (4, None, False),
        (5, None, False),
        (6, "mobile: It has 3 digits.", False),
    ]
    await log.close()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE call_list_rows SET value = replace(value, 'payments', 'other') WHERE line = 3",
            "its row of line 3 isn't what was written down",
        ),
        (
            "DELETE FROM call_list_rows WHERE line = 4",
            "the rows of its list aren't those that were requested",
        ),
        ("UPDATE call_list_rows SET sealed = 'x' WHERE line = 2", "aren't those that were requested"),
        ("UPDATE call_lists SET paused = 0", "whether its list is paused isn't what its events say"),
        ("UPDATE call_lists SET request = NULL", "the call list that it belongs to isn't there"),
    ],
)
async def test_rows_that_were_changed_by_hand_are_found(tmp_path: Path, statement: str, fault: str) -> None:
    """The events commit to every row."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    request = await listed(log)
    note = Annotation(request.id, LIST_PAUSED)
    await log.call_lists.set_paused(ChangeSet(request.id, "U0MANAGER", [], annotations=[note]), paused=True)
    await log.close()
    assert (verify(path).faults, found(path)) == ((), [])
    assert any(fault in one for one in tamper(path, statement))
    assert found(path)


async def test_a_purge_by_number_takes_the_row_and_leaves_its_hash(tmp_path: Path) -> None:
    """The list still verifies, and the row is left out when its turn comes."""
    path, clock = tmp_path / "log.db", Clock()
    log = await Store.open(path, key=KEY, clock=clock)
    request = await listed(log)
    erasing = PurgeFilter(rule="number", numbers=frozenset({NUMBERS[1]}))
    await log.retention.purge(erasing, actor="U0ADMIN")
    turn = await log.call_lists.turn(request.id, clock.now, 9)
    assert [row.action.to for row in turn.rows if isinstance(row.action, PlaceCall)] == NUMBERS[2:]
    await log.close()
    assert NUMBERS[1].encode() not in path.read_bytes()
    assert (verify(path).faults, found(path)) == ((), [])
