"""`python -m playground.tour`: the whole workflow, played in the terminal, with every step checked.

Starts the playground and the bot in a process each, and plays an agent, two managers and an onlooker. Exits
with 1 when anything differs from what is expected, and then keeps the files.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playground.company import PATIENCE, Asked, Company
from playground.narrator import NarrationError, Narrator
from playground.scenes import AUDIT, LOG, PAUSES, ROWS, SCENES, Scene
from playground.stage import Stage
from playground.transcript import reader

DEADLINE, LEASE = 3, 5
"""Seconds until the bot stops waiting for a reply, and until a dead bot's requests count as lost."""
OPENING = """\
A Slack workspace, two voice providers and CallOps as it runs anywhere, all on this machine.
What is marked ✓ was checked: on people's screens and at the providers.

Asha   places and cancels calls, in Kolkata
Mira   is a manager, in Kolkata
Sam    is a manager, in New York
Olive  looks on, in London"""


def main(
    arguments: Sequence[str] | None = None,
    scenes: Sequence[tuple[str, Scene]] = SCENES,
    patience: float = PATIENCE,
) -> int:
    """Play the tour, and return the exit status.

    ``patience`` is the time in seconds until an expected message counts as missing.
    """
    parser = argparse.ArgumentParser(prog="python -m playground.tour", description=__doc__)
    parser.add_argument("--quiet", action="store_true", help="print titles and failures only")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the log and the journal")
    parser.add_argument("--http", action="store_true", help="let Slack send its requests over HTTP")
    options = parser.parse_args(arguments)
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")  # https://no-color.org
    narrator = Narrator(sys.stdout, quiet=options.quiet, colours=colours)
    folder = Path(tempfile.mkdtemp(prefix="callops-tour-"))
    well = False
    try:
        well = asyncio.run(play(folder, narrator, scenes, patience, over_http=options.http))
    finally:
        if well and not options.keep:
            shutil.rmtree(folder)
        else:
            narrator.concludes(f"The log, the providers' journal and what the bot wrote: {folder}")
    return 0 if well else 1


async def play(
    folder: Path,
    narrator: Narrator,
    scenes: Sequence[tuple[str, Scene]],
    patience: float,
    *,
    over_http: bool = False,
) -> bool:
    """Play the scenes with all files in ``folder``. Return whether everything was as expected."""
    narrator.shows(OPENING)
    async with Stage(folder, deadline=DEADLINE, lease=LEASE, over_http=over_http, webhooks=True) as stage:
        company = Company(stage, narrator, patience)
        await stage.start_bot()
        try:
            for number, (title, scene) in enumerate(scenes, start=1):
                narrator.title(f"{number} · {title}")
                await scene(company)
            await _look_back(company)
        except NarrationError:
            pass  # it is recorded as a failure
        await _check(company)
    count = len(narrator.failures)
    narrator.concludes(f"{count} of what was expected did not hold." if count else "All is as expected.")
    return not count


async def _look_back(company: Company) -> None:
    """Show and check the final state: in the channel, in the log, at the providers."""
    narrator, stage = company.narrator, company.stage
    narrator.title("In the end")
    eyes = await reader(stage.slack, company.olive.person.id)
    narrator.tells("Olive reads the channel from top to bottom")
    posts = await company.olive.person.channel(AUDIT)
    narrator.shows(eyes.channel(AUDIT, posts))
    one_each = len(posts) == len(LOG) + PAUSES - ROWS
    narrator.expect("There is one message for each request and pause.", holds=one_each, seen=len(posts))
    narrator.tells("The operator reads the log", "python -m bot log list")
    narrator.shows((await stage.command_line("log", "list"))[1].rstrip())
    kept = [f"{one['kind']} {one['target']} {one['state']}" for one in await stage.log("list")]
    narrator.expect_equal("The log has what was asked, and how each ended.", kept[::-1], LOG)
    narrator.tells("What the providers saw, by their own journal")
    narrator.shows("\n".join(str(Asked.of(one)) for one in await company.exchanges()))


async def _check(company: Company) -> None:
    """Check what must hold after any scenes."""
    narrator, stage = company.narrator, company.stage
    narrator.expect_equal("The bot stops when told to, with exit status 0.", [await stage.stop_bot()], [0])
    await company.expect_asked("No provider was asked anything more.")
    narrator.expect_equal("Slack took every message, modal and answer.", await stage.slack.faults(), [])
    status, verdict = await stage.command_line("log", "verify")
    narrator.tells("The operator checks the log", "python -m bot log verify")
    narrator.shows(verdict.rstrip())
    narrator.expect("The log is intact.", holds=status == 0, seen=verdict)
    wrote = stage.bot_log()
    narrator.expect("Nothing failed inside the bot.", holds="Traceback" not in wrote, seen=wrote)


if __name__ == "__main__":
    sys.exit(main())
