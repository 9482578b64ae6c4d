"""Requests as values: the request that an adapter builds, and the exact bytes to send."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlencode

import httpx
from pydantic import JsonValue

from providers.actions import SAFE_ID_PATTERN, CallAction, CannotSendError, Code

COMMON_HEADERS: Final[Mapping[str, str]] = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a compressed reply could be far larger than it looks
    "User-Agent": "CallOps",
}


@dataclass(frozen=True, slots=True)
class Context:
    """Input for building a request besides the action: the time, and CallOps' id for the action."""

    now: datetime
    action_id: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request that an adapter builds.

    ``path`` is quoted and has its leading slash. ``headers`` are only the provider's own, and hold secrets.
    ``plain_headers`` hold what a reply may repeat, such as an account's id or a ``Content-Type`` without a
    body. ``provider_time`` is the call's time as sent to the provider. ``zone`` is the IANA zone of that time
    and of the daily window.
    """

    path: str
    headers: Mapping[str, str] = field(repr=False)
    plain_headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    query: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, JsonValue] | None = field(default=None, repr=False)
    provider_time: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The exact request for an action, ready to be sent once. Its repr holds no key and no number.

    ``credentials`` are the values of the secret headers. They must never be kept from a reply.
    """

    action: CallAction = field(repr=False)
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    credentials: tuple[str, ...] = field(default=(), repr=False)
    provider_time: str | None = None
    zone: str | None = None


def path_segment(value: str, *, name: str) -> str:
    """Return an id as a segment of a path.

    Quoting alone is not enough: it leaves ``..`` unchanged, and httpx resolves that.

    Raises:
        CannotSendError: The id is invalid. The error names field ``name``.
    """
    if not re.fullmatch(SAFE_ID_PATTERN, value):
        raise CannotSendError("That is no id: letters, digits and . _ : - only, at most 128.", field=name)
    return quote(value, safe="")


def local_time(at: datetime, zone: tzinfo, now: datetime) -> datetime:
    """Return a call's time in a zone.

    Raises:
        CannotSendError: The time has passed, so a provider might call at once, or it is too far away.
    """
    if at <= now:
        raise CannotSendError("This time has passed.", field="at")
    try:
        return at.astimezone(zone)
    except OverflowError:
        raise CannotSendError("This time is too far away.", field="at") from None


def metadata_words(
    metadata: Mapping[str, JsonValue] | None, names: Mapping[str, str], *, title: str
) -> dict[str, JsonValue]:
    """Return the metadata for a provider that takes only certain words. ``names`` maps our names to its own.

    Raises:
        CannotSendError: Another name is given, or a value is no text.
    """
    for name, value in (metadata or {}).items():
        if name not in names:
            other = name if name.isascii() and name.isidentifier() else "any other name"
            raise CannotSendError(
                f"{title} takes {' and '.join(names)} in the metadata, not {other}.", field="metadata"
            )
        if not isinstance(value, str):
            raise CannotSendError(f"{title} takes words as {name}: put it in quotes.", field="metadata")
    return {names[name]: value for name, value in (metadata or {}).items()}


def finish(request: Request, action: CallAction, *, base_url: str) -> Prepared:
    """Return the exact request for what an adapter built.

    Raises:
        CannotSendError: The request would leave the configured address, or is no JSON.
    """
    # On a reused connection, a disconnect or an answer could belong to an earlier request.
    headers = {**COMMON_HEADERS, "Connection": "close", **request.plain_headers, **request.headers}
    if request.document is not None:
        headers["Content-Type"] = "application/json"
    return Prepared(
        action=action,
        method=request.method,
        url=_url(request, base_url),
        headers=headers,
        body=None if request.document is None else _json(request.document),
        credentials=tuple(request.headers.values()),
        provider_time=request.provider_time,
        zone=request.zone,
    )


def _url(request: Request, base_url: str) -> str:
    target = request.path
    if request.query:
        target += "?" + urlencode(request.query, quote_via=quote, safe="")
    base, url = _base(base_url), httpx.URL(base_url + target)
    # The URL must be as httpx will send it: to the configured host, and without a resolved "..".
    expected = base.raw_path.rstrip(b"/") + target.encode()
    if (url.scheme, url.netloc, url.raw_path) != (base.scheme, base.netloc, expected):
        raise CannotSendError(
            "The request would not go where this connection points.", code=Code.CONFIG_ERROR
        )
    return str(url)


@lru_cache
def _base(base_url: str) -> httpx.URL:
    """Return the parsed base address, cached because requests are prepared before acknowledgements, too."""
    return httpx.URL(base_url)


def _json(document: Mapping[str, JsonValue]) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as fault:  # NaN, half a surrogate pair, or nested too deeply
        raise CannotSendError("This cannot be written as JSON.", field="metadata") from fault
