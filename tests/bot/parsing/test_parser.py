import string
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.parsing.command import OF_CAMPAIGNS, TELLS
from bot.parsing.defaults import fill_defaults
from bot.parsing.numbers import NumberReader
from bot.parsing.parser import (
    Command,
    CommandContext,
    ConnectionInfo,
    IdTarget,
    NumberTarget,
    Target,
    Verb,
    format_command,
    parse,
)
from bot.parsing.targets import Scan, scan
from bot.text.visible import seen
from providers import phone
from providers.actions import Kind

NOW = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)
"""Saturday 21 November 2026, 09:13 in India."""

TIMEZONE = "Asia/Kolkata"
REMINDERS = ConnectionInfo(
    ("payments",), frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), "number", tells_ends=True
)
VOXWORKS = ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id")
KORE = ConnectionInfo(kinds=frozenset({Kind.DELETE_CAMPAIGN}))
WORDS = CommandContext(
    connections={"reminders": REMINDERS, "voxworks": VOXWORKS, "kore": KORE},
    default_region="IN",
    reasons=("customer asked", "wrong number"),
)
DOORS = {"/calls": None, "/place-call": Verb.PLACE, "/cancel-call": Verb.CANCEL}


def _numbers(*typed: str) -> tuple[Target, ...]:
    return tuple(NumberTarget(phone.read(number, default_region="IN")) for number in typed)


def _ids(*typed: str) -> tuple[Target, ...]:
    return tuple(IdTarget(call_id) for call_id in typed)


def _india(local: str) -> datetime:
    return datetime.fromisoformat(f"{local}+05:30")


def _read(typed: str, words: CommandContext = WORDS) -> Command:
    command, _, text = typed.partition(" ")
    return parse(text, default_verb=DOORS[command], vocabulary=words, timezone=TIMEZONE, now=NOW)


def _delivered(typed: str) -> str:
    """Return a person's text as Slack delivers it."""
    return typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


ONE = _numbers("9876543210")
TWO = _numbers("9876543210", "9876543211")
THREE = _numbers("9876543210", "9876543211", "9876543212")
CANCEL = {"verb": Verb.CANCEL}
PLACE = {"verb": Verb.PLACE}
MOVE = {"verb": Verb.MOVE}
DELETE = {"verb": Verb.DELETE_CAMPAIGN}
CANCEL_ONE = {**CANCEL, "targets": ONE}
PLACE_ONE = {**PLACE, "targets": ONE}
TOMORROW = {"at": _india("2026-11-22 09:30"), "at_text": "tomorrow 9:30"}
ASKED = {"reason": "customer asked"}
WRONG = {"reason": "wrong number"}

UNDERSTOOD: list[tuple[str, str, Mapping[str, Any]]] = [
    (
        "a number in two groups, then the reason",
        "/cancel-call 98765 43210 customer's request",
        {**CANCEL_ONE, "reason": "customer's request"},
    ),
    (
        "numbers between commas, then the reason",
        "/cancel-call +919876543210, +919876543211 wrong number",
        {**CANCEL, "targets": TWO, **WRONG},
    ),
    (
        "an id, a connection and a reason",
        "/calls cancel vx_123 via voxworks reason=customer asked",
        {**CANCEL, "targets": _ids("vx_123"), "connection": "voxworks", **ASKED},
    ),
    ("a number alone", "/cancel-call 9876543210", CANCEL_ONE),
    ("a country code with spaces", "/cancel-call +91 98765 43210 wrong number", {**CANCEL_ONE, **WRONG}),
    ("dashes in a number", "/cancel-call +91-98765-43210 wrong number", {**CANCEL_ONE, **WRONG}),
    ("dots in a number", "/cancel-call 98765.43210 wrong number", {**CANCEL_ONE, **WRONG}),
    ("brackets in a number", "/cancel-call (098765) 43210 wrong number", {**CANCEL_ONE, **WRONG}),
    ("a bracketed country code", "/cancel-call (+91) 98765 43210 wrong number", {**CANCEL_ONE, **WRONG}),
    ("a space after the plus", "/cancel-call + 91 98765 43210", CANCEL_ONE),
    (
        "a number of another country",
        "/cancel-call +1 (415) 555-2671 wrong number",
        {**CANCEL, "targets": _numbers("+14155552671"), **WRONG},
    ),
    (
        "a non-breaking space from a web page",
        "/cancel-call 98765\u00a043210 wrong number",
        {**CANCEL_ONE, **WRONG},
    ),
    (
        "bidi marks around a number from the contacts",
        "/cancel-call \u202a+91 98765 43210\u202c wrong number",
        {**CANCEL_ONE, **WRONG},
    ),
    (
        "Slack's link around a number",
        "/cancel-call <tel:+919876543210|+91 98765 43210> wrong number",
        {**CANCEL_ONE, **WRONG},
    ),
    ("Slack's link without a label", "/cancel-call <tel:9876543210> wrong number", {**CANCEL_ONE, **WRONG}),
    (
        "two of Slack's links",
        "/cancel-call <tel:9876543210|a> <tel:9876543211|b>",
        {**CANCEL, "targets": TWO},
    ),
    ("a number in quotes", '/cancel-call "98765 43210" wrong number', {**CANCEL_ONE, **WRONG}),
    ("a number in smart quotes", "/cancel-call “98765 43210” wrong number", {**CANCEL_ONE, **WRONG}),
    ("Devanagari digits", "/cancel-call ९८७६५ ४३२१० गलत नंबर", {**CANCEL_ONE, "reason": "गलत नंबर"}),
    (
        "numbers between spaces",
        "/cancel-call 98765 43210 98765 43211 wrong number",
        {**CANCEL, "targets": TWO, **WRONG},
    ),
    (
        "numbers with a plus between spaces",
        "/cancel-call +919876543210 +919876543211",
        {**CANCEL, "targets": TWO},
    ),
    (
        "numbers on lines of their own",
        "/cancel-call 98765 43210\n98765 43211\n+91 98765-43212",
        {**CANCEL, "targets": THREE},
    ),
    (
        "a pasted list with a reason on its own line",
        "/cancel-call 98765 43210\r\n98765 43211\r\nwrong number",
        {**CANCEL, "targets": TWO, **WRONG},
    ),
    (
        "a pasted list with a reason behind its last number",
        "/cancel-call 98765 43210\n98765 43211\n98765 43212 wrong number",
        {**CANCEL, "targets": THREE, **WRONG},
    ),
    (
        "a sheet whose only column is in quotes",
        '/cancel-call "98765 43210"\n"Contact: +91 98765 43211"',
        {**CANCEL, "targets": TWO, "ignored_words": ("Contact",)},
    ),
    ("numbers between semicolons", "/cancel-call 9876543210; 9876543211", {**CANCEL, "targets": TWO}),
    (
        "numbers joined by and",
        "/cancel-call 98765 43210 and 98765 43211 wrong number",
        {**CANCEL, "targets": TWO, **WRONG},
    ),
    (
        "numbers joined by an escaped &",
        "/cancel-call 98765 43210 &amp; 98765 43211",
        {**CANCEL, "targets": TWO},
    ),
    ("a trailing comma", "/cancel-call 98765 43210,", CANCEL_ONE),
    ("the same number twice is one target", "/cancel-call 98765 43210, +919876543210", CANCEL_ONE),
    (
        "numbers behind a key",
        "/cancel-call to=98765 43210, 98765 43211 reason=wrong number",
        {**CANCEL, "targets": TWO, **WRONG},
    ),
    (
        "a number before keys and one behind",
        "/cancel-call 98765 43210 to=98765 43211",
        {**CANCEL, "targets": TWO},
    ),
    ("an id alone", "/cancel-call vx_123", {**CANCEL, "targets": _ids("vx_123")}),
    (
        "ids between commas",
        "/cancel-call vx_123, vx_124 customer asked",
        {**CANCEL, "targets": _ids("vx_123", "vx_124"), **ASKED},
    ),
    (
        "ids between spaces that look alike",
        "/cancel-call vx_123 vx_124 customer asked",
        {**CANCEL, "targets": _ids("vx_123", "vx_124"), **ASKED},
    ),
    (
        "a UUID",
        "/cancel-call 550e8400-e29b-41d4-a716-446655440000 wrong number",
        {**CANCEL, "targets": _ids("550e8400-e29b-41d4-a716-446655440000"), **WRONG},
    ),
    ("a full stop after an id", "/cancel-call vx_123.", {**CANCEL, "targets": _ids("vx_123")}),
    (
        "an id of letters behind its key",
        "/cancel-call call=abcdef reason=wrong number",
        {**CANCEL, "targets": _ids("abcdef"), **WRONG},
    ),
    ("ids behind their key", "/cancel-call call=a, 7, b", {**CANCEL, "targets": _ids("a", "7", "b")}),
    (
        "words behind an id's key are the reason",
        "/cancel-call call=c_1 customer asked via voxworks",
        {**CANCEL, "targets": _ids("c_1"), "connection": "voxworks", **ASKED},
    ),
    (
        "an id of letters, where only an id is left",
        "/calls cancel ab_cdef via voxworks reason=customer asked",
        {**CANCEL, "targets": _ids("ab_cdef"), "connection": "voxworks", **ASKED},
    ),
    (
        "digits are an id where a connection cancels by id",
        "/cancel-call 845123 via voxworks",
        {**CANCEL, "targets": _ids("845123"), "connection": "voxworks"},
    ),
    (
        "a phone number stays one there",
        "/cancel-call +919876543210 via voxworks",
        {**CANCEL_ONE, "connection": "voxworks"},
    ),
    (
        "so does one in two groups",
        "/cancel-call 98765 43210 via voxworks",
        {**CANCEL_ONE, "connection": "voxworks"},
    ),
    (
        "a reason that begins with an ordinal",
        "/cancel-call vx_123 2nd time",
        {**CANCEL, "targets": _ids("vx_123"), "reason": "2nd time"},
    ),
    (
        "a reason that begins with a number",
        "/cancel-call 98765 43210 3 times asked",
        {**CANCEL_ONE, "reason": "3 times asked"},
    ),
    ("a reason after a dash", "/cancel-call 98765 43210 - wrong number", {**CANCEL_ONE, **WRONG}),
    (
        "a reason after a colon",
        "/cancel-call vx_123: wrong number",
        {**CANCEL, "targets": _ids("vx_123"), **WRONG},
    ),
    (
        "a reason with commas",
        "/cancel-call 98765 43210, urgent, asked twice",
        {**CANCEL_ONE, "reason": "urgent, asked twice"},
    ),
    ("a reason in quotes", '/cancel-call 98765 43210 "wrong number"', {**CANCEL_ONE, **WRONG}),
    (
        "a reason in smart quotes from a Mac",
        "/cancel-call 98765 43210 “customer\u2019s request”",
        {**CANCEL_ONE, "reason": "customer\u2019s request"},
    ),
    (
        "straight apostrophes are letters",
        "/cancel-call 98765 43210 'twas wrong",
        {**CANCEL_ONE, "reason": "'twas wrong"},
    ),
    (
        "quotes within a reason are kept",
        '/cancel-call 98765 43210 she said "no" twice',
        {**CANCEL_ONE, "reason": 'she said "no" twice'},
    ),
    (
        "inches are no quote",
        '/cancel-call 98765 43210 the 5" screen',
        {**CANCEL_ONE, "reason": 'the 5" screen'},
    ),
    (
        "an equals sign in quotes is a letter",
        '/cancel-call 98765 43210 reason="a=b is wrong"',
        {**CANCEL_ONE, "reason": "a=b is wrong"},
    ),
    (
        "an equals sign without a word is a letter",
        "/cancel-call 98765 43210 1+1=2 calls",
        {**CANCEL_ONE, "reason": "1+1=2 calls"},
    ),
    (
        "a web address is no key",
        "/cancel-call 98765 43210 see https://x.in/?id=7",
        {**CANCEL_ONE, "reason": "see https://x.in/?id=7"},
    ),
    (
        "escaped quotes inside quotes",
        r'/cancel-call 98765 43210 reason="said \"a=b\""',
        {**CANCEL_ONE, "reason": 'said "a=b"'},
    ),
    (
        "via in a reason is a word",
        "/cancel-call 98765 43210 sent via email",
        {**CANCEL_ONE, "reason": "sent via email"},
    ),
    (
        "via at a reason's beginning is a word",
        "/cancel-call 98765 43210 via email he asked",
        {**CANCEL_ONE, "reason": "via email he asked"},
    ),
    (
        "via behind a reason's key is a word",
        "/cancel-call 98765 43210 reason=sent via whatsapp",
        {**CANCEL_ONE, "reason": "sent via whatsapp"},
    ),
    (
        "a connection's name in quotes is text",
        '/cancel-call 98765 43210 "asked via reminders"',
        {**CANCEL_ONE, "reason": "asked via reminders"},
    ),
    (
        "a reason may follow the connection",
        "/cancel-call 98765 43210 via reminders customer asked",
        {**CANCEL_ONE, "connection": "reminders", **ASKED},
    ),
    (
        "a value ends before the connection",
        "/cancel-call 98765 43210 reason=customer asked via reminders",
        {**CANCEL_ONE, "connection": "reminders", **ASKED},
    ),
    (
        "a connection behind a key",
        "/cancel-call 98765 43210 via=Reminders",
        {**CANCEL_ONE, "connection": "reminders"},
    ),
    (
        "a connection in two words",
        "/cancel-call vx_1 via Vox works",
        {**CANCEL, "targets": _ids("vx_1"), "connection": "voxworks"},
    ),
    (
        "a connection in backticks, with a full stop",
        "/cancel-call vx_1 via `voxworks`.",
        {**CANCEL, "targets": _ids("vx_1"), "connection": "voxworks"},
    ),
    (
        "a connection in quotes",
        '/cancel-call vx_1 via "voxworks" asked',
        {**CANCEL, "targets": _ids("vx_1"), "connection": "voxworks", "reason": "asked"},
    ),
    (
        "dashes that a phone put before a key",
        "/cancel-call 98765 43210 –reason=customer asked —via reminders",  # noqa: RUF001 - an iPhone's dash
        {**CANCEL_ONE, **ASKED, "connection": "reminders"},
    ),
    ("dashes before a key", "/cancel-call 98765 43210 --reason=late", {**CANCEL_ONE, "reason": "late"}),
    ("VIA in capitals", "/cancel-call 98765 43210 VIA REMINDERS", {**CANCEL_ONE, "connection": "reminders"}),
    (
        "commas between keys",
        "/cancel-call 98765 43210, agent=payments, reason=wrong number,",
        {**CANCEL_ONE, "agent": "payments", **WRONG},
    ),
    (
        "keys in capitals, as a phone types them",
        "/cancel-call 98765 43210 Reason=late",
        {**CANCEL_ONE, "reason": "late"},
    ),
    (
        "a space before the equals sign",
        "/cancel-call 98765 43210 reason = late",
        {**CANCEL_ONE, "reason": "late"},
    ),
    (
        "a configured reason in its own spelling",
        "/cancel-call 98765 43210 Wrong Number",
        {**CANCEL_ONE, **WRONG},
    ),
    ("an emoji is a reason", "/cancel-call 98765 43210 👍", {**CANCEL_ONE, "reason": "👍"}),
    (
        "a joined emoji stays joined",
        "/cancel-call 98765 43210 👩‍👧 asked",
        {**CANCEL_ONE, "reason": "👩‍👧 asked"},
    ),
    (
        "Hebrew is a reason, without its marks",
        "/cancel-call 98765 43210 \u200fשאל\u202e",
        {**CANCEL_ONE, "reason": "שאל"},
    ),
    (
        "control characters are dropped",
        "/cancel-call 98765 43210 wr\x00ong\x07 number",
        {**CANCEL_ONE, **WRONG},
    ),
    (
        "half a surrogate pair is dropped",
        "/cancel-call 98765 43210 late\ud83d",
        {**CANCEL_ONE, "reason": "late"},
    ),
    (
        "line ends in a reason are spaces",
        "/cancel-call 98765 43210 called\ntwice",
        {**CANCEL_ONE, "reason": "called twice"},
    ),
    (
        "what would ping stays text",
        "/cancel-call 98765 43210 <!channel> <@U1> asked",
        {**CANCEL_ONE, "reason": "<!channel> <@U1> asked"},
    ),
    (
        "a link stays text",
        "/cancel-call 98765 43210 see <https://x.in/?a=1|bank>",
        {**CANCEL_ONE, "reason": "see <https://x.in/?a=1|bank>"},
    ),
    (
        "Slack's escapes are undone",
        "/cancel-call 98765 43210 R&amp;D &lt;asked&gt;",
        {**CANCEL_ONE, "reason": "R&D <asked>"},
    ),
    (
        "an escape that was typed is not undone twice",
        "/cancel-call 98765 43210 typed &amp;lt;",
        {**CANCEL_ONE, "reason": "typed &lt;"},
    ),
    (
        "carry-over is a word in a reason",
        "/cancel-call 98765 43210 carry-over is over",
        {**CANCEL_ONE, "reason": "carry-over is over"},
    ),
    (
        "five hundred characters are a reason",
        f"/cancel-call 98765 43210 {'x' * 500}",
        {**CANCEL_ONE, "reason": "x" * 500},
    ),
    ("moving", "/calls move +91 98765 43210 tomorrow 9:30", {**MOVE, "targets": ONE, **TOMORROW}),
    ("moving to", "/calls move 98765 43210 to tomorrow 9:30", {**MOVE, "targets": ONE, **TOMORROW}),
    (
        "moving, with the reason behind the time",
        "/calls move 98765 43210 tomorrow 9:30 customer asked",
        {**MOVE, "targets": ONE, **TOMORROW, "reason": "customer asked"},
    ),
    (
        "moving by an id of ours, with the reason",
        "/calls move A-QEGU at=tomorrow 9:30 reason=rescheduled",
        {**MOVE, "targets": _ids("A-QEGU"), **TOMORROW, "reason": "rescheduled"},
    ),
    ("a number and a time", "/place-call +91 98765 43210 tomorrow 9:30", {**PLACE_ONE, **TOMORROW}),
    (
        "everything at once",
        (
            "/calls place +919876543210 via reminders agent=payments at=tomorrow 9:30 retries=3 gap=30,60 "
            "from=9:00 until=18:00 carry-over lang=hi priority=1 batch=b1 meta.name=Abhinav meta.age=25"
        ),
        {
            **PLACE_ONE,
            **TOMORROW,
            "connection": "reminders",
            "agent": "payments",
            "retries": 3,
            "gap": (30, 60),
            "earliest": "09:00",
            "latest": "18:00",
            "carry_over": True,
            "language": "hi",
            "priority": 1,
            "batch": "b1",
            "metadata": {"name": "Abhinav", "age": 25},
        },
    ),
    ("a number alone is a call now", "/place-call 98765 43210", PLACE_ONE),
    ("now is said", "/place-call 98765 43210 now", {**PLACE_ONE, "at_text": "now"}),
    (
        "several numbers and a time",
        "/place-call 98765 43210, 98765 43211 tomorrow 9:30",
        {**PLACE, "targets": TWO, **TOMORROW},
    ),
    (
        "a time with a dot is no part of the number",
        "/place-call 98765 43210 9.30 pm",
        {**PLACE_ONE, "at": _india("2026-11-21 21:30"), "at_text": "9.30 pm"},
    ),
    (
        "an hour is no part of the number",
        "/place-call 98765 43210 9 pm",
        {**PLACE_ONE, "at": _india("2026-11-21 21:00"), "at_text": "9 pm"},
    ),
    (
        "nor of one whose country has numbers of many lengths",
        "/place-call +49 30 123456 9 pm",
        {**PLACE, "targets": _numbers("+4930123456"), "at": _india("2026-11-21 21:00"), "at_text": "9 pm"},
    ),
    (
        "a day is no part of the number",
        "/place-call 98765 43210 5 Dec 10:00",
        {**PLACE_ONE, "at": _india("2026-12-05 10:00"), "at_text": "5 Dec 10:00"},
    ),
    (
        "an ISO date is no part of the number",
        "/place-call 98765 43210 2026-12-05 10:00",
        {**PLACE_ONE, "at": _india("2026-12-05 10:00"), "at_text": "2026-12-05 10:00"},
    ),
    (
        "minutes from now",
        "/place-call 98765 43210 in 20 min",
        {**PLACE_ONE, "at": NOW + timedelta(minutes=20), "at_text": "in 20 min"},
    ),
    ("a comma before the time", "/place-call 98765 43210, tomorrow 9:30", {**PLACE_ONE, **TOMORROW}),
    (
        "at before the time",
        "/place-call 98765 43210 at noon",
        {**PLACE_ONE, "at": _india("2026-11-21 12:00"), "at_text": "at noon"},
    ),
    (
        "a time after the connection",
        "/place-call 98765 43210 via reminders tomorrow 9:30",
        {**PLACE_ONE, "connection": "reminders", **TOMORROW},
    ),
    (
        "a time after the flag",
        "/place-call 98765 43210 carry-over tomorrow 9:30",
        {**PLACE_ONE, "carry_over": True, **TOMORROW},
    ),
    ("a time in quotes", '/place-call 98765 43210 at="tomorrow 9:30"', {**PLACE_ONE, **TOMORROW}),
    ("a list of gaps with spaces", "/place-call 98765 43210 gap=30, 60", {**PLACE_ONE, "gap": (30, 60)}),
    (
        "when a call to be cancelled goes out",
        "/cancel-call 98765 43210 customer asked call-time=tomorrow 9:30",
        {
            **CANCEL_ONE,
            **ASKED,
            "reported_call_time": _india("2026-11-22 09:30"),
            "reported_call_time_text": "tomorrow 9:30",
        },
    ),
    (
        "when a call to be cancelled goes out, by the former key",
        "/cancel-call 98765 43210 customer asked goes-out=tomorrow 9:30",
        {
            **CANCEL_ONE,
            **ASKED,
            "reported_call_time": _india("2026-11-22 09:30"),
            "reported_call_time_text": "tomorrow 9:30",
        },
    ),
    ("one gap", "/place-call 98765 43210 gap=30", {**PLACE_ONE, "gap": 30}),
    ("a list of one gap", "/place-call 98765 43210 gap=30,", {**PLACE_ONE, "gap": 30}),
    ("a negative priority", "/place-call 98765 43210 priority=-5", {**PLACE_ONE, "priority": -5}),
    (
        "times of day in other forms",
        "/place-call 98765 43210 from=9 am until=6.30 pm",
        {**PLACE_ONE, "earliest": "09:00", "latest": "18:30"},
    ),
    ("a flag with an answer", "/place-call 98765 43210 carry-over=no", {**PLACE_ONE, "carry_over": False}),
    ("a message at the end", "/place-call 98765 43210 tell-me", {**PLACE_ONE, "tell_me": True}),
    ("a message at the end, as a key", "/place-call 98765 43210 tell-me=yes", {**PLACE_ONE, "tell_me": True}),
    ("no message at the end", "/place-call 98765 43210 tell-me=no", PLACE_ONE),
    ("a flag with an underscore", "/place-call 98765 43210 carry_over", {**PLACE_ONE, "carry_over": True}),
    ("a language in capitals", "/place-call 98765 43210 lang=HI", {**PLACE_ONE, "language": "hi"}),
    ("a bare number is a number", "/place-call 98765 43210 meta.x=25", {**PLACE_ONE, "metadata": {"x": 25}}),
    (
        "a quoted number is text",
        '/place-call 98765 43210 meta.x="25"',
        {**PLACE_ONE, "metadata": {"x": "25"}},
    ),
    (
        "a number in smart quotes is text",
        "/place-call 98765 43210 meta.x=“25”",
        {**PLACE_ONE, "metadata": {"x": "25"}},
    ),
    *(
        (
            f"what is no plain integer is text as it was typed: {typed}",
            f"/place-call 98765 43210 meta.x={typed} meta.y=1",
            {**PLACE_ONE, "metadata": {"x": typed, "y": 1}},
        )
        for typed in (
            "-2.5",
            "1e3",
            "12E4",
            "1500.50",
            "1.0",
            "0042",
            "007",
            "00",
            "-0",
            "-07",
            "+5",
            "1_000",
            "1.000",
            "true",
            "false",
            "null",
            "True",
            "NaN",
            "Infinity",
            "1e999",
            "0x10",
            "۲۵",
            "\uff15",
            "²",
            "1234567890123456",
            "-1234567890123456",
            "98765432109876543210",
            "5 5",
            "--5",
            "- 5",
        )
    ),
    *(
        (
            f"a plain integer of at most fifteen digits is a number: {typed}",
            f"/place-call 98765 43210 meta.x={typed} meta.y=a",
            {**PLACE_ONE, "metadata": {"x": int(typed), "y": "a"}},
        )
        for typed in ("0", "5", "-5", "999999999999999", "-999999999999999")
    ),
    (
        "spaces inside a value are kept, those around it are not part of it",
        "/place-call 98765 43210 meta.x=  Flat  4,  B   wing , meta.y= 7 ",
        {**PLACE_ONE, "metadata": {"x": "Flat  4,  B   wing", "y": 7}},
    ),
    (
        "quotes keep the spaces around a value, and its lines",
        '/place-call 98765 43210 meta.x="  a \n b  " meta.y=" 7"',
        {**PLACE_ONE, "metadata": {"x": "  a \n b  ", "y": " 7"}},
    ),
    (
        "a value may run over several lines",
        "/place-call 98765 43210 meta.x=first\nsecond\nmeta.y=7",
        {**PLACE_ONE, "metadata": {"x": "first\nsecond", "y": 7}},
    ),
    (
        "Devanagari digits are text in metadata",
        "/place-call 98765 43210 meta.x=२५",
        {**PLACE_ONE, "metadata": {"x": "२५"}},
    ),
    (
        "metadata keeps the case of its names",
        "/place-call 98765 43210 META.firstName=Asha",
        {**PLACE_ONE, "metadata": {"firstName": "Asha"}},
    ),
    (
        "metadata of several words",
        "/place-call 98765 43210 meta.city=New Delhi meta.x=1",
        {**PLACE_ONE, "metadata": {"city": "New Delhi", "x": 1}},
    ),
    (
        "an equals sign inside a word of a value",
        "/place-call 98765 43210 meta.x=a=b==",
        {**PLACE_ONE, "metadata": {"x": "a=b=="}},
    ),
    (
        "empty quotes are an empty text",
        '/place-call 98765 43210 meta.x=""',
        {**PLACE_ONE, "metadata": {"x": ""}},
    ),
    (
        "keys, via and flags in quotes are text",
        '/place-call 98765 43210 meta.x="to=1 via reminders carry-over"',
        {**PLACE_ONE, "metadata": {"x": "to=1 via reminders carry-over"}},
    ),
    (
        "purpose and consent",
        "/place-call 98765 43210 purpose=loan reminder consent=form 7/2026",
        {**PLACE_ONE, "purpose": "loan reminder", "consent": "form 7/2026"},
    ),
    (
        "via in a purpose is a word",
        "/place-call 98765 43210 purpose=asked via email",
        {**PLACE_ONE, "purpose": "asked via email"},
    ),
    ("a reason for placing", "/place-call 98765 43210 reason=customer asked", {**PLACE_ONE, **ASKED}),
    (
        "an agent in another case",
        "/place-call 98765 43210 agent=Payments",
        {**PLACE_ONE, "agent": "payments"},
    ),
    ("a verb in capitals", "/calls CANCEL 98765 43210", CANCEL_ONE),
    ("a verb with a colon", "/calls cancel: 98765 43210", CANCEL_ONE),
    ("a verb on a line of its own", "/calls cancel\n98765 43210", CANCEL_ONE),
    ("a verb repeated behind its door", "/cancel-call cancel 98765 43210", CANCEL_ONE),
    (
        "a campaign, a connection and a reason",
        "/calls campaign delete cd-2129073 via kore reason=ended",
        {**DELETE, "targets": _ids("cd-2129073"), "connection": "kore", "reason": "ended"},
    ),
    (
        "a campaign, then the reason",
        "/calls Campaign  Delete cd-2129073-58d9 customer asked",
        {**DELETE, "targets": _ids("cd-2129073-58d9"), **ASKED},
    ),
    ("digits are a campaign's id", "/calls campaign delete 2129073", {**DELETE, "targets": _ids("2129073")}),
    (
        "a campaign behind its key",
        "/calls campaign delete campaign=billing reason=it is over",
        {**DELETE, "targets": _ids("billing"), "reason": "it is over"},
    ),
    ("a campaign still to be named", "/calls campaign delete", {**DELETE, "missing": ("targets",)}),
    ("campaigns, and nothing more", "/calls campaign", {**DELETE, "missing": ("targets",)}),
    ("help", "/calls help", {"verb": Verb.HELP}),
    ("a list", "/calls list", {"verb": Verb.LIST}),
    ("a status", "/calls status a7k3f", {"verb": Verb.STATUS}),
    ("help about something", "/calls help place", {"verb": Verb.HELP}),
    ("help behind a door", "/cancel-call help", {"verb": Verb.HELP}),
    ("a question mark", "/calls ?", {"verb": Verb.HELP}),
    ("nothing", "/calls ", {"missing": ("verb", "targets")}),
    ("a verb alone", "/calls place", {**PLACE, "missing": ("targets",)}),
    ("a door alone", "/cancel-call ", {**CANCEL, "missing": ("targets",)}),
    ("a time without a number", "/place-call tomorrow 9:30", {**PLACE, **TOMORROW, "missing": ("targets",)}),
    (
        "keys without a number",
        "/place-call at=tomorrow 9:30 agent=payments",
        {**PLACE, **TOMORROW, "agent": "payments", "missing": ("targets",)},
    ),
    (
        "a reason without a target",
        "/cancel-call reason=wrong number",
        {**CANCEL, **WRONG, "missing": ("targets",)},
    ),
    (
        "a number without a verb",
        "/calls 98765 43210 wrong number",
        {"targets": ONE, **WRONG, "missing": ("verb",)},
    ),
]

UNDERSTOOD += [
    (
        "a stop",
        "/calls stop 98765 43210 asked us to",
        {"verb": Verb.STOP, "targets": ONE, "reason": "asked us to"},
    ),
    ("a stop with keys", "/calls stop to=98765 43210", {"verb": Verb.STOP, "targets": ONE}),
    ("a stop alone opens the form", "/calls stop", {"verb": Verb.STOP, "missing": ("targets",)}),
    (
        "calls allowed",
        "/calls allow 98765 43210 reason=called us",
        {"verb": Verb.ALLOW, "targets": ONE, "reason": "called us"},
    ),
    (
        "calls allowed need a reason",
        "/calls allow 98765 43210",
        {"verb": Verb.ALLOW, "targets": ONE, "missing": ("reason",)},
    ),
    ("a zone by its city", "/place-call 98765 43210 zone=chicago", {**PLACE_ONE, "zone": "America/Chicago"}),
]

FAULTY: list[tuple[str, str, Mapping[str, Any], list[tuple[str, str, str | None]]]] = [
    (
        "an unknown key is never metadata",
        "/place-call 98765 43210 name=Asha",
        PLACE_ONE,
        [("text", "write meta.name=", None)],
    ),
    (
        "a slip in a key is named",
        "/place-call 98765 43210 agnet=payments",
        PLACE_ONE,
        [("text", "“agnet=” isn't an option", "agent=")],
    ),
    (
        "another word for a key is known",
        "/place-call 98765 43210 time=9:30",
        PLACE_ONE,
        [("text", "isn't an option", "at=")],
    ),
    (
        "language is lang",
        "/place-call 98765 43210 language=hi",
        PLACE_ONE,
        [("text", "isn't an option", "lang=")],
    ),
    (
        "a slip after via inside a reason",
        "/cancel-call 98765 43210 asked via remindrs",
        {**CANCEL_ONE, "reason": "asked"},
        [("connection", "no connection “remindrs”", "reminders")],
    ),
    (
        "a slip after via behind a reason's key",
        "/cancel-call 98765 43210 reason=asked via remindrs",
        {**CANCEL_ONE, "reason": "asked"},
        [("connection", "no connection “remindrs”", "reminders")],
    ),
    (
        "a slip in a connection with a full stop",
        "/cancel-call vx_1 asked via voxwork.",
        {**CANCEL, "targets": _ids("vx_1"), "reason": "asked"},
        [("connection", "no connection “voxwork”", "voxworks")],
    ),
    (
        "words around a connection",
        "/cancel-call 98765 43210 customer asked via reminders app",
        {**CANCEL_ONE, "connection": "reminders", "reason": "customer asked app"},
        [("reason", "before and after “via reminders”", None)],
    ),
    (
        "a key of another script is no key",
        "/cancel-call 98765 43210 कारण=late",
        CANCEL_ONE,
        [("text", "Use one of: to, call", None)],
    ),
    (
        "a key in a reason without quotes is one",
        "/cancel-call 98765 43210 because x=y",
        {**CANCEL_ONE, "reason": "because"},
        [("text", "“x=” isn't an option", None)],
    ),
    ("meta needs a name", "/place-call 98765 43210 meta.=1", PLACE_ONE, [("text", "isn't an option", None)]),
    (
        "a cancellation takes no retries",
        "/cancel-call 98765 43210 retries=3",
        CANCEL_ONE,
        [("text", "Remove retries=. It doesn't work for a cancellation", None)],
    ),
    (
        "a cancellation takes no metadata",
        "/cancel-call 98765 43210 meta.x=3",
        CANCEL_ONE,
        [("text", "Remove meta.x=. It doesn't work for a cancellation", None)],
    ),
    (
        "placing takes no id",
        "/place-call call=vx_1",
        {**PLACE, "missing": ("targets",)},
        [("text", "Remove call=. It doesn't work for placing", None)],
    ),
    (
        "a key twice",
        "/place-call 98765 43210 retries=3 retries=4",
        {**PLACE_ONE, "retries": 3},
        [("retries", "twice", None)],
    ),
    (
        "metadata twice",
        "/place-call 98765 43210 meta.x=3 meta.x=4",
        {**PLACE_ONE, "metadata": {"x": 3}},
        [("metadata", "twice", None)],
    ),
    (
        "a connection twice",
        "/cancel-call 98765 43210 via reminders via voxworks",
        {**CANCEL_ONE, "connection": "reminders"},
        [("connection", "two connections", None)],
    ),
    (
        "a key without a value",
        "/place-call 98765 43210 at=",
        PLACE_ONE,
        [("at", "at= is empty. Fill it in", None)],
    ),
    (
        "a quote left open",
        '/cancel-call 98765 43210 reason="late',
        {**CANCEL_ONE, "reason": '"late'},
        [("text", "quotation mark is missing", None)],
    ),
    ("25:00", "/place-call 98765 43210 25:00", PLACE_ONE, [("at", "doesn't exist", None)]),
    (
        "25:00 behind a key",
        "/place-call 98765 43210 at=25:00 retries=2",
        {**PLACE_ONE, "retries": 2},
        [("at", "doesn't exist", None)],
    ),
    (
        "a call that goes out at no time",
        "/cancel-call 98765 43210 call-time=25:00",
        CANCEL_ONE,
        [("reported_call_time", "doesn't exist", None)],
    ),
    (
        "a call's time by both keys",
        "/cancel-call 98765 43210 call-time=tomorrow 9:30 goes-out=tomorrow 9:30",
        {
            **CANCEL_ONE,
            "reported_call_time": _india("2026-11-22 09:30"),
            "reported_call_time_text": "tomorrow 9:30",
        },
        [("reported_call_time", "You used call-time= twice", None)],
    ),
    (
        "when a call that is placed goes out, by the former key",
        "/place-call 98765 43210 goes-out=15:00",
        PLACE_ONE,
        [("text", "Remove goes-out=. It doesn't work for placing a call", None)],
    ),
    (
        "when a call that is placed goes out",
        "/place-call 98765 43210 call-time=15:00",
        PLACE_ONE,
        [("text", "Remove call-time=. It doesn't work for placing a call", None)],
    ),
    ("05/12 asks which", "/place-call 98765 43210 05/12", PLACE_ONE, [("at", "“5 Dec” or “12 May”", None)]),
    (
        "05/12 at a time asks which",
        "/place-call 98765 43210 05/12 9 pm",
        PLACE_ONE,
        [("at", "“5 Dec 9 pm” or “12 May 9 pm”", None)],
    ),
    (
        "an hour alone asks which",
        "/place-call 98765 43210 11",
        PLACE_ONE,
        [("at", "“11 am” or “11 pm”", None)],
    ),
    (
        "a time that has passed",
        "/place-call 98765 43210 9:00",
        PLACE_ONE,
        [("at", "is in the past", "tomorrow 9:00")],
    ),
    (
        "a day has no time",
        "/place-call 98765 43210 tomorrow",
        PLACE_ONE,
        [("at", "has no time", "tomorrow 10:00")],
    ),
    (
        "a slip in a time",
        "/place-call 98765 43210 9:30 tmorrow",
        PLACE_ONE,
        [("at", "isn't a time", "9:30 tomorrow")],
    ),
    (
        "words after a time",
        "/place-call 98765 43210 tomorrow 9:30 please call",
        {**PLACE_ONE, **TOMORROW},
        [("at", "I didn't understand “please call”", None)],
    ),
    (
        "a number after a time",
        "/place-call tomorrow 9:30 98765 43210",
        {**PLACE, **TOMORROW, "missing": ("targets",)},
        [("at", "I didn't understand “98765 43210”", None)],
    ),
    (
        "words that are no time",
        "/place-call 98765 43210 as soon as possible",
        PLACE_ONE,
        [("at", "isn't a time", None)],
    ),
    (
        "two times",
        "/place-call 98765 43210 noon at=tomorrow 9:30",
        {**PLACE_ONE, **TOMORROW},
        [("at", "two times: “noon” and at=", None)],
    ),
    (
        "an id where a number belongs",
        "/place-call vx_123 tomorrow 9:30",
        PLACE,
        [("targets", "isn't a phone number or a time", None)],
    ),
    (
        "a word where a target belongs",
        "/cancel-call customer asked",
        {**CANCEL, **ASKED},
        [("targets", "“customer” isn't a phone number or call ID", None)],
    ),
    (
        "a character that no id holds",
        "/cancel-call vx/123 customer asked",
        {**CANCEL, **ASKED},
        [("targets", "can't contain “/”", None)],
    ),
    (
        "a path in place of an id",
        "/cancel-call ../../admin1",
        CANCEL,
        [("targets", "can't contain “/”", None)],
    ),
    (
        "an id of dots behind its key",
        "/cancel-call call=..",
        CANCEL,
        [("targets", "an ID starts with a letter or a digit. Copy it", None)],
    ),
    ("an id that is too long", f"/cancel-call x{'1' * 128}", CANCEL, [("targets", "more than 128", None)]),
    (
        "a bad id among good ones",
        "/cancel-call vx_1, vx/2, vx_3",
        {**CANCEL, "targets": _ids("vx_1", "vx_3")},
        [("targets", "“vx/2”", None)],
    ),
    ("an emergency number", "/place-call 112", PLACE, [("targets", "emergency", None)]),
    ("an emergency number in a cancellation", "/cancel-call 112", CANCEL, [("targets", "emergency", None)]),
    (
        "a number that is too short",
        "/cancel-call 98765 4321 late",
        {**CANCEL, "reason": "late"},
        [("targets", "“98765 4321”", None)],
    ),
    (
        "a bad number among good ones",
        "/cancel-call 98765 43210, 98765 432, 98765 43212",
        {**CANCEL, "targets": (ONE[0], THREE[2])},
        [("targets", "“98765 432”", None)],
    ),
    (
        "a bad number after a good one is no reason",
        "/cancel-call 98765 43210 98765 4321 late",
        {**CANCEL_ONE, "reason": "late"},
        [("targets", "“98765 4321”", None)],
    ),
    (
        "a digit too many",
        "/cancel-call 98765 43210 3",
        {**CANCEL_ONE, "reason": "3"},
        [("reason", "Check the number, or give a reason in words", None)],
    ),
    (
        "words behind to=",
        "/place-call to=98765 43210 tomorrow 9:30",
        PLACE_ONE,
        [("targets", "“tomorrow 9:30” isn't a phone number", None)],
    ),
    (
        "a slip in a connection when placing",
        "/place-call 98765 43210 via remindrs",
        PLACE_ONE,
        [("connection", "no connection “remindrs”", "reminders")],
    ),
    (
        "a slip in a connection behind a time",
        "/place-call 98765 43210 at=tomorrow 9:30 via remindrs",
        {**PLACE_ONE, **TOMORROW},
        [("connection", "“remindrs”", "reminders")],
    ),
    (
        "a slip in a connection right behind the target",
        "/cancel-call 98765 43210 via remindrs late",
        {**CANCEL_ONE, "reason": "late"},
        [("connection", "“remindrs”", "reminders")],
    ),
    (
        "a slip in a connection behind its key",
        "/cancel-call 98765 43210 via=remindrs",
        CANCEL_ONE,
        [("connection", "Use one of: reminders, voxworks", "reminders")],
    ),
    (
        "a slip in an agent",
        "/place-call 98765 43210 agent=paymnts",
        PLACE_ONE,
        [("agent", "no voice agent “paymnts”", "payments")],
    ),
    (
        "an agent where there are none",
        "/cancel-call vx_1 via voxworks agent=payments",
        {**CANCEL, "targets": _ids("vx_1"), "connection": "voxworks"},
        [("agent", "voxworks has no voice agent", None)],
    ),
    (
        "retries in words",
        "/place-call 98765 43210 retries=three",
        PLACE_ONE,
        [("retries", "whole number", None)],
    ),
    (
        "retries below none",
        "/place-call 98765 43210 retries=-1",
        PLACE_ONE,
        [("retries", "whole number", None)],
    ),
    (
        "half a priority",
        "/place-call 98765 43210 priority=1.5",
        PLACE_ONE,
        [("priority", "whole number", None)],
    ),
    ("gaps in hours", "/place-call 98765 43210 gap=1h", PLACE_ONE, [("gap", "needs minutes", None)]),
    (
        "a window's hour alone",
        "/place-call 98765 43210 from=9",
        PLACE_ONE,
        [("earliest", "“9 am” or “9 pm”", None)],
    ),
    (
        "a window's end that does not exist",
        "/place-call 98765 43210 until=24:30",
        PLACE_ONE,
        [("latest", "doesn't exist", None)],
    ),
    (
        "a flag with another answer",
        "/place-call 98765 43210 carry-over=maybe",
        PLACE_ONE,
        [("carry_over", "yes or no", None)],
    ),
    ("a language's name", "/place-call 98765 43210 lang=हिन्दी", PLACE_ONE, [("language", "code", None)]),
    (
        "a reason that is too long",
        f"/cancel-call 98765 43210 {'x' * 501}",
        {**CANCEL_ONE, "reason": "x" * 501},
        [("reason", "501 characters. Use 500", None)],
    ),
    (
        "two reasons",
        "/cancel-call 98765 43210 late reason=wrong number",
        {**CANCEL_ONE, **WRONG},
        [("reason", "two reasons: “late” and reason=", None)],
    ),
    (
        "a slip in a verb",
        "/calls cancle 98765 43210 wrong number",
        {"targets": ONE, **WRONG, "verbs": (Verb.CANCEL,)},
        [("verb", "“cancle”", "cancel")],
    ),
    (
        "a verb that is none",
        "/calls frobnicate 98765 43210",
        {"targets": ONE},
        [("verb", "Unknown command “frobnicate”.", None)],
    ),
    (
        "a verb that campaigns do not know",
        "/calls campaign frobnicate cd-2129073 ended",
        {"targets": _ids("cd-2129073"), "reason": "ended", "verbs": (Verb.DELETE_CAMPAIGN,)},
        [("verb", "What should happen to the campaign? Start with campaign delete.", None)],
    ),
    (
        "a slip in campaign",
        "/calls campain delete cd-2129073 ended",
        {"targets": _ids("cd-2129073"), "reason": "ended", "verbs": (Verb.DELETE_CAMPAIGN,)},
        [("verb", "“campain”", "campaign delete")],
    ),
    (
        "two campaigns at once",
        "/calls campaign delete cd-1, cd-2 ended",
        {**DELETE, "targets": _ids("cd-1", "cd-2"), "reason": "ended"},
        [("targets", "one campaign at a time", None)],
    ),
    (
        "a reason in the place of a campaign",
        "/calls campaign delete ended",
        {**DELETE, "reason": "ended"},
        [("targets", "“ended” isn't a campaign ID", None)],
    ),
    (
        "a number in the place of a campaign",
        "/calls campaign delete +91 98765 43210",
        DELETE,
        [("targets", "isn't a campaign ID", None)],
    ),
    (
        "what no id can hold",
        "/calls campaign delete cd-1/../x ended",
        {**DELETE, "reason": "ended"},
        [("targets", "can't contain “/”", None)],
    ),
    (
        "a key that is not for campaigns",
        "/calls campaign delete cd-1 agent=payments",
        {**DELETE, "targets": _ids("cd-1")},
        [
            (
                "text",
                "Remove agent=. It doesn't work for deleting a campaign. Deleting a campaign takes campaign, via, reason.",
                None,
            )
        ],
    ),
    (
        "a campaign that is to be cancelled",
        "/calls cancel campaign=cd-1",
        {**CANCEL, "missing": ("targets",)},
        [("text", "Remove campaign=. It doesn't work for a cancellation", None)],
    ),
    (
        "a stop of a campaign",
        "/calls stop cd-123",
        {"verb": Verb.STOP, "reason": "cd-123"},
        [("targets", "type “campaign stop” and its ID", None)],
    ),
    (
        "a stop through one connection",
        "/calls stop 98765 43210 via reminders",
        {"verb": Verb.STOP, "targets": ONE, "connection": "reminders"},
        [("text", "every connection", None)],
    ),
    (
        "two stops",
        "/calls stop 98765 43210, 98765 43211",
        {"verb": Verb.STOP, "targets": _numbers("98765 43210", "98765 43211")},
        [("targets", "one number at a time", None)],
    ),
    (
        "a zone that is none",
        "/place-call 98765 43210 zone=Asia/Calcuta",
        PLACE_ONE,
        [("zone", "isn't a time zone", "Asia/Kolkata")],
    ),
    (
        "all faults at once, and all that was understood",
        "/place-call 98765 43210 25:00 agnet=payments retries=x gap=30 lang=hi until=99:00 via remindrs",
        {**PLACE_ONE, "gap": 30, "language": "hi"},
        [
            ("connection", "remindrs", "reminders"),
            ("text", "agnet=", "agent="),
            ("at", "25:00", None),
            ("retries", "whole", None),
            ("latest", "99:00", None),
        ],
    ),
]


def _rows(table: list[Any]) -> Any:
    return [pytest.param(*row[1:], id=row[0]) for row in table]


@pytest.mark.parametrize("typed", ["tell-me", "via reminders tell-me"])
def test_nobody_is_promised_news_that_never_comes(typed: str) -> None:
    """A connection whose calls' ends CallOps never hears of takes no tell-me, typed or inferred."""
    line = _read(f"/place-call 98765 43210 {typed}")
    assert not fill_defaults(line, WORDS).problems
    silent = replace(WORDS, connections={"reminders": replace(REMINDERS, tells_ends=False)})
    [fault] = fill_defaults(line, silent).problems
    assert (fault.field, fault.message) == (
        "tell_me",
        "CallOps isn't told how calls through reminders end. Leave out tell-me.",
    )


@pytest.mark.parametrize(("typed", "expected"), _rows(UNDERSTOOD))
def test_what_people_type_is_understood(typed: str, expected: Mapping[str, Any]) -> None:
    """The command holds everything that was typed and nothing else, without a fault."""
    _assert_line(_read(typed), typed, expected)
    assert _read(typed).problems == ()


@pytest.mark.parametrize(("typed", "expected", "faults"), _rows(FAULTY))
def test_what_cannot_be_understood_is_a_fault_and_the_rest_is_kept(
    typed: str, expected: Mapping[str, Any], faults: list[tuple[str, str, str | None]]
) -> None:
    """Each fault names its field and says what to do. The rest of the command stays."""
    line = _read(typed)
    _assert_line(line, typed, expected)
    assert [(fault.field, fault.suggestion) for fault in line.problems] == [(f[0], f[2]) for f in faults]
    for fault, (_, fragment, _) in zip(line.problems, faults, strict=True):
        assert fragment in fault.message


ALL_DONE = CommandContext(
    {
        "kore": ConnectionInfo(
            kinds=frozenset({Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN})
        )
    },
    default_region="IN",
)
"""Connections whose campaigns can be deleted, stopped and started."""
STOP, START = Verb.STOP_CAMPAIGN, Verb.START_CAMPAIGN
WHICH = "What should happen to the campaign? Start with campaign delete, campaign stop or campaign start."
CAMPAIGNS: list[tuple[str, str, Verb | None, tuple[Verb, ...], list[tuple[str, str | None]]]] = [
    ("one to be stopped", "campaign stop cd-1 wrong list", STOP, (), []),
    ("one to be started", "Campaign START: cd-1 wrong list", START, (), []),
    ("one to be deleted", "campaign delete cd-1 wrong list", Verb.DELETE_CAMPAIGN, (), []),
    ("nothing that is to be done", "campaign cd-1 wrong list", None, OF_CAMPAIGNS, [(WHICH, None)]),
    ("a slip in stop", "campaign stpo cd-1 wrong list", None, (STOP,), [(WHICH, "campaign stop")]),
    ("a slip in start", "campaign strat cd-1 wrong list", None, (START,), [(WHICH, "campaign start")]),
    ("pause is stop", "campaign pause cd-1 wrong list", None, (STOP,), [(WHICH, "campaign stop")]),
    ("resume is start", "campaign resume cd-1 wrong list", None, (START,), [(WHICH, "campaign start")]),
    ("a slip in campaign", "campain stop cd-1 wrong list", None, (STOP,), [("“campain”", "campaign stop")]),
    ("a slip in campaign, and no verb", "campain cd-1 wrong list", None, OF_CAMPAIGNS, [("“campain”", "campaign")]),
    ("start without campaign", "start cd-1 wrong list", None, (START,), [("“start”", "campaign start")]),
    ("delete without campaign", "delete cd-1 wrong list", None, (Verb.DELETE_CAMPAIGN,), [("“delete”", "campaign delete")]),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "verb", "verbs", "faults"), _rows(CAMPAIGNS))
def test_what_is_to_be_done_to_a_campaign_is_said_or_asked(
    typed: str, verb: Verb | None, verbs: tuple[Verb, ...], faults: list[tuple[str, str | None]]
) -> None:
    """No verb is chosen that was not typed. Id and reason are understood whatever the question."""
    line = _read(f"/calls {typed}", ALL_DONE)
    assert (line.verb, line.verbs, line.targets, line.reason) == (verb, verbs, _ids("cd-1"), "wrong list")
    for fault, (message, suggestion) in zip(line.problems, faults, strict=True):
        assert (fault.field, fault.suggestion) == ("verb", suggestion)
        assert message in fault.message


def test_campaign_alone_asks_which_where_there_is_a_choice() -> None:
    """With deletion as the only verb the form opens. Without any verb the fault says so."""
    line = _read("/calls campaign", ALL_DONE)
    assert (line.verb, line.verbs, [fault.message for fault in line.problems]) == (
        None,
        OF_CAMPAIGNS,
        [WHICH],
    )
    assert _read("/calls campaign").verb is Verb.DELETE_CAMPAIGN
    none = _read("/calls campaign", CommandContext({"reminders": REMINDERS}, default_region="IN"))
    assert [fault.message for fault in none.problems] == [
        "No connection here can change campaigns. Ask your CallOps admin."
    ]


def test_what_stands_behind_a_misspelt_verb_can_be_read_again_by_the_right_one() -> None:
    """The form that opens instead holds the target and the reason, without the verb."""
    for typed, verb in (
        ("cancle 98765 43210 wrong number", Verb.CANCEL),
        ("campaign stpo cd-1 it is over", STOP),
    ):
        rest = _read(f"/calls {typed}", ALL_DONE).rest
        again = parse(rest, default_verb=verb, vocabulary=ALL_DONE, timezone=TIMEZONE, now=NOW)
        assert (again.problems, len(again.targets), bool(again.reason)) == ((), 1, True)


def _assert_line(line: Command, typed: str, expected: Mapping[str, Any]) -> None:
    blank = Command(text=typed.partition(" ")[2])
    for part in fields(Command):
        if part.name not in {"problems", "typed", "rest"}:
            assert getattr(line, part.name) == expected.get(part.name, getattr(blank, part.name)), part.name


def test_every_fault_is_about_a_field_or_the_text() -> None:
    """A form can show each fault beside its input."""
    names = {part.name for part in fields(Command)}
    assert {fault[0] for row in FAULTY for fault in row[3]} <= names


def test_fifty_targets_are_the_most() -> None:
    """A pasted list may hold fifty numbers. Sixty are all kept, with a fault."""
    pasted = [f"98765 4{number:04}" for number in range(60)]
    assert _read("/cancel-call " + "\n".join(pasted[:50])).problems == ()
    line = _read("/cancel-call " + "\n".join(pasted))
    assert len(line.targets) == 60
    assert [fault.field for fault in line.problems] == ["targets"]
    assert "You listed 60. Use at most 50" in line.problems[0].message


def test_digits_that_divide_in_two_ways_are_asked_about() -> None:
    """Numbers between spaces are read only if a single division into whole numbers is possible."""
    whole = {"1234567", "1234567 1234567", "12345678"}

    def read_phone(typed: str) -> phone.Phone:
        if typed not in whole:
            raise phone.InvalidNumberError("no number")
        return phone.Phone(f"+99{typed}", None, "no country", f"+99 {typed}", ())

    def read(text: str) -> tuple[Scan, list[Sequence[str]]]:
        asked: list[Sequence[str]] = []
        found = scan(
            text, reader=NumberReader(read_phone), ids=False, ask=lambda _, labels: asked.append(labels)
        )
        return found, asked

    found, asked = read("1234567 12345678")
    assert (len(found.targets), asked) == (2, [])
    found, asked = read("1234567 1234567 late")
    assert (found.targets, found.rest, asked) == (
        (),
        "",
        [["+99 1234567 (then “1234567”)", "+99 1234567 1234567"]],
    )


def test_an_unknown_time_zone_is_a_fault_of_the_time_alone() -> None:
    """For a user with an unknown zone, everything else is still understood."""
    line = parse(
        "98765 43210 tomorrow 9:30",
        default_verb=Verb.PLACE,
        vocabulary=WORDS,
        timezone="Mars/Olympus",
        now=NOW,
    )
    assert line.targets == ONE
    assert [fault.field for fault in line.problems] == ["at"]


def test_a_raw_agent_passes_where_the_connection_allows_it() -> None:
    """A provider's own agent id stands for a name only if the connection allows it."""
    raw = CommandContext({"a": replace(REMINDERS, raw_agents=True)}, default_region="IN")
    assert _read("/place-call 98765 43210 agent=6803fa770b66", raw).agent == "6803fa770b66"
    assert _read("/place-call 98765 43210 agent=6803fa770b66").problems[0].field == "agent"


@pytest.mark.parametrize(
    "typed", [row[1] for row in UNDERSTOOD if "missing" not in row[2] and row[2]["verb"] not in TELLS]
)
def test_a_written_line_is_read_back(typed: str) -> None:
    """The line to copy holds what was understood, and begins with `/calls`."""
    line = _read(typed)
    again = _read(f"/calls {_delivered(format_command(line))}")
    assert replace(again, text=line.text) == line


_TEXT = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp")), min_size=1, max_size=40)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: seen(text) == text)  # an invisible word is dropped
)
_DATA = (
    st.integers(1 - 10**15, 10**15 - 1)
    | st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Zs"), include_characters=" \n")
    ).filter(lambda text: seen(f"“{text}”") == f"“{text}”")
    | st.from_regex(r"[+-]?[0-9_]{1,20}(\.[0-9]+)?([eE][0-9]+)?", fullmatch=True)
    | st.sampled_from(["true", "null", "NaN", "007", "-0", "via reminders", "carry-over", "a=b", "”“"])
)
_LINES = st.builds(
    Command,
    verb=st.just(Verb.PLACE),
    targets=st.lists(st.sampled_from(THREE), min_size=1, unique=True).map(tuple),
    connection=st.sampled_from([None, "reminders"]),
    agent=st.sampled_from([None, "payments"]),
    at=st.none() | st.integers(1, 500_000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    retries=st.none() | st.integers(0, 10),
    gap=st.none() | st.integers(0, 999) | st.lists(st.integers(0, 999), min_size=2, max_size=5).map(tuple),
    earliest=st.none() | st.times().map(lambda time: time.strftime("%H:%M")),
    latest=st.none() | st.times().map(lambda time: time.strftime("%H:%M")),
    carry_over=st.sampled_from([None, True, False]),
    priority=st.none() | st.integers(-100, 100),
    language=st.sampled_from([None, "hi", "en-in"]),
    batch=st.none() | _TEXT,
    metadata=st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=8), _DATA, max_size=4),
    purpose=st.none() | _TEXT,
    consent=st.none() | _TEXT,
    reason=st.none() | _TEXT,
)


@given(_LINES)
@example(Command(verb=Verb.PLACE, targets=ONE, reason=""))
def test_whatever_a_line_holds_is_read_back(line: Command) -> None:
    """Any values come back as they were, because the writer quotes them where needed."""
    again = parse(
        _delivered(format_command(line)), default_verb=None, vocabulary=WORDS, timezone=TIMEZONE, now=NOW
    )
    assert again.problems == ()
    assert replace(again, text="", at_text=None) == replace(
        line, reason=line.reason or None
    )  # empty means not given


@given(
    st.lists(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    st.none() | _TEXT,
)
def test_whatever_ids_are_cancelled_or_deleted_are_read_back(call_ids: list[str], reason: str | None) -> None:
    """Ids come back as ids, whatever they look like."""
    cancelling = Command(
        verb=Verb.CANCEL, targets=_ids(*call_ids), reason=reason or None
    )  # an empty option counts as none
    campaigns = [replace(cancelling, verb=verb, targets=_ids(call_ids[0])) for verb in OF_CAMPAIGNS]
    for line in (cancelling, *campaigns):
        again = parse(
            _delivered(format_command(line)), default_verb=None, vocabulary=WORDS, timezone=TIMEZONE, now=NOW
        )
        assert again.problems == ()
        assert replace(again, text="") == line


_PIECES = st.sampled_from([*(typed for _, typed, _ in UNDERSTOOD), *(row[1] for row in FAULTY)]).flatmap(
    lambda typed: st.sampled_from(typed.split(" "))
)


@given(
    st.one_of(st.text(), st.lists(_PIECES | st.text(max_size=3), max_size=12).map(" ".join)),
    st.sampled_from(list(DOORS.values())),
)
def test_nothing_typed_raises(text: str, door: Verb | None) -> None:
    """Any text becomes a command. A default verb stays, and a command without fault is complete."""
    line = parse(text, default_verb=door, vocabulary=WORDS, timezone=TIMEZONE, now=NOW)
    assert line.text == text
    assert door is None or line.verb in {door, Verb.HELP}
    assert line.problems or line.missing or line.verb in TELLS or line.targets
    fill_defaults(line, WORDS)
    format_command(line)
