"""Redacts a provider's reply for the log, and decides which sentences people may read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

from pydantic import JsonValue

from providers.actions import CallAction, CancelCall, NumberRef, PlaceCall
from providers.phone import mask, written

LONGEST_RECORD: Final = 4096
"""Characters of a reply that the log keeps. Every documented reply is far shorter."""

LONGEST_SEARCHED: Final = 16 * LONGEST_RECORD
"""Characters of a reply that are searched.

They are enough for a record. Searching a megabyte would block everything else.
"""

LONGEST_WRITING: Final = 16
"""Characters, at most, that an escaped character of a secret takes: eight backslashes and an entity."""

LONGEST_SENTENCE: Final = 200
"""Characters, at most, of a provider's sentence that people are shown."""

SHORTEST_PART: Final = 4
"""Letters, at least, of a personal word that is also searched inside other words."""

_REDACTED: Final = "[secret]"
_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
"""HTML's names for the characters that it must escape."""
_LONGEST_NUMBER: Final = "+" + 15 * "9"
_E164 = re.compile(r"\+[1-9](?:[\s().-]?\d){6,14}")
_PLAIN_SENTENCE = re.compile(r"[A-Za-z_]+(?:'[a-z]+)?(?:[.,:]? [A-Za-z_]+(?:'[a-z]+)?)*\.?")
"""Words and field names only, without digits and markup."""
_CAPITALS = re.compile(
    r"account|agent|already|api|authorization|bad|balance|call|campaign|can|cannot|"
    r"contact|customer|dnd|does|empty|error|expired|failed|forbidden|http|id|insufficient|"
    r"internal|invalid|is|it|json|jwt|key|limit|missing|no|not|number|permission|phone|"
    r"please|rate|request|server|service|status|support|the|there|this|time|to|token|"
    r"too|try|unauthorized|unavailable|unknown|url|user|you|your",
    re.IGNORECASE,
)
"""Words that may have capitals anywhere."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Removes the secrets and personal data of a request from its reply.

    ``secrets`` are removed. ``number`` (E.164) is masked in every spelling. ``words`` are those in the values
    of the metadata, case-folded, which a provider may echo.
    """

    secrets: tuple[str, ...] = field(repr=False)
    number: str | None = field(repr=False)
    words: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, action: CallAction, secrets: Iterable[str]) -> Self:
        """Return the redactor for replies to ``action``."""
        number: str | None = None
        words: tuple[str, ...] = ()
        match action:
            case PlaceCall(to=to, metadata=metadata):
                number = to
                words = _words(metadata or {})
            case CancelCall(target=NumberRef(to=to)):
                number = to
            case _:
                pass
        return cls(secrets=tuple(filter(None, secrets)), number=number, words=words)

    def without_secrets(self, text: str) -> str:
        """Return a text unchanged except for the secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = _however_written(secret).sub(_REDACTED, text)
        return text

    def record(self, text: str) -> str:
        """Return a reply for the log's erasable rows: without secrets, with every number masked, and cut."""
        searched = self.without_secrets(text[:LONGEST_SEARCHED])
        if self.number:
            searched = written(self.number).sub(mask(self.number), searched)
        searched = _E164.sub(lambda found: mask("+" + re.sub(r"\D", "", found[0])), searched)
        if len(text) > LONGEST_SEARCHED:  # what crosses the end is found in part only, so it is removed, too
            longest = max(map(len, (*self.secrets, self.number or "", _LONGEST_NUMBER)))
            searched = searched[: -longest * LONGEST_WRITING]
        return searched[:LONGEST_RECORD]

    def sentence(self, text: str) -> str | None:
        """Return a provider's sentence unchanged, or None if it may hold anything secret or personal.

        It is shown in channels, and it is kept in the hash chain, which is never erased.
        """
        if len(text) > LONGEST_SENTENCE or not _PLAIN_SENTENCE.fullmatch(text):
            return None
        # A sentence begins with a capital, but any other capital may start a name.
        words = re.findall("[A-Za-z]+", text[:1].lower() + text[1:])
        if any(word != word.lower() and not _CAPITALS.fullmatch(word) for word in words):
            return None
        said = text.casefold()
        parts = set(re.findall("[a-z]+", said))
        personal = any(word in parts or (len(word) >= SHORTEST_PART and word in said) for word in self.words)
        return None if personal else text


@lru_cache(maxsize=64)
def _however_written(secret: str) -> re.Pattern[str]:
    """Return a pattern that finds a secret, also as escaped by JSON (even twice), a URL or HTML.

    None of these escapes ASCII letters and digits.
    """
    return re.compile("".join(map(_character, secret)))


def _character(character: str) -> str:
    if character.isalnum():
        return re.escape(character)
    code = ord(character)
    name = f"{_NAMED[character]}|" if character in _NAMED else ""
    space = r"|\+" if character == " " else ""
    # Every repetition is bounded, so that the time to match stays proportional to the text's length.
    plain, escaped = rf"\\{{0,8}}{re.escape(character)}", rf"\\{{1,8}}u{code:04x}"
    entity = rf"&(?:{name}\#0{{0,8}}{code}|\#x0{{0,8}}{code:x});"
    return f"(?i:{plain}|{escaped}|%{code:02x}|{entity}{space})"


def _words(metadata: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return the words in the values of metadata, at any depth."""
    words = list[str]()
    waiting: list[JsonValue] = list(metadata.values())
    while waiting:
        match waiting.pop():
            case str(text):
                words += re.findall(r"[^\W_]+", text.casefold())
            case list(several):
                waiting += several
            case dict(inner):
                waiting += inner.values()
            case _:
                pass
    return tuple(words)
