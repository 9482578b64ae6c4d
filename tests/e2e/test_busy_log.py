import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.workers.write_probe import HELD
from playground.faults import Fault
from playground.people import Heard, Message
from tests.e2e.scene import BOTH_MODES, NUMBER, OTHER_NUMBER, Scene, opened, private, request_id, until, words
from tests.e2e.test_http_mode import HELP, send
from tests.storage.holder import held

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLACK_WAITS = 3.0
"""Seconds until people read that the app did not answer."""
STOPS_WITHIN = 10.0
"""Seconds that platforms leave between SIGTERM and SIGKILL."""
NOTHING = "nothing was recorded. Try again"
CANCEL = "/cancel-call vx_1001 customer asked"
WAITED_FOR = "The log is waited for: another process holds its write lock"
LONG = 30.0
"""Seconds that are longer than background work waits for the lock, on a busy computer."""
_Answer = TypeVar("_Answer")


async def in_time(asking: Awaitable[_Answer]) -> _Answer:
    """Return the answer, which must come within the time that Slack waits."""
    began = time.monotonic()
    answer = await asking
    assert time.monotonic() - began < SLACK_WAITS
    return answer


async def in_log(scene: Scene) -> dict[str, str]:
    """Return the state of each action in the log."""
    return {one["id"]: one["state"] for one in await scene.log("list")}


async def pressed(scene: Scene, message: Message, button: str) -> str:
    """Press a button as the agent, and return the text of the private answer, which must come in time."""
    heard = await in_time(scene.asha.click(message, button))
    assert heard.error is None
    return words(await in_time(scene.answered(NOTHING)))


@BOTH_MODES
async def test_what_needs_no_write_is_answered_while_the_log_is_busy(scene: Scene) -> None:
    """Help for a new user, lists, searches, faults, forms and previews all come in time."""
    asked = request_id(await scene.ask(CANCEL))
    audit = await scene.audit("vx_1001")
    async with held(scene.folder / "callops.db"):
        for person in (scene.olive, scene.sam, scene.asha):
            assert "Place a call" in words(private(await in_time(person.command("/calls help"))))
        assert asked in words(private(await in_time(scene.asha.command("/calls list"))))
        assert asked in words(private(await in_time(scene.asha.command(f"/calls status {asked}"))))
        page = private(await in_time(scene.asha.command("/calls log")))
        assert asked in words(page)
        assert opened(await in_time(scene.asha.click(page, text="Filter…")))
        wrong = private(await in_time(scene.asha.command("/place-call 12 tomorrow")))
        assert "12" in words(wrong)
        assert opened(await in_time(scene.asha.command("/cancel-call")))
        assert opened(await in_time(scene.asha.shortcut("cancel_mentioned", audit)))
        assert opened(await in_time(scene.mira.click(await scene.card("vx_1001"), "review")))
        preview = private(await in_time(scene.asha.command(f"/place-call {NUMBER}")))
        assert "+91 98765 43210" in words(preview)
    await scene.asha.click(preview, "place")
    await scene.audit("*Placed*")


@BOTH_MODES
async def test_what_needs_a_write_says_in_time_that_nothing_was_recorded(scene: Scene) -> None:
    """Commands, buttons, forms and decisions leave nothing in the log, and each works afterwards."""
    scene.errors_expected = (f"The log cannot be written to: {HELD}",)
    waiting = request_id(await scene.ask(CANCEL))
    review = await scene.review()
    form = opened(await scene.asha.command("/cancel-call"))
    filled = {"Phone number or call ID": "vx_1002", "Reason": "duplicate"}
    preview = await scene.ask(f"/place-call {NUMBER}")
    stopping = await scene.ask(f"/calls stop {OTHER_NUMBER} asked for it")
    placing = opened(await scene.sam.command("/place-call"))
    previewed = opened(await scene.sam.submit(placing, {"Phone number": OTHER_NUMBER}))
    before = await in_log(scene)
    async with held(scene.folder / "callops.db"):
        for line in (
            "/cancel-call vx_1003 customer asked",
            "/calls cancel vx_1004 via voxworks reason=duplicate",
        ):
            assert NOTHING in words(private(await in_time(scene.asha.command(line))))
        heard = await in_time(scene.asha.submit(form, filled))
        assert NOTHING in "".join(heard.errors.values())
        assert opened(heard).id == form.id
        assert [field for field in opened(heard).values.values() if "vx_1002" in str(field)]
        decided = await in_time(scene.mira.submit(review))
        assert NOTHING in "".join(decided.errors.values())
        assert NOTHING in await pressed(scene, preview, "place")
        assert NOTHING in await pressed(scene, stopping, "add_to_do_not_call")
        above = opened(await in_time(scene.sam.submit(previewed)))
        assert NOTHING in words(above)
    # This write comes after all that were queued before it.
    last = request_id(await scene.ask("/cancel-call vx_1009 duplicate"))
    assert (await in_log(scene)).keys() == before.keys() | {last}
    assert not (await scene.mira.submit(opened(decided))).errors
    assert "vx_1002" in words(await scene.submitted(opened(heard), {}))
    await scene.asha.click(preview, "place")
    await scene.audit("*Placed*")
    await scene.audit("*Cancelled*", waiting)
    await scene.sam.close(above)
    await scene.sam.submit(previewed)
    await scene.audit("*Placed*", "3211")
    assert len(await scene.requests("callkaro")) == 2
    assert len(await scene.requests("voxworks")) == 1


@pytest.mark.parametrize("scene", [True], indirect=True)
async def test_the_same_delivery_is_accepted_once_the_log_is_free(scene: Scene) -> None:
    """A trigger that was told that nothing was recorded is not used up."""
    asked = urlencode(HELP | {"command": "/cancel-call", "text": "vx_1001 duplicate"}).encode()
    async with held(scene.folder / "callops.db"):
        assert NOTHING in (await in_time(send(scene, asked))).text
    accepted = (await send(scene, asked)).text
    assert "*Requested:*" in accepted
    assert (await send(scene, asked)).text == accepted
    assert len(await in_log(scene)) == 1


async def test_many_at_once_are_all_told_the_truth(scene: Scene) -> None:
    """While the lock is held and released, each user has a request or reads that there is none."""

    async def ask(number: int) -> Heard:
        return await in_time(scene.asha.command(f"/cancel-call vx_{number} customer asked"))

    async with held(scene.folder / "callops.db") as let_go:
        asking = [asyncio.create_task(ask(2000 + number)) for number in range(20)]
        await asyncio.sleep(1.5)
        asking += [asyncio.create_task(ask(3000 + number)) for number in range(20)]
        await asyncio.sleep(0.7)
        await let_go()
        answers = [words(private(one)) for one in await asyncio.gather(*asking)]
    accepted = [one for one in answers if "*Requested:*" in one]
    denied = [one for one in answers if NOTHING in one]
    assert denied[:20] == answers[:20]
    assert accepted
    assert len(accepted) + len(denied) == len(answers)
    assert len(await in_log(scene)) == len(accepted)


async def call_goes_out(scene: Scene) -> None:
    """Restart with a longer provider timeout, and wait until a call reaches the provider."""
    scene.errors_expected = (f"The log cannot be written to: {HELD}",)
    scene.write_configuration({'deadline = "2s"': 'deadline = "20s"', 'lease = "4s"': 'lease = "30s"'})
    await scene.stop_bot()
    await scene.start_bot()
    await scene.providers.fail("callkaro", Fault(does="slow", seconds=3))
    await scene.place()
    await scene.request_reaches("callkaro")


async def test_an_outcome_waits_for_the_log_and_is_recorded(scene: Scene) -> None:
    """A provider answers while the log is busy for longer than anybody waits. The answer is not lost."""
    await call_goes_out(scene)
    async with held(scene.folder / "callops.db"):

        async def waits() -> bool | None:
            return WAITED_FOR in scene.bot_log() or None

        await until(waits, LONG)
    await scene.audit("*Placed*")
    assert set((await in_log(scene)).values()) == {"succeeded"}
    assert len(await scene.requests("callkaro")) == 1


@BOTH_MODES
async def test_it_stops_in_time_beside_a_busy_log(scene: Scene) -> None:
    """SIGTERM ends it with 0 within ten seconds, although another process holds the lock.

    Unfinished work is named.
    """
    await call_goes_out(scene)
    async with held(scene.folder / "callops.db"):
        asking = asyncio.create_task(scene.asha.command(CANCEL))
        await asyncio.sleep(1.5)
        began = time.monotonic()
        assert await scene.stop_bot() == 0
        assert time.monotonic() - began < STOPS_WITHIN
        assert NOTHING in words(private(await asking))
    [sent] = (await in_log(scene)).items()
    assert sent[1] == "sending"
    assert f"Not finished, and left to their leases: {sent[0]}" in scene.bot_log()
    assert "couldn't release its claims" in scene.bot_log()
    await scene.start_bot()
    await scene.audit("*Outcome unknown*")
    assert len(await scene.requests("callkaro")) == 1


async def readiness(scene: Scene) -> tuple[int, str]:
    """Return the status and the text of `/readyz`."""
    async with aiohttp.ClientSession() as session, session.get(f"{scene.address}/readyz") as answer:
        return answer.status, await answer.text()


async def test_it_starts_beside_a_busy_log(scene: Scene) -> None:
    """The bot answers what it can, is not ready and says why. It is ready soon after the lock is free."""
    scene.errors_expected = (f"The log cannot be written to: {HELD}",)
    await scene.stop_bot()
    async with held(scene.folder / "callops.db"):
        await scene.start_bot()
        status, said = await readiness(scene)
        assert (status, HELD in said) == (503, True)
        assert "Place a call" in words(private(await in_time(scene.olive.command("/calls help"))))
        assert NOTHING in words(private(await in_time(scene.asha.command(CANCEL))))

    async def ready() -> bool | None:
        return (await readiness(scene))[0] == 200 or None

    await until(ready)
    assert "*Requested:*" in words(await scene.ask(CANCEL))


async def test_a_start_that_waits_for_the_log_can_be_stopped(scene: Scene) -> None:
    """Changed rules are recorded before anything is accepted.

    Until then nothing is, and SIGTERM ends the start.
    """
    await scene.stop_bot()
    scene.write_configuration({'expires = "8h"': 'expires = "7h"'})
    async with held(scene.folder / "callops.db"):
        scene.errors_expected = (f"The log cannot be written to: {HELD}",)
        scene.bot = await scene.spawn_bot()

        async def waits() -> bool | None:
            return WAITED_FOR in scene.bot_log() or None

        await until(waits, LONG)
        began = time.monotonic()
        assert await scene.stop_bot() == 0
        assert time.monotonic() - began < STOPS_WITHIN
    await scene.start_bot()
    assert "*Requested:*" in words(await scene.ask(CANCEL))


async def test_the_command_line_beside_a_busy_log(scene: Scene) -> None:
    """Commands that read are answered. Those that write say that they did not finish."""
    await scene.ask(CANCEL)
    await scene.stop_bot()
    numbers = scene.folder / "numbers.csv"
    numbers.write_text(f"{OTHER_NUMBER}\n", encoding="utf-8")
    reading = (("log", "list"), ("log", "verify"), ("policy", "lint"))
    writing = (
        ("retry-connection", "voxworks"),
        ("stop", "import", "--list", "DND", str(numbers)),
        ("purge", "--number", NUMBER),
    )
    async with held(scene.folder / "callops.db"):
        for command in reading:
            assert (await scene.terminal(*command)).status == 0
        printed = await asyncio.gather(*(scene.terminal(*command) for command in writing))
        for one in printed:
            assert (one.status, one.output) == (2, "")
            assert "Run it again." in one.errors
            assert "Traceback" not in one.errors
