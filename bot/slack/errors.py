"""What a failed call of Slack's Web API means, above all that of a post. Pure.

Slack's codes: docs.slack.dev/reference/methods/chat.postMessage and …/chat.update.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

SLACK_ERRORS = (SlackApiError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
"""Everything a call of the Web API can fail with."""

NOT_POSTED = "not_posted"
"""A note: a request's message could not be posted. What its requester is told begins with it as well."""


class Refusal(StrEnum):
    """What kind of trouble a post met."""

    LIMITED = "limited"
    """Too fast: Slack says when it may be tried again."""
    DOWN = "down"
    """Slack, or the way to it, does not work: whatever else is tried now fails as well."""
    TOKEN = "token"  # noqa: S105 - no password
    """Slack does not take our token: nothing can be posted until somebody mends that."""
    CHANNEL_UNAVAILABLE = "shut"
    """The channel cannot be posted to until somebody mends that."""
    PERMANENT = "never"
    """This post will not be taken however often it is tried."""
    UNKNOWN = "odd"
    """None of these: perhaps it passes."""


GONE = "message_not_found"
POST_ANEW = frozenset({GONE, "cant_update_message", "edit_window_closed"})
"""Of an edit: the message is gone, or is not to be edited any more. A new one takes its place."""
WITHOUT_THREAD = frozenset({"message_not_found", "thread_not_found", "cannot_reply_to_message"})
"""Of a reply: nothing can stand below that message, perhaps because somebody deleted it."""

_DOWN = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
_TOKEN = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_SHUT = frozenset({"channel_not_found", "is_archived", "not_in_channel", "restricted_action"})
"""What mends each is said in `bot.text.interactions`."""
_LIKE_RESTRICTED = "restricted_action"
"""There are more codes that begin so: read-only channels, channels for threads only."""
_NEVER = frozenset({"invalid_blocks", "msg_blocks_too_long", "msg_too_long", "no_text"})
_NOBODY = frozenset({"cannot_dm_bot", "messages_tab_disabled", "user_disabled", "user_not_found"})
"""Of a direct message: that person gets none."""


def error_code(error: BaseException) -> str:
    """A failed call of the Web API in short: Slack's code, the HTTP status, or the kind of failure."""
    if isinstance(error, SlackApiError):
        said = getattr(error.response, "data", None)
        code = said.get("error") if isinstance(said, Mapping) else None
        return str(code or f"HTTP {http_status(error)}")
    return type(error).__name__


def http_status(error: BaseException) -> int | None:
    """The HTTP status of a failed call's answer, if there was one."""
    if not isinstance(error, SlackApiError):
        return None
    # Where the answer is not JSON, the library hands on the HTTP client's own response.
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None)
    return None if status is None else int(status)


def refusal(error: BaseException, *, direct: bool) -> Refusal:
    """What kind of trouble a call met; ``direct``: it was a message to one person."""
    code, status = error_code(error), http_status(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in {"ratelimited", "rate_limited"}:
        return Refusal.LIMITED
    if not isinstance(error, SlackApiError) or code in _DOWN or status != HTTPStatus.OK:
        return Refusal.DOWN
    if code in _TOKEN:
        return Refusal.TOKEN
    if code in _NEVER or code in _NOBODY:
        return Refusal.PERMANENT
    if code in _SHUT or code.startswith(_LIKE_RESTRICTED):
        return Refusal.PERMANENT if direct else Refusal.CHANNEL_UNAVAILABLE
    return Refusal.DOWN if code.startswith("HTTP ") else Refusal.UNKNOWN
