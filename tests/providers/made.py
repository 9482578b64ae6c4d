"""Adapters, actions and contexts for the tests of providers/."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from providers.actions import CallAction, CallRef, CancelCall, NumberRef, Outcome, PlaceCall
from providers.base import Adapter, Context
from providers.callkaro import CallKaro, CallKaroSettings
from providers.kore import Kore, KoreSettings
from providers.ryng import Ryng, RyngSettings
from providers.voxworks import Voxworks, VoxworksSettings
from tests.providers.wire import Answer, Received, listening, perform

NOW = datetime(2025, 12, 30, 12, 0, tzinfo=UTC)
CONTEXT = Context(now=NOW, action_id="A-7K3F")
KEY = "canary-key-5d1f"
NUMBER = "+919876543210"
AGENT_ID = "6803fa770b666a64ab1694c1e"

PLACE = PlaceCall(to=NUMBER, agent="payments")
DELETE = CancelCall(target=NumberRef(agent="payments", to=NUMBER))
CANCEL = CancelCall(target=CallRef(call_id="vx_123"))


def callkaro(
    base_url: str = "https://api.callkaro.ai",
    *,
    deadline: float = 20.0,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> CallKaro:
    """Return a CallKaro connection with one agent."""
    defaults = {"base_url": base_url, "api_key": KEY, "agents": {"payments": AGENT_ID}}
    made = CallKaroSettings.model_validate(defaults | settings)
    return CallKaro(made, deadline=deadline, transport=transport, clock=lambda: NOW)


def voxworks(
    base_url: str = "https://api.voxworks.ai",
    *,
    deadline: float = 20.0,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Voxworks:
    """Return a Voxworks connection."""
    made = VoxworksSettings.model_validate({"base_url": base_url, "api_key": KEY})
    return Voxworks(made, deadline=deadline, transport=transport, clock=lambda: NOW)


def ryng(
    base_url: str | None = None, *, deadline: float = 20.0, webhook_url: str | None = None, **settings: Any
) -> Ryng:
    """Return a Ryng connection."""
    address = {} if base_url is None else {"base_url": base_url}
    made = RyngSettings.model_validate({"subdomain": "tenant", "access_token": KEY} | address | settings)
    return Ryng(made, deadline=deadline, clock=lambda: NOW, webhook_url=webhook_url)


def kore(base_url: str = "https://platform.kore.ai", *, deadline: float = 20.0, **settings: Any) -> Kore:
    """Return a Kore.ai connection, by default with a ready-made token."""
    defaults = {"base_url": base_url, "app_id": "st-1", "account_id": "acc-1"}
    way_in = {} if "client_id" in settings else {"token": KEY}
    made = KoreSettings.model_validate(defaults | way_in | settings)
    return Kore(made, deadline=deadline, clock=lambda: NOW)


def adapter_for(action: CallAction, base_url: str, **options: Any) -> Adapter:
    """Return a connection that can do an action: Voxworks by call id, otherwise CallKaro."""
    match action:
        case CancelCall(target=CallRef()):
            return voxworks(base_url, **options)
        case _:
            return callkaro(base_url, **options)


@asynccontextmanager
async def open_adapter(adapter: Adapter) -> AsyncIterator[Adapter]:
    """Yield an adapter, and close it afterwards."""
    try:
        yield adapter
    finally:
        await adapter.aclose()


async def ask(
    action: CallAction, answer: Answer, *, of: Callable[..., Adapter] | None = None, **options: Any
) -> tuple[Outcome, list[Received]]:
    """Send an action to a provider with this answer, and return its outcome and the received requests.

    ``of`` makes the connection, to the provider under test.
    """
    async with (
        listening(answer) as wire,
        open_adapter(
            of(wire.base_url, **options) if of else adapter_for(action, wire.base_url, **options)
        ) as adapter,
    ):
        outcome = await perform(adapter, action, CONTEXT)
    return outcome, wire.received
