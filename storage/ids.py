"""Ids that people can say on the phone: ``A-7K3F`` for a request, ``E-7K3F`` for a fault of the program."""

from collections.abc import Callable
from typing import Final

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0 and O, 1 and I: 32 symbols, so that a random byte chooses evenly among them."""

SYMBOLS: Final = 4
COLLISIONS: Final = 3
"""After so many taken ids of one length the next one is a symbol longer."""


def new_id(prefix: str, *, random: Callable[[int], bytes], taken: Callable[[str], bool]) -> str:
    """Draw an id that is not taken. ``random`` gives so many random bytes."""
    drawn = 0
    while taken(candidate := f"{prefix}-{_symbols(random(SYMBOLS + drawn // COLLISIONS))}"):
        drawn += 1
    return candidate


def _symbols(chosen: bytes) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in chosen)
