"""`python -m bot log export`: the log as a file, or down a pipe."""

import argparse
import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TextIO

from whenever import Instant, TimeZoneNotFoundError

from bot import CallOpsError
from bot.listeners.log_search import person_meant
from bot.parsing import dates
from bot.parsing.log_query import ENDINGS, ended_named, of_status
from bot.parsing.times import InvalidTimeError
from bot.services.export import MARK, Format, counted, lines
from bot.text import clocks, log_query_errors, time_errors
from bot.text.formatting import closest, short
from bot.text.terminal import say
from bot.text.vocabulary import STATUSES
from providers.actions import SINGLE_KINDS, Ending, Kind
from storage.database.files import whole
from storage.event_log.hash_chain import microseconds
from storage.queries import Query
from storage.states import State
from storage.store import Store

COUNT_EVERY: Final = 1000
"""Entries between two looks at the count, at a terminal."""
PARTIAL: Final = ".partial"
"""The suffix of an unfinished export."""


class ExportError(CallOpsError):
    """Why, as a sentence."""


async def query(store: Store, chosen: argparse.Namespace) -> Query:
    """Return the query that the options make. Raises `ExportError`."""
    try:
        clocks.local(Instant.now(), chosen.zone)
    except TimeZoneNotFoundError:
        raise ExportError(time_errors.no_zone(short(chosen.zone))) from None
    first, last = (_day(chosen, text) for text in (chosen.first, chosen.last))
    asked = Query(
        kind=_kind(chosen.kind) if chosen.kind else None,
        ended=_ending(chosen.ended) if chosen.ended else None,
        connection=chosen.connection,
        requester=await _requester(store, chosen.by) if chosen.by else None,
        number=chosen.number,
        since=first.start if first else None,
        until=last.end if last else None,
        text=chosen.text,
    )
    if chosen.state:
        asked = _with_status(asked, chosen.state)
    if not chosen.after_stop:
        return asked
    if chosen.number is None:
        raise ExportError("--after-stop needs a number: add --number +919876543210")
    stop = await store.search.asked_to_stop(chosen.number)
    if stop is None:
        raise ExportError("That number hasn't asked not to be called, as far as the log knows.")
    return replace(asked, kind=Kind.PLACE_CALL, since=max(stop.at, asked.since or stop.at))


def _with_status(asked: Query, status: str) -> Query:
    """Return the query with a status: a state's name, or a word of the vocabulary. Raises `ExportError`."""
    if found := of_status(asked, status):
        return found
    if of_status(Query(), status):
        raise ExportError(log_query_errors.other_kind(status).replace("kind=", "--kind"))
    meant = closest(status, [*STATUSES, *State])
    raise ExportError(
        f"Unknown status “{short(status)}”."
        + (f" Did you mean {meant}?" if meant else f" Use one of: {', '.join(STATUSES)}.")
    )


async def _requester(store: Store, named: str) -> str:
    meant = await person_meant(store, named)
    if isinstance(meant, str):
        return meant
    if not meant:
        raise ExportError(f"No one called “{named}” has used CallOps. Use a name or an ID for --by.")
    several = ", ".join(f"{one.name} ({one.id})" for one in meant)
    raise ExportError(f"Several people match --by {named}: {several}. Use the ID.")


def _kind(typed: str) -> Kind:
    if typed not in set(Kind):
        meant = closest(typed, SINGLE_KINDS)  # "calls" is no list
        hint = f" Did you mean {meant}?" if meant else ""
        hint = hint or f" Use one of: {', '.join(Kind)}."
        raise ExportError(f"Unknown kind “{short(typed)}”.{hint}")
    return Kind(typed)


def _ending(typed: str) -> Ending | Literal["none"]:
    if found := ended_named(typed):
        return found
    meant = closest(typed, ENDINGS)
    there = [ending.replace("_", "-") for ending in dict.fromkeys(ENDINGS.values())]
    raise ExportError(
        f"“{short(typed)}” isn't a value of --ended. "
        + (f"Did you mean {meant}?" if meant else f"Use one of: {', '.join(there)}.")
    )


def _day(chosen: argparse.Namespace, text: str | None) -> dates.Day | None:
    try:
        return dates.read(text, zone=chosen.zone, now=datetime.now(UTC)) if text else None
    except InvalidTimeError as fault:
        raise ExportError(str(fault)) from None


async def export(store: Store, chosen: argparse.Namespace, *, default_region: str) -> int:
    """Write what was asked for; full numbers only once the log has who takes them.

    Raises `ExportError`, and `storage.database.files.CannotWriteFileError`.
    """
    asked = await query(store, chosen)
    if chosen.full_numbers:
        said = {name: str(value) for name, value in _said(asked).items()}
        made = await store.audit.record_export(
            actor=f"os:{getpass.getuser()}",
            rows=f"full numbers, {chosen.format}",
            private={"query": json.dumps(said, ensure_ascii=False)},
        )
        say(f"This export of full numbers is recorded in the log as {made}.", to=sys.stderr)
    count = 0
    with _opened(chosen.file) as out:
        write = _to_terminal if out.isatty() else out.write
        async for line in lines(
            store,
            asked,
            Format(chosen.format),
            default_region=default_region,
            full=chosen.full_numbers,
        ):
            write(line)
            count += 1
            if count % COUNT_EVERY == 0 and sys.stderr.isatty():
                sys.stderr.write(f"\r{count:,} actions …")
    if chosen.file:
        if sys.stderr.isatty():
            sys.stderr.write("\r")
        say(f"Wrote {counted(count - 1)} to {chosen.file}.", to=sys.stderr)
    return 0


def _to_terminal(line: str) -> None:
    say(line.removeprefix(MARK).removesuffix("\n").removesuffix("\r"))


def _said(asked: Query) -> dict[str, object]:
    fields = {name: getattr(asked, name) for name in asked.__slots__}
    return {
        name: microseconds(value) if isinstance(value, datetime) else value
        for name, value in fields.items()
        if value not in {None, frozenset()}
    }


@contextmanager
def _opened(path: str | None) -> Iterator[TextIO]:
    """Open the new file, which appears only once it is complete, or standard output.

    Raises `CannotWriteFileError`.
    """
    if path is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # it is no other here
        yield sys.stdout
        sys.stdout.flush()
        return
    with (
        whole(Path(path), "export", mark=PARTIAL) as made,
        open(made.descriptor, "w", encoding="utf-8", newline="", closefd=False) as out,
    ):
        yield out
