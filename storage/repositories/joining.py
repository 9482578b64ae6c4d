"""What is asked already: an action of the same kind that is still under way for the same target.

A second request for it joins the first one. The same target is the same number and agent, or the same id, at
the same account as it is set up now. A move calls the number again, so it is joined only by a move to the
same time, and joins nothing else. What was sent and has no answer counts only until something else was
asked for the target: then a new action is about something newer.
"""

from sqlite3 import Connection
from typing import Final

from storage.changes import NewRequest
from storage.event_log.hash_chain import microseconds

_UNDER_WAY: Final = """
    actions.kind = :kind AND actions.connection = :connection
    AND actions.state IN ('pending', 'approved', 'sending', 'unknown')
    AND requests.fingerprint = :fingerprint AND requests.mode IS :mode
    AND requests.moves IS :moves AND requests.moves_to IS :moves_to
    AND (actions.state <> 'pending' OR requests.decide_by IS NULL OR requests.decide_by > :now)
"""
_BY_NUMBER: Final = f"""
    SELECT actions.request FROM lookup CROSS JOIN actions ON actions.n = lookup.action
        JOIN requests ON requests.id = actions.request
    WHERE lookup.number = :number AND actions.agent IS :agent AND {_UNDER_WAY}
    AND (actions.state = 'pending' OR NOT EXISTS (
        SELECT 1 FROM lookup AS also CROSS JOIN actions AS later ON later.n = also.action
        WHERE also.number = :number AND later.n > actions.n AND later.kind <> actions.kind
          AND later.connection = actions.connection AND later.agent IS actions.agent))
    ORDER BY actions.n DESC LIMIT 1
"""  # noqa: S608 - fixed text
_BY_ID: Final = f"""
    SELECT actions.request FROM actions INDEXED BY actions_target
        JOIN requests ON requests.id = actions.request
    WHERE actions.target_id = :target_id AND {_UNDER_WAY}
    AND (actions.state = 'pending' OR NOT EXISTS (
        SELECT 1 FROM actions AS later INDEXED BY actions_target
        WHERE later.target_id = :target_id AND later.n > actions.n AND later.kind <> actions.kind
          AND later.connection = actions.connection))
    ORDER BY actions.n DESC LIMIT 1
"""  # noqa: S608 - fixed text


def under_way(
    connection: Connection,
    new: NewRequest,
    *,
    number: bytes | None,
    agent: str | None,
    target_id: str | None,
    now: int,
) -> str | None:
    """The request that asks for the same already, or None. ``number`` as it is looked up, ``now`` in µs."""
    found = connection.execute(
        _BY_NUMBER if target_id is None else _BY_ID,
        {
            "kind": new.kind,
            "connection": new.connection,
            "fingerprint": new.fingerprint,
            "mode": new.mode,
            "moves": new.moves,
            "moves_to": None if new.moves_to is None else microseconds(new.moves_to),
            "number": number,
            "agent": agent,
            "target_id": target_id,
            "now": now,
        },
    ).fetchone()
    return None if found is None else str(found["request"])
