"""`python -m bot manifest`: the Slack app as a file to paste, for Socket Mode or for an address over HTTP."""

import re
from urllib.parse import urlsplit

from bot import CallOpsError, shipped

MANIFEST = shipped("manifest.yml")
EVENTS = "/slack/events"
"""The path of Slack's requests below the address, as in `bot.slack.http_mode.PATH`, whose import is heavy."""


class NoAddressError(CallOpsError, ValueError):
    """Why Slack could not reach an address, as a sentence."""


def manifest(url: str | None = None) -> str:
    """Return the manifest, for HTTP if an address such as ``https://bot.example`` is given.

    Raises `NoAddressError`.
    """
    text = MANIFEST.read_text(encoding="utf-8")
    return text if url is None else _over_http(text, _request_url(url))


def _request_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NoAddressError(f"{url} isn't an address. Use one like https://bot.example") from error
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise NoAddressError(
            f"Slack needs https, so {url} won't work. Use an address like https://bot.example"
        )
    if not re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", parts.netloc) or not re.fullmatch(r"[\w./~-]*", parts.path):
        raise NoAddressError(
            f"{url} has characters that addresses can't have. Use one like https://bot.example"
        )
    host = parts.netloc if port else parts.netloc.rstrip(":")
    path = parts.path.rstrip("/")
    return f"https://{host}{path if path.endswith(EVENTS) else path + EVENTS}"


def _over_http(text: str, url: str) -> str:
    """Return the manifest of the same app over HTTP. It is changed line by line, so that comments stay."""
    lines: list[str] = []
    for line in text.splitlines():
        match line.strip():
            case "# It speaks Socket Mode, so no address of yours needs to be reachable from the internet.":
                lines.append(f"# Slack sends its requests to {url}")
            case "socket_mode_enabled: true":
                lines.append(line.replace("true", "false"))
            case "interactivity:" | "event_subscriptions:" as section:
                lines += [line, f"    request_url: {url}"]
                if section == "interactivity:":
                    lines.append(f"    message_menu_options_url: {url}")
            case start if start.startswith("- command:"):
                lines += [line, f"      url: {url}"]
            case _:
                lines.append(line)
    return "\n".join(lines) + "\n"
