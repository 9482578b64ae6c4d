"""The demo: runs the page, the stand-ins and the real bot on this machine until a signal."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from playground.serving import HOST, listen, served
from playground.stage import KEY, Stage
from playground.web import surface
from playground.web.feed import Feed, ReadLog
from playground.web.page import create_app

USUAL_PORT: Final = 4800
"""The page's port if no other is given and this one is free."""
DEADLINE, LEASE = 3, 5
"""Seconds until the bot stops waiting for a reply, and until a dead bot's requests count as lost."""
ENDED_BY: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

FAILED, CANNOT_START = 1, 2
"""Exit statuses, the same as those of the app's commands."""

SETTLED: Final = 'settle = ["managers"]'
"""A line of every rule. In the demo, managers may see whole numbers too."""

OpenLog: TypeAlias = Callable[[Path, str], AbstractAsyncContextManager[ReadLog]]
"""Opens the app's log, by its file and key."""


@dataclass(frozen=True)
class Wanted:
    """Options of the command line, and the app's manifest.

    ``port`` None means the usual one, or else any free one.
    """

    port: int | None
    manifest: Path
    browser: bool = True
    keep: bool = False


def run(wanted: Wanted, open_log: OpenLog) -> int:
    """Run until a signal, and return the exit status. All data is in one folder, which is printed."""
    folder = Path(tempfile.mkdtemp(prefix="callops-demo-"))
    try:
        return asyncio.run(_run(folder, wanted, open_log))
    finally:
        if wanted.keep:
            print(f"Kept: {folder}", flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, wanted: Wanted, open_log: OpenLog) -> int:
    ended = asyncio.Event()
    for one in ENDED_BY:
        asyncio.get_running_loop().add_signal_handler(one, ended.set)
    try:
        listening = _listen(wanted.port)
    except OSError as error:
        print(f"Port {wanted.port} cannot be had: {error.strerror}. Try another --port.", file=sys.stderr)
        return CANNOT_START
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        serving = asyncio.create_task(_serve(folder, wanted, open_log, listening))
        ending = asyncio.create_task(ended.wait())
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if ended.is_set():
            print("\nStopping.", flush=True)
            serving.cancel()
            await asyncio.wait({serving})
            return 0 if serving.cancelled() else _failed(serving)
        return _failed(serving)


def _failed(serving: "asyncio.Task[None]") -> int:
    error = serving.exception()
    while isinstance(error, BaseExceptionGroup):  # the first error is the cause
        error = error.exceptions[0]
    print(f"The demo had to stop: {type(error).__name__}: {error}", file=sys.stderr)
    return FAILED


async def _serve(folder: Path, wanted: Wanted, open_log: OpenLog, listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    address = f"http://{HOST}:{port}/"
    print("Starting a Slack, four voice providers and CallOps on this machine …", flush=True)
    async with Stage(
        folder, deadline=DEADLINE, lease=LEASE, webhooks=True, manifest=wanted.manifest
    ) as stage:
        stage.write_configuration({SETTLED: f'{SETTLED}\nreveal = ["managers"]'})
        stage.connect_further()
        await stage.start_bot()
        await stage.report_ends(wanted=True)
        async with open_log(folder / "callops.db", KEY) as read_log:
            feed = Feed(stage, surface.read(stage.manifest), read_log)
            await feed.catch_up()
            hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})
            async with served(create_app(feed, stage.slack, hosts), listening):
                kept = "kept at the end" if wanted.keep else "gone at the end; --keep keeps it"
                print(f"CallOps is at {address}", f"Its data: {folder} ({kept})", sep="\n")
                print("Ctrl-C stops everything.", flush=True)
                if wanted.browser and _has_screen():
                    await asyncio.to_thread(webbrowser.open, address)
                await feed.run()


def _listen(port: int | None) -> socket.socket:
    """Return a listening socket on the port. None means the usual one, or any if that is taken."""
    if port is not None:
        return listen(port)
    try:
        return listen(USUAL_PORT)
    except OSError:
        return listen(0)


def _has_screen() -> bool:
    """Return whether a browser could show anything. On Linux this needs a display."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
