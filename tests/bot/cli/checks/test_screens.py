"""What the check says of a screen that Slack refuses."""

from pathlib import Path

import pytest
from slack_sdk.errors import SlackApiError

from bot.cli.checks.screens import faults_of
from bot.slack.client import make_client
from playground import content
from tests.integration.bench import bench

UNTITLED = {"type": "modal", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]}


async def test_what_slack_refuses_is_named(tmp_path: Path) -> None:
    """Each fault has its place and Slack's words. Another error is passed on."""
    async with bench(tmp_path) as stage:
        client = make_client(content.BOT_TOKEN, f"{stage.slack.address}/api/")
        assert await faults_of(client, {"message": {"blocks": [{"type": "divider"}]}}) == []
        named = await faults_of(client, {"view": UNTITLED})
        assert named
        assert any("title" in one for one in named)
        await stage.people.fail("blocks.validate", "error", code="internal_error")
        with pytest.raises(SlackApiError):
            await faults_of(client, {"view": UNTITLED})
