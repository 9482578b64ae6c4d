"""Finds the person whom a search of the log names: by a mention, by an id, or by a name as Slack said it."""

import re
from collections.abc import Sequence
from typing import Final

from storage.entries import Person
from storage.log import ActionLog

MENTION: Final = re.compile(r"<@(?P<id>[UW][A-Z0-9]{2,})(?:\|[^>]*)?>")
_ID: Final = re.compile(r"(?=.*[0-9])[UW][A-Z0-9]{5,}")
"""An id as Slack gives them out. Almost all hold a digit: a name in capitals is not taken for one."""


async def person_meant(log: ActionLog, named: str, *, team: str | None = None) -> str | Sequence[Person]:
    """Return the id of the one person meant, else everybody of that name: nobody, or several.

    ``team`` leaves people of other workspaces out.
    """
    bare = named.strip().removeprefix("@").strip()
    if mention := MENTION.fullmatch(named.strip()):
        return mention["id"]
    if await log.person(bare.upper()):
        return bare.upper()
    people = [one for one in await log.people_named(bare) if team in {None, one.team}]
    if len(people) == 1:
        return people[0].id
    return bare if not people and _ID.fullmatch(bare) else people
