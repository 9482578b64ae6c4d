"""`log show` and `log list` as a person reads them: names, sentences, a zone, and what fits a terminal."""

import asyncio
import base64
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli import log as log_command
from bot.cli.parser import make_parser
from bot.text.terminal import width
from providers.actions import Ending
from storage.changes import Annotation, ChangeSet
from storage.models import Person
from storage.repositories.erasure_list import PurgeFilter
from storage.store import Store
from tests.storage.contract.changes import cancelled
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling_by_id,
    claim,
    deny,
    ended,
    finish,
    placing,
)
from tests.support.tree import ROOT

KEY = bytes(32)
REASON = "the customer asked us to call her again after the holidays, on 98765 43210, not before"

Made = Callable[[Store, Clock], Awaitable[None]]


async def named(log: Store, **names: str) -> None:
    """Let the log know people by their names."""
    for user, name in names.items():
        await log.users.keep_person(Person(user, "T0", name, "UTC", False, False, False, False, NOON))


def environment(folder: Path) -> dict[str, str]:
    """Return the variables by which the commands find the log."""
    key = base64.b64encode(KEY).decode()
    config = str(folder / "callops.toml")
    return {"DATABASE_URL": f"sqlite:///{folder / 'log.db'}", "CALLOPS_KEY": key, "CALLOPS_CONFIG": config}


def make(folder: Path, filled: Made) -> None:
    """Make a log and fill it."""

    async def fill() -> None:
        clock = Clock()
        log = await Store.open(folder / "log.db", key=KEY, clock=clock, random=bytes)
        await filled(log, clock)
        await log.close()

    asyncio.run(fill())


def printed(capsys: pytest.CaptureFixture[str], folder: Path, *command: str) -> list[str]:
    """Run a command, and return the lines that it prints."""
    chosen = make_parser().parse_args(["log", *command])
    assert log_command.run(chosen, environment(folder)) == 0
    return capsys.readouterr().out.splitlines()


async def decided(log: Store, clock: Clock) -> None:
    """Cancel two calls, of which the provider knows one, and deny another."""
    await named(log, U0AGENT="Asha Rao", U0MANAGER="Mira", U0SECOND="CallOps")
    asked = replace(cancelling_by_id("vx_1", "vx_2"), reason="wrong\nnumber")
    made = (await log.requests.create(asked)).request
    one, two = (record.id for record in made.actions)
    clock.move(seconds=41)
    await log.requests.apply(
        ChangeSet(made.id, "system", [], annotations=[Annotation(made.id, "asked", {"person": "U0SECOND"})])
    )
    first, other = approve(one, two).transitions
    noted = replace(first, private={"note": 'as "agreed"'})
    await log.requests.apply(replace(approve(one, two), transitions=[noted, other]))
    await log.requests.apply(replace(claim(one, until=clock.now + timedelta(seconds=30)), actor="system"))
    await log.requests.apply(finish(one))


def test_a_request_is_a_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line names the person, the act, the target and the time. Their words are quoted below."""
    make(tmp_path, decided)
    assert printed(capsys, tmp_path, "show", "A-2222") == [
        "A-2222  Sending · requested by Asha Rao · reminders",
        "  A-2222.1  cancel_call  vx_1  Done",
        '      "The provider has it."',
        "  A-2222.2  cancel_call  vx_2  Sending",
        "Times are in UTC. Asha Rao is U0AGENT, Mira is U0MANAGER.",
        "2026-03-02 12:00:00  A-2222.1  Asha Rao requested it",
        '    reason: "wrong',
        '    │ number"',
        "2026-03-02 12:00:00  A-2222.2  Asha Rao requested it",
        "2026-03-02 12:00:41  A-2222    Asked CallOps (U0SECOND) to decide",
        "2026-03-02 12:00:41  A-2222.1  Mira approved it",
        r'    note: "as \"agreed\""',
        "2026-03-02 12:00:41  A-2222.2  Mira approved it",
        "2026-03-02 12:00:41  A-2222.1  Sent to the provider",
        "2026-03-02 12:00:41  A-2222.1  The provider: accepted",
        '    "The provider has it."',
    ]


async def called(log: Store, clock: Clock) -> None:
    """Place a call whose second try was answered."""
    call = (await log.requests.create(placing())).request.id
    for ending, number in ((Ending.NO_ANSWER, 0), (Ending.ANSWERED, 1)):
        clock.move(minutes=5)
        await log.requests.apply(ended(call, ending, number))


def test_each_end_of_a_call_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how the try ended, how long it took, and which try it was."""
    make(tmp_path, called)
    assert printed(capsys, tmp_path, "show", "A-2222")[-2:] == [
        "2026-03-02 12:05:00  A-2222  The provider reported: no answer, 42 s",
        "2026-03-02 12:10:00  A-2222  The provider reported: answered (try 2), 42 s",
    ]


def test_two_people_of_one_name_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By their ids, and so is a name that pretends one; a number in it is masked; without a name there is an id."""

    async def fill(log: Store, _: Clock) -> None:
        await named(
            log, U0AGENT="Asha", U0MANAGER="Asha", U0OTHER="Sam 98765 43210", U0NOBODY="Asha (U0AGENT)"
        )
        for who, decider in (("U0AGENT", "U0MANAGER"), ("U0OTHER", "U0NOBODY"), ("U0LAST", "U0LAST")):
            asked = replace(cancelling_by_id(who), requester=who)
            made = (await log.requests.create(asked)).request
            await log.requests.apply(deny(made.id, person=decider))

    make(tmp_path, fill)
    rows = [re.split(r"\s{2,}", row) for row in printed(capsys, tmp_path, "list")[1:]]
    third, second, first = (row[0] for row in rows)
    assert [row[2] for row in rows] == ["U0LAST", "Sam +91\u00a0•••3210", "Asha"]
    told = printed(capsys, tmp_path, "show", first)
    assert told[2] == "Times are in UTC."
    assert [line.partition("  ")[2] for line in told[3:]] == [
        f"{first}  Asha (U0AGENT) requested it",
        f"{first}  Asha (U0MANAGER) denied it",
    ]
    told = printed(capsys, tmp_path, "show", second)
    assert told[2] == "Times are in UTC. Sam +91\u00a0•••3210 is U0OTHER."
    assert told[-1].endswith("  Asha (U0AGENT) (U0NOBODY) denied it")
    assert printed(capsys, tmp_path, "show", third)[-1].endswith("  U0LAST denied it")


def test_what_belongs_to_no_request_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With all that it says of itself below it."""
    ids: list[str | None] = []

    async def fill(log: Store, _: Clock) -> None:
        await named(log, U0AGENT="Asha Rao")
        ids.append(await log.audit.record_error(actor="U0AGENT", where="view", private={"traceback": "a\nb"}))
        ids.append(await log.audit.record_denied_attempt(actor="U0AGENT", where="/calls", reason="no rule"))
        ids.append(await log.audit.record_export(actor="os:root", rows="full numbers, csv", private={}))
        rules = {"difference": "a rule", "rules": "[]"}
        ids.append(await log.audit.record_rules(actor="system", data=rules, after=None))
        stop, _new = await log.do_not_call.add(NUMBER, masked="•3210", actor="U0AGENT", reason="asked")
        await log.do_not_call.remove(NUMBER, masked="•3210", actor="U0AGENT", reason="again")
        added = await log.do_not_call_lists.add("dnd", {OTHER_NUMBER}, actor="system")
        ids.extend([stop.id, added.id])
        await log.requests.create(placing())
        purge = PurgeFilter("by person", numbers=frozenset({NUMBER}))
        ids.append((await log.retention.purge(purge, actor="operator root")).id)

    make(tmp_path, fill)
    said: list[str] = []
    for one in filter(None, ids):
        lines = printed(capsys, tmp_path, "show", one)
        told = [line.split("  ", 2)[2] for line in lines[1:] if not line.startswith("    ")]
        said += told
    assert said == [
        "Asha Rao ran into an error",
        "Asha Rao tried to use CallOps, but isn't allowed to",
        "operator root took full numbers out of the log",
        "CallOps put other rules in force",
        "Asha Rao blocked a number",
        "Asha Rao unblocked the number",
        "operator root erased the personal data",
        "CallOps began to import a do-not-call list",
        "CallOps imported a do-not-call list",
        "operator root erased personal data",
    ]


def test_the_list_says_whose_times_it_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """UTC, or the zone in which days begin; one that nobody knows is said."""
    make(tmp_path, decided)
    head, row, *_ = printed(capsys, tmp_path, "list")
    assert head == "ID        Requested (UTC)   By        Action       Connection  Target  Status     Reason"
    assert row == (
        "A-2222.2  2026-03-02 12:00  Asha Rao  cancel_call  reminders   vx_2    Sending    wrong number"
    )
    head, row, *_ = printed(capsys, tmp_path, "list", "--zone", "Asia/Kolkata")
    assert "Requested (Asia/Kolkata)" in head
    assert "2026-03-02 17:30  " in row
    chosen = make_parser().parse_args(["log", "list", "--zone", "Asia/Nowhere"])
    assert log_command.run(chosen, environment(tmp_path)) == 2
    assert "“Asia/Nowhere” isn't a time zone" in capsys.readouterr().err
    chosen = make_parser().parse_args(["log", "list", "--state", "succeded"])
    assert log_command.run(chosen, environment(tmp_path)) == 2
    assert capsys.readouterr().err == "Unknown status “succeded”. Did you mean succeeded?\n"


def at_terminal(folder: Path, columns: int, *command: str, **variables: str) -> list[str]:
    """Run a command at a terminal that is so wide, and return the lines that it prints there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    alone = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", *command],
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=alone | environment(folder) | variables,
    ):
        os.close(theirs)
        read = b""
        while piece := _read(ours):
            read += piece
        os.close(ours)
    return read.decode().splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed
        return b""


def plain(lines: Sequence[str]) -> list[str]:
    """Return lines without their colours."""
    return [re.sub("\x1b\\[[0-9]*m", "", line) for line in lines]


def test_a_reason_is_cut_to_what_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To the terminal's width, to a line's usual length in a pipe; its numbers are masked before."""

    async def fill(log: Store, clock: Clock) -> None:
        await named(log, U0AGENT="अनीता शर्मा")
        await log.requests.create(replace(cancelling_by_id("vx_1"), reason=REASON))
        await log.requests.create(replace(cancelling_by_id("vx_2"), reason="先方の都合" * 20))
        await cancelled(log, clock)

    make(tmp_path, fill)
    for columns in (120, 200):
        lines = plain(at_terminal(tmp_path, columns, "log", "list"))
        reasons = [line for line in lines if line.endswith("…")]
        assert len(reasons) == 2 - (columns == 200)
        assert max(map(width, lines)) <= columns
        assert "43210" not in "".join(lines)
    [wide] = reasons
    assert len(wide) < 170  # each of these takes two columns
    [cut] = [line for line in printed(capsys, tmp_path, "list") if "the customer" in line]
    assert cut.endswith(f"  {REASON[:59]}…")


def test_a_terminal_has_colours_and_a_pipe_has_none(tmp_path: Path) -> None:
    """States and errors are told by colour, too, unless nobody wants that."""
    make(tmp_path, decided)
    listed = at_terminal(tmp_path, 120, "log", "list")
    assert "\x1b[32mCancelled\x1b[0m" in listed[2]
    assert "  Sending  " in listed[1]
    assert "\x1b[32mDone\x1b[0m" in at_terminal(tmp_path, 120, "log", "show", "A-2222")[1]
    [error] = at_terminal(tmp_path, 120, "log", "show", "A-9999")
    assert error == "\x1b[31mThe log has no A-9999. IDs look like A-7K3F.\x1b[0m"
    assert "\x1b[31mFAIL\x1b[0m  " in at_terminal(tmp_path, 120, "check")[0]
    for off in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in "".join(at_terminal(tmp_path, 120, "log", "list", **off))
