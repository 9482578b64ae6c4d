"""`python -m playground`: a Slack workspace and the voice providers, on loopback, until a signal ends them.

Prints all addresses as a line of JSON once everything is ready.
"""

import argparse
import asyncio
import json
import signal
from contextlib import AsyncExitStack
from pathlib import Path

from playground import content, manifest, slack
from playground.opened import listed_in, nothing_opened


def main() -> None:
    """Run until SIGTERM or SIGINT, then stop cleanly with exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="the Slack stand-in's port; 0 takes any that is free"
    )
    parser.add_argument(
        "--manifest", type=Path, help="the app's manifest.yml, whose scopes are then enforced"
    )
    parser.add_argument("--workspace", type=Path, help="people and channels, as JSON")
    parser.add_argument("--journal", type=Path, help="where the providers' journal is also written")
    parser.add_argument(
        "--opened",
        type=Path,
        help="a file of addresses, as http://127.0.0.1:8080, a line each: to no other is anything posted",
    )
    asyncio.run(_run(parser.parse_args()))


async def _run(options: argparse.Namespace) -> None:
    from playground import providers  # noqa: PLC0415 - `--help` needs none of it

    ended = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, ended.set)
    opened = listed_in(options.opened) if options.opened else nothing_opened
    async with AsyncExitStack() as stack:
        standins = await providers.start(stack, journal=options.journal, opened=opened)
        running = await slack.start(
            stack,
            port=options.port,
            workspace=content.read(options.workspace),
            manifest=manifest.read(options.manifest) if options.manifest else None,
            routes=standins.routes,
            opened=opened,
        )
        own = {"slack": f"{running.address}/api/", "control": f"{running.address}/control/"}
        print(json.dumps(own | standins.addresses), flush=True)
        await ended.wait()


if __name__ == "__main__":
    main()
