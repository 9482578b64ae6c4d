"""Which processes write to the log now. What is kept of them is gone soon after they are."""

from datetime import datetime, timedelta
from sqlite3 import Connection

from storage.chain import microseconds
from storage.pacing import MINUTE


def present(connection: Connection, process: str, now: datetime, lives: timedelta) -> int:
    """Keep that a process lives for a while from now, or none; how many there are, itself among them."""
    until = microseconds(now + lives)
    connection.execute("DELETE FROM processes WHERE until <= ? OR process = ?", [microseconds(now), process])
    if lives:
        # By a clock that is set back since; who lives says so again.
        connection.execute("DELETE FROM processes WHERE until > ?", [microseconds(now + lives + MINUTE)])
        connection.execute("INSERT INTO processes (process, until) VALUES (?, ?)", [process, until])
    [(count,)] = connection.execute("SELECT count(*) FROM processes")
    return int(count)
