"""What a check says of the connections: what each may do, whether it can be reached, how it reads times."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tzdata import IANA_VERSION

from bot.findings import Finding, ok, skipped, wrong
from bot.loading import Found
from bot.settings import Connection, DispatchTable
from providers.base import Adapter
from providers.registry import PROVIDERS


async def about_connections(found: Found) -> list[Finding]:
    """Every connection of the file that is on, or has a fault."""
    dispatch = found.dispatch or DispatchTable()
    adapters = {
        name: PROVIDERS[one.provider](
            one.settings, deadline=dispatch.deadline.total_seconds(), clock=lambda: datetime.now(UTC)
        )
        for name, one in found.connections.items()
    }
    try:
        reached = await asyncio.gather(*(adapter.reach() for adapter in adapters.values()))
    finally:
        for adapter in adapters.values():
            await adapter.aclose()
    unreached = dict(zip(adapters, reached, strict=True))
    findings: list[Finding] = []
    for name, adapter in sorted(adapters.items()):
        findings += [_about_powers(name, adapter), _about_reach(name, adapter, unreached[name])]
    findings += [skipped(where.replace("connections.", "connection "), f"{found.path} has a fault in it")
                 for where in found.unread if where.startswith("connections.")]  # fmt: skip
    return findings


def _about_powers(name: str, adapter: Adapter) -> Finding:
    powers = [
        f"{known.kind.replace('_', ' ')}{'' if known.source == 'documented' else ' (beyond its documents)'}"
        for known in adapter.available
    ]
    settings = adapter.settings
    if settings.mode == "dry-run":
        mode = "dry-run: nothing is sent"
    else:
        count = len(settings.allow_numbers)
        numbers = f"only to the {count} under allow_numbers" if count else "to any number"
        mode = f"live, {numbers}"
    return ok(f"connection {name}", f"{adapter.title}, {mode}. It may {', '.join(powers)}.")


def _about_reach(name: str, adapter: Adapter, why_not: str | None) -> Finding:
    if why_not:
        return wrong(
            f"connection {name}",
            why_not,
            "Check its base_url, and that this machine may connect to it.",
        )
    return ok(f"connection {name}", f"{adapter.settings.base_url} answers. Whether it takes the key shows at the first request.")


def about_connection_zones(connections: Mapping[str, Connection], now: datetime) -> Iterator[Finding]:
    """How each connection's times are read: its zone, and what time it is there."""
    yield ok("time zones", f"The zones of tzdata {IANA_VERSION} can be read.")
    for name, connection in sorted(connections.items()):
        zone = getattr(connection.settings, "timezone", None)
        if zone:
            there = now.astimezone(ZoneInfo(zone))
            yield ok("time zones", f"{name} reads times in {zone}, where it is {there:%H:%M} now.")
