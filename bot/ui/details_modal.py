"""A request's history: who did what, when and why.

Its readers may not know the request, and may read it a year later. So numbers are masked, people's text is
escaped, and each line can be read alone.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from bot.services.outcomes import WARNING
from bot.slack.blocks import Block, View, actions, button, context, paragraphs, section
from bot.text import interactions, vocabulary
from bot.text.call_ends import call_end
from bot.text.markup import channel, escape, person, quote, when
from bot.text.terminal import program
from bot.text.vocabulary import CONSENT, PURPOSE, REASON
from bot.ui.decision_facts import full_numbers
from bot.ui.modal import About, modal
from bot.ui.request_status import became, request_status
from bot.ui.request_summary import in_short, target
from bot.ui.review_modal import has_numbers, reveal_button
from storage.call_ends import END, as_end
from storage.models import ActionRecord, Event, Request, Scalar

MOST_LINES = 50
"""Blocks of the history. A modal takes a hundred, of which targets may need 40. The log has all lines."""
MOST_LINKS = 10
"""Ended calls whose links are shown."""
MOST_BYTES = 120_000
"""Bytes of the history as JSON. A modal takes 250 kB."""
_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")
_MACHINE = "CallOps"
PROVIDER = "the provider"
"""The name of a provider whose connection is off."""

DID: Mapping[str, str] = {
    "requested": "requested it",
    "approved": "approved it",
    "approval_recorded": "approved it (more approvals needed)",
    "denied": "denied it",
    "attempted": "tried to decide it, but isn't allowed to",
    "escalated": "more people may decide now, because no one had",
    "withdrawn": "withdrew it",
    "order_withdrawn": "withdrew the retry (outcome unknown)",
    "call_stopped": "blocked this number, so it wasn't sent",
    "held_back": "held back just before it was sent; nothing was sent",
    "expired": "expired",
    "refused": "not sent",
    "sending": "sent to {provider}",
    "succeeded": "{provider}: accepted",
    "failed": "{provider}: failed",
    "unknown": "no readable answer from {provider}",
    "inferred": "concluded that it was done",
    "retry_scheduled": "retry scheduled",
    "late_answer": "{provider} answered late",
    "webhook": "{provider} reported that it happened",
    "took_place": "{provider} reported that it happened after all",
    "call_ended": "{provider} reported",
    "looked_up": "asked {provider} whether it has it",
    "looked_up_done": "asked {provider} again: it was done",
    "window_passed": "not sent again",
    "not_sent_again": "not sent again",
    "settle_asked": "told the approvals channel that the outcome is unknown",
    "still_unknown": "reminded the people who can record the outcome",
    "order_dropped": "not sent again, because the first request worked",
    "happened": "recorded that it happened",
    "did_not_happen": "recorded that it didn't happen",
    "retry_requested": "sent it again",
    "revealed": "saw the full number",
    "recording_opened": "opened the recording of the call",
    "erased": "erased the personal data",
    "cancelled": "cancelled",
    "asked": "asked someone to decide",
    "reminded": "reminded the approvers",
    "nobody_can_approve": "no one can approve it now",
    "not_posted": "couldn't post its message",
    "alike": "another waiting request has a similar number",
    "followed": "noted the result of placing the call again",
}
"""The act that each event records, in words, with a place for the provider's name."""

_TRIED = {
    ("attempted", "reveal"): "tried to see the full number, but isn't allowed to",
    ("attempted", "settle"): "tried to record the outcome, but isn't allowed to",
}
"""The denied attempts other than to decide, in words."""
_POSTED = {"card": "the approval card", "audit": "the audit message"}
_SHOWN_OF_END = {"word", "seconds"}
_FOUND = {True: "yes", False: "no", None: "no answer"}


class Details:
    """The modal behind *Details*."""

    callback_id = "details"
    reveal = "reveal_details"
    recording = "open_recording"

    @classmethod
    def build(
        cls,
        request: Request,
        events: Sequence[Event],
        private: Sequence[tuple[int, str, str]],
        *,
        provider: str = PROVIDER,
        may_reveal: bool = False,
        hidden: bool = False,
        revealed: bool = False,
    ) -> View:
        """Return the modal with the request's state, its reason and its events in order.

        ``provider`` is the provider's name. ``may_reveal`` means that the reader may see full numbers, and
        ``revealed`` that they are shown. ``hidden`` means that some text was masked.
        """
        shows_button = may_reveal and not revealed and (hidden or has_numbers(request))
        lines = list(story(request, events, private, provider))
        told, left_out = _told(lines)
        why = [(REASON, request.reason), (PURPOSE, request.purpose), (CONSENT, request.consent)]
        why.append(("Customer's time zone", request.zone))
        said = [f"*{name}:* {quote(value)}" for name, value in why if value]
        facts = [request.id, request.connection]
        if request.rule:
            facts.append(f"rule {quote(request.rule)}")
        if request.reasons:
            facts.append(escape(request.reasons.replace("\n", " ")))
        several = request.actions if len(request.actions) > 1 else ()
        blocks: list[Block] = [
            section(request_status(request)),
            *paragraphs([f"• {became(request, record)}" for record in several]),
            *(paragraphs(full_numbers(request)) if revealed and has_numbers(request) else []),
            *([actions(reveal_button(request, cls.reveal))] if shows_button else []),
            *cls._of_calls(request, may_reveal=may_reveal or revealed),
            *paragraphs(said),
            *told,
        ]
        if left_out > 0:
            blocks.append(context(f"… and {left_out} more, in `{program()} log show {request.id}`"))
        about = About(request=request.id)
        return modal(cls.callback_id, f"Details {request.id}", [*blocks, context(*facts)], about=about)

    @classmethod
    def _of_calls(cls, request: Request, *, may_reveal: bool) -> Iterator[Block]:
        """Yield the link to each ended call at its provider, and the button for its recording."""
        for record in request.actions[:MOST_LINKS]:
            if record.end and record.end.link and may_reveal:
                yield section(f"<{record.end.link}|The call to {in_short(record)} at its provider>")
            if record.end and record.end.recording and may_reveal:
                label = f"{vocabulary.OPEN_RECORDING} of {record.id}: the log keeps that you did"
                yield actions(button(vocabulary.OPEN_RECORDING, cls.recording, record.id, label=label))


class Recording:
    """The modal with the address of a call's recording."""

    @classmethod
    def build(cls, record: ActionRecord, address: str) -> View:
        """Return the modal. Its address works for whoever the provider lets in."""
        text = (
            f"<{address}|Open the recording> of the call to {in_short(record)}. The log keeps that you did."
        )
        return modal("recording", "Recording", [section(text)], about=About(request=record.request))


def story(
    request: Request,
    events: Sequence[Event],
    private: Sequence[tuple[int, str, str]],
    provider: str = PROVIDER,
) -> Iterator[str]:
    """Yield a line for each event. Equal events of several targets share a line."""
    kept = {(seq, field): value for seq, field, value in private}
    for _, together in groupby(events, key=_happened):
        group = list(together)
        first = group[0]
        which = _which(request, group)
        done = did(first, provider, kept_end=kept.get((first.seq, END)))
        parts = [f"*{when(first.at)}* {sentence(first, _who(first), done)}{which}."]
        if note := kept.get((first.seq, "note")):
            parts.append(quote(note))
        message = first.data.get("message")
        if isinstance(message, str) and message:
            parts.append(escape(message))
        parts += dict.fromkeys(
            f"⚠️ {escape(str(value))}"
            for event in group
            for name, value in event.data.items()
            if name.startswith(WARNING)
        )
        yield " ".join(parts)


def _told(lines: Sequence[str]) -> tuple[list[Block], int]:
    """Return the first lines as blocks, and how many do not fit."""
    blocks: list[Block] = []
    for number, line in enumerate(lines):
        longer = [*blocks, *paragraphs([line])]
        if len(longer) > MOST_LINES or len(json.dumps(longer)) > MOST_BYTES:
            return blocks, len(lines) - number
        blocks = longer
    return blocks, 0


def _happened(event: Event) -> tuple[object, ...]:
    told_apart = [event.data.get(name) for name in ("message", "attempt", "person", "tried", "post")]
    return event.name, event.actor, *told_apart, event.at


def sentence(event: Event, who: str, done: str) -> str:
    """Return an event as a sentence. An act of CallOps itself has no subject."""
    return f"{who} {done}" if _PERSON.fullmatch(event.actor) else f"{done[0].upper()}{done[1:]}"


def _who(event: Event) -> str:
    return person(event.actor) if _PERSON.fullmatch(event.actor) else _MACHINE


def did(
    event: Event,
    provider: str = PROVIDER,
    *,
    person: Callable[[str], str] = person,
    channel: Callable[[object], str] = channel,
    when: Callable[[datetime], str] = when,
    kept_end: str | None = None,
) -> str:
    """Return the act of an event's actor. ``person``, ``channel`` and ``when`` write these values.

    ``kept_end`` is the erasable part of the end of a call.
    """
    tried = _TRIED.get((event.name, str(event.data.get("tried"))))
    done = tried or DID.get(event.name, event.name.replace("_", " ")).format(provider=provider)
    if event.name == "call_ended":
        done += f": {_how_it_ended(event.data, kept_end, when)}"
    match event.name, event.data.get("attempt"), event.data.get("found"):
        case "sending", int(attempt), _ if attempt > 1:
            return f"{done} (attempt {attempt})"
        case "asked" | "settle_asked" as name, _, _ if "person" in event.data:
            what = "decide" if name == "asked" else "record the outcome"
            return f"asked {person(str(event.data['person']))} to {what}"
        case "not_posted", _, _:
            why, _ = interactions.why_shut(str(event.data.get("error")))
            what = _POSTED.get(str(event.data.get("post")), "its message")
            return f"couldn't post {what} in {channel(event.data.get('channel'))}: {why}"
        case "cancelled", _, _:
            return f"cancelled by {event.data.get('by')}"
        case "looked_up", _, bool() | None as found:
            return f"{done}: {_FOUND[found]}"
        case _:
            return done


def _how_it_ended(data: Mapping[str, Scalar], kept: str | None, when: Callable[[datetime], str]) -> str:
    """Return how a try at a call ended. Its links are left out."""
    shown = {name: value for name, value in json.loads(kept or "{}").items() if name in _SHOWN_OF_END}
    told = call_end(as_end(data, json.dumps(shown)), at=when)
    return f"{told[0].lower()}{told[1:]}"


def _which(request: Request, events: Sequence[Event]) -> str:
    """Return the targets that an event is about, or an empty text if it is about all of them."""
    if len(request.actions) == 1 or len(events) == len(request.actions):
        return ""
    if len(events) > 1:
        return f" ({len(events)} of {len(request.actions)})"
    found = next((record for record in request.actions if record.id == events[0].action), None)
    return f" ({target(found)})" if found else ""
