"""Writing to the SQLite store: each function is what happens in one transaction, under the write lock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from sqlite3 import Connection
from typing import Final

from providers.masking import may_hold_number
from providers.phone import mask
from storage.database.connection import CannotOpen
from storage.database.repository import Repository, reads, writes_with_sources
from storage.errors import AlreadyAsked, Conflict, NoSuchRequest
from storage.event_log import hash_chain
from storage.event_log.hash_chain import (
    CHANGEABLE_COLUMNS,
    ENTRY_COLUMNS,
    ERASED,
    PURGED,
    REQUEST_COLUMNS,
    REQUESTED,
    RULES,
    microseconds,
)
from storage.event_log.writer import Chain, Sources
from storage.ids import new_id
from storage.models import (
    Approval,
    Change,
    Event,
    LogEntry,
    Move,
    NewAction,
    NewRequest,
    Note,
    Recorded,
    Request,
    Scalar,
)
from storage.repositories import cancellations, do_not_call, exclusion, joining, outbox
from storage.repositories.audit import DENIED_ATTEMPT, EXPORTED, FAULT, has_events
from storage.repositories.call_history import is_reference
from storage.repositories.rows import (
    ACTION,
    agent_and_target,
    as_action,
    as_entry,
    as_json,
    as_request,
    read_events,
    read_private,
    read_request,
    read_whole,
)
from storage.states import NEVER_IN_DOUBT, IllegalMove, State, check

INBOUND_KEPT: Final = timedelta(days=7)
"""How long a delivery of Slack's is remembered; Slack repeats one for some minutes."""


APPROVAL_RECORDED: Final = "approval_recorded"
"""An approval that is not the last one needed."""


_NO_NOTES: Final = frozenset(
    {
        REQUESTED,
        ERASED,
        PURGED,
        FAULT,
        DENIED_ATTEMPT,
        EXPORTED,
        APPROVAL_RECORDED,
        RULES,
        *do_not_call.EVENTS,
    }
)


class TooLate(Exception):
    """The request does not stand any more where a change expects it."""


def has_key(connection: Connection, sources: Sources) -> bool:
    """Whether a file keeps to this key. False for a new file. Raises `CannotOpen` for another one's."""
    kept = connection.execute("SELECT value FROM meta WHERE name = 'key'").fetchone()
    if kept is not None and kept["value"] != sources.lookup("key"):
        raise CannotOpen("The log was written with another key: numbers would not be found under this one.")
    return kept is not None


def keep_key(connection: Connection, sources: Sources) -> None:
    """Let a new file keep to this key. Raises `CannotOpen` where another process kept another one."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('key', ?)", [sources.lookup("key")])
    has_key(connection, sources)


def record(connection: Connection, sources: Sources, new: NewRequest) -> Recorded:
    """Write a request down, durably, with its first events. The same intent twice is one request.

    Raises `AlreadyAsked`, for one that ``joins``, if an action of its kind is pending, approved, being
    sent or unknown for one of its targets at the same account.
    """
    if not new.actions:
        raise ValueError("a request has at least one action")
    check(None, new.state)
    if made := _used(connection, inbound=new.inbound, nonce=new.nonce):
        return Recorded(read_request(connection, made), fresh=False)
    if new.joins and (by := _under_way(connection, sources, new)):
        raise AlreadyAsked({place: read_request(connection, request) for place, request in by.items()})

    writer = Chain(connection, sources)
    request_id = new_id("A", random=sources.random, taken=partial(has_events, connection))
    personal = _given(reason=new.reason, purpose=new.purpose, consent=new.consent, zone=new.zone)
    requested, entries = [], []
    for position, asked in enumerate(new.actions, start=1):
        aim = _aim(connection, sources, asked)
        event = writer.append(
            request_id,
            request_id if len(new.actions) == 1 else f"{request_id}.{position}",
            REQUESTED,
            actor=new.requester,
            data=_requested_data(new, asked, position, aim),
            private={ACTION: as_json(asked.action)} | (personal if position == 1 else {}),
        )
        if position == 1:
            _insert(connection, "requests", hash_chain.request_row(event))
        entries.append(_insert_entry(connection, event, asked, aim))
        requested.append(event)
    _use_up(connection, request_id, inbound=new.inbound, nonce=new.nonce, now=writer.now)
    outbox.add(connection, requested[0], new.posts)
    return Recorded(
        as_request(
            hash_chain.request_row(requested[0]),
            personal=personal,
            sealed=hash_chain.seal(one for event in requested for _, one in sorted(event.private.items())),
            entries=tuple(entries),
            messages={},
        ),
        fresh=True,
    )


def apply(connection: Connection, sources: Sources, change: Change) -> Request:
    """Make a change, or raise `TooLate`."""
    if not change.moves and change.approval is None and not change.notes:
        raise ValueError("a change moves something, records an approval or notes something")
    for move in change.moves:
        _check(move)
    for note in change.notes:
        _check_note(note)
    entries = connection.execute("SELECT id FROM actions WHERE request = ?", [change.request]).fetchall()
    known = {entry for (entry,) in entries}
    if (
        not known
        or {move.entry for move in change.moves} - known
        or {note.entry for note in change.notes} - known - {change.request}
    ):
        raise NoSuchRequest(change.request)
    if _used(connection, inbound=change.inbound, nonce=change.nonce):
        raise TooLate(change.request)

    _check_decisions(connection, change)
    writer = Chain(connection, sources)
    decision = _decision(change.approval)
    written: list[Event] = []
    if decision and not change.moves:
        _check_waiting(connection, change)
        written.append(
            writer.append(
                change.request,
                change.request,
                APPROVAL_RECORDED,
                actor=change.actor,
                data=decision,
                private=change.private,
            )
        )
    for move in change.moves:
        written.append(_move(connection, writer, change, move, {} if written else decision))
        if move.after is State.SUCCEEDED:
            cancellations.note(connection, writer, move.entry, change.request)
    if decision:
        _insert(connection, "approvals", hash_chain.approval_row(written[0]))
    _end_pending(connection, change.request)
    written += [_note(writer, change, note) for note in change.notes]
    _use_up(connection, change.request, inbound=change.inbound, nonce=change.nonce, now=writer.now)
    outbox.add(connection, written[0], change.posts)
    return read_request(connection, change.request)


def hold(
    connection: Connection, sources: Sources, entry: str, *, owner: str, attempt: int, until: datetime
) -> bool:
    """Renew a lease that is still held: the check just before bytes leave.

    False when the entry is no longer this owner's in this attempt, or the attempt may not begin any more.
    """
    held = connection.execute(
        f"""
        UPDATE actions SET lease_until = :until
        WHERE id = :entry AND owner = :owner AND attempt = :attempt AND state = 'sending'
          AND lease_until > :now AND (not_after IS NULL OR not_after > :now) AND NOT {do_not_call.STOPPED}
        """,  # noqa: S608 - fixed text
        {
            "until": microseconds(until),
            "entry": entry,
            "owner": owner,
            "attempt": attempt,
            "now": microseconds(sources.clock()),
        },
    )
    return held.rowcount == 1


def _check(move: Move) -> None:
    """Raise for a move that no action's life contains, or that would not replay."""
    for before in move.before:
        check(before, move.after)
    if strange := move.changes.keys() - CHANGEABLE_COLUMNS:
        raise ValueError(f"a move does not change {', '.join(sorted(strange))}")
    if columns := move.data.keys() & ENTRY_COLUMNS:
        raise ValueError(f"{', '.join(sorted(columns))} belongs into a move's changes, not its data")


def _check_note(note: Note) -> None:
    """Raise for a note that would be replayed as more than one."""
    if note.name in _NO_NOTES:
        raise ValueError(f"{note.name} is no note")
    if columns := {name for name in note.data if name in ENTRY_COLUMNS or name.startswith("approval.")}:
        raise ValueError(f"a note sets no {', '.join(sorted(columns))}")


def _move(
    connection: Connection, writer: Chain, change: Change, move: Move, decision: Mapping[str, Scalar]
) -> Event:
    changes = {column: _scalar(value) for column, value in move.changes.items()}
    if _repeats_number(connection, move.entry, changes.get("reference")):
        changes["reference"] = None
    event = writer.append(
        change.request,
        move.entry,
        move.name,
        actor=change.actor,
        data={"state": move.after, **changes, **move.data, **decision},
        private=move.private,
    )
    columns = hash_chain.entry_columns(event)
    _check_doubt(connection, change, move)
    if move.after is State.SENDING:
        _check_may_begin(connection, change, move, writer.now)
    conditions: dict[str, Scalar] = {"id": move.entry, "request": change.request}
    if move.owner is not None:
        conditions["owner"] = move.owner
    if move.attempt is not None:
        conditions["attempt"] = move.attempt
    moved = connection.execute(
        f"UPDATE actions SET {' = ?, '.join(columns)} = ?"  # noqa: S608 - columns of a closed set
        f" WHERE {' = ? AND '.join(conditions)} = ? AND state IN ({_marks(move.before)})",
        [*columns.values(), *conditions.values(), *move.before],
    )
    if moved.rowcount != 1:
        raise TooLate(change.request)
    return event


def _end_pending(connection: Connection, request: str) -> None:
    """Note that a request, or some of its actions, are not pending any more, where that is so."""
    connection.execute(
        """
        UPDATE requests SET pending = 0 WHERE id = :request AND pending = 1
          AND NOT EXISTS (SELECT 1 FROM actions WHERE request = :request AND +state = 'pending')
        """,
        {"request": request},
    )
    connection.execute(
        """
        UPDATE lookup SET masked = NULL WHERE masked IS NOT NULL
          AND action IN (SELECT n FROM actions WHERE request = ? AND state <> 'pending')
        """,
        [request],
    )


def _repeats_number(connection: Connection, entry: str, reference: Scalar) -> bool:
    """Whether an id that a provider answered with is the erasable one that it was asked about."""
    if not isinstance(reference, str):
        return False
    asked = connection.execute(
        """
        SELECT personal.value FROM actions JOIN personal ON personal.event = actions.asked_event
        WHERE actions.id = ? AND kind <> 'place_call' AND target_id IS NULL
          AND personal.field = ? AND personal.value IS NOT NULL
        """,
        [entry, ACTION],
    ).fetchone()
    action = as_action(asked["value"]) if asked else None
    target_id = agent_and_target(action)[1] if action else None
    return target_id is not None and (target_id in reference or reference in target_id)


def _check_doubt(connection: Connection, change: Change, move: Move) -> None:
    """Raise for a way out of approved that is not there in doubt, or only there.

    That somebody was not in doubt yet when the move was thought of is a lost race; that somebody was is not.
    """
    if State.APPROVED not in move.before or move.after not in {*NEVER_IN_DOUBT, State.UNKNOWN}:
        return
    [(state, doubted)] = connection.execute("SELECT state, doubted FROM actions WHERE id = ?", [move.entry])
    if state != State.APPROVED:
        return
    if move.after is State.UNKNOWN and not doubted:
        raise IllegalMove(f"{state} → {move.after}, never sent")
    if move.after in NEVER_IN_DOUBT and doubted:
        raise TooLate(change.request)


def _check_may_begin(connection: Connection, change: Change, move: Move, now: datetime) -> None:
    """Raise `TooLate` for an attempt whose time is over, that has to wait for others, or is stopped."""
    over = connection.execute(
        "SELECT 1 FROM actions WHERE id = ? AND not_after <= ?", [move.entry, microseconds(now)]
    )
    waits = exclusion.waits(connection, move.entry) or do_not_call.holds_back(connection, move.entry)
    if over.fetchone() or waits or _is_full(connection, move):
        raise TooLate(change.request)


def _is_full(connection: Connection, move: Move) -> bool:
    """Whether an entry's connection is sending as many as it may, whoever sends them."""
    if move.at_most is None:
        return False
    [(sending,)] = connection.execute(
        """
        SELECT count(*) FROM actions INDEXED BY actions_state
        WHERE state = 'sending' AND connection = (SELECT connection FROM actions WHERE id = ?)
        """,
        [move.entry],
    )
    return int(sending) >= move.at_most


def _note(writer: Chain, change: Change, note: Note) -> Event:
    return writer.append(
        change.request, note.entry, note.name, actor=change.actor, data=note.data, private=note.private
    )


def _check_decisions(connection: Connection, change: Change) -> None:
    """Raise `TooLate` where others decided since the change was thought of."""
    if change.after is None:
        return
    [(decisions,)] = connection.execute("SELECT count(*) FROM approvals WHERE request = ?", [change.request])
    if decisions != change.after:
        raise TooLate(change.request)


def _check_waiting(connection: Connection, change: Change) -> None:
    """Raise `TooLate` unless the request still waits for a decision of this kind by this person."""
    request = read_request(connection, change.request)
    taken = {(approval.person, approval.decision) for approval in request.approvals}
    approval = change.approval
    if (
        approval is None
        or request.state is not State.PENDING
        or (approval.person, approval.decision) in taken
    ):
        raise TooLate(change.request)


def _under_way(connection: Connection, sources: Sources, new: NewRequest) -> dict[int, str]:
    """The requests that ask for the same already, by the place of the action."""
    now = microseconds(sources.clock())
    found = {}
    for place, asked in enumerate(new.actions):
        aim = _aim(connection, sources, asked)
        found[place] = joining.under_way(
            connection, new, number=aim.looked_up, agent=aim.agent, target_id=aim.target_id, now=now
        )
    return {place: request for place, request in found.items() if request is not None}


@dataclass(frozen=True, slots=True)
class _Aim:
    """What an action is aimed at: an id that stays in the chain, or what is found by its keyed hash.

    ``masked`` is the keyed hash of a number as people see it masked.
    """

    agent: str | None
    target_id: str | None
    looked_up: bytes | None
    masked: bytes | None = None


def _aim(connection: Connection, sources: Sources, asked: NewAction) -> _Aim:
    """An id that may hold a number is erasable like one, unless a provider gave it to us."""
    agent, target_id = agent_and_target(asked.action)
    if target_id and may_hold_number(target_id) and not is_reference(connection, target_id):
        return _Aim(agent, None, sources.lookup(target_id))
    if not asked.number:
        return _Aim(agent, target_id, None)
    return _Aim(agent, target_id, sources.lookup(asked.number), sources.lookup(mask(asked.number)))


def _requested_data(new: NewRequest, asked: NewAction, position: int, aim: _Aim) -> dict[str, Scalar]:
    columns = {column: _scalar(getattr(new, column)) for column in REQUEST_COLUMNS} | {
        "position": position,
        "agent": aim.agent,
        "target_id": aim.target_id,
        "scheduled_for": _scalar(asked.scheduled_for),
        "state": new.state,
        "code": new.code,
        "message": new.message,
    }
    return {column: value for column, value in columns.items() if value is not None}


def _decision(approval: Approval | None) -> dict[str, Scalar]:
    if approval is None:
        return {}
    return {
        "approval.person": approval.person,
        "approval.decision": approval.decision,
        "approval.group": approval.group,
        "approval.members": " ".join(approval.members),
        "approval.content": approval.content,
    }


def _insert_entry(connection: Connection, event: Event, asked: NewAction, aim: _Aim) -> LogEntry:
    columns = hash_chain.entry_columns(event)
    n = _insert(connection, "actions", columns)
    if aim.looked_up is not None:
        pending = columns["state"] == State.PENDING
        connection.execute(
            "INSERT INTO lookup VALUES (?, ?, ?)", [n, aim.looked_up, aim.masked if pending else None]
        )
    return as_entry(columns, asked.action)


def _insert(connection: Connection, table: str, row: Mapping[str, Scalar]) -> int | None:
    columns = '", "'.join(row)
    cursor = connection.execute(
        f'INSERT INTO {table} ("{columns}") VALUES ({_marks(row)})',  # noqa: S608 - names of a closed set
        [*row.values()],
    )
    return cursor.lastrowid


def _used(connection: Connection, *, inbound: str | None, nonce: str | None) -> str | None:
    """The request that used up either key."""
    used = connection.execute(
        """
        SELECT request FROM inbound WHERE id = ?
        UNION ALL SELECT request FROM nonces WHERE nonce = ? AND request IS NOT NULL
        """,
        [inbound, nonce],
    ).fetchone()
    return None if used is None else str(used["request"])


def _use_up(
    connection: Connection, request: str, *, inbound: str | None, nonce: str | None, now: datetime
) -> None:
    if inbound is not None:
        connection.execute("DELETE FROM inbound WHERE at < ?", [microseconds(now - INBOUND_KEPT)])
        connection.execute("INSERT INTO inbound VALUES (?, ?, ?)", [inbound, request, microseconds(now)])
    if nonce is not None:
        connection.execute(
            """
            INSERT INTO nonces (nonce, request, at) VALUES (?, ?, ?)
            ON CONFLICT (nonce) DO UPDATE SET request = excluded.request, content = NULL
            """,
            [nonce, request, microseconds(now)],
        )


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _scalar(value: Scalar | datetime) -> Scalar:
    return microseconds(value) if isinstance(value, datetime) else value


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


class Requests(Repository):
    """What was asked, who decided, and what came of it. All changes go through `record` and `apply`."""

    record = writes_with_sources(record)
    hold = writes_with_sources(hold)
    request = reads(read_request)
    events = reads(read_events)
    private = reads(read_private)
    whole = reads(read_whole)

    async def apply(self, change: Change) -> Request:
        """Make a change, or raise `Conflict` with how the request stands, or `NoSuchRequest`.

        Raises `lifecycle.IllegalMove` for a move that no action's life contains: among them one back from
        approved to unknown of an entry that is not in doubt. One that is in doubt is not withdrawn, refused
        or expired (`Conflict`).

        A move to ``sending`` also conflicts once ``not_after`` has come, and while the entry has to wait:
        while a cancellation by number is being sent, or is in doubt and approved to be sent again, nothing
        else with its agent and number begins; nor does it while a call to them is being placed. The same
        agent is the same name in one connection, or the same fingerprint. It conflicts as well where
        ``at_most`` of its connection are being sent.
        """
        try:
            return await self._write(lambda connection: apply(connection, self._sources, change))
        except TooLate:
            raise Conflict(await self.request(change.request)) from None
