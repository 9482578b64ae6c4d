"""Applies change sets: transitions, decisions and annotations, all or none."""

from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Final

from storage import StorageError
from storage.changes import Annotation, ChangeSet, Transition
from storage.errors import RequestNotFoundError
from storage.event_log import hash_chain
from storage.event_log.hash_chain import (
    ACTION_COLUMNS,
    CHANGEABLE_COLUMNS,
    ERASED,
    PURGED,
    REQUESTED,
    RULES,
    microseconds,
)
from storage.event_log.writer import EventWriter, WriteContext
from storage.models import Approval, Event, Request, Scalar
from storage.repositories import brake, cancellations, do_not_call, end_polls, exclusion, pauses
from storage.repositories.audit import DENIED_ATTEMPT, EXPORTED, FAULT
from storage.repositories.idempotency_keys import use_up, used_by
from storage.repositories.outbox import add_posts
from storage.repositories.rows import (
    ACTION,
    agent_and_target,
    as_action,
    as_scalar,
    insert,
    marks,
    read_request,
)
from storage.states import NEVER_IN_DOUBT, InvalidTransitionError, State, check

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
        *pauses.EVENTS,
    }
)


class StaleChangeError(StorageError):
    """The request has changed since a change set was made."""


def apply(connection: Connection, sources: WriteContext, change: ChangeSet) -> Request:
    """Apply a change set, and return the request.

    Raises:
        StaleChangeError: The request has changed since the change set was made.
    """
    if not change.transitions and change.approval is None and not change.annotations:
        raise ValueError("a change moves something, records an approval or notes something")
    for move in change.transitions:
        _check(move)
    for note in change.annotations:
        _check_note(note)
    actions = connection.execute("SELECT id FROM actions WHERE request = ?", [change.request]).fetchall()
    known = {action for (action,) in actions}
    if (
        not known
        or {move.action for move in change.transitions} - known
        or {note.action for note in change.annotations} - known - {change.request}
    ):
        raise RequestNotFoundError(change.request)
    if used_by(connection, delivery_key=change.delivery_key, nonce=change.nonce):
        raise StaleChangeError(change.request)

    _check_kept(connection, change)
    _check_decisions(connection, change)
    writer = EventWriter(connection, sources)
    decision = _decision(change.approval)
    written: list[Event] = []
    if decision and not change.transitions:
        _check_waiting(connection, change, writer.now)
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
    for move in change.transitions:
        written.append(_apply_transition(connection, writer, change, move, {} if written else decision))
        if move.to_state is State.SUCCEEDED:
            cancellations.note(connection, writer, move.action, change.request)
    if decision:
        insert(connection, "approvals", hash_chain.approval_row(written[0]))
    _end_pending(connection, change.request)
    written += [_note(connection, writer, change, note) for note in change.annotations]
    cancellations.note_second_step(connection, writer, written)
    use_up(connection, change.request, delivery_key=change.delivery_key, nonce=change.nonce, now=writer.now)
    add_posts(connection, written[0], change.notifications)
    return read_request(connection, change.request, writer.now)


def renew_lease(
    connection: Connection, sources: WriteContext, action: str, *, owner: str, attempt: int, until: datetime
) -> bool:
    """Renew a lease that is still held. This is the check just before bytes leave.

    Return False if the action no longer has this owner and attempt. Also return False if the attempt may not
    begin any more, the number is stopped, or calls are paused.
    """
    held = connection.execute(
        f"""
        UPDATE actions SET lease_until = :until
        WHERE id = :action AND owner = :owner AND attempt = :attempt AND state = 'sending'
          AND lease_until > :now AND (not_after IS NULL OR not_after > :now)
          AND NOT {do_not_call.STOPPED} AND NOT {brake.PAUSED}
        """,  # noqa: S608 - fixed text
        {
            "until": microseconds(until),
            "action": action,
            "owner": owner,
            "attempt": attempt,
            "now": microseconds(sources.clock()),
        },
    )
    return held.rowcount == 1


def _check(move: Transition) -> None:
    """Raise an error for a transition that no action may make, or that would not replay."""
    for before in move.from_states:
        check(before, move.to_state)
    if strange := move.changes.keys() - CHANGEABLE_COLUMNS:
        raise ValueError(f"a move does not change {', '.join(sorted(strange))}")
    if columns := move.data.keys() & ACTION_COLUMNS:
        raise ValueError(f"{', '.join(sorted(columns))} belongs into a move's changes, not its data")


def _check_note(note: Annotation) -> None:
    """Raise an error for an annotation that would be replayed as anything else."""
    if note.name in _NO_NOTES:
        raise ValueError(f"{note.name} is no note")
    if columns := {name for name in note.data if name in ACTION_COLUMNS or name.startswith("approval.")}:
        raise ValueError(f"a note sets no {', '.join(sorted(columns))}")


def _apply_transition(
    connection: Connection,
    writer: EventWriter,
    change: ChangeSet,
    move: Transition,
    decision: Mapping[str, Scalar],
) -> Event:
    changes = {column: as_scalar(value) for column, value in move.changes.items()}
    if _repeats_number(connection, move.action, changes.get("reference")):
        changes["reference"] = None
    event = writer.append(
        change.request,
        move.action,
        move.name,
        actor=change.actor,
        data={"state": move.to_state, **changes, **move.data, **decision},
        private=move.private,
    )
    columns = hash_chain.action_columns(event)
    _check_doubt(connection, change, move)
    if move.to_state is State.SENDING:
        _check_may_begin(connection, change, move, writer.now)
    conditions: dict[str, Scalar] = {"id": move.action, "request": change.request}
    if move.owner is not None:
        conditions["owner"] = move.owner
    if move.attempt is not None:
        conditions["attempt"] = move.attempt
    moved = connection.execute(
        f"UPDATE actions SET {' = ?, '.join(columns)} = ?"  # noqa: S608 - columns of a closed set
        f" WHERE {' = ? AND '.join(conditions)} = ? AND state IN ({marks(move.from_states)})",
        [*columns.values(), *conditions.values(), *move.from_states],
    )
    if moved.rowcount != 1:
        raise StaleChangeError(change.request)
    if move.end_poll_at is not None:
        end_polls.add(connection, move.action, move.end_poll_at)
    return event


def _end_pending(connection: Connection, request: str) -> None:
    """Update the marks of pending requests and actions that are no longer pending."""
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


def _repeats_number(connection: Connection, action: str, reference: Scalar) -> bool:
    """Return whether a provider's reference repeats the erasable id that it was asked about."""
    if not isinstance(reference, str):
        return False
    asked = connection.execute(
        """
        SELECT personal.value FROM actions JOIN personal ON personal.event = actions.asked_event
        WHERE actions.id = ? AND kind <> 'place_call' AND target_id IS NULL
          AND personal.field = ? AND personal.value IS NOT NULL
        """,
        [action, ACTION],
    ).fetchone()
    asked_for = as_action(asked["value"]) if asked else None
    target_id = agent_and_target(asked_for)[1] if asked_for else None
    return target_id is not None and (target_id in reference or reference in target_id)


def _check_doubt(connection: Connection, change: ChangeSet, move: Transition) -> None:
    """Raise an error for a transition from approved that depends on whether the action may be executed.

    A transition for a certainly unsent action may lose a race, since the action may be executed by now. The
    opposite is an invalid transition.
    """
    if State.APPROVED not in move.from_states or move.to_state not in {*NEVER_IN_DOUBT, State.UNKNOWN}:
        return
    [(state, maybe_executed)] = connection.execute(
        "SELECT state, maybe_executed FROM actions WHERE id = ?", [move.action]
    )
    if state != State.APPROVED:
        return
    if move.to_state is State.UNKNOWN and not maybe_executed:
        raise InvalidTransitionError(f"{state} → {move.to_state}, never sent")
    if move.to_state in NEVER_IN_DOUBT and maybe_executed:
        raise StaleChangeError(change.request)


def _check_may_begin(connection: Connection, change: ChangeSet, move: Transition, now: datetime) -> None:
    """Raise `StaleChangeError` for an attempt that is too late, has to wait, or is stopped."""
    over = connection.execute(
        "SELECT 1 FROM actions WHERE id = ? AND not_after <= ?", [move.action, microseconds(now)]
    )
    waits = (
        exclusion.waits(connection, move.action)
        or do_not_call.holds_back(connection, move.action)
        or brake.holds_back(connection, move.action, now)
    )
    if over.fetchone() or waits or _is_full(connection, move):
        raise StaleChangeError(change.request)


def _is_full(connection: Connection, move: Transition) -> bool:
    """Return whether an action's connection is sending as many as it may, in all processes."""
    if move.at_most is None:
        return False
    # The planner would read everything that the connection ever sent.
    [(sending,)] = connection.execute(
        """
        SELECT count(*) FROM actions INDEXED BY actions_state
        WHERE state = 'sending' AND connection = (SELECT connection FROM actions WHERE id = ?)
        """,
        [move.action],
    )
    return int(sending) >= move.at_most


def _note(connection: Connection, writer: EventWriter, change: ChangeSet, note: Annotation) -> Event:
    event = writer.append(
        change.request, note.action, note.name, actor=change.actor, data=note.data, private=note.private
    )
    if note.name == hash_chain.CALL_ENDED:
        [row] = connection.execute("SELECT ending, end_try FROM actions WHERE id = ?", [note.action])
        if columns := hash_chain.end_columns(event, dict(row)):
            connection.execute(
                "UPDATE actions SET ending = :ending, end_try = :end_try WHERE id = :id",
                columns | {"id": note.action},
            )
    return event


def _check_kept(connection: Connection, change: ChangeSet) -> None:
    """Raise `StaleChangeError` if an annotation brings personal data to an erased action."""
    for note in change.annotations:
        erased = connection.execute(
            """
            SELECT 1 FROM actions JOIN personal ON personal.event = actions.asked_event
            WHERE actions.id = ? AND personal.field = ? AND personal.value IS NULL
            """,
            [note.action, ACTION],
        ).fetchone()
        if note.private and erased:
            raise StaleChangeError(change.request)


def _check_decisions(connection: Connection, change: ChangeSet) -> None:
    """Raise `StaleChangeError` if others decided since the change set was made."""
    if change.expected_decisions is None:
        return
    [(decisions,)] = connection.execute("SELECT count(*) FROM approvals WHERE request = ?", [change.request])
    if decisions != change.expected_decisions:
        raise StaleChangeError(change.request)


def _check_waiting(connection: Connection, change: ChangeSet, now: datetime) -> None:
    """Raise `StaleChangeError` unless the request still waits for this decision by this person."""
    request = read_request(connection, change.request, now)
    taken = {(approval.person, approval.decision) for approval in request.approvals}
    approval = change.approval
    if (
        approval is None
        or request.state is not State.PENDING
        or (approval.person, approval.decision) in taken
    ):
        raise StaleChangeError(change.request)


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
