"""Verifies that the rows of call lists are those that were requested and approved."""

from collections.abc import Iterator
from sqlite3 import Connection

from storage.event_log.hash_chain import LIST_PAUSED, LIST_RESUMED, REQUESTED, commitment
from storage.repositories.call_list_rows import rows_of
from storage.repositories.rows import as_event


def call_list_faults(connection: Connection) -> Iterator[str]:
    """Yield the differences between the events of call lists and their rows."""
    lists = connection.execute("SELECT id, request, paused FROM call_lists WHERE request IS NOT NULL")
    for list_id, request, paused in lists.fetchall():
        events = [
            as_event(row)
            for row in connection.execute("SELECT * FROM events WHERE request = ? ORDER BY seq", [request])
        ]
        asked = next((event for event in events if event.name == REQUESTED), None)
        if asked is None or asked.data.get("rows_sha256") != rows_of(connection, list_id):
            yield f"{request}: the rows of its list aren't those that were requested."
        held = [event.name for event in events if event.name in {LIST_PAUSED, LIST_RESUMED}]
        if bool(paused) is not (held[-1:] == [LIST_PAUSED]):
            yield f"{request}: whether its list is paused isn't what its events say."
    rows = connection.execute(
        "SELECT list, line, salt, value, sealed FROM call_list_rows WHERE value IS NOT NULL"
    )
    for list_id, line, salt, value, sealed in rows:
        if commitment(salt or b"", value) != sealed:
            yield f"List {list_id}: its row of line {line} isn't what was written down."
    strange = connection.execute(
        """
        SELECT made.id FROM requests AS made
        WHERE made.call_list IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM call_lists WHERE call_lists.request = made.call_list)
        """
    )
    for (made,) in strange:
        yield f"{made}: the call list that it belongs to isn't there."
