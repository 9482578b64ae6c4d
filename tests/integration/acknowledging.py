"""A process with a bot whose log is slow: it prints a line once Slack has the answer to a command."""

import asyncio
import sys
from importlib import import_module
from pathlib import Path

from storage.changes import NewRequest, Recorded
from tests.integration.accepting import CANCEL_LINE
from tests.integration.bench import AGENT, Parts, StepRequests, bench

PAUSE = 0.3
"""Seconds between the parsed command and its commit, in which the process can be killed."""


class SlowRequests(StepRequests):
    """A repository on a slow disk."""

    async def create(self, new: NewRequest) -> Recorded:
        """Record the request after a pause."""
        await asyncio.sleep(PAUSE)
        return await super().create(new)


async def main(folder: Path, module: str, listeners: str) -> None:
    """Serve one command with these listeners, print that Slack was answered, and wait to be killed."""
    parts = Parts(requests_table=SlowRequests, listeners=getattr(import_module(module), listeners))
    async with bench(folder, parts) as stage, stage.connected():
        heard = await stage.people.person(AGENT).command(CANCEL_LINE)
        sys.stdout.write("heard\n" if heard.ephemeral else f"{heard}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
