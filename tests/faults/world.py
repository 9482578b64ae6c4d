"""A world for processes that are killed: a folder in memory, providers on sockets, and the verdict."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from playground.faults import Fault
from storage.models import ActionRecord
from storage.queries import Query
from storage.store import Store
from tests.faults.judging import Channels, Judgement, Seen, claims, judge, mark_of
from tests.faults.lives import IN_MEMORY
from tests.faults.processes import Place, SharedClock
from tests.faults.standins import AUDIT, Providers
from tests.storage.samples import KEY, verified

PAGE = 500


@dataclass
class World:
    """Everything that outlives the processes."""

    place: Place
    clock: SharedClock
    providers: Providers
    choose: Callable[[], Fault | None] = lambda: None

    def chosen(self) -> Fault | None:
        """Return the fault of the next request, as it is decided now."""
        return self.choose()

    async def judged(self) -> Judgement:
        """Verify the log, and judge it by the journals."""
        log = await Store.open(self.place.log, key=KEY, clock=self.clock)
        try:
            records = list[ActionRecord]()
            after: int | None = None
            while True:
                page = await log.search.page(Query(), after=after, limit=PAGE)
                records += page.actions
                after = page.after
                if after is None:
                    break
            events = [event for record in records for event in await log.requests.events(record.request)]
            verdict = await verified(log)
        finally:
            await log.close()
        assert not verdict.faults, verdict.faults  # the chain, the rows, and SQLite's integrity_check
        heard = {line["request"] for line in self.place.heard.read()}
        marks = {mark_of(record.for_provider) for record in records if record.for_provider}
        self.events = [event.name for event in events]
        self.reaped = sum("CallOps stopped before" in str(event.data.get("message")) for event in events)
        return judge(
            claims(records, events),
            Seen(self.providers.journal, marks),
            Channels(self.place.slack.read(), AUDIT),
            heard=heard,
        )


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Yield a world with nothing in it yet."""
    folder = Path(mkdtemp(dir=IN_MEMORY, prefix="callops-gate-"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        clock = SharedClock(folder)
        providers = Providers(clock, folder / "providers.jsonl")
        stack.callback(providers.recorder.close)
        made = World(Place(folder, {}), clock, providers)
        addresses = await providers.listen(stack, made.chosen)
        made.place = Place(folder, addresses)
        for lines in (made.place.slack, made.place.heard):
            assert lines.path.exists()
        yield made
        await asyncio.sleep(0)
