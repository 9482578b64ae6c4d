import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.stop_commands import read
from tests.road.scene import Printed

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.parametrize(
    ("text", "numbers", "bad"),
    [
        ("98765 43210\n+919876543211\n", {"+919876543210", "+919876543211"}, []),
        ("\n# from the regulator\n98765 43210\n\n98765 43210\n", {"+919876543210"}, []),
        ("name,number\nAsha,98765 43210\n", {"+919876543210"}, []),
        ("Name;Phone\r\nAsha;98765 43210\r\n", {"+919876543210"}, []),
        ("98765 43210\nnobody\n+91 12\n", {"+919876543210"}, [2, 3]),
        ("name,number\nAsha\n", set(), [2]),
        ('name,number\n"Asha, of\nPune",98765 43210\n', {"+919876543210"}, []),
        ("", set(), []),
    ],
)
def test_a_list_is_read_line_by_line(text: str, numbers: set[str], bad: list[int]) -> None:
    """Each number once, by column or alone; what cannot be read is named by its line, and shows no number."""
    found = read(text, default_region="IN")
    assert found.numbers == numbers
    assert [line for line, _ in found.faults] == bad


def callops(folder: Path, *arguments: str) -> Printed:
    """Run a command on a log of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "CALLOPS_KEY": KEY,
        "DATABASE_URL": f"sqlite:///{folder / 'callops.db'}",
        "CALLOPS_CONFIG": str(folder / "callops.toml"),
    }
    shown = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=Path(__file__).parents[2],
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
    assert "line 2: That number is too short for +91." in str(why)
    assert "Nothing was imported: 1 line cannot be read." in str(why)
    status, said, _ = stop(*importing, "--leave-out-bad-lines")
    assert status == 1
    assert "1 number added to the list ndnc, which has 1 now" in str(said)
    assert "1 line left out." in str(said)
    assert stop("list", "--json")[:2] == (0, '{"stopped_by_people": 0, "lists": {"ndnc": 1}}')
    file.write_text("98765 43210\n", encoding="utf-8")
    assert stop(*importing)[:2] == (0, "The list ndnc has 1 number of the file already.")
    assert stop("remove", "ndnc")[0] == 0
    assert stop("remove", "ndnc")[0] == 2
    assert callops(tmp_path, "log", "verify").status == 0
