"""The values that the store keeps and returns.

A *request* is what a person asked for. Each of its targets is an *action*, whose row is an `ActionRecord`. An
`Event` records what happened to an action. Events are append-only and hash-chained, and replaying an action's
events gives its row. `storage.changes` has the values for changes.

Times are aware datetimes in UTC, with microseconds. Slack ids of people stay in the chain. Numbers, metadata,
reasons, notes, raw replies and names are in erasable rows, to which the chain only commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from providers.actions import CallAction, CallEnd, CallList, Code, Kind, RequestedAction, Retry
from storage.states import State, request_state

SYSTEM: Final = "system"
"""The actor of an event that no person caused."""


Scalar = str | int | bool | None
"""Values in an event's data. No floats, so that every machine writes the same canonical JSON."""


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """The row of an action. ``action`` is None once its personal data is erased."""

    id: str
    request: str
    position: int
    kind: Kind
    connection: str
    agent: str | None
    target_id: str | None
    """The provider's id of the target, None if the target is a number."""
    scheduled_for: datetime | None
    state: State
    attempt: int
    """Attempts that were begun, 0 before the first."""
    maybe_executed: bool
    """True if some attempt ended without a readable answer."""
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
    action: RequestedAction | None
    not_after: datetime | None = None
    """The time from which an attempt may no longer begin."""
    looked_up: bool = False
    """True if the provider was ever asked whether it has the target (an annotation `LOOKED_UP`)."""
    lookup_found: bool | None = None
    """The last look-up's answer, None if the provider did not say or was never asked."""
    known_as: str | None = None
    """The target's name in the provider's last answer, or a call's masked number. Erasable."""
    lookup_call_time: datetime | None = None
    """The time of the call in the provider's last answer."""
    end: CallEnd | None = None
    """The end of the last try at a placed call, as its provider reported. None: no news."""
    sent_again: bool = False
    """True if a person had it sent again although nobody knew the outcome, so it may have been done twice."""

    @property
    def for_provider(self) -> CallAction | None:
        """The action as an adapter carries it out, None once it is erased and for a call list."""
        return None if isinstance(self.action, CallList) else self.action


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's decision on a request, and the approvers at that moment."""

    person: str
    decision: Literal["approve", "deny"]
    group: str | None
    """The group through which the person was an approver."""
    members: Sequence[str]
    """Slack ids of everyone who could decide at that moment."""
    content: str
    """A hash of what the person was shown, over the salted hash of its erasable part."""
    at: datetime | None = None
    """The time, which the store sets."""
    note: str | None = None
    """The person's words. Erasable."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The place of a message in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The request that places a rescheduled call again, and its state.

    It has no id if it could not be requested at all. Then its state is refused.
    """

    id: str | None
    state: State
    code: str | None = None
    message: str | None = None
    """The reason why it failed."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The cancellation of a placed call: its request, and ``moved`` if that reschedules the call."""

    by: str
    moved: bool = False
    requester: str = SYSTEM
    reason: str | None = None
    """The requester's reason. Erasable."""
    second: SecondStep | None = None
    """The second step of a reschedule."""


@dataclass(frozen=True, slots=True)
class ConnectionOutage:
    """A connection that gets no requests until ``until``: its provider is down, or asked for a pause.

    ``failures`` counts the failures in a row, the last at ``failed_at``. ``reachable`` means that the last
    request reached a server. ``told`` means that people are informed. ``probe_at`` is when a single request
    that removes something may be sent, although the provider asked for a pause.
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
class PauseCounts:
    """The actions that a pause concerns: those that wait, that are being sent, and scheduled calls.

    Calls that a provider has scheduled ring during a pause, too.
    """

    waiting: int = 0
    leaving: int = 0
    scheduled: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that a person set: no call is placed and no campaign started, at a connection or at all."""

    id: str
    connection: str | None
    """None for every connection."""
    by: str
    at: datetime
    until: datetime | None
    reason: str | None
    """Erasable."""
    found: PauseCounts
    """The counts of the moment at which it began."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Other processes' requests in flight by connection, all outages, and whether the log has a pause."""

    elsewhere: Mapping[str, int]
    all_outages: Sequence[ConnectionOutage]
    paused: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its actions in order."""

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
    actions: Sequence[ActionRecord]
    approvals: Sequence[Approval] = ()
    messages: Mapping[str, MessageRef] = field(default_factory=dict)
    """Messages in Slack by slot: ``audit``, ``card``, ``origin``, ``asked:U…``."""
    mode: str | None = None
    """The connection's mode at the time of the request: None for live, else ``dry-run``."""
    reported_call_time: datetime | None = None
    """The time of the call, as the requester says."""
    reschedules: str | None = None
    """The action of the call that is cancelled only to be placed again at another time."""
    new_time: datetime | None = None
    second_step_of: str | None = None
    """The reschedule whose second step this is. Its first step, the cancellation, has succeeded."""
    followed_by: SecondStep | None = None
    """The second step of a reschedule, once it was requested."""
    cancelled: Cancelled | None = None
    """The cancellation of a placed call, if CallOps cancelled it."""
    done_by: str | None = None
    """For a cancellation that was never sent: the request that cancelled the same target meanwhile."""
    zone: str | None = None
    """The recipient's time zone (an IANA name), as the requester says. Erasable."""
    tell_me: bool = False
    """True if the requester gets a direct message about how the call ended."""
    stop: str | None = None
    """The `DoNotCallEntry` that it carries out. Such a request needs no rule and no approval."""
    call_list: str | None = None
    """The request of the call list whose row it carries out. Its rule and approvals are that request's."""
    reasons: str | None = None
    """The rules' reasons at the time of the request, as lines."""
    sealed: str = ""
    """A hash over the salted hashes of the targets, reason, purpose, consent and zone that are kept now.

    It reveals nothing once the salts are erased.
    """
    waits_for: ConnectionOutage | None = None
    """The outage for which its approved actions wait, or None."""
    paused_by: Pause | None = None
    """The pause that holds its pending or approved actions back, or None."""

    @property
    def approved_by(self) -> Sequence[str]:
        """Everyone who approved it, in order."""
        return list(dict.fromkeys(one.person for one in self.approvals if one.decision == "approve"))

    @property
    def state(self) -> State:
        """The state among its actions' states that most needs attention."""
        return request_state(record.state for record in self.actions)


@dataclass(frozen=True, slots=True)
class ListProgress:
    """The progress of a call list.

    ``counts`` are its requests by state, ``endings`` its placed calls by how they ended. ``waiting`` rows are
    still to be requested, the next one at ``next_at``, None if it is due.
    """

    counts: Mapping[State, int]
    endings: Mapping[str, int]
    waiting: int
    next_at: datetime | None
    paused: bool
    held_because: str | None = None
    """The reasons for which CallOps itself paused it."""


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A pending request in short: enough to say who may decide it, and until when."""

    id: str
    requester: str
    team: str
    rule: str | None
    asked_at: datetime
    decide_by: datetime | None
    kind: Kind
    approved_by: frozenset[str] = frozenset()
    """People who approved it already, if it needs several approvals."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of an action, or of the whole request if ``action`` is the request's id.

    ``data`` holds the columns that it set, and further facts for auditors. ``private`` holds the commitments
    to values in erasable rows, by field name.
    """

    seq: int
    at: datetime
    request: str
    action: str
    name: str
    actor: str
    data: Mapping[str, Scalar]
    private: Mapping[str, str]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class DoNotCallEntry:
    """The reason why a number is not called: a person stopped all calls to it, or it is on a list.

    ``list`` is the list's name, None if a person stopped the number. ``by`` is the person who stopped or
    imported it.
    """

    id: str
    by: str
    at: datetime
    list: str | None = None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A Slack message in the outbox: of a request, or with the ``key`` of an announcement."""

    id: int
    request: str | None
    action: str | None
    event: int | None
    template: str
    to: str
    tries: int
    added_at: datetime
    unordered: bool = False
    """True if the request's messages to other places do not wait for this one."""
    key: str | None = None
    payload: Mapping[str, Scalar] = field(default_factory=dict)
    stands: MessageRef | None = None
    """The place of an announcement that was sent before."""


@dataclass(frozen=True, slots=True)
class RequestHistory:
    """A request with all its events, as of one moment. ``private`` holds its personal values."""

    request: Request
    events: Sequence[Event]
    private: Sequence[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Person:
    """The facts about a Slack user for rules and messages. They are read from Slack and cached."""

    id: str
    team: str
    name: str
    timezone: str
    """An IANA name, or a UTC offset such as ``+05:30`` if Slack gives no name, else empty."""
    bot: bool
    deleted: bool
    guest: bool
    is_external: bool
    """True for a user of another organisation, through Slack Connect."""
    read_at: datetime


@dataclass(frozen=True, slots=True)
class StateCount:
    """The number of a connection's actions in a state.

    ``placed`` of them are placed calls, of which the provider ``reported`` some ends. ``reached`` were
    answered.
    """

    connection: str
    state: State
    count: int
    placed: int
    reported: int
    reached: int


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """Result of a verification: how much was read, the chain's last hash, and a sentence for each fault."""

    events: int
    actions: int
    head: str
    faults: Sequence[str]


def call_time(request: Request, record: ActionRecord) -> datetime | None:
    """Return the time of an action's call: the log's, or else the requester's, or None."""
    return record.scheduled_for or request.reported_call_time


def record_of(request: Request, action: str) -> ActionRecord:
    """Return the action of a request with this id."""
    return next(one for one in request.actions if one.id == action)
