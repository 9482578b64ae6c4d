"""Definitions of accepted, lost, duplicated and false success, judged from the journals.

The provider stand-in's append-only journal has the requests and what existed, the stand-in Slack's channels
have what people could read. The log under test only makes claims, and no count below is its own.

- **accepted**: the commit of the action's row happened.
- **lost**: an accepted action that, after recovery and two lease periods, is neither terminal, nor pending,
  nor unknown with a notice, or whose end has no audit message once the outbox has drained.
- **duplicated**: the provider saw more requests for one action than its log has recorded orders (the first
  send, and each ``retry_scheduled`` or person's order), or two distinct messages stand for one event. Edits
  do not count, nor does a message that is delivered again under its own ``client_msg_id``.
- **false success**: ``succeeded``, though the journal shows no request for it, or none that changed anything
  or found its target there. A settlement is the word of the person who looked it up.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.services.models import Settlement
from bot.services.outcomes import RETRY_SCHEDULED
from playground.journal import Asked, Call, Campaign, Effect, Exchange, Journal
from providers.actions import (
    CallAction,
    CallRef,
    CancelCall,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from storage.models import ActionRecord, Event
from storage.states import TERMINAL, State

_EFFECTLESS: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing at a provider."""
ORDERS: Final = frozenset({RETRY_SCHEDULED, Settlement.RETRY_REQUESTED.value})
"""Events that order another attempt, by the system or by a person."""
_SIGNS: Final[Mapping[State, tuple[str, ...]]] = {
    State.UNKNOWN: ("⚠️ *Outcome unknown*",),
    State.SUCCEEDED: ("✅",),
    State.FAILED: ("❌",),
    State.EXPIRED: ("❌", "🚫 *No longer needed*"),
    State.WITHDRAWN: ("🚫", "✋ *Blocked*"),
    State.DENIED: ("✋",),
    State.REFUSED: ("✋",),
}
"""Beginnings of audit messages by state."""
_CANCELLED: Final = ("🚫 *Cancelled*", "⚠️ *Confirmed, no call known*")
"""Beginnings of audit messages of cancellations that succeeded."""
_DOES: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.PLACE_CALL: frozenset({"placed"}),
    Kind.CANCEL_CALL: frozenset({"removed", "cancelled"}),
    Kind.DELETE_CAMPAIGN: frozenset({"deleted"}),
    Kind.STOP_CAMPAIGN: frozenset({"stopped"}),
    Kind.START_CAMPAIGN: frozenset({"started"}),
}
"""Effects of each kind at its provider."""
_ENDS: Final = frozenset({"attempted", "removed", "cancelled", "deleted"})
"""Effects that happen once to a call or campaign, which no longer exists afterwards."""
_REQUEST_ID: Final = re.compile(r"\bA-[0-9A-HJ-NP-Z]{4,}\b")


def has_effect(method: str, target: str) -> bool:
    """Return whether a request may change anything. Kore.ai is asked for a campaign's status by a POST."""
    return method not in _EFFECTLESS and "/status?" not in target


@dataclass(frozen=True, slots=True)
class Claim:
    """The log's claim about an action."""

    record: ActionRecord
    mark: str
    """Text that only this action's requests contain: the number, the call's id, the campaign's id."""
    events: Sequence[str]

    @property
    def orders(self) -> int:
        """Return how many requests were ordered: the first send, and each recorded retry."""
        return (1 if "sending" in self.events else 0) + sum(name in ORDERS for name in self.events)

    @property
    def said_by_people(self) -> bool:
        """Return whether a person recorded that it happened."""
        return Settlement.HAPPENED.value in self.events


@dataclass
class Judgement:
    """The verdict on a gate's world. The lists name actions, so that a failure can be investigated."""

    accepted: int = 0
    sent: int = 0
    unknown: int = 0
    again: int = 0
    """Posts that were delivered again under the same ``client_msg_id``, as at-least-once delivery allows."""
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    false_success: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Return whether nothing was lost, duplicated or made up."""
        return not (self.lost or self.duplicated or self.false_success)

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted, {self.sent} sent, lost {self.lost}, duplicated {self.duplicated}, "
            f"false success {self.false_success}"
        )


def mark_of(action: CallAction) -> str:
    """Return the text that tells an action's requests from all others.

    Each action has a target of its own.
    """
    match action:
        case PlaceCall(to=number) | CancelCall(target=NumberRef(to=number)):
            return number.removeprefix("+")
        case CancelCall(target=CallRef(call_id=call_id)):
            return call_id
        case DeleteCampaign(target=target) | StopCampaign(target=target) | StartCampaign(target=target):
            return target.campaign_id
    raise AssertionError(action)


def claims(records: Iterable[ActionRecord], events: Iterable[Event]) -> list[Claim]:
    """Return the log's claims, one for each action."""
    names: dict[str, list[str]] = {}
    for event in events:
        names.setdefault(event.action, []).append(event.name)
    return [
        Claim(record, mark_of(record.for_provider), names.get(record.id, []))
        for record in records
        if record.for_provider
    ]


class Seen:
    """A provider's journal, sorted by the mark of each action."""

    def __init__(self, journal: Journal, marks: Collection[str]) -> None:
        self.requests: dict[str, list[Exchange]] = {}
        self.total = 0
        self._effects: dict[str, list[Effect]] = {}
        for effect in journal.effects:
            for name in {_known_as(effect.subject), effect.subject.id}:
                self._effects.setdefault(name, []).append(effect)
        pattern = re.compile(r"[A-Za-z]+_[A-Za-z0-9]+|cd-[A-Za-z0-9-]+|\d{8,15}")
        for exchange in journal.exchanges:
            if not has_effect(exchange.request.method, exchange.request.target):
                continue  # a lookup, or a knock
            self.total += 1
            for found in {*pattern.findall(_text(exchange.request))} & set(marks):
                self.requests.setdefault(found, []).append(exchange)

    def came_true(self, mark: str, kind: Kind) -> bool:
        """Return whether a request had this kind's effect, or came while its target was there."""
        return any(
            any(effect.what in _DOES[kind] for effect in exchange.effects)
            or (kind is not Kind.PLACE_CALL and self._was_there(mark, exchange.request))
            for exchange in self.requests.get(mark, [])
        )

    def _was_there(self, mark: str, request: Asked) -> bool:
        """Return whether the target existed when a request came: added, not removed, and not gone out."""
        last = {one.subject.id: one for one in self._effects.get(mark, []) if one.number < request.number}
        return any(
            one.what not in _ENDS and not (isinstance(one.subject, Call) and one.subject.due <= request.at)
            for one in last.values()
        )


def judge(
    made: Iterable[Claim], seen: Seen, channels: "Channels", *, heard: Collection[str] = ()
) -> Judgement:
    """Compare the log's claims with the journals.

    ``heard`` are requests that Slack was told were accepted.
    """
    made = list(made)
    found = Judgement(accepted=len(made), sent=seen.total, again=channels.again)
    known = {claim.record.request for claim in made}
    found.lost += [f"{request}: Slack heard of it, and it is nowhere" for request in {*heard} - known]
    for claim in made:
        record, requests = claim.record, seen.requests.get(claim.mark, [])
        found.unknown += record.state is State.UNKNOWN
        if why := _lost(record, channels):
            found.lost.append(f"{record.id}: {why}")
        if len(requests) > claim.orders:
            found.duplicated.append(f"{record.id}: {len(requests)} requests for {claim.orders} orders")
        if record.state is State.SUCCEEDED and not claim.said_by_people:
            if not requests:
                found.false_success.append(f"{record.id}: succeeded without a request")
            elif not seen.came_true(claim.mark, record.kind):
                found.false_success.append(f"{record.id}: succeeded with what was not there")
    found.duplicated += channels.twice
    return found


def _lost(record: ActionRecord, channels: "Channels") -> str:
    """Return why an action is lost, or an empty text."""
    if record.state is State.PENDING:
        return ""
    if record.state not in TERMINAL | {State.UNKNOWN}:
        return f"still {record.state}"
    text = channels.audit.get(record.request)
    if text is None:
        return "" if record.state is State.REFUSED and not record.attempt else "no audit message"
    cancelled = record.state is State.SUCCEEDED and record.kind is Kind.CANCEL_CALL
    if not text.startswith(_CANCELLED if cancelled else _SIGNS[record.state]):
        return f"{record.state}, but the audit message reads {text[:60]!r}"
    return ""


class Channels:
    """Messages that people can read in Slack, from the stand-in's journal of accepted calls."""

    def __init__(self, calls: Iterable[Mapping[str, Any]], audit_channel: str) -> None:
        self.audit: dict[str, str] = {}
        """The latest text of each request's audit message."""
        self.again = 0
        self.twice: list[str] = []
        self.posts = 0
        whose: dict[str, str] = {}
        ids: Counter[str] = Counter()
        roots: dict[str, set[str]] = {}
        for call in calls:
            self.posts += 1
            if call["method"] == "chat.update":
                if call["ts"] in whose:
                    self.audit[whose[call["ts"]]] = str(call["text"])
                continue
            ids[call["client_msg_id"]] += 1
            if call["channel"] != audit_channel or call.get("thread_ts"):
                continue
            request = _request_of(call)
            if request:
                whose[call["ts"]] = request
                self.audit[request] = str(call["text"])
                roots.setdefault(request, set()).add(call["client_msg_id"])
        self.again = sum(count - 1 for count in ids.values())
        self.twice = [f"{one}: {len(made)} audit messages" for one, made in roots.items() if len(made) > 1]


def _request_of(call: Mapping[str, Any]) -> str | None:
    found = _REQUEST_ID.search(json.dumps(call["blocks"]))
    return found[0] if found else None


def _known_as(subject: Call | Campaign) -> str:
    number = subject.to if isinstance(subject, Call) else None
    return number.removeprefix("+") if number else subject.id


def _text(request: Asked) -> str:
    return f"{request.target} {request.body}"
