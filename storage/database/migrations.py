"""The schema of the SQLite store, and the migrations of a file to it.

Times are integers: microseconds since 1970 in UTC. Personal data is only in ``personal`` (values), ``lookup``
(numbers, as keyed hashes), ``call_list_rows`` (both), ``nonces`` (drafts) and ``people`` (names). ``screens``
holds secrets for a while. Rows with such values are blanked, never deleted, and never move inside the file.
SQLite's ``secure_delete`` zeroes a deleted row, but not the copies that remain when pages are merged.
"""

from collections.abc import Mapping
from contextlib import closing
from functools import cache
from sqlite3 import Connection
from types import MappingProxyType
from typing import Final

from sqlite_utils import Database, Migrations

from storage import StorageError
from storage.database.locking import begin
from storage.database.views import VIEWS

APPLICATION_ID: Final = int.from_bytes(b"CALL")
"""The value of `PRAGMA application_id` in the store's files."""

NEVER: Final = 9_223_372_036_854_775_807
"""The deadline of a request without one, in the index of pending requests."""

_MESSAGE: Final = """
    CASE {0}.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE {0}.slot END
"""
_NEXT: Final = f"""
    UPDATE outbox SET is_next = unordered = 1 OR id IS (
        SELECT min(one.id) FROM outbox AS one
        WHERE one.request = outbox.request AND one.ended IS NULL AND one.unordered = 0 AND NOT EXISTS (
            SELECT 1 FROM outbox AS other
            WHERE other.request = one.request AND other.ended IS NULL AND other.unordered = 1
              AND {_MESSAGE.format("other")} = {_MESSAGE.format("one")}))
    WHERE ended IS NULL AND request = NEW.request
"""  # noqa: S608 - fixed text
"""Mark the unsent outbox rows of a request that wait for no other row of it."""

SCHEMA: Final = f"""
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    request TEXT NOT NULL,
    action TEXT NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT NOT NULL,
    private TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX events_request ON events (request);
CREATE INDEX events_reference ON events (json_extract(data, '$.reference'))
    WHERE json_extract(data, '$.reference') IS NOT NULL;
CREATE INDEX events_looked_up ON events (action) WHERE name = 'looked_up';
CREATE INDEX events_asked ON events (json_extract(data, '$.person'), at)
    WHERE name IN ('asked', 'settle_asked');
CREATE INDEX events_call_ended ON events (action, coalesce(json_extract(data, '$.try'), 1000))
    WHERE name = 'call_ended';
CREATE INDEX events_sent_again ON events (action) WHERE name = 'retry_requested';
CREATE INDEX events_followed ON events (request) WHERE name = 'followed';
CREATE INDEX events_cancelled ON events (action) WHERE name = 'cancelled';
CREATE INDEX events_rules ON events (seq) WHERE name = 'rules_changed';

CREATE TRIGGER events_follow BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT raise(ABORT, 'events are appended, one after another'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_hold BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are never changed'); END;

-- reschedules: the call that is cancelled to be placed again; second_step_of: the request that cancelled it.
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    connection TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    requester TEXT NOT NULL,
    team TEXT NOT NULL,
    channel TEXT,
    rule TEXT,
    reasons TEXT,
    approvals_needed INTEGER NOT NULL,
    decide_by INTEGER,
    asked_at INTEGER NOT NULL,
    mode TEXT,
    reported_call_time INTEGER,
    reschedules TEXT,
    new_time INTEGER,
    second_step_of TEXT,
    tell_me INTEGER,
    stop TEXT,
    call_list TEXT,
    pending INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX requests_pending ON requests (coalesce(decide_by, {NEVER}), asked_at, id) WHERE pending = 1;
CREATE INDEX requests_reschedules ON requests (new_time) WHERE reschedules IS NOT NULL;
CREATE UNIQUE INDEX requests_second_step_of ON requests (second_step_of) WHERE second_step_of IS NOT NULL;

CREATE TABLE actions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL REFERENCES requests (id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    connection TEXT NOT NULL,
    requester TEXT NOT NULL,
    agent TEXT,
    target_id TEXT,
    scheduled_for INTEGER,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    maybe_executed INTEGER NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    not_before INTEGER,
    not_after INTEGER,
    code TEXT,
    message TEXT,
    retry TEXT,
    reference TEXT,
    http_status INTEGER,
    ending TEXT,
    end_try INTEGER,
    asked_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    asked_event INTEGER NOT NULL REFERENCES events (seq),
    last_event INTEGER NOT NULL REFERENCES events (seq),
    UNIQUE (request, position)
) STRICT;
CREATE INDEX actions_asked ON actions (asked_at);
CREATE INDEX actions_state ON actions (state, asked_at);
CREATE INDEX actions_code ON actions (code, asked_at);
CREATE INDEX actions_kind ON actions (kind, asked_at);
CREATE INDEX actions_connection ON actions (connection, asked_at);
CREATE INDEX actions_requester ON actions (requester, asked_at);
CREATE INDEX actions_ending ON actions (ending, asked_at) WHERE kind = 'place_call';
CREATE INDEX actions_target ON actions (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX actions_pending ON actions (n) WHERE state = 'pending';
CREATE INDEX actions_unbegun ON actions (connection) WHERE state IN ('pending', 'approved') AND attempt = 0;
CREATE INDEX actions_approved ON actions (connection, last_event) WHERE state = 'approved';
CREATE INDEX actions_not_after ON actions (not_after) WHERE state = 'approved' AND not_after IS NOT NULL;
CREATE INDEX actions_maybe_executed ON actions (last_event) WHERE state = 'approved' AND maybe_executed = 1;
CREATE INDEX actions_unsure ON actions (connection) WHERE state = 'unknown' AND kind <> 'place_call';
CREATE INDEX actions_scheduled ON actions (scheduled_for)
    WHERE kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled';
CREATE INDEX actions_scheduled_by ON actions (requester, scheduled_for)
    WHERE kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled';

CREATE TABLE approvals (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    request TEXT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    decision TEXT NOT NULL,
    "group" TEXT,
    members TEXT NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX approvals_request ON approvals (request);

CREATE TABLE personal (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (seq),
    field TEXT NOT NULL,
    salt BLOB,
    value TEXT,
    UNIQUE (event, field)
) STRICT;
CREATE INDEX personal_kept ON personal (event) WHERE value IS NOT NULL;

-- masked: the keyed hash of a number as people see it masked, for as long as its action is pending.
CREATE TABLE lookup (
    action INTEGER PRIMARY KEY REFERENCES actions (n),
    number BLOB NOT NULL,
    masked BLOB
) STRICT;
CREATE INDEX lookup_number ON lookup (number);
CREATE INDEX lookup_masked ON lookup (masked) WHERE masked IS NOT NULL;

CREATE TABLE deliveries (
    delivery_key TEXT PRIMARY KEY,
    request TEXT NOT NULL REFERENCES requests (id),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_at ON deliveries (at);

CREATE TABLE nonces (
    id INTEGER PRIMARY KEY,
    nonce TEXT NOT NULL UNIQUE,
    person TEXT,
    content TEXT,
    request TEXT REFERENCES requests (id),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX nonces_kept ON nonces (at) WHERE content IS NOT NULL;

-- lane: what posts wait for together; unordered: the request's other posts do not wait for it; postponed_at:
-- a wait that began after now is by a clock that was set back; is_next: it waits for no other of its
-- request. An announcement belongs to no request: dedupe_key adds it once; payload, in which nothing is
-- erasable, is what it tells; channel and ts are where it stands.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    request TEXT REFERENCES requests (id),
    action TEXT,
    event INTEGER REFERENCES events (seq),
    dedupe_key TEXT,
    template TEXT NOT NULL,
    slot TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{{}}',
    channel TEXT,
    ts TEXT,
    added_at INTEGER NOT NULL,
    not_before INTEGER,
    postponed_at INTEGER,
    lane TEXT,
    unordered INTEGER NOT NULL DEFAULT 0,
    is_next INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    ended TEXT CHECK (ended IN ('delivered', 'covered', 'abandoned')),
    ended_at INTEGER,
    CHECK ((request IS NULL) = (dedupe_key IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX outbox_dedupe_key ON outbox (dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (request, id) WHERE ended IS NULL;
CREATE INDEX outbox_unordered ON outbox (request) WHERE ended IS NULL AND unordered = 1;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE ended IS NULL AND lease_until IS NOT NULL;
CREATE INDEX outbox_lane ON outbox (lane, is_next, id) WHERE ended IS NULL AND lane IS NOT NULL;
CREATE INDEX outbox_due ON outbox (coalesce(not_before, 0))
    WHERE ended IS NULL AND is_next = 1 AND lane IS NULL;
CREATE INDEX outbox_postponed ON outbox (postponed_at)
    WHERE ended IS NULL AND is_next = 1 AND lane IS NULL AND not_before IS NOT NULL;
CREATE TRIGGER outbox_joined AFTER INSERT ON outbox
BEGIN {_NEXT}; END;
CREATE TRIGGER outbox_left AFTER UPDATE OF ended, unordered ON outbox
WHEN OLD.ended IS NOT NEW.ended OR OLD.unordered <> NEW.unordered
BEGIN {_NEXT}; END;

-- link: the message's address, once Slack was asked for it.
CREATE TABLE messages (
    request TEXT NOT NULL REFERENCES requests (id),
    slot TEXT NOT NULL,
    channel TEXT NOT NULL,
    ts TEXT NOT NULL,
    link TEXT,
    PRIMARY KEY (request, slot)
) STRICT, WITHOUT ROWID;

CREATE INDEX messages_ts ON messages (ts);

CREATE TABLE people (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    bot INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    guest INTEGER NOT NULL,
    is_external INTEGER NOT NULL,
    read_at INTEGER NOT NULL
) STRICT;

-- Answers that follow their requests. url: a secret, blanked after 30 minutes; stage: what it shows; seen:
-- the last event that was looked at; uses: how often the url was used.
CREATE TABLE screens (
    id INTEGER PRIMARY KEY,
    request TEXT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    url TEXT,
    stage TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    uses INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX screens_open ON screens (request) WHERE url IS NOT NULL;

-- Home tabs of the people who opened one within a day. shown: the keyed hash of what it shows, NULL if it
-- must be published; seen: the last event that was looked at, at looked_at.
CREATE TABLE homes (
    person TEXT PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    shown BLOB,
    seen INTEGER NOT NULL DEFAULT 0,
    looked_at INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_account ON turns (account, at);

CREATE TABLE rate_limit_pauses (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Placed calls whose end is still to be asked for. since: when it was due first.
CREATE TABLE end_polls (
    action INTEGER PRIMARY KEY REFERENCES actions (n),
    connection TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX end_polls_due ON end_polls (connection, due_at);

-- announced: the dedupe_key of what the outbox tells of it.
CREATE TABLE outages (
    connection TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('down', 'rate_limited')),
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    reachable INTEGER NOT NULL,
    told INTEGER NOT NULL,
    announced TEXT,
    probe_at INTEGER,
    PRIMARY KEY (connection, reason)
) STRICT, WITHOUT ROWID;

-- Numbers that are not called: keyed hashes alone, which no erasing takes away. seals has the salt of what
-- each event says of its numbers, for as long as these are stopped.
CREATE TABLE stops (
    number BLOB NOT NULL,
    list TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (number, list)
) STRICT, WITHOUT ROWID;
CREATE INDEX stops_list ON stops (list, event);

CREATE TABLE seals (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    salt BLOB
) STRICT;

-- Rows of stops that do not count: their list is being imported, or was removed (leaving).
CREATE TABLE unfinished_lists (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    list TEXT NOT NULL,
    leaving INTEGER NOT NULL
) STRICT;

-- Call lists. request: NULL before it was requested; paused: none of its calls is requested or sent.
CREATE TABLE call_lists (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    at INTEGER NOT NULL,
    request TEXT UNIQUE REFERENCES requests (id),
    paused INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The rows of their files, in order. value: the action, until it is erased; sealed: the commitment to it;
-- problem: why the row is left out; due_at: NULL unless its request is still to be made.
CREATE TABLE call_list_rows (
    id INTEGER PRIMARY KEY,
    list INTEGER NOT NULL REFERENCES call_lists (id),
    line INTEGER NOT NULL,
    number BLOB,
    salt BLOB,
    value TEXT,
    sealed TEXT,
    problem TEXT,
    due_at INTEGER,
    request TEXT REFERENCES requests (id)
) STRICT;
CREATE INDEX call_list_rows_list ON call_list_rows (list, id);
CREATE INDEX call_list_rows_due ON call_list_rows (list, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX call_list_rows_number ON call_list_rows (number) WHERE number IS NOT NULL;

-- No call is placed and no campaign started: at a connection, or at all ('').
CREATE TABLE pauses (
    connection TEXT PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (seq),
    until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
{VIEWS}"""  # noqa: S608 - fixed text

FOREIGN: Final = MappingProxyType(
    {
        "_litestream_seq": "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)",
        "_litestream_lock": "CREATE TABLE _litestream_lock (id INTEGER)",
    }
)
"""Tables of other programs that may be in the file, with their SQL. Litestream makes these in the database
that it replicates (benbjohnson/litestream, db.go, `DB.init`)."""

MIGRATIONS: Final = Migrations("callops")


@MIGRATIONS(name="1.0.0")
def initial(database: Database) -> None:
    """Create the schema of the first release. It is never edited: a change is a migration behind it."""
    database.executescript(SCHEMA)


class OtherSchemaError(StorageError):
    """The file was created by another version of this program, whose schema this version does not know."""


def migrate(connection: Connection) -> None:
    """Migrate a file to the present schema. Several processes may start together.

    The write lock is acquired first, so a second process finds the work done. If there is nothing to do, the
    lock is not acquired, however busy others are.

    Raises:
        OtherSchemaError: The file has migrations that this program does not know. Nothing changes.
    """
    database = Database(connection, execute_plugins=False)
    if _is_present(connection):
        return
    begin(connection)
    try:
        refuse_others(database)
        MIGRATIONS.apply(database)
        connection.execute("COMMIT")
    finally:
        database.rollback()  # nothing to do after a commit


def _is_present(connection: Connection) -> bool:
    """Return whether a file has exactly the known migrations. It only reads."""
    table = "SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'"
    if connection.execute(table).fetchone() is None:
        return False
    rows = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ?", [MIGRATIONS.name]
    )
    return {str(name) for (name,) in rows} == known()


@cache
def known() -> frozenset[str]:
    """Return the names of the migrations that this program knows."""
    with closing(Database(memory=True, execute_plugins=False)) as empty:
        return frozenset(migration.name for migration in MIGRATIONS.pending(empty))


@cache
def schema() -> Mapping[str, str | None]:
    """Return the SQL of everything that the migrations create, by name."""
    with closing(Database(memory=True, execute_plugins=False)) as fresh:
        MIGRATIONS.apply(fresh)
        return MappingProxyType(
            dict(tuple(row) for row in fresh.execute("SELECT name, sql FROM sqlite_schema"))
        )


def refuse_others(database: Database) -> None:
    """Raise `OtherSchemaError` for a file with migrations that this program does not know.

    It only reads.
    """
    unknown = {migration.name for migration in MIGRATIONS.applied(database)} - known()
    if unknown:
        raise OtherSchemaError(
            f"it was made by another version of CallOps (schema {', '.join(sorted(unknown))}), newer than "
            "this or older than 1.0.0. Use the version that made it, or begin a new file"
        )
