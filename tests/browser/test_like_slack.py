"""Slack's formats and rules, as the page shows them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.looking import Looking

Look = Callable[..., Looking]

_DRAW = """async ([text, zone]) => {
    const { mrkdwn } = await import("/js/mrkdwn.js");
    const made = document.createElement("div");
    made.append(...mrkdwn(text, { zone, now: new Date("2026-12-04T12:00:00Z") }));
    return made.innerHTML;
}"""
AT = 1796445000  # 2026-12-05 04:30 UTC


TEXTS = [
    ("*bold* _it_ ~gone~", "<strong>bold</strong> <em>it</em> <del>gone</del>"),
    ("*nested _deep_*", "<strong>nested <em>deep</em></strong>"),
    ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
    ("`a *b* &lt;c&gt;`", "<code>a *b* &lt;c&gt;</code>"),
    ("```\none\ntwo\n```after", "<pre>one\ntwo</pre>after"),
    ("&gt; said\nafter", "<blockquote>said</blockquote>after"),
    ("&gt; one\n&gt; two", "<blockquote>one\ntwo</blockquote>"),
    ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
    (
        "<@U0MANAGER> *<@U0AGENT>*",
        '<span class="mention">@mira</span> <strong><span class="mention mention-me">@asha</span></strong>',
    ),
    (
        "<#C0SUPPORT> <!channel>",
        '<span class="mention">#support</span> <span class="mention mention-me">@channel</span>',
    ),
    (
        "<https://example.com/a_b_c|docs>",
        '<a href="https://example.com/a_b_c" target="_blank" rel="noreferrer noopener">docs</a>',
    ),
    ("<javascript:alert(1)|here>", "here"),
    (
        ":white_check_mark: :unheard_of: ⚠️",
        '<span class="emoji white_check_mark">✅</span> :unheard_of: <span class="emoji warning">⚠️</span>',
    ),
]


@pytest.mark.parametrize(("text", "drawn"), TEXTS)
def test_mrkdwn_reads_as_at_slack(asha: Looking, text: str, drawn: str) -> None:
    """Marks, quotes, code, mentions and links are drawn. Anything else is text."""
    assert asha.page.evaluate(_DRAW, [text, "UTC"]) == drawn


DATES = [
    ("{date_short_pretty} at {time}", "Asia/Kolkata", "tomorrow at 10:00 AM"),
    ("{date_short_pretty} at {time}", "America/New_York", "today at 11:30 PM"),
    ("{date_num} {time_secs}", "UTC", "2026-12-05 4:30:00 AM"),
    ("{date}", "UTC", "December 5th, 2026"),
    ("{date_long}", "UTC", "Saturday, December 5th, 2026"),
    ("{date_short}", "UTC", "Dec 5, 2026"),
    ("{date_long_pretty}, {time}", "UTC", "tomorrow, 4:30 AM"),
    ("{date_long_pretty}, {time}", "America/New_York", "today, 11:30 PM"),
    ("{ago}", "UTC", "in 16 hours"),
    ("{no_token}", "UTC", "{no_token}"),
]


@pytest.mark.parametrize(("pattern", "zone", "read"), DATES)
def test_dates_are_in_the_readers_zone(asha: Looking, pattern: str, zone: str, read: str) -> None:
    """Every token of a date is in the zone and the day of its reader."""
    shown = asha.page.evaluate(_DRAW, [f"<!date^{AT}^{pattern}|soon>", zone])
    assert shown == f'<span class="date" title="In {zone}">{read}</span>'


def test_what_somebody_writes_is_text(look: Look) -> None:
    """Markup in a message appears at once to everybody as it was written, and none of it runs."""
    asha, olive = look("U0AGENT"), look("U0AUDITOR")
    said = "<img src=x onerror=alert(1)> <!channel> & *so on*"
    asha.types(said)
    expect(olive.message("onerror")).to_contain_text("<img src=x onerror=alert(1)> <!channel> & so on")
    assert olive.page.locator("#messages img").count() == 0
    asha.message("onerror").hover()
    asha.message("onerror").get_by_role("button", name="Reply in thread").click()
    reply = asha.page.get_by_role("textbox", name="Reply…")
    reply.fill("/calls help")
    reply.press("Enter")
    expect(asha.message("/calls is not supported in threads. Sorry!")).to_be_visible()
    reply.fill("indeed")
    reply.press("Enter")
    expect(olive.message("onerror")).to_contain_text("1 reply")


def test_slack_says_what_it_does_not_take(look: Look) -> None:
    """Slack itself refuses an unknown command, and a second modal for the same trigger with its code."""
    asha = look()
    asha.types("/dial 98765")
    expect(asha.message("/dial is not a valid command.")).to_contain_text("Only visible to you")
    asha.tab("Break it")
    asha.press("Deliver twice")
    expect(asha.pane).to_contain_text("The next click or command is delivered twice")
    asha.types("/place-call")
    expect(asha.modal).to_contain_text("Place a call")
    asha.page.keyboard.press("Escape")
    expect(asha.modal).to_be_hidden()
    asha.tab("Slack")
    expect(asha.pane).to_contain_text("delivered 2 times")
    expect(asha.pane).to_contain_text("exchanged_trigger_id")


def test_a_post_that_slack_puts_off_comes_later(look: Look) -> None:
    """A 429 delays posts and loses none. The phone then shows the text."""
    asha = look()
    asha.tab("Break it")
    asha.press("Limit it")
    expect(asha.pane).to_contain_text("The next post is answered with 429")
    asha.types("/place-call 98765 43241")
    asha.message("Call +91", "43241").get_by_role("button", name="Place call").click()
    asha.go("call-audit")
    posted = asha.message("Placed", "•3241")
    posted.hover()
    posted.get_by_role("button", name="What a phone's notification shows").click()
    expect(posted.locator(".phone-text")).to_contain_text("✅ Placed · call to +91 •••3241")
    asha.tab("Slack")
    expect(asha.pane).to_contain_text("ratelimited")


def test_the_guide_leads_through_the_first_minute(look: Look) -> None:
    """The guide puts a command into the composer, and can be closed and reopened."""
    asha = look()
    guide = asha.page.get_by_role("region", name="Your first minute")
    if guide.is_hidden():  # all of it was done in other tests
        asha.press("Guide")
    guide.get_by_role("button", name="Place a call").click()
    guide.get_by_role("button", name="Try it").click()
    expect(asha.composer).to_be_focused()
    expect(asha.composer).to_have_value("/place-call 98765 43210 tomorrow 9:30")
    asha.press("Put the guide away")
    expect(guide).to_be_hidden()
    asha.press("Guide")
    guide.get_by_role("button", name="Cancel it, with a manager").click()
    guide.get_by_role("button", name="be Mira").click()
    expect(asha.person("U0MANAGER")).to_have_attribute("aria-checked", "true")
