"""The open pages: each is a stream of server-sent events for a person.

The format: html.spec.whatwg.org/multipage/server-sent-events.html, read 2026-11.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

BEHIND: Final = 1000
"""Events that may wait for a browser. A slower one is disconnected, and reconnects for everything."""
STILL_THERE: Final = 15.0
"""Seconds of silence until a comment is sent, which shows whether the browser is still connected."""


@dataclass(eq=False)
class Browser:
    """An open page."""

    person: str
    _waiting: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(BEHIND))

    def tell(self, event: str, content: object) -> None:
        """Queue an event. Events are sent in order."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        try:
            self._waiting.put_nowait(f"event: {event}\ndata: {text}\n\n")
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """End the stream, without sending anything more."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def stream(self) -> AsyncIterator[str]:
        """Yield the stream's parts as they come."""
        while True:
            try:
                async with asyncio.timeout(STILL_THERE):
                    told = await self._waiting.get()
            except TimeoutError:
                told = ": still there\n\n"
            if told is None:
                return
            yield told


class Browsers:
    """All open pages."""

    def __init__(self) -> None:
        self._open: set[Browser] = set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, browser: Browser) -> None:
        """Add an opened page."""
        self._open.add(browser)

    def remove(self, browser: Browser) -> None:
        """Remove a closed page."""
        self._open.discard(browser)

    def tell(self, event: str, content: object) -> None:
        """Send the same event to all pages."""
        for browser in self._open:
            browser.tell(event, content)

    def tell_each(self, event: str, content: Callable[[str], object]) -> None:
        """Send an event to each page, with the content for its person."""
        for browser in self._open:
            browser.tell(event, content(browser.person))
