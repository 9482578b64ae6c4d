import asyncio
import base64
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from playground import callkaro, content, voxworks
from playground.stage import KEY
from tests.e2e.scene import BOTH_MODES, NUMBER, SOCKET_MODE_ONLY, Printed, Scene, until, words
from tests.e2e.test_stuck_stderr import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRETS = (content.BOT_TOKEN, content.APP_TOKEN, callkaro.KEY, voxworks.KEY, KEY)
NOWHERE = "http://127.0.0.1:9/"
"""The discard port, on which nobody listens."""
OTHER_KEY = base64.b64encode(bytes(32)).decode()


def refuses(printed: Printed) -> str:
    """Return the operator's message, after checking that it has no traceback and no secret."""
    assert printed.status == 2
    assert printed.output == ""
    assert "CallOps can't start" in printed.errors
    assert "Traceback" not in printed.errors
    assert not [secret for secret in SECRETS if secret in printed.errors]
    return printed.errors


async def test_metrics_are_served_where_they_are_asked_for(dark_scene: Scene) -> None:
    """They have an address of their own, and tell of every worker and connection of the real process."""
    scene, port = dark_scene, free_port()
    scene.told_otherwise["METRICS"] = f"127.0.0.1:{port}"
    await scene.start_bot()
    await scene.place()
    await scene.audit("*Placed*")
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        shown = await answer.text()
    assert 'callops_outcomes_total{code="queued",state="succeeded"} 1.0' in shown
    assert 'callops_queue_actions{connection="reminders"} 0.0' in shown
    assert 'callops_worker_idle_seconds{worker="write probe"}' in shown
    assert f"Metrics at http://127.0.0.1:{port}/metrics" in scene.bot_log()


async def test_what_keeps_the_bot_from_starting_is_a_sentence(dark_scene: Scene) -> None:
    """The exit status is 2, with a reason, no traceback and no secret."""
    told = {
        "Slack rejects SLACK_BOT_TOKEN: invalid_auth": {"SLACK_BOT_TOKEN": "xoxb-wrong"},
        "Slack rejects SLACK_APP_TOKEN: invalid_auth": {"SLACK_APP_TOKEN": "xapp-wrong"},
        "nowhere.toml isn't there: write one with  python -m bot init": {"CALLOPS_CONFIG": "nowhere.toml"},
        "/nowhere": {"DATABASE_URL": "sqlite:////nowhere/callops.db"},
    }
    printed = await asyncio.gather(
        *(dark_scene.terminal("serve", **variables) for variables in told.values())
    )
    for says, one in zip(told, printed, strict=True):
        assert says in refuses(one)


@pytest.mark.parametrize("code", ["account_inactive", "token_revoked", "not_authed", "org_login_required"])
async def test_a_token_that_slack_does_not_take_ends_the_start(dark_scene: Scene, code: str) -> None:
    """Waiting would not mend it."""
    await dark_scene.slack.fail("auth.test", "error", code=code)
    assert f"Slack rejects SLACK_BOT_TOKEN: {code}" in refuses(await dark_scene.terminal("serve"))


TROUBLES: dict[str, dict[str, Any]] = {
    "HTTP 500": {"method": "auth.test", "does": "server_error", "times": 2},
    "fatal_error": {"method": "auth.test", "does": "error", "code": "fatal_error", "times": 2},
    "internal_error": {"method": "auth.test", "does": "error", "code": "internal_error"},
    "team_added_to_org": {"method": "auth.test", "does": "error", "code": "team_added_to_org"},
    "ratelimited": {"method": "auth.test", "does": "ratelimited", "retry_after": 2},
    "HTTP 200": {"method": "auth.test", "does": "garbled"},
    "ServerDisconnectedError": {"method": "apps.connections.open", "does": "reset", "times": 2},
}


@SOCKET_MODE_ONLY
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_slack_in_trouble_at_the_start_is_waited_out(dark_scene: Scene, trouble: str) -> None:
    """The process lives, is not ready, names its reason, and serves as soon as Slack does."""
    scene, port = dark_scene, free_port()
    scene.told_otherwise["PORT"] = str(port)
    await scene.slack.fail(**TROUBLES[trouble])
    starting = asyncio.create_task(scene.start_bot())
    said = f"Slack can't be reached at {scene.addresses['slack']}: {trouble}. Retrying in "

    async def waits() -> bool | None:
        log = scene.folder / "bot.log"
        return (log.exists() and said in scene.bot_log()) or None

    await until(waits)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.get("/healthz") as healthy:
            assert healthy.status == 200
        async with session.get("/readyz") as ready:
            assert (ready.status, "not connected to Slack yet" in await ready.text()) == (503, True)
        async with session.post("/webhooks/reminders/word") as hook:
            assert hook.status == 503
        await starting
        async with session.post("/webhooks/reminders/word") as hook:
            assert hook.status == 404
    assert "An approver has until" in words(await scene.ask("/cancel-call vx_1001 duplicate"))


@SOCKET_MODE_ONLY
async def test_it_is_ready_only_after_slacks_hello(dark_scene: Scene) -> None:
    """A connection without Slack's hello is given up, and another is tried."""
    scene, port = dark_scene, free_port()
    scene.told_otherwise["PORT"] = str(port)
    await scene.slack.treat_connections("mute", 1)
    starting = asyncio.create_task(scene.start_bot())

    async def muted() -> bool | None:
        return (await scene.slack.state())["muted"] == 1 or None

    await until(muted)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.get("/readyz") as ready:
            assert (ready.status, "not connected to Slack yet" in await ready.text()) == (503, True)
        await starting
        async with session.get("/readyz") as ready:
            assert ready.status == 200
    assert scene.bot_log().count("Slack cannot be connected to: it said no hello within 5 s.") == 1


async def test_a_start_that_waits_for_slack_can_be_stopped(dark_scene: Scene) -> None:
    """Somebody may listen at that address later. SIGTERM ends the wait with 0."""
    scene = dark_scene
    scene.told_otherwise["SLACK_API_URL"] = NOWHERE
    scene.bot = await scene.spawn_bot()

    async def waits() -> bool | None:
        return scene.bot_log().count(f"Slack can't be reached at {NOWHERE}") >= 2 or None

    await until(waits)
    async with asyncio.timeout(5):
        assert await scene.stop_bot() == 0
    assert "Stopped before it was connected" in scene.bot_log()


@SOCKET_MODE_ONLY
async def test_a_hangup_before_the_start_is_heard_after_it(dark_scene: Scene) -> None:
    """SIGHUP while the bot waits for Slack ends nothing. Once ready, the bot uses the file of that moment."""
    scene = dark_scene
    await scene.slack.fail("auth.test", "server_error", times=2)
    starting = asyncio.create_task(scene.start_bot())

    async def waits() -> bool | None:
        log = scene.folder / "bot.log"
        return (log.exists() and "Retrying in" in scene.bot_log()) or None

    await until(waits)
    scene.write_configuration({'approve = ["managers"]\n': ""})
    assert scene.bot
    scene.bot.send_signal(signal.SIGHUP)
    await starting

    async def read() -> bool | None:
        return "The rules were read anew" in scene.bot_log() or None

    await until(read)
    answer = words(await scene.ask("/cancel-call vx_1001 duplicate"))
    assert "*Requested:* cancel call `vx_1001`" in answer
    assert "approve" not in answer


@BOTH_MODES
async def test_a_check_of_the_token_that_fails_later_is_nobodys_trouble(scene: Scene) -> None:
    """Slack was asked at the start, and no command waits for that again."""
    await scene.slack.fail("auth.test", "error", code="fatal_error", times=1000)
    assert "An approver has until" in words(await scene.ask("/cancel-call vx_1001 duplicate"))
    await scene.approve()
    await scene.audit("*Cancelled*")


@SOCKET_MODE_ONLY
async def test_every_fault_is_named_at_once(dark_scene: Scene) -> None:
    """A single answer has two faults of the environment and three of the file, in the file's words."""
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
    """An app with too few scopes does not start, and the operator reads which to add."""
    scene = Scene(tmp_path / "scene")
    scene.manifest = tmp_path / "manifest.yml"
    scene.manifest.write_text("oauth_config: {scopes: {bot: [commands, chat:write]}}", encoding="utf-8")
    async with scene:
        said = refuses(await scene.terminal("serve"))
    assert (
        "The Slack app lacks usergroups:read, users:read. Reinstall it with the present manifest.yml" in said
    )


async def test_a_log_of_another_key_is_not_opened(scene: Scene) -> None:
    """With another key no number would be found again. The bot does not start, and the log does not open."""
    await scene.ask("/calls help")
    await scene.stop_bot()
    assert "another key" in refuses(await scene.terminal("serve", CALLOPS_KEY=OTHER_KEY))
    listed = await scene.terminal("log", "list", CALLOPS_KEY=OTHER_KEY)
    assert (listed.status, "another key" in listed.errors) == (2, True)


async def test_a_connection_without_its_secret_is_off_and_named(dark_scene: Scene) -> None:
    """Help and the operator's log give the reason, and the other connections work."""
    dark_scene.told_otherwise["VOXWORKS_API_KEY"] = ""
    await dark_scene.start_bot()
    assert "The connection voxworks is off: VOXWORKS_API_KEY not set" in dark_scene.bot_log()
    help_ = await dark_scene.ask("/calls help")
    await dark_scene.asha.click(help_, text="Options and connections…")
    await dark_scene.answered("• voxworks is off: VOXWORKS_API_KEY not set")
    assert "voxworks" in words(await dark_scene.ask("/cancel-call vx_1001 via voxworks duplicate"))
    await dark_scene.place(f"/place-call {NUMBER}")
    await dark_scene.audit("*Placed*")
    assert await dark_scene.requests("voxworks") == []


async def test_it_stops_at_once_when_there_is_nothing_to_finish(scene: Scene) -> None:
    """SIGTERM on an idle bot ends with 0 well before it would be killed."""
    async with asyncio.timeout(5):
        assert await scene.stop_bot() == 0
    assert "Stopped" in scene.bot_log()
