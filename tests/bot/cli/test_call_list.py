import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.e2e.scene import Printed
from tests.support.tree import ROOT

CONFIG = """
[slack]
audit_channel = "C0AUDIT"
approvals_channel = "C0APPROVE"
default_region = "IN"

[connections.reminders]
provider = "callkaro"
api_key = "env:CALLKARO_API_KEY"
timezone = "Asia/Kolkata"
agents = { payments = "6803fa770b666a64ab1694c1e", welcome = "6803fa770b666a64ab1694c1f" }

[connections.dialer]
provider = "ryng"
subdomain = "tenant"
access_token = "env:RYNG_ACCESS_TOKEN"

[groups]
managers = ["U0MANAGER"]

[[rules]]
name = "anyone may place a call"
actions = ["place_call"]
request = ["everyone"]
settle = ["managers"]
"""


def check(folder: Path, *arguments: str, typed: str = "") -> Printed:
    """Run the command on a configuration of its own, without Slack's tokens, a key or a log."""
    (folder / "callops.toml").write_text(CONFIG, encoding="utf-8")
    left = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", "import", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "CALLOPS_CONFIG": str(folder / "callops.toml"),
            "CALLKARO_API_KEY": "secret",
            "RYNG_ACCESS_TOKEN": "secret",
        },
    )
    assert list(folder.glob("*.db")) == []
    return Printed(left.returncode, left.stdout, left.stderr)


def write(folder: Path, text: str) -> str:
    """Return the path of a list."""
    file = folder / "calls.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_good_list_is_summed_up(tmp_path: Path) -> None:
    """Its numbers are masked, and nothing is requested."""
    text = "Mobile,Name,Remark\n98765 43210,Asha,x\n+49 30 1234567,Jo,\n9876543210,Asha,\n"
    printed = check(tmp_path, write(tmp_path, text), "--dry-run", "--agent", "payments")
    assert (printed.status, printed.errors) == (0, "")
    assert printed.output.splitlines() == [
        "calls.csv: 2 calls to place through reminders.",
        "Columns read: “Mobile” as number and “Name” as metadata.name.",
        "Columns ignored: “Remark”.",
        "Numbers without a plus are read as IN numbers, and times in UTC.",
        "Countries: India 1, Germany 1.",
        "line 2: +91\N{NO-BREAK SPACE}•••3210, payments, now",
        "line 3: +49\N{NO-BREAK SPACE}•••4567, payments, now",
        "Left out, because the same call stands above: line 4 (as line 2).",
        "Every row can be read.",
        f"SHA-256: {sha256(text.encode()).hexdigest()}",
        "Dry run: nothing was requested.",
    ]


def test_every_fault_is_named_with_its_line_and_column(tmp_path: Path) -> None:
    """The good rows are still summed up."""
    text = "mobile,time,agent\n98765 43210,in 2 days 10:00,payments\n12,soon,welcome\n98765 43211,,nobody\n"
    printed = check(tmp_path, write(tmp_path, text), "--dry-run", "--zone", "Asia/Kolkata")
    assert printed.status == 1
    assert "1 call to place" in printed.output
    assert "2 rows can't be read." in printed.output
    assert [line.split(": ")[0] for line in printed.errors.splitlines()] == [
        "line 3, mobile",
        "line 3, time",
        "line 4, agent",
    ]


def test_calls_to_cancel_are_checked_for_their_connection(tmp_path: Path) -> None:
    """CallKaro cancels by number, so that a list of ids is a fault."""
    ids = write(tmp_path, "call_id\ncall_1\n")
    printed = check(tmp_path, ids, "--dry-run", "--cancel", "--via", "reminders")
    assert (printed.status, printed.errors) == (1, "CallKaro cancels calls by number only.\n")
    numbers = write(tmp_path, "98765 43210\n")
    printed = check(tmp_path, numbers, "--dry-run", "--cancel", "--via", "reminders", "--agent", "welcome")
    assert printed.status == 0
    assert "1 call to cancel through reminders" in printed.output


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["calls.csv"], 2, "Lists are requested in Slack with /calls import"),
        (["missing.csv", "--dry-run", "--agent", "payments"], 2, "There's no file"),
        ([".", "--dry-run", "--agent", "payments"], 2, "is a folder. Name a CSV file."),
        (["calls.csv", "--dry-run", "--agent", "paymens"], 2, "Did you mean payments?"),
        (["calls.csv", "--dry-run", "--via", "nobody"], 2, "There's no connection “nobody”."),
        (["calls.csv", "--dry-run", "--zone", "Mars/Base"], 2, "isn't a time zone"),
        (["calls.csv", "--dry-run", "--at", "soon"], 2, "isn't a time"),
        (["calls.csv", "--dry-run"], 1, "No voice agent is named."),
        (["binary.csv", "--dry-run", "--agent", "payments"], 1, "binary.csv: Line 1 isn't UTF-8."),
    ],
)
def test_a_list_that_cannot_be_checked_is_answered_with_a_sentence(
    tmp_path: Path, arguments: list[str], status: int, why: str
) -> None:
    """No such answer is a traceback."""
    write(tmp_path, "phone\n98765 43210\n")
    (tmp_path / "binary.csv").write_bytes(b"\x7fELF\x00\xff\x01")
    printed = check(tmp_path, str(tmp_path / arguments[0]), *arguments[1:])
    assert (printed.status, printed.output) == (status, "")
    assert why in printed.errors
    assert "Traceback" not in printed.errors


def test_a_list_is_read_from_a_pipe(tmp_path: Path) -> None:
    """A spreadsheet's converter can write into the check."""
    printed = check(tmp_path, "/dev/stdin", "--dry-run", "--agent", "payments", typed="phone\n98765 43210\n")
    assert printed.status == 0
    assert "stdin: 1 call to place" in printed.output
