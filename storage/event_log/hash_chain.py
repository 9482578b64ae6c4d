"""The hash chain: encodes, links and checks events, and replays them into rows.

An event's hash is SHA-256 over the previous event's hash (hex) and the event itself as canonical JSON.
Canonical JSON has sorted keys, no spaces, UTF-8, and no floats. Times are microseconds since 1970 in UTC.
Personal data is not in the event. The event commits to it by SHA-256 over a random salt and the canonical
value. Both can be erased.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from providers.actions import MOST_TRIES
from storage.models import Event, Scalar
from storage.states import State

GENESIS: Final = "0" * 64
"""The previous hash of the first event."""

REQUESTED: Final = "requested"
"""The first event of every action. It sets the whole row."""

ERASED: Final = "erased"
"""A request's personal data was erased."""

PURGED: Final = "purged"
"""Personal data was erased by a rule. The event belongs to no request, and counts what was erased."""

LOOKED_UP: Final = "looked_up"
"""An annotation: the provider was asked whether it has an action's target."""

FOLLOWED: Final = "followed"
"""An annotation on a reschedule: the outcome of its second step.

``second`` in its data is None if the second step was impossible.
"""

CANCELLED: Final = "cancelled"
"""An annotation on a placed call: the request ``by`` cancelled it."""

CALL_ENDED: Final = "call_ended"
"""An annotation on a placed call: how a try at it ended, as the provider reports it."""

RULES: Final = "rules_changed"
"""The rules in force changed. The event belongs to no request."""

ASKED: Final = "asked"
"""An annotation: ``person`` in its data was asked to decide."""

CALLS_STOPPED: Final = "calls_stopped"
"""A person stopped all calls to a number."""

CALLS_ALLOWED: Final = "calls_allowed"
"""A person allowed calls to a number again."""

CALLS_PAUSED: Final = "calls_paused"
"""A person stopped calls from being placed and campaigns from being started."""

CALLS_RESUMED: Final = "calls_resumed"
"""A person let them go on."""

LIST_PAUSED: Final = "list_paused"
"""An annotation on a call list: a person held its calls back."""

LIST_RESUMED: Final = "list_resumed"
"""An annotation on a call list: a person let them go on."""

LIST_IMPORT_BEGAN: Final = "list_import_began"
"""An import into a do-not-call list began. Its numbers do not count before ``list_imported``."""

LIST_IMPORTED: Final = "list_imported"
"""Numbers were added to a do-not-call list. ``added`` in its data is their count."""

LIST_REMOVED: Final = "list_removed"
"""A do-not-call list was removed. ``removed`` in its data is the count of its numbers."""

REQUEST_COLUMNS: Final = (
    "kind",
    "connection",
    "fingerprint",
    "requester",
    "team",
    "channel",
    "rule",
    "approvals_needed",
    "decide_by",
    "mode",
    "reported_call_time",
    "reschedules",
    "new_time",
    "second_step_of",
    "tell_me",
    "stop",
    "call_list",
    "reasons",
)
"""Columns of a request's row that its first event sets."""

GIVEN_COLUMNS: Final = (
    "position",
    "kind",
    "connection",
    "requester",
    "agent",
    "target_id",
    "scheduled_for",
    "state",
    "code",
    "message",
)
"""Columns of an action's row that are set when it is requested."""

CHANGEABLE_COLUMNS: Final = frozenset(
    {
        "attempt",
        "maybe_executed",
        "owner",
        "lease_until",
        "not_before",
        "not_after",
        "code",
        "message",
        "retry",
        "reference",
        "http_status",
    }
)
"""Columns of an action's row that a transition may set, besides its state."""

END_COLUMNS: Final = ("ending", "end_try")
"""Columns of an action's row that the reports on the ends of a call set."""

APPROVAL_COLUMNS: Final = ("person", "decision", "group", "members", "content")
"""Columns of an approval, which have the prefix ``approval.`` in an event's data."""

ACTION_COLUMNS: Final = frozenset(GIVEN_COLUMNS) | CHANGEABLE_COLUMNS

Row = dict[str, Scalar]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


def microseconds(at: datetime) -> int:
    """Return an aware time as microseconds since 1970 in UTC.

    Raises:
        TypeError: The time is naive.
    """
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """Return the time of `microseconds`."""
    return _EPOCH + at * _MICROSECOND


def canonical(value: Scalar | Mapping[str, Scalar]) -> str:
    """Return the canonical JSON text of a value.

    Raises:
        TypeError: The value has a float, which machines write differently.
    """
    plain = dict(value) if isinstance(value, Mapping) else value
    if float in map(type, plain.values() if isinstance(plain, dict) else [plain]):
        raise TypeError(f"no floats in the chain: {plain}")
    return _encode(plain)


def commitment(salt: bytes, value: str) -> str:
    """Return an event's commitment to a personal value. Without the salt, nobody can guess the value."""
    return hashlib.sha256(salt + canonical(value).encode()).hexdigest()


def seal(commitments: Iterable[str]) -> str:
    """Return one hash of several commitments. Without their salts, nobody can guess the values."""
    return hashlib.sha256("\n".join(commitments).encode()).hexdigest()


class NumberSeal:
    """A commitment to the numbers that an event stopped, as keyed hashes.

    They are added in ascending order, in any number of parts. Without the salt nobody can test whether some
    numbers are those.
    """

    def __init__(self, salt: bytes, list_name: str) -> None:
        self._sealed = hashlib.sha256(salt + canonical(list_name).encode())

    def add(self, numbers: Iterable[bytes]) -> Self:
        """Add more numbers, and return this seal."""
        for number in numbers:
            self._sealed.update(number)
        return self

    def text(self) -> str:
        """Return the commitment for the event's data."""
        return self._sealed.hexdigest()


def digest(event: Event) -> str:
    """Return the hash that an event should have."""
    written = (
        f'{{"action":{canonical(event.action)},"actor":{canonical(event.actor)},"at":{microseconds(event.at)},'
        f'"data":{canonical(event.data)},"name":{canonical(event.name)},"private":{canonical(event.private)},'
        f'"request":{canonical(event.request)},"seq":{event.seq}}}'
    )
    return hashlib.sha256((event.previous + written).encode()).hexdigest()


class ChainVerifier:
    """Checks events one after another: consecutive numbers, previous hashes, hashes."""

    def __init__(self) -> None:
        self.seq = 0
        self.head = GENESIS

    def fault(self, event: Event) -> str | None:
        """Return what is wrong with the next event of the chain, or None. Continue from it in any case."""
        expected, previous = self.seq + 1, self.head
        self.seq, self.head = event.seq, event.hash
        if event.seq != expected:
            return f"Event {expected} is missing: event {event.seq} follows event {expected - 1}."
        if event.previous != previous:
            return f"Event {event.seq} ({event.action}) does not follow from event {event.seq - 1}."
        if event.hash != digest(event):
            return f"Event {event.seq} ({event.action}) was changed after it was written."
        return None


@dataclass(slots=True)
class Replayed:
    """The rows that a request's events give: its own, its actions' by id, and its approvals by event."""

    request: Row = field(default_factory=dict)
    actions: dict[str, Row] = field(default_factory=dict)
    approvals: dict[int, Row] = field(default_factory=dict)


def replay(events: Iterable[Event]) -> Replayed:
    """Return the rows that the events of a request give. The events must be in order."""
    replayed = Replayed()
    for event in events:
        if event.name == REQUESTED and not replayed.request:
            replayed.request = request_row(event)
        if columns := action_columns(event):
            replayed.actions.setdefault(event.action, {}).update(columns)
        elif known := replayed.actions.get(event.action):
            known |= end_columns(event, known)
        if approval := approval_row(event):
            replayed.approvals[event.seq] = approval
    if replayed.request:
        replayed.request["pending"] = any(row["state"] == State.PENDING for row in replayed.actions.values())
    return replayed


def request_row(event: Event) -> Row:
    """Return the row of a request, from the first event of its first action."""
    return {
        "id": event.request,
        **{column: event.data.get(column) for column in REQUEST_COLUMNS},
        "asked_at": microseconds(event.at),
        "pending": event.data.get("state") == State.PENDING,
    }


def action_columns(event: Event) -> Row:
    """Return the columns that an event sets in its action's row.

    The first event of an action sets all of them. An event without a state sets none.
    """
    state = event.data.get("state")
    if state is None:
        return {}
    at = microseconds(event.at)
    columns: Row
    if event.name == REQUESTED:
        columns = {
            "id": event.action,
            "request": event.request,
            **dict.fromkeys((*CHANGEABLE_COLUMNS, *END_COLUMNS)),
            **{column: event.data.get(column) for column in GIVEN_COLUMNS},
            "attempt": 0,
            "maybe_executed": False,
            "asked_at": at,
            "asked_event": event.seq,
        }
    else:
        columns = {column: value for column, value in event.data.items() if column in ACTION_COLUMNS}
        if state != State.SENDING:
            columns |= {"owner": None, "lease_until": None}
    return columns | {"updated_at": at, "last_event": event.seq}


def end_columns(event: Event, known: Mapping[str, Scalar]) -> Row:
    """Return the columns that an event sets in its action's row if it reports the end of a call, else none.

    The last try counts, in whatever order the reports come. A report without a try counts as
    the last. ``known`` is the row so far.
    """
    tried, last = event.data.get("try"), known.get("end_try")
    if event.name != CALL_ENDED or (known.get("ending") and _rank(tried) < _rank(last)):
        return {}
    return {"ending": event.data.get("ending"), "end_try": tried}


def _rank(tried: Scalar) -> int:
    """Return the place of a try. A report that names none is about the last one."""
    return MOST_TRIES if tried is None else int(tried)


def approval_row(event: Event) -> Row:
    """Return the approval that an event records, or an empty row."""
    if "approval.person" not in event.data:
        return {}
    return {
        "event": event.seq,
        "request": event.request,
        **{column: event.data.get(f"approval.{column}") for column in APPROVAL_COLUMNS},
        "at": microseconds(event.at),
    }
