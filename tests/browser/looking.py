"""A person at the page, in words of what they see and do."""

import re

from playwright.sync_api import Locator, Page, expect

PATIENCE = 15_000
NAMES = {
    "U0AGENT": "Asha Rao",
    "U0MANAGER": "Mira Nair",
    "U0SECOND": "Sam Ortiz",
    "U0AUDITOR": "Olive Grey",
    "U0GUEST": "Gil Guest",
}
expect.set_options(timeout=PATIENCE)


class Looking:
    """A page in a browser, seen as a person.

    ``faults`` are the errors of its console, ``asked`` the addresses of its requests.
    """

    def __init__(self, page: Page, address: str, person: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console",
            lambda told: self.faults.append(told.text) if told.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(f"{address}#{person}")
        expect(page).to_have_title(re.compile(NAMES[person]))

    @property
    def composer(self) -> Locator:
        """Return the composer."""
        return self.page.locator("#composer textarea")

    @property
    def modal(self) -> Locator:
        """The modal, once it is open."""
        return self.page.get_by_role("dialog")

    @property
    def pane(self) -> Locator:
        """Return the panel that shows what really happened."""
        return self.page.locator("#pane-panel")

    def person(self, person: str) -> Locator:
        """Return a person's entry in the list of people."""
        return self.page.get_by_role("radio", name=NAMES[person])

    def be(self, person: str) -> None:
        """Switch to a person."""
        self.person(person).click()
        expect(self.person(person)).to_have_attribute("aria-checked", "true")

    def go(self, channel: str) -> None:
        """Open a channel, by its name. A press is lost where the list is drawn anew at that moment."""
        heading = self.page.get_by_role("heading", level=1)
        self.page.get_by_role("button", name=f"Channel {channel}").click()
        if channel not in (heading.text_content() or ""):
            self.page.get_by_role("button", name=f"Channel {channel}").click()
        expect(heading).to_contain_text(channel)

    def types(self, line: str) -> None:
        """Write something and send it."""
        self.composer.fill(line)
        self.composer.press("Enter")
        expect(self.composer).to_have_value("")

    def message(self, *parts: str) -> Locator:
        """Return the newest message in the open channel that has all these parts."""
        found = self.page.locator("#messages > .message")
        for part in parts:
            found = found.filter(has_text=part)
        return found.last

    def asks(self, line: str, *parts: str) -> Locator:
        """Type a command, and return the answer to it, even beside equal ones."""
        found = self.page.locator("#messages > .message")
        for part in parts:
            found = found.filter(has_text=part)
        before = found.count()
        self.types(line)
        expect(found).to_have_count(before + 1)
        return found.nth(before)

    def tab(self, name: str) -> None:
        """Open a tab of the panel that shows what really happened."""
        self.page.get_by_role("tab", name=name).click()
        expect(self.page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")

    def press(self, name: str) -> None:
        """Press a button by its label."""
        self.page.get_by_role("button", name=name).last.click()

    def puts_away_what_is_open(self) -> None:
        """Close a modal that an earlier test left open. It belongs to the person, not to the page."""
        if self.modal.is_visible():
            self.page.keyboard.press("Escape")
            expect(self.modal).to_be_hidden()

    def settled(self) -> None:
        """Wait until nothing moves and no phone rings over the page."""
        self.page.evaluate("document.getElementById('phone').replaceChildren()")
        self.page.mouse.move(0, 0)
        self.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
