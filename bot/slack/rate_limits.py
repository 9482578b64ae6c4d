"""How fast Slack may be posted to, and what it says where that was too fast. Pure.

docs.slack.dev/apis/web-api/rate-limits: limits hold per method, workspace and app. `chat.postMessage` takes
one message a second and channel, with a limit for the workspace beside it; of bursts over that, nothing
promises that they are shown. `chat.update` is of tier 3, 50 a minute.
"""

import math
from datetime import datetime, timedelta
from typing import Final

from slack_sdk.errors import SlackApiError

from storage.models import MessageRef
from storage.repositories.rate_limits import RateLimit
from storage.states import State

POST: Final = "chat.postMessage"
UPDATE: Final = "chat.update"

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
UPDATES_A_MINUTE = 50
BETWEEN_EDITS = timedelta(seconds=3)
"""Of one message, while its request is under way: forty targets that end in two minutes are few edits."""
WITHOUT_RETRY_AFTER = 30.0
"""Seconds to wait where Slack says that it was too fast, and not until when."""

_UNDER_WAY = frozenset({State.APPROVED, State.SENDING})


def post_limits(channel: str) -> list[RateLimit]:
    """What a new message needs a place of; the last one is the channel's own."""
    return [RateLimit(_account(POST), None, SECOND), RateLimit(f"{_account(POST)} {channel}", 1, SECOND)]


def edit_limits(message: MessageRef, state: State | None) -> list[RateLimit]:
    """What an edit needs a place of, with its request in that state; the last one is the message's own.

    An announcement has no request.
    """
    apart = BETWEEN_EDITS if state in _UNDER_WAY else SECOND
    return [
        RateLimit(_account(UPDATE), UPDATES_A_MINUTE, MINUTE),
        RateLimit(f"{_account(UPDATE)} {message.channel} {message.ts}", 1, apart),
    ]


def method_of(error: BaseException) -> str:
    """The account of the method that was asked too fast.

    Slack's 429 does not say whether the channel's limit was met or the workspace's, and limits are said to
    hold for a method: so the method is left alone in the whole workspace.
    """
    url = str(getattr(getattr(error, "response", None), "api_url", POST))
    return _account(url.rpartition("/")[2])


def paused_by(error: BaseException, now: datetime) -> datetime:
    """Until when the method is to be left alone: as Slack says, never earlier."""
    headers = error.response.headers if isinstance(error, SlackApiError) else {}
    try:
        seconds = float(headers.get("Retry-After", WITHOUT_RETRY_AFTER))
    except ValueError:
        seconds = WITHOUT_RETRY_AFTER
    return now + timedelta(seconds=seconds if 0 < seconds < math.inf else WITHOUT_RETRY_AFTER)


def _account(method: str) -> str:
    return f"slack {method}"
