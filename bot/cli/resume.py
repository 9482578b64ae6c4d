"""`python -m bot resume CONNECTION`: let a connection that is left alone go on at once.

For whoever knows better than the pause: the provider said that it is up again, or gave a higher rate.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.cli.serve import make_adapters
from bot.config.environment import SettingsFault
from bot.config.loader import load
from bot.config.settings import Settings
from bot.text.terminal import complain, say
from bot.workers.rate_limiter import account_of
from storage.database.connection import CannotOpen
from storage.models import Standstill
from storage.store import SQLiteLog

OK, CANNOT_START = 0, 2


def run(connection: str, variables: Mapping[str, str]) -> int:
    """Lift what holds a connection up, and say what it was; the exit status."""
    try:
        settings = load(variables)
        if missing := _missing(connection, settings):
            complain(missing)
            return CANNOT_START
        lifted = asyncio.run(_lift(connection, settings))
    except SettingsFault as error:
        complain(*error.faults)
        return CANNOT_START
    except CannotOpen as error:
        complain(str(error))
        return CANNOT_START
    say(*(map(said, lifted) if lifted else [f"Nothing holds {connection} up."]))
    return OK


def _missing(connection: str, settings: Settings) -> str | None:
    """What there is none of."""
    if not settings.database.exists():
        return f"There is no log at {settings.database}: is DATABASE_URL right?"
    if connection not in settings.connections:
        on = ", ".join(sorted(settings.connections)) or "none"
        return f"There is no connection {connection}. Those that are on: {on}."
    return None


async def _lift(connection: str, settings: Settings) -> list[Standstill]:
    adapters = make_adapters(settings, lambda: datetime.now(UTC))
    try:
        account = account_of(connection, adapters[connection])
        sharing = [name for name, adapter in adapters.items() if account_of(name, adapter) == account]
    finally:
        for adapter in adapters.values():
            await adapter.aclose()
    log = await SQLiteLog.open(settings.database, key=settings.key_bytes, clock=lambda: datetime.now(UTC))
    try:
        return list(await log.lift(sharing, account))
    finally:
        await log.close()


def said(one: Standstill) -> str:
    """What was lifted, and what follows."""
    until = f"{one.until:%d %b %H:%M:%S} UTC"
    if one.why == "asked":
        return f"{one.connection} had asked us to wait until {until}. CallOps asks it again now."
    return (
        f"{one.connection} did not answer {one.failures} times in a row; the next try was to be {until}. "
        "CallOps tries now, and waits again if there is no answer."
    )
