"""The demo as people start it, and a real browser for it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.looking import Looking
from tests.support.tree import ROOT

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
ENDS_WITHIN = 20
PATIENCE = 15_000
"""Milliseconds until an expectation fails: a busy computer may take a while."""


class Demo:
    """`python -m bot demo` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.told: list[str] = []
        while not self.told or not self.told[-1].startswith("Ctrl-C"):
            self.told.append(self._line())
        self.address = self._after("CallOps is at ")
        self.folder = Path(self._after("Its data: ").partition(" (")[0])

    def end(self, by: signal.Signals = signal.SIGINT) -> int:
        """Send Ctrl-C or another signal, and return the exit status."""
        self.process.send_signal(by)
        rest, _ = self.process.communicate(timeout=ENDS_WITHIN)
        self.told += rest.splitlines()
        return self.process.returncode

    def _line(self) -> str:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError("the demo did not start:\n" + "\n".join(self.told))
        return line.rstrip()

    def _after(self, start: str) -> str:
        return next(line.removeprefix(start) for line in self.told if line.startswith(start))


@pytest.fixture(scope="package")
def demo() -> Iterator[Demo]:
    """Yield a demo for all tests, each with requests of its own."""
    running = Demo()
    yield running
    assert running.end() == 0


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Yield Debian's Chromium, or another that is installed.

    It ends before the tests of any other folder: while it is there, no other event loop can run in this
    thread.
    """
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        pytest.skip(f"there is no browser: none of {', '.join(CHROMIUMS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


class Looks:
    """Pages that were opened, each in a browser context of its own."""

    def __init__(self, demo: Demo, chromium: Browser) -> None:
        self._demo, self._chromium = demo, chromium
        self._opened: list[Looking] = []

    def __call__(
        self, person: str = "U0AGENT", *, width: int = 1440, height: int = 900, dark: bool = False
    ) -> Looking:
        """Open the page as a person."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(PATIENCE)
        self._opened.append(Looking(context.new_page(), self._demo.address, person))
        self._opened[-1].puts_away_what_is_open()
        return self._opened[-1]

    def close(self) -> None:
        """Close all pages. None had a fault, and none asked anybody but the demo."""
        for one in self._opened:
            one.page.context.close()
        for one in self._opened:
            assert one.faults == []
            assert [address for address in one.asked if not address.startswith(self._demo.address)] == []


@pytest.fixture
def look(chromium: Browser, demo: Demo) -> Iterator[Looks]:
    """Yield the pages of a test."""
    looks = Looks(demo, chromium)
    yield looks
    looks.close()


@pytest.fixture(scope="module")
def asha(chromium: Browser, demo: Demo) -> Iterator[Looking]:
    """Yield a page for all tests of a module that only let it draw."""
    looks = Looks(demo, chromium)
    yield looks()
    looks.close()


@pytest.fixture(scope="session")
def picture() -> Callable[[Looking, str], None]:
    """Return a function that takes a picture for the documents. The variable PICTURES names the folder."""
    folder = os.environ.get("PICTURES")

    def take(looking: Looking, name: str) -> None:
        if folder:
            looking.settled()
            looking.page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")

    return take
