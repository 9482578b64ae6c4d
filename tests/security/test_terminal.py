# ruff: noqa: RUF001 - texts as people write them
"""Text of people, providers and files: it never steers a terminal, and never forges a line of ours."""

import argparse
import asyncio
import json
import logging
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.cli.parser import make_parser
from bot.text.terminal import LineFormatter, cell, json_text, quoted, shown
from providers.actions import Code, PlaceCall
from storage.changes import Annotation, ChangeSet, NewRequest
from storage.models import Person
from storage.store import Store
from tests.storage.contract.changes import succeeded
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    claim,
    deleting,
    deny,
    finish,
    noted,
    placing,
)
from tests.support.tree import ROOT

KEY = bytes(32)
FORGED = "2026-03-02 12:00:00  A-7K3F  U0BOSS approved it"
STEERING = (
    "\x1b[2J\x1b]0;title\x07 \x9b1A\x85 \x7f\x08 \u202egnp.exe\u202c \u2066b\u2069 \u200e\u200f\u061c \ufeff"
)
HOSTILE = f'"quoted" \\ ok\n{FORGED}\r\n{FORGED}\r{FORGED}\v{FORGED}\u2028{FORGED}\u2029{FORGED} {STEERING}'
STEERS = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Characters that may not reach a terminal. Line ends are our own."""


@dataclass(frozen=True)
class Printed:
    """The output of a command."""

    status: int
    output: str
    errors: str

    @property
    def all(self) -> str:
        """Return the whole output."""
        return self.output + self.errors


@dataclass(frozen=True)
class Place:
    """A folder with a configuration and a log, both full of hostile text."""

    folder: Path
    ids: Sequence[str]

    def run(self, *arguments: str, log: str = "callops.db", at_terminal: bool = False) -> Printed:
        """Run a command there, as people do. With ``at_terminal`` its standard output is a terminal."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "CALLOPS_KEY": b64encode(KEY).decode(),
            "DATABASE_URL": f"sqlite:///{self.folder / log}",
            "SLACK_API_URL": "http://127.0.0.1:9/",
            "SLACK_BOT_TOKEN": "xoxb-no",
            "SLACK_APP_TOKEN": "xapp-no",
            "VOXWORKS_API_KEY": "no",
        }
        command = [sys.executable, "-m", "bot", *arguments]
        if at_terminal:
            return self._at_terminal(command, environment)
        left = subprocess.run(  # noqa: S603 - our own interpreter
            command, capture_output=True, check=False, cwd=self.folder, env=environment
        )
        return Printed(left.returncode, left.stdout.decode(), left.stderr.decode())

    def _at_terminal(self, command: Sequence[str], environment: dict[str, str]) -> Printed:
        ours, theirs = pty.openpty()
        with subprocess.Popen(  # noqa: S603 - our own interpreter
            command, stdout=theirs, stderr=subprocess.PIPE, cwd=self.folder, env=environment
        ) as running:
            os.close(theirs)
            read = bytearray()
            while piece := _read(ours):
                read += piece
            os.close(ours)
            errors = running.stderr.read().decode() if running.stderr else ""
        # A terminal puts a carriage return before the end of each line.
        return Printed(running.returncode, read.decode().replace("\r\n", "\n"), errors)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""


def hostile(new: NewRequest) -> NewRequest:
    """Return a request with hostile text in all its fields."""
    said = replace(new, reason=HOSTILE, purpose=HOSTILE, consent=HOSTILE, zone=HOSTILE, reasons=HOSTILE)
    return replace(said, rule=HOSTILE, requester=HOSTILE, connection=HOSTILE)


async def _fill(path: Path) -> list[str]:
    """Write hostile text into every field that accepts foreign text, and return all ids."""
    clock = Clock()
    log = await Store.open(path, key=KEY, clock=clock)
    call = placing(NUMBER)
    action = replace(call.actions[0], action=PlaceCall(to=NUMBER, agent="payments", at=None))
    placed = (await log.requests.create(hostile(replace(call, actions=[action])))).request
    await log.requests.apply(claim(placed.id, until=clock.move(seconds=30)))
    ended = finish(placed.id, reference="vx_1")
    move = replace(
        ended.transitions[0],
        changes={**ended.transitions[0].changes, "message": HOSTILE},
        private={"raw": HOSTILE, "headers": json.dumps([["x-said", HOSTILE]]), "summary": HOSTILE},
        data={"warning.1": HOSTILE},
    )
    await log.requests.apply(replace(ended, transitions=[move]))
    denied = (await log.requests.create(hostile(cancelling(OTHER_NUMBER)))).request
    change = deny(denied.id, person=HOSTILE)
    await log.requests.apply(replace(change, private={"note": HOSTILE}))
    deleted = (
        await log.requests.create(replace(deleting("cd-1"), reason=HOSTILE, requester="U0ONE"))
    ).request
    await log.requests.apply(
        noted(Annotation(deleted.id, "looked_up", {"found": True, "said": HOSTILE}, {"known_as": HOSTILE}))
    )
    await log.requests.apply(replace(approve(deleted.id), private={"note": HOSTILE}))
    await succeeded(log, deleted.id, clock, Code.DELETED)
    strange = Annotation(deleted.id, HOSTILE, {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE})
    await log.requests.apply(ChangeSet(deleted.id, HOSTILE, [], annotations=[strange]))
    fault = await log.audit.record_error(actor=HOSTILE, where=HOSTILE, private={"traceback": HOSTILE})
    rules = await log.audit.record_rules(
        actor=HOSTILE, data={"difference": HOSTILE, "rules": "[]"}, after=None
    )
    export = await log.audit.record_export(actor=HOSTILE, rows=HOSTILE, private={"query": HOSTILE})
    stop, _ = await log.do_not_call.add(NUMBER, masked=HOSTILE, actor=HOSTILE, reason=HOSTILE)
    listed = await log.do_not_call_lists.add(HOSTILE, {OTHER_NUMBER}, actor=HOSTILE)
    for one in ("U0ONE", "U0TWO"):
        await log.users.keep_person(Person(one, "T0", HOSTILE, "UTC", False, False, False, False, NOON))
    await log.close()
    return [placed.id, denied.id, deleted.id, *filter(None, (fault, rules, export, stop.id, listed.id))]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the folder. Beside the log stands a copy that somebody changed by hand."""
    folder = tmp_path_factory.mktemp("hostile")
    ids = asyncio.run(_fill(folder / "callops.db"))
    shutil.copy(folder / "callops.db", folder / "changed.db")
    with closing(sqlite3.connect(folder / "changed.db")) as log, log:
        log.execute("UPDATE actions SET message = ?, target_id = ?, agent = ?", [HOSTILE] * 3)
        log.execute("UPDATE requests SET connection = ?, rule = ?", [HOSTILE] * 2)
        log.execute(f'CREATE TABLE "{HOSTILE.replace(chr(34), "")}" (one)')
    (folder / "callops.toml").write_text(
        f"""
[slack]
audit_channel = "C0AUDIT"
approvals_channel = "C0APPROVE"
[connections.voxworks]
provider = "voxworks"
api_key = "env:VOXWORKS_API_KEY"
base_url = "http://127.0.0.1:9"
[groups]
{json.dumps(HOSTILE)} = ["U0BOSS"]
[[rules]]
name = {json.dumps(HOSTILE)}
actions = ["cancel_call"]
request = ["everyone"]
approve = [{json.dumps(HOSTILE)}]
""",
        encoding="utf-8",
    )
    (folder / "faulty.toml").write_text(
        f"{json.dumps(HOSTILE)} = 1\n[slack]\n{json.dumps(HOSTILE)} = {json.dumps(HOSTILE)}\n",
        encoding="utf-8",
    )
    (folder / "anchors").write_text(f"{HOSTILE} 3:{'0' * 64}\n", encoding="utf-8")
    (folder / "numbers.csv").write_text(f"number\n{json.dumps(FORGED + STEERING)}\n", encoding="utf-8")
    cell = json.dumps(FORGED + STEERING)
    (folder / "calls.csv").write_text(f"call_id,{cell}\n{cell},x\ncall_1,x\n", encoding="utf-8")
    (folder / "none.csv").write_text("", encoding="utf-8")
    return Place(folder, ids)


EXPLAIN = ("policy", "explain", "--user", "U0ME", "--action")
COMMANDS: Sequence[Sequence[str]] = (
    ("log", "list"),
    ("log", "list", "--json"),
    ("log", "list", "--by", HOSTILE),
    ("log", "list", "--connection", HOSTILE),
    ("log", "list", "--text", "quoted"),
    ("log", "list", "--kind", HOSTILE),
    ("log", "list", "--from", HOSTILE),
    ("log", "export", "--format", "jsonl"),
    ("log", "export", "--by", "ok"),
    ("log", "verify"),
    ("log", "verify", "--json"),
    ("log", "verify", "--anchor", "anchors"),
    ("log", "verify", "--anchor", HOSTILE),
    (*EXPLAIN, "cancel_call", "--connection", "voxworks"),
    (*EXPLAIN, "cancel_call", "--connection", "voxworks", "--json"),
    (*EXPLAIN, "cancel_call", "--connection", HOSTILE, "--reason", HOSTILE),
    (*EXPLAIN, HOSTILE, "--connection", "voxworks", "--at", HOSTILE, "--channel", HOSTILE),
    ("policy", "lint"),
    ("policy", "lint", "--json"),
    ("policy", "lint", "--config", "faulty.toml"),
    ("policy", "lint", "--config", "faulty.toml", "--json"),
    ("check",),
    ("check", "--json"),
    ("do-not-call", "list"),
    ("do-not-call", "remove", HOSTILE),
    ("do-not-call", "import", "numbers.csv", "--region", "IN", "--dry-run"),
    ("do-not-call", "import", "numbers.csv", "--region", "IN", "--column", HOSTILE),
    ("stop", "list"),
    ("stop", "list", "--json"),
    ("stop", "import", "numbers.csv", "--region", "IN"),
    ("stop", "import", "none.csv", "--region", "IN"),
    ("stop", "remove", "nothing"),
    ("import", "calls.csv"),
    ("import", "calls.csv", "--dry-run", "--cancel"),
    ("import", "calls.csv", "--dry-run", "--cancel", "--via", HOSTILE),
    ("import", "calls.csv", "--dry-run", "--cancel", "--agent", HOSTILE),
    ("import", "calls.csv", "--dry-run", "--cancel", "--zone", HOSTILE),
    ("import", HOSTILE, "--dry-run", "--cancel"),
    ("purge", "--older-than", "1d", "--dry-run"),
    ("purge", "--number", NUMBER, "--dry-run"),
    ("purge", "--person", HOSTILE),
    ("purge", "--older-than", HOSTILE),
    ("purge", "--again"),
    ("retry-connection", HOSTILE),
    ("retry-connection", "voxworks"),
    ("backup", "callops.db"),
    ("backup", f"{HOSTILE}/none"),
    ("restore-drill", HOSTILE),
    ("rekey", "--numbers", HOSTILE),
    ("check", "--backups", HOSTILE),
    ("manifest", "--url", HOSTILE),
    ("manifest",),
    ("key",),
    ("health",),
    ("init",),
    ("serve",),
)


def test_every_command_is_tried(place: Place) -> None:
    """Every command but the demo is tried, since the demo has a log of its own."""
    grouped = {"log", "policy", "stop", "do-not-call"}
    tried = {one[:2] if one[0] in grouped else one[:1] for one in COMMANDS}
    tried |= {("log", "show"), ("log", "fixture")}
    assert tried == {*_commands(make_parser())} - {("demo",)}
    assert len(place.ids) == 8


def _commands(parser: argparse.ArgumentParser, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    inside = [one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    for choices in inside:
        for name, each in choices.items():
            yield from _commands(each, (*before, name))
    if not inside:
        yield before


def harmless(printed: Printed) -> None:
    """Assert that the output steers no terminal, and no foreign line begins like ours."""
    assert printed.status in {0, 1, 2}, printed.errors
    assert "Traceback" not in printed.errors
    assert STEERS.search(printed.all) is None, printed.all
    for line in printed.all.splitlines():
        assert not line.startswith(FORGED), printed.all
        assert not re.match(r"\s*99  2026", line), printed.all


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command).replace(HOSTILE, "…"))
def test_nothing_foreign_steers_a_terminal(place: Place, command: Sequence[str]) -> None:
    """Output from the log, from a file, and from typed text is covered."""
    printed = place.run(*command)
    harmless(printed)
    if "--json" in command and printed.output:
        json.loads(printed.output)


@pytest.mark.parametrize("number", range(8))
def test_no_story_of_the_log_holds_a_forged_line(place: Place, number: int) -> None:
    """Values of requests, faults, rules, exports and stops stand quoted, and their lines are marked."""
    one = place.ids[number]
    for more in ((), ("--raw",), ("--json",), ("--raw", "--json")):
        printed = place.run("log", "show", one, *more)
        harmless(printed)
        if "--json" not in more and "--raw" not in more:
            assert f"    │ {FORGED}" in printed.output
            assert "\\x1b[2J" in printed.output
            assert "\\u202e" in printed.output
            assert '"\\"quoted\\" \\\\ ok\n' in printed.output
    harmless(place.run("log", "fixture", one))
    harmless(place.run("log", "fixture", one, "--attempt", "1"))


def test_programs_read_what_was_written(place: Place) -> None:
    """JSON keeps every character, as an escape if it would steer a terminal."""
    shown = json.loads(place.run("log", "show", place.ids[0], "--json").output)
    assert shown["request"]["reason"] == HOSTILE
    row = json.loads(place.run("log", "export", "--format", "jsonl", "--state", "denied").output)
    assert (row["reason"], row["connection"]) == (HOSTILE, HOSTILE)


@pytest.mark.parametrize(
    "command", [("list",), ("list", "--json"), ("verify",), ("verify", "--json"), ("show",)]
)
def test_a_log_that_somebody_changed_forges_nothing(place: Place, command: Sequence[str]) -> None:
    """The rows hold what no command of ours writes, and their faults are still reported."""
    where = ("log", *command, *([place.ids[1]] if command == ("show",) else []))
    printed = place.run(*where, log="changed.db")
    harmless(printed)
    assert printed.status == ("verify" in command)


def test_the_verifier_that_stands_alone_forges_nothing(place: Place) -> None:
    """The verifier prints names out of the log, too."""
    script = [
        sys.executable,
        str(ROOT / "docs/verify_log.py"),
        str(place.folder / "changed.db"),
        f"3:{HOSTILE}",
    ]
    left = subprocess.run(script, capture_output=True, check=False)  # noqa: S603 - our own interpreter
    harmless(Printed(left.returncode, left.stdout.decode(), left.stderr.decode()))
    assert left.returncode == 1


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_an_export_to_a_terminal_forges_nothing(place: Place, format_: str) -> None:
    """Into a file or a pipe it is unchanged. On a terminal it is escaped."""
    watched = place.run("log", "export", "--format", format_, at_terminal=True)
    harmless(watched)
    assert watched.status == 0
    assert "U0BOSS" in watched.output
    piped = place.run("log", "export", "--format", format_)
    assert FORGED in (
        piped.output if format_ == "csv" else json.loads(piped.output.splitlines()[0])["reason"]
    )


def test_the_bots_own_lines_are_single_lines() -> None:
    """A message and a traceback have a mark from their second line on."""
    script = (
        "import logging\n"
        "from contextlib import ExitStack\n"
        "from bot.cli.process_log import log_to_stderr\n"
        "stack = ExitStack()\n"
        "stack.enter_context(log_to_stderr('INFO', default_region='IN'))\n"
        f"hostile = {HOSTILE!r}\n"
        "logging.getLogger('callops').warning('Slack said %s', hostile)\n"
        "logging.getLogger('slack_sdk').error('%s', hostile)\n"
        "try:\n"
        "    raise ValueError(hostile)\n"
        "except ValueError:\n"
        "    logging.getLogger('callops').exception('It failed')\n"
        "stack.close()\n"
    )
    left = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], capture_output=True, check=False, cwd=ROOT
    )
    said = left.stderr.decode()
    assert (left.returncode, STEERS.search(said)) == (0, None), said
    ours = [line for line in said.splitlines() if not line.startswith("    │ ")]
    assert [re.sub(r"^[\d-]+ [\d:,]+ ", "", line)[:16] for line in ours] == [
        "WARNING Slack sa",
        'ERROR "quoted" \\',
        "ERROR It failed",
    ]
    assert "    │ Traceback" in said


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("plain", '"plain"'),
        ("a\nb\r\nc", '"a\n    │ b\n    │ c"'),
        ("a\rb\tc\0d", '"a\\rb\\tc\\x00d"'),
        ("\x1b[31m", '"\\x1b[31m"'),
        ("\u202e\u2066\u200f", '"\\u202e\\u2066\\u200f"'),
        ("\ud800", '"\\ud800"'),
        ('say "no" \\x1b', '"say \\"no\\" \\\\x1b"'),
        ("می\u200cخواهم 👩\u200d💻 \U0001fae9", '"می\u200cخواهم 👩\u200d💻 \U0001fae9"'),
        ("", '""'),
        (7, '"7"'),
    ],
)
def test_a_value_is_quoted(value: object, printed: str) -> None:
    """A quoted value parses back. Joiners and emoji are letters, and stay."""
    assert shown(quoted(value)) == printed


def test_a_mark_stands_below_its_line() -> None:
    """A mark is indented like its line, so that events can be skimmed."""
    assert shown("        note: a\nb") == "        note: a\n        │ b"


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("reminders", "reminders"),
        ("+91\u00a0•••3210", "+91\u00a0•••3210"),
        ("", '""'),
        ("a  done", '"a  done"'),
        (" a", '" a"'),
        ('a "b"', '"a \\"b\\""'),
        ("a\nb", '"a\\nb"'),
        ("a\u202eb", '"a\\u202eb"'),
    ],
)
def test_a_value_among_others_stays_in_its_column(value: str, printed: str) -> None:
    """A value is unquoted if it can be taken for nothing else."""
    assert cell(value) == printed


def test_json_stays_json() -> None:
    """Indented or not, programs read the very text."""
    for indent in (None, 2):
        text = json_text({"a": HOSTILE + "\ud800"}, indent=indent)
        assert json.loads(text) == {"a": HOSTILE + "\ud800"}
        assert STEERS.search(text) is None


def test_a_record_without_a_newline_is_as_it_was() -> None:
    """Harmless text is unchanged."""
    made = logging.LogRecord("callops", logging.INFO, "", 0, "Started %s", ("•",), None)
    assert LineFormatter("%(levelname)s %(message)s").format(made) == "INFO Started •"
