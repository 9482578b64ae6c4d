"""A stage with its cast: who asks, who decides, who only looks on, and what can be read of what they did."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest

from playground import callkaro
from playground.people import Heard, Message, Person, View
from playground.stage import Stage
from storage.maintenance.verification import verify
from tests.e2e.forked import Forked, fork
from tests.support.slack_schemas import checker

NUMBER, OTHER_NUMBER = "+919876543210", "+919876543211"
AGENT = callkaro.AGENT
PROVIDERS = ("callkaro", "voxworks", "ryng", "kore")
SOON = 15.0
"""Seconds: how long a busy machine may take for what it does at once."""
OVER_HTTP = os.environ.get("CALLOPS_TEST_MODE") == "http"
"""Whether every scene is played over HTTP, in place of Socket Mode."""
BOTH_MODES = pytest.mark.parametrize(
    "scene",
    [pytest.param(False, id="socket mode"), pytest.param(True, id="http")],
    indirect=True,
)
"""Marks a test whose `scene` is played in both modes, whatever the suite runs in."""
SOCKET_MODE_ONLY = pytest.mark.skipif(OVER_HTTP, reason="it is about Socket Mode")
_VIEW = ("type", "callback_id", "title", "close", "submit", "blocks", "private_metadata")
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Asked:
    """A request as a provider read it: its line, its JSON, how much it changed there, and when it came."""

    line: str
    json: Any
    effects: int
    at: datetime = field(default=datetime.max.replace(tzinfo=UTC), compare=False)


@dataclass(frozen=True)
class Printed:
    """What a command left: its exit status, and what it wrote."""

    status: int
    output: str
    errors: str


class Scene(Stage):
    """A `Stage` whose cast is called by name."""

    errors_expected: tuple[str, ...] = ()
    """Words of the lines that the bot's log may have at ERROR, where a test provokes them."""

    def __init__(self, folder: Path, *, over_http: bool | None = None) -> None:
        super().__init__(folder, over_http=OVER_HTTP if over_http is None else over_http)
        self.told_otherwise: dict[str, str] = {}
        """Variables of the bot's environment that are not as usual."""

        self._before: dict[str, int] = {}

    def environment(self) -> dict[str, str]:
        """What the bot is told."""
        return super().environment() | self.told_otherwise

    async def spawn_bot(self) -> Forked:
        """Start a bot; it may not be connected yet."""
        log = self.folder / "bot.log"
        log.touch()
        bot = fork(["serve"], self.environment(), self.folder / "bot.out", log)
        self._processes.append(bot)
        return bot

    async def start_over(self, folder: Path) -> None:
        """Another play on the same stage: everything as at first, and a folder for another bot.

        No bot of the last play goes on, not even where its test failed before it stopped it.
        """
        for bot in self._processes:
            if isinstance(bot, Forked):
                bot.kill()
                await bot.wait()
        self.folder, self.bot = folder, None
        self.folder.mkdir()
        self.told_otherwise, self.errors_expected, self.over_http = {}, (), OVER_HTTP
        await self.slack.reset()
        await self.providers.reset()
        self._before = {one: len((await self.providers.journal(one)).exchanges) for one in PROVIDERS}
        self.write_configuration()

    @property
    def asha(self) -> Person:
        """An agent, who asks; in Kolkata."""
        return self.slack.person("U0AGENT")

    @property
    def mira(self) -> Person:
        """A manager; in Kolkata."""
        return self.slack.person("U0MANAGER")

    @property
    def sam(self) -> Person:
        """Another manager; in New York."""
        return self.slack.person("U0SECOND")

    @property
    def olive(self) -> Person:
        """An onlooker."""
        return self.slack.person("U0AUDITOR")

    @property
    def address(self) -> str:
        """Where the bot is reached over HTTP."""
        return str(re.findall(r"Health is told at (http://\S+)/healthz", self.bot_log())[-1])

    # What people see.

    async def audit(self, *parts: str, within: float = SOON) -> Message:
        """Wait for an audit message that says all of this."""
        return await self.sees(self.olive, "C0AUDIT", *parts, within=within)

    async def reply(self, *parts: str, within: float = SOON) -> Message:
        """Wait for a reply below an audit message."""
        return await self.sees(self.olive, "C0AUDIT", *parts, threaded=True, within=within)

    async def card(self, *parts: str, within: float = SOON) -> Message:
        """Wait for a card in the approvals channel."""
        return await self.sees(self.mira, "C0APPROVE", *parts, within=within)

    async def told(self, *parts: str, within: float = SOON) -> Message:
        """Wait for a direct message to the agent."""
        return await self.sees(self.asha, "D0AGENT", *parts, within=within)

    async def answered(self, *parts: str, person: Person | None = None) -> Message:
        """Wait for what only one person sees."""
        who = person or self.asha
        return await self._wait(who, lambda m: bool(m.ephemeral_to) and _says(m, parts), parts, SOON)

    async def sees(
        self, person: Person, channel: str, *parts: str, threaded: bool = False, within: float = SOON
    ) -> Message:
        """Wait until somebody sees a message that says all of this; the newest."""
        place = (channel, threaded)
        return await self._wait(
            person, lambda m: (m.channel, bool(m.thread_ts)) == place and _says(m, parts), parts, within
        )

    async def _wait(
        self, person: Person, wanted: Callable[[Message], bool], parts: tuple[str, ...], within: float
    ) -> Message:
        try:
            return await person.wait_for(wanted, within)
        except TimeoutError:
            seen = "\n".join(f"{m.channel}: {words(m)}" for m in await person.messages())
            raise AssertionError(f"{person.id} saw no {parts}, but:\n{seen}\n{self.bot_log()}") from None

    async def posts(self, channel: str) -> list[Message]:
        """Every message that was posted into a channel and its threads, by anyone."""
        return [one for one in await self.slack.messages() if one.channel == channel and not one.ephemeral_to]

    # What people do.

    async def ask(self, line: str) -> Message:
        """Type a line as the agent; the answer, which only the agent sees."""
        return private(await self.asha.command(line))

    async def place(self, line: str = f"/place-call {NUMBER}") -> None:
        """Type a line as the agent and press Place, whether it is the first call to the number or another."""
        await self.asha.click(await self.ask(line), "place")

    async def review(self, *parts: str, by: Person | None = None) -> View:
        """Press Review on a card that waits and says all of this."""
        return opened(
            await (by or self.mira).click(await self.card("Waiting for approval", *parts), "review")
        )

    async def approve(self, *parts: str, by: Person | None = None) -> Heard:
        """Review and approve what waits."""
        who = by or self.mira
        return await who.submit(await self.review(*parts, by=who))

    # What was asked of the providers, from their own journal.

    async def requests(self, provider: str, *, knocks: bool = False) -> list[Asked]:
        """Every request that reached a provider, in order; ``knocks`` at its door are none unless wanted."""
        journal = await self.providers.journal(provider)
        return [
            Asked(
                f"{one.request.method} {one.request.target}",
                json.loads(one.request.body) if one.request.body else None,
                len(one.effects),
                one.request.at,
            )
            for one in journal.exchanges[self._before.get(provider, 0) :]
            if knocks or one.request.method != "HEAD"
        ]

    async def request_reaches(self, provider: str, number: int = 1) -> list[Asked]:
        """Wait until that many requests have reached a provider."""

        async def reached() -> list[Asked] | None:
            found = await self.requests(provider)
            return found if len(found) >= number else None

        return await until(reached)

    # At the terminal.

    async def terminal(self, *arguments: str, **variables: str) -> Printed:
        """Run `python -m bot …` with some variables of its own."""
        with TemporaryDirectory() as folder:
            output, errors = Path(folder) / "output", Path(folder) / "errors"
            status = await fork(arguments, self.environment() | variables, output, errors).wait()
            return Printed(status, output.read_text("utf-8"), errors.read_text("utf-8"))

    # The end.

    async def check(self) -> None:
        """What must hold after every test: Slack took everything, the log is whole, nothing was left uncaught.

        Stops the bot, which must end well.
        """
        if self.bot is not None and self.bot.returncode is None:
            assert await self.stop_bot() == 0
        assert await self.slack.faults() == []
        assert await self._unlike_slacks_schemas() == []
        if (self.folder / "bot.log").exists():
            assert "Traceback" not in self.bot_log()
            errors = [line for line in self.bot_log().splitlines() if " ERROR " in line]
            assert [one for one in errors if not any(words in one for words in self.errors_expected)] == []
        if (self.folder / "callops.db").exists():
            assert list(verify(self.folder / "callops.db").faults) == []

    async def _unlike_slacks_schemas(self) -> list[str]:
        """What Slack's own schemas find wrong with what was shown, where they are at hand."""
        try:
            faults = checker("check_blocks").faults
        except pytest.skip.Exception:
            return []
        return [fault for kind, shown in _shown(await self.slack.state()) for fault in faults(kind, shown)]


def _shown(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every message and modal there was, in every version, each once."""
    found = [
        ("message", {"text": version["text"], "blocks": version["blocks"]})
        for message in state["messages"]
        for version in (message, *message["edits"])
        if version["blocks"]
    ]
    found += [
        ("modal", {name: version[name] for name in _VIEW if version.get(name)})
        for view in state["views"]
        for version in (view, *view["versions"])
    ]
    yield from {json.dumps(one, sort_keys=True): one for one in found}.values()


async def until(look: Callable[[], Awaitable[_Found | None]], within: float = SOON) -> _Found:
    """Look again, some fifty times a second, until there is something to see. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while (found := await look()) is None:  # noqa: ASYNC110 - what is looked at is in another process
            await asyncio.sleep(0.02)
        return found


def words(shown: Message | View) -> str:
    """Everything that is written on a message or modal, in Slack's markup."""
    found: list[str] = []

    def read(node: object) -> None:
        match node:
            case {"text": str(text)}:
                found.append(text)
            case dict():
                for child in node.values():
                    read(child)
            case list() | tuple():
                for child in node:
                    read(child)

    read(shown.blocks)
    return "\n".join(found) or (shown.text if isinstance(shown, Message) else "")


def _says(message: Message, parts: tuple[str, ...]) -> bool:
    written = words(message)
    return all(part in written for part in parts)


def private(heard: Heard) -> Message:
    """The answer that only the person sees."""
    assert heard.error is None
    assert heard.ephemeral is not None
    return heard.ephemeral


def opened(heard: Heard) -> View:
    """The modal that the person now looks at."""
    assert heard.error is None
    assert heard.view is not None
    return heard.view


def buttons(message: Message) -> list[str]:
    """What can be pressed on a message."""
    return [
        one["text"]["text"] for block in message.blocks for one in block.get("elements", ()) if "value" in one
    ]


def request_id(shown: Message | View) -> str:
    """The id of the request that a message is about."""
    found = re.search(r"A-[0-9A-Z]{4,}", words(shown))
    assert found
    return found[0]
