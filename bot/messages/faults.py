"""What somebody reads whom nothing else answers, or whom a fault of ours keeps from what they want. Pure."""

UNKNOWN_COMMAND = "CallOps does not know this command. Try `/calls help`."
OTHER_VERSIONS_BUTTON = "This button is from another version of CallOps. Start again with `/calls`."
OTHER_VERSIONS_FORM = "This form is from another version of CallOps. Start again with `/calls`."
NOT_SENT = "Not sent"
NOT_DONE = "Not done"

WHO_ARE_YOU = "Slack did not tell CallOps who you are, so nothing was done. Try again in a minute."
ANOTHER_LOG = (
    "This request is not in the log of the CallOps that answers here, so nothing was done. It is in another "
    "CallOps's log, or that log was lost. Tell whoever runs CallOps."
)
LOG_FAILS = (
    "CallOps cannot write to its log, so it can take nothing now. Look whether the audit channel has it, "
    "and tell whoever runs CallOps."
)


def went_wrong(reference: str) -> str:
    return (
        "Something went wrong in CallOps. Before you try again, look whether the audit channel has it. "
        f"If it goes wrong twice, tell whoever runs CallOps this id: `{reference}`."
    )
