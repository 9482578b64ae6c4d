"""Undocumented actions: calls are placed at Voxworks and Ryng, and campaigns stopped and started at Kore.ai."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from playground import ryng, voxworks
from playground.kore import APP, CAMPAIGN, DELETE, READY, TRIGGER
from tests.e2e.scene import NUMBER, Asked, Scene, buttons, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = {
    'provider = "voxworks"': f'provider = "voxworks"\nallow_undocumented = true\nfrom_number = "{voxworks.FROM_NUMBER}"',
    'provider = "ryng"': f'provider = "ryng"\nallow_undocumented = true\ncampaign_id = {ryng.CAMPAIGN}',
    'provider = "kore"': 'provider = "kore"\nallow_undocumented = true',
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
async def undocumented(dark_scene: Scene) -> Scene:
    """Return a scene in which everything known of the four providers is allowed."""
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


async def test_a_call_is_placed_at_voxworks_and_cancelled_by_the_id_that_the_log_knows(
    undocumented: Scene,
) -> None:
    """Nothing is chosen between two that place; the preview marks undocumented actions; the id is there to be read."""
    asked = await undocumented.ask("/place-call 98765 43210 tomorrow 9:30")
    assert "choose reminders, voxworks or dialer" in words(asked)
    day = datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)
    preview = await undocumented.ask(
        "/place-call 98765 43210 tomorrow 9:30 via voxworks meta.first_name=Asha"
    )
    assert "Voxworks didn't document this, so it may not work." in words(preview)
    at = f"{day:%Y-%m-%d}T04:00:00Z"
    assert f"{day:%a}, {day.day} {day:%b}, 9:30 AM IST · voxworks · voice agent" in words(preview)
    await undocumented.asha.click(preview, text="Place call")
    placed = await undocumented.audit("✅ *Scheduled* · call to +91\u00a0•••3210", "•••3210")
    said = {"phone_number": NUMBER, "first_name": "Asha"}
    call = {
        "from_number": voxworks.FROM_NUMBER,
        "script_id": voxworks.SCRIPT,
        "contact": said,
        "scheduled_time": at,
    }
    assert await undocumented.requests("voxworks") == [Asked(CREATE, call, effects=1)]
    [kept] = (await undocumented.log("show", request_id(placed)))["request"]["actions"]
    assert f" · call {kept['reference']} · " in words(placed)
    await undocumented.ask(f"/cancel-call {kept['reference']} via voxworks customer asked")
    await undocumented.approve(kept["reference"])
    await undocumented.audit(f"🚫 *Cancelled* · call `{kept['reference']}`")
    assert [one.line for one in await undocumented.requests("voxworks")] == [
        CREATE,
        f"POST /api/v1/cancel-call/{kept['reference']}",
    ]


async def test_what_a_provider_does_not_take_stands_under_its_field(undocumented: Scene) -> None:
    """In a line all at once; in the form under each field; and nothing is sent."""
    answer = await undocumented.ask("/place-call 98765 43210 tomorrow 17:00 via dialer lang=hi meta.age=25")
    for said in ("Ryng doesn't support time (at=).", "Ryng doesn't support language (lang=)."):
        assert said in words(answer)
    form = opened(await undocumented.asha.click(answer, text="Open the form…"))
    refused = await undocumented.asha.submit(form)
    assert refused.errors.keys() == {"at", "language"}
    refused = await undocumented.asha.submit(form, {"Call time": "", "Language": ""})
    assert refused.errors == {"metadata": "Ryng takes name in the metadata, not age."}
    preview = opened(
        await undocumented.asha.submit(
            form, {"Call time": "", "Language": "", "Data for the voice agent": "name=Asha"}
        )
    )
    assert "Ryng didn't document this, so it may not work." in words(preview)
    assert await undocumented.requests("ryng") == []
    await undocumented.asha.submit(preview)
    await undocumented.audit("✅ *Placed* · call to", "*Placed*")
    [asked] = await undocumented.requests("ryng")
    assert (asked.json["customerName"], asked.effects) == ("Asha", 1)


@pytest.mark.parametrize(
    ("verb", "campaign", "what", "asks", "done"),
    [
        ("start", READY, "play", f"`{READY}` (this calls people)*", "✅ *Started* · campaign"),
        ("stop", CAMPAIGN, "stop", f"`{CAMPAIGN}`*", None),
    ],
)
async def test_a_campaign_is_stopped_and_started(
    undocumented: Scene, verb: str, campaign: str, what: str, asks: str, done: str | None
) -> None:
    """By line, with an approval; the card says what comes of it, and what is undocumented."""
    waiting = await undocumented.ask(f"/calls campaign {verb} {campaign} the list is ready")
    caution = "Kore.ai didn't document this, so it may not work."
    assert caution in words(waiting)
    await undocumented.card(f"*{verb.capitalize()} campaign", asks, caution)
    review = await undocumented.review(request_id(waiting))
    assert caution in words(review)
    assert ("it calls people" in words(review)) == (verb == "start")
    assert not (await undocumented.mira.submit(review)).errors
    await undocumented.told(done or "✅ *Stopped* · campaign", campaign)
    sent = [one for one in await undocumented.requests("kore") if "trigger=" in one.line]
    assert sent == [Asked(trigger(campaign, what), {}, effects=1 if done else 0)]


async def test_what_was_started_can_be_stopped_by_form(undocumented: Scene) -> None:
    """`/calls campaign` asks which; each button opens its form."""
    asked = await undocumented.ask("/calls campaign")
    says = "What should happen to the campaign? Start with campaign delete, campaign stop or campaign start."
    assert says in words(asked)
    assert buttons(asked) == ["Delete a campaign…", "Stop a campaign…", "Start a campaign…"]
    for verb, done in (("Start", "✅ *Started*"), ("Stop", "✅ *Stopped*")):
        form = opened(await undocumented.asha.click(asked, text=f"{verb} a campaign…"))
        assert form.title["text"] == f"{verb} a campaign"
        result = await undocumented.submitted(form, {"Campaign ID": READY, "Reason": "the list is ready"})
        await undocumented.approve(request_id(result))
        await undocumented.audit(done, request_id(result))
    assert await changes(undocumented) == [trigger(READY, "play"), trigger(READY, "stop")]


async def test_a_slip_in_what_is_to_be_done_keeps_all_the_rest(undocumented: Scene) -> None:
    """The button opens the form that was meant, with the id and the reason in it."""
    asked = await undocumented.ask(f"/calls campaign stpo {READY} wrong list")
    assert "Did you mean `campaign stop`?" in words(asked)
    form = opened(await undocumented.asha.click(asked, text="Stop a campaign…"))
    values = {block: next(iter(state.values())).get("value") for block, state in form.values.items()}
    assert values == {"targets": READY, "reason": "wrong list"}


async def test_a_campaign_is_deleted_by_the_name_that_was_looked_up(undocumented: Scene) -> None:
    """Card and review show it beside the id; it may be typed instead; one look-up, one deletion."""
    await undocumented.ask(f"/calls campaign delete {CAMPAIGN} ended")
    named = f"campaign “Billing Reminder Voice Campaign2” `{CAMPAIGN}`"
    await undocumented.card(f"*Delete {named}*")
    review = await undocumented.review()
    assert named in words(review)
    typed = "Type the campaign's id or name to approve"
    wrong = await undocumented.mira.submit(review, {typed: "Billing Reminder"})
    assert list(wrong.errors.values()) == [
        "This isn't the campaign above. Compare the two, then type it again."
    ]
    assert not (await undocumented.mira.submit(review, {typed: "Billing Reminder Voice Campaign2"})).errors
    await undocumented.audit(f"✅ *Deleted* · {named}")
    path = DELETE.format(APP, CAMPAIGN)
    assert [one.line.split("?")[0] for one in await undocumented.requests("kore")] == [
        f"GET {path}",
        f"DELETE {path}",
    ]
    assert await changes(undocumented) == [f"DELETE {path}?campaignType=voice"]


async def test_who_decides_is_warned_of_a_campaign_that_is_not_there(undocumented: Scene) -> None:
    """On the card and in the review; where the look-up got no readable answer, nothing is said of it."""
    warning = "⚠️ The provider has no such campaign. Check the ID before you approve."
    await undocumented.ask("/calls campaign delete cd-0 ended")
    await undocumented.card("campaign `cd-0`", warning)
    assert warning in words(await undocumented.review())
    await undocumented.providers.fail("kore", "malformed")
    silent = await undocumented.ask(f"/calls campaign stop {READY} ended")
    await undocumented.request_reaches("kore", 2)
    review = await undocumented.review(request_id(silent))
    assert warning not in words(review)
    assert f"Stop campaign `{READY}`" in words(review)
    assert await changes(undocumented) == []


async def test_help_marks_undocumented_actions(undocumented: Scene) -> None:
    """Once, below the connections; every form has its button."""
    answer = await undocumented.ask("/calls help")
    await undocumented.asha.click(answer, text="Options and connections…")
    options = await undocumented.answered("*Connections*")
    assert "• voxworks (Voxworks): places calls†, cancels calls · voice agents: welcome" in words(options)
    assert "• kore (Kore.ai): deletes campaigns, stops campaigns†, starts campaigns†" in words(options)
    titles = "Voxworks, Ryng and Kore.ai"
    assert f"† {titles} didn't document this, so it may not work." in words(options)
    assert buttons(answer) == [
        "Place a call…",
        "Cancel a call…",
        "Move a call…",
        "Delete a campaign…",
        "Stop a campaign…",
        "Start a campaign…",
        "Stop calls to a number…",
        "Call list…",
        "Options and connections…",
    ]
