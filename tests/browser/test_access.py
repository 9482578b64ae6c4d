"""Accessibility: axe-core finds nothing serious, light or dark, on a desk or a phone."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.looking import Looking

Look = Callable[..., Looking]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
PHONE = {"width": 390, "height": 844}


def findings(looking: Looking) -> list[str]:
    """Return axe-core's (deque.com/axe) violations. Minor ones are left out."""
    looking.settled()
    looking.page.evaluate(AXE)
    found: dict[str, Any] = looking.page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['impact']} {one['id']}: {one['help']}\n  "
        + "\n  ".join(node["html"] for node in one["nodes"][:3])
        for one in found["violations"]
        if one["impact"] != "minor"
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_keeps_anybody_out(look: Look, *, dark: bool) -> None:
    """Messages, a modal with a fault, a thread and every tab have labels, an order and enough contrast."""
    asha = look(dark=dark)
    asha.types("/calls help")
    expect(asha.message("Type a command or open a form")).to_be_visible()
    asha.types("/nothing")
    expect(asha.message("/nothing is not a valid command.")).to_be_visible()
    asha.types("Good *morning* `everyone`")
    expect(asha.message("Good morning everyone")).to_be_visible()
    assert findings(asha) == []
    for tab in ("Log", "Slack", "Break it", "Providers"):
        asha.tab(tab)
        assert findings(asha) == [], tab
    asha.message("Good morning").hover()
    asha.message("Good morning").get_by_role("button", name="Reply in thread").click()
    assert findings(asha) == []
    asha.press("Close the thread")
    asha.composer.fill("/")
    assert findings(asha) == []
    asha.composer.fill("/place-call")
    asha.composer.press("Enter")
    asha.composer.press("Enter")
    asha.modal.get_by_role("button", name="Preview").click()
    expect(asha.modal).to_contain_text("Please complete this required field.")
    asha.modal.get_by_role("button", name="Show more options").click()
    expect(asha.modal.get_by_label("Retries (optional)", exact=True)).to_be_visible()
    assert findings(asha) == []
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()


def test_a_phone_has_the_whole_workspace(look: Look) -> None:
    """The sidebar is a drawer, nothing is wider than the screen, and the panel covers it on demand."""
    asha = look(**PHONE)
    asha.types("/place-call 98765 43240 tomorrow 9:30")
    preview = asha.message("Call +91", "43240")
    expect(preview.get_by_role("button", name="Place call")).to_be_in_viewport()
    assert asha.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert findings(asha) == []
    opener = asha.page.get_by_role("button", name="Channels and people")
    opener.click()
    expect(asha.person("U0AUDITOR")).to_be_in_viewport()
    assert findings(asha) == []
    asha.page.keyboard.press("Escape")
    expect(asha.person("U0AUDITOR")).not_to_be_visible()
    expect(opener).to_be_focused()
    opener.click()
    asha.go("call-audit")
    expect(asha.person("U0AUDITOR")).not_to_be_visible()
    asha.page.get_by_role("button", name="What really happened", exact=True).click()
    expect(asha.pane).to_be_in_viewport()
    assert findings(asha) == []
    asha.press("Close what really happened")
    expect(asha.pane).to_be_hidden()


def test_colours_are_the_systems_or_chosen(look: Look) -> None:
    """The page is dark if the system is. The switch overrides it, and a reload remembers that."""
    asha = look(dark=True)
    back = "getComputedStyle(document.querySelector('main')).backgroundColor"
    dark = asha.page.evaluate(back)
    asha.types("/calls help")
    expect(asha.message("Type a command or open a form")).to_be_visible()
    switch = asha.page.get_by_role("button", name="Colours")
    switch.click()
    assert asha.page.evaluate(back) == dark
    switch.click()
    light = asha.page.evaluate(back)
    assert light != dark
    asha.page.reload()
    expect(asha.person("U0AGENT")).to_be_visible()
    assert asha.page.evaluate(back) == light
