"""`python -m bot rekey`: what it says, and its exit statuses."""

import asyncio
import base64
import re
from pathlib import Path

import pytest

from bot.cli import log as log_commands
from bot.cli import rekey as rekeying
from bot.cli.parser import make_parser
from storage.maintenance.rekey import has_key
from storage.store import Store
from tests.storage.maintenance.test_verification import tamper
from tests.storage.samples import NUMBER, Clock, placing

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
LISTED = ["+919876500001", "+919876500002"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the path of a log with a call and a list, which the environment names with both keys."""
    path = tmp_path / "callops.db"

    async def made() -> None:
        store = await Store.open(path, key=OLD, clock=Clock())
        await store.requests.create(placing(NUMBER))
        await store.do_not_call_lists.add("registry", [NUMBER, *LISTED], actor="system")
        await store.close()

    asyncio.run(made())
    return path


@pytest.fixture
def variables(log: Path) -> dict[str, str]:
    """Return the environment of an operator who changes the key."""
    return {
        "DATABASE_URL": f"sqlite:///{log}",
        "CALLOPS_KEY": base64.b64encode(OLD).decode(),
        "CALLOPS_NEW_KEY": base64.b64encode(NEW).decode(),
    }


def run(arguments: list[str], variables: dict[str, str]) -> int:
    """Run a command in an environment, and return its exit status."""
    chosen = make_parser().parse_args(arguments)
    return (rekeying.run if chosen.command == "rekey" else log_commands.run)(chosen, variables)


def test_the_key_is_changed_once(
    log: Path, variables: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The numbers of a list come from its file, and a second run says that there is nothing to do."""
    file = tmp_path / "registry.csv"
    file.write_text("phone\n" + "\n".join(LISTED), encoding="utf-8")
    assert run(["rekey", "--numbers", str(file)], variables) == 0
    shown = capsys.readouterr()
    assert re.search(r"1 target and 3 blocked numbers carried over\. Recorded as K-\w{4}\.", shown.out)
    assert "Set CALLOPS_KEY to the new key" in shown.out
    assert shown.err == ""
    assert run(["rekey"], variables) == 0
    assert f"{log} has the new key already." in capsys.readouterr().out
    assert run(["log", "verify"], variables) == 1, "the old key is refused"


def test_what_would_be_lost_is_named_first(
    log: Path, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing changes until the operator gives the numbers, or says that calls are to stay paused."""
    assert run(["rekey"], variables) == 1
    shown = capsys.readouterr().err
    assert "  2 numbers of the list registry" in shown
    assert "--drop-unknown" in shown
    assert has_key(log, OLD)
    assert run(["rekey", "--drop-unknown"], variables) == 0
    shown = capsys.readouterr().out
    assert re.search(r"All calls are paused \(B-\w{4}\)\.", shown)
    assert "  2 numbers of the list registry" in shown


def test_its_events_can_be_read(
    log: Path, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The change of the key and the pause have stories of their own."""
    del log
    run(["rekey", "--drop-unknown"], variables)
    done = capsys.readouterr().out
    variables["CALLOPS_KEY"] = base64.b64encode(NEW).decode()
    for mark, said in (("K", "gave the log another key"), ("B", "paused calls")):
        [name] = set(re.findall(rf"{mark}-[0-9A-Z]{{4}}", done))
        assert run(["log", "show", name], variables) == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"CALLOPS_NEW_KEY": ""}, "CALLOPS_NEW_KEY isn't set"),
        ({"CALLOPS_KEY": "short"}, "CALLOPS_KEY isn't set"),
        ({"CALLOPS_NEW_KEY": base64.b64encode(OLD).decode()}, "is the key that the log has now"),
        ({"CALLOPS_KEY": base64.b64encode(bytes(32)).decode()}, "written with another key"),
        ({"DATABASE_URL": "sqlite:///none.db"}, "There is no log at none.db"),
    ],
)
def test_what_keeps_it_from_beginning_is_said(
    log: Path,
    variables: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    said: str,
) -> None:
    """In a sentence, and the log keeps its key."""
    variables |= changed
    assert run(["rekey", "--drop-unknown"], variables) in {1, 2}
    assert said in capsys.readouterr().err
    assert has_key(log, OLD)


def test_a_damaged_log_keeps_its_key(
    log: Path, variables: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The faults are named, because nobody could tell them from those of a change."""
    tamper(log, "UPDATE actions SET state = 'failed'")
    assert run(["rekey", "--drop-unknown"], variables) == 1
    assert "so its key wasn't changed" in capsys.readouterr().err
    assert has_key(log, OLD)
