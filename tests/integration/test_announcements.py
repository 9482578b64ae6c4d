"""Announcements: messages without a request, which go through the outbox like all others."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.environment import ConfigError
from bot.config.settings import Settings
from bot.workers.config_reload import ConfigReloader
from bot.workers.daily_summary import DailySummary
from bot.workers.outbox import KEPT_FOR, Outbox
from bot.workers.prepared_posts import Prepared
from bot.workers.retention import RetentionWorker
from playground.people import Message
from storage.maintenance.anchors import Anchor
from storage.models import MessageRef
from storage.repositories.erasure_list import PurgeFilter
from tests.integration.bench import PLACE, Bot, BotWorld, Parts, bench
from tests.storage.samples import NUMBER

DAY = timedelta(days=1)
MASKED = "+91\u00a0•••3210"
BY_NUMBER = PurgeFilter("by number", numbers=frozenset({NUMBER}))
WHY = "Kanariya asked not to be called"


def reloading(stage: BotWorld, bot: Bot, read: Callable[[], Settings]) -> ConfigReloader:
    """Return the worker that keeps the rules of a bot."""
    return ConfigReloader(bot.store, bot.current, bot.directory, read, stage.clock)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, whose log knows its rules, and whose outbox is empty."""
    async with bench(tmp_path) as made:
        await reloading(made, made.bot, lambda: made.bot.settings).keep()
        await made.bot.ask(PLACE)
        await made.bot.run_until_idle()
        await made.bot.posts()
        yield made


async def sum_up(stage: BotWorld, bot: Bot) -> None:
    """Announce the daily summary, which is due now."""
    slack = bot.settings.slack.model_copy(
        update={"daily_summary": stage.clock.now.time(), "daily_timezone": "Etc/UTC"}
    )
    await DailySummary(bot.store, replace(bot.settings, slack=slack), stage.clock).run_once()


async def anchor(stage: BotWorld, bot: Bot) -> None:
    """Announce the end of the log of the day before."""
    await RetentionWorker(bot.store, bot.settings, lambda: stage.clock.now + DAY).run_once()


async def stop(_: BotWorld, bot: Bot) -> None:
    """Stop the calls to a number."""
    await bot.store.do_not_call.add(NUMBER, masked=MASKED, actor="U0AGENT", reason=WHY)


async def change_rules(stage: BotWorld, bot: Bot) -> None:
    """Load other rules than those that the log knows."""
    await reloading(stage, bot, lambda: replace(bot.settings, rules=bot.settings.rules[:1])).reload()


async def break_rules(stage: BotWorld, bot: Bot) -> None:
    """Load a file that has a fault."""

    def read() -> Settings:
        raise ConfigError(["callops.toml: rules 98765 43210: there is no such key"])

    await reloading(stage, bot, read).reload()


async def fall(_: BotWorld, bot: Bot) -> None:
    """Report that a provider is down."""
    await bot.store.outages.failed(
        "voxworks",
        began=bot.store._database.sources.clock(),
        pause=lambda _: timedelta(minutes=1),
        reachable=False,
        told_from=1,
    )


ANNOUNCED: dict[str, tuple[Callable[[BotWorld, Bot], Awaitable[None]], str]] = {
    "daily_summary": (sum_up, "1 done."),
    "anchor": (anchor, "the log ends with event"),
    "do_not_call": (stop, f"blocked {MASKED}."),
    "rules_changed": (change_rules, "The rules changed."),
    "rules_faulty": (break_rules, "The new rules weren't loaded"),
    "outage": (fall, "voxworks has been down since"),
}


async def announced(stage: BotWorld, says: str) -> list[Message]:
    """Return the announcements in the audit channel that say this."""
    return [one for one in await stage.said("C0AUDIT") if says in one.text]


def rows(stage: BotWorld) -> list[tuple[str, str, str | None]]:
    """Return every announcement in the outbox to the audit channel: its key, its payload, and its end."""
    with closing(sqlite3.connect(stage.path)) as connection:
        return connection.execute(
            "SELECT dedupe_key, payload, ended FROM outbox"
            " WHERE request IS NULL AND slot <> 'approvals' ORDER BY id"
        ).fetchall()


@pytest.mark.parametrize("kind", ANNOUNCED)
async def test_a_restart_between_the_commit_and_the_post_loses_nothing(stage: BotWorld, kind: str) -> None:
    """The next process posts an announcement that a dead one committed, once."""
    does, says = ANNOUNCED[kind]
    await does(stage, stage.bot)
    bot = await stage.crash()
    assert not await announced(stage, says)
    for _ in range(3):
        await bot.posts()
        await stage.pass_time(minutes=1)
    assert len(await announced(stage, says)) == 1
    assert [ended for key, _, ended in rows(stage) if key.startswith(kind)] == ["delivered"]


@pytest.mark.parametrize("kind", ["daily_summary", "anchor", "rules_changed", "outage"])
async def test_two_processes_announce_the_same_once(stage: BotWorld, kind: str) -> None:
    """Two processes announce at the same moment, and again after a restart."""
    does, says = ANNOUNCED[kind]
    bots = [stage.bot, await stage.start()]
    await asyncio.gather(*(does(stage, bot) for bot in bots))
    await asyncio.gather(*(bot.posts() for bot in bots))
    again = await stage.start()
    await does(stage, again)
    await again.posts()
    assert len(await announced(stage, says)) == 1


@pytest.mark.parametrize("kind", ANNOUNCED)
async def test_a_failing_post_names_what_it_was(
    stage: BotWorld, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The process's log names the announcement that Slack refuses, as an error, and the reason."""
    does, _ = ANNOUNCED[kind]
    await does(stage, stage.bot)
    await stage.people.fail("chat.postMessage", "error", code="invalid_blocks", times=2)
    await stage.bot.posts()
    [(key, _, ended)] = [row for row in rows(stage) if row[0].startswith(kind)]
    assert ended == "abandoned"
    errors = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert f"Slack will not take {key}: invalid_blocks" in errors
    assert not any("daily line" in one for one in errors)


async def test_a_channel_that_is_shut_is_tried_for_a_week(
    stage: BotWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """The process's log has a single error for each channel.

    A person who invites the app again misses nothing of the last days.
    """
    await stop(stage, stage.bot)
    await stage.people.fail("chat.postMessage", "error", code="not_in_channel", times=6)
    for _ in range(3):
        await stage.bot.posts()
        await stage.pass_time(minutes=2)
    assert not await announced(stage, " blocked ")
    errors = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert sorted(one.partition(" cannot be posted in ")[2] for one in errors) == [
        "C0APPROVE: not_in_channel",
        "C0AUDIT: not_in_channel",
    ]
    await stage.bot.posts()
    assert len(await announced(stage, " blocked ")) == 1

    await stage.bot.store.do_not_call.remove(NUMBER, masked=MASKED, actor="U0AGENT", reason=WHY)
    await stage.people.fail("chat.postMessage", "error", code="not_in_channel", times=4)
    await stage.bot.posts()
    await stage.pass_time(seconds=KEPT_FOR.total_seconds() + 1)
    await stage.bot.posts()
    assert [ended for *_, ended in rows(stage)] == ["delivered", "abandoned"]


async def test_managers_are_told_of_a_block_and_its_undo(stage: BotWorld) -> None:
    """The approvals channel reads what the audit channel does. One channel for both reads it once."""
    made, _ = await stage.bot.store.do_not_call.add(NUMBER, masked=MASKED, actor="U0AGENT", reason=WHY)
    await stage.bot.store.do_not_call.undo(made.id, actor="U0AGENT", not_before=made.at)
    for _ in range(3):
        await stage.bot.posts()
        await stage.pass_time(minutes=1)
    for channel in ("C0APPROVE", "C0AUDIT"):
        said = [one.text for one in await stage.said(channel)]
        assert sum(f"asha blocked {MASKED}." in one for one in said) == 1, channel
        assert sum(f"asha undid the block of {MASKED}." in one for one in said) == 1, channel
    bot = await stage.start(**{'approvals_channel = "C0APPROVE"': 'approvals_channel = "C0AUDIT"'})
    await stop(stage, bot)
    for _ in range(3):
        await bot.posts()
        await stage.pass_time(minutes=1)
    assert len(await announced(stage, f"asha blocked {MASKED}.")) == 2


async def test_an_anchor_says_what_it_was_made_of(stage: BotWorld) -> None:
    """Both its row and its message have the number and the hash, although the log grew meanwhile."""
    [before] = [await stage.bot.store.audit.anchor(stage.clock.now + DAY)]
    assert before
    await anchor(stage, stage.bot)
    [(key, payload, _)] = rows(stage)
    assert key == f"anchor:{before.seq}"
    assert json.loads(payload) == {"day": "2026-03-02", "event": before.seq, "hash": before.hash}
    await stage.bot.ask(PLACE, delivery_key="since")
    bot = await stage.crash()
    await bot.posts()
    [message] = await announced(stage, "the log ends with event")
    [told] = Anchor.all_in(message.text)
    assert (told.seq, told.hash) == (before.seq, before.hash)


async def test_nothing_that_can_be_erased_stands_in_the_outbox(stage: BotWorld) -> None:
    """The outbox holds no number, not even masked, and no reason. Erased values are not posted later."""
    for does, _ in ANNOUNCED.values():
        await does(stage, stage.bot)
    payloads = {key.partition(":")[0]: payload for key, payload, _ in rows(stage)}
    assert payloads.keys() == ANNOUNCED.keys()
    assert payloads["do_not_call"] == "{}"
    assert not [word for word in ("98765", "Kanariya", "customer asked") if word in str(payloads)]
    done = await stage.bot.store.retention.purge(BY_NUMBER, actor="operator")
    assert done.requests
    await stage.bot.posts()
    [told] = await announced(stage, " blocked ")
    assert MASKED not in str(told)


async def test_a_day_of_which_nothing_was_told_is_not_told_later(tmp_path: Path) -> None:
    """Later events belong to the next day's summary."""
    async with bench(tmp_path) as stage:
        await sum_up(stage, stage.bot)
        hour = stage.clock.now
        await stage.bot.posts()
        assert not await stage.said("C0AUDIT")
        await stage.bot.ask(PLACE)
        await stage.bot.run_until_idle()
        bot = await stage.crash()
        stage.clock.now = hour
        await sum_up(stage, bot)
        await bot.posts()
        assert not await announced(stage, "📋")


async def test_an_outage_that_is_over_before_it_was_told_is_not_told(stage: BotWorld) -> None:
    """Slack was down for as long as the provider was."""
    await fall(stage, stage.bot)
    await stage.people.fail("chat.postMessage", "server_error", times=2)
    await stage.bot.posts()
    await stage.pass_time(minutes=1)
    await stage.bot.store.outages.answered("voxworks")
    await stage.bot.posts()
    assert not await announced(stage, "voxworks")
    assert [ended for *_, ended in rows(stage)] == ["delivered"]


class EndsMeanwhile(Outbox):
    """A client during whose post an outage ends."""

    async def _say(self, one: Prepared, above: MessageRef | None, arguments: dict[str, Any]) -> MessageRef:
        said = await super()._say(one, above, arguments)
        await self._store.outages.answered("voxworks")
        return said


async def test_an_outage_that_ends_while_it_is_told_is_edited(tmp_path: Path) -> None:
    """The message was on its way. It is edited as soon as it is posted, and stays a single message."""
    async with bench(tmp_path, Parts(outbox=EndsMeanwhile)) as stage:
        await fall(stage, stage.bot)
        await stage.bot.posts()
        [told] = await announced(stage, "voxworks")
        assert "voxworks is back since" in told.text
