"""Managers decide within seconds: direct messages, chained modals, full numbers, and a passed deadline."""

import pytest

from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, buttons, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_ID = "/calls cancel vx_100{number} via voxworks reason=customer asked"


async def test_one_modal_leads_from_one_request_to_the_next(scene: Scene) -> None:
    """Each tap decides a request, the soonest deadline first.

    A note stays with its request, and the end has a count.
    """
    asked = [request_id(await scene.ask(BY_ID.format(number=number))) for number in (1, 2)]
    soon = request_id(await scene.ask(f"/cancel-call {NUMBER} customer asked call-time=in 2 h"))
    review = await scene.review(asked[1])
    assert "2 more waiting" in words(review)
    assert review.submit == {"type": "plain_text", "text": "Approve cancellation", "emoji": True}
    second = opened(await scene.mira.submit(review, {"Note": "She called twice"}))
    assert soon in words(second)
    assert ", <@U0AGENT> says" in words(second)
    assert f"✅ {asked[1]} approved · 2 left" in words(second)
    assert "2 of 3 · Cancel" in second.title["text"]
    form = opened(await scene.mira.click(second, text="Deny…"))
    third = opened(await scene.mira.submit(form, {"Reason (required)": "Wrong number or ID"}))
    assert asked[0] in words(third)
    last = await scene.mira.submit(await scene.reads(third))
    assert "All caught up. You decided 3 requests." in words(opened(last))
    await scene.reply("mira approved this: “She called twice”")
    await scene.told("Denied by <@U0MANAGER>", "“Wrong number or ID”", soon)
    for one in asked:
        await scene.audit("*Cancelled*", one)
    assert len(await scene.requests("voxworks")) == 2
    assert await scene.requests("callkaro") == []


async def test_a_decision_delivered_twice_leads_to_the_same_next(scene: Scene) -> None:
    """Slack repeats the submission. There is one decision, and the modal still shows the next request."""
    first, other = [request_id(await scene.ask(BY_ID.format(number=number))) for number in (1, 2)]
    review = await scene.review(first)
    await scene.slack.deliver_twice()
    assert other in words(opened(await scene.mira.submit(review)))
    await scene.audit("*Cancelled*", first)
    assert len(await scene.requests("voxworks")) == 1


async def test_one_manager_is_asked_directly_and_decides_there(scene: Scene) -> None:
    """The message has what the card has. The other manager gets none, nor does a person who is away."""
    await scene.mira.be_away()
    asked = request_id(await scene.ask(BY_ID.format(number=1)))
    message = await scene.sees(scene.sam, "D0SECOND", "needs your approval", asked)
    assert "customer asked" in words(message)
    assert buttons(message) == ["Review…"]
    assert not (await scene.sam.submit(opened(await scene.sam.click(message, "review")))).errors
    await scene.audit("*Cancelled*", asked)
    assert await scene.mira.direct() == []


async def test_a_full_number_is_shown_to_who_may_and_the_log_has_it(dark_scene: Scene) -> None:
    """The rule must allow it. Before that, and everywhere else, the number is masked."""
    dark_scene.write_configuration({'expires = "8h"': 'expires = "8h"\nreveal = ["managers"]'})
    await dark_scene.start_bot()
    asked = request_id(await dark_scene.cancel(f"/cancel-call {NUMBER} customer asked"))
    review = await dark_scene.review(asked)
    assert "98765 43210" not in words(review)
    shown = opened(await dark_scene.mira.click(review, text="Show full number"))
    assert "+91 98765 43210 (India)" in words(shown)
    log = (await dark_scene.command_line("log", "show", asked))[1]
    assert "mira saw the full number" in log
    assert "mira is U0MANAGER" in log
    await dark_scene.mira.submit(shown)
    await dark_scene.audit("*Confirmed, no call known*", asked)


async def test_without_such_a_rule_numbers_stay_masked(scene: Scene) -> None:
    """The review has no button for it."""
    asked = request_id(await scene.cancel(f"/cancel-call {OTHER_NUMBER} customer asked"))
    assert "Show full number" not in words(await scene.review(asked))


async def test_a_deadline_that_passes_says_what_becomes_of_the_call(dark_scene: Scene) -> None:
    """Nobody decides.

    Requester, audit channel and card read that the customer will be called, and when.
    """
    dark_scene.write_configuration({'expires = "8h"': 'expires = "2s"'})
    await dark_scene.start_bot()
    await dark_scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await dark_scene.audit("*Scheduled*")
    asked = request_id(await dark_scene.ask(f"/cancel-call {NUMBER} customer asked"))
    says = ("*Not cancelled*", "The call goes out <!date^", ": no one approved it in time.")
    await dark_scene.told(*says, asked)
    await dark_scene.audit(*says, asked)
    assert buttons(await dark_scene.card(*says, asked)) == []
    assert [one for one in await dark_scene.posts("C0AUDIT") if one.thread_ts] == []
    assert ["schedule_at" in one.json for one in await dark_scene.requests("callkaro")] == [True]
