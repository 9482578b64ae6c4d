import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from playground.faults import Fault
from playground.people import Message, Person, View
from tests.e2e.scene import NUMBER, Scene, buttons, menu, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

RETRIES_TAKE = 40.0
"""Seconds for three attempts, with pauses of 2 and 8 seconds and their deadlines, on a busy computer."""
DO_NOT_KNOW = "*Outcome unknown*"


async def doubtful(scene: Scene, fault: str = "reset", *, effect: bool = True) -> Message:
    """Place a call whose answer is lost, and return the audit message that says so."""
    await scene.providers.fail("callkaro", fault, effect=effect)
    await scene.place()
    return await scene.audit(DO_NOT_KNOW)


async def settling(scene: Scene, audit: Message, by: Person | None = None) -> View:
    """Return the modal behind *Record outcome…*."""
    return opened(await (by or scene.mira).click(audit, text="Record outcome…"))


async def test_a_call_without_an_answer_is_never_placed_again(scene: Scene) -> None:
    """Silence is an unknown outcome everywhere. There is never a second request, not even after a restart."""
    audit = await doubtful(scene, "silence", effect=False)
    assert buttons(audit) == ["Record outcome…", "Show number"]
    assert [*menu(audit)] == ["Details"]
    await scene.reply("Outcome unknown", "Check the provider")
    await scene.told(DO_NOT_KNOW, request_id(audit))
    await scene.stop_bot()
    await scene.start_bot()
    await scene.place("/place-call 98765 43211")  # this later action has had its turn
    await scene.audit("*Placed*")
    asked = [one.json["to_number"] for one in await scene.requests("callkaro")]
    assert asked == [NUMBER, "+919876543211"]
    assert DO_NOT_KNOW in words(await scene.audit(request_id(audit)))


@pytest.mark.parametrize(
    ("choice", "becomes", "says", "requests"),
    [
        ("The call was placed", "*Placed*", "it *did* happen.", 1),
        ("The call was not placed", "*Not placed*", "it did *not* happen.", 1),
    ],
    ids=["happened", "did not happen"],
)
async def test_a_manager_settles_a_doubt(
    scene: Scene, choice: str, becomes: str, says: str, requests: int
) -> None:
    """Requester and onlooker may not.

    A manager records once what happened and why, and everybody reads it.
    """
    audit = await doubtful(scene)
    for refused in (scene.asha, scene.olive):
        notice = await settling(scene, audit, refused)
        assert (notice.title["text"], notice.submit) == ("Not allowed", None)
    modal = await settling(scene, audit)
    said = {
        "Outcome": choice,
        "Where did you check?": "CallKaro dashboard",
        "What did you see?": "Their screen shows it",
    }
    assert (await scene.mira.submit(modal, said | {"What did you see?": "  "})).errors.keys() == {"reason"}
    await scene.slack.deliver_twice()
    assert not (await scene.mira.submit(modal, said)).errors
    settled = await scene.audit(becomes, request_id(audit))
    assert buttons(settled) == []
    assert "Details" in menu(settled)
    await scene.reply(f"mira checked: {says}", "“Their screen shows it”")
    if requests == 1:
        await scene.told(becomes, "<@U0MANAGER>", "“Their screen shows it”")
    assert len(await scene.requests("callkaro")) == requests


async def test_of_two_who_settle_at_once_one_is_heard(scene: Scene) -> None:
    """Both had the modal open, and the second reads who was first."""
    audit = await doubtful(scene)
    managers, choices = (scene.mira, scene.sam), ("The call was placed", "The call was not placed")
    modals = [await settling(scene, audit, one) for one in managers]
    heard = await asyncio.gather(
        *(
            one.submit(
                modal,
                {
                    "Outcome": choice,
                    "Where did you check?": "CallKaro dashboard",
                    "What did you see?": "I looked",
                },
            )
            for one, modal, choice in zip(managers, modals, choices, strict=True)
        )
    )
    first, lost = (0, heard[1]) if heard[1].view else (1, heard[0])
    assert bool(heard[0].view) != bool(heard[1].view)
    assert f"*Already recorded by <@{managers[first].id}>*, <!date^" in words(opened(lost))
    await scene.reply(("mira checked: it *did* happen.", "sam checked: it did *not* happen.")[first])
    await scene.audit(("*Placed*", "*Not placed*")[first])
    assert len(await scene.requests("callkaro")) == 1


@pytest.mark.parametrize(
    "fault", ["reset", "close", "server_error", "html_502", "malformed", "empty", "wrong_type", "cut"]
)
async def test_no_readable_answer_to_a_placed_call_is_a_doubt(shared_scene: Scene, fault: str) -> None:
    """Any unreadable answer to a placed call gives an unknown outcome and a single request."""
    scene, before = shared_scene, len(await shared_scene.requests("callkaro"))
    await scene.providers.fail("callkaro", fault, effect=True)
    preview = await scene.ask(f"/place-call {NUMBER}")
    await scene.asha.click(preview, "place")
    request = request_id(await scene.asha.wait_for(lambda m: m.ts == preview.ts and bool(m.edits)))
    await scene.audit(DO_NOT_KNOW, request)
    assert len(await scene.requests("callkaro")) == before + 1


async def test_what_may_be_sent_again_is_sent_three_times_in_all(scene: Scene) -> None:
    """A cancellation by id without answers has three attempts, then a message.

    A call that never left just waits.

    Each attempt has its order in the log, and the journal has no request without an order.
    """
    await scene.providers.fail("voxworks", "silence")
    await scene.providers.fail("callkaro", "refused")
    cancelled = request_id(await scene.ask("/cancel-call vx_1001 customer asked"))
    await scene.approve()
    await scene.request_reaches("voxworks")
    await scene.providers.fail("voxworks", "reset", times=None)
    await scene.place()
    doubt = await scene.audit(DO_NOT_KNOW, cancelled, within=RETRIES_TAKE)
    assert (buttons(doubt), [*menu(doubt)]) == (["Record outcome…"], ["Details"])
    waits = "*Waiting for reminders*"
    placed = request_id(
        await scene.audit(
            waits, "reminders is down. Next try: <!date^", "+91\u00a0•••3210", within=RETRIES_TAKE
        )
    )
    said = await scene.audit("reminders has been down since")
    assert await scene.requests("callkaro") == []
    assert len(await scene.requests("voxworks")) == 3
    await scene.providers.clear("callkaro")
    await scene.command_line("retry-connection", "reminders")
    await scene.audit("*Placed*", placed)
    assert (await scene.audit("reminders is back since")).ts == said.ts
    assert [one.effects for one in await scene.requests("callkaro") if one.line.startswith("POST")] == [1]
    for one, orders in ((cancelled, (3, 2)), (placed, (2, 1))):
        names = [event["name"] for event in (await scene.log("show", one))["events"]]
        assert (names.count("sending"), names.count("retry_scheduled")) == orders


async def test_not_found_after_a_doubt_stays_a_doubt(scene: Scene) -> None:
    """A mistyped id whose first answer was lost never ends as done.

    The second answer says only "not found".
    """
    await scene.providers.fail("voxworks", "reset")
    await scene.ask("/cancel-call vx_4444 customer asked")
    await scene.approve()
    await scene.audit(DO_NOT_KNOW, "may have worked, or the ID was wrong from the start", "didn't find")
    assert len(await scene.requests("voxworks")) == 2


async def test_not_found_without_a_doubt_is_a_failure(scene: Scene) -> None:
    """A mistyped id with an immediate answer failed, and the requester reads what to do."""
    await scene.ask("/cancel-call vx_4444 customer asked")
    await scene.approve()
    await scene.told("*Not cancelled*", "didn't find this call", "Compare the id")
    assert len(await scene.requests("voxworks")) == 1


@pytest.mark.parametrize("told", ["4", "a date", "soon"])
async def test_a_provider_that_says_later_is_not_asked_earlier(scene: Scene, told: str) -> None:
    """Retry-After comes in seconds, as a date, and as nonsense.

    The whole account waits, then both calls are cancelled.
    """
    later = (datetime.now(UTC) + timedelta(seconds=8)).replace(microsecond=0)
    retry_after = format_datetime(later, usegmt=True) if told == "a date" else told
    first = request_id(await scene.ask("/cancel-call vx_1001 customer asked"))
    await scene.providers.fail("voxworks", Fault(does="rate_limited", headers={"Retry-After": retry_after}))
    await scene.approve(first)
    await scene.audit("Retrying <!date^", first)
    await scene.ask("/cancel-call vx_1002 customer asked")
    await scene.approve("vx_1002")
    await scene.audit("*Cancelled*", "vx_1002", within=RETRIES_TAKE)
    await scene.audit("*Cancelled*", first, within=RETRIES_TAKE)
    put_off, *rest = [one.at for one in await scene.requests("voxworks")]
    assert len(rest) == 2
    soonest = {"4": put_off + timedelta(seconds=4), "a date": later, "soon": put_off + timedelta(seconds=5)}
    assert min(rest) >= soonest[told]
