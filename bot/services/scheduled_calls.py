"""Scheduled calls that the log knows, as people choose one of them in a form. Pure.

A call is shown as "tomorrow 9:30 · +91 ••••• •3210 · payments": in the reader's own zone, its number masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from whenever import Instant, TimeZoneNotFoundError

from bot.parsing.command import ConnectionWords, Fault, Line, Vocabulary
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.services.models import Moved, Wish
from bot.slack.blocks import MAX_OPTION, cut
from bot.text import clocks, scheduled_calls
from providers import phone
from providers.actions import CallRef, CancelCall, Code, Kind, NumberRef, PlaceCall
from providers.phone import mask
from storage.models import LogEntry
from storage.states import State

SCHEDULED_CALL: Final = "scheduled_call"
"""The field of a form in which one of them is chosen."""
NONE_OF_THESE: Final = "none"
"""Its value where none is: a chosen option of a select cannot be taken out again on every phone."""
MOST_SHOWN: Final = 99
"""Slack takes a hundred options; one of them is `NONE_OF_THESE`."""

_UNKNOWN_ZONE: Final = "UTC"
_DAYS_BY_NAME: Final = 7
"""Before a week is over, a weekday means one day only."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the form offers: (entry's id, label), and which of them is chosen at first.

    ``more``: there are calls that are not offered.
    """

    calls: Sequence[tuple[str, str]] = ()
    chosen: str | None = None
    more: bool = False


def cancelling(vocabulary: Vocabulary) -> list[str]:
    """The connections at which something can be cancelled."""
    return [name for name, known in vocabulary.connections.items() if _can_cancel(known)]


def offer(entries: Sequence[LogEntry], *, zone: str, now: datetime, chosen: str | None = None) -> Offer:
    """What to offer of these entries. Calls that would look alike tell their ids as well."""
    shown = [(entry, label(entry, zone=zone, now=now)) for entry in entries[:MOST_SHOWN]]
    labels = [text for _, text in shown]
    calls = [
        (entry.id, text if labels.count(text) == 1 else _with_id(text, entry.id)) for entry, text in shown
    ]
    return Offer(calls, chosen, more=len(entries) > len(shown))


def label(entry: LogEntry, *, zone: str, now: datetime) -> str:
    """A scheduled call in one line."""
    number = mask(entry.action.to) if isinstance(entry.action, PlaceCall) else entry.id
    at = clock(entry.scheduled_for, zone=zone, now=now) if entry.scheduled_for else scheduled_calls.NO_TIME
    return cut(" · ".join(filter(None, [at, number, entry.agent])), MAX_OPTION)


def _with_id(text: str, entry: str) -> str:
    mark = f" · {entry}"
    return f"{cut(text, MAX_OPTION - len(mark))}{mark}"


def clock(at: datetime, *, zone: str, now: datetime) -> str:
    """An instant as somebody in that zone would say it: "tomorrow 9:30", "Mon 10:00", "5 Dec 10:00"."""
    try:
        here, then = clocks.local(Instant(now), zone), clocks.local(Instant(at), zone)
        where = ""
    except TimeZoneNotFoundError:
        here, then = (clocks.local(Instant(one), _UNKNOWN_ZONE) for one in (now, at))
        where = f" {_UNKNOWN_ZONE}"
    days = (then.date().to_stdlib() - here.date().to_stdlib()).days
    standing = then.date().to_stdlib()
    match days:
        case 0:
            day = "today"
        case 1:
            day = "tomorrow"
        case _ if 1 < days < _DAYS_BY_NAME:
            day = f"{standing:%a}"
        case _:
            day = f"{standing.day} {standing:%b}" + ("" if then.year == here.year else f" {then.year}")
    return f"{day} {then.hour}:{then.minute:02}{where}"


def too_late(entry: LogEntry, *, zone: str, now: datetime) -> str | None:
    """Why a call that was chosen cannot be cancelled any more, as far as its own row tells; None: it can."""
    if entry.kind is not Kind.PLACE_CALL or entry.code is not Code.SCHEDULED or entry.scheduled_for is None:
        return scheduled_calls.not_scheduled(entry.id)
    if not isinstance(entry.action, PlaceCall) or entry.state is not State.SUCCEEDED:
        return scheduled_calls.not_from_here(entry.id)
    if entry.scheduled_for <= now:
        return scheduled_calls.too_late(clock(entry.scheduled_for, zone=zone, now=now))
    return None


def values(entry: LogEntry, vocabulary: Vocabulary) -> Mapping[str, str]:
    """A chosen call as the values of a form, aimed at as its connection cancels. Raises `CannotCancel`."""
    through = vocabulary.connections.get(entry.connection)
    if through is None or not _can_cancel(through):
        raise CannotCancel(scheduled_calls.cannot_cancel(entry.connection))
    found = {"connection": entry.connection}
    if through.cancels_by == "number" and isinstance(entry.action, PlaceCall):
        return found | {"targets": entry.action.to, "agent": entry.agent or ""}
    if entry.reference is None:
        raise CannotCancel(scheduled_calls.has_no_id(entry.connection))
    return found | {"call": entry.reference}


def aimed_at(line: Line, entry: LogEntry, vocabulary: Vocabulary) -> Line:
    """A line that names a call by our id, aimed at it as its connection cancels. Raises `CannotCancel`."""
    found = values(entry, vocabulary)
    if "call" in found:
        return replace(line, targets=(IdTarget(found["call"]),), connection=found["connection"])
    to = phone.read(found["targets"], default_region=vocabulary.default_region, premium=True)
    agent = found["agent"] or None
    return replace(line, targets=(NumberTarget(to, to.e164),), connection=found["connection"], agent=agent)


class CannotCancel(Exception):
    """Why a call cannot be cancelled from here, as a sentence."""


def fault(sentence: str) -> Fault:
    """A fault of the field in which a call is chosen."""
    return Fault(SCHEDULED_CALL, sentence)


def _can_cancel(words: ConnectionWords) -> bool:
    return Kind.CANCEL_CALL in words.kinds and words.cancels_by is not None


def only(line: Line, found: Sequence[LogEntry], *, zone: str, now: datetime) -> LogEntry:
    """The one call that a line means. Raises `CannotCancel` where that is none, or not clear."""
    if len(line.targets) > 1:
        raise CannotCancel(scheduled_calls.ONE_CALL)
    fitting = [
        entry
        for entry in found
        if line.connection in {None, entry.connection} and line.agent in {None, entry.agent}
    ]
    match fitting:
        case [entry]:
            return entry
        case []:
            raise CannotCancel(scheduled_calls.no_call(_to(line)))
        case _:
            raise CannotCancel(scheduled_calls.several_calls(_to(line), _listed(fitting, zone, now)))


def wish(
    line: Line,
    entry: LogEntry,
    vocabulary: Vocabulary,
    beside: Sequence[LogEntry],
    *,
    zone: str,
    now: datetime,
) -> Wish:
    """To cancel a call and to place it again. Raises `CannotCancel` where that cannot be done cleanly.

    ``beside`` are the other calls that would go away with it where calls are cancelled by number.
    """
    through = vocabulary.connections[entry.connection]
    if not through.moves or not isinstance(entry.action, PlaceCall) or line.at is None:
        cancels = {Kind.PLACE_CALL, Kind.CANCEL_CALL} <= through.kinds
        raise CannotCancel(scheduled_calls.cannot_move(entry.connection, cancels=cancels))
    if entry.scheduled_for == line.at:
        raise CannotCancel(scheduled_calls.then_already(entry.id))
    if through.cancels_by == "number":
        if beside:
            others = _listed(beside, zone, now)
            raise CannotCancel(scheduled_calls.takes_others_along(entry.connection, others))
        cancel = CancelCall(target=NumberRef(agent=entry.action.agent, to=entry.action.to))
    else:
        cancel = CancelCall(target=CallRef(call_id=entry.reference or ""))
    again = entry.action.model_copy(update={"at": line.at})
    return Wish(
        entry.connection, (cancel,), line.reason or scheduled_calls.MOVED, reschedules=Moved(entry.id, again)
    )


def _to(line: Line) -> str:
    match line.targets[0]:
        case NumberTarget(phone=phone):
            return scheduled_calls.to_number(phone.pretty)
        case IdTarget(provider_id=named):
            return scheduled_calls.with_id(named)


def _listed(entries: Sequence[LogEntry], zone: str, now: datetime) -> str:
    """Calls by their ids and times, as one says them."""
    return ", ".join(
        f"{entry.id} {clock(entry.scheduled_for, zone=zone, now=now)}"
        for entry in entries
        if entry.scheduled_for
    )
