"""Check a CallOps log without CallOps: `python verify_log.py callops.db [SEQ:HASH …]`. See log-format.md."""

import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

TABLES = {"requests": "id", "actions": "id", "approvals": "event"}  # what the events say, and its key
UNTOLD = {"n", "lease_until"}  # a row's place, and what is renewed without an event


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def replay(event, told):
    seq, at, request, entry, data = (event[name] for name in ("seq", "at", "request", "entry", "data"))
    if event["name"] == "requested":
        born = {"request": request, "asked_at": at, "asked_event": seq}
        told["actions"][entry] = born | {"id": entry}
        told["requests"].setdefault(request, data | born | {"id": request})
    if "state" in data:
        moved = {"owner": None} | data | {"updated_at": at, "last_event": seq}
        told["actions"].setdefault(entry, {}).update(moved)
    if "approval.person" in data:
        decided = {name.removeprefix("approval."): value for name, value in data.items()}
        told["approvals"][seq] = decided | {"event": seq, "request": request, "at": at}


def faults_of(log, anchors):
    seq, head, heads, promised, erased, told = 0, "0" * 64, {}, {}, {}, {table: {} for table in TABLES}
    for event in map(dict, log.execute("SELECT * FROM events ORDER BY seq")):
        event |= {name: json.loads(event[name]) for name in ("data", "private")}
        previous, written = event.pop("previous"), event.pop("hash")
        right = event["seq"] == seq + 1 and previous == head
        if not right or written != sha256(head.encode() + canonical(event)):
            yield f"event {event['seq']} is not the one that was written after event {seq}"
        seq, head = event["seq"], written
        heads[seq] = head
        promised |= {(seq, field): (event["request"], one) for field, one in event["private"].items()}
        if event["name"] == "erased":
            erased[event["request"]] = seq
        replay(event, told)

    rows = log.execute("SELECT * FROM personal WHERE value IS NOT NULL")
    kept = {(row["event"], row["field"]): row for row in rows}
    for seq, field in sorted({*promised, *kept}):
        row, (request, promise) = kept.get((seq, field)), promised.get((seq, field), (None, None))
        if row is None and erased.get(request, 0) < seq:
            yield f"the {field} of event {seq} is gone, though nobody erased it"
        if row is not None and sha256((row["salt"] or b"") + canonical(row["value"])) != promise:
            yield f"the {field} of event {seq} is not what was written down"

    for table, key in TABLES.items():
        rows = {row[key]: dict(row) for row in log.execute(f"SELECT * FROM {table}")}
        for name in sorted({*rows, *told[table]}):
            row, said = rows.get(name, {}), told[table].get(name, {})
            if any((row.get(one) or None) != (said.get(one) or None) for one in {key, *row} - UNTOLD):
                yield f"{table} {name} is not what its events say"

    for anchor in anchors:
        seq, _, promise = anchor.partition(":")
        if heads.get(int(seq)) != promise:
            yield f"anchor {anchor} is not in the log"


def faults(path, anchors=()):
    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as log:
        log.row_factory = sqlite3.Row
        log.execute("BEGIN")  # one state of the file, from beginning to end
        yield from faults_of(log, anchors)


if __name__ == "__main__":
    found = list(faults(sys.argv[1], sys.argv[2:]))
    shown = (repr(fault)[1:-1] for fault in found)  # whatever steers a terminal is written as an escape
    print(*shown, "The log is NOT whole" if found else "The log is whole", sep="\n")
    sys.exit(bool(found))
