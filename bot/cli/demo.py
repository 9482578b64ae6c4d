"""`python -m bot demo`: the playground, with our log read for its page.

The only module that imports the playground, and only once it is asked for: a bot that serves has no need
of it.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.cli.log import summary
from bot.cli.manifest import MANIFEST
from bot.config.settings import DEFAULT_REGION
from bot.text.terminal import complain
from providers.masking import mask_numbers
from storage.models import Request
from storage.queries import Query
from storage.store import Store

RECENT = 50
"""Actions that the page shows at most; older ones are in the log all the same."""


def demo(*, port: int | None, browser: bool, keep: bool) -> int:
    """Run the demo until it is ended, and return the exit status."""
    try:
        from playground.demo import Wanted, run  # noqa: PLC0415 - nothing else here knows the playground
    except ModuleNotFoundError as missing:
        complain(
            f"The demo needs {missing.name}. Install CallOps with its extra, callops[playground], "
            "or run `make demo` in the project's folder."
        )
        return 2
    return run(Wanted(port, MANIFEST, browser=browser, keep=keep), open_log)


@asynccontextmanager
async def open_log(path: Path, key: str) -> AsyncIterator["LogWatch"]:
    """Open the log in a file for as long as it is watched."""
    log = await Store.open(path, key=base64.b64decode(key), clock=lambda: datetime.now(UTC))
    try:
        yield LogWatch(log, path)
    finally:
        await log.close()


class LogWatch:
    """Tells what changed in the log of another process."""

    def __init__(self, store: Store, path: Path) -> None:
        self._log, self._file = store, path.with_name(f"{path.name}-wal")
        self._written: tuple[int, int] | None = None
        self._known: dict[str, int] = {}

    async def __call__(self) -> list[dict[str, Any]]:
        """Return the requests that changed since the last call, whole, oldest first, as JSON."""
        if (written := self._stamp()) == self._written:
            return []
        self._written = written
        recent = (await self._log.search.page(Query(), limit=RECENT)).actions
        newest = {  # a note moves nothing, and is told all the same
            one: (await self._log.requests.events(one))[-1].seq
            for one in dict.fromkeys(record.request for record in reversed(recent))
        }
        changed = [one for one, last in newest.items() if self._known.get(one) != last]
        self._known |= newest
        return [await self._told(await self._log.requests.request(one)) for one in changed]

    def _stamp(self) -> tuple[int, int]:
        """Return a stamp that changes with every commit, first written here (sqlite.org/wal.html)."""
        found = self._file.stat()
        return found.st_mtime_ns, found.st_size

    async def _told(self, request: Request) -> dict[str, Any]:
        events = await self._log.requests.events(request.id)
        return {
            "id": request.id,
            "state": request.state,
            "requester": request.requester,
            "reason": request.reason and mask_numbers(request.reason, default_region=DEFAULT_REGION),
            "asked_at": request.asked_at.isoformat(),
            "actions": [
                summary(record, DEFAULT_REGION)
                | {"attempt": record.attempt, "message": record.message, "code": record.code}
                for record in request.actions
            ],
            "events": [
                {"seq": event.seq, "at": event.at.isoformat(), "action": event.action, "name": event.name}
                | {"actor": event.actor, "state": event.data.get("state"), "hash": event.hash}
                for event in events
            ],
        }
