"""`python -m bot serve`: one process that listens, sends and posts, and how it starts and stops."""

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.app import SCOPES, Surfaces, create_app
from bot.asking import Asking
from bot.daily import Daily
from bot.dispatcher import Dispatcher
from bot.doubts import Doubts
from bot.moving import Moving
from bot.notices import Notices
from bot.operations import Operations
from bot.outage_messages import OutageMessages
from bot.outbox import Outbox
from bot.people import SLACK_TROUBLE, Directory, trouble
from bot.rounds import Rounds
from bot.settings import Settings, is_loopback
from bot.socket_mode import SocketMode
from bot.web import CannotListen, Web, create_web
from bot.web_client import make_client
from providers.base import Adapter
from providers.registry import find
from storage.presence import Presence
from storage.sqlite import SQLiteLog

GROUPS_EVERY = 600.0
"""Seconds between two readings of the user groups."""
SWEEP_EVERY = 3.0
"""Seconds between two looks for processes that died on the same database."""
DOUBTS_EVERY = 60.0
"""Seconds between two looks for doubts that are another day old."""
GROUPS_AGAIN = 20.0
"""Seconds until a group that could not be read is tried again."""
STOP_LISTENING_WITHIN = 3.0
FINISH_SENDING_WITHIN = timedelta(seconds=5)
SAY_THE_REST_WITHIN = 1.5
"""Seconds: together under the ten that platforms leave between SIGTERM and SIGKILL."""

_log = logging.getLogger("callops")


class CannotStart(Exception):
    """What is in the way, as a sentence."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def log_to_stderr(level: str) -> None:
    """Our own lines at the level asked for; libraries only when something is wrong.

    httpx logs whole URLs at INFO, slack_sdk whole payloads at DEBUG, uvicorn the paths it is asked for:
    numbers and keys do not belong there.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    for ours in ("callops", "bot", "providers", "storage"):
        logging.getLogger(ours).setLevel(level)
    for theirs in ("slack_bolt", "slack_sdk", "httpx", "httpcore", "aiohttp", "uvicorn"):
        logging.getLogger(theirs).setLevel(logging.WARNING)


async def check_slack(client: AsyncWebClient, settings: Settings) -> str:
    """The workspace's id. Raises `CannotStart` for a token that does not work or may too little."""
    answer = await _ask(client.auth_test(), "SLACK_BOT_TOKEN", settings.slack_api_url)
    needed = set(SCOPES)
    if not any(one.startswith("S") for members in settings.groups.values() for one in members):
        needed.discard("usergroups:read")
    granted = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",")}
    if missing := sorted(needed - granted):
        raise CannotStart(
            f"The Slack app lacks {', '.join(missing)}: update it from manifest.yml and reinstall it"
        )
    # Asked here because the Socket Mode client would try an invalid token for ever.
    opening = client.apps_connections_open(app_token=settings.app_token.get_secret_value())
    await _ask(opening, "SLACK_APP_TOKEN", settings.slack_api_url)
    return str(answer["team_id"])


async def _ask(call: Awaitable[AsyncSlackResponse], token: str, url: str) -> AsyncSlackResponse:
    """Slack's answer to a first call with a token. Raises `CannotStart`."""
    try:
        return await call
    except SLACK_TROUBLE as error:
        if isinstance(error, SlackApiError) and error.response.status_code == HTTPStatus.OK:
            raise CannotStart(f"Slack does not take {token}: {trouble(error)}") from error
        raise CannotStart(f"Slack cannot be reached at {url}: {trouble(error)}") from error


def make_adapters(settings: Settings, clock: Callable[[], datetime]) -> dict[str, Adapter]:
    """One adapter for each connection that is on."""
    deadline = settings.dispatch.deadline.total_seconds()
    return {
        name: find(connection.provider)(connection.settings, deadline=deadline, clock=clock)
        for name, connection in settings.connections.items()
    }


async def serve(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
    """Listen, send and post until SIGTERM or SIGINT. Raises `CannotStart`."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    local = is_loopback(settings.slack_api_url)
    client = make_client(settings.bot_token.get_secret_value(), settings.slack_api_url)
    team = await check_slack(client, settings)
    async with AsyncExitStack() as stack:
        log = await SQLiteLog.open(settings.database, key=settings.key_bytes, clock=clock)
        stack.push_async_callback(log.close)
        # Never used again: what is found under a dead owner's name is released.
        presence = Presence.begin(settings.database, owner=f"{os.getpid()}-{secrets.token_hex(4)}")
        stack.push_async_callback(presence.end, log.release)
        await presence.sweep(log.release)
        adapters = make_adapters(settings, clock)
        for adapter in adapters.values():
            stack.push_async_callback(adapter.aclose)
        directory = Directory(log, client, settings.groups, clock=clock)
        await directory.refresh_groups()
        await _run(
            settings, client, log, adapters, directory, team, clock, stopping, presence=presence, local=local
        )


async def _run(  # noqa: PLR0913 - what `serve` has put together
    settings: Settings,
    client: AsyncWebClient,
    log: SQLiteLog,
    adapters: dict[str, Adapter],
    directory: Directory,
    team: str,
    clock: Callable[[], datetime],
    stopping: asyncio.Event,
    *,
    presence: Presence,
    local: bool,
) -> None:
    owner = presence.owner

    def cannot_post(request: str) -> None:
        asking.look_again(request)
        calling.wake()

    outbox = Outbox(log, client, settings, owner=owner, clock=clock, cannot_post=cannot_post)
    posting = Rounds("outbox", outbox.step)

    def something_to_do() -> None:
        sending.wake()
        posting.wake()
        calling.wake()
        moving.wake()

    operations = Operations(log, settings, directory, adapters, team=team, clock=clock, wake=something_to_do)
    dispatcher = Dispatcher(
        log,
        settings,
        directory,
        operations,
        adapters,
        owner=owner,
        team=team,
        clock=clock,
        announce=posting.wake,
        again=something_to_do,
    )
    sending = Rounds("dispatcher", dispatcher.step)
    asking = Asking(log, settings, directory, operations, team=team, clock=clock, announce=posting.wake)
    calling = Rounds("asking", asking.step)
    moving = Rounds("moves", Moving(log, directory, operations, clock=clock, announce=posting.wake).step)
    surfaces = Surfaces.make(client, log, settings, operations, directory, adapters, clock=clock)
    socket_mode = SocketMode(create_app(surfaces), settings.app_token.get_secret_value(), direct=local)

    async def read_groups() -> None:
        read = directory.knows_groups()
        while True:
            await asyncio.sleep(GROUPS_EVERY if read else GROUPS_AGAIN)
            read = await directory.refresh_groups()

    async def sweep() -> bool:
        if dead := await presence.sweep(log.release):
            _log.warning("Taken over what a dead process held: %s", ", ".join(dead))
            something_to_do()
        return False

    web = await _hear(settings, adapters, Notices(log, settings, announce=posting.wake))
    groups = asyncio.create_task(read_groups(), name="groups")
    dispatching = asyncio.create_task(sending.run(), name="dispatcher")
    outgoing = asyncio.create_task(posting.run(), name="outbox")
    approvers = asyncio.create_task(calling.run(), name="asking")
    doubts = Doubts(log, directory, operations, clock=clock, announce=posting.wake)
    now_and_then = [
        moving,
        Rounds("daily line", Daily(log, client, settings, clock=clock).step),
        Rounds("doubts", doubts.step, every=DOUBTS_EVERY),
        Rounds("messages of outages", OutageMessages(log, client, settings, clock=clock).step),
        Rounds("look for dead processes", sweep, every=SWEEP_EVERY),
    ]
    beside = [asyncio.create_task(rounds.run()) for rounds in now_and_then]
    await socket_mode.connect_async()  # type: ignore[no-untyped-call]  # slack_bolt
    _say_hello(settings, team)
    await stopping.wait()

    _log.info("Stopping: taking in nothing more, finishing what is in flight")
    for one in (groups, *beside):
        one.cancel()
    await asyncio.gather(socket_mode.stop(STOP_LISTENING_WITHIN), *([web.stop()] if web else []))
    dispatching.cancel()
    approvers.cancel()
    await dispatcher.finish(FINISH_SENDING_WITHIN)
    posting.end()
    await asyncio.gather(
        surfaces.replies.drain(SAY_THE_REST_WITHIN), asyncio.wait({outgoing}, timeout=SAY_THE_REST_WITHIN)
    )
    outgoing.cancel()
    await asyncio.gather(groups, dispatching, approvers, outgoing, *beside, return_exceptions=True)
    _log.info("Stopped")


async def _hear(settings: Settings, adapters: dict[str, Adapter], notices: Notices) -> Web | None:
    """Listen for webhooks, where a connection has any. Raises `CannotStart`."""
    hearing = sorted(name for name, adapter in adapters.items() if adapter.webhook_secret)
    if not hearing:
        return None
    try:
        web = await Web.start(create_web(adapters, notices.take), settings.host, settings.port)
    except CannotListen as error:
        raise CannotStart(str(error)) from error
    _log.info("Webhooks are heard at %s for %s", web.address, ", ".join(hearing))
    return web


def _say_hello(settings: Settings, team: str) -> None:
    on = ", ".join(sorted(settings.connections)) or "none"
    _log.info("CallOps is connected to workspace %s; log: %s; connections: %s", team, settings.database, on)
    for name, why in sorted(settings.off.items()):
        _log.warning("The connection %s is off: %s", name, why)
