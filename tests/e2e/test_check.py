"""`python -m bot check`: each fault is provoked once against the stand-ins, with the line it gives."""

import asyncio
import base64
import json
import os
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from playground import callkaro, content, voxworks
from playground.stage import KEY
from tests.e2e.scene import NUMBER, OVER_HTTP, SOCKET_MODE_ONLY, Scene, private
from tests.support.tree import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRETS = (content.BOT_TOKEN, content.APP_TOKEN, callkaro.KEY, voxworks.KEY, KEY)
NOWHERE = "http://127.0.0.1:9"
"""The discard port, on which nobody listens."""

WRITING = ("chat.", "views.")
"""Beginnings of the names of methods whose effects people see."""

Json = dict[str, Any]


async def checked(scene: Scene, **variables: str) -> list[Json]:
    """Return the findings of a check, after comparing them with its exit status."""
    printed = await scene.terminal("check", "--json", **variables)
    found: list[Json] = json.loads(printed.output)
    assert all(one.keys() == {"check", "result", "message", "fix"} for one in found)
    assert printed.status == int(any(one["result"] == "FAIL" for one in found))
    assert [one for one in found if one["result"] in {"FAIL", "WARN"} and not one["fix"]] == []
    assert [secret for secret in SECRETS if secret in printed.output + printed.errors] == []
    return found


def told(found: list[Json], check: str) -> list[tuple[str, str]]:
    """Return the results and sentences of one check."""
    return [(one["result"], one["message"]) for one in found if one["check"] == check]


def says(found: list[Json], check: str, result: str, *parts: str) -> None:
    """Assert that a line of a check has this result and all these parts."""
    lines = told(found, check)
    assert [what for was, what in lines if was == result and all(part in what for part in parts)], lines


async def test_what_is_right_is_said_line_by_line(dark_scene: Scene) -> None:
    """The status is 0, with a line for each check, top-down, without a secret, and a summary."""
    dark_scene.connect_further()
    printed = await dark_scene.terminal("check")
    assert (printed.status, printed.errors) == (0, "")
    lines = printed.output.splitlines()
    assert [line[0] for line in lines if line.startswith(("FAIL", "SKIP"))] == []
    order = ["file", "environment", "log", "free space", "Slack", *([] if OVER_HTTP else ["Socket Mode"])]
    order += ["clock", "scopes", "channel C0AUDIT", "channel C0APPROVE", "group managers", 'rule "anyone']
    order += ["people's zones", *(["HTTP"] if OVER_HTTP else []), "port"]
    order += ["connection dialer", "connection kore", "connection reminders", "time zones"]
    at = [next(n for n, line in enumerate(lines) if line[6:].startswith(name)) for name in order]
    assert at == sorted(at)
    assert lines[-1].startswith("Nothing is wrong")
    assert [secret for secret in SECRETS if secret in printed.output] == []


async def test_it_changes_nothing(dark_scene: Scene) -> None:
    """The check sends no message, opens no form, writes no file, and changes nothing at a provider."""
    before = sorted(path.name for path in dark_scene.folder.iterdir())
    await checked(dark_scene)
    assert sorted(path.name for path in dark_scene.folder.iterdir()) == before
    assert await dark_scene.slack.messages() == []
    assert [
        one["method"] for one in await dark_scene.slack.journal() if one["method"].startswith(WRITING)
    ] == []
    for provider in ("callkaro", "voxworks"):
        assert [(one.line, one.effects) for one in await dark_scene.requests(provider, knocks=True)] == [
            ("HEAD /", 0)
        ]


async def test_slack_validates_the_screens_where_that_is_asked_for(dark_scene: Scene) -> None:
    """Each is accepted, and nobody sees any. Without the option Slack is not asked."""
    await checked(dark_scene)
    assert await dark_scene.slack.journal("blocks.validate") == []
    printed = await dark_scene.terminal("check", "--json", "--online")
    found: list[Json] = json.loads(printed.output)
    asked = await dark_scene.slack.journal("blocks.validate")
    assert len(asked) > 5
    says(found, "screens", "PASS", f"Slack's own validation accepts {len(asked)} screens.")
    assert await dark_scene.slack.messages() == []
    await dark_scene.slack.fail("blocks.validate", "error", code="fatal_error")
    found = json.loads((await dark_scene.terminal("check", "--json", "--online")).output)
    says(found, "screens", "SKIP", "Slack didn't validate them: fatal_error")


async def test_http_needs_no_app_level_token(dark_scene: Scene) -> None:
    """With a signing secret alone, the check says how Slack connects, and asks for no other token."""
    secret = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": content.SIGNING_SECRET}
    found = await checked(dark_scene, **secret)
    says(found, "HTTP", "PASS", "Slack sends its requests to /slack/events here")
    assert told(found, "Socket Mode") == []
    assert content.SIGNING_SECRET not in str(found)
    found = await checked(dark_scene, **secret | {"SLACK_SIGNING_SECRET": "a b"})
    says(found, "environment", "FAIL", "SLACK_SIGNING_SECRET should hold no spaces")


async def test_a_port_that_is_taken_is_wrong(dark_scene: Scene) -> None:
    """CallOps would not start if somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        says(await checked(dark_scene, PORT=port), "port", "FAIL", f"PORT {port} cannot be listened on")


async def test_a_platform_whose_disk_does_not_last_is_wrong(dark_scene: Scene) -> None:
    """Heroku names itself in the environment, and every restart would begin an empty log."""
    found = await checked(dark_scene, DYNO="web.1")
    says(found, "log's disk", "FAIL", "Heroku starts with an empty disk")


async def test_it_can_be_run_beside_the_bot(scene: Scene) -> None:
    """A log in use is read as it is: the number of its actions, and that the key fits."""
    await scene.place(f"/place-call {NUMBER}")
    await scene.audit("*Placed*")
    found = await checked(scene)
    says(found, "log", "PASS", "can be used and fits the key: 1 action.")


async def test_every_fault_of_the_file_is_a_line_and_the_rest_is_checked(dark_scene: Scene) -> None:
    """All three faults are named. Independent checks run, and the rest is skipped."""
    dark_scene.write_configuration(
        {
            'approvals_channel = "C0APPROVE"': 'approvals = "C0APPROVE"',
            'timezone = "Asia/Kolkata"': 'timezone = "Asia/Nowhere"',
            'expires = "8h"': 'expires = "8x"',
        }
    )
    found = await checked(dark_scene)
    for part in ("approvals_channel", "reminders.timezone", "expires"):
        says(found, "file", "FAIL", part)
    says(found, "channels", "SKIP", "[slack]")
    says(found, "connection reminders", "SKIP", "has an error there")
    says(found, 'rules "cancellations need a manager"', "SKIP", "has an error there")
    says(found, "connection voxworks", "PASS", "answers")
    says(found, 'rule "anyone may place a call"', "PASS", "2 people can settle")


async def test_without_a_file_the_rest_is_looked_at(dark_scene: Scene) -> None:
    """A missing file is a line that says how to write one. Slack and the log are checked all the same."""
    found = await checked(dark_scene, CALLOPS_CONFIG="nowhere.toml")
    [line] = [one for one in found if one["check"] == "file"]
    assert "Write one with  python -m bot init" in line["fix"]
    says(found, "Slack", "PASS", "callops is known")
    for name in ("channels", "groups and rules", "connections"):
        says(found, name, "SKIP", "Not checked, because")


@SOCKET_MODE_ONLY
async def test_missing_variables_are_named_and_never_shown(dark_scene: Scene) -> None:
    """The check names the disabled connection and its variable, and the checks that are skipped."""
    found = await checked(dark_scene, VOXWORKS_API_KEY="", SLACK_APP_TOKEN="", CALLOPS_KEY="")
    says(found, "connection voxworks", "WARN", "off: VOXWORKS_API_KEY not set")
    says(found, "environment", "FAIL", "SLACK_APP_TOKEN isn't set")
    says(found, "environment", "FAIL", "CALLOPS_KEY isn't set")
    says(found, "Socket Mode", "SKIP", "SLACK_APP_TOKEN")
    nothing = await checked(dark_scene, VOXWORKS_API_KEY="", CALLKARO_API_KEY="")
    says(nothing, "connection reminders", "FAIL", "off: CALLKARO_API_KEY not set")


async def test_a_password_in_an_address_is_not_repeated(dark_scene: Scene) -> None:
    """The value of DATABASE_URL for another kind of database is not printed."""
    printed = await dark_scene.terminal("check", DATABASE_URL="postgres://callops:canary-word@db/callops")
    assert printed.status == 1
    assert "canary-word" not in printed.output + printed.errors
    assert "SKIP  log " in printed.output


async def test_the_logs_place(dark_scene: Scene, tmp_path: Path) -> None:
    """A log that is missing, in memory, without its folder, foreign or with another key has its own line."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    await dark_scene.start_bot()
    await dark_scene.stop_bot()
    another_key = base64.b64encode(bytes(32)).decode()
    new, gone, theirs, locked = await asyncio.gather(
        checked(dark_scene, DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}"),
        checked(dark_scene, DATABASE_URL="sqlite:////nowhere/callops.db"),
        checked(dark_scene, DATABASE_URL=f"sqlite:///{other}"),
        checked(dark_scene, CALLOPS_KEY=another_key),
    )
    says(new, "log", "PASS", "doesn't exist yet. The first start creates it")
    assert not (tmp_path / "new.db").exists()
    says(new, "log's disk", "WARN", "may be cleared by the system")
    says(gone, "log", "FAIL", "its folder /nowhere isn't there")
    says(gone, "log's disk", "SKIP", "folder")
    says(theirs, "log", "FAIL", "the database of another program")
    says(locked, "log", "FAIL", "another CALLOPS_KEY")


async def test_tokens_that_slack_does_not_take(dark_scene: Scene) -> None:
    """Each token is named with Slack's code. Checks that need the bot's token are skipped, the others run."""
    found = await checked(dark_scene, SLACK_BOT_TOKEN="xoxb-wrong", SLACK_APP_TOKEN="xapp-wrong")
    says(found, "Slack", "FAIL", "rejects SLACK_BOT_TOKEN: invalid_auth")
    says(found, "Socket Mode", "FAIL", "rejects SLACK_APP_TOKEN: invalid_auth")
    for name in ("scopes", "channel C0AUDIT", "groups and rules"):
        says(found, name, "SKIP", "because Slack rejects SLACK_BOT_TOKEN.")
    says(found, "clock", "PASS", "agrees")
    says(found, "connection reminders", "PASS", "answers")


@SOCKET_MODE_ONLY
async def test_a_slack_that_cannot_be_reached(dark_scene: Scene) -> None:
    """Slack is at fault and not the tokens, and dependent checks are skipped."""
    found = await checked(dark_scene, SLACK_API_URL=f"{NOWHERE}/")
    says(found, "Slack", "FAIL", "can't be reached at", "nobody there takes the connection.")
    for name in ("Socket Mode", "scopes", "channel C0AUDIT", "groups and rules"):
        says(found, name, "SKIP", "because Slack can't be reached.")
    says(found, "clock", "SKIP", "because Slack did not tell its time.")
    found = await checked(dark_scene, SLACK_API_URL="https://slack.invalid/api/")
    says(found, "Slack", "FAIL", "this machine finds no address for that name.")


async def test_an_answer_of_slacks_that_is_no_json(dark_scene: Scene) -> None:
    """A proxy's page or half an answer counts as unreachable, and the check continues."""
    for does in ("garbled", "server_error"):
        await dark_scene.slack.fail("auth.test", does)
        says(await checked(dark_scene), "Slack", "FAIL", "Slack can't be reached at", "HTTP ")


async def test_what_no_token_is_there_for_names_the_variable(dark_scene: Scene) -> None:
    """A variable is not set or not right. No line blames Slack for what was never asked."""
    found = await checked(dark_scene, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="xoxb-other")
    for name in ("Slack", "scopes", "channel C0AUDIT", "groups and rules"):
        says(found, name, "SKIP", "because SLACK_BOT_TOKEN isn't set.")
    says(found, "Socket Mode", "SKIP", "because SLACK_APP_TOKEN isn't right.")
    found = await checked(dark_scene, SLACK_API_URL="http://slack.example/")
    says(found, "Slack", "SKIP", "because SLACK_API_URL isn't right.")


async def test_an_arrow_means_one_thing(dark_scene: Scene) -> None:
    """It leads to what to do, at the beginning of a line of its own."""
    everything = {"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "", "CALLOPS_KEY": "", "VOXWORKS_API_KEY": ""}
    for variables in (everything, {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong"}):
        printed = await dark_scene.terminal("check", **variables)
        led = [line for line in printed.output.splitlines() if "→" in line]
        assert led
        assert [line for line in led if line.rfind("→") != len("      ")] == []


async def test_a_clock_that_is_off(dark_scene: Scene) -> None:
    """More than half a minute from Slack's is wrong, whichever way; less is not."""
    for ahead, result, part in ((90, "FAIL", "behind"), (-90, "FAIL", "ahead of"), (10, "PASS", "agrees")):
        await dark_scene.slack.clock_ahead(ahead)
        says(await checked(dark_scene), "clock", result, part)


async def test_channels_that_cannot_be_posted_into(dark_scene: Scene) -> None:
    """Archived, private and unknown channels, and those without the app, each have a remedy and a purpose."""
    dark_scene.write_configuration(
        {
            "[connections.voxworks]\n": '[connections.voxworks]\naudit_channel = "C0SUPPORT"\n',
            "C0APPROVE": "C0GENERAL",
        }
    )
    await dark_scene.slack.archive("C0AUDIT")
    await dark_scene.slack.app_in("C0GENERAL", member=False)
    await dark_scene.slack.make_private("C0SUPPORT")
    found = await checked(dark_scene)
    says(found, "channel C0AUDIT", "FAIL", "#call-audit (audit) is archived")
    says(found, "channel C0GENERAL", "FAIL", "The app isn't in #general (approvals)")
    says(found, "channel C0SUPPORT", "PASS", "The app is in #support (audit of voxworks)")
    await dark_scene.slack.app_in("C0SUPPORT", member=False)
    says(await checked(dark_scene), "channel C0SUPPORT", "FAIL", "shows the app no such channel")


async def test_people_who_cannot_act(dark_scene: Scene) -> None:
    """An empty group, a deleted user, a guest, an app, an external user and a lost group are each named."""
    people = ["U0MANAGER", "U0NOBODY", "U0GONE", "U0GUEST", "U0BOT", "U0STRANGER", "S0NONE"]
    dark_scene.write_configuration({'managers = ["S0MANAGERS"]': f"managers = {json.dumps(people)}"})
    found = await checked(dark_scene)
    for part in (
        "U0NOBODY isn't in this workspace",
        "(greta) is deactivated",
        "(gil) is a guest",
        "(otherbot) is an app",
        "(stella) is from another organisation",
        "S0NONE isn't a user group",
    ):
        says(found, "group managers", "FAIL", part)
    rule = 'rule "cancellations need a manager"'
    says(found, rule, "WARN", "Only U0MANAGER can approve. If U0MANAGER requests something, no one could.")
    says(found, rule, "WARN", "Only U0MANAGER can settle")
    dark_scene.write_configuration({'managers = ["S0MANAGERS"]': 'managers = ["U0GONE"]'})
    found = await checked(dark_scene)
    says(found, rule, "FAIL", "No one in managers can approve")
    says(
        found,
        'rule "anyone may place a call"',
        "FAIL",
        "No one in managers can settle",
    )


async def test_a_workspace_of_an_enterprise_grid_organisation(tmp_path: Path) -> None:
    """The organisation is named. Its people can act from any workspace of it, and others cannot."""
    scene = Scene(tmp_path / "scene")
    scene.workspace = tmp_path / "workspace.json"
    scene.workspace.write_text(json.dumps(content.GRID), encoding="utf-8")
    async with scene:
        colleagues = ["W0NOTEAM", "W0SISTER", "W0ORG", "W0APART"]
        groups = f"managers = {json.dumps(colleagues)}\nothers = {json.dumps(['W0OTHER', 'W0UNSEEN'])}"
        scene.write_configuration(
            {'managers = ["S0MANAGERS"]': groups, 'settle = ["managers"]': 'settle = ["managers", "others"]'}
        )
        found = await checked(scene)
        says(found, "Slack", "PASS", "of the Enterprise Grid organisation E0CALLOPS")
        says(found, "group managers", "PASS", "4 people")
        says(found, "group others", "FAIL", "W0OTHER (otto) is from another organisation")
        says(found, "group others", "FAIL", "W0UNSEEN (uma) is from another organisation")
        await scene.start_bot()
        answer = private(await scene.slack.person("W0SISTER").command(f"/place-call {NUMBER}"))
        await scene.slack.person("W0SISTER").click(answer, "place")
        await scene.sees(scene.olive, "C0AUDIT", "*Placed*", "siri")
        await scene.check()


async def test_a_slack_that_is_busy_is_no_verdict(dark_scene: Scene) -> None:
    """If Slack does not list a group, nothing is called wrong: it was not checked."""
    await dark_scene.slack.fail("usergroups.users.list", "ratelimited", times=1)
    found = await checked(dark_scene)
    says(found, "group managers", "SKIP", "Slack couldn't tell us who is in S0MANAGERS (ratelimited)")
    says(found, 'rule "cancellations need a manager"', "SKIP", "can't be counted")


async def test_scopes(tmp_path: Path) -> None:
    """Missing scopes have their purpose, and superfluous ones are noted.

    Without its own scope the check says so.
    """
    scene = Scene(tmp_path / "scene")
    scene.manifest = tmp_path / "manifest.yml"
    granted = "commands, chat:write, users:read, channels:history"
    scene.manifest.write_text(f"oauth_config: {{scopes: {{bot: [{granted}]}}}}", encoding="utf-8")
    async with scene:
        found = await checked(scene)
    says(found, "scopes", "FAIL", "lacks usergroups:read, needed to know who is in user groups")
    says(found, "scopes", "WARN", "lacks channels:read", "It runs without: look yourself")
    says(found, "scopes", "WARN", "lacks files:read", "It runs without: no call list can be given as a file")
    fixes = [one["fix"] for one in found if one["check"] == "scopes" and "lacks" in one["message"]]
    assert all("Reinstall the app with the present manifest" in one for one in fixes)
    says(found, "scopes", "WARN", "scopes that CallOps doesn't use: channels:history")
    says(found, "channel C0AUDIT", "SKIP", "lacks channels:read", "audit")
    says(found, "group managers", "SKIP", "usergroups:read")


async def test_what_each_connection_may_do(dark_scene: Scene) -> None:
    """Live or dry-run, to whom, what, and undocumented or not; numbers are counted, not shown."""
    dark_scene.connect_further()
    path = dark_scene.folder / "callops.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace('provider = "callkaro"', f'provider = "callkaro"\nallow_numbers = ["{NUMBER}"]')
    text = text.replace('provider = "ryng"', 'provider = "ryng"\nmode = "dry-run"')
    text = text.replace(
        'provider = "kore"', f'provider = "kore"\nallow_undocumented = true\nallow_numbers = ["{NUMBER}"]'
    )
    path.write_text(text, encoding="utf-8")
    found = await checked(dark_scene)
    says(
        found,
        "connection reminders",
        "PASS",
        "CallKaro, live, only to the 1 under allow_numbers; IDs aren't limited",
        "place calls",
    )
    says(found, "connection kore", "PASS", "aren't limited, but no campaign starts")
    says(found, "connection dialer", "PASS", "Ryng, dry-run: nothing is sent")
    says(found, "connection kore", "PASS", "stop campaigns (undocumented)")
    says(found, "time zones", "PASS", "reminders reads times in Asia/Kolkata")
    assert NUMBER not in json.dumps(found)


async def test_what_no_rule_allows_is_named(dark_scene: Scene) -> None:
    """Each kind that a connection has and no rule allows is named. A denying rule allows nobody."""
    dark_scene.connect_further()
    path = dark_scene.folder / "callops.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace('provider = "kore"', 'provider = "kore"\nallow_undocumented = true')
    text += (
        '\n[[rules]]\nname = "never"\nactions = ["start_campaign"]\nrequest = ["everyone"]\neffect = "deny"\n'
    )
    path.write_text(text, encoding="utf-8")
    found = await checked(dark_scene)
    assert told(found, "rules") == [
        ("WARN", "No rule lets anyone stop a campaign, although kore could."),
        ("WARN", "No rule lets anyone start a campaign, although kore could."),
    ]


async def test_a_connection_that_cannot_be_reached(dark_scene: Scene) -> None:
    """The check names the unreachable address, and checks the other connections."""
    dark_scene.write_configuration({dark_scene.addresses["voxworks"]: NOWHERE})
    found = await checked(dark_scene)
    says(found, "connection voxworks", "FAIL", NOWHERE)
    says(found, "connection reminders", "PASS", "answers")


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        (".env", b"A=\xff\n", ".env can't be read: line 1 isn't in UTF-8: save it as plain text in UTF-8."),
        ("broken.py", b"def __getattr__(name):\n    1 / 0\n", "The check itself failed: ZeroDivisionError"),
    ],
)
async def test_a_check_that_cannot_run_says_so(
    dark_scene: Scene, file: str, content: bytes, says: str
) -> None:
    """The status is 2, not the 1 of a fault: a `.env` that is no text, an adapter that fails."""
    dark_scene.write_configuration({'provider = "voxworks"': 'provider = "broken:Adapter"'})
    (dark_scene.folder / file).write_bytes(content)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "check"),
        cwd=dark_scene.folder,
        env=dark_scene.environment() | {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert says in errors.decode()
