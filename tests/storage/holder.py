"""A process that holds a database's write lock, as another program beside the bot may.

It prints ``held``, and releases the lock once it reads a line.
"""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.tree import ROOT


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Let another process hold the write lock, until the yielded function is called or the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.holder", str(path), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    assert process.stdin
    assert process.stdout

    async def let_go() -> None:
        if process.returncode is None:
            await process.communicate(b"\n")

    assert await process.stdout.readline() == b"held\n"
    try:
        yield let_go
    finally:
        await let_go()


if __name__ == "__main__":
    connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
    connection.execute("BEGIN IMMEDIATE")
    sys.stdout.write("held\n")
    sys.stdout.flush()
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    connection.close()
