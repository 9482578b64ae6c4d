"""`python -m bot serve`: one process that listens, sends and posts, and how it starts and stops."""

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from starlette.routing import BaseRoute, Route

from bot.app import SCOPES, create_app
from bot.check_setup import what_will_not_last
from bot.health import Health, health_routes
from bot.house import House
from bot.http_mode import PATH, HttpMode
from bot.people import SLACK_TROUBLE, Directory, Workspace, trouble
from bot.settings import Settings, is_loopback
from bot.socket_mode import SocketMode
from bot.terminal import LineFormatter
from bot.web import AT_ONCE, CannotListen, Web, create_web
from bot.web_client import make_client
from bot.webhooks import AT_ONCE as WEBHOOKS_AT_ONCE
from bot.webhooks import webhooks
from providers.base import Adapter
from providers.registry import find
from storage.presence import Presence
from storage.sqlite import SQLiteLog

STOP_LISTENING_WITHIN = 2.5
"""Seconds until what was taken in is answered: Slack gives up after three."""

_Result = TypeVar("_Result")
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    for ours in ("callops", "bot", "providers", "storage"):
        logging.getLogger(ours).setLevel(level)
    for theirs in ("slack_bolt", "slack_sdk", "httpx", "httpcore", "aiohttp", "uvicorn"):
        logging.getLogger(theirs).setLevel(logging.WARNING)


async def check_slack(client: AsyncWebClient, settings: Settings) -> Workspace:
    """Return the token's workspace. Raises `CannotStart` for a token that does not work or may too little."""
    answer = await _ask(client.auth_test(), "SLACK_BOT_TOKEN", settings.slack_api_url)
    needed = set(SCOPES)
    if not any(one.startswith("S") for members in settings.groups.values() for one in members):
        needed.discard("usergroups:read")
    granted = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",")}
    if missing := sorted(needed - granted):
        raise CannotStart(
            f"The Slack app lacks {', '.join(missing)}: update it from manifest.yml and reinstall it"
        )
    if settings.app_token:
        # Asked here because the Socket Mode client would try an invalid token for ever.
        opening = client.apps_connections_open(app_token=settings.app_token.get_secret_value())
        await _ask(opening, "SLACK_APP_TOKEN", settings.slack_api_url)
    return Workspace.of(answer.data)  # type: ignore[arg-type]  # the library's type says it may be bytes


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


class _Stopped(Exception):
    """SIGTERM or SIGINT came before everything was open."""


async def serve(
    settings: Settings, *, read: Callable[[], Settings], clock: Callable[[], datetime] = utc_now
) -> None:
    """Listen, send and post until SIGTERM or SIGINT; on SIGHUP, go by the rules that ``read`` gives.

    Raises `CannotStart`.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        try:
            await _serve(settings, read, clock, stopping, stack)
        except _Stopped:
            _log.info("Stopped before it was connected")


async def _serve(
    settings: Settings,
    read: Callable[[], Settings],
    clock: Callable[[], datetime],
    stopping: asyncio.Event,
    stack: AsyncExitStack,
) -> None:
    client = make_client(settings.bot_token.get_secret_value(), settings.slack_api_url)
    workspace = await _unless(stopping, check_slack(client, settings))
    log = await SQLiteLog.open(settings.database, key=settings.key_bytes, clock=clock)
    stack.push_async_callback(log.close)
    # Its name is never used again: what is found under a dead owner's name is released.
    serving = Presence.begin(settings.database, owner=f"{os.getpid()}-{secrets.token_hex(4)}")
    stack.push_async_callback(serving.end, log.release)
    await serving.sweep(log.release)
    adapters = make_adapters(settings, clock)
    for adapter in adapters.values():
        stack.push_async_callback(adapter.aclose)
    directory = Directory(log, client, settings.groups, workspace=workspace, clock=clock)
    await _unless(stopping, directory.refresh_groups())
    team = workspace.team
    house = House(
        settings, client, log, adapters, directory, team=team, serving=serving, read=read, clock=clock
    )
    health = Health(house.rounds, house.ended, house.instances)
    health.beside += what_will_not_last(settings.database, settings.platform)
    await house.instances.write()

    slack = _door(settings, house)
    web = await _listen(settings, adapters, house, health, slack)
    await house.begin()
    try:
        await _unless(stopping, slack.start())
        health.door = slack
        _say_hello(settings, adapters, team, web, slack, health)
        await stopping.wait()
    except _Stopped:
        pass  # before Slack could be connected to: what runs already comes to its end
    health.stopping = True
    _log.info("Stopping: taking in nothing more, finishing what is in flight")
    await asyncio.gather(slack.stop(STOP_LISTENING_WITHIN), web.stop())
    await house.finish()
    _log.info("Stopped")


def _door(settings: Settings, house: House) -> SocketMode | HttpMode:
    """How Slack reaches us: Socket Mode where there is a token for it, else HTTP."""
    foreign = house.instances.foreign_request
    if settings.app_token:
        return SocketMode(
            create_app(house.surfaces, foreign_request=foreign),
            settings.app_token.get_secret_value(),
            direct=is_loopback(settings.slack_api_url),
            counted=house.instances.counted,
            leaving=house.instances.left_a_connection,
        )
    secret = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
    return HttpMode(create_app(house.surfaces, signing_secret=secret, foreign_request=foreign), secret)


async def _listen(
    settings: Settings,
    adapters: dict[str, Adapter],
    house: House,
    health: Health,
    slack: SocketMode | HttpMode,
) -> Web:
    """Listen for health checks, webhooks, and Slack where it comes over HTTP. Raises `CannotStart`."""
    routes: list[BaseRoute] = [*health_routes(health), webhooks(adapters, house.notices.take)]
    at_once = WEBHOOKS_AT_ONCE
    if isinstance(slack, HttpMode):
        routes.insert(0, Route(PATH, slack.guard))
        at_once = AT_ONCE
    try:
        return await Web.start(create_web(routes), settings.host, settings.port, at_once=at_once)
    except CannotListen as error:
        await slack.stop(0)
        raise CannotStart(str(error)) from error


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do something, but stop waiting for it when we are told to stop. Raises `_Stopped`."""
    working, told = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _Stopped
        return working.result()
    finally:
        for task in (working, told):
            task.cancel()
        await asyncio.gather(working, told, return_exceptions=True)


def _say_hello(
    settings: Settings,
    adapters: dict[str, Adapter],
    team: str,
    web: Web,
    slack: SocketMode | HttpMode,
    health: Health,
) -> None:
    on = ", ".join(sorted(settings.connections)) or "none"
    _log.info("CallOps is connected to workspace %s; log: %s; connections: %s", team, settings.database, on)
    if isinstance(slack, HttpMode):
        _log.info("Slack is heard at %s%s: HTTP, as SLACK_APP_TOKEN is not set", web.address, PATH)
    elif settings.signing_secret:
        _log.info("Slack is heard through Socket Mode: SLACK_SIGNING_SECRET is set, and not used")
    _log.info("Health is told at %s/healthz and %s/readyz", web.address, web.address)
    hearing = sorted(name for name, one in adapters.items() if one.webhook_secret)
    if hearing:
        _log.info("Webhooks are heard at %s for %s", web.address, ", ".join(hearing))
    for name, why in sorted(settings.off.items()):
        _log.warning("The connection %s is off: %s", name, why)
    for what in health.beside:
        _log.warning("%s", what)
