"""Idempotency keys: Slack's deliveries, and the button or form that started a request."""

from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Final

from storage.event_log.hash_chain import microseconds

DELIVERIES_KEPT: Final = timedelta(days=7)
"""Retention of a delivery's key. Slack repeats a delivery for some minutes."""


def used_by(connection: Connection, *, delivery_key: str | None, nonce: str | None) -> str | None:
    """Return the request that used either key, or None."""
    used = connection.execute(
        """
        SELECT request FROM deliveries WHERE delivery_key = ?
        UNION ALL SELECT request FROM nonces WHERE nonce = ? AND request IS NOT NULL
        """,
        [delivery_key, nonce],
    ).fetchone()
    return None if used is None else str(used["request"])


def use_up(
    connection: Connection, request: str, *, delivery_key: str | None, nonce: str | None, now: datetime
) -> None:
    """Record that a request used these keys."""
    if delivery_key is not None:
        connection.execute("DELETE FROM deliveries WHERE at < ?", [microseconds(now - DELIVERIES_KEPT)])
        connection.execute(
            "INSERT INTO deliveries VALUES (?, ?, ?)", [delivery_key, request, microseconds(now)]
        )
    if nonce is not None:
        connection.execute(
            """
            INSERT INTO nonces (nonce, request, at) VALUES (?, ?, ?)
            ON CONFLICT (nonce) DO UPDATE SET request = excluded.request, content = NULL
            """,
            [nonce, request, microseconds(now)],
        )
