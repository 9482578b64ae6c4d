"""What else there is beside a request: how many wait, whose number looks like its own, who has its name."""

from dataclasses import dataclass
from typing import Final

from providers.actions import CallAction, CancelCall, NumberRef, PlaceCall
from providers.phone import mask
from storage.database.folding import fold_name
from storage.models import ActionRecord, Request
from storage.store import Store

MOST_COUNTED: Final = 100
"""Requests that wait are counted up to so many; `bot.parsing.tokens.at_least` says that it may be more."""
ESCALATED = "escalated"
"""A note: others may decide as well, the groups that ``to`` in its data names."""


@dataclass(frozen=True, slots=True)
class PendingContext:
    """How many other requests wait, at most `MOST_COUNTED`, and entries whose masked numbers read the same.

    ``escalated`` names the groups that may decide the request as well, once it was escalated to them.
    ``namesake``: another campaign is called the same, so that its name does not say which is meant.
    """

    others: int = 0
    similar_numbers: tuple[ActionRecord, ...] = ()
    escalated: str = ""
    namesake: bool = False


AROUND: Final = " '\"`"
"""What people copy with an id or a name: blanks, quotes, and the marks of Slack's code."""
ALONE = PendingContext()
"""Nothing else waits."""


async def pending_context(store: Store, request: Request) -> PendingContext:
    """Look at what else waits now."""
    others = max(await store.approvals.count_pending(MOST_COUNTED + 1) - 1, 0)  # it is pending itself
    told = [event for event in await store.requests.events(request.id) if event.name == ESCALATED]
    return PendingContext(
        others,
        tuple(await similar_numbers(store, request)),
        escalated=str(told[-1].data["to"]) if told else "",
        namesake=await has_namesake(store, request),
    )


async def has_namesake(store: Store, request: Request) -> bool:
    """Whether the log knows another campaign of the same name, however either is written."""
    own = {(request.connection, entry.target_id): called(entry) for entry in request.entries}
    if not any(own.values()):
        return False
    return any(
        name_key(name) in own.values()
        for connection, campaign, name in await store.call_history.campaigns_seen()
        if (connection, campaign) not in own
    )


def called(entry: ActionRecord) -> str:
    """What a campaign is called, as `name_key` compares it; empty where that is not known."""
    return name_key(entry.known_as or "")


def name_key(text: str) -> str:
    """Fold a campaign's name so that only another name differs: quotes and marks around it do not count."""
    return fold_name(text.replace("`", "")).strip(AROUND)


async def similar_numbers(store: Store, request: Request) -> list[ActionRecord]:
    """Waiting entries of other requests with another number that reads the same when masked."""
    found: dict[str, ActionRecord] = {}
    for number in {number for entry in request.entries if (number := number_of(entry.action))}:
        for entry in await store.approvals.pending_ending_with(mask(number)):
            other = number_of(entry.action)
            if entry.request != request.id and other and other != number:
                found[entry.id] = entry
    return list(found.values())


def number_of(action: CallAction | None) -> str | None:
    """The number an action is aimed at; None where it is an id, or was erased."""
    match action:
        case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
            return to
        case _:
            return None
