"""The last changes to a post's text: people's names in channels, and links for the ids of requests.

Renderers write mentions and plain ids. Neither change may hold up a post: without an answer from Slack, a
plain fallback is posted.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blocks import Message, cut, with_markup
from bot.slack.errors import SLACK_ERRORS, Refusal, error_code, refusal
from bot.slack.rate_limits import method_of, paused_by, permalink_limits
from bot.slack.users import UserDirectory
from bot.text.markup import escape
from storage.ids import ALPHABET
from storage.models import MessageRef
from storage.store import Store

MAX_NAME: Final = 80
"""Characters of a person's name, the most that Slack lets people have."""
LINK_WITHIN: Final = 1.0
"""Seconds that a post waits for the address of another message."""
ASK_AGAIN_AFTER: Final = timedelta(minutes=1)
"""The time for which ids stay plain after Slack gave no address."""

_MENTION: Final = re.compile(r"<@([UW][A-Z0-9]+)>")
_MARKS: Final = re.compile(r"[*_~`]+")
"""Characters that would format a name or the text around it."""
_TOKENS: Final = re.compile(
    rf"(?P<kept><[^<>]*>)|`(?P<code>A-[{ALPHABET}]{{4,}}(?:\.\d+)?)`|(?P<other>`[^`\n]*`)"
    rf"|(?<![\w-])(?P<plain>A-[{ALPHABET}]{{4,}}(?:\.\d+)?)(?![\w-])"
)
"""Ids of requests and actions, as code or plain. Links, mentions and other code stay as they are."""
_ADDRESS: Final = re.compile(r"https?://[^\s<>|]+")
_log = logging.getLogger(__name__)


class Names:
    """Replaces mentions by names, so that a post in a channel notifies nobody."""

    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory

    async def shown(self, message: Message) -> Message:
        """Return a message with names in place of mentions."""
        mentioned = sorted({user for text in _texts(message) for user in _MENTION.findall(text)})
        found = await asyncio.gather(*(self._directory.display_name(user) for user in mentioned))
        names = {user: _readable(user, name) for user, name in zip(mentioned, found, strict=True)}

        def named(text: str) -> str:
            return _MENTION.sub(lambda one: names[one[1]], text)

        return Message(named(message.text), with_markup(message.blocks, named)) if names else message


def _readable(user: str, name: str | None) -> str:
    """Return a name as mrkdwn that formats nothing, or a fallback with the person's id."""
    plain = " ".join(_MARKS.sub(" ", escape(name or "")).split())
    return cut(plain, MAX_NAME) if plain else f"someone ({user})"


class Permalinks:
    """Replaces the ids of requests by links to their audit messages. Slack is asked once for each message."""

    def __init__(self, store: Store, client: AsyncWebClient, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._plain_until: dict[str, datetime] = {}
        """The requests whose audit messages Slack did not find, and when to ask again."""
        self._silent_until: datetime | None = None
        """When Slack is asked again after it did not answer."""

    async def shown(self, message: Message, here: str | None) -> Message:
        """Return a message with links for the ids in its blocks. ``here`` is the request it stands for.

        The text for notifications has plain ids.
        """
        ids = {_id(one) for text in _texts(message) for one in _TOKENS.finditer(text)} - {None}
        requests = sorted({str(one).partition(".")[0] for one in ids} - {here})
        found = await asyncio.gather(*(self._link(one) for one in requests))
        links = dict(zip(requests, found, strict=True))

        def linked(text: str) -> str:
            return _TOKENS.sub(lambda one: _linked(one, links), text)

        if not ids:
            return message
        plain = _TOKENS.sub(lambda one: _linked(one, {}), message.text)
        return Message(plain, with_markup(message.blocks, linked))

    async def _link(self, request: str) -> str | None:
        """Return the address of a request's audit message, or None if nobody says it soon."""
        known = await self._store.outbox.permalink(request)
        if known is None:
            return None
        ref, link = known
        if link is not None or not await self._may_ask(request):
            return link
        try:
            async with asyncio.timeout(LINK_WITHIN):
                answer = await self._client.chat_getPermalink(channel=ref.channel, message_ts=ref.ts)
        except SLACK_ERRORS as error:
            await self._failed(request, error)
            return None
        link = str(answer.get("permalink") or "")
        if not _ADDRESS.fullmatch(link):
            self._plain_until[request] = self._clock() + ASK_AGAIN_AFTER
            return None
        await self._store.outbox.keep_permalink(request, MessageRef(ref.channel, ref.ts), link)
        return link

    async def _may_ask(self, request: str) -> bool:
        now = self._clock()
        again = max(self._plain_until.get(request, now), self._silent_until or now)
        return again <= now and await self._store.rate_limits.take(permalink_limits(), now) is None

    async def _failed(self, request: str, error: BaseException) -> None:
        now = self._clock()
        _log.info("Slack named no address for %s: %s", request, error_code(error))
        self._plain_until = {one: at for one, at in self._plain_until.items() if at > now}
        match refusal(error, direct=False):
            case Refusal.LIMITED:
                await self._store.outages.pause(method_of(error), paused_by(error, now))
            case Refusal.DOWN | Refusal.TOKEN:
                self._silent_until = now + ASK_AGAIN_AFTER
            case _:
                self._plain_until[request] = now + ASK_AGAIN_AFTER


def _texts(message: Message) -> list[str]:
    """Return the message's text and each mrkdwn text of its blocks."""
    found = [message.text]

    def keep(text: str) -> str:
        found.append(text)
        return text

    with_markup(message.blocks, keep)
    return found


def _id(token: re.Match[str]) -> str | None:
    return token["code"] or token["plain"]


def _linked(token: re.Match[str], links: dict[str, str | None]) -> str:
    named = _id(token)
    if named is None:
        return token[0]
    link = links.get(named.partition(".")[0])
    return f"<{link}|{named}>" if link else named
