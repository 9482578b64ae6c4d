import asyncio
from collections.abc import AsyncIterator

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from playground.content import APP_TOKEN
from playground.workspace import Patience
from tests.playground.slack_app import Stage, bolt, stage

BRIEF = Patience(ack=1.0, event_retries=(0.0, 0.1))


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack with little patience."""
    async with stage(BRIEF) as running:
        yield running


async def test_a_command_is_answered_over_the_socket(on: Stage) -> None:
    """Only the person who typed the command sees the app's answer."""
    async with bolt(on):
        heard = await on.person().command("/echo hello there")
        assert heard.error is None
        assert heard.ephemeral
        assert heard.ephemeral.text == "hello there"
        assert await on.person("U0MANAGER").ephemerals() == []
    assert await on.people.faults() == []


async def test_nobody_connected(on: Stage) -> None:
    """Without a connection the person reads dispatch_failed."""
    assert (await on.person().command("/echo")).error == "dispatch_failed"


async def test_no_answer_in_time(on: Stage) -> None:
    """Without an ack in time the person reads operation_timeout, and the late answer is lost."""
    async with bolt(on):
        assert (await on.person().command("/slow")).error == "operation_timeout"
        await asyncio.sleep(0.5)
        assert await on.person().ephemerals() == []


async def test_delivered_twice(on: Stage) -> None:
    """On demand the same payload arrives twice, and the person sees one answer."""
    async with bolt(on):
        await on.people.deliver_twice()
        await on.person().command("/echo once")
        await asyncio.sleep(0.05)
        assert [body["text"] for body in on.heard] == ["once", "once"]
        assert on.heard[0]["trigger_id"] == on.heard[1]["trigger_id"]
        assert len(await on.person().ephemerals()) == 1


async def test_a_payload_goes_to_one_of_several_connections(on: Stage) -> None:
    """With two connections, each payload reaches exactly one of them, in turn."""
    async with bolt(on), bolt(on):
        assert on.slack.socket.connected == 2
        for number in range(4):
            await on.person().command(f"/echo {number}")
    assert [body["text"] for body in on.heard] == ["0", "1", "2", "3"]


async def test_a_disconnect_is_followed_by_a_new_connection(on: Stage) -> None:
    """After a refresh the client reconnects, and commands work before, during and after."""
    async with bolt(on):
        await on.people.disconnect()
        assert (await on.person().command("/echo during")).error is None
        await on.people.bot_connected()
        assert (await on.person().command("/echo after")).error is None


async def test_what_was_on_its_way_is_redelivered(on: Stage) -> None:
    """An envelope whose connection ended before its ack goes to another connection, unchanged."""
    deaf, awake = [SocketModeClient(APP_TOKEN, web_client=on.client) for _ in range(2)]
    got: list[str] = []

    async def swallow(client: SocketModeClient, request: SocketModeRequest) -> None:
        got.append(request.envelope_id)
        await client.close()  # type: ignore[no-untyped-call]

    async def answer(client: SocketModeClient, request: SocketModeRequest) -> None:
        got.append(request.envelope_id)
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "here"}))

    deaf.socket_mode_request_listeners.append(swallow)  # type: ignore[arg-type]
    awake.socket_mode_request_listeners.append(answer)  # type: ignore[arg-type]
    await deaf.connect()  # type: ignore[no-untyped-call]
    await on.people.bot_connected()
    typing = asyncio.create_task(on.person().command("/echo"))
    await awake.connect()  # type: ignore[no-untyped-call]
    heard = await typing
    await awake.close()  # type: ignore[no-untyped-call]
    assert heard.ephemeral
    assert heard.ephemeral.text == "here"
    assert len(got) == 2
    assert len(set(got)) == 1


async def test_a_silent_connection_is_noticed_by_the_client() -> None:
    """After a silent network failure a payload is lost, and comes again once the client has reconnected."""
    async with stage(Patience(ack=5.0)) as on, bolt(on, ping_interval=0.2):
        await on.people.fall_silent()
        heard = await on.person().command("/echo lost and found")
        assert heard.ephemeral
        assert heard.ephemeral.text == "lost and found"
        assert [delivery["sent"] for delivery in on.slack.socket.deliveries] == [2]


async def test_an_event_without_ack_comes_again_with_its_reason(on: Stage) -> None:
    """Events are retried until they are acknowledged, with their attempt and reason."""
    client = SocketModeClient(APP_TOKEN, web_client=on.client)
    got: list[tuple[int | None, str | None]] = []
    acknowledged = asyncio.Event()

    async def listen(client: SocketModeClient, request: SocketModeRequest) -> None:
        got.append((request.retry_attempt, request.retry_reason))
        if len(got) == 2:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
            acknowledged.set()

    client.socket_mode_request_listeners.append(listen)  # type: ignore[arg-type]
    await client.connect()  # type: ignore[no-untyped-call]
    await on.people.bot_connected()
    await on.people.event({"type": "app_home_opened", "user": "U0AGENT", "tab": "home"})
    async with asyncio.timeout(5):
        await acknowledged.wait()
    await asyncio.sleep(0.2)
    await client.close()  # type: ignore[no-untyped-call]
    assert got == [(0, ""), (1, "timeout")]


async def test_a_link_is_for_one_connection(on: Stage) -> None:
    """The address that apps.connections.open gives works once."""
    url = (await on.client.apps_connections_open(app_token=APP_TOKEN))["url"]
    client = SocketModeClient(APP_TOKEN, web_client=on.client)
    session = client.aiohttp_client_session
    async with session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
    with pytest.raises(Exception, match="404"):
        await session.ws_connect(url)
    await client.close()  # type: ignore[no-untyped-call]
