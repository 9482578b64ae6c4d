import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground import content
from playground import manifest as manifests
from playground.content import APP_TOKEN, BOT_TOKEN
from playground.manifest import Manifest
from playground.people import ImpossibleError
from tests.playground.slack_app import CARD, FORM, HOME, Stage, modal, stage, text_input

Json = dict[str, Any]


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack without an app."""
    async with stage() as running:
        yield running


async def refusal(call: Awaitable[Any]) -> Json:
    """Return Slack's answer to a call that it refuses."""
    with pytest.raises(SlackApiError) as refused:
        await call
    answer: Json = refused.value.response.data
    return answer


def section(text: str) -> list[Json]:
    """Return the blocks of a message with a single section."""
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]


async def test_auth_test_names_the_bot_and_its_scopes(on: Stage) -> None:
    """`auth.test` identifies the token, and a header has its scopes."""
    answer = await on.client.auth_test()
    assert (answer["user_id"], answer["team_id"]) == ("U0CALLOPS", "T0CALLOPS")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "method", "code"),
    [
        (None, "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        (BOT_TOKEN, "apps.connections.open", "not_allowed_token_type"),
        (APP_TOKEN, "chat.postMessage", "not_allowed_token_type"),
        (BOT_TOKEN, "users.identity", "unknown_method"),
    ],
)
async def test_a_token_opens_only_its_own_methods(
    on: Stage, token: str | None, method: str, code: str
) -> None:
    """Slack's codes refuse a missing, wrong or unfitting token, and an unknown method."""
    client = AsyncWebClient(token=token, base_url=on.client.base_url)
    assert (await refusal(client.api_call(method)))["error"] == code


async def test_scopes_are_those_of_the_manifest() -> None:
    """A method without its scope in the manifest is refused, and the answer names the scope."""
    async with stage(manifest=Manifest(scopes=("commands", "chat:write"))) as on:
        answer = await refusal(on.client.users_info(user="U0AGENT"))
    assert answer["error"] == "missing_scope"
    assert (answer["needed"], answer["provided"]) == ("users:read", "commands,chat:write")


async def test_a_channels_scope_is_that_of_its_kind() -> None:
    """A public channel needs `channels:read`, a private one `groups:read`.

    Without the app it does not exist.
    """
    for granted, needed in (("channels:read", "groups:read"), ("groups:read", "channels:read")):
        async with stage(manifest=Manifest(scopes=(granted,))) as on:
            await on.people.make_private("C0AUDIT")
            own, other = ("C0GENERAL", "C0AUDIT") if granted == "channels:read" else ("C0AUDIT", "C0GENERAL")
            known = await on.client.conversations_info(channel=own)
            assert known["channel"]["is_private"] == (granted == "groups:read")
            assert "groups:read" in known.headers["x-accepted-oauth-scopes"].split(",")
            refused = await refusal(on.client.conversations_info(channel=other))
            assert (refused["error"], refused["needed"]) == ("missing_scope", needed)
            await on.people.app_in("C0AUDIT", member=False)
            assert (await refusal(on.client.conversations_info(channel="C0AUDIT")))[
                "error"
            ] == "channel_not_found"


async def test_a_permalink_leads_to_a_message(on: Stage) -> None:
    """It names channel and time, and a reply's thread. Ephemeral and unknown messages have none."""
    posted = (await on.client.chat_postMessage(channel="C0AUDIT", text="x"))["ts"]
    reply = (await on.client.chat_postMessage(channel="C0AUDIT", text="x", thread_ts=posted))["ts"]
    private = await on.client.chat_postEphemeral(channel="C0AUDIT", user="U0AGENT", text="x")
    home = "https://callops.slack.com/archives/C0AUDIT/p"
    for ts, ends in ((posted, ""), (reply, f"?thread_ts={posted}&cid=C0AUDIT")):
        told = await on.client.chat_getPermalink(channel="C0AUDIT", message_ts=ts)
        assert told["permalink"] == f"{home}{ts.replace('.', '')}{ends}"
    for ts in (private["message_ts"], "1.000000"):
        refused = await refusal(on.client.chat_getPermalink(channel="C0AUDIT", message_ts=ts))
        assert refused["error"] == "message_not_found"


async def test_every_answer_has_slacks_time(on: Stage) -> None:
    """Refusals have it too. The time can be set ahead, until a reset."""
    for ahead in (0, 90):
        await on.people.clock_ahead(ahead)
        answer = await on.client.auth_test()
        with pytest.raises(SlackApiError) as refused:
            await on.client.users_info(user="U0NOBODY")
        for headers in (answer.headers, refused.value.response.headers):
            told = parsedate_to_datetime(headers["date"]) - datetime.now(UTC)
            assert abs(told - timedelta(seconds=ahead)) < timedelta(seconds=5)
    await on.people.reset()
    told = parsedate_to_datetime((await on.client.auth_test()).headers["date"]) - datetime.now(UTC)
    assert abs(told) < timedelta(seconds=5)


def test_a_manifest_file_says_scopes_commands_and_surfaces(tmp_path: Path) -> None:
    """The manifest is read as Slack does: interactivity must be turned on, messages may be turned off."""
    written = {
        "features": {
            "app_home": {"messages_tab_enabled": False, "home_tab_enabled": True},
            "slash_commands": [{"command": "/calls", "description": "x"}],
            "shortcuts": [{"name": "x", "type": "message", "callback_id": "remind", "description": "x"}],
        },
        "oauth_config": {"scopes": {"bot": ["commands"]}},
        "settings": {
            "interactivity": {"is_enabled": True},
            "event_subscriptions": {"bot_events": ["app_home_opened"]},
        },
    }
    path = tmp_path / "manifest.yml"
    path.write_text(json.dumps(written))
    assert manifests.read(path) == Manifest(
        ("commands",),
        frozenset({"/calls"}),
        frozenset({("message", "remind")}),
        interactivity=True,
        messages_tab=False,
        home_tab=True,
        events=frozenset({"app_home_opened"}),
    )


async def test_people_leave_their_desks_and_come_back(on: Stage) -> None:
    """`users.getPresence` tells who is away. After a reset everybody is back."""
    for away, presence in ((True, "away"), (False, "active"), (True, "away")):
        await on.person("U0MANAGER").be_away(away=away)
        assert (await on.client.users_getPresence(user="U0MANAGER"))["presence"] == presence
        assert (await on.client.users_getPresence(user="U0SECOND"))["presence"] == "active"
    await on.people.reset()
    assert (await on.client.users_getPresence(user="U0MANAGER"))["presence"] == "active"


async def test_a_message_keeps_its_history(on: Stage) -> None:
    """An edited message has its new text and keeps the old one. Text alone removes the blocks."""
    posted = await on.client.chat_postMessage(channel="C0AUDIT", text="first", blocks=CARD)
    await on.client.chat_update(channel="C0AUDIT", ts=posted["ts"], text="second")
    [message] = await on.person("U0AUDITOR").channel("C0AUDIT")
    assert (message.text, message.blocks) == ("second", ())
    assert [(old["text"], len(old["blocks"])) for old in message.edits] == [("first", 2)]


async def test_blocks_stay_when_an_update_has_no_text(on: Stage) -> None:
    """`chat.update` without text keeps the earlier text."""
    posted = await on.client.chat_postMessage(channel="C0AUDIT", text="first", blocks=section("old"))
    await on.client.api_call(
        "chat.update", json={"channel": "C0AUDIT", "ts": posted["ts"], "blocks": section("new")}
    )
    [message] = await on.person().channel("C0AUDIT")
    assert (message.text, message.blocks[0]["text"]["text"]) == ("first", "new")


async def test_replies_stand_in_their_thread(on: Stage) -> None:
    """A reply to a message, or to a reply, is in the message's thread."""
    root = await on.client.chat_postMessage(channel="#call-audit", text="root")
    reply = await on.client.chat_postMessage(channel="C0AUDIT", text="one", thread_ts=root["ts"])
    await on.client.chat_postMessage(channel="C0AUDIT", text="two", thread_ts=reply["ts"])
    [message] = await on.person().channel("C0AUDIT")
    assert [one.text for one in message.replies] == ["one", "two"]


async def test_a_user_id_is_the_direct_message(on: Stage) -> None:
    """A post to a person's id reaches only that person, and the answer has the direct message's own id."""
    posted = await on.client.chat_postMessage(channel="U0AGENT", text="for you")
    assert posted["channel"].startswith("D")
    assert [one.text for one in await on.person("U0AGENT").direct()] == ["for you"]
    assert await on.person("U0MANAGER").direct() == []
    answer = await refusal(on.client.chat_update(channel="U0AGENT", ts=posted["ts"], text="x"))
    assert answer["error"] == "channel_not_found"


async def test_an_ephemeral_message_is_for_one_person_and_out_of_reach(on: Stage) -> None:
    """Only its person sees an ephemeral message, and the Web API cannot edit it."""
    shown = await on.client.chat_postEphemeral(channel="C0SUPPORT", user="U0AGENT", text="psst")
    assert [one.text for one in await on.person("U0AGENT").ephemerals()] == ["psst"]
    assert await on.person("U0MANAGER").ephemerals() == []
    update = on.client.chat_update(channel="C0SUPPORT", ts=shown["message_ts"], text="x")
    assert (await refusal(update))["error"] == "message_not_found"


async def test_pings_are_seen(on: Stage) -> None:
    """The people whom text and mrkdwn ping are recorded, never those in escaped text."""
    text = "<!channel> <@U0AGENT> &lt;!here&gt;"
    await on.client.chat_postMessage(channel="C0AUDIT", text=text, blocks=section("<!subteam^S0MANAGERS>"))
    [message] = await on.person().channel("C0AUDIT")
    assert message.pings == ("!channel", "@U0AGENT", "!subteam^S0MANAGERS")


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "U0BOT", "text": "x"}, "cannot_dm_bot"),
        ("chat.postMessage", {"channel": "C0AUDIT"}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "C0AUDIT", "text": "x", "thread_ts": "1.1"}, "message_not_found"),
        ("chat.postMessage", {"channel": "C0AUDIT", "text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        (
            "chat.postMessage",
            {"channel": "C0AUDIT", "text": "x", "blocks": section("y" * 3001)},
            "invalid_blocks",
        ),
        (
            "chat.postMessage",
            {"channel": "C0AUDIT", "text": "x", "blocks": section("y" * 3000) * 5},
            "msg_blocks_too_long",
        ),
        (
            "chat.postEphemeral",
            {"channel": "C0APPROVE", "user": "U0AGENT", "text": "x"},
            "user_not_in_channel",
        ),
        ("chat.update", {"channel": "C0AUDIT", "ts": "1.1", "text": "x"}, "message_not_found"),
        ("chat.delete", {"channel": "C0AUDIT", "ts": "1.1"}, "message_not_found"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("users.getPresence", {"user": "U0NOBODY"}, "user_not_found"),
        ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
        ("conversations.info", {"channel": "C0NOWHERE"}, "channel_not_found"),
        ("views.open", {"trigger_id": "1.2.3", "view": modal("t", text_input("a"))}, "invalid_trigger_id"),
        ("views.open", {"trigger_id": "1.2.3", "view": modal("t" * 25)}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1.2.3"}, "invalid_arguments"),
        ("views.update", {"view_id": "V0", "view": modal("t", text_input("a"))}, "not_found"),
    ],
)
async def test_refused_with_slacks_code(on: Stage, method: str, arguments: Json, code: str) -> None:
    """The code is Slack's own."""
    assert (await refusal(on.client.api_call(method, json=arguments)))["error"] == code


async def test_a_refused_payload_says_where_and_is_kept(on: Stage) -> None:
    """The answer points at the fault as Slack's does, and the payload is kept among the faults."""
    answer = await refusal(
        on.client.chat_postMessage(channel="C0AUDIT", text="x", blocks=section("y" * 3001))
    )
    [line] = answer["response_metadata"]["messages"]
    assert line == "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    [fault] = await on.people.faults()
    assert (fault["where"], fault["code"]) == ("chat.postMessage", "invalid_blocks")
    assert fault["payload"]["channel"] == "C0AUDIT"


async def test_blocks_without_text_are_taken_but_noticed(on: Stage) -> None:
    """Slack accepts blocks without text. The playground does too, and keeps that as a fault."""
    await on.client.api_call("chat.postMessage", json={"channel": "C0AUDIT", "blocks": section("y")})
    [fault] = await on.people.faults()
    assert fault["code"] == "accepted"


async def test_forms_and_json_say_the_same(on: Stage) -> None:
    """A form-encoded call with blocks as a string does what the JSON call does."""
    form = {"channel": "C0AUDIT", "text": "x", "blocks": json.dumps(section("y"))}
    await on.client.api_call("chat.postMessage", data=form)
    [message] = await on.person().channel("C0AUDIT")
    assert message.blocks[0]["text"]["text"] == "y"


async def test_nobody_edits_what_others_wrote(on: Stage) -> None:
    """The app can neither edit nor delete a person's message."""
    heard = await on.person().say("mine")
    ts = heard.messages[0].ts
    update = on.client.chat_update(channel="C0SUPPORT", ts=ts, text="x")
    assert (await refusal(update))["error"] == "cant_update_message"
    delete = on.client.chat_delete(channel="C0SUPPORT", ts=ts)
    assert (await refusal(delete))["error"] == "cant_delete_message"


async def test_an_archived_channel_and_one_without_the_app_refuse_posts(on: Stage) -> None:
    """Both states can be set on demand, and undone."""
    await on.people.archive("C0AUDIT")
    post = on.client.chat_postMessage
    assert (await refusal(post(channel="C0AUDIT", text="x")))["error"] == "is_archived"
    await on.people.archive("C0AUDIT", archived=False)
    await on.people.app_in("C0AUDIT", member=False)
    assert (await refusal(post(channel="C0AUDIT", text="x")))["error"] == "not_in_channel"
    assert (await on.client.conversations_info(channel="C0AUDIT"))["channel"]["is_member"] is False
    await on.people.app_in("C0AUDIT", member=True)
    assert (await post(channel="C0AUDIT", text="x"))["ok"]


async def test_no_direct_messages_when_the_manifest_turns_them_off() -> None:
    """With the messages tab off, posting to a person is refused."""
    async with stage(manifest=Manifest(messages_tab=False)) as on:
        answer = await refusal(on.client.chat_postMessage(channel="U0AGENT", text="x"))
    assert answer["error"] == "messages_tab_disabled"


@pytest.mark.parametrize(
    ("user", "mark"),
    [
        ("U0GUEST", "is_restricted"),
        ("U0GONE", "deleted"),
        ("U0BOT", "is_bot"),
        ("U0STRANGER", "is_stranger"),
    ],
)
async def test_people_are_told_apart(on: Stage, user: str, mark: str) -> None:
    """`users.info` marks guests, deactivated accounts, bots and strangers as Slack does."""
    marks = ("is_restricted", "is_ultra_restricted", "deleted", "is_bot", "is_stranger")
    found = (await on.client.users_info(user=user))["user"]
    assert [name for name in marks if found.get(name)] == [mark]


async def test_people_have_zones_and_groups_have_members(on: Stage) -> None:
    """The zone of each person and the members of a group are the workspace's."""
    assert (await on.client.users_info(user="U0AGENT"))["user"]["tz"] == "Asia/Kolkata"
    members = await on.client.usergroups_users_list(usergroup="S0MANAGERS")
    assert members["users"] == ["U0MANAGER", "U0SECOND"]


async def test_429_says_when_to_come_back_and_then_lets_in(on: Stage) -> None:
    """A planned 429 hits exactly the planned calls, with Retry-After, and nothing is posted."""
    await on.people.fail("chat.postMessage", times=2, retry_after=7)
    for _ in range(2):
        with pytest.raises(SlackApiError) as refused:
            await on.client.chat_postMessage(channel="C0AUDIT", text="x")
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"] == "7"
    await on.client.chat_postMessage(channel="C0AUDIT", text="x")
    assert len(await on.person().channel("C0AUDIT")) == 1


@pytest.mark.parametrize(("after_effect", "posted"), [(False, 0), (True, 1)])
async def test_a_cut_connection_leaves_doubt(on: Stage, after_effect: bool, posted: int) -> None:  # noqa: FBT001
    """A connection can be cut before the method took effect, or after it."""
    await on.people.fail("chat.postMessage", "reset", after_effect=after_effect)
    with pytest.raises(aiohttp.ClientError):
        await on.client.chat_postMessage(channel="C0AUDIT", text="x")
    assert len(await on.person().channel("C0AUDIT")) == posted


async def test_silence_lasts_until_the_client_gives_up(on: Stage) -> None:
    """A call without an answer ends only when the client ends it."""
    await on.people.fail("chat.postMessage", "silence")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await on.client.chat_postMessage(channel="C0AUDIT", text="x")


async def test_500_and_slacks_own_errors(on: Stage) -> None:
    """A 500 without JSON and an error code can be planned, for any method."""
    await on.people.fail("*", "server_error")
    with pytest.raises(SlackApiError) as refused:
        await on.client.auth_test()
    assert refused.value.response.status_code == 500
    await on.people.fail("*", "error", code="fatal_error")
    assert (await refusal(on.client.auth_test()))["error"] == "fatal_error"


async def test_answers_can_be_slow(on: Stage) -> None:
    """Every answer takes the planned latency."""
    await on.people.latency(0.1)
    began = time.monotonic()
    await on.client.auth_test()
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize(("body", "code"), [("{", "invalid_json"), ("[]", "json_not_object")])
async def test_a_body_that_is_no_object_is_refused(on: Stage, body: str, code: str) -> None:
    """JSON that is unreadable or no object is refused with Slack's code."""
    headers = {"Content-Type": "application/json"}
    address = on.client.base_url + "auth.test"
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=body, headers=headers) as answer,
    ):
        assert (await answer.json())["error"] == code


async def test_the_journal_has_every_call_and_no_token(on: Stage) -> None:
    """Each call is in the journal with arguments and answer, and never with a token."""
    await on.client.chat_postMessage(channel="C0AUDIT", text="x")
    form = {"token": BOT_TOKEN, "user": "U0AGENT"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(on.client.base_url + "users.info", data=form) as raw,
    ):
        assert (await raw.json())["ok"]
    calls = await on.people.journal()
    assert [(call["method"], call["answer"]["ok"]) for call in calls] == [
        ("chat.postMessage", True),
        ("users.info", True),
    ]
    assert BOT_TOKEN not in json.dumps(await on.people.state())


@pytest.mark.parametrize(
    ("user", "team", "enterprise", "stranger"),
    [
        ("U0AGENT", "T0CALLOPS", None, False),
        ("W0NOTEAM", None, "E0CALLOPS", False),
        ("W0SISTER", "T0SISTER", "E0CALLOPS", False),
        ("W0ORG", "E0CALLOPS", "E0CALLOPS", False),
        ("W0OTHER", "T0ELSEWHERE", "E0ELSEWHERE", False),
        ("W0UNSEEN", "T0CALLOPS", "E0CALLOPS", True),
    ],
)
async def test_people_of_a_grid_have_each_shape(
    user: str, team: str | None, enterprise: str | None, *, stranger: bool
) -> None:
    """`users.info` with and without `team_id`, and `auth.test` names the organisation."""
    async with stage(workspace=content.make(content.GRID)) as on:
        found = (await on.client.users_info(user=user))["user"]
        assert (await on.client.auth_test())["enterprise_id"] == "E0CALLOPS"
    assert (found.get("team_id"), found["is_stranger"]) == (team, stranger)
    assert found.get("enterprise_user", {}).get("enterprise_id") == enterprise


async def test_a_home_tab_is_published_and_published_anew(on: Stage) -> None:
    """Its person sees the newest view. A hash that is out of date is refused, and so is a modal."""
    first = await on.client.views_publish(user_id="U0AGENT", view=HOME)
    home = await on.person().home()
    assert home
    assert (home.id, home.hash) == (first["view"]["id"], first["view"]["hash"])
    second = await on.client.views_publish(user_id="U0AGENT", view=HOME, hash=home.hash)
    assert second["view"]["id"] == home.id
    for code, user, seen in (
        ("hash_conflict", "U0AGENT", home.hash),
        ("invalid_arguments", "U0NOBODY", None),
    ):
        with pytest.raises(SlackApiError, match=code):
            await on.client.views_publish(user_id=user, view=HOME, hash=seen)
    assert await on.people.faults() == []
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await on.client.views_publish(user_id="U0AGENT", view=FORM)
    assert len(await on.people.faults()) == 1
    await on.people.reset()
    assert await on.person().home() is None


async def test_no_home_tab_when_the_manifest_turns_it_off() -> None:
    """Nothing is published there, and nobody opens it."""
    async with stage(manifest=Manifest(home_tab=False)) as on:
        with pytest.raises(SlackApiError, match="not_enabled"):
            await on.client.views_publish(user_id="U0AGENT", view=HOME)
        with pytest.raises(ImpossibleError):
            await on.person().open_home()
