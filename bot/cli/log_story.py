"""The text of `python -m bot log show`: the state of a request, and its story in sentences.

Words of people and providers are quoted, below the line that they belong to.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bot.services.export import target
from bot.services.outcomes import WARNING
from bot.text.terminal import INDENT, Painted, Style, TerminalLine, cell, quoted
from bot.text.vocabulary import state_word
from bot.ui.details_modal import DID, did
from providers.masking import mask_numbers
from storage.call_ends import END
from storage.event_log import hash_chain
from storage.models import SYSTEM, Event, Request, Scalar
from storage.repositories.audit import DENIED_ATTEMPT, EXPORTED, FAULT
from storage.states import State
from storage.store import Store

PersonalValues = Sequence[tuple[int, str, str]]
"""Erasable values beside events: the event's number, the field, and the value with masked numbers."""

STATE_STYLES: Final[Mapping[State, Style]] = {
    State.PENDING: Style.ATTENTION,
    State.UNKNOWN: Style.ATTENTION,
    State.SUCCEEDED: Style.GOOD,
    State.FAILED: Style.BAD,
    State.REFUSED: Style.BAD,
    State.DENIED: Style.ASIDE,
    State.WITHDRAWN: Style.ASIDE,
    State.EXPIRED: Style.ASIDE,
}
"""The colour of each state. States that pass by themselves have none."""

_MACHINE: Final = "CallOps"
RAW, HEADERS = "raw", "headers"
_OF_THE_MACHINE: Final = "os:"
"""The prefix of a user of the operating system."""
_OF_NO_REQUEST: Final[Mapping[str, str]] = {
    FAULT: "ran into an error",
    DENIED_ATTEMPT: "tried to use CallOps, but isn't allowed to",
    EXPORTED: "took full numbers out of the log",
    hash_chain.PURGED: "erased personal data",
    hash_chain.RULES: "put other rules in force",
    hash_chain.CALLS_STOPPED: "blocked a number",
    hash_chain.CALLS_ALLOWED: "unblocked the number",
    hash_chain.CALLS_PAUSED: "paused calls",
    hash_chain.CALLS_RESUMED: "let paused calls go on",
    hash_chain.LIST_IMPORT_BEGAN: "began to import a do-not-call list",
    hash_chain.LIST_IMPORTED: "imported a do-not-call list",
    hash_chain.LIST_REMOVED: "removed a do-not-call list",
    hash_chain.REKEYED: "gave the log another key",
    hash_chain.STOP_REKEYED: "kept what is blocked under another key",
}
"""The act of each event that belongs to no request."""
_ONLY_AS_JSON: Final = frozenset({"record", HEADERS, END})


async def known_names(store: Store, people: Iterable[str], *, default_region: str) -> Mapping[str, str]:
    """Return what the people that the log knows by name are called, by id. No two are called the same."""
    known = [await store.users.person(one) for one in sorted(set(people))]
    named = {one.id: one.name for one in known if one and one.name}
    names = {id_: mask_numbers(name, default_region=default_region) for id_, name in named.items()}
    times = Counter([*names.values(), _MACHINE])
    return {
        id_: name if times[name] == 1 and "(" not in name else f"{name} ({id_})"
        for id_, name in names.items()
    }


def people_in(request: Request | None, events: Iterable[Event]) -> Iterator[str]:
    """Yield the ids of everybody whom a story names."""
    if request:
        yield request.requester
    for event in events:
        yield from (str(one) for one in (event.actor, event.data.get("person")) if one)


def lines(
    request: Request | None,
    events: Sequence[Event],
    kept: PersonalValues,
    names: Mapping[str, str],
    *,
    default_region: str,
) -> Iterator[TerminalLine]:
    """Yield how a request stands and what happened, in order. Some events belong to no request."""
    if request:
        yield from _standing(request, names, default_region)
    told_apart = {id_: name for id_, name in names.items() if not name.endswith(f"({id_})")}
    called = ", ".join(f"{cell(name)} is {cell(id_)}" for id_, name in told_apart.items())
    yield Painted(f"Times are in UTC. {called}." if called else "Times are in UTC.", Style.ASIDE)
    width = max((len(cell(event.action)) for event in events), default=0)
    for event in events:
        did_it = _did(event, names, kept)
        by_itself = event.actor == SYSTEM and event.name in DID
        sentence = f"{did_it[0].upper()}{did_it[1:]}" if by_itself else f"{actor(event, names)} {did_it}"
        yield f"{event.at:%Y-%m-%d %H:%M:%S}  {cell(event.action).ljust(width)}  {sentence}"
        yield from (f"{INDENT}{line}" for line in _beside(event, kept, of_request=request is not None))


def _standing(request: Request, names: Mapping[str, str], region: str) -> Iterator[TerminalLine]:
    """Yield how a request and each of its actions stand."""
    who, through = cell(names.get(request.requester, request.requester)), cell(request.connection)
    yield [f"{request.id}  ", _state(request.state), f" · requested by {who} · {through}"]
    for record in request.actions:
        aim = cell(target(record, default_region=region))
        yield [f"  {record.id}  {record.kind}  {aim}  ", _state(record.state)]
        if record.message:
            yield f"      {quoted(mask_numbers(record.message, default_region=region))}"


def _state(state: State) -> str:
    style = STATE_STYLES.get(state)
    return Painted(state_word(state), style) if style else state_word(state)


def actor(event: Event, names: Mapping[str, str]) -> str:
    """Return who did something: a person by name, or the machine."""
    if event.actor == SYSTEM:
        return _MACHINE
    if event.actor.startswith(_OF_THE_MACHINE):
        return cell(f"operator {event.actor.removeprefix(_OF_THE_MACHINE)}")
    return cell(names.get(event.actor, event.actor))


def _did(event: Event, names: Mapping[str, str], kept: PersonalValues) -> str:
    if event.name in DID:
        return did(
            event,
            person=lambda one: cell(names.get(one, one)),
            channel=cell,
            when="{:%Y-%m-%d %H:%M}".format,
            kept_end=next((value for seq, field, value in kept if (seq, field) == (event.seq, END)), None),
        )
    return _OF_NO_REQUEST.get(event.name) or cell(event.name)


def _beside(event: Event, kept: PersonalValues, *, of_request: bool) -> Iterator[str]:
    """Yield what was said with an event: the provider's words, people's, and what there is of no request."""
    if event.name == hash_chain.RULES:
        yield quoted(event.data["difference"])
    elif of_request:
        told = [value for name, value in event.data.items() if name == "message" or name.startswith(WARNING)]
        yield from (quoted(value) for value in told if value)
    else:
        yield from (f"{cell(name)}: {_datum(value)}" for name, value in event.data.items())
    yield from (
        f"{cell(field)}: {quoted(value)}"
        for seq, field, value in kept
        if seq == event.seq and field not in _ONLY_AS_JSON
    )


def _datum(value: Scalar) -> str:
    return quoted(value) if isinstance(value, str) else str(value)
