import asyncio
import base64
from pathlib import Path

import pytest

from playground import callkaro, content, voxworks
from playground.stage import KEY
from tests.road.scene import NUMBER, SOCKET_MODE_ONLY, Printed, Scene, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRETS = (content.BOT_TOKEN, content.APP_TOKEN, callkaro.KEY, voxworks.KEY, KEY)
NOWHERE = "http://127.0.0.1:9/"
"""The discard port, where nobody listens."""
OTHER_KEY = base64.b64encode(bytes(32)).decode()


def refuses(printed: Printed) -> str:
    """What the operator reads: sentences, no traceback, no secret."""
    assert printed.status == 2
    assert printed.output == ""
    assert "CallOps cannot start" in printed.errors
    assert "Traceback" not in printed.errors
    assert not [secret for secret in SECRETS if secret in printed.errors]
    return printed.errors


async def test_what_keeps_the_bot_from_starting_is_a_sentence(dark_scene: Scene) -> None:
    """Exit status 2, the reason in words, no traceback, no secret."""
    told = {
        "Slack does not take SLACK_BOT_TOKEN: invalid_auth": {"SLACK_BOT_TOKEN": "xoxb-wrong"},
        "Slack does not take SLACK_APP_TOKEN: invalid_auth": {"SLACK_APP_TOKEN": "xapp-wrong"},
        f"Slack cannot be reached at {NOWHERE}": {"SLACK_API_URL": NOWHERE},
        "nowhere.toml is not there: copy callops.example.toml": {"CALLOPS_CONFIG": "nowhere.toml"},
        "/nowhere": {"DATABASE_URL": "sqlite:////nowhere/callops.db"},
    }
    printed = await asyncio.gather(
        *(dark_scene.terminal("serve", **variables) for variables in told.values())
    )
    for says, one in zip(told, printed, strict=True):
        assert says in refuses(one)


@SOCKET_MODE_ONLY
async def test_slack_in_trouble_at_the_start_is_a_sentence(dark_scene: Scene) -> None:
    """Whatever befalls the first calls, the operator reads that it is Slack's trouble and not the tokens'."""
    troubles = {"HTTP 500": ("auth.test", "server_error")}
    troubles |= {"ServerDisconnectedError": ("apps.connections.open", "reset")}
    troubles |= {"ratelimited": ("apps.connections.open", "ratelimited")}
    for method, does in troubles.values():
        await dark_scene.slack.fail(method, does)
    printed = await asyncio.gather(*(dark_scene.terminal("serve") for _ in troubles))
    cannot = f"Slack cannot be reached at {dark_scene.addresses['slack']}: "
    assert {refuses(one).strip().partition(cannot)[2] for one in printed} == troubles.keys()


@SOCKET_MODE_ONLY
async def test_every_fault_is_named_at_once(dark_scene: Scene) -> None:
    """Two faults of the environment and three of the file are all in one answer, in the file's words."""
    dark_scene.write_configuration(
        {
            "C0AUDIT": "call-audit",
            'reason = "required"': 'raison = "required"',
            'settle = ["managers"]': 'settle = ["boss"]',
        }
    )
    said = refuses(await dark_scene.terminal("serve", SLACK_APP_TOKEN="", CALLOPS_KEY=""))
    for part in ("SLACK_APP_TOKEN", "CALLOPS_KEY", "audit_channel", "raison", "reason", "boss"):
        assert part in said


async def test_missing_scopes_are_named(tmp_path: Path) -> None:
    """An app that was installed with too few scopes does not start, and the operator reads which to add."""
    scene = Scene(tmp_path / "scene")
    scene.manifest = tmp_path / "manifest.yml"
    scene.manifest.write_text("oauth_config: {scopes: {bot: [commands, chat:write]}}", encoding="utf-8")
    async with scene:
        said = refuses(await scene.terminal("serve"))
    assert "The Slack app lacks usergroups:read, users:read: update it from manifest.yml" in said


async def test_a_log_of_another_key_is_not_opened(scene: Scene) -> None:
    """With another key no number would be found again: the bot does not start, and the log does not open."""
    await scene.ask("/calls help")
    await scene.stop_bot()
    assert "another key" in refuses(await scene.terminal("serve", CALLOPS_KEY=OTHER_KEY))
    listed = await scene.terminal("log", "list", CALLOPS_KEY=OTHER_KEY)
    assert (listed.status, "another key" in listed.errors) == (2, True)


async def test_a_connection_without_its_secret_is_off_and_named(dark_scene: Scene) -> None:
    """Help and the operator's log say which is off and why; the others work."""
    dark_scene.told_otherwise["VOXWORKS_API_KEY"] = ""
    await dark_scene.start_bot()
    assert "The connection voxworks is off: VOXWORKS_API_KEY not set" in dark_scene.bot_log()
    assert "`voxworks` is off: VOXWORKS_API_KEY not set" in words(await dark_scene.ask("/calls help"))
    assert "voxworks" in words(await dark_scene.ask("/cancel-call vx_1001 via voxworks duplicate"))
    await dark_scene.place(f"/place-call {NUMBER}")
    await dark_scene.audit("Accepted:")
    assert await dark_scene.requests("voxworks") == []


async def test_it_stops_at_once_when_there_is_nothing_to_finish(scene: Scene) -> None:
    """SIGTERM without anything in flight ends with 0 well before it would be killed."""
    async with asyncio.timeout(5):
        assert await scene.stop_bot() == 0
    assert "Stopped" in scene.bot_log()
