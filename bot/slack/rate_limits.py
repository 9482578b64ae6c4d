"""Slack's rate limits for posts and edits, and the wait after an answer of 429.

docs.slack.dev/apis/web-api/rate-limits: a limit holds for a method, a workspace and an app.
`chat.postMessage` takes one message a second for a channel, and has a limit for the workspace. Slack does not
promise to show messages of bursts above that. `chat.update` is of tier 3, with 50 calls a minute.
`chat.getPermalink` takes hundreds of calls a minute. `views.publish` is of tier 4, with 100 calls a minute.
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
PERMALINK: Final = "chat.getPermalink"
PUBLISH: Final = "views.publish"

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
UPDATES_A_MINUTE = 50
PERMALINKS_A_MINUTE = 100
PUBLISHED_A_MINUTE = 100
UPDATED_A_MINUTE = 60
"""Home tabs that are published anew without being opened. They leave room for those that are."""
BETWEEN_HOMES = timedelta(seconds=5)
"""Time between two updates of a person's Home tab. To open it, the person waits for a second at most."""
BETWEEN_EDITS = timedelta(seconds=3)
"""Time between two edits of a message while its request is approved or being sent. Many targets that end soon
after each other then need few edits."""
WITHOUT_RETRY_AFTER = 30.0
"""Seconds to wait if a 429 has no valid `Retry-After`."""

_UNDER_WAY = frozenset({State.APPROVED, State.SENDING})


def post_limits(channel: str) -> list[RateLimit]:
    """Return the rate limits for a new message. The last one is the channel's own."""
    return [RateLimit(_account(POST), None, SECOND), RateLimit(f"{_account(POST)} {channel}", 1, SECOND)]


def edit_limits(message: MessageRef, state: State | None) -> list[RateLimit]:
    """Return the rate limits for an edit. The last one is the message's own.

    ``state`` is the request's. It is None for an announcement, which has no request.
    """
    apart = BETWEEN_EDITS if state in _UNDER_WAY else SECOND
    return [
        RateLimit(_account(UPDATE), UPDATES_A_MINUTE, MINUTE),
        RateLimit(f"{_account(UPDATE)} {message.channel} {message.ts}", 1, apart),
    ]


def permalink_limits() -> list[RateLimit]:
    """Return the rate limits for asking where a message is."""
    return [RateLimit(_account(PERMALINK), PERMALINKS_A_MINUTE, MINUTE)]


def home_limits(person: str, *, opened: bool) -> list[RateLimit]:
    """Return the rate limits for a person's Home tab. ``opened`` is True if the person has just opened it."""
    account = _account(PUBLISH)
    a_minute, apart = (PUBLISHED_A_MINUTE, SECOND) if opened else (UPDATED_A_MINUTE, BETWEEN_HOMES)
    return [RateLimit(account, a_minute, MINUTE), RateLimit(f"{account} {person}", 1, apart)]


def method_of(error: BaseException) -> str:
    """Return the rate limit account of the method that got a 429.

    Slack does not say whether the limit of the channel or of the workspace was exceeded. Limits are
    documented by method, so the method is paused in the whole workspace.
    """
    url = str(getattr(getattr(error, "response", None), "api_url", POST))
    return _account(url.rpartition("/")[2])


def paused_by(error: BaseException, now: datetime) -> datetime:
    """Return when the method may be called again, by Slack's `Retry-After` where it is valid."""
    headers = error.response.headers if isinstance(error, SlackApiError) else {}
    try:
        seconds = float(headers.get("Retry-After", WITHOUT_RETRY_AFTER))
    except ValueError:
        seconds = WITHOUT_RETRY_AFTER
    return now + timedelta(seconds=seconds if 0 < seconds < math.inf else WITHOUT_RETRY_AFTER)


def _account(method: str) -> str:
    return f"slack {method}"
