"""Prepares what the outbox posts: reads what a row tells of, renders it, and says where it goes.

A request's post shows the request as it stands now; an announcement tells what its row holds.
"""

from dataclasses import dataclass

from bot.config.settings import Settings
from bot.parsing.vocabulary import cancels, caution
from bot.services.notifications import ASKED, ORIGIN, REMINDED
from bot.services.outcomes import WARNING
from bot.services.pending import ALONE, ESCALATED, Beside, beside
from bot.slack.blocks import Message
from bot.slack.masking import Masking
from bot.slack.rate_limits import to_edit, to_post
from bot.ui import announcements
from bot.ui.channel_messages import render
from bot.ui.thread_replies import Told
from providers.registry import find
from storage.models import MessageRef, Outgoing, Request, Whole
from storage.repositories.rate_limits import Budget
from storage.states import State
from storage.store import Store

THREADS = {"thread": "audit", "card_thread": "card"}
"""Where replies go, and the message that they stand below."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A post with what is to be sent, as of one moment. An announcement has no ``whole``.

    It edits the message that ``stands`` there, and otherwise goes into its channel, ``above`` it the message
    that it replies to.
    """

    post: Outgoing
    message: Message | None
    channel: str
    stands: MessageRef | None
    above: MessageRef | None = None
    whole: Whole | None = None

    @property
    def name(self) -> str:
        """Return what the process's log calls it."""
        return self.post.key or f"{self.post.request}: the {self.post.to} message"

    @property
    def seen(self) -> int | None:
        """Return the last event that it shows of its request."""
        return self.whole.events[-1].seq if self.whole else None

    @property
    def budgets(self) -> list[Budget]:
        """Return what it needs a place of; the last one is its own lane."""
        state = self.whole.request.state if self.whole else None
        return to_edit(self.stands, state) if self.stands else to_post(self.channel)

    @property
    def is_direct(self) -> bool:
        """Return whether it goes to one person."""
        return self.post.to.startswith(("dm:", "asked:"))


class Preparing:
    """Prepares posts."""

    def __init__(self, log: Store, settings: Settings) -> None:
        self._log = log
        self._settings = settings
        self._masking = Masking(settings.slack.default_region)

    async def prepare(self, post: Outgoing) -> Prepared:
        """Read and render what a row of the outbox tells."""
        if post.request is None:
            return await self._announcement(post)
        # All as of one moment: what the request shows and what we say it showed are the same.
        whole = await self._log.requests.whole(post.request)
        request = whole.request
        message = render(
            post.template,
            post.to,
            request,
            _told(post, whole),
            caution=self._caution(request),
            beside=await self._beside(post, request),
            cancels=self._cancels(request),
        )
        stands = request.messages.get(post.to)
        above = request.messages.get(THREADS.get(post.to, ""))
        return Prepared(post, self._shown(message), self._channel(post, request), stands, above, whole)

    async def _announcement(self, post: Outgoing) -> Prepared:
        told = None if post.event is None else await self._log.audit.event(post.event)
        where, _, name = post.to.partition(":")
        channel = name if where == "channel" else self._settings.audit_channel(name)
        return Prepared(post, self._shown(announcements.render(post, told)), channel, post.stands)

    def _shown(self, message: Message | None) -> Message | None:
        return message and self._masking.message(message)

    def _channel(self, post: Outgoing, request: Request) -> str:
        match post.to.partition(":"):
            case ("dm" | "asked", _, user):
                return user
            case ("card", _, _):
                return self._settings.slack.approvals_channel
            case ("card_thread", _, _):
                below = request.messages.get("card")
                return below.channel if below else self._settings.slack.approvals_channel
            case (there, _, _) if there == ORIGIN and request.channel:
                return request.channel
            case _:
                above = request.messages.get("audit")
                return above.channel if above else self._settings.audit_channel(request.connection)

    async def _beside(self, post: Outgoing, request: Request) -> Beside:
        """What else waits, for what somebody is to decide on."""
        decides = post.to == "card" or post.template in {ASKED, REMINDED, ESCALATED}
        return await beside(self._log, request) if decides and request.state is State.PENDING else ALONE

    def _caution(self, request: Request) -> str | None:
        known = self._settings.connections.get(request.connection)
        return caution(find(known.provider), request.kind) if known else None

    def _cancels(self, request: Request) -> bool:
        known = self._settings.connections.get(request.connection)
        if known is None:
            return False
        return cancels(find(known.provider), allow_undocumented=known.settings.allow_undocumented)


def _told(post: Outgoing, whole: Whole) -> Told:
    """What a post adds to its request: its own event, and the machine's later ones that it covers."""
    event = next(one for one in whole.events if one.seq == post.event)
    covered = [one for one in whole.events if one.seq >= event.seq and one.name == event.name]
    kept = {(seq, field): value for seq, field, value in whole.private}
    return Told(
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
