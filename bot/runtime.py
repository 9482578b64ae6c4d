"""The bot put together (`Bot`), and the start and end of its background tasks (`Runtime`)."""

import asyncio
import logging
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Listeners
from bot.config.settings import Settings, SettingsHolder
from bot.listeners.actions import RequestActions
from bot.parsing.vocabulary import vocabulary
from bot.services.approvals import ApprovalService
from bot.services.call_lists import CallListService
from bot.services.commands import CommandService
from bot.services.do_not_call import DoNotCallService
from bot.services.notifications import SystemChanges
from bot.services.overview import Overview
from bot.services.pauses import PauseService
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.services.wakeups import Wakeups
from bot.slack.masking import Masking
from bot.slack.users import UserDirectory, Workspace
from bot.workers.approval_reminders import ApprovalNotifier
from bot.workers.attempt import Attempts
from bot.workers.call_ends import CallEnds
from bot.workers.call_lists import CallListWorker
from bot.workers.circuit_breaker import CircuitBreaker
from bot.workers.config_reload import ConfigReloader
from bot.workers.daily_summary import DailySummary
from bot.workers.dispatcher import Dispatcher
from bot.workers.homes import HomeUpdates
from bot.workers.lookups import TargetLookups
from bot.workers.loop import MIN_INTERVAL, PeriodicTask, until_written
from bot.workers.outbox import Outbox
from bot.workers.provider_events import ProviderEvents
from bot.workers.rate_limiter import RateLimiter
from bot.workers.reschedules import RescheduleWorker
from bot.workers.retention import RetentionWorker
from bot.workers.screens import ScreenUpdates
from bot.workers.turns import Turns
from bot.workers.unknown_reminders import UnknownReminders
from bot.workers.write_probe import WriteProbe
from providers.base import Adapter
from storage.repositories.processes import ProcessLock
from storage.store import Store

GROUPS_EVERY = 600.0
"""Seconds between two readings of the user groups."""
GROUPS_AGAIN = 20.0
"""Seconds until a group that could not be read is read again."""
RESCHEDULES_EVERY = 5.0
"""Seconds between two searches for second steps of reschedules, unless a wake-up comes first."""
SWEEP_EVERY = 3.0
"""Seconds between two searches for dead processes that used the same database."""
FINISH_SENDING_WITHIN = timedelta(seconds=3.5)
SAY_THE_REST_WITHIN = 1.2
RECORD_WITHIN = timedelta(seconds=0.3)
"""Seconds to record the last results. All limits of a shutdown sum up to about nine seconds. Platforms leave
ten between SIGTERM and SIGKILL. The others are three seconds to stop taking requests, and the time to
close the log (`bot.cli.serve`)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The classes that a bot is made of. A test can replace one with a subclass."""

    directory: type[UserDirectory] = UserDirectory
    permissions: type[Permissions] = Permissions
    preconditions: type[Preconditions] = Preconditions
    requests: type[RequestService] = RequestService
    approvals: type[ApprovalService] = ApprovalService
    commands: type[CommandService] = CommandService
    listeners: type[RequestActions] = RequestActions
    attempts: type[Attempts] = Attempts
    dispatcher: type[Dispatcher] = Dispatcher
    outbox: type[Outbox] = Outbox


REAL: Final = Parts()


@dataclass(kw_only=True)
class Bot:
    """The services, listeners and workers, built but not started.

    ``settings`` are those of the start. ``jitter`` returns a random share from 0 to 1.
    """

    settings: Settings
    client: AsyncWebClient
    store: Store
    adapters: Mapping[str, Adapter]
    workspace: Workspace
    owner: str
    clock: Callable[[], datetime]
    parts: Parts = REAL
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    def __post_init__(self) -> None:
        log, client, settings, adapters = self.store, self.client, self.settings, self.adapters
        owner, team, clock, parts = self.owner, self.workspace.team, self.clock, self.parts
        self.current, self.wakeups = current, wakeups = SettingsHolder(settings), Wakeups()
        self.directory = directory = parts.directory(
            log, client, settings.groups, workspace=self.workspace, clock=clock
        )
        self.permissions = permissions = parts.permissions(log, current, directory, team, clock)
        changes = SystemChanges(log, settings, wakeups, permissions.asked_to_settle)
        self.preconditions = preconditions = parts.preconditions(log, current, adapters, permissions, clock)
        self.requests = requests = parts.requests(log, settings, permissions, preconditions, wakeups, clock)
        self.approvals = approvals = parts.approvals(
            log, settings, permissions, preconditions, wakeups, clock
        )
        self.stopping = DoNotCallService(
            log, settings, permissions, preconditions, requests, adapters, wakeups, clock
        )
        commands = parts.commands(
            log, current, preconditions, requests, self.stopping, vocabulary(settings, adapters), clock
        )
        self.call_lists = call_lists = CallListService(
            log, current, permissions, preconditions, requests, wakeups, clock
        )
        overview = Overview(log, permissions, clock)
        self.surfaces = Listeners.make(
            client,
            log,
            current,
            directory,
            permissions,
            preconditions,
            approvals,
            commands,
            pauses=PauseService(log, permissions, wakeups, clock),
            requests=requests,
            call_lists=call_lists,
            overview=overview,
            wakeups=wakeups,
            clock=clock,
            listeners=parts.listeners,
        )
        pace = RateLimiter(log, adapters, clock)
        outages = CircuitBreaker(log, adapters, pace, settings.dispatch.deadline, wakeups, clock)
        self.look_ups = look_ups = TargetLookups(log, preconditions, adapters, pace, changes, wakeups, clock)
        attempts = parts.attempts(
            log,
            settings,
            permissions,
            preconditions,
            adapters,
            pace,
            look_ups,
            outages,
            changes,
            owner,
            clock,
            self.jitter,
        )
        self.dispatcher = parts.dispatcher(
            log, settings, adapters, pace, look_ups, outages, attempts, changes, wakeups, owner, clock
        )
        turns = Turns(log, current, directory, team, clock)
        self.asking = ApprovalNotifier(log, current, directory, permissions, turns, wakeups, clock)
        self.reschedules = RescheduleWorker(log, directory, preconditions, requests, changes, clock)
        self.list_worker = CallListWorker(log, settings, directory, permissions, call_lists, wakeups, clock)
        self.unknown_reminders = UnknownReminders(
            log, directory, permissions, turns, look_ups, changes, clock
        )
        self.notices = ProviderEvents(log, changes)
        self.call_ends = CallEnds(log, adapters, pace, self.notices, clock)
        self.outbox = parts.outbox(
            log,
            client,
            settings,
            directory,
            owner=owner,
            clock=clock,
            cannot_post=self.asking.look_again,
            sleep=self.sleep,
        )
        self.screens = ScreenUpdates(log, client, settings, self.outbox.links, clock)
        masking = Masking(settings.slack.default_region)
        self.homes = HomeUpdates(log, client, directory, permissions, overview, commands, masking, clock)


class Runtime:
    """The background tasks of a bot. None runs before `begin`."""

    def __init__(self, bot: Bot, *, serving: ProcessLock, read: Callable[[], Settings]) -> None:
        log, settings, clock = bot.store, bot.settings, bot.clock
        self._bot = bot
        self._serving = serving
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.posting = PeriodicTask("outbox", bot.outbox.run_once, min_interval=MIN_INTERVAL)
        self.screens = PeriodicTask("screens", bot.screens.run_once, min_interval=MIN_INTERVAL)
        self.homes = PeriodicTask("homes", bot.homes.run_once, min_interval=MIN_INTERVAL)
        self.sending = PeriodicTask("dispatcher", bot.dispatcher.run_once)
        self.calling = PeriodicTask("approval notifier", bot.asking.run_once, min_interval=MIN_INTERVAL)
        self.reschedules = PeriodicTask(
            "reschedules", bot.reschedules.run_once, every=RESCHEDULES_EVERY, min_interval=MIN_INTERVAL
        )
        self.call_lists = PeriodicTask("call lists", bot.list_worker.run_once, min_interval=MIN_INTERVAL)
        self.write_probe = WriteProbe(log)
        self._rules = ConfigReloader(log, bot.current, bot.directory, read, clock)
        self.periodic_tasks: tuple[PeriodicTask, ...] = (
            self.sending,
            self.posting,
            self.screens,
            self.homes,
            self.calling,
            self.reschedules,
            self.call_lists,
            PeriodicTask("daily summary", DailySummary(log, settings, clock).run_once),
            PeriodicTask("retention", RetentionWorker(log, settings, clock).run_once),
            PeriodicTask("rules reload", self._rules.run_once),
            PeriodicTask("unknown reminders", bot.unknown_reminders.run_once),
            PeriodicTask("call ends", bot.call_ends.run_once),
            PeriodicTask("recovery", self._sweep, every=SWEEP_EVERY),
            PeriodicTask("write probe", self.write_probe.run_once),
        )
        bot.wakeups.outbox = self._wake_posts
        bot.wakeups.approvals = self.calling.wake
        bot.wakeups.homes = self.homes.wake
        bot.wakeups.all = self.wake_workers

    def _wake_posts(self) -> None:
        self.posting.wake()
        self.screens.wake()

    def wake_workers(self) -> None:
        """Wake the dispatcher, the outbox, the approval notifier, the reschedules and the call lists."""
        self.sending.wake()
        self._wake_posts()
        self.calling.wake()
        self.reschedules.wake()
        self.call_lists.wake()

    async def begin(self, hangups: Sequence[int]) -> None:
        """Record the rules in the log, then start all tasks. ``hangups`` are SIGHUPs that came before."""
        await until_written(self._rules.keep)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._rules.request_reload)
        if hangups:
            self._rules.request_reload()
        self._tasks = {one.name: asyncio.create_task(one.run(), name=one.name) for one in self.periodic_tasks}
        self._tasks["groups"] = asyncio.create_task(self._read_groups(), name="groups")

    def ended(self) -> list[str]:
        """Return the names of the tasks that have ended but should run."""
        return sorted(name for name, task in self._tasks.items() if task.done())

    async def finish(self) -> None:
        """Finish sending and posting once no more requests are taken, then end all tasks."""
        last = self._tasks.pop(self.posting.name, None) or asyncio.create_task(self.posting.run())
        for task in self._tasks.values():
            task.cancel()
        await self._bot.dispatcher.finish(FINISH_SENDING_WITHIN)
        self.posting.end()
        await asyncio.gather(
            self._bot.surfaces.replies.drain(SAY_THE_REST_WITHIN),
            asyncio.wait({last}, timeout=SAY_THE_REST_WITHIN),
        )
        last.cancel()
        await self._bot.outbox.break_off()
        await asyncio.gather(last, *self._tasks.values(), return_exceptions=True)

    async def leave(self) -> None:
        """Record the results of requests whose connections are now closed. Leave the rest to their leases."""
        await self._bot.dispatcher.finish(RECORD_WITHIN)
        if left := self._bot.dispatcher.break_off():
            _log.warning("Not finished, and left to their leases: %s", ", ".join(left))

    async def _sweep(self) -> bool:
        """Release the leases of dead processes."""
        if dead := await self._serving.reap(self._bot.store.processes.release_owner):
            _log.warning("Taken over what a dead process held: %s", ", ".join(dead))
            self.wake_workers()
        return False

    async def _read_groups(self) -> None:
        read = self._bot.directory.knows_groups()
        while True:
            await asyncio.sleep(GROUPS_EVERY if read else GROUPS_AGAIN)
            read = await self._bot.directory.refresh_groups()
