"""Counts of keys and taps, as the browser recorded them.

On a desk a key counts as a key, without held ones (Shift, Ctrl), and a click as a click. On a phone every
character and every button is a tap. A paste is a key on a desk (with Ctrl held) and two taps on a phone
(hold, then *Paste*).
"""

from dataclasses import dataclass

from playwright.sync_api import Locator

from tests.browser.looking import Looking

RECORDER = """() => {
  if (window.hands) return;
  const hands = (window.hands = { keys: 0, clicks: 0, pastes: 0 });
  const held = new Set(["Shift", "Control", "Alt", "Meta"]);
  const count = (name) => (event) => { if (event.isTrusted && !held.has(event.key)) hands[name] += 1; };
  addEventListener("keydown", count("keys"), true);
  addEventListener("pointerdown", count("clicks"), true);
  addEventListener("paste", count("pastes"), true);
}"""
"""Script that listens in the page before anything else.

It does not count what a script sets without an event.
"""


@dataclass(frozen=True)
class Count:
    """Recorded counts: ``keys`` with those that paste, ``clicks`` with mouse or finger, ``pastes``."""

    keys: int
    clicks: int
    pastes: int

    @property
    def taps(self) -> int:
        """Return the taps on a phone. A paste is two of them, and a single recorded key."""
        return self.keys + self.clicks + self.pastes


class Hands:
    """A person who types and taps key by key."""

    def __init__(self, looking: Looking) -> None:
        self.looking = looking
        self.page = looking.page
        self.page.evaluate(RECORDER)
        self._before = self._counted()

    def types(self, text: str) -> None:
        """Press the keys of a text in turn."""
        self.page.keyboard.type(text)

    def press(self, key: str) -> None:
        """Press a key."""
        self.page.keyboard.press(key)

    def pastes(self, text: str) -> None:
        """Paste text from elsewhere."""
        self.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+v")

    def taps(self, what: Locator) -> None:
        """Click something on the screen."""
        what.click()

    def command(self, letters: str) -> None:
        """Choose a command from the list by its first letters. The composer already has the focus."""
        self.types(f"/{letters}")
        self.press("Enter")

    def count(self) -> Count:
        """Return what was done since this person began, or since the last count."""
        now = self._counted()
        done = Count(*(after - before for after, before in zip(now, self._before, strict=True)))
        self._before = now
        return done

    def _counted(self) -> tuple[int, int, int]:
        found = self.page.evaluate("window.hands")
        return found["keys"], found["clicks"], found["pastes"]
