# ruff: noqa: RUF001 - words as people write them
import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from playground.people import Message
from tests.e2e.scene import (
    AGENT,
    BOTH_MODES,
    NUMBER,
    Asked,
    Scene,
    buttons,
    opened,
    private,
    request_id,
    words,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_NUMBER = (
    f"/cancel-call {NUMBER} customer asked",
    "callkaro",
    Asked(f"POST /call/delete-schedule-call?agent_id={AGENT}", {"to_number": "919876543210"}, effects=0),
    "*Confirmed, no call known*",
    Scene.cancel,
    ["Withdraw request"],
)
BY_ID = (
    "/calls cancel vx_1001 via voxworks reason=customer asked",
    "voxworks",
    Asked("POST /api/v1/cancel-call/vx_1001", None, effects=1),
    "*Cancelled*",
    Scene.ask,
    ["Withdraw request", "Show status"],
)


@pytest.mark.parametrize(
    ("line", "provider", "request_", "done", "ask", "ways"), [BY_NUMBER, BY_ID], ids=["number", "id"]
)
@BOTH_MODES
async def test_an_approved_cancellation_is_sent_once_and_told_to_all(
    scene: Scene,
    line: str,
    provider: str,
    request_: Asked,
    done: str,
    ask: Callable[[Scene, str], Awaitable[Message]],
    ways: list[str],
) -> None:
    """The cancellation waits on a card and is sent once after approval.

    All messages and the requester say so.
    """
    waiting = await ask(scene, line)
    assert buttons(waiting) == ways
    card = await scene.card("Requested by", request_id(waiting), "customer asked")
    await scene.audit("Waiting for approval", request_id(waiting))
    assert await scene.requests(provider) == []
    assert "customer asked" in words(await scene.review())
    view = await scene.mira.view()
    assert view is not None
    assert await scene.mira.submit(view)
    audit = await scene.audit(done, request_id(waiting))
    assert [text for text in ("Waiting for approval", done) if text in audit.edits[0]["text"]] == [
        "Waiting for approval"
    ]
    await scene.audit("approved by mira")
    await scene.told(done, request_id(waiting))
    decided = await scene.card(done, "approved by mira")
    assert (decided.ts, buttons(decided)) == (card.ts, [])
    assert await scene.requests(provider) == [request_]
    assert len(await scene.asha.direct()) == 1


async def test_a_denial_needs_a_reason_that_the_requester_reads(scene: Scene) -> None:
    """A blank reason is an error under its field.

    A real one reaches requester, thread and card, and nothing is sent.
    """
    await scene.ask(BY_ID[0])
    form = opened(await scene.mira.click(await scene.review(), text="Deny…"))
    blank = await scene.mira.submit(form, {"In your words": "   "})
    assert blank.errors.keys() == {"words"}
    assert not (await scene.mira.submit(form, {"In your words": "<!channel> she <confirmed> it"})).errors
    reason = "“&lt;!channel&gt; she &lt;confirmed&gt; it”"
    told = await scene.told("Denied by <@U0MANAGER>", reason)
    reply = await scene.reply("mira denied this.", reason, "goes out")
    assert (told.pings, reply.pings) == (("@U0MANAGER",), ())
    assert buttons(await scene.card("Denied by mira")) == []
    await scene.audit("Denied by mira")
    assert await scene.requests("voxworks") == []


async def test_what_a_manager_types_is_cleaned_as_a_command_is(scene: Scene) -> None:
    """The log and Slack hold no control characters. Invisible text is no reason, and lines stay lines."""
    request = request_id(await scene.ask(BY_ID[0]))
    form = opened(await scene.mira.click(await scene.review(), text="Deny…"))
    for unseen in ("\u200d", "\u2800\u3164", "\u202e\x1b"):
        assert (await scene.mira.submit(form, {"In your words": unseen})).errors.keys() == {"words"}
    said = "not today\r\n   12  2026-11-21  A-7K3F  approved\x1b[2J  by \u202eU0BOSS می\u200cخواهم"
    assert not (await scene.mira.submit(form, {"In your words": said})).errors
    await scene.told("Denied by <@U0MANAGER>", "می\u200cخواهم")
    shown = await scene.log("show", request)
    [note] = [one["personal"]["note"] for one in shown["events"] if "note" in one["personal"]]
    assert note == "not today\n   12  2026-11-21  A-7K3F  approved[2J  by U0BOSS می\u200cخواهم"
    printed = (await scene.terminal("log", "show", request)).output
    assert '\n    note: "not today\n    │    12  2026-11-21' in printed


async def test_nobody_decides_about_their_own_request(scene: Scene) -> None:
    """Review refuses a manager who asked, and the other manager decides."""
    private(await scene.mira.command(BY_ID[0], channel="C0GENERAL"))
    refused = await scene.review()
    assert "Someone else in managers has to." in words(refused)
    assert refused.submit is None
    await scene.approve(by=scene.sam)
    await scene.audit("*Cancelled*")
    await scene.sees(scene.mira, "D0MANAGER", "*Cancelled*")
    assert len(await scene.requests("voxworks")) == 1


@pytest.mark.parametrize(
    ("line", "channel"),
    [(f"/place-call {NUMBER}", "C0SUPPORT"), (BY_ID[0], "C0SUPPORT")],
    ids=["place", "cancel"],
)
async def test_who_is_no_full_member_is_refused_and_the_log_has_it(
    scene: Scene, line: str, channel: str
) -> None:
    """Guests, external people, deactivated accounts and bots read why not, and each attempt is recorded.

    Their text is not parsed, so there is no action: the log has the user, the place and the reason.
    """
    reasons = {
        "U0GUEST": "Guests can't",
        "U0STRANGER": "another organisation",
        "U0GONE": "deactivated",
        "U0BOT": "Apps and bots",
    }
    for user, why in reasons.items():
        answer = private(await scene.slack.person(user).command(line, channel=channel))
        assert why in words(answer)
        assert buttons(answer) == []
    assert await scene.log("list") == []
    with closing(sqlite3.connect(scene.folder / "callops.db")) as log:
        tried = log.execute("SELECT request, who FROM what_happened WHERE what = 'denied attempt'").fetchall()
    assert {who for _, who in tried} == {*reasons}
    for attempt, who in tried:
        [event] = (await scene.log("show", attempt))["events"]
        assert event["data"]["tried"] == line.split(maxsplit=1)[0]
        assert reasons[who] in event["data"]["reason"]
    assert await scene.posts("C0AUDIT") == await scene.posts("C0APPROVE") == []
    assert await scene.requests("callkaro") == await scene.requests("voxworks") == []


async def test_an_onlooker_who_gets_hold_of_a_card_decides_nothing(dark_scene: Scene) -> None:
    """Everybody sees the cards here, and still only managers may decide."""
    dark_scene.write_configuration({"C0APPROVE": "C0GENERAL"})
    await dark_scene.start_bot()
    await dark_scene.ask(BY_ID[0])
    card = await dark_scene.sees(dark_scene.olive, "C0GENERAL", "Requested by")
    for onlooker in (dark_scene.olive, dark_scene.asha):
        refused = opened(await onlooker.click(card, "review"))
        assert refused.title["text"] == "Not allowed"
        assert refused.submit is None
    assert await dark_scene.requests("voxworks") == []


async def test_of_two_managers_at_once_exactly_one_wins(scene: Scene) -> None:
    """Both approve in open modals. A single request is sent, and the other manager reads who was first."""
    await scene.ask(BY_ID[0])
    modals = [await scene.review(by=one) for one in (scene.mira, scene.sam)]
    heard = await asyncio.gather(
        *(one.submit(modal) for one, modal in zip((scene.mira, scene.sam), modals, strict=True))
    )
    lost = [one.view for one in heard if one.view]
    assert len(lost) == 1
    winner = "U0SECOND" if heard[0].view else "U0MANAGER"
    assert lost[0].title["text"] == "Already approved"
    assert words(lost[0]).startswith(f"*Already approved by <@{winner}>*, <!date^")
    await scene.audit(f"approved by {'sam' if heard[0].view else 'mira'}")
    await scene.told("*Cancelled*")
    assert len(await scene.requests("voxworks")) == 1


async def test_approve_against_deny_has_one_winner(scene: Scene) -> None:
    """A manager approves while another denies.

    The decision is carried out, and the other manager reads it.
    """
    await scene.ask(BY_ID[0])
    review = await scene.review()
    form = opened(await scene.sam.click(await scene.review(by=scene.sam), text="Deny…"))
    approved, denied = await asyncio.gather(
        scene.mira.submit(review), scene.sam.submit(form, {"In your words": "Keep it"})
    )
    assert bool(approved.view) != bool(denied.view)
    await scene.told("Denied by <@U0SECOND>" if approved.view else "*Cancelled*")
    assert len(await scene.requests("voxworks")) == (0 if approved.view else 1)


async def test_approve_against_withdraw_ends_in_one_way(scene: Scene) -> None:
    """The manager approves while the requester takes it back: it is sent or it is not, and both read which."""
    waiting = await scene.ask(BY_ID[0])
    review = await scene.review()
    approved, _ = await asyncio.gather(
        scene.mira.submit(review), scene.asha.click(waiting, text="Withdraw request")
    )
    ends = (
        "Withdrawn by",
        "too late to take it back",
    )  # not the earlier answer, whose button says "Withdraw request"
    answer = await scene.asha.wait_for(lambda one: any(end in words(one) for end in ends))
    taken_back = "too late" not in words(answer)
    if approved.view:
        assert "Already withdrawn by <@U0AGENT>*, " in words(approved.view)
    assert taken_back or not approved.view
    await scene.audit("Withdrawn by" if taken_back else "*Cancelled*")
    assert len(await scene.requests("voxworks")) == (0 if taken_back else 1)


async def test_a_request_can_be_taken_back_until_it_is_sent(scene: Scene) -> None:
    """A withdrawn request has a card without a button, and nothing is sent. After sending it is too late."""
    first = await scene.ask(BY_ID[0])
    await scene.asha.click(first, text="Withdraw request")
    await scene.answered("Withdrawn", request_id(first))
    assert buttons(await scene.card("Withdrawn", request_id(first))) == []
    await scene.audit("Withdrawn by asha")
    second = await scene.ask(BY_ID[0])
    await scene.approve(request_id(second))
    await scene.audit("*Cancelled*", request_id(second))
    await scene.asha.click(second, text="Withdraw request")
    late = words(await scene.answered("Too late to withdraw.", request_id(second)))
    assert "🚫 *Cancelled* · call `vx_1001`" in late
    assert "Approved by <@U0MANAGER>, <!date^" in late
    assert len(await scene.requests("voxworks")) == 1


@BOTH_MODES
async def test_a_cancellation_delivered_twice_is_one_request(scene: Scene) -> None:
    """Slack delivers the command twice, and the form's submission twice.

    Each has a single card and the same answer.
    """
    await scene.slack.deliver_twice()
    typed = request_id(await scene.ask(BY_ID[0]))
    form = opened(await scene.asha.command("/cancel-call"))
    await scene.slack.deliver_twice()
    result = await scene.submitted(form, {"Phone number or call ID": "vx_1002", "Reason": "duplicate"})
    submitted = request_id(result)
    await scene.card("Requested by", submitted)
    kept = {one["id"] for one in await scene.log("list")}
    assert kept == {typed, submitted}
    assert len(await scene.posts("C0APPROVE")) == len(kept)


async def test_approvers_that_slack_will_not_name_close_the_door(dark_scene: Scene) -> None:
    """Nobody could approve, so the request is refused with a reason. Other commands still work."""
    await dark_scene.slack.fail("usergroups.users.list", "error", times=100, code="fatal_error")
    await dark_scene.start_bot()
    answer = await dark_scene.ask(BY_ID[0])
    assert 'Slack couldn\'t tell us who is in "managers"' in words(answer)
    await dark_scene.place()
    await dark_scene.audit("*Placed*")
    assert await dark_scene.requests("voxworks") == []


async def test_approvers_that_slack_no_longer_names_decide_nothing(scene: Scene) -> None:
    """After a restart with an unreadable group, Review says so and a pending request stays pending."""
    await scene.ask(BY_ID[0])
    card = await scene.card("Requested by")
    await scene.stop_bot()
    await scene.slack.fail("usergroups.users.list", "error", times=100, code="fatal_error")
    await scene.start_bot()
    refused = opened(await scene.mira.click(card, "review"))
    assert 'Slack couldn\'t tell us who is in "managers"' in words(refused)
    assert refused.submit is None
    assert await scene.requests("voxworks") == []
