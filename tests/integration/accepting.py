"""Invariants 1 and 7: an accepted request is on the disk before Slack hears of it.

The same intent is a single action.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from typing import Any, Self

from bot.listeners.actions import RequestActions
from bot.parsing.command import Command
from bot.policy.engine import Decision
from bot.services.commands import CommandService
from bot.services.models import CreateResult, RequestSource, RequestSpec
from bot.services.requests import RequestService
from providers.actions import Kind
from storage.changes import NewRequest
from storage.models import Person, Request
from storage.queries import Query
from tests.integration.bench import AGENT, BotWorld, StepLog
from tests.integration.seeding import Invariant, Seeded
from tests.storage.samples import NUMBER

SYNCED = 2
"""Value of ``PRAGMA synchronous`` for FULL (https://sqlite.org/pragma.html#pragma_synchronous)."""
CANCEL_LINE = "/cancel-call vx_1001 via voxworks reason=customer asked"


async def what_slack_heard_of_survives_kill_9(bench: BotWorld) -> None:
    """Check that a bot killed as Slack has its answer leaves the request in its log."""
    listeners = bench.parts.listeners
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.acknowledging",
        str(bench.folder),
        listeners.__module__,
        listeners.__name__,
        stdout=PIPE,
    )
    assert process.stdout
    try:
        heard = await process.stdout.readline()
    finally:
        process.kill()
        await process.wait()
    assert heard == b"heard\n"
    assert len(await bench.bot.actions()) == 1, "Slack heard of a request that is lost"


class AcksFirst(RequestActions):
    """A bug: answers at once, and records afterwards."""

    async def command(self, ack: Any, body: dict[str, Any], person: Person) -> None:
        """Ack, then do the work."""

        async def nobody(*_: object, **__: object) -> None:
            pass

        await ack("Asked.")
        self.later = asyncio.create_task(super().command(nobody, body, person))  # type: ignore[arg-type]


async def a_commit_is_on_the_disk(bench: BotWorld) -> None:
    """Check that the connection that writes syncs the disk at every commit."""
    [level] = await bench.bot.store._database.writer._thread.run(
        lambda connection: connection.execute("PRAGMA synchronous").fetchone()
    )
    assert level == SYNCED, "a power cut would take accepted requests with it"


class Unsynced(StepLog):
    """A bug: leaves the time of a disk sync to the operating system."""

    @classmethod
    async def open(cls, *where: Any, **how: Any) -> Self:
        """Open the log, and turn syncing off."""
        log = await super().open(*where, **how)
        await log._database.writer._thread.run(
            lambda connection: connection.execute("PRAGMA synchronous = NORMAL")
        )
        return log


async def a_preview_accepts_nothing(bench: BotWorld) -> None:
    """Check that typing a call creates no request, and that the preview's button does."""
    async with bench.connected():
        heard = await bench.people.person(AGENT).command(f"/place-call {NUMBER}")
        assert not await bench.bot.actions(), "a preview asked for a call"
        assert heard.ephemeral
        await bench.people.person(AGENT).click(heard.ephemeral, text="Place call")
        assert len(await bench.bot.actions()) == 1


class PreviewAsks(CommandService):
    """A bug: requests a call that it only shows."""

    async def keep(self, draft: str, person: Person, spec: RequestSpec | None, line: Command | None) -> None:
        """Keep the draft, and ask."""
        await super().keep(draft, person, spec, line)
        if spec:
            await self.ask(spec, RequestSource(person, None, delivery_key=draft))


async def a_double_click_places_one_call(bench: BotWorld) -> None:
    """Check that two presses of Place, with two triggers and one nonce, make a single provider request."""
    async with bench.connected():
        asha = bench.people.person(AGENT)
        heard = await asha.command(f"/place-call {NUMBER}")
        assert heard.ephemeral
        await asha.double_click(heard.ephemeral, text="Place call")
    await bench.bot.run_until_idle()
    assert len(await bench.asked("callkaro")) == 1, "a double click placed two calls"


class NoNonce(RequestService):
    """A bug: forgets which button was pressed."""

    async def ask(
        self, spec: RequestSpec, origin: RequestSource, *, instead_of: Request | None = None
    ) -> CreateResult:
        """Ask without the nonce."""
        return await super().ask(spec, replace(origin, nonce=None), instead_of=instead_of)


async def a_command_delivered_twice_is_one_request(bench: BotWorld) -> None:
    """Check that a repeated delivery by Slack finds its request."""
    async with bench.connected():
        await bench.people.deliver_twice()
        await bench.people.person(AGENT).command(CANCEL_LINE)
    found = (await bench.bot.store.search.page(Query(kind=Kind.CANCEL_CALL))).actions
    assert len(found) == 1, "a second delivery became a second request"


class NoInboundKey(RequestService):
    """A bug: forgets which delivery it was."""

    _deliveries = 0

    async def _request(self, spec: RequestSpec, origin: RequestSource, decision: Decision) -> NewRequest:
        """Return the request as if each delivery were new, and nothing were pending."""
        self._deliveries += 1
        delivery_key = f"{self._deliveries}"
        return replace(
            await super()._request(spec, origin, decision), delivery_key=delivery_key, deduplicate=False
        )


ACCEPTED = Invariant(
    1,
    [what_slack_heard_of_survives_kill_9, a_commit_is_on_the_disk, a_preview_accepts_nothing],
    [
        Seeded(what_slack_heard_of_survives_kill_9, AcksFirst, "is lost"),
        Seeded(a_commit_is_on_the_disk, Unsynced, "power cut"),
        Seeded(a_preview_accepts_nothing, PreviewAsks, "a preview asked"),
    ],
)
ONCE = Invariant(
    7,
    [a_double_click_places_one_call, a_command_delivered_twice_is_one_request],
    [
        Seeded(a_double_click_places_one_call, NoNonce, "two calls"),
        Seeded(a_command_delivered_twice_is_one_request, NoInboundKey, "second request"),
    ],
)
