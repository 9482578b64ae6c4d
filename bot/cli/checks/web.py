"""Checks of the port and of a CallOps that runs."""

import json
from collections.abc import Iterator
from typing import Any

import aiohttp

from bot.config.loader import ConfigReport
from bot.slack.http_mode import PATH
from bot.text.findings import Finding, ok, skipped, warning, wrong
from bot.web import CannotListenError, listen

ANSWERS_WITHIN = aiohttp.ClientTimeout(total=3)


async def about_web(found: ConfigReport) -> list[Finding]:
    """Report whether the port is free or CallOps's own."""
    if trouble := found.trouble_with("PORT"):
        return [skipped("port", trouble)]
    findings = [*_about_way(found), *_about_public_url(found)]
    where = f"{found.host}:{found.port}" if found.port else f"{found.host}, on any free port"
    try:
        listener = await listen(found.host, found.port)
    except CannotListenError as error:
        running = await _readiness(found.host, found.port)
        if running is None:
            return [*findings, wrong("port", f"{error}.", "CallOps can't start until then.")]
        findings.append(ok("port", f"CallOps is already listening at {where}."))
        return [*findings, *_about_running(running)]
    listener.close()
    return [*findings, ok("port", f"CallOps can listen at {where}.")]


def _about_way(found: ConfigReport) -> Iterator[Finding]:
    if found.app_token or found.signing_secret is None or not found.usable("SLACK_SIGNING_SECRET"):
        return
    yield ok(
        "HTTP",
        f"SLACK_APP_TOKEN isn't set, so Slack sends its requests to {PATH} here. "
        "The first one shows whether SLACK_SIGNING_SECRET is right.",
    )


def _about_public_url(found: ConfigReport) -> Iterator[Finding]:
    if found.public_url and found.usable("PUBLIC_URL"):
        yield ok("PUBLIC_URL", f"Providers are told to report to {found.public_url}.")


def _about_running(running: dict[str, Any]) -> Iterator[Finding]:
    for one in running.get("failures", []):
        yield wrong("readiness", str(one), "Read its output, and restart it if this goes on.")
    for one in running.get("warnings", []):
        yield warning("readiness", str(one), "CallOps's output has it, too.")
    if not running.get("failures") and not running.get("warnings"):
        yield ok("readiness", "It's ready: connected to Slack, with a writable log.")


async def _readiness(host: str, port: int) -> dict[str, Any] | None:
    """Return what a running CallOps at this address says of itself."""
    shown = "127.0.0.1" if host == "0.0.0.0" else "[::1]" if host == "::" else host  # noqa: S104 - read, not bound
    try:
        async with (
            aiohttp.ClientSession(timeout=ANSWERS_WITHIN) as session,
            session.get(f"http://{shown}:{port}/readyz") as answer,
        ):
            said = json.loads(await answer.read())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return said if isinstance(said, dict) and str(said.get("status", "")).endswith("ready") else None
