import asyncio
import base64
import csv
import getpass
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from playground import callkaro, content, voxworks
from playground.faults import Fault
from playground.stage import KEY
from tests.e2e.scene import NUMBER, Scene, request_id, until, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOWHERE = "http://127.0.0.1:9"
"""The discard port, on which nobody listens."""
RETRIES_TAKE = 40.0
"""Seconds for three attempts, with pauses of 2 and 8 seconds, on a busy computer."""

SECRETS = (content.BOT_TOKEN, content.APP_TOKEN, callkaro.KEY, voxworks.KEY, KEY)
PUBLIC = ("C0AUDIT", "C0APPROVE", "D0AGENT")


@dataclass(frozen=True)
class History:
    """A scene with a placed call and two cancellations, the first successful, and their requests' ids."""

    scene: Scene
    placed: str
    cancelled: str

    @property
    def rows(self) -> list[dict[str, str | None]]:
        """Return what `log list --json` prints about this history."""
        number = {"request": self.placed, "kind": "place_call", "connection": "reminders"}
        calls = {"request": self.cancelled, "kind": "cancel_call", "connection": "voxworks"}
        rows: list[dict[str, str | None]] = [
            {"id": f"{self.cancelled}.2", **calls, "target": "vx_9001", "state": "failed"},
            {"id": f"{self.cancelled}.1", **calls, "target": "vx_1001", "state": "succeeded"},
            {"id": self.placed, **number, "target": "+91\u00a0•••3210", "state": "succeeded"},
        ]
        return [row | {"ended": None, "cancelled_by": None} for row in rows]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def history(shared_scene: Scene) -> History:
    """Return a history to read while the bot runs. Nothing is added to it."""
    scene = shared_scene
    await scene.place()
    placed = request_id(await scene.audit("*Placed*"))
    cancelled = request_id(await scene.ask("/cancel-call vx_1001, vx_9001 customer asked"))
    await scene.approve()
    await scene.told(cancelled)
    return History(scene, placed, cancelled)


async def test_key_prints_one_line(history: History) -> None:
    """Each key is new: 32 bytes as base64, and nothing else."""
    first, second = await asyncio.gather(history.scene.terminal("key"), history.scene.terminal("key"))
    assert first.output != second.output
    assert len(base64.b64decode(first.output.removesuffix("\n"), validate=True)) == 32


async def test_the_log_is_listed_for_programs(history: History) -> None:
    """The output is an array with an object for each action, newest first, up to the limit."""
    rows = history.rows
    asked = {
        (): rows,
        ("--number", NUMBER): rows[2:],
        ("--state", "failed"): rows[:1],
        ("--limit", "2"): rows[:2],
        ("--connection", "nowhere"): [],
    }
    listed = await asyncio.gather(*(history.scene.log("list", *conditions) for conditions in asked))
    assert listed == [*asked.values()]


async def test_a_request_is_shown_with_all_that_happened(history: History) -> None:
    """The output has requester, reason, each action's end and each event in order, under any of its ids."""
    whole, one = await asyncio.gather(
        history.scene.log("show", history.cancelled), history.scene.log("show", f"{history.cancelled}.2")
    )
    assert whole == one
    assert (whole["request"]["requester"], whole["request"]["reason"]) == ("U0AGENT", "customer asked")
    assert [one["code"] for one in whole["request"]["actions"]] == ["cancelled", "not_found"]
    names = [one["name"] for one in whole["events"] if one["action"] == f"{history.cancelled}.2"]
    assert names == ["requested", "approved", "sending", "failed"]


async def test_the_log_reads_well_at_the_terminal(history: History) -> None:
    """List, show and verify print for people, and exit with 0."""
    said = {
        ("list",): f"{history.placed}  ",
        ("show", history.placed): f"{history.placed}  asha requested it",
        ("verify",): "The log is intact: 3 actions",
    }
    printed = await asyncio.gather(*(history.scene.terminal("log", *arguments) for arguments in said))
    for part, one in zip(said.values(), printed, strict=True):
        assert (one.status, one.errors) == (0, "")
        assert part in one.output


async def test_what_is_not_there_is_said(history: History) -> None:
    """An unknown id, a missing log and a missing key give a sentence and status 2, and create nothing."""
    elsewhere = history.scene.folder / "elsewhere.db"
    absent, nowhere, locked = await asyncio.gather(
        history.scene.terminal("log", "show", "A-0000"),
        history.scene.terminal("log", "list", DATABASE_URL=f"sqlite:///{elsewhere}"),
        history.scene.terminal("log", "list", CALLOPS_KEY=""),
    )
    assert [(one.status, one.output) for one in (absent, nowhere, locked)] == [(2, "")] * 3
    assert "The log has no A-0000" in absent.errors
    assert f"There is no log at {elsewhere}" in nowhere.errors
    assert "CALLOPS_KEY isn't set" in locked.errors
    assert not elsewhere.exists()


async def test_a_log_that_was_tampered_with_is_named(history: History) -> None:
    """In a copy, a state is changed by hand: verify exits with 1 and names the action.

    The log itself is whole.
    """
    copy = history.scene.folder / "copy.db"
    with (
        closing(sqlite3.connect(history.scene.folder / "callops.db")) as log,
        closing(sqlite3.connect(copy)) as other,
    ):
        log.backup(other)
        other.execute("UPDATE actions SET state = 'failed' WHERE id = ?", [history.placed])
        other.commit()
    other_log = {"DATABASE_URL": f"sqlite:///{copy}"}
    people, programs, whole = await asyncio.gather(
        history.scene.terminal("log", "verify", **other_log),
        history.scene.terminal("log", "verify", "--json", **other_log),
        history.scene.log("verify"),
    )
    assert (people.status, programs.status) == (1, 1)
    assert history.placed in people.output
    assert "is DAMAGED" in people.output
    assert [history.placed in fault for fault in json.loads(programs.output)["faults"]] == [True]
    assert (whole["actions"], whole["faults"]) == (3, [])


@pytest.mark.parametrize("form", ["text", "json"])
async def test_secrets_and_numbers_are_written_nowhere_they_can_be_read(dark_scene: Scene, form: str) -> None:
    """The bot's debug log in both forms, channels, direct messages and the terminal hold none.

    This also holds if a provider's answer or an error repeats them.
    """
    scene = dark_scene
    scene.told_otherwise |= {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": form}
    scene.errors_expected = ("SlackApiError in",)
    await scene.start_bot()
    echo = json.dumps({"status": "error", "message": f"{callkaro.KEY} may not call {NUMBER} (9876543210)"})
    await scene.providers.fail("callkaro", Fault(does="reply", status=400, body=echo))
    await scene.place()
    refused = request_id(await scene.told("*Not placed*"))
    await scene.providers.fail("callkaro", "reset", times=3)
    cancelled = request_id(await scene.cancel("/cancel-call 98765 43210 customer asked"))
    await scene.approve()
    await scene.told("Outcome unknown", within=RETRIES_TAKE)
    await scene.slack.fail("views.open", "error", code="fatal_error")
    await scene.ask(f"/place-call {NUMBER} foo=bar")
    await scene.asha.click(await scene.answered("foo="), text="Open the form…")
    fault = words(await scene.answered("Something went wrong")).partition("`")[2].partition("`")[0]

    written = {"bot.log": scene.bot_log()}
    written |= {
        f"{m.channel} {m.ts}": str([m.text, m.blocks, m.edits]) for c in PUBLIC for m in await scene.posts(c)
    }
    commands = [("log", "list"), ("log", "list", "--json"), ("log", "show", cancelled, "--json")]
    commands += [("log", "show", one) for one in (refused, cancelled, fault)]
    printed = await asyncio.gather(*(scene.terminal(*command) for command in commands))
    written |= {
        " ".join(command): f"{p.output}{p.errors}" for command, p in zip(commands, printed, strict=True)
    }
    assert len(written) > 10
    for where, text in written.items():
        for secret in (*SECRETS, "9876543210"):
            assert secret not in text.replace(" ", "").replace("-", ""), where
            assert secret not in text, where
    if form == "json":
        lines = [json.loads(line) for line in scene.bot_log().splitlines()]
        assert [one for one in lines if not one.keys() >= {"time", "level", "logger", "message"}] == []


async def test_a_line_of_json_names_request_connection_and_attempt(dark_scene: Scene) -> None:
    """A provider that can't be reached is a line of the attempt that found it out."""
    scene = dark_scene
    scene.told_otherwise["LOG_FORMAT"] = "json"
    scene.write_configuration({scene.addresses["callkaro"]: NOWHERE})
    await scene.start_bot()
    await scene.place()

    async def found() -> dict[str, object] | None:
        lines = [json.loads(line) for line in scene.bot_log().splitlines()]
        return next((one for one in lines if "does not answer" in one["message"]), None)

    line = await until(found)
    [action] = await scene.log("list")
    assert (line["level"], line["logger"]) == ("WARNING", "bot.workers.circuit_breaker")
    assert (line["request"], line["connection"], line["attempt"]) == (action["request"], "reminders", 1)


async def test_an_export_is_a_file_of_ones_own(history: History) -> None:
    """The file is masked, complete and readable by its owner only. An existing file is not overwritten."""
    scene = history.scene
    out = scene.folder / "log.csv"
    made = await scene.terminal("log", "export", "--state", "succeeded", str(out))
    assert (made.status, made.output) == (0, "")
    assert "Wrote 2 actions to" in made.errors
    assert out.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["id"] for row in rows] == [f"{history.cancelled}.1", history.placed]
    assert rows[1]["target"] == "'+91\u00a0•••3210"
    assert rows[0]["decided_by"] == "U0MANAGER"
    again = await scene.terminal("log", "export", str(out))
    assert (again.status, "is there already" in again.errors) == (2, True)
    gone = await scene.terminal("log", "export", str(scene.folder / "nowhere" / "log.csv"))
    assert (gone.status, "cannot be written" in gone.errors) == (2, True)


@pytest.mark.parametrize(
    ("command", "mark"),
    [
        (("log", "export"), ""),
        (("log", "export"), ".partial"),
        (("backup",), ""),
        (("backup",), ".unfinished"),
    ],
)
async def test_nothing_is_written_through_what_stands_there(
    history: History, tmp_path: Path, command: tuple[str, ...], mark: str
) -> None:
    """A link in place of the new file or its temporary file is not followed, but reported."""
    victim, nothing = tmp_path / "victim", tmp_path / "nothing"
    victim.write_text("precious", encoding="utf-8")
    for to in (victim, nothing):
        file = tmp_path / f"new-{to.name}"
        file.with_name(f"{file.name}{mark}").symlink_to(to)
        printed = await history.scene.terminal(*command, str(file))
        assert (printed.status, printed.output, "is there" in printed.errors) == (2, "", True)
    assert victim.read_text(encoding="utf-8") == "precious"
    assert not nothing.exists()


async def test_nothing_is_erased_that_cannot_be_listed(history: History) -> None:
    """The list for purging a restored backup is written first. A link in its place is reported."""
    scene = history.scene
    (scene.folder / "callops.db.erasures").symlink_to(scene.folder / "victim of a purge")
    printed = await scene.terminal("purge", "--number", NUMBER)
    (scene.folder / "callops.db.erasures").unlink()
    assert (printed.status, printed.output) == (2, "")
    assert "Nothing was erased: " in printed.errors
    assert "callops.db.erasures can't be written" in printed.errors
    assert not (scene.folder / "victim of a purge").exists()
    assert [row["id"] for row in await scene.log("list", "--number", NUMBER)] == [history.placed]


async def test_full_numbers_leave_the_log_with_an_event(history: History) -> None:
    """The chain has the user who took them, and the file has the numbers."""
    scene = history.scene
    options = ("--full-numbers", "--format", "jsonl", "--number", NUMBER, "--from", "yesterday")
    made = await scene.terminal("log", "export", *options)
    [row] = [json.loads(line) for line in made.output.splitlines()]
    assert (row["id"], row["target"]) == (history.placed, NUMBER)
    export = re.search(r"as (X-\w+)", made.errors)
    assert export
    told = json.loads((await scene.terminal("log", "show", export[1], "--json")).output)
    [event] = told["events"]
    assert (event["name"], event["actor"]) == ("exported", f"os:{getpass.getuser()}")
    assert NUMBER in event["personal"]["query"]
    assert (await scene.terminal("log", "verify")).status == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--kind", "calls"), "Unknown kind “calls”. Use one of: place_call"),
        (("--from", "05/12"), "can mean two days"),
        (("--after-stop",), "--after-stop needs a number: add --number"),
        (("--after-stop", "--number", NUMBER), "hasn't asked not to be called"),
    ],
)
async def test_filters_that_cannot_be_read_say_so(
    history: History, options: tuple[str, ...], says: str
) -> None:
    """A sentence comes before anything is written."""
    told = await history.scene.terminal("log", "list", *options)
    assert (told.status, told.output) == (2, "")
    assert says in told.errors
