"""What is told to whom: the names of messages in the outbox, and the changes that the machine tells of."""

from collections.abc import Sequence
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

STILL_UNKNOWN = "still_unknown"
"""Templates of what makes a phone ring, and the notes that they were posted."""

INSTEAD_OF = "instead_of"
"""In a note that somebody was asked: the channel that the card could not be posted in."""

APPROVED_IN_PART = "approved_in_part"

TOLD = "told"


def answered(request: Request) -> tuple[Notification, ...]:
    """That those who were asked need not decide any more: their messages show it, as the card does."""
    return tuple(Notification("state", slot) for slot in request.messages if slot.startswith(f"{ASKED}:"))


ORIGIN = "origin"
"""Where something was asked: one message for each request."""

_CHANNELS = ("C", "G")
"""What the ids of channels begin with; a direct message's is D."""


def confirmation(
    settings: Settings, request: Request, moves: Sequence[Transition]
) -> tuple[Notification, ...]:
    """The post that tells the channel it was asked in, where moves make something of it done."""
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
    """Posts that tell of a change, the card's among them where there is one, or somebody had to approve."""
    told = tuple(posts)
    has_card = "card" in request.messages or request.approvals_needed > 0
    if not has_card or Notification("state", "audit") not in told or CARD in told:
        return told
    return (*told, CARD)


def all_told(template: str, request: Request) -> tuple[Notification, ...]:
    """What surprises: shown in the audit message, said in its thread, and told to the requester."""
    return (
        Notification("state", "audit"),
        Notification(template, "thread"),
        Notification("state", f"dm:{request.requester}"),
    )


@dataclass(slots=True)
class SystemChanges:
    """Makes the machine's changes, together with the posts that tell of them.

    A card that was decided on goes on to show how its request stands, as the audit message does. What is done
    is confirmed where it was asked.
    """

    _store: Store
    _settings: Settings
    _wakeups: Wakeups

    async def commit(self, request: Request, change: ChangeSet) -> Request:
        """Make a change. Raises `ConflictError` where somebody or something was first."""
        told = (
            *with_card(request, change.notifications),
            *confirmation(self._settings, request, change.transitions),
        )
        changed = await self._store.requests.apply(replace(change, notifications=told))
        self._wakeups.outbox()
        return changed

    async def apply(
        self,
        request: Request,
        *moves: Transition,
        notes: Sequence[Annotation] = (),
        posts: Sequence[Notification] = (),
        delivery_key: str | None = None,
    ) -> Request | None:
        """Make a change to a request; None where somebody or something was first."""
        change = ChangeSet(
            request.id, SYSTEM, moves, delivery_key=delivery_key, annotations=notes, notifications=posts
        )
        try:
            return await self.commit(request, change)
        except ConflictError:
            return None
