import asyncio
import json
import re
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import pytest_asyncio

from playground import voxworks
from playground.callkaro import AGENT
from playground.faults import Fault
from playground.people import ImpossibleError, Message
from playground.webhooks import End
from tests.e2e.conftest import Wings
from tests.e2e.scene import NUMBER, OTHER_NUMBER, OVER_HTTP, Scene, buttons, menu, request_id, until, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORD = "canary-webhook-word-of-128-bits"
SETTINGS = (
    'webhook_secret = "env:CALLKARO_WEBHOOK_SECRET"\nsend_action_id = true\nallow_undocumented = true\n'
)
DO_NOT_KNOW = "*Outcome unknown*"
CALLKARO_WAITS = 5.0
SAID = "canary of a transcript"


async def listening(scene: Scene) -> Scene:
    """Let a scene's bot receive CallKaro's webhooks, and log at its most detailed level."""
    zone = 'timezone = "Asia/Kolkata"\n'
    scene.write_configuration({zone: zone + SETTINGS})
    scene.told_otherwise = {"CALLKARO_WEBHOOK_SECRET": WORD, "PORT": "0", "LOG_LEVEL": "DEBUG"}
    await scene.start_bot()
    return scene


@pytest_asyncio.fixture(loop_scope="session")
async def hearing(dark_scene: Scene) -> Scene:
    """Return a scene of one's own that receives webhooks."""
    return await listening(dark_scene)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_hearing(wings: Wings) -> AsyncIterator[Scene]:
    """Yield a scene that receives webhooks, for tests that change nothing."""
    scene = await listening(await wings.dark())
    yield scene
    await scene.check()
    wings.free(scene)


def address(scene: Scene) -> str:
    """Return the address at which the bot receives webhooks."""
    found = re.findall(r"Listening to webhooks at (http://\S+) for reminders", scene.bot_log())
    assert found
    return str(found[-1])


def path(scene: Scene, word: str = WORD, connection: str = "reminders") -> str:
    """Return the address of CallKaro's webhooks."""
    return f"{address(scene)}/webhooks/{connection}/{word}"


async def post(url: str, content: Any) -> httpx.Response:
    """Post a document, or bytes, as anybody could."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=CALLKARO_WAITS) as client:  # noqa: S501 - plain http
        return await client.post(url, content=body)


def ended(
    action_id: str, to: str = NUMBER, reason: str = "CLIENT_INITIATED", attempt: int = 0
) -> dict[str, Any]:
    """Return the webhook of a call's end, as CallKaro words it."""
    metadata = {"callops_action_id": action_id}
    data = {
        "callSid": "c-1",
        "hangup_reason": reason,
        "try_count": attempt,
        "agent": AGENT,
        "to": to.removeprefix("+"),
        "call_metadata": metadata,
    }
    return {"event": "call_ended", "data": {**data, "transcription": SAID}}


async def doubtful(scene: Scene) -> Message:
    """Place a call whose answer is lost, and return the audit message that says so."""
    await scene.providers.fail("callkaro", "reset", effect=True)
    await scene.place()
    audit = await scene.audit(DO_NOT_KNOW)
    await scene.told(DO_NOT_KNOW, request_id(audit))
    return audit


async def state(scene: Scene, request: str) -> str:
    """Return the state of a request in the log."""
    return str((await scene.log("show", request))["request"]["state"])


async def events(scene: Scene, request: str) -> list[str]:
    """Return the names of a request's events."""
    return [event["name"] for event in (await scene.log("show", request))["events"]]


async def test_a_lost_answer_is_settled_by_the_webhook(hearing: Scene) -> None:
    """Audit channel, thread and requester read that it happened, and the evidence.

    A repeated webhook changes nothing.
    """
    audit = await doubtful(hearing)
    request = request_id(audit)
    [call] = await hearing.providers.calls("callkaro")
    assert await hearing.providers.end_call(call.id, path(hearing), times=2) == [200, 200]
    settled = await hearing.audit("*Placed*", "Answered, 2 min.", request)
    assert (settled.ts, buttons(settled), [*menu(settled)]) == (audit.ts, [], ["Details"])
    await hearing.reply("The provider told us what happened, so nobody needs to check")
    await hearing.told("*Placed*", "Answered, 2 min.", request)
    assert await hearing.providers.end_call(call.id, path(hearing)) == [200]
    assert (await events(hearing, request)).count("webhook") == 1
    assert len(await hearing.requests("callkaro")) == 1
    told = [one for one in await hearing.posts("C0AUDIT") if "nobody needs to check" in words(one)]
    assert len(told) == 1
    [action] = (await hearing.log("show", request))["request"]["actions"]
    assert action["reference"] == call.id


async def test_the_stand_ins_post_to_nobody_but_the_bot(hearing: Scene) -> None:
    """Neither a webhook nor an event of Slack goes to an address that the stage did not open."""
    await hearing.place()
    await hearing.request_reaches("callkaro")
    [call] = await hearing.providers.calls("callkaro")
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        local = f"http://127.0.0.1:{other.getsockname()[1]}/"
        with pytest.raises(ValueError, match="the stand-ins post to nothing else"):
            await hearing.providers.end_call(call.id, local)
        with pytest.raises(ImpossibleError, match="the stand-ins post to nothing else"):
            await hearing.slack.request_url(local)
        with pytest.raises(BlockingIOError):
            other.accept()


async def test_an_end_that_did_not_ring_settles_nothing(hearing: Scene) -> None:
    """The call stays unknown, with its button, and the thread has CallKaro's word.

    A try that rang settles it.
    """
    request = request_id(await doubtful(hearing))
    silent = {
        "OUTSIDE_TRIGGER_WINDOW": "Not dialled: OUTSIDE_TRIGGER_WINDOW.",
        "INVALID_PHONE_NUMBER": "Not dialled, invalid number (try 2).",
        "PRE_CALL_FN_FAILED": "Not dialled: PRE_CALL_FN_FAILED (try 3).",
        "USER_UNRESPONSIVE": "The phone didn't ring (try 4).",
        "UNKNOWN": "Ended: UNKNOWN (try 5).",
    }
    for attempt, (reason, shown) in enumerate(silent.items()):
        told = ended(request, reason=reason, attempt=attempt)
        assert [(await post(path(hearing), told)).status_code for _ in range(2)] == [200, 200]
        await hearing.reply(DO_NOT_KNOW, shown)
    assert await state(hearing, request) == "unknown"
    assert "Record outcome…" in buttons(await hearing.audit(DO_NOT_KNOW, request))
    rang = ended(request, reason="USER_UNAVAILABLE", attempt=5)  # the last try is shown
    assert (await post(path(hearing), rang)).status_code == 200
    await hearing.audit("*Placed*", "No answer (try 6).", request)
    assert (await events(hearing, request)).count("call_ended") == 6


async def test_a_call_that_was_deleted_settles_its_deletion(hearing: Scene) -> None:
    """The answer to a deletion was lost. The call's end as deleted proves it, and everybody is told."""
    await hearing.place(f"/place-call {NUMBER} tomorrow 9:30")
    placed = request_id(await hearing.audit("*Scheduled*"))
    cancel = request_id(await hearing.ask(f"/cancel-call {NUMBER} via reminders customer asked"))
    await hearing.providers.fail("callkaro", "silence", times=3, effect=True)
    await hearing.approve(cancel)
    await hearing.request_reaches("callkaro", 2)
    [call] = await hearing.providers.calls("callkaro")
    gone = End(reason="DELETED_SCH_CALL_ALL")
    assert await hearing.providers.end_call(call.id, path(hearing), times=2, end=gone) == [200, 200]
    await hearing.audit("*Cancelled*", "this scheduled call was deleted. It won't go out.", cancel)
    await hearing.audit("*Cancelled*", "It won't go out.", placed)
    assert await state(hearing, cancel) == "succeeded"
    assert (await events(hearing, cancel)).count("webhook") == 1


async def test_an_end_is_one_event_and_one_edit_whatever_happens_between(hearing: Scene) -> None:
    """It comes before the answer, the bot is killed, and it comes twice more. Two seconds later it is read."""
    await hearing.providers.fail("callkaro", "silence", effect=True)
    await hearing.place()
    await hearing.request_reaches("callkaro")
    [call] = await hearing.providers.calls("callkaro")
    assert await hearing.providers.end_call(call.id, path(hearing)) == [200]
    await hearing.kill_bot()
    await hearing.start_bot()
    assert await hearing.providers.end_call(call.id, path(hearing), times=2) == [200, 200]
    began = time.monotonic()
    audit = await hearing.audit("*Placed*", "Answered, 2 min.")
    assert time.monotonic() - began < 2
    names = await events(hearing, request_id(audit))
    assert (names.count("call_ended"), names.count("webhook"), names.count("sending")) == (1, 1, 1)
    told = [one for one in await hearing.posts("C0AUDIT") if "Answered" in words(one)]
    assert [one.ts for one in told if not one.thread_ts] == [audit.ts]
    assert len(await hearing.requests("callkaro")) == 1


async def test_a_webhook_sooner_than_the_answer_is_believed(hearing: Scene) -> None:
    """The call ended while its answer was still out. It happened, and a lost answer changes nothing."""
    await hearing.providers.fail("callkaro", "silence", effect=True)
    await hearing.place()
    await hearing.request_reaches("callkaro")
    [call] = await hearing.providers.calls("callkaro")
    assert await hearing.providers.end_call(call.id, path(hearing)) == [200]
    audit = await hearing.audit("*Placed*", "Answered, 2 min.")

    async def over() -> bool | None:
        return "came after attempt 1 was over" in hearing.bot_log() or None

    await until(over)
    assert await events(hearing, request_id(audit)) == [
        "requested",
        "sending",
        "call_ended",
        "webhook",
    ]


async def test_the_answer_and_the_webhook_race(hearing: Scene) -> None:
    """Both come at about the same time, ten times. Each call is done once, by either of them."""
    await hearing.providers.fail("callkaro", Fault(does="slow", seconds=0.2, times=None))
    for number in range(1, 11):
        await hearing.place(
            f"/place-call +9198765432{number:02}"
        )  # numbers differ, because a repeated call raises a question
        await hearing.request_reaches("callkaro", number)
        *_, call = await hearing.providers.calls("callkaro")
        await asyncio.sleep(0.02 * number)
        assert await hearing.providers.end_call(call.id, path(hearing)) == [200]

    async def all_done() -> list[Any] | None:
        done: list[Any] = await hearing.log("list", "--state", "succeeded")
        return done if len(done) == 10 else None

    await until(all_done)
    with closing(sqlite3.connect(hearing.folder / "callops.db")) as log:
        ends = log.execute("SELECT action FROM events WHERE name IN ('succeeded', 'webhook')").fetchall()
    assert len(ends) == len(set(ends)) == 10


async def test_a_webhook_does_not_wait_for_slack(hearing: Scene) -> None:
    """While Slack answers nobody, the webhook is answered at once, and announced later."""
    request = request_id(await doubtful(hearing))
    await hearing.slack.fail("*", "server_error", times=1000)
    began = time.monotonic()
    assert (await post(path(hearing), ended(request))).status_code == 200
    assert time.monotonic() - began < 1
    assert await state(hearing, request) == "succeeded"
    await hearing.slack.heal()
    await hearing.audit("*Placed*", request)


async def test_a_webhook_that_the_log_cannot_take_comes_again(hearing: Scene) -> None:
    """While another process holds the log, the answer is a 503 in time.

    Later the same webhook settles it, once.
    """
    request = request_id(await doubtful(hearing))
    with closing(sqlite3.connect(hearing.folder / "callops.db", isolation_level=None)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert (await post(path(hearing), ended(request))).status_code == 503
        assert time.monotonic() - began < CALLKARO_WAITS
    assert (await post(path(hearing), ended(request))).status_code == 200
    await hearing.audit("*Placed*", request)
    assert (await events(hearing, request)).count("webhook") == 1


async def test_a_webhook_in_flight_is_finished_when_the_bot_stops(hearing: Scene) -> None:
    """After SIGTERM a webhook in progress is recorded and answered, and the bot exits with 0.

    Nobody new is accepted. A peer that has sent nothing, or only a part of a head, is not waited for.
    """
    request = request_id(await doubtful(hearing))
    url, body = httpx.URL(path(hearing)), json.dumps(ended(request)).encode()
    idle = [await asyncio.open_connection(url.host, url.port) for _ in range(2)]
    idle[1][1].write(_head(url, 100)[:20])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(_head(url, len(body)) + body[:10])
    await writer.drain()
    await asyncio.sleep(0.2)
    stopping = asyncio.create_task(hearing.stop_bot())

    async def deaf() -> bool | None:
        with socket.socket() as other:
            return other.connect_ex((url.host, url.port)) != 0 or None

    await until(deaf)
    writer.write(body[10:])
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert await stopping == 0
    assert [await silent.read() for silent, _ in idle] == [b"", b""]
    for _, silent in idle:
        silent.close()
    assert await state(hearing, request) == "succeeded"


def _head(url: httpx.URL, length: int) -> bytes:
    return f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


async def test_a_port_that_is_taken_is_a_sentence(dark_scene: Scene) -> None:
    """The bot does not start, and the operator reads what to do. The secret is not shown."""
    zone = 'timezone = "Asia/Kolkata"\n'
    dark_scene.write_configuration({zone: zone + SETTINGS})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        printed = await dark_scene.terminal("serve", CALLKARO_WEBHOOK_SECRET=WORD, PORT=port)
    assert printed.status == 2
    assert f"PORT {port} cannot be listened on (Address already in use)" in printed.errors
    assert "set another PORT" in printed.errors
    assert "Traceback" not in printed.errors
    assert WORD not in printed.errors


async def test_without_webhooks_none_are_heard(scene: Scene) -> None:
    """A bot without webhooks answers one like any other path."""
    assert "Webhooks" not in scene.bot_log()
    assert (await post(f"{scene.address}/webhooks/reminders/{WORD}", {})).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(ended("A-2222", OTHER_NUMBER), 200, id="an action nobody knows"),
        pytest.param({"event": "call_started", "data": {}}, 200, id="another event"),
        pytest.param({}, 200, id="nothing"),
        pytest.param([ended("A-2222")], 400, id="a list"),
        pytest.param(b"", 400, id="no body"),
        pytest.param(SAID.encode(), 400, id="no JSON"),
        pytest.param(b'{"event": NaN}', 400, id="not a number"),
        pytest.param(b'{"event": "\xff"}', 400, id="no UTF-8"),
        pytest.param(b'{"event": "call_ended", "data": {"call_metadata": {"callops_action_id": "\\ud800"}}}', 400, id="half a letter"),
        pytest.param(b'{"a":' * 100_000, 400, id="endlessly deep"),
        pytest.param(b'{"a": "' + b"x" * 1024 * 1024 + b'"}', 413, id="too large"),
    ],
)  # fmt: skip
async def test_a_strange_body_changes_nothing(shared_hearing: Scene, body: Any, status: int) -> None:
    """A sender with the secret may send anything. The answer is a plain status, and the log has no fault."""
    answer = await post(path(shared_hearing), body)
    assert (answer.status_code, answer.content) == (status, b"")


async def test_a_long_transcript_is_taken(shared_hearing: Scene) -> None:
    """Half a megabyte is a long call in an alphabet that JSON escapes."""
    document = ended("A-2222")
    document["data"]["transcription"] = "ब" * 80_000
    assert (await post(path(shared_hearing), document)).status_code == 200


async def test_nobody_without_the_word_learns_anything(shared_hearing: Scene) -> None:
    """A wrong secret, connection, method or path each get the same 404, before the body is read."""
    base, huge = address(shared_hearing), b"x" * 10_000_000
    answers = [
        await post(path(shared_hearing, "another-word-of-128-bits-x"), huge[:1000]),
        await post(path(shared_hearing, WORD + "x"), {}),
        await post(path(shared_hearing, "%E0%A4%A"), {}),
        await post(path(shared_hearing, connection="voxworks"), {}),
        await post(path(shared_hearing, connection="nowhere"), {}),
        await post(path(shared_hearing) + "/", {}),
        await post(f"{base}/webhooks/reminders", {}),
        *([] if OVER_HTTP else [await post(f"{base}/slack/events", {})]),
    ]
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:  # noqa: S501 - plain http
        answers += [await client.get(path(shared_hearing)), await client.get(base)]
        answers += [await client.options(path(shared_hearing)), await client.head(path(shared_hearing))]
    seen = {(one.status_code, one.content, tuple(sorted(set(one.headers) - {"date"}))) for one in answers}
    assert seen == {(404, b"", ("connection", "content-length"))}


async def test_a_body_that_does_not_come_is_not_waited_for(shared_hearing: Scene) -> None:
    """The answer is a 408 within CallKaro's timeout.

    The connection closes, and others are served meanwhile.
    """
    url = httpx.URL(path(shared_hearing))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    began = time.monotonic()
    writer.write(_head(url, 100) + b'{"event":')
    assert (await post(str(url), {})).status_code == 200
    assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < CALLKARO_WAITS
    writer.close()


async def test_what_is_no_http_is_no_trouble(shared_hearing: Scene) -> None:
    """Nonsense on the wire, or a peer that leaves in the middle of a body, causes no fault."""
    url = httpx.URL(path(shared_hearing))
    for sent in (b"\x16\x03\x01\x02\x00\x01\x00", _head(url, 100) + SAID.encode()):
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert (await post(str(url), {})).status_code == 200


async def test_a_webhook_about_another_number_settles_nothing(hearing: Scene) -> None:
    """An id alone is not believed, not even a cancellation's. The operator reads that somebody should look.

    The bot's own log never has anything of a webhook, at any level.
    """
    request = request_id(await doubtful(hearing))
    assert (await post(path(hearing), ended(request, OTHER_NUMBER))).status_code == 200
    assert await state(hearing, request) == "unknown"
    assert (
        f"{request}: a webhook of reminders changes nothing: it is about another number" in hearing.bot_log()
    )
    cancel = request_id(await hearing.cancel(f"/cancel-call {NUMBER} via reminders customer asked"))
    assert (await post(path(hearing), ended(cancel))).status_code == 200
    assert await state(hearing, cancel) == "pending"
    assert (await post(path(hearing), ended(request))).status_code == 200
    await hearing.audit("*Placed*", request)
    await post(path(hearing, "wrong-" + WORD), {})
    await post(path(hearing), SAID.encode())
    assert await hearing.stop_bot() == 0
    for private in (WORD, "/webhooks/", SAID, "98765", "call_ended", "c-1"):
        assert private not in hearing.bot_log()


async def test_a_person_was_sooner(hearing: Scene) -> None:
    """Somebody recorded that it did not happen.

    The webhook changes nothing, and thread and requester read it once.
    """
    audit = await doubtful(hearing)
    modal = (await hearing.mira.click(audit, text="Record outcome…")).view
    assert modal is not None
    said = {
        "Outcome": "The call was not placed",
        "Where did you check?": "CallKaro dashboard",
        "What did you see?": "Their screen",
    }
    await hearing.mira.submit(modal, said)
    request = request_id(await hearing.audit("*Not placed*"))
    assert (await post(path(hearing), ended(request))).status_code == 200
    assert await state(hearing, request) == "failed"
    assert f"{request}: a webhook of reminders says that it took place after all" in hearing.bot_log()
    says = "The log has it as failed, and keeps that."
    await hearing.reply(
        "*The provider says this call took place.*", says, "CallKaro told us that this call ended."
    )
    await hearing.told(says, request)
    assert (await post(path(hearing), ended(request))).status_code == 200
    assert (await events(hearing, request))[-3:] == ["did_not_happen", "call_ended", "took_place"]


async def test_whoever_says_nothing_shuts_nobody_out(shared_hearing: Scene) -> None:
    """Connections without a whole head are closed, even with a byte now and then. Then others are served."""
    url = httpx.URL(path(shared_hearing))
    silent = [await asyncio.open_connection(url.host, url.port) for _ in range(70)]
    assert (await post(str(url), {})).status_code == 200

    async def drip() -> None:
        for letter in _head(url, 100)[:20]:
            silent[0][1].write(bytes([letter]))
            await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(CALLKARO_WAITS):
        assert {await reader.read() for reader, _ in silent} == {b""}
    assert (await post(str(url), {})).status_code == 200
    dripping.cancel()
    for _, writer in silent:
        writer.close()


async def test_a_connection_is_for_one_webhook(shared_hearing: Scene) -> None:
    """Each answer closes its connection, so that nobody keeps an idle one."""
    assert (await post(path(shared_hearing), {})).headers["connection"] == "close"


VOXWORKS = f"""provider = "voxworks"
allow_undocumented = true
from_number = "{voxworks.FROM_NUMBER}"
agents = {{ welcome = "{voxworks.SCRIPT}" }}
webhook_secret = "env:VOXWORKS_WEBHOOK_SECRET"
"""


async def test_voxworks_names_a_call_by_its_own_id(dark_scene: Scene) -> None:
    """The end is recorded once, for the call with this id and number, and nothing else of the body is kept."""
    scene = dark_scene
    scene.write_configuration({'provider = "voxworks"\n': VOXWORKS})
    scene.told_otherwise = {"VOXWORKS_WEBHOOK_SECRET": WORD, "PORT": "0", "LOG_LEVEL": "DEBUG"}
    await scene.start_bot()
    preview = await scene.ask("/place-call 98765 43210 via voxworks")
    await scene.asha.click(preview, text="Place call")
    request = request_id(await scene.audit("✅ *Placed* · call to", "•••3210"))
    [placed] = (await scene.log("show", request))["request"]["actions"]
    [place] = re.findall(r"Listening to webhooks at (http://\S+) for voxworks", scene.bot_log())
    url = f"{place}/webhooks/voxworks/{WORD}"
    trigger = {"call_id": placed["reference"], "call_status": "rang-out", "contact_name": SAID}
    content = {"trigger": trigger, "contact": {"phone_number": NUMBER}, "call": {"call_summary": SAID}}
    others = [
        content | {"contact": {"phone_number": OTHER_NUMBER}},
        content | {"trigger": trigger | {"call_id": "vx_1001"}},
        content | {"trigger": trigger | {"call_status": "in_progress"}},
    ]
    for one in (*others, content, content):
        assert (await post(url, one)).status_code == 200
    shown = await scene.log("show", request)
    [end] = [event["data"] for event in shown["events"] if event["name"] == "call_ended"]
    assert end["ending"] == "no_answer"
    assert shown["request"]["state"] == "succeeded"
    assert SAID not in json.dumps(shown) + scene.bot_log()
    assert NUMBER not in scene.bot_log()
