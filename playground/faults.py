"""Faults between a provider and its client, on demand."""

import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from pydantic import Field, PositiveInt

from playground.http_messages import Answer, Request
from playground.journal import Frozen

SILENT: Final = frozenset({"reset", "close", "silence"})
"""Faults without a reply: the connection is reset (RST), closed (FIN), or left open for the client to end."""

HONEST: Final = frozenset({"slow", "drip", "cut"})
"""Faults of the provider's own reply.

It is ``seconds`` late, sent byte by byte with ``seconds`` between them, or reset in mid-body.
"""

_BOMB_MEGABYTES: Final = 200
_MEGABYTE: Final = 1 << 20
_JSON: Final = {"Content-Type": "application/json"}


class Fault(Frozen):
    """A fault for the next ``times`` requests (None: all, until cleared).

    ``does`` is one of these:

    - ``reset``, ``close``, ``silence``, ``slow``, ``drip`` or ``cut``.
    - ``endless``: a body that never ends, with a piece every ``seconds``.
    - ``refused``: nobody listens, until cleared. ``times`` does not count.
    - The name of a reply that replaces the provider's own: one of `REPLIES`, or one that the provider
      documents.
      ``status``, ``headers`` and ``body`` override those of the reply.

    ``effect`` says whether the provider carries out the request all the same. None means the fault's default.
    """

    does: str
    times: PositiveInt | None = 1
    effect: bool | None = None
    seconds: float = Field(default=0, ge=0)
    status: int | None = Field(default=None, ge=200, le=599)
    headers: Mapping[str, str] = Field(default_factory=dict)
    body: str | None = None

    @property
    def happens(self) -> bool:
        """Return whether the provider carries out the request."""
        return (
            self.does not in {"refused", "rate_limited", "rejected"} if self.effect is None else self.effect
        )

    def replaced(self, reply: Answer) -> Answer:
        """Return a canned reply with this fault's overrides."""
        body = reply.body if self.body is None else self.body.encode()
        return Answer(self.status or reply.status, body, {**reply.headers, **self.headers})


@cache
def _gzip_bomb() -> bytes:
    """Return 200 MB of zeros in 200 kB of gzip (RFC 1952), built from one compressed megabyte.

    A full flush ends on a byte and refers to nothing before it, so the same piece may be repeated.
    """
    zeros = bytes(_MEGABYTE)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(_BOMB_MEGABYTES):
        checksum = zlib.crc32(zeros, checksum)
    header, last_block = b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\x03\0"
    size = _BOMB_MEGABYTES * _MEGABYTE
    return b"".join(
        (
            header,
            piece * _BOMB_MEGABYTES,
            last_block,
            checksum.to_bytes(4, "little"),
            size.to_bytes(4, "little"),
        )
    )


def _redirect(request: Request) -> Answer:
    """Return a 307, which keeps the method. A client that follows it sends twice, as the journal shows."""
    return Answer(307, b"", {"Location": request.target})


REPLIES: Mapping[str, Callable[[Request], Answer]] = {
    "reply": lambda _: Answer(200, b"", _JSON),
    "html_502": lambda _: Answer(
        502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", {"Content-Type": "text/html"}
    ),
    "malformed": lambda _: Answer(200, b'{"status": "succ', _JSON),
    "empty": lambda _: Answer(200, b""),
    "wrong_type": lambda _: Answer(200, b'["success"]', _JSON),
    "deep": lambda _: Answer(200, b"[" * 100_000, _JSON),
    "gzip_bomb": lambda _: Answer(200, _gzip_bomb(), {**_JSON, "Content-Encoding": "gzip"}),
    "redirect": _redirect,
}
"""Replies that no document describes, by name. ``reply`` is for a status, headers and a body of one's own."""
