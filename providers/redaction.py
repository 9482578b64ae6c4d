"""What of a provider's reply may be kept, and what of it people may read. Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import quote

from providers.actions import CallAction, CancelCall, NumberRef, PlaceCall
from providers.phone import mask, written

LONGEST_RECORD: Final = 4096
"""Characters of a reply that the log keeps: every documented reply is far shorter."""

LONGEST_SENTENCE: Final = 200
"""Characters of a provider's sentence that people are shown."""

_REDACTED: Final = "[secret]"
_E164 = re.compile(r"\+[1-9](?:[\s().-]?\d){6,14}")
_PLAIN_SENTENCE = re.compile(r"[A-Z]?[a-z_]+(?:[,:]? [a-z_]+(?:'[a-z]+)?)*\.?")
"""Small words and field names only: no digits, and no capitals in the middle, where names have theirs."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Removes from a reply what was secret or personal in its request.

    ``secrets`` go; ``number`` (E.164) is masked however it is written; ``words`` are the values of metadata,
    which a provider may echo.
    """

    secrets: tuple[str, ...] = field(repr=False)
    number: str | None = field(repr=False)
    words: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, action: CallAction, secrets: Iterable[str]) -> Self:
        """What to remove from the reply to ``action``."""
        number: str | None = None
        words: tuple[str, ...] = ()
        match action:
            case PlaceCall(to=to, metadata=metadata):
                number = to
                words = tuple(
                    value for value in (metadata or {}).values() if isinstance(value, str) and value
                )
            case CancelCall(target=NumberRef(to=to)):
                number = to
            case _:
                pass
        return cls(secrets=tuple(filter(None, secrets)), number=number, words=words)

    def without_secrets(self, text: str) -> str:
        """A text as it is, but for the secrets."""
        for form in sorted(_forms(self.secrets), key=len, reverse=True):
            text = text.replace(form, _REDACTED)
        return text

    def record(self, text: str) -> str:
        """A reply for the log's erasable rows: without secrets, every number masked, cut."""
        text = self.without_secrets(text)
        if self.number:
            text = written(self.number).sub(mask(self.number), text)
        return _E164.sub(lambda found: mask("+" + re.sub(r"\D", "", found[0])), text)[:LONGEST_RECORD]

    def sentence(self, text: str) -> str | None:
        """A provider's sentence as it is, None if anything in it could be secret or personal.

        People's channels and the chain that is never erased hold it.
        """
        personal = any(word in text for word in self.words)
        return (
            None if personal or len(text) > LONGEST_SENTENCE or not _PLAIN_SENTENCE.fullmatch(text) else text
        )


def _forms(secrets: Iterable[str]) -> set[str]:
    """Each secret as it is, as JSON writes it and as a URL does."""
    return {form for text in secrets for form in (text, json.dumps(text)[1:-1], quote(text, safe=""))}
