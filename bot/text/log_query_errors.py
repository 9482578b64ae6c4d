"""Sentences on a search of the log: its filters, and faults in how it was typed."""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.text.call_ends import ending_word
from bot.text.formatting import listed, short
from bot.text.markup import code, escape, person, quote
from bot.text.parse_errors import use
from providers.actions import Kind
from providers.phone import mask
from storage.queries import Query

_DOING: Final = {
    Kind.PLACE_CALL: "place a call",
    Kind.CANCEL_CALL: "cancel a call",
    Kind.DELETE_CAMPAIGN: "delete a campaign",
    Kind.STOP_CAMPAIGN: "stop a campaign",
    Kind.START_CAMPAIGN: "start a campaign",
    Kind.PLACE_LIST: "place a call list",
    Kind.CANCEL_LIST: "cancel a call list",
}
_NAMES_SHOWN: Final = 5

FORGOTTEN = "This page is more than a day old. Run `/calls log` again."

ON_WITH_OTHERS = "on= is one day. For several, use from= and until=."


def no_key(said: str, keys: Iterable[str]) -> str:
    return f"The log has no filter “{short(said)}=”. {use(keys)}"


def none_of(key: str, there: Iterable[str], typed: str) -> str:
    return f"{code(short(typed))} isn't a value of {key}=. Use one of: {', '.join(there)}."


def number_missing(flag: str) -> str:
    return f"Add a number: {flag} is about one number's calls."


def outside_text(typed: str) -> str:
    return f"{code(short(typed))} is outside text=. Put all words inside it."


def too_long(characters: int) -> str:
    return f"That's too long. Use {characters} characters at most."


def other_kind(status: str) -> str:
    return f"“{short(status)}” is about another kind of request. Leave out kind=."


def until_before_from(last: str, first: str) -> str:
    return f"until={last} is before from={first}. Swap them."


def several_people(name: str, known: Sequence[str]) -> str:
    names = listed([quote(one) for one in known[:_NAMES_SHOWN]], "and")
    return f"Several people match by={escape(name)}: {names}. Press *Filter…* to choose."


def nobody_called(name: str) -> str:
    return f"No one called {quote(name)} has used CallOps yet. Press *Filter…* to choose anyone."


def sought(query: Query, first: str | None, last: str | None, status: str | None = None) -> str:
    """Return a search in words, with its days as they were typed, or an empty text if it has no filters."""
    said = [
        query.id and escape(query.id),
        status and f"status {escape(status)}",
        query.kind and f"{_DOING[query.kind]}",
        query.ended and f"ended {ending_word(query.ended)}",
        query.number and f"number {mask(query.number)}",
        query.requester and f"by {person(query.requester)}",
        query.connection and f"connection {query.connection}",
        _days(first, last),
        query.text and f"with {quote(query.text)}",
    ]
    return ", ".join(filter(None, said))


def _days(first: str | None, last: str | None) -> str:
    if first and first == last:
        return f"on {first}"
    return " ".join([*([f"from {first}"] if first else []), *([f"until {last}"] if last else [])])
