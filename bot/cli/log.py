"""`python -m bot log list | show | export | verify | fixture`: the log at a terminal, and for programs.

Numbers are masked here as in channels, but for two things that ``show --json`` has whole: the record of what
was deleted, because it is the last copy, and what an export of full numbers looked for.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from whenever import Instant

from bot import CallOpsError
from bot.cli.log_export import ExportError, export, query
from bot.cli.log_replies import NoFixtureError, advise, as_lines, as_objects, attempts, fixture
from bot.cli.log_story import STATE_STYLES, known_names, lines, people_in
from bot.cli.progress import share_bar
from bot.config.environment import UnreadableFileError, existing_log, log_key, read_bytes
from bot.config.loader import read_config
from bot.services.export import target
from bot.text import clocks
from bot.text.call_ends import ending_word
from bot.text.formatting import LONGEST_QUOTED
from bot.text.terminal import Painted, Style, cell, complain, fitting, say, say_json, width
from bot.text.vocabulary import status
from providers.actions import Code
from providers.masking import mask_numbers
from storage.database.connection import CannotOpenLogError
from storage.database.files import CannotWriteFileError
from storage.errors import RequestNotFoundError
from storage.event_log.hash_chain import RULES
from storage.maintenance.anchors import Anchor, missing
from storage.maintenance.verification import verify
from storage.models import ActionRecord, Event, Request, Scalar
from storage.queries import Query, SearchHit
from storage.store import Store

OK, WRONG, CANNOT_START = 0, 1, 2
LONGEST_NAME = 24
"""Columns of a person's name in a list."""
LEAST_ROOM = 12
"""Columns of a reason in a list, on a terminal that is too narrow for it."""
BETWEEN = "  "
_NOT_SHOWN = frozenset({"action", "raw", "lookup"})
"""Erasable fields that hold full numbers, replies as they came, or a keyed hash."""
_WITHOUT_REQUEST = ("B-", "D-", "E-", "K-", "P-", "R-", "S-", "X-")
"""Ids of events of no request: pauses, denied attempts, faults, keys, purges, rules, stops, exports."""
_WHOLE_AS_JSON = frozenset({"record", "query"})
"""The last copy of what was deleted, and which numbers left the log."""
_WRITTEN_BY_CALLOPS = frozenset({"owner", "fingerprint", "hash", "sealed"})
"""Names of processes and hashes: their digits may read like a number, and an auditor compares them."""


def run(chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    """Run one of the commands and return the exit status."""
    faults: list[str] = []
    path = existing_log(variables, faults)
    # `verify` asks for no secret, so that anyone can do it.
    key = log_key(variables, [] if chosen.reading == "verify" else faults)
    if faults:
        complain(*faults)
        return CANNOT_START
    if chosen.reading == "verify":
        return _verify(path, chosen.anchor, key, as_json=chosen.json)
    try:
        return asyncio.run(_run(chosen, path, key or b"", variables))
    except RequestNotFoundError:
        trouble = f"The log has no {chosen.id}. IDs look like A-7K3F."
    except (NoFixtureError, ExportError, CannotOpenLogError, CannotWriteFileError) as error:
        trouble = str(error)
    except BrokenPipeError:  # whoever read has read enough; Python would write the rest as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    complain(trouble)
    return CANNOT_START


async def _run(chosen: argparse.Namespace, path: object, key: bytes, variables: Mapping[str, str]) -> int:
    log = await Store.open(str(path), key=key, clock=lambda: datetime.now(UTC))
    region = read_config(variables).default_region
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


async def _list(store: Store, chosen: argparse.Namespace, region: str) -> int:
    asked = await query(store, chosen)
    found = await store.search.find(asked, limit=chosen.limit)
    rows = [summary(hit.record, region) | {"cancelled_by": hit.cancelled_by} for hit in found.hits]
    if chosen.json:
        say_json(rows)
    elif not rows:
        say("Nothing matches." if asked != Query() else "The log is empty.")
    else:
        names = await known_names(store, (hit.requester for hit in found.hits), default_region=region)
        _table(
            ["ID", f"Requested ({chosen.zone})", "By", "Action", "Connection", "Target", "Status", "Reason"],
            [_columns(hit, names, zone=chosen.zone, region=region) for hit in found.hits],
        )
        if found.after is not None:
            say(f"… and more: --limit {chosen.limit * 2}")
    return OK


def _columns(hit: SearchHit, names: Mapping[str, str], *, zone: str, region: str) -> list[str]:
    """Return what the table says of an action; the last is its reason as a whole."""
    record = hit.record
    asked = clocks.local(Instant(record.asked_at), zone).to_stdlib()
    state = status(record, cancelled=hit.cancelled_by is not None)
    state += f", {ending_word(record.end.ending)}" if record.end else ""
    passed = hit.cancelled_by is not None or record.code is Code.DRY_RUN
    style = Style.ASIDE if passed else STATE_STYLES.get(record.state)
    return [
        cell(record.id),
        f"{asked:%Y-%m-%d %H:%M}",
        fitting(names.get(hit.requester, hit.requester), LONGEST_NAME),
        cell(record.kind),
        cell(record.connection),
        cell(target(record, default_region=region)),
        Painted(state, style) if style else state,
        " ".join((_masked(hit.reason, region=region) or "").split()),
    ]


async def _show(store: Store, chosen: argparse.Namespace, region: str) -> int:
    masked = partial(_masked, region=region)
    events = [
        replace(event, data=_without_numbers(event, region))
        for event in await store.requests.events(chosen.id)
    ]
    private = await store.requests.personal_values(chosen.id)
    request = None if chosen.id.startswith(_WITHOUT_REQUEST) else await store.requests.request(chosen.id)
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
    names = await known_names(store, people_in(request, events), default_region=region)
    say(*lines(request, events, kept, names, default_region=region))
    return OK


def _masked(text: str | None, *, region: str) -> str | None:
    return None if text is None else mask_numbers(text, default_region=region)


def _without_numbers(event: Event, region: str) -> Mapping[str, Scalar]:
    """Return an event's data without full numbers. Rules come from the configuration and hold none."""
    if event.name == RULES:
        return event.data
    return {
        name: value
        if name in _WRITTEN_BY_CALLOPS or not isinstance(value, str)
        else _masked(value, region=region)
        for name, value in event.data.items()
    }


async def _show_replies(store: Store, chosen: argparse.Namespace, region: str) -> int:
    events = await store.requests.events(chosen.id)
    found = attempts(events, await store.requests.personal_values(chosen.id), default_region=region)
    if chosen.json:
        say_json(as_objects(found), indent=2)
    else:
        say(*as_lines(events, found))
    return OK


async def _fixture(store: Store, chosen: argparse.Namespace, variables: Mapping[str, str]) -> int:
    request = await store.requests.request(chosen.id)
    region = read_config(variables).default_region
    found = attempts(
        await store.requests.events(chosen.id),
        await store.requests.personal_values(chosen.id),
        default_region=region,
    )
    if chosen.id != request.id:
        found = [one for one in found if one.action == chosen.id]
    made, provider = fixture(request, found, chosen.attempt, variables)
    say_json(made, indent=2)
    say(*advise(made, found, provider), to=sys.stderr)
    return OK


def _verify(path: Path, given: Sequence[str], key: bytes | None, *, as_json: bool) -> int:
    try:
        anchors = _anchors(given)
    except NoAnchorError as error:
        complain(str(error))
        return CANNOT_START
    with share_bar("Verifying") as progress:
        verdict = verify(path, key=key, progress=progress)
    faults = [*verdict.faults, *missing(path, anchors)]
    if as_json:
        found: dict[str, Any] = {
            "events": verdict.events,
            "actions": verdict.actions,
            "head": verdict.head,
            "anchors": len(anchors),
            "with_key": key is not None,
            "faults": faults,
        }
        say_json(found)
    else:
        say(*(Painted(fault, Style.BAD) for fault in faults))
        whole = "is DAMAGED" if faults else "is intact"
        if anchors and not faults:
            whole += f", with {len(anchors)} {'anchor' if len(anchors) == 1 else 'anchors'}"
        told = f": {verdict.actions} actions, {verdict.events} events, head {verdict.head}"
        say([Painted(f"The log {whole}", Style.BAD if faults else Style.GOOD), told])
        if key is None:
            say("Without CALLOPS_KEY, the numbers of actions weren't checked.")
    return WRONG if faults else OK


class NoAnchorError(CallOpsError):
    """An argument holds no anchor. The message says which."""


def _anchors(given: Sequence[str]) -> Sequence[Anchor]:
    """Return the given anchors, typed or in files. Raises `NoAnchorError`."""
    found: list[Anchor] = []
    for one in given:
        anchors = Anchor.all_in(one)
        if not anchors:
            try:
                anchors = Anchor.all_in(read_bytes(Path(one)).decode(errors="replace"))
            except OSError as error:
                raise NoAnchorError(
                    f"{one} is neither an anchor (NUMBER:HASH) nor a file: {error.strerror}"
                ) from error
            except UnreadableFileError as error:
                raise NoAnchorError(f"{one} can't be read: {error}.") from error
        if not anchors:
            raise NoAnchorError(f"{one} has no anchors.")
        found += anchors
    return found


def summary(record: ActionRecord, region: str) -> dict[str, str | None]:
    """Return an action as plain values."""
    return {
        "id": record.id,
        "request": record.request,
        "kind": record.kind,
        "connection": record.connection,
        "target": target(record, default_region=region),
        "state": record.state,
        "ended": record.end.ending if record.end else None,
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
            summary(record, region)
            | {
                "attempt": record.attempt,
                "code": record.code,
                "message": masked(record.message),
                "reference": masked(record.reference),
            }
            for record in request.actions
        ],
    }


def _event(event: Event, private: list[tuple[int, str, str]]) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at.isoformat(),
        "action": event.action,
        "name": event.name,
        "actor": event.actor,
        "data": dict(event.data),
        "personal": {field: value for seq, field, value in private if seq == event.seq},
        "hash": event.hash,
    }


def _table(head: list[str], rows: list[list[str]]) -> None:
    """Print rows whose cells are ready, but for the last one, which is cut to the room that is left."""
    widths = [max(width(row[n]) for row in [head, *rows]) + len(BETWEEN) for n in range(len(head) - 1)]
    left = get_terminal_size().columns - sum(widths)
    room = max(left, LEAST_ROOM) if sys.stdout.isatty() else LONGEST_QUOTED
    table: list[list[str]] = [[Painted(one, Style.ASIDE) for one in head]]
    table += [[*cells, fitting(last, room) if last else ""] for *cells, last in rows]
    for row in table:
        parts: list[str] = []
        for one, columns in zip(row, [*widths, 0], strict=True):
            parts += [one, " " * (columns - width(one))]
        while not parts[-1].strip():
            parts.pop()
        say(parts)
