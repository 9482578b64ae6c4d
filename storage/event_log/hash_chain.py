"""The hash chain: how events are written down, linked, checked and replayed into rows.

Pure. An event's hash is SHA-256 over the previous event's hash (hex) and the event itself as canonical JSON:
keys sorted, no spaces, UTF-8, integers only, times in microseconds since 1970 in UTC. What is personal is not
in the event: it commits to it by SHA-256 over a random salt and the canonical value, and both can be erased.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from storage.models import Event, Scalar
from storage.states import State

GENESIS: Final = "0" * 64
"""What the first event takes for the hash before it."""

REQUESTED: Final = "requested"
"""The first event of every entry: it gives the whole row."""

ERASED: Final = "erased"
"""A request's personal data was forgotten."""

PURGED: Final = "purged"
"""Personal data was forgotten by a rule; an event of its own, which counts what went."""

LOOKED_UP: Final = "looked_up"
"""A note: the provider was asked whether it has an entry's target."""

FOLLOWED: Final = "followed"
"""A note on a move: what came of its second step, ``second`` in its data; None where it was impossible."""

CANCELLED: Final = "cancelled"
"""A note on a call that was placed: the request ``by`` cancelled it, so that it does not go out."""

RULES: Final = "rules_changed"
"""The rules in force became others: an event of its own, about no request."""

ASKED: Final = "asked"
"""A note: somebody was asked to decide; ``person`` in its data is who."""

CALLS_STOPPED: Final = "calls_stopped"
"""Somebody stopped all calls to a number."""

CALLS_ALLOWED: Final = "calls_allowed"
"""Somebody let calls to it go out again."""

LIST_IMPORT_BEGAN: Final = "list_import_began"
"""Numbers are being added to a do-not-call list; none of them counts before ``list_imported``."""

LIST_IMPORTED: Final = "list_imported"
"""Numbers were added to a do-not-call list; ``added`` in its data says how many."""

LIST_REMOVED: Final = "list_removed"
"""A do-not-call list was taken away; ``removed`` says how many numbers it had."""

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
    "stop",
    "why",
)
"""Columns of a request's row that its first event carries."""

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
"""Columns of an entry's row that are set when it is asked."""

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
"""Columns of an entry's row that a move may set, besides its state."""

APPROVAL_COLUMNS: Final = ("person", "decision", "group", "members", "content")
"""Columns of an approval, in an event's data with ``approval.`` before them."""

ENTRY_COLUMNS: Final = frozenset(GIVEN_COLUMNS) | CHANGEABLE_COLUMNS

Row = dict[str, Scalar]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


def microseconds(at: datetime) -> int:
    """An aware time as microseconds since 1970 in UTC. Raises `TypeError` for a naive one."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time of `microseconds`."""
    return _EPOCH + at * _MICROSECOND


def canonical(value: Scalar | Mapping[str, Scalar]) -> str:
    """The one JSON text of a value. Raises `TypeError` for a float, which machines write differently."""
    plain = dict(value) if isinstance(value, Mapping) else value
    if float in map(type, plain.values() if isinstance(plain, dict) else [plain]):
        raise TypeError(f"no floats in the chain: {plain}")
    return _encode(plain)


def commitment(salt: bytes, value: str) -> str:
    """What an event says of a personal value: nothing that can be guessed once the salt is erased."""
    return hashlib.sha256(salt + canonical(value).encode()).hexdigest()


def seal(commitments: Iterable[str]) -> str:
    """Hash some commitments into one: nobody can tell what they are to once their salts are erased."""
    return hashlib.sha256("\n".join(commitments).encode()).hexdigest()


class NumberSeal:
    """A commitment to the numbers that an event stopped, as they are looked up.

    They are added in ascending order, in as many parts as one likes. Without the salt nobody can tell whether
    some numbers are those.
    """

    def __init__(self, salt: bytes, list_name: str) -> None:
        self._sealed = hashlib.sha256(salt + canonical(list_name).encode())

    def add(self, numbers: Iterable[bytes]) -> Self:
        """Add more numbers, and return the seal."""
        for number in numbers:
            self._sealed.update(number)
        return self

    def text(self) -> str:
        """Return what the event keeps of it."""
        return self._sealed.hexdigest()


def digest(event: Event) -> str:
    """The hash that an event should carry."""
    written = (
        f'{{"actor":{canonical(event.actor)},"at":{microseconds(event.at)},"data":{canonical(event.data)},'
        f'"entry":{canonical(event.entry)},"name":{canonical(event.name)},"private":{canonical(event.private)},'
        f'"request":{canonical(event.request)},"seq":{event.seq}}}'
    )
    return hashlib.sha256((event.previous + written).encode()).hexdigest()


class ChainVerifier:
    """Checks events one after another: gapless numbers, previous hashes, hashes."""

    def __init__(self) -> None:
        self.seq = 0
        self.head = GENESIS

    def fault(self, event: Event) -> str | None:
        """Say what is wrong with the event as the next of the chain; go on from it in any case."""
        expected, previous = self.seq + 1, self.head
        self.seq, self.head = event.seq, event.hash
        if event.seq != expected:
            return f"Event {expected} is missing: event {event.seq} follows event {expected - 1}."
        if event.previous != previous:
            return f"Event {event.seq} ({event.entry}) does not follow from event {event.seq - 1}."
        if event.hash != digest(event):
            return f"Event {event.seq} ({event.entry}) was changed after it was written."
        return None


@dataclass(slots=True)
class Replayed:
    """The rows that a request's events give: its own, its entries' by id, and its approvals by event."""

    request: Row = field(default_factory=dict)
    entries: dict[str, Row] = field(default_factory=dict)
    approvals: dict[int, Row] = field(default_factory=dict)


def replay(events: Iterable[Event]) -> Replayed:
    """Replay the events of one request, in order."""
    replayed = Replayed()
    for event in events:
        if event.name == REQUESTED and not replayed.request:
            replayed.request = request_row(event)
        columns = entry_columns(event)
        if columns:
            replayed.entries.setdefault(event.entry, {}).update(columns)
        if approval := approval_row(event):
            replayed.approvals[event.seq] = approval
    if replayed.request:
        replayed.request["pending"] = any(row["state"] == State.PENDING for row in replayed.entries.values())
    return replayed


def request_row(event: Event) -> Row:
    """The row of a request, from the first event of its first entry."""
    return {
        "id": event.request,
        **{column: event.data.get(column) for column in REQUEST_COLUMNS},
        "asked_at": microseconds(event.at),
        "pending": event.data.get("state") == State.PENDING,
    }


def entry_columns(event: Event) -> Row:
    """The columns of its entry's row that an event sets: all for the first one, none if nothing moved."""
    state = event.data.get("state")
    if state is None:
        return {}
    at = microseconds(event.at)
    columns: Row
    if event.name == REQUESTED:
        columns = {
            "id": event.entry,
            "request": event.request,
            **dict.fromkeys(CHANGEABLE_COLUMNS),
            **{column: event.data.get(column) for column in GIVEN_COLUMNS},
            "attempt": 0,
            "maybe_executed": False,
            "asked_at": at,
            "asked_event": event.seq,
        }
    else:
        columns = {column: value for column, value in event.data.items() if column in ENTRY_COLUMNS}
        if state != State.SENDING:
            columns |= {"owner": None, "lease_until": None}
    return columns | {"updated_at": at, "last_event": event.seq}


def approval_row(event: Event) -> Row:
    """The approval that an event records; empty if it records none."""
    if "approval.person" not in event.data:
        return {}
    return {
        "event": event.seq,
        "request": event.request,
        **{column: event.data.get(f"approval.{column}") for column in APPROVAL_COLUMNS},
        "at": microseconds(event.at),
    }
