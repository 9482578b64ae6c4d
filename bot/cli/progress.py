"""Progress bars on standard error, for people at a terminal alone."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar  # click has no public name for it

_STEPS = 1000


def bar(label: str, length: int) -> "ProgressBar[int]":
    """Make a progress bar; one without a ``length`` is not shown."""
    hidden = not (length and sys.stderr.isatty())
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)


@contextmanager
def share_bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar, and give what is told which share is done, from 0 to 1."""
    with bar(label, _STEPS) as shown:
        yield lambda share: shown.update(int(share * _STEPS) - shown.pos)
