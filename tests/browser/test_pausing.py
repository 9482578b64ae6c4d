"""Pauses on the page: set and ended on Home while twenty calls wait, at a desk and on a phone."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Demo, Looks
from tests.browser.looking import Looking
from tests.browser.test_access import PHONE, findings
from tests.browser.test_home import opens_home

CALLS = 20
DESK = {"width": 1280, "height": 900}
RULE = 'actions = ["place_call"]\nrequest = ["everyone"]'
POSTED_WITHIN = 60_000
"""Milliseconds in which all cards are posted. Slack takes about one a second for a channel."""


@pytest.fixture(scope="module")
def demo(chromium: Browser) -> Iterator[Demo]:
    """Yield a demo of its own, in which calls need an approval and twenty wait for it."""
    running = Demo()
    try:
        waiting(running, chromium)
        yield running
    finally:
        assert running.end() == 0


def waiting(running: Demo, chromium: Browser) -> None:
    """Let every call need an approval, and twenty wait for it."""
    configuration = running.folder / "callops.toml"
    text = configuration.read_text("utf-8")
    assert RULE in text
    configuration.write_text(text.replace(RULE, f'{RULE}\napprove = ["managers"]'), "utf-8")
    looks = Looks(running, chromium)
    asha = looks("U0AGENT")
    asha.tab("Break it")
    asha.press("Kill it")
    expect(asha.pane).to_contain_text("CallOps is not running")
    asha.press("Start it again")
    expect(asha.pane).to_contain_text("CallOps is running")
    for number in range(CALLS):
        preview = asha.asks(f"/place-call 98765 {44_000 + number}", "Call +91", f"{44_000 + number}")
        preview.get_by_role("button", name="Place call").click()
        expect(asha.message("place a call to", f"{4000 + number}")).to_be_visible()
    mira = looks("U0MANAGER")
    cards(mira)
    shown = mira.page.locator("#messages > .message").filter(has_text="Requested by")
    expect(shown).to_have_count(CALLS, timeout=POSTED_WITHIN)
    looks.close()


def goes(looking: Looking, place: Callable[[Looking], None], *, phone: bool) -> None:
    """Go to a place. On a phone, the list of channels is opened first."""
    drawer = looking.page.get_by_role("button", name="Channels and people")
    if phone and drawer.get_attribute("aria-expanded") != "true":  # a press in it can be lost: see `go`
        drawer.click()
    place(looking)


def cards(looking: Looking) -> None:
    """Go to the cards."""
    looking.go("call-approvals")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_manager_pauses_and_resumes_on_home(
    look: Looks, picture: Callable[[Looking, str], None], *, phone: bool
) -> None:
    """Home and the cards say so at once, and no more after the resume. Axe finds nothing."""
    size = PHONE if phone else DESK
    mira = look("U0MANAGER", width=size["width"], height=size["height"])
    goes(mira, opens_home, phone=phone)
    home = mira.page.get_by_role("tabpanel", name="Home")
    home.get_by_role("button", name="Pause calls…").click()
    expect(mira.modal).to_contain_text("reminders: 0 waiting to be sent")
    assert findings(mira) == []
    mira.modal.get_by_label("Connection").select_option(label="reminders")
    mira.modal.get_by_label(re.compile("^Reason")).fill("wrong list")
    mira.modal.get_by_role("button", name="Pause calls").click()
    expect(mira.modal).to_contain_text("Calls through reminders are paused.")
    mira.page.keyboard.press("Escape")
    expect(mira.modal).to_be_hidden()
    expect(home).to_contain_text("Calls through reminders: Paused by @mira since")
    assert findings(mira) == []
    assert mira.page.evaluate("document.documentElement.scrollWidth") == mira.page.evaluate("innerWidth")
    if not phone:
        picture(mira, "pause-home")
    goes(mira, cards, phone=phone)
    shown = mira.page.locator("#messages > .message").filter(has_text="Requested by")
    paused = shown.filter(has_text=re.compile("Paused by mira since .*“wrong list”"))
    expect(paused).to_have_count(CALLS, timeout=POSTED_WITHIN)
    assert findings(mira) == []
    if not phone:
        picture(mira, "paused-card")
    goes(mira, opens_home, phone=phone)
    home.get_by_role("button", name="Resume calls through reminders").click()
    dialog = mira.page.get_by_role("dialog", name="Resume calls through reminders?")
    expect(dialog).to_be_visible()
    assert findings(mira) == []
    dialog.get_by_role("button", name="Resume").click()
    expect(home).not_to_contain_text("Paused by")
    goes(mira, cards, phone=phone)
    expect(shown).to_have_count(CALLS)
    expect(shown.filter(has_text="Paused by")).to_have_count(0, timeout=POSTED_WITHIN)
