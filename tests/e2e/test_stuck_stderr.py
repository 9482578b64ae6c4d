import fcntl
import os
import socket
import time

import aiohttp
import pytest

from tests.e2e.scene import NUMBER, SOCKET_MODE_ONLY, Scene, private, words
from tests.e2e.test_busy_log import in_time

pytestmark = pytest.mark.asyncio(loop_scope="session")

PIPE = 4096
"""Bytes that the pipe holds. The bot's first lines do not fit."""
STOPS_WITHIN = 10.0


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@SOCKET_MODE_ONLY
@pytest.mark.parametrize("read_again", [False, True], ids=["never read", "read again"])
async def test_a_bot_whose_log_nobody_reads(dark_scene: Scene, *, read_again: bool) -> None:
    """The pipe is full from the first line on. Commands, health checks and SIGTERM are still answered."""
    scene, port = dark_scene, free_port()
    reads, writes = os.pipe()
    size = fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, PIPE)
    os.write(writes, b"x" * size)
    scene.told_otherwise["PORT"] = str(port)
    bot = scene.bot = await scene._spawn("bot", "serve", environment=scene.environment(), errors=writes)
    os.close(writes)
    await scene.slack.bot_connected(30)
    assert "Place a call" in words(private(await in_time(scene.asha.command("/calls help"))))
    await scene.place(f"/place-call {NUMBER}")
    await scene.audit("*Placed*")
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
        assert answer.status == 200
    said = b""
    if read_again:
        while b"CallOps is connected to workspace" not in said:
            said += os.read(reads, PIPE)
    began = time.monotonic()
    assert await scene.stop_bot() == 0
    assert time.monotonic() - began < STOPS_WITHIN
    assert bot.returncode == 0
    os.close(reads)
