"""Sentences that answer buttons and forms, and the options that forms offer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

MOST_READ: Final = 4_000
"""Characters of a message that are read. A person can write as many in one."""

TOO_OLD = "This is more than a day old and can't be used. Type the command again."

NOTHING_TO_CHANGE = "Nothing to change"
USED_ALREADY = "You already used this. Type the command again for another."

NOT_ALLOWED = "Not allowed"
"""The title of a modal that tells a person why they may not do something."""

MENTIONED = "From the message. Check it before you send the request."
NOTHING_MENTIONED = "This message has no phone number or call ID that CallOps knows. Enter one here."
READ_IN_PART = f"⚠️ The message is long. CallOps read only its first {MOST_READ:,} characters."


def mentioned(*, anything: bool, whole: bool) -> str:
    """Return the hint above a form that a message filled in."""
    found = MENTIONED if anything else NOTHING_MENTIONED
    return found if whole else f"{found}\n{READ_IN_PART}"


NO_NUMBER_MENTIONED = "This message has no phone number. Enter one here."
SEVERAL_MENTIONED = "The message has several numbers. Keep the one to call."


def number_mentioned(count: int, *, whole: bool) -> str:
    """Return the hint above the form to place a call that a message filled in."""
    found = NO_NUMBER_MENTIONED if count == 0 else MENTIONED if count == 1 else SEVERAL_MENTIONED
    return found if whole else f"{found}\n{READ_IN_PART}"


def not_looked_up(count: int) -> str:
    return (
        f"⚠️ The message is long. CallOps didn't look up {count} more words that may be IDs. "
        "Add the missing ones."
    )


EARLIER_IS_GONE = "The earlier call can't be cancelled now."
TYPE_AGAIN = "Type the command again to see its status."
PLACE_THE_NEW = "Place the new call…"


_RESTRICTED = "restricted_action"
"""The start of several codes: for read-only channels, and for channels that allow only threads."""

CLOSED_CHANNEL: Mapping[str, tuple[str, str]] = {
    "is_archived": (
        "the channel is archived",
        "Ask a workspace admin to unarchive it, or your CallOps admin to name another channel.",
    ),
    "not_in_channel": ("CallOps isn't in that channel", "Type `/invite @CallOps` there."),
    "channel_not_found": (
        "CallOps can't see that channel",
        "If you see it, type `/invite @CallOps` there. If not, ask your CallOps admin to name another one.",
    ),
    _RESTRICTED: (
        "CallOps isn't allowed to post there",
        "Ask a workspace admin to let apps post in that channel.",
    ),
}
"""By Slack's code: docs.slack.dev/reference/methods/chat.postMessage."""


def why_shut(code: str) -> tuple[str, str]:
    """Return why a channel cannot be posted to, and the remedy."""
    if code.startswith(_RESTRICTED):
        code = _RESTRICTED
    return CLOSED_CHANNEL.get(code) or (
        f"Slack answered `{code}`",
        "Ask your CallOps admin to look at its log.",
    )


UNKNOWN_COMMAND = "Unknown command. Try `/calls help`."

OTHER_VERSIONS_BUTTON = "This button is from another version of CallOps. Start again with `/calls`."

OTHER_VERSIONS_FORM = "This form is from another version of CallOps. Start again with `/calls`."

NOT_SENT = "Not sent"

NOT_DONE = "Not done"

ANOTHER_APP = "Slack sent this for another app, so CallOps did nothing."

FIELD_TOO_LONG = "Shorten this to 3,000 characters, the most that Slack allows."

WHO_ARE_YOU = "Slack didn't tell CallOps who you are, so nothing was done. Try again in a minute."

ANOTHER_LOG = (
    "This request isn't in the log, so nothing was done. Another CallOps may have it, or the log was lost. "
    "Tell your CallOps admin."
)

LOG_FAILS = (
    "CallOps can't write to its log, so it can't do anything now. Check the audit channel for your request, "
    "and tell your CallOps admin."
)

LOG_BUSY = (
    "CallOps is busy and couldn't write to its log, so nothing was recorded. Try again in a few seconds."
)

LOG_LOST = "CallOps has lost its log, so nothing was recorded. Tell your CallOps admin, then try again."

RECORDED_IN_PART = (
    "CallOps recorded at least a part of this, then couldn't write to its log. "
    "Check `/calls list` before you try again."
)

RECORDED_OR_NOT = (
    "CallOps couldn't tell in time whether this was recorded. Check `/calls list` before you try again."
)

TOO_LATE = "Slack opens a window only within three seconds, and this took longer."

_TOO_MANY: Final = "Slack won't open more CallOps windows for a moment."
_NO_WINDOW: Final = {
    "expired_trigger_id": TOO_LATE,
    "trigger_expired": TOO_LATE,
    "ratelimited": _TOO_MANY,
    "rate_limited": _TOO_MANY,
    "push_limit_reached": "Slack allows three windows on top of each other. Close one.",
    "TimeoutError": "Slack didn't say in time whether the window opened.",
}


def no_window(code: str) -> str:
    why = _NO_WINDOW.get(code, "Slack couldn't open the window just now.")
    return f"{why} Nothing is lost. Try again, or wait a minute."


def command_too_long(most: int) -> str:
    return (
        f"The command is longer than {most:,} characters, so CallOps didn't read it. Split it into several "
        "commands."
    )


def went_wrong(reference: str) -> str:
    return (
        "Something went wrong in CallOps. Before you try again, check the audit channel for your request. "
        f"If it fails twice, send this ID to your CallOps admin: `{reference}`."
    )


REPLACED = "replaced by another call to this number"
"""The reason to cancel an earlier call, in favour of a new one."""


DEFAULT_REASONS: Final = ("customer asked", "wrong number", "duplicate", "rescheduled", "campaign stopped")
"""The reasons for a request, if the settings have none."""

DEFAULT_DENIAL_REASONS: Final = (
    "Customer wants the call",
    "Wrong number or ID",
    "Already cancelled",
    "Talk to me first",
)
"""The reasons to deny a request, if the settings have none."""


class Evidence(StrEnum):
    """The source from which a person knows an outcome."""

    SCREEN = "screen"
    CUSTOMER = "customer"
    SUPPORT = "support"
    NONE = "none"
    """There is no evidence. It suffices only to request another attempt."""


NOTHING_LEFT = "Nothing left to decide"
ALREADY_DECIDED: Final = {
    "approved": "Already approved",
    "denied": "Already denied",
    "withdrawn": "Already withdrawn",
}
"""The titles for a person who decides too late, by the event that decided."""
ALREADY_RECORDED: Final = {
    "happened": "Already recorded",
    "did_not_happen": "Already recorded",
    "retry_requested": "Already sent again",
}
"""The titles for a person who records an outcome too late, by the event that settled it."""

READ_FIRST = "Read it first: this is the next one."
DENIAL_UNEXPLAINED = "Choose a reason or write one. The requester will see it."

OTHER_CAMPAIGN = "This isn't the campaign above. Compare the two, then type it again."
NAMESAKE = "Another campaign has the same name or nearly so. Type the id of the campaign above."

REASON_MISSING = "Write what you saw. It's saved in the log."
AGAIN_WITH_EVIDENCE = (
    "*Not sent again.* You chose an outcome or where you checked, so record that outcome. "
    "To send it again, close this window and open it anew."
)
PLACE_ANEW = "A call is never placed a second time. Request it anew."
SENT_AGAIN = "Sending it again"
EVIDENCE_MISSING = "Choose where you checked. If you couldn't find out, close this and check again later."
EVIDENCE: Final[Mapping[Evidence, str]] = {
    Evidence.SCREEN: "{} dashboard",
    Evidence.CUSTOMER: "Customer",
    Evidence.SUPPORT: "{} support",
}
"""The options in the form, with a place for the provider's name."""
SHOWN_BY: Final[Mapping[Evidence, str]] = {
    Evidence.SCREEN: "The provider's dashboard shows it.",
    Evidence.CUSTOMER: "The customer says so.",
    Evidence.SUPPORT: "The provider's support says so.",
}
"""The sentences about evidence in channels and in the log. `bot.ui.thread_replies` recognises them in an
action's message."""
