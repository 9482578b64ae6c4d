"""Changes to requests as values: the store carries out a `NewRequest` or a `ChangeSet`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from providers.actions import Kind, RequestedAction
from storage.models import Approval, Request, Scalar
from storage.states import State


@dataclass(frozen=True, slots=True)
class Notification:
    """A Slack message to send, rendered from ``template`` when it is sent.

    ``to`` is its destination:

    - ``audit``, ``card`` and ``origin`` (in the channel of the request): one message each for a request. It
      is
      posted once and edited from then on.
    - ``asked:U…``: one such message for each person, sent to that person.
    - ``thread``: a reply below the audit message. ``card_thread``: a reply below the card.
    - ``dm:U…``: a direct message to a person.
    """

    template: str
    to: str


@dataclass(frozen=True, slots=True)
class NewAction:
    """A target of a new request.

    A look-up by number finds it under ``number``. ``scheduled_for`` is the expected time of the call: a
    placed call's own time, or the log's time of the call to cancel.
    """

    action: RequestedAction
    number: str | None = None
    scheduled_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A person's request, with the decision of the rules as far as it is made at once.

    - ``delivery_key`` is unique for a delivery of Slack (its trigger id), ``nonce`` for the button or modal
      that
      started the request. Another request with either of them is the same request.
    - ``code`` and ``message`` give the reason when ``state`` is refused.
    - ``mode`` is the connection's: None for a live one, else ``dry-run``.
    - ``deduplicate`` rejects a request that is already under way. See `DuplicateRequestError`.
    - ``reported_call_time`` is the time of the call as the requester says. The log's own time is in the
      actions.
    - ``reschedules`` is the action of the call that a cancellation reschedules. ``new_time`` is the call's
      new
      time. The request that places it again has the cancellation's id in ``second_step_of``.
    - ``zone`` is the recipient's time zone, as the requester says.
    - ``tell_me`` asks for a direct message to the requester about how a call ended.
    - ``stop`` is the `DoNotCallEntry` that the request carries out.
    - ``call_list`` is the request of the call list whose ``row`` it carries out.
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
    tell_me: bool = False
    stop: str | None = None
    call_list: str | None = None
    row: int | None = None
    reasons: str | None = None
    """The rules' reasons, as lines."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A compare-and-set: the action ``action`` goes to ``to_state`` if it is in one of ``from_states``.

    If ``owner`` is given, the action must also have this owner and be in its ``attempt``. ``changes`` sets
    further columns of `ActionRecord`: attempt, maybe_executed, owner, lease_until, not_before, not_after,
    code, message, retry, reference and http_status. ``data`` is kept in the event only, ``private`` in
    erasable rows.

    ``end_poll_at`` is when the end of a placed call is first asked for, None if its provider is not asked.
    A transition to any state but ``sending`` clears the owner and the lease. For a transition to ``sending``,
    ``at_most`` limits how many actions of its connection may be in that state at once.
    """

    action: str
    name: str
    from_states: frozenset[State]
    to_state: State
    owner: str | None = None
    attempt: int | None = None
    at_most: int | None = None
    changes: Mapping[str, Scalar | datetime] = field(default_factory=dict)
    data: Mapping[str, Scalar] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    end_poll_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """An event that changes no state, about an action, or about all of them by the request's id.

    ``data`` and ``private`` are those of `Transition`. An annotation is valid in every state of the action.
    """

    action: str
    name: str
    data: Mapping[str, Scalar] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Transitions and annotations of a request's actions, committed together or not at all.

    ``approval`` is the decision that they carry out. ``nonce`` and ``delivery_key`` are those of
    `NewRequest`. A change set may have no transition: an approval that is not the last one needed, or
    annotations alone. Transitions are written before annotations. The notifications belong to the first
    event.

    ``expected_decisions`` is the number of decisions when the change set was made. If there are others by
    now, the change set is stale. So the last of several approvals is known to be the last. ``private``
    belongs to the event of an approval without a transition.
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
    """The request that was recorded, or the earlier one of the same intent if ``created`` is False."""

    request: Request
    created: bool


APPROVALS: Final = "approvals"
"""The approvals channel, as the place of an announcement."""


class Announced(StrEnum):
    """Topic of an announcement, and the template of its outbox row."""

    ANCHOR = "anchor"
    DAILY_SUMMARY = "daily_summary"
    DO_NOT_CALL = "do_not_call"
    OUTAGE = "outage"
    PAUSE = "pause"
    RULES_CHANGED = "rules_changed"
    RULES_FAULTY = "rules_faulty"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A Slack message without a request, added to the outbox once for each ``kind`` and ``about``.

    ``to`` is the audit channel, that of a connection (``audit:voxworks``), the approvals channel, or a
    channel by id (``channel:C…``). ``payload`` is its content, or what it adds to its ``event``. It holds
    nothing erasable, because rows of the outbox are kept.
    """

    kind: Announced
    about: str
    to: str = "audit"
    event: int | None = None
    payload: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key under which it is added only once."""
        return f"{self.kind}:{self.about}"
