from collections.abc import Callable

import yaml
from playwright.sync_api import Page, expect

from tests.browser.looking import Looking
from tests.support.tree import ROOT

MOST_STOPS = 60
"""Largest number of Tab stops on a page. With more, an element traps the focus."""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this name has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent"):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def test_a_call_is_placed_by_keyboard_alone(look: Callable[..., Looking]) -> None:
    """Arrows choose a command, Enter sends it, Tab reaches the buttons, and Enter submits a form."""
    asha = look()
    keys = asha.page.keyboard
    keys.press("Tab")
    expect(asha.page.get_by_role("button", name="Write a message")).to_be_focused()
    keys.press("Enter")
    expect(asha.composer).to_be_focused()
    keys.type("/")
    options = asha.page.get_by_role("listbox", name="Commands").get_by_role("option")
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    expect(options).to_have_count(len(manifest["features"]["slash_commands"]))
    keys.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(asha.composer).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id") or "")
    keys.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "true")
    keys.type("pl")
    keys.press("Enter")
    expect(asha.composer).to_have_value("/place-call ")
    expect(asha.page.locator("#composer .usage")).to_contain_text("+91 98765 43210 tomorrow 9:30")
    keys.press("Enter")

    number = asha.modal.get_by_label("Phone number")
    expect(number).to_be_focused()
    keys.type("98765 43230")
    for _ in range(MOST_STOPS):  # the focus stays in the modal
        keys.press("Tab")
        assert asha.page.evaluate(
            "document.activeElement === document.body || document.getElementById('modal').contains(document.activeElement)"
        )
    number.focus()
    keys.press("Enter")
    expect(asha.modal).to_contain_text("Place this call?")
    tab_to(asha.page, "Place call")
    keys.press("Enter")
    expect(asha.modal).to_be_hidden()
    expect(asha.composer).to_be_focused()

    keys.press("Escape")
    keys.type("/calls help")
    keys.press("Enter")
    expect(asha.message("Type a command or open a form")).to_be_visible()
    tab_to(asha.page, "Channel call-audit")
    keys.press("Enter")
    expect(asha.page.get_by_role("heading", level=1)).to_contain_text("call-audit")
    expect(asha.message("Placed", "•3230")).to_be_visible()


def test_a_person_and_a_tab_are_chosen_with_arrows(look: Callable[..., Looking]) -> None:
    """The chosen element is the group's only Tab stop, and keeps the focus as it moves."""
    asha = look()
    asha.person("U0AGENT").focus()
    asha.page.keyboard.press("ArrowDown")
    expect(asha.person("U0MANAGER")).to_have_attribute("aria-checked", "true")
    expect(asha.person("U0MANAGER")).to_be_focused()
    expect(asha.page.get_by_role("button", name="Channel call-approvals")).to_be_visible()
    asha.page.get_by_role("tab", name="Providers").focus()
    asha.page.keyboard.press("ArrowLeft")
    expect(asha.page.get_by_role("tab", name="Break it")).to_be_focused()
    expect(asha.pane).to_contain_text("Make something go wrong")


def test_what_had_the_keyboard_gets_it_back(look: Callable[..., Looking]) -> None:
    """After a modal, the button that opened it has the focus again."""
    asha = look()
    help_ = asha.asks("/calls help", "Type a command or open a form")
    opener = help_.get_by_role("button", name="Place a call")
    opener.focus()
    asha.page.keyboard.press("Enter")
    expect(asha.modal.get_by_label("Phone number")).to_be_focused()
    asha.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
