"""Searches for actions by person, target, connection, time and text, newest first, in pages by key.

A single index leads, so a page costs the same in a log of any length and at any depth. It is the index of the
number, if one is given, else that of the most selective filter. Each of these ends in the time of the
request, which is the order of the pages. Texts have no index, because they must be erasable. They are
searched newest first, a fixed number of actions for a page, and the next page continues from there. Texts are
folded when they are compared (`storage.database.folding`), so that no other form of an erasable text is
stored.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final

from storage.database.folding import fold
from storage.database.repository import Repository, reads
from storage.database.views import CANCELLED_BY
from storage.event_log.hash_chain import microseconds, moment
from storage.event_log.writer import WriteContext
from storage.models import StateCount
from storage.queries import AskedToStop, Page, Query, SearchHit, SearchPage
from storage.repositories import do_not_call
from storage.repositories.rows import LAST_END, OF_LAST_END, SENT_AGAIN, as_looked_up
from storage.states import State

LOOKED_THROUGH: Final = 10_000
"""Actions whose texts are read for a page, which takes some tens of milliseconds."""

CUSTOMER_ASKED: Final = "customer asked"
"""Start of the reason of a cancellation that the called person asked for."""

_BY_NUMBER: Final = "lookup CROSS JOIN actions ON actions.n = lookup.action"
_SELECT: Final = f"""
    SELECT actions.*, personal.value AS action, look.seq AS looked_up, {SENT_AGAIN},
        json_extract(look.data, '$.found') AS lookup_found, known.value AS known_as,
        json_extract(look.data, '$.call_time') AS lookup_call_time,
        {LAST_END}, requests.requester AS asked_by, requests.channel AS asked_in, requests.rule AS rule,
        requests.mode AS mode, requests.stop AS stop, requests.new_time AS new_time, why.value AS reason,
        (SELECT value FROM personal WHERE event = first.asked_event AND field = 'purpose') AS purpose,
        (SELECT value FROM personal WHERE event = first.asked_event AND field = 'consent') AS consent,
        approvals.person AS decided_by,
        approvals.decision AS decision, approvals.at AS decided_at,
        (SELECT value FROM personal WHERE event = approvals.event AND field = 'note') AS decision_note,
        {CANCELLED_BY} AS cancelled_by
    FROM {{}}
    CROSS JOIN requests ON requests.id = actions.request
    LEFT JOIN personal ON personal.event = actions.asked_event AND personal.field = 'action'
    LEFT JOIN events AS look
        ON look.seq = (SELECT max(seq) FROM events WHERE action = actions.id AND name = 'looked_up')
    LEFT JOIN personal AS known ON known.event = look.seq AND known.field = 'known_as'
    {OF_LAST_END}
    LEFT JOIN actions AS first ON first.request = actions.request AND first.position = 1
    LEFT JOIN personal AS why ON why.event = first.asked_event AND why.field = 'reason'
    LEFT JOIN approvals
        ON approvals.event = (SELECT max(event) FROM approvals WHERE request = actions.request)
"""  # noqa: S608 - fixed text
_SAYS: Final = """
    EXISTS (SELECT 1 FROM events AS said CROSS JOIN personal AS written ON written.event = said.seq
        WHERE said.request = actions.request AND written.field IN ('reason', 'note', 'purpose', 'consent')
          AND instr(folded(written.value), :text))
"""
_ENDED: Final = "actions.kind = 'place_call' AND actions.ending = :ended"
_NO_NEWS: Final = f"""
    actions.kind = 'place_call' AND actions.ending IS NULL AND actions.state = 'succeeded'
    AND :ended = 'none' AND {CANCELLED_BY} IS NULL
"""
_NO_ROWS: Final = "(SELECT call_list FROM requests AS asked WHERE asked.id = actions.request) IS NULL"
_OF_TEAM: Final = "EXISTS (SELECT 1 FROM requests AS asked WHERE asked.id = actions.request AND team = :team)"


def page(
    connection: Connection, sources: WriteContext, query: Query, *, after: int | None = None, limit: int = 50
) -> Page:
    """Return a page of actions, newest first, by key. The last page is as fast as the first."""
    found = find(connection, sources, query, after=after, limit=limit)
    return Page(tuple(hit.record for hit in found.hits), after=found.after)


def find(
    connection: Connection,
    sources: WriteContext,
    query: Query,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> SearchPage:
    """Return the same as `page`, with facts of each action's request.

    ``before`` is a key, and selects the page of newer actions. In a search for text, a page ends after a
    fixed number of searched actions. Its ``partial`` says so.
    """
    number = None if query.number is None else sources.lookup(query.number)
    if before is not None and (found := _newer(connection, query, number, before, limit)):
        return found
    end = _end_of_window(connection, query, number, after) if query.text else None
    rows = _rows(connection, query, number, "older", limit + 1, key=after, end=end)
    hits = tuple(map(_hit, rows[:limit]))
    newer = rows[0]["n"] if rows and after is not None else None
    if len(rows) > limit:
        return SearchPage(hits, after=rows[limit - 1]["n"], before=newer)
    return SearchPage(hits, after=end, before=newer, partial=end is not None)


def _newer(
    connection: Connection, query: Query, number: bytes | None, before: int, limit: int
) -> SearchPage | None:
    """Return the page just before a key, or None if that is the first page."""
    rows = _rows(connection, query, number, "newer", limit + 1, key=before)
    if len(rows) <= limit:
        return None
    hits = tuple(map(_hit, reversed(rows[:limit])))
    return SearchPage(hits, after=rows[0]["n"], before=rows[limit - 1]["n"])


def _rows(
    connection: Connection,
    query: Query,
    number: bytes | None,
    way: str,
    limit: int,
    *,
    key: int | None,
    end: int | None = None,
) -> list[Any]:
    where, values = _conditions(query, number)
    for name, position, than in (("key", key, _BEYOND[way]), ("end", end, ">=")):
        if position is not None:
            where += f" AND {_placed(number, than, name)}"
            values[name] = position
    if query.text:
        where += f" AND {_SAYS}"
        values["text"] = fold(query.text)
    return connection.execute(
        f"{_SELECT.format(_source(query, number))} WHERE {where} ORDER BY {_order(number, way)} LIMIT :limit",
        values | {"limit": limit},
    ).fetchall()


def _end_of_window(
    connection: Connection, query: Query, number: bytes | None, after: int | None
) -> int | None:
    """Return the key of the last action to search, or None if the log ends earlier."""
    where, values = _conditions(query, number)
    if after is not None:
        where += f" AND {_placed(number, '<', 'key')}"
        values["key"] = after
    rows = connection.execute(
        f"SELECT actions.n FROM {_source(query, number)} WHERE {where}"  # noqa: S608 - fixed text
        f" ORDER BY {_order(number, 'older')} LIMIT 2 OFFSET :window",
        values | {"window": LOOKED_THROUGH - 1},
    ).fetchall()
    return rows[0]["n"] if len(rows) > 1 else None


_DIRECTION: Final = {"older": "DESC", "newer": "ASC"}
_BEYOND: Final = {"older": "<", "newer": ">"}


def _placed(number: bytes | None, than: str, key: str) -> str:
    """Return the condition that an action is on one side of a key, in its index' order."""
    if number:
        return f"lookup.action {than} :{key}"
    at = f"(SELECT asked_at FROM actions WHERE n = :{key})"  # noqa: S608 - fixed text
    return f"actions.asked_at {than[0]}= {at} AND (actions.asked_at, actions.n) {than} ({at}, :{key})"


def _order(number: bytes | None, way: str) -> str:
    """Return the order of an index. A number's actions are indexed in the order of their requests."""
    to = _DIRECTION[way]
    return f"lookup.action {to}" if number else f"actions.asked_at {to}, actions.n {to}"


def _source(query: Query, number: bytes | None) -> str:
    if number:
        return _BY_NUMBER
    return "actions" if query.id else f"actions INDEXED BY {leading(query)}"


def leading(query: Query) -> str:
    """Return the index that leads without a number.

    Most actions have succeeded, so other states are selective. The planner does not know how many rows match,
    and would prefer the requester to a state.
    """
    given = {
        "actions_ending": query.ended,
        "actions_state": query.states or query.state not in {None, State.SUCCEEDED},
        "actions_requester": query.requester,
        "actions_code": query.code,
        "actions_connection": query.connection,
        "actions_kind": query.kind,
    }
    unselective = "actions_state" if query.state else "actions_asked"
    return next((index for index, value in given.items() if value), unselective)


def _conditions(query: Query, number: bytes | None) -> tuple[str, dict[str, Any]]:
    conditions: dict[str, tuple[str, Any]] = {
        "number": ("lookup.number = :number", number),
        "state": ("actions.state = :state", query.state),
        "states": (
            "actions.state IN (SELECT value FROM json_each(:states))",
            json.dumps(sorted(query.states)) if query.states else None,
        ),
        "kind": ("actions.kind = :kind", query.kind),
        "code": ("actions.code = :code", query.code),
        "code_excluded": ("actions.code IS NOT :code_excluded", query.code_excluded),
        "id": ("(actions.request = :id OR actions.id = :id)", query.id),
        "connection": ("actions.connection = :connection", query.connection),
        "requester": ("actions.requester = :requester", query.requester),
        "since": ("actions.asked_at >= :since", query.since and microseconds(query.since)),
        "until": ("actions.asked_at < :until", query.until and microseconds(query.until)),
        "team": (_OF_TEAM, query.team),
        "no_rows": (_NO_ROWS, query.no_rows or None),
        "ended": (_NO_NEWS if query.ended == "none" else _ENDED, query.ended),
    }
    given = {name: (condition, value) for name, (condition, value) in conditions.items() if value is not None}
    where = " AND ".join(condition for condition, _ in given.values()) or "TRUE"
    return where, {name: value for name, (_, value) in given.items()}


def _hit(row: Mapping[str, Any]) -> SearchHit:
    return SearchHit(
        as_looked_up(row),
        requester=row["asked_by"],
        channel=row["asked_in"],
        rule=row["rule"],
        mode=row["mode"],
        stop=row["stop"],
        new_time=None if row["new_time"] is None else moment(row["new_time"]),
        reason=row["reason"],
        purpose=row["purpose"],
        consent=row["consent"],
        decided_by=row["decided_by"],
        decision=row["decision"],
        decided_at=None if row["decided_at"] is None else moment(row["decided_at"]),
        decision_note=row["decision_note"],
        cancelled_by=row["cancelled_by"],
    )


def asked_to_stop(connection: Connection, sources: WriteContext, number: str) -> AskedToStop | None:
    """Return since when a number is said to want no more calls, or None."""
    row = connection.execute(
        f"""
        SELECT events.request, events.at AS asked_at FROM stops JOIN events ON events.seq = stops.event
        WHERE stops.number = :number AND {do_not_call.COUNTS}
        UNION ALL  -- what carried out a stop stays, also where that was lifted since
        SELECT requests.stop, actions.asked_at FROM lookup
        CROSS JOIN actions ON actions.n = lookup.action JOIN requests ON requests.id = actions.request
        WHERE lookup.number = :number AND requests.stop IS NOT NULL
        UNION ALL
        SELECT actions.request, actions.asked_at FROM lookup
        CROSS JOIN actions ON actions.n = lookup.action
        JOIN actions AS first ON first.request = actions.request AND first.position = 1
        JOIN personal ON personal.event = first.asked_event AND personal.field = 'reason'
        WHERE lookup.number = :number AND actions.kind = 'cancel_call'
          AND folded(personal.value) LIKE :reason || '%'
        ORDER BY asked_at LIMIT 1
        """,  # noqa: S608 - fixed text
        {"number": sources.lookup(number), "reason": CUSTOMER_ASKED},
    ).fetchone()
    return None if row is None else AskedToStop(row["request"], moment(row["asked_at"]))


def tally(connection: Connection, since: datetime) -> list[StateCount]:
    """Count each connection's actions by state: all pending and unknown, and others changed since."""
    rows = connection.execute(
        """
        WITH recent AS (
            SELECT DISTINCT action FROM events WHERE seq > coalesce(
                (SELECT seq FROM events WHERE at < :since ORDER BY seq DESC LIMIT 1), 0))
        SELECT connection, state, count(*) AS count,
            count(*) FILTER (WHERE kind = 'place_call' AND state = 'succeeded') AS placed,
            count(ending) FILTER (WHERE state = 'succeeded') AS reported,
            count(*) FILTER (WHERE ending = 'answered' AND state = 'succeeded') AS reached
        FROM (
            SELECT connection, state, kind, ending FROM recent JOIN actions ON actions.id = recent.action
            WHERE updated_at >= :since AND state NOT IN ('pending', 'unknown')
            UNION ALL
            SELECT connection, state, kind, ending FROM actions
            WHERE state IN ('pending', 'unknown'))
        GROUP BY connection, state ORDER BY connection, state
        """,
        {"since": microseconds(since)},
    )
    return [StateCount(**dict(row) | {"state": State(row["state"])}) for row in rows]


class Search(Repository):
    """Searches and counts actions."""

    page = reads(page)
    find = reads(find)
    asked_to_stop = reads(asked_to_stop)
    tally = reads(tally)
