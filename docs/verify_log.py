"""Check a CallOps log without CallOps: `python verify_log.py callops.db [SEQ:HASH …]`. See log-format.md.

With CALLOPS_KEY in the environment it also checks that each action is found by its own number.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
from contextlib import closing
from itertools import groupby
from pathlib import Path

TABLES = {"requests": "id", "actions": "id", "approvals": "event"}  # tables that events determine, with keys
UNTOLD = {"n", "lease_until"}  # a row's place, and a column that is renewed without an event
# Hash of the tables, indexes, triggers and views, as CallOps creates them.
SCHEMA = "e596662578dff2c84c2973d383b011c1d6e99589d99acd3348ca4afa94e61530"
# Tables that Litestream makes in the file that it replicates.
FOREIGN = (
    ("_litestream_seq", "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"),
    ("_litestream_lock", "CREATE TABLE _litestream_lock (id INTEGER)"),
)
UNREADABLE = (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError)


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def is_kept(promise, salt, value):
    return promise == sha256((salt or b"") + canonical(value))


class Log:
    """The state that the events give, as far as they were read."""

    def __init__(self, connection, anchors, key):
        self.connection, self.anchors, self.key = connection, anchors, key
        self.heads, self.requests, self.erased, self.promised, self.stopped = {}, {}, {}, {}, {}
        self.listed = {}  # by request of a call list: the hash over its rows, and whether it is paused
        self.paused = {}  # by connection, or "" for all: the event of the pause, and its end
        self.rows = {table: {} for table in TABLES}
        self.values = {}  # the erasable values that are kept, by event and field

    def faults(self):
        parts = (
            self.schema,
            self.chain,
            self.personal,
            self.replayed,
            self.lookup,
            self.stops,
            self.pauses,
            self.lists,
            self.ends,
            self.file,
        )
        for part in parts:
            try:
                yield from part()
            except UNREADABLE as error:
                yield f"the log cannot be read to its end: {error}"

    def all(self, query):
        return self.connection.execute(query)

    def schema(self):
        rows = [(name, sql) for name, sql in self.all("SELECT name, sql FROM sqlite_schema")]
        found = sorted(row for row in rows if row not in FOREIGN)
        if sha256(canonical(found)) != SCHEMA:
            yield "the tables, indexes, triggers or views are not as CallOps of this version makes them"

    def chain(self):
        seq, head = 0, "0" * 64
        for event in map(dict, self.all("SELECT * FROM events ORDER BY seq")):
            previous, written, text = event.pop("previous"), event.pop("hash"), dict(event)
            try:
                event |= {name: json.loads(text[name]) for name in ("data", "private")}
                right = event["seq"] == seq + 1 and previous == head
                right &= written == sha256(head.encode() + canonical(event))
                # For a duplicate key, SQL reads the first value, but Python reads the last.
                right &= all(text[name].encode() == canonical(event[name]) for name in ("data", "private"))
                self.read(event)
            except UNREADABLE:
                right = False
            if not right:
                yield f"event {event['seq']} is not the one that was written after event {seq}"
            seq, head = event["seq"], written
            self.heads[seq], self.requests[seq] = head, event["request"]

    def read(self, event):
        seq, at, request, action, data = (event[name] for name in ("seq", "at", "request", "action", "data"))
        self.promised |= {(seq, field): (request, one) for field, one in event["private"].items()}
        self.hold(event["name"], seq, request, data)
        match event["name"]:
            case "requested":
                born = {"request": request, "asked_at": at, "asked_event": seq}
                self.rows["actions"][action] = born | {"id": action, "attempt": 0, "maybe_executed": 0}
                self.rows["requests"].setdefault(request, data | born | {"id": request})
            case "erased":
                self.erased[request] = seq
            case "call_ended":
                row, tried = self.rows["actions"].get(action, {}), data["try"]
                ranks = [1000 if one is None else one for one in (row.get("end_try"), tried)]
                if not row.get("ending") or ranks[0] <= ranks[1]:
                    row |= {"ending": data["ending"], "end_try": tried}
        if "state" in data:
            let_go = {} if data["state"] == "sending" else {"owner": None}
            moved = data | let_go | {"updated_at": at, "last_event": seq}
            self.rows["actions"].setdefault(action, {}).update(moved)
        if "approval.person" in data:
            decided = {name[9:]: value for name, value in data.items() if name.startswith("approval.")}
            self.rows["approvals"][seq] = decided | {"event": seq, "request": request, "at": at}

    def hold(self, name, seq, request, data):
        match name:
            case "calls_stopped" | "list_imported":
                self.stopped[request] = (data.get("list", ""), data["sealed"])
            case "stop_rekeyed" if data.get("sealed"):
                self.stopped[request] = (data["list"], data["sealed"])
            case "stop_rekeyed" if "list" in data:
                self.stopped.pop(request, None)
            case "calls_allowed":
                self.stopped.pop(request, None)
            case "list_removed":
                self.stopped = {one: said for one, said in self.stopped.items() if said[0] != data["list"]}
            case "requested" if "rows_sha256" in data:
                self.listed[request] = (data["rows_sha256"], False)
            case "list_paused" | "list_resumed" if request in self.listed:
                self.listed[request] = (self.listed[request][0], name == "list_paused")
            case "calls_paused":
                self.paused[data["connection"] or ""] = (seq, data["until"])
            case "calls_resumed":
                self.paused.pop(data["connection"] or "", None)

    def personal(self):
        rows = self.all("SELECT event, field, salt, value FROM personal WHERE value IS NOT NULL")
        self.values = {(event, field): (salt, value) for event, field, salt, value in rows}
        for seq, field in sorted({*self.promised, *self.values}):
            kept, (request, promise) = (
                self.values.get((seq, field)),
                self.promised.get((seq, field), (None, None)),
            )
            if kept is None and self.erased.get(request, 0) < seq:
                yield f"the {field} of event {seq} is gone, though nobody erased it"
            if kept is not None and not is_kept(promise, *kept):
                yield f"the {field} of event {seq} is not what was written down"
        orphans = "SELECT event, field FROM personal WHERE event NOT IN (SELECT seq FROM events)"
        yield from (
            f"event {event} is not there, though its {field} is" for event, field in self.all(orphans)
        )

    def replayed(self):
        pending = {
            one.get("request") for one in self.rows["actions"].values() if one.get("state") == "pending"
        }
        for name, row in self.rows["requests"].items():
            row["pending"] = name in pending
        for table, key in TABLES.items():
            rows = {row[key]: dict(row) for row in self.all(f"SELECT * FROM {table}")}
            for name in sorted({*rows, *self.rows[table]}, key=str):
                row, said = rows.get(name, {}), self.rows[table].get(name, {})
                if any(row.get(one) != said.get(one) for one in {key, *row} - UNTOLD):
                    yield f"{table} {name} is not what its events say"
        asked = [event for (event,) in self.all("SELECT asked_event FROM actions ORDER BY n")]
        if asked != sorted(asked):
            yield "actions are not in the order in which they were asked"

    def lookup(self):
        sign = None if self.key is None else lambda text: hmac.digest(self.key, text.encode(), "sha256")
        kept = {number for (number,) in self.all("SELECT value FROM meta WHERE name = 'key'")}
        if sign and kept != {sign("key")}:
            yield "numbers are looked up under another key than CALLOPS_KEY"
            sign = None
        numbers = dict(tuple(row) for row in self.all("SELECT action, number FROM lookup"))
        for n, name, asked, target_id in self.all("SELECT n, id, asked_event, target_id FROM actions"):
            _, value = self.values.get((asked, "action"), (None, "{}"))
            action = json.loads(value)
            target = action.get("target") or {}
            aim = action.get("to") or target.get("to")
            if not aim and target_id is None:
                aim = target.get("call_id") or target.get("campaign_id")
            number = numbers.pop(n, None)
            if (aim is None) != (number is None) or (sign and aim and number != sign(aim)):
                yield f"action {name} is not found by what it is aimed at"
        yield from (f"lookup has a number of action {n}, which is not there" for n in numbers)

    def stops(self):
        seals = self.all("SELECT event, salt FROM seals ORDER BY event")
        salts = {self.requests.get(event): salt for event, salt in seals}
        rows = self.all(
            "SELECT event, list, number FROM stops WHERE event NOT IN (SELECT event FROM unfinished_lists) "
            "ORDER BY event, list, number"
        )
        found = {}
        for (event, name), numbers in groupby(rows, key=lambda row: (row["event"], row["list"])):
            request = self.requests.get(event)
            salt = salts.get(request) or b""
            sealed = salt + canonical(name) + b"".join(row["number"] for row in numbers)
            found.setdefault(request, []).append((name, sha256(sealed)))
        for request in sorted({*found, *self.stopped}, key=str):
            if found.get(request) != [self.stopped.get(request)]:
                yield f"the numbers that {request} stopped are not those that were written down"

    def pauses(self):
        rows = self.all("SELECT connection, event, until FROM pauses")
        found = {name: (event, until) for name, event, until in rows}
        for name in sorted({*found, *self.paused}, key=str):
            if found.get(name) != self.paused.get(name):
                yield f"the pause of {name or 'every connection'} is not what its events say"

    def lists(self):
        found = {}
        for name, request, paused in self.all("SELECT id, request, paused FROM call_lists"):
            rows = self.all(f"SELECT line, sealed FROM call_list_rows WHERE list = {name} ORDER BY id")
            told = "".join(f"{line} {sealed or ''}\n" for line, sealed in rows)
            found |= {request: (sha256(told.encode()), bool(paused))} if request else {}
        for request in sorted({*found, *self.listed}):
            if found.get(request) != self.listed.get(request):
                yield f"the rows of the call list {request} are not those that were requested"
        kept = "SELECT line, salt, value, sealed FROM call_list_rows WHERE value IS NOT NULL"
        for line, salt, value, sealed in self.all(kept):
            if not is_kept(sealed, salt, value):
                yield f"the row of line {line} of a call list is not what was written down"

    def ends(self):
        for anchor in self.anchors:
            seq, _, promise = anchor.partition(":")
            if self.heads.get(int(seq)) != promise:
                yield f"anchor {anchor} is not in the log"

    def file(self):
        for (found,) in self.all("PRAGMA integrity_check"):
            if found != "ok":
                yield f"SQLite finds the file damaged: {found}"


def faults(path, anchors=(), key=None):
    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda text: text.decode(errors="surrogateescape")
        connection.execute("BEGIN")  # one state of the file, from beginning to end
        yield from Log(connection, anchors, key).faults()


if __name__ == "__main__":
    secret = os.environ.get("CALLOPS_KEY")
    found = list(faults(sys.argv[1], sys.argv[2:], base64.b64decode(secret) if secret else None))
    shown = (repr(fault)[1:-1] for fault in found)  # characters that control a terminal are escaped
    print(*shown, "The log is DAMAGED" if found else "The log is intact", sep="\n")
    sys.exit(bool(found))
