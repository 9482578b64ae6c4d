"""Plays the ten everyday stories, and counts what Slack shows of each: `make noise`.

The real bot plays each story alone, against the stand-ins. The counts come from the stand-in's own record of
messages. `docs/hands.md` has the table, with the counts of the version before messages were shortened.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from playground import control, kore, workspace
from playground.faults import Fault
from playground.people import Heard, Json, Message, Person, View
from playground.stage import Stage
from playground.transcript import reader
from tests.support.tree import ROOT

DOCUMENT: Final = ROOT / "docs" / "hands.md"
BEGINS, ENDS = "<!-- noise counted -->\n", "<!-- until here: noise -->\n"
QUIET: Final = 3.0
"""Seconds without a change after which a story has gone on as far as it does by itself."""
TOGETHER: Final = 3
"""Stories that are played at the same time. They mostly wait."""
NUMBER: Final = "98765 43210"
ASKS: Final = ("primary", "danger")
"""Styles of the buttons of previews and questions."""
CHOICES: Final = {"radio_buttons", "static_select"}


@dataclass(frozen=True)
class Noise:
    """Counts of a story.

    ``posts`` are messages in channels and direct messages, ``ephemerals`` those that only one person sees.
    ``edits`` are of both. ``words_posted`` and ``words_at_end`` are the words of all messages as they were posted, and
    as they stand at the end.
    """

    posts: int
    edits: int
    ephemerals: int
    notifications: int
    words_posted: int
    words_at_end: int


BEFORE: Final[Mapping[str, Noise]] = {
    "Place a call now": Noise(2, 2, 1, 1, 78, 66),
    "Place a call for tomorrow": Noise(2, 2, 1, 1, 100, 83),
    "Cancel by number, approved by one manager": Noise(6, 6, 1, 4, 315, 234),
    "Cancel by id, approved by one manager": Noise(6, 4, 1, 4, 235, 139),
    "A cancellation is denied": Noise(5, 3, 1, 4, 315, 207),
    "Move a call, approved by one manager": Noise(8, 7, 1, 6, 416, 295),
    "An unknown outcome is recorded": Noise(6, 3, 1, 4, 180, 173),
    "The provider is busy: 429": Noise(2, 2, 1, 2, 100, 96),
    "Stop all calls to a number": Noise(3, 2, 1, 2, 202, 202),
    "Delete a campaign, approved by one manager": Noise(7, 4, 1, 5, 266, 193),
}
"""The counts of the version before messages were shortened."""


class Play:
    """A stage with one bot, on which one story is played and counted."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.asha, self.mira = (stage.slack.person(one) for one in ("U0AGENT", "U0MANAGER"))
        self._begun: dict[str, int] = {}

    async def quiet(self) -> None:
        """Wait until nothing changes any more."""
        seen = -1
        while seen != (seen := (await self.stage.slack.state())["changes"]):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(QUIET)

    async def begin(self) -> None:
        """Count from now on: what was posted and edited so far belongs to the story's preparation."""
        await self.quiet()
        self._begun = {_key(one): len(one.edits) for one in await self.stage.slack.messages()}

    async def place(self, line: str) -> None:
        """Type a command that places a call, and press the preview's button."""
        answer = _answer(await self.asha.command(line))
        await press(self.asha, answer, styles=("primary",))
        await self.quiet()

    async def ask(self, line: str) -> None:
        """Type a command. If its answer is a preview or a question, press its first button."""
        answer = (await self.asha.command(line)).ephemeral
        if answer and any(one.get("style") in ASKS for one in _buttons(answer)):
            await press(self.asha, answer, styles=ASKS)
        await self.quiet()

    async def review(self) -> View:
        """Open the newest card's review, as the manager."""
        card = (await self.mira.channel("C0APPROVE"))[-1]
        return _view(await press(self.mira, card, begins="Review"))

    async def approve(self) -> None:
        """Approve the newest request, as the manager."""
        review = await self.review()
        await submit(self.mira, review, kore.CAMPAIGN)
        await self.quiet()

    async def deny(self) -> None:
        """Deny the newest request in words, as the manager."""
        form = _view(await press(self.mira, await self.review(), begins="Deny"))
        await submit(self.mira, form, "wrong number", optional=True)
        await self.quiet()

    async def settle(self) -> None:
        """Record that what is unknown happened, as the manager."""
        message = (await self.mira.channel("C0AUDIT"))[-1]
        form = _view(await press(self.mira, message, begins=("Say what happened", "Record outcome")))
        await submit(self.mira, form, "CallKaro's call list shows it")
        await self.quiet()

    async def counted(self) -> Noise:
        """Return the counts since the story began."""
        messages = [one for one in await self.stage.slack.messages() if one.user == "U0CALLOPS"]
        new = [one for one in messages if _key(one) not in self._begun]
        members = {one["id"]: one["members"] for one in (await self.stage.slack.state())["channels"]}
        eyes = await reader(self.stage.slack, self.asha.id)

        def words(shown: Iterable[Message]) -> int:
            texts = (eyes.message(one).partition("\n")[2] for one in shown)
            return sum(bool(re.search(r"\w", word)) for text in texts for word in text.split())

        return Noise(
            posts=sum(not one.ephemeral_to for one in new),
            edits=sum(len(one.edits) - self._begun.get(_key(one), 0) for one in messages),
            ephemerals=sum(bool(one.ephemeral_to) for one in new),
            notifications=sum(len(pinged(as_posted(one), members[one.channel])) for one in new),
            words_posted=words(map(as_posted, new)),
            words_at_end=words(one for one in new if not one.deleted),
        )


def as_posted(message: Message) -> Message:
    """Return a message as it was before its edits."""
    if not message.edits:
        return message
    first = message.edits[0]
    return replace(message, text=first["text"], blocks=tuple(first["blocks"]), edits=())


def pinged(message: Message, members: Iterable[str]) -> set[str]:
    """Return whom a new message notifies: the reader of a direct message, and members who are mentioned.

    An ephemeral message notifies nobody, as its reader looks at the channel. An edit notifies nobody.
    """
    people = set(members) - {message.user}
    if message.ephemeral_to or message.channel.startswith("D"):
        return set() if message.ephemeral_to else people
    shown = workspace.Message(message.ts, message.channel, message.user, message.text, [*message.blocks])
    mentions = control.pings(shown)
    everyone = any(one.startswith("!") for one in mentions)
    return people if everyone else people & {one.removeprefix("@") for one in mentions}


async def press(
    person: Person,
    shown: Message | View,
    *,
    begins: str | tuple[str, ...] = "",
    styles: tuple[str, ...] = (),
) -> Heard:
    """Press the first button whose label begins so, or that has such a style, and confirm its dialog."""
    for one in _buttons(shown):
        if one["text"]["text"].startswith(begins) and (not styles or one.get("style") in styles):
            return await person.click(shown, one["action_id"], block_id=one["block_id"])
    raise LookupError(f"no button {begins or styles} among {[*_buttons(shown)]}")


async def submit(person: Person, view: View, text: str, *, optional: bool = False) -> None:
    """Submit a modal: its first choices, and a text where one is required, or wherever one can be typed."""
    values: dict[str, object] = {}
    for block in view.blocks:
        if block["type"] == "input" and (optional or not block.get("optional")):
            element = block["element"]
            if element["type"] in CHOICES:
                values[block["block_id"]] = element["options"][0]["value"]
            elif element["type"] == "plain_text_input":
                values[block["block_id"]] = text
    heard = await person.submit(view, values)
    if heard.error or heard.errors:
        raise RuntimeError(f"{view.title['text']} was refused: {heard.error or heard.errors}")


async def place_now(play: Play) -> None:
    """Play a call placed now."""
    await play.begin()
    await play.place(f"/place-call {NUMBER}")


async def schedule(play: Play) -> None:
    """Play a call placed for tomorrow."""
    await play.begin()
    await play.place(f"/place-call {NUMBER} tomorrow 9:30")


async def cancel_by_number(play: Play) -> None:
    """Play a cancellation by number, of a call that was placed here."""
    await schedule(play)
    await play.begin()
    await play.ask(f"/cancel-call {NUMBER} customer asked")
    await play.approve()


async def cancel_by_id(play: Play) -> None:
    """Play a cancellation by a call's id, of a call that was placed elsewhere."""
    await play.begin()
    await play.ask("/calls cancel vx_1001 via voxworks reason=customer is away")
    await play.approve()


async def denial(play: Play) -> None:
    """Play a cancellation that is denied with a reason."""
    await schedule(play)
    await play.begin()
    await play.ask(f"/cancel-call {NUMBER} customer asked")
    await play.deny()


async def move(play: Play) -> None:
    """Play a call that is moved to another time."""
    await schedule(play)
    await play.begin()
    await play.ask(f"/calls move {NUMBER} Mon 10:00 rescheduled")
    await play.approve()


async def unknown(play: Play) -> None:
    """Play a call without an answer, whose outcome a manager records."""
    await play.stage.providers.fail("callkaro", Fault(does="silence", effect=True))
    await place_now(play)
    await play.settle()


async def too_many(play: Play) -> None:
    """Play a call that the provider refuses with 429."""
    await play.stage.providers.fail("callkaro", Fault(does="reply", status=429))
    await place_now(play)


async def stop(play: Play) -> None:
    """Play the stop of all calls to a number."""
    await schedule(play)
    await play.begin()
    await play.ask(f"/calls stop {NUMBER} customer asked")


async def delete_campaign(play: Play) -> None:
    """Play a campaign's deletion."""
    await play.begin()
    await play.ask(f"/calls campaign delete {kore.CAMPAIGN} via kore reason=ended")
    await play.approve()


STORIES: Final[Mapping[str, Callable[[Play], Awaitable[None]]]] = {
    "Place a call now": place_now,
    "Place a call for tomorrow": schedule,
    "Cancel by number, approved by one manager": cancel_by_number,
    "Cancel by id, approved by one manager": cancel_by_id,
    "A cancellation is denied": denial,
    "Move a call, approved by one manager": move,
    "An unknown outcome is recorded": unknown,
    "The provider is busy: 429": too_many,
    "Stop all calls to a number": stop,
    "Delete a campaign, approved by one manager": delete_campaign,
}


async def played(title: str, folder: Path) -> Noise:
    """Play a story on a stage of its own, and return its counts."""
    async with Stage(folder, deadline=1, lease=3) as stage:
        stage.connect_further()
        await stage.start_bot()
        play = Play(stage)
        await STORIES[title](play)
        return await play.counted()


async def count(titles: Iterable[str]) -> dict[str, Noise]:
    """Play stories, some at a time, and return their counts."""
    some = asyncio.Semaphore(TOGETHER)

    async def one(title: str, folder: Path) -> Noise:
        async with some:
            return await played(title, folder)

    with tempfile.TemporaryDirectory(prefix="callops-noise-") as folder:
        wanted = list(titles)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each, Path(folder) / str(n))) for n, each in enumerate(wanted)]
        return {title: task.result() for title, task in zip(wanted, tasks, strict=True)}


def table(now: Mapping[str, Noise], before: Mapping[str, Noise] = BEFORE) -> str:
    """Return the table of the document. Each cell has the count before, and the present one."""
    columns = ("posts", "edits", "ephemerals", "notifications", "words_posted", "words_at_end")
    heads = ("posts", "edits", "ephemerals", "notifications", "words posted", "words at the end")
    rows = [f"| before → after | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for title, noise in now.items():
        cells = [f"{getattr(before[title], one)} → {getattr(noise, one)}" for one in columns]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(rows)


def write(now: Mapping[str, Noise]) -> None:
    """Write the table into the document."""
    told = DOCUMENT.read_text(encoding="utf-8")
    before, begins, _ = told.partition(BEGINS)
    _, ends, after = told.partition(ENDS)
    DOCUMENT.write_text(f"{before}{begins}\n{table(now)}\n\n{ends}{after}", encoding="utf-8")


def _key(message: Message) -> str:
    return f"{message.channel} {message.ts}"


def _buttons(shown: Message | View) -> list[Json]:
    found = []
    for block in shown.blocks:
        elements = [*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])]
        found += [one | {"block_id": block["block_id"]} for one in elements if one.get("type") == "button"]
    return found


def _answer(heard: Heard) -> Message:
    if heard.ephemeral is None:
        raise RuntimeError(f"there was no answer, but {heard.error or heard.view}")
    return heard.ephemeral


def _view(heard: Heard) -> View:
    if heard.view is None:
        raise RuntimeError(f"no modal opened: {heard.error or heard.messages}")
    return heard.view


def main(titles: list[str]) -> None:
    """Play the named stories and print their counts, or play all and write the table."""
    now = asyncio.run(count(titles or STORIES))
    sys.stdout.write(f"{table(now)}\n")
    if not titles:
        write(now)


if __name__ == "__main__":
    main(sys.argv[1:])
