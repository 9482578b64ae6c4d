"""Masking of phone numbers in what people read: messages, modals and the process's log.

Values that a button or a form sends back are left as they are, because nobody reads them.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.blocks import MAX_BUTTON, MAX_CONTEXT, MAX_FIELD, MAX_OPTION, MAX_SECTION, Message, View, cut
from bot.text.log_format import log_fields
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
"""Maximum characters by type of block or by key. A masked number may be longer than the number."""
_SLACKS_OWN: Final = re.compile(r"(<(?:[!@#]|https?:)[^<>]*>)")
"""Dates, mentions and links of Slack's markup. Angle brackets of people's text are escaped."""


@dataclass(frozen=True, slots=True)
class Masking:
    """Masks numbers of the default region, and all numbers with a country code."""

    _region: str

    def text(self, text: str) -> str:
        """Return a text in Slack's markup with its numbers masked."""
        parts = _SLACKS_OWN.split(text)
        return "".join(
            part if at % 2 else mask_numbers(part, default_region=self._region)
            for at, part in enumerate(parts)
        )

    def message(self, message: Message) -> Message:
        """Return a message with its numbers masked."""
        return Message(self.text(message.text), self.blocks(message.blocks))

    def view(self, view: View) -> View:
        """Return a modal with its numbers masked, except in the values of its inputs."""
        return view | {"blocks": self.blocks(view["blocks"])}

    def revealable(self, build: Callable[..., View], *, allowed: bool) -> View:
        """Return the modal from ``build`` with its numbers masked.

        ``allowed`` says whether the person may reveal them. `build` gets that as ``may_reveal``, and as
        ``hidden`` whether anything was masked.
        """
        plain = build()
        return self.view(build(may_reveal=allowed, hidden=self.view(plain) != plain))

    def blocks(self, value: Any, limit: int = MAX_FIELD) -> Any:  # noqa: ANN401 - any part of a block
        """Return blocks or a part of one with numbers masked. ``limit`` is the maximum length of a text."""
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
    """A log filter that masks the numbers in each record and in its traceback."""

    def __init__(self, default_region: str) -> None:
        super().__init__()
        self._region = default_region

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the numbers in a record, and keep what it is about. Return True: every record is written."""
        record.fields = {
            name: mask_numbers(value, default_region=self._region) if isinstance(value, str) else value
            for name, value in log_fields().items()
        }
        record.msg, record.args = mask_numbers(record.getMessage(), default_region=self._region), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask_numbers(record.exc_text, default_region=self._region)
        return True
