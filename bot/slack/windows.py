"""Opening and changing modals: the one call that a listener waits for, within the time Slack leaves it."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.users import SLACK_TROUBLE, trouble

ANSWER_WITHIN: Final = 1.8
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


class NoWindow(Exception):
    """Slack opened or changed no window, through no fault of ours: ``code`` is `trouble`'s word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Windows:
    """The modals that are open. All methods raise `NoWindow`, and `SlackApiError` for a fault of ours."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def open(self, body: Body, view: Body) -> None:
        """Open a modal for whoever pressed or typed. A trigger delivered twice opens one."""
        opening = self._client.views_open(trigger_id=body["trigger_id"], view=view)
        await _show(opening, unless="exchanged_trigger_id")  # the first delivery opened it

    async def push(self, body: Body, view: Body) -> None:
        """Put a modal onto the one that a button was pressed in. A trigger delivered twice puts one."""
        pushing = self._client.views_push(trigger_id=body["trigger_id"], view=view)
        await _show(pushing, unless="exchanged_trigger_id")  # the first delivery put it there

    async def change(self, body: Body, view: Body) -> None:
        """Change the modal that a button was pressed in, unless it changed meanwhile."""
        seen = body["view"]
        changing = self._client.views_update(view_id=seen["id"], hash=seen["hash"], view=view)
        await _show(changing, unless="hash_conflict")  # an earlier press changed it


async def _show(call: Awaitable[object], *, unless: str) -> None:
    """Wait for Slack's answer; ``unless`` is its code for what is done already. Raises as `Windows` says."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await call
    except SLACK_TROUBLE as error:
        code = trouble(error)
        if code == unless:
            return
        if isinstance(error, SlackApiError) and code not in SLACKS_OWN and not code.startswith("HTTP "):
            raise
        _log.warning("Slack showed no window: %s", code)
        raise NoWindow(code) from error
