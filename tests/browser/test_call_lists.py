"""A call list on the page: checked, approved, paused, resumed and reported, at a desk and on a phone."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Demo, Looks
from tests.browser.looking import Looking
from tests.browser.test_access import PHONE, findings
from tests.browser.test_home import opens_home
from tests.browser.test_pausing import DESK, goes

ROWS = 200
SENT_WITHIN = 120_000
"""Milliseconds in which all calls of the list are placed, on a busy computer."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Yield a demo of its own, because its channels fill."""
    running = Demo()
    try:
        yield running
    finally:
        assert running.end() == 0


def sheet(file: Path, first: int) -> Path:
    """Write a file of two hundred rows, three of which are bad."""
    rows = [f"+91987{first + n:07},Asha {n}" for n in range(ROWS)]
    rows[10], rows[20], rows[30] = "12,Too short", "n/a,No number", "98765432101234567,Too long"
    file.write_text("\n".join(["Mobile No,Customer", *rows, ""]), "utf-8")
    return file


@pytest.mark.parametrize("phone", [False], ids=["desk"])  # on a phone, the ringing calls cover the page
def test_a_list_from_its_file_to_its_results(
    look: Looks, tmp_path: Path, picture: Callable[[Looking, str], None], *, phone: bool
) -> None:
    """Three bad lines are left out, a manager approves, pauses and resumes, and the results arrive."""
    size = PHONE if phone else DESK
    file = sheet(tmp_path / ("evening.csv" if phone else "morning.csv"), 1_000_000 if phone else 0)
    asked = f"197 calls from the list “{file.name}”"
    asha = look("U0AGENT", width=size["width"], height=size["height"])
    goes(asha, opens_home, phone=phone)
    asha.page.get_by_role("tabpanel", name="Home").get_by_role("button", name="Call list…").click()
    asha.modal.get_by_label("CSV file").set_input_files(file)
    asha.modal.get_by_label(re.compile("^Connection")).select_option(label="reminders")
    asha.modal.get_by_label(re.compile("^Reason")).fill("monthly reminder")
    assert findings(asha) == []
    asha.modal.get_by_role("button", name="Check the file").click()
    expect(asha.modal).to_contain_text("3 lines can't be used", timeout=30_000)
    expect(asha.modal).to_contain_text("line 12")
    assert findings(asha) == []
    if not phone:
        picture(asha, "list-check")
    asha.modal.get_by_role("button", name="Leave out bad lines").click()
    asha.modal.get_by_role("button", name="Request calls").click()
    expect(asha.modal).to_be_hidden()

    mira = look("U0MANAGER", width=size["width"], height=size["height"])
    goes(mira, lambda one: one.go("call-approvals"), phone=phone)
    card = mira.message(asked, "SHA-256")
    assert findings(mira) == []
    if not phone:
        picture(mira, "list-card")
    card.get_by_role("button", name=re.compile("^Review")).click()
    expect(mira.modal).to_contain_text("First numbers")
    mira.modal.get_by_role("button", name="Approve call list").click()
    expect(mira.modal).to_be_hidden()
    goes(mira, lambda one: one.go("call-audit"), phone=phone)
    audit = mira.page.locator("#messages > .message").filter(has_text=asked).first
    audit.get_by_role("button", name=re.compile("^Pause list")).click()
    expect(audit).to_contain_text("Paused")
    expect(audit).to_contain_text(" to go")
    assert findings(mira) == []
    audit.get_by_role("button", name=re.compile("^Resume list")).click()
    expect(audit).to_contain_text("Finished", timeout=SENT_WITHIN)
    expect(audit).to_contain_text("197 done")
    audit.get_by_role("button", name=re.compile("^Results")).click()
    goes(mira, lambda one: one.page.get_by_role("button", name=re.compile("^CallOps")).click(), phone=phone)
    expect(mira.message("Results so far")).to_be_visible()
    expect(mira.message("results-A-")).to_be_visible()
