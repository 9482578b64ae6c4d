"""Check of our screens by Slack's own rules, where that is asked for: `python -m bot check --online`.

`blocks.validate` shows nothing to anybody, and needs no scope (docs.slack.dev/reference/methods).
The screens are filled from the file: names of connections and agents, and reasons. They hold no request.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings, make_adapters
from bot.parsing.command import FORMS, CommandContext
from bot.parsing.vocabulary import vocabulary
from bot.services.overview import HomeContent
from bot.slack.errors import SLACK_ERRORS, error_code
from bot.text.findings import Finding, ok, skipped, wrong
from bot.ui import command_help, home
from bot.ui.forms import Form
from providers.actions import Kind

CHECK: Final = "screens"
_FIX: Final = "Shorten what the file adds to it, or report it with this line."
_NAMED: Final = 3
"""Faults of a screen that are named, at most."""


def samples(settings: Settings, words: CommandContext, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each screen, and what `blocks.validate` is asked with."""
    for verb in sorted(FORMS):
        form = Form(verb, words).build({}, nonce="sample", channel="C0SAMPLE", whole=True)
        yield f"form {verb.name.lower()}", {"view": form}
    yield "Home tab", {"view": home.view(home.blocks(HomeContent(may=[*Kind]), words), now)}
    for name, message in (
        ("help", command_help.help_message(words, [*Kind], may_pause=True)),
        ("options", command_help.options(words, settings.off)),
    ):
        yield name, {"message": {"blocks": list(message.blocks)}}


async def about_screens(settings: Settings, client: AsyncWebClient) -> list[Finding]:
    """Report which screens Slack would refuse."""
    now = datetime.now(UTC)
    adapters = make_adapters(settings, lambda: now)
    words = vocabulary(settings, adapters)
    for adapter in adapters.values():
        await adapter.aclose()
    findings: list[Finding] = []
    shown = list(samples(settings, words, now))
    for name, payload in shown:
        try:
            faults = await faults_of(client, payload)
        except SLACK_ERRORS as error:
            return [*findings, skipped(CHECK, f"Slack didn't validate them: {error_code(error)}")]
        if faults:
            findings.append(wrong(CHECK, f"Slack would refuse the {name}: {'. '.join(faults)}.", _FIX))
    return findings or [ok(CHECK, f"Slack's own validation accepts {len(shown)} screens.")]


async def faults_of(client: AsyncWebClient, payload: Mapping[str, Any]) -> list[str]:
    """Return what Slack says against a screen, as sentences without their ends. Raises `SLACK_ERRORS`."""
    try:
        await client.blocks_validate(**payload)
    except SlackApiError as error:
        told = getattr(error.response, "data", None)
        listed = told.get("errors") if isinstance(told, Mapping) else None
        if not listed:
            raise
        return [_said(one) for one in listed[:_NAMED]]
    return []


def _said(fault: object) -> str:
    if not isinstance(fault, Mapping):
        return str(fault).rstrip(".")
    return f"{str(fault.get('message') or fault.get('code')).rstrip('.')} at {fault.get('pointer') or '/'}"
