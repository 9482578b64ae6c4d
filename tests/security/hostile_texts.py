"""Texts whose shape makes a careless parser slow: each repeats the beginning of many rules."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PIECES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "single digits": "1 ",
        "groups of five digits": "12345, ",
        "whole numbers": "98765 43210 ",
        "numbers of seven digits": "9876543 ",
        "numbers without spaces": "98765,43210;",
        "numbers in formatting": "*98765 43210* ",
        "numbers with extensions": "98765 43210 x",
        "numbers far apart": "9876543210  ",
        "links to telephones": "<tel:",
        "links with labels": "<tel:1|",
        "brackets": "(",
        "pluses": "+ ",
        "dashes": "- ",
        "slashes": "1/",
        "dots": "1.",
        "dashed digits": "1-2-3-",
        "digits in letters": "a1.2(3)4",
        "straight quotes": '" ',
        "smart quotes": "“ ",
        "escaped quotes": '"\\',
        "backticks": "`",
        "keys": "a=",
        "keys of metadata": "meta.a=1 ",
        "via": "via ",
        "via and nearly a name": "via voxwork ",
        "tabs": "1\t",
        "bars": "|1",
        "lines": "1\n",
        "rows": "a,98765 43210\n",
        "rows of words": "Asha\t12 May\n",
        "list marks": "1. ",
        "ids": "vx_1 ",
        "ids that hold numbers": "c_9876543210 ",
        "uuids": "550e8400-e29b-41d4-a716-446655440000 ",
        "joining words": "and ",
        "entities": "&amp;",
        "labels": "mob ",
        "labels without spaces": "no.no.",
        "hours": "9:30 ",
        "durations": "in 2h ",
        "days": "next mon ",
        "zones": "Asia/Kolkata ",
        "joiners": "\u200d",
        "letters": "a",
        "digits": "9",
        "spaces": " ",
        "commas": ",",
        "line ends": "\n",
    }
)


def of_length(length: int) -> dict[str, str]:
    """Return every shape in a text of some length, by what it repeats."""
    return {name: (piece * (length // len(piece) + 1))[:length] for name, piece in _PIECES.items()}
