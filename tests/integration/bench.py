"""The whole bot in this process: real file, real wire, real Slack payloads, and a clock that tests move.

`bot.runtime` puts a `Bot` together, but no worker runs by itself: a test starts each run. The bot is made of
`Parts`, so that a seeded bug is a subclass in place of a part. `BotWorld.crash` acts like kill -9: the dead
bot changes nothing any more, and a new one starts on the same file.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from bot import runtime
from bot.app import create_app
from bot.config.loader import load
from bot.config.settings import Connection, Settings
from bot.services.approvals import content as hash_of
from bot.services.models import RequestSource, RequestSpec
from bot.slack.socket_mode import SocketMode
from bot.slack.users import Workspace
from playground import callkaro, content, kore, providers, slack, voxworks
from playground.journal import Exchange
from playground.people import Message
from playground.people import Workspace as People
from playground.provider_control import ProviderControl
from playground.stage import CONFIGURATION, KEY
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
)
from providers.base import Adapter
from providers.registry import PROVIDERS
from storage import repositories
from storage.changes import ChangeSet, NewRequest, Recorded
from storage.database.repository import Database
from storage.models import ActionRecord, Person, Request, RequestHistory, VerificationReport
from storage.queries import Query
from storage.store import Store
from tests.storage.samples import NUMBER, Clock, verified

AGENT, MANAGER, SECOND = "U0AGENT", "U0MANAGER", "U0SECOND"
LEASE = timedelta(seconds=30)
ROUNDS_AT_MOST = 20
"""Runs without a moving clock: more than any test needs."""
PLACE = PlaceCall(to=NUMBER, agent="payments")
CANCEL_BY_NUMBER = CancelCall(target=NumberRef(agent="payments", to=NUMBER))
CANCEL_BY_ID = CancelCall(target=CallRef(call_id="vx_1001"))
DELETE = DeleteCampaign(target=CampaignRef(campaign_id=kore.CAMPAIGN))
KORE = """
[connections.kore]
provider = "kore"
app_id = "{app}"
account_id = "{account}"
client_id = "{client_id}"
client_secret = "env:KORE_CLIENT_SECRET"
base_url = "{address}"
allow_undocumented = true
"""


class Crash(BaseException):
    """Raised where the process dies."""


class StepRequests(repositories.requests.Requests):
    """The real requests, with a step before and after each change. Reading needs a live process."""

    def __init__(self, database: Database, store: "StepLog") -> None:
        super().__init__(database)
        self.store = store

    async def create(self, new: NewRequest) -> Recorded:
        """Create a request, with a step before and after."""
        await self.store.step("before requested")
        recorded = await super().create(new)
        await self.store.step("after requested")
        return recorded

    async def apply(self, change: ChangeSet) -> Request:
        """Apply a change, with a step before and after."""
        names = [*(move.name for move in change.transitions), *(note.name for note in change.annotations)]
        first = names[0] if names else "approval_recorded"
        await self.store.step(f"before {first}")
        request = await super().apply(change)
        await self.store.step(f"after {first}")
        return request

    async def renew_lease(self, action: str, *, owner: str, attempt: int, until: datetime) -> bool:
        """Renew a lease, with a step before and after."""
        await self.store.step("before hold")
        held = await super().renew_lease(action, owner=owner, attempt=attempt, until=until)
        await self.store.step("after hold")
        return held

    async def request(self, request: str) -> Request:
        """Return a request. Raises `Crash` if the process is dead."""
        self.store.breathe()
        return await super().request(request)

    async def get_with_history(self, request: str) -> RequestHistory:
        """Return a request with its history. Raises `Crash` if the process is dead."""
        self.store.breathe()
        return await super().get_with_history(request)


class StepLog(Store):
    """The real log, which stops at labelled steps, such as ``before sending`` or ``after denied``.

    ``at`` maps a step to its function. A dead log touches its file no more.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.requests: StepRequests = StepRequests(database, self)
        self.at: dict[str, Callable[[], Awaitable[object]]] = {}
        self.steps: list[str] = []
        self.dead = False

    def is_made_of(self, parts: "Parts") -> None:
        """Use these repositories in place of the real ones."""
        self.requests = parts.requests_table(self._database, self)
        self.outbox = parts.outbox_table(self._database)
        self.retention = parts.retention(self._database)
        self.call_history = parts.call_history(self._database)

    async def verify(self) -> VerificationReport:
        """Verify this log."""
        return await verified(self)

    async def step(self, label: str) -> None:
        """Reach a step. Raises `Crash` if the process is dead."""
        self.steps.append(label)
        if label in self.at:
            await self.at[label]()
        self.breathe()

    def breathe(self) -> None:
        """Raise `Crash` if the process is dead."""
        if self.dead:
            raise Crash

    async def die(self) -> None:
        """End the process at a step."""
        self.dead = True


@dataclass(frozen=True, slots=True)
class Parts(runtime.Parts):
    """The parts of a bot, with its log."""

    log: type[StepLog] = StepLog
    requests_table: type[StepRequests] = StepRequests
    outbox_table: type[repositories.outbox.Outbox] = repositories.outbox.Outbox
    retention: type[repositories.retention.Retention] = repositories.retention.Retention
    call_history: type[repositories.call_history.CallHistory] = repositories.call_history.CallHistory


@dataclass(kw_only=True)
class Bot(runtime.Bot):
    """A process, as far as a test is concerned."""

    store: StepLog

    async def run_until_idle(self) -> None:
        """Run the dispatcher until nothing is due and nothing is in flight."""
        for _ in range(ROUNDS_AT_MOST):
            if not self.store.dead:
                await self.dispatcher.run_once()
            if not await self.dispatcher.finish(timedelta(seconds=10)):
                return
        raise AssertionError("the dispatcher goes round without end")

    async def asks(self) -> None:
        """Let due approvers be asked and reminded, and post that."""
        await self.asking.run_once()
        await self.posts()

    async def posts(self) -> None:
        """Let the outbox post what is due."""
        while await self.outbox.run_once():
            pass

    async def person(self, user: str) -> Person:
        """Return a person."""
        return await self.directory.get_user(user)

    async def ask(
        self, *actions: CallAction, by: str = AGENT, delivery_key: str = "trigger", nonce: str | None = None
    ) -> Request:
        """Create a request as a person, with a reason."""
        match actions[0]:
            case CancelCall(target=CallRef()):
                connection = "voxworks"
            case DeleteCampaign():
                connection = "kore"
            case _:
                connection = "reminders"
        spec = RequestSpec(connection, actions, "customer asked")
        person = await self.person(by)
        return (
            await self.requests.ask(spec, RequestSource(person, "C0SUPPORT", delivery_key, nonce))
        ).request

    async def approve(self, request: Request, by: str = MANAGER) -> Request:
        """Approve the request as it stands."""
        person = await self.person(by)
        return await self.approvals.approve(
            request.id, person, shown=hash_of(request), nonce=f"{request.id} {by}"
        )

    async def approved(self, *actions: CallAction) -> Request:
        """Ask, and let a manager approve if needed."""
        request = await self.ask(*actions)
        return await self.approve(request) if request.approvals_needed else request

    async def record(self, request: Request | str) -> ActionRecord:
        """Return the first action of a request."""
        found = await self.store.requests.request(request if isinstance(request, str) else request.id)
        return found.actions[0]

    async def actions(self) -> list[ActionRecord]:
        """Return all actions, newest first."""
        return list((await self.store.search.page(Query(), limit=500)).actions)


@dataclass
class BotWorld:
    """The world around the bot, and the live bot."""

    folder: Path
    parts: Parts
    clock: Clock
    slack: slack.Slack
    people: People
    providers: ProviderControl
    addresses: Mapping[str, str]
    stack: AsyncExitStack
    bots: list[Bot] = field(default_factory=list)
    adapters: dict[str, Adapter] = field(default_factory=dict)

    @property
    def bot(self) -> Bot:
        """The bot that was started last."""
        return self.bots[-1]

    @property
    def path(self) -> Path:
        """The path of the log's file."""
        return self.folder / "callops.db"

    async def start(self, **changes: str) -> Bot:
        """Start another bot on the same file. ``changes`` replace old text of its configuration by new."""
        parts, owner = self.parts, f"bot {len(self.bots) + 1}"
        decided = self._settings(changes)
        log = await parts.log.open(self.path, key=decided.key_bytes, clock=self.clock)
        log.is_made_of(parts)
        self.stack.push_async_callback(log.close)
        adapters = {name: self._adapter(one) for name, one in decided.connections.items()}
        client = AsyncWebClient(content.BOT_TOKEN, base_url=decided.slack_api_url, retry_handlers=[])
        client.proxy = None
        workspace = Workspace.of((await client.auth_test()).data)  # type: ignore[arg-type]  # no bytes

        async def sleep(seconds: float) -> None:
            self.clock.move(seconds=seconds)

        bot = Bot(
            settings=decided,
            client=client,
            store=log,
            adapters=adapters,
            workspace=workspace,
            owner=owner,
            clock=self.clock,
            parts=parts,
            jitter=lambda: 0.0,
            sleep=sleep,
        )
        await bot.directory.refresh_groups()
        self.bots.append(bot)
        return bot

    def _adapter(self, connection: Connection) -> Adapter:
        """Return an adapter. Equal settings share an adapter, because it keeps no state."""
        known = self.adapters.get(connection.name)
        if known is None or known.settings != connection.settings:
            kind = PROVIDERS[connection.provider]
            known = self.adapters[connection.name] = kind(connection.settings, deadline=2, clock=self.clock)
            self.stack.push_async_callback(known.aclose)
        return known

    def _settings(self, changes: Mapping[str, str]) -> Settings:
        text = CONFIGURATION.format(agent=callkaro.AGENT, **self.addresses, deadline=2, lease=30)
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        path = self.folder / "callops.toml"
        path.write_text(text, encoding="utf-8")
        return load(
            {
                "SLACK_BOT_TOKEN": content.BOT_TOKEN,
                "SLACK_APP_TOKEN": content.APP_TOKEN,
                "SLACK_API_URL": f"{self.slack.address}/api/",
                "CALLOPS_CONFIG": str(path),
                "CALLOPS_KEY": KEY,
                "CALLKARO_API_KEY": callkaro.KEY,
                "VOXWORKS_API_KEY": voxworks.KEY,
                "KORE_CLIENT_SECRET": kore.CLIENT_SECRET,
            }
        )

    async def survives(self, doing: Awaitable[object]) -> None:
        """Await something in which the process may die."""
        try:
            await doing
        except Crash:
            assert self.bot.store.dead

    async def crash(self, **changes: str) -> Bot:
        """Kill the live bot without a word, and start the next one."""
        await self.bot.store.die()
        return await self.start(**changes)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Let the bot receive people's input over Socket Mode."""
        socket_mode = SocketMode(create_app(self.bot.surfaces), content.APP_TOKEN, direct=True)
        await socket_mode.start()
        try:
            await self.people.bot_connected()
            yield
        finally:
            await self.bot.surfaces.replies.drain(2)
            await socket_mode.stop(2)

    async def with_kore(self, **changes: str) -> Bot:
        """Restart the bot with a Kore.ai connection that can look campaigns up."""
        text = KORE.format(
            app=kore.APP, account=kore.ACCOUNT, client_id=kore.CLIENT_ID, address=self.addresses["kore"]
        )
        return await self.crash(**{"[groups]": f"{text}\n[groups]"}, **changes)

    async def pass_time(self, **by: float) -> None:
        """Move the clock (arguments of `timedelta`). The groups are refreshed, as in the background."""
        self.clock.move(**by)
        await self.bot.directory.refresh_groups()

    async def asked(self, provider: str) -> tuple[Exchange, ...]:
        """Return every request that reached a provider, from its own journal."""
        return (await self.providers.journal(provider)).exchanges

    async def effects(self, provider: str) -> list[str]:
        """Return the effects of requests at a provider."""
        journal = await self.providers.journal(provider)
        return [effect.what for effect in journal.effects if effect.request is not None]

    async def said(self, channel: str) -> list[Message]:
        """Return the messages in a channel (or, by ``D…``, to a person), oldest first."""
        return [
            one for one in await self.people.messages() if one.channel == channel and not one.ephemeral_to
        ]


@asynccontextmanager
async def bench(
    folder: Path, parts: Parts | None = None, workspace: content.Content | None = None
) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        standins = await providers.start(stack, now=clock)
        running = await slack.start(stack, workspace=workspace, routes=standins.routes)
        control = f"{running.address}/control/"
        people = await stack.enter_async_context(People(control))
        steering = await stack.enter_async_context(ProviderControl(f"{control}providers"))
        made = BotWorld(folder, parts or Parts(), clock, running, people, steering, standins.addresses, stack)
        await made.start()
        try:
            yield made
        finally:
            for bot in made.bots:
                for task in bot.dispatcher._in_flight.values():
                    task.cancel()
        assert not await people.faults(), "Slack refused a message, a modal or an answer"
