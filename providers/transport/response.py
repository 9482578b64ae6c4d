"""A provider's response: read from the wire within limits, and decoded without trust."""

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
"""Bytes after decoding, at most. The largest documented reply has a few hundred. This limits gzip bombs."""

MOST_PIECES: Final = 2000
"""Chunks of a body, at most, as many as the largest body has packets.

A body in chunks of a byte each would block everything else for seconds.
"""

MOST_DIGITS: Final = 309
"""Digits of an integer in a reply, at most: as many as the largest double has."""

KEPT_HEADERS: Final = (
    "content-type",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "date",
)
"""The headers of a reply that are kept. No other helps to understand a reply, and others may be cookies."""

LONGEST_WAIT: Final = 30 * 24 * 3600.0
"""Seconds: a month, far beyond any request's deadline. It keeps an absurd ``Retry-After`` a valid date."""

_ID = re.compile(r"[\x21-\x7e]{1,128}")
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Response:
    """A provider's response.

    ``document`` is its JSON object, None for any other body. ``retry_after`` is in seconds, None if the
    header is missing or unreadable. ``raw`` is the body for the log, redacted and cut. ``headers`` are those
    of `KEPT_HEADERS` that were sent, also redacted and cut.
    """

    status: int
    document: dict[str, JsonValue] | None = field(repr=False)
    raw: str = field(repr=False)
    retry_after: float | None
    redactor: Redactor = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()

    def value(self, key: str) -> JsonValue:
        """Return the value of a key of the document, or None."""
        return (self.document or {}).get(key)

    def inside(self, key: str) -> Self:
        """Return the object under a key as a response of its own, empty if there is none."""
        value = self.value(key)
        return replace(self, document=value if isinstance(value, dict) else None)

    def whole(self) -> str | None:
        """Return the document as JSON without its secrets, or None if there is no document."""
        # Encoded anew, so that no unusual JSON escape hides a secret.
        return self.redactor.without_secrets(json.dumps(self.document)) if self.document else None

    def reference(self, *keys: str) -> str | None:
        """Return the first id under some keys, or None. An id is one printable word, or an integer.

        The id is shown and never erased. So a value that holds a secret or the requested number is not an id.
        """
        for key in keys:
            value = self.value(key)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str) and _ID.fullmatch(value) and self.redactor.record(value) == value:
                return value
        return None

    def sentence(self, words: JsonValue, documented: Iterable[str]) -> str:
        """Return a provider's sentence as it may be shown, without its full stop, or an empty text.

        ``documented`` sentences hold nothing personal. Any other is shown only if the redactor allows it.
        """
        if not isinstance(words, str):
            return ""
        plain = " ".join(words.split()).rstrip(".")
        for known in documented:
            if known.rstrip(".").casefold() == plain.casefold():
                return known.rstrip(".")
        return (self.redactor.sentence(words) or "").rstrip(".")


async def read(response: httpx.Response, *, redactor: Redactor, now: datetime) -> Response:
    """Read a response to its end, or to the limit. ``now`` is the base of a date in ``Retry-After``."""
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
    """Return a response from the log's copy of it: its body redacted and cut, and some headers."""
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
    """The part of `zlib.decompressobj` that is used here, since its type has no public name."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


async def _body(response: httpx.Response) -> tuple[bytes, bool]:
    """Return the decoded body, and whether it is complete, valid and within the limit."""
    match response.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            decompressor: _Decompressor | None = None
        case "gzip" | "x-gzip" | "deflate":  # although `identity` was requested
            decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # accepts either header
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
    """Return a body's JSON object, or None.

    The body must be a single object in UTF-8, without duplicate keys and NaN.
    """
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
    """Return the value that asks for the longest wait, of a header that a proxy may have repeated."""
    return max(values, key=lambda value: _wait(value, now) or 0.0, default=None)


def _wait(value: str | None, now: datetime) -> float | None:
    """Return ``Retry-After`` in seconds. It may be seconds or an HTTP date. Return None for anything else."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
        seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError):  # no date, or a date without a zone
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
