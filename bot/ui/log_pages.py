"""Pages of a log search: the actions found, the filters, and buttons to other pages.

Numbers are masked, and times are in the reader's zone. A message and a modal have the same blocks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.parsing.command import CommandContext, FieldProblem
from bot.parsing.log_query import AFTER_STOP, ENDINGS, Filters
from bot.parsing.tokens import quote as in_quotes
from bot.slack.blocks import Block, Message, View, actions, button, context, cut, plain_text, section
from bot.slack.masking import Masking
from bot.text.call_ends import ending_word
from bot.text.markup import code, escape, person, quote, when
from bot.text.vocabulary import (
    CONNECTION,
    REQUESTED_BY,
    STATUS,
    STATUSES,
    emoji,
    state_word,
    status,
)
from bot.text.vocabulary import DETAILS as DETAILS_WORD
from bot.ui.modal import MAX_LABEL, About, choice, modal, text_input, typed
from bot.ui.request_summary import one_call, target
from bot.ui.ways_on import DETAILS
from providers.actions import Kind
from providers.phone import mask
from storage.queries import AskedToStop, SearchHit, SearchPage
from storage.states import State

ROWS: Final = 10
"""Actions on a page. They fit on a screen or two, and are far below Slack's limits for a message."""
MAX_SAID: Final = 150
"""Characters of a reason in a row. *Details* shows the whole reason."""

OLDER, NEWER, NEWEST, FILTER = "log_older", "log_newer", "log_newest", "log_filter"
EXPORT = "log_export"
"""The buttons below a page."""

_VERBS: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "place",
    Kind.CANCEL_CALL: "cancel",
    Kind.DELETE_CAMPAIGN: "delete",
    Kind.STOP_CAMPAIGN: "stop",
    Kind.START_CAMPAIGN: "start",
    Kind.PLACE_LIST: "place",
    Kind.CANCEL_LIST: "cancel",
}
_TARGETS: Final = {"call": "call", "campaign": "campaign", "list": "call list"}
_DECIDED: Final = {"approve": "approved", "deny": "denied"}


def page(
    filters: Filters,
    found: SearchPage,
    draft: str,
    masking: Masking,
    *,
    key: int | None = None,
    stop: AskedToStop | None = None,
) -> Message:
    """Return a page of search results. The filters are kept under ``draft``. The page begins at ``key``.

    ``stop`` is the stop of the number that a report is about. Texts of people are masked, but the filters are
    not.
    """
    first = _first(filters, stop)
    blocks: list[Block] = [section(first), *masking.blocks([_row(hit) for hit in found.hits])]
    if not found.hits:
        blocks.append(section("Nothing found so far." if found.partial else _nothing(filters, key)))
    if found.partial:
        words = "No other match so far. *Look further back* searches older requests."
        blocks.append(context(words))
    further = "Look further back" if found.partial else "Older"
    steps = [
        *([button("Newer", NEWER, f"{draft} {found.before}")] if found.before is not None else []),
        *([button(further, OLDER, f"{draft} {found.after}")] if found.after is not None else []),
        *([button("Newest", NEWEST, draft)] if key is not None and found.before is None else []),
        button("Filter…", FILTER, draft, label="Search the log for something else"),
        *([button("Export as CSV", EXPORT, draft)] if found.hits else []),
    ]
    blocks += [actions(*steps), context(f"Same search: {code(f'/calls {filters.line()}')}")]
    return Message(first, blocks)


def _first(filters: Filters, stop: AskedToStop | None) -> str:
    if stop and filters.query.number:
        return (
            f"*Calls to {mask(filters.query.number)} requested after it asked not to be called* "
            f"({when(stop.at)}, {stop.request}) · newest first"
        )
    said = filters.in_words()
    return f"*Log* · {said} · newest first" if said else "*Log* · newest first"


def _nothing(filters: Filters, key: int | None) -> str:
    if filters.stop:
        return "None. No one requested a call to this number since."
    if key is not None:
        return "Nothing older matches."
    return "Nothing matches." if filters.in_words() else "The log is empty."


def _row(hit: SearchHit) -> Block:
    """Return an action: its new state and object first, then who asked and decided, each with their words."""
    record = hit.record
    gone = hit.cancelled_by is not None
    done = gone or record.state is State.SUCCEEDED
    what = target(record) if done else f"{_VERBS[record.kind]} {target(record)}"
    if hit.new_time:
        what = f"move {one_call(record)} to {when(hit.new_time)}"
    first = [f"{emoji(record, cancelled=gone)} *{status(record, cancelled=gone)}*", what]
    first.append(_spoken(person(hit.requester), hit.reason))
    if hit.decision and hit.decided_by:
        by = f"{_DECIDED[hit.decision]} by {person(hit.decided_by)}"
        first.append(_spoken(by, hit.decision_note))
    facts = [when(record.asked_at), escape(record.connection), record.id]
    if record.end:
        facts.append(ending_word(record.end.ending))
    if hit.cancelled_by:
        facts.append(f"cancelled in {hit.cancelled_by}")
    label = f"Details of {record.request}"
    details = button(DETAILS_WORD, DETAILS, record.request, label=label)
    return section(f"{' · '.join(first)}\n{' · '.join(facts)}") | {"accessory": details}


def _spoken(who: str, said: str | None) -> str:
    """Return who did something, with their own words."""
    return f"{who}: {quote(cut(said, MAX_SAID))}" if said else who


def never_asked(number: str) -> Message:
    """Return the report for a number without a stop."""
    first = f"*{mask(number)} hasn't asked not to be called, as far as the log knows.*"
    how = f"Leave out `{AFTER_STOP}` to see all requests about this number."
    return Message(first, [section(first), context(how)])


def faults(found: Sequence[FieldProblem], draft: str) -> Message:
    """Return the faults of a typed search, with a button for the filter form."""
    lines = [
        f"• {fault.message}" + (f" Did you mean {code(fault.suggestion)}?" if fault.suggestion else "")
        for fault in found
    ]
    first = "*Not searched yet.* Fix this:"
    example = "`/calls log by=me state=failed from=Mon` · `/calls log +91 98765 43210` · `/calls log A-7K3F`"
    return Message(
        first,
        [
            section(first),
            section("\n".join(lines)),
            actions(button("Filter…", FILTER, draft, label="Choose the filters in a form")),
            context(f"Examples: {example}"),
        ],
    )


class LogPage:
    """The modal that shows a page after the filter form."""

    callback_id = "log_page"

    @classmethod
    def build(cls, message: Message) -> View:
        """Return a modal with the blocks of a message."""
        return modal(cls.callback_id, "Log", message.blocks, about=About())


class FilterForm:
    """The filter form. All fields are optional."""

    callback_id = "log_filters"
    by, via, state, kind, ended, number, first, last, text = (
        "by",
        "via",
        "state",
        "kind",
        "ended",
        "number",
        "from",
        "until",
        "text",
    )

    @classmethod
    def build(cls, filters: Filters, vocabulary: CommandContext) -> View:
        """Return the form, filled with a search's filters."""
        query = filters.query
        names = [(name, name) for name in vocabulary.connections]
        blocks = [
            _picked(cls.by, REQUESTED_BY, "users_select", "initial_user", query.requester),
            choice(cls.kind, "Action", _kinds(), initial=query.kind, optional=True, placeholder="Anything"),
            choice(cls.state, STATUS, _statuses(), initial=_chosen_status(filters), optional=True),
            choice(cls.ended, "Call ended", _endings(), initial=_typed_ending(filters), optional=True),
            *([choice(cls.via, CONNECTION, names, initial=query.connection, optional=True)] if names else []),
            text_input(cls.number, "Number", initial=query.number or "", optional=True, max_length=40),
            _picked(cls.first, "From", "datepicker", "initial_date", filters.first),
            _picked(cls.last, "To (inclusive)", "datepicker", "initial_date", filters.last),
            text_input(
                cls.text,
                "Words in a reason or note",
                initial=query.text or "",
                optional=True,
                max_length=100,
            ),
        ]
        return modal(cls.callback_id, "Search the log", blocks, about=About(), submit="Search")

    @classmethod
    def line(cls, view: Mapping[str, Any]) -> str:
        """Return the chosen filters as the text of a search."""
        by = _chosen(view, cls.by, "selected_user")
        said = {
            cls.by: by and person(by),
            cls.state: typed(view, cls.state),
            cls.kind: typed(view, cls.kind),
            cls.ended: typed(view, cls.ended),
            cls.number: typed(view, cls.number),
            cls.first: _chosen(view, cls.first, "selected_date"),
            cls.last: _chosen(view, cls.last, "selected_date"),
            cls.text: typed(view, cls.text),
        }
        keys = [f"{key}={in_quotes(value)}" for key, value in said.items() if value]
        through = typed(view, cls.via)
        return " ".join([*keys, *([f"via={in_quotes(through)}"] if through else [])])


def _kinds() -> list[tuple[str, str]]:
    return [(str(kind), f"{_VERBS[kind].capitalize()} a {_TARGETS[kind.partition('_')[2]]}") for kind in Kind]


def _statuses() -> list[tuple[str, str]]:
    return [(word, word) for word in STATUSES]


def _endings() -> list[tuple[str, str]]:
    return [
        (ending.replace("_", "-"), ending_word(ending).capitalize())
        for ending in dict.fromkeys(ENDINGS.values())
    ]


def _typed_ending(filters: Filters) -> str | None:
    return filters.query.ended and filters.query.ended.replace("_", "-")


def _chosen_status(filters: Filters) -> str | None:
    """Return the status of a search as an option of the form, or None."""
    typed = (filters.status or "").casefold()
    exact = next((word for word in STATUSES if word.casefold() == typed), None)
    return exact or (state_word(filters.query.state) if filters.query.state else None)


def _picked(block_id: str, label: str, kind: str, initial: str, value: str | None) -> Block:
    element: Block = {"type": kind, "action_id": block_id}
    if value:
        element[initial] = value
    shown = plain_text(label, MAX_LABEL)
    return {"type": "input", "block_id": block_id, "label": shown, "element": element, "optional": True}


def _chosen(view: Mapping[str, Any], block_id: str, name: str) -> str:
    elements = view.get("state", {}).get("values", {}).get(block_id) or {}
    return next((str(element[name]) for element in elements.values() if element.get(name)), "")
