"""A bot for the gates, put together by `bot.runtime` from given parts, log and surroundings."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory
from typing import Protocol

import httpx
from slack_sdk.web.async_client import AsyncWebClient

from bot.config.loader import load
from bot.config.settings import Settings
from bot.runtime import Bot
from bot.services.approvals import content
from bot.services.models import RequestSource, RequestSpec
from bot.slack.users import Workspace
from playground import callkaro, kore, voxworks
from playground.content import APP_TOKEN, BOT_TOKEN, TEAM_ID
from playground.stage import CONFIGURATION, KEY
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from providers.base import Adapter
from providers.registry import PROVIDERS
from storage.models import Request
from storage.store import Store
from tests.faults.standins import Providers
from tests.integration.bench import AGENT, KORE, MANAGER, Parts

DEADLINE = 2
"""Seconds of real time, whatever the gates' clock shows."""
STEPS_AT_MOST = 200_000
"""Steps of an outbox that drains: more than any gate's posts need."""
ROUNDS_AT_MOST = 1_000
"""Runs of a dispatcher that sends everything: more than any gate's queue needs."""
LEASE = timedelta(seconds=30)
KINDS = ("place", "cancel by number", "cancel by id", "delete", "stop", "start")
_RULE = 'actions = ["cancel_call", "delete_campaign"]'
_EVERYTHING = 'actions = ["cancel_call", "delete_campaign", "stop_campaign", "start_campaign"]'


def settings_for(addresses: Mapping[str, str]) -> Settings:
    """Return the settings of a bot with a connection to each of the providers at these addresses."""
    text = CONFIGURATION.format(
        agent=callkaro.AGENT,
        callkaro=addresses["callkaro"],
        voxworks=addresses["voxworks"],
        deadline=DEADLINE,
        lease=int(LEASE.total_seconds()),
    )
    further = KORE.format(
        app=kore.APP, account=kore.ACCOUNT, client_id=kore.CLIENT_ID, address=addresses["kore"]
    )
    text = text.replace("[groups]", f"{further}\n[groups]").replace(_RULE, _EVERYTHING)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "callops.toml"
        path.write_text(text, encoding="utf-8")
        return load(
            {
                "SLACK_BOT_TOKEN": BOT_TOKEN,
                "SLACK_APP_TOKEN": APP_TOKEN,
                "CALLOPS_CONFIG": str(path),
                "CALLOPS_KEY": KEY,
                "CALLKARO_API_KEY": callkaro.KEY,
                "VOXWORKS_API_KEY": voxworks.KEY,
                "KORE_CLIENT_SECRET": kore.CLIENT_SECRET,
            }
        )


ADDRESSES = {"callkaro": "http://127.0.0.1:1", "voxworks": "http://127.0.0.1:2", "kore": "http://127.0.0.1:3"}
"""Addresses for tests that open no socket."""


@cache
def offline() -> Settings:
    """Return the settings of a bot whose requests go through an injected transport."""
    return settings_for(ADDRESSES)


def adapters_for(
    settings: Settings, clock: Callable[[], datetime], transport: httpx.AsyncBaseTransport | None = None
) -> dict[str, Adapter]:
    """Return an adapter for each connection."""
    return {
        name: PROVIDERS[one.provider](one.settings, deadline=DEADLINE, clock=clock, transport=transport)
        for name, one in settings.connections.items()
    }


class MovableClock(Protocol):
    """A clock that tests move. Code that sleeps moves it on."""

    def __call__(self) -> datetime:
        """Return the time."""
        ...

    def move(self, **by: float) -> object:
        """Move the clock by that much (arguments of `timedelta`)."""
        ...


@dataclass(kw_only=True)
class BotDriver(Bot):
    """A bot: its people's commands, and its workers. Nothing runs unless a test says so."""

    store: Store

    async def ask(self, action: CallAction, delivery_key: str) -> tuple[Request, bool]:
        """Ask as the agent. Return the request, and whether it is new."""
        person = await self.directory.get_user(AGENT)
        spec = RequestSpec(connection_of(action), (action,), "customer asked")
        asked = await self.requests.ask(
            spec, RequestSource(person, "C0SUPPORT", delivery_key, f"nonce {delivery_key}")
        )
        return asked.request, asked.created

    async def approve(self, request: Request, by: str = MANAGER) -> Request:
        """Approve as one of the managers."""
        person = await self.directory.get_user(by)
        return await self.approvals.approve(
            request.id, person, shown=content(request), nonce=f"{request.id} {by}"
        )

    async def deny(self, request: Request, by: str = MANAGER) -> Request:
        """Deny as one of the managers."""
        person = await self.directory.get_user(by)
        return await self.approvals.deny(
            request.id, person, reason="no", shown=content(request), nonce=f"no {request.id} {by}"
        )

    async def withdraw(self, request: Request, delivery_key: str) -> Request:
        """Take back as the agent."""
        person = await self.directory.get_user(AGENT)
        return await self.approvals.withdraw(request.id, person, delivery_key=delivery_key)

    async def run_until_idle(self) -> None:
        """Run the dispatcher until nothing is due and nothing is in flight."""
        for _ in range(ROUNDS_AT_MOST):
            await self.dispatcher.run_once()
            if not await self.dispatcher.finish(timedelta(seconds=10)):
                return
        raise AssertionError("the dispatcher goes round without end")

    async def posts(self) -> None:
        """Let the outbox post what is due."""
        while await self.outbox.run_once():  # noqa: ASYNC110 - it is the step that is waited for
            await asyncio.sleep(0)

    async def drain(self, move: Callable[..., object]) -> None:
        """Let the outbox post everything at one message a second, as Slack wants it."""
        for _ in range(STEPS_AT_MOST):
            if not await self._count("outbox WHERE ended IS NULL"):
                return
            if not await self.outbox.run_once():
                move(seconds=1)
        raise AssertionError("the outbox does not come to its end")

    async def waiting(self) -> int:
        """Return how many actions wait to be sent, by any process."""
        return await self._count("actions WHERE state = 'approved'")

    async def _count(self, rows: str) -> int:
        def count(connection: Connection) -> int:
            [(found,)] = connection.execute(f"SELECT count(*) FROM {rows}")  # noqa: S608 - fixed text
            return int(found)

        return await self.store._database.reader.do(count)


def crew(
    store: Store,
    settings: Settings,
    adapters: Mapping[str, Adapter],
    client: AsyncWebClient,
    *,
    owner: str,
    clock: MovableClock,
    parts: Parts | None = None,
    wake: Callable[[], None] = lambda: None,
    waits: bool = False,
) -> BotDriver:
    """Put a bot together.

    ``waits`` means that somebody else moves the clock, so the outbox waits for its turn.
    """

    async def sleep(seconds: float) -> None:
        clock.move(seconds=seconds)
        await asyncio.sleep(0)

    made = BotDriver(
        settings=settings,
        client=client,
        store=store,
        adapters=adapters,
        workspace=Workspace(TEAM_ID),
        owner=owner,
        clock=clock,
        parts=parts or Parts(),
        jitter=lambda: 0.0,
        sleep=asyncio.sleep if waits else sleep,
    )
    made.wakeups.outbox = made.wakeups.all = wake
    return made


def aim(kind: str, number: int) -> CallAction:
    """Return an action of a kind, with a target of its own."""
    to, campaign = f"+91987{number:07}", CampaignRef(campaign_id=f"cd-{number:07}")
    match kind:
        case "place":
            return PlaceCall(to=to, agent="payments")
        case "cancel by number":
            return CancelCall(target=NumberRef(agent="payments", to=to))
        case "cancel by id" | "mistyped":
            return CancelCall(target=CallRef(call_id=f"vx_{number:07}"))
        case "delete" | "mistyped campaign":
            return DeleteCampaign(target=campaign)
        case "stop":
            return StopCampaign(target=campaign)
        case "start":
            return StartCampaign(target=campaign)
    raise AssertionError(kind)


def put_there(providers: Providers, kind: str, number: int) -> None:
    """Add the target of such an action at its provider. A mistyped target is not added."""
    match kind:
        case "cancel by number":
            providers.schedule_number(f"+91987{number:07}")
        case "cancel by id":
            providers.schedule_id(f"vx_{number:07}")
        case "delete" | "start":
            providers.add_campaign(f"cd-{number:07}")
        case "stop":
            providers.add_campaign(f"cd-{number:07}", status="Active")


def connection_of(action: CallAction) -> str:
    """Return the name of an action's connection."""
    match action:
        case CancelCall(target=CallRef()):
            return "voxworks"
        case PlaceCall() | CancelCall():
            return "reminders"
        case _:
            return "kore"
