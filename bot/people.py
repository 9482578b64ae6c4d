"""Who people are and which groups they are in, as Slack says, kept for a while.

A listener asks for one person at most, and Slack gets one second for it. Groups are read in the background:
nobody waits for them, and a group that could not be read, or was read too long ago, has nobody in it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.policy import Members
from storage.entries import Person
from storage.log import ActionLog

FRESH = timedelta(hours=1)
"""How long what Slack said of a person is believed without asking again."""
USABLE = timedelta(days=1)
"""How long it still serves when Slack does not answer."""
PRESENCE_FRESH = timedelta(minutes=1)
"""users.getPresence is for some 50 calls a minute (docs.slack.dev): many requests at once ask it once."""
GROUP_USABLE = timedelta(hours=1)
ANSWER_WITHIN = 1.0
"""Seconds a listener may wait for Slack, of the three that a person waits for us."""

SLACK_TROUBLE = (SlackApiError, SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
"""Everything a call of the Web API can fail with."""

_log = logging.getLogger(__name__)


class PersonUnreadable(Exception):
    """Slack did not say who somebody is, and nothing recent enough is known."""


class Directory:
    """People and groups of one workspace."""

    def __init__(
        self,
        log: ActionLog,
        client: AsyncWebClient,
        groups: Mapping[str, tuple[str, ...]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._client = client
        self._groups = groups
        self._clock = clock
        self._user_groups: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._presence: dict[str, tuple[datetime, bool]] = {}

    async def follow(self, groups: Mapping[str, tuple[str, ...]]) -> bool:
        """Read other groups, then go by them; whether all could be read."""
        read = await self._read(groups)
        self._groups = groups
        return read

    async def person(self, user: str) -> Person:
        """Who somebody is. Raises `PersonUnreadable` when neither Slack nor the log can say."""
        known = await self._log.person(user)
        age = self._clock() - known.read_at if known else None
        if known and age is not None and timedelta(0) <= age < FRESH:
            return known
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await self._client.users_info(user=user)
        except SLACK_TROUBLE as error:
            _log.warning("Slack did not say who %s is: %s", user, trouble(error))
            if known and age is not None and age < USABLE:
                return known
            raise PersonUnreadable(user) from error
        person = read_person(answer["user"], self._clock())
        await self._log.keep_person(person)
        return person

    async def away(self, user: str) -> bool:
        """Whether Slack says that somebody is away. Whoever it says nothing of may well be there."""
        read_at, away = self._presence.get(user, (None, False))
        if read_at is not None and timedelta(0) <= self._clock() - read_at < PRESENCE_FRESH:
            return away
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await self._client.users_getPresence(user=user)
        except SLACK_TROUBLE as error:
            _log.warning("Slack did not say whether %s is away: %s", user, trouble(error))
            return False
        away = answer.get("presence") == "away"
        self._presence[user] = (self._clock(), away)
        return away

    def members(self) -> Members:
        """Everyone in each configured group, as far as it is known now."""
        return {name: self._resolve(ids) for name, ids in self._groups.items()}

    def _resolve(self, ids: Iterable[str]) -> frozenset[str] | None:
        found: set[str] = set()
        for one in ids:
            if not one.startswith("S"):
                found.add(one)
                continue
            read_at, members = self._user_groups.get(one, (None, frozenset[str]()))
            if read_at is None or self._clock() - read_at > GROUP_USABLE:
                return None
            found |= members
        return frozenset(found)

    def knows_groups(self) -> bool:
        """Whether every group's members are known."""
        return None not in self.members().values()

    async def refresh_groups(self) -> bool:
        """Read the user groups anew; whether all could be read. One that could not keeps what was known."""
        return await self._read(self._groups)

    async def _read(self, groups: Mapping[str, tuple[str, ...]]) -> bool:
        read = True
        for group in sorted({one for ids in groups.values() for one in ids if one.startswith("S")}):
            try:
                answer = await self._client.usergroups_users_list(usergroup=group)
            except SLACK_TROUBLE as error:
                read = False
                _log.warning("Slack did not say who is in the user group %s: %s", group, trouble(error))
            else:
                self._user_groups[group] = (self._clock(), frozenset(answer["users"]))
        return read


def trouble(error: BaseException) -> str:
    """A failed call of the Web API in short: Slack's code, the HTTP status, or the kind of failure."""
    if isinstance(error, SlackApiError):
        said = getattr(error.response, "data", None)
        code = said.get("error") if isinstance(said, Mapping) else None
        return str(code or f"HTTP {answered_with(error)}")
    return type(error).__name__


def answered_with(error: BaseException) -> int | None:
    """The HTTP status of a failed call's answer, if there was one."""
    if not isinstance(error, SlackApiError):
        return None
    # Where the answer is not JSON, the library hands on the HTTP client's own response.
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None)
    return None if status is None else int(status)


def read_person(user: Mapping[str, Any], now: datetime) -> Person:
    """A person from Slack's user object (https://docs.slack.dev/reference/objects/user-object)."""
    profile = user.get("profile") or {}
    return Person(
        id=user["id"],
        team=user.get("team_id", ""),
        name=profile.get("display_name") or profile.get("real_name") or user.get("name", ""),
        timezone=user.get("tz") or "UTC",
        bot=bool(user.get("is_bot")),
        deleted=bool(user.get("deleted")),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger")),
        read_at=now,
    )
