import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.browser.looking import Looking

Look = Callable[..., Looking]
Picture = Callable[[Looking, str], None]


def test_an_agent_asks_a_manager_approves_an_auditor_reads(look: Look) -> None:
    """Each person sees their part as it happens, in their own time zone.

    The provider got exactly that request.
    """
    asha, mira, olive = look("U0AGENT"), look("U0MANAGER"), look("U0AUDITOR")
    olive.go("call-audit")
    tomorrow = datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)
    in_london = f"{tomorrow.replace(hour=9, minute=30).astimezone(ZoneInfo('Europe/London')):%-I:%M %p}"
    asha.types("/place-call 98765 43220 tomorrow 9:30")
    preview = asha.message("Call +91", "43220")
    expect(preview).to_contain_text("Only visible to you")
    expect(preview).to_contain_text("9:30 AM IST")
    preview.get_by_role("button", name="Place call").click()
    expect(olive.message("Scheduled", "•3220")).to_contain_text(in_london)
    expect(asha.pane).to_contain_text("Call placed: +919876543220, due 9:30 AM")

    asha.types("/cancel-call 98765 43220 customer asked")
    expect(asha.message("Requested:", "43220")).to_contain_text("Withdraw request")
    expect(mira.page.get_by_role("button", name="Channel call-approvals, ")).to_be_visible()
    mira.go("call-approvals")
    card = mira.message("Cancel all calls", "•3220")
    expect(card).to_contain_text("“customer asked”")
    card.get_by_role("button", name="Review").click()
    expect(mira.modal).to_contain_text(re.compile("[Tt]he call (then )?goes out"))
    mira.modal.get_by_role("button", name="Approve").click()
    expect(mira.modal).to_be_hidden()
    expect(mira.message("Cancelled", "•3220")).to_contain_text("(edited)")

    done = olive.message("🚫 Cancelled", "•3220")
    expect(done).to_contain_text("“customer asked”")
    expect(done).to_contain_text("approved by mira")
    expect(done.get_by_role("button", name="1 reply")).to_have_count(0)
    expect(asha.pane).to_contain_text("Scheduled call removed: +919876543220")
    expect(asha.page.get_by_role("button", name=re.compile("CallOps, app, .* unread"))).to_be_visible()
    olive.tab("Log")
    expect(olive.pane).to_contain_text("approved")
    expect(olive.pane).to_contain_text("cancelled")


def test_a_field_error_keeps_what_was_typed(look: Look, picture: Picture) -> None:
    """The fault stands under its field, which has the focus, and every other field is unchanged."""
    asha = look()
    asha.types("/place-call")
    asha.modal.get_by_label("Phone number").fill("98765 43221")
    asha.modal.get_by_label("Call time (optional)").fill("25:00")
    asha.modal.get_by_label("Purpose").fill("a reminder")
    asha.modal.get_by_role("button", name="Preview").click()
    when = asha.modal.get_by_label("Call time (optional)")
    expect(when).to_have_attribute("aria-invalid", "true")
    expect(when).to_have_accessible_description(
        "“25:00” doesn't exist. A day goes from 00:00 to 23:59. In your time zone. Leave empty to call now."
    )
    expect(when).to_be_focused()
    expect(when).to_have_value("25:00")
    expect(asha.modal.get_by_label("Phone number")).to_have_value("98765 43221")
    expect(asha.modal.get_by_label("Purpose")).to_have_value("a reminder")
    picture(asha, "field-error")

    asha.modal.get_by_role("button", name="Show more options").click()
    expect(asha.modal.get_by_label("Retries (optional)", exact=True)).to_be_visible()
    expect(asha.modal.get_by_label("Purpose")).to_have_value("a reminder")
    when.fill("tomorrow 9:30")
    asha.modal.get_by_role("button", name="Preview").click()
    expect(asha.modal).to_contain_text("“a reminder”")
    asha.modal.get_by_role("button", name="Back").last.click()
    expect(when).to_have_value("tomorrow 9:30")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()


def test_a_time_is_picked_on_the_clocks_of_whoever_picks(look: Look) -> None:
    """The field holds an instant. The preview shows it in the same zone, and other readers in theirs."""
    asha = look()
    at = datetime.now(ZoneInfo("Asia/Kolkata")) + timedelta(days=1)
    asha.types("/place-call")
    asha.modal.get_by_label("Phone number").fill("98765 43229")
    picked = f"{at:%Y-%m-%d}T10:30"
    asha.modal.get_by_label("Or pick a time").fill(picked)
    asha.modal.get_by_role("button", name="Show more options").click()
    expect(asha.modal.get_by_label("Retries (optional)", exact=True)).to_be_visible()
    expect(asha.modal.get_by_label("Or pick a time")).to_have_value(picked)
    asha.modal.get_by_role("button", name="Preview").click()
    expect(asha.modal).to_contain_text("10:30 AM IST")
    asha.modal.get_by_role("button", name="Back").last.click()
    expect(asha.modal.get_by_label("Or pick a time")).to_have_value(picked)
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()


def test_a_manager_denies_with_a_reason(look: Look) -> None:
    """A button in a modal leads to another form. The requester reads the reason in a direct message."""
    asha, mira = look("U0AGENT"), look("U0MANAGER")
    asha.types("/cancel-call vx_1001 via voxworks reason=customer is away")
    mira.go("call-approvals")
    mira.message("Cancel call", "vx_1001").get_by_role("button", name="Review").click()
    mira.modal.get_by_role("button", name="Deny").click()
    mira.modal.get_by_role("button", name="Deny request").click()
    expect(mira.modal).to_contain_text("Choose a reason or write one. The requester will see it.")
    mira.modal.get_by_label("In your words").fill("She confirmed it this morning")
    mira.modal.get_by_role("button", name="Deny request").click()
    expect(mira.modal).to_be_hidden()
    asha.page.get_by_role("button", name="CallOps, app").click()
    expect(asha.message("✋ Denied by")).to_contain_text("She confirmed it this morning")
    expect(asha.page.locator("#composer")).to_contain_text(
        "Sending messages to this app has been turned off."
    )
    asha.tab("Providers")
    expect(asha.pane).not_to_contain_text("cancel-call/vx_1001")


def test_a_lost_answer_is_said_and_settled(look: Look) -> None:
    """The switch loses an answer. Nobody reads that it worked, and a manager records what happened."""
    asha, mira = look("U0AGENT"), look("U0MANAGER")
    asha.tab("Break it")
    asha.press("Don't tell")  # the report of the call's end would settle it
    asha.page.get_by_label("CallKaro", exact=True).select_option("silence")
    expect(asha.page.get_by_role("tab", name="Break it 2")).to_be_visible()
    asha.types("/place-call 98765 43222")
    asha.message("Call +91", "43222").get_by_role("button", name="Place call").click()
    mira.go("call-audit")
    doubt = mira.message("Outcome unknown", "•3222")
    expect(asha.page.get_by_label("CallKaro", exact=True)).to_have_value("")
    doubt.get_by_text("Record outcome").click()
    mira.modal.get_by_label("The call was placed").check()
    mira.modal.get_by_label("Where did you check?").select_option("CallKaro dashboard")
    mira.modal.get_by_label("What did you see?").fill("CallKaro's call list shows it")
    mira.modal.get_by_role("button", name="Record outcome").click()
    expect(mira.message("Placed", "•3222")).to_be_visible()
    mira.tab("Providers")
    asked = mira.pane.locator(".card").filter(has_text="+919876543222").filter(has_text="POST")
    expect(asked).to_have_count(1)
    expect(asked).to_contain_text("no answer")
    asha.press("Tell again")


def test_a_call_that_nobody_answers(look: Look) -> None:
    """The switch is chosen by keyboard. The provider's journal shows the end, and the channel the report."""
    asha, olive = look("U0AGENT"), look("U0AUDITOR")
    olive.go("call-audit")
    asha.tab("Break it")
    switch = asha.page.get_by_label("Calls by CallKaro")
    expect(switch).to_have_value("answered")
    switch.focus()
    asha.page.keyboard.press("ArrowDown")
    expect(switch).to_have_value("no_answer")
    expect(asha.page.get_by_role("tab", name="Break it 1")).to_be_visible()
    expect(switch).to_be_focused()
    asha.types("/place-call 98765 43225")
    asha.message("Call +91", "43225").get_by_role("button", name="Place call").click()
    asha.tab("Providers")
    expect(asha.pane).to_contain_text("Nobody answered: +919876543225")
    told = asha.pane.locator(".card").filter(has_text="call_ended").filter(has_text="919876543225")
    expect(told).to_contain_text("200")
    told.get_by_text("call_ended").focus()
    asha.page.keyboard.press("Enter")
    expect(told).to_contain_text("USER_UNAVAILABLE")
    expect(olive.message("Placed", "•3225")).to_contain_text("No answer.")
    asha.tab("Break it")
    switch.select_option("answered")
    expect(asha.page.get_by_role("tab", name="Break it", exact=True)).to_be_visible()
    asha.go("call-audit")
    asha.message("Placed", "•3225").get_by_role("button", name="Call again: A-").click()
    expect(asha.modal).to_contain_text("Place a call")
    expect(asha.modal.get_by_label("Phone number")).to_have_value("+919876543225")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()
    asha.types("/calls log ended=no-answer")
    expect(asha.message("ended no answer")).to_contain_text("•••3225")


def test_a_finished_guide_folds_away(look: Look) -> None:
    """Once its three steps are done, the guide goes, and comes back when it is asked for."""
    asha, mira = look("U0AGENT"), look("U0MANAGER")
    guide = asha.page.get_by_role("region", name="Your first minute")
    asha.types("/place-call 98765 43223 tomorrow 9:30")
    asha.message("43223").locator(".button.primary").click()
    asha.go("call-audit")
    expect(asha.message("Scheduled", "•3223")).to_be_visible()
    asha.asks("/cancel-call 98765 43223 customer asked", "43223")
    mira.go("call-approvals")
    mira.message("•3223").get_by_role("button", name="Review").click()
    mira.modal.get_by_role("button", name="Approve").click()
    asha.tab("Break it")
    asha.page.get_by_label("CallKaro", exact=True).select_option("silence")
    asha.types("/place-call 98765 43224")
    asha.message("43224").locator(".button.primary").click()
    expect(guide).to_be_hidden()
    asha.press("Guide")
    expect(guide).to_contain_text("Your first minute is over")
    asha.page.reload()
    expect(asha.person("U0AGENT")).to_be_visible()
    expect(guide).to_be_hidden()
