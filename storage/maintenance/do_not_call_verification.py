"""Verifies that the rows of stopped numbers agree with the events that stopped them."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from sqlite3 import Connection

from storage.event_log.hash_chain import NumberSeal
from storage.models import Scalar
from storage.repositories.do_not_call import BY_PERSON, COUNTS, EVENTS, SEALED, count_by_list
from storage.repositories.rows import as_event


def stop_faults(connection: Connection) -> Iterator[str]:
    """Yield the differences between the events and the rows of stopped numbers."""
    expected, lists, sealed = _as_events_say(connection)
    query = f"SELECT event FROM stops WHERE list = ? AND {COUNTS}"  # noqa: S608 - fixed text
    kept = {row["event"] for row in connection.execute(query, [BY_PERSON])}
    for stop_id, seq in expected.items():
        if seq not in kept:
            del sealed[stop_id]
            yield f"{stop_id}: calls to its number are no longer stopped, though nobody allowed them."
    for seq in sorted(kept - set(expected.values())):
        yield f"Event {seq} doesn't stop calls, though a number's row says so."
    counted = {name: numbers for name, numbers in count_by_list(connection) if name}
    for name in sorted({*lists, *counted}):
        if lists.get(name, 0) != counted.get(name, 0):
            sealed = {request: one for request, one in sealed.items() if one[0] != name}
            yield f"The list {name} has {counted.get(name, 0)} numbers, its events say {lists.get(name, 0)}."
    yield from _seal_faults(connection, sealed)


def _seal_faults(connection: Connection, sealed: Mapping[str, tuple[str, Scalar]]) -> Iterator[str]:
    """Yield the events whose commitment does not match the hashes of their numbers."""
    salts = dict(
        tuple(row)
        for row in connection.execute(
            "SELECT events.request, salt FROM seals JOIN events ON events.seq = seals.event"
            " ORDER BY seals.event"  # the last one of a request counts
        )
    )
    rows = connection.execute(
        f"""
        SELECT events.request, stops.list, stops.number FROM stops JOIN events ON events.seq = stops.event
        WHERE {COUNTS} ORDER BY events.request, stops.list, stops.number
        """  # noqa: S608 - fixed text
    )
    found = {
        (request, name): NumberSeal(salts.get(request) or b"", name).add(row["number"] for row in some).text()
        for (request, name), some in groupby(rows, key=lambda row: (row["request"], row["list"]))
    }
    for request, (name, promise) in sealed.items():
        if found.get((request, name)) != promise:
            yield f"{request}: the numbers that it stopped aren't those that were written down."


def _as_events_say(
    connection: Connection,
) -> tuple[dict[str, int], dict[str, int], dict[str, tuple[str, Scalar]]]:
    """Return what the events say: the event of each stop, the size of each list, and the seals.

    A seal is that of a request, with the list to which its numbers were added.
    """
    stopped: dict[str, int] = {}
    lists: dict[str, int] = {}
    sealed: dict[str, tuple[str, Scalar]] = {}
    marks = ", ".join("?" for _ in EVENTS)
    rows = connection.execute(
        f"SELECT * FROM events WHERE name IN ({marks}) ORDER BY seq",  # noqa: S608 - marks alone
        sorted(EVENTS),
    )
    for event in map(as_event, rows):
        name = str(event.data.get("list"))
        match event.name:
            case "calls_stopped":
                stopped[event.request] = event.seq
                sealed[event.request] = (BY_PERSON, event.data.get(SEALED))
            case "calls_allowed":
                stopped.pop(event.request, None)
                sealed.pop(event.request, None)
            case "list_imported":
                lists[name] = lists.get(name, 0) + int(event.data.get("added") or 0)
                sealed[event.request] = (name, event.data.get(SEALED))
            case "stop_rekeyed" if "list" in event.data:
                if name:
                    lists[name] = lists.get(name, 0) - int(event.data.get("removed") or 0)
                sealed[event.request] = (name, event.data.get(SEALED))
                if event.data.get(SEALED) is None:
                    del sealed[event.request]
                    stopped.pop(event.request, None)
            case "list_removed":
                lists[name] = lists.get(name, 0) - int(event.data.get("removed") or 0)
                sealed = {request: one for request, one in sealed.items() if one[0] != name}
    return stopped, lists, sealed
