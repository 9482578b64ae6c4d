"""Values of a parsed command: verbs, targets, fields and field errors.

`format_command` turns a command back into a line that can be typed.
"""

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
    """A verb of the grammar."""

    PLACE = "place"
    CANCEL = "cancel"
    MOVE = "move"
    DELETE_CAMPAIGN = "campaign delete"
    STOP_CAMPAIGN = "campaign stop"
    START_CAMPAIGN = "campaign start"
    STOP = "stop"
    ALLOW = "allow"
    PAUSE = "pause"
    RESUME = "resume"
    LIST = "list"
    IMPORT = "import"
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
"""The kind of action that each verb requests from a provider. A reschedule begins with a cancellation."""

OF_STOPS: Final = (Verb.STOP, Verb.ALLOW)
"""The verbs of the stop list. They hold for every connection."""
OF_PAUSES: Final = (Verb.PAUSE, Verb.RESUME)
"""The verbs of the brake, which hold for a connection or for all. They have no form."""
FORMS: Final = (*KINDS, *OF_STOPS)
"""The verbs that have a form. The other verbs only show information."""

TELLS: Final = frozenset({Verb.LIST, Verb.IMPORT, Verb.STATUS, Verb.LOG, Verb.HELP})
"""The verbs that request nothing by themselves. Words behind them are no targets."""

CAMPAIGN: Final = "campaign"
OF_CAMPAIGNS: Final = tuple(verb for verb in KINDS if verb.startswith(f"{CAMPAIGN} "))
"""The verbs that begin with the word "campaign"."""

CALL_FIELDS: Final = frozenset(PlaceCall.model_fields) - {"kind", "to", "agent"}
"""The optional fields of a call: all of `PlaceCall` but its recipient and its agent."""

CancelsBy = Literal["number", "call_id"]


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """Facts about a connection that the grammar needs.

    ``agents`` are the names that people type. ``cancels_by`` is the identifier by which calls are cancelled,
    None if the connection cancels no calls. ``raw_agents`` is true if a provider's own agent id may be typed
    in place of a name. ``fields`` are the optional fields of a call that the connection accepts. ``numbers``
    are the only numbers that may be called on trial, empty if there is no such limit. ``undocumented`` are
    those of ``kinds`` that the documents of ``title`` do not describe. With ``dry_run``, nothing is sent.
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
    tells_ends: bool = False
    """True if CallOps hears how the connection's calls end."""

    @property
    def can_move(self) -> bool:
        """True if the connection can cancel a call and place it again at another time."""
        return self.kinds >= {Kind.PLACE_CALL, Kind.CANCEL_CALL} and "at" in self.fields

    def asks(self, verb: Verb) -> bool:
        """Return whether the connection supports a verb."""
        return self.can_move if verb is Verb.MOVE else KINDS[verb] in self.kinds

    def caution(self, kind: Kind) -> str | None:
        """Return the warning about an undocumented kind of action, None if the kind is documented."""
        return parse_errors.undocumented([self.title]) if kind in self.undocumented else None


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Names and settings that the configuration adds to the grammar."""

    connections: Mapping[str, ConnectionInfo]
    default_region: str
    reasons: Sequence[str] = ()
    disabled_connections: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The connections that are configured but cannot be used, each with the reason."""
    hours: bool = False
    """True if some calls are limited to calling hours, so that time zones matter."""
    required: Mapping[Kind, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """For each kind of action, the fields that all of its rules require: reason, purpose, consent."""

    def requires(self, verb: Verb, name: str) -> bool:
        """Return whether the rules require a field of a verb, whichever rule applies."""
        return name in self.required.get(KINDS[verb], ()) if verb in KINDS else False

    def can(self, verbs: Iterable[Verb] = KINDS) -> tuple[Verb, ...]:
        """Return those of some verbs that at least one connection supports."""
        return tuple(verb for verb in verbs if any(known.asks(verb) for known in self.connections.values()))


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """An error in the typed text, with a sentence for the user.

    ``field`` is the name of the `Command` field, or ``text`` if the error belongs to no field. ``suggestion``
    is the text to type instead, None if there is no single likely one.
    """

    field: str
    message: str
    suggestion: str | None = None

    @property
    def proposal(self) -> str:
        """The sentence around the suggestion, with a placeholder for it."""
        return parse_errors.DID_YOU_MEAN


@dataclass(frozen=True, slots=True)
class Question(FieldProblem):
    """Text that can be read in several ways. Each of ``options`` is the label of a reading, for a button."""

    options: tuple[str, ...] = ()


class SuggestedTime(FieldProblem):
    """A call that isn't allowed at the given time. ``suggestion`` is a time at which it is."""

    @property
    def proposal(self) -> str:
        """The sentence around the suggested time."""
        return parse_errors.SCHEDULE_IT


@dataclass(frozen=True, slots=True)
class Command:
    """A parsed command. A field is None or empty if it was not typed, or if ``problems`` holds its error.

    ``at`` is in UTC, None for a call to be placed now. ``at_text`` is the text it was read from.
    ``reported_call_time`` is the time at which the user says that the call to be cancelled goes out, in UTC.
    ``reported_call_time_text`` is its text. ``zone`` is the recipient's time zone, an IANA name. ``gap`` is
    in minutes. ``earliest`` and ``latest`` are ``HH:MM``.

    ``missing`` names the required fields that were not typed. ``text`` is the line as typed, ``rest`` the
    text behind its verb. ``typed`` holds the typed text of each field, which a form shows if the field was
    not understood. ``ignored_words`` are words beside the targets of a pasted list, which have no effect.
    ``verbs`` are the verbs to choose from if none was typed. ``answers`` are the options chosen so far, in
    the order in which the questions about the text arise.
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
    tell_me: bool = False
    priority: int | None = None
    language: str | None = None
    batch: str | None = None
    metadata: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    purpose: str | None = None
    consent: str | None = None
    reason: str | None = None
    ignored_words: tuple[str, ...] = field(default=(), compare=False)
    reported_call_time: datetime | None = None
    reported_call_time_text: str | None = None
    problems: tuple[FieldProblem, ...] = ()
    missing: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    answers: tuple[int, ...] = field(default=(), compare=False)


PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
"""An unquoted metadata value that is a number. All other values are text. JSON readers keep fifteen digits
exact."""

METADATA_NAME: Final = re.compile(r'[^\s,;=<>/?&:\0"“”„‟\uff1a\uff1d]+')
"""The NAME of ``meta.NAME``: one word without the characters that end a key here, or a name in the form."""

_BARE = re.compile(r"[^\W_][\w'.:/+-]*(?: [^\W_][\w'.:/+-]*)*")
_WORDS_OF_THE_GRAMMAR = re.compile(r"\b(?:via|carry[-_]?over|tell[-_]?me)\b", re.IGNORECASE)


def format_command(line: Command) -> str:
    """Return the command as a line that can be typed after ``/calls``."""
    numbers = ", ".join(target.phone.e164 for target in line.targets if isinstance(target, NumberTarget))
    ids = [target.provider_id for target in line.targets if isinstance(target, IdTarget)]
    alone = len(ids) == 1 and not numbers and is_plain_id(ids[0])
    said = [line.verb, numbers, ids[0] if alone else "", f"via {line.connection}" if line.connection else ""]
    at = line.at_text or (line.at and line.at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    gap = ",".join(map(str, line.gap)) if isinstance(line.gap, tuple) else line.gap
    values = {
        "campaign" if line.verb in OF_CAMPAIGNS else "call": (None if alone or not ids else ", ".join(ids)),
        "agent": line.agent,
        "until" if line.verb is Verb.PAUSE else "at": at,
        "call-time": line.reported_call_time_text,
        "retries": line.retries,
        "gap": gap,
        "from": line.earliest,
        **({} if line.verb is Verb.PAUSE else {"until": line.latest}),
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
    tell_me = "tell-me" if line.tell_me else ""
    return " ".join(filter(None, [*said, *keys, *metadata, carry_over, tell_me]))


def apply_suggestions(line: Command, faults: Sequence[FieldProblem]) -> Command | None:
    """Return the command with the suggestion of every error applied, None if an error has none to apply."""
    for fault in faults:
        match fault:
            case FieldProblem(suggestion=None):
                return None
            case FieldProblem(field="connection", suggestion=meant):
                line = replace(line, connection=meant)
            case FieldProblem(field="agent", suggestion=meant):
                line = replace(line, agent=meant)
            case FieldProblem(field="at", suggestion=meant):
                line = replace(line, at_text=meant)
            case FieldProblem(field="reported_call_time", suggestion=meant):
                line = replace(line, reported_call_time_text=meant)
            case FieldProblem(field="zone", suggestion=meant):
                line = replace(line, zone=meant)
            case FieldProblem(field="verb", suggestion=str(meant)) if (
                meant in set(Verb) and len(line.verbs) <= 1
            ):
                line = replace(line, verb=Verb(meant))
            case _:
                return None
    return line if faults else None


def _written(value: object) -> str:
    text = str(value)
    bare = _BARE.fullmatch(text) and not _WORDS_OF_THE_GRAMMAR.search(text)
    return text if bare or isinstance(value, int) else tokens.quote(text)


def written_json(value: JsonValue) -> str:
    """Return a metadata value as it is typed. Text that looks like a number is quoted."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return tokens.quote(text) if PLAIN_INTEGER.fullmatch(text) else _written(text)
