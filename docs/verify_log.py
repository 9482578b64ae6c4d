"""Check a CallOps log without CallOps: `python verify_log.py callops.db [SEQ:HASH …]`. See log-format.md."""

import contextlib
import hashlib
import json
import pathlib
import sqlite3
import sys

UNTOLD = {"n", "lease_until"}  # a row's place, and what is renewed without an event


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def differs(row, said):
    return row is None or any(
        (row[name] or None) != (said.get(name) or None) for name in {*row.keys()} - UNTOLD
    )


def faults(path, anchors=()):
    with contextlib.closing(
        sqlite3.connect(f"{pathlib.Path(path).absolute().as_uri()}?mode=ro", uri=True)
    ) as log:
        log.row_factory = sqlite3.Row
        log.execute("BEGIN")  # one state of the file, from beginning to end
        yield from faults_of(log, anchors)


def faults_of(log, anchors):
    seq, head, heads, promised, erased, entries, requests, decided = 0, "0" * 64, {}, {}, {}, {}, {}, {}
    for event in map(dict, log.execute("SELECT * FROM events ORDER BY seq")):
        data, private = json.loads(event["data"]), json.loads(event["private"])
        said = {name: event[name] for name in ("actor", "at", "entry", "name", "request", "seq")}
        text = canonical(said | {"data": data, "private": private})
        if (event["seq"], event["previous"]) != (seq + 1, head) or event["hash"] != sha256(
            (head + text).encode()
        ):
            yield f"event {event['seq']} is not the one that was written after event {seq}"
        seq, head = event["seq"], event["hash"]
        heads[seq] = head
        promised |= {(seq, name): (event["request"], promise) for name, promise in dict(private).items()}
        if event["name"] == "erased":
            erased[event["request"]] = seq
        if event["name"] == "requested":
            born = {"request": event["request"], "asked_at": event["at"], "asked_event": seq}
            entries[event["entry"]] = born | {"id": event["entry"]}
            requests.setdefault(event["request"], data | born | {"id": event["request"]})
        if "state" in data:
            moved = {"owner": None} | data | {"updated_at": event["at"], "last_event": seq}
            entries.setdefault(event["entry"], {}).update(moved)
        if "approval.person" in data:
            about = {"event": seq, "request": event["request"], "at": event["at"]}
            decided[seq] = about | {name[9:]: data[name] for name in data if name.startswith("approval.")}
    kept = {
        (row["event"], row["field"]): row
        for row in log.execute("SELECT * FROM personal WHERE value IS NOT NULL")
    }
    for key in sorted({*promised, *kept}):
        request, promise = promised.get(key, (None, None))
        if key not in kept and erased.get(request, 0) < key[0]:
            yield f"the {key[1]} of event {key[0]} is gone, though nobody erased it"
        if (
            key in kept
            and sha256((kept[key]["salt"] or b"") + canonical(kept[key]["value"]).encode()) != promise
        ):
            yield f"the {key[1]} of event {key[0]} is not what was written down"
    for table, name, told in (
        ("requests", "id", requests),
        ("actions", "id", entries),
        ("approvals", "event", decided),
    ):
        rows = {row[name]: row for row in log.execute(f"SELECT * FROM {table}")}
        yield from (
            f"{table} {key} is not what its events say" for key in told if differs(rows.get(key), told[key])
        )
        yield from (f"{table} {key} has no event" for key in rows.keys() - told.keys())
    yield from (
        f"anchor {one} is not in the log"
        for one in anchors
        if heads.get(int(one[: one.index(":")])) != one[-64:]
    )


if __name__ == "__main__":
    found = list(faults(sys.argv[1], sys.argv[2:]))
    print(*found, "The log is NOT whole" if found else "The log is whole", sep="\n")
    sys.exit(bool(found))
