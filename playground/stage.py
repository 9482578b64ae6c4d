"""The stage: the playground and the bot in a process each, and a folder for their data.

The bot is the production code. It learns of the stand-ins only by its environment and its configuration file.
"""

import asyncio
import base64
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Protocol, Self

from playground import callkaro, content, kore, ryng, voxworks
from playground.people import Workspace
from playground.provider_control import ProviderControl

READY_WITHIN = 15.0
LOOK_EVERY = 0.02
"""Seconds between two reads of the log."""
STOPS_WITHIN = 10.0
"""Seconds that hosting platforms allow between SIGTERM and SIGKILL."""
KEY = base64.b64encode(b"a key for the playground alone!!").decode()

NO_CHANGES: Mapping[str, str] = MappingProxyType({})

CONFIGURATION = """\
[slack]
audit_channel = "C0AUDIT"
approvals_channel = "C0APPROVE"
default_region = "IN"

[connections.reminders]
provider = "callkaro"
api_key = "env:CALLKARO_API_KEY"
timezone = "Asia/Kolkata"
base_url = "{callkaro}"

[connections.reminders.agents]
payments = "{agent}"

[connections.voxworks]
provider = "voxworks"
api_key = "env:VOXWORKS_API_KEY"
base_url = "{voxworks}"

[groups]
managers = ["S0MANAGERS"]

[[rules]]
name = "cancellations need a manager"
actions = ["cancel_call", "delete_campaign"]
request = ["everyone"]
approve = ["managers"]
settle = ["managers"]
reason = "required"
expires = "8h"

[[rules]]
name = "anyone may place a call"
actions = ["place_call"]
request = ["everyone"]
settle = ["managers"]
import = ["everyone"]

[dispatch]
deadline = "{deadline}s"
lease = "{lease}s"
"""

FURTHER_CONNECTIONS = """
[connections.dialer]
provider = "ryng"
subdomain = "{subdomain}"
access_token = "env:RYNG_ACCESS_TOKEN"
base_url = "{ryng}"

[connections.kore]
provider = "kore"
app_id = "{app}"
account_id = "{account}"
client_id = "{client_id}"
client_secret = "env:KORE_CLIENT_SECRET"
base_url = "{kore}"
"""
"""With these connections an id may belong to several of them, so people must name one."""


WEBHOOK_WORD = "a-webhook-word-of-the-playground"
REPORTS = 'webhook_secret = "env:CALLKARO_WEBHOOK_SECRET"\nsend_action_id = true\nallow_undocumented = true\n'
"""The settings with which CallKaro's connection takes reports of ended calls."""
_ZONE = 'timezone = "Asia/Kolkata"\n'


class Running(Protocol):
    """The interface of a started process that a stage needs."""

    @property
    def pid(self) -> int:
        """The process id."""

    @property
    def returncode(self) -> int | None:
        """The exit status, or None while it runs."""

    def send_signal(self, signal: int, /) -> None:
        """Send a signal to the process."""

    def kill(self) -> None:
        """Kill the process with -9."""

    async def wait(self) -> int:
        """Wait until the process ends, and return its exit status."""


class Stage:
    """An async context manager: everything runs inside, and is stopped after it.

    ``deadline`` and ``lease`` are the bot's, in seconds. Short ones make lost answers quick to watch. With
    ``over_http``, Slack sends its requests to the bot over HTTP instead of Socket Mode. With ``webhooks``,
    the bot takes CallKaro's reports of ended calls. `report_ends` makes CallKaro send them. ``manifest`` is
    the one from which the app was installed.
    """

    workspace: Path | None = None
    """People and channels, as JSON, instead of the default ones."""

    def __init__(
        self,
        folder: Path,
        *,
        deadline: int = 2,
        lease: int = 4,
        over_http: bool = False,
        webhooks: bool = False,
        manifest: Path = Path("manifest.yml"),
    ) -> None:
        self.manifest = manifest
        self.over_http = over_http
        self.webhooks = webhooks
        self.ends_reported = False
        self.folder = folder
        self._timing = {"deadline": deadline, "lease": lease}
        self._stack = AsyncExitStack()
        self._processes: list[Running] = []
        self.addresses: dict[str, str] = {}
        self.bot: Running | None = None
        self.bot_address = ""

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        await self._stack.__aenter__()
        try:
            await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
        for process in reversed(self._processes):
            await stop(process)

    async def _start(self) -> None:
        journal = self.folder / "providers.jsonl"
        self._opened = self.folder / "opened"
        self.opens()
        told = ["--manifest", str(self.manifest), "--journal", str(journal), "--opened", str(self._opened)]
        told += ["--workspace", str(self.workspace)] if self.workspace else []
        playground = await self._spawn("playground", *told)
        if playground.stdout is None:
            raise RuntimeError("the playground's output is not a pipe")
        async with asyncio.timeout(READY_WITHIN):
            self.addresses = json.loads(await playground.stdout.readline())
        self.slack = await self._stack.enter_async_context(Workspace(self.addresses["control"]))
        control = f"{self.addresses['control']}providers"
        self.providers = await self._stack.enter_async_context(ProviderControl(control))
        self.write_configuration()

    def write_configuration(self, changes: Mapping[str, str] = NO_CHANGES) -> None:
        """Write the bot's configuration file. ``changes`` maps old parts of it to new ones.

        Raises:
            ValueError: The file does not contain an old part.
        """
        text = CONFIGURATION.format(agent=callkaro.AGENT, **self.addresses, **self._timing)
        for old, new in {**({_ZONE: _ZONE + REPORTS} if self.webhooks else {}), **changes}.items():
            if old not in text:
                raise ValueError(f"the file does not hold {old!r}")
            text = text.replace(old, new)
        (self.folder / "callops.toml").write_text(text, encoding="utf-8")

    def connect_further(self) -> None:
        """Add further connections to the bot's configuration file."""
        text = FURTHER_CONNECTIONS.format(
            subdomain=ryng.SUBDOMAIN,
            app=kore.APP,
            account=kore.ACCOUNT,
            client_id=kore.CLIENT_ID,
            **self.addresses,
        )
        with (self.folder / "callops.toml").open("a", encoding="utf-8") as file:
            file.write(text)

    def environment(self) -> dict[str, str]:
        """Return the bot's environment variables."""
        inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        return inherited | {
            "SLACK_BOT_TOKEN": content.BOT_TOKEN,
            **(
                {"SLACK_SIGNING_SECRET": content.SIGNING_SECRET}
                if self.over_http
                else {"SLACK_APP_TOKEN": content.APP_TOKEN}
            ),
            "SLACK_API_URL": self.addresses["slack"],
            "CALLOPS_CONFIG": str(self.folder / "callops.toml"),
            "CALLOPS_KEY": KEY,
            "DATABASE_URL": f"sqlite:///{self.folder / 'callops.db'}",
            "CALLKARO_API_KEY": callkaro.KEY,
            "VOXWORKS_API_KEY": voxworks.KEY,
            "RYNG_ACCESS_TOKEN": ryng.TOKEN,
            "KORE_CLIENT_SECRET": kore.CLIENT_SECRET,
            **({"CALLKARO_WEBHOOK_SECRET": WEBHOOK_WORD} if self.webhooks else {}),
            "PORT": "0",
            "LOG_LEVEL": "INFO",
        }

    async def start_bot(self) -> Running:
        """Start the bot and wait until it is connected."""
        log = self.folder / "bot.log"
        written = log.stat().st_size if log.exists() else 0
        self.bot = await self.spawn_bot()
        connected = asyncio.create_task(self._connected(written))
        gone = asyncio.create_task(self.bot.wait())
        await asyncio.wait({connected, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not connected.done() or connected.exception():
            connected.cancel()
            raise RuntimeError(f"the bot did not connect:\n{self.bot_log()}")
        return self.bot

    async def spawn_bot(self) -> Running:
        """Start a bot without waiting for its connection."""
        errors = (self.folder / "bot.log").open("ab")
        self._stack.callback(errors.close)
        return await self._spawn("bot", "serve", environment=self.environment(), errors=errors)

    async def _connected(self, written: int) -> None:
        """Wait until Slack reaches the bot. Its log of this start begins at byte ``written``.

        Raises:
            TimeoutError: The bot is not reached in time.
        """
        if self.over_http:
            await self.slack.request_url(None)
        address = await self._says(r"Health checks at (http://\S+)/healthz", written)
        self.opens(address)
        self.bot_address = address
        if self.ends_reported:
            await self.report_ends(wanted=True)
        if self.over_http:
            await self.slack.request_url(f"{address}/slack/events")
        else:
            await self.slack.bot_connected(READY_WITHIN)
            await self._says(r"CallOps is connected to (\S+)", written)

    async def report_ends(self, *, wanted: bool) -> None:
        """Let CallKaro report ended calls to the bot, also after a restart, or no longer."""
        self.ends_reported = wanted
        url = f"{self.bot_address}/webhooks/reminders/{WEBHOOK_WORD}" if wanted else None
        await self.providers.tell("callkaro", url)

    def opens(self, *addresses: str) -> None:
        """Let the stand-ins post to these addresses of the bot, and to no others."""
        self._opened.write_text("\n".join(addresses), encoding="utf-8")

    async def _says(self, pattern: str, written: int) -> str:
        """Wait until the bot's log matches a pattern, and return its first group."""
        async with asyncio.timeout(READY_WITHIN):
            while True:
                said = (self.folder / "bot.log").read_bytes()[written:].decode()
                if found := re.search(pattern, said):
                    return found[1]
                await asyncio.sleep(LOOK_EVERY)

    async def kill_bot(self) -> None:
        """Kill the bot with -9."""
        if self.bot is not None:
            self.bot.kill()
            await self.bot.wait()

    async def stop_bot(self) -> int:
        """Stop the bot with SIGTERM, and return its exit status."""
        if self.bot is None:
            raise RuntimeError("no bot runs")
        return await stop(self.bot)

    def bot_log(self) -> str:
        """Return what the bot wrote to its standard error."""
        return (self.folder / "bot.log").read_text(encoding="utf-8")

    async def command_line(self, *arguments: str) -> tuple[int, str]:
        """Run `python -m bot …` beside the bot, and return its exit status and output."""
        process = await self._spawn("bot", *arguments, environment=self.environment())
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def log(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the JSON holds
        """Return the JSON of `python -m bot log … --json`."""
        status, output = await self.command_line("log", *arguments, "--json")
        if status:
            raise RuntimeError(f"log {' '.join(arguments)} exited with {status}: {output}")
        return json.loads(output)

    async def _spawn(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        errors: Any = None,  # noqa: ANN401 - whatever subprocess takes
    ) -> Process:
        # In a session of its own, so that Ctrl-C at a terminal reaches only us, and we stop them in order.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            env=environment,
            stdout=PIPE,
            stderr=errors,
            start_new_session=True,
        )
        self._processes.append(process)
        return process


async def stop(process: Running) -> int:
    """Send SIGTERM, then SIGKILL after a timeout, and return the exit status."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOPS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    return process.returncode or 0
