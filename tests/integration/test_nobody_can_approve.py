"""Requests that nobody could approve: refused at creation, and announced if that happens later."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec
from bot.slack.users import UserUnavailableError
from playground import content
from providers.actions import PlaceCall
from storage.queries import Query
from storage.states import State
from tests.e2e.scene import opened, private, until, words
from tests.integration.bench import AGENT, CANCEL_BY_ID, MANAGER, SECOND, BotWorld, bench
from tests.storage.samples import NUMBER

THIRD = "U0AUDITOR"
MANAGERS = 'managers = ["S0MANAGERS"]'
APPROVE = 'approve = ["managers"]'
PLACING = 'actions = ["place_call"]\nrequest = ["everyone"]'
ADD = "Ask your CallOps admin to add people."


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a workspace with people of each kind, and one bot in it."""
    async with bench(tmp_path, workspace=content.make(content.GRID)) as made:
        yield made


def managers(*ids: str) -> dict[str, str]:
    """Return a change of the configuration that makes these people the managers."""
    return {MANAGERS: f"managers = {list(ids)}".replace("'", '"')}


async def known(stage: BotWorld, ids: Sequence[str]) -> None:
    """Wait until Slack has identified these people, however busy the computer is."""

    async def told() -> bool | None:
        try:
            for one in ids:
                await stage.bot.person(one)
        except UserUnavailableError:
            return None
        return True

    await until(told)


async def refused(stage: BotWorld, by: str = AGENT) -> str:
    """Ask for a cancellation that is refused and recorded, and return the reason."""
    with pytest.raises(PermissionDeniedError) as no:
        await stage.bot.ask(CANCEL_BY_ID, by=by)
    [record] = (await stage.bot.store.search.page(Query(state=State.REFUSED))).actions
    assert no.value.request is not None
    assert record.message == no.value.reasons[0]
    await stage.bot.asks()
    assert not await stage.said("C0APPROVE")
    return no.value.reasons[0]


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        (["U0GONE"], "1 is deactivated"),
        (["U0GUEST"], "1 is a guest"),
        (["U0GUEST", "W0GUEST"], "2 are guests"),
        (["U0STRANGER"], "1 is from another organisation"),
        (["W0OTHER", "W0UNSEEN"], "2 are from another organisation"),
        (["U0BOT"], "1 is an app"),
        (["U0NOBODY"], "1 is unknown to Slack"),
        (["U0GONE", "U0GUEST", "U0BOT"], "1 is an app, 1 is deactivated and 1 is a guest"),
        (["U0GONE", AGENT], "1 is deactivated"),
    ],
)
async def test_where_nobody_can_approve_it_is_refused(stage: BotWorld, ids: list[str], why: str) -> None:
    """The only approver is deactivated, a guest, external, an app or nobody.

    The reason counts and names nobody.
    """
    await stage.crash(**managers(*ids))
    await known(stage, [one for one in ids if one != "U0NOBODY"])
    assert await refused(stage) == f"Nobody could approve this now: in managers, {why}. {ADD}"


async def test_where_all_left_the_group_it_is_refused(stage: BotWorld) -> None:
    """The user group has no members, or only the requester."""
    stage.slack.workspace.groups["S0MANAGERS"] = ()
    await stage.pass_time(minutes=1)
    assert "Nobody but you could approve this: managers has no other member" in await refused(stage)
    stage.slack.workspace.groups["S0MANAGERS"] = (AGENT, "U0GONE")
    await stage.pass_time(minutes=1)
    with pytest.raises(
        PermissionDeniedError, match="Nobody but you"
    ):  # Slack's groups leave deactivated people out
        await stage.bot.ask(CANCEL_BY_ID, delivery_key="again")


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ([MANAGER, "U0GONE"], "there is only 1 other to give one in managers: 1 is deactivated"),
        ([MANAGER, AGENT], "there is only 1 other to give one in managers"),
        (
            ["U0GONE", "U0GUEST"],
            "there is nobody else to give one in managers: 1 is deactivated and 1 is a guest",
        ),
        ([MANAGER, AGENT, "U0BOT"], "there is only 1 other to give one in managers: 1 is an app"),
    ],
)
async def test_where_two_are_needed_and_one_is_left_it_is_refused(
    stage: BotWorld, ids: list[str], why: str
) -> None:
    """The reason has the rule, the number that it asks for, and the number of people."""
    await stage.crash(**managers(*ids), **{APPROVE: f"{APPROVE}\napprovals = 2"})
    await known(stage, ids)
    expected = f'The rule "cancellations need a manager" asks for 2 approvals, and {why}. '
    assert await refused(stage) == f"{expected}So nobody could approve this. {ADD}"


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, ["U0GONE", MANAGER]),
        ({}, ["U0GUEST", "W0SISTER"]),
        ({APPROVE: f"{APPROVE}\napprovals = 2"}, ["U0GONE", MANAGER, SECOND]),
        ({APPROVE: f'{APPROVE}\nescalate_to = ["{THIRD}"]\nescalate_after = "30m"'}, ["U0GONE"]),
        ({APPROVE: f"{APPROVE}\nself_approval = true"}, ["U0GONE", AGENT]),
        ({APPROVE: 'approve = ["everyone"]'}, ["U0GONE"]),
        ({APPROVE: 'approve = ["managers", "everyone"]'}, ["U0GONE"]),
    ],
    ids=["one", "colleague", "two", "escalated", "own", "everyone", "everyone too"],
)
async def test_where_enough_people_can_approve_it_waits(
    stage: BotWorld, changes: dict[str, str], ids: list[str]
) -> None:
    """Other managers count, people of the escalation, and the requester if the rule says so."""
    await stage.crash(**managers(*ids), **changes)
    assert (await stage.bot.ask(CANCEL_BY_ID)).state is State.PENDING


async def test_what_slack_does_not_say_refuses_nothing(stage: BotWorld) -> None:
    """An unidentified approver may well be eligible. The request is pending, and not delayed for long."""
    await stage.crash(**managers(MANAGER, SECOND, THIRD))
    person = await stage.bot.person(AGENT)
    await stage.people.fail("users.info", "silence", times=20)
    began = stage.slack.workspace.clock()
    asked = await stage.bot.requests.ask(
        RequestSpec("voxworks", (CANCEL_BY_ID,), "customer asked"), RequestSource(person, "C0SUPPORT", "x")
    )
    assert asked.request.state is State.PENDING
    assert stage.slack.workspace.clock() - began < 2


async def test_a_group_that_cannot_be_read_lets_nothing_pass(stage: BotWorld) -> None:
    """The request is still refused with the group's name, also beside people who cannot approve."""
    await stage.crash(**{MANAGERS: 'managers = ["U0GONE", "S0UNKNOWN"]'})
    assert 'Slack couldn\'t tell us who is in "managers"' in await refused(stage)


async def test_many_payloads_of_one_person_ask_slack_once(stage: BotWorld) -> None:
    """However many come before Slack has answered, requester and approver are looked up once each."""
    await stage.crash(**managers(SECOND))
    async with stage.connected():
        asha = stage.people.person(AGENT)
        lines = [f"/cancel-call vx_{number} via voxworks customer asked" for number in range(20)]
        await asyncio.gather(*(asha.command(line) for line in lines))
    users = [one["args"]["user"] for one in await stage.people.journal("users.info")]
    assert sorted(users) == [AGENT, SECOND]


@pytest.mark.parametrize(
    "line", ["/cancel-call vx_1001 via voxworks customer asked", f"/place-call {NUMBER}"]
)
async def test_it_is_said_at_once_in_slack(stage: BotWorld, line: str) -> None:
    """A command hears it before a preview, and so does a form. No button could create the request."""
    await stage.crash(**managers("U0GONE"), **{PLACING: f"{PLACING}\n{APPROVE}"})
    async with stage.connected():
        asha = stage.people.person(AGENT)
        answer = private(await asha.command(line))
        assert "Nobody could approve this now: in managers, 1 is deactivated" in words(answer)
        assert not [one for block in answer.blocks for one in block.get("elements", ()) if "value" in one]
        form = opened(await asha.command("/cancel-call"))
        heard = await asha.submit(
            form, {"targets": "vx_1002", "Connection": "voxworks", "reason": "duplicate"}
        )
        assert "1 is deactivated" in words(opened(heard))
    assert {record.state for record in await stage.bot.actions()} == {State.REFUSED}


async def test_a_move_whose_new_call_nobody_could_approve_is_refused(stage: BotWorld) -> None:
    """The old call would be cancelled, and never placed again."""
    at = stage.clock() + timedelta(days=1)
    call = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at))
    await stage.bot.run_until_idle()
    await stage.crash(
        **{MANAGERS: f'{MANAGERS}\nleft = ["U0GONE"]', PLACING: f'{PLACING}\napprove = ["left"]'}
    )
    async with stage.connected():
        line = f"/calls move {call.id} 5 Mar 10:00 customer asked"
        answer = private(await stage.people.person(AGENT).command(line))
    assert "Nobody could approve this now: in left, 1 is deactivated" in words(answer)
    assert {record.state for record in await stage.bot.actions()} == {State.SUCCEEDED, State.REFUSED}


async def leave(stage: BotWorld, *users: str) -> None:
    """Deactivate people, and wait until they are looked up anew."""
    for user in users:
        gone = replace(stage.slack.workspace.users[user], deleted=True)
        stage.slack.workspace.users[user] = gone
    await stage.pass_time(hours=1, minutes=1)


async def texts(stage: BotWorld, channel: str, part: str) -> list[str]:
    """Return the messages of a channel, or to a person, that contain this part."""
    return [words(one) for one in await stage.said(channel) if part in words(one)]


async def test_who_waits_hears_that_nobody_can_approve_any_more(stage: BotWorld) -> None:
    """The message comes once, within the hour, below the card and to the requester.

    A restart repeats nothing.
    """
    await stage.crash(**managers(MANAGER))
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    assert not await texts(stage, "D0AGENT", "Nobody")
    await leave(stage, MANAGER)
    await stage.bot.asks()
    await stage.crash(**managers(MANAGER))
    await stage.bot.asks()
    for channel in ("C0APPROVE", "D0AGENT"):
        [said] = await texts(stage, channel, "Nobody could approve this now: in managers, 1 is deactivated.")
        assert "It expires <!date^" in said
    story = [
        event.name for event in await stage.bot.store.requests.events((await stage.bot.actions())[0].request)
    ]
    assert story.count("nobody_can_approve") == 1


async def test_the_reminders_say_it_too(stage: BotWorld) -> None:
    """Half-time and last reminders say it, also to the requester, who could do something about it."""
    await stage.crash(**managers(MANAGER))
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await leave(stage, MANAGER)
    await stage.pass_time(hours=3)
    await stage.bot.asks()
    await stage.pass_time(hours=3, minutes=50)
    await stage.bot.asks()
    for channel in ("C0APPROVE", "D0AGENT"):
        reminders = await texts(stage, channel, "*Expires <!date^")
        assert len(reminders) == 2
        assert all(
            "Nobody could approve this now: in managers, 1 is deactivated." in one for one in reminders
        )
    assert len(await texts(stage, "D0AGENT", "It waits until")) == 0


async def test_somebody_who_can_approve_again_is_asked(stage: BotWorld) -> None:
    """A stuck request continues by itself, once somebody can approve."""
    await stage.crash(**managers(MANAGER, SECOND))
    made = await stage.bot.ask(CANCEL_BY_ID)
    await leave(stage, MANAGER, SECOND)
    await stage.bot.asks()
    assert len(await texts(stage, "D0AGENT", "2 are deactivated")) == 1
    back = replace(stage.slack.workspace.users[SECOND], deleted=False)
    stage.slack.workspace.users[SECOND] = back
    await stage.pass_time(hours=1, minutes=1)
    await stage.bot.asks()
    assert len(await texts(stage, "D0SECOND", "needs your approval")) == 1
    assert (await stage.bot.approve(made, by=SECOND)).state is State.APPROVED


async def test_a_rule_that_is_gone_lets_nobody_approve(stage: BotWorld) -> None:
    """The requester hears that nobody may decide it any more."""
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    await stage.crash(**{'name = "cancellations need a manager"': 'name = "another name"'})
    await stage.bot.asks()
    assert len(await texts(stage, "D0AGENT", "The rule for this request is gone")) == 1


async def test_while_enough_people_are_left_nothing_is_said(stage: BotWorld) -> None:
    """Of two managers either may leave. Earlier approvals count as long as the approver is eligible."""
    two = {APPROVE: f"{APPROVE}\napprovals = 2"}
    await stage.crash(**managers(MANAGER, SECOND, "W0SISTER"), **two)
    made = await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.approve(made, by=SECOND)
    await leave(stage, MANAGER)
    await stage.bot.asks()
    assert not await texts(stage, "D0AGENT", "approve")
    await leave(stage, "W0SISTER")
    await stage.bot.asks()
    assert (
        len(await texts(stage, "D0AGENT", "there is only 1 other to give one in managers: 2 are deactivated"))
        == 1
    )


async def test_a_group_that_cannot_be_read_for_a_while_is_said_by_the_reminder_alone(stage: BotWorld) -> None:
    """The group may be readable again in a minute, so nobody is alarmed before."""
    await stage.bot.ask(CANCEL_BY_ID)
    await stage.bot.asks()
    stage.clock.move(hours=1, minutes=1)
    await stage.bot.asks()
    assert not await texts(stage, "D0AGENT", "Slack couldn't tell us")
    stage.clock.move(hours=3)
    await stage.bot.asks()
    assert len(await texts(stage, "D0AGENT", 'Slack couldn\'t tell us who is in "managers"')) == 1
