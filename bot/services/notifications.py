"""Names of the messages in the outbox, and the notifications of each change."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.config.settings import Settings
from bot.services.wakeups import Wakeups
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError
from storage.models import SYSTEM, Request
from storage.states import State
from storage.store import Store

ASKED = "asked"

REMINDED = "reminded"

SETTLE_ASKED = "settle_asked"

STILL_UNKNOWN = "still_unknown"
"""Templates of the messages that alert people, and the annotations that record them."""

INSTEAD_OF = "instead_of"
"""The key of an annotation with the channel that the card could not be posted in."""

APPROVED_IN_PART = "approved_in_part"

TOLD = "told"

OUTCOME = "outcome"
"""The template of a new message to an approver about a request that failed or is unknown."""


SETTLE = "settle"
"""The message about an unknown outcome in the approvals channel. With a colon and a person's id after it, the
message to that person."""


def answered(request: Request) -> tuple[Notification, ...]:
    """Return updates of the messages to approvers, which show that no decision is needed any more."""
    return tuple(Notification("state", slot) for slot in request.messages if slot.startswith(f"{ASKED}:"))


def settled(request: Request) -> tuple[Notification, ...]:
    """Return updates of the messages about an unknown outcome, which show what became of it."""
    return tuple(Notification("state", slot) for slot in request.messages if is_about_unknown(slot))


def is_about_unknown(slot: str) -> bool:
    """Return whether a message is one about an unknown outcome that is edited once it is settled."""
    return slot.partition(":")[0] == SETTLE


ORIGIN = "origin"
"""The message in the channel of the request, one for each request."""

_CHANNELS = ("C", "G")
"""The first letters of channel ids. Those of direct messages begin with D."""


def confirmation(
    settings: Settings, request: Request, moves: Sequence[Transition]
) -> tuple[Notification, ...]:
    """Return the notification for the channel of the request, if one of the transitions is a success."""
    elsewhere = {settings.slack.approvals_channel, settings.audit_channel(request.connection)}
    wanted = (
        settings.slack.confirm_in_channel
        and request.channel is not None
        and request.channel.startswith(_CHANNELS)
        and request.channel not in elsewhere
        and any(move.to_state is State.SUCCEEDED for move in moves)
    )
    return (Notification("state", ORIGIN),) if wanted else ()


CARD = Notification("state", "card")


def with_card(request: Request, posts: Sequence[Notification]) -> tuple[Notification, ...]:
    """Return the notifications, with updates of the approval card and of the messages to approvers.

    These follow each update of the audit message. Requests without a card that need no approval have none.
    """
    told = tuple(posts)
    if request.call_list or Notification("state", "audit") not in told:
        return for_row(request, told)
    has_card = "card" in request.messages or request.approvals_needed > 0
    card = (CARD,) if has_card else ()
    return tuple(dict.fromkeys((*told, *card, *answered(request), *settled(request))))


def for_row(request: Request, posts: Iterable[Notification]) -> tuple[Notification, ...]:
    """Return the notifications that a request sends. One of a call list only asks to record its outcome.

    The list's own message has the counts of everything else.
    """
    if request.call_list is None:
        return tuple(posts)
    asks = {SETTLE_ASKED, STILL_UNKNOWN}
    return tuple(post for post in posts if is_about_unknown(post.to) or post.template in asks)


def outcome_for_approvers(
    request: Request, moves: Sequence[Transition], *, besides: Collection[str] = ()
) -> tuple[Notification, ...]:
    """Return new messages to the approvers of a request that may have failed, or be unknown.

    Once all targets have ended, the message is rendered if one of them did. The people ``besides`` and the
    requester hear of it anyway. Nobody is told if a retry is ordered.
    """
    last = moves[-1].to_state if moves else State.PENDING
    ended = len(request.actions) > 1 and last is State.SUCCEEDED
    if last not in {State.FAILED, State.UNKNOWN} and not ended:
        return ()
    people = [one for one in request.approved_by if one not in {*besides, request.requester}]
    return tuple(Notification(OUTCOME, f"dm:{person}") for person in people)


def ended_unsent(request: Request) -> tuple[Notification, ...]:
    """Return notifications of a request that ended unsent: to the audit message and the requester."""
    return (Notification("state", "audit"), Notification("state", f"dm:{request.requester}"))


def all_told(template: str, request: Request) -> tuple[Notification, ...]:
    """Return notifications of an unexpected change: to the audit message, its thread, and the requester."""
    audit, requester = ended_unsent(request)
    return (audit, Notification(template, "thread"), requester)


@dataclass(slots=True)
class SystemChanges:
    """Makes the changes of CallOps itself, together with their notifications.

    An approval card is updated whenever the audit message is. A success is confirmed in the channel of the
    request.
    """

    _store: Store
    _settings: Settings
    _wakeups: Wakeups
    _asked_to_settle: Callable[[Request], Collection[str]]
    """The people whom `bot.workers.unknown_reminders` tells of an unknown outcome."""

    async def commit(self, request: Request, change: ChangeSet) -> Request:
        """Make a change. Raises `ConflictError` if another change came first."""
        told = (
            *with_card(request, change.notifications),
            *outcome_for_approvers(request, change.transitions, besides=self._settlers(request, change)),
            *confirmation(self._settings, request, change.transitions),
        )
        told = tuple(dict.fromkeys(for_row(request, told)))
        changed = await self._store.requests.apply(replace(change, notifications=told))
        self._wakeups.outbox()
        return changed

    def _settlers(self, request: Request, change: ChangeSet) -> Collection[str]:
        """Return the people who will be asked to record an outcome, if one is unknown after the change."""
        after = {record.id: record.state for record in request.actions}
        after |= {move.action: move.to_state for move in change.transitions}
        return self._asked_to_settle(request) if State.UNKNOWN in after.values() else ()

    async def apply(
        self,
        request: Request,
        *moves: Transition,
        notes: Sequence[Annotation] = (),
        posts: Sequence[Notification] = (),
        delivery_key: str | None = None,
    ) -> Request | None:
        """Make a change to a request. Return None if another change came first."""
        change = ChangeSet(
            request.id, SYSTEM, moves, delivery_key=delivery_key, annotations=notes, notifications=posts
        )
        try:
            return await self.commit(request, change)
        except ConflictError:
            return None
