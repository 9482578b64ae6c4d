"""Opening and changing modals: the one call that a listener waits for, within the time Slack leaves it."""

import asyncio
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.people import trouble

ANSWER_WITHIN: Final = 1.8
"""Seconds. With the one that looking somebody up may take, under the three that a `trigger_id` lives."""

Body = dict[str, Any]


class Windows:
    """The modals that are open. All methods raise what the Web API raises, and TimeoutError."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def open(self, body: Body, view: Body) -> None:
        """Open a modal for whoever pressed or typed. A trigger delivered twice opens one."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._client.views_open(trigger_id=body["trigger_id"], view=view)
        except SlackApiError as error:
            if trouble(error) != "exchanged_trigger_id":  # the first delivery opened it
                raise

    async def push(self, body: Body, view: Body) -> None:
        """Put a modal onto the one that a button was pressed in. A trigger delivered twice puts one."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._client.views_push(trigger_id=body["trigger_id"], view=view)
        except SlackApiError as error:
            if trouble(error) != "exchanged_trigger_id":  # the first delivery put it there
                raise

    async def change(self, body: Body, view: Body) -> None:
        """Change the modal that a button was pressed in, unless it changed meanwhile."""
        seen = body["view"]
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._client.views_update(view_id=seen["id"], hash=seen["hash"], view=view)
        except SlackApiError as error:
            if trouble(error) != "hash_conflict":  # an earlier press changed it
                raise
