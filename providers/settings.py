"""Settings of a connection: the fields that all adapters share, and their validation."""

import re
import warnings
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Literal

import httpx
import jwt
from jwt.warnings import InsecureKeyLengthWarning
from pydantic import AfterValidator, ConfigDict, Field, SecretStr

from providers.actions import E164, Frozen

_LABEL = "(?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$)(?:[a-z0-9]{_LABEL}\.)*[a-z]{_LABEL}", re.IGNORECASE)
"""A DNS name (RFC 1123). Its last label starts with a letter.

Resolvers would read ``0x7f.1`` or ``2130706433`` as an address.
"""

_FORBIDDEN_IN_URL = re.compile(r"[^\x21-\x7e]|[\\%?#@]")
"""White space, non-ASCII, and characters that start an escape, query or fragment, or end a user name."""

OPAQUE_ID = re.compile(r"[\x21-\x7e]{1,128}")
"""An id that only its provider understands, in a query or a body: one printable word."""

_LAST_PORT = 65535
_EMPTY_PART = re.compile(r"(?<=://).*(?://|:/|:$)")
"""The error in ``https://https://…``, which would lead to a host named https."""

_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:/|$)")


def _sendable(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text:
        raise ValueError("is empty")
    if text != text.strip():
        raise ValueError("begins or ends with a space or a line break; copy it again without")
    if not text.isascii():
        raise ValueError("holds a character that is not ASCII; copy it again from the provider")
    if not text.isprintable():
        raise ValueError("holds a line break or another control character; copy it again without")
    return secret


def _trusted(text: str) -> str:
    if _FORBIDDEN_IN_URL.search(text):
        raise ValueError("must be a plain address: no user name, query, fragment, escape, space or backslash")
    if _DOT_SEGMENT.search(text):
        raise ValueError("must not hold '.' or '..' as a part of its path")
    if _EMPTY_PART.search(text.rstrip("/")):
        raise ValueError("must not hold '//' or an empty port after its first '//'")
    try:
        url = httpx.URL(text)
        _ = url.host  # raises for an xn-- label that stands for nothing
    except (httpx.InvalidURL, UnicodeError) as fault:
        raise ValueError("is not an address") from fault
    host = url.raw_host.decode("ascii")
    if url.scheme not in {"https", "http"} or not host:
        raise ValueError("must begin with https:// and a host")
    if url.port is not None and not 0 < url.port <= _LAST_PORT:
        raise ValueError(f"has no valid port: {url.port}")
    if not _is_loopback(host) and url.scheme != "https":
        raise ValueError("must begin with https://; plain http is for this machine only")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    Raises:
        ValueError: No provider can have this host.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host):
            raise ValueError(f"has no valid host: {host}") from None
        return host.lower() == "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if not address.is_loopback and (not address.is_global or address.is_multicast):
        raise ValueError("must not be a private, link-local or reserved address: no provider is there")
    return address.is_loopback


BaseUrl = Annotated[str, AfterValidator(_trusted)]
"""The base address of a provider's API, without a trailing slash.

It is https, or this machine, because a secret is sent there.
"""

OpaqueId = Annotated[str, Field(pattern=rf"^{OPAQUE_ID.pattern}$")]
"""The provider's own id for an agent, a script or the like. Not for use in a path."""

Secret = Annotated[SecretStr, AfterValidator(_sendable)]
"""A key or token that is valid as a header's value. It is never shown, not even in errors about it."""


class ConnectionSettings(Frozen):
    """Settings that every connection has. An adapter adds its own secrets, names and choices.

    With ``mode`` dry-run, everything happens except the request itself. If ``allow_numbers`` has any numbers,
    no other number is called or has its calls cancelled, and no campaign is started. ``allow_undocumented``
    allows requests that only the provider's other pages describe.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    base_url: BaseUrl
    mode: Literal["live", "dry-run"] = "live"
    allow_numbers: tuple[E164, ...] = ()
    allow_undocumented: bool = False

    def secrets(self) -> tuple[str, ...]:
        """Return all secrets among the settings. They must never be written anywhere."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


def signed(claims: Mapping[str, str | int], secret: SecretStr) -> str:
    """Return a JSON Web Token (RFC 7519, HS256).

    Raises:
        jwt.InvalidKeyError: The secret is another kind of key.
    """
    with warnings.catch_warnings():
        # PyJWT warns of fewer than 32 bytes, but the provider chooses the length of its secrets.
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(dict(claims), secret.get_secret_value(), algorithm="HS256")


def _signs(secret: SecretStr) -> SecretStr:
    try:
        signed({}, secret)
    except jwt.InvalidKeyError as fault:
        raise ValueError("is another kind of key than a client secret; copy it from the JWT app") from fault
    return secret


SigningKey = Annotated[Secret, AfterValidator(_signs)]
"""A client secret that signs tokens."""
