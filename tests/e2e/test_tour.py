import io
import os
import shutil
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from playground import tour
from playground.callkaro import PLACE
from playground.company import Company
from playground.narrator import NarrationError, Narrator
from playground.scenes import asking_for_help, placed_at_once
from tests.e2e.scene import OVER_HTTP

MODE = ["--http"] if OVER_HTTP else []
"""The mode of the tour is that of the scenes."""
ENOUGH = 150
"""Seconds for the whole tour on a computer that does other things too."""


def test_the_tour_ends_as_expected(tmp_path: Path) -> None:
    """The whole workflow, played by real processes, meets all expectations and leaves nothing behind."""
    played = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "playground.tour", "--quiet", *MODE],
        capture_output=True,
        text=True,
        check=False,
        timeout=ENOUGH,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("━━") > 0
    assert "✗" not in played.stdout
    assert played.stderr == ""
    assert list(tmp_path.iterdir()) == []


async def asked_by_somebody_else(company: Company) -> None:
    """Send CallKaro a request that nobody ordered from the bot."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{company.stage.addresses['callkaro']}{PLACE}", json={}) as reply,
    ):
        assert reply.status == HTTPStatus.FORBIDDEN
    await company.expect_asked("CallKaro was asked nothing.")


async def placed_while_callkaro_fails(company: Company) -> None:
    """Let CallKaro answer 500 to a call that the tour expects to succeed."""
    await company.stage.providers.fail("callkaro", "server_error")
    await placed_at_once(company)


def test_a_difference_makes_the_tour_fail(capsys: pytest.CaptureFixture[str]) -> None:
    """Each failed sentence is named with what was seen. The tour continues while it can, and exits with 1."""
    scenes = [
        ("Somebody else", asked_by_somebody_else),
        ("Help", asking_for_help),
        ("Trouble", placed_while_callkaro_fails),
        ("Never played", asking_for_help),
    ]
    assert tour.main(["--quiet", *MODE], scenes, patience=2) == 1
    told = capsys.readouterr().out
    folder = Path(told.splitlines()[-1].split()[-1])
    kept = sorted(one.name for one in folder.iterdir())
    shutil.rmtree(folder)
    assert {"bot.log", "callops.db", "providers.jsonl"} <= {*kept}
    failures = [line for line in told.splitlines() if line.startswith("✗")]
    assert failures == [
        "✗ CallKaro was asked nothing.",
        "✗ Olive looks at #call-audit: ✅ Placed … +91\u00a0•••3211",
        "✗ No provider was asked anything more.",
    ]
    assert "callkaro  POST /call/outbound → 403, nothing changed" in told
    assert "⚠️ Outcome unknown" in told
    assert "━━ 3 · Trouble" in told
    assert "Never played" not in told


def test_a_narrator_tells_what_holds_and_what_does_not() -> None:
    """A fulfilled expectation is a line, and none when quiet. A failed one is always shown and kept."""
    for quiet in (False, True):
        out = io.StringIO()
        narrator = Narrator(out, quiet=quiet)
        narrator.expect("Water is wet.", holds=True, seen="water")
        narrator.expect_equal("Two is two.", [2], [2])
        assert narrator.failures == []
        assert out.getvalue() == ("" if quiet else "✓ Water is wet.\n✓ Two is two.\n")
        narrator.expect_equal("Two is three.", [2], [3])
        with pytest.raises(NarrationError):
            narrator.misses("The sun rises.", "the moon")
        assert narrator.failures == ["Two is three.", "The sun rises."]
        assert "✗ The sun rises.\n  Seen:\n    the moon\n" in out.getvalue()
        assert "✗ Two is three.\n  Seen:\n    2\n  Expected:\n    3\n" in out.getvalue()


@pytest.mark.parametrize(("colours", "title"), [(False, "━━ A "), (True, "\033[1m━━ A ")])
def test_colours_only_where_they_are_wanted(title: str, *, colours: bool) -> None:
    """A pipe gets plain text."""
    out = io.StringIO()
    Narrator(out, quiet=True, colours=colours).title("A")
    assert out.getvalue().startswith(title)
