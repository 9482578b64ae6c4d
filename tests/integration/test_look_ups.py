import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import Settlement
from bot.services.outcomes import MAX_ATTEMPTS, PAUSES
from bot.text.interactions import Evidence
from playground import kore
from playground.faults import Fault
from playground.people import View
from storage.changes import Annotation
from storage.models import Request
from storage.states import State
from tests.e2e.scene import opened, words
from tests.integration.bench import AGENT, DELETE, MANAGER, BotWorld, bench
from tests.storage.samples import deleting, erase, noted, verified, withdraw


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, which can look campaigns up."""
    async with bench(tmp_path) as made:
        await made.with_kore()
        yield made


async def methods(stage: BotWorld) -> list[str]:
    """Return the methods of the requests to Kore.ai, in order."""
    return [one.request.method for one in await stage.asked("kore")]


async def maybe_executed(stage: BotWorld, *, effect: bool, seen: bool = True) -> Request:
    """Create a deletion whose answers were all lost. ``effect`` tells whether the first one did something."""
    if not seen:
        await stage.providers.fail("kore", "server_error", effect=False)
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", times=MAX_ATTEMPTS, effect=effect)
    await stage.bot.approve(made)
    for _ in range(MAX_ATTEMPTS):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=PAUSES[-1].total_seconds())
    await stage.bot.run_until_idle()
    return await stage.bot.store.requests.request(made.id)


async def test_what_waits_is_looked_up_once(stage: BotWorld) -> None:
    """Before the decision the log knows that the campaign exists, and its name."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.posts()
    for _ in range(3):
        await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.lookup_found) == (State.PENDING, True)
    assert "Billing Reminder Voice Campaign2" in (record.known_as or "")
    assert await methods(stage) == ["GET"]
    before = len(await stage.people.journal("chat.update"))
    await stage.bot.posts()
    assert len(await stage.people.journal("chat.update")) == before + 2  # the card and the audit message
    assert "Billing Reminder" not in str((await stage.bot.store.requests.events(made.id))[-1].data)


async def test_what_is_over_is_not_looked_up(stage: BotWorld) -> None:
    """Nobody needs the result any more."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.approvals.withdraw(made.id, await stage.bot.person(AGENT), delivery_key="back")
    await stage.bot.run_until_idle()
    assert await methods(stage) == []


async def test_what_nobody_had_to_approve_is_looked_up_before_it_is_sent(stage: BotWorld) -> None:
    """The lookup happens once, even if a run and the attempt both begin it."""
    await stage.with_kore(**{'approve = ["managers"]\n': ""})
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["GET", "DELETE"]
    names = [event.name for event in await stage.bot.store.requests.events(made.id)]
    assert names == ["requested", "looked_up", "sending", "succeeded"]


@pytest.mark.parametrize("fault", ["reset", "server_error", "silence"])
async def test_a_look_up_that_fails_holds_up_nothing(stage: BotWorld, fault: str) -> None:
    """The result is that nobody knows. It is not repeated, and the campaign is deleted as ordered."""
    await stage.providers.fail("kore", fault, effect=False)
    made = await stage.bot.approve(await stage.bot.ask(DELETE))
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.looked_up, record.lookup_found) == (State.SUCCEEDED, True, None)
    assert await methods(stage) == ["GET", "DELETE"]


async def test_a_slow_look_up_keeps_nobody_from_deciding(stage: BotWorld) -> None:
    """An approval is accepted during the lookup, and the request goes out after it."""
    await stage.providers.fail("kore", Fault(does="slow", seconds=0.3))
    made = await stage.bot.ask(DELETE)
    await stage.bot.dispatcher.run_once()
    await stage.bot.approve(made)
    await stage.bot.dispatcher.run_once()
    assert (await stage.bot.record(made)).state is State.APPROVED
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.SUCCEEDED
    assert await methods(stage) == ["GET", "DELETE"]


async def test_rounds_leave_a_look_up_alone_that_runs(
    stage: BotWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Further runs during the lookup begin no other."""
    await stage.providers.fail("kore", Fault(does="slow", seconds=0.3))
    made = await stage.bot.ask(DELETE)
    look_ups = stage.bot.look_ups
    await look_ups.run_once()
    while running := look_ups.running:
        await look_ups.run_once()
        await asyncio.wait(running, timeout=0.01)
    assert (await stage.bot.record(made)).looked_up
    assert "broken off" not in caplog.text


async def test_a_campaign_that_is_not_there_is_not_refused(stage: BotWorld) -> None:
    """The result is noted. People decide whether it is still requested."""
    await stage.providers.fail("kore", Fault(does="reply", status=404, body='{"status": "failure"}'))
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.lookup_found) == (State.PENDING, False)


async def test_what_was_seen_and_is_gone_was_deleted(stage: BotWorld) -> None:
    """All answers were lost, but the campaign was there before the first request and is not there after."""
    made = await maybe_executed(stage, effect=True)
    record = made.actions[0]
    assert record.state is State.SUCCEEDED
    names = [event.name for event in await stage.bot.store.requests.events(made.id)]
    assert names[-2:] == ["looked_up_done", "looked_up"]
    assert "it no longer has it, so our attempt worked" in (record.message or "")
    assert (await methods(stage)).count("GET") == 2
    assert await stage.effects("kore") == ["deleted"]
    await stage.bot.posts()
    assert any("so our attempt worked" in one.text for one in await stage.said("D0AGENT"))
    assert any("so our attempt worked" in one.text for one in await stage.said("C0APPROVE"))
    assert not (await verified(stage.bot.store)).faults


async def test_what_is_still_there_stays_a_doubt(stage: BotWorld) -> None:
    """A request may yet have its effect. The log has the result once, and people settle it."""
    made = await maybe_executed(stage, effect=False)
    for _ in range(3):
        await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.lookup_found) == (State.UNKNOWN, True)
    assert await methods(stage) == ["GET", "DELETE", "DELETE", "DELETE", "GET"]
    last = (await stage.bot.store.requests.events(made.id))[-1]
    assert (last.name, last.data) == ("looked_up", {"found": True, "said": "Kore.ai has this campaign."})


async def test_what_nobody_saw_before_is_not_taken_for_deleted(stage: BotWorld) -> None:
    """An absent target proves nothing after an unknown outcome, without an earlier lookup that found it."""
    made = await maybe_executed(stage, effect=True, seen=False)
    record = made.actions[0]
    assert (record.state, record.lookup_found) == (State.UNKNOWN, False)


async def test_not_found_after_a_doubt_counts_where_a_look_up_saw_it(stage: BotWorld) -> None:
    """The second request finds nothing, because the first one removed the campaign that was looked up."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", effect=True)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await stage.pass_time(seconds=2)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["GET", "DELETE", "DELETE", "GET"]
    assert [event.name for event in await stage.bot.store.requests.events(made.id)][-1] == "inferred"


GONE = '{"status": "error", "message": "Campaign not found"}'
PAGE = "<html><body><h1>404 Not Found</h1>nginx</body></html>"


@pytest.mark.parametrize(
    "body", [PAGE, "", "null", "[]", "{}", '{"message": "Not Found"}', '{"detail": "Not Found"}']
)
async def test_another_server_s_404_ends_no_doubt(stage: BotWorld, body: str) -> None:
    """The campaign was found and the first answer lost. A gateway's "not found" settles nothing."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", effect=False)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", Fault(does="reply", status=404, body=body, times=None, effect=False))
    for _ in range(5):
        await stage.pass_time(seconds=10)
        await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.lookup_found) == (State.UNKNOWN, None)
    assert await methods(stage) == ["GET", "DELETE", "DELETE", "GET"]
    assert await stage.effects("kore") == []
    await stage.bot.posts()
    assert not [one for one in await stage.said("C0AUDIT") if "Deleted:" in one.text]


async def test_what_is_not_found_and_yet_there_stays_a_doubt(stage: BotWorld) -> None:
    """Before "not found" counts as a deletion, the campaign is looked up once more. It is still there."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", effect=False)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", Fault(does="reply", status=404, body=GONE, effect=False))
    await stage.pass_time(seconds=10)
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.lookup_found) == (State.UNKNOWN, True)
    assert (await methods(stage))[:4] == ["GET", "DELETE", "DELETE", "GET"]
    await stage.bot.posts()
    assert any("still has it" in one.text for one in await stage.said("C0AUDIT"))


async def test_where_it_cannot_be_looked_up_once_more_nothing_is_concluded(stage: BotWorld) -> None:
    """The account has no turn left for the lookup. The unknown outcome waits for it, and is then settled."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", effect=True)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    bot, account = stage.bot, stage.bot.adapters["kore"].budget or ""

    async def pause() -> None:
        del bot.store.at["after sending"]
        await bot.store.outages.pause(account, stage.clock() + timedelta(seconds=20))

    bot.store.at["after sending"] = pause
    await stage.pass_time(seconds=2)
    await bot.run_until_idle()
    assert (await bot.record(made)).state is State.UNKNOWN
    await stage.pass_time(seconds=20)
    await bot.run_until_idle()
    assert (await bot.record(made)).state is State.SUCCEEDED


async def test_another_connection_s_answer_is_not_asked_for(stage: BotWorld) -> None:
    """After a change of the connection "not there" would prove nothing, so nobody is asked."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", times=MAX_ATTEMPTS, effect=True)
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await stage.with_kore(**{'app_id = "st-': 'iid = "st-other"\napp_id = "st-'})
    await stage.pass_time(seconds=2)
    await stage.bot.run_until_idle()
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (record.state, record.lookup_found) == (State.UNKNOWN, None)
    assert await methods(stage) == ["GET", "DELETE"]


async def test_who_settles_first_is_believed(stage: BotWorld) -> None:
    """A person's word during the lookup stands."""
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.providers.fail("kore", "reset", times=MAX_ATTEMPTS, effect=True)
    await stage.bot.approve(made)

    async def settle() -> None:
        del stage.bot.store.at["before looked_up_done"]
        manager = await stage.bot.person(MANAGER)
        await stage.bot.approvals.settle(
            made.id,
            manager,
            Settlement.DID_NOT_HAPPEN,
            evidence=Evidence.CUSTOMER,
            reason="I looked",
            nonce="settled",
        )

    stage.bot.store.at["before looked_up_done"] = settle
    for _ in range(MAX_ATTEMPTS + 1):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=PAUSES[-1].total_seconds())
    assert (await stage.bot.record(made)).state is State.FAILED
    assert not stage.bot.store.at


async def test_what_cannot_be_looked_up_is_left_alone(stage: BotWorld) -> None:
    """By the documents alone nothing can be: no round begins anything, and the campaign is deleted as ordered."""
    await stage.with_kore(**{"allow_undocumented = true": "allow_undocumented = false"})
    made = await stage.bot.ask(DELETE)
    await stage.bot.dispatcher.run_once()
    assert not await stage.bot.dispatcher.finish(timedelta())
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["DELETE"]
    assert not (await stage.bot.record(made)).looked_up


async def test_an_account_s_rate_is_kept_by_all_processes_together(stage: BotWorld) -> None:
    """Other processes' requests count. The next request waits until a minute has passed."""
    bot, kore = stage.bot, stage.bot.adapters["kore"]
    made = await bot.ask(DELETE)
    await bot.run_until_idle()
    other = await stage.start()
    for _ in range((kore.requests_a_minute or 0) - 1):
        turn = await other.store.rate_limits.try_acquire(
            kore.budget or "", a_minute=kore.requests_a_minute, now=stage.clock()
        )
        assert turn is None
    await stage.pass_time(seconds=30)
    await bot.approve(made)
    await bot.run_until_idle()
    assert (await methods(stage), (await bot.record(made)).state) == (["GET"], State.APPROVED)
    await stage.pass_time(seconds=30)
    await bot.run_until_idle()
    assert await methods(stage) == ["GET", "DELETE"]


async def test_a_look_up_takes_its_turn(stage: BotWorld) -> None:
    """Without a free turn the lookup waits, and so does its action."""
    await stage.bot.store.outages.pause(
        stage.bot.adapters["kore"].budget or "", stage.clock() + timedelta(seconds=9)
    )
    made = await stage.bot.approve(await stage.bot.ask(DELETE))
    await stage.bot.run_until_idle()
    assert (await methods(stage), (await stage.bot.record(made)).state) == ([], State.APPROVED)
    await stage.pass_time(seconds=9)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["GET", "DELETE"]


async def test_a_look_up_that_is_put_off_is_asked_again_when_it_may_be(stage: BotWorld) -> None:
    """A 429 says nothing about the campaign. The account waits as asked, and the lookup is repeated."""
    await stage.providers.fail("kore", Fault(does="reply", status=429, headers={"Retry-After": "40"}))
    made = await stage.bot.approve(await stage.bot.ask(DELETE))
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (await methods(stage), record.state, record.looked_up) == (["GET"], State.APPROVED, False)
    await stage.pass_time(seconds=39)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["GET"]
    await stage.pass_time(seconds=1)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["GET", "GET", "DELETE"]
    assert (await stage.bot.record(made)).lookup_found is True


async def test_a_look_up_that_is_put_off_again_and_again_holds_up_nothing(stage: BotWorld) -> None:
    """After the usual number of attempts nobody knows, and the campaign is deleted as ordered."""
    await stage.providers.fail("kore", Fault(does="reply", status=429, times=MAX_ATTEMPTS))
    made = await stage.bot.approve(await stage.bot.ask(DELETE))
    for _ in range(MAX_ATTEMPTS + 1):
        await stage.bot.run_until_idle()
        await stage.pass_time(seconds=5)
    assert await methods(stage) == ["GET"] * MAX_ATTEMPTS + ["DELETE"]
    record = await stage.bot.record(made)
    assert (record.state, record.looked_up, record.lookup_found) == (State.SUCCEEDED, True, None)


async def test_what_a_look_up_hears_of_the_rate_is_heeded(stage: BotWorld) -> None:
    """A reply with an exhausted rate limit pauses the account, whatever else it says."""
    body = json.dumps({"status": "success", "data": {"_id": kore.CAMPAIGN}})
    left = {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}
    await stage.providers.fail("kore", Fault(does="reply", status=200, body=body, headers=left))
    made = await stage.bot.approve(await stage.bot.ask(DELETE))
    await stage.bot.run_until_idle()
    record = await stage.bot.record(made)
    assert (await methods(stage), record.state, record.lookup_found) == (["GET"], State.APPROVED, True)
    await stage.pass_time(seconds=5)
    await stage.bot.run_until_idle()
    assert await methods(stage) == ["GET", "DELETE"]


@pytest.mark.parametrize(
    "other", ["BILLING  reminder Voice\u00a0Campaign2", "Billing Reminder Voice Campaign2"]
)
async def test_a_name_that_two_campaigns_have_is_not_taken(stage: BotWorld, other: str) -> None:
    """The names differ by nothing that people type. The id is needed, until the other campaign is deleted."""
    namesake = (await stage.bot.store.requests.create(deleting("cd-9"))).request
    note = Annotation(namesake.id, "looked_up", {"found": True}, {"known_as": other})
    await stage.bot.store.requests.apply(noted(note))
    made = await stage.bot.ask(DELETE)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    async with stage.connected():
        mira = stage.people.person(MANAGER)
        card = await mira.wait_for(lambda one: made.id in words(one) and "Review…" in str(one.blocks), 10)
        review = opened(await mira.click(card, text="Review…"))
        [field] = [label for label in words_of_labels(review) if label.startswith("Type the campaign's")]
        assert field == "Type the campaign's id to approve"
        for typed in ("Billing Reminder Voice Campaign2", other):
            told = await mira.submit(review, {field: typed})
            assert [*told.errors.values()] == [
                "Another campaign has the same name or nearly so. Type the id of the campaign above."
            ]
        assert [*(await mira.submit(review, {field: "Billing"})).errors.values()] == [
            "This isn't the campaign above. Compare the two, then type it again."
        ]
        await stage.bot.store.requests.apply(withdraw(namesake.id))
        await erase(stage.bot.store, namesake.id, actor="U0DPO")
        assert not (await mira.submit(review, {field: "billing reminder voice campaign2"})).errors
    assert (await stage.bot.store.requests.request(made.id)).state is State.APPROVED


def words_of_labels(view: View) -> list[str]:
    """Return the label of each input."""
    return [block["label"]["text"] for block in view.blocks if block["type"] == "input"]
