"""Answers of listeners: modals, and short replies that only one person sees.

A listener waits until its modal is open. Short replies are sent to a `response_url` after the listener has
returned. No reply is the only record of anything, so a lost one does little harm.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
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
from storage.store import Store

SLACK_TIMEOUT: Final = 10
"""Seconds that Slack may take for a short reply."""
WINDOW_WITHIN: Final = 1.8
"""Seconds. A `trigger_id` lives for three, and reading a person from Slack may take one of them."""

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
"""Errors that do not mean a fault in our request (docs.slack.dev, views.open and views.push)."""

Body = dict[str, Any]
_log = logging.getLogger(__name__)


class ModalNotOpenedError(CallOpsError):
    """Slack did not open or change a modal, for no fault of ours. ``code`` is from `error_code`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class ModalClient:
    """Opens and changes modals.

    All methods but `publish` raise `ModalNotOpenedError`, and `SlackApiError` for a fault in our request.
    """

    _client: AsyncWebClient

    async def open(self, body: Body, view: Body) -> None:
        """Open a modal for the person who pressed or typed. A trigger that is delivered twice opens one."""
        opening = self._client.views_open(trigger_id=body["trigger_id"], view=view)
        await _show(opening, unless="exchanged_trigger_id")  # the first delivery opened it

    async def push(self, body: Body, view: Body) -> None:
        """Push a modal over the one in which a button was pressed. A trigger delivered twice pushes one.

        Nothing can be pushed over a Home tab, so the modal is opened there.
        """
        if is_home(body):
            await self.open(body, view)
            return
        pushing = self._client.views_push(trigger_id=body["trigger_id"], view=view)
        await _show(pushing, unless="exchanged_trigger_id")  # the first delivery pushed it

    async def update(self, body: Body, view: Body) -> None:
        """Update the modal in which a button was pressed, unless it has changed since.

        After a press in a Home tab, the modal is opened.
        """
        if is_home(body):
            await self.open(body, view)
            return
        seen = body["view"]
        changing = self._client.views_update(view_id=seen["id"], hash=seen["hash"], view=view)
        await _show(changing, unless="hash_conflict")  # an earlier press changed it

    async def replace(self, view_id: str, view: Body) -> None:
        """Show another view in place of one, some time after the person's press.

        A failure is only logged, because the person may have closed it.
        """
        try:
            async with asyncio.timeout(SLACK_TIMEOUT):
                await self._client.views_update(view_id=view_id, view=view)
        except SLACK_ERRORS as error:
            _log.warning("A modal was not updated: %s", error_code(error))

    async def publish(self, user: str, view: Body) -> None:
        """Publish a person's Home tab. A failure is only logged, because the person can open it again."""
        try:
            async with asyncio.timeout(WINDOW_WITHIN):
                await self._client.views_publish(user_id=user, view=view)
        except SLACK_ERRORS as error:
            _log.warning("A Home tab was not published: %s", error_code(error))


def is_home(body: Body) -> bool:
    """Return whether a button was pressed in a Home tab."""
    return (body.get("view") or {}).get("type") == "home"


async def _show(call: Awaitable[object], *, unless: str) -> None:
    """Wait for Slack's answer. Ignore the error ``unless``, which means that it is done already.

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


async def replace_original(client: AsyncWebClient, response_url: str, message: Message) -> int:
    """Replace the message that a `response_url` came from. Return the HTTP status. Raises `SLACK_ERRORS`."""
    async with asyncio.timeout(SLACK_TIMEOUT):
        said = await _say(client, response_url, message, replace=True)
    return said.status_code


async def _say(
    client: AsyncWebClient, response_url: str, message: Message, *, replace: bool
) -> WebhookResponse:
    webhook = AsyncWebhookClient(response_url, timeout=SLACK_TIMEOUT, retry_handlers=[])
    webhook.proxy = client.proxy
    return await webhook.send(
        text=message.text,
        blocks=list(message.blocks),
        response_type="ephemeral",
        replace_original=replace,
    )


class EphemeralResponder:
    """Sends short replies in the background."""

    def __init__(self, store: Store, client: AsyncWebClient, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._on_the_way: set[asyncio.Task[None]] = set()

    def send(self, response_url: str, message: Message, *, replace: bool = False) -> None:
        """Send a reply below the message that was clicked, or replace that message."""
        self._start(_say(self._client, response_url, message, replace=replace))

    async def answer(self, body: Body, message: Message) -> None:
        """Reply to a press. Only the person's own message is replaced, never one in a channel.

        A reply about a request follows it from then on: `bot.workers.screens` replaces it.
        """
        url, follows = body["response_url"], message.follows
        if not (body.get("container") or {}).get("is_ephemeral"):
            self.send(url, message)
        elif follows is None:
            self.send(url, message, replace=True)
        else:
            screen = await self._store.screens.follow(
                request=follows.request, person=body["user"]["id"], url=url, stage=follows.stage
            )
            said = _say(self._client, url, message, replace=True)
            self.keep(asyncio.create_task(self._then_follow(said, screen)))

    async def _then_follow(self, said: Awaitable[WebhookResponse], screen: int) -> None:
        await self._finish(said)
        await self._store.screens.answered(screen, self._clock())

    def below(self, channel: str, user: str, message: Message) -> None:
        """Send a reply that only one person sees, in a channel. Without one, send a direct message."""
        if channel:
            self.keep(asyncio.create_task(self._below(channel, user, message)))
        else:
            self.direct(user, message)

    async def _below(self, channel: str, user: str, message: Message) -> None:
        try:
            async with asyncio.timeout(SLACK_TIMEOUT):
                await self._client.chat_postEphemeral(
                    channel=channel, user=user, text=message.text, blocks=list(message.blocks)
                )
        except SLACK_ERRORS as error:
            _log.info("A reply is sent directly: %s", error_code(error))
            blocks = list(message.blocks)
            await self._finish(self._client.chat_postMessage(channel=user, text=message.text, blocks=blocks))

    def direct(self, user: str, message: Message) -> None:
        """Send a reply as a direct message, if there is no message to reply to."""
        self._start(
            self._client.chat_postMessage(channel=user, text=message.text, blocks=list(message.blocks))
        )

    def _start(self, answer: Awaitable[AsyncSlackResponse | WebhookResponse]) -> None:
        self.keep(asyncio.create_task(self._finish(answer)))

    def keep(self, task: asyncio.Task[None]) -> None:
        """Let `drain` wait for a longer task, too."""
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
        """Wait up to ``within`` seconds for the replies on their way. Cancel the others."""
        if self._on_the_way:
            _, late = await asyncio.wait(self._on_the_way, timeout=within)
            for task in late:
                task.cancel()
