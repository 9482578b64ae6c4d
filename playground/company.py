"""The people and providers of the tour: narrates what people do and see, and counts providers' requests.

A wait is for a text that must be readable on a person's screen, in that person's time zone. It does not look
at the blocks behind the text.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from playground import content
from playground.journal import Exchange
from playground.narrator import Narrator
from playground.people import Heard, Message, Person, View
from playground.stage import Stage
from playground.transcript import Reader, reader

PATIENCE = 20.0
"""Seconds until an expected message counts as missing. A busy machine may be slow."""
LOOK_AGAIN = 0.02
OWN_ID = "callops_action_id"
"""The key in a call's metadata that makes a report of its end fit the action."""
_CHANNELS = {one["id"]: f"#{one['name']}" for one in content.WORKSPACE["channels"]}
_REQUEST_ID = re.compile(r"A-[0-9A-Z]{4,}")
_LONG_ID = re.compile(r"\b[0-9a-f]{20,}\b")
_FRAME = re.compile(r"[│ \n]+")  # a no-break space stays


@dataclass(frozen=True)
class Asked:
    """A request that a provider received, its reply's status (None without a reply) and its effects."""

    provider: str
    line: str
    said: Mapping[str, object]
    status: int | None
    effects: tuple[str, ...]

    @classmethod
    def of(cls, exchange: Exchange) -> "Asked":
        """Return the request of an entry in the provider's journal, without CallOps' own id in it."""
        request, answer = exchange.request, exchange.answer
        said = json.loads(request.body or "{}")
        metadata = {key: value for key, value in said.pop("metadata", {}).items() if key != OWN_ID}
        return cls(
            request.provider,
            f"{request.method} {request.target}",
            said | ({"metadata": metadata} if metadata else {}),
            answer.status if answer else None,
            tuple(effect.what for effect in exchange.effects),
        )

    def __str__(self) -> str:
        said = " ".join([self.line, *map(str, self.said.values())])
        came = ", ".join([str(self.status or "no answer"), *(self.effects or ("nothing changed",))])
        return f"{self.provider}  {_LONG_ID.sub(_shortened, said)} → {came}"


def _shortened(long_id: re.Match[str]) -> str:
    return f"{long_id[0][:4]}…{long_id[0][-4:]}"


@dataclass(frozen=True)
class Actor:
    """A person with a name, at a keyboard."""

    name: str
    person: Person
    narrator: Narrator
    patience: float

    async def types(self, line: str) -> Heard:
        """Type a slash command into #support, and read the answer."""
        self.narrator.tells(f"{self.name} types in #support", line)
        heard = await self._looks(await self.person.command(line))
        if heard.ephemeral:
            await self.sees(heard.ephemeral)
        return heard

    async def presses_twice(self, message: Message, button: str) -> Heard:
        """Press a button twice, before the first press can be answered."""
        self.narrator.tells(f"{self.name} presses [{button}] twice, faster than any answer can come")
        return await self._looks(await self.person.double_click(message, text=button))

    async def presses(self, where: Message | View, button: str, *, stale: bool = False) -> Heard:
        """Press a button. With ``stale``, the screen does not show the message's last edit yet."""
        late = ", whose screen still shows it as it was," if stale else ""
        self.narrator.tells(f"{self.name}{late} presses [{button}]")
        return await self._looks(await self.person.click(where, text=button, stale=stale))

    async def picks(self, view: View, label: str, name: str, content: str) -> View:
        """Pick a file for a field of a modal, and return the modal."""
        self.narrator.tells(f"{self.name} picks {name}", *content.splitlines())
        return await self.person.pick(view, label, (name, content.encode()))

    async def submits(self, view: View, values: Mapping[str, str] | None = None) -> Heard:
        """Fill in a modal and press its submit button."""
        typed = [f"{label}: {value}".replace("?:", "?") for label, value in (values or {}).items()]
        button = view.submit["text"] if view.submit else ""
        self.narrator.tells(f"{self.name} {'fills in and ' if typed else ''}presses [{button}]", *typed)
        return await self._looks(await self.person.submit(view, values))

    async def opens(self, where: Message | View, button: str, *, stale: bool = False) -> View:
        """Press a button that opens a modal, and return the modal."""
        return self.looking(await self.presses(where, button, stale=stale))

    def looking(self, heard: Heard) -> View:
        """Return the modal that is now open.

        Raises:
            NarrationError: There is none.
        """
        if heard.view is None:
            self.narrator.misses(f"{self.name} looks at a modal", heard)
        return heard.view

    def told(self, heard: Heard) -> Message:
        """Return the answer that only this person sees.

        Raises:
            NarrationError: There is none.
        """
        if heard.ephemeral is None:
            self.narrator.misses(f"{self.name} reads an answer", heard)
        return heard.ephemeral

    async def reads(self, channel: str, *parts: str, within: float | None = None) -> Message:
        """Wait for a message in a channel that, with its thread, has all these parts. Return the newest."""
        where = f"{self.name} looks at {_CHANNELS[channel]}"
        return await self._waits(where, lambda: self.person.channel(channel), parts, within)

    async def is_written_to(self, *parts: str, within: float | None = None) -> Message:
        """Wait for a direct message from the bot."""
        return await self._waits(f"CallOps writes to {self.name}", self.person.direct, parts, within)

    async def is_answered(self, *parts: str) -> Message:
        """Wait for a message that only this person sees."""
        return await self._waits(f"{self.name} looks at #support", self.person.ephemerals, parts)

    async def opens_home(self, *parts: str) -> View:
        """Open the app's Home tab, and return it once it has all these parts."""
        self.narrator.tells(f"{self.name} opens CallOps' Home tab")
        await self.person.open_home()
        return await self.home(*parts)

    async def home(self, *parts: str, without: str = "\0") -> View:
        """Wait until the Home tab has all these parts, and not another. Return it."""

        async def found() -> View | None:
            eyes, view = await self._eyes(), await self.person.home()
            text = _text(eyes, view) if view else ""
            return view if all(part in text for part in parts) and without not in text else None

        try:
            view = await self.person.workspace.until(found, self.patience)
        except TimeoutError:
            seen = await self.person.home()
            shown = _text(await self._eyes(), seen) if seen else "nothing"
            self.narrator.misses(f"{self.name}'s Home tab shows {' … '.join(parts)}", shown)
        await self.sees(view)
        return view

    async def asks(self, line: str) -> str:
        """Type a command that makes a request at once, and return the request's id."""
        answer = _text(await self._eyes(), self.told(await self.types(line)))
        if (found := _REQUEST_ID.search(answer)) is None:
            self.narrator.misses(f"{self.name}'s request has an id", answer)
        return found[0]

    async def expects(self, shown: Message | View, sentence: str, *parts: str) -> None:
        """Check that a message or modal contains all these parts, as this person reads it."""
        text = _text(await self._eyes(), shown)
        self.narrator.expect(sentence, holds=all(part in text for part in parts), seen=text)

    async def sees(self, shown: Message | View) -> None:
        """Add what this person sees to the transcript."""
        eyes = await self._eyes()
        self.narrator.shows(eyes.message(shown) if isinstance(shown, Message) else eyes.modal(shown))

    async def closes(self, view: View) -> None:
        """Close a modal without narration."""
        await self.person.close(view)

    async def _eyes(self) -> Reader:
        return await reader(self.person.workspace, self.person.id)

    async def _looks(self, heard: Heard) -> Heard:
        if heard.error:
            self.narrator.misses(f"{self.name}'s act is answered within Slack's 3 seconds", heard.error)
        if heard.view:
            await self.sees(heard.view)
        return heard

    async def _waits(
        self,
        where: str,
        look: Callable[[], Awaitable[list[Message]]],
        parts: tuple[str, ...],
        within: float | None = None,
    ) -> Message:
        async def found() -> Message | None:
            eyes = await self._eyes()
            for message in reversed(await look()):
                if all(part in _text(eyes, message) for part in parts):
                    return message
            return None

        try:
            message = await self.person.workspace.until(found, within or self.patience)
        except TimeoutError:
            seen = [_text(await self._eyes(), message) for message in await look()]
            self.narrator.misses(f"{where}: {' … '.join(parts)}", "\n".join(seen))
        self.narrator.tells(where)
        await self.sees(message)
        return message


def _text(eyes: Reader, shown: Message | View) -> str:
    drawn = eyes.message(shown) if isinstance(shown, Message) else eyes.modal(shown)
    return _FRAME.sub(" ", drawn)


@dataclass
class Company:
    """The people, the stage and the narrator that a scene needs."""

    stage: Stage
    narrator: Narrator
    patience: float = PATIENCE
    _counted: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.asha = self._actor("Asha", "U0AGENT")
        self.mira = self._actor("Mira", "U0MANAGER")
        self.sam = self._actor("Sam", "U0SECOND")
        self.olive = self._actor("Olive", "U0AUDITOR")

    def _actor(self, name: str, user: str) -> Actor:
        return Actor(name, self.stage.slack.person(user), self.narrator, self.patience)

    async def exchanges(self) -> list[Exchange]:
        """Return every request that reached a provider, from the providers' own journal, in order."""
        providers = self.stage.addresses.keys() - {"slack", "control"}
        journals = [await self.stage.providers.journal(name) for name in providers]
        return sorted(
            (one for journal in journals for one in journal.exchanges), key=lambda one: one.request.number
        )

    async def expect_asked(self, sentence: str, *expected: Asked) -> None:
        """Check that exactly these requests reached the providers since the last check."""
        found = [Asked.of(one) for one in await self.exchanges()]
        self.narrator.expect_equal(sentence, found[self._counted :], expected)
        self._counted = len(found)

    async def request_reaches_provider(self) -> None:
        """Wait until a provider has received another request.

        Raises:
            NarrationError: None has come in time.
        """
        try:
            async with asyncio.timeout(self.patience):
                while len(await self.exchanges()) == self._counted:  # noqa: ASYNC110 - in another process
                    await asyncio.sleep(LOOK_AGAIN)
        except TimeoutError:
            self.narrator.misses("A provider gets the request", "nothing")
