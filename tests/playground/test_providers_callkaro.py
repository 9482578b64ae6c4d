from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from playground.callkaro import AGENT, DELETE, OTHER_AGENT, PLACE, Shape
from tests.playground.providers_running import NUMBER, START, Running, running, served

LATER = "2026-12-31T09:30:00"


@pytest.fixture
async def on() -> AsyncIterator[Running]:
    """Yield running stand-ins."""
    async with running() as started:
        yield started


@pytest.mark.parametrize(
    ("shape", "words", "key"),
    [
        ("success", {"status": "success", "message": "Call initiated successfully"}, "call_id"),
        ("done", {"status": "done", "message": "Call queued successfully"}, "call_sid"),
    ],
)
async def test_place_shapes(on: Running, shape: Shape, words: dict[str, str], key: str) -> None:
    """The answer to a placed call has the chosen documented shape, with the id of that shape."""
    await on.control.shape(shape)
    reply = await on.place()
    (call,) = await on.control.calls("callkaro")
    assert (reply.status_code, reply.json()) == (200, words | {key: call.id})
    assert await on.effects("callkaro") == [("placed", call.id)]


async def test_place_without_any_id(on: Running) -> None:
    """CallKaro may answer a placed call without an id."""
    await on.control.shape("neither")
    assert (await on.place()).json() == {"status": "done", "message": "Call queued successfully"}
    assert len(await on.control.calls("callkaro")) == 1


@pytest.mark.parametrize(
    ("path", "headers", "fields", "status", "message"),
    [
        (PLACE, {"X-API-KEY": ""}, {}, 403, "Missing X-API-KEY in headers"),
        (PLACE, {"X-API-KEY": "wrong"}, {}, 403, "Invalid or missing API key"),
        (PLACE, {}, {"to_number": NUMBER}, 400, "Missing agent_id"),
        (PLACE, {}, {"agent_id": AGENT}, 400, "Missing required field: to_number"),
        (PLACE, {}, {"to_number": NUMBER, "agent_id": "nobody"}, 404, "Agent does not exist"),
        (PLACE, {}, [], 400, "Invalid request body"),
        (DELETE, {"X-API-KEY": ""}, {}, 403, "Missing X-API-KEY in headers"),
        (DELETE, {}, {"to_number": NUMBER}, 400, "Missing agent_id in request query"),
        (f"{DELETE}?agent_id={AGENT}", {}, {}, 400, "Missing to_number in request"),
    ],
)
async def test_documented_errors(
    on: Running, path: str, headers: dict[str, str], fields: object, status: int, message: str
) -> None:
    """Every documented error has its status and its body, and no effect."""
    reply = await on.callkaro.post(path, json=fields, headers=headers)
    assert (reply.status_code, reply.json()) == (status, {"status": "error", "message": message})
    assert await on.effects("callkaro") == []


@pytest.mark.parametrize(("path", "message"), [(PLACE, "Server error"), (DELETE, "Internal server error")])
async def test_documented_500(on: Running, path: str, message: str) -> None:
    """Each endpoint's 500 has the wording of its own page."""
    await on.control.fail("callkaro", "server_error", effect=False)
    reply = await on.callkaro.post(path, json={})
    assert (reply.status_code, reply.json()) == (500, {"status": "error", "message": message})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to_number", "919876543210"),
        ("to_number", "+0123456789"),
        ("to_number", "+1234567890123456"),
        ("to_number", 919876543210),
        ("agent_id", 7),
        ("batch_id", 7),
        ("metadata", "name=Abhinav"),
        ("schedule_at", "tomorrow"),
        ("schedule_at", "2026-12-31"),
        ("schedule_at", "2026-02-30T09:30:00"),
        ("min_trigger_time", "24:00"),
        ("max_trigger_time", "18"),
        ("carry_over", "yes"),
        ("number_of_retries", 11),
        ("number_of_retries", -1),
        ("number_of_retries", True),
        ("gap_between_retries", "30"),
        ("gap_between_retries", [30, "60"]),
        ("priority", 101),
        ("priority", -101),
        ("language", "fr"),
        ("language", ["hi"]),
    ],
)
async def test_documented_constraints(on: Running, field: str, value: object) -> None:
    """A field that breaks its documented constraint is answered with 400, and nothing is placed."""
    reply = await on.place(**{field: value})
    assert (reply.status_code, reply.json()) == (400, {"status": "error", "message": f"Invalid {field}"})
    assert await on.control.calls("callkaro") == ()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"metadata": "\\ud800"}', b"\xff", b'{"a": NaN}']
)
@pytest.mark.parametrize("path", [PLACE, f"{DELETE}?agent_id={AGENT}"])
async def test_unreadable_bodies(on: Running, path: str, body: bytes) -> None:
    """A body that no strict JSON reader takes is answered with 400."""
    reply = await on.callkaro.post(path, content=body)
    assert (reply.status_code, reply.json()["message"]) == (400, "Invalid request body")


async def test_every_documented_field(on: Running) -> None:
    """A call with every documented field, at the limits of what is allowed, is placed and keeps them."""
    fields = {
        "batch_id": "b1",
        "metadata": {"name": "Abhinav", "age": 25},
        "schedule_at": LATER,
        "min_trigger_time": "9:00",
        "max_trigger_time": "23:59",
        "carry_over": True,
        "number_of_retries": 10,
        "gap_between_retries": [30, 60],
        "priority": -100,
        "language": "ml",
    }
    assert (await on.place(**fields, unheard_of=1)).status_code == 200
    (call,) = await on.control.calls("callkaro")
    assert (call.owner, call.to, dict(call.details)) == (AGENT, NUMBER, fields)


@pytest.mark.parametrize(
    ("written", "due"),
    [
        (LATER, datetime(2026, 12, 31, 4, 0, tzinfo=UTC)),
        ("2026-12-31T09:30:00Z", datetime(2026, 12, 31, 9, 30, tzinfo=UTC)),
        ("2026-12-31T09:30:00-05:00", datetime(2026, 12, 31, 14, 30, tzinfo=UTC)),
    ],
)
async def test_zone_of_schedule_at(on: Running, written: str, due: datetime) -> None:
    """A naive time is Indian time, and one with an offset is exact."""
    await on.place(schedule_at=written)
    (call,) = await on.control.calls("callkaro")
    assert call.due == due


async def test_calls_go_out(on: Running) -> None:
    """A call goes out at its time. The journal records that once, without a request."""
    await on.place(schedule_at="2026-11-20T10:00:00")
    await on.control.advance(29 * 60)
    assert [call.state for call in await on.control.calls("callkaro")] == ["scheduled"]
    await on.control.advance(60)
    (call,) = await on.control.calls("callkaro")
    assert call.state == "attempted"
    assert await on.effects("callkaro", of_requests=False) == [("attempted", call.id)]
    (effect,) = [one for one in (await on.control.journal("callkaro")).effects if one.request is None]
    assert (effect.at - START).total_seconds() == 30 * 60


@pytest.mark.parametrize("written", ["919876543210", "+919876543210"])
@pytest.mark.parametrize("form", ["json", "urlencoded", "multipart"])
async def test_delete_removes_all_of_the_agents_calls_to_the_number(
    on: Running, written: str, form: str
) -> None:
    """The number may have a plus or not, in JSON or a form. Only that agent's calls go."""
    for _ in range(2):
        await on.place(schedule_at=LATER)
    await on.place(schedule_at=LATER, agent_id=OTHER_AGENT)
    await on.place(schedule_at=LATER, to_number="+919876543211")
    await on.place()
    fields = {"to_number": written}
    reply = await on.callkaro.post(
        DELETE,
        params={"agent_id": AGENT},
        json=fields if form == "json" else None,
        data=fields if form == "urlencoded" else None,
        files={"to_number": (None, written)} if form == "multipart" else None,
    )
    assert (reply.status_code, reply.json()) == (
        200,
        {"status": "success", "message": "Scheduled call deleted successfully"},
    )
    states = [call.state for call in await on.control.calls("callkaro")]
    assert states == ["removed", "removed", "scheduled", "scheduled", "attempted"]
    exchange = (await on.control.journal("callkaro")).exchanges[-1]
    assert [effect.what for effect in exchange.effects] == ["removed", "removed"]


async def test_place_takes_no_form(on: Running) -> None:
    """Form data is documented for deleting alone."""
    reply = await on.callkaro.post(PLACE, data={"to_number": NUMBER, "agent_id": AGENT})
    assert (reply.status_code, await on.control.calls("callkaro")) == (400, ())


@pytest.mark.parametrize("agent", [AGENT, "nobody"])
async def test_delete_says_success_over_nothing(on: Running, agent: str) -> None:
    """With nothing scheduled, or an unknown agent, the answer is that of a deletion.

    Only the journal differs.
    """
    reply = await on.callkaro.post(DELETE, params={"agent_id": agent}, json={"to_number": NUMBER})
    assert (reply.status_code, reply.json()["status"]) == (200, "success")
    assert await on.effects("callkaro") == []


async def test_call_scheduled_by_hand(on: Running) -> None:
    """A call added through the control routes is deleted like one that was placed."""
    await on.control.add_call("callkaro", "c1", due=datetime(2027, 1, 1, tzinfo=UTC), owner=AGENT, to=NUMBER)
    await on.callkaro.post(DELETE, params={"agent_id": AGENT}, json={"to_number": NUMBER})
    assert await on.effects("callkaro") == [("removed", "c1")]


async def test_what_is_not_there(on: Running) -> None:
    """Only the two documented endpoints exist, and only for POST."""
    assert (await on.callkaro.get(PLACE)).status_code == 404
    assert (await on.callkaro.post("/call/inbound", json={})).status_code == 404


async def test_the_end_of_a_call_is_told_as_often_as_asked(on: Running) -> None:
    """The event is the page's "Call Ended Event", and each answer is reported.

    It has our metadata, numbers without a plus, and a naive time.
    """
    heard: list[Any] = []

    async def hear(request: Request) -> Response:
        heard.append(await request.json())
        return Response(status_code=(204, 500)[len(heard) - 1])

    await on.place(metadata={"name": "Jatin", "age": 25}, batch_id="b1")
    [call] = await on.control.calls("callkaro")
    async with served(Starlette(routes=[Route("/hear", hear, methods=["POST"])])) as address:
        on.opened.add(address)
        assert await on.control.end_call(call.id, f"{address}/hear", times=2) == [204, 500]
    assert heard[0] == heard[1]
    assert heard[0]["event"] == "call_ended"
    data = heard[0]["data"]
    assert data["call_metadata"] == {"name": "Jatin", "age": 25}
    assert (data["callSid"], data["agent"], data["to"]) == (call.id, AGENT, NUMBER.removeprefix("+"))
    assert (data["time"], data["batchId"]) == ("2026-11-20 09:30:00", "b1")


async def test_only_a_call_that_went_out_ends(on: Running) -> None:
    """A scheduled call has not happened yet. Without a listener there is no answer."""
    await on.place(schedule_at="2026-11-20T10:30:00")
    [call] = await on.control.calls("callkaro")
    nowhere = "http://127.0.0.1:9/"
    on.opened.add("http://127.0.0.1:9")
    for one in (call.id, "nobodys"):
        with pytest.raises(ValueError, match="only a call that went out can end"):
            await on.control.end_call(one, nowhere)
    await on.control.advance(3600)
    assert await on.control.end_call(call.id, nowhere) == [None]
