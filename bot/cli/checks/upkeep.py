"""Checks of what keeps CallOps for years: metrics, systemd's watchdog, and the age of backups."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import aiohttp

from bot.config.loader import ConfigReport
from bot.text.findings import Finding, ok, skipped, warning, wrong
from bot.web import CannotListenError, listen
from storage.maintenance.backup_folder import backups, made_at

OLD: Final = timedelta(days=2)
"""Age of the newest backup from which it is a warning. A daily timer may have failed once."""
_LEAST_WATCHDOG: Final = 10.0
"""Seconds. A shorter watchdog would end a process that waits for the disk."""
_ANSWERS_WITHIN: Final = aiohttp.ClientTimeout(total=6)


async def about_metrics(found: ConfigReport) -> list[Finding]:
    """Report whether the metrics can be served, or are. Nothing without METRICS."""
    if trouble := found.trouble_with("METRICS"):
        return [skipped("metrics", trouble)]
    if found.metrics is None:
        return []
    host, port = found.metrics
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"
    try:
        (await listen(host, port)).close()
    except CannotListenError:
        if await _serves_ours(where):
            return [ok("metrics", f"CallOps serves them at {where}.")]
        told = f"METRICS names {host}:{port}, which can't be listened on."
        return [wrong("metrics", told, "End what listens there, or name another port. CallOps can't start.")]
    return [ok("metrics", f"CallOps can serve them at {where}.")]


async def _serves_ours(where: str) -> bool:
    try:
        async with aiohttp.ClientSession(timeout=_ANSWERS_WITHIN) as session, session.get(where) as answer:
            return "callops_log_readable" in await answer.text()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        return False


def about_watchdog(variables: Mapping[str, str]) -> Iterator[Finding]:
    """Report systemd's watchdog, if systemd started this process: see systemd.service(5), WatchdogSec."""
    if not variables.get("NOTIFY_SOCKET"):
        return
    told = variables.get("WATCHDOG_USEC") or ""
    seconds = int(told) / 1_000_000 if told.isdecimal() else 0.0
    if not seconds:
        fix = "Set WatchdogSec=60 in the unit."
        yield warning("watchdog", "systemd won't restart a CallOps that hangs.", fix)
    elif seconds < _LEAST_WATCHDOG:
        told = f"systemd ends CallOps after {seconds:g} s without a sign, which a slow disk can take."
        yield warning("watchdog", told, "Set WatchdogSec=60 in the unit.")
    else:
        yield ok("watchdog", f"systemd restarts CallOps after {seconds:g} s without a sign.")


def about_backups(folder: Path | None, now: datetime) -> Iterator[Finding]:
    """Report the age of the newest backup in a folder, by its name. Nothing without a folder."""
    if folder is None:
        return
    make = f"Run  python -m bot backup {folder} --keep 30  daily, by a timer."
    try:
        found = backups(folder)
    except OSError as error:
        yield wrong("backups", f"{folder} can't be read: {error.strerror}.", make)
        return
    if not found:
        yield wrong("backups", f"{folder} has no backup of CallOps.", make)
        return
    age = now - made_at(found[0])
    hours = age // timedelta(hours=1)
    since = f"{age.days} days" if age >= OLD else f"{hours} {'hour' if hours == 1 else 'hours'}"
    told = f"The newest of {len(found)} in {folder} is {since} old."
    prove = f"Prove it with  python -m bot restore-drill {folder}"
    yield warning("backups", told, make) if age >= OLD else ok("backups", f"{told} {prove}.")
