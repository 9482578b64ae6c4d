import base64
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli.do_not_call_file import NAMED
from storage.repositories.do_not_call_lists import TOGETHER
from tests.e2e.scene import Printed
from tests.storage.repositories.test_do_not_call_lists import import_until_killed
from tests.support.tree import ROOT

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def environment(folder: Path) -> dict[str, str]:
    """Name a log of its own."""
    return {
        "PATH": os.environ["PATH"],
        "CALLOPS_KEY": KEY,
        "DATABASE_URL": f"sqlite:///{folder / 'callops.db'}",
        "CALLOPS_CONFIG": str(folder / "callops.toml"),
    }


def callops(folder: Path, *arguments: str) -> Printed:
    """Run a command on a log of its own."""
    shown = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(folder),
        cwd=ROOT,
    )
    return Printed(shown.returncode, shown.stdout, shown.stderr)


def test_lists_are_imported_whole_counted_and_removed(tmp_path: Path) -> None:
    """A bad line keeps all of it out unless it is left out; the same file again adds nothing."""
    file = tmp_path / "ndnc.csv"
    file.write_text("98765 43210\n12\n", encoding="utf-8")

    def stop(*arguments: str) -> Sequence[object]:
        printed = callops(tmp_path, "stop", *arguments)
        return printed.status, printed.output.strip(), printed.errors.strip()

    importing = ("import", str(file), "--region", "IN")
    status, said, why = stop(*importing)
    assert (status, said) == (1, "")
    assert "line 2: That number is too short for India (+91)." in str(why)
    assert "Nothing was imported: 1 line can't be read." in str(why)
    status, said, _ = stop(*importing, "--leave-out-bad-lines")
    assert status == 1
    assert "1 number added to the list ndnc, which now has 1" in str(said)
    assert "1 line skipped." in str(said)
    assert stop("list", "--json")[:2] == (0, '{"stopped_by_people": 0, "lists": {"ndnc": 1}}')
    file.write_text("98765 43210\n", encoding="utf-8")
    assert stop(*importing)[:2] == (0, "The list ndnc already has the 1 number of this file.")
    assert stop("remove", "ndnc")[0] == 0
    assert stop("remove", "ndnc")[0] == 2
    assert callops(tmp_path, "log", "verify").status == 0


def imported(folder: Path, content: str, *arguments: str, region: str = "IN") -> Printed:
    """Import a file of that content, as the list ndnc."""
    file = folder / "ndnc.csv"
    file.write_text(content, encoding="utf-8")
    return callops(folder, "stop", "import", str(file), "--region", region, *arguments)


def lists(folder: Path) -> str:
    """Say what is blocked."""
    return callops(folder, "do-not-call", "list", "--json").output.strip()


@pytest.mark.parametrize(
    ("content", "region", "why"),
    [
        (
            "name,phone,mobile\nAsha,98765 43210,98765 43211\n",
            "IN",
            "Choose one or more: --column",
        ),
        ("+64211234567.0\n", "NZ", "line 1: The cell has other digits beside the number."),
        ("030 1234567/8\n", "DE", "line 1: The cell has other digits beside the number."),
        ("phone\n+49 30 1234567 (2)\n", "DE", "line 2: The cell has other digits beside the number."),
        (
            "Account No,Customer\n9876543299,Asha\n",
            "IN",
            "No header names the column with phone numbers.",
        ),
        ("Asha,98765 43210\n", "IN", "Choose one: --column 2"),
    ],
)
def test_nothing_is_imported_where_it_is_doubtful(
    tmp_path: Path, content: str, region: str, why: str
) -> None:
    """No column is chosen silently and no number is mended, also where bad lines are left out."""
    for more in ([], ["--leave-out-bad-lines"]):
        printed = imported(tmp_path, content, *more, region=region)
        assert (printed.status, printed.output) == (1, "")
        assert why in printed.errors
        assert "Nothing was imported: " in printed.errors
    assert not (tmp_path / "callops.db").exists()


def test_no_list_is_called_by_a_number(tmp_path: Path) -> None:
    """The chain has its name for good, and no purge reaches it; a date is none."""
    printed = imported(tmp_path, "98765 43210\n", "--list", "dnc-9876543210")
    assert (printed.status, printed.output) == (1, "")
    assert "has a phone number, and names stay in the log. Choose another" in printed.errors
    assert not (tmp_path / "callops.db").exists()
    assert imported(tmp_path, "0176 12345678\n", "--list", "dnc_20261130", region="DE").status == 0


def test_the_numbers_of_a_sheet_are_imported_and_its_account_numbers_are_not(tmp_path: Path) -> None:
    """It is said which column was read and which were not, and what was left out."""
    content = "Account No,Mobile No\n9876543299,98765 43210\n9876543298,12\n9876543297,+44 20 7946 0958\n"
    printed = imported(tmp_path, content, "--leave-out-bad-lines")
    assert (printed.status, lists(tmp_path)) == (1, '{"stopped_by_people": 0, "lists": {"ndnc": 2}}')
    assert printed.output.startswith("2 numbers added to the list ndnc, which now has 2 (S-")
    assert printed.output.endswith("). 1 line skipped.\n")
    for said in (
        "line 3: That number is too short for India (+91).",
        "Read 2 lines of ndnc.csv: “Mobile No”. Not read: “Account No”.",
        "Skipped 1 line that can't be read.",
        "Numbers without a plus are read as IN numbers.",
        "2 different numbers: India 1, Britain (UK) 1.",
        "First: +91\u00a0•••3210, +44\u00a0•••0958.",
        "New to the list ndnc: 2 numbers. Already on it: 0.",
    ):
        assert said in printed.errors
    content = "phone,mobile\n98765 43210,98765 43211\n98765 43212,\n"
    printed = imported(tmp_path, content, "--column", "phone", "--column", "mobile")
    assert printed.status == 0
    assert "Read 3 cells of ndnc.csv: “phone” and “mobile”.\n" in printed.errors
    assert "New to the list ndnc: 2 numbers. Already on it: 1." in printed.errors
    assert printed.output.startswith("2 numbers added to the list ndnc, which now has 4 (S-")


def test_a_dry_run_says_what_would_be_blocked_and_writes_nothing(tmp_path: Path) -> None:
    """There is no log after it where there was none, and not a byte of one is changed."""
    content = "# of March\nName,Phone\nAsha,98765 43210\nRavi,12\nMira,98765 43211\n"
    printed = imported(tmp_path, content, "--dry-run")
    assert printed.status == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ndnc.csv"]
    assert "line 4: That number is too short for India (+91)." in printed.errors
    assert printed.output.splitlines() == [
        "Read 2 lines of ndnc.csv: “Phone”. Not read: “Name”.",
        "Skipped 1 comment.",
        "Skipped 1 line that can't be read.",
        "Numbers without a plus are read as IN numbers.",
        "2 different numbers: India 2.",
        "First: +91\u00a0•••3210, +91\u00a0•••3211.",
        f"There's no log at {tmp_path / 'callops.db'} yet. An import creates it.",
        "New to the list ndnc: 2 numbers. Already on it: 0.",
        (
            "Dry run: nothing was written. An import would refuse this file. "
            "With --leave-out-bad-lines it would import the rest."
        ),
    ]
    assert imported(tmp_path, "98765 43210\n").status == 0
    before = (tmp_path / "callops.db").read_bytes()
    printed = imported(tmp_path, "98765 43210\n98765 43211\n98765 43211\n", "--dry-run")
    assert (printed.status, printed.errors) == (0, "")
    assert (
        "New to the list ndnc: 1 number. Already on it: 1.\nDry run: nothing was written." in printed.output
    )
    assert (tmp_path / "callops.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["callops.db", "ndnc.csv"]


def test_a_dry_run_leaves_another_versions_log_alone(tmp_path: Path) -> None:
    """And why is said."""
    imported(tmp_path, "98765 43210\n")
    with closing(sqlite3.connect(tmp_path / "callops.db")) as connection:
        connection.execute("UPDATE _sqlite_migrations SET name = 'another'")
        connection.commit()
    before = (tmp_path / "callops.db").read_bytes()
    printed = imported(tmp_path, "98765 43210\n", "--dry-run")
    assert printed.status == 2
    assert "was made by another version of CallOps (schema another)" in printed.errors
    assert (tmp_path / "callops.db").read_bytes() == before


def test_many_bad_lines_are_counted_by_their_reason(tmp_path: Path) -> None:
    """The first are named one by one, and none is hidden."""
    printed = imported(tmp_path, "98765 43210\n" + "12\n" * 30 + "nobody\n", "--leave-out-bad-lines")
    assert printed.errors.count("\nline ") + printed.errors.startswith("line ") == NAMED
    assert (
        f"… and {31 - NAMED} more. All 31 by reason:\n  30 times: That number is too short" in printed.errors
    )
    assert "  1 times: A phone number has digits only." in printed.errors
    assert printed.output.endswith(" 31 lines skipped.\n")


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    """Excel's own encodings but for UTF-16 are asked to be saved anew."""
    file = tmp_path / "ndnc.csv"
    file.write_bytes("name;phone\nJürgen;030 1234567\n".encode("latin-1"))
    importing = ("stop", "import", str(file), "--region", "de")
    printed = callops(tmp_path, *importing)
    assert (printed.status, printed.output) == (1, "")
    assert "Nothing was imported: Line 2 isn't UTF-8. Save the file as “CSV UTF-8”" in printed.errors
    file.write_bytes("name\tphone\nJürgen\t030 1234567\n".encode("utf-16"))
    printed = callops(tmp_path, *importing)
    assert (printed.status, printed.output[:14]) == (0, "1 number added")


def test_an_import_that_is_interrupted_says_so_and_blocks_nobody(tmp_path: Path) -> None:
    """Ctrl-C while a file is read, here from a pipe that stays open."""
    pipe = tmp_path / "ndnc.csv"
    os.mkfifo(pipe)
    importing = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", "stop", "import", str(pipe), "--region", "IN"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        cwd=ROOT,
        text=True,
    )
    with pipe.open("w", encoding="utf-8") as writing:  # once it reads
        writing.write("98765 43210\n")
        writing.flush()
        importing.send_signal(signal.SIGINT)
        said, errors = importing.communicate()
    assert (importing.returncode, said, errors) == (130, "", "Interrupted: nothing was imported.\n")
    assert not (tmp_path / "callops.db").exists()


def test_an_import_that_was_killed_is_listed_as_unfinished(tmp_path: Path) -> None:
    """It blocks nothing, and goes away with the next import or removal of its list."""
    path = tmp_path / "callops.db"
    assert import_until_killed(path, base64.b64decode(KEY)) == -9
    listed = callops(tmp_path, "stop", "list")
    assert listed.output.startswith("0 blocked by people\nAn import into the list ndnc began on 2")
    assert listed.output.endswith(
        "isn't finished and blocks nothing. If it stopped, import the file again.\n"
    )
    assert '"lists": {}, "unfinished": {"ndnc": "S-' in lists(tmp_path)
    removed = callops(tmp_path, "stop", "remove", "ndnc")
    assert removed.status == 0
    assert removed.output.startswith("The unfinished import S-")
    assert removed.output.endswith(" is removed. It blocked no numbers.\n")
    assert lists(tmp_path) == '{"stopped_by_people": 0, "lists": {}}'
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM stops").fetchone() == (0,)


def test_removing_names_what_stays_blocked(tmp_path: Path) -> None:
    """A list that is mistyped is asked about, and is not printed as it was typed."""
    imported(tmp_path, "98765 43210\n")
    mistyped = callops(tmp_path, "stop", "remove", "ndcn\x1b")
    assert (mistyped.status, mistyped.errors) == (2, "Unknown list “ndcn\\x1b”. Did you mean ndnc?\n")
    removed = callops(tmp_path, "stop", "remove", "ndnc")
    assert removed.output.splitlines() == [
        "The list ndnc is removed. It no longer blocks 1 number.",
        "Numbers blocked by people or by another list stay blocked.",
    ]


def test_a_long_import_shows_its_progress_at_a_terminal_alone(tmp_path: Path) -> None:
    """The bars are on the terminal's standard error; down a pipe there is none, and nothing is asked."""
    file = tmp_path / "ndnc.csv"
    file.write_text("".join(f"+91{9_000_000_000 + n}\n" for n in range(TOGETHER + 1)), encoding="utf-8")
    ours, theirs = pty.openpty()
    importing = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", "stop", "import", str(file), "--region", "IN"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(tmp_path) | {"TERM": "xterm"},
        cwd=ROOT,
        text=True,
    )
    os.close(theirs)
    shown = b""
    try:
        while some := os.read(ours, 65536):
            shown += some
    except OSError:  # Linux says so once the last process has closed its end
        pass
    finally:
        os.close(ours)
    said, _ = importing.communicate()
    assert importing.returncode == 0
    assert said.startswith(f"{TOGETHER + 1} numbers added to the list ndnc")
    steps = shown.decode()
    assert "Reading" in steps
    assert "Writing" in steps
    assert "100%" in steps.partition("Writing")[0]
    assert "100%" in steps.partition("Writing")[2]
    silent = imported(tmp_path, "98765 43210\n")
    assert "Reading" not in silent.errors + silent.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no device that is always full")
@pytest.mark.parametrize("command", [["log", "verify"], ["log", "list"], ["log", "export"], ["stop", "list"]])
def test_what_finds_no_room_is_said_and_is_no_verdict(tmp_path: Path, command: list[str]) -> None:
    """A log that is whole is not called anything else because a disk is full; nor is there a traceback."""
    assert imported(tmp_path, "98765 43210\n").status == 0
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "bot", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(tmp_path),
            cwd=ROOT,
        )
    assert ended.returncode == 2
    assert ended.stderr == "There isn't enough room for the output. Make room and run it again.\n"
