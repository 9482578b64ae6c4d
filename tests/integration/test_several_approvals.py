import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.services.approvals import content
from bot.services.models import PermissionDeniedError, Settlement
from bot.text.interactions import Evidence
from storage.errors import ConflictError
from storage.models import Request
from storage.states import State
from tests.integration.bench import AGENT, CANCEL_BY_ID, DELETE, MANAGER, PLACE, SECOND, BotWorld, bench
from tests.storage.samples import verified

THIRD = "U0AUDITOR"
APPROVE = 'approve = ["managers"]'
TWO_OF_THREE = {APPROVE: f'approve = ["managers", "{THIRD}"]\napprovals = 2'}
RACES = 400


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world in which two of three people have to approve."""
    async with bench(tmp_path) as made:
        await made.crash(**TWO_OF_THREE)
        yield made


async def deny(stage: BotWorld, request: Request, by: str) -> Request:
    """Deny the request as shown."""
    person, shown = await stage.bot.person(by), content(request)
    return await stage.bot.approvals.deny(request.id, person, reason="no", shown=shown, nonce=f"no {by}")


async def names(stage: BotWorld, request: Request) -> list[str]:
    """Return the names of a request's events, without notifications of approvers."""
    return [one.name for one in await stage.bot.store.requests.events(request.id) if one.name != "asked"]


async def test_two_of_three_delete_a_campaign(tmp_path: Path) -> None:
    """The first approval is kept and shown, with the number still needed. The second sends it."""
    async with bench(tmp_path) as stage:
        await stage.with_kore(**TWO_OF_THREE)
        made = await stage.bot.ask(DELETE)
        await stage.bot.posts()
        [card] = await stage.said("C0APPROVE")
        assert "*2 different people have to approve this.*" in str(card.blocks)
        after = await stage.bot.approve(made)
        assert (after.state, after.approved_by) == (State.PENDING, [MANAGER])
        await stage.bot.run_until_idle()
        await stage.bot.posts()
        assert not await stage.effects("kore")
        [card, *_] = await stage.said("C0APPROVE")
        assert "*Approved by mira.* 1 more approval needed, by someone else." in str(card.blocks)
        assert [one.text for one in await stage.said("C0AUDIT") if one.thread_ts] == []
        await stage.bot.approve(made, by=THIRD)
        await stage.bot.run_until_idle()
        record = await stage.bot.record(made)
        assert record.state is State.SUCCEEDED
        approvals = (await stage.bot.store.requests.request(made.id)).approvals
        assert [list(one.members) for one in approvals] == [[THIRD, MANAGER, SECOND]] * 2
        assert not (await verified(stage.bot.store)).faults


async def test_time_that_runs_out_half_way_says_so(stage: BotWorld) -> None:
    """After one of two approvals, no message says that nobody decided."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.approve(made)
    stage.clock.move(hours=9)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    said = " ".join(one.text for one in await stage.said("C0AUDIT"))
    assert "Too few people approved it in time" in said
    assert "before anyone decided" not in said
    assert "Nobody decided" not in said


async def test_the_same_person_twice_counts_once(stage: BotWorld) -> None:
    """A second approval by the same person is a conflict, and changes nothing."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.approve(made)
    person = await stage.bot.person(MANAGER)
    with pytest.raises(ConflictError):
        await stage.bot.approvals.approve(made.id, person, shown=content(made), nonce="another")
    assert await names(stage, made) == ["requested", "approval_recorded"]


async def test_a_denial_ends_it(stage: BotWorld) -> None:
    """A single denial is enough, whatever the approvals. It may come from a person who approved before."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.approve(made)
    after = await deny(stage, made, MANAGER)
    assert after.state is State.DENIED
    with pytest.raises(ConflictError):
        await stage.bot.approve(made, by=SECOND)


async def test_an_approval_of_somebody_who_left_does_not_count(stage: BotWorld) -> None:
    """Eligibility is checked at each decision, and again before sending."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.approve(made, by=THIRD)
    left = {APPROVE: 'approve = ["managers"]\napprovals = 2'}
    await stage.crash(**left)
    after = await stage.bot.approve(made)
    assert after.state is State.PENDING
    after = await stage.bot.approve(made, by=SECOND)
    assert after.state is State.APPROVED
    await stage.crash(**{APPROVE: 'approve = ["managers"]\napprovals = 3'})
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert record.state is State.REFUSED
    assert record.message is not None
    assert "Nobody" in record.message or "only 2 others" in record.message


async def test_nobody_who_approved_is_asked_again(stage: BotWorld) -> None:
    """The other approvers are asked, in turn."""
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.approve(made)
    for _ in range(4):
        await stage.bot.asks()
        await stage.pass_time(minutes=6)
    asked = [
        one.data["person"] for one in await stage.bot.store.requests.events(made.id) if one.name == "asked"
    ]
    assert sorted(map(str, asked)) == [THIRD, SECOND]


async def test_a_request_that_too_few_could_approve_is_refused_when_it_is_asked(tmp_path: Path) -> None:
    """The refusal comes at once, tells how many are needed and how many exist, and is in the log."""
    async with bench(tmp_path) as stage:
        await stage.crash(**{APPROVE: 'approve = ["managers"]\napprovals = 2'})
        with pytest.raises(PermissionDeniedError) as no:
            await stage.bot.ask(CANCEL_BY_ID, by=MANAGER)
        [why] = no.value.reasons
        assert why == (
            'The rule "cancellations need a manager" asks for 2 approvals, and there is only 1 other to give '
            "one in managers. So nobody could approve this. Ask your CallOps admin to add people."
        )
        assert no.value.request
        record = await stage.bot.record(no.value.request)
        assert (record.state, record.message) == (State.REFUSED, why)
        assert (await stage.bot.store.requests.request(record.request)).reasons == why


async def test_the_requester_may_be_one_of_them_where_the_rule_says_so(tmp_path: Path) -> None:
    """With `self_approval`, of what a manager asks, that manager's approval counts; it alone does not do."""
    async with bench(tmp_path) as stage:
        await stage.crash(**{APPROVE: 'approve = ["managers"]\napprovals = 2\nself_approval = true'})
        made = await stage.bot.ask(CANCEL_BY_ID, by=MANAGER)
        assert (await stage.bot.approve(made)).state is State.PENDING
        assert (await stage.bot.approve(made, by=SECOND)).state is State.APPROVED
        await stage.bot.run_until_idle()
        assert (await stage.bot.record(made)).state is State.SUCCEEDED


async def test_several_at_once_have_one_end(stage: BotWorld) -> None:
    """Two approve, one denies and the requester withdraws, all at once in two processes.

    Each request has one end.
    """
    here, there = stage.bot, await stage.start(**TWO_OF_THREE)
    asha, mira, sam, olive = [await here.person(one) for one in (AGENT, MANAGER, SECOND, THIRD)]
    ends: Counter[str] = Counter()
    for number in range(RACES):
        made = await here.ask(CANCEL_BY_ID, delivery_key=f"trigger {number}")
        shown, nonce = content(made), f"nonce {number} "
        everyone = [
            here.approvals.approve(made.id, mira, shown=shown, nonce=nonce + "1"),
            there.approvals.approve(made.id, olive, shown=shown, nonce=nonce + "2"),
            there.approvals.deny(made.id, sam, reason="no", shown=shown, nonce=nonce + "3"),
            here.approvals.withdraw(made.id, asha, delivery_key=f"press {number}"),
        ]
        first = number % len(everyone)
        results = await asyncio.gather(*everyone[first:], *everyone[:first], return_exceptions=True)
        assert not [one for one in results if not isinstance(one, Request | ConflictError)]
        happened = (await names(stage, made))[1:]
        assert happened.count("approval_recorded") <= 1
        decided = [one for one in happened if one != "approval_recorded"]
        # An approved action can still be withdrawn until it is sent.
        assert decided in (["approved"], ["denied"], ["withdrawn"], ["approved", "withdrawn"])
        if "approved" in decided:
            assert happened[0] == "approval_recorded"
        assert len([one for one in results if isinstance(one, Request)]) == len(happened)
        ends[decided[-1]] += 1
        if (await here.record(made)).state is State.APPROVED:
            await here.approvals.withdraw(made.id, asha, delivery_key=f"clear {number}")
    assert len(ends) > 1, "always the same one wins: nothing was raced"
    assert not (await verified(here.store)).faults


async def test_two_approvals_at_once_are_two(stage: BotWorld) -> None:
    """Neither is lost, and the request does not wait for a third."""
    here, there = stage.bot, await stage.start(**TWO_OF_THREE)
    for number in range(20):
        made = await here.ask(CANCEL_BY_ID, delivery_key=f"trigger {number}")
        await asyncio.gather(here.approve(made, by=MANAGER), there.approve(made, by=SECOND))
        assert (await here.record(made)).state is State.APPROVED
        await here.approvals.withdraw(made.id, await here.person(AGENT), delivery_key=f"clear {number}")


# -- attempts, escalation, notifications


@pytest.mark.parametrize("by", [AGENT, "U0GUEST", "U0STRANGER", "U0GONE", "U0BOT"])
async def test_who_may_not_decide_is_in_the_log_once(stage: BotWorld, by: str) -> None:
    """An attempt is an annotation of the request, with its reason.

    Further ones by the same person add nothing.
    """
    made = await stage.bot.ask(CANCEL_BY_ID)
    for _ in range(3):
        with pytest.raises(PermissionDeniedError) as no:
            await stage.bot.approve(made, by=by)
    with pytest.raises(PermissionDeniedError):
        await deny(stage, made, by)
    [note] = [one for one in await stage.bot.store.requests.events(made.id) if one.name == "attempted"]
    assert (note.actor, note.data) == (by, {"tried": "approve", "reasons": no.value.reasons[0]})
    assert (await stage.bot.record(made)).state is State.PENDING
    assert not (await verified(stage.bot.store)).faults


async def test_who_may_not_settle_is_in_the_log(stage: BotWorld) -> None:
    """Only people whom the rule names may settle."""
    await stage.providers.fail("callkaro", "reset", effect=False)
    made = await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    person = await stage.bot.person(THIRD)
    with pytest.raises(PermissionDeniedError):
        await stage.bot.approvals.settle(
            made.id, person, Settlement.HAPPENED, evidence=Evidence.SCREEN, reason="so", nonce="1"
        )
    [note] = [one for one in await stage.bot.store.requests.events(made.id) if one.name == "attempted"]
    assert (note.actor, note.data["tried"]) == (THIRD, "settle")


ESCALATE = {APPROVE: f'{APPROVE}\nescalate_to = ["{THIRD}"]\nescalate_after = "30m"'}


async def test_after_a_while_others_may_decide_and_are_asked_once(stage: BotWorld) -> None:
    """The escalation is announced on the card and below it. A restart repeats nothing."""
    await stage.crash(**ESCALATE)
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    with pytest.raises(PermissionDeniedError, match="U0AUDITOR may once it has waited long enough"):
        await stage.bot.approve(made, by=THIRD)
    await stage.pass_time(minutes=29, seconds=59)
    await stage.bot.asks()
    assert not await stage.said("D0AUDITOR")
    await stage.pass_time(seconds=1)
    for _ in range(2):
        await stage.bot.asks()
        await stage.crash(**ESCALATE)
    await stage.bot.asks()
    [asked] = await stage.said("D0AUDITOR")
    assert "needs your approval" in asked.text
    assert (await names(stage, made)).count("escalated") == 1
    card, *replies = await stage.said("C0APPROVE")
    assert "U0AUDITOR can approve this, too." in str(card.blocks)
    assert [one.text for one in replies if "U0AUDITOR" in one.text] == [
        "*U0AUDITOR can approve this now, too.* It still waits."
    ]
    assert (await stage.bot.approve(made, by=THIRD)).state is State.APPROVED
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.SUCCEEDED


async def test_two_processes_escalate_once(stage: BotWorld) -> None:
    """Both find it due, and one announces it."""
    here = await stage.crash(**ESCALATE)
    there = await stage.start(**ESCALATE)
    made = await here.ask(CANCEL_BY_ID)
    await stage.pass_time(minutes=31)
    await asyncio.gather(here.asking.run_once(), there.asking.run_once())
    await asyncio.gather(here.asking.run_once(), there.asking.run_once())
    assert (await names(stage, made)).count("escalated") == 1


async def test_what_goes_at_once_is_told_to_whom_the_rule_names(stage: BotWorld) -> None:
    """Everyone in the group gets a message, with the request and why it needed no approval."""
    settle = 'request = ["everyone"]\nsettle = ["managers"]'
    await stage.crash(**{settle: f'{settle}\nnotify_groups = ["managers"]'})
    await stage.bot.ask(PLACE)
    await stage.bot.posts()
    for channel in ("D0MANAGER", "D0SECOND"):
        [told] = await stage.said(channel)
        assert told.text.startswith("*For your information:* ⏳ *Sending* · place a call to")
        assert "Everyone in managers is told." in str(told.blocks)
