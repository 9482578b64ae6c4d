"""Conversions between rows and the store's values. The connection is in a transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final

from pydantic import TypeAdapter

from providers.actions import (
    CallEnd,
    CallList,
    CallRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    RequestedAction,
    Retry,
    StartCampaign,
    StopCampaign,
)
from storage.call_ends import as_end
from storage.database import views
from storage.errors import RequestNotFoundError
from storage.event_log.hash_chain import FOLLOWED, commitment, microseconds, moment, seal
from storage.event_log.writer import WriteContext
from storage.models import (
    ActionRecord,
    Approval,
    Cancelled,
    ConnectionOutage,
    Event,
    MessageRef,
    Pause,
    Request,
    RequestHistory,
    Scalar,
    SecondStep,
)
from storage.repositories import brake, cancellations, outages
from storage.states import State, request_state

ACTION: Final = "action"
"""The personal field with the whole call action as JSON."""


_ACTION: Final[TypeAdapter[RequestedAction]] = TypeAdapter(RequestedAction)


SENT_AGAIN: Final = """
    EXISTS (SELECT 1 FROM events WHERE action = actions.id AND name = 'retry_requested') AS sent_again
"""
"""A column of a query of actions: 1 if a person had the action sent again."""

LAST_END: Final = """
    ended.data AS ended, (SELECT value FROM personal WHERE event = ended.seq AND field = 'end') AS end_kept
"""
"""Columns of a query of actions: the last reported end of a call, and its erasable part."""

OF_LAST_END: Final = f"LEFT JOIN events AS ended ON ended.seq = {views.LAST_END}"
"""The join for `LAST_END`."""

FROM: Final = f"""
    SELECT actions.*, personal.value AS action, look.seq AS looked_up, {SENT_AGAIN},
        json_extract(look.data, '$.found') AS lookup_found, known.value AS known_as,
        json_extract(look.data, '$.call_time') AS lookup_call_time,
        {LAST_END}
    FROM {{}}
    LEFT JOIN personal ON personal.event = actions.asked_event AND personal.field = 'action'
    LEFT JOIN events AS look
        ON look.seq = (SELECT max(seq) FROM events WHERE action = actions.id AND name = 'looked_up')
    LEFT JOIN personal AS known ON known.event = look.seq AND known.field = 'known_as'
    {OF_LAST_END}
"""  # noqa: S608 - fixed text


ACTIONS: Final = FROM.format("actions")


def find(connection: Connection, request: str) -> str:
    """Return the id of a request, from its own or an action's id.

    Raises:
        RequestNotFoundError: There is no such request or action.
    """
    found = connection.execute(
        "SELECT request FROM actions WHERE id = :id OR request = :id", {"id": request}
    ).fetchone()
    if found is None:
        raise RequestNotFoundError(request)
    return str(found["request"])


def read_request(connection: Connection, request: str, now: datetime) -> Request:
    """Read a request by its id, or by the id of one of its actions.

    Raises:
        RequestNotFoundError: There is no such request or action.
    """
    found = find(connection, request)
    row = connection.execute("SELECT * FROM requests WHERE id = ?", [found]).fetchone()
    actions = connection.execute(f"{ACTIONS} WHERE actions.request = ? ORDER BY position", [found]).fetchall()
    kept = connection.execute(
        """
        SELECT event, field, salt, value FROM personal
        WHERE event IN (SELECT asked_event FROM actions WHERE request = ?) AND value IS NOT NULL
        ORDER BY event, field
        """,
        [found],
    ).fetchall()
    approvals = connection.execute(
        """
        SELECT approvals.*, note.value AS note FROM approvals
        LEFT JOIN personal AS note ON note.event = approvals.event AND note.field = 'note'
        WHERE request = ? ORDER BY approvals.event
        """,
        [found],
    )
    messages = connection.execute("SELECT slot, channel, ts FROM messages WHERE request = ?", [found])
    waits = any(action["state"] == State.APPROVED for action in actions)
    open_ = waits or any(action["state"] == State.PENDING for action in actions)
    read = as_request(
        row,
        personal={one["field"]: one["value"] for one in kept if one["event"] == actions[0]["asked_event"]},
        sealed=seal(commitment(one["salt"] or b"", one["value"]) for one in kept),
        records=tuple(map(as_looked_up, actions)),
        approvals=tuple(map(_approval, approvals)),
        messages={slot: MessageRef(channel, ts) for slot, channel, ts in messages},
        followed_by=_followed_by(connection, found) if row["reschedules"] else None,
        cancelled=_cancelled(connection, found) if row["kind"] == Kind.PLACE_CALL else None,
        waits_for=outages.waits_for(connection, row["connection"]) if waits else None,
        paused_by=brake.for_kind(connection, row["connection"], Kind(row["kind"]), now) if open_ else None,
    )
    return replace(read, done_by=cancellations.done_by(connection, found)) if _is_unsent(actions) else read


def _is_unsent(actions: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether these rows are a single expired cancellation."""
    [first, *others] = actions
    return not others and first["kind"] == Kind.CANCEL_CALL and first["state"] == State.EXPIRED


def _followed_by(connection: Connection, move: str) -> SecondStep | None:
    """Return the second step of a reschedule, also if it was impossible, or None."""
    states = connection.execute(
        """
        SELECT requests.id, state, code, message FROM requests JOIN actions ON actions.request = requests.id
        WHERE second_step_of = ?
        """,
        [move],
    ).fetchall()
    if states:
        state = request_state(State(row["state"]) for row in states)
        return SecondStep(states[0]["id"], state, states[0]["code"], states[0]["message"])
    told = connection.execute("SELECT 1 FROM events WHERE request = ? AND name = ?", [move, FOLLOWED])
    return SecondStep(None, State.REFUSED) if told.fetchone() else None


def _cancelled(connection: Connection, placed: str) -> Cancelled | None:
    """Return the cancellation of a placed call, or None. That of a reschedule has its second step."""
    found = cancellations.cancelled(connection, placed)
    return replace(found, second=_followed_by(connection, found.by)) if found and found.moved else found


def read_events(connection: Connection, request: str) -> list[Event]:
    """Return all events of a request and its actions, or of a reported error, in order."""
    query = "SELECT * FROM events WHERE request = ? ORDER BY seq"
    rows = connection.execute(query, [request]).fetchall()
    return [as_event(row) for row in rows or connection.execute(query, [find(connection, request)])]


def read_personal_values(connection: Connection, request: str) -> list[tuple[int, str, str]]:
    """Return the erasable values still kept for a request or reported error: (event, field, value)."""
    rows = connection.execute(
        """
        SELECT personal.event, personal.field, personal.value
        FROM events JOIN personal ON personal.event = events.seq
        WHERE events.request = ? AND personal.value IS NOT NULL ORDER BY personal.id
        """,
        [read_events(connection, request)[0].request],
    )
    return [(event, field, value) for event, field, value in rows]


def read_with_history(connection: Connection, sources: WriteContext, name: str) -> RequestHistory:
    """Read a request with its events and erasable values, all as of one moment."""
    found = read_request(connection, name, sources.clock())
    return RequestHistory(
        found, read_events(connection, found.id), read_personal_values(connection, found.id)
    )


def as_action(value: str | None) -> RequestedAction | None:
    """Return a call action from its JSON, or None if it is erased."""
    return None if value is None else _ACTION.validate_json(value)


def agent_and_target(action: RequestedAction) -> tuple[str | None, str | None]:
    """Return an action's agent and the provider's id of its target, or None for either."""
    match action:
        case PlaceCall(agent=agent) | CancelCall(target=NumberRef(agent=agent)):
            return agent, None
        case CancelCall(target=CallRef(call_id=target_id)):
            return None, target_id
        case DeleteCampaign(target=target) | StopCampaign(target=target) | StartCampaign(target=target):
            return None, target.campaign_id
        case CallList():
            return None, None
    raise AssertionError(action)


def as_json(action: RequestedAction) -> str:
    """Return a call action as JSON with all its fields."""
    return _ACTION.dump_json(action).decode()


def as_action_record(
    row: Mapping[str, Any],
    action: RequestedAction | None,
    *,
    looked_up: bool = False,
    lookup_found: bool | None = None,
    known_as: str | None = None,
    lookup_call_time: datetime | None = None,
    sent_again: bool = False,
    end: CallEnd | None = None,
) -> ActionRecord:
    """Return an action from its row, with the result of its last look-up."""
    code, retry = row["code"], row["retry"]
    return ActionRecord(
        id=row["id"],
        request=row["request"],
        position=row["position"],
        kind=Kind(row["kind"]),
        connection=row["connection"],
        agent=row["agent"],
        target_id=row["target_id"] or (agent_and_target(action)[1] if action else None),
        scheduled_for=moment_or_none(row["scheduled_for"]),
        state=State(row["state"]),
        attempt=row["attempt"],
        maybe_executed=bool(row["maybe_executed"]),
        owner=row["owner"],
        lease_until=moment_or_none(row["lease_until"]),
        not_before=moment_or_none(row["not_before"]),
        code=None if code is None else Code(code),
        message=row["message"],
        retry=None if retry is None else Retry(retry),
        reference=row["reference"],
        http_status=row["http_status"],
        asked_at=moment(row["asked_at"]),
        updated_at=moment(row["updated_at"]),
        action=action,
        not_after=moment_or_none(row["not_after"]),
        looked_up=looked_up,
        lookup_found=lookup_found,
        known_as=known_as,
        lookup_call_time=lookup_call_time,
        sent_again=sent_again,
        end=end,
    )


def as_request(  # noqa: PLR0913 - a request has many parts
    row: Mapping[str, Any],
    *,
    personal: Mapping[str, str],
    sealed: str,
    records: Sequence[ActionRecord],
    approvals: Sequence[Approval] = (),
    messages: Mapping[str, MessageRef],
    followed_by: SecondStep | None = None,
    cancelled: Cancelled | None = None,
    waits_for: ConnectionOutage | None = None,
    paused_by: Pause | None = None,
) -> Request:
    """Return a request from its row and related values."""
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
        decide_by=moment_or_none(row["decide_by"]),
        asked_at=moment(row["asked_at"]),
        reason=personal.get("reason"),
        purpose=personal.get("purpose"),
        consent=personal.get("consent"),
        actions=records,
        approvals=approvals,
        messages=messages,
        mode=row["mode"],
        reported_call_time=moment_or_none(row["reported_call_time"]),
        reschedules=row["reschedules"],
        new_time=moment_or_none(row["new_time"]),
        second_step_of=row["second_step_of"],
        followed_by=followed_by,
        cancelled=cancelled,
        zone=personal.get("zone"),
        tell_me=bool(row["tell_me"]),
        stop=row["stop"],
        call_list=row["call_list"],
        reasons=row["reasons"],
        sealed=sealed,
        waits_for=waits_for,
        paused_by=paused_by,
    )


def as_event(row: Mapping[str, Any]) -> Event:
    """Return an event from its row."""
    return Event(
        row["seq"],
        moment(row["at"]),
        row["request"],
        row["action"],
        row["name"],
        row["actor"],
        json.loads(row["data"]),
        json.loads(row["private"]),
        row["previous"],
        row["hash"],
    )


def _approval(row: Mapping[str, Any]) -> Approval:
    members = tuple(row["members"].split())
    at = moment(row["at"])
    return Approval(row["person"], row["decision"], row["group"], members, row["content"], at, row["note"])


def select_actions(
    connection: Connection, source: str, where: str, values: Mapping[str, object]
) -> list[ActionRecord]:
    """Read the actions of a source, such as `ACTIONS`, that meet a condition."""
    rows = connection.execute(source + where, dict(values))
    return list(map(as_looked_up, rows))


def as_looked_up(row: Mapping[str, Any]) -> ActionRecord:
    """Return an action from a row that includes its JSON and its last look-up."""
    return as_action_record(
        row,
        as_action(row["action"]),
        looked_up=row["looked_up"] is not None,
        lookup_found=None if row["lookup_found"] is None else bool(row["lookup_found"]),
        known_as=row["known_as"],
        lookup_call_time=moment_or_none(row["lookup_call_time"]),
        end=None if row["ended"] is None else as_end(json.loads(row["ended"]), row["end_kept"]),
        sent_again=bool(row["sent_again"]),
    )


def moment_or_none(at: int | None) -> datetime | None:
    """Return the time in a column that may be empty, or None."""
    return None if at is None else moment(at)


def insert(connection: Connection, table: str, row: Mapping[str, Scalar]) -> None:
    """Insert a row."""
    columns = '", "'.join(row)
    connection.execute(
        f'INSERT INTO {table} ("{columns}") VALUES ({marks(row)})',  # noqa: S608 - names of a closed set
        [*row.values()],
    )


def as_scalar(value: Scalar | datetime) -> Scalar:
    """Return a value as columns and events hold it."""
    return microseconds(value) if isinstance(value, datetime) else value


def marks(values: Iterable[object]) -> str:
    """Return a placeholder for each value."""
    return ", ".join("?" for _ in values)
