"""The log's views for people who read SQL: plain names, times as text, masked numbers.

They are part of the schema and are verified like it. They hold no data of their own, so erased values are
gone from them, too.
"""

from typing import Final


def _at(column: str) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000000.0, 'unixepoch')"


CANCELLED_BY: Final = """(
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1)"""
"""The request that cancelled a succeeded action, by index `events_cancelled`."""

LAST_END: Final = """(
        SELECT seq FROM events WHERE action = actions.id AND name = 'call_ended'
        ORDER BY coalesce(json_extract(data, '$.try'), -1) DESC, seq DESC LIMIT 1)"""
"""The event of a call's last reported end, by index `events_call_ended`. The last try counts."""

_SECONDS: Final = f"""(
        SELECT json_extract(value, '$.seconds') FROM personal WHERE event = {LAST_END} AND field = 'end')"""  # noqa: S608 - fixed text
_STATE: Final = (
    f"CASE WHEN {CANCELLED_BY} IS NOT NULL THEN 'cancelled' "
    "WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END"
)
"""The name of a state, but for a call that was cancelled later and for a dry run."""

_NUMBER: Final = "coalesce(json_extract(asked.value, '$.to'), json_extract(asked.value, '$.target.to'))"
_ID: Final = (
    "coalesce(json_extract(asked.value, '$.target.call_id'), "
    "json_extract(asked.value, '$.target.campaign_id'))"
)
_TARGET: Final = f"""coalesce(
        actions.target_id, '•••• ' || substr(coalesce({_NUMBER}, {_ID}), -4), 'erased')"""

VIEWS: Final = f"""
CREATE VIEW actions_in_words AS
SELECT actions.id, actions.request, {_at("actions.asked_at")} AS asked, actions.requester AS asked_by,
    people.name AS asked_by_name, replace(actions.kind, '_', ' ') AS what, actions.connection, actions.agent,
    {_TARGET} AS target, {_STATE} AS state, {CANCELLED_BY} AS cancelled_by,
    {_at("actions.scheduled_for")} AS scheduled_for, replace(actions.ending, '_', ' ') AS ended,
    {_SECONDS} AS seconds, actions.end_try + 1 AS tries, actions.attempt AS attempts, actions.code,
    actions.message, actions.reference, {_at("actions.updated_at")} AS changed
FROM actions
LEFT JOIN personal AS asked ON asked.event = actions.asked_event AND asked.field = 'action'
LEFT JOIN people ON people.id = actions.requester;

CREATE VIEW requests_in_words AS
SELECT requests.id, {_at("requests.asked_at")} AS asked, requests.requester AS asked_by,
    people.name AS asked_by_name, replace(requests.kind, '_', ' ') AS what, requests.connection,
    (SELECT count(*) FROM actions WHERE actions.request = requests.id) AS targets,
    why.value AS reason, requests.rule, approvals.decision, approvals.person AS decided_by,
    decider.name AS decided_by_name, {_at("approvals.at")} AS decided,
    {_at("requests.decide_by")} AS to_be_decided_by, coalesce(requests.mode, 'live') AS mode
FROM requests
JOIN actions AS first ON first.request = requests.id AND first.position = 1
LEFT JOIN personal AS why ON why.event = first.asked_event AND why.field = 'reason'
LEFT JOIN people ON people.id = requests.requester
LEFT JOIN approvals
    ON approvals.event = (SELECT max(event) FROM approvals WHERE approvals.request = requests.id)
LEFT JOIN people AS decider ON decider.id = approvals.person;

CREATE VIEW what_happened AS
SELECT events.seq, {_at("events.at")} AS at, events.request, events.action AS action, events.actor AS who,
    people.name AS who_name, replace(events.name, '_', ' ') AS what,
    json_extract(events.data, '$.state') AS state, json_extract(events.data, '$.message') AS message,
    note.value AS note
FROM events
LEFT JOIN people ON people.id = events.actor
LEFT JOIN personal AS note ON note.event = events.seq AND note.field = 'note';

CREATE VIEW decisions AS
SELECT approvals.request, {_at("approvals.at")} AS at, approvals.person AS who, people.name AS who_name,
    approvals.decision, approvals."group" AS through_group, requests.rule
FROM approvals
JOIN requests ON requests.id = approvals.request
LEFT JOIN people ON people.id = approvals.person;

CREATE VIEW by_connection AS
SELECT actions.connection, replace(actions.kind, '_', ' ') AS what, {_STATE} AS state,
    count(*) AS actions, {_at("min(actions.asked_at)")} AS first_asked,
    {_at("max(actions.asked_at)")} AS last_asked
FROM actions GROUP BY 1, 2, 3;

CREATE VIEW by_person AS
SELECT actions.requester AS asked_by, people.name AS asked_by_name,
    replace(actions.kind, '_', ' ') AS what, {_STATE} AS state, count(*) AS actions,
    {_at("min(actions.asked_at)")} AS first_asked, {_at("max(actions.asked_at)")} AS last_asked
FROM actions LEFT JOIN people ON people.id = actions.requester GROUP BY 1, 3, 4;
"""  # noqa: S608 - fixed text
