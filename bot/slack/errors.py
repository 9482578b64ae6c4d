"""Classification of failed calls of Slack's Web API, above all of failed posts.

Slack's codes: docs.slack.dev/reference/methods/chat.postMessage and …/chat.update.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

SLACK_ERRORS = (SlackApiError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
"""All exceptions of a Web API call."""

NOT_POSTED = "not_posted"
"""The annotation for a request's message that could not be posted. The template of the message to its
requester begins with it."""


class Refusal(StrEnum):
    """Why a post failed."""

    LIMITED = "limited"
    """Rate limited. Slack says when to retry."""
    DOWN = "down"
    """Slack or the network is down, so every other call fails as well."""
    TOKEN = "token"  # noqa: S105 - no password
    """Slack does not accept our token. Nothing can be posted until somebody replaces it."""
    CHANNEL_UNAVAILABLE = "shut"
    """The channel cannot be posted to until somebody repairs that."""
    PERMANENT = "never"
    """No retry of this post can succeed."""
    UNKNOWN = "odd"
    """Any other error. A retry may succeed."""


GONE = "message_not_found"
POST_ANEW = frozenset({GONE, "cant_update_message", "edit_window_closed"})
"""Errors of an edit whose message is gone or can no longer be edited. A new message replaces it."""
WITHOUT_THREAD = frozenset({"message_not_found", "thread_not_found", "cannot_reply_to_message"})
"""Errors of a reply whose parent message takes no replies, perhaps because somebody deleted it."""

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
"""`bot.text.interactions` says how to repair each."""
_LIKE_RESTRICTED = "restricted_action"
"""The start of several codes: for read-only channels, and for channels that allow only threads."""
_NEVER = frozenset({"invalid_blocks", "msg_blocks_too_long", "msg_too_long", "no_text"})
_NOBODY = frozenset({"cannot_dm_bot", "messages_tab_disabled", "user_disabled", "user_not_found"})
"""Errors of a direct message to a person who cannot get any."""


def error_code(error: BaseException) -> str:
    """Return Slack's error code, else the HTTP status, else the exception's type."""
    if isinstance(error, SlackApiError):
        said = getattr(error.response, "data", None)
        code = said.get("error") if isinstance(said, Mapping) else None
        return str(code or f"HTTP {http_status(error)}")
    return type(error).__name__


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status of the answer, or None if there was no answer."""
    if not isinstance(error, SlackApiError):
        return None
    # If the answer is not JSON, the library passes on the HTTP client's own response.
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None)
    return None if status is None else int(status)


def refusal(error: BaseException, *, direct: bool) -> Refusal:
    """Return why a call failed. ``direct`` is True for a message to one person."""
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
