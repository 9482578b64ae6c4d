"""What is to become of requests, as values: the store makes what a `NewRequest` or a `ChangeSet` says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from providers.actions import CallAction, Kind
from storage.models import Approval, Request, Scalar
from storage.states import State


@dataclass(frozen=True, slots=True)
class Notification:
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

    ``delivery_key`` is unique for what Slack delivered (its trigger id), ``nonce`` for the button or modal
    that started it: a second request with either is the first one again. ``code`` and ``message`` say why,
    when ``state`` is refused. ``mode`` is the connection's: None for what is really sent, else ``dry-run``.
    ``joins``: nothing is asked twice; see `DuplicateRequestError`. ``reported_call_time`` is when the
    requester says that the call goes out: what the log knows is in the actions. A cancellation that
    ``reschedules`` a call names its entry, and ``new_time`` is when it is to go out instead; the request
    that places it again is the ``second_step_of`` the cancellation. ``zone`` is the recipient's time zone,
    as the requester says. ``stop`` is the `DoNotCallEntry` it carries out.
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
    delivery_key: str | None = None
    nonce: str | None = None
    notifications: Sequence[Notification] = ()
    mode: str | None = None
    deduplicate: bool = False
    reported_call_time: datetime | None = None
    reschedules: str | None = None
    new_time: datetime | None = None
    second_step_of: str | None = None
    zone: str | None = None
    stop: str | None = None
    why: str | None = None
    """What the rules said, as lines."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One compare-and-set: ``entry`` goes to ``after`` if it stands in one of ``before``.

    Where ``owner`` is given, the entry must also be owned by it and be in its ``attempt``. ``changes`` are
    further columns to set (of `ActionRecord`: attempt, maybe_executed, owner, lease_until, not_before,
    not_after, code, message, retry, reference, http_status); ``data`` goes into the event alone; ``private``
    into erasable rows. A move into any state but ``sending`` lets go of owner and lease; for one into it,
    ``at_most`` says how many of its connection's entries may be there together.
    """

    entry: str
    name: str
    from_states: frozenset[State]
    to_state: State
    owner: str | None = None
    attempt: int | None = None
    at_most: int | None = None
    changes: Mapping[str, Scalar | datetime] = field(default_factory=dict)
    data: Mapping[str, Scalar] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something worth an event that moves nothing, about an entry (or, by the request's id, about them all).

    ``data`` and ``private`` are as in `Transition`. Wherever the entry stands, a note comes in time.
    """

    entry: str
    name: str
    data: Mapping[str, Scalar] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Moves of one request's entries, and notes about them, that happen together or not at all.

    ``approval`` is the decision they carry out; ``nonce`` and ``delivery_key`` as in `NewRequest`. A change
    may have no move: an approval that is not the last one needed, or nothing but notes. Moves are written
    before notes, and the posts belong to the first event. ``after`` is how many decisions there were when it
    was thought of: it comes too late if there are others by now, so that of several approvals the last is
    known to be the last. ``private`` goes with the event of an approval that moves nothing.
    """

    request: str
    actor: str
    transitions: Sequence[Transition]
    approval: Approval | None = None
    nonce: str | None = None
    delivery_key: str | None = None
    notifications: Sequence[Notification] = ()
    annotations: Sequence[Annotation] = ()
    expected_decisions: int | None = None
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The request that was recorded, or, with ``fresh`` False, the one that the same intent had made."""

    request: Request
    created: bool


class Announced(StrEnum):
    """What an announcement tells of: the template of its outbox row."""

    ANCHOR = "anchor"
    DAILY_SUMMARY = "daily_summary"
    DO_NOT_CALL = "do_not_call"
    OUTAGE = "outage"
    RULES_CHANGED = "rules_changed"
    RULES_FAULTY = "rules_faulty"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A Slack post that belongs to no request, added to the outbox once for each ``kind`` and ``about``.

    ``to``: the audit channel, that of a connection (``audit:voxworks``), or one by its id (``channel:C…``).
    ``payload`` is what it tells, or what it adds to its ``event``: nothing that can be erased, as rows of the
    outbox stay.
    """

    kind: Announced
    about: str
    to: str = "audit"
    event: int | None = None
    payload: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what is unique of it."""
        return f"{self.kind}:{self.about}"
