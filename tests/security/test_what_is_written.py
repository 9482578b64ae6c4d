"""A busy day with every provider and every kind of end, after which everything written is searched.

Secrets are found nowhere. A full number, a name or a customer's data is found only with the requester and in
erasable rows, and after erasing nowhere.
"""

import asyncio
import json
import re
import sqlite3
from base64 import b64decode
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from playground import callkaro, content, kore, ryng, voxworks
from playground.faults import Fault
from playground.stage import KEY
from storage.maintenance.verification import verify
from storage.store import Store
from tests.e2e.conftest import Wings
from tests.e2e.scene import Scene, opened, request_id, words
from tests.security.echoing import NUMBERS, WRITINGS
from tests.storage.samples import erase

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBER, OTHER = "+919876543210", "+919123456789"
DIGITS = (NUMBER[3:], OTHER[3:])
NAME, CITY, BATCH = "Kanariya", "Zzyzxpur", "Bnarrb"
REASON, PURPOSE, CONSENT, NOTE = "Reezonkanary", "Purpozkanary", "Konsentkanary", "Noutkanary"
REAL_NAME = "Asha Rao"
CUSTOMERS = (NAME, CITY)
"""Data that only the requester sees, in the call's metadata."""
SAID = (REASON, PURPOSE, CONSENT, NOTE, BATCH)
"""People's texts about the call, which colleagues may read and the chain may not hold."""
SECRETS = {
    "SLACK_BOT_TOKEN": content.BOT_TOKEN,
    "SLACK_APP_TOKEN": content.APP_TOKEN,
    "CALLOPS_KEY": KEY,
    "CALLKARO_API_KEY": callkaro.KEY,
    "VOXWORKS_API_KEY": voxworks.KEY,
    "RYNG_ACCESS_TOKEN": ryng.TOKEN,
    "KORE_CLIENT_SECRET": kore.CLIENT_SECRET,
}


def echo(secret: str, http: int, **body: object) -> Fault:
    """Return a provider's answer that repeats the key and the number in every writing."""
    told = {name: write(secret) for name, write in WRITINGS.items()} | dict(NUMBERS)
    said = {"message": f"{NAME.lower()} of {CITY} at {NUMBER}: {secret}", "told": told}
    headers = {"X-Echo": f"{secret} {NUMBER}", "Set-Cookie": f"k={secret}"}
    text = json.dumps({**said, **body}, ensure_ascii=False)
    return Fault(does="reply", status=http, body=text, headers=headers)


class Live:
    """Plays a day: every kind of action at every provider, every kind of end."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.ids: list[str] = []
        """Ids of the requests and faults in the log."""

    async def place(self, says: str, answer: Fault, number: str = NUMBER) -> None:
        """Place a call. ``says`` is the channel's text afterwards."""
        await self.scene.providers.fail("callkaro", answer)
        preview = await self.scene.ask(
            f"/calls place {number} via reminders agent=payments meta.name={NAME} meta.city={CITY} "
            f'batch={BATCH} purpose="{PURPOSE}" consent="{CONSENT}"'
        )
        await self.scene.asha.click(preview, "place")
        placed = await self.scene.asha.wait_for(lambda m: m.ts == preview.ts and bool(m.edits))
        self.ids.append(request_id(placed))
        await self.scene.audit(says, self.ids[-1])

    async def cancel(self, says: str, answer: Fault, what: str, provider: str, via: str) -> None:
        """Cancel calls, with a manager's approval."""
        await self.scene.providers.fail(provider, answer)
        line = f"/calls cancel {what} via {via} {REASON}"
        ask = self.scene.cancel if what.startswith("+") else self.scene.ask
        self.ids.append(request_id(await ask(line)))
        await self.scene.approve(self.ids[-1])
        await self.scene.told(says, self.ids[-1])

    async def delete(self, says: str, answer: Fault) -> None:
        """Delete a campaign, with a manager's approval."""
        await self.scene.providers.fail("kore", answer)
        line = f"/calls campaign delete {kore.CAMPAIGN} via kore {REASON}"
        self.ids.append(request_id(await self.scene.ask(line)))
        review = await self.scene.review(self.ids[-1])
        approved = await self.scene.mira.submit(review, {"Type the campaign's id to approve": kore.CAMPAIGN})
        assert not approved.errors
        await self.scene.told(says, self.ids[-1])

    async def settle(self) -> None:
        """Settle the last outcome, with a note that holds a number."""
        audit = await self.scene.audit("Outcome unknown", self.ids[-1])
        modal = opened(await self.scene.mira.click(audit, text="Record outcome…"))
        said = {
            "Outcome": "The call was placed",
            "Where did you check?": "CallKaro dashboard",
            "What did you see?": NOTE,
        }
        assert not (await self.scene.mira.submit(modal, said)).errors
        await self.scene.audit("*Placed*", self.ids[-1])

    async def go_wrong(self) -> None:
        """Type a refused command, a waiting one, and one with a number that ends in our own error."""
        scene = self.scene
        await scene.ask(f"/calls place 112 meta.name={NAME}")
        waiting = request_id(
            await scene.cancel(f"/calls cancel {OTHER} agent=payments via reminders {REASON}")
        )
        self.ids.append(waiting)
        await scene.review(waiting)
        await scene.slack.fail("views.open", "error", code="fatal_error")
        await scene.ask(f"/place-call {NUMBER} meta.name={NAME} foo=bar")
        await scene.asha.click(await scene.answered("foo="), text="Open the form…")
        told = words(await scene.answered("Something went wrong"))
        self.ids.append(told.partition("`")[2].partition("`")[0])
        faulty = await scene.ask(f"/place-call {OTHER} meta.name={NAME} agent=nobody")
        assert NAME in str(opened(await scene.asha.click(faulty, text="Open the form…")).blocks)

    async def whole_day(self) -> None:
        """Play the whole day."""
        key = callkaro.KEY
        await self.place("*Placed*", echo(key, 200, status="success", call_id=NUMBER[1:]))
        for http in (400, 403, 404):
            await self.place("*Not placed*", echo(key, http, status="error"))
        await self.place("Outcome unknown", Fault(does="reset"), OTHER)
        await self.settle()
        by_number = f"{NUMBER} agent=payments"
        done = echo(key, 200, status="done")
        await self.cancel("*Confirmed, no call known*", done, by_number, "callkaro", "reminders")
        await self.cancel("*Not cancelled*", echo(key, 403), by_number, "callkaro", "reminders")
        key = voxworks.KEY
        for http, success, says in ((200, True, "*Cancelled*"), (200, False, "Not"), (401, False, "Not")):
            await self.cancel(says, echo(key, http, success=success), "vx_1001", "voxworks", "voxworks")
        key = ryng.TOKEN
        for http, error, says in ((200, False, "*Cancelled*"), (200, True, "Not"), (403, True, "Not")):
            await self.cancel(says, echo(key, http, error=error), "40961", "ryng", "dialer")
        key = kore.CLIENT_SECRET
        data = {"_id": kore.CAMPAIGN, "name": f"Dues {NUMBER} {key}", "status": key, "callerId": OTHER}
        await self.delete("*Not deleted*", echo(key, 404, status="error"))
        await self.delete("*Deleted*", echo(key, 200, status="success", data=data))
        await self.go_wrong()


@dataclass(frozen=True)
class Day:
    """Everything that was written on the day, by place."""

    ids: tuple[str, ...]
    folder: Path
    people: Mapping[str, str]
    """Slack's messages in channels and direct messages with every edit, and other people's views."""
    requester: Mapping[str, str]
    """Texts that only the requester saw."""
    terminal: Mapping[str, str]
    """The bot's log at its most detailed level, and the commands' output."""
    slack: str
    """Everything that Slack has, with calls and deliveries."""

    @property
    def database(self) -> Path:
        """The path of the log's file."""
        return self.folder / "callops.db"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def day(wings: Wings) -> AsyncIterator[Day]:
    """Yield the day after its end, with the bot stopped."""
    scene = await wings.dark()
    scene.connect_further()
    scene.told_otherwise["LOG_LEVEL"] = "DEBUG"
    scene.errors_expected = ("SlackApiError in",)
    await scene.start_bot()
    live = Live(scene)
    await live.whole_day()
    commands = [("log", "list"), ("log", "list", "--json"), ("log", "list", "--number", NUMBER)]
    commands += [("log", "show", one) for one in (*live.ids[::3], live.ids[-1])]
    printed = await asyncio.gather(*(scene.terminal(*command) for command in commands))
    assert [one.status for one in printed] == [0] * len(printed)
    state = await scene.slack.state()
    await scene.check()
    messages = {f"{one['channel']} {one['ts']} {one['ephemeral_to']}": one for one in state["messages"]}
    views = {f"{one['person']} {one['id']}": one for one in state["views"]}
    own = {
        place: one
        for place, one in (messages | views).items()
        if "U0AGENT" in {one.get("ephemeral_to"), one.get("person"), one.get("user")}
    }
    terminal = {" ".join(c): one.output + one.errors for c, one in zip(commands, printed, strict=True)}
    yield Day(
        ids=tuple(live.ids),
        folder=scene.folder,
        people={k: _text(v) for k, v in (messages | views).items() if k not in own},
        requester={place: _text(one) for place, one in own.items()},
        terminal=terminal | {"the bot's log": scene.bot_log()},
        slack=_text(state),
    )
    wings.free(scene)


def _text(written: object) -> str:
    return json.dumps(written, ensure_ascii=False)


def found(canaries: Iterable[str], text: str) -> list[str]:
    """Return the canaries in a text, with any spaces and in any case."""
    closed = re.sub(r"[\s().\-/_]|\\u00a0|%20", "", text).casefold()
    return [one for one in canaries if one.casefold() in closed or one.casefold() in text.casefold()]


def everywhere(secret: str) -> set[str]:
    """Return a secret in each of its encodings."""
    return {write(secret) for write in WRITINGS.values()}


async def test_secrets_are_in_nothing_that_was_written(day: Day) -> None:
    """No file of the bot, erasable rows included, nothing at Slack and no output holds one."""
    # The providers' own journal is left out: their answers, with keys, are their own.
    files = [one for one in day.folder.iterdir() if one.is_file() and one.name != "providers.jsonl"]
    assert {"callops.db", "bot.log", "callops.toml"} <= {file.name for file in files}
    for name, secret in SECRETS.items():
        for writing in everywhere(secret):
            assert not [file.name for file in files if writing.encode() in file.read_bytes()], name
            assert writing not in day.slack, name
            assert not [place for place, text in day.terminal.items() if writing in text], name


async def test_customers_are_before_nobody_but_the_requester(day: Day) -> None:
    """No full number, name or datum of a customer is in a channel, a direct message or another's modal."""
    assert len(day.people) > 30
    for place, text in day.people.items():
        assert found((*DIGITS, *CUSTOMERS), text) == [], place
    shown = " ".join(day.requester.values())
    assert found((*DIGITS, *CUSTOMERS), shown) == [*DIGITS, *CUSTOMERS]


async def test_the_process_and_the_terminal_tell_no_number(day: Day) -> None:
    """The bot's log has no text of people. The commands mask numbers and leave the call's data out."""
    assert found((*DIGITS, *CUSTOMERS, *SAID, REAL_NAME), day.terminal["the bot's log"]) == []
    for place, text in day.terminal.items():
        assert found((*DIGITS, *CUSTOMERS), text) == [], place
    assert "•••" in day.terminal["log list"]


async def test_the_chain_holds_nothing_personal(day: Day) -> None:
    """No event holds a number, a name, a datum, a reason or a note. Erasable rows hold them."""
    with closing(sqlite3.connect(f"file:{day.database}?mode=ro", uri=True)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        held = {table: _text([[*map(str, row)] for row in _rows(connection, table)]) for table in tables}
    erasable = {"personal", "nonces", "people"}
    assert erasable < set(tables)
    for table in set(tables) - erasable:
        assert found((*DIGITS, *CUSTOMERS, *SAID, REAL_NAME), held[table]) == [], table
    assert found((*DIGITS, *CUSTOMERS, *SAID), held["personal"]) == [*DIGITS, *CUSTOMERS, *SAID]
    assert len(day.ids) * 2 < held["events"].count("requested") * 3


async def test_after_erasing_no_byte_tells_of_a_customer(day: Day, tmp_path: Path) -> None:
    """After erasing every request, fault and draft, no byte of the log's files holds a canary."""
    with (
        closing(sqlite3.connect(day.database)) as log,
        closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
    ):
        log.backup(copy)
    later = datetime.now(UTC) + timedelta(days=2)
    log_of_day = await Store.open(tmp_path / "copy.db", key=b64decode(KEY), clock=lambda: later)
    await log_of_day.users.keep_draft("later", person="U0AGENT", content={})  # this deletes the old drafts
    for one in day.ids:
        await erase(log_of_day, one, actor="U0DPO")
    await log_of_day.close()
    for file in (tmp_path / "copy.db", *tmp_path.glob("copy.db-*")):  # noqa: ASYNC240 - nothing else runs
        left = file.read_bytes().decode("latin-1")
        assert found((*DIGITS, *CUSTOMERS, *SAID), left) == [], file.name
    assert list(verify(tmp_path / "copy.db").faults) == []


def _rows(connection: sqlite3.Connection, table: str) -> Iterable[tuple[object, ...]]:
    return connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name from the schema itself
