"""People who are barred from everything, and members of groups. Pure."""

from collections.abc import Mapping

from bot.text import policy_reasons
from storage.models import Person

Members = Mapping[str, frozenset[str] | None]
"""Slack ids by group; None for a group that could not be read."""


def standing(person: Person, team: str) -> str | None:
    """Why somebody may do nothing at all, or None."""
    if person.bot:
        return policy_reasons.BOT
    if person.deleted:
        return policy_reasons.DEACTIVATED
    if person.stranger or person.team != team:
        return policy_reasons.STRANGER
    if person.guest:
        return policy_reasons.GUEST
    return None
