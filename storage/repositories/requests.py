"""Requests: records new ones, detects duplicates, and reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from providers.actions import CallList
from providers.masking import may_hold_number
from providers.phone import mask
from storage.changes import ChangeSet, NewAction, NewRequest, Recorded
from storage.database.repository import Repository, reads, writes
from storage.errors import ConflictError, DuplicateRequestError
from storage.event_log import hash_chain
from storage.event_log.hash_chain import REQUEST_COLUMNS, REQUESTED, microseconds
from storage.event_log.writer import EventWriter, WriteContext
from storage.models import ActionRecord, Event, Request, Scalar
from storage.repositories import brake, call_lists
from storage.repositories.call_history import is_reference
from storage.repositories.idempotency_keys import use_up, used_by
from storage.repositories.outbox import add_posts
from storage.repositories.rows import (
    ACTION,
    agent_and_target,
    as_action_record,
    as_json,
    as_request,
    as_scalar,
    insert,
    read_events,
    read_personal_values,
    read_request,
    read_with_history,
)
from storage.repositories.transitions import StaleChangeError, apply, renew_lease
from storage.states import State, check

_UNDER_WAY: Final = """
    actions.kind = :kind AND actions.connection = :connection
    AND actions.state IN ('pending', 'approved', 'sending', 'unknown')
    AND requests.fingerprint = :fingerprint AND requests.mode IS :mode
    AND (requests.reschedules IS :reschedules AND requests.new_time IS :new_time
        OR actions.state = 'pending' AND requests.reschedules IS NULL AND :reschedules IS NOT NULL)
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
    SELECT actions.request FROM actions
        JOIN requests ON requests.id = actions.request
    WHERE actions.target_id = :target_id AND {_UNDER_WAY}
    AND (actions.state = 'pending' OR NOT EXISTS (
        SELECT 1 FROM actions AS later
        WHERE later.target_id = :target_id AND later.n > actions.n AND later.kind <> actions.kind
          AND later.connection = actions.connection))
    ORDER BY actions.n DESC LIMIT 1
"""  # noqa: S608 - fixed text


def create(connection: Connection, sources: WriteContext, new: NewRequest) -> Recorded:
    """Record a request with its first events, durably. Repeating the same intent returns the first request.

    With ``deduplicate``, no target may have an action of the same kind under way at the same account. Such an
    action is pending, approved, being sent or unknown.

    Raises:
        DuplicateRequestError: The request has ``deduplicate``, and a target has such an action.
    """
    if not new.actions:
        raise ValueError("a request has at least one action")
    check(None, new.state)
    if made := used_by(connection, delivery_key=new.delivery_key, nonce=new.nonce):
        return Recorded(read_request(connection, made, sources.clock()), created=False)
    if made := call_lists.row_request(connection, new):
        return Recorded(read_request(connection, made, sources.clock()), created=False)
    aims = [_aim(connection, sources, asked) for asked in new.actions]
    if new.deduplicate:
        _check_under_way(connection, new, aims, sources.clock())

    writer = EventWriter(connection, sources)
    request_id = writer.new_id("A")
    personal = _given(reason=new.reason, purpose=new.purpose, consent=new.consent, zone=new.zone)
    requested, records = [], []
    for position, (asked, aim) in enumerate(zip(new.actions, aims, strict=True), start=1):
        event = writer.append(
            request_id,
            request_id if len(new.actions) == 1 else f"{request_id}.{position}",
            REQUESTED,
            actor=new.requester,
            data=_requested_data(new, asked, position, aim),
            private={ACTION: as_json(asked.action)} | (personal if position == 1 else {}),
        )
        if position == 1:
            insert(connection, "requests", hash_chain.request_row(event))
        records.append(_insert_action(connection, event, asked, aim))
        requested.append(event)
    use_up(connection, request_id, delivery_key=new.delivery_key, nonce=new.nonce, now=writer.now)
    call_lists.mark(connection, new, request_id)
    add_posts(connection, requested[0], new.notifications)
    return Recorded(
        as_request(
            hash_chain.request_row(requested[0]),
            personal=personal,
            sealed=hash_chain.seal(one for event in requested for _, one in sorted(event.private.items())),
            records=tuple(records),
            messages={},
            paused_by=brake.for_kind(connection, new.connection, new.kind, writer.now)
            if new.state in {State.PENDING, State.APPROVED}
            else None,
        ),
        created=True,
    )


def replace(
    connection: Connection, sources: WriteContext, withdrawal: ChangeSet, new: NewRequest
) -> Recorded:
    """Withdraw a request and record another in its place: both or neither. Repeating returns the first.

    Raises:
        DuplicateRequestError: As `create` does.
        StaleChangeError: The request can no longer be withdrawn.
    """
    if made := used_by(connection, delivery_key=new.delivery_key, nonce=new.nonce):
        return Recorded(read_request(connection, made, sources.clock()), created=False)
    apply(connection, sources, withdrawal)
    return create(connection, sources, new)


@dataclass(frozen=True, slots=True)
class _Aim:
    """The target of an action: an id that is kept in the chain, or a keyed hash in ``lookup``.

    ``masked`` is the keyed hash of the masked number.
    """

    agent: str | None
    target_id: str | None
    looked_up: bytes | None
    masked: bytes | None = None


def _aim(connection: Connection, sources: WriteContext, asked: NewAction) -> _Aim:
    """Return the target of an action.

    An id that may hold a number is erasable like one, unless a provider returned it.
    """
    agent, target_id = agent_and_target(asked.action)
    if target_id and may_hold_number(target_id) and not is_reference(connection, target_id):
        return _Aim(agent, None, sources.lookup(target_id))
    if not asked.number:
        return _Aim(agent, target_id, None)
    return _Aim(agent, target_id, sources.lookup(asked.number), sources.lookup(mask(asked.number)))


def _check_under_way(connection: Connection, new: NewRequest, aims: Sequence[_Aim], now: datetime) -> None:
    """Raise `DuplicateRequestError` if some targets have a request under way."""
    found = {place: _under_way(connection, new, aim, now) for place, aim in enumerate(aims)}
    if by := {place: read_request(connection, request, now) for place, request in found.items() if request}:
        raise DuplicateRequestError(by)


def _under_way(connection: Connection, new: NewRequest, aim: _Aim, now: datetime) -> str | None:
    """Return the request that is under way for the same target, or None.

    The same target is the same number and agent, or the same id, at the same account as configured now. A
    reschedule calls the number again, so it only duplicates a reschedule to the same time. A pending
    cancellation stands in its way, because both must not be carried out. An action without an answer counts
    only until something else was requested for its target. After that, a new action is about something newer.
    """
    found = connection.execute(
        _BY_NUMBER if aim.target_id is None else _BY_ID,
        {
            "kind": new.kind,
            "connection": new.connection,
            "fingerprint": new.fingerprint,
            "mode": new.mode,
            "reschedules": new.reschedules,
            "new_time": as_scalar(new.new_time),
            "number": aim.looked_up,
            "agent": aim.agent,
            "target_id": aim.target_id,
            "now": microseconds(now),
        },
    ).fetchone()
    return None if found is None else str(found["request"])


def _requested_data(new: NewRequest, asked: NewAction, position: int, aim: _Aim) -> dict[str, Scalar]:
    columns = {column: as_scalar(getattr(new, column)) for column in REQUEST_COLUMNS} | {
        "position": position,
        "agent": aim.agent,
        "target_id": aim.target_id,
        "scheduled_for": as_scalar(asked.scheduled_for),
        "state": new.state,
        "code": new.code,
        "message": new.message,
    }
    if isinstance(asked.action, CallList):  # these hashes outlive an erasure
        columns |= {"sha256": asked.action.sha256, "rows_sha256": asked.action.rows_sha256}
    return {column: value for column, value in columns.items() if value is not None and value is not False}


def _insert_action(connection: Connection, event: Event, asked: NewAction, aim: _Aim) -> ActionRecord:
    columns = hash_chain.action_columns(event)
    insert(connection, "actions", columns)
    if aim.looked_up is not None:
        pending = columns["state"] == State.PENDING
        connection.execute(
            "INSERT INTO lookup SELECT n, ?, ? FROM actions WHERE id = ?",
            [aim.looked_up, aim.masked if pending else None, event.action],
        )
    return as_action_record(columns, asked.action)


def _given(**fields: str | None) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value is not None}


def _request(connection: Connection, sources: WriteContext, request: str) -> Request:
    """Read a request by its id, or by the id of one of its actions, as of now."""
    return read_request(connection, request, sources.clock())


class Requests(Repository):
    """Requests, with their decisions and outcomes. All changes go through `create` and `apply`."""

    create = writes(create)
    renew_lease = writes(renew_lease)
    request = reads(_request)
    events = reads(read_events)
    personal_values = reads(read_personal_values)
    get_with_history = reads(read_with_history)

    async def replace(self, withdrawal: ChangeSet, new: NewRequest) -> Recorded:
        """Withdraw a request and record another in its place, as one change.

        Raises `ConflictError` as `apply` does, and `DuplicateRequestError`.
        """
        try:
            return await self._write(lambda connection: replace(connection, self._sources, withdrawal, new))
        except StaleChangeError:
            raise ConflictError(await self.request(withdrawal.request)) from None

    async def apply(self, change: ChangeSet) -> Request:
        """Apply a change set, and return the request.

        A withdrawal, refusal or expiry of an action that may have been executed is a conflict. A transition
        to ``sending`` is also a conflict in these cases:

        - ``not_after`` has come.
        - The action has to wait for another one. `storage.repositories.exclusion` explains when.
        - It is a call to a stopped number.
        - ``at_most`` actions of its connection are being sent.

        Raises:
            ConflictError: The request has changed. The error has the present request.
            RequestNotFoundError: There is no such request or action.
            InvalidTransitionError: No action may make this transition, such as one from approved to unknown
                for an
                action that was certainly not executed.
        """
        try:
            return await self._write(lambda connection: apply(connection, self._sources, change))
        except StaleChangeError:
            raise ConflictError(await self.request(change.request)) from None
