"""The Slack app as a file to paste."""

import subprocess
import sys
from typing import Any

import pytest
import yaml

from bot.cli.manifest import EVENTS, NoAddressError, manifest
from bot.slack.http_mode import PATH
from tests.support.slack_schemas import checker
from tests.support.tree import ROOT

URL = "https://bot.example/slack/events"


def over_http() -> dict[str, Any]:
    """Return the manifest for an address, as Slack reads it."""
    read: dict[str, Any] = yaml.safe_load(manifest("https://bot.example"))
    return read


def test_without_an_address_it_is_the_file() -> None:
    """The printed manifest is the file of the repository, comments and all."""
    printed = subprocess.run(
        [sys.executable, "-m", "bot", "manifest"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert printed.stdout == (ROOT / "manifest.yml").read_text(encoding="utf-8")


def test_slack_takes_the_one_for_an_address() -> None:
    """Slack's own schema finds no fault."""
    assert checker("check_manifest").faults(over_http()) == []


def test_with_an_address_everything_that_slack_sends_goes_there() -> None:
    """Each command, the buttons, the options; no Socket Mode; nothing else differs."""
    ours, file = over_http(), yaml.safe_load(manifest())
    assert {one.pop("url") for one in ours["features"]["slash_commands"]} == {URL}
    interactivity = ours["settings"]["interactivity"]
    assert (interactivity.pop("request_url"), interactivity.pop("message_menu_options_url")) == (URL, URL)
    if events := ours["settings"].get("event_subscriptions"):
        assert events.pop("request_url") == URL
    assert ours["settings"].pop("socket_mode_enabled") is False
    assert file["settings"].pop("socket_mode_enabled") is True
    assert "files:read" in ours["oauth_config"]["scopes"]["bot_optional"]
    assert ours == file
    assert "Socket Mode" not in manifest("https://bot.example")


@pytest.mark.parametrize(
    "url",
    [
        "https://bot.example",
        "https://bot.example/",
        "https://bot.example/slack/events",
        "https://bot.example/slack/events/",
    ],
)
def test_an_address_may_be_written_as_people_do(url: str) -> None:
    """With or without a slash, with or without the path."""
    assert f"request_url: {URL}\n" in manifest(url)


def test_an_address_below_a_path_keeps_it() -> None:
    """A proxy may have the bot below a path, and at a port."""
    assert "url: https://a.example:8443/bot/slack/events\n" in manifest("https://a.example:8443/bot")


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example",
        "bot.example",
        "https://",
        "https://a b",
        "https://user:word@bot.example",
        "https://bot.example/?a=b",
        "https://bot.example/\nx: y",
        "https://bot.example:x",
        "",
    ],
)
def test_what_is_no_address_is_said(url: str) -> None:
    """Slack would not take it, so the operator reads what to write."""
    with pytest.raises(NoAddressError, match=r"https://bot\.example"):
        manifest(url)


def test_the_path_is_where_slack_is_heard() -> None:
    """Facts that stand in two places agree."""
    assert EVENTS == PATH
