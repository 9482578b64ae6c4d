"""Messages about pauses: the answers to `/calls pause` and `/calls resume`, and the audit channel's post."""

from collections.abc import Mapping, Sequence

from bot.slack.blocks import Block, Message, context, paragraphs, section
from bot.text.formatting import counted
from bot.text.markup import person, quote, when
from bot.text.vocabulary import DONE, WAITING
from bot.ui.waiting import paused as pause_words
from storage.event_log.hash_chain import CALLS_PAUSED, moment
from storage.models import Event, Pause, Scalar

GOES_ON = "Cancellations, deletions and stops go on."


def state(pauses: Sequence[Pause]) -> list[Block]:
    """Return the pauses that hold now, as blocks of a list or view. There are none without a pause."""
    return [
        section(f"{WAITING} *{_calls(one.connection)}:* {pause_words(one)}.\n{_resume(one.connection)}")
        for one in pauses
    ]


def paused(made: Pause) -> Message:
    """Return the answer to a pause: what stands still, and what may still go out."""
    until = f" until {when(made.until)}" if made.until else ""
    first = f"{WAITING} *{_calls(made.connection)} are paused{until}.* {GOES_ON}"
    told = [f"• {line}" for line in _counts(made.waiting, made.leaving, made.scheduled)]
    return Message(first, [section(first), *paragraphs(told), context(_resume(made.connection), made.id)])


def resumed(name: str | None, ended: Pause | None, left: Sequence[Pause]) -> Message:
    """Return the answer to a resume, with the pauses that remain."""
    if ended:
        first = f"{DONE} *{_calls(name)} are no longer paused.* Waiting requests are being sent."
        if any(one.connection in {None, name} or name is None for one in left):
            first = f"{DONE} *That pause of {_calls(name).lower()} has ended.* Others still hold:"
    else:
        first = f"There is no pause of {_calls(name)[0].lower()}{_calls(name)[1:]}, so nothing changed."
    return Message(first, [section(first), *state(left), *([context(ended.id)] if ended else [])])


def news(event: Event, reason: str | None, payload: Mapping[str, Scalar]) -> Message:
    """Return the audit channel's message about a pause, which is edited when it ends."""
    data, name = event.data, event.data.get("connection")
    end = int(data.get("until") or 0)
    until = f" until {when(moment(end))}" if end else ""
    calls = _calls(str(name) if name else None)
    what = calls[0].lower() + calls[1:]
    why = f" {quote(reason)}" if reason else ""
    if payload.get("resumed_by"):
        at = when(moment(int(payload["resumed_at"] or 0)))
        first = f"{DONE} *{person(str(payload['resumed_by']))} resumed {what}*, {at}."
        text = f"{first}\nPaused by {person(event.actor)}, {when(event.at)}.{why}"
        return Message(first, [section(text), context(f"`{event.request}`")])
    first = f"{WAITING} *{person(event.actor)} paused {what}{until}.*{why}"
    if payload.get("replaced_by"):
        text = f"{first}\nAnother pause took its place: `{payload['replaced_by']}`."
        return Message(first, [section(text), context(f"`{event.request}`")])
    counts = [int(data.get(one) or 0) for one in ("waiting", "leaving", "scheduled")]
    lines = [GOES_ON, *(f"• {line}" for line in _counts(*counts))]
    resume = _resume(str(name) if name else None)
    return Message(first, [section(first), *paragraphs(lines), context(resume, f"`{event.request}`")])


def status(events: Sequence[Event], reasons: Mapping[int, str]) -> Message:
    """Return the history of a pause, newest event first. ``reasons`` are by the number of their event."""
    lines = []
    for event in reversed(events):
        name = event.data.get("connection")
        calls = _calls(str(name) if name else None)
        did = "paused" if event.name == CALLS_PAUSED else "resumed"
        why = f" {quote(reasons[event.seq])}" if event.seq in reasons else ""
        known = event.name == CALLS_PAUSED or "resumed" in event.name
        lines += [f"{when(event.at)}: *{person(event.actor)} {did} {calls.lower()}.*{why}"] if known else []
    return Message(lines[0], [*paragraphs(lines), context(f"`{events[0].request}`")])


def _calls(name: str | None) -> str:
    """Return what a pause holds back, as the beginning of a sentence."""
    return f"Calls through {name}" if name else "All calls"


def _resume(name: str | None) -> str:
    return f"`/calls resume{f' via {name}' if name else ''}` lets them go on"


def _counts(waiting: int, leaving: int, scheduled: int) -> list[str]:
    """Return what the pause found: what waits, what may still go out, and what a provider has scheduled."""
    waits = f"{counted(waiting, 'action')} {'waits' if waiting == 1 else 'wait'}."
    lines = [waits if waiting else "Nothing is waiting."]
    if leaving:
        lines.append(f"{leaving} {'was' if leaving == 1 else 'were'} already leaving.")
    if scheduled:
        goes = "call is" if scheduled == 1 else "calls are"
        lines.append(
            f"{scheduled} {goes} already scheduled at the provider. "
            "`/calls list` shows what's coming up, so that you can cancel it."
        )
    return lines
