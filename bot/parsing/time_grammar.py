"""The grammar of times: its words and patterns, and the parts of a typed text.

Every pattern is matched against at most `LONGEST` characters, from the end of the match before it.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from bot import CallOpsError
from bot.parsing.typed_zones import ZONE
from bot.text import time_errors

LONGEST: Final = 96
"""Characters. "on Wednesday, 30 September 2026 at 11:30 p.m. America/Argentina/Buenos_Aires" has 78."""

_NEARLY: Final = 0.8
"""The least similarity to a word (difflib's ratio): "tommorow" is tomorrow, "soon" is not noon."""

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_OFF: Final = {"yesterday": -1, "today": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1}
_WORDS = (
    *MONTHS,
    *("january", "february", "march", "april", "june", "july", "august"),
    *("september", "october", "november", "december"),
    *WEEKDAYS,
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("today", "tomorrow", "tonight", "yesterday", "after", "next", "this", "day", "days", "week", "weeks"),
    *("noon", "midnight", "morning", "afternoon", "evening", "night", "now", "at", "on", "of", "am", "pm"),
    *("in", "the", "min", "mins", "minutes", "h", "hour", "hours"),
)
"""The words of the grammar, to which misspelt words are compared."""

_WEEKDAY = (
    r"mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_ORDINAL = r"(?:st|nd|rd|th)?"
_PART_OF_DAY = "morning|afternoon|evening|night"
DAY: Final = re.compile(
    rf"""(?:on\s)?(?P<said>
        (?:(?:the\s)?day\s(?P<beside>after|before)\s)?(?P<word>yesterday|today|tomorrow|tmrw?)
      | (?P<tonight>tonight|this(?=\s(?:{_PART_OF_DAY})\b))
      | in\s(?P<ahead>\d{{1,3}}|an?)\s?(?P<unit>d|days?|w|wks?|weeks?)
      | (?P<iso>\d{{4}}-\d{{1,2}}-\d{{1,2}})
      | (?P<numeric>
            \d{{1,4}}[/-]\d{{1,2}}(?:[/-]\d{{1,4}})?
          | \d{{1,4}}\.\d{{1,2}}\.\d{{1,4}}
          | \d{{1,2}}\.\d{{1,2}}\.?(?=\s(?:at\s)?\d{{1,2}}(?:[:.]\d\d(?![\d.])|\s?[ap]\.?m))
        )
      | (?:(?P<weekday_of_date>{_WEEKDAY})\b[\s,]*)?
        (?: (?P<day>\d{{1,2}}){_ORDINAL}[\s./-]?(?:of\s)?(?P<month>{_MONTH})\b\.?
          | (?P<month_first>{_MONTH})\b\.?[\s/-]?(?P<day_last>\d{{1,2}}){_ORDINAL}(?![\d:.])(?!\s?[ap]\.?m)
        )(?:[\s,./-]{{1,2}}(?P<year>\d{{4}})(?![\d:.]|\s?h(?:ou)?rs))?
      | (?:(?P<which>next|this|last)\s)?(?P<weekday>{_WEEKDAY})
    )(?![^\s,t])""",
    re.VERBOSE | re.IGNORECASE,
)
CLOCK: Final = re.compile(
    r"""(?:at\s)?(?P<said>
        (?:12\s)?(?P<word>noon|midday|midnight)
      | (?P<hour>\d{1,4})(?:[:.](?P<minute>\d+)(?P<second>:\d\d(?:\.\d{1,9})?)?)?
        (?:\s?o\s?['\u2019]?\s?clock\b)?(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?(?:\s?(?P<hours>hrs|hours)\b\.?)?
    )(?=$|[\s,]|z(?![^\s,])|[+-]\d\d:?\d\d(?![^\s,]))""",
    re.VERBOSE | re.IGNORECASE,
)
_PART = re.compile(rf"(?:in\sthe\s|at\s)?(?P<said>{_PART_OF_DAY})(?![^\s,])", re.IGNORECASE)
_PATTERNS: Final = {"day": DAY, "clock": CLOCK, "part": _PART, "zone": ZONE}
_BETWEEN = re.compile(r"[\s,]*(?:(?<=\d)T(?=\d))?", re.IGNORECASE)

_AMOUNT = r"\d{1,5}(?:\.\d{1,2})?|\.\d{1,2}|an?|half\san?"
_RELATIVE = re.compile(
    rf"""(?P<in>in\s)?
    (?:(?P<hours>{_AMOUNT})\s?(?:h|hrs?|hours?)(?![a-z])\.?(?P<more>\sand\sa\shalf)?)?[\s,]*(?:and\s)?
    (?:(?P<minutes>{_AMOUNT})\s?(?:m|mins?|minutes?)(?![a-z])\.?)?[\s,]*(?:and\s)?
    (?:(?P<seconds>\d{{1,5}})\s?(?:s|secs?|seconds?)(?![a-z])\.?)?(?P<from_now>\sfrom\snow)?""",
    re.VERBOSE | re.IGNORECASE,
)
_SECONDS: Final = {"hours": 3600, "minutes": 60, "seconds": 1}
_LETTERS = re.compile(r"[^\W\d_]+")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")


class InvalidTimeError(CallOpsError, ValueError):
    """A text that is not one certain time.

    ``str()`` is a sentence for people about the error and its remedy. ``suggestions`` are texts to type
    instead.
    """

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


Suggest = Callable[..., tuple[str, ...]]
"""Returns those of some texts that can be read."""


@dataclass(frozen=True, slots=True)
class TimeParts:
    """The parts of a time, in any order."""

    typed: str
    day: re.Match[str] | None = None
    clock: re.Match[str] | None = None
    part: re.Match[str] | None = None
    zone: re.Match[str] | None = None

    @property
    def part_of_day(self) -> str | None:
        """The part of the day in lower case, None if there is none. "tonight" is a part of the day, too."""
        if self.part:
            return self.part["said"].lower()
        return "night" if self.day and self.day["tonight"] else None

    def say(
        self,
        *,
        day: str | None = None,
        clock: str | None = None,
        part: str | None = None,
        zone: str | None = None,
    ) -> str:
        """Return the time as it can be typed, with some parts replaced."""
        if self.day and self.day["tonight"] and day and part is None:
            part = self.part_of_day
        given = {"day": day, "part": part, "clock": clock, "zone": zone}
        said = [self._said(name) if new is None else new for name, new in given.items()]
        return " ".join(filter(None, said))

    def _said(self, name: str) -> str:
        match = getattr(self, name)
        return match["said"] if match else ""


def limited(text: str) -> str:
    """Return a text as the grammar reads it: one line with ASCII digits.

    Raises `InvalidTimeError` if the text is too long for a time or day, before any pattern is matched.
    """
    if len(text) <= LONGEST:  # normalization makes at most eighteen characters of one
        text = _plain(text)
    if len(text) > LONGEST:
        raise InvalidTimeError(time_errors.too_long(text[:LONGEST]))
    return text


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.replace("½", ".5").replace("\N{MINUS SIGN}", "-"))
    digits = "".join(str(unicodedata.decimal(char, char)) for char in folded)
    return " ".join(digits.split()).strip(" ,;.")


def split_time(typed: str) -> TimeParts | None:
    """Return the parts of a time, each once, in any order. Return None if the text holds anything else."""
    found: dict[str, re.Match[str]] = {}
    position = 0
    while position < len(typed):
        for name, pattern in _PATTERNS.items():
            if name not in found and (match := pattern.match(typed, position)):
                found[name] = match
                between = _BETWEEN.match(typed, match.end())
                position = between.end() if between else match.end()
                break
        else:
            return None
    return TimeParts(typed, **found)


def from_now(typed: str) -> int | None:
    """Return "in 1h 30m" or "20 min from now" in milliseconds, None for any other text."""
    match = _RELATIVE.fullmatch(typed)
    if not match or bool(match["in"]) == bool(match["from_now"]):
        return None
    hundredths = sum(_hundredths(match[unit]) * seconds for unit, seconds in _SECONDS.items())
    if match["more"]:
        hundredths += _hundredths("half an") * _SECONDS["hours"]
    return hundredths * 10


def _hundredths(amount: str | None) -> int:
    """Return an amount such as "1.5", "an" or "half an" in hundredths."""
    if amount is None:
        return 0
    if amount[0] in "hH":
        return 50
    if amount[0] in "aA":
        return 100
    whole, _, part = amount.partition(".")
    return int(whole or 0) * 100 + int(f"{part:0<2}")


def is_doubtful_offset(parts: TimeParts) -> bool:
    """Return whether an offset may be something else: "+1 person", or the end of a span as in 10:00-11:00."""
    zone, day = parts.zone, parts.day
    if zone is None or not zone["sign"] or zone["utc"]:
        return False
    if zone["sign"] == "+" or not zone["minutes"]:
        return not zone["minutes"]
    if day is None or not day["iso"] or parts.clock is None:
        return True
    as_iso_writes = parts.typed[parts.clock.start() - 1] in "Tt" or bool(parts.clock["second"])
    return not as_iso_writes and not parts.typed[zone.start() - 1].isspace()


def nearly(typed: str) -> tuple[str, ...]:
    """Return the texts that may have been meant by a text outside the grammar."""
    known = {word: _nearest(word) for word in set(_LETTERS.findall(typed))}
    spelt = _LETTERS.sub(lambda word: known[word[0]], typed)
    meant = (spelt, f"in {typed}", _DECIMAL_COMMA.sub(".", typed))
    return tuple(text for text in meant if text != typed)


def _nearest(word: str) -> str:
    return next(iter(get_close_matches(word.lower(), _WORDS, n=1, cutoff=_NEARLY)), word)


def days_off(day: re.Match[str]) -> int:
    """Return the days from today to a day named by a word, such as "day after tomorrow"."""
    beside = {"after": 1, "before": -1}.get((day["beside"] or "").lower(), 0)
    return _DAYS_OFF[day["word"].lower()] + beside


def stem(word: str) -> str:
    """Return the three letters that tell months and weekdays apart."""
    return word[:3].lower()
