"""The answers to `/calls list` and `/calls status`: requests with their ids and next steps.

Numbers are masked as in channels, and times are in the reader's zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.parsing.tokens import at_least
from bot.services.pending import MOST_COUNTED
from bot.slack.blocks import Block, Message, actions, button, context, cut_markup, section
from bot.text.markup import code, escape, when
from bot.text.vocabulary import DETAILS, RECORD_OUTCOME, SHOW_STATUS
from bot.text.vocabulary import REVIEW as REVIEW_WORD
from bot.ui import call_lists, pauses
from bot.ui.channel_messages import REVIEW, audit
from bot.ui.decision_facts import left_alone
from bot.ui.request_status import marked, request_status
from bot.ui.request_summary import decided, target
from bot.ui.unknown_messages import SETTLE
from bot.ui.ways_on import withdraw
from storage.models import ActionRecord, Event, ListProgress, Pause, Request
from storage.states import State

STATUS = "show_status"
SHOWN = 5
"""Requests or calls in each part of a list. The rest is counted."""
MAX_STATUS = 500
"""Characters of a request's state in a list."""
NEEDS_YOU, NOTHING_WAITS = "*Needs you*", "Nothing waiting."
YOUR_REQUESTS, NO_REQUESTS = "*Your requests*", "No requests yet."
COMING_UP, NO_CALLS = "*Coming up*", "No calls scheduled."
"""The parts of a list, and what stands in an empty one."""


@dataclass(frozen=True, slots=True)
class Row:
    """A request, and the reader's permissions on it."""

    request: Request
    may_withdraw: bool = False
    may_decide: bool = False
    may_settle: bool = False

    def buttons(self) -> list[Block]:
        """Return the buttons that the reader may use."""
        request = self.request
        review = button(REVIEW_WORD, REVIEW, request.id, label=f"Review {request.id}")
        unknown = next((one.id for one in request.actions if one.state is State.UNKNOWN), request.id)
        settle = button(RECORD_OUTCOME, SETTLE, unknown, label=f"Record the outcome of {unknown}")
        return [
            *([settle] if self.may_settle else []),
            *([review] if self.may_decide else []),
            *([withdraw(request)] if self.may_withdraw else []),
        ]


def lists(
    mine: Sequence[Row],
    waiting: Sequence[Row],
    coming: Sequence[ActionRecord],
    *,
    checking: Sequence[Row] = (),
    more_wait: int = 0,
    paused: Sequence[Pause] = (),
) -> Message:
    """Return what needs the reader, their last requests, and the upcoming calls.

    ``checking`` are requests with an unknown outcome that the reader may settle. They come first
    but for the pauses that hold now.
    """
    blocks: list[Block] = pauses.state(paused)
    if checking:
        blocks += [section("⚠️ *Needs checking*"), *map(_row, checking)]
    yours = [row for row in waiting if row.may_decide]
    others = more_wait + len(waiting) - len(yours)
    blocks += [section(NEEDS_YOU), *([_row(row) for row in yours] or [context(NOTHING_WAITS)])]
    if others:
        blocks.append(context(f"{at_least(others, MOST_COUNTED)} more waiting for approval"))
    blocks += [section(YOUR_REQUESTS), *([_row(row) for row in mine] or [context(NO_REQUESTS)])]
    blocks.append(section(COMING_UP))
    shown = [call(record) | {"accessory": _details(record.request)} for record in coming[:SHOWN]]
    blocks += shown or [context(NO_CALLS)]
    if len(coming) > SHOWN:
        blocks.append(context("… and more later"))
    return Message("Needs you · Your requests · Coming up", blocks)


def _row(row: Row) -> Block:
    return listed(row.request, (row.buttons() or [_details(row.request.id)])[0])


def listed(request: Request, step: Block | None) -> Block:
    """Return a request as a row of a list, with its next step."""
    lines = [cut_markup(request_status(request), MAX_STATUS), f"requested {when(request.asked_at)}"]
    if request.state is State.PENDING and request.decide_by:
        lines[1] += f" · expires {when(request.decide_by)}"
    lines[1] += f" · {request.id}"
    return section("\n".join(lines), step)


def call(record: ActionRecord) -> Block:
    """Return a scheduled call as a row of a list."""
    at = when(record.scheduled_for) if record.scheduled_for else "soon"
    agent = f" · voice agent {escape(record.agent)}" if record.agent else ""
    return section(f"*{at}* · {target(record)}\n{record.connection}{agent} · {record.id}")


def _details(request: str) -> Block:
    return button(DETAILS, STATUS, request, label=f"{DETAILS} of {request}")


def status_below(request: Request) -> Block:
    """Return the button that shows a request's state in an answer of its own."""
    return button(SHOW_STATUS, STATUS, request.id, label=f"{SHOW_STATUS} of {request.id}")


def status(row: Row, events: Sequence[Event], progress: ListProgress | None = None) -> Message:
    """Return a request's state, decision, deadline and next steps: those that the reader may take.

    ``progress`` is that of a call list.
    """
    request = row.request
    shown = audit(request, progress=progress)
    blocks = [one for one in shown.blocks if one["type"] != "actions"]
    blocks += [section(by) for by in decided(events)]
    if request.state is State.PENDING and request.decide_by:
        at, follows = when(request.decide_by), left_alone(request, request.actions[0])
        blocks.append(section(f"Expires {at}. If no one decides, nothing is sent. {follows}."))
    steps = [*row.buttons(), *(call_lists.buttons(request, progress) if progress else [])]
    if steps:
        blocks.append(actions(*steps))
    return marked(request, Message(shown.text, blocks))


def which(requests: Sequence[Request], typed: str) -> Message:
    """Return the requests that an id may mean, because it has a symbol that no id has."""
    first = f"*{code(typed)} could be {len(requests)} requests.* IDs have no 0, O, 1 or I."
    return Message(first, [section(first), *(_row(Row(request)) for request in requests)])


def not_found(typed: str) -> Message:
    """Return that no request has the id, and what to do instead."""
    if not typed:
        first = "*Add the request's ID*, like `/calls status A-7K3F`."
    elif typed.upper().startswith("E-"):
        first = f"*{code(typed)} is an error's ID.* Send it to your CallOps admin."
    else:
        first = f"*No request {code(typed)}.* IDs look like `A-7K3F`, without 0, O, 1 or I."
    return Message(
        first, [section(first), context("`/calls list` shows your requests and what's coming up.")]
    )
