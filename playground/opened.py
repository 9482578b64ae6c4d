"""Addresses that the starter of the playground allows. The stand-ins post to no others."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeAlias

from yarl import URL

Opened: TypeAlias = Callable[[], Collection[str]]
"""Returns the allowed addresses, each as ``http://127.0.0.1:8080``."""


def nothing_opened() -> Collection[str]:
    """Return no address."""
    return ()


def listed_in(path: Path) -> Opened:
    """Return a function that reads the addresses in a file, a line each. Only its owner may write it."""
    return lambda: path.read_text(encoding="utf-8").split()


def check_opened(url: str, opened: Opened) -> None:
    """Raise ValueError with a sentence for a URL that is not below an allowed address."""
    # Parsed by the library that posts to it, so that no second parser can disagree.
    try:
        address = str(URL(url).origin())
    except ValueError:
        address = ""  # a URL without an origin
    if address not in opened():
        raise ValueError(f"{url} is at no address that was opened here: the stand-ins post to nothing else")
