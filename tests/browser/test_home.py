"""The app's Home tab and the global shortcuts on the page, by mouse, keyboard and on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.looking import Looking
from tests.browser.test_access import PHONE, findings

Look = Callable[..., Looking]


def opens_home(looking: Looking) -> None:
    """Open the app and its Home tab."""
    looking.page.get_by_role("button", name="CallOps, app").click()
    looking.tab("Home")
    expect(looking.page.get_by_role("tabpanel", name="Home")).to_contain_text("As of")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_person_works_from_the_home_tab(
    look: Look, picture: Callable[[Looking, str], None], *, dark: bool
) -> None:
    """It shows a request as soon as it is made, and its buttons open modals. Axe finds nothing."""
    asha, number = look(dark=dark), "98765 43271" if dark else "98765 43270"
    asha.types(f"/place-call {number} tomorrow 9:30")
    asha.message("Call +91", number[-5:]).get_by_role("button", name="Place call").click()
    expect(asha.message("*Scheduled*".strip("*"), number[-4:])).to_be_visible()
    opens_home(asha)
    home = asha.page.get_by_role("tabpanel", name="Home")
    expect(home).to_contain_text(f"•••{number[-4:]}")
    assert findings(asha) == []
    picture(asha, "home" if not dark else "home-dark")
    home.get_by_role("button", name="Move the call").first.click()
    expect(asha.modal).to_contain_text("Move a call")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()
    tab = asha.page.get_by_role("tab", name="Home")
    tab.focus()
    tab.press("ArrowRight")
    expect(asha.page.get_by_role("tab", name="Messages")).to_be_focused()
    expect(home).to_be_hidden()


def test_a_global_shortcut_opens_a_form(look: Look) -> None:
    """The menu beside the composer is reached by keyboard."""
    asha = look()
    menu = asha.page.get_by_role("button", name="Shortcuts")
    menu.focus()
    menu.press("ArrowDown")
    assert findings(asha) == []
    asha.page.keyboard.press("Enter")
    expect(asha.modal).to_contain_text("Place a call")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()


def test_a_phone_shows_the_home_tab(look: Look, picture: Callable[[Looking, str], None]) -> None:
    """Nothing is wider than the screen."""
    mira = look("U0MANAGER", **PHONE)
    mira.page.get_by_role("button", name="Channels and people").click()
    opens_home(mira)
    assert mira.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert findings(mira) == []
    picture(mira, "home-phone")
