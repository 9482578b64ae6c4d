# ruff: noqa: RUF001 - texts as people write them
"""Log search in Slack: typed, chosen and pressed, over the wire, on the real store."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.services.approvals import content
from bot.services.export import Format, lines
from playground.people import Message
from providers.actions import CancelCall, Ending, NumberRef, PlaceCall
from storage.models import Person
from storage.queries import Query
from tests.e2e.scene import opened, private, request_id, words
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    SECOND,
    BotWorld,
    bench,
)
from tests.storage.samples import NUMBER, OTHER_NUMBER, ended, placing

OTHER = PlaceCall(to=OTHER_NUMBER, agent="payments")
REVEAL = {'expires = "8h"': 'expires = "8h"\nreveal = ["managers"]'}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def typed(stage: BotWorld, line: str, by: str = AGENT) -> Message:
    """Return the answer to a line, which only the person sees."""
    return private(await stage.people.person(by).command(f"/calls log {line}"))


def rows(shown: object) -> list[str]:
    """Return the ids of the actions on a page, in order."""
    return [
        text.split(" · ")[2]
        for block in getattr(shown, "blocks", ())
        if "accessory" in block
        for text in [block["text"]["text"].splitlines()[1]]
    ]


async def test_each_filter_leaves_what_it_says(stage: BotWorld) -> None:
    """Filters are person, state, kind, connection, number, day and words. Each page names its query."""
    placed = await stage.bot.ask(PLACE)
    waits = await stage.bot.ask(CANCEL_BY_ID, by=SECOND, delivery_key="2")
    await stage.pass_time(days=1)
    other = await stage.bot.ask(OTHER, delivery_key="3")
    every = [other.id, waits.id, placed.id]
    async with stage.connected():
        for line, expected, says in [
            ("", every, "*Log* · newest first"),
            ("by=me", [other.id, placed.id], "by <@U0AGENT>"),
            ("by=@sam", [waits.id], "by <@U0SECOND>"),
            ("by=<@U0SECOND|sam>", [waits.id], "by <@U0SECOND>"),
            ("waiting", [waits.id], "status waiting"),
            ("kind=place", [other.id, placed.id], "place a call"),
            ("via voxworks", [waits.id], "connection voxworks"),
            (OTHER_NUMBER, [other.id], "number +91\u00a0•••3211"),
            ("on=today", [other.id], "on 2026-03-03"),
            ("until=yesterday by=me", [placed.id], "by <@U0AGENT>, until 2026-03-02"),
            ("customer asked", every, "with “customer asked”"),
            ("no such words", [], "Nothing matches."),
        ]:
            shown = await typed(stage, line)
            assert rows(shown) == expected, line
            assert says in words(shown)
            assert NUMBER[3:] not in words(shown).replace(" ", "")
    told = words(shown := await typed_row(stage, waits.id))
    assert told.startswith("*Log*")
    assert "⏳ *Waiting for approval* · cancel call `vx_1001` · <@U0SECOND>: “customer asked”\n" in told
    assert f" · voxworks · {waits.id}" in told


async def test_calls_are_found_by_how_they_ended(stage: BotWorld) -> None:
    """Typed or chosen in the form, and said in the row. *Details* tells each try in plain words."""
    placed = await stage.bot.ask(PLACE)
    other = await stage.bot.ask(OTHER, delivery_key="2")
    await stage.bot.store.requests.apply(ended(placed.id, Ending.NO_ANSWER, 0))
    async with stage.connected():
        shown = await typed(stage, "ended=no-answer from=today")
        assert rows(shown) == [placed.id]
        assert f"{placed.id} · no answer" in words(shown)
        assert "ended no answer" in words(shown)
        asha = stage.people.person(AGENT)
        form = opened(await asha.click(shown, text="Filter…"))
        [field] = [block["element"] for block in form.blocks if block["block_id"] == "ended"]
        assert field["initial_option"]["text"]["text"] == "No answer"
        found = opened(await asha.submit(form, {"Call ended": "Answered"}))
        assert rows(found) == []
        assert "ended answered" in words(found)
        details = opened(await asha.click(shown, text="Details"))
    assert "CallKaro reported: no answer, 42 s." in words(details)
    assert other.id not in words(shown)


async def test_placed_and_scheduled_calls_are_told_apart(stage: BotWorld) -> None:
    """Both have succeeded. Each word finds what a row shows with it."""
    placed = await stage.bot.ask(PLACE)
    at = stage.clock() + timedelta(hours=3)
    later = await stage.bot.ask(OTHER.model_copy(update={"at": at}), delivery_key="2")
    await stage.bot.run_until_idle()
    async with stage.connected():
        for line, expected in [
            ("state=placed", [placed.id]),
            ("placed", [placed.id]),
            ("scheduled", [later.id]),
            ("done", [later.id, placed.id]),
        ]:
            assert rows(await typed(stage, line)) == expected, line


async def test_words_are_found_in_any_writing(stage: BotWorld) -> None:
    """Capitals, composition, quotes and width do not count, neither in the query nor in the log."""
    made = await stage.bot.store.requests.create(
        replace(placing(NUMBER), team="T0CALLOPS", reason="Herr MU\u0308LLER didn’t\u00a0pay")
    )
    async with stage.connected():
        for line in ("müller", "MÜLLER", "text=“mu\u0308ller didn't”", "Ｍüller didn’t pay"):
            assert rows(await typed(stage, line)) == [made.request.id], line
        assert rows(await typed(stage, "muller")) == []


async def test_people_are_found_by_a_name_in_any_writing(stage: BotWorld) -> None:
    """A name in capitals is no id.

    An id, a mention and a name find the same, and an unknown name is a fault.
    """
    for user, name in (("U0WILL", "William"), ("U0JURG", "JÜRGEN"), ("USLACKBOT", "Slackbot")):
        known = Person(user, "T0CALLOPS", name, "UTC", False, False, False, False, stage.clock())
        await stage.bot.store.users.keep_person(known)
    mine = await stage.bot.ask(PLACE)
    will = await stage.bot.store.requests.create(
        replace(placing(OTHER_NUMBER), requester="U0WILL", team="T0CALLOPS")
    )
    jurgen = await stage.bot.store.requests.create(
        replace(placing(NUMBER), requester="U0JURG", team="T0CALLOPS")
    )
    async with stage.connected():
        for line, expected in [
            ("by=WILLIAM", will.request.id),
            ("by=william", will.request.id),
            ("by=@WILL", will.request.id),
            ("by=U0WILL", will.request.id),
            ("by=u0will", will.request.id),
            ("by=<@U0WILL>", will.request.id),
            ("by=<@U0WILL|bill>", will.request.id),
            ("by=ju\u0308rgen", jurgen.request.id),
            ("by=ME", mine.id),
        ]:
            assert rows(await typed(stage, line)) == [expected], line
        for line in ("by=WILHELM", "by=WINSTON", "by=URSULA", "by=USLACKBOTS", "by=zoë"):
            told = words(await typed(stage, line))
            assert f"No one called “{line[3:]}” has used CallOps yet." in told
        assert rows(await typed(stage, "by=USLACKBOT")) == []
        assert "by <@U0NOBODY1>" in words(await typed(stage, "by=U0NOBODY1"))


async def typed_row(stage: BotWorld, request: str) -> Message:
    """Return a page with one row."""
    async with stage.connected():
        shown = await typed(stage, "via voxworks")
    assert rows(shown) == [request]
    return shown


async def test_a_call_that_was_cancelled_says_so_with_the_id(stage: BotWorld) -> None:
    """The call's row in the log and in the list says so. The cancellation is done."""
    at = stage.clock() + timedelta(hours=3)
    call = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at))
    other = await stage.bot.ask(PlaceCall(to=OTHER_NUMBER, agent="payments", at=at), delivery_key="other")
    await stage.bot.run_until_idle()
    cancel = await stage.bot.approve(await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="cancel"))
    await stage.bot.run_until_idle()
    async with stage.connected():
        shown = await typed(stage, "")
        listed = words(private(await stage.people.person(AGENT).command("/calls list")))
    assert rows(shown) == [cancel.id, other.id, call.id]
    told = words(shown)
    assert told.count("🚫 *Cancelled* · ") == 2
    assert f" · reminders · {call.id} · cancelled in {cancel.id}" in told
    assert "✅ *Scheduled* · call to" in told
    assert f" · reminders · {other.id}\n" in told
    assert " · approved by <@U0MANAGER>" in told
    assert "🚫 *Cancelled* · call to +91\u00a0•••3210" in listed
    assert f"It won't go out. Cancelled by <@U0AGENT>: “customer asked”, in {cancel.id}." in listed


async def test_an_id_finds_its_request_and_a_denial_has_its_own_words(stage: BotWorld) -> None:
    """Quoted words stand behind the person who said them, in the row and in the export."""
    made = await stage.bot.ask(CANCEL_BY_ID, delivery_key="denied")
    await stage.bot.ask(PLACE)
    await stage.bot.approvals.deny(
        made.id,
        await stage.bot.person(MANAGER),
        reason="wrong number",
        shown=content(made),
        nonce="deny",
    )
    async with stage.connected():
        for line in (made.id, made.id.lower(), f"{made.actions[0].id}"):
            shown = await typed(stage, line)
            assert rows(shown) == [made.id]
    said = words(shown)
    assert "✋ *Denied* · cancel call `vx_1001` · <@U0AGENT>: “customer asked” · " in said
    assert "denied by <@U0MANAGER>: “wrong number”" in said
    written = [
        line async for line in lines(stage.bot.store, Query(id=made.id), Format.JSONL, default_region="IN")
    ]
    [row] = [json.loads(line) for line in written if line]
    told = [row[name] for name in ("status", "state", "reason", "decision_note")]
    assert told == ["Denied", "denied", "customer asked", "wrong number"]


async def test_a_page_is_turned_in_its_place(stage: BotWorld) -> None:
    """Older and Newer change the message, and another person's button does not work on it."""
    made = [(await stage.bot.ask(PLACE, delivery_key=f"{n}")).id for n in range(23)][::-1]
    async with stage.connected():
        asha = stage.people.person(AGENT)
        shown = await typed(stage, NUMBER)
        assert rows(shown) == made[:10]
        for press, expected in [
            ("Older", made[10:20]),
            ("Older", made[20:]),
            ("Newer", made[10:20]),
            ("Newer", made[:10]),
        ]:
            await asha.click(shown, text=press)

            def turned(one: Message, expected: list[str] = expected, ts: str = shown.ts) -> bool:
                return one.ts == ts and rows(one) == expected

            shown = await asha.wait_for(turned, 10)
        assert "Newer" not in words(shown)


async def test_the_form_looks_for_the_same_and_shows_it_in_its_window(stage: BotWorld) -> None:
    """The form keeps the typed text. Pages and details stay in the modal, and a fault stands at its field."""
    made = [(await stage.bot.ask(PLACE, delivery_key=f"{n}")).id for n in range(12)][::-1]
    await stage.bot.ask(CANCEL_BY_ID, delivery_key="x")
    async with stage.connected():
        asha = stage.people.person(AGENT)
        form = opened(await asha.click(await typed(stage, "via reminders from=today"), text="Filter…"))
        wrong = await asha.submit(form, {"number": "12"})
        assert "number" in wrong.errors
        shown = opened(await asha.submit(form, {"number": NUMBER, "text": "asked", "by": AGENT}))
        assert rows(shown) == made[:10]
        older = opened(await asha.click(shown, text="Older"))
        assert rows(older) == made[10:]
        story = opened(await asha.click(older, text="Details", block_id=older.blocks[1]["block_id"]))
        assert story.title["text"].startswith("Details A-")
        assert "requested it" in words(story)


async def test_what_cannot_be_read_says_why_and_offers_the_form(stage: BotWorld) -> None:
    """Each fault is a sentence, and the form keeps what was understood."""
    await stage.bot.ask(PLACE)
    async with stage.connected():
        told = await typed(stage, "by=zoe on=05/12 state=fail sate=1 via reminders")
        said = words(told)
        for part in (
            "No one called “zoe” has used CallOps yet.",
            "“05/12” can mean two days",
            "Did you mean `failed`?",
            "Did you mean `state=`?",
        ):
            assert part in said
        form = opened(await stage.people.person(AGENT).click(told, text="Filter…"))
        assert "reminders" in str([block for block in form.blocks if block["block_id"] == "via"])


@pytest.mark.parametrize("line", ["", "by=me"])
async def test_who_may_do_nothing_reads_nothing(stage: BotWorld, line: str) -> None:
    """Guests are refused, and so are people whom no rule allows anything."""
    async with stage.connected():
        assert "Guests can't use CallOps" in words(await typed(stage, line, by="U0GUEST"))
    await stage.crash(**{'request = ["everyone"]': 'request = ["managers"]'})
    async with stage.connected():
        assert "you need a rule that lets you" in words(await typed(stage, line))
        assert "*Log*" in words(await typed(stage, line, by=SECOND))


async def test_calls_to_a_number_after_it_asked_to_stop(stage: BotWorld) -> None:
    """Only later requests count. For an earlier time or another number, nobody asked to stop."""
    await stage.bot.ask(PLACE)
    async with stage.connected():
        assert "+91\u00a0•••3210 hasn't asked not to be called" in words(
            await typed(stage, f"{NUMBER} after-stop")
        )
        await stage.pass_time(hours=1)
        stop = await stage.bot.ask(CANCEL_BY_NUMBER, delivery_key="stop")
        assert "None. No one requested a call" in words(await typed(stage, f"{NUMBER} after-stop"))
        await stage.pass_time(hours=1)
        after = await stage.bot.ask(PLACE, delivery_key="after")
        await stage.bot.ask(OTHER, delivery_key="other")
        shown = await typed(stage, f"{NUMBER} after-stop")
        assert rows(shown) == [after.id]
        assert "since" not in words(shown)
        assert f"after it asked not to be called* (<!date^{int(stop.asked_at.timestamp())}" in words(shown)
        assert "Add a number" in words(await typed(stage, "after-stop"))


async def test_details_show_full_numbers_to_whom_the_rules_allow(stage: BotWorld) -> None:
    """The log first has the reader. The requester sees none, nor does anybody without such a rule."""
    await stage.crash(**REVEAL)
    made = await stage.bot.ask(CancelCall(target=NumberRef(agent="payments", to=NUMBER)))
    await stage.bot.approve(made)
    async with stage.connected():
        asha, sam = stage.people.person(AGENT), stage.people.person(SECOND)
        page = await typed(stage, NUMBER)
        assert request_id(page) == made.id
        assert "Show full number" not in words(opened(await asha.click(page, text="Details")))
        story = opened(await sam.click(await typed(stage, NUMBER, by=SECOND), text="Details"))
        assert "98765 43210" not in words(story)
        seen = words(opened(await sam.click(story, text="Show full number")))
        assert "• +91 98765 43210 (India)" in seen
        assert "<@U0SECOND> saw the full number." in seen
        assert "Show full number" not in seen
    [event] = [one for one in await stage.bot.store.requests.events(made.id) if one.name == "revealed"]
    assert event.actor == SECOND


async def test_an_export_comes_by_direct_message(stage: BotWorld) -> None:
    """The search result is a masked file for spreadsheets, sent to the user and nobody else."""
    placed = await stage.bot.ask(PLACE)
    await stage.bot.ask(CANCEL_BY_ID, delivery_key="2")
    async with stage.connected():
        asha = stage.people.person(AGENT)
        await asha.click(await typed(stage, "via reminders"), text="Export as CSV")
        await asha.wait_for(lambda one: "Preparing your export" in words(one), 10)
        await asha.wait_for(lambda one: one.channel == "D0AGENT" and "callops-log-" in words(one), 10)
        [comment] = [one.text for one in await stage.said("D0AGENT") if "Your log export" in one.text]
        assert comment == "*Your log export:* connection reminders · 1 action. Numbers are masked."
    [file] = stage.slack.workspace.uploads.values()
    assert (file.channel, file.name[-4:]) == ("D0AGENT", ".csv")
    [row] = csv.DictReader(io.StringIO((file.content or b"").decode("utf-8-sig"), newline=""))
    assert (row["id"], row["target"]) == (placed.id, "'+91\u00a0•••3210")


async def test_an_export_that_cannot_be_sent_says_what_to_do(stage: BotWorld) -> None:
    """An app without the scope says so, and how to make the file all the same."""
    await stage.bot.ask(PLACE)
    await stage.people.fail("files.getUploadURLExternal", "error", times=1, code="missing_scope")
    async with stage.connected():
        asha = stage.people.person(AGENT)
        await asha.click(await typed(stage, ""), text="Export as CSV")
        told = await asha.wait_for(lambda one: "Couldn't send the file" in words(one), 10)
    assert "the Slack app needs files:write" in words(told)
    assert "`python -m bot log export`" in words(told)
