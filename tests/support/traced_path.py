"""Counts the modules on a call's path, from the slash command to the audit message.

    python -m tests.support.traced_path

A hop is a call from one module of `bot`, `storage` or `providers` into another. A return is no hop, nor is a
resumed coroutine. Workers find their work in the log, and their hops count too.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

from tests.integration.bench import AGENT, bench
from tests.storage.samples import NUMBER
from tests.support.tree import ROOT

ROOMS = tuple(str(ROOT / room) for room in ("bot", "storage", "providers"))
BEGINS = 8
"""Bytes of code before a function's first line. A later position means a resumed coroutine."""


@dataclass
class Trace:
    """The traced modules in the order of their first call, and the hops between them."""

    modules: dict[str, None] = field(default_factory=dict)
    hops: Counter[tuple[str, str]] = field(default_factory=Counter)
    _known: dict[CodeType, str | None] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Record a call, as `sys.setprofile` reports it."""
        if event != "call" or frame.f_code.co_name == "<module>":
            return
        into = self._module(frame.f_code)
        if into is None or frame.f_lasti > BEGINS + 2 * len(frame.f_code.co_cellvars):
            return
        self.modules.setdefault(into)
        caller = frame.f_back
        while caller and self._module(caller.f_code) is None:
            caller = caller.f_back
        if caller and (origin := self._module(caller.f_code)) and origin != into:
            self.hops[origin, into] += 1

    def _module(self, code: CodeType) -> str | None:
        if code not in self._known:
            path = code.co_filename
            self._known[code] = str(Path(path).relative_to(ROOT)) if path.startswith(ROOMS) else None
        return self._known[code]


@contextmanager
def traced() -> Iterator[Trace]:
    """Trace this thread."""
    trace = Trace()
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(None)


async def place_a_call(folder: Path) -> Trace:
    """Type a call, press *Place call*, and wait until it is sent and posted."""
    async with bench(folder) as stage:
        writer, reader = stage.bot.store._database.writer, stage.bot.store._database.reader
        async with stage.connected():
            with traced() as trace:
                for thread in (writer._thread, reader._thread):  # each thread has its own profile function
                    await thread.run(lambda _: sys.setprofile(trace))
                heard = await stage.people.person(AGENT).command(f"/place-call {NUMBER}")
                assert heard.ephemeral
                await stage.people.person(AGENT).click(heard.ephemeral, text="Place call")
                await stage.bot.run_until_idle()
                await stage.bot.posts()
            [told] = await stage.said("C0AUDIT")
            assert "Accepted" in told.text
    return trace


def main() -> None:
    """Print the counts."""
    with tempfile.TemporaryDirectory() as folder:
        trace = asyncio.run(place_a_call(Path(folder)))
    hops = sum(trace.hops.values())
    sys.stdout.write(f"{len(trace.modules)} modules, {hops} hops\n")
    for (origin, into), count in trace.hops.most_common(25):
        sys.stdout.write(f"{count:5}  {origin} → {into}\n")


if __name__ == "__main__":
    main()
