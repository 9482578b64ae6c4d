"""What was not said and can mean one thing only: the connection and the agent. Pure.

Nothing is chosen between two: then the candidates are named, for buttons to offer or a form to list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.line import DOES, FIELDS, KINDS, ConnectionWords, Fault, Line, Verb, Vocabulary
from bot.targets import IdTarget, NumberTarget
from bot.words import listed
from providers.actions import Kind


@dataclass(frozen=True, slots=True)
class Inferred:
    """A line with what could be inferred filled in.

    ``inferred`` names the fields that were (``connection``, ``agent``); ``connections`` and ``agents`` are
    the candidates there were, one or many. ``faults`` say what must be chosen, or why nothing can be;
    there are none before there is a target to do it to.
    """

    line: Line
    inferred: frozenset[str] = frozenset()
    connections: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def infer(line: Line, vocabulary: Vocabulary) -> Inferred:
    """Fill in connection and agent where one candidate can do what the line asks, for its kind of target."""
    if line.verb not in KINDS:
        return Inferred(line)
    connection, connections, faults = _connection(line, vocabulary)
    agent = line.agent
    agents: tuple[str, ...] = ()
    if connection and connection in connections and _needs_agent(line, vocabulary.connections[connection]):
        agents = tuple(vocabulary.connections[connection].agents)
        if not agent and not _is_wrong(line, "agent"):
            if len(agents) == 1:
                agent = agents[0]
            else:
                faults = (*faults, _which_agent(connection, agents))
    if connection and connection in connections:
        faults = (*faults, *_not_taken(line, connection, vocabulary.connections[connection]))
    filled = replace(line, connection=connection, agent=agent)
    inferred = frozenset(
        name for name in ("connection", "agent") if getattr(filled, name) != getattr(line, name)
    )
    return Inferred(filled, inferred, connections, agents, faults if line.targets else ())


def _connection(line: Line, vocabulary: Vocabulary) -> tuple[str | None, tuple[str, ...], tuple[Fault, ...]]:
    """The connection, the candidates for it, and what keeps it from being certain."""
    known = vocabulary.connections
    able = tuple(name for name, words in known.items() if _can(line, words))
    if line.connection:
        faults = () if line.connection in able else (_cannot(line, known[line.connection], able),)
        return line.connection, able, faults
    fitting = _with_agent(line, {name: known[name] for name in able})
    if _is_wrong(line, "connection"):
        return None, fitting, ()
    if len(fitting) == 1:
        return fitting[0], fitting, ()
    if fitting:
        message = f"Which connection: {listed(fitting, 'or')}? Add via NAME."
        return None, fitting, (Fault("connection", message),)
    if able:
        named = listed(able, "or")
        message = f"{line.agent} is no agent of {named}, which could do this. Name another agent."
        return None, able, (Fault("agent", message),)
    return None, (), (_nobody_can(line),)


def _with_agent(line: Line, able: Mapping[str, ConnectionWords]) -> tuple[str, ...]:
    """Those that have the agent that was said; a name is another's raw id only where nobody has it.

    For a call to be placed, those that have any agent at all, unless nobody has one.
    """
    if line.agent:
        named = tuple(name for name, words in able.items() if line.agent in words.agents)
        return named or tuple(name for name, words in able.items() if words.raw_agents)
    if line.verb is not Verb.PLACE:
        return tuple(able)
    return tuple(name for name, words in able.items() if words.agents or words.raw_agents) or tuple(able)


def _not_taken(line: Line, connection: str, words: ConnectionWords) -> list[Fault]:
    """What a connection cannot be told of a call, and the numbers it may not call while it is tried out."""
    said = [name for name in FIELDS if getattr(line, name) or getattr(line, name) in (0, False)]
    faults = [
        Fault(name, f"{words.title} takes no {FIELDS[name]}. Leave it out, or use another connection.")
        for name in (said if line.verb is Verb.PLACE else ())
        if name not in words.fields
    ]
    numbers = [target.phone for target in line.targets if isinstance(target, NumberTarget)]
    faults += [
        Fault(
            "targets",
            f"{connection} is being tried out, and {number.pretty} is not among its allow_numbers. Use one "
            "that is, or ask whoever runs CallOps to add it.",
        )
        for number in numbers
        if words.numbers and number.e164 not in words.numbers
    ]
    return faults


def _is_wrong(line: Line, field: str) -> bool:
    return any(fault.field == field for fault in line.faults)


def _can(line: Line, words: ConnectionWords) -> bool:
    if line.verb is None or KINDS[line.verb] not in words.kinds:
        return False
    if line.verb is not Verb.CANCEL:
        return True
    by = {"call_id" if isinstance(target, IdTarget) else "number" for target in line.targets}
    return by <= {words.cancels_by}


def _needs_agent(line: Line, words: ConnectionWords) -> bool:
    return line.verb is Verb.PLACE or (line.verb is Verb.CANCEL and words.cancels_by == "number")


def _which_agent(connection: str, agents: Sequence[str]) -> Fault:
    if not agents:
        return Fault(
            "agent", f"{connection} has no agent yet. Add one under [connections.{connection}.agents]."
        )
    return Fault("agent", f"Which agent: {listed(agents, 'or')}? Add agent=NAME.")


def _cannot(line: Line, words: ConnectionWords, able: Sequence[str]) -> Fault:
    others = f" Use via {listed(able, 'or')}." if able else ""
    if line.verb is Verb.CANCEL and Kind.CANCEL_CALL in words.kinds:
        by, not_by = ("number", "call id") if words.cancels_by == "number" else ("call id", "number")
        return Fault("connection", f"{line.connection} cancels by {by}, not by {not_by}.{others}")
    return Fault("connection", f"{line.connection} cannot {_does(line)}.{others}")


def _nobody_can(line: Line) -> Fault:
    kinds = {type(target) for target in line.targets}
    if len(kinds) > 1:
        return Fault("targets", "Numbers and ids cannot be cancelled in one request. Ask for them apart.")
    by = (
        {True: " by call id", False: " by number"}[IdTarget in kinds]
        if kinds and line.verb is Verb.CANCEL
        else ""
    )
    return Fault("connection", f"No connection here can {_does(line)}{by}.")


def _does(line: Line) -> str:
    return DOES[line.verb] if line.verb else "do this"
