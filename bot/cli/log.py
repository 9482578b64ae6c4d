"""`python -m bot log list | show | export | verify | fixture`: the log at a terminal, and for programs.

Numbers are masked here as in channels, but for two things that ``show --json`` has whole: the record of what
was deleted, because it is the last copy, and what an export of full numbers looked for.
"""

import argparse
import asyncio
import base64
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot.cli.log_export import CannotExport, export, query
from bot.cli.log_replies import NoFixture, advise, as_lines, as_objects, attempts, fixture
from bot.cli.progress import share_bar
from bot.config.environment import database_path, is_key, key_bytes
from bot.config.loader import look
from bot.services.export import target
from bot.text.formatting import WORDS, word
from bot.text.terminal import cell, complain, quoted, say, say_json
from providers.masking import mask_numbers
from storage.database.connection import CannotOpen
from storage.database.files import CannotWrite
from storage.errors import NoSuchRequest
from storage.event_log.hash_chain import RULES
from storage.maintenance.anchors import Anchor, missing
from storage.maintenance.verification import verify
from storage.models import Event, Hit, LogEntry, Query, Request, Scalar
from storage.store import Store

OK, WRONG, CANNOT_START = 0, 1, 2
_NOT_SHOWN = frozenset({"action", "raw", "lookup"})
"""Erasable fields that hold full numbers, replies as they came, or a keyed hash."""
_WITHOUT_REQUEST = ("D-", "E-", "P-", "R-", "S-", "X-")
"""Ids of events of no request: denied attempts, faults, purges, rules, stops and lists, exports."""
_ONLY_AS_JSON = frozenset({"record"})
_WHOLE_AS_JSON = frozenset({"record", "query"})
"""The last copy of what was deleted, and which numbers left the log."""


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run one of the commands and return the exit status."""
    faults: list[str] = []
    path = database_path(variables.get("DATABASE_URL") or None, faults)
    key = variables.get("CALLOPS_KEY") or ""
    if not is_key(key) and chosen.reading != "verify":  # which asks for no secret, so that anyone can do it
        faults.append("CALLOPS_KEY is not set: the log is opened with the key it was made with")
    if not path.exists():
        faults.append(f"There is no log at {path}: is DATABASE_URL right?")
    if faults:
        complain(*faults)
        return CANNOT_START
    if chosen.reading == "verify":
        return _verify(path, chosen.anchor, key_bytes(key), as_json=chosen.json)
    try:
        return asyncio.run(_run(chosen, path, base64.b64decode(key), variables))
    except NoSuchRequest:
        trouble = f"The log has no {chosen.id}. Ids look like A-7K3F."
    except (NoFixture, CannotExport, CannotOpen, CannotWrite) as error:
        trouble = str(error)
    except BrokenPipeError:  # whoever read has read enough; Python would write the rest as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    complain(trouble)
    return CANNOT_START


async def _run(chosen: argparse.Namespace, path: object, key: bytes, variables: Mapping[str, str]) -> int:
    log = await Store.open(str(path), key=key, clock=lambda: datetime.now(UTC))
    region = look(variables).default_region
    try:
        match chosen.reading:
            case "list":
                return await _list(log, chosen, region)
            case "export":
                return await export(log, chosen, default_region=region)
            case "fixture":
                return await _fixture(log, chosen, variables)
            case "show" if chosen.raw:
                return await _show_replies(log, chosen, region)
            case _:
                return await _show(log, chosen, region)
    finally:
        await log.close()


async def _list(log: Store, chosen: argparse.Namespace, region: str) -> int:
    asked = await query(log, chosen)
    found = await log.search.find(asked, limit=chosen.limit)
    rows = [summary(hit.entry, region) | {"cancelled_by": hit.cancelled_by} for hit in found.hits]
    if chosen.json:
        say_json(rows)
    elif not rows:
        say("No action matches." if asked != Query() else "No action is in the log yet.")
    else:
        _table(
            ["id", "asked", "what", "through", "target", "state"],
            [_columns(hit, region) for hit in found.hits],
        )
        if found.after is not None:
            say(f"… and more: --limit {chosen.limit * 2}")
    return OK


def _columns(hit: Hit, region: str) -> list[str]:
    entry = hit.entry
    asked, state = f"{entry.asked_at:%Y-%m-%d %H:%M}", word(entry, cancelled=hit.cancelled_by is not None)
    return [entry.id, asked, entry.kind, entry.connection, target(entry, default_region=region), state]


async def _show(log: Store, chosen: argparse.Namespace, region: str) -> int:
    masked = partial(_masked, region=region)
    events = [
        replace(event, data=_without_numbers(event, region)) for event in await log.requests.events(chosen.id)
    ]
    private = await log.requests.private(chosen.id)
    request = None if chosen.id.startswith(_WITHOUT_REQUEST) else await log.requests.request(chosen.id)
    kept = [
        (seq, field, value if chosen.json and field in _WHOLE_AS_JSON else masked(value) or "")
        for seq, field, value in private
        if field not in _NOT_SHOWN
    ]
    if chosen.json:
        found = {
            "request": _request(request, region) if request else None,
            "events": [_event(event, kept) for event in events],
        }
        say_json(found, indent=2)
        return OK
    if request:
        say(*_standing(request, region))
    for event in events:
        who = f"{cell(event.entry)}  {cell(event.name)}  by {cell(event.actor)}"
        say(f"{event.seq:>6}  {event.at:%Y-%m-%d %H:%M:%S}  {who}")
        if event.name == RULES:
            say(f"        {quoted(event.data['difference'])}")
        elif request is None:
            say(*(f"        {cell(name)}: {_datum(value)}" for name, value in event.data.items()))
        for seq, field, value in kept:
            if seq == event.seq and field not in _ONLY_AS_JSON:
                say(f"        {cell(field)}: {quoted(value)}")
    return OK


def _standing(request: Request, region: str) -> Iterator[str]:
    """How a request and each of its actions stand."""
    who, through = cell(request.requester), cell(request.connection)
    yield f"{request.id}  {WORDS[request.state]}, asked by {who} through {through}"
    for entry in request.entries:
        aim = target(entry, default_region=region)
        yield f"  {entry.id}  {entry.kind}  {cell(aim)}  {WORDS[entry.state]}"
        if message := _masked(entry.message, region=region):
            yield f"      {quoted(message)}"


def _datum(value: Scalar) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def _masked(text: str | None, *, region: str) -> str | None:
    return None if text is None else mask_numbers(text, default_region=region)


def _without_numbers(event: Event, region: str) -> Mapping[str, Scalar]:
    """An event's data without full numbers. Rules are of the configuration and hold none."""
    if event.name == RULES:
        return event.data
    return {
        name: _masked(value, region=region) if isinstance(value, str) else value
        for name, value in event.data.items()
    }


async def _show_replies(log: Store, chosen: argparse.Namespace, region: str) -> int:
    events = await log.requests.events(chosen.id)
    found = attempts(events, await log.requests.private(chosen.id), default_region=region)
    if chosen.json:
        say_json(as_objects(found), indent=2)
    else:
        say(*as_lines(events, found))
    return OK


async def _fixture(log: Store, chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    request = await log.requests.request(chosen.id)
    region = look(variables).default_region
    found = attempts(
        await log.requests.events(chosen.id), await log.requests.private(chosen.id), default_region=region
    )
    if chosen.id != request.id:
        found = [one for one in found if one.entry == chosen.id]
    made, provider = fixture(request, found, chosen.attempt, variables)
    say_json(made, indent=2)
    complain(*advise(made, found, provider))
    return OK


def _verify(path: Path, given: Sequence[str], key: bytes | None, *, as_json: bool) -> int:
    try:
        anchors = _anchors(given)
    except NoAnchor as error:
        complain(str(error))
        return CANNOT_START
    with share_bar("Verifying") as progress:
        verdict = verify(path, key=key, progress=progress)
    faults = [*verdict.faults, *missing(path, anchors)]
    if as_json:
        found: dict[str, Any] = {
            "events": verdict.events,
            "actions": verdict.entries,
            "head": verdict.head,
            "anchors": len(anchors),
            "with_key": key is not None,
            "faults": faults,
        }
        say_json(found)
    else:
        say(*faults)
        whole = "is NOT whole" if faults else "is whole"
        if anchors and not faults:
            whole += f" and holds {len(anchors)} {'anchor' if len(anchors) == 1 else 'anchors'}"
        say(f"The log {whole}: {verdict.entries} actions, {verdict.events} events, head {verdict.head}")
        if key is None:
            say("Without CALLOPS_KEY it was not checked that each action is found by its own number.")
    return WRONG if faults else OK


class NoAnchor(Exception):
    """What was given holds no anchor, as a sentence."""


def _anchors(given: Sequence[str]) -> Sequence[Anchor]:
    """The anchors that were given: each as it is, or a file of them. Raises `NoAnchor`."""
    found: list[Anchor] = []
    for one in given:
        anchors = Anchor.all_in(one)
        if not anchors:
            try:
                anchors = Anchor.all_in(Path(one).read_text(encoding="utf-8", errors="replace"))
            except OSError as error:
                raise NoAnchor(
                    f"{one} is neither an anchor (a number, a colon and 64 letters and digits) nor a file: "
                    f"{error.strerror}"
                ) from error
        if not anchors:
            raise NoAnchor(f"There is no anchor in {one}.")
        found += anchors
    return found


def summary(entry: LogEntry, region: str) -> dict[str, str | None]:
    """One action for programs, in the log's words."""
    return {
        "id": entry.id,
        "request": entry.request,
        "kind": entry.kind,
        "connection": entry.connection,
        "target": target(entry, default_region=region),
        "state": entry.state,
    }


def _request(request: Request, region: str) -> dict[str, Any]:
    masked = partial(_masked, region=region)
    return {
        "id": request.id,
        "state": request.state,
        "requester": request.requester,
        "rule": request.rule,
        "decide_by": request.decide_by.isoformat() if request.decide_by else None,
        "reason": masked(request.reason),
        "purpose": masked(request.purpose),
        "consent": masked(request.consent),
        "zone": request.zone,
        "stop": request.stop,
        "actions": [
            summary(entry, region)
            | {
                "attempt": entry.attempt,
                "code": entry.code,
                "message": masked(entry.message),
                "reference": masked(entry.reference),
            }
            for entry in request.entries
        ],
    }


def _event(event: Event, private: list[tuple[int, str, str]]) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at.isoformat(),
        "entry": event.entry,
        "name": event.name,
        "actor": event.actor,
        "data": dict(event.data),
        "personal": {field: value for seq, field, value in private if seq == event.seq},
        "hash": event.hash,
    }


def _table(head: list[str], rows: list[list[str]]) -> None:
    table = [head, *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[n]) for row in table) for n in range(len(head))]
    for row in table:
        say("  ".join(one.ljust(width) for one, width in zip(row, widths, strict=True)).rstrip())
