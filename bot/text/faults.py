"""What somebody reads whom nothing else answers, or whom a fault of ours keeps from what they want. Pure."""

from typing import Final

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
