"""A provider's reply: read from the wire within bounds, and decoded without trust."""

import json
import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol, Self

import httpx
from pydantic import JsonValue

from providers.transport.redaction import Redactor

LARGEST_BODY: Final = 1 << 20
"""Bytes, decoded. The largest documented reply has a few hundred; a gzip bomb stops here."""

MOST_PIECES: Final = 2000
"""Pieces in which a body comes: the largest one has as many packets at most. Chunks of a byte each would hold
up all else for seconds."""

MOST_DIGITS: Final = 309
"""Digits of an integer in a reply: as many as the largest double has."""

KEPT_HEADERS: Final = (
    "content-type",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "date",
)
"""What of a reply's headers is kept: no other is needed to understand a reply, and cookies are among them."""

LONGEST_WAIT: Final = 30 * 24 * 3600.0
"""Seconds: a month, far beyond any request's deadline; keeps an absurd ``Retry-After`` a possible date."""

_ID = re.compile(r"[\x21-\x7e]{1,128}")
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Response:
    """What a provider answered.

    ``document`` is its JSON object, None when the body is anything else; ``retry_after`` is in seconds, None
    without that header or where it says nothing readable; ``raw`` is the body for the log and ``headers``
    those of `KEPT_HEADERS` that came, redacted and cut.
    """

    status: int
    document: dict[str, JsonValue] | None = field(repr=False)
    raw: str = field(repr=False)
    retry_after: float | None
    redactor: Redactor = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()

    def value(self, key: str) -> JsonValue:
        """What is under a key of the document, None where there is nothing."""
        return (self.document or {}).get(key)

    def inside(self, key: str) -> Self:
        """The object under a key, to be read like a reply of its own; empty where there is none."""
        value = self.value(key)
        return replace(self, document=value if isinstance(value, dict) else None)

    def whole(self) -> str | None:
        """The document as JSON with nothing but secrets taken out; None where there is nothing."""
        # Written anew, so that no other way to write a secret in JSON hides it.
        return self.redactor.without_secrets(json.dumps(self.document)) if self.document else None

    def reference(self, *keys: str) -> str | None:
        """The first of some keys that holds an id: one printable word, or an integer.

        It is shown and never erased: one that holds a secret or the number that was asked about is none.
        """
        for key in keys:
            value = self.value(key)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str) and _ID.fullmatch(value) and self.redactor.record(value) == value:
                return value
        return None

    def sentence(self, words: JsonValue, documented: Iterable[str]) -> str:
        """Return a provider's sentence as it may be shown, without its full stop; empty where it may not.

        What is ``documented`` holds nothing of anybody; of all others only those of small words are shown.
        """
        if not isinstance(words, str):
            return ""
        plain = " ".join(words.split()).rstrip(".")
        for known in documented:
            if known.rstrip(".").casefold() == plain.casefold():
                return known.rstrip(".")
        return (self.redactor.sentence(words) or "").rstrip(".")


async def read(response: httpx.Response, *, redactor: Redactor, now: datetime) -> Response:
    """Read a reply to its end, or to the bound. ``now`` is what a date in ``Retry-After`` is counted from."""
    body, complete = await _body(response)
    wait = _longest(response.headers.get_list("retry-after"), now)
    headers = dict(response.headers) | ({} if wait is None else {"retry-after": wait})
    return Response(
        status=response.status_code,
        document=decode(body) if complete else None,
        raw=redactor.record(body.decode("utf-8", "replace")),
        retry_after=_wait(wait, now),
        redactor=redactor,
        headers=tuple((name, redactor.record(headers[name])) for name in KEPT_HEADERS if name in headers),
    )


def stored_response(
    status: int, headers: Iterable[tuple[str, str]], raw: str, *, redactor: Redactor, now: datetime
) -> Response:
    """A reply from what the log kept of it: the body redacted and cut, some of its headers."""
    kept = tuple(headers)
    return Response(
        status=status,
        document=decode(raw.encode()),
        raw=raw,
        retry_after=_wait(dict(kept).get("retry-after"), now),
        redactor=redactor,
        headers=kept,
    )


class _Decompressor(Protocol):
    """`zlib.decompressobj`, as far as it is used here; its type has no public name."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


async def _body(response: httpx.Response) -> tuple[bytes, bool]:
    """The decoded body, and whether it is all of it, decoded and within the bound."""
    match response.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            decompressor: _Decompressor | None = None
        case "gzip" | "x-gzip" | "deflate":  # although `identity` was asked for
            decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # either header
        case _:
            return b"", False
    body = bytearray()
    pieces = 0
    async for chunk in response.aiter_raw():
        pieces += 1
        room = LARGEST_BODY + 1 - len(body)
        try:
            body += decompressor.decompress(chunk, room) if decompressor else chunk[:room]
        except zlib.error:
            return bytes(body), False
        if len(body) > LARGEST_BODY or pieces > MOST_PIECES:
            return bytes(body), False
    return bytes(body), decompressor is None or decompressor.eof


def decode(body: bytes) -> dict[str, JsonValue] | None:
    """A body's JSON object, None unless it is exactly one, in UTF-8, with each key once and no NaN."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
            parse_float=_finite_float,
            parse_int=_bounded_int,
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice: which one counts is anyone's guess")
    return value


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("larger than JSON's numbers are anywhere")
    return value


def _bounded_int(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError("more digits than any id or count has")
    return int(digits)


def _longest(values: Iterable[str], now: datetime) -> str | None:
    """Of a header that came more than once, as proxies do it, the value that asks for the longest wait."""
    return max(values, key=lambda value: _wait(value, now) or 0.0, default=None)


def _wait(value: str | None, now: datetime) -> float | None:
    """``Retry-After`` in seconds: it may be seconds, an HTTP date, or nonsense, which is as good as none."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
        seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no date, or one without a zone
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
