"""What a person's hands do, counted from what the browser saw: keys that were pressed, and taps.

On a desk a key is a key, held ones (Shift, Ctrl) not counted, and a click is a click. On a phone every
character is a tap on the keyboard on the screen, and so is every button. A paste is one key on a desk (with
Ctrl held) and two taps on a phone (hold, then *Paste*).
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
"""Listens in the page itself, before anything else does; what a script sets without an event is not counted."""


@dataclass(frozen=True)
class Count:
    """What was recorded: ``keys`` with those that paste, ``clicks`` with mouse or finger, ``pastes``."""

    keys: int
    clicks: int
    pastes: int

    @property
    def taps(self) -> int:
        """On a phone: a paste is held and chosen, which the record has as one key."""
        return self.keys + self.clicks + self.pastes


class Hands:
    """Somebody who types and taps, as a person would: key by key."""

    def __init__(self, looking: Looking) -> None:
        self.looking = looking
        self.page = looking.page
        self.page.evaluate(RECORDER)
        self._before = self._counted()

    def types(self, text: str) -> None:
        """Press the keys of a text, one after the other."""
        self.page.keyboard.type(text)

    def press(self, key: str) -> None:
        """Press one key."""
        self.page.keyboard.press(key)

    def pastes(self, text: str) -> None:
        """Paste what was copied elsewhere."""
        self.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+v")

    def taps(self, what: Locator) -> None:
        """Press something on the screen."""
        what.click()

    def command(self, letters: str) -> None:
        """Choose a command from the list by its first letters; the composer has the keyboard already."""
        self.types(f"/{letters}")
        self.press("Enter")

    def count(self) -> Count:
        """What was done since this person sat down, or since the last count."""
        now = self._counted()
        done = Count(*(after - before for after, before in zip(now, self._before, strict=True)))
        self._before = now
        return done

    def _counted(self) -> tuple[int, int, int]:
        found = self.page.evaluate("window.hands")
        return found["keys"], found["clicks"], found["pastes"]
