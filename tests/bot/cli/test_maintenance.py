"""`python -m bot purge`: what its options ask for, and how it tells what was done."""

import argparse
import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.maintenance import NOT_REACHED, PurgeError, asked_for, purge, report
from bot.config.settings import RetentionSettings
from providers.actions import PlaceCall
from storage.changes import NewAction
from storage.repositories.erasure_list import Listed, PurgeFilter, PurgeResult, Retained, RetainedBecause
from storage.store import Store
from tests.bot.config.test_loader import FILE, KEY, environment
from tests.storage.samples import NUMBER, OTHER_NUMBER, placing, withdraw

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTINGS = RetentionSettings.model_validate(
    {"keep_at_least": "30d", "keep_at_most": "365d", "hold": ["A-7K3F", NUMBER]}
)


def options(**given: str) -> argparse.Namespace:
    """Return the command's options, as they were typed."""
    return argparse.Namespace(
        **({"number": None, "person": None, "older_than": None, "again": False} | given)
    )


def test_the_options_ask_for_a_rule() -> None:
    """Each is one rule; what is on hold stays with every one, and the settings' least time with a number."""
    hold, least = SETTINGS.hold, NOW - timedelta(days=30)
    asked = {
        "number": "098765 43210",
        "person": "U0AGENT",
        "older_than": "90d",
    }
    rules = [asked_for(options(**{name: value}), SETTINGS, "IN", NOW) for name, value in asked.items()]
    assert rules == [
        PurgeFilter("by number", numbers=frozenset({NUMBER}), spare_after=least, hold=hold),
        PurgeFilter("by person", names=(Listed("U0AGENT", NOW),), hold=hold),
        PurgeFilter("older than 90 days", before=NOW - timedelta(days=90), hold=hold),
    ]
    assert asked_for(options(), SETTINGS, "IN", NOW) == PurgeFilter(
        "older than 365 days", before=NOW - timedelta(days=365), hold=hold
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"number": "12"}, "too short"),
        ({"person": "asha"}, "isn't a Slack ID"),
        ({"older_than": "a year"}, "write a number and s, m, h or d"),
        ({"older_than": "29d"}, "Everything is kept for at least 30 days"),
        ({}, "set keep_at_most"),
    ],
)
def test_what_cannot_be_asked_for_is_said(given: dict[str, str], said: str) -> None:
    """In words, and nothing is erased."""
    settings = SETTINGS if given else RetentionSettings()
    with pytest.raises(PurgeError, match=said):
        asked_for(options(**given), settings, "IN", NOW)


def test_the_report_says_what_went_what_stays_and_why() -> None:
    """Counted and named, without a number; and what no purge reaches."""
    kept = [
        Retained("A-2222", RetainedBecause.HELD, "succeeded"),
        Retained("A-3333", RetainedBecause.UNDER_WAY, "unknown"),
        Retained("A-4444", RetainedBecause.GOES_OUT, "succeeded", NOW),
        Retained("A-4455", RetainedBecause.MOVING, "succeeded"),
        Retained("A-5555", RetainedBecause.YOUNG, "denied", NOW),
    ]
    done = PurgeResult(
        [Listed("A-6666", NOW), Listed("A-7777", NOW), Listed("E-8888", NOW)],
        kept,
        drafts=1,
        messages=1,
        id="P-9999",
        wiped=False,
        unwiped=40 << 10,
    )
    assert list(report(PurgeFilter("by number"), done, dry_run=False)) == [
        "Erased (by number): 2 requests, 1 error report, 1 draft. Recorded in the log as P-9999.",
        "  A-6666  A-7777  E-8888",
        "Not erased:",
        "  A-2222: it's on hold ([retention] hold).",
        "  A-3333: it isn't finished (outcome unknown). Finish it, then purge again.",
        "  A-4444: its call is scheduled 2026-11-21 12:00 UTC. Cancel the call or wait, then purge again.",
        "  A-4455: its call is being moved. Purge again after that.",
        "  A-5555: it ended 2026-11-21 12:00 UTC, and it's kept for longer ([retention] keep_at_least).",
        "The bot also erases the text of 1 message in Slack. It does so now, or when it starts.",
        "Another process keeps the log open for reading, as Litestream does. 40 KiB with old bytes stay beside it.",
        "A running bot tries every minute to empty them.",
        *NOT_REACHED,
    ]
    assert list(report(PurgeFilter("by number"), PurgeResult([]), dry_run=False)) == [
        "Nothing to erase (by number)."
    ]


async def _made(path: Path) -> None:
    log = await Store.open(path, key=bytes(32), clock=lambda: NOW)
    await log.close()


async def test_nothing_is_purged_where_the_hold_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A faulty table, no file at all: what may not be erased is not known, so nothing is."""
    await _made(tmp_path / "callops.db")
    chosen = options(number=NUMBER)
    chosen.dry_run = False
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'callops.db'}", "CALLOPS_KEY": KEY}
    faulty = environment(tmp_path, FILE + '\n[retention]\nhold = ["7K3F"]\n') | database
    assert await asyncio.to_thread(purge, chosen, faulty) == 2
    assert 'retention.hold: "7K3F" is neither a request (A-7K3F) nor a number' in capsys.readouterr().err
    nowhere = faulty | {"CALLOPS_CONFIG": str(tmp_path / "nowhere.toml")}
    assert await asyncio.to_thread(purge, chosen, nowhere) == 2
    assert "nowhere.toml isn't there" in capsys.readouterr().err


def test_the_report_names_what_nothing_can_erase() -> None:
    """The report names events of the chain that hold the number, also where nothing was erased."""
    named = [f"A-{n}" for n in range(2222, 2244)]
    told = list(report(PurgeFilter("by number"), PurgeResult([], left=named), dry_run=False))
    assert told == [
        "Nothing to erase (by number).",
        "Not erased, although the text has the number, because the chain keeps everything:",
        "  " + "  ".join(named[:20]),
        "  … and 2 more",
    ]


async def test_a_number_that_nothing_can_erase_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command's status says so, and its words say where it stands."""
    log = await Store.open(tmp_path / "callops.db", key=bytes(32), clock=lambda: NOW)
    call = PlaceCall(to=OTHER_NUMBER, agent="98765-43210")
    made = (await log.requests.create(replace(placing(), actions=[NewAction(call, OTHER_NUMBER)]))).request.id
    await log.requests.apply(withdraw(made))
    await log.close()
    chosen = options(number=NUMBER)
    chosen.dry_run = False
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'callops.db'}", "CALLOPS_KEY": KEY}
    variables = environment(tmp_path, FILE) | database
    assert await asyncio.to_thread(purge, chosen, variables) == 1
    assert f"because the chain keeps everything:\n  {made}\n" in capsys.readouterr().out
