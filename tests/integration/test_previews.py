"""Previews and forms: the way back, the answer after a form has closed, fixed targets and night calls."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from providers.actions import CancelCall, NumberRef, PlaceCall
from storage.states import State
from tests.integration.bench import AGENT, BotWorld, bench
from tests.integration.test_stops import read
from tests.storage.samples import NUMBER

NOW = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)
"""Saturday 21 November 2026, 9:13 in India."""
SHOWN = "+91 98765 43210"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        made.clock.now = NOW
        await made.bot.directory.refresh_groups()
        yield made


async def test_closing_the_preview_shows_the_filled_form_again(stage: BotWorld) -> None:
    """The preview lies above the form. Nothing typed is lost on the way back, and nothing is placed."""
    async with stage.connected():
        asha = stage.people.person(AGENT)
        form = (await asha.command("/place-call")).view
        assert form
        preview = (await asha.submit(form, {"targets": NUMBER, "at": "25 Nov 9:30", "purpose": "dues"})).view
        assert preview
        assert (
            f"*Call {SHOWN} (India)?*\nWed, 25 Nov, 9:30 AM IST · reminders · voice agent payments"
            in read(preview)
        )
        await asha.close(preview)
        below = await asha.view()
        assert below
        typed = {block: next(iter(state.values())).get("value") for block, state in below.values.items()}
        assert (typed["targets"], typed["at"], typed["purpose"]) == (NUMBER, "25 Nov 9:30", "dues")
        assert await stage.bot.actions() == []
        again = (await asha.submit(below, {"at": "26 Nov 9:30"})).view
        assert again
        assert not (await asha.submit(again)).errors
    [record] = await stage.bot.actions()
    assert record.scheduled_for == datetime(2026, 11, 26, 4, tzinfo=UTC)


@pytest.mark.parametrize("posts_there", [True, False])
async def test_a_placed_form_closes_and_the_answer_stands_where_it_was_opened(
    stage: BotWorld, *, posts_there: bool
) -> None:
    """No further click is needed. Where CallOps can't post, the answer is a direct message."""
    async with stage.connected():
        asha = stage.people.person(AGENT)
        form = (await asha.command("/place-call")).view
        assert form
        preview = (await asha.submit(form, {"targets": NUMBER})).view
        assert preview
        if not posts_there:
            await stage.people.fail("chat.postEphemeral", "error", code="not_in_channel")
        placed = await asha.submit(preview)
        assert (placed.view, placed.errors) == (None, {})
        assert await asha.view() is None
        await stage.bot.surfaces.replies.drain(5)
        [record] = await stage.bot.actions()
        seen = await asha.ephemerals() if posts_there else await asha.direct()
    assert record.state is State.APPROVED
    assert any(record.request in read(one) for one in seen)


async def test_a_form_opened_from_a_call_is_about_that_call(stage: BotWorld) -> None:
    """Its number is text, not a list. The submitted cancellation is about that call."""
    at = datetime(2026, 11, 25, 4, tzinfo=UTC)
    await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at))
    await stage.bot.ask(PlaceCall(to="+919876543211", agent="payments", at=at), delivery_key="second")
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    async with stage.connected():
        asha = stage.people.person(AGENT)
        called = next(
            record for record in await stage.bot.actions() if getattr(record.action, "to", "") == NUMBER
        )
        audit = next(one for one in await stage.said("C0AUDIT") if "•3210" in one.text)
        form = (await asha.click(audit, "menu", value=f"cancel_this {called.id}")).view
        assert form
        assert "•3210" in read(form)
        assert not {"scheduled_call", "targets", "connection"} & form.values.keys()
        assert (await asha.submit(form, {"reason": "customer asked"})).errors == {}
    cancelled = [record for record in await stage.bot.actions() if record.kind == "cancel_call"]
    assert len(cancelled) == 1
    assert NUMBER in str(cancelled[0].action)


async def test_a_call_is_placed_again_to_its_own_number(stage: BotWorld) -> None:
    """The number is masked text, in the form, with more options and in the preview."""
    at = datetime(2026, 11, 25, 4, tzinfo=UTC)
    await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at))
    await stage.bot.run_until_idle()
    [placed] = await stage.bot.actions()
    cancel = CancelCall(target=NumberRef(agent="payments", to=NUMBER))
    await stage.bot.approve(await stage.bot.ask(cancel, delivery_key="second"))
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    async with stage.connected():
        asha = stage.people.person(AGENT)
        audit = next(one for one in await stage.said("C0AUDIT") if placed.request in read(one))
        form = (await asha.click(audit, "menu", value=f"place_again {placed.request}")).view
        assert form
        assert read(form).startswith("*Phone number*\n+91\u00a0•••3210")
        assert "targets" not in form.values
        form = (await asha.click(form, "more")).view
        assert form
        assert "+91\u00a0•••3210" in read(form)
        assert "consent" in form.values
        preview = (await asha.submit(form, {"at": "26 Nov 9:30"})).view
        assert preview
        assert "*Call +91\u00a0•••3210 (India)?*" in read(preview)
        assert not (await asha.submit(preview)).errors
    again = next(one for one in await stage.bot.actions() if one.state is State.APPROVED)
    assert getattr(again.action, "to", "") == NUMBER


async def test_a_number_without_a_known_call_is_asked_about_over_the_form(stage: BotWorld) -> None:
    """A mistyped number is the likely reason. *Back* shows the form, and a submission makes the request."""
    async with stage.connected():
        asha = stage.people.person(AGENT)
        form = (await asha.command("/cancel-call")).view
        assert form
        asked = (await asha.submit(form, {"targets": NUMBER, "reason": "customer asked"})).view
        assert asked
        assert f"CallOps knows of no call to {SHOWN} (India)." in read(asked)
        assert await stage.bot.actions() == []
        assert (await asha.submit(asked)).errors == {}
        await stage.bot.surfaces.replies.drain(5)
        assert f"• {SHOWN} (India)" in read((await asha.ephemerals())[-1])
    [record] = await stage.bot.actions()
    assert record.state is State.PENDING


@pytest.mark.parametrize(
    ("number", "typed", "warned"),
    [
        (NUMBER, "22 Nov 21:00", "*Night for the customer:* 9:00 PM in India."),
        (NUMBER, "22 Nov 7:59", "*Night for the customer:* 7:59 AM in India."),
        (NUMBER, "22 Nov 8:00", None),
        (NUMBER, "22 Nov 20:59", None),
        ("+1 312 555 0142", "now", "*Night for the customer:* 9:43 PM in Chicago."),
        ("+61 491 570 006", "22 Nov 1:00 UTC", "it may be 7:30 AM in Cocos"),
    ],
)
async def test_a_call_at_night_is_previewed_with_a_warning(
    stage: BotWorld, number: str, typed: str, warned: str | None
) -> None:
    """The customer's clock counts, in any zone where the number may be. The call is not refused."""
    async with stage.connected():
        asha = stage.people.person(AGENT)
        shown = (await asha.command(f"/place-call {number} {typed}")).ephemeral
        assert shown
        assert ("Night for the customer" in read(shown)) is (warned is not None)
        assert (warned or "Place call") in read(shown)
        assert "Place call" in read(shown)


async def test_a_preview_has_both_clocks_if_they_differ(stage: BotWorld) -> None:
    """A time is literal text in the reader's zone, with the weekday, and the customer's beside it."""
    person = await stage.bot.person(AGENT)
    await stage.bot.store.users.keep_person(replace(person, timezone="Europe/Berlin"))
    async with stage.connected():
        asha = stage.people.person(AGENT)
        shown = read((await asha.command(f"/place-call {NUMBER} Mon 10:00")).ephemeral)
    assert "Mon, 23 Nov, 10:00 AM CET (2:30 PM for the customer, India) · reminders" in shown
    assert "2026-11-23" not in shown
