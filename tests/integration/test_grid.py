"""People of an Enterprise Grid organisation: colleagues act, people of other organisations do nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground import content
from storage.states import State
from tests.e2e.scene import private, words
from tests.integration.bench import AGENT, CANCEL_BY_ID, PLACE, BotWorld, bench

MEMBERS = ("W0NOTEAM", "W0SISTER", "W0ORG")
"""User objects without team_id, with another workspace's, or with the organisation's: all are members."""
COLLEAGUES = (*MEMBERS, "W0APART")
"""These, and somebody who is a member of another workspace alone."""
MANAGERS = {'managers = ["S0MANAGERS"]': 'managers = ["W0SISTER", "W0ORG"]'}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a workspace of an Enterprise Grid organisation, with one bot in it."""
    async with bench(tmp_path, workspace=content.make(content.GRID)) as made:
        yield made


@pytest.mark.parametrize("user", COLLEAGUES)
async def test_a_colleague_asks_and_finds_it_again(stage: BotWorld, user: str) -> None:
    """A colleague's request is in the list and the log's pages, for them and for their colleagues."""
    made = await stage.bot.ask(PLACE, by=user)
    assert made.state is State.APPROVED
    async with stage.connected():
        for reader in (user, AGENT):
            for line in (f"/calls status {made.id}", "/calls log", "/calls list"):
                shown = words(private(await stage.people.person(reader).command(line)))
                assert "another organisation" not in shown
                assert made.id in shown or line == "/calls list"


async def test_colleagues_decide(stage: BotWorld) -> None:
    """A manager from another workspace approves, and the action is sent."""
    await stage.crash(**MANAGERS)
    made = await stage.bot.ask(CANCEL_BY_ID, by="W0NOTEAM")
    after = await stage.bot.approve(made, by="W0SISTER")
    assert after.state is State.APPROVED
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(made)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("W0OTHER", "another organisation"),
        ("W0UNSEEN", "another organisation"),
        ("U0STRANGER", "another organisation"),
        ("W0GUEST", "Guests"),
    ],
)
async def test_who_is_no_colleague_does_nothing(stage: BotWorld, user: str, why: str) -> None:
    """Other organisations' people, also in a shared channel, strangers to Slack, and guests are refused."""
    async with stage.connected():
        answer = private(await stage.people.person(user).command("/calls list"))
    assert why in words(answer)


async def test_elsewhere_the_same_people_are_strangers(tmp_path: Path) -> None:
    """In a workspace without organisation, only a user with its team_id is a colleague."""
    apart = content.GRID | {"enterprise": None}
    async with bench(tmp_path, workspace=content.make(apart)) as stage:
        for user in MEMBERS:
            assert not (await stage.bot.person(user)).is_external
        for user in ("W0APART", "W0OTHER"):
            assert (await stage.bot.person(user)).is_external
