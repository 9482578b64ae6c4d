from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from playground.forms import REQUIRED
from playground.interactions import TROUBLE
from playground.manifest import Manifest
from playground.people import Heard, ImpossibleError, View
from tests.playground.slack_app import CARD, Json, Stage, bolt, modal, stage, text_input
from tests.playground.test_slack_webapi import refusal


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack with the sample app."""
    async with stage() as running, bolt(running):
        yield running


async def form(on: Stage) -> View:
    """Return the sample app's modal, opened by the agent."""
    view = (await on.person().command("/form")).view
    assert view
    return view


async def submitted(on: Stage, name: str) -> Heard:
    """Submit that modal with a name, to which the sample app reacts, and return what the agent gets."""
    return await on.person().submit(await form(on), {"name": name})


async def test_a_loud_answer_is_heard_by_all(on: Stage) -> None:
    """An in_channel answer is a message in the channel, with its pings."""
    heard = await on.person().command("/loud")
    assert heard.ephemeral is None
    [message] = await on.person("U0MANAGER").channel("C0SUPPORT")
    assert (message.pings, message.in_reply_to) == (("!channel",), "/loud")


async def test_a_wrong_answer_is_a_fault(on: Stage) -> None:
    """An answer beyond a limit is not shown. The person reads an error, and the payload is kept."""
    assert (await on.person().command("/wrong")).error == "invalid_command_response"
    [fault] = await on.people.faults()
    assert fault["where"] == "ack of /wrong"


async def test_only_the_manifests_commands_exist() -> None:
    """The client refuses a command that the manifest lacks."""
    async with stage(manifest=Manifest(commands=frozenset({"/echo"}))) as on, bolt(on):
        assert (await on.person().command("/loud")).error == "invalid_command"
        assert (await on.person().command("/echo")).error is None


async def test_a_button_is_pressed_after_its_confirm_dialog(on: Stage) -> None:
    """A declined confirm dialog sends nothing. After an accepted one the app answers through response_url."""
    card = (await on.person().command("/echo")).ephemeral
    assert card
    declined = await on.person().click(card, "press", confirm=False)
    assert declined.confirm
    assert len(on.heard) == 1
    heard = await on.person().click(card, text="Press")
    assert heard.ephemeral
    assert (heard.ephemeral.ts, heard.ephemeral.text) == (card.ts, "pressed")
    assert on.heard[1]["actions"][0]["value"] == "nonce"


async def test_people_press_only_what_they_see(on: Stage) -> None:
    """Another person's ephemeral button, a deleted one, and one in a foreign channel cannot be used."""
    card = (await on.person().command("/echo")).ephemeral
    assert card
    with pytest.raises(ImpossibleError, match="sees no such message"):
        await on.person("U0MANAGER").click(card, "press")
    await on.person().click(card, "press")
    with pytest.raises(ImpossibleError, match="0 elements"):
        await on.person().click(card, "press")
    with pytest.raises(ImpossibleError, match="not in call-approvals"):
        await on.person().command("/echo", channel="C0APPROVE")


async def test_a_double_click_is_two_payloads(on: Stage) -> None:
    """Both presses leave before the first answer, each with its own trigger and the same value."""
    card = (await on.person().command("/echo")).ephemeral
    assert card
    await on.person().double_click(card, "press")
    first, second = on.heard[1:]
    assert first["trigger_id"] != second["trigger_id"]
    assert first["actions"][0]["value"] == second["actions"][0]["value"] == "nonce"


async def test_a_button_can_be_pressed_on_a_screen_that_is_behind(on: Stage) -> None:
    """A person whose screen lacks the last edit can still press a button that it removed."""
    posted = await on.client.chat_postMessage(channel="C0SUPPORT", text="x", blocks=CARD)
    [message] = await on.person().channel("C0SUPPORT")
    await on.client.chat_update(channel="C0SUPPORT", ts=posted["ts"], text="decided")
    heard = await on.person().click(message, "press", stale=True)
    assert (heard.error, len(on.heard)) == (None, 1)


async def test_required_inputs_are_asked_for_before_anything_is_sent(on: Stage) -> None:
    """The client objects to an empty required input, and the app gets nothing."""
    heard = await on.person().submit(await form(on))
    assert heard.errors == {"name": REQUIRED}
    assert heard.view
    assert heard.view.errors == heard.errors
    assert [body.get("type") for body in on.heard] == [None]


async def test_a_submission_carries_initial_and_typed_values(on: Stage) -> None:
    """Typed, initial and empty values arrive as Slack sends them."""
    heard = await submitted(on, "Asha")
    assert (heard.error, heard.errors, await on.person().view()) == (None, {}, None)
    assert on.heard[-1]["view"]["state"]["values"] == {
        "name": {"value": {"type": "plain_text_input", "value": "Asha"}},
        "colour": {"value": {"type": "plain_text_input", "value": "red"}},
        "note": {"value": {"type": "plain_text_input", "value": None}},
    }


async def test_errors_stand_under_their_inputs_and_nothing_typed_is_lost(on: Stage) -> None:
    """An errors answer keeps the modal open with what was typed."""
    heard = await submitted(on, "errors")
    assert heard.errors == {"name": "Not that name."}
    view = await on.person().view()
    assert view
    assert view.values["name"]["value"]["value"] == "errors"


MENUS = modal(
    "Menus",
    {
        **text_input("when"),
        "element": {"type": "datepicker", "action_id": "d", "initial_date": "2026-11-21"},
    },
    {
        **text_input("why"),
        "element": {
            "type": "static_select",
            "action_id": "s",
            "options": [{"text": {"type": "plain_text", "text": "Wrong number"}, "value": "wrong"}],
        },
    },
    {
        **text_input("how many"),
        "element": {"type": "number_input", "action_id": "n", "is_decimal_allowed": False},
    },
)


async def test_menus_take_only_what_they_offer(on: Stage) -> None:
    """Menus accept their options by text or value, date inputs a date, and number inputs a number."""
    view, person = await form(on), on.person()
    await on.client.views_update(view_id=view.id, view=MENUS)
    view = await person.wait_for_view()
    with pytest.raises(ImpossibleError, match="no option"):
        await person.fill(view, {"why": "because"})
    with pytest.raises(ImpossibleError, match="does not take"):
        await person.fill(view, {"when": "tomorrow"})
    filled = await person.fill(view, {"Why": "Wrong number", "when": "2026-12-01"})
    assert filled.values["why"]["s"]["selected_option"]["value"] == "wrong"
    heard = await person.submit(filled, {"how many": "1.5"})
    assert heard.errors == {"how many": "Please enter a valid number."}
    await person.submit(filled, {"how many": "15"})
    values = on.heard[-1]["view"]["state"]["values"]
    assert (values["when"]["d"]["selected_date"], values["how many"]["n"]["value"]) == ("2026-12-01", "15")


@pytest.mark.parametrize("name", ["strange errors", "invalid"])
async def test_a_bad_submission_answer_is_trouble_and_a_fault(on: Stage, name: str) -> None:
    """After errors for no input, or an update beyond a limit, the person reads of trouble, and it is kept."""
    assert (await submitted(on, name)).error == TROUBLE
    assert len(await on.people.faults()) == 1


async def test_update_keeps_what_was_typed_under_the_same_ids(on: Stage) -> None:
    """An update shows the new view, and keeps values of equal block and action ids."""
    view = (await submitted(on, "update")).view
    assert view
    assert (view.title["text"], view.values["name"]["value"]["value"]) == ("Second", "update")


async def test_pushed_views_stack_three_high(on: Stage) -> None:
    """A fourth view is refused. Closing a view shows the one below, and clear closes all."""
    person = on.person()
    await submitted(on, "push")
    top = (await person.submit(await person.wait_for_view(), {"more": "push"})).view
    assert top
    assert (await person.submit(top, {"more": "push"})).error == TROUBLE
    await person.close(top)
    below = await person.wait_for_view()
    assert below.id != top.id
    await person.submit(below, {"more": "clear"})
    assert await person.view() is None


async def test_the_app_hears_of_a_closed_view_only_when_it_asked(on: Stage) -> None:
    """`notify_on_close` brings view_closed, and without it nothing is sent."""
    await on.person().close(await form(on))
    assert len(on.heard) == 1
    view = await form(on)
    await on.client.views_update(view_id=view.id, view=modal("x", text_input("a"), notify_on_close=True))
    await on.person().close(await on.person().wait_for_view())
    assert [body.get("type") for body in on.heard] == [None, None, "view_closed"]


async def test_a_trigger_is_good_once_and_briefly(on: Stage) -> None:
    """A used trigger gives exchanged_trigger_id, an old one expired_trigger_id."""
    await form(on)
    used = on.heard[-1]["trigger_id"]
    again = on.client.views_open(trigger_id=used, view=modal("x", text_input("a")))
    assert (await refusal(again))["error"] == "exchanged_trigger_id"
    await on.person().command("/echo")
    on.slack.workspace.triggers[on.heard[-1]["trigger_id"]].at -= 3.1
    late = on.client.views_open(trigger_id=on.heard[-1]["trigger_id"], view=modal("x", text_input("a")))
    assert (await refusal(late))["error"] == "expired_trigger_id"


async def test_a_stale_hash_conflicts(on: Stage) -> None:
    """views.update with the hash of an older version is refused."""
    view = await form(on)
    changed = modal("x", text_input("a"), external_id="mine")
    await on.client.views_update(view_id=view.id, hash=view.hash, view=changed)
    stale = on.client.views_update(external_id="mine", hash=view.hash, view=changed)
    assert (await refusal(stale))["error"] == "hash_conflict"


async def test_an_external_id_is_taken_once(on: Stage) -> None:
    """Two open views cannot have the same external_id."""
    view = await form(on)
    await on.client.views_update(view_id=view.id, view=modal("x", text_input("a"), external_id="mine"))
    await on.person("U0MANAGER").command("/echo")
    trigger = on.heard[-1]["trigger_id"]
    again = on.client.views_open(trigger_id=trigger, view=modal("x", text_input("a"), external_id="mine"))
    assert (await refusal(again))["error"] == "duplicate_external_id"


async def test_a_response_url_lasts_five_uses(on: Stage) -> None:
    """Five posts are accepted, ephemeral by default. The sixth is refused, and so is a late one."""
    await on.person().command("/echo")
    url = on.heard[-1]["response_url"]
    hook = AsyncWebhookClient(url)
    for _ in range(5):
        assert (await hook.send(text="again", replace_original=True)).status_code == 200
    refused = await hook.send(text="again")
    assert (refused.status_code, "used_url" in refused.body) == (404, True)
    assert [one.text for one in await on.person().ephemerals()] == ["nothing", *["again"] * 5]
    await on.person().command("/echo")
    expiring = on.heard[-1]["response_url"]
    on.slack.workspace.hooks[expiring.rpartition("/")[2]].at -= 1801
    assert "expired_url" in (await AsyncWebhookClient(expiring).send(text="late")).body


async def test_a_press_on_an_ephemeral_message_replaces_it(on: Stage) -> None:
    """The response_url of the press edits the message in place. What replaces it can be pressed again."""
    await on.client.chat_postEphemeral(channel="C0SUPPORT", user="U0AGENT", text="x", blocks=CARD)
    for text in ("first", "second"):
        [message] = await on.person().ephemerals()
        await on.person().click(message, "press")
        hook = AsyncWebhookClient(on.heard[-1]["response_url"])
        await hook.send(text=text, blocks=CARD, replace_original=True)
        assert [(one.ts, one.text) for one in await on.person().ephemerals()] == [(message.ts, text)]


async def test_a_response_url_can_delete_its_message(on: Stage) -> None:
    """delete_original removes the ephemeral message of the click."""
    posted = await on.client.chat_postEphemeral(channel="C0SUPPORT", user="U0AGENT", text="x", blocks=CARD)
    [message] = await on.person().ephemerals()
    assert message.ts == posted["message_ts"]
    await on.person().click(message, "press")
    await AsyncWebhookClient(on.heard[-1]["response_url"]).send(delete_original=True)
    assert await on.person().ephemerals() == []


async def test_an_empty_or_unreadable_response_is_refused(on: Stage) -> None:
    """A response_url accepts only JSON with some content."""
    await on.person().command("/echo")
    url = on.heard[-1]["response_url"]
    assert "no_text" in (await AsyncWebhookClient(url).send()).body
    async with aiohttp.ClientSession() as session, session.post(url, data="{") as answer:
        assert answer.status == 400


async def test_a_message_shortcut_carries_the_message(on: Stage) -> None:
    """The payload of a shortcut on a message has the message."""
    said = (await on.person().say("look at this")).messages[0]
    assert (await on.person().shortcut("remind", said)).error is None
    assert on.heard[-1]["message"]["text"] == "look at this"


async def test_waiting_for_a_message(on: Stage) -> None:
    """wait_for returns a present or coming message, and gives up after its time."""
    await on.client.chat_postMessage(channel="U0AGENT", text="done")
    assert (await on.person().wait_for(lambda one: one.text == "done")).channel.startswith("D")
    with pytest.raises(TimeoutError):
        await on.person().wait_for(lambda one: one.text == "never", within=0.05)


async def test_the_app_hears_that_a_home_tab_is_opened(on: Stage) -> None:
    """The event has the view that the tab showed. A button there carries the view, and no response_url."""
    await on.person().open_home()

    async def published() -> View | None:
        return await on.person().home()

    home = await on.people.until(published)
    [opened] = [body["event"] for body in on.heard if "event" in body]
    assert (opened["type"], opened["tab"], opened["user"]) == ("app_home_opened", "home", "U0AGENT")
    assert "view" not in opened
    await on.person().open_home()

    async def told() -> Json | None:
        return next((body["event"] for body in on.heard if body.get("event", {}).get("view")), None)

    assert (await on.people.until(told))["view"]["hash"] == home.hash
    assert (await on.person().click(home, "press")).error is None
    pressed = on.heard[-1]
    assert (pressed["view"]["type"], pressed["view"]["private_metadata"]) == ("home", "kept")
    assert pressed["container"] == {"type": "view", "view_id": home.id}
    assert "response_url" not in pressed
