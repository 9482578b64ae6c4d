"""What can be typed, as values: the words the grammar knows and the line it makes of them. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from pydantic import JsonValue

from bot.parsing import tokens
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget, Target, is_plain_id
from bot.text import parse_errors
from providers.actions import Kind, PlaceCall


class Verb(StrEnum):
    """What can be asked."""

    PLACE = "place"
    CANCEL = "cancel"
    MOVE = "move"
    DELETE_CAMPAIGN = "campaign delete"
    STOP_CAMPAIGN = "campaign stop"
    START_CAMPAIGN = "campaign start"
    STOP = "stop"
    ALLOW = "allow"
    LIST = "list"
    STATUS = "status"
    LOG = "log"
    HELP = "help"


KINDS: Final[Mapping[Verb, Kind]] = MappingProxyType(
    {
        Verb.PLACE: Kind.PLACE_CALL,
        Verb.CANCEL: Kind.CANCEL_CALL,
        Verb.MOVE: Kind.CANCEL_CALL,
        Verb.DELETE_CAMPAIGN: Kind.DELETE_CAMPAIGN,
        Verb.STOP_CAMPAIGN: Kind.STOP_CAMPAIGN,
        Verb.START_CAMPAIGN: Kind.START_CAMPAIGN,
    }
)
"""What each verb asks of a provider. What is moved is placed again after that."""

OF_STOPS: Final = (Verb.STOP, Verb.ALLOW)
"""The verbs that say whether a number is called at all, through whatever connection."""
FORMS: Final = (*KINDS, *OF_STOPS)
"""The verbs that have a form; the others only tell something."""

TELLS: Final = frozenset({Verb.LIST, Verb.STATUS, Verb.LOG, Verb.HELP})
"""The verbs that only tell something; what stands behind them is no target."""

CAMPAIGN: Final = "campaign"
OF_CAMPAIGNS: Final = tuple(verb for verb in KINDS if verb.startswith(f"{CAMPAIGN} "))
"""The verbs that begin with the word "campaign"."""

CALL_FIELDS: Final = frozenset(PlaceCall.model_fields) - {"kind", "to", "agent"}
"""What can be said of a call to be placed, besides whom it is to and which agent speaks."""

CancelsBy = Literal["number", "call_id"]


@dataclass(frozen=True, slots=True)
class ConnectionWords:
    """What the grammar knows of a connection.

    ``agents`` are the names people type; ``cancels_by`` says what identifies a call there, None if nothing
    can be cancelled; ``raw_agents`` whether a provider's own agent id may stand for a name. ``fields`` are
    the optional fields of a call that can be placed there; ``numbers`` the only ones that may be called while
    it is tried out, where there are any. ``undocumented`` are those of its ``kinds`` that ``title``'s own
    documents do not have; ``dry_run``: nothing is sent.
    """

    agents: Sequence[str] = ()
    kinds: frozenset[Kind] = frozenset()
    cancels_by: CancelsBy | None = None
    raw_agents: bool = False
    fields: frozenset[str] = CALL_FIELDS
    numbers: Sequence[str] = ()
    title: str = "The provider"
    undocumented: frozenset[Kind] = frozenset()
    dry_run: bool = False

    @property
    def moves(self) -> bool:
        """Whether a call that is cancelled there can be placed again there."""
        return self.kinds >= {Kind.PLACE_CALL, Kind.CANCEL_CALL} and "at" in self.fields

    def asks(self, verb: Verb) -> bool:
        """Whether it can be asked for what a verb stands for."""
        return self.moves if verb is Verb.MOVE else KINDS[verb] in self.kinds

    def caution(self, kind: Kind) -> str | None:
        """What people should know before they rely on a kind of action, or None."""
        return parse_errors.undocumented([self.title]) if kind in self.undocumented else None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that the configuration adds to the grammar."""

    connections: Mapping[str, ConnectionWords]
    default_region: str
    reasons: Sequence[str] = ()
    disabled_connections: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The connections that are configured and cannot be used, each with the reason."""
    hours: bool = False
    """Whether some calls keep calling hours, so that time zones matter."""

    def can(self, verbs: Iterable[Verb] = KINDS) -> tuple[Verb, ...]:
        """Those of some verbs that at least one connection can be asked for."""
        return tuple(verb for verb in verbs if any(known.asks(verb) for known in self.connections.values()))


@dataclass(frozen=True, slots=True)
class Typist:
    """Who types. ``timezone`` is an IANA name or a UTC offset such as ``+05:30``, empty where unknown."""

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

    @property
    def proposal(self) -> str:
        """How a suggestion is put, with a place for it."""
        return parse_errors.DID_YOU_MEAN


@dataclass(frozen=True, slots=True)
class Question(Fault):
    """Text that can be read in several ways: each of ``options`` is the label of one, for a button."""

    options: tuple[str, ...] = ()


class Later(Fault):
    """A call may not go out when it should; ``suggestion`` is a time when it may."""

    @property
    def proposal(self) -> str:
        """How that time is put."""
        return parse_errors.SCHEDULE_IT


@dataclass(frozen=True, slots=True)
class Line:
    """What was understood. None or empty: not said, or not understood; then ``faults`` says why.

    ``at`` is aware and in UTC, None for a call to be placed now; ``at_text`` is what it was read from.
    ``reported_call_time`` and ``reported_call_time_text`` are the same of a call to be cancelled: when it
    goes out, as one says. ``zone`` is the recipient's (an IANA name). ``gap`` is in minutes, ``earliest``
    and ``latest`` are ``HH:MM``. ``missing`` names the fields without which nothing can be asked, when
    nothing was said about them. ``text`` is the line as typed, ``rest`` what stands behind its verb,
    ``typed`` the parts of it by the field they are about: what a form shows of a field that was not
    understood. ``left_out`` are words that stood beside targets in a pasted list, and are asked for nothing.
    ``verbs`` are the ones to choose between, where no verb was said. ``answers`` are the options chosen so
    far, in the order in which the questions about the text arise.
    """

    text: str = ""
    rest: str = field(default="", compare=False)
    verb: Verb | None = None
    verbs: tuple[Verb, ...] = ()
    targets: tuple[Target, ...] = ()
    connection: str | None = None
    agent: str | None = None
    at: datetime | None = None
    at_text: str | None = None
    retries: int | None = None
    gap: int | tuple[int, ...] | None = None
    earliest: str | None = None
    latest: str | None = None
    zone: str | None = None
    carry_over: bool | None = None
    priority: int | None = None
    language: str | None = None
    batch: str | None = None
    metadata: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    purpose: str | None = None
    consent: str | None = None
    reason: str | None = None
    left_out: tuple[str, ...] = field(default=(), compare=False)
    reported_call_time: datetime | None = None
    reported_call_time_text: str | None = None
    faults: tuple[Fault, ...] = ()
    missing: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    answers: tuple[int, ...] = field(default=(), compare=False)


PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
"""A bare metadata value that is a number; all else is text. No JSON reader rounds fifteen digits."""

METADATA_NAME: Final = re.compile(r'[^\s,;=<>/?&:\0"“”„‟\uff1a\uff1d]+')
"""The NAME of ``meta.NAME``: one word, without what ends a key here or a name in the form."""

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
        "campaign" if line.verb in OF_CAMPAIGNS else "call": (None if alone or not ids else ", ".join(ids)),
        "agent": line.agent,
        "at": at,
        "call-time": line.reported_call_time_text,
        "retries": line.retries,
        "gap": gap,
        "from": line.earliest,
        "until": line.latest,
        "zone": line.zone,
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


def corrected(line: Line, faults: Sequence[Fault]) -> Line | None:
    """The line with what was probably meant in place of every fault; None where that is not known of one."""
    for fault in faults:
        match fault:
            case Fault(suggestion=None):
                return None
            case Fault(field="connection", suggestion=meant):
                line = replace(line, connection=meant)
            case Fault(field="agent", suggestion=meant):
                line = replace(line, agent=meant)
            case Fault(field="at", suggestion=meant):
                line = replace(line, at_text=meant)
            case Fault(field="reported_call_time", suggestion=meant):
                line = replace(line, reported_call_time_text=meant)
            case Fault(field="zone", suggestion=meant):
                line = replace(line, zone=meant)
            case _:
                return None
    return line if faults else None


def _written(value: object) -> str:
    text = str(value)
    bare = _BARE.fullmatch(text) and not _WORDS_OF_THE_GRAMMAR.search(text)
    return text if bare or isinstance(value, int) else tokens.quote(text)


def written_json(value: JsonValue) -> str:
    """Return a metadata value as it is typed: text that looks like a number stands in quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return tokens.quote(text) if PLAIN_INTEGER.fullmatch(text) else _written(text)
