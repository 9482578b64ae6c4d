"""The errors of pydantic in the words of the configuration."""

import re
from collections.abc import Iterable

from pydantic import BaseModel, ValidationError

from bot.config.settings import DASHBOARD, REGION, RENAMED
from bot.policy.rules import SLACK_CHANNEL
from bot.text.formatting import closest

PATTERNS_IN_WORDS = {
    SLACK_CHANNEL: "write a channel's id (C…)",
    DASHBOARD: "write an address that begins with https://",
    REGION: "write a country's two capital letters, such as IN",
}


def in_words(error: ValidationError, model: type[BaseModel]) -> Iterable[tuple[list[str], str]]:
    """Yield the place and the message of each error, without pydantic's vocabulary and without secrets."""
    for fault in error.errors(include_url=False):
        place = [str(part) for part in fault["loc"]]
        match fault["type"]:
            case "missing":
                what = "is missing"
            case "extra_forbidden" if (new := RENAMED.get(place[-1])) in model.model_fields:
                what = f"this key is now {new}"
            case "extra_forbidden":
                what = f"there is no such key{did_you_mean(place[-1], model.model_fields)}"
            case "value_error":
                what = str(fault["ctx"]["error"])
            case "string_pattern_mismatch" if fault["ctx"]["pattern"] in PATTERNS_IN_WORDS:
                what = PATTERNS_IN_WORDS[fault["ctx"]["pattern"]]
            case "enum" | "literal_error":
                known = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
                what = f"should be {fault['ctx']['expected']}{did_you_mean(str(fault['input']), known)}"
            case _:
                what = fault["msg"].removeprefix("Value error, ")
        yield place, what


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "x"?`` with the closest known word, or an empty text."""
    meant = closest(word, known)
    return f'; did you mean "{meant}"?' if meant else ""
