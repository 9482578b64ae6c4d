"""Ids that people can say on the phone: ``A-7K3F`` for a request, ``E-7K3F`` for an error of the program."""

from collections.abc import Callable
from itertools import product
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0 and O, 1 and I: 32 symbols, so that a random byte selects evenly among them."""

SYMBOLS: Final = 4
COLLISIONS: Final = 3
"""After so many taken ids of a length, the next id is a symbol longer."""


def new_id(prefix: str, *, random: Callable[[int], bytes], taken: Callable[[str], bool]) -> str:
    """Return a random id that is not taken. ``random`` returns the given number of random bytes."""
    drawn = 0
    while taken(candidate := f"{prefix}-{_symbols(random(SYMBOLS + drawn // COLLISIONS))}"):
        drawn += 1
    return candidate


def _symbols(chosen: bytes) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in chosen)


MISREAD: Final = {"0": "QD", "O": "QD", "1": "LJ", "I": "LJ"}
"""Symbols that are in no id, with the symbols that look like them."""
MOST_READINGS: Final = 16


def readings(typed: str, prefix: str = "A") -> list[str]:
    """Return the ids that a person may mean by a typed text, the likeliest first.

    The prefix, the dash and capitals may be missing. A symbol that is in no id may stand for a similar one.
    An action's number (``A-7K3F.2``) may follow.
    """
    body, dot, position = "".join(typed.upper().split()).strip("`'\"#.,:;").partition(".")
    symbols = "".join(symbol for symbol in body if symbol not in "-–—_")  # noqa: RUF001 - dashes people type
    begins = [symbols.removeprefix(prefix)] if symbols.startswith(prefix) else []
    found: list[str] = []
    for one in [*begins, symbols]:
        meant = [MISREAD.get(symbol, symbol) for symbol in one]
        if len(one) < SYMBOLS or not all(set(symbol) <= set(ALPHABET) for symbol in meant):
            continue
        for chosen in product(*meant):
            found.append(f"{prefix}-{''.join(chosen)}{dot}{position}")
            if len(found) >= MOST_READINGS:
                return found
    return found
