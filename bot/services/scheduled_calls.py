"""Offers the scheduled calls of the log in a form, and turns the chosen one into a command.

A call is shown as "Tue, 1 Dec, 9:30 AM IST · +91 •••3210 · payments", in the reader's time zone and with its
number masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from whenever import TimeZoneNotFoundError

from bot import CallOpsError
from bot.parsing.command import Command, CommandContext, ConnectionInfo, FieldProblem
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.services.models import RequestSpec, Reschedule
from bot.slack.blocks import MAX_OPTION, cut
from bot.text import clocks, scheduled_calls
from providers import phone
from providers.actions import CallRef, CancelCall, Code, Kind, NumberRef, PlaceCall
from providers.phone import mask
from storage.models import ActionRecord
from storage.states import State

SCHEDULED_CALL: Final = "scheduled_call"
"""The field of a form in which a call is chosen."""
NONE_OF_THESE: Final = "none"
"""The field's value if no call is chosen. Some phones cannot clear a chosen option of a select."""
MOST_SHOWN: Final = 99
"""Slack allows a hundred options, of which `NONE_OF_THESE` is one."""

_UNKNOWN_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The calls in a form as (action id, label), and the id of the one chosen at first, None if none is.

    ``more`` is true if there are calls that are not offered. ``fixed`` means that the form is about the only
    call, or its number. It cannot be changed there.
    """

    calls: Sequence[tuple[str, str]] = ()
    chosen: str | None = None
    more: bool = False
    fixed: bool = False


def cancelling(vocabulary: CommandContext) -> list[str]:
    """Return the names of the connections that can cancel something."""
    return [name for name, known in vocabulary.connections.items() if _can_cancel(known)]


def call_options(
    records: Sequence[ActionRecord], *, zone: str, now: datetime, chosen: str | None = None
) -> CallOptions:
    """Return the options for some actions. Calls with the same label also show their ids."""
    shown = [(record, label(record, zone=zone, now=now)) for record in records[:MOST_SHOWN]]
    labels = [text for _, text in shown]
    calls = [
        (record.id, text if labels.count(text) == 1 else _with_id(text, record.id)) for record, text in shown
    ]
    return CallOptions(calls, chosen, more=len(records) > len(shown))


def number_of(call: ActionRecord) -> CallOptions:
    """Return the number of a call as the fixed target of a form. Raises `TypeError` if it was erased."""
    if not isinstance(call.action, PlaceCall):
        raise TypeError(f"{call.id} places no call that is still known")
    return CallOptions([(call.id, mask(call.action.to))], call.id, fixed=True)


def label(record: ActionRecord, *, zone: str, now: datetime) -> str:
    """Return a scheduled call in one line."""
    number = mask(record.action.to) if isinstance(record.action, PlaceCall) else record.id
    at = clock(record.scheduled_for, zone=zone, now=now) if record.scheduled_for else scheduled_calls.NO_TIME
    return cut(" · ".join(filter(None, [at, number, record.agent])), MAX_OPTION)


def _with_id(text: str, action: str) -> str:
    mark = f" · {action}"
    return f"{cut(text, MAX_OPTION - len(mark))}{mark}"


def clock(at: datetime, *, zone: str, now: datetime) -> str:
    """Return an instant on the clocks of a zone, or in UTC if the zone is unknown."""
    try:
        return clocks.clock(at, zone, now=now)
    except TimeZoneNotFoundError:
        return clocks.clock(at, _UNKNOWN_ZONE, now=now)


def too_late(record: ActionRecord, *, zone: str, now: datetime) -> str | None:
    """Return why a chosen call can no longer be cancelled, by its own row, None if it can."""
    if (
        record.kind is not Kind.PLACE_CALL
        or record.code is not Code.SCHEDULED
        or record.scheduled_for is None
    ):
        return scheduled_calls.not_scheduled(record.id)
    if not isinstance(record.action, PlaceCall) or record.state is not State.SUCCEEDED:
        return scheduled_calls.not_from_here(record.id)
    if record.scheduled_for <= now:
        return scheduled_calls.too_late(clock(record.scheduled_for, zone=zone, now=now))
    return None


def values(record: ActionRecord, vocabulary: CommandContext) -> Mapping[str, str]:
    """Return a chosen call as the values of a form, by the identifier that its connection cancels by.

    Raises `CannotCancelError`.
    """
    through = vocabulary.connections.get(record.connection)
    if through is None or not _can_cancel(through):
        raise CannotCancelError(scheduled_calls.cannot_cancel(record.connection))
    found = {"connection": record.connection}
    if through.cancels_by == "number" and isinstance(record.action, PlaceCall):
        return found | {"targets": record.action.to, "agent": record.agent or ""}
    if record.reference is None:
        raise CannotCancelError(scheduled_calls.has_no_id(record.connection))
    return found | {"call": record.reference}


def aimed_at(line: Command, record: ActionRecord, vocabulary: CommandContext) -> Command:
    """Return a command with a call of CallOps as target, by the identifier that its connection cancels by.

    Raises `CannotCancelError`.
    """
    found = values(record, vocabulary)
    if "call" in found:
        return replace(line, targets=(IdTarget(found["call"]),), connection=found["connection"])
    to = phone.read(found["targets"], default_region=vocabulary.default_region, premium=True)
    agent = found["agent"] or None
    return replace(line, targets=(NumberTarget(to, to.e164),), connection=found["connection"], agent=agent)


class CannotCancelError(CallOpsError):
    """A call that cannot be cancelled from here. Its message is a sentence for the user."""


def fault(sentence: str) -> FieldProblem:
    """Return an error of the field in which a call is chosen."""
    return FieldProblem(SCHEDULED_CALL, sentence)


def _can_cancel(words: ConnectionInfo) -> bool:
    return Kind.CANCEL_CALL in words.kinds and words.cancels_by is not None


def only(line: Command, found: Sequence[ActionRecord], *, zone: str, now: datetime) -> ActionRecord:
    """Return the call that a command means. Raises `CannotCancelError` if there is none or several."""
    if len(line.targets) > 1:
        raise CannotCancelError(scheduled_calls.ONE_CALL)
    fitting = [
        record
        for record in found
        if line.connection in {None, record.connection} and line.agent in {None, record.agent}
    ]
    match fitting:
        case [record]:
            return record
        case []:
            raise CannotCancelError(scheduled_calls.no_call(_to(line)))
        case _:
            raise CannotCancelError(scheduled_calls.several_calls(_to(line), _listed(fitting, zone, now)))


def request_spec(
    line: Command,
    record: ActionRecord,
    vocabulary: CommandContext,
    beside: Sequence[ActionRecord],
    *,
    zone: str,
    now: datetime,
) -> RequestSpec:
    """Return the request to cancel a call and place it again. Raises `CannotCancelError` if that is unsafe.

    ``beside`` are the other calls that a cancellation by number would also cancel.
    """
    through = vocabulary.connections[record.connection]
    if not through.can_move or not isinstance(record.action, PlaceCall) or line.at is None:
        cancels = {Kind.PLACE_CALL, Kind.CANCEL_CALL} <= through.kinds
        raise CannotCancelError(scheduled_calls.cannot_move(record.connection, cancels=cancels))
    if record.scheduled_for == line.at:
        raise CannotCancelError(scheduled_calls.then_already(record.id))
    if through.cancels_by == "number":
        if beside:
            others = _listed(beside, zone, now)
            raise CannotCancelError(scheduled_calls.takes_others_along(record.connection, others))
        cancel = CancelCall(target=NumberRef(agent=record.action.agent, to=record.action.to))
    else:
        cancel = CancelCall(target=CallRef(call_id=record.reference or ""))
    again = record.action.model_copy(update={"at": line.at})
    return RequestSpec(
        record.connection,
        (cancel,),
        line.reason or scheduled_calls.MOVED,
        reschedules=Reschedule(record.id, again),
    )


def _to(line: Command) -> str:
    match line.targets[0]:
        case NumberTarget(phone=phone):
            return scheduled_calls.to_number(phone.pretty)
        case IdTarget(provider_id=named):
            return scheduled_calls.with_id(named)


def _listed(records: Sequence[ActionRecord], zone: str, now: datetime) -> str:
    """Return the ids and times of some calls in one line."""
    return ", ".join(
        f"{record.id} {clock(record.scheduled_for, zone=zone, now=now)}"
        for record in records
        if record.scheduled_for
    )
