"""Why something is not done that somebody asked for, decided or wanted to take back. Pure."""

REASON_MISSING = "The rule for this wants a reason: say why, in a few words."
OUT_OF_TIME = "Time ran out before anyone decided. If it is still wanted, ask again."
CHANGED_SINCE_OPENED = "What was asked changed since you opened it. Open it again."
ONLY_THE_REQUESTER = "Only the person who asked can take it back."
ERASED = "Its personal data was erased, so nobody can say what to send."
FROM_A_BACKUP = (
    "The log was put back from a backup that was made after this was approved, so it may have been sent "
    "since. Look at the provider before you ask again."
)
NOT_CONFIGURED = "it is not configured any more"
"""Why a connection is off."""


def connection_off(connection: str, why: str) -> str:
    return f"The connection {connection} is off: {why}."


def connection_changed(connection: str) -> str:
    return f"The connection {connection} was changed after this was asked."
