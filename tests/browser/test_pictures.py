"""The pictures of the documents: `make pictures`. Without the variable PICTURES nothing is played."""

import os
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Demo
from tests.browser.looking import Looking

Look = Callable[..., Looking]
Picture = Callable[[Looking, str], None]

pytestmark = pytest.mark.skipif("PICTURES" not in os.environ, reason="PICTURES names no folder for them")

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
FIRST_SECONDS = 1700
"""Milliseconds for which the next request of a chain cannot be approved."""
POSTED = 1300
"""Milliseconds in which a post goes out. Slack takes about one a second for a channel."""

PLACED = (
    "98765 43301 tomorrow 9:30",
    "98765 43302 tomorrow 10:00",
    "98765 43303",
    "98765 43304 tomorrow 11:15",
    "98765 43305 Mon 10:00",
    "98765 43306",
    "98765 43307 tomorrow 16:45",
    "98765 43308 tomorrow 9:45",
    "98765 43309",
    "98765 43310 Tue 12:30",
    "98765 43311 tomorrow 17:00",
    "98765 43312",
    "98765 43313 tomorrow 12:00",
    "98765 43314 tomorrow 12:30",
)
"""Calls of a day."""
CANCELLED = (
    "98765 43301 customer asked",
    "98765 43302 wrong number",
    "98765 43304 she paid this morning",
    "98765 43307 customer asked",
    "98765 43399 customer asked",
)
"""Cancellations of a day, the last of a call that CallOps does not know of."""
LATE = ("98765 43308 duplicate", "98765 43311 customer asked", "98765 43313 rescheduled by phone")
"""Cancellations that wait for each other in a chain."""


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Yield a demo of its own, in which nothing else happened."""
    running = Demo()
    yield running
    assert running.end() == 0


def say(looking: Looking, line: str) -> None:
    """Type a command. If its answer is a preview or a question, press its first button."""
    found = looking.page.locator("#messages > .message")
    before = found.count()
    looking.types(line)
    expect(found).to_have_count(before + 1)
    asks = found.nth(before).locator(".button:is(.primary, .danger)")
    if asks.count():
        asks.first.click()
    looking.page.wait_for_timeout(POSTED)


def button(place: Locator, name: str) -> Locator:
    """Return the first button of a place whose label begins so."""
    return place.get_by_role("button", name=re.compile(f"^(?:{name})")).first


def waiting(looking: Looking) -> Locator:
    """Return the newest card that waits."""
    reviews = looking.page.get_by_role("button", name=re.compile("^Review"))
    return looking.page.locator("#messages > .message").filter(has=reviews).last


def submit(looking: Looking) -> Locator:
    """Return the modal's button of submission."""
    return looking.modal.locator('[type="submit"]')


def approve_all(looking: Looking) -> None:
    """Approve what waits, one after the other, each after it was read."""
    button(waiting(looking), "Review").click()
    expect(looking.modal).to_be_visible()
    while looking.modal.is_visible() and submit(looking).count():
        looking.page.wait_for_timeout(FIRST_SECONDS)
        submit(looking).click()
        looking.page.wait_for_timeout(POSTED)
    looking.puts_away_what_is_open()


def morning(asha: Looking, olive: Looking, mira: Looking, picture: Picture) -> None:
    """Play calls, and cancellations that are approved. One of them is denied."""
    for number, line in enumerate(PLACED):
        say(olive if number % 4 == 3 else asha, f"/place-call {line}")
    say(asha, f"/cancel-call {CANCELLED[0]}")
    picture(mira, "approval-card")
    button(waiting(mira), "Review").click()
    expect(submit(mira)).to_be_visible()
    picture(mira, "review")
    mira.puts_away_what_is_open()
    for line in CANCELLED[1:]:
        say(asha, f"/cancel-call {line}")
    approve_all(mira)

    say(asha, "/cancel-call vx_1001 via voxworks reason=customer is away")
    button(waiting(mira), "Review").click()
    button(mira.modal, "Deny").click()
    expect(submit(mira)).to_contain_text("Deny")
    mira.modal.locator("textarea, input[type=text]").last.fill("she confirmed it this morning")
    submit(mira).click()
    mira.page.wait_for_timeout(POSTED)
    mira.puts_away_what_is_open()


def afternoon(asha: Looking, mira: Looking, picture: Picture) -> None:
    """Play a failure, a move, a stop, a campaign's deletion, and a call with an unknown outcome."""
    say(asha, "/cancel-call vx_1999 via voxworks reason=customer asked")
    say(asha, "/calls move 98765 43305 Tue 10:00 rescheduled")
    approve_all(mira)
    say(asha, "/calls stop 98765 43310 customer asked")
    asha.tab("Break it")
    asha.press("Don't tell")  # the report of the call's end would settle it
    asha.page.get_by_label("CallKaro", exact=True).select_option("silence")
    say(asha, "/place-call 98765 43316")
    mira.go("call-audit")
    doubt = mira.page.locator("#messages > .message").filter(has_text="•3316")
    expect(button(doubt, "Record|Say what")).to_be_visible()
    picture(mira, "unknown")
    button(doubt, "Record|Say what").click()
    expect(submit(mira)).to_be_visible()
    picture(mira, "settle")
    mira.puts_away_what_is_open()


def evening(asha: Looking, mira: Looking, picture: Picture) -> None:
    """Play three cancellations in a row, of which the manager has approved one."""
    mira.go("call-approvals")
    for line in LATE:
        say(asha, f"/cancel-call {line}")
    button(waiting(mira), "Review").click()
    expect(submit(mira)).to_be_visible()
    mira.page.wait_for_timeout(FIRST_SECONDS)
    submit(mira).click()
    mira.page.wait_for_timeout(POSTED)
    picture(mira, "chain")
    mira.puts_away_what_is_open()
    say(asha, "/calls campaign delete cd-2129073 via kore reason=ended")
    deletion = button(mira.message("cd-2129073"), "Review")
    deletion.click()
    expect(submit(mira)).to_be_visible()
    picture(mira, "deletion")
    mira.puts_away_what_is_open()


def test_the_pictures_of_a_day(look: Look, picture: Picture) -> None:
    """A day of thirty requests. Each picture says what happened, who decided, why, and what is next."""
    asha, olive, mira = look("U0AGENT", **DESK), look("U0AUDITOR", **DESK), look("U0MANAGER", **DESK)
    mira.go("call-approvals")
    morning(asha, olive, mira, picture)
    afternoon(asha, mira, picture)
    evening(asha, mira, picture)
    olive.go("call-audit")
    olive.tab("Log")
    expect(olive.message("delete campaign")).to_be_visible()
    olive.page.wait_for_timeout(POSTED)
    picture(olive, "audit-channel")
    whole = look("U0AUDITOR", width=1000, height=2600)
    whole.go("call-audit")
    whole.page.wait_for_timeout(POSTED)
    picture(whole, "audit-day")
    for name, channel, looks in (
        ("dark", "call-audit", {**DESK, "dark": True}),
        ("phone", "call-approvals", PHONE),
    ):
        one = look("U0MANAGER", **looks)
        if name == "phone":
            one.page.get_by_role("button", name="Channels and people").click()
        one.go(channel)
        one.page.wait_for_timeout(POSTED)
        picture(one, name)
