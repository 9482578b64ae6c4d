import asyncio
import re

import pytest

from playground.people import Message
from tests.e2e.scene import NUMBER, SOCKET_MODE_ONLY, Scene, opened, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL = "/cancel-call vx_1001 customer asked"
NOTICED = 10.0
"""Seconds until a silently dead connection is replaced."""
SORRY = "Something went wrong in CallOps. Before you try again, check the audit channel for your request."


def error_id(answer: Message) -> str:
    """Return the error id that the answer tells."""
    assert SORRY in words(answer)
    found = re.search(r"`(E-[0-9A-Z]{4,})`", words(answer))
    assert found
    return found[1]


async def calls(scene: Scene, method: str) -> list[float]:
    """Return the times at which the bot called a method."""
    return [call["at"] for call in await scene.slack.journal(method)]


async def test_a_post_that_slack_puts_off_comes_later_once(scene: Scene) -> None:
    """After a 429 the bot waits as told, after a 500 a while, and every message comes once."""
    await scene.slack.fail("chat.postMessage", "ratelimited", retry_after=2)
    await scene.slack.fail("chat.postMessage", "server_error")
    await scene.place()
    await scene.audit("*Placed*")
    first, second, *_ = await calls(scene, "chat.postMessage")
    assert second - first >= 2
    assert len(await scene.posts("C0AUDIT")) == 1
    assert len(await scene.requests("callkaro")) == 1


async def test_an_edit_whose_answer_is_lost_is_made_again(scene: Scene) -> None:
    """Slack edited the message and the connection broke. The edit is repeated, and no message is new."""
    await scene.ask(CANCEL)
    await scene.card("Requested by")
    await scene.slack.fail("chat.update", "reset", times=2, after_effect=True)
    await scene.approve()
    await scene.told("*Cancelled*")
    await scene.audit("*Cancelled*")
    await scene.card("*Cancelled*")
    roots = [one for one in await scene.posts("C0AUDIT") if not one.thread_ts]
    assert len(roots) == len(await scene.posts("C0APPROVE")) == 1


async def test_without_its_audit_channel_the_requester_still_hears(scene: Scene) -> None:
    """An archived channel accepts nothing. The log says why, and card and direct message still come."""
    scene.errors_expected = ("the audit message cannot be posted in C0AUDIT: is_archived",)
    await scene.slack.archive("C0AUDIT")
    await scene.ask(CANCEL)
    await scene.approve()
    await scene.told("*Cancelled*")
    await scene.card("*Cancelled*")
    assert "the audit message cannot be posted in C0AUDIT: is_archived" in scene.bot_log()
    await scene.told("can't be posted in")
    assert len(await scene.requests("voxworks")) == 1


@SOCKET_MODE_ONLY
@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "link_disabled"])
async def test_slack_may_end_the_connection(shared_scene: Scene, reason: str) -> None:
    """Commands during the exchange of the connection are answered."""
    await shared_scene.slack.disconnect(reason)
    await shared_scene.slack.bot_connected()
    assert "Type a command or open a form." in words(await shared_scene.ask("/calls help"))


@SOCKET_MODE_ONLY
async def test_nothing_is_lost_while_connections_are_exchanged(scene: Scene) -> None:
    """Slack closes each connection in turn while people type, and every line is answered once."""
    asking = []
    for number in range(6):
        asking.append(asyncio.create_task(scene.ask(f"/cancel-call vx_{number} duplicate")))
        await asyncio.sleep(0.05)
        if number % 2:
            await scene.slack.disconnect("refresh_requested")
    ids = [request_id(answer) for answer in await asyncio.gather(*asking)]
    assert sorted(ids) == sorted({one["request"] for one in await scene.log("list")})


@SOCKET_MODE_ONLY
async def test_a_connection_that_dies_silently_is_replaced(scene: Scene) -> None:
    """The bot notices within ten seconds, even if Slack refuses the first new connections."""
    await scene.slack.refuse_connections(2)
    await scene.slack.fall_silent()
    asked = asyncio.create_task(scene.asha.command("/calls help"))
    await scene.slack.bot_connected(NOTICED)
    assert (await asked).error == "operation_timeout"
    assert "Type a command or open a form." in words(await scene.ask("/calls help"))
    assert "Slack cannot be connected to: WSServerHandshakeError. It is tried again." in scene.bot_log()
    assert "ticket" not in scene.bot_log()


async def test_a_fault_is_a_sentence_what_to_do_and_an_id_that_the_log_knows(scene: Scene) -> None:
    """After each fault of a form the user reads an error id, under which the log has the details."""
    scene.errors_expected = ("SlackApiError in",)
    await scene.ask(CANCEL)
    card = await scene.card("Requested by")
    help_ = await scene.ask("/calls help")
    await scene.slack.fail("views.open", "error", times=3, code="fatal_error")
    said = [
        private(await scene.asha.command("/place-call")),
    ]
    await scene.asha.click(help_, text="Place a call…")

    async def another() -> Message | None:
        newest = await scene.answered(SORRY)
        return None if error_id(newest) == error_id(said[0]) else newest

    said.append(await scene.slack.until(another))
    await scene.mira.click(card, "review")
    said.append(await scene.answered(SORRY, person=scene.mira))
    review = await scene.review()
    await scene.slack.fail("views.update", "error", code="internal_error")
    await scene.mira.click(review, text="Deny…")
    said.append(await scene.sees(scene.mira, "D0MANAGER", SORRY))
    ids = {error_id(answer) for answer in said}
    assert len(ids) == len(said)
    for shown in await asyncio.gather(*(scene.terminal("log", "show", one) for one in ids)):
        assert shown.status == 0
        assert "fatal_error" in shown.output or "internal_error" in shown.output
    assert all(one in scene.bot_log() for one in ids)
    await scene.mira.submit(review)
    await scene.told("*Cancelled*")


TOO_LATE = "Slack opens a window only within three seconds, and this took longer."
NO_WINDOW = {
    "too late": ("error", "expired_trigger_id", TOO_LATE),
    "too many": ("ratelimited", "", "Slack won't open more CallOps windows for a moment."),
    "in trouble": ("server_error", "", "Slack couldn't open the window just now."),
    "out of service": ("error", "service_unavailable", "Slack couldn't open the window just now."),
    "silent": ("silence", "", "Slack didn't say in time whether the window opened."),
}


@pytest.mark.parametrize(("does", "code", "says"), NO_WINDOW.values(), ids=NO_WINDOW)
async def test_a_window_that_slack_does_not_open_loses_nothing(
    scene: Scene, does: str, code: str, says: str
) -> None:
    """The message says what happened and what to do, without an error id.

    The button opens the form with all text.
    """
    await scene.slack.fail("views.open", does, code=code)
    answer = private(await scene.asha.command("/cancel-call reason=she called back via reminders"))
    assert words(answer).startswith(f"{says} Nothing is lost. Try again, or wait a minute.")
    assert "Something went wrong" not in words(answer)
    await scene.slack.fail("views.open", does, code=code)
    await scene.asha.click(answer, text="Open the form…")
    await scene.sees(scene.asha, "C0SUPPORT", says, "Nothing is lost")
    form = opened(await scene.asha.click(answer, text="Open the form…"))
    assert "she called back" in str(form.values)
    await scene.ask(CANCEL)
    card = await scene.card("Requested by")
    await scene.slack.fail("views.open", does, code=code)
    await scene.mira.click(card, "review")
    assert says in words(await scene.answered("Nothing is lost", person=scene.mira))
    await scene.slack.fail("views.update", does, code=code)
    review = await scene.review()
    await scene.mira.click(review, text="Deny…")
    await scene.sees(scene.mira, "D0MANAGER", says, "Nothing is lost")
    await scene.mira.submit(review)
    await scene.told("*Cancelled*")
    assert [one["id"] for one in await scene.log("list")] == [request_id(card)]


async def test_who_slack_does_not_know_is_told_so(scene: Scene) -> None:
    """A new user is refused while Slack does not identify people. A user whom the log knows may continue."""
    await scene.ask(f"/place-call {NUMBER}")
    await scene.slack.fail("users.info", "server_error", times=100)
    unknown = private(await scene.olive.command(f"/place-call {NUMBER}"))
    assert "Slack didn't tell CallOps who you are" in words(unknown)
    await scene.place()
    await scene.audit("*Placed*")
    assert len(await scene.requests("callkaro")) == 1


async def test_an_answer_is_not_held_up_by_slacks_silence(scene: Scene) -> None:
    """While Slack does not answer, users read so within the three seconds that they wait."""
    await scene.slack.fail("users.info", "silence")
    assert "Slack didn't tell CallOps who you are" in words(await scene.ask(CANCEL))


async def test_somebody_unknown_to_slack_in_a_modal_keeps_what_they_typed(scene: Scene) -> None:
    """A form from an unidentified user stays open below the answer, with all text."""
    form = opened(await scene.asha.command("/cancel-call"))
    await scene.stop_bot()
    scene.told_otherwise["DATABASE_URL"] = (
        f"sqlite:///{scene.folder / 'new.db'}"  # a new log, which knows nobody yet
    )
    await scene.start_bot()
    await scene.slack.fail("users.info", "server_error", times=100)
    heard = await scene.asha.submit(form, {"Phone number or call ID": "vx_1001", "Reason": "duplicate"})
    notice = opened(heard)
    assert "Slack didn't tell CallOps who you are" in words(notice)
    await scene.asha.close(notice)
    await scene.slack.heal()
    below = await scene.asha.view()
    assert below is not None
    result = await scene.submitted(below, {})
    await scene.card("Requested by", request_id(result), "duplicate")


async def test_a_form_that_changed_meanwhile_is_no_fault(scene: Scene) -> None:
    """A second press in a modal that the first press changed does nothing, and blames nobody."""
    await scene.ask(CANCEL)
    review = await scene.review()
    await scene.slack.fail("views.update", "error", code="hash_conflict")
    await scene.mira.click(review, text="Deny…")
    assert not [one for one in await scene.mira.direct() if SORRY in words(one)]
    await scene.mira.submit(review)
    await scene.told("*Cancelled*")
