"""Users and user groups, as Slack describes them, cached for a while.

A listener reads one person at most, and waits one second for Slack. Groups are read in the background. Nobody
counts as a member of a group that could not be read, or was read too long ago.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, Self

from slack_sdk.web.async_client import AsyncWebClient

from bot import CallOpsError
from bot.policy.engine import ineligible_reason
from bot.policy.matching import Members
from bot.slack.backoff import Wait, backoff
from bot.slack.errors import SLACK_ERRORS, error_code, http_status
from bot.slack.rate_limits import paused_by
from bot.text import clocks, policy_reasons
from storage.models import Person
from storage.store import Store

FRESH = timedelta(hours=1)
"""The age up to which a person's data is used without asking Slack again."""
USABLE = timedelta(days=1)
"""The age up to which a person's data is used if Slack does not answer."""
PRESENCE_FRESH = timedelta(minutes=1)
"""The age up to which a presence is used. users.getPresence allows some 50 a minute (docs.slack.dev)."""
GROUP_USABLE = timedelta(hours=1)
_FILLED_IN = frozenset({-8 * 3600, -7 * 3600})
"""The ``tz_offset`` that Slack fills in for a user without ``tz``: San Francisco's, in winter and summer.
People report it with ``tz`` null and the label "Pacific Standard Time"."""
SLACK_TIMEOUT = 1.0
"""Seconds that a listener waits for Slack, of the three within which it must answer."""

MAX_CONCURRENT = 5
"""People whom Slack is asked about at the same time."""
NOBODY = "user_not_found"
"""The error of `users.info` for an unknown id."""

_log = logging.getLogger(__name__)


class UserUnavailableError(CallOpsError):
    """Slack did not describe a person, and nothing recent enough is known.

    ``until`` is when to ask again. ``why`` is Slack's code or the exception's type.
    """

    def __init__(self, user: str, *, until: datetime, why: str) -> None:
        super().__init__(user)
        self.user = user
        self.until = until
        self.reason = why


@dataclass(frozen=True, slots=True)
class _Unread:
    """Slack's failures in a row to describe a person, the last reason, and the wait that follows."""

    failures: int
    reason: str
    wait: Wait


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace that CallOps works in, as `auth.test` names it.

    ``enterprise`` is the workspace's Enterprise Grid organisation. ``app`` is the token's Slack app. Each is
    None if Slack does not name it.
    """

    team: str
    enterprise: str | None = None
    app: str | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read the answer of `auth.test`."""
        return cls(str(answer["team_id"]), answer.get("enterprise_id"), answer.get("app_id"))

    def includes(self, team: str | None, enterprise: str | None) -> bool:
        """Return True for a payload of this workspace or organisation, or of a payload that names none."""
        if enterprise and self.enterprise:
            return enterprise == self.enterprise
        return not team or team == self.team


class UserDirectory:
    """The people and groups of one workspace."""

    def __init__(
        self,
        store: Store,
        client: AsyncWebClient,
        groups: Mapping[str, tuple[str, ...]],
        *,
        workspace: Workspace,
        clock: Callable[[], datetime],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._client = client
        self._jitter = jitter
        self._groups = groups
        self.workspace: Final = workspace
        self._clock = clock
        self._user_groups: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._asked: dict[str, asyncio.Task[Person | _Unread]] = {}
        self._named: dict[str, asyncio.Task[Person | _Unread]] = {}
        self._unread: dict[str, _Unread] = {}
        self._presence: dict[str, tuple[datetime, bool]] = {}
        self._names: dict[str, Person] = {}
        """People whose names were read only to be shown. A purge that erased a name finds none in the log."""

    async def reload(self, groups: Mapping[str, tuple[str, ...]]) -> bool:
        """Read new groups, then use them. Return whether all could be read."""
        read = await self._read(groups)
        self._groups = groups
        return read

    async def get_user(self, user: str) -> Person:
        """Return a person. Raises `UserUnavailableError` if neither Slack nor the log has recent data."""
        known = await self._store.users.person(user)
        return known if known and self._is_fresh(known) else await self._read_person(user, known)

    async def get_user_in_background(self, user: str) -> Person:
        """Return a person, for background work that would otherwise ask Slack again and again.

        After each failure the next question waits longer (`bot.slack.backoff`). Meanwhile this method answers
        without Slack. Raises `UserUnavailableError`.
        """
        known = await self._store.users.person(user)
        if known and self._is_fresh(known):
            return known
        unread = self._unread.get(user)
        if unread is None or unread.wait.is_over(self._clock()):
            return await self._read_person(user, known)
        return self._as_known(user, known, unread)

    def _is_fresh(self, known: Person) -> bool:
        return timedelta(0) <= self._clock() - known.read_at < FRESH

    async def unfit(self, people: Iterable[str], *, enough: int) -> dict[str, str]:
        """Return the reason for each of these people who may do nothing. Stop once ``enough`` may act.

        Slack is asked about a few of the people without recent data. A person whom Slack does not describe
        counts as able to act.
        """
        found: dict[str, str] = {}
        stale: list[str] = []
        for user in sorted(people):
            known = await self._store.users.person(user)
            if known is None or not self._is_fresh(known):
                stale.append(user)
            elif why := ineligible_reason(known, self.workspace.team):
                found[user] = why
            elif (enough := enough - 1) == 0:
                return found
        asked = await asyncio.gather(*(self._why_unfit(one) for one in stale[:MAX_CONCURRENT]))
        return found | {user: why for user, why in zip(stale, asked, strict=False) if why}

    async def _why_unfit(self, user: str) -> str | None:
        try:
            return ineligible_reason(await self.get_user_in_background(user), self.workspace.team)
        except UserUnavailableError as unreadable:
            return policy_reasons.UNKNOWN if unreadable.reason == NOBODY else None

    async def _read_person(self, user: str, known: Person | None) -> Person:
        """Read a person from Slack. If Slack does not answer, use ``known`` for up to a day."""
        asked = self._asked.get(user)
        if asked is None:  # several payloads of a person share one question
            asked = self._asked[user] = asyncio.create_task(self._ask(user))
            asked.add_done_callback(lambda _: self._asked.pop(user))
        answer = await asyncio.shield(asked)
        return answer if isinstance(answer, Person) else self._as_known(user, known, answer)

    def _as_known(self, user: str, known: Person | None, unread: _Unread) -> Person:
        """Return ``known`` if it is recent enough. Raises `UserUnavailableError` otherwise."""
        if known and self._clock() - known.read_at < USABLE:
            return known
        raise UserUnavailableError(user, until=unread.wait.until, why=unread.reason)

    async def display_name(self, user: str) -> str | None:
        """Return a person's name, or None if Slack does not say it within `SLACK_TIMEOUT`.

        A name that was read for this is kept in memory only.
        """
        known = await self._store.users.person(user)
        read = self._names.get(user)
        for one in (known, read):
            if one and one.name and timedelta(0) <= self._clock() - one.read_at < USABLE:
                return one.name
        unread = self._unread.get(user)
        if unread is None or unread.wait.is_over(self._clock()):
            asked = self._named.get(user)
            if asked is None:  # several posts name the same person
                asked = self._named[user] = asyncio.create_task(self._describe(user))
                asked.add_done_callback(lambda _: self._named.pop(user))
            answer = await asyncio.shield(asked)
            if isinstance(answer, Person):
                read = self._names[user] = answer
        return (read and read.name) or (known and known.name) or None

    async def _ask(self, user: str) -> Person | _Unread:
        person = await self._describe(user)
        if isinstance(person, Person):
            await self._store.users.keep_person(person)
        return person

    async def _describe(self, user: str) -> Person | _Unread:
        try:
            async with asyncio.timeout(SLACK_TIMEOUT):
                answer = await self._client.users_info(user=user)
        except SLACK_ERRORS as error:
            unread = self._unread[user] = self._after(error, self._unread.get(user))
            _log.warning("Slack did not say who %s is: %s", user, unread.reason)
            return unread
        self._unread.pop(user, None)
        return read_person(answer["user"], self.workspace, self._clock())

    def _after(self, error: BaseException, before: _Unread | None) -> _Unread:
        """Return the wait after a failure. It grows with each failure, and respects `Retry-After`."""
        failures, now = before.failures + 1 if before else 1, self._clock()
        until = now + timedelta(seconds=backoff(failures, self._jitter()))
        if http_status(error) == HTTPStatus.TOO_MANY_REQUESTS:
            until = max(until, paused_by(error, now))
        return _Unread(failures, error_code(error), Wait(now, until))

    async def is_away(self, user: str) -> bool:
        """Return whether Slack says that a person is away, or False if it does not answer."""
        read_at, away = self._presence.get(user, (None, False))
        if read_at is not None and timedelta(0) <= self._clock() - read_at < PRESENCE_FRESH:
            return away
        try:
            async with asyncio.timeout(SLACK_TIMEOUT):
                answer = await self._client.users_getPresence(user=user)
        except SLACK_ERRORS as error:
            _log.warning("Slack did not say whether %s is away: %s", user, error_code(error))
            away = False
        else:
            away = answer.get("presence") == "away"
        self._presence[user] = (self._clock(), away)
        return away

    def members(self) -> Members:
        """Return the members of each configured group, or None for a group that is unknown now."""
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
        """Return whether the members of every group are known."""
        return None not in self.members().values()

    async def refresh_groups(self) -> bool:
        """Read the user groups. Return whether all could be read. Keep the old members of any other."""
        return await self._read(self._groups)

    async def _read(self, groups: Mapping[str, tuple[str, ...]]) -> bool:
        read = True
        for group in sorted({one for ids in groups.values() for one in ids if one.startswith("S")}):
            try:
                answer = await self._client.usergroups_users_list(usergroup=group)
            except SLACK_ERRORS as error:
                read = False
                _log.warning("Slack did not say who is in the user group %s: %s", group, error_code(error))
            else:
                self._user_groups[group] = (self._clock(), frozenset(answer["users"]))
        return read


def read_person(user: Mapping[str, Any], workspace: Workspace, now: datetime) -> Person:
    """Read a person from Slack's user object (https://docs.slack.dev/reference/objects/user-object).

    In an Enterprise Grid organisation ``team_id`` may be missing, or name any of the person's workspaces, or
    the organisation. The organisation and the workspaces under ``enterprise_user`` count as well. Every
    colleague gets our workspace as their team. ``is_stranger`` false proves nothing, because it is also false
    for people of other organisations in a shared channel.
    """
    profile = user.get("profile") or {}
    grid = {**user, **(user.get("enterprise_user") or {})}
    homes = {user.get("team_id"), grid.get("enterprise_id"), *(grid.get("teams") or ())} - {None}
    colleague = not user.get("is_stranger") and not homes.isdisjoint({workspace.team, workspace.enterprise})
    return Person(
        id=user["id"],
        team=workspace.team if colleague else user.get("team_id") or "",
        name=profile.get("display_name") or profile.get("real_name") or user.get("name", ""),
        timezone=_timezone(user),
        bot=bool(user.get("is_bot")),
        deleted=bool(user.get("deleted")),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_external=not colleague,
        read_at=now,
    )


def _timezone(user: Mapping[str, Any]) -> str:
    """Return Slack's time zone of a user, else its UTC offset, else an empty text."""
    name, seconds = user.get("tz"), user.get("tz_offset")
    if isinstance(name, str) and name:
        return name
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds % 60 or seconds in _FILLED_IN:
        return ""
    return clocks.offset(seconds // 60) or ""
