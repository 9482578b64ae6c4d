"""The values that a log of call actions keeps and gives back.

A *request* is what one person asked; each of its targets is an *action*, whose row is a `ActionRecord`. What
happens to an entry is an `Event`: append-only and hash-chained, and replaying an entry's events gives its
row. What is to become of them is said in `storage.changes`.

Times are aware datetimes in UTC, kept to the microsecond. Slack ids of people stay in the chain; numbers,
metadata, reasons, notes, raw replies and names live in erasable rows to which the chain only commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from providers.actions import CallAction, Code, Kind, Retry
from storage.states import State, request_state

SYSTEM: Final = "system"
"""The actor of what no person did."""


Scalar = str | int | bool | None
"""What an event's data holds: no floats, so that every machine writes the same canonical JSON."""


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One action's row. ``action`` is None once its personal data was erased."""

    id: str
    request: str
    position: int
    kind: Kind
    connection: str
    agent: str | None
    target_id: str | None
    """The provider's id of what is cancelled or deleted; None where the target is a number."""
    scheduled_for: datetime | None
    state: State
    attempt: int
    """How many requests were ordered and begun; 0 before the first."""
    maybe_executed: bool
    """Whether some attempt ended without a readable answer."""
    owner: str | None
    lease_until: datetime | None
    not_before: datetime | None
    code: Code | None
    message: str | None
    retry: Retry | None
    reference: str | None
    http_status: int | None
    asked_at: datetime
    updated_at: datetime
    action: CallAction | None
    not_after: datetime | None = None
    """When an ordered attempt may no longer begin."""
    looked_up: bool = False
    """Whether the provider was ever asked if it has the target: a note `LOOKED_UP`."""
    lookup_found: bool | None = None
    """What it answered the last time; None where it would not say, or was never asked."""
    known_as: str | None = None
    """What people call the target, as the provider told the last time; erasable."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What one person decided about a request, and who could have: the approvers at that moment."""

    person: str
    decision: Literal["approve", "deny"]
    group: str | None
    """The group through which the person was entitled."""
    members: Sequence[str]
    """Slack ids of everyone who was entitled when it was decided."""
    content: str
    """A hash of what the person was shown, over the salted hash of what is erasable of it."""
    at: datetime | None = None
    """When; the store fills it in."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The request by which a call that was moved is placed again, and how it stands.

    Without an id it could not be asked for at all; then it is refused.
    """

    id: str | None
    state: State
    code: str | None = None
    message: str | None = None
    """Why it came to nothing."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Why a call that was placed does not go out: which request cancelled it; ``moved``, to place it anew."""

    by: str
    moved: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionOutage:
    """A connection that is left alone ``until`` then: its provider is ``down``, or it ``asked`` for that.

    ``failures`` in a row, the last of them ``failed_at``; ``reachable``: the last request reached something.
    ``told``: people are to know. ``probe_at``: when one request that removes something may be sent, although
    the provider asked for a wait.
    """

    connection: str
    reason: Literal["down", "rate_limited"]
    since: datetime
    until: datetime
    failures: int
    failed_at: datetime
    reachable: bool
    told: bool
    probe_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What else goes on: how many requests others are sending, by connection, and what stands still."""

    elsewhere: Mapping[str, int]
    all_outages: Sequence[ConnectionOutage]


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its actions, in order."""

    id: str
    kind: Kind
    connection: str
    fingerprint: str
    requester: str
    team: str
    channel: str | None
    rule: str | None
    approvals_needed: int
    decide_by: datetime | None
    asked_at: datetime
    reason: str | None
    purpose: str | None
    consent: str | None
    entries: Sequence[ActionRecord]
    approvals: Sequence[Approval] = ()
    messages: Mapping[str, MessageRef] = field(default_factory=dict)
    """Posted messages by where they belong: ``audit``, ``card``, ``origin``, ``asked:U…``."""
    mode: str | None = None
    """The connection's when it was asked: None for what is really sent, else ``dry-run``."""
    reported_call_time: datetime | None = None
    """When the requester says that the call goes out."""
    reschedules: str | None = None
    """The entry of the call that is cancelled only to be placed again, for another time."""
    new_time: datetime | None = None
    second_step_of: str | None = None
    """The move whose second step this is: its first, the cancellation, is done."""
    followed_by: SecondStep | None = None
    """The second step of a move, once it was asked for."""
    cancelled: Cancelled | None = None
    """Of a call that was placed: that it was cancelled through us."""
    done_by: str | None = None
    """Of a cancellation that ended unsent: the request that cancelled the same meanwhile."""
    zone: str | None = None
    """The recipient's time zone (an IANA name), as the requester says; erasable."""
    stop: str | None = None
    """The `DoNotCallEntry` that it carries out: no rule was asked, and no approval is needed."""
    why: str | None = None
    """What the rules said when it was asked, as lines."""
    sealed: str = ""
    """A hash over the salted hashes of its targets, reason, purpose, consent and zone, as they are kept now.

    It tells nothing once the salts are erased.
    """
    waits_for: ConnectionOutage | None = None
    """Why what is approved of it is not sent yet, where its connection is left alone."""

    @property
    def approved_by(self) -> Sequence[str]:
        """Everybody who approved it, in order."""
        return list(dict.fromkeys(one.person for one in self.approvals if one.decision == "approve"))

    @property
    def state(self) -> State:
        """The state that most needs attention among its actions'."""
        return request_state(entry.state for entry in self.entries)


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A pending request in short: enough to say who may decide it, and until when."""

    id: str
    requester: str
    team: str
    rule: str | None
    asked_at: datetime
    decide_by: datetime | None
    approved_by: frozenset[str] = frozenset()
    """Who approved it already, where that takes several."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an entry (or, for ``entry`` = the request's id, to a request as a whole).

    ``data`` holds the columns it set and what else an auditor needs; ``private`` the commitments to what was
    written into erasable rows, by field name.
    """

    seq: int
    at: datetime
    request: str
    entry: str
    name: str
    actor: str
    data: Mapping[str, Scalar]
    private: Mapping[str, str]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class DoNotCallEntry:
    """Why a number is not called: somebody stopped all calls to it, or it stands on a list.

    ``list`` is the list's name, None where a person stopped it; ``by`` is who stopped or imported it.
    """

    id: str
    by: str
    at: datetime
    list: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A Slack post waiting in the outbox: of a request, or with the ``key`` of an announcement."""

    id: int
    request: str | None
    entry: str | None
    event: int | None
    template: str
    to: str
    tries: int
    added_at: datetime
    unordered: bool = False
    """Whether the request's posts to other places do not wait for this one."""
    key: str | None = None
    payload: Mapping[str, Scalar] = field(default_factory=dict)
    stands: MessageRef | None = None
    """Where an announcement stands that was posted before."""


@dataclass(frozen=True, slots=True)
class RequestHistory:
    """A request with all that happened to it, as of one moment; ``private`` is as in `Store`."""

    request: Request
    events: Sequence[Event]
    private: Sequence[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Person:
    """What the rules and the messages need to know of a Slack user; read from Slack, kept for a while."""

    id: str
    team: str
    name: str
    timezone: str
    """An IANA name, or a UTC offset such as ``+05:30`` where Slack gives no name; else empty."""
    bot: bool
    deleted: bool
    guest: bool
    is_external: bool
    """From another organisation, through Slack Connect."""
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries to list; None leaves a condition out. ``number`` is E.164.

    They were asked at ``since`` or later and before ``until``. ``text`` stands in what somebody wrote about
    the request: a reason, a note, a purpose or a consent; capitals do not count (of the letters A to Z).
    """

    state: State | None = None
    kind: Kind | None = None
    connection: str | None = None
    requester: str | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An entry, with what its request says of it: who asked, where, why, under which rule, who decided."""

    entry: ActionRecord
    requester: str
    channel: str | None
    rule: str | None
    mode: str | None
    stop: str | None
    """The `DoNotCallEntry` that it carries out."""
    new_time: datetime | None
    """When the call that is cancelled is to go out instead."""
    reason: str | None
    purpose: str | None
    consent: str | None
    decided_by: str | None
    decision: str | None
    """What was decided the last time: ``approve`` or ``deny``."""
    decided_at: datetime | None
    cancelled_by: str | None
    """Of a call that was placed: the request that cancelled it, so that it does not go out."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Some entries that match, newest first, and the keys of the pages of older and newer ones.

    ``partial``: no more was looked through than these and what lies between them; older ones may match.
    """

    hits: Sequence[SearchHit]
    after: int | None
    before: int | None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class AskedToStop:
    """When somebody first said that a number wants no more calls, and the request that says so."""

    request: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first, and the key of the page after them (None: there is none)."""

    entries: Sequence[ActionRecord]
    after: int | None


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many of a connection's actions stand in one state."""

    connection: str
    state: State
    count: int


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What verifying the log found: how much was read, the chain's head, and each fault as a sentence."""

    events: int
    entries: int
    head: str
    faults: Sequence[str]


def call_time(request: Request, entry: ActionRecord) -> datetime | None:
    """When an entry's call goes out, as the log knows, or else as the requester says."""
    return entry.scheduled_for or request.reported_call_time


def entry_of(request: Request, entry: str) -> ActionRecord:
    """One of a request's entries, by its id."""
    return next(one for one in request.entries if one.id == entry)
