"""Deleting a campaign: its approver names it, it is sent once, and its record is kept and told."""

import json

import pytest
import pytest_asyncio

from playground.kore import APP, CAMPAIGN, DELETE
from tests.e2e.scene import Asked, Scene, opened, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINE = f"/calls campaign delete {CAMPAIGN} via kore reason=ended"
CONFIRMATION = "Type the campaign's id to approve"
DELETED = Asked(f"DELETE {DELETE.format(APP, CAMPAIGN)}?campaignType=voice", None, effects=1)
CALLER_ID = "+18123456789"
"""The number from which the campaign called."""


@pytest_asyncio.fixture(loop_scope="session")
async def whole(dark_scene: Scene) -> Scene:
    """Return a scene in which all four providers are connected."""
    dark_scene.connect_further()
    await dark_scene.start_bot()
    return dark_scene


async def test_a_campaign_is_deleted_once_its_approver_has_typed_its_id(whole: Scene) -> None:
    """Another id is an error under its field.

    The right id leads to a single DELETE, a record, and a line in the thread.
    """
    waiting = await whole.ask(LINE)
    card = await whole.card("Delete campaign", CAMPAIGN, "“ended”", "*This can't be undone.*")
    review = await whole.review(request_id(waiting))
    assert "This can't be undone." in words(review)
    wrong = await whole.mira.submit(review, {CONFIRMATION: CAMPAIGN[:-1]})
    assert list(wrong.errors.values()) == [
        "This isn't the campaign above. Compare the two, then type it again."
    ]
    assert await whole.requests("kore") == []
    assert not (await whole.mira.submit(review, {CONFIRMATION: f" {CAMPAIGN} "})).errors
    await whole.audit("approved by mira")
    told = words(await whole.reply(f"✅ *Deleted* · campaign `{CAMPAIGN}`"))
    assert "What was deleted: name: Billing Reminder Voice Campaign2; status before: Stopped" in told
    await whole.told("✅ *Deleted*", CAMPAIGN, "kore")
    assert (await whole.card("✅ *Deleted*")).ts == card.ts
    assert await whole.requests("kore") == [DELETED]
    for channel in ("C0AUDIT", "C0APPROVE"):
        assert not [one for one in await whole.posts(channel) if CALLER_ID in words(one)]
    shown = await whole.log("show", request_id(waiting))
    [record] = [one["personal"]["record"] for one in shown["events"] if "record" in one["personal"]]
    assert json.loads(record)["dialingStrategy"]["callerId"] == {"phoneNumber": CALLER_ID}
    _, printed = await whole.command_line("log", "show", request_id(waiting))
    assert 'summary: "name: Billing Reminder' in printed
    assert CALLER_ID not in printed


async def test_a_campaign_is_named_by_form(whole: Scene) -> None:
    """`/calls campaign` opens the form. A blank id is an error at its field, and so is a missing reason."""
    form = opened(await whole.asha.command("/calls campaign"))
    assert "This can't be undone." in words(form)
    assert (await whole.asha.submit(form, {"Reason": "ended"})).errors.keys() == {"targets"}
    heard = await whole.asha.submit(form, {"Campaign ID": "cd 1", "Reason": "ended"})
    assert "can't contain “ ”" in heard.errors["targets"]
    heard = await whole.asha.submit(form, {"Campaign ID": CAMPAIGN, "Reason": ""})
    assert heard.errors.keys() == {"reason"}
    result = await whole.submitted(form, {"Campaign ID": CAMPAIGN, "Reason": "ended"})
    await whole.card("Delete campaign", request_id(result))
    assert await whole.requests("kore") == []


async def test_a_faulty_line_leads_to_the_form_with_all_of_it(whole: Scene) -> None:
    """Nothing typed is lost on the way."""
    answer = await whole.ask(f"/calls campaign delete {CAMPAIGN} via kroe it has ended")
    assert "There's no connection “kroe”" in words(answer)
    form = opened(await whole.asha.click(answer, text="Open the form…"))
    values = {block: next(iter(state.values())).get("value") for block, state in form.values.items()}
    assert values == {"targets": CAMPAIGN, "reason": "it has ended"}


async def test_help_opens_the_form_for_campaigns(whole: Scene) -> None:
    """Help names the connections that delete campaigns, and its button opens the form."""
    answer = private(await whole.asha.command("/calls help"))
    assert "`/calls campaign delete cd-2129073 it has ended` deletes a campaign" in words(answer)
    form = opened(await whole.asha.click(answer, text="Delete a campaign…"))
    assert form.title["text"] == "Delete a campaign"


async def test_a_campaign_that_is_not_there_is_a_failure_in_words(whole: Scene) -> None:
    """The message says what to compare, and nothing is sent again."""
    await whole.ask("/calls campaign delete cd-0 ended")
    await whole.mira.submit(await whole.review(), {CONFIRMATION: "cd-0"})
    await whole.told("❌ *Not deleted* · campaign `cd-0`\nKore.ai didn't find this campaign")
    assert [one.effects for one in await whole.requests("kore")] == [0]


async def test_a_denial_needs_no_id(whole: Scene) -> None:
    """A denial needs a reason and nothing else, and the campaign stays."""
    await whole.ask(LINE)
    form = opened(await whole.mira.click(await whole.review(), text="Deny…"))
    assert not (await whole.mira.submit(form, {"In your words": "It runs on"})).errors
    await whole.told("Denied by <@U0MANAGER>", "The campaign stays", "“It runs on”")
    assert await whole.requests("kore") == []


async def test_a_lost_answer_to_a_deletion_is_asked_for_again(whole: Scene) -> None:
    """A second request by id does no harm. A "not found" then does not count as deleted."""
    await whole.providers.fail("kore", "reset", effect=True)
    await whole.ask(LINE)
    await whole.mira.submit(await whole.review(), {CONFIRMATION: CAMPAIGN})
    await whole.audit("⚠️ *Outcome unknown* · delete campaign")
    assert [one.effects for one in await whole.requests("kore")] == [1, 0]
