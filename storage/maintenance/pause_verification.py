"""Verifies that the rows of pauses agree with the events that made them."""

from collections.abc import Iterator
from sqlite3 import Connection

from storage.event_log.hash_chain import CALLS_PAUSED
from storage.repositories.brake import EVERY_CONNECTION
from storage.repositories.pauses import EVENTS
from storage.repositories.rows import as_event, marks


def pause_faults(connection: Connection) -> Iterator[str]:
    """Yield the differences between the events and the rows of pauses."""
    expected: dict[object, tuple[object, object]] = {}
    rows = connection.execute(
        f"SELECT * FROM events WHERE name IN ({marks(EVENTS)}) ORDER BY seq",  # noqa: S608 - marks alone
        sorted(EVENTS),
    )
    for event in map(as_event, rows):
        name = event.data.get("connection") or EVERY_CONNECTION
        if event.name == CALLS_PAUSED:
            expected[name] = (event.seq, event.data.get("until"))
        else:
            expected.pop(name, None)
    found = {
        row["connection"]: (row["event"], row["until"]) for row in connection.execute("SELECT * FROM pauses")
    }
    for name in sorted({*expected, *found}, key=str):
        if expected.get(name) != found.get(name):
            where = f"of {name}" if name else "of every connection"
            yield f"The pause {where} differs from its events."
