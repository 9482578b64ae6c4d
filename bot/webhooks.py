"""The route for providers' webhooks.

A webhook's path holds a secret, and its body holds numbers and transcripts, so neither is ever logged. The
answer confirms only that the event was committed, and never waits for Slack.
"""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.config.settings import WEBHOOKS
from bot.text.log_format import log_about
from providers.actions import ProviderEvent
from providers.base import Adapter

MAX_BODY: Final = 1024 * 1024
"""Bytes. A body may hold a call's whole transcript, and JSON can take six bytes for a letter."""
BODY_WITHIN: Final = 2.0
SLACK_TIMEOUT: Final = 2.5
"""Seconds for the whole webhook. CallKaro waits for five."""
MAX_CONCURRENT: Final = 64
"""Webhooks at a time. Further ones are answered with 503, so that they are sent again."""

Take = Callable[[str, ProviderEvent], Awaitable[None]]
_log = logging.getLogger(__name__)


def webhooks(adapters: Mapping[str, Adapter], take: Take) -> list[BaseRoute]:
    """Return the routes for the webhooks of the connections that have a webhook secret.

    The path may end in the action's id, behind the secret.
    """
    hearing = {name: adapter for name, adapter in adapters.items() if adapter.webhook_secret}
    nobodys = secrets.token_urlsafe()
    room = asyncio.Semaphore(MAX_CONCURRENT)

    async def webhook(request: Request) -> Response:
        name, word = request.path_params["connection"], request.path_params["secret"]
        adapter = hearing.get(name)
        expected = (adapter and adapter.webhook_secret) or nobodys
        if not hmac.compare_digest(word.encode(), expected.encode()) or adapter is None:
            return _answer(HTTPStatus.NOT_FOUND)
        if room.locked():
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE)
        async with room:
            return _answer(await _heard(request, name, adapter, take))

    path = f"{WEBHOOKS}/{{connection}}/{{secret}}"
    return [Route(one, webhook, methods=["POST"]) for one in (path, f"{path}/{{action}}")]


def _answer(status: HTTPStatus) -> Response:
    """Return an empty answer that closes its connection. The next webhook opens another one."""
    return Response(status_code=status, headers={"Connection": "close"})


async def _heard(request: Request, name: str, adapter: Adapter, take: Take) -> HTTPStatus:
    """Read a webhook, hand its event to ``take``, and return the status to answer with."""
    log_about(connection=name)
    try:
        async with asyncio.timeout(SLACK_TIMEOUT):
            found = await _document(request)
            if isinstance(found, HTTPStatus):
                return found
            notice = adapter.parse_webhook(found, request.path_params.get("action"))
            if notice is not None:
                await take(name, notice)
    except TimeoutError:
        _log.warning("A webhook of %s could not be taken in time; it was told to come again", name)
        return HTTPStatus.SERVICE_UNAVAILABLE
    except Exception as error:  # noqa: BLE001 - its text may hold the body, so only its type is logged
        _log.error("A webhook of %s could not be taken: %s", name, type(error).__name__)
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK


async def _document(request: Request) -> dict[str, JsonValue] | HTTPStatus:
    """Return the JSON object in a body, or the status that says what is wrong with it."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY:
                    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except TimeoutError:
        return HTTPStatus.REQUEST_TIMEOUT
    except ClientDisconnect:
        return HTTPStatus.BAD_REQUEST  # the sender is gone, so this status is never read
    try:
        document = from_json(bytes(body), allow_inf_nan=False)
    except ValueError:
        return HTTPStatus.BAD_REQUEST
    return document if isinstance(document, dict) else HTTPStatus.BAD_REQUEST
