"""Failures between CallOps and a provider, with their meaning, as a table apart from the tested code.

A request that was certainly not sent may be retried, whatever its kind. After one that was perhaps sent, the
kind decides: a call could ring twice, a deletion by number could remove a newer schedule, and a request by id
does no harm the second time.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from providers.actions import CallAction, Kind
from tests.providers.contract.case import HERE
from tests.providers.wire import (
    Answer,
    Received,
    cut_short,
    drip,
    flood,
    gibberish,
    gzip_bomb,
    hang_up,
    listening,
    never_accepting,
    nobody_listening,
    reply,
    reset,
    reset_midway,
    silence,
)

HURRIED: Final = 0.5
"""Seconds of a deadline that a test can wait for."""

_MEBIBYTE: Final = 1 << 20

PATIENT: Final = 5.0
"""Seconds of a deadline that no test should reach."""

_AFTER_DOUBT: Final = {
    (Kind.PLACE_CALL, None): "verify",
    (Kind.START_CAMPAIGN, "campaign_id"): "verify",
    (Kind.CANCEL_CALL, "number"): "short_window",
    (Kind.CANCEL_CALL, "call_id"): "idempotent",
    (Kind.DELETE_CAMPAIGN, "campaign_id"): "idempotent",
    (Kind.STOP_CAMPAIGN, "campaign_id"): "verify",
}


def after_doubt(action: CallAction) -> str:
    """Return the retry class of an action whose answer was lost."""
    target = getattr(action, "target", None)
    return _AFTER_DOUBT[action.kind, target and target.by]


@dataclass(slots=True)
class Place:
    """The address of a failing provider, and the requests that it got."""

    base_url: str
    received: list[Received] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """A way to fail. ``outcome`` is status, code and retry class, ``requests`` how many the provider read."""

    at: Callable[[], AbstractAsyncContextManager[Place]]
    outcome: str
    requests: int = 1
    deadline: float = PATIENT
    otherwise: Mapping[Kind, str] = field(default_factory=dict)
    """The outcome for kinds that have one of their own."""

    def meaning(self, action: CallAction) -> str:
        """Return the outcome for an action."""
        outcome = self.otherwise.get(action.kind, self.outcome)
        return outcome.format(after_doubt=after_doubt(action))


NOT_SENT: Final = "failed unreachable safe"
MISSET: Final = "failed config_error never"
SENT_ELSEWHERE: Final = {Kind.PLACE_CALL: "unknown unreadable_reply verify"}
"""A redirect of a placed call, which may have been placed all the same."""
LOST: Final = "unknown connection_lost {after_doubt}"
NO_ANSWER: Final = "unknown no_answer {after_doubt}"
UNREADABLE: Final = "unknown unreadable_reply {after_doubt}"
BROKEN: Final = "unknown server_error {after_doubt}"


def _at(nowhere: Callable[[], AbstractAsyncContextManager[str]], scheme: str = "http") -> Any:
    @asynccontextmanager
    async def place() -> AsyncIterator[Place]:
        async with nowhere() as base_url:
            yield Place(base_url.replace("http", scheme, 1))

    return place


def _answering(answer: Answer, *, certificate: Path | None = None, scheme: str | None = None) -> Any:
    @asynccontextmanager
    async def place() -> AsyncIterator[Place]:
        tls = None
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
        async with listening(answer, tls=tls) as wire:
            base_url = wire.base_url.replace("http:", f"{scheme}:") if scheme else wire.base_url
            yield Place(base_url, wire.received)

    return place


def _success(odd: bytes) -> Answer:
    """Return every provider's success, with an odd part that makes it ambiguous."""
    return reply(200, b'{"status":"success","success":true,"error":false,' + odd + b"}")


async def _no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@asynccontextmanager
async def _speaking_no_tls() -> AsyncIterator[str]:
    server = await asyncio.start_server(_no_tls, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


FAILURES: Final[dict[str, Failure]] = {
    "connection refused": Failure(_at(nobody_listening), NOT_SENT, requests=0),
    "connect timeout": Failure(_at(never_accepting), NOT_SENT, requests=0, deadline=HURRIED),
    "no TLS there": Failure(_at(_speaking_no_tls, "https"), NOT_SENT, requests=0),
    "untrusted certificate": Failure(
        _answering(reply(), certificate=HERE / "untrusted.pem"), MISSET, requests=0
    ),
    "read, then FIN": Failure(_answering(hang_up), LOST),
    "read, then RST": Failure(_answering(reset), LOST),
    "reset mid-reply": Failure(_answering(reset_midway), LOST),
    "ended mid-reply": Failure(_answering(cut_short), LOST),
    "not HTTP": Failure(_answering(gibberish), LOST),
    "silence": Failure(_answering(silence), NO_ANSWER, deadline=HURRIED),
    "dripping body": Failure(_answering(drip), NO_ANSWER, deadline=HURRIED),
    "gzip bomb": Failure(_answering(reply(200, gzip_bomb(200), {"Content-Encoding": "gzip"})), UNREADABLE),
    "nested without end": Failure(_answering(reply(200, b"[" * 100_000)), UNREADABLE),
    "empty 200": Failure(_answering(reply(200, b"")), UNREADABLE),
    "too large": Failure(_answering(flood(b" " * _MEBIBYTE, 3)), UNREADABLE),
    "half JSON": Failure(_answering(reply(200, b"[")), UNREADABLE),
    "an endless integer": Failure(_answering(_success(b'"n":' + b"9" * 5000)), UNREADABLE),
    "infinity": Failure(_answering(_success(b'"n":1e999')), UNREADABLE),
    "NaN": Failure(_answering(_success(b'"n":NaN')), UNREADABLE),
    "keys that stand twice": Failure(_answering(_success(b'"success":true,"error":false')), UNREADABLE),
    "not UTF-8": Failure(_answering(_success(b'"x":"\xff"')), UNREADABLE),
    "an encoding nobody asked for": Failure(
        _answering(reply(200, b"{}", {"Content-Encoding": "br"})), UNREADABLE
    ),
    "gzip that is none": Failure(_answering(reply(200, b"{}", {"Content-Encoding": "gzip"})), UNREADABLE),
    "a list": Failure(_answering(reply(200, [{}])), UNREADABLE),
    "a string": Failure(_answering(reply(200, "success")), UNREADABLE),
    "a number": Failure(_answering(reply(200, 1)), UNREADABLE),
    "an empty object": Failure(_answering(reply(200, {})), UNREADABLE),
    "HTML 200": Failure(_answering(reply(200, b"<html>")), UNREADABLE),
    "HTML 502": Failure(_answering(reply(502, b"<html>")), BROKEN),
    **{
        f"redirect {status}": Failure(
            _answering(reply(status, b"", {"Location": "/elsewhere"})), MISSET, otherwise=SENT_ELSEWHERE
        )
        for status in (300, 301, 302, 303, 304, 307, 308)
    },
}

PAGE: Final = b"<html><head><title>404 Not Found</title></head><body>nginx</body></html>"
HTML: Final = {"Content-Type": "text/html"}

FOREIGN: Final[Mapping[str, Answer]] = {
    name: reply(404, body, HTML if body == PAGE else None)
    for name, body in {
        "a page": PAGE,
        "nothing": b"",
        "text": b"not found",
        "null": None,
        "a list": [{"success": False, "status": "error", "error": True}],
        "an empty object": {},
        "a gateway's message": {"message": "Not Found"},
        "no route": {"message": "no Route matched with those values"},
        "a detail": {"detail": "Not Found"},
        "a framework's error": {"timestamp": "2026-11-01", "status": 404, "error": "Not Found", "path": "/"},
        "an error with a code": {"error": {"code": 404, "message": "Not Found"}},
        "of other types": {"success": "false", "status": ["error"], "error": "true", "errors": "none"},
    }.items()
}
"""Answers of other servers to unknown paths. None is a provider's word."""


JUNK: Final[Mapping[str, bytes]] = {
    "a page": b"<html><body>Welcome</body></html>",
    "nothing": b"",
    "text": b"OK",
    "null": b"null",
    "a number": b"1",
    "true": b"true",
    "a string": b'"success"',
    "a list": b"[]",
    "a list of successes": b'[{"status":"success","success":true,"error":false}]',
    "an empty object": b"{}",
    "ok": b'{"ok":true}',
    "a message": b'{"message":"Success"}',
    "a health check": b'{"status":"UP"}',
    "data alone": b'{"data":{}}',
    "a result": b'{"result":"success","code":200}',
    "of other types": b'{"status":["success"],"success":"true","error":0,"cancelled":1}',
}
"""Bodies that prove nothing under any status."""


class NoNames(asyncio.SelectorEventLoop):
    """An event loop whose resolver knows no name. Nothing outside it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []

    async def getaddrinfo(self, host: Any, port: Any, **_hints: Any) -> Any:
        """Raise the resolver's error for an unknown name."""
        self.asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
