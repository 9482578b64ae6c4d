"""Sends the outbox to Slack, in order for each request, at least once.

A post is rendered when it is sent. The audit message and the card are posted once and edited afterwards, so a
repetition edits them. Every post has a ``client_msg_id`` derived from its row.

Items that wait for the same thing share a *lane*, of which only the oldest item is tried. Items wait for a
channel's rate limit, for the rate limit of edits, for Slack to come back, or for a channel to be fixed. See
docs/decisions/0006.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.services.notifications import ORIGIN
from bot.slack.errors import (
    GONE,
    NOT_POSTED,
    POST_ANEW,
    SLACK_ERRORS,
    WITHOUT_THREAD,
    Refusal,
    error_code,
    refusal,
)
from bot.slack.rate_limits import method_of, paused_by
from bot.slack.users import UserDirectory
from bot.text.log_format import log_about
from bot.workers.loop import each, log_fault
from bot.workers.post_text import Names, Permalinks
from bot.workers.prepared_posts import THREADS, Prepared, Preparing, RecentNews
from storage.changes import Annotation, ChangeSet
from storage.changes import Notification as NewPost
from storage.errors import ConflictError
from storage.models import SYSTEM, MessageRef, OutboxItem
from storage.repositories.outbox import ERASURE
from storage.states import State
from storage.store import Store

LEASE = timedelta(seconds=30)
"""The lease on an item, longer than Slack may take to answer (`SLACK_TIMEOUT`)."""
SLACK_TIMEOUT = 15.0
SLOW_AFTER = 0.5
"""Seconds after which a run no longer waits for Slack's answer. The next run posts concurrently."""
BATCH = 20
MAX_CONCURRENT = 100
"""Posts without an answer yet. With so many, Slack is down for all of them."""
LONGEST_PAUSE = timedelta(seconds=30)
"""The longest delay of posts after Slack comes back."""
UNAVAILABLE_PAUSE = timedelta(minutes=1)
"""The time between two attempts to post to an unavailable channel, however many items wait."""
KEPT_FOR = timedelta(days=7)
"""The time for which an unordered item is retried. Afterwards, its news is read in the log, if anywhere."""
UNKNOWN_TRIES = 5
"""Attempts, over about a minute, after which a failing item no longer holds up the later items of its
request."""
PATIENCE = 60
"""Attempts, over half an hour, after which an item that fails as if Slack were down may itself be the
cause."""
SOON = timedelta(seconds=3)
"""A rate limit that is free again this soon is waited for in naps. Later ones are found by polling."""
NAP = timedelta(milliseconds=250)

DOWN: Final = "slack"
"""The lane of items that wait for Slack to come back."""

_NAMESPACE = uuid.UUID("6f9619ff-8b86-4011-b42d-00cf4fc964ff")
_log = logging.getLogger(__name__)


class Outbox:
    """The only code that posts into channels.

    ``cannot_post`` is called with the id of a request whose card cannot be posted.
    """

    def __init__(  # noqa: PLR0913 - the composition root passes all
        self,
        store: Store,
        client: AsyncWebClient,
        settings: Settings,
        directory: UserDirectory,
        *,
        owner: str,
        clock: Callable[[], datetime],
        cannot_post: Callable[[str], None],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        answer_within: float = SLACK_TIMEOUT,
    ) -> None:
        self._store = store
        self._client = client
        self._news = RecentNews(clock)
        self.links = Permalinks(store, client, clock)
        self._preparing = Preparing(store, settings, Names(directory), self.links, self._news)
        self._owner = owner
        self._clock = clock
        self._cannot_post = cannot_post
        self._sleep = sleep
        self._answer_within = answer_within
        self._turns: set[datetime] = set()
        self._out: set[asyncio.Task[None]] = set()
        self._answered_at = float("-inf")
        """The time of the last post that Slack accepted, by the event loop's clock."""

    async def run_once(self) -> bool:
        """Post the items that are due and within their rate limits, one of each request at a time.

        Returns True if the next run is needed at once.
        """
        now, room = self._clock(), max(min(BATCH, MAX_CONCURRENT - len(self._out)), 0)
        due = await self._store.outbox.outgoing(now, owner=self._owner, until=now + LEASE, limit=room)
        if not due:
            return await self._nap(now) or await self._wait_for_slow()
        ready: list[Prepared] = []
        turns: list[Prepared] = []

        async def prepare(post: OutboxItem) -> None:
            ready.append(await self._preparing.prepare(post))

        async def take_turn(one: Prepared) -> None:
            if await self._has_turn(one):
                turns.append(one)

        await each(due, prepare)
        # The oldest item asks first, because rate limits are acquired in the order of the calls.
        await each(sorted(ready, key=lambda one: one.item.id), take_turn)
        latest = now + LEASE - timedelta(seconds=self._answer_within)
        tasks = {asyncio.create_task(self._post(one, latest), name=f"post {one.item.id}") for one in turns}
        for task in tasks:
            self._out.add(task)
            task.add_done_callback(self._ended)
        if tasks:
            await asyncio.wait(tasks, timeout=SLOW_AFTER)
        return True

    async def break_off(self) -> None:
        """Cancel the posts that Slack has not answered yet. Their leases protect them."""
        for task in self._out:
            task.cancel()
        await asyncio.gather(*self._out, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._out.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            log_fault(error, "Posting a message failed; it goes on with the rest")

    async def _wait_for_slow(self) -> bool:
        """Wait briefly for a slow answer. Return False if no post is in flight."""
        if not self._out:
            return False
        timeout = NAP.total_seconds()
        await asyncio.wait(self._out, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return True

    async def _nap(self, now: datetime) -> bool:
        """Sleep briefly if a rate limit is free again soon, and return whether one is."""
        self._turns = {at for at in self._turns if now < at <= now + SOON}
        if not self._turns:
            return False
        await self._sleep(min(min(self._turns) - now, NAP).total_seconds())
        return True

    async def _has_turn(self, one: Prepared) -> bool:
        """Return whether the rate limits allow a post now. Postpone it in its lane if they do not."""
        if one.message is None:
            return True
        budgets = one.budgets
        until = await self._store.rate_limits.take(budgets, self._clock())
        if until is None:
            return True
        self._turns.add(until)
        lane = budgets[-1].account
        await self._store.outbox.postpone(
            one.item, not_before=until, error=None, lane=lane, unordered=one.item.unordered
        )
        return False

    async def _post(self, one: Prepared, latest: datetime) -> None:
        """Post an item, unless it is later than ``latest``, as this process stalled since its read.

        Its lease may end before Slack answers, and another process may have posted something newer. So the
        item is leased and read again.
        """
        log_about(request=one.item.request)
        if self._clock() > latest:
            return
        ref, opens, began = None, [], asyncio.get_running_loop().time()
        if one.message is not None:
            if one.gathers and one.posted:
                await self._store.outbox.joined(one.item, one.posted)
            try:
                async with asyncio.timeout(self._answer_within):
                    arguments = {"text": one.message.text, "blocks": list(one.message.blocks)}
                    ref = await self._send(one, arguments)
            except SLACK_ERRORS as error:
                await self._failed(one, error, alone=self._answered_at > began)
                return
            self._answered_at = asyncio.get_running_loop().time()
            if one.gathers:
                self._news.sent(one, ref)
            opens = [DOWN, _shut(one.channel)]
        await self._store.outbox.delivered(one.item, ref, seen=one.seen, opens=opens)

    async def _send(self, one: Prepared, arguments: dict[str, Any]) -> MessageRef:
        """Edit the existing message, or post a new one. Raises one of `SLACK_ERRORS`."""
        stands, template = one.posted, one.item.template
        if stands is not None:
            try:
                await self._client.chat_update(channel=stands.channel, ts=stands.ts, **arguments)
            except SlackApiError as error:
                code = error_code(error)
                if template == ERASURE and code == GONE:
                    return stands
                if template == ERASURE or code not in POST_ANEW:
                    raise
            else:
                return stands
        try:
            return await self._say(one, one.above, arguments)
        except SlackApiError as error:
            if one.above is None or error_code(error) not in WITHOUT_THREAD:
                raise
        return await self._say(one, None, arguments)

    async def _say(self, one: Prepared, above: MessageRef | None, arguments: dict[str, Any]) -> MessageRef:
        post = one.item
        answer = await self._client.chat_postMessage(
            channel=one.channel,
            thread_ts=above.ts if above else None,
            # A reminder is also shown in the channel, because nobody follows the thread of a card yet.
            reply_broadcast=True if above and post.to == "card_thread" else None,
            unfurl_links=False,
            unfurl_media=False,
            client_msg_id=str(uuid.uuid5(_NAMESPACE, f"{post.request or post.key}/{post.id}")),
            **arguments,
        )
        return MessageRef(str(answer["channel"]), str(answer["ts"]))

    async def _failed(self, one: Prepared, error: BaseException, *, alone: bool) -> None:
        """Postpone a failed post, or abandon it. With ``alone``, Slack accepted another post meanwhile."""
        post, code = one.item, error_code(error)
        kind = refusal(error, direct=one.is_direct)
        if post.template == ERASURE and code in POST_ANEW:
            kind = Refusal.PERMANENT  # an erasure never posts a new message
        waits = kind in {Refusal.DOWN, Refusal.TOKEN, Refusal.LIMITED}
        if post.to == ORIGIN and kind in {Refusal.PERMANENT, Refusal.CHANNEL_UNAVAILABLE}:
            _log.info("%s: no confirmation where it was asked: %s", post.request, code)
            await self._store.outbox.abandon(post, error=code)
            return
        if kind is Refusal.PERMANENT or (
            post.unordered and not waits and self._clock() - post.added_at > KEPT_FOR
        ):
            _log.error("Slack will not take %s: %s", one.name, code)
            await self._say_why(one, code)
            await self._store.outbox.abandon(post, error=code)
            return
        match kind:
            case Refusal.LIMITED:
                until = paused_by(error, self._clock())
                await self._store.outages.pause(method_of(error), until)
                await self._wait(one, until, code, unordered=post.unordered)
            case Refusal.DOWN | Refusal.TOKEN:
                alone = alone or post.tries > PATIENCE
                if not alone:
                    level = logging.ERROR if kind is Refusal.TOKEN else logging.WARNING
                    _log.log(level, "Slack takes no messages: %s. They wait, and nothing is lost", code)
                lane = None if alone else DOWN
                await self._wait(one, self._later(post), code, lane=lane, unordered=post.unordered or alone)
            case Refusal.CHANNEL_UNAVAILABLE:
                await self._say_why(one, code)
                until = self._later(post, UNAVAILABLE_PAUSE)
                await self._wait(one, until, code, lane=_shut(one.channel), unordered=True)
            case _:
                unordered = post.unordered or post.tries >= UNKNOWN_TRIES
                if unordered:
                    await self._say_why(one, code)
                await self._wait(one, self._later(post, UNAVAILABLE_PAUSE), code, unordered=unordered)

    async def _wait(
        self, one: Prepared, until: datetime, code: str, *, lane: str | None = None, unordered: bool
    ) -> None:
        _log.warning("%s waits until %s: %s", one.name, until, code)
        await self._store.outbox.postpone(
            one.item, not_before=until, error=code, lane=lane, unordered=unordered
        )

    def _later(self, post: OutboxItem, longest: timedelta = LONGEST_PAUSE) -> datetime:
        return self._clock() + pause_after(post.tries, longest)

    async def _say_why(self, one: Prepared, code: str) -> None:
        """Record once that a channel accepts no message of a request, and notify the people concerned."""
        if one.whole is None:
            if not one.item.unordered:
                _log.error("%s cannot be posted in %s: %s", one.name, one.channel, code)
            return
        request, post = one.whole.request, THREADS.get(one.item.to, one.item.to)
        noted = any(event.name == NOT_POSTED and event.data["post"] == post for event in one.whole.events)
        if noted or one.is_direct or one.item.template == ERASURE:
            return
        requester, waits = request.requester, post == "card" and request.state is State.PENDING
        told = waits or (
            # An audit channel concerns every request, so a person is told once a day.
            post == "audit"
            and await self._store.users.claim_once(
                f"{NOT_POSTED} {one.channel} {requester} {self._clock():%Y-%m-%d}"
            )
        )
        note = Annotation(request.id, NOT_POSTED, {"post": post, "channel": one.channel, "error": code})
        # Each kind of message has its own template, so that the same text is sent once.
        posts = [NewPost(f"{NOT_POSTED}_{post}", f"dm:{requester}")] if told else []
        key = f"{request.id}:{NOT_POSTED}:{post}"
        try:
            await self._store.requests.apply(
                ChangeSet(request.id, SYSTEM, [], delivery_key=key, annotations=[note], notifications=posts)
            )
        except ConflictError:
            return  # it was recorded before
        _log.error("%s: the %s message cannot be posted in %s: %s", request.id, post, one.channel, code)
        if waits:
            self._cannot_post(request.id)


def _shut(channel: str) -> str:
    """Return the lane of items that wait for a channel to be fixed."""
    return f"shut {channel}"


def pause_after(tries: int, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """Return the pause after so many tries, which doubles each time up to ``longest``."""
    doublings = min(tries, longest.seconds.bit_length())
    return min(timedelta(seconds=2**doublings), longest)
