"""What can be typed, as values: the words the grammar knows and the line it makes of them. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from pydantic import JsonValue

from bot import words
from bot.targets import IdTarget, NumberTarget, Target, is_plain_id
from providers.actions import Kind


class Verb(StrEnum):
    """What can be asked."""

    PLACE = "place"
    CANCEL = "cancel"
    DELETE_CAMPAIGN = "campaign delete"
    HELP = "help"


CancelsBy = Literal["number", "call_id"]


@dataclass(frozen=True, slots=True)
class ConnectionWords:
    """What the grammar knows of a connection.

    ``agents`` are the names people type; ``cancels_by`` says what identifies a call there, None if nothing
    can be cancelled; ``raw_agents`` whether a provider's own agent id may stand for a name.
    """

    agents: Sequence[str] = ()
    kinds: frozenset[Kind] = frozenset()
    cancels_by: CancelsBy | None = None
    raw_agents: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that the configuration adds to the grammar."""

    connections: Mapping[str, ConnectionWords]
    default_region: str
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Typist:
    """Who types. ``timezone`` is an IANA name."""

    timezone: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with what was typed, and what to do.

    ``field`` is the name of the `Line` field it is about, ``text`` for what belongs to none; ``suggestion``
    is what to type instead, where one thing is likely.
    """

    field: str
    message: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What was understood. None or empty: not said, or not understood; then ``faults`` says why.

    ``at`` is aware and in UTC, None for a call to be placed now; ``at_text`` is what it was read from.
    ``gap`` is in minutes, ``earliest`` and ``latest`` are ``HH:MM``. ``missing`` names the fields without
    which nothing can be asked, when nothing was said about them. ``text`` is the line as typed, ``typed`` the
    parts of it by the field they are about: what a form shows of a field that was not understood.
    """

    text: str = ""
    verb: Verb | None = None
    targets: tuple[Target, ...] = ()
    connection: str | None = None
    agent: str | None = None
    at: datetime | None = None
    at_text: str | None = None
    retries: int | None = None
    gap: int | tuple[int, ...] | None = None
    earliest: str | None = None
    latest: str | None = None
    carry_over: bool | None = None
    priority: int | None = None
    language: str | None = None
    batch: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=lambda: MappingProxyType({}))
    purpose: str | None = None
    consent: str | None = None
    reason: str | None = None
    faults: tuple[Fault, ...] = ()
    missing: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)


JSON_SCALAR: Final = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""What a bare metadata value must look like to be more than text."""

_BARE = re.compile(r"[^\W_][\w'.:/+-]*(?: [^\W_][\w'.:/+-]*)*")
_WORDS_OF_THE_GRAMMAR = re.compile(r"\b(?:via|carry[-_]?over)\b", re.IGNORECASE)


def write(line: Line) -> str:
    """The line as one could have typed it after ``/calls``: what was understood, ready to copy."""
    numbers = ", ".join(target.phone.e164 for target in line.targets if isinstance(target, NumberTarget))
    ids = [target.provider_id for target in line.targets if isinstance(target, IdTarget)]
    alone = len(ids) == 1 and not numbers and is_plain_id(ids[0])
    said = [line.verb, numbers, ids[0] if alone else "", f"via {line.connection}" if line.connection else ""]
    at = line.at_text or (line.at and line.at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    gap = ",".join(map(str, line.gap)) if isinstance(line.gap, tuple) else line.gap
    values = {
        "campaign" if line.verb is Verb.DELETE_CAMPAIGN else "call": (
            None if alone or not ids else ", ".join(ids)
        ),
        "agent": line.agent,
        "at": at,
        "retries": line.retries,
        "gap": gap,
        "from": line.earliest,
        "until": line.latest,
        "lang": line.language,
        "priority": line.priority,
        "batch": line.batch,
        "purpose": line.purpose,
        "consent": line.consent,
        "reason": line.reason,
    }
    keys = [f"{key}={_written(value)}" for key, value in values.items() if value is not None]
    metadata = [f"meta.{name}={written_json(value)}" for name, value in line.metadata.items()]
    carry_over = {None: "", True: "carry-over", False: "carry-over=no"}[line.carry_over]
    return " ".join(filter(None, [*said, *keys, *metadata, carry_over]))


def _written(value: object) -> str:
    text = str(value)
    bare = _BARE.fullmatch(text) and not _WORDS_OF_THE_GRAMMAR.search(text)
    return text if bare or isinstance(value, int) else words.quote(text)


def written_json(value: JsonValue) -> str:
    """A metadata value as it is typed: text that looks like more than text stands in quotes."""
    if isinstance(value, str):
        return words.quote(value) if JSON_SCALAR.fullmatch(value) else _written(value)
    return json.dumps(value)
