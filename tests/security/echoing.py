"""Canaries, and every way in which a provider may repeat what it was sent."""

import html
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

NUMBER = "+919876543210"
NATIONAL = "9876543210"
NAME, SURNAME, CITY = "Kanariya", "Peelaswamy", "Zzyzxpur"
WORDS = (NAME, SURNAME, CITY)
"""Words of the metadata, which are written nowhere else."""

NASTY = 'cnry"k/e+y%5d&1<f>\\Zz9'
"""A key with the characters that encodings write differently."""


def _with_solidus(text: str) -> str:
    return json.dumps(text)[1:-1].replace("/", "\\/")


def _lower_percent(text: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), quote(text, safe=""))


def _numbered_entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" if not character.isalnum() else character for character in text)


def _in_json_in_json(text: str) -> str:
    return json.dumps(json.dumps(text)[1:-1])[1:-1]


WRITINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with \\/": _with_solidus,
    "JSON within JSON": _in_json_in_json,
    "URL": lambda text: quote(text, safe=""),
    "URL path": quote,
    "URL form": quote_plus,
    "URL, small": _lower_percent,
    "HTML": html.escape,
    "HTML, numbered": _numbered_entities,
}
"""Encodings of a secret, by name."""

NUMBERS: Mapping[str, str] = {
    "E.164": NUMBER,
    "digits": NUMBER[1:],
    "national": NATIONAL,
    "trunk": f"0{NATIONAL}",
    "international prefix": f"00{NUMBER[1:]}",
    "spaced": "+91 98765 43210",
    "dashed": "98765-43210",
    "dotted": "+91.98765.43210",
    "bracketed": "(+91) 98765 43210",
    "no-break spaces": "+91\u00a098765\u00a043210",
    "no-break spaces in JSON": "+91\\u00a098765\\u00a043210",
    "dashes of print": "98765\u201343210",
    "dashes of print in JSON": "98765\\u201343210",
    "URL": "%2B919876543210",
    "URL, spaced": "%2B91%2098765%2043210",
    "URL form, spaced": "%2B91+98765+43210",
    "HTML, spaced": "+91&nbsp;98765&nbsp;43210",
    "slashed": "98765/43210",
    "underscored": "98765_43210",
}
"""Writings of the action's number, by name."""
