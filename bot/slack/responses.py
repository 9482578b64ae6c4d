"""What a listener answers with: a modal, which it waits for, and short answers that only one person sees.

Short answers are sent after the listener has returned, to a `response_url`. They are never the only record of
anything: one that is lost costs a courtesy.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from bot import CallOpsError
from bot.slack.blocks import Message
from bot.slack.errors import SLACK_ERRORS, error_code

SLACK_TIMEOUT: Final = 10
"""Seconds that Slack may take for a short answer."""
WINDOW_WITHIN: Final = 1.8
"""Seconds. With the one that looking somebody up may take, under the three that a `trigger_id` lives."""

SLACKS_OWN: Final = frozenset(
    {
        "expired_trigger_id",
        "trigger_expired",
        "push_limit_reached",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
"""Refusals that say nothing of what was asked (docs.slack.dev, views.open and views.push)."""

Body = dict[str, Any]
_log = logging.getLogger(__name__)


class ModalNotOpenedError(CallOpsError):
    """Slack opened or changed no window, through no fault of ours: ``code`` is `trouble`'s word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class ModalClient:
    """The modals that are open.

    All methods raise `ModalNotOpenedError`, and `SlackApiError` for a fault of ours.
    """

    _client: AsyncWebClient

    async def open(self, body: Body, view: Body) -> None:
        """Open a modal for whoever pressed or typed. A trigger delivered twice opens one."""
        opening = self._client.views_open(trigger_id=body["trigger_id"], view=view)
        await _show(opening, unless="exchanged_trigger_id")  # the first delivery opened it

    async def push(self, body: Body, view: Body) -> None:
        """Put a modal onto the one that a button was pressed in. A trigger delivered twice puts one."""
        pushing = self._client.views_push(trigger_id=body["trigger_id"], view=view)
        await _show(pushing, unless="exchanged_trigger_id")  # the first delivery put it there

    async def update(self, body: Body, view: Body) -> None:
        """Change the modal that a button was pressed in, unless it changed meanwhile."""
        seen = body["view"]
        changing = self._client.views_update(view_id=seen["id"], hash=seen["hash"], view=view)
        await _show(changing, unless="hash_conflict")  # an earlier press changed it


async def _show(call: Awaitable[object], *, unless: str) -> None:
    """Wait for Slack's answer; ``unless`` is its code for what is done already.

    Raises as `ModalClient` says.
    """
    try:
        async with asyncio.timeout(WINDOW_WITHIN):
            await call
    except SLACK_ERRORS as error:
        code = error_code(error)
        if code == unless:
            return
        if isinstance(error, SlackApiError) and code not in SLACKS_OWN and not code.startswith("HTTP "):
            raise
        _log.warning("Slack showed no window: %s", code)
        raise ModalNotOpenedError(code) from error


class EphemeralResponder:
    """Short answers on their way."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._on_the_way: set[asyncio.Task[None]] = set()

    def send(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """Answer below the message that was clicked, or in its place."""
        webhook = AsyncWebhookClient(response_url, timeout=SLACK_TIMEOUT, retry_handlers=[])
        webhook.proxy = self._client.proxy
        self._start(
            webhook.send(
                text=message.text,
                blocks=list(message.blocks),
                response_type="ephemeral",
                replace_original=replace,
            )
        )

    def direct(self, user: str, message: Message) -> None:
        """Answer by direct message, where there is nothing to answer below."""
        self._start(
            self._client.chat_postMessage(channel=user, text=message.text, blocks=list(message.blocks))
        )

    def _start(self, answer: Awaitable[AsyncSlackResponse | WebhookResponse]) -> None:
        self.keep(asyncio.create_task(self._finish(answer)))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Wait for a longer answer, too, when everything ends."""
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)

    async def _finish(self, answer: Awaitable[AsyncSlackResponse | WebhookResponse]) -> None:
        try:
            async with asyncio.timeout(SLACK_TIMEOUT):
                said = await answer
        except SLACK_ERRORS as error:
            _log.warning("A reply was lost: %s", error_code(error))
        else:
            if isinstance(said, WebhookResponse) and said.status_code != HTTPStatus.OK:
                _log.warning("A reply was not taken: %s %s", said.status_code, said.body[:80])

    async def drain(self, within: float) -> None:
        """Wait for what is on its way, for a while; give up what is not there by then."""
        if self._on_the_way:
            _, late = await asyncio.wait(self._on_the_way, timeout=within)
            for task in late:
                task.cancel()
