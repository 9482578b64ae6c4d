"""Corrects a command by the suggestions of its errors.

A corrected time is written with its date. A button pressed after midnight then still means the same day.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from whenever import Instant, TimeZoneNotFoundError

from bot.parsing.command import (
    TELLS,
    Command,
    FieldProblem,
    Question,
    Verb,
    apply_suggestions,
    format_command,
)
from bot.text import clocks

Parse = Callable[[str], Command]


def corrected(line: Command, faults: Sequence[FieldProblem], parse: Parse, zone: str) -> Command | None:
    """Return the command with the suggestion of every error applied.

    Return None if an error has no suggestion, or if the command would still be incomplete.
    ``parse`` reads typed text that begins with a verb. ``zone`` is the person's time zone.
    """
    mended = apply_suggestions(line, faults)
    if mended is None or mended.verb is None:
        return None
    if mended.verb in TELLS:
        return parse(f"{mended.verb} {line.rest}".strip())
    found = parse(format_command(mended))
    dated = replace(
        mended,
        at_text=_dated(found.at, zone) or mended.at_text,
        reported_call_time_text=_dated(found.reported_call_time, zone) or mended.reported_call_time_text,
    )
    again = parse(format_command(dated))
    same = (again.at, again.reported_call_time) == (found.at, found.reported_call_time)
    return _complete(again if same else found)


def _complete(line: Command) -> Command | None:
    """Return the command if it has no errors but questions, and lacks nothing. Otherwise return None."""
    lacks = line.missing or (line.verb is Verb.MOVE and line.at is None)
    faulty = any(not isinstance(fault, Question) for fault in line.problems)
    return None if lacks or faulty else line


def _dated(at: datetime | None, zone: str) -> str | None:
    return typed_time(at, zone) if at else None


def typed_time(at: datetime, zone: str) -> str:
    """Return an instant as a person types it in a zone, such as "5 Dec 2026 9:30"."""
    try:
        local = clocks.local(Instant(at), zone)
    except TimeZoneNotFoundError:
        return f"{at:%Y-%m-%dT%H:%M:%SZ}"
    seconds = f":{local.second:02}" if local.second else ""
    return f"{local.day} {local.date().to_stdlib():%b} {local.year} {local.hour}:{local.minute:02}{seconds}"
