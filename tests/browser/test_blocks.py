"""Blocks that the app may post, drawn and used in a browser, and Slack's refusals of blocks."""

import json
import os
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from playground.content import BOT_TOKEN
from tests.browser.conftest import Demo
from tests.browser.looking import Looking
from tests.browser.test_access import PHONE, findings
from tests.browser.test_demo import family

Look = Callable[..., Looking]
PostMessage = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(),
    reason="where the demo's Slack is, is told by /proc, which only Linux has",
)


@pytest.fixture
def slack(demo: Demo) -> str:
    """Return the address of the demo's Web API, from the bot's environment."""
    told = [Path(f"/proc/{child}/environ").read_bytes().split(b"\0") for child in family(demo.process.pid)]
    urls = {
        one.decode().partition("=")[2] for each in told for one in each if one.startswith(b"SLACK_API_URL=")
    }
    (url,) = urls
    return url


@pytest.fixture
def post(slack: str) -> PostMessage:
    """Return a function that calls a method of the Web API as the app."""

    def call(method: str, **arguments: object) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {BOT_TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{slack}{method}", json.dumps(arguments).encode(), headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request) as reply:  # noqa: S310 - the same
            answer: dict[str, Any] = json.load(reply)
        return answer

    return call


def plain(text: str) -> dict[str, str]:
    """Return a text object."""
    return {"type": "plain_text", "text": text}


def option(name: str) -> dict[str, Any]:
    """Return an option of a menu."""
    return {"text": plain(name), "value": name.lower()}


CONFIRM = {
    "title": plain("Really?"),
    "text": plain("It is gone then."),
    "confirm": plain("Delete it"),
    "deny": plain("Keep it"),
    "style": "danger",
}
OPTIONS = [option("One"), option("Two")]


def test_a_button_asks_again_where_it_is_told_to(look: Look, post: PostMessage) -> None:
    """No press is sent before the dialog is answered.

    Escape means no, and the focus returns to the button.
    """
    asha = look()
    button = {
        "type": "button",
        "text": plain("Delete"),
        "action_id": "not_ours",
        "style": "danger",
        "confirm": CONFIRM,
    }
    blocks = [{"type": "actions", "elements": [button]}]
    assert post("chat.postMessage", channel="C0SUPPORT", text="A button that asks", blocks=blocks)["ok"]
    asha.tab("Slack")
    shown = asha.page.get_by_role("button", name="Delete", exact=True).last
    shown.click()
    expect(asha.modal).to_contain_text("It is gone then.")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_have_count(0)
    expect(shown).to_be_focused()
    shown.click()
    asha.modal.get_by_role("button", name="Keep it").click()
    expect(asha.modal).to_have_count(0)
    expect(asha.pane).not_to_contain_text("not_ours")
    shown.click()
    asha.modal.get_by_role("button", name="Delete it").click()
    expect(asha.pane).to_contain_text("not_ours @asha")


def test_menus_in_a_message_send_what_is_chosen(look: Look, post: PostMessage) -> None:
    """Selects, radio buttons and checkboxes each have a name. Fields, headers and images appear as text."""
    asha = look()
    elements: list[dict[str, Any]] = [
        {
            "type": "static_select",
            "action_id": "a_select",
            "placeholder": plain("How many?"),
            "options": OPTIONS,
        },
        {"type": "radio_buttons", "action_id": "a_radio", "options": OPTIONS},
        {"type": "checkboxes", "action_id": "some_boxes", "options": OPTIONS},
    ]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain("All of them")},
        {"type": "image", "image_url": "https://example.com/cat.png", "alt_text": "a cat"},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*Left*"},
            "accessory": elements[0] | {"action_id": "beside"},
        },
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Name*\nAsha"}, plain("*plain*")]},
        {"type": "divider"},
        {"type": "actions", "elements": elements},
        {"type": "rich_text", "elements": []},
    ]
    assert post("chat.postMessage", channel="C0SUPPORT", text="All of them", blocks=blocks)["ok"]
    shown = asha.message("All of them")
    expect(shown.get_by_role("heading", name="All of them")).to_be_visible()
    expect(shown).to_contain_text("Image: a cat")
    expect(shown).to_contain_text("*plain*")
    expect(shown).to_contain_text("This page does not draw a rich_text block.")
    asha.tab("Slack")
    shown.get_by_label("How many?").last.select_option("Two")
    expect(asha.pane).to_contain_text("a_select")
    shown.get_by_role("radio", name="One").check()
    expect(asha.pane).to_contain_text("a_radio")
    shown.get_by_role("checkbox", name="Two").check()
    expect(asha.pane).to_contain_text("some_boxes")
    shown.get_by_label("How many?").first.select_option("One")
    expect(asha.pane).to_contain_text("beside")


def test_what_slack_refuses_is_said_with_its_code_and_why(look: Look, post: PostMessage) -> None:
    """A refused message appears only among the refusals, with the pointer to the fault."""
    asha = look()
    asha.tab("Slack")
    asha.pane.focus()
    nameless = {"type": "button", "text": plain("x" * 76), "action_id": "long"}
    answer = post(
        "chat.postMessage",
        channel="C0SUPPORT",
        text="Too long",
        blocks=[{"type": "actions", "elements": [nameless]}],
    )
    assert answer["error"] == "invalid_blocks"
    toast = asha.page.get_by_role("alert").filter(has_text="Slack refused this: invalid_blocks")
    expect(toast).to_contain_text("must be less than 76 characters")
    toast.get_by_role("button", name="Put this away").click()
    expect(toast).to_have_count(0)
    expect(asha.pane).to_contain_text("/blocks/0/elements/0/text/text")
    expect(asha.message("Too long")).to_have_count(0)


def test_an_edit_shows_at_once_and_a_deletion_too(look: Look, post: PostMessage) -> None:
    """An edited message is marked, a deleted one is gone, and neither makes anything unread."""
    asha = look()
    posted = post("chat.postMessage", channel="C0SUPPORT", text="First words")
    expect(asha.message("First words")).to_be_visible()
    post("chat.update", channel="C0SUPPORT", ts=posted["ts"], text="Second words")
    expect(asha.message("Second words")).to_contain_text("(edited)")
    post("chat.delete", channel="C0SUPPORT", ts=posted["ts"])
    expect(asha.message("Second words")).to_have_count(0)


def test_a_badge_counts_what_calls_for_one(look: Look, post: PostMessage) -> None:
    """Unread channels are bold, and mentions have a count.

    A look at a channel marks it as read in every window.
    """
    asha, elsewhere = look("U0AGENT"), look("U0AGENT")
    asha.go("call-audit")
    for text in ("For everyone", "For <@U0AGENT> & <@U0GUEST>"):
        post("chat.postMessage", channel="C0GENERAL", text=text.replace("&", "&amp;"))
    place = asha.page.get_by_role("button", name="Channel general, 2 unread")
    expect(place).to_contain_text("1")
    elsewhere.go("general")
    expect(elsewhere.message("For @asha & @gil")).to_be_visible()
    expect(asha.page.get_by_role("button", name="Channel general", exact=True)).to_be_visible()


def test_a_view_on_top_of_another_leads_back_to_it_as_it_was(
    look: Look, slack: str, post: PostMessage
) -> None:
    """A pushed view has a way back. Inputs of both views keep their values."""
    asha = look()
    asha.types("/place-call")
    number = asha.modal.get_by_label("Phone number")
    number.fill("98765 43250")
    asha.modal.get_by_role("button", name="Show more options").click()
    pressed: dict[str, Any] = {}
    while pressed.get("type") != "block_actions":  # at once, because a trigger expires after 3 s
        with urllib.request.urlopen(slack.replace("/api/", "/control/state")) as reply:  # noqa: S310 - our own
            pressed = json.load(reply)["deliveries"][-1]["payload"]
    field = {"type": "plain_text_input", "action_id": "note", "multiline": True}
    asked = {"type": "input", "block_id": "note", "label": plain("Note"), "element": field}
    view = {"type": "modal", "title": plain("On top"), "submit": plain("Go on"), "blocks": [asked]}
    assert post("views.push", trigger_id=pressed["trigger_id"], view=view)["ok"]
    expect(asha.modal.get_by_role("heading", name="On top")).to_be_visible()
    note = asha.modal.get_by_label("Note")
    expect(note).to_be_focused()
    expect(asha.modal.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    note.fill("for later")
    asha.modal.get_by_role("button", name="Back").click()
    expect(number).to_have_value("98765 43250")
    expect(asha.modal.get_by_label("Retries (optional)", exact=True)).to_be_visible()
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()


def test_an_overflow_menu_sends_what_is_chosen(look: Look, post: PostMessage) -> None:
    """Arrows move in the menu, Escape closes it, and a choice goes to the app once it is confirmed."""
    asha = look()
    menu = {"type": "overflow", "action_id": "an_overflow", "options": OPTIONS}
    asking = menu | {"action_id": "it_asks", "confirm": CONFIRM}
    for text, accessory in (("With a menu", menu), ("A menu that asks", asking)):
        section = {"type": "section", "text": {"type": "mrkdwn", "text": text}, "accessory": accessory}
        assert post("chat.postMessage", channel="C0SUPPORT", text=text, blocks=[section])["ok"]
    asha.tab("Slack")
    more = asha.message("With a menu").locator(".accessory").get_by_role("button", name="More actions")
    more.focus()
    more.press("ArrowDown")
    one, two = (asha.page.get_by_role("menuitem", name=name, exact=True) for name in ("One", "Two"))
    expect(one).to_be_focused()
    one.press("ArrowUp")
    expect(two).to_be_focused()
    two.press("Escape")
    expect(two).to_be_hidden()
    expect(more).to_be_focused()
    more.press("Enter")
    expect(one).to_be_focused()
    one.press("ArrowDown")
    two.press("Enter")
    expect(two).to_be_hidden()
    expect(asha.pane).to_contain_text("an_overflow @asha")
    asha.message("A menu that asks").locator(".accessory").get_by_role("button", name="More actions").click()
    one.click()
    asha.modal.get_by_role("button", name="Keep it").click()
    expect(asha.modal).to_have_count(0)
    expect(asha.pane).not_to_contain_text("it_asks")


def test_a_message_has_the_apps_shortcuts(look: Look, post: PostMessage) -> None:
    """The menu of a message opens the form with what the message names."""
    asha = look()
    post("chat.postMessage", channel="C0SUPPORT", text="Please stop 98765 43251")
    said = asha.message("98765 43251")
    said.hover()
    said.get_by_role("button", name="More actions").click()
    asha.page.get_by_role("menuitem", name="Cancel calls in message").click()
    expect(asha.modal.get_by_role("heading", level=2)).to_contain_text("Cancel")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()


def test_a_button_with_an_address_opens_it(look: Look, post: PostMessage) -> None:
    """It is a link, and the app hears of the press. An address that is no page's is not opened."""
    asha = look()
    address = f"{asha.page.url.partition('#')[0]}icon.svg"
    for text, url in (("Open it", address), ("Run it", "javascript:alert(1)")):
        button = {"type": "button", "text": plain(text), "action_id": "a_link", "url": url}
        blocks = [{"type": "actions", "elements": [button]}]
        assert post("chat.postMessage", channel="C0SUPPORT", text=text, blocks=blocks)["ok"]
    expect(asha.page.get_by_role("button", name="Run it")).to_be_visible()
    asha.tab("Slack")
    with asha.page.expect_popup() as opened:
        asha.page.get_by_role("link", name="Open it").click()
    assert opened.value.url == address
    expect(asha.pane).to_contain_text("a_link @asha")


def test_people_are_chosen_by_name(look: Look, post: PostMessage) -> None:
    """A menu of people has their names, and sends the id of the chosen one."""
    asha = look()
    menu = {"type": "users_select", "action_id": "a_person", "placeholder": plain("Who?")}
    blocks = [{"type": "actions", "elements": [menu]}]
    assert post("chat.postMessage", channel="C0SUPPORT", text="Who?", blocks=blocks)["ok"]
    asha.tab("Slack")
    asha.page.get_by_label("Who?").select_option("Mira Nair")
    expect(asha.pane).to_contain_text("a_person @asha")


def test_a_permalink_opens_the_message(look: Look, post: PostMessage) -> None:
    """A link to a message leads to it. One that this person cannot see is said so."""
    asha = look()
    links = []
    for channel in ("C0GENERAL", "C0APPROVE"):
        posted = post("chat.postMessage", channel=channel, text="Look here")
        told = post("chat.getPermalink", channel=channel, message_ts=posted["ts"])
        links.append(f"<{told['permalink']}|in {channel}>")
    post("chat.postMessage", channel="C0SUPPORT", text=" ".join(links))
    asha.page.get_by_role("link", name="in C0APPROVE").click()
    expect(asha.message("You don't have access to this message")).to_be_visible()
    asha.page.get_by_role("link", name="in C0GENERAL").click()
    expect(asha.page.get_by_role("heading", level=1)).to_contain_text("general")
    expect(asha.message("Look here")).to_be_in_viewport()


def test_a_reload_drops_what_only_one_person_sees(look: Look, post: PostMessage) -> None:
    """An ephemeral message lasts until the page is loaded again. Other messages stay."""
    asha = look()
    post("chat.postEphemeral", channel="C0SUPPORT", user="U0AGENT", text="For your eyes")
    post("chat.postMessage", channel="C0SUPPORT", text="For all eyes")
    expect(asha.message("For your eyes")).to_be_visible()
    asha.be("U0MANAGER")
    asha.be("U0AGENT")
    expect(asha.message("For your eyes")).to_be_visible()
    asha.page.reload()
    expect(asha.message("For all eyes")).to_be_visible()
    expect(asha.message("For your eyes")).to_have_count(0)


def test_what_slack_is_asked_is_shown_with_names_and_times(look: Look, post: PostMessage) -> None:
    """The panel has no raw markup, and a private channel has a lock."""
    mira = look("U0MANAGER")
    post("chat.postMessage", channel="C0SUPPORT", text="<@U0AGENT> at <!date^1796445000^{time}|then> rings")
    mira.tab("Slack")
    expect(mira.pane).to_contain_text("@asha at 10:00 AM rings")
    for channel, locks in (("call-approvals", 1), ("general", 0)):
        place = mira.page.get_by_role("button", name=f"channel {channel}")
        expect(place.locator("svg")).to_have_count(locks)


LIST: dict[str, Any] = {
    "type": "modal",
    "title": plain("Import"),
    "submit": plain("Check"),
    "blocks": [
        {
            "type": "input",
            "block_id": "list",
            "label": plain("Call list"),
            "hint": plain("A CSV file with a header."),
            "element": {"type": "file_input", "action_id": "file", "filetypes": ["csv"], "max_files": 1},
        }
    ],
}


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_file_is_picked_and_uploaded(
    look: Look, slack: str, post: PostMessage, tmp_path: Path, *, phone: bool
) -> None:
    """Its name is shown, another type is refused under the input, and axe finds nothing serious."""
    asha = look(**PHONE) if phone else look()
    asha.types("/place-call")
    expect(asha.modal).to_be_visible()
    with urllib.request.urlopen(slack.replace("/api/", "/control/people/U0AGENT")) as reply:  # noqa: S310 - our own
        view = json.load(reply)["view"]["id"]
    assert post("views.update", view_id=view, view=LIST)["ok"]
    field = asha.modal.get_by_label("Call list")
    expect(field).to_be_focused()
    wrong, right = tmp_path / "calls.xlsx", tmp_path / "calls.csv"
    wrong.write_bytes(b"PK")
    right.write_text("phone\n98765 43210\n", encoding="utf-8")
    expect(field).not_to_have_attribute("multiple", re.compile(""))
    field.set_input_files(wrong)
    expect(field).to_have_accessible_description(
        re.compile("calls.xlsx has an unsupported type. Supported: csv.")
    )
    expect(field).to_have_attribute("aria-invalid", "true")
    assert findings(asha) == []
    field.set_input_files(right)
    expect(asha.modal).not_to_contain_text("unsupported")
    expect(field).to_have_accessible_description(re.compile(r"calls\.csv$"))
    expect(field).to_be_focused()
    width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert asha.page.evaluate(width)
    assert findings(asha) == []
    if folder := os.environ.get("PICTURES"):
        asha.page.screenshot(path=Path(folder) / f"file-{phone}.png")
    asha.page.keyboard.press("Tab")
    expect(asha.modal.get_by_role("button", name="Remove")).to_be_focused()
    asha.page.keyboard.press("Enter")
    expect(asha.modal).not_to_contain_text("calls.csv")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()
