"""The open pages: each is one stream of server-sent events, seen with one person's eyes.

The format: html.spec.whatwg.org/multipage/server-sent-events.html, read 2026-11.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

BEHIND: Final = 1000
"""Events that may wait for a browser; one that is further behind is let go, and comes back for all of it."""
STILL_THERE: Final = 15.0
"""Seconds of silence until a comment is sent, which shows whether anybody still listens."""


@dataclass(eq=False)
class Browser:
    """One open page."""

    person: str
    _waiting: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(BEHIND))

    def tell(self, event: str, content: object) -> None:
        """Send an event; in the order in which they are told."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        try:
            self._waiting.put_nowait(f"event: {event}\ndata: {text}\n\n")
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Send nothing more."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def stream(self) -> AsyncIterator[str]:
        """What is sent, as it comes."""
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
        """A page was opened."""
        self._open.add(browser)

    def remove(self, browser: Browser) -> None:
        """A page was closed."""
        self._open.discard(browser)

    def tell(self, event: str, content: object) -> None:
        """Tell everybody the same."""
        for browser in self._open:
            browser.tell(event, content)

    def tell_each(self, event: str, content: Callable[[str], object]) -> None:
        """Tell each what its person sees."""
        for browser in self._open:
            browser.tell(event, content(browser.person))
