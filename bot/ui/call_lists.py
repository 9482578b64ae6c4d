"""Call lists: the form with the file, what the check found, the progress in a message, the results."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from bot.parsing.command import CommandContext
from bot.slack.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    context,
    excerpt,
    fields,
    paragraphs,
    plain_text,
    section,
)
from bot.text import vocabulary
from bot.text.call_ends import ending_word
from bot.text.formatting import counted
from bot.text.markup import escape, when
from bot.ui.decision_facts import list_facts
from bot.ui.modal import MAX_LABEL, MAX_REASON, About, choice, modal, notice, text_input, typed
from bot.ui.request_summary import task
from providers.actions import CallList, Ending, Kind
from storage.models import ListProgress, Request
from storage.states import State

OPEN: Final = "open_call_list"
PAUSE: Final = "pause_call_list"
RESUME: Final = "resume_call_list"
STOP: Final = "stop_call_list"
RESULTS: Final = "call_list_results"
PROBLEMS: Final = "call_list_problems"
LEAVE_OUT: Final = "leave_out_lines"
MAX_PROBLEMS: Final = 20
"""Problems that the check shows. A file has all of them."""
_FILE_TYPES: Final = ("csv", "tsv", "txt")
_KINDS: Final = {Kind.PLACE_CALL: "Place calls", Kind.CANCEL_CALL: "Cancel calls"}


def list_button(commands: CommandContext, may: Collection[Kind]) -> list[Block]:
    """Return the button that opens the form, if the person may make lists that a connection carries out."""
    can = {kind for one in commands.connections.values() for kind in one.kinds}
    listed = any(kind.is_list and kind.of_rows in can for kind in may)
    return [button("Call list…", OPEN, "form")] if listed else []


class ListForm:
    """The form of a call list."""

    callback_id = "call_list"
    kind, connection, file, agent, at, reason, purpose, consent = (
        "kind",
        "connection",
        "file",
        "agent",
        "at",
        "reason",
        "purpose",
        "consent",
    )

    @classmethod
    def build(cls, kinds: Sequence[Kind], connections: Sequence[str], *, nonce: str, channel: str) -> View:
        """Return the empty form, with the kinds and connections that the person may use."""
        options = [(str(kind), _KINDS[kind]) for kind in kinds]
        names = [(name, name) for name in connections]
        blocks = [
            choice(cls.kind, "What to do", options, initial=options[0][0], radio=True),
            choice(cls.connection, vocabulary.CONNECTION, names, initial=names[0][0]),
            _file_input(
                cls.file,
                "CSV file",
                "One call in each row, with a header: number, and if you like name, time, agent, zone, "
                "metadata.*",
            ),
            text_input(cls.agent, vocabulary.VOICE_AGENT, hint="For rows without one", optional=True),
            text_input(
                cls.at,
                vocabulary.CALL_TIME,
                placeholder="tomorrow 9:30",
                hint="For rows without one",
                optional=True,
            ),
            text_input(cls.reason, vocabulary.REASON, max_length=MAX_REASON),
            text_input(cls.purpose, vocabulary.PURPOSE, optional=True, max_length=MAX_REASON),
            text_input(cls.consent, vocabulary.CONSENT, optional=True, max_length=MAX_REASON),
        ]
        about = About(nonce=nonce, channel=channel)
        return modal(cls.callback_id, "Call list", blocks, about=about, submit="Check the file")

    @classmethod
    def read(cls, view: Mapping[str, Any]) -> dict[str, str]:
        """Return the submitted values. ``file`` is the id of the file."""
        names = (cls.kind, cls.connection, cls.agent, cls.at, cls.reason, cls.purpose, cls.consent)
        return {name: typed(view, name) for name in names} | {cls.file: _file_of(view, cls.file)}


class ListCheck:
    """The view that shows what a check found, and requests the list."""

    callback_id = "call_list_checked"

    @classmethod
    def build(
        cls,
        asked: CallList,
        problems: Sequence[tuple[int, str]],
        *,
        faults: int,
        nonce: str,
        channel: str,
    ) -> View:
        """Return the view. While ``faults`` lines are not left out, nothing can be requested.

        ``problems`` are all lines that are left out.
        """
        verb = "place" if asked.kind is Kind.PLACE_LIST else "cancel"
        first = f"*{counted(asked.rows, 'call')} to {verb}* · {escape(asked.name)}"
        blocks = [section(first)]
        if faults:
            blocks += [
                section(
                    f"{vocabulary.UNKNOWN} *{counted(faults, 'line')} can't be used.* Correct the file and "
                    f"choose it again, or leave {'it' if faults == 1 else 'them'} out."
                )
            ]
        blocks += _problems(problems)
        blocks += fields(list_facts(asked))
        buttons = [button("Leave out bad lines", LEAVE_OUT, nonce, style="primary")] if faults else []
        buttons += [button("Send me all problems", PROBLEMS, nonce)] if problems else []
        blocks += [actions(*buttons)] if buttons else []
        about = About(nonce=nonce, channel=channel)
        submit = None if faults else "Request calls"
        return modal(cls.callback_id, "Call list", blocks, about=about, submit=submit)


def _problems(problems: Sequence[tuple[int, str]]) -> list[Block]:
    lines = [f"• line {line}: {escape(why)}" for line, why in problems]
    return paragraphs(excerpt(lines, "… and {} more", most=MAX_PROBLEMS))


def reading() -> View:
    """Return the view while a file is read and checked."""
    return notice("Call list", f"{vocabulary.WAITING} *Checking the file…* It may take half a minute.")


def unusable(problems: Sequence[tuple[int, str]], *whys: str) -> View:
    """Return that nothing of a file can be requested, and why."""
    first = [section(f"{vocabulary.FAILED} {escape(why)}") for why in whys]
    return modal("notice", "Call list", [*first, *_problems(problems)], about=About())


def progress_line(request: Request, progress: ListProgress) -> str:
    """Return how far a list is, in counts. What is left of a list that is over is not called any more."""
    done = [
        (State.SUCCEEDED, "done"),
        (State.FAILED, "failed"),
        (State.REFUSED, "not allowed"),
        (State.EXPIRED, "expired"),
        (State.WITHDRAWN, "withdrawn"),
        (State.UNKNOWN, "outcome unknown"),
    ]
    told = [f"{progress.counts[state]:,} {word}" for state, word in done if progress.counts.get(state)]
    sending = progress.counts.get(State.SENDING, 0)
    told += [f"{sending:,} being sent"] if sending else []
    left = progress.waiting + progress.counts.get(State.APPROVED, 0)
    goes = request.state in {State.PENDING, State.APPROVED}
    told += [f"{left:,} {'to go' if goes else 'not requested'}"] if left else []
    return " · ".join(told) or "Nothing yet"


def progress_blocks(request: Request, progress: ListProgress) -> list[Block]:
    """Return the counts of a list: its requests by state, its calls by how they ended, and what is next."""
    lines = [progress_line(request, progress)]
    lines += [escape(progress.held_because)] if progress.held_because else []
    if progress.endings:
        ends = [f"{count:,} {ending_word(Ending(name))}" for name, count in progress.endings.items()]
        lines.append(f"Calls: {' · '.join(ends)}")
    if request.state is State.APPROVED and progress.next_at and not progress.paused:
        lines += [f"Next call {when(progress.next_at)}"] if _is_later(request, progress) else []
    return paragraphs(lines)


def _is_later(request: Request, progress: ListProgress) -> bool:
    """Return whether nothing is being sent, so that the next call is worth a line."""
    sending = progress.counts.get(State.APPROVED, 0) + progress.counts.get(State.SENDING, 0)
    return not sending and bool(progress.next_at) and request.paused_by is None


def buttons(request: Request, progress: ListProgress) -> list[Block]:
    """Return the buttons that control a list, and the one for its results."""
    found = []
    if request.state is State.APPROVED:
        change = (
            button("Resume list", RESUME, request.id, style="primary", label=f"Resume list {request.id}")
            if progress.paused
            else button("Pause list", PAUSE, request.id, label=f"Pause list {request.id}")
        )
        found += [change, _stop(request, progress)]
    if request.state not in {State.PENDING, State.DENIED, State.EXPIRED}:
        found.append(button("Results…", RESULTS, request.id, label=f"Results of {request.id}"))
    return found


def _stop(request: Request, progress: ListProgress) -> Block:
    left = progress.waiting + progress.counts.get(State.APPROVED, 0)
    text = f"{counted(left, 'call')} won't go out. What is being sent now still may. You can't undo this."
    confirm = {
        "title": plain_text("Stop the rest?", 100),
        "text": plain_text(text, 300),
        "confirm": plain_text("Stop the rest", 30),
        "deny": plain_text("Keep going", 30),
        "style": "danger",
    }
    stop = button("Stop the rest…", STOP, request.id, style="danger", label=f"Stop the rest of {request.id}")
    return stop | {"confirm": confirm}


def controlled(request: Request, progress: ListProgress) -> Message:
    """Return the answer to somebody who paused, resumed or stopped a list."""
    [record] = request.actions
    word = "Paused" if progress.paused else "Resumed"
    word = word if request.state is State.APPROVED else vocabulary.status(record)
    first = f"{vocabulary.emoji(record)} *{word}* · {task(request)}"
    return Message(first, [section(first), *progress_blocks(request, progress), context(request.id)])


def results_coming() -> Message:
    """Return the immediate answer to somebody who asked for results."""
    text = "*Preparing the file.* I'll DM it to you."
    return Message(text, [section(text)])


def results(request: Request) -> Message:
    """Return the message with a list's results."""
    text = f"*Results so far:* {task(request)} · {request.id}. Numbers are masked."
    return Message(text, [section(text)])


def problems_sent(name: str) -> Message:
    """Return the message with the lines of a file that can't be used."""
    text = f"*Problems in {escape(name)}:* each line with what is wrong with it."
    return Message(text, [section(text)])


def _file_input(block_id: str, label: str, hint: str) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, MAX_LABEL),
        "hint": plain_text(hint, MAX_LABEL),
        "element": {
            "type": "file_input",
            "action_id": block_id,
            "filetypes": list(_FILE_TYPES),
            "max_files": 1,
        },
    }


def _file_of(view: Mapping[str, Any], block_id: str) -> str:
    """Return the id of the submitted file, or an empty text."""
    for element in (view.get("state", {}).get("values", {}).get(block_id) or {}).values():
        for file in element.get("files") or []:
            return str(file["id"])
    return ""
