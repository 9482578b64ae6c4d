"""Benchmark of the CPU time of parsing what people type, in its worst shapes: `make bench`.

    python -m tests.benchmarks.reading [runs]

A command of 8 000 characters and a message of 100 000 must each take less than 100 ms, a list of fifty rows
less than 50 ms. A guest's command of 8 000 characters must take less than 5 ms from Bolt's dispatch to its
answer. The time is the process's own. `make test` does not run this file.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from slack_bolt.request.async_request import AsyncBoltRequest

from bot.app import create_app
from bot.parsing import mentions
from bot.parsing.command import Verb
from bot.text import policy_reasons
from tests.integration.bench import bench
from tests.integration.test_gate import Case, sent
from tests.security.hostile_texts import of_length
from tests.security.test_bounded_reading import MOST, typed

RUNS: Final = 5
GOALS: Final = {"command": 0.1, "message": 0.1, "list": 0.05, "guest": 0.005}
"""Longest allowed CPU time, in seconds."""
LIST: Final = "\n".join(
    f"{row}\tCustomer {row}\t98765 4{row:04}\t12 May\t{row}500.00" for row in range(1, 51)
)


def seconds(run: Callable[[], object], runs: int) -> float:
    """Return the median CPU time of some runs."""
    taken = []
    for _ in range(runs):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


async def guests(runs: int) -> tuple[float, str]:
    """Return the median CPU time of answering a guest's slowest command, and its name.

    The log knows the guest.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with bench(Path(folder)) as stage:
            app = create_app(stage.bot.surfaces)
            worst = (0.0, "")
            for name, text in of_length(MOST).items():
                taken = []
                for run in range(runs + 1):
                    case = Case("/calls", "slash_commands", command(f"cancel {text}"[:MOST]))
                    body = sent(stage, case, "U0GUEST")
                    request = AsyncBoltRequest(body=body, mode="socket_mode")
                    begun = time.process_time()
                    answer = await app.async_dispatch(request)
                    if run:  # the first run looks the guest up
                        taken.append(time.process_time() - begun)
                    assert policy_reasons.GUEST in answer.body, answer.body
                worst = max(worst, (statistics.median(taken), name))
            return worst


def command(text: str) -> dict[str, object]:
    """Return what Slack sends for a command, without the user."""
    return {"command": "/calls", "text": text, "channel_id": "C0SUPPORT", "response_url": ""}


def main(runs: int) -> int:
    """Print the worst of each kind against its goal, and return how many miss theirs."""
    worst = {"guest": asyncio.run(guests(runs))}
    for region in ("IN", "DE"):
        for name, text in of_length(MOST).items():
            commands = [typed(text, verb, region) for verb in (Verb.CANCEL, Verb.PLACE, Verb.STOP)]
            message = {"text": (text * 13)[:100_000], "blocks": []}
            messages = [partial(mentions.read, message, default_region=region)]
            for kind, runners in (("command", commands), ("message", messages)):
                for run in runners:
                    worst[kind] = max(worst.get(kind, (0.0, "")), (seconds(run, runs), f"{name}, {region}"))
        worst["list"] = max(
            worst.get("list", (0.0, "")), (seconds(typed(LIST, Verb.CANCEL, region), runs), region)
        )
    for kind, (taken, what) in worst.items():
        print(  # noqa: T201 - it prints
            f"{kind:8} {taken * 1000:6.1f} ms, goal {GOALS[kind] * 1000:.0f} ms: {what}"
        )
    return sum(taken > GOALS[kind] for kind, (taken, _) in worst.items())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
