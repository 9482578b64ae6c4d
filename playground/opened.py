"""Addresses that whoever started the playground opened. The stand-ins post to those alone."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeAlias

from yarl import URL

Opened: TypeAlias = Callable[[], Collection[str]]
"""The addresses just now, each as ``http://127.0.0.1:8080``."""


def nothing_opened() -> Collection[str]:
    """Return no address."""
    return ()


def listed_in(path: Path) -> Opened:
    """Return what reads the addresses of a file, a line each. Only its owner may be able to write it."""
    return lambda: path.read_text(encoding="utf-8").split()


def check_opened(url: str, opened: Opened) -> None:
    """Raise ValueError, with a sentence, for a URL that is not below one of the addresses."""
    # Read by whatever reads it when it is posted to, so that there is no second reading of it.
    try:
        address = str(URL(url).origin())
    except ValueError:
        address = ""  # no URL of an address
    if address not in opened():
        raise ValueError(f"{url} is at no address that was opened here: the stand-ins post to nothing else")
