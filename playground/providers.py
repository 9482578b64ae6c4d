"""The provider stand-ins: starts them together, and defines the routes that control them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from playground import wire
from playground.callkaro import CallKaro, Shape
from playground.calls import Calls, Clock, Ringing
from playground.faults import Fault
from playground.journal import CALLS, LINES, Call, Recorder
from playground.kore import Kore
from playground.opened import Opened, check_opened, nothing_opened
from playground.ringer import Ringer
from playground.ryng import Ryng
from playground.voxworks import Voxworks
from playground.webhooks import Telling, Webhook, tell

_SHAPE: TypeAdapter[Shape] = TypeAdapter(Shape)
_SECONDS: TypeAdapter[float] = TypeAdapter(float)
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Standins:
    """Running stand-ins: base URLs by provider, and control routes to mount below ``/control/providers``."""

    addresses: dict[str, str]
    routes: list[BaseRoute]


class _Steered(wire.Provider, Protocol):
    def reset(self) -> None: ...


@runtime_checkable
class _HasCalls(Protocol):
    calls: Calls

    def added(self, call: Call) -> Call: ...


@runtime_checkable
class _HasWebhook(Protocol):
    webhook: Webhook | None


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _ten_hex_digits() -> str:
    return secrets.token_hex(5)


async def start(
    stack: AsyncExitStack,
    *,
    journal: Path | None = None,
    now: Callable[[], datetime] = _utc_now,
    new_id: Callable[[], str] = _ten_hex_digits,
    opened: Opened = nothing_opened,
) -> Standins:
    """Start every stand-in on a loopback port of its own, until ``stack`` is closed.

    Args:
        stack: Stops them when it is closed.
        journal: A file of JSON lines to which the journal is appended.
        now: Returns the present aware time. The control route ``advance`` adds to it.
        new_id: Returns the id of a placed call. Ten hexadecimal digits look like CallKaro's examples.
        opened: Returns the addresses to which webhooks may be sent.
    """
    clock = Clock(now)
    recorder = Recorder(clock.now, journal)
    stack.callback(recorder.close)
    callkaro = CallKaro(Calls("callkaro", recorder, clock), clock, new_id)
    voxworks = Voxworks(Calls("voxworks", recorder, clock), clock, new_id)
    ryng = Ryng(Calls("ryng", recorder, clock), clock)
    standins: tuple[_Steered, ...] = (callkaro, voxworks, ryng, Kore(recorder, clock))
    ringer = Ringer((callkaro, voxworks, ryng), clock, recorder, opened)
    steering = [_Steering(provider, wire.Front(provider, recorder), recorder) for provider in standins]
    for one in steering:
        stack.push_async_callback(one.front.close)
        await one.reset()
    await stack.enter_async_context(_running(ringer))

    async def reset(_: Request) -> Response:
        clock.reset()
        ringer.clear()
        for one in steering:
            await one.reset()
        return Response(status_code=204)

    async def advance(request: Request) -> Response:
        clock.advance(_SECONDS.validate_json(await request.body()))
        await ringer.catch_up()
        return Response(status_code=204)

    async def set_shape(request: Request) -> Response:
        callkaro.shape = _SHAPE.validate_json(await request.body())
        return Response(status_code=204)

    async def end_call(request: Request) -> Response:
        telling = Telling.model_validate_json(await request.body())
        check_opened(telling.url, opened)
        answers = await tell(telling, callkaro.ended(request.path_params["call"], telling.end))
        return JSONResponse(answers)

    return Standins(
        addresses={one.provider.name: f"http://{wire.HOST}:{one.front.port}" for one in steering},
        routes=[
            Route("/reset", reset, methods=["POST"]),
            Route("/advance", _checked(advance), methods=["POST"]),
            Route("/callkaro/shape", _checked(set_shape), methods=["PUT"]),
            Route("/callkaro/calls/{call}/end", _checked(end_call), methods=["POST"]),
            *(Mount(f"/{one.provider.name}", routes=one.routes(opened)) for one in steering),
        ],
    )


def _checked(handler: Handler) -> Handler:
    """Return a handler that answers 400 with a sentence for an invalid body."""

    async def checked(request: Request) -> Response:
        try:
            return await handler(request)
        except ValueError as error:
            return PlainTextResponse(str(error), status_code=400)

    return checked


@dataclass(frozen=True, slots=True)
class _Steering:
    """The control routes of a provider."""

    provider: _Steered
    front: wire.Front
    recorder: Recorder

    def routes(self, opened: Opened) -> list[BaseRoute]:
        return [
            Route("/journal", self.journal),
            Route("/fault", _checked(self.fail), methods=["PUT"]),
            Route("/fault", self.clear, methods=["DELETE"]),
            *(_call_routes(self.provider) if isinstance(self.provider, _HasCalls) else ()),
            *(_webhook_routes(self.provider, opened) if isinstance(self.provider, _HasWebhook) else ()),
        ]

    async def reset(self) -> None:
        self.provider.reset()
        await self.front.clear()

    async def journal(self, _: Request) -> Response:
        if isinstance(self.provider, _HasCalls):
            self.provider.calls.all()  # make due calls first, so that the journal is up to date
        return _json(LINES.dump_json(self.recorder.of(self.provider.name).lines))

    async def fail(self, request: Request) -> Response:
        await self.front.arm(Fault.model_validate_json(await request.body()))
        return Response(status_code=204)

    async def clear(self, _: Request) -> Response:
        await self.front.clear()
        return Response(status_code=204)


def _call_routes(provider: _HasCalls) -> list[BaseRoute]:
    async def calls(_: Request) -> Response:
        return _json(CALLS.dump_json(provider.calls.all()))

    async def add_call(request: Request) -> Response:
        call = provider.added(Call.model_validate_json(await request.body()))
        provider.calls.add(call, "added", None)
        return Response(status_code=204)

    async def ring(request: Request) -> Response:
        provider.calls.ringing = Ringing.model_validate_json(await request.body())
        return Response(status_code=204)

    return [
        Route("/calls", calls),
        Route("/calls", _checked(add_call), methods=["POST"]),
        Route("/ring", _checked(ring), methods=["PUT"]),
    ]


def _webhook_routes(provider: _HasWebhook, opened: Opened) -> list[BaseRoute]:
    async def configure(request: Request) -> Response:
        webhook = Webhook.model_validate_json(await request.body())
        check_opened(webhook.url, opened)
        provider.webhook = webhook
        return Response(status_code=204)

    async def remove(_: Request) -> Response:
        provider.webhook = None
        return Response(status_code=204)

    return [
        Route("/webhook", _checked(configure), methods=["PUT"]),
        Route("/webhook", remove, methods=["DELETE"]),
    ]


@contextlib.asynccontextmanager
async def _running(ringer: Ringer) -> AsyncIterator[None]:
    """Let a ringer follow the clock inside the context."""
    task = asyncio.create_task(ringer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
