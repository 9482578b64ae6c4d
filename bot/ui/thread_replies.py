"""Replies in the thread of a request's audit message, each for one event.

A reply is rendered from the request's state at the time of sending, and never edited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.slack.blocks import Block, Message, excerpt, paragraphs, section
from bot.text import interactions, vocabulary
from bot.text.markup import escape, person, quote
from bot.ui.decision_facts import left_alone
from bot.ui.request_status import moved_in_vain, request_status
from bot.ui.request_summary import in_short
from bot.ui.unknown_messages import headline, how_long
from storage.models import ActionRecord, Request, Scalar

PLACE_IT_AGAIN = f"*{vocabulary.PLACE_AGAIN}*"
"""The button of a reschedule that cancelled its call and could not place it again."""
_AFTER_ALL = {
    "late_answer": "The provider's answer was recorded late",
    "webhook": "The provider told us what happened, so nobody needs to check",
}
"""The events that resolved an unknown outcome without a person."""


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """The facts that an outbox item's event adds to its request: actor, note and action.

    ``summaries`` describe what was deleted for good. ``warnings`` are pairs of action id and text. ``data``
    is the event's own.
    """

    actor: str
    note: str | None = None
    action: str = ""
    summaries: Sequence[str] = ()
    warnings: Sequence[tuple[str, str]] = ()
    data: Mapping[str, Scalar] = field(default_factory=dict)


def thread(template: str, request: Request, told: ReplyContext) -> Message:
    """Return the reply about an event, for everybody who follows the request."""
    who = person(told.actor)
    record = next((one for one in request.actions if one.id == told.action), request.actions[0])
    which = f" ({in_short(record)})" if len(request.actions) > 1 else ""
    words = f" {quote(told.note)}" if told.note else ""
    match template:
        case "approved":
            text = f"{who} approved this:{words}"
        case "approved_in_part":
            text = f"{who} approved this.{words} It needs another person's approval, too."
        case "denied":
            text = f"{who} denied this.{words} {left_alone(request, record)}."
        case "happened":
            text = f"{who} checked{which}: it *did* happen.{_shown_by(record)}{words}"
        case "did_not_happen":
            text = f"{who} checked{which}: it did *not* happen.{_shown_by(record)}{words}"
        case "retry_requested":
            text = f"{who} sent it again{which}.{words}"
        case "followed":
            again = f"\n{person(request.requester)} can press {PLACE_IT_AGAIN} above."
            offer = again if moved_in_vain(request) else ""
            text = f"{request_status(request)}{f' {escape(told.note)}' if told.note else ''}{offer}"
        case _:
            text = _machines_thread(template, request, record, which, told)
    return Message(text, [section(text), *also(request, told)])


def _shown_by(record: ActionRecord) -> str:
    """Return the sentence about the evidence at the end of the action's message, or an empty text."""
    return next(
        (f" {shown}" for shown in interactions.SHOWN_BY.values() if (record.message or "").endswith(shown)),
        "",
    )


def _machines_thread(
    template: str, request: Request, record: ActionRecord, which: str, told: ReplyContext
) -> str:
    """Return the reply about an event that no person caused."""
    settle = f"press *{vocabulary.RECORD_OUTCOME}* above."
    match template:
        case "unknown" | "still_unknown":
            still = headline(request, how_long(told.data)) if template == "still_unknown" else ""
            unknown = still or f"{vocabulary.UNKNOWN} *Outcome unknown*{which}."
            return f"{unknown}\nCheck the provider, then {settle}"
        case "still_there":
            return f"The provider still has it{which}. Check it there again, then {settle}"
        case "took_place":
            return contradicted(record, which)
        case "late_answer" | "webhook":
            return f"{_AFTER_ALL[template]}{which}.\n{request_status(request)}"
        case _:
            return request_status(request)


def contradicted(record: ActionRecord, which: str) -> str:
    """Return the warning that a call took place although it is recorded as not placed."""
    status = vocabulary.status(record).lower()
    return (
        f"{vocabulary.UNKNOWN} *The provider says this call took place{which}.*\n"
        f"The log has it as {status}, and keeps that. Check the provider before anyone requests it again."
    )


def also(request: Request, told: ReplyContext) -> list[Block]:
    """Return the summaries of deleted targets, and the warnings."""
    targets = {record.id: in_short(record) for record in request.actions}
    summaries = [f"What was deleted: {escape(summary)}" for summary in told.summaries]
    warnings = [
        f"⚠️ {f'{targets[action]}: ' if len(targets) > 1 else ''}{escape(warning)}"
        for action, warning in told.warnings
    ]
    more = "… and {} more: *Details* above shows them all"
    return paragraphs([*summaries, *excerpt(warnings, more)])
