"""`python -m bot serve`: one process that listens, sends and posts, and how it starts and stops."""

import asyncio
import logging
import os
import random
import secrets
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from bot import CallOpsError
from bot.app import SCOPES, create_app
from bot.cli.checks.setup import what_will_not_last
from bot.cli.service_manager import READY, STOPPING, ServiceManager
from bot.config.settings import Settings, make_adapters
from bot.connections import Throttle
from bot.runtime import Bot, Runtime
from bot.slack.backoff import backoff
from bot.slack.client import RateLimitedCount, is_loopback, make_client
from bot.slack.errors import SLACK_ERRORS, Refusal, error_code, refusal
from bot.slack.http_mode import PATH, HttpMode
from bot.slack.rate_limits import paused_by
from bot.slack.socket_mode import SocketMode
from bot.slack.users import Workspace
from bot.web import CannotListenError, Health, Web, complete, create_web, health_routes
from bot.webhooks import webhooks
from bot.workers.clock_check import ClockCheck
from bot.workers.loop import PeriodicTask, until_written
from providers.base import Adapter
from storage.database.deadlines import deadline
from storage.errors import LogUnavailableError
from storage.repositories.processes import ProcessLock
from storage.store import Store

STOP_LISTENING_WITHIN = 2.5
"""Seconds until what was taken in is answered: Slack gives up after three."""
FIRST_SIGN_WITHIN = 1.0
"""Seconds for the first sign of life in the log. Where that is busy, the start goes on, and is not ready."""
LET_GO_WITHIN = 0.3
"""Seconds, twice: to hand back what is held of the log, and to close it."""
NO_MANAGER = ServiceManager()

_Result = TypeVar("_Result")
_log = logging.getLogger("callops")


class StartError(CallOpsError):
    """CallOps cannot start. The message says why."""


def utc_now() -> datetime:
    """Return the time by this computer's clock, in UTC."""
    return datetime.now(UTC)


async def check_slack(client: AsyncWebClient, settings: Settings, clock_check: ClockCheck) -> Workspace:
    """Return the token's workspace, however often Slack has to be asked, and compare the clocks.

    Raises `StartError` for a token that does not work or may too little.
    """
    url = settings.slack_api_url
    answer = await _ask(client.auth_test, "SLACK_BOT_TOKEN", url)
    clock_check.ask_slack(answer)
    needed = set(SCOPES)
    if not any(one.startswith("S") for members in settings.groups.values() for one in members):
        needed.discard("usergroups:read")
    granted = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",")}
    if missing := sorted(needed - granted):
        raise StartError(
            f"The Slack app lacks {', '.join(missing)}. Reinstall it with the present manifest.yml"
        )
    if settings.app_token:
        # Asked here because the Socket Mode client would try an invalid token for ever.
        token = settings.app_token.get_secret_value()
        await _ask(lambda: client.apps_connections_open(app_token=token), "SLACK_APP_TOKEN", url)
    return Workspace.of(answer.data)  # type: ignore[arg-type]  # the library's type says it may be bytes


async def _ask(call: Callable[[], Awaitable[AsyncSlackResponse]], token: str, url: str) -> AsyncSlackResponse:
    """Return Slack's answer to a first call with a token. Trouble on the way to it is waited out.

    Raises `StartError` where Slack does not take the token.
    """
    for failures in count(1):
        try:
            return await call()
        except SLACK_ERRORS as error:
            kind, code = refusal(error, direct=False), error_code(error)
            if kind is Refusal.TOKEN:
                raise StartError(f"Slack rejects {token}: {code}") from error
            seconds = backoff(failures, random.random())  # noqa: S311 - no secret
            if kind is Refusal.LIMITED:
                now = utc_now()
                seconds = max(seconds, (paused_by(error, now) - now).total_seconds())
        _log.warning("Slack can't be reached at %s: %s. Retrying in %.1f s", url, code, seconds)
        await asyncio.sleep(seconds)
    raise AssertionError


class _StoppedError(CallOpsError):
    """SIGTERM or SIGINT came before everything was open."""


async def serve(
    settings: Settings,
    *,
    read: Callable[[], Settings],
    hangups: Sequence[int] = (),
    manager: ServiceManager = NO_MANAGER,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Listen, send and post until SIGTERM or SIGINT; on SIGHUP, go by the rules that ``read`` gives.

    ``hangups`` are the SIGHUPs that came before this process could hear them. ``manager`` is told once all is
    open, and again at the end. Raises `StartError`.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        try:
            await _serve(settings, read, hangups, manager, clock, stopping, stack)
        except _StoppedError:
            _log.info("Stopped before it was connected")


async def _serve(
    settings: Settings,
    read: Callable[[], Settings],
    hangups: Sequence[int],
    manager: ServiceManager,
    clock: Callable[[], datetime],
    stopping: asyncio.Event,
    stack: AsyncExitStack,
) -> None:
    health = Health(startup_warnings=what_will_not_last(settings.database, settings.platform))
    app = create_web(health_routes(health))
    web = await _listen(app, settings)
    stack.push_async_callback(web.stop)
    limited = RateLimitedCount()
    client = make_client(settings.bot_token.get_secret_value(), settings.slack_api_url, watching=[limited])
    clock_check = ClockCheck(client, over_http=settings.app_token is None, clock=clock)
    health.clock = clock_check
    workspace = await _unless(stopping, check_slack(client, settings, clock_check))
    log = await Store.open(settings.database, key=settings.key_bytes, clock=clock, watched=True)
    stack.push_async_callback(_let_go, log)
    # Its name is never used again: what is found under a dead owner's name is released.
    serving = ProcessLock.acquire(settings.database, owner=f"{os.getpid()}-{secrets.token_hex(4)}")
    stack.push_async_callback(_end, serving, log)
    await _unless(stopping, log.check_key())  # after the lock, for which `rekey` looks
    await _unless(stopping, until_written(lambda: serving.reap(log.processes.release_owner)))
    adapters = make_adapters(settings, clock)
    for adapter in adapters.values():
        stack.push_async_callback(adapter.aclose)
    bot = Bot(
        settings=settings,
        client=client,
        store=log,
        adapters=adapters,
        workspace=workspace,
        owner=serving.owner,
        clock=clock,
    )
    await _unless(stopping, bot.directory.refresh_groups())
    runtime = Runtime(bot, serving=serving, read=read)
    runtime.periodic_tasks += (PeriodicTask("clock check", clock_check.run_once),)
    health.tasks, health.ended, health.write_probe = (
        runtime.periodic_tasks,
        runtime.ended,
        runtime.write_probe,
    )
    with deadline(FIRST_SIGN_WITHIN):
        await runtime.write_probe.write()
    if settings.metrics:
        measured = await _listen_for_metrics(settings.metrics, bot, runtime, limited)
        stack.push_async_callback(measured.stop)

    slack = _door(settings, runtime, bot, clock)
    try:
        await _unless(stopping, runtime.begin(hangups))
        complete(app, _routes(adapters, bot, slack))
        await _unless(stopping, slack.start())
        health.slack = slack
        _say_hello(settings, adapters, workspace.team, web, slack, health)
        manager.notify(READY)
        watching = asyncio.create_task(manager.watch(health.unhealthy))
        await stopping.wait()
        watching.cancel()
    except _StoppedError:
        pass  # before Slack could be connected to: what runs already comes to its end
    health.stopping = True
    manager.notify(STOPPING)
    _log.info("Stopping: no new requests, finishing current ones")
    await asyncio.gather(slack.stop(STOP_LISTENING_WITHIN), web.stop())
    await runtime.finish()
    await asyncio.gather(*(adapter.aclose() for adapter in adapters.values()))
    await runtime.leave()
    _log.info("Stopped")


async def _end(serving: ProcessLock, store: Store) -> None:
    """Hand back what this process holds of the log, where the log can be written to."""
    try:
        with deadline(LET_GO_WITHIN):
            await serving.release(store.processes.release_owner)
    except LogUnavailableError as error:
        _log.warning(
            "This process couldn't release its claims on the log (%s). The next process takes them over",
            error,
        )


async def _let_go(store: Store) -> None:
    with deadline(LET_GO_WITHIN):
        await store.close()


def _door(
    settings: Settings, runtime: Runtime, bot: Bot, clock: Callable[[], datetime]
) -> SocketMode | HttpMode:
    """Return the Socket Mode or HTTP endpoint, by the settings."""
    foreign = runtime.write_probe.foreign_request
    if settings.app_token:
        return SocketMode(
            create_app(bot.surfaces, foreign_request=foreign),
            settings.app_token.get_secret_value(),
            direct=is_loopback(settings.slack_api_url),
            counted=runtime.write_probe.counted,
            leaving=runtime.write_probe.left_a_connection,
        )
    secret = settings.signing_secret.get_secret_value() if settings.signing_secret else ""
    app = create_app(bot.surfaces, signing_secret=secret, foreign_request=foreign)
    return HttpMode(app, secret, clock=lambda: clock().timestamp())


async def _listen(app: Starlette, settings: Settings) -> Web:
    """Listen for health checks, and for what is added later. Raises `StartError`."""
    try:
        return await Web.start(app, settings.host, settings.port)
    except CannotListenError as error:
        raise StartError(str(error)) from error


async def _listen_for_metrics(
    address: tuple[str, int], bot: Bot, runtime: Runtime, limited: RateLimitedCount
) -> Web:
    """Listen for Prometheus. Its library is imported here alone. Raises `StartError`."""
    from bot.metrics import MetricsPage, metrics_route  # noqa: PLC0415 - where nobody asks, it may be missing

    page = MetricsPage(
        bot.store, [*bot.settings.connections], runtime.periodic_tasks, limited.by_method, bot.clock
    )
    await page.begin()
    try:
        web = await Web.start(create_web([metrics_route(page)]), *address, throttle=Throttle())
    except CannotListenError as error:
        host, port = address
        raise StartError(
            f"METRICS names {host}:{port}, which can't be listened on: choose another port"
        ) from error
    _log.info("Metrics at %s/metrics", web.address)
    return web


def _routes(adapters: dict[str, Adapter], bot: Bot, slack: SocketMode | HttpMode) -> list[BaseRoute]:
    """Return what is heard once it can be taken in: webhooks, and Slack where it comes over HTTP."""
    hooks = webhooks(adapters, bot.notices.take)
    return [Route(PATH, slack.guard), *hooks] if isinstance(slack, HttpMode) else hooks


async def _unless(stopping: asyncio.Event, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do something, but stop waiting for it when we are told to stop. Raises `_StoppedError`."""
    working, told = asyncio.create_task(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _StoppedError
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
    for name, why in sorted(settings.off.items()):
        _log.warning("The connection %s is off: %s", name, why)
    if isinstance(slack, HttpMode):
        _log.info("Listening to Slack at %s%s: HTTP, because SLACK_APP_TOKEN isn't set", web.address, PATH)
    elif settings.signing_secret:
        _log.info("Listening to Slack through Socket Mode. SLACK_SIGNING_SECRET is set, but not used")
    _log.info("Health checks at %s/healthz and %s/readyz", web.address, web.address)
    hearing = sorted(name for name, one in adapters.items() if one.webhook_secret)
    if hearing:
        _log.info("Listening to webhooks at %s for %s", web.address, ", ".join(hearing))
    for what in health.startup_warnings:
        _log.warning("%s", what)
    on = ", ".join(sorted(settings.connections)) or "none"
    _log.info("CallOps is connected to workspace %s; log: %s; connections: %s", team, settings.database, on)
