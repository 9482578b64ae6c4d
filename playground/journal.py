"""The providers' journal: every request, its effects in the provider's state, and the reply.

The journal is append-only. A line is written, and given to the operating system if there is a file, before
anything that follows from it. The request is written before its reply, the effect when it happens, and the
reply before its first byte leaves. So the lines survive a lost reply or a killed playground. Tests count
requests and effects here, and never in what the app says of itself.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from playground.http_messages import Answer, Request

REDACTED = "[redacted]"
_SECRET_HEADERS = frozenset(
    {
        "auth",
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-access-key",
        "x-access-token",
        "x-api-key",
    }
)
_BODY_KEPT = 4096  # characters of a reply: faults send large ones, which nobody reads
Headers = tuple[tuple[str, str], ...]
What = Literal["placed", "added", "attempted", "removed", "cancelled", "deleted", "stopped", "started"]
CallEnd = Literal["answered", "no_answer", "voicemail", "busy", "rejected", "invalid_number"]
"""The ways in which a try to make a call ends."""
PICKED_UP = frozenset({"answered", "voicemail"})
"""Ends of a call that somebody, or a voicemail, picked up."""


class Frozen(BaseModel):
    """A value that is written into the journal or sent through the control routes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(Frozen):
    """A call in a provider's state, due to be made.

    ``owner`` is an agent at CallKaro, a team at Voxworks, an account at Ryng.
    """

    id: str
    owner: str
    to: str | None = None
    due: AwareDatetime
    state: Literal["scheduled", "attempted", "removed", "cancelled"] = "scheduled"
    details: Mapping[str, JsonValue] = Field(default_factory=dict)


class Try(Frozen):
    """A provider's try to make a call. ``number`` counts from 0.

    ``rang`` is the time in seconds until it was picked up or given up, and ``seconds`` its length after that.
    ``again`` is the time of the next try.
    """

    number: int
    began: AwareDatetime
    ended: AwareDatetime
    end: CallEnd
    rang: int
    seconds: int
    again: AwareDatetime | None = None

    @property
    def picked_up(self) -> bool:
        """Return whether somebody, or a voicemail, picked it up."""
        return self.end in PICKED_UP


class Campaign(Frozen):
    """A campaign in a provider's state. ``owner`` is an app, ``details`` the provider's description."""

    id: str
    owner: str
    details: Mapping[str, JsonValue]


class _Line(Frozen):
    number: int
    at: AwareDatetime
    provider: str


class Asked(_Line):
    """A complete request as it was read from the wire, except for the values of secret headers."""

    line: Literal["request"] = "request"
    method: str
    target: str
    headers: Headers
    body: str


class Effect(_Line):
    """A change in the provider's state. ``request`` is the number of the request that caused it, or None."""

    line: Literal["effect"] = "effect"
    request: int | None
    what: What
    subject: Call | Campaign


class Answered(_Line):
    """The reply to ``request``. ``status`` is None if none is sent. ``fault`` is the fault that applied."""

    line: Literal["answer"] = "answer"
    request: int
    status: int | None
    headers: Headers
    body: str
    fault: str | None


class Ended(_Line):
    """The end of a try to make a call."""

    line: Literal["end"] = "end"
    call: Call
    made: Try


class Told(_Line):
    """A webhook that the provider sent, by the provider's name for it.

    ``status`` is None without an answer. The address is left out, because it holds a secret.
    """

    line: Literal["told"] = "told"
    webhook: str
    body: JsonValue
    status: int | None


JournalLine = Annotated[Asked | Effect | Answered | Ended | Told, Field(discriminator="line")]
_LINE: TypeAdapter[JournalLine] = TypeAdapter(JournalLine)
CALLS: TypeAdapter[tuple[Call, ...]] = TypeAdapter(tuple[Call, ...])
LINES: TypeAdapter[tuple[JournalLine, ...]] = TypeAdapter(tuple[JournalLine, ...])


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its effects and reply. ``answer`` is None while the provider is still busy."""

    request: Asked
    effects: tuple[Effect, ...]
    answer: Answered | None


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal at a moment: its lines, and two views of them."""

    lines: tuple[JournalLine, ...]

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every request in order, with its effects and its reply."""
        answers = {line.request: line for line in self.lines if isinstance(line, Answered)}
        effects = defaultdict[int | None, list[Effect]](list)
        for effect in self.effects:
            effects[effect.request].append(effect)
        return tuple(
            Exchange(line, tuple(effects[line.number]), answers.get(line.number))
            for line in self.lines
            if isinstance(line, Asked)
        )

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every change in the provider's state, including changes without a request, such as a call made."""
        return tuple(line for line in self.lines if isinstance(line, Effect))

    @property
    def ends(self) -> tuple[Ended, ...]:
        """The end of every try to make a call."""
        return tuple(line for line in self.lines if isinstance(line, Ended))

    @property
    def told(self) -> tuple[Told, ...]:
        """Every webhook that the provider sent."""
        return tuple(line for line in self.lines if isinstance(line, Told))

    @classmethod
    def read(cls, path: Path) -> "Journal":
        """Read the journal of a playground that may have ended."""
        return cls(tuple(_LINE.validate_json(line) for line in path.read_bytes().splitlines()))


class Recorder:
    """Writes the journal in memory, and appends it to ``path`` if one is given."""

    def __init__(self, now: Callable[[], datetime], path: Path | None) -> None:
        self._now = now
        self._lines = list(Journal.read(path).lines) if path is not None and path.exists() else []
        self._file = None if path is None else os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def of(self, provider: str) -> Journal:
        """Return the lines of a provider."""
        return Journal(tuple(line for line in self._lines if line.provider == provider))

    def asked(self, provider: str, method: str, target: str, headers: Headers, body: bytes) -> Request:
        """Record a request, which gives it its number."""
        request = Request(len(self._lines) + 1, method, target, headers, body)
        self._append(
            Asked(
                number=request.number,
                at=self._now(),
                provider=provider,
                method=method,
                target=target,
                headers=tuple((k, REDACTED if k.lower() in _SECRET_HEADERS else v) for k, v in headers),
                body=body.decode(errors="backslashreplace"),
            )
        )
        return request

    def effect(
        self,
        provider: str,
        what: What,
        subject: Call | Campaign,
        request: int | None,
    ) -> None:
        """Record a change."""
        self._append(
            Effect(
                number=len(self._lines) + 1,
                at=self._now(),
                provider=provider,
                request=request,
                what=what,
                subject=subject,
            )
        )

    def answered(self, provider: str, request: int, answer: Answer | None, fault: str | None) -> None:
        """Record the reply that is sending, or that none will be."""
        self._append(
            Answered(
                number=len(self._lines) + 1,
                at=self._now(),
                provider=provider,
                request=request,
                status=answer.status if answer else None,
                headers=tuple(answer.headers.items()) if answer else (),
                body=answer.body[:_BODY_KEPT].decode(errors="backslashreplace") if answer else "",
                fault=fault,
            )
        )

    def ended(self, provider: str, call: Call, made: Try) -> None:
        """Record the end of a try to make a call."""
        self._append(
            Ended(number=len(self._lines) + 1, at=self._now(), provider=provider, call=call, made=made)
        )

    def told(self, provider: str, webhook: str, body: JsonValue, status: int | None) -> None:
        """Record a webhook that was sent."""
        self._append(
            Told(
                number=len(self._lines) + 1,
                at=self._now(),
                provider=provider,
                webhook=webhook,
                body=body,
                status=status,
            )
        )

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)

    def _append(self, line: JournalLine) -> None:
        self._lines.append(line)
        if self._file is not None:
            os.write(self._file, line.model_dump_json().encode() + b"\n")
