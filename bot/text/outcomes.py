"""Sentences on the outcome of an action and its reason, for messages, searches and an action's history.

The log stores these sentences with the action. Existing actions keep the wording of their day.
"""

IT_HAPPENED = "A person looked it up: it happened."
IT_DID_NOT_HAPPEN = "If it is still wanted, ask again: a person looked it up, and it did not happen."
ORDERED_AGAIN = "A person asked to send it again."

NO_LONGER_THERE = (
    "The provider no longer has it. It was seen to exist before our first request, "
    "so that request removed it."
)
"""The answer to another attempt, which shows that an unknown outcome was a success."""
LOOKED_UP_GONE = (
    "The provider was asked again and does not have it any more. It was seen there before our first request, "
    "so that request removed it."
)
"""The same, as the answer to a look-up."""
NOT_IN_TIME = "CallOps could not send it in time."
NO_CANCELLATION_IN_TIME = "CallOps could not send the cancellation in time."
REQUESTER_UNREAD = "Slack did not say who asked for it."
APPROVER_UNREAD = "Slack did not say who approved it."
LATER_CALLS_GO_OUT = (
    "CallOps could not send the cancellation in time. Later calls to this number still go out: "
    "ask again, or cancel them at the provider."
)
ANSWER_LOST = "CallOps was stopped while the request was out, and the answer was lost."

ANSWERED_AFTER_THE_CALL = (
    "The provider answered only after the time of the call had come. Its answer would be the same for a call "
    "that went out."
)
ONLY_LATER_ONES = (
    "The time of the first call had come before this could be sent: only later ones can have been removed."
)

_EARLIER = "An earlier request got no readable answer and may have worked"
_NEWER_CALL = "it could cancel a newer call to this number."


def group_unread(group: str) -> str:
    return f"Slack did not say who is in {group}."


def still_in_doubt(answer: str) -> str:
    return f"{_EARLIER}, or the id was never right. {answer}"


def window_passed(answer: str) -> str:
    return f"{answer} CallOps does not send it again by itself now: {_NEWER_CALL}"


def only_later_ones(answer: str) -> str:
    return f"{ONLY_LATER_ONES} {answer}"


def no_further_request(why: str) -> str:
    """Return the sentence that an unknown outcome is not retried. ``why`` is a reason below or a refusal."""
    return f"{_EARLIER}. It was not sent again: {why}"


SO_LATE = f"it is late now, and {_NEWER_CALL}"
TAKEN_BACK = "the requester took it back."
CALL_TIME_CAME = "the time of its call had come."
CALLS_STOPPED = "calls to this number were stopped."
ANSWER_CAME_LATE = "the earlier one was answered after all."

_DO_IT_THERE = "Do it on the provider's own screen."
PUT_OFF_TO_THE_END = f"The provider asked CallOps to wait, and the time for this ran out. {_DO_IT_THERE}"


def put_off_for_good(answer: str) -> str:
    """Return the sentence for an action that the provider delayed and that is not sent again."""
    return f"{answer} CallOps does not ask again. {_DO_IT_THERE}"


CHANGED_MEANWHILE = "The connection was changed after this was asked."
CANNOT_BE_ASKED = "The provider cannot be asked."
"""Both are answers to a look-up that learned nothing."""


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
