"""Upkeep of the log at a terminal: `python -m bot purge` and `retry-connection`.

Personal data is purged by age, by number, by person, or again after a restore.
"""

import argparse
import asyncio
import getpass
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import CallOpsError
from bot.config.environment import ConfigError, existing_log, log_key, no_log
from bot.config.loader import load, read_config
from bot.config.settings import SLACK_PERSON, RetentionSettings, Settings, make_adapters
from bot.policy.rules import duration
from bot.text.terminal import complain, say
from bot.text.vocabulary import state_word
from bot.workers.rate_limiter import account_of
from bot.workers.retention import by_age, in_words
from providers.phone import InvalidNumberError, read
from storage.database.connection import CannotOpenLogError
from storage.models import ConnectionOutage
from storage.repositories.erasure_list import (
    Listed,
    PurgeFilter,
    PurgeResult,
    Retained,
    RetainedBecause,
    UnreadableListError,
    list_beside,
)
from storage.states import State
from storage.store import Store

OK, WRONG, LEFT_SOMETHING, CANNOT_START = 0, 1, 1, 2
LISTED_AT_MOST = 20
NOT_REACHED = (
    "This can't erase:",
    "  your backups and exports. Delete them when they're old enough, or purge them after a restore.",
    "  answers that only one person saw, people's own messages, and Slack's own records.",
    "  replies in threads from before the log noted their place.",
    "  the voice provider's own records.",
)


class PurgeError(CallOpsError):
    """Why nothing was purged: a sentence, or several."""


def retry_connection(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Let a connection that is left alone go on at once, say what held it up, and return the exit status.

    For whoever knows better than the pause: the provider said that it is up again, or gave a higher rate.
    """
    try:
        settings = load(variables)
        if missing := no_log(settings.database) or _missing(chosen.connection, settings):
            complain(*missing)
            return CANNOT_START
        lifted = asyncio.run(_lift(chosen.connection, settings))
    except ConfigError as error:
        complain(*error.faults)
        return CANNOT_START
    except CannotOpenLogError as error:
        complain(str(error))
        return CANNOT_START
    say(*(map(lifted_words, lifted) if lifted else [f"{chosen.connection} isn't paused."]))
    return OK


def _missing(connection: str, settings: Settings) -> list[str]:
    """Return that a connection is missing as the only fault; nothing where it is on."""
    if connection in settings.connections:
        return []
    on = ", ".join(sorted(settings.connections)) or "none"
    return [f"Unknown connection “{connection}”. Enabled: {on}."]


async def _lift(connection: str, settings: Settings) -> list[ConnectionOutage]:
    adapters = make_adapters(settings, lambda: datetime.now(UTC))
    try:
        account = account_of(connection, adapters[connection])
        sharing = [name for name, adapter in adapters.items() if account_of(name, adapter) == account]
    finally:
        for adapter in adapters.values():
            await adapter.aclose()
    log = await Store.open(settings.database, key=settings.key_bytes, clock=lambda: datetime.now(UTC))
    try:
        return list(await log.outages.reset(sharing, account))
    finally:
        await log.close()


def lifted_words(one: ConnectionOutage) -> str:
    """Return what was lifted, and what follows."""
    until = f"{one.until:%d %b %H:%M:%S} UTC"
    if one.reason == "rate_limited":
        return f"{one.connection} asked us to wait until {until}. CallOps now sends to it again."
    return (
        f"{one.connection} didn't answer {one.failures} times in a row. The next try was due {until}. "
        "CallOps tries now, and waits again if there's no answer."
    )


def purge(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Purge and return the exit status: 1 where something that was asked for stays."""
    try:
        return asyncio.run(_purge(chosen, variables))
    except (PurgeError, CannotOpenLogError, UnreadableListError) as error:
        complain(*map(str, error.args))
        return CANNOT_START
    except OSError as error:  # what goes is listed beside the log before anything goes
        complain(f"Nothing was erased: {error.filename} can't be written: {error.strerror}.")
        return CANNOT_START


async def _purge(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    path, key, retention, region = _purge_settings(variables)
    now = datetime.now(UTC)
    log = await Store.open(path, key=key, clock=lambda: datetime.now(UTC))
    try:
        if chosen.again:
            erasing = await log.retention.erased_before(hold=retention.hold)
            if erasing is None:
                raise PurgeError(f"Nothing was purged before: {list_beside(path)} doesn't exist")
        else:
            erasing = asked_for(chosen, retention, region, now)
        if chosen.dry_run:
            done = await log.retention.erasable(erasing)
        else:
            done = await log.retention.purge(erasing, actor=operator())
    finally:
        await log.close()
    say(*report(erasing, done, dry_run=chosen.dry_run))
    return LEFT_SOMETHING if (done.kept and erasing.before is None) or done.left else OK


def _purge_settings(variables: Mapping[str, str]) -> tuple[Path, bytes, RetentionSettings, str]:
    """Return the log, its key, the retention settings and the region of numbers without a plus."""
    faults: list[str] = []
    path = existing_log(variables, faults)
    key = log_key(variables, faults)
    found = read_config(variables)
    if not found.readable or found.retention is None:  # what is on hold must be known
        faults += [one for one in found.file_faults if not found.readable or ": retention" in one]
    if faults or key is None or found.retention is None:
        raise PurgeError(*faults)
    return path, key, found.retention, found.default_region


def asked_for(
    chosen: argparse.Namespace, retention: RetentionSettings, region: str, now: datetime
) -> PurgeFilter:
    """Return the filter that the command's options make. Raises `PurgeError`."""
    kept = now - retention.keep_at_least if retention.keep_at_least else None
    if chosen.number:
        try:
            number = read(chosen.number, default_region=region, premium=True).e164
        except InvalidNumberError as fault:
            raise PurgeError(str(fault)) from fault
        return PurgeFilter("by number", numbers=frozenset({number}), spare_after=kept, hold=retention.hold)
    if chosen.person:
        if not SLACK_PERSON.match(chosen.person):
            raise PurgeError(f"{chosen.person} isn't a Slack ID like U0123. Nothing was erased.")
        return PurgeFilter("by person", names=(Listed(chosen.person, now),), hold=retention.hold)
    if chosen.older_than:
        try:
            age = duration(chosen.older_than)
        except ValueError as fault:
            raise PurgeError(f"--older-than {chosen.older_than}: {fault}") from fault
        if age < retention.keep_at_least:
            raise PurgeError(
                f"Everything is kept for at least {in_words(retention.keep_at_least)} "
                "([retention] keep_at_least). Nothing was erased. Use a longer time."
            )
        return replace(_by_age(replace_age(retention, age), now), rule=f"older than {in_words(age)}")
    return _by_age(retention, now)


def replace_age(retention: RetentionSettings, age: timedelta) -> RetentionSettings:
    """Return the settings with another ``keep_at_most``."""
    return retention.model_copy(update={"keep_at_most": age})


def _by_age(retention: RetentionSettings, now: datetime) -> PurgeFilter:
    erasing = by_age(retention, now)
    if erasing is None:
        raise PurgeError(
            "Add --number, --person, --again or --older-than 365d. Or set keep_at_most in [retention]. "
            "Nothing was erased."
        )
    return erasing


def operator() -> str:
    """Return the operating system's user."""
    try:
        return f"operator {getpass.getuser()}"
    except (OSError, KeyError):  # an account without a name, as in a container
        return "operator"


def report(erasing: PurgeFilter, done: PurgeResult, *, dry_run: bool) -> Iterator[str]:
    """Return what was done, or would be, as lines."""
    ids = [one.id for one in done.requests]
    requests, faults = (
        [one for one in ids if one.startswith("E-") is of_faults] for of_faults in (False, True)
    )
    counts = [
        (len(requests), "request", "requests"),
        (len(faults), "error report", "error reports"),
        (done.drafts, "draft", "drafts"),
        (done.people, "name", "names"),
    ]
    counted = ", ".join(_count(*one) for one in counts if one[0])
    if not done.anything:
        yield f"Nothing to erase ({erasing.rule})."
    elif dry_run:
        yield f"Would be erased ({erasing.rule}): {counted}. Nothing was changed."
    else:
        yield f"Erased ({erasing.rule}): {counted}." + (
            f" Recorded in the log as {done.id}." if done.id else ""
        )
    for first in range(0, min(len(ids), LISTED_AT_MOST), 10):
        yield f"  {'  '.join(ids[first : min(first + 10, LISTED_AT_MOST)])}"
    if len(ids) > LISTED_AT_MOST:
        yield f"  … and {len(ids) - LISTED_AT_MOST} more"
    if done.kept:
        yield "Not erased:"
        yield from (f"  {one.request}: {_why(one)}." for one in done.kept[:LISTED_AT_MOST])
    if len(done.kept) > LISTED_AT_MOST:
        yield f"  … and {len(done.kept) - LISTED_AT_MOST} more"
    yield from _left(done)
    if done.messages:
        when = "" if dry_run else " It does so now, or when it starts."
        ours = _count(done.messages, "message", "messages")
        yield f"The bot also erases the text of {ours} in Slack.{when}"
    if not done.wiped:
        beside = f"{done.unwiped >> 10} KiB with old bytes stay beside it."
        yield f"Another process keeps the log open for reading, as Litestream does. {beside}"
        yield "A running bot tries every minute to empty them."
    if done.anything:
        yield from NOT_REACHED


def _left(done: PurgeResult) -> Iterator[str]:
    """Return what no purge erases, as lines."""
    if done.left:
        yield "Not erased, although the text has the number, because the chain keeps everything:"
        yield f"  {'  '.join(done.left[:LISTED_AT_MOST])}"
    if len(done.left) > LISTED_AT_MOST:
        yield f"  … and {len(done.left) - LISTED_AT_MOST} more"


def _why(kept: Retained) -> str:
    match kept.why:
        case RetainedBecause.HELD:
            return "it's on hold ([retention] hold)"
        case RetainedBecause.UNDER_WAY:
            return f"it isn't finished ({state_word(State(kept.state)).lower()}). Finish it, then purge again"
        case RetainedBecause.MOVING:
            return "its call is being moved. Purge again after that"
        case RetainedBecause.GOES_OUT:
            return f"its call is scheduled{_at(kept)}. Cancel the call or wait, then purge again"
        case RetainedBecause.YOUNG:
            return f"it ended{_at(kept)}, and it's kept for longer ([retention] keep_at_least)"


def _at(kept: Retained) -> str:
    return f" {kept.until:%Y-%m-%d %H:%M} UTC" if kept.until else ""


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
