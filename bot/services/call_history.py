"""What the log knows that bears on a line that leaves something open, or repeats something."""

from datetime import datetime

from bot.parsing.command import KINDS, ConnectionWords, Line, Verb, Vocabulary
from bot.parsing.defaults import Inferred, Known, infer
from bot.parsing.numbers import NumberTarget
from bot.parsing.targets import IdTarget
from bot.ui.prompts import Earlier, earlier
from providers.actions import Kind
from storage.entries import Query
from storage.log import ActionLog

LOOKED_BACK = 20
"""How many of a person's requests of one kind are looked at for what they used last."""
REPEATS = 5
"""How many of the newest calls to a number are looked at for one that was placed just now."""


async def infer_knowing(
    line: Line, vocabulary: Vocabulary, log: ActionLog, *, person: str, now: datetime
) -> Inferred:
    """Fill in what was not said, with the help of the log where it takes any."""
    found = infer(line, vocabulary)
    if found.open is None:
        return found
    return infer(line, vocabulary, await _known(line, log, person, now))


async def _known(line: Line, log: ActionLog, person: str, now: datetime) -> Known:
    ids = [target.provider_id for target in line.targets if isinstance(target, IdTarget)]
    numbers = [target.phone.e164 for target in line.targets if isinstance(target, NumberTarget)]
    scheduled: set[tuple[str, str]] = set()
    for number in numbers if line.verb is Verb.CANCEL else ():
        calls = await log.scheduled_to(number, now)
        scheduled |= {(call.connection, call.agent) for call in calls if call.agent}
    kind = KINDS[line.verb] if line.verb else None
    page = await log.page(Query(kind=kind, requester=person), limit=LOOKED_BACK)
    return Known(
        holders=await log.holders(ids) if ids else frozenset(),
        scheduled=frozenset(scheduled),
        used=tuple(dict.fromkeys((entry.connection, entry.agent) for entry in page.entries)),
    )


async def placed_lately(
    log: ActionLog, connection: str, number: str, through: ConnectionWords, now: datetime
) -> Earlier | None:
    """A call to the same number through the same connection that was placed just before."""
    page = await log.page(Query(kind=Kind.PLACE_CALL, connection=connection, number=number), limit=REPEATS)
    if not page.entries:
        return None
    entries = [(await log.request(entry.request), entry) for entry in page.entries]
    return earlier(entries, await log.scheduled_to(number, now), through, now)
