from collections.abc import Callable

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Demo
from tests.browser.looking import Looking


def test_what_waits_outlives_a_killed_bot(look: Callable[..., Looking]) -> None:
    """While the bot is gone, Slack says so and why. After a restart, waiting requests continue."""
    asha, mira = look("U0AGENT"), look("U0MANAGER")
    asha.types("/cancel-call vx_1002 via voxworks reason=wrong number")
    expect(asha.message("Requested:", "vx_1002")).to_be_visible()
    asha.tab("Break it")
    asha.press("Kill it")
    expect(asha.pane).to_contain_text("CallOps is not running")
    asha.types("/calls help")
    failed = asha.message("/calls failed with the error “dispatch_failed”")
    expect(failed).to_contain_text("CallOps is not connected to Slack.")
    mira.go("call-approvals")
    card = mira.message("Cancel call", "vx_1002")
    card.get_by_role("button", name="Review").click()
    expect(card.get_by_role("alert")).to_contain_text(
        "This app is not responding. Try again. (dispatch_failed)"
    )

    asha.press("Start it again")
    expect(asha.pane).to_contain_text("CallOps is running")
    card.get_by_role("button", name="Review").click()
    mira.modal.get_by_role("button", name="Approve").click()
    expect(mira.message("Cancelled", "vx_1002")).to_be_visible()
    asha.tab("Providers")
    asked = asha.pane.locator(".card").filter(has_text="cancel-call/vx_1002")
    expect(asked).to_have_count(1)


def test_the_page_says_when_the_demo_is_gone(chromium: Browser) -> None:
    """Nobody types into a dead page without being told."""
    running = Demo()
    context = chromium.new_context()
    asha = Looking(context.new_page(), running.address, "U0AGENT")
    assert running.end() == 0
    expect(asha.page.get_by_text("Lost connection to the demo.")).to_be_visible()
    asha.types("hello")
    expect(asha.message("Does it still run?")).to_be_visible()
    context.close()
