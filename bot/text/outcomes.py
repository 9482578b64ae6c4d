"""Sentences on the outcome of an action and its reason, for messages, searches and an action's history.

The log stores these sentences with the action. Existing actions keep the wording of their day.
"""

IT_HAPPENED = "A person checked: it happened."
IT_DID_NOT_HAPPEN = "A person checked: it didn't happen. If you still want it, request it again."
ORDERED_AGAIN = "A person had it sent again."

NO_LONGER_THERE = "The provider had it before our first attempt and has it no longer, so that attempt worked."
"""The answer to another attempt, which shows that an unknown outcome was a success."""
LOOKED_UP_GONE = "We asked the provider again: it no longer has it, so our attempt worked."
"""The same, as the answer to a look-up."""
LOOKED_UP_DONE = "We asked the provider again: it shows this as done."
"""The answer to a look-up that shows the effect itself."""
NOT_IN_TIME = "CallOps couldn't send it in time."
NO_CANCELLATION_IN_TIME = "CallOps couldn't send the cancellation in time."
REQUESTER_UNREAD = "Slack couldn't tell us who requested it."
APPROVER_UNREAD = "Slack couldn't tell us who approved it."
LATER_CALLS_GO_OUT = (
    "CallOps couldn't send the cancellation in time. Later calls to this number still go out. "
    "Request it again, or cancel them at the provider."
)
ANSWER_LOST = "CallOps stopped before the provider answered, so the answer is lost."

ANSWERED_AFTER_THE_CALL = (
    "The provider answered after the call was due. It gives the same answer for a call that went out."
)
ONLY_LATER_ONES = "This was sent after the first call was due, so only later calls can have been cancelled."

_EARLIER = "An earlier attempt got no clear answer and may have worked"
_NEWER_CALL = "it could cancel a newer call to this number."


def group_unread(group: str) -> str:
    return f"Slack couldn't tell us who is in {group}."


def still_in_doubt(answer: str) -> str:
    return f"{_EARLIER}, or the ID was wrong from the start. {answer}"


def window_passed(answer: str) -> str:
    return f"{answer} CallOps won't retry now: {_NEWER_CALL}"


def only_later_ones(answer: str) -> str:
    return f"{ONLY_LATER_ONES} {answer}"


def no_further_request(why: str) -> str:
    """Return the sentence that an unknown outcome is not retried. ``why`` is a reason below or a refusal."""
    return f"{_EARLIER}. CallOps didn't retry: {why}"


SO_LATE = f"it's late now, and {_NEWER_CALL}"
TAKEN_BACK = "the requester withdrew it."
CALL_TIME_CAME = "the call was already due."
CALLS_STOPPED = "this number is blocked now."
ANSWER_CAME_LATE = "the earlier attempt was answered after all."

_DO_IT_THERE = "Do it in the provider's dashboard."
PUT_OFF_TO_THE_END = f"The provider asked us to wait until it was too late. {_DO_IT_THERE}"


def put_off_for_good(answer: str) -> str:
    """Return the sentence for an action that the provider delayed and that is not sent again."""
    return f"{answer} CallOps won't retry. {_DO_IT_THERE}"


CHANGED_MEANWHILE = "The connection changed after this was requested."
CANNOT_BE_ASKED = "This provider can't be asked."
"""Both are answers to a look-up that learned nothing."""


REASON_MISSING = "Add a reason, such as “customer asked”."

OUT_OF_TIME = "It expired before anyone decided. If you still want it, request it again."

CHANGED_SINCE_OPENED = "This request changed since you opened it. Open it again."

ONLY_THE_REQUESTER = "Only the requester can withdraw it."

ERASED = "Its personal data was erased, so it can't be sent."

FROM_A_BACKUP = (
    "The log was restored from a backup that is newer than the approval, so this may have been sent. "
    "Check the provider before you request it again."
)

NOT_CONFIGURED = "it's no longer configured"
"""Why a connection is off."""


def connection_off(connection: str, why: str) -> str:
    return f"The connection {connection} is off: {why}."


def connection_changed(connection: str) -> str:
    return f"The connection {connection} changed after this was requested."
