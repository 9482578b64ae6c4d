"""A stage with its cast: an agent, managers, an onlooker, and what can be read of their doings."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
"""Seconds that a busy computer may take for an immediate effect."""
READ_WITHIN = timedelta(seconds=1.6)
"""The time after which a request that replaced another one in its modal can be approved."""
OVER_HTTP = os.environ.get("CALLOPS_TEST_MODE") == "http"
"""True if every scene is played over HTTP, in place of Socket Mode."""
BOTH_MODES = pytest.mark.parametrize(
    "scene",
    [pytest.param(False, id="socket mode"), pytest.param(True, id="http")],
    indirect=True,
)
"""Mark for a test whose `scene` is played in both modes, whatever the suite's mode is."""
SOCKET_MODE_ONLY = pytest.mark.skipif(OVER_HTTP, reason="it is about Socket Mode")
_LINK = re.compile(r"<https?://[^<>|]+\|([^<>]*)>")
_VIEW = ("type", "callback_id", "title", "close", "submit", "blocks", "private_metadata")
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Asked:
    """A request as a provider read it: its line, its JSON, the number of its effects, and its time."""

    line: str
    json: Any
    effects: int
    at: datetime = field(default=datetime.max.replace(tzinfo=UTC), compare=False)


@dataclass(frozen=True)
class Printed:
    """A command's exit status and output."""

    status: int
    output: str
    errors: str


class Scene(Stage):
    """A `Stage` whose cast has names."""

    errors_expected: tuple[str, ...] = ()
    """Parts of lines at ERROR that the bot's log may have, because the test provokes them."""

    def __init__(self, folder: Path, *, over_http: bool | None = None) -> None:
        super().__init__(folder, over_http=OVER_HTTP if over_http is None else over_http)
        self.told_otherwise: dict[str, str] = {}
        """Variables of the bot's environment that differ from the usual ones."""

        self._before: dict[str, int] = {}

    def environment(self) -> dict[str, str]:
        """Return the bot's environment."""
        return super().environment() | self.told_otherwise

    async def spawn_bot(self) -> Forked:
        """Start a bot, which may not be connected yet."""
        log = self.folder / "bot.log"
        log.touch()
        bot = fork(["serve"], self.environment(), self.folder / "bot.out", log)
        self._processes.append(bot)
        return bot

    async def start_over(self, folder: Path) -> None:
        """Reset the stage for another play, with a folder for another bot.

        No bot of the last play continues, not even if its test failed before it stopped it.
        """
        for bot in self._processes:
            if isinstance(bot, Forked):
                bot.kill()
                await bot.wait()
        self.folder, self.bot = folder, None
        self.folder.mkdir()
        self.told_otherwise, self.errors_expected, self.over_http = {}, (), OVER_HTTP
        self.webhooks = self.ends_reported = False
        await self.slack.reset()
        await self.providers.reset()
        self._before = {one: len((await self.providers.journal(one)).exchanges) for one in PROVIDERS}
        self.write_configuration()

    @property
    def asha(self) -> Person:
        """Return an agent in Kolkata, who asks."""
        return self.slack.person("U0AGENT")

    @property
    def mira(self) -> Person:
        """Return a manager in Kolkata."""
        return self.slack.person("U0MANAGER")

    @property
    def sam(self) -> Person:
        """Return another manager, in New York."""
        return self.slack.person("U0SECOND")

    @property
    def olive(self) -> Person:
        """Return an onlooker."""
        return self.slack.person("U0AUDITOR")

    @property
    def address(self) -> str:
        """Return the bot's address over HTTP."""
        return str(re.findall(r"Health checks at (http://\S+)/healthz", self.bot_log())[-1])

    # Messages that people see.

    async def audit(self, *parts: str, within: float = SOON) -> Message:
        """Wait for an audit message that has all these parts."""
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
        """Wait for a message that only a single person sees."""
        who = person or self.asha
        return await self._wait(who, lambda m: bool(m.ephemeral_to) and _says(m, parts), parts, SOON)

    async def sees(
        self, person: Person, channel: str, *parts: str, threaded: bool = False, within: float = SOON
    ) -> Message:
        """Wait until a person sees a message that has all these parts, and return the newest."""
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
        """Return every message that anyone posted into a channel and its threads."""
        return [one for one in await self.slack.messages() if one.channel == channel and not one.ephemeral_to]

    # Actions of people.

    async def submitted(
        self,
        form: View,
        values: Mapping[str, object],
        *,
        person: Person | None = None,
        anyway: bool = False,
    ) -> Message:
        """Submit a form. It closes, and the answer is a message that only this person sees.

        ``anyway`` means that no call to the numbers is known, and that the question about it is answered.
        """
        who = person or self.asha
        before = {one.ts for one in await who.ephemerals()}
        heard = await who.submit(form, values)
        if anyway:
            heard = await who.submit(opened(heard))
        assert (heard.errors, heard.view) == ({}, None), heard
        return await who.wait_for(lambda one: bool(one.ephemeral_to) and one.ts not in before, SOON)

    async def ask(self, line: str) -> Message:
        """Type a line as the agent, and return the answer, which only the agent sees."""
        return private(await self.asha.command(line))

    async def cancel(self, line: str) -> Message:
        """Type a cancellation by number as the agent. Answer the question about it: no call is known."""
        question = await self.ask(line)
        await self.asha.click(question, text="Request cancellation anyway")
        return await self.asha.wait_for(lambda one: one.ts == question.ts and bool(one.edits), SOON)

    async def choose(self, message: Message, action: str, by: Person | None = None) -> Heard:
        """Choose an entry of the menu on an audit message, as the onlooker or somebody else."""
        return await (by or self.olive).click(message, "menu", value=menu(message)[action])

    async def place(self, line: str = f"/place-call {NUMBER}") -> None:
        """Type a line as the agent and press Place, for the first call to a number or another."""
        await self.asha.click(await self.ask(line), "place")

    async def block(self, line: str) -> None:
        """Type a stop as the agent, and press the button of its preview."""
        await self.asha.click(await self.ask(line), text="Block this number")

    async def review(self, *parts: str, by: Person | None = None) -> View:
        """Press Review on a waiting card that has all these parts."""
        return opened(await (by or self.mira).click(await self.card("Requested by", *parts), "review"))

    async def reads(self, view: View) -> View:
        """Wait until a modal that replaced another one was shown long enough to be read. Return it."""
        first = json.loads(view.private_metadata).get("shown_at")
        read = datetime.fromisoformat(first) + READ_WITHIN if first else datetime.now(UTC)
        await asyncio.sleep(max(read - datetime.now(UTC), timedelta()).total_seconds())
        return view

    async def approve(self, *parts: str, by: Person | None = None) -> Heard:
        """Review and approve a waiting request."""
        who = by or self.mira
        return await who.submit(await self.review(*parts, by=who))

    # Requests to the providers, from their own journal.

    async def requests(self, provider: str, *, knocks: bool = False) -> list[Asked]:
        """Return every request that reached a provider, in order. ``knocks`` at its door count if wanted."""
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
        """Check what holds after every test: Slack accepted all, the log is whole, nothing was uncaught.

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
        """Return the faults that Slack's own schemas find in what was shown, if they are installed."""
        try:
            faults = checker("check_blocks").faults
        except pytest.skip.Exception:
            return []
        return [fault for kind, shown in _shown(await self.slack.state()) for fault in faults(kind, shown)]


def _shown(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every message, modal and Home tab, in every version, each once."""
    found = [
        ("message", {"text": version["text"], "blocks": version["blocks"]})
        for message in state["messages"]
        for version in (message, *message["edits"])
        if version["blocks"]
    ]
    found += [
        (version["type"], {name: version[name] for name in _VIEW if version.get(name)})
        for view in state["views"]
        for version in (view, *view["versions"])
    ]
    yield from {json.dumps(one, sort_keys=True): one for one in found}.values()


async def until(look: Callable[[], Awaitable[_Found | None]], within: float = SOON) -> _Found:
    """Look again, some fifty times a second, until there is something to return. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while (found := await look()) is None:  # noqa: ASYNC110 - what is looked at is in another process
            await asyncio.sleep(0.02)
        return found


def words(shown: Message | View) -> str:
    """Return the text of a message or modal, in Slack's markup. A link is read as its label."""
    found: list[str] = []

    def read(node: object) -> None:
        match node:
            case {"text": str(text)}:
                found.append(_LINK.sub(r"\1", text))
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
    """Return the answer that only the person sees."""
    assert heard.error is None
    assert heard.ephemeral is not None
    return heard.ephemeral


def opened(heard: Heard) -> View:
    """Return the modal that the person now sees."""
    assert heard.error is None
    assert heard.view is not None
    return heard.view


def buttons(message: Message) -> list[str]:
    """Return the labels of a message's buttons."""
    return [
        one["text"]["text"] for block in message.blocks for one in block.get("elements", ()) if "value" in one
    ]


def menu(message: Message) -> dict[str, str]:
    """Return the entries of the menu on a message, with their values."""
    return {
        one["text"]["text"]: one["value"]
        for block in message.blocks
        for one in block.get("accessory", {}).get("options", ())
    }


def request_id(shown: Message | View) -> str:
    """Return the id of the request that a message is about."""
    found = re.search(r"A-[0-9A-Z]{4,}", words(shown))
    assert found
    return found[0]
