"""Undocumented features: placing calls at Voxworks and Ryng, stopping and starting campaigns at Kore.ai."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from playground import ryng, voxworks
from playground.kore import APP, CAMPAIGN, DELETE, READY, TRIGGER
from tests.e2e.scene import NUMBER, Asked, Scene, buttons, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = {
    'provider = "voxworks"': f'provider = "voxworks"\nbeyond_documents = true\nfrom_number = "{voxworks.FROM_NUMBER}"',
    'provider = "ryng"': f'provider = "ryng"\nbeyond_documents = true\ncampaign_id = {ryng.CAMPAIGN}',
    'provider = "kore"': 'provider = "kore"\nbeyond_documents = true',
    '"delete_campaign"]': '"delete_campaign", "stop_campaign", "start_campaign"]',
}
AGENTS = f"""
[connections.voxworks.agents]
welcome = "{voxworks.SCRIPT}"

[connections.dialer.agents]
asha = {ryng.AGENT}
"""
CREATE = f"POST {voxworks.CREATE}"


@pytest_asyncio.fixture(loop_scope="session")
async def beyond(dark_scene: Scene) -> Scene:
    """Return a scene in which every feature of the four providers is allowed."""
    dark_scene.connect_further()
    file = dark_scene.folder / "callops.toml"
    text = file.read_text(encoding="utf-8")
    for old, new in SETTINGS.items():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text + AGENTS, encoding="utf-8")
    await dark_scene.start_bot()
    return dark_scene


def trigger(campaign: str, what: str) -> str:
    """Return the line of a request that stops or starts a campaign."""
    return f"POST {TRIGGER.format(APP, campaign)}?campaignType=voice&trigger={what}"


async def changes(scene: Scene) -> list[str]:
    """Return the requests that changed something at Kore.ai. Lookups change nothing."""
    return [one.line for one in await scene.requests("kore") if one.effects]


async def test_a_call_is_placed_at_voxworks_and_cancelled_by_the_id_that_the_log_knows(beyond: Scene) -> None:
    """Nothing is chosen between two connections.

    The preview marks undocumented features, and the id is shown.
    """
    asked = await beyond.ask("/place-call 98765 43210 tomorrow 9:30")
    assert "choose reminders, voxworks or dialer" in words(asked)
    day = datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)
    preview = await beyond.ask("/place-call 98765 43210 tomorrow 9:30 via voxworks meta.first_name=Asha")
    assert "Beyond Voxworks' documents: it may not work as we expect." in words(preview)
    at = f"{day:%Y-%m-%d}T04:00:00Z"
    assert f"`{at}` in UTC, as the provider gets it" in words(preview)
    await beyond.asha.click(preview, text="Place this call")
    placed = await beyond.audit("✅ *Scheduled:* a call to +91 ••••• •3210", "Voxworks accepted the call")
    said = {"phone_number": NUMBER, "first_name": "Asha"}
    call = {
        "from_number": voxworks.FROM_NUMBER,
        "script_id": voxworks.SCRIPT,
        "contact": said,
        "scheduled_time": at,
    }
    assert await beyond.requests("voxworks") == [Asked(CREATE, call, effects=1)]
    [kept] = (await beyond.log("show", request_id(placed)))["request"]["actions"]
    assert f"call `{kept['reference']}`" in words(placed)
    await beyond.ask(f"/cancel-call {kept['reference']} via voxworks customer asked")
    await beyond.approve(kept["reference"])
    await beyond.audit(f"✅ *Cancelled:* call `{kept['reference']}`")
    assert [one.line for one in await beyond.requests("voxworks")] == [
        CREATE,
        f"POST /api/v1/cancel-call/{kept['reference']}",
    ]


async def test_what_a_provider_does_not_take_stands_under_its_field(beyond: Scene) -> None:
    """A line has all faults at once, a form has each under its field, and nothing is sent."""
    answer = await beyond.ask("/place-call 98765 43210 tomorrow 17:00 via dialer lang=hi meta.age=25")
    for said in ("Ryng takes no time (at=).", "Ryng takes no language (lang=)."):
        assert said in words(answer)
    form = opened(await beyond.asha.click(answer, text="Open the form…"))
    refused = await beyond.asha.submit(form)
    assert refused.errors.keys() == {"at", "language"}
    refused = await beyond.asha.submit(form, {"When": "", "Language": ""})
    assert refused.errors == {"metadata": "Ryng takes name in the metadata, not age."}
    preview = opened(
        await beyond.asha.submit(form, {"When": "", "Language": "", "Data for the agent": "name=Asha"})
    )
    assert "Beyond Ryng's documents: it may not work as we expect." in words(preview)
    assert await beyond.requests("ryng") == []
    await beyond.asha.submit(preview)
    await beyond.audit("✅ *Accepted:* a call to", "Ryng accepted the call")
    [asked] = await beyond.requests("ryng")
    assert (asked.json["customerName"], asked.effects) == ("Asha", 1)


@pytest.mark.parametrize(
    ("verb", "campaign", "what", "asks", "done"),
    [
        ("start", READY, "play", f"`{READY}`, which calls people.", "✅ *Started:* campaign"),
        ("stop", CAMPAIGN, "stop", f"`{CAMPAIGN}`.", None),
    ],
)
async def test_a_campaign_is_stopped_and_started(
    beyond: Scene, verb: str, campaign: str, what: str, asks: str, done: str | None
) -> None:
    """A line and an approval do it. The card tells the effect, and what is undocumented."""
    waiting = await beyond.ask(f"/calls campaign {verb} {campaign} the list is ready")
    beyond_kore = "Beyond Kore.ai's documents: it may not work as we expect."
    assert beyond_kore in words(waiting)
    await beyond.card(f"asks to {verb} campaign", asks, beyond_kore)
    review = await beyond.review(request_id(waiting))
    assert beyond_kore in words(review)
    assert ("it calls people" in words(review)) == (verb == "start")
    assert not (await beyond.mira.submit(review)).errors
    await beyond.told(done or "✅ *Stopped:* campaign", campaign)
    sent = [one for one in await beyond.requests("kore") if one.line.startswith("POST")]
    assert sent == [Asked(trigger(campaign, what), {}, effects=1 if done else 0)]


async def test_what_was_started_can_be_stopped_by_form(beyond: Scene) -> None:
    """`/calls campaign` asks which verb is meant, and each button opens its form."""
    asked = await beyond.ask("/calls campaign")
    assert "Say what to do with a campaign: campaign delete, campaign stop or campaign start." in words(asked)
    assert buttons(asked) == ["Delete a campaign…", "Stop a campaign…", "Start a campaign…"]
    for verb, done in (("Start", "✅ *Started:*"), ("Stop", "✅ *Stopped:*")):
        form = opened(await beyond.asha.click(asked, text=f"{verb} a campaign…"))
        assert form.title["text"] == f"{verb} a campaign"
        result = opened(await beyond.asha.submit(form, {"Campaign id": READY, "Why": "the list is ready"}))
        await beyond.approve(request_id(result))
        await beyond.audit(done, request_id(result))
    assert await changes(beyond) == [trigger(READY, "play"), trigger(READY, "stop")]


async def test_a_slip_in_what_is_to_be_done_keeps_all_the_rest(beyond: Scene) -> None:
    """The button opens the intended form, with the id and the reason."""
    asked = await beyond.ask(f"/calls campaign stpo {READY} wrong list")
    assert "Did you mean `campaign stop`?" in words(asked)
    form = opened(await beyond.asha.click(asked, text="Stop a campaign…"))
    values = {block: next(iter(state.values())).get("value") for block, state in form.values.items()}
    assert values == {"targets": READY, "reason": "wrong list"}


async def test_a_campaign_is_deleted_by_the_name_that_was_looked_up(beyond: Scene) -> None:
    """Card and review show the name beside the id, and either is accepted.

    There is a single lookup and a single deletion.
    """
    await beyond.ask(f"/calls campaign delete {CAMPAIGN} ended")
    named = f"campaign “Billing Reminder Voice Campaign2” `{CAMPAIGN}`"
    await beyond.card(f"asks to delete {named}")
    review = await beyond.review()
    assert named in words(review)
    typed = "Type the campaign's id or name to approve"
    wrong = await beyond.mira.submit(review, {typed: "Billing Reminder"})
    assert list(wrong.errors.values()) == [
        "This is not the campaign above. Compare the two, then type it again."
    ]
    assert not (await beyond.mira.submit(review, {typed: "Billing Reminder Voice Campaign2"})).errors
    await beyond.audit(f"✅ *Deleted:* {named}")
    path = DELETE.format(APP, CAMPAIGN)
    assert [one.line.split("?")[0] for one in await beyond.requests("kore")] == [
        f"GET {path}",
        f"DELETE {path}",
    ]
    assert await changes(beyond) == [f"DELETE {path}?campaignType=voice"]


async def test_who_decides_is_warned_of_a_campaign_that_is_not_there(beyond: Scene) -> None:
    """The warning is on the card and in the review. After an unreadable answer there is none."""
    warning = "⚠️ The provider says that it has no such campaign. Compare the id before you approve."
    await beyond.ask("/calls campaign delete cd-0 ended")
    await beyond.card("campaign `cd-0`", warning)
    assert warning in words(await beyond.review())
    await beyond.providers.fail("kore", "malformed")
    silent = await beyond.ask(f"/calls campaign stop {READY} ended")
    await beyond.request_reaches("kore", 2)
    review = await beyond.review(request_id(silent))
    assert warning not in words(review)
    assert f"stop campaign `{READY}`" in words(review)
    assert await changes(beyond) == []


async def test_help_marks_what_is_beyond(beyond: Scene) -> None:
    """The mark is explained once, below the connections, and every form has its button."""
    answer = await beyond.ask("/calls help")
    assert "• `voxworks`: places calls†, cancels calls; agents: welcome" in words(answer)
    assert "• `kore`: deletes campaigns, stops campaigns†, starts campaigns†" in words(answer)
    titles = "Voxworks', Ryng's and Kore.ai's"
    assert words(answer).endswith(f"† Beyond {titles} documents: it may not work as we expect.")
    assert buttons(answer) == [
        "Place a call…",
        "Cancel a call…",
        "Move a call…",
        "Delete a campaign…",
        "Stop a campaign…",
        "Start a campaign…",
        "Stop calls to a number…",
    ]
