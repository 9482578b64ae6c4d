"""Pasted sheets and typed lines of many countries, and a judge who knows which numbers were put in.

    python -m tests.bot.parsing.sheets [LINES] [SEED]

The command plays LINES lines of pasted sheets, and a quarter as many typed lines. The judge never uses the
project's parser.

A verdict is one of four:

- right: exactly the numbers (or ids) that were put in are the targets, and the words behind them were kept.
- a question: there is a fault, or the answer names a number that was left out. Nothing is done unseen.
- words: the targets are right, the text beside them is not.
- wrong: another number is a target, a number became an id, or a number was lost without a word.
"""

import csv
import io
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from random import Random
from typing import Any, Final, Literal

from bot.parsing.command import Command, CommandContext, ConnectionInfo, Verb
from bot.parsing.numbers import NumberTarget
from bot.parsing.parser import parse
from bot.parsing.targets import IdTarget
from providers.actions import Kind
from tests.bot.parsing.number_plans import (
    ALL_KINDS,
    CLOSES,
    OPENS,
    REGIONS,
    Number,
    Writing,
    dialled,
    digits_of,
    in_ascii,
    number,
    written,
)

NOW: Final = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)
TIMEZONE: Final = "Asia/Kolkata"
_BOTH: Final = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
CONNECTIONS: Final = {
    "reminders": ConnectionInfo(("payments",), _BOTH, "number"),
    "voxworks": ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id"),
}
ONLY_BY_ID: Final = {"voxworks": CONNECTIONS["voxworks"]}
TYPED_A_SHEET_LINE: Final = 4
"""Lines of sheets for each typed line."""
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A typed or pasted text, and the truth about it.

    ``numbers`` and ``ids`` are the allowed targets. ``lines`` counts the lines that hold one. An
    ``unambiguous`` text has a single meaning, so it needs no question. ``kept`` are words that must stay in
    the reason. For each row without a readable number, the answer must contain a word of its tuple in
    ``named``. ``no_reason`` never belongs to a reason. ``also`` are optional targets.
    """

    kind: str
    region: str
    text: str
    numbers: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    door: Verb | None = Verb.CANCEL
    lines: int = 1
    unambiguous: bool = False
    kept: str = ""
    named: tuple[tuple[str, ...], ...] = ()
    no_reason: tuple[str, ...] = ()
    by_id_only: bool = False
    styles: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()


class Verdict(StrEnum):
    """Classes of a parsed case, from right to wrong."""

    RIGHT = "right"
    QUESTION = "question"
    WORDS = "words"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and its reason."""

    verdict: Verdict
    why: str = ""


def read(case: Case) -> Command:
    """Parse a case with the project's parser."""
    vocabulary = CommandContext(
        ONLY_BY_ID if case.by_id_only else CONNECTIONS, case.region, ("customer asked",)
    )
    return parse(case.text, default_verb=case.door, vocabulary=vocabulary, timezone=TIMEZONE, now=NOW)


def judge(case: Case, line: Command) -> Judgement:
    """Return the verdict on a parsed case."""
    read_numbers = {target.phone.e164 for target in line.targets if isinstance(target, NumberTarget)}
    read_ids = {target.provider_id for target in line.targets if isinstance(target, IdTarget)}
    if strangers := read_numbers - case.numbers - case.also:
        return Judgement(Verdict.WRONG, f"never put in: {sorted(strangers)}")
    if strangers := read_ids - case.ids - case.also:
        return Judgement(Verdict.WRONG, f"no id: {sorted(strangers)}")
    if line.problems:
        faults = [f"{fault.field}: {fault.message}" for fault in line.problems]
        return Judgement(Verdict.QUESTION, " · ".join(faults))
    if lost := (case.numbers - read_numbers) | (case.ids - read_ids):
        if all(_told(one, " ".join(line.ignored_words)) for one in lost):
            return Judgement(Verdict.QUESTION, f"left out: {sorted(lost)}")
        return Judgement(Verdict.WRONG, f"lost: {sorted(lost)}")
    return _words(case, line)


def _words(case: Case, line: Command) -> Judgement:
    """Return the verdict on the text of a command whose targets are right."""
    said = _letters(" ".join(line.ignored_words))
    if unnamed := [row for row in case.named if not any(_letters(cell) in said for cell in row)]:
        return Judgement(Verdict.WRONG, f"a row was left out and not named: {unnamed}")
    reason = _letters(line.reason or "")
    if case.kept and _letters(case.kept) not in reason + said:
        return Judgement(Verdict.WORDS, f"{case.kept!r} is not in the reason {line.reason!r}")
    if taken := [
        one for one in case.no_reason if _letters(one) in reason.replace(_letters(case.kept or ""), "")
    ]:
        return Judgement(Verdict.WORDS, f"the reason holds {taken}: {line.reason!r}")
    return Judgement(Verdict.RIGHT)


def _told(lost: str, left_out: str) -> bool:
    """Return whether the ignored words hold a number's last digits, or an id."""
    return lost in left_out or (lost.startswith("+") and lost[-7:] in digits_of(left_out))


def _letters(text: str) -> str:
    """Return only the letters and digits of a text."""
    folded = unicodedata.normalize("NFKC", in_ascii(text)).casefold()
    return "".join(one for one in folded if one.isalnum())


# Other possible readings.

_CHUNK = re.compile(r"[+()\d.\-/\u2010-\u2015\u2212]+")
_HARD = re.compile(r"[\t\n,;|\"“”]")


def other_readings(text: str, region: str, allowed: frozenset[str]) -> set[str]:
    """Return the numbers that neighbouring groups of digits in a text may be, but for the allowed ones."""
    found: set[str] = set()
    for segment in _HARD.split(in_ascii(text)):
        run: list[str] = []
        for chunk in [*segment.split(), "end"]:
            if _CHUNK.fullmatch(chunk):
                run.append(chunk)
                continue
            found |= _in_run(run, region)
            run = []
    return found - allowed


def _in_run(run: list[str], region: str) -> set[str]:
    found = set()
    for start in range(len(run)):
        for end in range(start + 1, len(run) + 1):
            digits = re.sub(r"[^\d+]", "", "".join(run[start:end]))
            if "+" in digits[1:] or len(digits) > 20:
                break
            if (e164 := dialled(digits, region)) is not None:
                found.add(e164)
    return found


def doubtful_alone(writing: Writing, region: str) -> bool:
    """Return whether a number that stands alone could be a shorter one beside a short group."""
    if not writing.plain:
        return True
    chunks = in_ascii(writing.core).split()
    if len(chunks) == 1:
        return False
    whole = dialled(re.sub(r"[^\d+]", "", "".join(chunks)), region)
    for apart, rest in ((chunks[-1], chunks[:-1]), (chunks[0], chunks[1:])):
        shorter = dialled(re.sub(r"[^\d+]", "", "".join(rest)), region)
        if len(digits_of(apart)) <= 2 and "+" not in apart and shorter not in {None, whole}:
            return True
    return False


def doubtful_before_words(writing: Writing) -> bool:
    """Return whether a number could end early: words begin behind a dash between spaces."""
    return not writing.plain or " - " in writing.core


# Typed lines.

WORDS: Final = (
    "wrong number", "customer asked", "customer's request", "Kunde hat abgesagt", "a pedido del cliente", "गलत नंबर",
    "שגוי", "رقم خاطئ", "号码错误", "неверный номер", "urgent, asked twice", "(wrong number)", "- wrong number",
    "\N{EN DASH} customer asked", ": wrong number", "because he moved", "she said “no” twice", "👍",
)  # fmt: skip
WORDS_WITH_DIGITS: Final = (
    "2 complaints already", "2 complaints", "(2)", "(2 complaints)", "x2", "2x", "x 2", "3 times asked", "404 error",
    "2nd request", "24/7 caller", "order 4711", "bill 10443 due 5 Dec", "5 Dec", "12 May", "12.05. angerufen",
    "9:30 she called", "at 9:30 she said no", "2026-12-05", "05/12/2026 asked", "50 % off", "1 of 3", "7 days late",
    "- 2 complaints", "\N{EN DASH} 3rd call", ", 2 complaints", "; 4 times", "#12", "no. 5", "€ 45 open", "₹4,500 due",
    "4500 due", "10 min late", "30 minutes after", "since 2024", "2", "12 calls", "110 times", "3", "9", "2 2 2",
    "pin 560001", "560001 Bangalore", "10115 Berlin", "a/c 123456789012", "ref 99887766", "(3)", "[2]", "2/3", "1-2 times",
)  # fmt: skip
GLUED: Final = (
    "/8", "/91", " ext. 250", " ext 250", " ext.250", " x250", "x123", " Ext: 12", "#12", ";ext=12", " (ext 7)", "-x2", "*2", ".0",
)  # fmt: skip
TIMES: Final = (
    "tomorrow 9:30", "9 pm", "9.30 pm", "9:30", "Mon 10:00", "5 Dec 10:00", "2026-12-05 10:00", "in 20 min", "at noon",
    "now", "today 18:00", "tomorrow at 9 am", "10.15",
)  # fmt: skip
NO_TIMES: Final = ("9", "930", "2", "15", "2 now", "12 34", "at 9", "05.12. 10:00")
BEFORE: Final = (
    "Asha",
    "Customer 01",
    "Ward 22",
    "1.",
    "1)",
    "2",
    "3 -",
    "Order 4711",
    "#12",
    "Flat 4",
    "10443",
    "5 Dec",
    "9:30",
    "K. 3 Singh",
)


def _spoken(text: str) -> str:
    """Return a text as Slack delivers it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace(OPENS, "<").replace(CLOSES, ">")


def _put_in(random: Random, region: str) -> tuple[Number, Writing]:
    """Return a number that somebody in a region types, and its writing.

    About an eighth are from elsewhere.
    """
    home = region if random.random() < 0.88 else random.choice(REGIONS)
    one = number(random, home)
    return one, written(random, one, region)


def _line(random: Random, kind: str, region: str, pattern: str, **truth: Any) -> Case:
    """Return a line with a single number in place of ``{}`` in a pattern."""
    one, writing = _put_in(random, region)
    numbers = frozenset({one.e164})
    case = Case(kind, region, _spoken(pattern.replace("{}", writing.text)), numbers, styles=(writing.style,))
    bare = pattern.replace("{}", f"{writing.core}")
    sure = not (doubtful_alone(writing, region) if pattern == "{}" else doubtful_before_words(writing))
    sure = sure and (pattern == "{}" or not other_readings(bare, region, numbers))
    sure = sure and not re.search(r"\{\} \d{5}", pattern)  # five digits may be an attempt at another number
    return replace(case, **{"unambiguous": sure, **truth})


def alone(random: Random, region: str) -> Case:
    """Return a number and nothing else."""
    return _line(random, "a number alone", region, "{}")


def with_words(random: Random, region: str) -> Case:
    """Return a number and words without digits."""
    behind = random.choice(WORDS)
    return _line(random, "words behind", region, f"{{}} {behind}", kept=behind)


def with_digits(random: Random, region: str) -> Case:
    """Return a number, and words with digits that stand apart."""
    behind = random.choice(WORDS_WITH_DIGITS)
    wordless = _letters(behind).isdecimal()
    case = _line(random, "digits behind", region, f"{{}} {behind}", kept=behind)
    return replace(case, unambiguous=case.unambiguous and not wordless)


def glued(random: Random, region: str) -> Case:
    """Return a number with an extension, a second last digit or a spreadsheet's fraction."""
    return _line(random, "extensions and the like", region, f"{{}}{random.choice(GLUED)}", unambiguous=False)


def stopped(random: Random, region: str) -> Case:
    """Return a line that stops calls to a number, which needs no approval, or allows them again."""
    verb = random.choice((Verb.STOP, Verb.STOP, Verb.ALLOW))
    behind = random.choice((*WORDS_WITH_DIGITS, *WORDS)) if random.random() < 0.8 else ""
    if verb is Verb.ALLOW and not behind:
        behind = "called us"
    case = _line(random, f"to {verb}", region, f"{{}} {behind}" if behind else "{}", kept=behind)
    case = replace(case, unambiguous=case.unambiguous and (not behind or not _letters(behind).isdecimal()))
    if random.random() < 0.5:
        return replace(case, door=verb)
    return replace(case, door=None, text=f"{verb} {case.text}")


def placed(random: Random, region: str) -> Case:
    """Return a line that places a call, now or at a time."""
    draw = random.random()
    behind = random.choice(TIMES) if draw < 0.7 else random.choice(NO_TIMES) if draw < 0.85 else ""
    case = _line(random, "to place", region, f"{{}} {behind}" if behind else "{}", door=Verb.PLACE)
    return replace(case, unambiguous=case.unambiguous and behind not in NO_TIMES)


def behind_something(random: Random, region: str) -> Case:
    """Return a number behind words, or behind the number of a row or an order."""
    before, behind = random.choice(BEFORE), random.choice(("", "", *WORDS))
    return _line(random, "words before", region, f"{before} {{}} {behind}".strip(), unambiguous=False)


def by_id(random: Random, region: str) -> Case:
    """Return a number at a connection that cancels by id. It stays a number, or raises a question."""
    behind = random.choice((*WORDS, *WORDS_WITH_DIGITS))
    case = _line(
        random, "a number where ids cancel", region, f"{{}} {behind} via voxworks", unambiguous=False
    )
    return replace(case, by_id_only=random.random() < 0.5)


def an_id(random: Random, region: str) -> Case:
    """Return a call's id, as people and Slack write it."""
    while True:
        name = _call_id(random)
        if len(digits_of(name)) < 7 or not other_readings(re.sub(r"\D+", " ", name), region, frozenset()):
            break
    around = random.choice(
        ("{}", "{}", "{}", "`{}`", "*{}*", "“{}”", '"{}"', "{},", "{}.", "> {}", "call={}")
    )
    reason = random.choice(("customer asked", "wrong number", "2nd request", "he moved"))
    text = _spoken(f"{around.format(name)} {'reason=' if 'call=' in around else ''}{reason} via voxworks")
    if around.startswith(">"):
        text = text.replace("&gt;", "&gt;", 1)
    return Case("an id", region, text, ids=frozenset({name}), unambiguous=True, kept=reason)


def _call_id(random: Random) -> str:
    letters, both = "abcdefghijkmnpqrstuvwxyz", "abcdefghijkmnpqrstuvwxyz0123456789"
    match random.choice("abcd"):
        case "a":
            return f"vx_{random.randint(1, 99999)}"
        case "b":
            return f"call-{''.join(random.choice(both) for _ in range(8))}{random.randint(0, 9)}"
        case "c":
            return f"c_{random.choice(letters)}{''.join(random.choice(both) for _ in range(10))}7"
    groups = (8, 4, 4, 4, 12)
    return "-".join("".join(random.choice("0123456789abcdef") for _ in range(size)) for size in groups)


def an_id_with_a_number(random: Random, region: str) -> Case:
    """Return a word that looks like an id and holds a phone number.

    It never becomes an id without a question.
    """
    one = number(random, region, random.choice([*ALL_KINDS]))
    digits = random.choice((one.e164[1:], f"{one.code}{one.national}", one.national))
    if dialled(digits, region) != one.e164:
        digits = one.e164[1:]
    pattern = random.choice(
        (
            "c_{}",
            "call-{}",
            "id:{}",
            "lead{}",
            "A{}",
            "{}_1",
            "{}x123",
            "{}-a",
            "c-1-{}",
            "c_{}.2",
            "whatsapp:{}",
            "tel:{}",
            "Mob:{}",
        )
    )
    said = random.choice((" customer asked via voxworks", " customer asked", " wrong number via dialer", ""))
    return Case("a number inside an id", region, pattern.format(digits) + said, frozenset({one.e164}))


def said_to_be_an_id(random: Random, region: str) -> Case:
    """Return a number that the line declares to be an id."""
    one = number(random, region)
    name = one.e164[1:]
    text = f"call={name} reason=customer asked via voxworks"
    return Case("call= before digits", region, text, ids=frozenset({name}), unambiguous=True)


def several(random: Random, region: str) -> Case:
    """Return a line with several numbers."""
    between = random.choice((", ", "; ", " and ", " & ", " / ", " or ", "\n", " "))
    put = [_put_in(random, region) for _ in range(random.randint(2, 4))]
    numbers = frozenset(one.e164 for one, _ in put)
    behind = random.choice((" wrong number", "", "\nwrong number"))
    text = between.join(writing.text for _, writing in put) + behind
    bare = between.join(writing.core for _, writing in put) + behind
    sure = all(not (doubtful_alone(writing, region) or doubtful_before_words(writing)) for _, writing in put)
    return Case(
        "several in a line",
        region,
        _spoken(text),
        numbers,
        lines=1,
        unambiguous=sure and between in {", ", "; ", "\n"} and not other_readings(bare, region, numbers),
        kept=behind,
    )


# Pasted sheets.

NAMES: Final = (
    "Asha Rao", "Ravi", "Müller", "Jean-Luc", "李雷", "Иван Петров", "محمد علي", "O'Brien", "राज कुमार", "María José",
    "Rao & Sons", "Dr. K. Iyer", "J. Smith", "Zoë", "Nguyễn Văn An", "דנה כהן", "김민준",
)  # fmt: skip
NUMBERED_NAMES: Final = (
    "Customer 01",
    "Ward 22",
    "Flat 4",
    "Shop No 7",
    "K. 3 Singh",
    "Block 12",
    "Henry 8",
    "Unit 030",
)
NO_NUMBER: Final = (
    "n/a",
    "N/A",
    "-",
    "—",
    "none",
    "unknown",
    "#N/A",
    "null",
    "",
    "not known",
    "TBD",
    "0",
    "?",
)

PHONE_HEADERS: Final = (
    "Phone", "phone", "Mobile", "Mobile Number", "Mobile No", "Mobile No.", "contact_number", "Phone Number", "Tel",
    "Telefon", "Téléphone", "Teléfono", "Cell", "Contact", "WhatsApp", "Phone 1 - Value", "DNC_Cell", "Telefono", "MSISDN",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column beside the numbers: its headers, and a function that returns a cell for a row."""

    headers: Sequence[str]
    cell: Callable[[Random, int], str]


def _one_of(cells: Sequence[str]) -> Callable[[Random, int], str]:
    return lambda random, _: random.choice(cells)


def _digits(fewest: int, most: int) -> Callable[[Random, int], str]:
    def cell(random: Random, _: int) -> str:
        length = random.randint(fewest, most)
        return str(random.randint(10 ** (length - 1), 10**length - 1))

    return cell


def _day(random: Random) -> datetime:
    return NOW + timedelta(days=random.randint(-400, 400), minutes=random.randint(0, 1440))


_DATE_FORMATS: Final = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%d %b %Y",
    "%m/%d/%y",
    "%d-%b",
    "%Y-%m-%d %H:%M",
    "%d-%m-%Y",
    "%b %d, %Y",
)

COLUMNS: Final = {
    "row": Column(("#", "No", "S.No", "Sr. No.", "Row", "Nr."), lambda _, row: str(row + 1)),
    "row with a dot": Column(("#", "No"), lambda _, row: f"{row + 1}."),
    "name": Column(("Name", "name", "Customer", "Customer Name", "Kunde", "Nom", "Client"), _one_of(NAMES)),
    "name with digits": Column(("Name", "Customer"), _one_of(NUMBERED_NAMES)),
    "date": Column(
        ("Date", "Due date", "due_date", "Datum", "Fecha"),
        lambda random, _: _day(random).strftime(random.choice(_DATE_FORMATS)),
    ),
    "amount": Column(
        ("Amount", "amount", "Due", "Betrag", "EMI"),
        lambda random, _: random.choice(("{}", "{}.00", "₹{}", "$ {}.90", "{} €", "4,{}.00", "1.{},56 €")).format(random.randint(100, 999)),
    ),
    "order": Column(("Order", "Order No", "order_id", "Invoice"), lambda random, _: random.choice(("ORD-{}", "#{}", "{}", "INV/2026/{}")).format(random.randint(1000, 99999))),
    "account": Column(("Account No", "Account", "account_number", "Loan A/c", "IBAN-Konto"), _digits(9, 16)),
    "pin": Column(("PIN", "Pincode", "ZIP", "PLZ"), _digits(5, 6)),
    "city": Column(("City", "Ort", "Ciudad"), _one_of(("Pune", "Berlin", "São Paulo", "大阪", "New Delhi", "Paris 11e", "Москва"))),
    "email": Column(("Email", "E-mail", "email"), _one_of(("asha@example.in", "ravi.k98@example.com", "m.mueller@example.de", "user2026@example.org"))),
    "time": Column(("Time", "Call time", "Uhrzeit"), _one_of(("9:30", "10:15 am", "18:00", "9.30 pm", "00:45"))),
    "duration": Column(("Duration", "Dauer"), _one_of(("0:45", "00:02:13", "12 min", "95 s", "3"))),
    "note": Column(("Note", "Remarks", "Comment"), _one_of(("due", "2 complaints", "x2", "(2)", "asked 3 times", "", "VIP", "24/7", "call back at 9", "wrong number"))),
    "quantity": Column(("Qty", "Calls", "Attempts", "Anzahl"), lambda random, _: str(random.randint(1, 30))),
    "status": Column(("Status",), _one_of(("scheduled", "pending", "open", "due", "offen"))),
}  # fmt: skip
_DATES_AND_TIMES: Final = frozenset({"date", "time", "duration"})


@dataclass(slots=True)
class _Sheet:
    """A sheet under construction."""

    names: list[str]
    at: int
    headers: list[str]
    cells: list[list[str]] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)
    styles: list[str] = field(default_factory=list)
    named: list[tuple[str, ...]] = field(default_factory=list)
    no_reason: list[str] = field(default_factory=list)
    sure: bool = True
    lines: int = 0


_FORMATS: Final = (
    "tabs",
    "tabs",
    "tabs",
    "CSV",
    "CSV in quotes",
    "semicolons",
    "Markdown",
    "columns",
    "bars",
)
_OF_LISTS: Final = ("- ", "* ", "• ", "\N{EN DASH} ", "{}. ", "{}) ", "")


def sheet(random: Random, region: str) -> Case:
    """Return a sheet with its numbers in a single column."""
    made = _columns(random)
    form = random.choice(_FORMATS)
    known = random.random() < 0.5 or form == "Markdown"
    for row in range(random.randint(2, 8)):
        _add_row(
            random, region, made, row, in_quotes=form in {"CSV", "CSV in quotes", "semicolons"}, known=known
        )
    extra = ""
    draw = random.random()
    if draw < 0.10:
        extra = ", a row without a number"
        _add_empty_row(random, made)
    elif draw < 0.20 and len(made.names) > 1:
        extra = ", a total"
        _add_total(random, made)
    elif draw < 0.30:
        extra = ", a number that is none"
        _add_nearly(random, region, made)
    reason = random.choice(("", "", "", "customer asked", "wrong number"))
    text = _laid_out(random, form, [made.headers] if known else [], made.cells)
    text, reason = _at_the_end(random, text, reason)
    return Case(
        f"sheet: {form}{' with headers' if known else ''}{extra}",
        region,
        _spoken(text),
        frozenset(made.numbers),
        lines=made.lines,
        unambiguous=made.sure and (form != "columns" or _apart(text, region, made)),
        kept=reason,
        named=tuple(made.named),
        no_reason=(*_only_headers(made, known=known), *made.no_reason),
        styles=tuple(made.styles),
    )


def _only_headers(sheet: _Sheet, *, known: bool) -> list[str]:
    """Return the headers that no cell contains."""
    cells = _letters(" ".join(cell for row in sheet.cells for cell in row))
    return [
        header
        for header in sheet.headers
        if known and len(_letters(header)) > 3 and _letters(header) not in cells
    ]


def _at_the_end(random: Random, text: str, reason: str) -> tuple[str, str]:
    text = f"{text}\n{reason}" if reason else text
    text += random.choice(("", "", "", "\n", "\n\n\n", "\n \n\t\n"))
    if random.random() < 0.2:
        text = text.replace("\n", "\r\n")
    return text, reason


def _columns(random: Random) -> _Sheet:
    names = random.sample(sorted(COLUMNS), random.randint(0, 5))
    if {"row", "row with a dot"} <= {*names}:
        names.remove("row with a dot")
    names.sort(key=lambda name: not name.startswith("row"))
    at = random.randint(0, len(names))
    names.insert(at, "number")
    headers = [random.choice(PHONE_HEADERS if name == "number" else COLUMNS[name].headers) for name in names]
    return _Sheet(names, at, headers)


def _beside(random: Random, sheet: _Sheet, row: int, number_cell: str) -> list[str]:
    return [number_cell if name == "number" else COLUMNS[name].cell(random, row) for name in sheet.names]


def _add_row(random: Random, region: str, sheet: _Sheet, row: int, *, in_quotes: bool, known: bool) -> None:
    one, writing = _put_in(random, region)
    while in_quotes and re.search(r"[\"“”\ue000]", writing.text):
        one, writing = _put_in(random, region)
    cells = _beside(random, sheet, row, writing.text)
    sheet.cells.append(cells)
    sheet.numbers.add(one.e164)
    sheet.styles.append(writing.style)
    sheet.lines += 1
    sheet.sure &= not doubtful_alone(writing, region)
    if not known:
        others = [
            cell
            for name, cell in zip(sheet.names, cells, strict=True)
            if name not in {"number", *_DATES_AND_TIMES}
        ]
        sheet.sure &= not any(other_readings(cell, region, frozenset()) for cell in others)


def _add_empty_row(random: Random, sheet: _Sheet) -> None:
    """Add a row whose number is not known. A fault or the ignored words must name it."""
    cells = _beside(random, sheet, len(sheet.cells), random.choice(NO_NUMBER))
    elsewhere = {cell for row in sheet.cells for cell in row}
    sheet.cells.insert(random.randint(0, len(sheet.cells)), cells)
    if own := tuple(cell for cell in cells if _letters(cell) and cell not in elsewhere):
        sheet.named.append(own)
    sheet.sure = False


def _add_total(random: Random, sheet: _Sheet) -> None:
    """Add a last row that counts or sums up."""
    cells = ["" for _ in sheet.names]
    first, last = (0, len(cells) - 1) if random.random() < 0.7 or sheet.at == 0 else (0, sheet.at)
    word = random.choice(("Total", "TOTAL", "Sum", "Summe", "Total:"))
    cells[first] = word
    cells[last] = (
        str(len(sheet.cells))
        if last == sheet.at
        else random.choice(("4", "13,500.00", "₹9,000", str(len(sheet.cells))))
    )
    sheet.cells.append(cells)
    sheet.no_reason.append(word)


def _add_nearly(random: Random, region: str, sheet: _Sheet) -> None:
    """Add a row with a digit too few or too many, or with its area code in the cell before."""
    for _ in range(20):
        one = number(random, region)
        typed = written(random, one, region, wrapped=False).core
        places = [at for at, character in enumerate(typed) if character.isdecimal()]
        gone = random.choice(places[3:])
        bad = random.choice((typed[:gone] + typed[gone + 1 :], typed + random.choice("0123456789")))
        before = ""
        if random.random() < 0.4 and sheet.at > 0 and len(chunks := typed.split(maxsplit=1)) == 2:
            before, bad = f"{random.choice(('', 'Ward ', 'Customer '))}{chunks[0]}", chunks[1]
        if not other_readings(bad, region, frozenset()) and len(digits_of(bad)) > 4:
            cells = _beside(random, sheet, len(sheet.cells), bad)
            if before:
                cells[sheet.at - 1] = before
            sheet.cells.insert(random.randint(0, len(sheet.cells)), cells)
            sheet.named.append((bad,))
            break
    sheet.sure = False


def _laid_out(random: Random, form: str, headers: list[list[str]], rows: list[list[str]]) -> str:
    table = [*headers, *rows]
    match form:
        case "tabs":
            return "\n".join("\t".join(row) for row in table)
        case "CSV" | "semicolons" | "CSV in quotes":
            out = io.StringIO()
            quoting: Literal[0, 1] = csv.QUOTE_ALL if "quotes" in form else csv.QUOTE_MINIMAL
            csv.writer(
                out, delimiter=";" if form == "semicolons" else ",", quoting=quoting, lineterminator="\n"
            ).writerows(table)
            return out.getvalue().rstrip("\n")
        case "Markdown":
            rule = [random.choice(("---", ":--", "--:", ":---:")) for _ in headers[0]]
            return "\n".join(f"| {' | '.join(row)} |" for row in [*headers, rule, *rows])
        case "bars":
            return "\n".join(" | ".join(row) for row in table)
    widths = [max(len(row[at]) for row in table) + random.randint(2, 5) for at in range(len(table[0]))]
    return "\n".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def _apart(text: str, region: str, sheet: _Sheet) -> bool:
    """Return whether no other number can be read across the columns of a sheet that spaces make."""
    return not other_readings(
        re.sub(r"[^\d\s+().\-/]", "x", in_ascii(text)), region, frozenset(sheet.numbers)
    )


def bulleted(random: Random, region: str) -> Case:
    """Return a list with a single number in each line, with or without words beside it."""
    mark = random.choice(_OF_LISTS)
    layout = random.choice(
        (
            "{n}",
            "{n} {w}",
            "{w} {n}",
            "{n} - {w}",
            "{w}: {n}",
            "{w} \N{EN DASH} {n}",
            "{n}, {w}",
            "{w} ({n})",
            "{n} ({w})",
        )
    )
    what = random.choice(("name", "name", "name with digits", "note", "amount", "date"))
    put = [_put_in(random, region) for _ in range(random.randint(2, 7))]
    numbers = frozenset(one.e164 for one, _ in put)
    text, bare, sure = [], [], True
    for row, (_, writing) in enumerate(put):
        words = COLUMNS[what].cell(random, row)
        begins = mark.format(row + 1)
        text.append(begins + layout.format(n=writing.text, w=words))
        bare.append(layout.format(n=writing.core, w=words))
        sure &= not (doubtful_alone(writing, region) or doubtful_before_words(writing))
    sure = sure and not other_readings("\n".join(bare), region, numbers)
    joined, reason = _at_the_end(random, "\n".join(text), random.choice(("", "", "customer asked")))
    return Case(
        "list",
        region,
        _spoken(joined),
        numbers,
        lines=len(put),
        unambiguous=sure and what in {"name", "note"} and layout not in {"{w} ({n})", "{n} - {w}"},
        kept=reason,
        styles=tuple(writing.style for _, writing in put),
    )


def two_columns(random: Random, region: str) -> Case:
    """Return a sheet with two numbers in each row. The parser takes both or asks, and never chooses."""
    put = [(_put_in(random, region), _put_in(random, region)) for _ in range(random.randint(2, 5))]
    between = random.choice(("\t", ", ", "\t", " | ", ";"))
    rows = [
        f"{random.choice(NAMES)}{between}{first.text}{between}{second.text}"
        for (_, first), (_, second) in put
    ]
    if random.random() < 0.5:
        rows.insert(0, between.join(("name", "phone", "mobile")))
    numbers = frozenset(one.e164 for pair in put for one, _ in pair)
    return Case("two numbers a row", region, _spoken("\n".join(rows)), numbers, lines=len(put))


def one_row(random: Random, region: str) -> Case:
    """Return a single row of a sheet."""
    made = _columns(random)
    _add_row(random, region, made, 0, in_quotes=False, known=False)
    text = "\t".join(made.cells[0])
    return Case(
        "one row",
        region,
        _spoken(text),
        frozenset(made.numbers),
        unambiguous=made.sure and made.at == 0 and not _letters("".join(made.cells[0][1:])).isdecimal(),
        styles=tuple(made.styles),
    )


def of_ids(random: Random, region: str) -> Case:
    """Return a sheet of calls' ids in the same spelling, with names beside them."""
    between = random.choice(("\t", "\t", " | ", "; "))
    first = random.randint(10, 9000)
    names = [f"vx_{first + row}" for row in range(random.randint(2, 6))]
    rows = [between.join((name, random.choice(NAMES))) for name in names]
    headers = random.random() < 0.4
    if headers:
        rows.insert(0, between.join((random.choice(("Call ID", "call_id", "ID")), "Name")))
    reason = random.choice(("", "customer asked"))
    text, kept = _at_the_end(random, "\n".join(rows), reason)
    return Case(
        f"ids in a sheet{' with headers' if headers else ''}",
        region,
        _spoken(text),
        ids=frozenset(names),
        lines=len(names),
        unambiguous=True,
        kept=kept,
    )


def split_area(random: Random, region: str) -> Case:
    """Return a local number behind a cell that ends with an area code or a number.

    They must never be joined.
    """
    for _ in range(200):
        one = number(random, region, random.choice(("fixed line", "mobile")))
        chunks = written(random, one, region, wrapped=False).core.split(maxsplit=1)
        if (
            len(chunks) == 2
            and "+" not in chunks[0]
            and not other_readings("\t".join(chunks), region, frozenset())
        ):
            break
    else:
        return alone(random, region)
    good, writing = _put_in(random, region)
    rows = [
        f"{random.choice(('', 'Ward ', 'Customer ', 'Flat '))}{chunks[0]}\t{chunks[1]}",
        f"{random.choice(NAMES)}\t{writing.text}",
    ]
    random.shuffle(rows)
    return Case(
        "digits in the cell before",
        region,
        _spoken("\n".join(rows)),
        frozenset({good.e164}),
        named=((chunks[1],),),
    )


TYPED: Final = (
    alone,
    with_words,
    with_words,
    with_digits,
    with_digits,
    glued,
    stopped,
    stopped,
    placed,
    placed,
    behind_something,
    by_id,
    an_id,
    an_id_with_a_number,
    said_to_be_an_id,
    several,
)
PASTED: Final = (*[sheet] * 8, bulleted, bulleted, two_columns, one_row, split_area, of_ids)


def typed_lines(seed: int) -> Iterator[Case]:
    """Yield typed lines without end."""
    random = Random(f"typed {seed}")  # noqa: S311 - cases of tests, no secrets
    while True:
        yield random.choice(TYPED)(random, random.choice(REGIONS))


def pasted_sheets(seed: int) -> Iterator[Case]:
    """Yield pasted sheets without end."""
    random = Random(f"pasted {seed}")  # noqa: S311 - cases of tests, no secrets
    while True:
        yield random.choice(PASTED)(random, random.choice(REGIONS))


def cases(lines: int, seed: int) -> Iterator[Case]:
    """Yield sheets with that many lines in all, and typed lines beside them."""
    count = 0
    for case in pasted_sheets(seed):
        if count >= lines:
            break
        count += case.lines
        yield case
    yield from islice(typed_lines(seed), lines // TYPED_A_SHEET_LINE)


@dataclass(slots=True)
class Tally:
    """Counts of many verdicts. Each case counts by its lines."""

    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    unambiguous: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    wrong: list[tuple[Case, Judgement]] = field(default_factory=list)
    words: list[tuple[Case, Judgement]] = field(default_factory=list)
    unneeded: list[tuple[Case, Judgement]] = field(default_factory=list)

    def add(self, case: Case, judgement: Judgement) -> None:
        """Count a case."""
        self.verdicts[case.kind, judgement.verdict] += case.lines
        if case.unambiguous:
            self.unambiguous[case.kind, judgement.verdict] += case.lines
        match judgement.verdict:
            case Verdict.WRONG:
                self.wrong.append((case, judgement))
            case Verdict.WORDS:
                self.words.append((case, judgement))
            case Verdict.QUESTION if case.unambiguous:
                self.unneeded.append((case, judgement))

    @property
    def unneeded_share(self) -> float:
        """Return the share of questions among the unambiguous lines."""
        asked = sum(count for (_, verdict), count in self.unambiguous.items() if verdict is Verdict.QUESTION)
        return asked / max(1, sum(self.unambiguous.values()))


def play(lines: int, seed: int) -> Tally:
    """Parse that many lines of sheets, and typed lines, with the project's parser."""
    tally = Tally()
    for case in cases(lines, seed):
        tally.add(case, judge(case, read(case)))
    return tally


def shown(case: Case, judgement: Judgement) -> str:
    """Return a case as the report shows it."""
    typed = f"{case.kind} · {case.region} · door {case.door} · {case.text!r}"
    return f"{typed}\n    put in {sorted(case.numbers | case.ids)}\n    {judgement.verdict}: {judgement.why}"


def report(tally: Tally) -> str:
    """Return the report: a table, and the first cases of each sort."""
    kinds = sorted({kind for kind, _ in tally.verdicts})
    rows = [
        f"{'kind':58} {'lines':>7} {'right':>7} {'asked':>7} {'words':>6} {'wrong':>6} {'clear':>7} {'asked':>6}"
    ]
    for kind in [*kinds, "all"]:
        of = [one for one in kinds if kind in {one, "all"}]
        counts = [sum(tally.verdicts[one, verdict] for one in of) for verdict in Verdict]
        clear = sum(tally.unambiguous[one, verdict] for one in of for verdict in Verdict)
        asked = sum(tally.unambiguous[one, Verdict.QUESTION] for one in of)
        rows.append(
            f"{kind[:58]:58} {sum(counts):7} {counts[0]:7} {counts[1]:7} {counts[2]:6} {counts[3]:6} {clear:7} {asked:6}"
        )
    rows.append(f"questions among the clear lines: {tally.unneeded_share:.2%} (at most 2 %)")
    for title, found in (
        ("wrong", tally.wrong),
        ("unneeded questions", tally.unneeded),
        ("words", tally.words),
    ):
        rows += ["", f"{title}: {len(found)} cases", *(shown(*one) for one in found[:SHOWN])]
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> int:
    """Play as many lines as wanted. Return 1 if a customer was wrong or there were too many questions."""
    lines = int(arguments[0]) if arguments else 20_000
    seed = int(arguments[1]) if len(arguments) > 1 else 1
    tally = play(lines, seed)
    sys.stdout.write(report(tally) + "\n")
    return int(bool(tally.wrong or tally.words) or tally.unneeded_share > 1 / 50)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
