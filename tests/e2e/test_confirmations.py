"""Confirmations of finished requests: a short message in the request's channel, if the app is a member."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, private, request_id, words

CONFIRMING = {"[slack]": "[slack]\nconfirm_in_channel = true"}
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def confirming(dark_scene: Scene) -> AsyncIterator[Scene]:
    """Yield a scene whose team wants confirmations."""
    dark_scene.write_configuration(CONFIRMING)
    await dark_scene.start_bot()
    yield dark_scene


async def test_it_is_confirmed_where_it_was_asked(confirming: Scene) -> None:
    """All targets share a single message, without a ping and without a whole number."""
    request = request_id(await confirming.cancel(f"/cancel-call {NUMBER}, {OTHER_NUMBER} duplicate"))
    await confirming.approve(request)
    said = await confirming.sees(confirming.olive, "C0SUPPORT", "to 2 numbers", request)
    headline, facts = words(said).split("\n")
    assert headline == "⚠️ *2 confirmed (no call known)* · cancel all calls to 2 numbers"
    assert facts.endswith(f" · reminders · {request}")
    assert [one for one in (NUMBER, OTHER_NUMBER) if one[3:] in words(said).replace(" ", "")] == []
    assert said.pings == ()
    await confirming.told("2 confirmed (no call known)", request)
    assert len(await confirming.posts("C0SUPPORT")) == 1


async def test_what_is_not_done_is_not_confirmed(confirming: Scene) -> None:
    """The requester hears of a failure, and the channel hears nothing."""
    request = request_id(await confirming.ask("/cancel-call vx_9001 via voxworks duplicate"))
    await confirming.approve(request)
    await confirming.told("Not cancelled", request)
    await confirming.stop_bot()
    assert await confirming.posts("C0SUPPORT") == []


@pytest.mark.parametrize("channel", ["C0AUDIT", "U0AGENT"])
async def test_where_there_is_another_message_there_is_no_confirmation(
    confirming: Scene, channel: str
) -> None:
    """The audit channel has its own message, and a direct message has its own."""
    await confirming.asha.click(
        private(await confirming.asha.command(f"/place-call {NUMBER}", channel)), text="Place call"
    )
    audit = await confirming.audit("*Placed*")
    await confirming.place(f"/place-call {OTHER_NUMBER}")
    await confirming.sees(confirming.olive, "C0SUPPORT", "*Placed*", "3211")
    assert request_id(audit) not in str([words(one) for one in await confirming.posts("C0SUPPORT")])


async def test_where_the_app_is_no_member_all_else_works(confirming: Scene) -> None:
    """The whole workflow succeeds. Only the confirmation is left out, and nothing waits for it."""
    await confirming.slack.app_in("C0SUPPORT", member=False)
    request = request_id(await confirming.cancel(f"/cancel-call {NUMBER} customer asked"))
    await confirming.approve(request)
    await confirming.told("*Confirmed, no call known*", request)
    await confirming.audit("*Confirmed, no call known*", request)
    await confirming.stop_bot()
    assert await confirming.posts("C0SUPPORT") == []


async def test_it_is_off_by_default(scene: Scene) -> None:
    """Channels are quiet unless a team wants confirmations."""
    request = request_id(await scene.cancel(f"/cancel-call {NUMBER} customer asked"))
    await scene.approve(request)
    await scene.told("*Confirmed, no call known*", request)
    await scene.stop_bot()
    assert await scene.posts("C0SUPPORT") == []
