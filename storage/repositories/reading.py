"""Reading the SQLite store: rows become the log's values. The connection is in a transaction."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final

from pydantic import TypeAdapter

from providers.actions import (
    CallAction,
    CallRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    Retry,
    StartCampaign,
    StopCampaign,
)
from providers.masking import may_hold_number
from storage.database.migrations import NEVER
from storage.event_log.hash_chain import FOLLOWED, RULES, commitment, microseconds, moment, seal
from storage.log import NoSuchRequest
from storage.models import (
    Approval,
    Cancelled,
    Event,
    Followed,
    LogEntry,
    MessageRef,
    Request,
    Standstill,
    Tally,
    Waiting,
    Whole,
)
from storage.repositories import cancellations, outages
from storage.repositories.exclusion import HOLDING, WAITS
from storage.repositories.rate_limits import MINUTE
from storage.states import State, request_state

ACTION: Final = "action"
"""The personal field that holds the whole call action as JSON."""

_ACTION: Final[TypeAdapter[CallAction]] = TypeAdapter(CallAction)

_FROM: Final = """
    SELECT actions.*, personal.value AS action, look.seq AS looked_up,
        json_extract(look.data, '$.found') AS sighted, known.value AS known_as
    FROM {}
    LEFT JOIN personal ON personal.event = actions.asked_event AND personal.field = 'action'
    LEFT JOIN events AS look
        ON look.seq = (SELECT max(seq) FROM events WHERE entry = actions.id AND name = 'looked_up')
    LEFT JOIN personal AS known ON known.event = look.seq AND known.field = 'known_as'
"""
_ENTRIES: Final = _FROM.format("actions")
_APPROVED: Final = _FROM.format("actions INDEXED BY actions_approved")
_OVERDUE: Final = _FROM.format("actions INDEXED BY actions_not_after")
_MASKED: Final = _FROM.format("lookup CROSS JOIN actions ON actions.n = lookup.action")
_DECIDE_BY: Final = f"coalesce(decide_by, {NEVER})"
_PENDING: Final = "requests INDEXED BY requests_pending WHERE pending = 1"
_APPROVED_BY: Final = """
    (SELECT group_concat(DISTINCT person) FROM approvals
     WHERE approvals.request = requests.id AND decision = 'approve') AS approved_by
"""
_UNBEGUN: Final = _FROM.format("actions INDEXED BY actions_unbegun")
_UNSURE: Final = _FROM.format("actions INDEXED BY actions_unsure")
_APPROVED_NOW: Final = f"""
    WITH {HOLDING} {_APPROVED}
    WHERE state = 'approved' AND (not_before IS NULL OR not_before <= :now OR updated_at > :ahead)
    AND (not_after IS NULL OR not_after > :now)
    AND connection = :connection AND NOT {WAITS}
    AND actions.id NOT IN (SELECT value FROM json_each(:held))
"""  # noqa: S608 - fixed text
_READY: Final = f"{_APPROVED_NOW} ORDER BY last_event LIMIT :limit"
_READY_OF_KINDS: Final = f"""
    {_APPROVED_NOW} AND kind IN (SELECT value FROM json_each(:kinds)) ORDER BY last_event LIMIT :limit
"""  # noqa: S608 - fixed text
_WAITED_FOR: Final = """
    WITH RECURSIVE one (name) AS (
        SELECT min(connection) FROM actions INDEXED BY actions_approved WHERE state = 'approved'
        UNION ALL
        SELECT (SELECT min(connection) FROM actions INDEXED BY actions_approved
                WHERE state = 'approved' AND connection > one.name)
        FROM one WHERE name IS NOT NULL)
    SELECT name FROM one WHERE name IS NOT NULL
"""
"""The connections of approved entries: one step of the index for each, however many entries wait."""
_BY_NUMBER: Final = _FROM.format("lookup CROSS JOIN actions ON actions.n = lookup.action")
_SCHEDULED: Final = _FROM.format(
    "actions INDEXED BY actions_scheduled LEFT JOIN lookup ON lookup.action = actions.n"
)
_SCHEDULED_BY: Final = _FROM.format(
    "actions INDEXED BY actions_scheduled_by LEFT JOIN lookup ON lookup.action = actions.n"
)
_STILL_TO_GO_OUT: Final = f"""
    kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled' AND scheduled_for > :now
    AND NOT EXISTS (
        SELECT 1 FROM lookup AS also CROSS JOIN actions AS cancel ON cancel.n = also.action
        WHERE also.number = lookup.number AND cancel.kind = 'cancel_call' AND cancel.state = 'succeeded'
          AND cancel.connection = actions.connection AND cancel.agent = actions.agent
          AND {cancellations.same_account("actions", "cancel")}
          AND actions.last_event < (
              SELECT {cancellations.SENT}
              FROM events AS ended CROSS JOIN events ON events.request = cancel.request
                AND events.entry = cancel.id AND events.name = 'sending'
              WHERE ended.seq = cancel.last_event))
    AND NOT EXISTS (
        SELECT 1 FROM actions AS cancel INDEXED BY actions_target
        WHERE cancel.target_id = actions.reference AND cancel.connection = actions.connection
          AND cancel.kind = 'cancel_call' AND cancel.state = 'succeeded'
          AND {cancellations.same_account("actions", "cancel")})
"""  # noqa: S608 - fixed text


def find(connection: Connection, request: str) -> str:
    """The id of a request, from its own or an entry's. Raises `NoSuchRequest`."""
    found = connection.execute(
        "SELECT request FROM actions WHERE id = :id OR request = :id", {"id": request}
    ).fetchone()
    if found is None:
        raise NoSuchRequest(request)
    return str(found["request"])


def request(connection: Connection, request: str) -> Request:
    """Read a request by its id or an entry's. Raises `NoSuchRequest`."""
    found = find(connection, request)
    row = connection.execute("SELECT * FROM requests WHERE id = ?", [found]).fetchone()
    entries = connection.execute(
        f"{_ENTRIES} WHERE actions.request = ? ORDER BY position", [found]
    ).fetchall()
    kept = connection.execute(
        """
        SELECT event, field, salt, value FROM personal
        WHERE event IN (SELECT asked_event FROM actions WHERE request = ?) AND value IS NOT NULL
        ORDER BY event, field
        """,
        [found],
    ).fetchall()
    approvals = connection.execute("SELECT * FROM approvals WHERE request = ? ORDER BY event", [found])
    messages = connection.execute("SELECT slot, channel, ts FROM messages WHERE request = ?", [found])
    waits = any(entry["state"] == State.APPROVED for entry in entries)
    read = as_request(
        row,
        personal={one["field"]: one["value"] for one in kept if one["event"] == entries[0]["asked_event"]},
        sealed=seal(commitment(one["salt"] or b"", one["value"]) for one in kept),
        entries=tuple(map(as_looked_up, entries)),
        approvals=tuple(map(_approval, approvals)),
        messages={slot: MessageRef(channel, ts) for slot, channel, ts in messages},
        followed_by=_followed_by(connection, found) if row["moves"] else None,
        cancelled=cancellations.cancelled(connection, found) if row["kind"] == Kind.PLACE_CALL else None,
        waits_for=outages.waits_for(connection, row["connection"]) if waits else None,
    )
    return replace(read, done_by=cancellations.done_by(connection, found)) if _is_unsent(entries) else read


def _is_unsent(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are of one cancellation whose time ran out."""
    [first, *others] = entries
    return not others and first["kind"] == Kind.CANCEL_CALL and first["state"] == State.EXPIRED


def _followed_by(connection: Connection, move: str) -> Followed | None:
    """The second step of a move: as it stands, or that it was found impossible."""
    states = connection.execute(
        """
        SELECT requests.id, state, code, message FROM requests JOIN actions ON actions.request = requests.id
        WHERE follows = ?
        """,
        [move],
    ).fetchall()
    if states:
        state = request_state(State(row["state"]) for row in states)
        return Followed(states[0]["id"], state, states[0]["code"], states[0]["message"])
    told = connection.execute("SELECT 1 FROM events WHERE request = ? AND name = ?", [move, FOLLOWED])
    return Followed(None, State.REFUSED) if told.fetchone() else None


def events(connection: Connection, request: str) -> list[Event]:
    """Read the events of a request or a fault. Raises `NoSuchRequest`."""
    query = "SELECT * FROM events WHERE request = ? ORDER BY seq"
    rows = connection.execute(query, [request]).fetchall()
    return [as_event(row) for row in rows or connection.execute(query, [find(connection, request)])]


def private(connection: Connection, request: str) -> list[tuple[int, str, str]]:
    """The personal values still kept for a request or a fault. Raises `NoSuchRequest`."""
    rows = connection.execute(
        """
        SELECT personal.event, personal.field, personal.value
        FROM events JOIN personal ON personal.event = events.seq
        WHERE events.request = ? AND personal.value IS NOT NULL ORDER BY personal.id
        """,
        [events(connection, request)[0].request],
    )
    return [(event, field, value) for event, field, value in rows]


def whole(connection: Connection, name: str) -> Whole:
    """A request, its events and the personal values still kept. Raises `NoSuchRequest`."""
    found = request(connection, name)
    return Whole(found, events(connection, found.id), private(connection, found.id))


def coming_up(connection: Connection, name: str, agent: str, number: bytes, now: datetime) -> list[LogEntry]:
    """Scheduled calls to a number, of one connection and agent, that nobody has cancelled through us."""
    return _entries(
        connection,
        _BY_NUMBER,
        f"""
        WHERE lookup.number = :number AND connection = :connection AND agent = :agent AND {_STILL_TO_GO_OUT}
        ORDER BY scheduled_for, n
        """,
        {"connection": name, "agent": agent, "number": number, "now": microseconds(now)},
    )


def scheduled(
    connection: Connection, connections: Collection[str], now: datetime, *, mine: str, limit: int
) -> list[LogEntry]:
    """Scheduled calls of these connections that nobody has cancelled through us, one person's own first."""
    found: list[LogEntry] = []
    for source, whose in ((_SCHEDULED_BY, "requester = :mine"), (_SCHEDULED, "requester <> :mine")):
        found += _entries(
            connection,
            source,
            f"""
            WHERE {_STILL_TO_GO_OUT} AND personal.value IS NOT NULL AND {whose}
              AND connection IN (SELECT value FROM json_each(:connections))
            ORDER BY scheduled_for, n LIMIT :limit
            """,  # noqa: S608 - fixed text
            {
                "connections": json.dumps(list(connections)),
                "now": microseconds(now),
                "mine": mine,
                "limit": limit - len(found),
            },
        )
    return found


def scheduled_to(connection: Connection, number: bytes, now: datetime) -> list[LogEntry]:
    """Scheduled calls to a number, through whatever connection, that nobody has cancelled through us."""
    return _entries(
        connection,
        _BY_NUMBER,
        f"WHERE lookup.number = :number AND {_STILL_TO_GO_OUT} ORDER BY scheduled_for, n",
        {"number": number, "now": microseconds(now)},
    )


def still_goes_out(connection: Connection, request: str, now: datetime) -> bool:
    """Whether a call placed by a request should still go out."""
    return bool(
        connection.execute(
            f"""
            SELECT 1 FROM (SELECT n AS own FROM actions AS asked WHERE asked.request = :request)
            CROSS JOIN actions ON actions.n = own LEFT JOIN lookup ON lookup.action = actions.n
            WHERE {_STILL_TO_GO_OUT}
            """,  # noqa: S608 - fixed text
            {"request": request, "now": microseconds(now)},
        ).fetchone()
    )


def holders(connection: Connection, ids: Collection[str], lookup: Callable[[str], bytes]) -> frozenset[str]:
    """The connections whose provider gave out one of these ids, or did what was asked of it.

    ``lookup`` gives what an id is found under that holds a number.
    """
    found = connection.execute(
        """
        SELECT actions.connection FROM json_each(:ids) AS id
            JOIN events ON json_extract(events.data, '$.reference') = id.value
            JOIN actions ON actions.id = events.entry
        UNION
        SELECT actions.connection FROM json_each(:ids) AS id
            CROSS JOIN actions INDEXED BY actions_target ON actions.target_id = id.value
        WHERE actions.state = 'succeeded'
        """,
        {"ids": json.dumps(list(ids))},
    ).fetchall()
    for one in filter(may_hold_number, ids):
        found += connection.execute(
            """
            SELECT connection FROM lookup CROSS JOIN actions ON actions.n = lookup.action
            WHERE lookup.number = ? AND actions.state = 'succeeded'
            """,
            [lookup(one)],
        ).fetchall()
    return frozenset(name for (name,) in found)


def known_call(connection: Connection, name: str, reference: str, now: datetime) -> LogEntry | None:
    """A scheduled call by its provider's id, which nobody has cancelled through us."""
    found = _entries(
        connection,
        _ENTRIES,
        """
        WHERE actions.id IN (SELECT entry FROM events WHERE json_extract(data, '$.reference') = :reference)
          AND reference = :reference AND +connection = :connection AND +kind = 'place_call'
          AND +state = 'succeeded' AND +code = 'scheduled' AND +scheduled_for > :now
          AND NOT EXISTS (
            SELECT 1 FROM actions AS cancel INDEXED BY actions_target
            WHERE cancel.target_id = actions.reference AND cancel.connection = actions.connection
              AND cancel.kind = 'cancel_call' AND cancel.state = 'succeeded')
        ORDER BY scheduled_for, n LIMIT 1
        """,
        {"connection": name, "reference": reference, "now": microseconds(now)},
    )
    return found[0] if found else None


def known_ids(connection: Connection, ids: Collection[str], lookup: Callable[[str], bytes]) -> set[str]:
    """Those of some providers' ids that an action was aimed at, or that a provider gave one.

    ``lookup`` gives what an id is found under that holds a number.
    """
    rows = connection.execute(
        """
        WITH asked AS (SELECT DISTINCT value FROM json_each(:ids))
        SELECT value FROM asked
        WHERE EXISTS (SELECT 1 FROM actions WHERE target_id = value)
           OR EXISTS (SELECT 1 FROM events WHERE json_extract(data, '$.reference') = value)
        """,
        {"ids": json.dumps(list(ids))},
    )
    held = "SELECT 1 FROM lookup WHERE number = ?"
    return {found for (found,) in rows} | {
        one for one in ids if may_hold_number(one) and connection.execute(held, [lookup(one)]).fetchone()
    }


def is_reference(connection: Connection, identifier: str) -> bool:
    """Whether a provider gave that id to something that was asked of it."""
    found = connection.execute(
        "SELECT 1 FROM events WHERE json_extract(data, '$.reference') = ?", [identifier]
    )
    return found.fetchone() is not None


def seen(connection: Connection, name: str, account: str, reference: str, before: datetime) -> bool:
    """Whether an event before that time recorded the reference for that connection, and nobody ended it.

    ``account`` is the fingerprint that its requests' must begin with.
    """
    found = connection.execute(
        """
        SELECT 1 FROM events JOIN actions ON actions.id = events.entry
            JOIN requests ON requests.id = actions.request
        WHERE json_extract(events.data, '$.reference') = :reference AND events.at < :before
          AND actions.connection = :connection
          AND substr(requests.fingerprint, 1, length(:account)) = :account
        """,
        {
            "reference": reference,
            "before": microseconds(before),
            "connection": name,
            "account": account,
        },
    )
    return found.fetchone() is not None and not _was_ended(connection, name, reference)


COPIED: Final = "copied"
"""The row of ``meta`` that a backup has: when its last event was, in microseconds."""


def copied_at(connection: Connection) -> datetime | None:
    """Return when this file was copied from another one as a backup; None where it never was."""
    found = connection.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?", [COPIED]).fetchone()
    return None if found is None else moment(found[0])


def sighted_before(connection: Connection, entry: str) -> bool:
    """Whether a look-up saw the entry's target before its first attempt, and nobody ended it through us."""
    found = connection.execute(
        """
        SELECT connection, target_id, lookup.number FROM events AS look
        JOIN actions ON actions.id = look.entry LEFT JOIN lookup ON lookup.action = actions.n
        WHERE look.entry = :entry AND look.name = 'looked_up' AND json_extract(look.data, '$.found')
          AND NOT EXISTS (
            SELECT 1 FROM events AS sent
            WHERE sent.request = actions.request AND sent.entry = :entry AND sent.name = 'sending'
              AND sent.seq < look.seq)
        """,
        {"entry": entry},
    ).fetchone()
    return found is not None and not _was_ended(
        connection, found["connection"], found["target_id"], found["number"]
    )


def _was_ended(
    connection: Connection, name: str, reference: str | None, looked_up: bytes | None = None
) -> bool:
    """Whether what has that id was cancelled or deleted through us. Stopping and starting end nothing.

    ``looked_up`` is what the id is found under where it holds a number.
    """
    ended = connection.execute(
        """
        SELECT 1 FROM actions INDEXED BY actions_target
        WHERE target_id = ? AND connection = ? AND state = 'succeeded'
          AND kind IN ('cancel_call', 'delete_campaign')
        UNION ALL
        SELECT 1 FROM lookup CROSS JOIN actions ON actions.n = lookup.action
        WHERE lookup.number = ? AND connection = ? AND state = 'succeeded' AND agent IS NULL
          AND kind IN ('cancel_call', 'delete_campaign')
        """,
        [reference, name, looked_up, name],
    )
    return ended.fetchone() is not None


def tally(connection: Connection, since: datetime) -> list[Tally]:
    """How many actions came to stand where they stand since then, or still wait or are unknown."""
    rows = connection.execute(
        """
        WITH recent AS (
            SELECT DISTINCT entry FROM events WHERE seq > coalesce(
                (SELECT seq FROM events WHERE at < :since ORDER BY seq DESC LIMIT 1), 0))
        SELECT connection, state, count(*) AS count FROM (
            SELECT connection, state FROM recent JOIN actions ON actions.id = recent.entry
            WHERE updated_at >= :since AND state NOT IN ('pending', 'unknown')
            UNION ALL
            SELECT connection, state FROM actions INDEXED BY actions_state
            WHERE state IN ('pending', 'unknown'))
        GROUP BY connection, state ORDER BY connection, state
        """,
        {"since": microseconds(since)},
    )
    return [Tally(row["connection"], State(row["state"]), row["count"]) for row in rows]


def ready(
    connection: Connection,
    now: datetime,
    limit: int,
    without: Collection[str] = (),
    kinds: Collection[Kind] = (),
    held: Collection[str] = (),
) -> list[LogEntry]:
    """Approved entries that may be sent, in the order they were approved: so many of each connection."""
    names = [name for (name,) in connection.execute(_WAITED_FOR).fetchall() if name not in without]
    ahead = microseconds(now + MINUTE)  # what is moved after that is moved by a clock that is set back since
    values = {"now": microseconds(now), "ahead": ahead, "limit": limit, "held": json.dumps(list(held))} | (
        {"kinds": json.dumps(list(kinds))} if kinds else {}
    )
    query = _READY_OF_KINDS if kinds else _READY
    return _of_each(connection, names, query, values, order="last_event")


def overdue(connection: Connection, now: datetime) -> list[LogEntry]:
    """Approved entries whose ordered attempt may not begin any more."""
    return _entries(
        connection,
        _OVERDUE,
        "WHERE state = 'approved' AND not_after <= :now ORDER BY not_after",
        {"now": microseconds(now)},
    )


def unsighted(
    connection: Connection, connections: Collection[str], limit: int, after: Mapping[str, int]
) -> tuple[list[LogEntry], dict[str, int]]:
    """Entries that were not looked up yet and have not been begun, among so many of each connection.

    ``after`` is the place in the log behind which each connection's are read. Also where to go on.
    """
    query = f"""
        {_UNBEGUN}
        WHERE state IN ('pending', 'approved') AND attempt = 0
        AND connection = :connection AND n > :after ORDER BY n LIMIT :limit
    """
    rows = [
        row
        for name in connections
        for row in connection.execute(
            query, {"connection": name, "after": after.get(name, 0), "limit": limit}
        ).fetchall()
    ]
    found = sorted((row for row in rows if row["looked_up"] is None), key=lambda row: row["n"])
    return list(map(as_looked_up, found)), {**after, **{row["connection"]: row["n"] for row in rows}}


def unsure(connection: Connection, connections: Collection[str], limit: int) -> list[LogEntry]:
    """Deletions in doubt that were not looked up since they are: so many of each connection."""
    query = f"""
        {_UNSURE}
        WHERE state = 'unknown' AND kind = 'delete_campaign'
        AND (look.seq IS NULL OR look.seq < actions.last_event)
        AND connection = :connection ORDER BY n LIMIT :limit
    """
    return _of_each(connection, connections, query, {"limit": limit}, order="n")


def lapsed(connection: Connection, now: datetime) -> list[LogEntry]:
    """Entries in sending that nobody holds any more."""
    return _entries(
        connection,
        _ENTRIES,
        """
        WHERE state = 'sending' AND (lease_until IS NULL OR lease_until <= :now)
        ORDER BY lease_until
        """,
        {"now": microseconds(now)},
    )


def undecided(connection: Connection, now: datetime, limit: int) -> list[Request]:
    """Pending requests past their time, the longest past first."""
    past = connection.execute(
        f"SELECT id FROM {_PENDING} AND {_DECIDE_BY} <= ? ORDER BY {_DECIDE_BY}, asked_at, id LIMIT ?",  # noqa: S608 - fixed text
        [microseconds(now), limit],
    ).fetchall()
    return [request(connection, found) for (found,) in past]


def rules(connection: Connection) -> Event | None:
    """The last event that says which rules are in force."""
    row = connection.execute(
        "SELECT * FROM events WHERE name = ? ORDER BY seq DESC LIMIT 1", [RULES]
    ).fetchone()
    return None if row is None else as_event(row)


def pending(
    connection: Connection, limit: int, after: Waiting | None = None, team: str | None = None
) -> list[Waiting]:
    """Pending requests in short, the soonest deadline first; those without one come last."""
    beyond, values = "TRUE", list[object]()
    if after:
        beyond = f"{_DECIDE_BY} >= ? AND ({_DECIDE_BY}, asked_at, id) > (?, ?, ?)"
        end = NEVER if after.decide_by is None else microseconds(after.decide_by)
        values = [end, end, microseconds(after.asked_at), after.id]
    rows = connection.execute(
        f"""
        SELECT *, {_APPROVED_BY} FROM {_PENDING} AND {beyond} AND team = coalesce(?, team)
        ORDER BY {_DECIDE_BY}, asked_at, id LIMIT ?
        """,  # noqa: S608 - fixed text
        [*values, team, limit],
    )
    return list(map(_waiting, rows))


def count_pending(connection: Connection, at_most: int, team: str | None = None) -> int:
    """Count pending requests, and stop at so many."""
    [(count,)] = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {_PENDING} AND team = coalesce(?, team) LIMIT ?)",  # noqa: S608 - fixed text
        [team, at_most],
    )
    return int(count)


def pending_since(connection: Connection, after: int, limit: int) -> tuple[list[str], int]:
    """Return the requests of the pending actions behind a place in the log, and the place of the last one."""
    rows = connection.execute(
        """
        SELECT n, request FROM actions INDEXED BY actions_pending
        WHERE state = 'pending' AND n > ? ORDER BY n LIMIT ?
        """,
        [after, limit],
    ).fetchall()
    return list(dict.fromkeys(row["request"] for row in rows)), rows[-1]["n"] if rows else after


def pending_request(connection: Connection, request: str) -> Waiting | None:
    """Return a request in short where it is still pending."""
    row = connection.execute(
        f"SELECT *, {_APPROVED_BY} FROM requests WHERE id = ? AND pending = 1",  # noqa: S608 - fixed text
        [request],
    ).fetchone()
    return None if row is None else _waiting(row)


def _waiting(row: Mapping[str, Any]) -> Waiting:
    return Waiting(
        row["id"],
        row["requester"],
        row["team"],
        row["rule"],
        moment(row["asked_at"]),
        decide_by=_time(row["decide_by"]),
        approved_by=frozenset(filter(None, (row["approved_by"] or "").split(","))),
    )


def alike(connection: Connection, masked: bytes) -> list[LogEntry]:
    """Pending entries whose number reads so when masked."""
    return _entries(
        connection, _MASKED, "WHERE lookup.masked = :masked ORDER BY actions.n", {"masked": masked}
    )


def campaigns_seen(connection: Connection) -> set[tuple[str, str, str]]:
    """The campaigns that look-ups named, but for those that were deleted: connection, id and name."""
    rows = connection.execute(
        """
        SELECT DISTINCT actions.connection, actions.target_id, personal.value
        FROM events INDEXED BY events_looked_up
        CROSS JOIN personal ON personal.event = events.seq AND personal.field = 'known_as'
        CROSS JOIN actions ON actions.id = events.entry
        WHERE events.name = 'looked_up' AND personal.value IS NOT NULL AND actions.target_id IS NOT NULL
          AND NOT EXISTS (
            SELECT 1 FROM actions AS deletion INDEXED BY actions_target
            WHERE deletion.target_id = actions.target_id AND deletion.connection = actions.connection
              AND deletion.kind = 'delete_campaign' AND deletion.state = 'succeeded')
        """
    )
    return {(row[0], row[1], row[2]) for row in rows}


def last_asked(connection: Connection, people: Collection[str]) -> dict[str, datetime]:
    """When each of these people was last asked to decide."""
    rows = connection.execute(
        """
        SELECT value AS person, (
            SELECT max(at) FROM events INDEXED BY events_asked
            WHERE name = 'asked' AND json_extract(data, '$.person') = value) AS at
        FROM json_each(?)
        """,
        [json.dumps(list(people))],
    )
    return {row["person"]: moment(row["at"]) for row in rows if row["at"] is not None}


def as_action(value: str | None) -> CallAction | None:
    """A call action from its JSON; None once it was erased."""
    return None if value is None else _ACTION.validate_json(value)


def agent_and_target(action: CallAction) -> tuple[str | None, str | None]:
    """The agent of an action, and the provider's id that it is aimed at; None for what it does not have."""
    match action:
        case PlaceCall(agent=agent) | CancelCall(target=NumberRef(agent=agent)):
            return agent, None
        case CancelCall(target=CallRef(call_id=target_id)):
            return None, target_id
        case DeleteCampaign(target=target) | StopCampaign(target=target) | StartCampaign(target=target):
            return None, target.campaign_id
    raise AssertionError(action)


def as_json(action: CallAction) -> str:
    """A call action as JSON, every field of it."""
    return _ACTION.dump_json(action).decode()


def as_entry(
    row: Mapping[str, Any],
    action: CallAction | None,
    *,
    looked_up: bool = False,
    sighted: bool | None = None,
    known_as: str | None = None,
) -> LogEntry:
    """An entry from its row, with what its last look-up said."""
    code, retry = row["code"], row["retry"]
    return LogEntry(
        id=row["id"],
        request=row["request"],
        position=row["position"],
        kind=Kind(row["kind"]),
        connection=row["connection"],
        agent=row["agent"],
        target_id=row["target_id"] or (agent_and_target(action)[1] if action else None),
        scheduled_for=_time(row["scheduled_for"]),
        state=State(row["state"]),
        attempt=row["attempt"],
        doubted=bool(row["doubted"]),
        owner=row["owner"],
        lease_until=_time(row["lease_until"]),
        not_before=_time(row["not_before"]),
        code=None if code is None else Code(code),
        message=row["message"],
        retry=None if retry is None else Retry(retry),
        reference=row["reference"],
        http_status=row["http_status"],
        asked_at=moment(row["asked_at"]),
        updated_at=moment(row["updated_at"]),
        action=action,
        not_after=_time(row["not_after"]),
        looked_up=looked_up,
        sighted=sighted,
        known_as=known_as,
    )


def as_request(  # noqa: PLR0913 - a request has many parts
    row: Mapping[str, Any],
    *,
    personal: Mapping[str, str],
    sealed: str,
    entries: Sequence[LogEntry],
    approvals: Sequence[Approval] = (),
    messages: Mapping[str, MessageRef],
    followed_by: Followed | None = None,
    cancelled: Cancelled | None = None,
    waits_for: Standstill | None = None,
) -> Request:
    """A request from its row and what belongs to it."""
    return Request(
        id=row["id"],
        kind=Kind(row["kind"]),
        connection=row["connection"],
        fingerprint=row["fingerprint"],
        requester=row["requester"],
        team=row["team"],
        channel=row["channel"],
        rule=row["rule"],
        approvals_needed=row["approvals_needed"],
        decide_by=_time(row["decide_by"]),
        asked_at=moment(row["asked_at"]),
        reason=personal.get("reason"),
        purpose=personal.get("purpose"),
        consent=personal.get("consent"),
        entries=entries,
        approvals=approvals,
        messages=messages,
        mode=row["mode"],
        goes_out=_time(row["goes_out"]),
        moves=row["moves"],
        moves_to=_time(row["moves_to"]),
        follows=row["follows"],
        followed_by=followed_by,
        cancelled=cancelled,
        zone=personal.get("zone"),
        stop=row["stop"],
        why=row["why"],
        sealed=sealed,
        waits_for=waits_for,
    )


def as_event(row: Mapping[str, Any]) -> Event:
    """An event from its row."""
    return Event(
        row["seq"],
        moment(row["at"]),
        row["request"],
        row["entry"],
        row["name"],
        row["actor"],
        json.loads(row["data"]),
        json.loads(row["private"]),
        row["previous"],
        row["hash"],
    )


def _approval(row: Mapping[str, Any]) -> Approval:
    members = tuple(row["members"].split())
    return Approval(row["person"], row["decision"], row["group"], members, row["content"], moment(row["at"]))


def _of_each(
    connection: Connection,
    connections: Collection[str],
    query: str,
    values: Mapping[str, object],
    *,
    order: str,
) -> list[LogEntry]:
    """What a query finds for each of these connections, all in one order: none hides another's."""
    rows = [
        row
        for name in connections
        for row in connection.execute(query, {**values, "connection": name}).fetchall()
    ]
    return list(map(as_looked_up, sorted(rows, key=lambda row: row[order])))


def _entries(connection: Connection, source: str, where: str, values: Mapping[str, object]) -> list[LogEntry]:
    rows = connection.execute(source + where, dict(values))
    return list(map(as_looked_up, rows))


def as_looked_up(row: Mapping[str, Any]) -> LogEntry:
    """An entry from its row, read with its action and its last look-up."""
    return as_entry(
        row,
        as_action(row["action"]),
        looked_up=row["looked_up"] is not None,
        sighted=None if row["sighted"] is None else bool(row["sighted"]),
        known_as=row["known_as"],
    )


def _time(at: int | None) -> datetime | None:
    return None if at is None else moment(at)
