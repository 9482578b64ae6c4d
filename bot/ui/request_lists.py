"""What `/calls list` and `/calls status` show one person: requests with their ids and the next steps. Pure.

Numbers are masked as in channels, times are in the reader's own zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.parsing.tokens import at_least
from bot.services.pending import MOST_COUNTED
from bot.slack.blocks import Block, Message, actions, button, context, section
from bot.text.markup import code, escape, when
from bot.ui.channel_messages import REVIEW, audit
from bot.ui.command_replies import withdraw
from bot.ui.decision_facts import left_alone
from bot.ui.request_status import already, marked, standing
from bot.ui.request_summary import target
from storage.models import Event, LogEntry, Request
from storage.states import State

STATUS = "show_status"
SHOWN = 5
"""Requests, and calls, in each part of a list: what is further away is counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A request, and what its reader may do about it."""

    request: Request
    may_withdraw: bool = False
    may_decide: bool = False

    def steps(self) -> list[Block]:
        """The buttons for that."""
        request = self.request
        review = button("Review…", REVIEW, request.id, label=f"Review {request.id}")
        return [
            *([review] if self.may_decide else []),
            *([withdraw(request)] if self.may_withdraw else []),
        ]


def lists(
    mine: Sequence[Row], waiting: Sequence[Row], coming: Sequence[LogEntry], *, more_wait: int = 0
) -> Message:
    """What somebody asked for last, what waits for a decision, and which calls are still to go out."""
    first = "*Your calls and requests, what waits for approval, and what is coming up.*"
    blocks = [section(first), section("*Yours*, the newest first")]
    blocks += [_row(row) for row in mine] or [context("You have asked for nothing yet.")]
    blocks.append(section("*Waiting for approval*, the soonest to run out first"))
    blocks += [_row(row) for row in waiting] or [context("Nothing else waits.")]
    if more_wait:
        blocks.append(context(f"… and {at_least(more_wait, MOST_COUNTED)} more."))
    blocks.append(section("*Coming up*, the next to go out first"))
    blocks += [_call(entry) for entry in coming[:SHOWN]] or [context("No call that the log knows of.")]
    if len(coming) > SHOWN:
        blocks.append(context("… and more after these."))
    blocks.append(context("`/calls status A-7K3F` shows how one request stands."))
    return Message(first, blocks)


def _row(row: Row) -> Block:
    request = row.request
    lines = [standing(request), f"`{request.id}` · asked {when(request.asked_at)}"]
    if request.state is State.PENDING and request.decide_by:
        lines[1] += f" · time runs out {when(request.decide_by)}"
    steps = row.steps() or [_details(request.id)]
    return section("\n".join(lines)) | {"accessory": steps[0]}


def _call(entry: LogEntry) -> Block:
    at = when(entry.scheduled_for) if entry.scheduled_for else "soon"
    agent = f", agent {escape(entry.agent)}" if entry.agent else ""
    text = f"{at}: {target(entry)}\n`{entry.id}` · through {entry.connection}{agent}"
    return section(text) | {"accessory": _details(entry.request)}


def _details(request: str) -> Block:
    return button("Details", STATUS, request, label=f"Show how {request} stands")


def status(row: Row, events: Sequence[Event]) -> Message:
    """How one request stands: its targets, who asked, who decided, and what can be done next."""
    request = row.request
    shown = audit(request)
    blocks = list(shown.blocks)
    if decided := already(request, events)[1:]:
        blocks.append(section(" ".join(decided)))
    if request.state is State.PENDING and request.decide_by:
        at = when(request.decide_by)
        blocks.append(
            section(f"Time runs out {at}. If nobody decides: {left_alone(request, request.entries[0])}.")
        )
    if steps := row.steps():
        blocks.append(actions(*steps))
    return marked(request, Message(shown.text, blocks))


def which(requests: Sequence[Request], typed: str) -> Message:
    """Several requests could be meant: a symbol was typed that no id has, and looks like two others."""
    first = f"*{code(typed)} could be {len(requests)} requests.* Ids have no 0, O, 1 or I."
    return Message(first, [section(first), *(_row(Row(request)) for request in requests)])


def not_found(typed: str) -> Message:
    """No request has that id: what to do instead."""
    if not typed:
        first = "*Say which request*, as in `/calls status A-7K3F`."
    elif typed.upper().startswith("E-"):
        first = f"*{code(typed)} is the id of a fault.* Give it to whoever runs CallOps."
    else:
        first = f"*There is no request {code(typed)} here.* Ids look like `A-7K3F`, without 0, O, 1 or I."
    return Message(
        first, [section(first), context("`/calls list` shows yours, what waits, and what comes up.")]
    )
