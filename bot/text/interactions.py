"""Sentences that answer buttons and forms, and the options that forms offer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

MOST_READ: Final = 4_000
"""Characters of a message that are read. A person can write as many in one."""

TOO_OLD = "This is more than a day old, so it is forgotten. Type the command again."

NOTHING_TO_CHANGE = "Nothing to change"
USED_ALREADY = "This was used already. Type the command again for another."

NOT_ALLOWED = "Not allowed"
"""The title of a modal that tells a person why they may not do something."""

MENTIONED = "This is what the message mentions. Look through it before you ask."
NOTHING_MENTIONED = "There is no phone number in this message, and no id that CallOps knows. Give one here."
READ_IN_PART = f"⚠️ The message is long: only its first {MOST_READ:,} characters were read."


def mentioned(*, anything: bool, whole: bool) -> str:
    """Return the hint above a form that a message filled in."""
    found = MENTIONED if anything else NOTHING_MENTIONED
    return found if whole else f"{found}\n{READ_IN_PART}"


def not_looked_up(count: int) -> str:
    return (
        f"⚠️ The message is long: {count} more of its words may be ids, and were not looked up. "
        "Add what is missing."
    )


EARLIER_IS_GONE = "The earlier call cannot be cancelled any more."
TYPE_AGAIN = "Type the command again to see how it stands."
PLACE_THE_NEW = "Place the new call…"


_RESTRICTED = "restricted_action"
"""The start of several codes: for read-only channels, and for channels that allow only threads."""

CLOSED_CHANNEL: Mapping[str, tuple[str, str]] = {
    "is_archived": (
        "the channel is archived",
        "Ask a workspace admin to unarchive it, or whoever runs CallOps to name another channel.",
    ),
    "not_in_channel": ("CallOps is not in that channel", "Type `/invite @CallOps` there."),
    "channel_not_found": (
        "CallOps cannot see that channel",
        "If you see it, type `/invite @CallOps` there. If not, ask whoever runs CallOps to name another one.",
    ),
    _RESTRICTED: (
        "CallOps may not post there",
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
        "Ask whoever runs CallOps to look at its log.",
    )


UNKNOWN_COMMAND = "CallOps does not know this command. Try `/calls help`."

OTHER_VERSIONS_BUTTON = "This button is from another version of CallOps. Start again with `/calls`."

OTHER_VERSIONS_FORM = "This form is from another version of CallOps. Start again with `/calls`."

NOT_SENT = "Not sent"

NOT_DONE = "Not done"

ANOTHER_APP = "This was sent to CallOps for another Slack app, so nothing was done."

FIELD_TOO_LONG = "Shorten this: Slack has room for 3,000 characters in a field."

WHO_ARE_YOU = "Slack did not tell CallOps who you are, so nothing was done. Try again in a minute."

ANOTHER_LOG = (
    "This CallOps does not have this request in its log, so nothing was done. Another CallOps may have it, "
    "or its log was lost. Tell whoever runs CallOps."
)

LOG_FAILS = (
    "CallOps cannot write to its log, so it can do nothing now. Check whether the audit channel shows your "
    "request, and tell whoever runs CallOps."
)

LOG_BUSY = (
    "CallOps is busy: its log could not be used in time, so nothing was recorded. Try again in a few seconds."
)

LOG_LOST = (
    "CallOps has lost its log, so nothing was recorded, and it can do nothing now. "
    "Tell whoever runs CallOps; then try again."
)

RECORDED_IN_PART = (
    "CallOps recorded a part of this, at least. Then its log could not be used in time. "
    "See `/calls list` before you try again."
)

RECORDED_OR_NOT = (
    "CallOps could not see in time whether this was recorded. See `/calls list` before you try again."
)

TOO_LATE = "Slack lets a window open within three seconds, and this took longer."

_NO_WINDOW: Final = {
    "expired_trigger_id": TOO_LATE,
    "trigger_expired": TOO_LATE,
    "ratelimited": "Slack takes no more windows from CallOps for a moment.",
    "rate_limited": "Slack takes no more windows from CallOps for a moment.",
    "push_limit_reached": "Slack puts three windows on top of each other at most. Close one.",
    "TimeoutError": "Slack did not say in time whether the window opened.",
}


def no_window(code: str) -> str:
    why = _NO_WINDOW.get(code, "Slack could not open the window just now.")
    return f"{why} Nothing is lost: try again. If it happens again, wait a minute."


def command_too_long(most: int) -> str:
    return (
        f"The command is longer than {most:,} characters, so nothing of it was read. Ask for some of it now, "
        "and for the rest in another command."
    )


def went_wrong(reference: str) -> str:
    return (
        "Something went wrong in CallOps. Before you try again, check whether the audit channel shows your "
        f"request. If it goes wrong twice, tell whoever runs CallOps this id: `{reference}`."
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

READ_FIRST = "Read it first: this is the next one."
DENIAL_UNEXPLAINED = "Choose a reason or write one. The requester will see it."

OTHER_CAMPAIGN = "This is not the campaign above. Compare the two, then type it again."
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
    Evidence.SCREEN: "The provider's own screen shows it.",
    Evidence.CUSTOMER: "The customer says so.",
    Evidence.SUPPORT: "The provider's support says so.",
}
"""The sentences about evidence in channels and in the log. `bot.ui.thread_replies` recognises them in an
action's message."""
