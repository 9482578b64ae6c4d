"""Which connection and which agent, and what can be asked of them and what not. Pure."""

from collections.abc import Sequence

from bot.parsing.tokens import listed

BY = {"number": "number", "call_id": "call id"}
"""By what calls are cancelled."""


def which_connection(connections: Sequence[str]) -> str:
    return f"Which connection: {listed(connections, 'or')}? Add via NAME."


def which_agent(agents: Sequence[str]) -> str:
    return f"Which agent: {listed(agents, 'or')}? Add agent=NAME."


def no_agent_yet(connection: str) -> str:
    return (
        f"{connection} has no agent yet. Ask whoever runs CallOps to add one under "
        f"[connections.{connection}.agents]."
    )


def no_agent_of(connections: Sequence[str], agent: str) -> str:
    return f"{agent} is no agent of {listed(connections, 'or')}, which could do this. Name another agent."


def takes_no(title: str, field: str) -> str:
    return f"{title} takes no {field}. Leave it out, or use another connection."


def tried_out(connection: str, number: str) -> str:
    return (
        f"{connection} may call only the numbers in its allow_numbers, and {number} is not one of them. "
        "Use one that is, or ask whoever runs CallOps to add it."
    )


def cannot(connection: str, does: str, able: Sequence[str]) -> str:
    return f"{connection} cannot {does}.{_instead(able)}"


def cancels_by(connection: str, by: str, not_by: str, able: Sequence[str]) -> str:
    return f"{connection} cancels by {BY[by]}, not by {BY[not_by]}.{_instead(able)}"


def _instead(connections: Sequence[str]) -> str:
    return f" Use via {listed(connections, 'or')}." if connections else ""


def nobody_can(does: str) -> str:
    return f"No connection here can {does}. Ask whoever runs CallOps."


def nobody_cancels_by(does: str, by: str) -> str:
    return f"No connection here can {does} by {BY[by]}. Ask whoever runs CallOps."


NUMBERS_AND_IDS = (
    "Numbers and ids cannot be cancelled in one request. Ask for the numbers in one line, and for the ids in "
    "another."
)


def beyond_documents(titles: Sequence[str]) -> str:
    """The one line that marks what providers' documents do not have."""
    owners = [f"{title}'" if title.endswith("s") else f"{title}'s" for title in titles]
    return f"Beyond {listed(owners, 'and')} documents: it may not work as we expect."
