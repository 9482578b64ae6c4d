"""Prepares posts of the outbox: reads the data of a row, renders it, and decides its channel.

A post about a request shows the request's current state. An announcement shows the content of its row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.config.settings import Settings
from bot.parsing.vocabulary import cancels, caution
from bot.services.notifications import ASKED, ORIGIN, REMINDED, SETTLE_ASKED, STILL_UNKNOWN, is_about_unknown
from bot.services.outcomes import WARNING
from bot.services.pending import ALONE, ESCALATED, PendingContext, pending_context
from bot.slack.blocks import Message
from bot.slack.masking import Masking
from bot.slack.rate_limits import edit_limits, post_limits
from bot.ui import announcements
from bot.ui.call_times import on_clock
from bot.ui.channel_messages import render
from bot.ui.gathered import MOST_GATHERED, gathered, gathered_unknown, is_good
from bot.ui.thread_replies import ReplyContext
from bot.workers.post_text import Names, Permalinks
from providers.registry import find
from storage.changes import APPROVALS
from storage.models import MessageRef, OutboxItem, Request, RequestHistory
from storage.repositories.outbox import AUDIT, ERASURE, REPLY, slot_of
from storage.repositories.rate_limits import RateLimit
from storage.states import State
from storage.store import Store

GATHERED_FOR: Final = timedelta(minutes=1)
"""The time after a direct message within which other good news joins it."""
THREADS = {"thread": "audit", "card_thread": "card"}
"""The messages that replies belong to, by the kind of thread."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A post and its message, as of one moment. ``whole`` is None for an announcement.

    ``posted`` is the message to edit, None for a new one. ``above`` is the message to reply to, None without
    a thread. ``gathers`` means that later good news for the same person may join the message.
    """

    item: OutboxItem
    message: Message | None
    channel: str
    posted: MessageRef | None
    above: MessageRef | None = None
    whole: RequestHistory | None = None
    gathers: bool = False

    @property
    def name(self) -> str:
        """The name of the post in the process's log."""
        return self.item.key or f"{self.item.request}: the {self.item.to} message"

    @property
    def seen(self) -> int | None:
        """The last event of the request that the post shows."""
        return self.whole.events[-1].seq if self.whole else None

    @property
    def budgets(self) -> list[RateLimit]:
        """The rate limits of the post. The last one is its lane."""
        state = self.whole.request.state if self.whole else None
        return edit_limits(self.posted, state) if self.posted else post_limits(self.channel)

    @property
    def is_direct(self) -> bool:
        """True if the post goes to one person."""
        return is_direct(self.item)


def is_direct(post: OutboxItem) -> bool:
    """Return whether a post goes to one person."""
    return post.to.startswith(("dm:", "asked:", "settle:"))


class RecentNews:
    """The last direct message to each person that later news of the same sort may join, for a minute.

    It is kept in memory. After a restart the next news is a new message.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._sent: dict[tuple[str, bool], tuple[datetime, MessageRef, set[str]]] = {}

    def recent(self, post: OutboxItem) -> MessageRef | None:
        """Return the message that news for a person may join, or None."""
        at, ref, told = self._sent.get(_sort(post), (None, None, set()))
        fresh = at is not None and timedelta(0) <= self._clock() - at < GATHERED_FOR
        return ref if fresh and len(told) < MOST_GATHERED else None

    def sent(self, one: Prepared, ref: MessageRef) -> None:
        """Note that a message was sent, or that news joined it."""
        now = self._clock()
        self._sent = {to: news for to, news in self._sent.items() if now - news[0] < GATHERED_FOR}
        request, known = str(one.item.request), self._sent.get(_sort(one.item))
        if known and known[1] == ref:
            known[2].add(request)
        else:
            self._sent[_sort(one.item)] = (now, ref, {request})


def _sort(post: OutboxItem) -> tuple[str, bool]:
    """Return the reader of a post, and whether it reminds of an unknown outcome."""
    return post.to, post.template == STILL_UNKNOWN


class Preparing:
    """Prepares posts."""

    def __init__(
        self, store: Store, settings: Settings, names: Names, links: Permalinks, news: RecentNews
    ) -> None:
        self._store = store
        self._settings = settings
        self._names = names
        self._links = links
        self._news = news
        self._masking = Masking(settings.slack.default_region)

    async def prepare(self, post: OutboxItem) -> Prepared:
        """Read and render a row of the outbox."""
        if post.request is None:
            return await self._announcement(post)
        # One read, so that the message shows exactly the events that are recorded as shown.
        whole = await self._store.requests.get_with_history(post.request)
        request, told = whole.request, _told(post, whole)
        listed = request.kind.is_list and post.to == "audit"
        message = render(
            post.template,
            post.to,
            request,
            told,
            caution=self._caution(request),
            beside=await self._beside(post, request),
            cancels=self._cancels(request.connection),
            connection=self._settings.connections.get(request.connection),
            progress=await self._store.call_lists.progress(request.id) if listed else None,
        )
        stands = request.messages.get(slot_of(post))
        tells_unknown = is_direct(post) and (is_about_unknown(post.to) or post.template == STILL_UNKNOWN)
        gathers = is_direct(post) and (
            post.template in {SETTLE_ASKED, STILL_UNKNOWN} or is_good(post.template, request, told)
        )
        if gathers and message:
            stands = stands or self._news.recent(post)
        if stands and message and (gathers or tells_unknown or post.to.startswith(REPLY)):
            together = gathered_unknown if tells_unknown else gathered
            message = await self._gathered(stands, request, together) or message
        above = request.messages.get(THREADS.get(post.to, ""))
        message = await self._shown(message, post)
        return Prepared(post, message, self._channel(post, request), stands, above, whole, gathers)

    async def _gathered(
        self, ref: MessageRef, request: Request, together: Callable[[Sequence[Request]], Message]
    ) -> Message | None:
        """Return a message about several requests, or None if it is about one alone."""
        ids = [one for one in await self._store.outbox.told_in(ref) if one != request.id]
        others = [await self._store.requests.request(one) for one in ids]
        return together([*others, request]) if others else None

    async def _announcement(self, post: OutboxItem) -> Prepared:
        told = None if post.event is None else await self._store.audit.event(post.event)
        where, _, name = post.to.partition(":")
        audit = self._settings.audit_channel(name)
        channel = {"channel": name, APPROVALS: self._settings.slack.approvals_channel}.get(where, audit)
        told_there = where == APPROVALS and channel == audit
        of_all = self._settings.connections if not name else [name]
        cancel = any(map(self._cancels, of_all)) if where == AUDIT else False
        made = None if told_there else announcements.render(post, told, cancels=cancel)
        message = await self._shown(made, post)
        return Prepared(post, message, channel, post.stands)

    async def _shown(self, message: Message | None, post: OutboxItem) -> Message | None:
        """Return a message as its readers see it: names in channels, masked numbers, and links for ids.

        A direct message keeps its mentions, and is on its reader's clock. A message links to others, never to
        itself.
        """
        if message is None:
            return None
        erased = post.template == ERASURE  # no name is written anew, and an edit pings nobody
        if is_direct(post):
            reader = await self._store.users.person(post.to.partition(":")[2])
            message = on_clock(message, reader.timezone) if reader else message
        named = message if is_direct(post) or erased else await self._names.shown(message)
        here = post.request if post.to in {AUDIT, "thread"} else None
        return await self._links.shown(self._masking.message(named), here)

    def _channel(self, post: OutboxItem, request: Request) -> str:
        match post.to.partition(":"):
            case ("dm" | "asked" | "settle", ":", user):
                return user
            case ("card" | "settle", _, _):
                return self._settings.slack.approvals_channel
            case ("card_thread", _, _):
                below = request.messages.get("card")
                return below.channel if below else self._settings.slack.approvals_channel
            case (there, _, _) if there == ORIGIN and request.channel:
                return request.channel
            case _:
                above = request.messages.get("audit")
                return above.channel if above else self._settings.audit_channel(request.connection)

    async def _beside(self, post: OutboxItem, request: Request) -> PendingContext:
        """Return the facts beside a request for a message that asks for a decision."""
        decides = post.to == "card" or post.template in {ASKED, REMINDED, ESCALATED}
        return (
            await pending_context(self._store, request)
            if decides and request.state is State.PENDING
            else ALONE
        )

    def _caution(self, request: Request) -> str | None:
        known = self._settings.connections.get(request.connection)
        return caution(find(known.provider), request.kind) if known else None

    def _cancels(self, connection: str) -> bool:
        known = self._settings.connections.get(connection)
        if known is None:
            return False
        return cancels(find(known.provider), allow_undocumented=known.settings.allow_undocumented)


def _told(post: OutboxItem, whole: RequestHistory) -> ReplyContext:
    """Return the details of a post's event, and of the later events of the same name."""
    event = next(one for one in whole.events if one.seq == post.event)
    covered = [one for one in whole.events if one.seq >= event.seq and one.name == event.name]
    kept = {(seq, field): value for seq, field, value in whole.private}
    return ReplyContext(
        event.actor,
        note=kept.get((event.seq, "note")),
        action=post.action or "",
        summaries=tuple(kept[one.seq, "summary"] for one in covered if (one.seq, "summary") in kept),
        warnings=tuple(
            (one.action, str(value))
            for one in covered
            for name, value in one.data.items()
            if name.startswith(WARNING)
        ),
        data=event.data,
    )
