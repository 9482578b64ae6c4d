import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from playground.content import BOT_TOKEN
from playground.people import ImpossibleError, Workspace
from tests.support.tree import ROOT


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
async def test_the_playground_is_one_process(ended_by: signal.Signals) -> None:
    """The process prints a line with every address and works. A signal ends it with status 0."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "playground", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    addresses = json.loads(await process.stdout.readline())
    assert set(addresses) == {"slack", "control", "callkaro", "voxworks", "ryng", "kore"}
    async with Workspace(addresses["control"]) as people:
        client = AsyncWebClient(token=BOT_TOKEN, base_url=addresses["slack"])
        await client.chat_postMessage(channel="U0AGENT", text="here")
        assert [one.text for one in await people.person("U0AGENT").direct()] == ["here"]
        assert isinstance(await people.ask("GET", "/providers/callkaro/calls"), list)
        hanging = asyncio.create_task(people.person("U0AGENT").wait_for(lambda one: one.text == "never"))
        await asyncio.sleep(0.05)
        process.send_signal(ended_by)
        async with asyncio.timeout(10):
            rest, _ = await process.communicate()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
    assert (process.returncode, rest) == (0, b"")


async def test_it_posts_only_to_what_its_starter_opened(tmp_path: Path) -> None:
    """The file of addresses is read at each post. Without a file it posts to none."""
    opened = tmp_path / "opened"
    opened.touch()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground", "--opened", opened), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    addresses = json.loads(await process.stdout.readline())
    async with Workspace(addresses["control"]) as people:
        for listed in ("", "http://127.0.0.1:90\nhttp://127.0.0.1:99"):
            opened.write_text(listed, encoding="utf-8")
            with pytest.raises(ImpossibleError, match="at no address that was opened here"):
                await people.request_url("http://127.0.0.1:9/slack/events")
        opened.write_text("http://127.0.0.1:90\nhttp://127.0.0.1:9", encoding="utf-8")
        await people.request_url("http://127.0.0.1:9/slack/events")
    process.terminate()
    assert await process.wait() == 0
