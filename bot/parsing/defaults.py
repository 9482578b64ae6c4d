"""Decides the connection and the agent that a command leaves out.

A single candidate is taken. Among several, the log decides: by the connection that gave out an id, by a call
scheduled to the number, or by the user's last command. Candidates that fit equally are returned for the user
to choose from, as buttons or in a form.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from bot.parsing import labels
from bot.parsing.command import KINDS, Command, CommandContext, ConnectionInfo, FieldProblem, Verb
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.text import parse_errors
from providers.actions import Kind


class Source(StrEnum):
    """The reason for a value that was filled in."""

    ONLY = "only"
    """There is no other candidate."""
    KNOWN = "known"
    """The log holds the id from that connection."""
    SCHEDULED = "scheduled"
    """The log holds a call that is scheduled to the number there."""
    LAST_USED = "last_used"
    """The user's last command used it."""


@dataclass(frozen=True, slots=True)
class TargetHistory:
    """Facts from the log about the targets of a command and about its user.

    ``connections`` are the connections that know one of the command's ids. ``scheduled`` are the (connection,
    agent) pairs through which a call to one of its numbers is scheduled. ``used`` are the pairs that the user
    chose for the same kind of action, newest first.
    """

    connections: frozenset[str] = frozenset()
    scheduled: frozenset[tuple[str, str]] = frozenset()
    used: tuple[tuple[str, str | None], ...] = ()


NOTHING: Final = TargetHistory()


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A field with several candidates that fit equally. The user must choose one."""

    field: Literal["connection", "agent"]
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilledCommand:
    """A command with its defaults filled in.

    ``sources`` give the reason for each field that was filled in (``connection``, ``agent``). ``connections``
    and ``agents`` are the candidates. ``problems`` say which choice is needed, or why there is no candidate.
    They are empty as long as the command has no target. ``open`` is the field to choose, None if there is no
    choice.
    """

    command: Command
    sources: Mapping[str, Source] = field(default_factory=lambda: MappingProxyType({}))
    connections: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    problems: tuple[FieldProblem, ...] = ()
    open: Ambiguous | None = None

    @property
    def filled(self) -> frozenset[str]:
        """The names of the fields that were filled in."""
        return frozenset(self.sources)


def fill_defaults(line: Command, vocabulary: CommandContext, known: TargetHistory = NOTHING) -> FilledCommand:
    """Fill in the connection and the agent of a command if one candidate fits best."""
    if line.verb not in KINDS or line.verb is Verb.MOVE:  # the rescheduled call names its connection
        return FilledCommand(line)
    grounds: dict[str, Source] = {}
    connection, connections, chosen = _connection(line, vocabulary, known)
    if isinstance(chosen, Source):
        grounds["connection"] = chosen
    faults = [chosen] if isinstance(chosen, FieldProblem) else []
    left = Ambiguous("connection", connections) if isinstance(chosen, _Which) else None
    agent, agents = line.agent, tuple[str, ...]()
    if connection and connection in connections:
        words = vocabulary.connections[connection]
        if _needs_agent(line, words):
            agents = tuple(words.agents)
            if not agent and not _is_wrong(line, "agent"):
                agent, agents, why = _agent(connection, words, known)
                if isinstance(why, Source):
                    grounds["agent"] = why
                else:
                    faults.append(why)
                    left = Ambiguous("agent", agents) if agents else None
        faults += _not_taken(line, connection, words)
        if line.tell_me and not words.tells_ends:
            faults.append(FieldProblem("tell_me", parse_errors.no_news_of_ends(connection)))
    filled = replace(line, connection=connection, agent=agent)
    if not line.targets:
        return FilledCommand(filled, grounds, connections, agents)
    return FilledCommand(filled, grounds, connections, agents, tuple(faults), left)


class _Which(FieldProblem):
    """Several candidates that fit equally."""


def _connection(
    line: Command, vocabulary: CommandContext, known: TargetHistory
) -> tuple[str | None, tuple[str, ...], Source | FieldProblem | None]:
    """Return the connection, its candidates, and the source of the choice or the error that prevents it."""
    all_of_them = vocabulary.connections
    able = tuple(name for name, words in all_of_them.items() if _can(line, words))
    if named := line.connection:
        wrong = None if named in able else _cannot(line, named, all_of_them[named], able)
        return named, able, wrong
    fitting = _with_agent(line, {name: all_of_them[name] for name in able})
    if _is_wrong(line, "connection"):
        return None, fitting, None
    if fitting:
        scheduled = {connection for connection, _ in known.scheduled}
        best, ground = _best(
            fitting, known.connections, scheduled, [connection for connection, _ in known.used]
        )
        if ground:
            return best[0], fitting, ground
        return None, best, _Which("connection", parse_errors.which_connection(best))
    if line.agent and able:
        return None, able, FieldProblem("agent", parse_errors.no_agent_of(able, line.agent))
    return None, (), _nobody_can(line)


def _agent(
    connection: str, words: ConnectionInfo, known: TargetHistory
) -> tuple[str | None, tuple[str, ...], Source | FieldProblem]:
    """Return the agent, its candidates, and the source of the choice or the error that prevents it."""
    scheduled = {agent for name, agent in known.scheduled if name == connection}
    used = [agent for name, agent in known.used if name == connection and agent]
    fitting = tuple(words.agents)
    if words.raw_agents:  # the agent may have no name in the configuration
        fitting = tuple(dict.fromkeys([*fitting, *sorted(scheduled), *used]))
    if not fitting:
        return None, (), _which_agent(connection, fitting)
    best, ground = _best(fitting, frozenset(), scheduled, used)
    if ground:
        return best[0], tuple(words.agents), ground
    return None, best, _which_agent(connection, best)


def _best(
    fitting: tuple[str, ...], holders: Collection[str], scheduled: Collection[str], used: Sequence[str]
) -> tuple[tuple[str, ...], Source | None]:
    """Return the best candidate and its source, or all candidates that fit equally and None."""
    if len(fitting) == 1:
        return fitting, Source.ONLY
    for ground, named in ((Source.KNOWN, holders), (Source.SCHEDULED, scheduled)):
        if found := tuple(name for name in fitting if name in named):
            return found, ground if len(found) == 1 else None
    last = next((name for name in used if name in fitting), None)
    return ((last,), Source.LAST_USED) if last else (fitting, None)


def _with_agent(line: Command, able: Mapping[str, ConnectionInfo]) -> tuple[str, ...]:
    """Return the connections that have the command's agent.

    A connection with raw agent ids counts only if no connection lists the agent by name. For a call without
    an agent, return the connections that have any agent, or all of them if none has one.
    """
    if line.agent:
        named = tuple(name for name, words in able.items() if line.agent in words.agents)
        return named or tuple(name for name, words in able.items() if words.raw_agents)
    if line.verb is not Verb.PLACE:
        return tuple(able)
    return tuple(name for name, words in able.items() if words.agents or words.raw_agents) or tuple(able)


def _not_taken(line: Command, connection: str, words: ConnectionInfo) -> list[FieldProblem]:
    """Return an error for each field that the connection does not accept, and each number not on trial."""
    said = [name for name in labels.FIELDS if getattr(line, name) or getattr(line, name) in (0, False)]
    faults = [
        FieldProblem(name, parse_errors.takes_no(words.title, labels.FIELDS[name]))
        for name in (said if line.verb is Verb.PLACE else ())
        if name not in words.fields
    ]
    numbers = [target.phone for target in line.targets if isinstance(target, NumberTarget)]
    faults += [
        FieldProblem("targets", parse_errors.tried_out(connection, number.pretty))
        for number in numbers
        if words.numbers and number.e164 not in words.numbers
    ]
    return faults


def _is_wrong(line: Command, field: str) -> bool:
    return any(fault.field == field for fault in line.problems)


def _can(line: Command, words: ConnectionInfo) -> bool:
    if line.verb is None or KINDS[line.verb] not in words.kinds:
        return False
    if line.verb is not Verb.CANCEL:
        return True
    by = {"call_id" if isinstance(target, IdTarget) else "number" for target in line.targets}
    return by <= {words.cancels_by}


def _needs_agent(line: Command, words: ConnectionInfo) -> bool:
    return line.verb is Verb.PLACE or (line.verb is Verb.CANCEL and words.cancels_by == "number")


def _which_agent(connection: str, agents: Sequence[str]) -> FieldProblem:
    said = parse_errors.which_agent(agents) if agents else parse_errors.no_agent_yet(connection)
    return FieldProblem("agent", said)


def _cannot(line: Command, connection: str, words: ConnectionInfo, able: Sequence[str]) -> FieldProblem:
    if line.verb is Verb.CANCEL and Kind.CANCEL_CALL in words.kinds:
        by, not_by = ("number", "call_id") if words.cancels_by == "number" else ("call_id", "number")
        return FieldProblem("connection", parse_errors.cancels_by(connection, by, not_by, able))
    return FieldProblem("connection", parse_errors.cannot(connection, _does(line), able))


def _nobody_can(line: Command) -> FieldProblem:
    kinds = {type(target) for target in line.targets}
    if len(kinds) > 1:
        return FieldProblem("targets", parse_errors.NUMBERS_AND_IDS)
    if kinds and line.verb is Verb.CANCEL:
        by = "call_id" if IdTarget in kinds else "number"
        return FieldProblem("connection", parse_errors.nobody_cancels_by(_does(line), by))
    return FieldProblem("connection", parse_errors.nobody_can(_does(line)))


def _does(line: Command) -> str:
    return labels.DOES[line.verb] if line.verb else labels.DO_THIS
