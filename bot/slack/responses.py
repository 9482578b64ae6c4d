"""Short answers that only one person sees, sent after the listener has returned.

They go to a `response_url` and are never the only record of anything: one that is lost costs a courtesy.
"""

import asyncio
import logging
from collections.abc import Awaitable
from http import HTTPStatus

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from bot.slack.blocks import Message
from bot.slack.users import SLACK_TROUBLE, trouble

ANSWER_WITHIN = 10
"""Seconds Slack may take."""

_log = logging.getLogger(__name__)


class Replies:
    """Answers on their way."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._on_the_way: set[asyncio.Task[None]] = set()

    def send(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """Answer below the message that was clicked, or in its place."""
        webhook = AsyncWebhookClient(response_url, timeout=ANSWER_WITHIN, retry_handlers=[])
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
            async with asyncio.timeout(ANSWER_WITHIN):
                said = await answer
        except SLACK_TROUBLE as error:
            _log.warning("A reply was lost: %s", trouble(error))
        else:
            if isinstance(said, WebhookResponse) and said.status_code != HTTPStatus.OK:
                _log.warning("A reply was not taken: %s %s", said.status_code, said.body[:80])

    async def drain(self, within: float) -> None:
        """Wait for what is on its way, for a while; give up what is not there by then."""
        if self._on_the_way:
            _, late = await asyncio.wait(self._on_the_way, timeout=within)
            for task in late:
                task.cancel()
