"""What else waits beside a request: how many, and whose number looks like its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from providers.actions import CallAction, CancelCall, NumberRef, PlaceCall
from providers.phone import mask
from storage.log import ActionLog, LogEntry, Request

HIDDEN = "•"


@dataclass(frozen=True, slots=True)
class Beside:
    """How many other requests wait, and the entries among them whose numbers read the same when masked."""

    others: int = 0
    alike: tuple[LogEntry, ...] = ()


ALONE = Beside()
"""Nothing else waits."""


async def beside(log: ActionLog, request: Request) -> Beside:
    """Look at what else waits now."""
    others = sum(one.id != request.id for one in await log.waiting())
    numbers = {number for entry in request.entries if (number := number_of(entry.action))}
    return Beside(others, tuple(await _alike(log, request.id, numbers)) if others else ())


async def _alike(log: ActionLog, request: str, numbers: Iterable[str]) -> list[LogEntry]:
    found: dict[str, LogEntry] = {}
    for number in numbers:
        shown = mask(number)
        ending = "".join(c for c in shown.rpartition(HIDDEN)[2] if c.isdigit())
        for entry in await log.alike(ending):
            other = number_of(entry.action)
            if entry.request != request and other and other != number and mask(other) == shown:
                found[entry.id] = entry
    return list(found.values())


def number_of(action: CallAction | None) -> str | None:
    """The number an action is aimed at; None where it is an id, or was erased."""
    match action:
        case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
            return to
        case _:
            return None
