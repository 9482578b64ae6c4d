"""`log list` at a terminal and for programs, from a file that was made here."""

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot import log_commands
from bot.arguments import make_parser
from storage.entries import Person
from storage.sqlite import SQLiteLog
from tests.storage.contract.changes import cancelled
from tests.storage.samples import NOON, OTHER_NUMBER, Clock, placing

KEY = bytes(32)


def listed(path: Path, *options: str) -> int:
    """Run the command on a file; its exit status."""
    chosen = make_parser().parse_args(["log", "list", *options])
    key = base64.b64encode(KEY).decode()
    return log_commands.run(chosen, {"DATABASE_URL": f"sqlite:///{path}", "CALLOPS_KEY": key})


def test_a_call_that_was_cancelled_is_not_listed_as_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person reads that it was cancelled, a program by which request."""

    async def make() -> tuple[str, str]:
        clock = Clock()
        log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=clock)
        call, cancel = await cancelled(log, clock)
        await log.close()
        return call.id, cancel.id

    call, cancel = asyncio.run(make())
    assert listed(tmp_path / "log.db") == 0
    states = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:]}
    assert states == {cancel: "done", call: "cancelled"}
    assert listed(tmp_path / "log.db", "--json") == 0
    told = [(row["id"], row["cancelled_by"]) for row in json.loads(capsys.readouterr().out)]
    assert told == [(cancel, None), (call, cancel)]


def test_people_are_named_by_id_or_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name in capitals is no id; where nobody or several people are of that name, that is said."""

    async def make() -> str:
        log = await SQLiteLog.open(tmp_path / "log.db", key=KEY, clock=Clock())
        for user, name in (("U0WILL", "William"), ("U0JURG", "Jürgen"), ("U0JURG2", "JÜRGEN")):
            await log.keep_person(Person(user, "T0", name, "UTC", False, False, False, False, NOON))
        made = await log.record(replace(placing(), requester="U0WILL"))
        await log.record(placing(OTHER_NUMBER))
        await log.close()
        return made.request.id

    made = asyncio.run(make())
    for by in ("WILLIAM", "william", "U0WILL", "@will", "<@U0WILL>"):
        assert listed(tmp_path / "log.db", "--by", by, "--json") == 0
        assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [made]
    assert listed(tmp_path / "log.db", "--by", "WILHELM") == 2
    assert "Nobody called “WILHELM” has used CallOps." in capsys.readouterr().err
    assert listed(tmp_path / "log.db", "--by", "ju\u0308rgen") == 2
    assert "could be several people: JÜRGEN (U0JURG2), Jürgen (U0JURG)" in capsys.readouterr().err
    assert listed(tmp_path / "log.db", "--by", "U0AGENT", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
