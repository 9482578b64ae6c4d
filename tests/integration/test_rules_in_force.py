import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.config.environment import ConfigError
from bot.config.settings import Settings
from bot.services.models import PermissionDeniedError
from bot.workers.config_reload import ConfigReloader
from playground.people import Message
from storage.queries import Query
from storage.states import State
from tests.integration.bench import CANCEL_BY_ID, MANAGER, PLACE, BotWorld, bench
from tests.storage.samples import verified

APPROVE = 'approve = ["managers"]'
TWO = {APPROVE: f"{APPROVE}\napprovals = 2"}
PLACING = 'actions = ["place_call"]'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


class File:
    """A configuration file to reload: its changes or its faults."""

    def __init__(self, stage: BotWorld) -> None:
        self._stage = stage
        self.changes: dict[str, str] = {}
        self.faults: list[str] = []

    def read(self) -> Settings:
        """Return the settings, or raise the file's faults."""
        if self.faults:
            raise ConfigError(self.faults)
        return self._stage._settings(self.changes)


def reloading(stage: BotWorld, file: File) -> ConfigReloader:
    """Return the worker that keeps and reloads the live bot's rules."""
    bot = stage.bot
    return ConfigReloader(bot.store, bot.current, bot.directory, file.read, stage.clock)


async def announced(stage: BotWorld) -> list[Message]:
    """Return the audit channel's messages, once the outbox is empty."""
    await stage.bot.posts()
    return await stage.said("C0AUDIT")


async def test_the_rules_of_the_start_are_in_the_log_once(stage: BotWorld) -> None:
    """The first start records them. A start that finds them there adds nothing."""
    one = reloading(stage, File(stage))
    assert await one.keep()
    assert await one.keep() is None
    await stage.crash()
    assert await reloading(stage, File(stage)).keep() is None
    kept = await stage.bot.store.audit.rules()
    assert kept
    assert kept.request.startswith("R-")
    rules = json.loads(str(kept.data["rules"]))
    assert [rule["name"] for rule in rules["rules"]] == [
        "cancellations need a manager",
        "anyone may place a call",
    ]
    assert not await announced(stage)
    assert not (await verified(stage.bot.store)).faults


async def test_a_start_with_other_rules_says_what_is_different(stage: BotWorld) -> None:
    """The log and the audit channel have the difference, in plain sentences and without secrets."""
    await reloading(stage, File(stage)).keep()
    await stage.crash(**TWO)
    await reloading(stage, File(stage)).keep()
    kept = await stage.bot.store.audit.rules()
    line = 'The rule "cancellations need a manager": approvals was the default, and is 2.'
    assert kept
    assert kept.data["difference"] == line
    [said] = await announced(stage)
    assert said.text == "*The rules changed.* They also apply to waiting requests."
    assert line in str(said.blocks)
    assert kept.request in str(said.blocks)
    assert stage.bot.settings.key.get_secret_value() not in str(kept.data)


async def test_two_processes_that_start_together_write_it_once(stage: BotWorld) -> None:
    """The second process finds the event of the first."""
    here = reloading(stage, File(stage))
    await stage.start()
    there = reloading(stage, File(stage))
    assert [await here.keep() is None, await there.keep() is None] == [False, True]


async def test_a_rule_that_is_read_anew_holds_at_once(stage: BotWorld) -> None:
    """The rule holds for new requests and for pending ones. A signal reloads the file."""
    file = File(stage)
    one = reloading(stage, file)
    await one.keep()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, one.request_reload)
    made = await stage.bot.ask(CANCEL_BY_ID)
    file.changes = TWO
    os.kill(os.getpid(), signal.SIGHUP)
    while (kept := await stage.bot.store.audit.rules()) is None or "approvals" not in str(
        kept.data["difference"]
    ):
        await one.run_once()
        await stage.bot.store.search.tally(stage.clock())
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
    assert (await stage.bot.approve(made)).state is State.PENDING
    assert (await stage.bot.approve(made, by="U0SECOND")).state is State.APPROVED


async def test_groups_and_reasons_are_read_anew(stage: BotWorld) -> None:
    """Approvers, and the reasons to choose from, are reloaded."""
    file = File(stage)
    made = await stage.bot.ask(CANCEL_BY_ID)
    file.changes = {APPROVE: 'approve = ["U0AUDITOR"]'}
    await reloading(stage, file).reload()
    with pytest.raises(PermissionDeniedError, match="Only U0AUDITOR may decide this"):
        await stage.bot.approve(made, by=MANAGER)
    assert (await stage.bot.approve(made, by="U0AUDITOR")).state is State.APPROVED


async def test_calling_hours_that_change_are_told(stage: BotWorld) -> None:
    """The event has the file's own hours in words. The built-in hours are in no event."""
    file = File(stage)
    one = reloading(stage, file)
    await one.keep()
    for until, before in (("18:00", "the default"), ("19:00", "from 9:00 AM to 6:00 PM")):
        file.changes = {"[groups]": f'[calling_hours]\nIN = {{ from = "9:00", until = "{until}" }}\n[groups]'}
        await one.reload()
        kept = await stage.bot.store.audit.rules()
        assert kept
        hour = int(until[:2]) - 12
        now = f"from 9:00 AM to {hour}:00 PM"
        assert kept.data["difference"] == f"The calling hours for IN were {before}, and are {now}."
        assert kept.data["difference"] in str((await announced(stage))[-1].blocks)
    file.changes = {}
    await one.reload()
    kept = await stage.bot.store.audit.rules()
    assert kept
    assert str(kept.data["difference"]).endswith("and are the default.")
    assert json.loads(str(kept.data["rules"]))["calling_hours"] == {}


async def test_what_needs_a_restart_is_said(stage: BotWorld) -> None:
    """Connections are built at the start only. Rules in the same file hold at once."""
    file = File(stage)
    one = reloading(stage, file)
    await one.keep()
    file.changes = {**TWO, "[dispatch]\n": "[dispatch]\nworkers = 2\n"}
    await one.reload()
    [said] = await announced(stage)
    assert "Restart CallOps to apply [dispatch]" in str(said.blocks)
    assert stage.bot.permissions.rules[0].approvals == 2


async def test_a_file_with_a_fault_changes_nothing_and_says_why(stage: BotWorld) -> None:
    """The earlier rules hold, the audit channel has the fault, and the log has no event."""
    file = File(stage)
    one = reloading(stage, file)
    await one.keep()
    before = stage.bot.permissions.rules
    file.faults = ['callops.toml: rules "cancel".aprove: there is no such key; did you mean "approve"?']
    await one.reload()
    [said] = await announced(stage)
    assert said.text.endswith("The old rules still apply. Fix the file, then send SIGHUP again.")
    assert 'did you mean "approve"?' in str(said.blocks)
    assert stage.bot.permissions.rules == before
    kept = await stage.bot.store.audit.rules()
    assert kept
    assert kept.data["difference"] == "First rules in the log."


async def test_what_changed_meanwhile_is_said_where_it_stops_something(stage: BotWorld) -> None:
    """An action that was approved under one rule and meets another is not sent. The message names both."""
    made = await stage.bot.approve(await stage.bot.ask(CANCEL_BY_ID))
    file = File(stage)
    file.changes = {"cancellations need a manager": "cancelling is for managers"}
    await reloading(stage, file).reload()
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert record.state is State.REFUSED
    assert record.message == (
        'The rules changed: it was requested under "cancellations need a manager", and '
        '"cancelling is for managers" applies now. If you still want it, request it again.'
    )


async def test_nobody_is_told_to_ask_again_for_what_may_have_happened(stage: BotWorld) -> None:
    """The message about an unknown outcome says that the rules changed, and to look it up.

    A repetition could happen twice.
    """
    await stage.providers.fail("voxworks", "reset")
    made = await stage.bot.approve(await stage.bot.ask(CANCEL_BY_ID))
    await stage.bot.run_until_idle()
    file = File(stage)
    file.changes = {"cancellations need a manager": "cancelling is for managers"}
    await reloading(stage, file).reload()
    await stage.pass_time(seconds=2)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert record.state is State.UNKNOWN
    assert (record.message or "").endswith('"cancelling is for managers" applies now.')


async def test_what_a_provider_cannot_be_asked_is_refused_in_the_log(stage: BotWorld) -> None:
    """A command that the connection's adapter cannot express leaves a refused request with its reason."""
    async with stage.connected():
        agent = stage.people.person("U0AGENT")
        await agent.command("/calls cancel vx_1 via reminders customer asked")
    [record] = (await stage.bot.store.search.page(Query(state=State.REFUSED))).actions
    assert (record.connection, record.code, record.target_id) == ("reminders", "unsupported", "vx_1")
    assert record.message == "CallKaro doesn't find it by its call id."


async def test_a_rule_for_a_country_or_channel_is_asked_with_them(stage: BotWorld) -> None:
    """A command has a number, and comes from a channel."""
    rule = f'{PLACING}\ncountries = ["AE"]'
    await stage.crash(**{PLACING: rule})
    with pytest.raises(PermissionDeniedError, match="is only for numbers in AE"):
        await stage.bot.ask(PLACE)
    await stage.crash(**{PLACING: f'{PLACING}\nchannels = ["C0SUPPORT"]\ncountries = ["IN"]'})
    made = await stage.bot.ask(PLACE, delivery_key="again")
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.SUCCEEDED


async def test_hours_that_a_rule_names_are_read_anew_with_it(stage: BotWorld) -> None:
    """The file's own hours of a country hold as soon as the rule that names them does."""
    file = File(stage)
    one = reloading(stage, file)
    file.changes = {
        'actions = ["place_call"]': 'actions = ["place_call"]\ncalling_hours = "AE"',
        "[dispatch]": '[calling_hours]\nAE = { from = "00:00", until = "23:59" }\n\n[dispatch]',
    }
    await one.reload()
    await stage.bot.ask(PLACE)
