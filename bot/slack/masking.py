"""Hides phone numbers in what teams read: messages, modals, and the process's own log.

What a button or a form sends back is left as it is: nobody reads that.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.blocks import MAX_BUTTON, MAX_CONTEXT, MAX_FIELD, MAX_OPTION, MAX_SECTION, Message, View, cut
from providers.masking import mask_numbers

_READ: Final = frozenset({"text", "accessibility_label", "alt_text"})
"""Keys of Block Kit whose strings people read."""
_LIMITS: Final = {
    "section": MAX_SECTION,
    "fields": MAX_FIELD,
    "context": MAX_CONTEXT,
    "button": MAX_BUTTON,
    "options": MAX_OPTION,
    "initial_option": MAX_OPTION,
    "placeholder": MAX_OPTION,
}
"""Characters of what stands in a block of that type, or under that key: a masked number may be longer."""
_SLACKS_OWN: Final = re.compile(r"(<(?:[!@#]|https?:)[^<>]*>)")
"""Dates, mentions and links: people's own angle brackets are escaped."""


@dataclass(frozen=True, slots=True)
class Masking:
    """Hides the numbers of a default region, and all with their country's code."""

    _region: str

    def text(self, text: str) -> str:
        """Return a text in Slack's markup without full numbers."""
        parts = _SLACKS_OWN.split(text)
        return "".join(
            part if at % 2 else mask_numbers(part, default_region=self._region)
            for at, part in enumerate(parts)
        )

    def message(self, message: Message) -> Message:
        """Return a message without full numbers."""
        return Message(self.text(message.text), self.blocks(message.blocks))

    def view(self, view: View) -> View:
        """Return a modal without full numbers; what its inputs are filled with stays."""
        return view | {"blocks": self.blocks(view["blocks"])}

    def revealable(self, build: Callable[..., View], *, allowed: bool) -> View:
        """Return the modal that ``build`` makes without full numbers.

        Where there are any, it has the button to see them, for somebody who is ``allowed`` to.
        """
        plain = build()
        return self.view(build(may_reveal=allowed, hidden=self.view(plain) != plain))

    def blocks(self, value: Any, limit: int = MAX_FIELD) -> Any:  # noqa: ANN401 - any part of a block
        """Return blocks, or a part of one, without full numbers. ``limit`` is that of the texts in it."""
        match value:
            case dict():
                limit = _LIMITS.get(value.get("type", ""), limit)
                return {
                    key: cut(self.text(one), limit)
                    if key in _READ and isinstance(one, str)
                    else self.blocks(one, _LIMITS.get(key, limit))
                    for key, one in value.items()
                }
            case list() | tuple():
                return [self.blocks(one, limit) for one in value]
            case _:
                return value


class MaskNumbers(logging.Filter):
    """Hides the numbers in every record that passes, and in the traceback it brings along."""

    def __init__(self, default_region: str) -> None:
        super().__init__()
        self._region = default_region

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, without full numbers."""
        record.msg, record.args = mask_numbers(record.getMessage(), default_region=self._region), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask_numbers(record.exc_text, default_region=self._region)
        return True
