"""Sentences on a search of the log: its filters, and faults in how it was typed."""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.text.formatting import WORDS, listed, short
from bot.text.markup import code, escape, person, quote
from bot.text.parse_errors import use
from providers.actions import Kind
from providers.phone import mask
from storage.models import Query

_DOING: Final = {
    Kind.PLACE_CALL: "place a call",
    Kind.CANCEL_CALL: "cancel a call",
    Kind.DELETE_CAMPAIGN: "delete a campaign",
    Kind.STOP_CAMPAIGN: "stop a campaign",
    Kind.START_CAMPAIGN: "start a campaign",
}
_NAMES_SHOWN: Final = 5

FORGOTTEN = "This page is more than a day old, so what was looked for is forgotten. Type `/calls log` again."

ON_WITH_OTHERS = "on= is one day. For several take from= and until=."


def no_key(said: str, keys: Iterable[str]) -> str:
    return f"“{short(said)}=” is not a key of the log. {use(keys)}"


def none_of(key: str, there: Iterable[str], typed: str) -> str:
    return f"{key}= takes one of: {', '.join(there)}. {code(short(typed))} is none of them."


def number_missing(flag: str) -> str:
    return f"Say which number: {flag} tells of one number's calls."


def outside_text(typed: str) -> str:
    return f"{code(short(typed))} stands outside text=. Put all the words inside it."


def too_long(characters: int) -> str:
    return f"That is too long. Look for {characters} characters at most."


def until_before_from(last: str, first: str) -> str:
    return f"until={last} is before from={first}. Swap the two."


def several_people(name: str, known: Sequence[str]) -> str:
    names = listed([quote(one) for one in known[:_NAMES_SHOWN]], "and")
    return f"by={escape(name)} could be several people: {names}. Press *Filter…* to choose."


def nobody_called(name: str) -> str:
    return f"Nobody called {quote(name)} has used CallOps yet. Press *Filter…* to choose from everybody."


def sought(query: Query, first: str | None, last: str | None) -> str:
    """Return a search in words, with its days as they were typed, or an empty text if it has no filters."""
    said = [
        query.requester and f"by {person(query.requester)}",
        query.connection and f"through {query.connection}",
        query.kind and f"to {_DOING[query.kind]}",
        query.number and f"number {mask(query.number)}",
        query.state and WORDS[query.state],
        _days(first, last),
        query.text and f"with {quote(query.text)} in a reason or a note",
    ]
    return ", ".join(filter(None, said))


def _days(first: str | None, last: str | None) -> str:
    if first and first == last:
        return f"on {first}"
    return " ".join([*([f"from {first}"] if first else []), *([f"until {last}"] if last else [])])
