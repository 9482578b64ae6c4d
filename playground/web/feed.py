"""Keeps the open pages up to date with Slack, the providers, the log and the bot.

It waits for Slack's changes. It polls the journal, the log and the bot's process, which costs next to nothing
and works for any writer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from playground.content import BOT_USER
from playground.journal import CallEnd
from playground.stage import Stage
from playground.web.browsers import Browser, Browsers
from playground.web.cast import CAST, FIRST_CHANNEL, PURPOSES
from playground.web.screens import Screens
from playground.web.surface import Surface
from playground.web.switches import ENDS, FAULTS, RINGING, Switches
from playground.web.traffic import Traffic

Json: TypeAlias = dict[str, Any]
ReadLog: TypeAlias = Callable[[], Awaitable[Sequence[Json]]]
"""Reads the app's log: requests with their actions and events that changed since the last call."""

LOOK_AGAIN: Final = 0.03
"""Seconds between two looks at the journal, the log and the bot."""
GO_OUT: Final = 1.0
"""Seconds between two looks at CallKaro's calls. A due call is made when somebody looks."""


class Feed:
    """The data of the page, and the open pages."""

    def __init__(self, stage: Stage, surface: Surface, read_log: ReadLog) -> None:
        self.browsers, self.switches = Browsers(), Switches(stage)
        self.screens = Screens(CAST)
        self._stage, self._surface, self._read_log = stage, surface, read_log
        self._traffic = Traffic()
        self._journal = _Tail(stage.folder / "providers.jsonl")
        self._lines: list[Json] = []
        self._requests: dict[str, Json] = {}
        self._slack: Json = {"trouble": [], "twice": 0, "connected": 0, "changes": 0}
        self._users: list[Json] = []
        self._told_of_bot: Json = {}
        self._starting = False

    async def run(self) -> None:
        """Keep all pages up to date for ever. Raise any error of reading."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_slack())
            tasks.create_task(self._look())
            tasks.create_task(self._let_calls_go_out())

    async def catch_up(self) -> None:
        """Read everything before the first page is opened."""
        self._users = (await self._stage.slack.state())["users"]
        await self._take_in_slack()
        await self._look_once()

    def add(self, browser: Browser) -> None:
        """Add an opened page. It gets everything, and then each change."""
        browser.tell("everything", self._everything(browser.person))
        self.browsers.add(browser)

    def read(self, person: str, channel: str, ts: str) -> None:
        """Mark a channel as read by a person, up to a message."""
        self.screens.read(person, channel, ts)
        self.browsers.tell_each("screen", lambda one: self.screens.changes(one, ()))

    async def arm(self, provider: str, fault: str | None) -> None:
        """Set a provider's switch.

        Raises:
            ImpossibleError: There is no such provider or fault.
        """
        await self.switches.arm(provider, fault)
        self.browsers.tell("armed", self.switches.armed)

    async def ring(self, provider: str, end: CallEnd) -> None:
        """Select how a provider's next calls end.

        Raises:
            ImpossibleError: There is no such provider.
        """
        await self.switches.ring(provider, end)
        self.browsers.tell("calls", self.switches.calls)

    async def report_ends(self, *, wanted: bool) -> None:
        """Let CallKaro report ended calls to the bot, or not."""
        await self._stage.report_ends(wanted=wanted)
        self.browsers.tell("calls", self.switches.calls)

    async def start_bot(self) -> None:
        """Start the bot, unless it runs.

        Raises:
            RuntimeError: The bot did not connect. The message has its log.
        """
        if self._bot()["state"] != "stopped":
            return
        self._starting = True
        self._tell_of_bot()
        try:
            await self._stage.start_bot()
        finally:
            self._starting = False
            self._tell_of_bot()

    async def kill_bot(self) -> None:
        """Kill the bot with -9."""
        await self._stage.kill_bot()
        self._tell_of_bot()

    async def _watch_slack(self) -> None:
        while True:
            await self._take_in_slack()

    async def _take_in_slack(self) -> None:
        cursors = {"since": self._slack["changes"], **self._traffic.cursors}
        query = "&".join(f"{name}={value}" for name, value in cursors.items())
        watched = await self._stage.slack.ask("GET", f"/watch?{query}")
        changed = self.screens.update(watched)
        self.browsers.tell_each("screen", lambda one: self.screens.changes(one, changed))
        if lines := self._traffic.update(watched):
            self.browsers.tell("traffic", lines)
        before = self._slack
        self._slack = {name: watched[name] for name in before}
        if any(before[name] != self._slack[name] for name in ("trouble", "twice")):
            self.browsers.tell("slack", self._slack)
        self._tell_of_bot()

    async def _look(self) -> None:
        while True:
            await self._look_once()
            await asyncio.sleep(LOOK_AGAIN)

    async def _look_once(self) -> None:
        if lines := self._journal.new():
            self._lines += lines
            self.browsers.tell("journal", lines)
            if self.switches.used_up(lines):
                self.browsers.tell("armed", self.switches.armed)
        if requests := await self._read_log():
            self._requests |= {one["id"]: one for one in requests}
            self.browsers.tell("log", requests)
        self._tell_of_bot()

    async def _let_calls_go_out(self) -> None:
        while True:
            await self._stage.providers.calls("callkaro")
            await asyncio.sleep(GO_OUT)

    def _tell_of_bot(self) -> None:
        if (now := self._bot()) != self._told_of_bot:
            self._told_of_bot = now
            self.browsers.tell("bot", now)

    def _bot(self) -> Json:
        process = self._stage.bot
        gone = process is None or process.returncode is not None
        state = "running" if self._slack["connected"] else "starting"
        if gone:
            state = "starting" if self._starting else "stopped"
        return {"state": state, "pid": None if process is None or gone else process.pid}

    def _everything(self, person: str) -> Json:
        app = next(one for one in self._users if one["id"] == BOT_USER)
        return {
            "me": person,
            "app": {"id": app["id"], "name": self._surface.name, "writable": self._surface.writable}
            | {"home": self._surface.home},
            "people": [
                {"id": one["id"], "name": one["name"], "realName": one["real_name"], "zone": one["tz"]}
                | {"role": CAST.get(one["id"])}
                for one in self._users
            ],
            "cast": list(CAST),
            "names": {one["id"]: one["name"] for one in self.screens.channels if not one["direct"]},
            "purposes": PURPOSES,
            "first": FIRST_CHANNEL,
            "commands": [vars(one) for one in self._surface.commands],
            "shortcuts": [vars(one) for one in self._surface.shortcuts],
            "globalShortcuts": [vars(one) for one in self._surface.global_shortcuts],
            "screen": self.screens.screen(person),
            "journal": self._lines,
            "requests": list(self._requests.values()),
            "traffic": list(self._traffic.lines.values()),
            "slack": self._slack,
            "armed": self.switches.armed,
            "providers": sorted(self._stage.addresses.keys() - {"slack", "control"}),
            "faults": list(FAULTS),
            "calls": self.switches.calls,
            "ringing": {"providers": RINGING, "ends": ENDS},
            "bot": self._bot(),
        }


class _Tail:
    """The lines of a file of JSON as they are written."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def new(self) -> list[Json]:
        """Return the complete lines that were added since the last call."""
        if not self._path.exists() or self._path.stat().st_size == self._at:
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines()]
