"""What it means that Slack did not take a post. Pure.

Slack's codes: docs.slack.dev/reference/methods/chat.postMessage and …/chat.update.
"""

from enum import StrEnum
from http import HTTPStatus

from slack_sdk.errors import SlackApiError

from bot.slack.users import answered_with, trouble

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
    SHUT = "shut"
    """The channel cannot be posted to until somebody mends that."""
    NEVER = "never"
    """This post will not be taken however often it is tried."""
    ODD = "odd"
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
"""What mends each is said in `bot.text.channels`."""
_LIKE_RESTRICTED = "restricted_action"
"""There are more codes that begin so: read-only channels, channels for threads only."""
_NEVER = frozenset({"invalid_blocks", "msg_blocks_too_long", "msg_too_long", "no_text"})
_NOBODY = frozenset({"cannot_dm_bot", "messages_tab_disabled", "user_disabled", "user_not_found"})
"""Of a direct message: that person gets none."""


def refusal(error: BaseException, *, direct: bool) -> Refusal:
    """What kind of trouble a call met; ``direct``: it was a message to one person."""
    code, status = trouble(error), answered_with(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in {"ratelimited", "rate_limited"}:
        return Refusal.LIMITED
    if not isinstance(error, SlackApiError) or code in _DOWN or status != HTTPStatus.OK:
        return Refusal.DOWN
    if code in _TOKEN:
        return Refusal.TOKEN
    if code in _NEVER or code in _NOBODY:
        return Refusal.NEVER
    if code in _SHUT or code.startswith(_LIKE_RESTRICTED):
        return Refusal.NEVER if direct else Refusal.SHUT
    return Refusal.DOWN if code.startswith("HTTP ") else Refusal.ODD
