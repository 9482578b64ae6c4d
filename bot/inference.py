"""What was not said and can mean one thing only: the connection and the agent. Pure.

Nothing is chosen between two: then the candidates are named, for buttons to offer or a form to list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.line import ConnectionWords, Fault, Line, Verb, Vocabulary
from bot.targets import IdTarget
from providers.actions import Kind

_DOES: Mapping[Verb | None, str] = {
    Verb.PLACE: "place a call",
    Verb.CANCEL: "cancel a call",
    Verb.DELETE_CAMPAIGN: "delete a campaign",
}


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
    if line.verb not in _DOES:
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
    fitting = tuple(name for name in able if not line.agent or line.agent in known[name].agents)
    if _is_wrong(line, "connection"):
        return None, fitting, ()
    if len(fitting) == 1:
        return fitting[0], fitting, ()
    if fitting:
        return None, fitting, (Fault("connection", f"Which connection: {_or(fitting)}? Add via NAME."),)
    if able:
        message = f"{line.agent} is no agent of {_or(able)}, which could do this. Name another agent."
        return None, able, (Fault("agent", message),)
    return None, (), (_nobody_can(line),)


def _is_wrong(line: Line, field: str) -> bool:
    return any(fault.field == field for fault in line.faults)


def _can(line: Line, words: ConnectionWords) -> bool:
    if line.verb is Verb.PLACE:
        return Kind.PLACE_CALL in words.kinds
    if line.verb is Verb.DELETE_CAMPAIGN:
        return Kind.DELETE_CAMPAIGN in words.kinds
    by = {"call_id" if isinstance(target, IdTarget) else "number" for target in line.targets}
    return Kind.CANCEL_CALL in words.kinds and by <= {words.cancels_by}


def _needs_agent(line: Line, words: ConnectionWords) -> bool:
    return line.verb is Verb.PLACE or (line.verb is Verb.CANCEL and words.cancels_by == "number")


def _which_agent(connection: str, agents: Sequence[str]) -> Fault:
    if not agents:
        return Fault(
            "agent", f"{connection} has no agent yet. Add one under [connections.{connection}.agents]."
        )
    return Fault("agent", f"Which agent: {_or(agents)}? Add agent=NAME.")


def _cannot(line: Line, words: ConnectionWords, able: Sequence[str]) -> Fault:
    others = f" Use via {_or(able)}." if able else ""
    if line.verb is Verb.CANCEL and Kind.CANCEL_CALL in words.kinds:
        by, not_by = ("number", "call id") if words.cancels_by == "number" else ("call id", "number")
        return Fault("connection", f"{line.connection} cancels by {by}, not by {not_by}.{others}")
    return Fault("connection", f"{line.connection} cannot {_DOES[line.verb]}.{others}")


def _nobody_can(line: Line) -> Fault:
    kinds = {type(target) for target in line.targets}
    if len(kinds) > 1:
        return Fault("targets", "Numbers and ids cannot be cancelled in one request. Ask for them apart.")
    by = (
        {True: " by call id", False: " by number"}[IdTarget in kinds]
        if kinds and line.verb is Verb.CANCEL
        else ""
    )
    return Fault("connection", f"No connection here can {_DOES[line.verb]}{by}.")


def _or(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
