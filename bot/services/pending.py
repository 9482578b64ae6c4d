"""Reads facts beside a request: pending requests, similar numbers, and campaigns with the same name."""

from dataclasses import dataclass
from typing import Final

from providers.actions import CancelCall, NumberRef, PlaceCall, RequestedAction
from providers.phone import mask
from storage.database.folding import fold_name
from storage.models import ActionRecord, Request
from storage.store import Store

MOST_COUNTED: Final = 100
"""Pending requests are counted up to this limit. `bot.parsing.tokens.at_least` marks a count that reached
it."""
ESCALATED = "escalated"
"""An annotation for an escalation. ``to`` in its data names the groups that may decide as well."""


@dataclass(frozen=True, slots=True)
class PendingContext:
    """The count of other pending requests, up to `MOST_COUNTED`, and actions with similar masked numbers.

    ``escalated`` names the groups that may also decide the request, empty before it is escalated.
    ``namesake`` is true if another campaign has the same name, so that the name is ambiguous.
    """

    others: int = 0
    similar_numbers: tuple[ActionRecord, ...] = ()
    escalated: str = ""
    namesake: bool = False


AROUND: Final = " '\"`"
"""Characters that are copied with an id or a name: blanks, quotes, and the marks of Slack's code."""
ALONE = PendingContext()
"""No other request is pending."""


async def pending_context(store: Store, request: Request) -> PendingContext:
    """Return the facts beside a request as of now."""
    others = max(await store.approvals.count_pending(MOST_COUNTED + 1) - 1, 0)  # it is one of them
    told = [event for event in await store.requests.events(request.id) if event.name == ESCALATED]
    return PendingContext(
        others,
        tuple(await similar_numbers(store, request)),
        escalated=str(told[-1].data["to"]) if told else "",
        namesake=await has_namesake(store, request),
    )


async def has_namesake(store: Store, request: Request) -> bool:
    """Return whether the log knows another campaign of the same name, as `name_key` compares names."""
    own = {(request.connection, record.target_id): called(record) for record in request.actions}
    if not any(own.values()):
        return False
    return any(
        name_key(name) in own.values()
        for connection, campaign, name in await store.call_history.campaigns_seen()
        if (connection, campaign) not in own
    )


def called(record: ActionRecord) -> str:
    """Return an action's campaign name as `name_key` compares it. It is empty if the name is unknown."""
    return name_key(record.known_as or "")


def name_key(text: str) -> str:
    """Return a campaign's name folded for comparison, without quotes and marks around it."""
    return fold_name(text.replace("`", "")).strip(AROUND)


async def similar_numbers(store: Store, request: Request) -> list[ActionRecord]:
    """Return pending actions of other requests with a different number that looks the same when masked."""
    found: dict[str, ActionRecord] = {}
    for number in {number for record in request.actions if (number := number_of(record.action))}:
        for record in await store.approvals.pending_ending_with(mask(number)):
            other = number_of(record.action)
            if record.request != request.id and other and other != number:
                found[record.id] = record
    return list(found.values())


def number_of(action: RequestedAction | None) -> str | None:
    """Return the number that is an action's target, None for an id, or if the number was erased."""
    match action:
        case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
            return to
        case _:
            return None
