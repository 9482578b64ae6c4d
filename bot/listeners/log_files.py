"""Exports of the log as files, sent by direct message to whoever asked; made after the listener has returned.

One that a restart interrupts is lost, and asked for again: it is a copy, and the log is not.
"""

import asyncio
import logging
from contextvars import Context
from datetime import datetime
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.parsing.log_query import Filters
from bot.services.export import Format, counted, lines
from bot.slack.blocks import Message
from bot.slack.responses import Replies
from bot.slack.users import SLACK_TROUBLE, trouble
from bot.ui import exports
from storage.entries import Person, Query
from storage.log import ActionLog

EXPORT_SCOPES: Final = frozenset({"files:write"})
"""What only exports need; the app serves without."""

MOST: Final = 20_000
"""Entries in a file that Slack is sent: some megabytes, held in memory once. The terminal has no such end."""

_log = logging.getLogger(__name__)


class LogFiles:
    """Exports on their way."""

    def __init__(
        self, log: ActionLog, client: AsyncWebClient, replies: Replies, *, default_region: str
    ) -> None:
        self._log = log
        self._default_region = default_region
        self._client = client
        self._replies = replies

    def send(self, query: Query, filters: Filters, person: Person, now: datetime) -> Message:
        """Begin to make an export; what the person reads meanwhile."""
        sending = self._send(query, filters, person, now)
        # In a context of its own: the deadline is that of the answer which says that it is coming.
        self._replies.keep(asyncio.create_task(sending, name="export", context=Context()))
        return exports.coming()

    async def _send(self, query: Query, filters: Filters, person: Person, now: datetime) -> None:
        try:
            written = [
                line
                async for line in lines(
                    self._log, query, Format.CSV, default_region=self._default_region, most=MOST
                )
            ]
            count = counted(len(written) - 1)
            told = await self._post(
                person, exports.sent(filters.in_words(), count, newest_only=len(written) > MOST)
            )
            await self._client.files_upload_v2(
                channel=told["channel"],
                content="".join(written).encode(),
                filename=f"callops-log-{now:%Y-%m-%d-%H%M}.csv",
                title=exports.FILE_TITLE,
            )
        except SLACK_TROUBLE as error:
            await self._say_why(person, trouble(error))

    async def _say_why(self, person: Person, why: str) -> None:
        """Say that no file comes, and how to have one all the same."""
        _log.warning("An export could not be sent: %s", why)
        try:
            await self._post(person, exports.not_sent(why))
        except SLACK_TROUBLE as error:
            _log.warning("That could not be said either: %s", trouble(error))

    async def _post(self, person: Person, message: Message) -> AsyncSlackResponse:
        return await self._client.chat_postMessage(
            channel=person.id, text=message.text, blocks=message.blocks
        )
