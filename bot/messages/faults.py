"""What somebody reads whom nothing else answers, or whom a fault of ours keeps from what they want. Pure."""

UNKNOWN_COMMAND = "CallOps does not know this command. Try `/calls help`."
OTHER_VERSIONS_BUTTON = "This button is from another version of CallOps. Start again with `/calls`."
OTHER_VERSIONS_FORM = "This form is from another version of CallOps. Start again with `/calls`."
NOT_SENT = "Not sent"
NOT_DONE = "Not done"

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


def went_wrong(reference: str) -> str:
    return (
        "Something went wrong in CallOps. Before you try again, check whether the audit channel shows your "
        f"request. If it goes wrong twice, tell whoever runs CallOps this id: `{reference}`."
    )
