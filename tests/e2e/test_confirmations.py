"""Confirmations of finished requests: a short message in the request's channel, if the app is a member."""

import pytest

from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_it_is_confirmed_where_it_was_asked(scene: Scene) -> None:
    """All targets share a single message, without a ping and without a whole number."""
    request = request_id(await scene.ask(f"/cancel-call {NUMBER}, {OTHER_NUMBER} duplicate"))
    await scene.approve(request)
    said = await scene.sees(scene.olive, "C0SUPPORT", "2 of 2 numbers", request)
    assert words(said) == f"🚫 *Cancelled* · all calls to 2 of 2 numbers. `{request}`"
    assert said.pings == ()
    await scene.told("2 cancelled", request)
    assert len(await scene.posts("C0SUPPORT")) == 1


async def test_what_is_not_done_is_not_confirmed(scene: Scene) -> None:
    """The requester hears of a failure, and the channel hears nothing."""
    request = request_id(await scene.ask("/cancel-call vx_9001 via voxworks duplicate"))
    await scene.approve(request)
    await scene.told("Not cancelled", request)
    await scene.stop_bot()
    assert await scene.posts("C0SUPPORT") == []


@pytest.mark.parametrize("channel", ["C0AUDIT", "U0AGENT"])
async def test_where_there_is_another_message_there_is_no_confirmation(scene: Scene, channel: str) -> None:
    """The audit channel has its own message, and a direct message has its own."""
    await scene.asha.click(
        private(await scene.asha.command(f"/place-call {NUMBER}", channel)), text="Place call"
    )
    audit = await scene.audit("*Placed*")
    await scene.place(f"/place-call {OTHER_NUMBER}")
    await scene.sees(scene.olive, "C0SUPPORT", "*Placed*", "3211")
    assert request_id(audit) not in str([words(one) for one in await scene.posts("C0SUPPORT")])


async def test_where_the_app_is_no_member_all_else_works(scene: Scene) -> None:
    """The whole workflow succeeds. Only the confirmation is left out, and nothing waits for it."""
    await scene.slack.app_in("C0SUPPORT", member=False)
    request = request_id(await scene.ask(f"/cancel-call {NUMBER} customer asked"))
    await scene.approve(request)
    await scene.told("*Cancelled*", request)
    await scene.audit("*Cancelled*", request)
    await scene.stop_bot()
    assert await scene.posts("C0SUPPORT") == []


async def test_it_can_be_turned_off(dark_scene: Scene) -> None:
    """Teams may want quiet channels."""
    scene = dark_scene
    scene.write_configuration({"[slack]": "[slack]\nconfirm_in_channel = false"})
    await scene.start_bot()
    request = request_id(await scene.ask(f"/cancel-call {NUMBER} customer asked"))
    await scene.approve(request)
    await scene.told("*Cancelled*", request)
    await scene.stop_bot()
    assert await scene.posts("C0SUPPORT") == []
