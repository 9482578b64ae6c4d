"""Dry runs: the whole workflow without a request, and the only numbers that calls may go to."""

import pytest
import pytest_asyncio

from playground.kore import CAMPAIGN
from tests.e2e.scene import NUMBER, OTHER_NUMBER, PROVIDERS, Scene, buttons, menu, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

DRY_RUN = "*Dry run: nothing is sent.*"
CONFIRMATION = "Type the campaign's id to approve"


@pytest_asyncio.fixture(loop_scope="session")
async def dry(dark_scene: Scene) -> Scene:
    """Return a scene in which every connection is a dry run."""
    dark_scene.connect_further()
    file = dark_scene.folder / "callops.toml"
    text = file.read_text(encoding="utf-8")
    for provider in PROVIDERS:
        text = text.replace(f'provider = "{provider}"', f'provider = "{provider}"\nmode = "dry-run"')
    file.write_text(text, encoding="utf-8")
    await dark_scene.start_bot()
    return dark_scene


async def test_a_call_is_tried_out_and_nobody_is_called(dry: Scene) -> None:
    """Preview, answer, channel and direct message each say so first.

    It ends well, and nothing was sent.
    """
    preview = await dry.ask(f"/place-call {NUMBER}")
    assert words(preview).startswith(DRY_RUN)
    await dry.asha.click(preview, text="Place call")
    would = "It would have been POST /call/outbound to 127.0.0.1."
    for told in (
        await dry.audit("✅ *Dry run* · place a call to +91\u00a0•••3210", would),
        await dry.told("*Dry run*", would),
        await dry.answered("*Dry run* ·", would, "A-"),
    ):
        assert words(told).startswith(DRY_RUN)
        assert "Not sent" not in words(told)
    [kept] = await dry.log("list")
    assert kept["state"] == "refused"
    assert await dry.requests("callkaro") == []


async def test_a_deletion_is_tried_out_with_its_approval(dry: Scene) -> None:
    """The card and the review say so first, the id is typed as usual, and the campaign stays."""
    waiting = await dry.ask(f"/calls campaign delete {CAMPAIGN} ended")
    card = await dry.card("Delete campaign")
    review = await dry.review(request_id(waiting))
    for shown in (waiting, card, review):
        assert words(shown).startswith(DRY_RUN)
    assert "Approving sends nothing: this is a dry run." in words(review)
    assert (await dry.mira.submit(review, {CONFIRMATION: "cd-0"})).errors
    assert not (await dry.mira.submit(review, {CONFIRMATION: CAMPAIGN})).errors
    ended = await dry.audit("✅ *Dry run* · delete campaign", "DELETE /agentassist/api/v1/public/")
    assert (buttons(ended), [*menu(ended)]) == ([], ["Details"])
    assert (await dry.card("✅ *Dry run*")).ts == card.ts
    assert [await dry.requests(provider) for provider in PROVIDERS] == [[], [], [], []]


async def test_several_are_tried_out_at_once(dry: Scene) -> None:
    """All targets of a request end alike, and help says which connections are dry runs."""
    await dry.cancel("/cancel-call 98765 43210, 98765 43211 duplicate")
    await dry.approve()
    told = await dry.told("2 dry run")
    assert words(told).startswith(DRY_RUN)
    await dry.asha.click(await dry.ask("/calls"), text="Options and connections…")
    does = "• reminders (CallKaro): places calls, cancels calls · voice agents: payments · dry run"
    await dry.answered(does)
    assert await dry.requests("callkaro") == []


async def test_only_the_numbers_that_are_allowed_are_called(dark_scene: Scene) -> None:
    """Another number is a fault in the line and in the form, with a remedy. The log has nothing."""
    dark_scene.write_configuration(
        {'timezone = "Asia/Kolkata"': f'timezone = "Asia/Kolkata"\nallow_numbers = ["{NUMBER}"]'}
    )
    await dark_scene.start_bot()
    answer = await dark_scene.ask(f"/place-call {OTHER_NUMBER}")
    no = "reminders is on trial and can't call +91 98765 43211."
    assert f"{no} Ask your CallOps admin to add it to allow_numbers." in words(answer)
    form = opened(await dark_scene.asha.click(answer, text="Open the form…"))
    refused = await dark_scene.asha.submit(form)
    assert refused.errors.keys() == {"targets"}
    assert refused.errors["targets"].startswith(no)
    cancelling = await dark_scene.ask(f"/cancel-call {NUMBER}, {OTHER_NUMBER} duplicate")
    assert no in words(cancelling)
    assert await dark_scene.log("list") == []
    await dark_scene.place(f"/place-call {NUMBER}")
    await dark_scene.audit("*Placed*")
    assert [one.json["to_number"] for one in await dark_scene.requests("callkaro")] == [NUMBER]
