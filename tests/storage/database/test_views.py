"""The views for SQL users: in words, without a full number, and all in Datasette's file."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from providers.actions import Ending
from storage.models import Person
from storage.store import Store
from tests.storage.contract.changes import cancelled
from tests.storage.samples import (
    KEY,
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    deny,
    ended,
    erase,
    placing,
)
from tests.support.tree import ROOT

METADATA = ROOT / "docs/datasette.yml"
PRIVATE = {"call_list_rows", "lookup", "nonces", "people", "personal", "meta", "screens", "seals", "stops"}
"""Tables and columns that nobody reads there."""


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    """Yield a log with a call, an approved cancellation, and a denied one by id."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    await log.users.keep_person(
        Person(
            "U0AGENT",
            "T0",
            "asha",
            "UTC",
            bot=False,
            deleted=False,
            guest=False,
            is_external=False,
            read_at=NOON,
        )
    )
    await log.requests.create(placing(NUMBER))
    made = (await log.requests.create(replace(cancelling(NUMBER, OTHER_NUMBER), reason="moved"))).request
    await log.requests.apply(approve(*(record.id for record in made.actions)))
    await log.requests.apply(deny((await log.requests.create(cancelling_by_id("vx_1"))).request.id))
    yield tmp_path / "log.db"
    await log.close()


def read(path: Path, view: str) -> list[dict[str, Any]]:
    """Return all rows of a view, with SQLite alone."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {view}")]  # noqa: S608 - our views


async def test_views_are_in_words(path: Path) -> None:
    """States have their names, as in JSON and the CSV. Times are text, and known people have names."""
    actions = read(path, "actions_in_words")
    assert [row["state"] for row in actions] == ["approved"] * 3 + ["denied"]
    assert [row["target"] for row in actions] == ["•••• 3210", "•••• 3210", "•••• 3211", "vx_1"]
    assert {row["asked_by_name"] for row in actions} == {"asha"}
    assert actions[0]["asked"] == "2026-03-02T12:00:00.123Z"
    requests = read(path, "requests_in_words")
    assert [(row["what"], row["targets"], row["reason"], row["decision"]) for row in requests] == [
        ("place call", 1, None, None),
        ("cancel call", 2, "moved", "approve"),
        ("cancel call", 1, None, "deny"),
    ]
    assert [row["what"] for row in read(path, "what_happened")] == [
        *["requested"] * 3,
        *["approved"] * 2,
        "requested",
        "denied",
    ]
    assert {row["who"] for row in read(path, "decisions")} == {"U0MANAGER"}
    assert sum(row["actions"] for row in read(path, "by_connection")) == 4
    assert sum(row["actions"] for row in read(path, "by_person")) == 4


async def test_views_do_not_count_a_call_that_was_cancelled_as_done(tmp_path: Path) -> None:
    """The call is cancelled, with the request's id. Counts of done calls leave it out."""
    clock, path = Clock(), tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=clock)
    _, cancel = await cancelled(log, clock)
    await log.requests.create(placing(OTHER_NUMBER))
    await log.close()
    told = [(row["what"], row["state"], row["cancelled_by"]) for row in read(path, "actions_in_words")]
    assert told == [
        ("place call", "cancelled", cancel.id),
        ("cancel call", "succeeded", None),
        ("place call", "approved", None),
    ]
    for view in ("by_connection", "by_person"):
        counted = {(row["what"], row["state"]): row["actions"] for row in read(path, view)}
        assert counted == {
            ("cancel call", "succeeded"): 1,
            ("place call", "approved"): 1,
            ("place call", "cancelled"): 1,
        }


async def test_views_tell_how_a_call_ended(tmp_path: Path) -> None:
    """The last try counts. An erasure takes the length, and keeps the rest."""
    path = tmp_path / "log.db"
    log = await Store.open(path, key=KEY, clock=Clock())
    called = (await log.requests.create(placing(NUMBER))).request.id
    await log.requests.create(placing(OTHER_NUMBER))
    await log.requests.apply(ended(called, Ending.ANSWERED, 1))
    await log.requests.apply(ended(called, Ending.NO_ANSWER, 0))

    def told() -> list[tuple[Any, ...]]:
        return [(row["ended"], row["seconds"], row["tries"]) for row in read(path, "actions_in_words")]

    assert told() == [("answered", 42, 2), (None, None, None)]
    await erase(log, called, actor="U0DPO")
    await log.close()
    assert told() == [("answered", None, 2), (None, None, None)]


@pytest.mark.parametrize("view", ["actions_in_words", "by_connection", "by_person"])
async def test_views_find_events_of_an_action_by_index(path: Path, view: str) -> None:
    """With any number of events, each action reads only those of its cancellation and its ends."""
    with closing(sqlite3.connect(path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {view}")]  # noqa: S608 - our views
    of_events = [step for step in plan if "events" in step]
    assert of_events
    by_action = ("USING INDEX events_cancelled (action=?)", "USING INDEX events_call_ended (action=?)")
    assert all(step.endswith(by_action) for step in of_events), plan


async def test_views_have_no_full_number_and_nothing_that_was_erased(path: Path) -> None:
    """Every view is checked, before and after an erasure."""
    views = _names(path, "view")
    whole = str([read(path, view) for view in views])
    assert NUMBER[-10:] not in whole
    log = await Store.open(path, key=KEY, clock=Clock())
    erased = next(row["id"] for row in read(path, "requests_in_words") if row["reason"])
    await erase(log, erased, actor="U0DPO")
    await log.close()
    assert "moved" not in str([read(path, view) for view in views])
    assert [row["target"] for row in read(path, "actions_in_words") if row["request"] == erased] == [
        "erased"
    ] * 2


async def test_datasette_shows_the_views_and_keeps_the_rest_back(path: Path) -> None:
    """Datasette's file names every table and view. Personal data are for nobody, and no SQL reaches them."""
    told = yaml.safe_load(METADATA.read_text(encoding="utf-8"))["databases"]["callops"]
    assert told["allow_sql"] is False
    tables, views = _names(path, "table"), _names(path, "view")
    assert set(told["tables"]) == tables | views
    assert {name for name, one in told["tables"].items() if one.get("allow") is False} == PRIVATE
    assert {name for name, one in told["tables"].items() if one.get("hidden")} == tables
    for view in views:
        columns = set(read(path, view)[0])
        assert told["tables"][view].get("sort_desc", "request") in columns | {"request"}


def _names(path: Path, kind: str) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = ?", [kind])
        return {name for (name,) in rows}
