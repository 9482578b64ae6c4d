"""What a store of call actions promises: the values it keeps and the `ActionLog` it is.

A *request* is what one person asked; each of its targets is an *action*, whose row is a `LogEntry`. What
happens to an entry is an `Event`: append-only and hash-chained, and replaying an entry's events gives its
row. Everything that changes does so through `record` or `apply`, each one transaction: the rows, the events,
the Slack posts to make and the keys that were used up are committed together or not at all.

Times are aware datetimes in UTC, kept to the microsecond. Slack ids of people stay in the chain; numbers,
metadata, reasons, notes, raw replies and names live in erasable rows to which the chain only commits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

from providers.actions import CallAction, Code, Kind, Retry
from storage.lifecycle import State, request_state

SYSTEM: Final = "system"
"""The actor of what no person did."""


Scalar = str | int | bool | None
"""What an event's data holds: no floats, so that every machine writes the same canonical JSON."""


@dataclass(frozen=True, slots=True)
class Post:
    """A Slack post to make: rendered from ``template`` when it is sent.

    ``to``: ``audit``, ``card`` and ``origin`` (in the channel it was asked in) are one message each per
    request, posted once and edited from then on, and ``asked:U…`` is one for each person, to them;
    ``thread`` replies below the audit message, ``card_thread`` below the card; ``dm:U…`` is a direct message
    to one person.
    """

    template: str
    to: str


@dataclass(frozen=True, slots=True)
class NewAction:
    """One target of a request about to be recorded.

    ``number`` is what a look-up by number finds it under. ``scheduled_for`` is when the call would go out:
    a placed call's own time, or what the log knows of the call a cancellation is aimed at.
    """

    action: CallAction
    number: str | None = None
    scheduled_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What one person asked, decided as far as the rules decide it at once.

    ``inbound`` is unique for what Slack delivered (its trigger id), ``nonce`` for the button or modal that
    started it: a second request with either is the first one again. ``code`` and ``message`` say why, when
    ``state`` is refused. ``mode`` is the connection's: None for what is really sent, else ``dry-run``.
    ``joins``: nothing is asked twice; see `AlreadyAsked`.
    ``goes_out`` is when the requester says that the call goes out: what the log knows is in the actions.
    """

    kind: Kind
    connection: str
    fingerprint: str
    requester: str
    team: str
    actions: Sequence[NewAction]
    state: State
    rule: str | None
    approvals_needed: int = 0
    decide_by: datetime | None = None
    channel: str | None = None
    reason: str | None = None
    purpose: str | None = None
    consent: str | None = None
    code: str | None = None
    message: str | None = None
    inbound: str | None = None
    nonce: str | None = None
    posts: Sequence[Post] = ()
    mode: str | None = None
    joins: bool = False
    goes_out: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
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
    doubted: bool
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
    sighted: bool | None = None
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
    """A hash of what the person was shown."""
    at: datetime | None = None
    """When; the store fills it in."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands in Slack."""

    channel: str
    ts: str


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
    entries: Sequence[LogEntry]
    approvals: Sequence[Approval] = ()
    messages: Mapping[str, MessageRef] = field(default_factory=dict)
    """Posted messages by where they belong: ``audit``, ``card``, ``origin``, ``asked:U…``."""
    mode: str | None = None
    """The connection's when it was asked: None for what is really sent, else ``dry-run``."""
    goes_out: datetime | None = None
    """When the requester says that the call goes out."""

    @property
    def state(self) -> State:
        """The state that most needs attention among its actions'."""
        return request_state(entry.state for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pending request in short: enough to say who may decide it, and until when."""

    id: str
    requester: str
    rule: str | None
    asked_at: datetime
    decide_by: datetime | None


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
class Move:
    """One compare-and-set: ``entry`` goes to ``after`` if it stands in one of ``before``.

    Where ``owner`` is given, the entry must also be owned by it and be in its ``attempt``. ``changes`` are
    further columns to set (of `LogEntry`: attempt, doubted, owner, lease_until, not_before, not_after, code,
    message, retry, reference, http_status); ``data`` goes into the event alone; ``private`` into erasable
    rows. A move into any state but ``sending`` lets go of owner and lease.
    """

    entry: str
    name: str
    before: frozenset[State]
    after: State
    owner: str | None = None
    attempt: int | None = None
    changes: Mapping[str, Scalar | datetime] = field(default_factory=dict)
    data: Mapping[str, Scalar] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth an event that moves nothing, about an entry (or, by the request's id, about them all).

    ``data`` and ``private`` are as in `Move`. Wherever the entry stands, a note comes in time.
    """

    entry: str
    name: str
    data: Mapping[str, Scalar] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Moves of one request's entries, and notes about them, that happen together or not at all.

    ``approval`` is the decision they carry out; ``nonce`` and ``inbound`` as in `NewRequest`. A change may
    have no move: an approval that is not the last one needed, or nothing but notes. Moves are written before
    notes, and the posts belong to the first event.
    """

    request: str
    actor: str
    moves: Sequence[Move]
    approval: Approval | None = None
    nonce: str | None = None
    inbound: str | None = None
    posts: Sequence[Post] = ()
    notes: Sequence[Note] = ()


class Conflict(Exception):
    """The change came too late: somebody or something was first. ``current`` is how the request stands."""

    def __init__(self, current: Request) -> None:
        super().__init__(f"{current.id} is {current.state}")
        self.current = current


class AlreadyAsked(Exception):
    """Some targets are asked for already, and nothing was recorded.

    ``by`` is the request that asks for it, by the action's place.
    """

    def __init__(self, by: Mapping[int, Request]) -> None:
        super().__init__(", ".join(sorted({request.id for request in by.values()})))
        self.by = by


class NoSuchRequest(LookupError):
    """No request, entry or reported fault has that id."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The request that was recorded, or, with ``fresh`` False, the one that the same intent had made."""

    request: Request
    fresh: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What a preview or a form was about to ask: kept until its nonce is used or it is forgotten."""

    nonce: str
    person: str
    content: Mapping[str, object]
    request: str | None
    """The request that used the nonce up."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A Slack post waiting in the outbox."""

    id: int
    request: str
    entry: str
    event: int
    template: str
    to: str
    tries: int


@dataclass(frozen=True, slots=True)
class Person:
    """What the rules and the messages need to know of a Slack user; read from Slack, kept for a while."""

    id: str
    team: str
    name: str
    timezone: str
    """An IANA name."""
    bot: bool
    deleted: bool
    guest: bool
    stranger: bool
    """From another organisation, through Slack Connect."""
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries to list; None leaves a condition out. ``number`` is E.164."""

    state: State | None = None
    kind: Kind | None = None
    connection: str | None = None
    requester: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, newest first, and the key of the page after them (None: there is none)."""

    entries: Sequence[LogEntry]
    after: int | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a connection's actions stand in one state."""

    connection: str
    state: State
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying the log found: how much was read, the chain's head, and each fault as a sentence."""

    events: int
    entries: int
    head: str
    faults: Sequence[str]


class ActionLog(Protocol):
    """The log that is the truth. One contract test suite holds for every store."""

    # -- people's and the machine's changes

    async def record(self, new: NewRequest) -> Recorded:
        """Write a request down, durably, with its first events. The same intent twice is one request.

        Raises `AlreadyAsked`, for one that ``joins``, if an action of its kind is pending, approved, being
        sent or unknown for one of its targets at the same account.
        """
        ...

    async def apply(self, change: Change) -> Request:
        """Make a change, or raise `Conflict` with how the request stands, or `NoSuchRequest`.

        Raises `lifecycle.IllegalMove` for a move that no action's life contains: among them one back from
        approved to unknown of an entry that is not in doubt. One that is in doubt is not withdrawn, refused
        or expired (`Conflict`).

        A move to ``sending`` also conflicts once ``not_after`` has come, and while the entry has to wait:
        while a cancellation by number is being sent, or is in doubt and approved to be sent again, nothing
        else with its agent and number begins; nor does it while a call to them is being placed. The same
        agent is the same name in one connection, or the same fingerprint.
        """
        ...

    async def hold(self, entry: str, *, owner: str, attempt: int, until: datetime) -> bool:
        """Renew a lease that is still held: the check just before bytes leave.

        False when the entry is no longer this owner's in this attempt, or the attempt may not begin any more.
        """
        ...

    async def report(self, *, actor: str, where: str, private: Mapping[str, str]) -> str:
        """Write a fault of the program down and return its id (``E-…``), which people are told."""
        ...

    async def erase(self, request: str, *, actor: str) -> None:
        """Forget a request's personal data. The chain stays whole."""
        ...

    # -- reading

    async def request(self, request: str) -> Request:
        """Read a request by its id, or by the id of one of its entries. Raises `NoSuchRequest`."""
        ...

    async def events(self, request: str) -> Sequence[Event]:
        """All that happened to a request and its entries (or the report of a fault, by ``E-…``), in order."""
        ...

    async def private(self, request: str) -> Sequence[tuple[int, str, str]]:
        """The erasable values still kept for a request or fault: (event, field, value)."""
        ...

    async def page(self, query: Query, *, after: int | None = None, limit: int = 50) -> Page:
        """List entries, newest first, by key: as fast on the last page as on the first."""
        ...

    async def coming_up(self, connection: str, agent: str, number: str, now: datetime) -> Sequence[LogEntry]:
        """Calls placed through us that should still go out to a number, soonest first."""
        ...

    async def scheduled(
        self, connections: Collection[str], now: datetime, *, mine: str, limit: int
    ) -> Sequence[LogEntry]:
        """Calls placed through us by these connections that should still go out: a person's own first.

        Among each, the next to go out comes first. What was erased is left out.
        """
        ...

    async def scheduled_to(self, number: str, now: datetime) -> Sequence[LogEntry]:
        """As `coming_up`, through whatever connection and agent."""
        ...

    async def holders(self, ids: Collection[str]) -> frozenset[str]:
        """The connections whose provider gave out one of these ids, or did what was asked of it."""
        ...

    async def known_call(self, connection: str, reference: str, now: datetime) -> LogEntry | None:
        """A call placed through us that has this provider's id, and should still go out."""
        ...

    async def known_ids(self, ids: Collection[str]) -> Collection[str]:
        """Those of some providers' ids that an action was aimed at, or that a provider gave one."""
        ...

    async def seen(self, connection: str, reference: str, before: datetime) -> bool:
        """Whether the log knew, before that time, that the provider had something under this id.

        What was cancelled or deleted through us since is not there any more.
        """
        ...

    async def sighted_before(self, entry: str) -> bool:
        """Whether a look-up saw an entry's target before the entry's first attempt.

        Not if it was cancelled or deleted through us since.
        """
        ...

    async def tally(self, since: datetime) -> Sequence[Tally]:
        """How many actions came to stand where they stand since then; all that wait or are unknown now."""
        ...

    async def verify(self) -> Verdict:
        """Check the chain, the commitments, and that replayed events give the rows."""
        ...

    # -- what is due

    async def ready(self, now: datetime, limit: int, *, without: Collection[str] = ()) -> Sequence[LogEntry]:
        """Approved entries whose time to be sent has come, in the order they were approved.

        ``without``: connections that have no worker free, or that wait for their turn. Entries that have to
        wait for another one's (see `apply`) are left out as well.
        """
        ...

    async def overdue(self, now: datetime) -> Sequence[LogEntry]:
        """Approved entries whose ``not_after`` has come: their ordered attempt may not begin any more."""
        ...

    async def unsighted(self, connections: Collection[str], limit: int) -> Sequence[LogEntry]:
        """Pending or approved entries of these connections, never begun and never looked up."""
        ...

    async def unsure(self, connections: Collection[str], limit: int) -> Sequence[LogEntry]:
        """Deletions of campaigns in ``unknown``, of these connections, not looked up since they are."""
        ...

    async def lapsed(self, now: datetime) -> Sequence[LogEntry]:
        """Entries in ``sending`` whose lease has run out: their owner died."""
        ...

    async def undecided(self, now: datetime) -> Sequence[Request]:
        """Pending requests whose time to be decided has passed."""
        ...

    async def waiting(self) -> Sequence[Waiting]:
        """Every pending request, the one whose time runs out first before the others."""
        ...

    async def alike(self, ending: str) -> Sequence[LogEntry]:
        """Pending entries aimed at a number that ends so, oldest first."""
        ...

    async def last_asked(self, people: Collection[str]) -> Mapping[str, datetime]:
        """When each of these people was last asked to decide something; nobody who never was."""
        ...

    # -- how fast an account may be asked

    async def turn(self, account: str, *, a_minute: int | None, now: datetime) -> datetime | None:
        """Take a place to send: None means go now, a time means ask again then.

        Never more than ``a_minute`` places are given in any 60 s, over all processes, and none before a pause
        has passed. Without a limit nothing is written.
        """
        ...

    async def pause(self, account: str, until: datetime) -> None:
        """Give no place before that time. A longer pause stays."""
        ...

    # -- the outbox

    async def outgoing(self, now: datetime, *, owner: str, until: datetime, limit: int) -> Sequence[Outgoing]:
        """Take posts that are due, under a lease: at most the first undelivered one of each request."""
        ...

    async def delivered(self, post: Outgoing, ref: MessageRef | None, *, seen: int) -> None:
        """A post was made. ``ref`` says where a lasting message (audit, card) stands.

        ``seen`` is the last event it already showed: older edits of the same message need not be sent, nor
        the same words about what the machine did to another entry of the request.
        """
        ...

    async def postpone(self, post: Outgoing, *, not_before: datetime, error: str) -> None:
        """A post could not be made yet."""
        ...

    async def abandon(self, post: Outgoing, *, error: str) -> None:
        """A post can never be made (the channel is gone): kept, with the reason, and no longer tried."""
        ...

    # -- nonces, drafts and people

    async def keep_draft(self, nonce: str, *, person: str, content: Mapping[str, object]) -> None:
        """Keep what a button or form would start. Keeping the same nonce again changes nothing."""
        ...

    async def draft(self, nonce: str) -> Draft | None:
        """Read a draft."""
        ...

    async def claim(self, name: str) -> bool:
        """Whether this is the first time that a name is claimed: of many who claim it, one may go on."""
        ...

    async def keep_person(self, person: Person) -> None:
        """Remember what Slack says of a person, in place of what was known."""
        ...

    async def person(self, person: str) -> Person | None:
        """What is known of a person."""
        ...

    async def close(self) -> None:
        """Finish what is being written and let go of the store."""
        ...
