"""A day of an agent and a manager, on a desk and on a phone: everything works, in few keys."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Demo
from tests.browser.counting import Count, Hands
from tests.browser.looking import Looking
from tests.support.tree import ROOT

Look = Callable[..., Looking]
PHONE = {"width": 390, "height": 844}
DOCUMENT = ROOT / "docs" / "hands.md"
TWELVE = "\n".join(f"98765 438{last:02}" for last in range(12))
REASON = "customer asked"
ANYWAY = "Request cancellation anyway"
"""The button of the question that a number without a known call leads to."""
APPROVALS = 20
READ_WITHIN = 1_600
"""Milliseconds after which a request that replaced another one in its modal can be approved."""


@dataclass
class Day:
    """The counts so far, by task: on a desk, on a phone, or both."""

    desk: dict[str, Count] = field(default_factory=dict)
    phone: dict[str, Count] = field(default_factory=dict)

    def table(self) -> str:
        """Return the table of the document."""
        rows = ["| what | on a desk: keys + clicks | on a phone: taps |", "|---|---:|---:|"]
        for what in dict.fromkeys([*self.desk, *self.phone]):
            desk, phone = self.desk.get(what), self.phone.get(what)
            at_desk = "" if desk is None else f"{desk.keys} + {desk.clicks}"
            rows.append(f"| {what} | {at_desk} | {'' if phone is None else phone.taps} |")
        return "\n".join(rows)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Yield a demo of its own. A day's posts come at one a second, and other tests need not wait for them."""
    running = Demo()
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    """Yield a day. At its end the document must have its counts, or is rewritten if HANDS is set."""
    counted = Day()
    yield counted
    told = DOCUMENT.read_text(encoding="utf-8")
    before, begin, _ = told.partition("<!-- counted -->\n")
    _, end, after = told.partition("<!-- until here -->\n")
    if os.environ.get("HANDS"):
        written = f"{before}{begin}\n{counted.table()}\n\n{end}{after}"
        Path(DOCUMENT).write_text(written, encoding="utf-8")
    elif len(counted.desk) + len(counted.phone) == ROWS:
        assert counted.table() in told, "docs/hands.md says otherwise: make hands writes it anew"


ROWS = 19
"""Rows of a whole day. A day that was not played to its end is not compared."""


@pytest.fixture
def desk(look: Look) -> Hands:
    """Return Asha at her desk. The composer has the focus, as after opening a channel."""
    asha = look()
    asha.composer.focus()
    return Hands(asha)


@pytest.fixture
def phone(look: Look) -> Hands:
    """Return Asha with her phone."""
    return Hands(look(**PHONE))


def option(hands: Hands, command: str) -> Locator:
    """Return a command in the list above the composer."""
    return hands.page.get_by_role("listbox", name="Commands").get_by_role("option").filter(has_text=command)


def choose(hands: Hands, letters: str, command: str) -> None:
    """Touch the composer on a phone, type a few letters, and touch the command."""
    hands.taps(hands.looking.composer)
    hands.types(f"/{letters}")
    hands.taps(option(hands, command))


def send(hands: Hands) -> None:
    """Touch the arrow on a phone."""
    hands.taps(hands.page.get_by_role("button", name="Send now"))


def scheduled(asha: Looking, number: str) -> Locator:
    """Schedule a call for tomorrow, and return its audit message."""
    asha.asks(f"/place-call {number} tomorrow 9:30", "Call +91", number[-5:])
    asha.message("Call +91", number[-5:]).get_by_role("button", name="Place call").click()
    asha.go("call-audit") if asha.page.viewport_size == {"width": 1440, "height": 900} else None
    return asha.message("Scheduled", f"•{number[-4:]}")


def chosen_from_menu(hands: Hands, message: Locator, action: str) -> None:
    """Open the menu ⋯ of an audit message, and choose an entry."""
    hands.taps(message.locator(".accessory").get_by_role("button", name="More actions"))
    hands.taps(hands.page.get_by_role("menuitem", name=action))


def book(look: Look, *numbers: str) -> None:
    """Let a colleague schedule calls, so that the log knows of them."""
    sam = look("U0SECOND")
    for number in numbers:
        scheduled(sam, number)
        expect(sam.message("Scheduled", f"•{number[-4:]}")).to_be_visible()
        sam.go("support")


def test_a_cancellation_at_a_desk(look: Look, desk: Hands, day: Day) -> None:
    """A few letters choose the command. The number and the reason are all that is typed."""
    book(look, "9876543700")
    desk.page.bring_to_front()
    desk.command("can")
    desk.types(f"9876543700 {REASON}")
    desk.press("Enter")
    expect(desk.looking.message("Requested:", "43700")).to_be_visible()
    day.desk["Cancel a call by its number"] = done = desk.count()
    assert done.keys + done.clicks <= 31


def test_a_cancellation_typed_on_a_phone(look: Look, phone: Hands, day: Day) -> None:
    """A thumb types the same line."""
    book(look, "9876543701")
    choose(phone, "ca", "/cancel-call")
    phone.types(f"9876543701 {REASON}")
    send(phone)
    expect(phone.looking.message("Requested:", "43701")).to_be_visible()
    day.phone["Cancel a call by its number"] = done = phone.count()
    assert done.taps <= 36


def test_twelve_numbers_are_pasted(desk: Hands, phone: Hands, day: Day) -> None:
    """The numbers come from a sheet, each in a line. They make a single request, which shows each number."""
    what = "Cancel twelve calls, copied from a sheet"
    desk.command("can")
    desk.pastes(TWELVE)
    desk.types(f" {REASON}")
    desk.press("Enter")
    desk.taps(desk.page.get_by_role("button", name=ANYWAY).last)
    answer = desk.looking.message("Waiting for approval", "12 numbers")
    for number in TWELVE.splitlines():
        expect(answer).to_contain_text(number)
    day.desk[what] = done = desk.count()
    assert done.keys + done.clicks <= 38
    desk.looking.press("Withdraw request")
    expect(desk.looking.message("Withdrawn", "12 numbers")).to_be_visible()

    choose(phone, "ca", "/cancel-call")
    phone.pastes(TWELVE)
    phone.types(f" {REASON}")
    send(phone)
    phone.taps(phone.page.get_by_role("button", name=ANYWAY).last)
    answer = phone.looking.message("Waiting for approval", "12 numbers")
    expect(answer).to_contain_text("43811")
    day.phone[what] = done = phone.count()
    assert done.taps <= 38

    phone.taps(answer.get_by_role("button", name="Withdraw request"))
    expect(phone.looking.message("Withdrawn", "12 numbers")).to_be_visible()
    day.phone["Withdraw a request"] = phone.count()


def test_a_call_is_placed_now(desk: Hands, phone: Hands, day: Day) -> None:
    """The preview shows the whole call, and a single press places it."""
    what = "Place a call now"
    desk.command("pl")
    desk.types("9876543702")
    desk.press("Enter")
    desk.taps(desk.looking.message("Call +91", "43702").get_by_role("button", name="Place call"))
    expect(desk.looking.message("Placed", "•3702")).to_be_visible()
    day.desk[what] = desk.count()

    choose(phone, "pl", "/place-call")
    phone.types("9876543703")
    send(phone)
    preview = phone.looking.message("Call +91", "43703")
    phone.taps(preview.get_by_role("button", name="Place call"))
    expect(phone.looking.message("Placed", "•3703")).to_be_visible()
    day.phone[what] = phone.count()


def test_a_call_is_placed_for_tomorrow(desk: Hands, day: Day) -> None:
    """The time stands behind the number."""
    desk.command("pl")
    desk.types("9876543704 tomorrow 9:30")
    desk.press("Enter")
    desk.taps(desk.looking.message("Call +91", "43704").get_by_role("button", name="Place call"))
    expect(desk.looking.message("Scheduled", "•3704")).to_be_visible()
    day.desk["Place a call for tomorrow"] = desk.count()


def test_a_known_call_is_cancelled_from_its_message(desk: Hands, phone: Hands, day: Day) -> None:
    """On a phone the answer has the button. A reason and the submission are two further taps.

    The menu of the audit message, which anybody sees, opens the same form.
    """
    audit = scheduled(desk.looking, "9876543705")
    chosen_from_menu(desk, audit, "Cancel this call…")
    expect(desk.looking.modal.get_by_role("button", name="Request cancellation")).to_be_visible()
    desk.press("Escape")
    for one in (desk, phone):  # both pages show the person's modal
        expect(one.looking.modal).to_be_hidden()
    desk.looking.go("support")

    answer = phone.looking.message("Scheduled", "•3705")
    expect(answer).to_be_visible()
    phone.count()
    phone.taps(answer.get_by_role("button", name="Cancel the call"))
    phone.taps(phone.looking.modal.get_by_text(REASON, exact=True))
    phone.taps(phone.looking.modal.get_by_role("button", name="Request cancellation"))
    expect(phone.looking.modal).to_be_hidden()
    day.phone["Cancel a call from its message"] = done = phone.count()
    assert done.taps == 3


def test_a_call_is_moved(desk: Hands, phone: Hands, day: Day) -> None:
    """The number and the new time do it. On a phone the message's menu opens the form at its time."""
    scheduled(desk.looking, "9876543706")
    expect(desk.looking.message("Scheduled", "•3706")).to_be_visible()
    desk.looking.go("support")
    desk.looking.composer.focus()
    desk.count()
    desk.types("/calls move 9876543706 Mon 10:00")
    desk.press("Enter")
    expect(desk.looking.message("Requested:", "•3706")).to_be_visible()
    day.desk["Move a call to another time"] = desk.count()
    desk.looking.press("Withdraw request")
    expect(desk.looking.message("Withdrawn", "•3706")).to_be_visible()

    phone.page.get_by_role("button", name="Channels and people").click()
    phone.looking.go("call-audit")
    audit = phone.looking.message("Scheduled", "•3706")
    expect(audit).to_be_visible()
    phone.count()
    chosen_from_menu(phone, audit, "Move…")
    expect(phone.looking.modal.get_by_label("New time")).to_be_focused()
    phone.types("Mon 10:00")
    phone.taps(phone.looking.modal.get_by_role("button", name="Request move"))
    expect(phone.looking.modal).to_be_hidden()
    day.phone["Move a call to another time"] = done = phone.count()
    assert done.taps <= 12


def test_how_things_stand_is_read(desk: Hands, phone: Hands, day: Day) -> None:
    """The list has one's own requests, those that wait, and coming calls. The id of a request finds it."""
    desk.types("/calls list")
    desk.press("Enter")
    answer = desk.looking.message("Waiting", "Coming up")
    expect(answer).to_be_visible()
    day.desk["See what waits and what is coming up"] = desk.count()
    named = re.search(r"A-[0-9A-Z]{4,}", answer.inner_text())
    assert named
    desk.types(f"/calls status {named[0]}")
    desk.press("Enter")
    expect(desk.looking.message(named[0])).to_be_visible()
    day.desk["See how one request stands"] = desk.count()

    phone.taps(phone.looking.composer)
    phone.types("/calls list")
    send(phone)
    expect(phone.looking.message("Waiting", "Coming up")).to_be_visible()
    day.phone["See what waits and what is coming up"] = phone.count()


def test_a_mistake_is_mended_in_the_form(look: Look, desk: Hands, phone: Hands, day: Day) -> None:
    """The form holds what was understood, and only the mistake is typed again."""
    book(look, "9876543721", "9876543722")
    desk.page.bring_to_front()
    what = "Mend a mistyped number"
    for hands, counted, last in ((desk, day.desk, "211"), (phone, day.phone, "222")):
        hands.looking.types(f"/cancel-call 98765437{last} {REASON}")
        hands.count()
        hands.taps(hands.looking.message("Not sent yet", last).get_by_role("button", name="Open the form"))
        number = hands.looking.modal.get_by_label("Phone number or call ID")
        expect(number).to_have_value(f"98765437{last}")
        hands.taps(number)
        hands.press("End")
        hands.press("Backspace")
        hands.taps(hands.looking.modal.get_by_role("button", name="Request cancellation"))
        expect(hands.looking.modal).to_be_hidden()
        counted[what] = hands.count()
        for one in (desk, phone):  # both pages show the person's modal
            expect(one.looking.modal).to_be_hidden()


def test_what_a_colleague_asked_already_is_joined(look: Look, phone: Hands, day: Day) -> None:
    """The phone shows who asked and when, and nothing is left to do."""
    book(look, "9876543709")
    look("U0AUDITOR").asks(f"/cancel-call 9876543709 {REASON}", "Requested:", "43709")
    choose(phone, "ca", "/cancel-call")
    phone.types(f"9876543709 {REASON}")
    send(phone)
    answer = phone.looking.message("@olive already requested this", "Nothing new was requested")
    expect(answer).to_be_visible()
    expect(answer.get_by_role("button", name="Withdraw request")).to_have_count(0)
    day.phone["Ask for what a colleague asked already"] = phone.count()


def test_a_deadline_that_passes_is_said(phone: Hands) -> None:
    """The agent gave the call's time. Nobody decided, and the phone says what follows for the customer."""
    soon = datetime.now(UTC) + timedelta(seconds=6)
    phone.looking.asks(
        f"/cancel-call 9876543710 {REASON} call-time={soon:%Y-%m-%dT%H:%M:%SZ}",
        "Requested:",
        "43710",
    )
    phone.page.get_by_role("button", name="Channels and people").click()
    phone.page.get_by_role("button", name="CallOps, app").click()
    expect(phone.looking.message("Not cancelled", "•3710")).to_contain_text("No one approved it in time")


def test_twenty_approvals_are_about_twenty_taps(look: Look, day: Day) -> None:
    """After an approval the next waiting request stands in the same modal, soonest first."""
    asha = look()
    for number in range(APPROVALS):
        asha.asks(
            f"/cancel-call vx_{9000 + number} via voxworks {REASON}",
            "Requested:",
            f"vx_{9000 + number}",
        )
    for what, size, counted in (
        ("Approve ten requests", {}, day.desk),
        ("Approve ten more, with a thumb", PHONE, day.phone),
    ):
        mira = look("U0MANAGER", **size)
        if size:
            mira.page.get_by_role("button", name="Channels and people").click()
        mira.go("call-approvals")
        hands = Hands(mira)
        card = mira.message("Cancel call", "vx_90")
        expect(card).to_be_visible()
        hands.taps(card.get_by_role("button", name="Review"))
        for _ in range(APPROVALS // 2):
            approve = mira.modal.get_by_role("button", name=re.compile("^Approve (cancellation|move)$"))
            expect(approve).to_be_enabled()
            if mira.modal.get_by_text(re.compile("approved · ")).count():
                mira.page.wait_for_timeout(READ_WITHIN)  # the next request is read before it is approved
            [shown] = re.findall(r"\b(A-[0-9A-Z]{4,}) · (?:voxworks|reminders)", mira.modal.inner_text())
            hands.taps(approve)
            expect(mira.modal).to_contain_text(re.compile(f"{shown} approved|All caught up"))
        counted[what] = done = hands.count()
        assert done.taps == APPROVALS // 2 + 1
        mira.page.keyboard.press("Escape")
