"""The house: everything that works behind Slack's door, put together, begun and ended."""

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.app import Surfaces
from bot.config.settings import Settings
from bot.services.requests import Operations
from bot.slack.users import Directory
from bot.workers.approval_reminders import Asking
from bot.workers.config_reload import Reloading
from bot.workers.daily_summary import Daily
from bot.workers.dispatcher import Dispatcher
from bot.workers.loop import APART, Rounds, until_written
from bot.workers.outbox import Outbox
from bot.workers.provider_events import Notices
from bot.workers.reschedules import Moving
from bot.workers.retention import Keeping
from bot.workers.unknown_reminders import Doubts
from bot.workers.write_probe import Instances
from providers.base import Adapter
from storage.database.deadlines import deadline
from storage.repositories.processes import Presence
from storage.store import Store

GROUPS_EVERY = 600.0
"""Seconds between two readings of the user groups."""
GROUPS_AGAIN = 20.0
"""Seconds until a group that could not be read is tried again."""
MOVES_EVERY = 5.0
"""Seconds between two looks for second steps, where nothing woke it."""
SWEEP_EVERY = 3.0
"""Seconds between two looks for processes that died on the same database."""
DOUBTS_EVERY = 60.0
"""Seconds between two looks for doubts that are another day old."""
FINISH_SENDING_WITHIN = timedelta(seconds=3.5)
SAY_THE_REST_WITHIN = 1.2
RECORD_WITHIN = timedelta(seconds=0.3)
"""With the three seconds in which no more is taken in, and those in which the log is let go of
(`bot.cli.serve`), nine of the ten that platforms leave between SIGTERM and SIGKILL."""
LEAVE_WITHIN = 0.2
"""Seconds for a line in the log that nobody misses for long."""

_log = logging.getLogger(__name__)


class House:
    """What runs behind the door. Nothing runs before `begin`."""

    def __init__(  # noqa: PLR0913 - what `serve` has opened
        self,
        settings: Settings,
        client: AsyncWebClient,
        log: Store,
        adapters: Mapping[str, Adapter],
        directory: Directory,
        *,
        team: str,
        serving: Presence,
        read: Callable[[], Settings],
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._directory = directory
        self._serving, owner = serving, serving.owner
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._outbox = Outbox(log, client, settings, owner=owner, clock=clock, cannot_post=self._cannot_post)
        self.posting = Rounds("outbox", self._outbox.step, apart=APART)
        operations = Operations(
            log, settings, directory, adapters, team=team, clock=clock, wake=self.something_to_do
        )
        self._dispatcher = Dispatcher(
            log,
            settings,
            directory,
            operations,
            adapters,
            owner=owner,
            team=team,
            clock=clock,
            announce=self.posting.wake,
            again=self.something_to_do,
        )
        self.sending = Rounds("dispatcher", self._dispatcher.step)
        self._asking = asking = Asking(
            log, settings, directory, operations, team=team, clock=clock, announce=self.posting.wake
        )
        self.calling = Rounds("asking", asking.step, apart=APART)
        moves = Moving(log, directory, operations, clock=clock, announce=self.posting.wake)
        self.moving = Rounds("moves", moves.step, every=MOVES_EVERY, apart=APART)
        self.instances = Instances(log, owner=owner, clock=clock)
        doubts = Doubts(log, directory, operations, clock=clock, announce=self.posting.wake)
        self.surfaces = Surfaces.make(client, log, settings, operations, directory, adapters, clock=clock)
        follow = (
            operations.follow,
            asking.follow,
            self.surfaces.requests.follow,
            self.surfaces.decisions.follow,
        )
        self._rules = Reloading(log, settings, directory, read=read, follow=follow, clock=clock)
        self.rounds: tuple[Rounds, ...] = (
            self.sending,
            self.posting,
            self.calling,
            self.moving,
            Rounds("daily summary", Daily(log, settings, clock=clock).step),
            Rounds("keeping of the log", Keeping(log, settings, clock=clock).step),
            Rounds("rules", self._rules.step),
            Rounds("doubts", doubts.step, every=DOUBTS_EVERY),
            Rounds("look for dead processes", self._sweep, every=SWEEP_EVERY),
            Rounds("log", self.instances.step),
        )
        self.notices = Notices(log, settings, announce=self.posting.wake)

    def something_to_do(self) -> None:
        """Wake whoever may have something new to do."""
        self.sending.wake()
        self.posting.wake()
        self.calling.wake()
        self.moving.wake()

    def _cannot_post(self, request: str) -> None:
        """Whoever was to be asked there is asked elsewhere."""
        self._asking.look_again(request)
        self.calling.wake()

    async def begin(self, hangups: Sequence[int]) -> None:
        """Let everything run, by rules that the log knows. ``hangups``: the SIGHUPs that came before."""
        await until_written(self._rules.keep)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._rules.hear)
        if hangups:
            self._rules.hear()
        self._tasks = {one.name: asyncio.create_task(one.run(), name=one.name) for one in self.rounds}
        self._tasks["groups"] = asyncio.create_task(self._read_groups(), name="groups")

    def ended(self) -> list[str]:
        """What runs no more and should."""
        return sorted(name for name, task in self._tasks.items() if task.done())

    async def finish(self) -> None:
        """Come to an end, once nothing more is taken in: what is being sent, what is to be said."""
        last = self._tasks.pop(self.posting.name, None) or asyncio.create_task(self.posting.run())
        for task in self._tasks.values():
            task.cancel()
        await self._dispatcher.finish(FINISH_SENDING_WITHIN)
        self.posting.end()
        await asyncio.gather(
            self.surfaces.replies.drain(SAY_THE_REST_WITHIN),
            asyncio.wait({last}, timeout=SAY_THE_REST_WITHIN),
        )
        last.cancel()
        await self._outbox.break_off()
        await asyncio.gather(last, *self._tasks.values(), return_exceptions=True)

    async def leave(self) -> None:
        """Record what came of what was out, now that its connections are closed, and leave the rest."""
        await self._dispatcher.finish(RECORD_WITHIN)
        if left := self._dispatcher.break_off():
            _log.warning("Not finished, and left to their leases: %s", ", ".join(left))
        with deadline(LEAVE_WITHIN):
            await self.instances.leave()

    async def _sweep(self) -> bool:
        """Take over what dead processes held."""
        if dead := await self._serving.sweep(self._log.processes.release):
            _log.warning("Taken over what a dead process held: %s", ", ".join(dead))
            self.something_to_do()
        return False

    async def _read_groups(self) -> None:
        read = self._directory.knows_groups()
        while True:
            await asyncio.sleep(GROUPS_EVERY if read else GROUPS_AGAIN)
            read = await self._directory.refresh_groups()
