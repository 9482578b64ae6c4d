"""Slack's refusals of a post, and how fast it may be posted to."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import _SHUT, Refusal, refusal
from bot.slack.rate_limits import method_of, paused_by
from bot.text.interactions import CLOSED_CHANNEL, why_shut

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def answered(code: str | None, status: int = 200, **headers: str) -> SlackApiError:
    """Return a refusal as the library raises it."""
    response = AsyncSlackResponse(
        client=AsyncWebClient("xoxb-0"),
        http_verb="POST",
        api_url="https://slack.com/api/chat.update",
        req_args={},
        data={"ok": False, "error": code} if code else "<html>",  # type: ignore[arg-type]  # as it may come
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        status_code=status,
    )
    return SlackApiError("refused", response)  # type: ignore[no-untyped-call]  # slack_sdk


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answered("ratelimited", 429), Refusal.LIMITED),
        (answered("rate_limited"), Refusal.LIMITED),
        (answered(None, 429), Refusal.LIMITED),
        (answered(None, 502), Refusal.DOWN),
        (answered(None), Refusal.DOWN),
        (answered("internal_error"), Refusal.DOWN),
        (answered("service_unavailable", 503), Refusal.DOWN),
        (TimeoutError(), Refusal.DOWN),
        (aiohttp.ServerDisconnectedError(), Refusal.DOWN),
        (ConnectionRefusedError(), Refusal.DOWN),
        (answered("account_inactive"), Refusal.TOKEN),
        (answered("invalid_auth"), Refusal.TOKEN),
        (answered("is_archived"), Refusal.CHANNEL_UNAVAILABLE),
        (answered("restricted_action_thread_only_channel"), Refusal.CHANNEL_UNAVAILABLE),
        (answered("invalid_blocks"), Refusal.PERMANENT),
        (answered("something_new"), Refusal.UNKNOWN),
    ],
)
def test_what_slack_answers_is_understood(error: BaseException, kind: Refusal) -> None:
    """Slack's own trouble passes by itself, people mend a channel, and nobody mends a message."""
    assert refusal(error, direct=False) is kind


def test_a_person_who_cannot_be_written_to_is_no_channel_to_mend() -> None:
    """A direct message without a recipient is given up."""
    assert refusal(answered("channel_not_found"), direct=True) is Refusal.PERMANENT
    assert refusal(answered("user_disabled"), direct=True) is Refusal.PERMANENT


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("0.5", 0.5), ("soon", 30), ("", 30), ("-3", 30), ("nan", 30), ("inf", 30)],
)
def test_retry_after_is_kept_to_and_never_trusted_blindly(said: str, seconds: float) -> None:
    """A Retry-After that is no number counts as half a minute."""
    error = answered("ratelimited", 429, Retry_After=said)
    assert paused_by(error, NOW) == NOW + timedelta(seconds=seconds)
    assert paused_by(answered("ratelimited", 429), NOW) == NOW + timedelta(seconds=30)
    assert method_of(error) == "slack chat.update"


def test_every_shut_channel_has_words_and_what_mends_it() -> None:
    """Codes that CallOps does not know are included."""
    assert CLOSED_CHANNEL.keys() == _SHUT
    for code in (*CLOSED_CHANNEL, "new_one"):
        why, mend = why_shut(code)
        assert why
        assert mend.endswith(".")
    assert why_shut("restricted_action_read_only_channel") == why_shut("restricted_action")
