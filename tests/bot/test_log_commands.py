"""`log list` at a terminal and for programs, from a file that was made here."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from bot import log_commands
from bot.arguments import make_parser
from storage.sqlite import SQLiteLog
from tests.storage.contract.changes import cancelled
from tests.storage.samples import Clock

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
