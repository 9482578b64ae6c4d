"""Masked numbers: wherever teams read, whatever field they stand in, and however they were typed."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.services.approvals import content
from bot.services.models import RequestSource, RequestSpec, Settlement
from bot.text.interactions import Evidence
from bot.ui.ways_on import MENU
from playground import kore
from playground.faults import Fault
from providers import phone
from providers.actions import CallAction, CallRef, CancelCall, PlaceCall
from storage.models import Request
from storage.states import State
from tests.bot.parsing.number_plans import digits_of
from tests.e2e.scene import opened, private, words
from tests.integration.bench import AGENT, CANCEL_BY_NUMBER, DELETE, MANAGER, PLACE, BotWorld, bench
from tests.storage.samples import NUMBER

NATIONAL = NUMBER[3:]
SPELLINGS = (
    "98765 43210",
    "098765-43210",
    "+91 (98765) 43210",
    "tel:+919876543210",
    "९८७६५ ४३२१०",
    "98765\n43210",
    "9.8.7.6.5.4.3.2.1.0",
    "x9876543210y",
    "98765\t43210",
    "0091\xa098765\u201143210",
)
AS_IDS = ("9876543210", "c_9876543210", "919876543210", "call-98765-43210", "c.98765.43210x")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


def told(text: str) -> bool:
    """Return whether a text shows the number."""
    return any(NATIONAL in digits_of(part) for part in text.split("•"))


async def ask(stage: BotWorld, action: CallAction, connection: str, delivery_key: str, words: str) -> Request:
    """Create a request with the same words in every field."""
    person, of_call = await stage.bot.person(AGENT), words if isinstance(action, PlaceCall) else None
    spec = RequestSpec(connection, (action,), reason=words, purpose=of_call, consent=of_call)
    return (await stage.bot.requests.ask(spec, RequestSource(person, "C0SUPPORT", delivery_key))).request


async def shown(stage: BotWorld) -> list[str]:
    """Return all text of channels and direct messages, including versions before an edit."""
    messages = [one for one in await stage.people.messages() if not one.ephemeral_to]
    assert messages
    return [json.dumps([one.text, one.blocks, one.edits], ensure_ascii=False) for one in messages]


def read(one: object) -> str:
    """Return all text of a message or a modal, but for the values of its buttons."""
    return json.dumps(getattr(one, "blocks", ()), ensure_ascii=False)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_message_shows_a_number_that_somebody_wrote(stage: BotWorld, spelling: str) -> None:
    """Reasons, purposes, consents, notes and denials hold the number, and no message or card shows it."""
    said, manager = f"she has {spelling} since May", await stage.bot.person(MANAGER)
    placed = await ask(stage, PLACE, "reminders", "place", said)
    denied = await ask(stage, CANCEL_BY_NUMBER, "reminders", "deny", said)
    await stage.bot.posts()
    await stage.bot.asks()
    await stage.bot.approvals.deny(denied.id, manager, reason=said, shown=content(denied), nonce="1")
    await stage.providers.fail("callkaro", "reset", effect=False)
    await stage.bot.run_until_idle()
    assert (await stage.bot.record(placed)).state is State.UNKNOWN
    await stage.bot.posts()
    await stage.bot.approvals.settle(
        placed.id,
        manager,
        Settlement.DID_NOT_HAPPEN,
        evidence=Evidence.SCREEN,
        reason=said,
        nonce="2",
    )
    approved = await ask(stage, CANCEL_BY_NUMBER, "reminders", "approve", said)
    await stage.bot.approvals.approve(approved.id, manager, shown=content(approved), nonce="3", note=said)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    messages = await shown(stage)
    assert len(messages) > 6
    assert any("since May" in one for one in messages)
    assert not [one for one in messages if told(one)]


@pytest.mark.parametrize("typed", AS_IDS)
async def test_no_message_shows_a_number_that_was_taken_for_an_id(stage: BotWorld, typed: str) -> None:
    """Card, audit message, thread and confirmation mask it. The provider gets it unmasked."""
    made = await ask(stage, CancelCall(target=CallRef(call_id=typed)), "voxworks", "1", "customer asked")
    await stage.bot.posts()
    await stage.bot.asks()
    await stage.bot.approve(made)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    messages = await shown(stage)
    assert len(messages) > 2
    assert not [one for one in messages if told(one)]
    [asked] = await stage.asked("voxworks")
    assert typed in asked.request.target


async def test_the_name_of_a_campaign_is_masked(stage: BotWorld) -> None:
    """A lookup's answer is text of a third party."""
    bot = await stage.with_kore()
    campaign = {"_id": kore.CAMPAIGN, "name": "Dues of 98765 43210", "status": "ready"}
    body = json.dumps({"status": "success", "data": campaign})
    await stage.providers.fail("kore", Fault(does="reply", status=200, body=body))
    made = await bot.ask(DELETE)
    await bot.run_until_idle()
    await bot.posts()
    assert told((await bot.record(made)).known_as or "")
    messages = await shown(stage)
    assert any("Dues of" in one for one in messages)
    assert not [one for one in messages if told(one)]


async def test_colleagues_read_no_number_in_modals_and_lists(stage: BotWorld) -> None:
    """Review, details, log pages, list and status are masked.

    A person with the permission reads it in full.
    """
    bot = await stage.crash(**{'expires = "8h"': 'expires = "8h"\nreveal = ["managers"]'})
    made = await ask(
        stage, CancelCall(target=CallRef(call_id="c_9876543210")), "voxworks", "1", "is 98765 43210"
    )
    await bot.posts()
    async with stage.connected():
        mira = stage.people.person(MANAGER)
        [card] = await stage.said("C0APPROVE")
        review = opened(await mira.click(card, text="Review…"))
        revealed = opened(await mira.click(review, text="Show full number"))
        denial = opened(await mira.click(revealed, text="Deny…"))
        audit = (await stage.said("C0AUDIT"))[0]
        first = audit.blocks[0]["accessory"]["options"][0]
        details = opened(await mira.click(audit, MENU, value=first["value"]))
        page = private(await mira.command("/calls log via voxworks"))
        listed = private(await mira.command("/calls list"))
        status = private(await mira.command(f"/calls status {made.id}"))
    for one in (card, review, denial, audit, details, page, listed, status):
        assert "•" in read(one)
        assert not told(read(one)), one
    assert told(read(revealed))
    assert [event.name for event in await bot.store.requests.events(made.id)].count("revealed") == 1


async def test_an_export_by_direct_message_shows_no_number(stage: BotWorld) -> None:
    """The file has none as a target and none in a reason."""
    await ask(stage, CancelCall(target=CallRef(call_id="c_9876543210")), "voxworks", "1", "is 98765 43210")
    async with stage.connected():
        mira = stage.people.person(MANAGER)
        page = private(await mira.command("/calls log via voxworks"))
        await mira.click(page, text="Export as CSV")
        await mira.wait_for(lambda one: "Your log export" in one.text, 10)
        await mira.wait_for(lambda one: "callops-log-" in words(one), 10)
    [file] = stage.slack.workspace.uploads.values()
    [row] = csv.DictReader(io.StringIO((file.content or b"").decode("utf-8-sig"), newline=""))
    assert (row["target"], row["reason"]) == ("c_+91\u00a0•••3210", "is +91\u00a0•••3210")


async def test_a_stop_is_told_with_its_number_masked(stage: BotWorld) -> None:
    """The reason is not shown."""
    stopping = stage.bot.stopping
    origin = RequestSource(await stage.bot.person(AGENT), "C0SUPPORT", "stop")
    await stopping.add(phone.read(NUMBER, default_region="IN"), origin, "is 98765 43210")
    await stage.bot.posts()
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    assert not [one for one in await shown(stage) if told(one)]
