"""`log list` at a terminal and for programs, from a file that was made here."""

import asyncio
import base64
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli import log as log_command
from bot.cli.parser import make_parser
from bot.config.environment import LARGEST_FILE
from providers.actions import Ending
from storage.changes import ChangeSet, Transition
from storage.models import Person
from storage.store import Store
from tests.bot.parsing.number_plans import digits_of
from tests.storage.contract.changes import cancelled
from tests.storage.samples import (
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling_by_id,
    claim,
    ended,
    finish,
    placing,
)

KEY = bytes(32)


def listed(path: Path, *options: str) -> int:
    """Run the command on a file; its exit status."""
    chosen = make_parser().parse_args(["log", "list", *options])
    key = base64.b64encode(KEY).decode()
    return log_command.run(chosen, {"DATABASE_URL": f"sqlite:///{path}", "CALLOPS_KEY": key})


def test_a_call_that_was_cancelled_is_not_listed_as_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person reads that it was cancelled, a program by which request."""

    async def make() -> tuple[str, str]:
        clock = Clock()
        log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
        call, cancel = await cancelled(log, clock)
        await log.close()
        return call.id, cancel.id

    call, cancel = asyncio.run(make())
    assert listed(tmp_path / "log.db") == 0
    states = {line.split()[0]: line.split()[-1] for line in capsys.readouterr().out.splitlines()[1:]}
    assert states == {cancel: "Cancelled", call: "Cancelled"}
    assert listed(tmp_path / "log.db", "--json") == 0
    told = [(row["id"], row["cancelled_by"]) for row in json.loads(capsys.readouterr().out)]
    assert told == [(cancel, None), (call, cancel)]


def test_calls_are_listed_by_how_they_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads it behind the status, and a program in a value of its own. A wrong word is a sentence."""

    async def make() -> str:
        log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
        called = (await log.requests.create(placing())).request.id
        await log.requests.create(placing(OTHER_NUMBER))
        await log.requests.apply(ended(called, Ending.NO_ANSWER, 0))
        await log.close()
        return called

    called = asyncio.run(make())
    for word in ("no-answer", "No Answer", "no_answer", "missed"):
        assert listed(tmp_path / "log.db", "--ended", word, "--json") == 0
        assert [(row["id"], row["ended"]) for row in json.loads(capsys.readouterr().out)] == [
            (called, "no_answer")
        ]
    assert listed(tmp_path / "log.db", "--ended", "no-answer") == 0
    assert "Sending, no answer" in capsys.readouterr().out
    assert listed(tmp_path / "log.db", "--ended", "no-anser") == 2
    assert "“no-anser” isn't a value of --ended. Did you mean no-answer?" in capsys.readouterr().err


def test_people_are_named_by_id_or_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name in capitals is no id; where nobody or several people are of that name, that is said."""

    async def make() -> str:
        log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
        for user, name in (("U0WILL", "William"), ("U0JURG", "Jürgen"), ("U0JURG2", "JÜRGEN")):
            await log.users.keep_person(Person(user, "T0", name, "UTC", False, False, False, False, NOON))
        made = await log.requests.create(replace(placing(), requester="U0WILL"))
        await log.requests.create(placing(OTHER_NUMBER))
        await log.close()
        return made.request.id

    made = asyncio.run(make())
    for by in ("WILLIAM", "william", "U0WILL", "@will", "<@U0WILL>"):
        assert listed(tmp_path / "log.db", "--by", by, "--json") == 0
        assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [made]
    assert listed(tmp_path / "log.db", "--by", "WILHELM") == 2
    assert "No one called “WILHELM” has used CallOps." in capsys.readouterr().err
    assert listed(tmp_path / "log.db", "--by", "ju\u0308rgen") == 2
    assert ": JÜRGEN (U0JURG2), Jürgen (U0JURG)" in capsys.readouterr().err
    assert listed(tmp_path / "log.db", "--by", "U0AGENT", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


SAID = "is 98765 43210, ٩٨٧٦٥٤٣٢١٠ or c_9876543210"


@pytest.mark.parametrize(
    "command",
    [
        ("list",),
        ("list", "--json"),
        ("show", "A-2222"),
        ("show", "A-2222", "--json"),
        ("show", "A-2222", "--raw"),
        ("show", "A-2222", "--raw", "--json"),
        ("export",),
        ("export", "--format", "jsonl"),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_number_whatever_it_was_taken_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    """Neither an id, nor what people wrote, nor a reply, nor a message; full numbers are asked for."""

    async def make() -> None:
        clock = Clock()
        log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock, random=bytes)
        made = (await log.requests.create(replace(cancelling_by_id("c_9876543210"), reason=SAID))).request
        await log.requests.apply(
            replace(approve(made.id), private={}, transitions=[with_note(approve(made.id))])
        )
        await log.requests.apply(claim(made.id, until=clock.now + timedelta(seconds=30)))
        [move] = finish(made.id, reference="c_9876543210").transitions
        move = replace(
            move, changes={**move.changes, "message": SAID}, private={"raw": f'{{"said": "{SAID}"}}'}
        )
        await log.requests.apply(ChangeSet(made.id, "system", [move]))
        await log.close()

    asyncio.run(make())
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}",
        "CALLOPS_KEY": base64.b64encode(KEY).decode(),
        "CALLOPS_CONFIG": str(tmp_path / "callops.toml"),
    }
    assert log_command.run(make_parser().parse_args(["log", *command]), environment) == 0
    printed = capsys.readouterr().out
    assert "•••3210" in printed
    assert not [part for part in printed.split("•") if "9876543210" in digits_of(part)]


def test_what_the_program_itself_wrote_is_shown_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of a process and the seal of a stop list may read like numbers; an auditor compares them."""
    owner = "381262-07882327"

    async def make() -> None:
        clock = Clock()
        log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock, random=bytes)
        made = (await log.requests.create(placing(NUMBER))).request
        await log.requests.apply(claim(made.id, until=clock.now + timedelta(seconds=30), owner=owner))
        await log.close()

    asyncio.run(make())
    key = base64.b64encode(KEY).decode()
    chosen = make_parser().parse_args(["log", "show", "A-2222", "--json"])
    assert (
        log_command.run(chosen, {"DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}", "CALLOPS_KEY": key}) == 0
    )
    events = json.loads(capsys.readouterr().out)["events"]
    assert [event["data"]["owner"] for event in events if "owner" in event["data"]] == [owner]


@pytest.mark.parametrize("limit", ["0", "-3", "some"])
def test_a_limit_is_a_number_from_one_on(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Another limit ends the command with status 2 and a sentence."""
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(["log", "list", "--limit", limit])
    assert ended.value.code == 2
    assert f'--limit: "{limit}" isn\'t a whole number of 1 or more' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--zone", "Asia/Kolkta"), "Asia/Kolkta"),
        (("--zone", "Asia/Kolkta", "--json"), "Asia/Kolkta"),
        (("--kind", "plce_call"), "Did you mean place_call?"),
    ],
)
def test_an_option_that_is_wrong_is_named_also_in_an_empty_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], says: str
) -> None:
    """No row is needed to refuse an unknown zone or kind."""

    async def make() -> None:
        await (await Store.open(tmp_path / "log.db", key=KEY, clock=Clock(), random=bytes)).close()

    asyncio.run(make())
    assert listed(tmp_path / "log.db", *options) == 2
    assert says in capsys.readouterr().err


def test_an_address_that_is_none_is_not_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong DATABASE_URL is the fault, and not that no log is there."""
    chosen = make_parser().parse_args(["log", "list"])
    variables = {"DATABASE_URL": "mysql://log", "CALLOPS_KEY": base64.b64encode(KEY).decode()}
    assert log_command.run(chosen, variables) == 2
    printed = capsys.readouterr().err
    assert "DATABASE_URL" in printed
    assert "There is no log" not in printed


def with_note(change: ChangeSet) -> Transition:
    """Return the change's only transition, with a note of its person."""
    [move] = change.transitions
    return replace(move, private={"note": SAID})


def test_the_key_is_asked_for_look_ups_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verifying needs no secret, and says what it leaves out without; with it, exchanged look-ups are named."""

    async def make() -> None:
        log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
        await log.requests.create(placing(NUMBER, OTHER_NUMBER))
        await log.close()

    asyncio.run(make())
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"}
    keyed = database | {"CALLOPS_KEY": base64.b64encode(KEY).decode()}

    def verified(variables: dict[str, str], *options: str) -> tuple[int, str]:
        status = log_command.run(make_parser().parse_args(["log", "verify", *options]), variables)
        return status, capsys.readouterr().out

    status, told = verified(database)
    assert (status, "Without CALLOPS_KEY, the numbers" in told) == (0, True)
    status, told = verified(keyed)
    assert (status, "CALLOPS_KEY" in told) == (0, False)
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection, connection:
        numbers = dict(connection.execute("SELECT action, number FROM lookup").fetchall())
        connection.executemany(
            "UPDATE lookup SET number = ? WHERE action = ?", [(numbers[2], 1), (numbers[1], 2)]
        )
    status, told = verified(keyed)
    assert (status, told.count("it is found by another number than it is aimed at")) == (1, 2)
    assert verified(database)[0] == 0
    assert [json.loads(verified(one, "--json")[1])["with_key"] for one in (database, keyed)] == [False, True]


def test_an_anchors_file_without_end_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No more is read of it than such a file has; the log is not verified against half of one."""

    async def make() -> None:
        await (await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())).close()

    asyncio.run(make())
    long = tmp_path / "anchors"
    with long.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'log.db'}"}
    for file_name in (str(long), "/dev/zero"):
        chosen = make_parser().parse_args(["log", "verify", "--anchor", file_name])
        assert log_command.run(chosen, database) == 2
        assert capsys.readouterr() == ("", f"{file_name} can't be read: it is larger than 16 MB.\n")
