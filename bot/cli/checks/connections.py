"""Checks of the connections."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.config.loader import ConfigReport
from bot.config.settings import Connection, DispatchSettings, webhook_url
from bot.policy.rules import Rule
from bot.text.findings import Finding, ok, skipped, warning, wrong
from providers.actions import Kind
from providers.base import Adapter
from providers.registry import find

_ANY_ZONE = "Asia/Kolkata"


async def about_connections(found: ConfigReport) -> list[Finding]:
    """Return the findings about each enabled or faulty connection."""
    dispatch = found.dispatch or DispatchSettings()
    adapters = {
        name: find(one.provider)(
            one.settings,
            deadline=dispatch.deadline.total_seconds(),
            clock=lambda: datetime.now(UTC),
            webhook_url=webhook_url(found.public_url, name),
        )
        for name, one in found.connections.items()
    }
    try:
        reached = await asyncio.gather(*(adapter.ping() for adapter in adapters.values()))
    finally:
        for adapter in adapters.values():
            await adapter.aclose()
    unreached = dict(zip(adapters, reached, strict=True))
    findings = [] if found.readable else [skipped("connections", f"{found.path} can't be read")]
    for name, adapter in sorted(adapters.items()):
        findings += [_about_powers(name, adapter), _about_reach(name, adapter, unreached[name])]
        if adapter.webhook_secret and adapter.sends_webhook_url and not adapter.webhook_url:
            told = f"{adapter.title} isn't told where to report the ends of calls."
            findings.append(
                warning(f"connection {name}", told, "Set PUBLIC_URL to this bot's https address.")
            )
    broken = [where.partition(".") for where in found.unread if where.startswith("connections.")]
    findings += [skipped(f"connection {name}", f"{found.path} has an error there") for _, _, name in broken]
    if found.readable and not any(where.startswith("rules") for where in found.unread):
        findings += about_what_nobody_may(found.rules, adapters)
    return findings


def about_what_nobody_may(rules: Iterable[Rule], adapters: Mapping[str, Adapter]) -> Iterator[Finding]:
    """Warn of kinds of action that a connection can do and no rule allows."""
    allowed = {kind for rule in rules if rule.effect == "allow" for kind in rule.actions}
    for kind in Kind:
        able = sorted(name for name, adapter in adapters.items() if adapter.capability(kind))
        if able and kind not in allowed:
            what = kind.replace("_", " a ")
            yield warning(
                "rules",
                f"No rule lets anyone {what}, although {' and '.join(able)} could.",
                f'If you want this, add "{kind}" to the actions of a rule.',
            )


def _about_powers(name: str, adapter: Adapter) -> Finding:
    powers = [
        f"{known.kind.replace('_', ' ')}s{'' if known.source == 'documented' else ' (undocumented)'}"
        for known in adapter.available
    ]
    hears = ", and receives webhooks" if adapter.webhook_secret else ""
    settings = adapter.settings
    if settings.mode == "dry-run":
        mode = "dry-run: nothing is sent"
    else:
        count = len(settings.allow_numbers)
        by_id = "IDs aren't limited"
        if adapter.capability(Kind.START_CAMPAIGN):
            by_id += ", but no campaign starts"
        numbers = f"only to the {count} under allow_numbers; {by_id}" if count else "to any number"
        mode = f"live, {numbers}"
    return ok(f"connection {name}", f"{adapter.title}, {mode}. It may {', '.join(powers)}{hears}.")


def _about_reach(name: str, adapter: Adapter, why_not: str | None) -> Finding:
    if why_not:
        what, _, mend = why_not.partition(". ")
        return wrong(f"connection {name}", f"{what.rstrip('.')}.", mend or "Check its base_url.")
    where = adapter.settings.base_url
    return ok(f"connection {name}", f"{where} answers. The first request shows whether the key works.")


def about_connection_zones(connections: Mapping[str, Connection], now: datetime) -> Iterator[Finding]:
    """Report each connection's time zone and its present time."""
    try:
        ZoneInfo.no_cache(_ANY_ZONE)
    except (ZoneInfoNotFoundError, OSError) as error:
        what = f"Time zones can't be read here: {type(error).__name__}."
        yield wrong("time zones", what, "Reinstall the requirements. They include tzdata.")
        return
    yield ok("time zones", f"Time zones can be read (tzdata {version('tzdata')}).")
    for name, connection in sorted(connections.items()):
        zone = getattr(connection.settings, "timezone", None)
        if zone:
            there = now.astimezone(ZoneInfo(zone))
            yield ok("time zones", f"{name} reads times in {zone}, where it is {there:%H:%M} now.")
