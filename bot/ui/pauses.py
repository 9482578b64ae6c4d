"""Messages about pauses: answers, the audit channel's post, and the form by which people pause calls."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from bot.parsing.command import Command, FieldProblem, Verb, format_command
from bot.parsing.options import MAX_TEXT
from bot.slack.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    confirm,
    context,
    excerpt,
    paragraphs,
    section,
)
from bot.text import vocabulary
from bot.text.formatting import counted
from bot.text.markup import person, quote, when
from bot.text.vocabulary import DONE, PAUSED
from bot.ui.form_fields import MAX_OPTIONS
from bot.ui.modal import About, choice, modal, text_input, typed
from bot.ui.waiting import paused_since
from storage.event_log.hash_chain import CALLS_PAUSED, moment
from storage.models import Event, Pause, PauseCounts, Scalar

OPEN: Final = "open_pause"
"""The action id of the button that opens the form."""
RESUME: Final = "resume_calls"
"""The action id of the button that ends a pause. Its value is the id of the pause."""
CANCEL_SCHEDULED: Final = "cancel_scheduled"
"""The action id of the button that opens the form to cancel calls. Its value is a connection or `EVERY`."""
GOES_ON = "Cancellations, deletions and stops go on."
EVERY: Final = "*"
"""The value that stands for every connection. No connection has this name."""
_OVER: Final = "That pause has ended already, so nothing changed."


def opening() -> Block:
    """Return the button that opens the form."""
    return button("Pause calls…", OPEN, "pause")


def state(pauses: Sequence[Pause], resumable: Collection[str | None] = ()) -> list[Block]:
    """Return the pauses that hold now, as blocks of a list or view. There are none without a pause.

    Pauses of ``resumable`` connections have a button, and the others name the command.
    """
    return [
        section(f"{note(one)}.", _resume_button(one.id, one.connection))
        if one.connection in resumable
        else section(f"{note(one)}.\n{_resume(one.connection)}")
        for one in pauses
    ]


def note(pause: Pause) -> str:
    """Return a pause in a line that names what it holds back."""
    return f"{PAUSED} *{_calls(pause.connection)}:* {paused_since(pause)}"


def _resume_button(pause: str, name: str | None) -> Block:
    calls = _calls(name)[0].lower() + _calls(name)[1:]
    asks = confirm(f"Resume {calls}?", "Waiting requests are sent now.", yes="Resume", no="Keep paused")
    return button("Resume", RESUME, pause, label=f"Resume {calls}") | {"confirm": asks}


def paused(made: Pause, *, cancels: bool, offers: bool) -> Message:
    """Return the answer to a pause: what stands still, and what may still go out.

    ``cancels`` means that CallOps can cancel calls of some connection, and ``offers`` that the reader may.
    """
    until = f" until {when(made.until)}" if made.until else ""
    first = f"{PAUSED} *{_calls(made.connection)} are paused{until}.* {GOES_ON}"
    told = [f"• {line}" for line in _counts(made.found, cancels=cancels)]
    offered = [actions(_cancel_button(made.connection))] if offers and made.found.scheduled else []
    below = context(_resume(made.connection), made.id)
    return Message(first, [section(first), *paragraphs(told), *offered, below])


def resumed(name: str | None, ended: Pause | None, left: Sequence[Pause]) -> Message:
    """Return the answer to a resume, with the pauses that remain."""
    if ended:
        first = f"{DONE} *{_calls(name)} are no longer paused.* Waiting requests are being sent."
        if any(one.connection in {None, name} or name is None for one in left):
            first = f"{DONE} *That pause of {_calls(name).lower()} has ended.* Others still hold:"
    else:
        first = f"There is no pause of {_calls(name)[0].lower()}{_calls(name)[1:]}, so nothing changed."
    return Message(first, [section(first), *state(left), *([context(ended.id)] if ended else [])])


def over(left: Sequence[Pause]) -> Message:
    """Return that the pause whose button was pressed has ended, with the pauses that hold."""
    return Message(_OVER, [section(_OVER), *state(left)])


def news(
    event: Event, reason: str | None, payload: Mapping[str, Scalar], *, cancels: bool = False
) -> Message:
    """Return the audit channel's message about a pause, which is edited when it ends.

    ``cancels`` means that CallOps can cancel calls of some connection that the pause concerns.
    """
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
    first = f"{PAUSED} *{person(event.actor)} paused {what}{until}.*{why}"
    if payload.get("replaced_by"):
        text = f"{first}\nAnother pause took its place: `{payload['replaced_by']}`."
        return Message(first, [section(text), context(f"`{event.request}`")])
    found = PauseCounts(*(int(data.get(one) or 0) for one in ("waiting", "leaving", "scheduled")))
    lines = [GOES_ON, *(f"• {line}" for line in _counts(found, cancels=cancels))]
    held = str(name) if name else None
    buttons = [_cancel_button(held)] if cancels and found.scheduled else []
    row = actions(_resume_button(event.request, held), *buttons)
    below = context(_resume(held), f"`{event.request}`")
    return Message(first, [section(first), *paragraphs(lines), row, below])


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


def _cancel_button(name: str | None) -> Block:
    label = f"Cancel scheduled calls{f' through {name}' if name else ''}"
    return button("Cancel scheduled calls…", CANCEL_SCHEDULED, name or EVERY, label=label)


def to_cancel(count: int, more: int) -> str:
    """Return the hint above the form that is filled with scheduled calls."""
    calls = counted(count, "scheduled call")
    rest = f" *{more} more:* press the button again after this request." if more else ""
    return f"{calls} from the log.{rest}"


NOTHING_TO_CANCEL: Final = "No scheduled call is left to cancel, or its cancellation is already requested."


def _counts(found: PauseCounts, *, cancels: bool) -> list[str]:
    """Return what the pause found: what waits, what may still go out, and what a provider has scheduled."""
    waits = f"{counted(found.waiting, 'action')} {'waits' if found.waiting == 1 else 'wait'}."
    lines = [waits if found.waiting else "Nothing is waiting."]
    if found.leaving:
        lines.append(f"{found.leaving} {'was' if found.leaving == 1 else 'were'} already leaving.")
    if found.scheduled:
        goes = "call is" if found.scheduled == 1 else "calls are"
        how = "" if cancels else " CallOps can't cancel them: use the provider's dashboard."
        lines.append(f"{found.scheduled} {goes} already scheduled at the provider.{how}")
    return lines


class PauseForm:
    """The modal by which people pause calls. Its values are read by the grammar of `/calls pause`."""

    callback_id = "pause"
    _connection, _until, _reason = "connection", "until", "reason"

    @classmethod
    def build(
        cls, names: Sequence[str | None], counts: Mapping[str, PauseCounts], *, everything: int, nonce: str
    ) -> View:
        """Return the form for these connections, None for all, with what a pause would find now.

        ``everything`` is the count of all connections.
        """
        concerned = [name for name in names if name] if everything > 1 else [None]
        lines = [f"• {cls._line(name, counts)}" for name in concerned]
        blocks = [
            *cls._connections(names),
            text_input(
                cls._reason,
                f"{vocabulary.REASON} (required)",
                placeholder="wrong list",
                hint="The audit channel shows it.",
                max_length=MAX_TEXT,
            ),
            text_input(
                cls._until,
                "Until",
                placeholder="18:00, tomorrow 9:30",
                hint="In your time zone. Leave empty to pause until someone resumes.",
                optional=True,
            ),
            section(f"*No call is placed and no campaign started from then on.* {GOES_ON}"),
            *paragraphs(excerpt(lines, "… and {} more connections")),
        ]
        return modal(cls.callback_id, "Pause calls", blocks, about=About(nonce=nonce), submit="Pause calls")

    @classmethod
    def _connections(cls, names: Sequence[str | None]) -> list[Block]:
        """Return the choice of a connection. Of many, the name is typed."""
        if len(names) > MAX_OPTIONS:
            hint = "Leave empty to pause every connection." if None in names else ""
            return [text_input(cls._connection, vocabulary.CONNECTION, hint=hint, optional=None in names)]
        options = [(name or EVERY, name or "Every connection") for name in names]
        first = options[0][0] if names[0] is None or len(names) == 1 else None
        return [choice(cls._connection, vocabulary.CONNECTION, options, initial=first)]

    @classmethod
    def _line(cls, name: str | None, counts: Mapping[str, PauseCounts]) -> str:
        """Return the counts of a connection, or of all with None."""
        found = [one for known, one in counts.items() if name in {None, known}]
        waiting, leaving, scheduled = (
            sum(getattr(one, field) for one in found) for field in ("waiting", "leaving", "scheduled")
        )
        said = [f"{waiting} waiting to be sent"]
        said += [f"{leaving} being sent, which may still go out"] if leaving else []
        said += [f"{scheduled} scheduled at the provider, which still ring"] if scheduled else []
        return f"{name or 'Now'}: {', '.join(said)}"

    @classmethod
    def line(cls, view: Mapping[str, Any]) -> str:
        """Return a submitted form as a command's text."""
        name = typed(view, cls._connection)
        command = Command(
            verb=Verb.PAUSE,
            connection=None if name == EVERY else name or None,
            at_text=typed(view, cls._until) or None,
            reason=typed(view, cls._reason) or None,
        )
        return format_command(command)

    @classmethod
    def errors(cls, faults: Sequence[FieldProblem]) -> dict[str, str]:
        """Return the first fault of each input."""
        inputs = {"latest": cls._until, "at": cls._until, "connection": cls._connection}
        found: dict[str, str] = {}
        for fault in faults:
            hint = f" {fault.proposal.format(f'“{fault.suggestion}”')}" if fault.suggestion else ""
            found.setdefault(inputs.get(fault.field, cls._reason), f"{fault.message}{hint}")
        return found
