"""Prepares posts of the outbox: reads the data of a row, renders it, and decides its channel.

A post about a request shows the request's current state. An announcement shows the content of its row.
"""

from dataclasses import dataclass

from bot.config.settings import Settings
from bot.parsing.vocabulary import cancels, caution
from bot.services.notifications import ASKED, ORIGIN, REMINDED
from bot.services.outcomes import WARNING
from bot.services.pending import ALONE, ESCALATED, PendingContext, pending_context
from bot.slack.blocks import Message
from bot.slack.masking import Masking
from bot.slack.rate_limits import edit_limits, post_limits
from bot.ui import announcements
from bot.ui.channel_messages import render
from bot.ui.thread_replies import ReplyContext
from providers.registry import find
from storage.models import MessageRef, OutboxItem, Request, RequestHistory
from storage.repositories.rate_limits import RateLimit
from storage.states import State
from storage.store import Store

THREADS = {"thread": "audit", "card_thread": "card"}
"""The messages that replies belong to, by the kind of thread."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A post and its message, as of one moment. ``whole`` is None for an announcement.

    ``posted`` is the message to edit, None for a new one. ``above`` is the message to reply to, None without
    a thread.
    """

    item: OutboxItem
    message: Message | None
    channel: str
    posted: MessageRef | None
    above: MessageRef | None = None
    whole: RequestHistory | None = None

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
        return self.item.to.startswith(("dm:", "asked:", "settle:"))


class Preparing:
    """Prepares posts."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._masking = Masking(settings.slack.default_region)

    async def prepare(self, post: OutboxItem) -> Prepared:
        """Read and render a row of the outbox."""
        if post.request is None:
            return await self._announcement(post)
        # One read, so that the message shows exactly the events that are recorded as shown.
        whole = await self._store.requests.get_with_history(post.request)
        request = whole.request
        message = render(
            post.template,
            post.to,
            request,
            _told(post, whole),
            caution=self._caution(request),
            beside=await self._beside(post, request),
            cancels=self._cancels(request),
            connection=self._settings.connections.get(request.connection),
        )
        stands = request.messages.get(post.to)
        above = request.messages.get(THREADS.get(post.to, ""))
        return Prepared(post, self._shown(message), self._channel(post, request), stands, above, whole)

    async def _announcement(self, post: OutboxItem) -> Prepared:
        told = None if post.event is None else await self._store.audit.event(post.event)
        where, _, name = post.to.partition(":")
        channel = name if where == "channel" else self._settings.audit_channel(name)
        return Prepared(post, self._shown(announcements.render(post, told)), channel, post.stands)

    def _shown(self, message: Message | None) -> Message | None:
        return message and self._masking.message(message)

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

    def _cancels(self, request: Request) -> bool:
        known = self._settings.connections.get(request.connection)
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
        entry=post.entry or "",
        summaries=tuple(kept[one.seq, "summary"] for one in covered if (one.seq, "summary") in kept),
        warnings=tuple(
            (one.entry, str(value))
            for one in covered
            for name, value in one.data.items()
            if name.startswith(WARNING)
        ),
        data=event.data,
    )
