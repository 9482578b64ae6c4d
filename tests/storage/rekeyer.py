"""A process that gives a log another key, and kills itself before a given statement."""

import os
import signal
import sys
from pathlib import Path
from sqlite3 import Connection

from storage.database.connection import open_for_writing
from storage.maintenance.rekey import rekey

if __name__ == "__main__":
    path, last, *numbers = sys.argv[1:]
    statements = 0

    def step(_: str) -> None:
        """Count a statement, and die before the last."""
        global statements  # noqa: PLW0603 - a process of its own
        statements += 1
        if statements == int(last):
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(file: Path) -> Connection:
        """Open the file, and count from here."""
        connection = open_for_writing(file)
        connection.set_trace_callback(step)
        return connection

    rekey(Path(path), bytes(32), bytes([1] * 32), actor="operator", numbers=numbers, connect=connect)
    print(statements)  # noqa: T201 - for the test
