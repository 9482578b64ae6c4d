"""Chooses the people who get a direct message: one after another, or all at once.

Approvals and unknown outcomes use it. People who may do nothing are left out. Those who are away come last.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.config.settings import SettingsHolder
from bot.policy import engine
from bot.slack.users import UserDirectory, UserUnavailableError
from storage.repositories.rate_limits import MINUTE
from storage.store import Store

LOOK_AGAIN = timedelta(seconds=30)
"""The time until the next search for a person, if none was found."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The people to ask now, and the time of the next turn. It is None if there is none."""

    people: Sequence[str]
    again: datetime | None


@dataclass(slots=True)
class Turns:
    """Chooses whose turn it is."""

    _store: Store
    _settings: SettingsHolder
    _directory: UserDirectory
    _team: str
    _clock: Callable[[], datetime]

    async def next(
        self, entitled: Collection[str], asked: Mapping[str, datetime], *, one_by_one: bool
    ) -> Turn:
        """Return the people of ``entitled`` whose turn it is. ``asked`` has when others were asked."""
        now, wait = self._clock(), self._settings.current.dispatch.next_approver_after
        left = sorted(set(entitled) - asked.keys())
        if asked and not left:
            return Turn((), None)
        # Times in the future were recorded before the clock was set back. They count as past.
        lately = max((at for at in asked.values() if at <= now + MINUTE), default=None)
        if one_by_one and lately and now < lately + wait:
            return Turn((), lately + wait)
        chosen = await self.choose(left, one_by_one=one_by_one)
        if not chosen:
            return Turn((), now + LOOK_AGAIN)
        return Turn(chosen, now + wait if len(chosen) < len(left) else None)

    async def choose(self, people: Collection[str], *, one_by_one: bool) -> list[str]:
        """Return all of these people who are eligible, or the one among them whose turn it is."""
        fit = await self._fit(sorted(people))
        return [await self._first(fit)] if one_by_one and fit else fit

    async def _fit(self, people: Sequence[str]) -> list[str]:
        """Return the people who are eligible, according to Slack."""
        able = await asyncio.gather(*map(self._is_eligible, people))
        return [one for one, fit in zip(people, able, strict=True) if fit]

    async def _is_eligible(self, user: str) -> bool:
        try:
            person = await self._directory.get_user_in_background(user)
        except UserUnavailableError:
            return False
        return engine.ineligible_reason(person, self._team) is None

    async def _first(self, people: Sequence[str]) -> str:
        """Return the person who was asked least recently, skipping those who are away unless all are."""
        last = await self._store.approvals.last_notified_at(people)
        never = datetime.min.replace(tzinfo=self._clock().tzinfo)
        in_turn = sorted(people, key=lambda one: (last.get(one, never), one))
        for one in in_turn:
            if not await self._directory.is_away(one):
                return one
        return in_turn[0]
