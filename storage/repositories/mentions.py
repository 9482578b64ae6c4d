"""Finds the texts of the log that mention a number, in any spelling."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from sqlite3 import Connection

from providers.masking import NumberFinder


@contextmanager
def mentions_function(connection: Connection, numbers: Sequence[str]) -> Iterator[None]:
    """Provide the SQL function ``mentions``: whether a text holds any of some numbers, in any spelling."""
    finders = [NumberFinder(number) for number in numbers]

    def mentions(text: str) -> bool:
        return any(finder.is_in(text) for finder in finders)

    connection.create_function("mentions", 1, mentions, deterministic=True)
    try:
        yield
    finally:
        connection.create_function("mentions", 1, None)


def mentions_any(connection: Connection, request: str, numbers: Sequence[str]) -> bool:
    """Return whether the kept values of a request mention any of some numbers."""
    if not numbers:
        return False
    with mentions_function(connection, numbers):
        found = connection.execute(
            """
            SELECT 1 FROM personal JOIN events ON events.seq = personal.event
            WHERE events.request = ? AND personal.value IS NOT NULL AND mentions(personal.value)
            """,
            [request],
        )
        return found.fetchone() is not None


def left_for_good(connection: Connection, numbers: frozenset[str]) -> list[str]:
    """Return the requests whose events hold any of some numbers for good, in event order."""
    if not numbers:
        return []
    with mentions_function(connection, sorted(numbers)):
        rows = connection.execute(
            "SELECT request FROM events WHERE mentions(data) GROUP BY request ORDER BY min(seq)"
        )
        return [request for (request,) in rows]
