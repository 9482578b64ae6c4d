"""Slack out: posts what the log's outbox holds, in order for each request, at least once.

A post is rendered from the request as it stands when it is sent. The audit message and the card are posted
once and edited from then on, so a repeat edits; every post carries a ``client_msg_id`` derived from its row.

What waits for the same thing waits in one *lane*, whose oldest post alone is tried: for a channel's next
second, for an edit's, for Slack to come back, for a channel to be mended. See docs/decisions/0006.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import Settings
from bot.parsing.vocabulary import cancels, caution
from bot.services.notifications import ASKED, ORIGIN, REMINDED
from bot.services.outcomes import WARNING
from bot.services.pending import ALONE, ESCALATED, Beside, beside
from bot.slack.blocks import Message
from bot.slack.errors import (
    GONE,
    NOT_POSTED,
    POST_ANEW,
    SLACK_TROUBLE,
    WITHOUT_THREAD,
    Refusal,
    refusal,
    trouble,
)
from bot.slack.masking import Masking
from bot.slack.rate_limits import method_of, paused_by, to_edit, to_post
from bot.ui.channel_messages import render
from bot.ui.thread_replies import Told
from bot.workers.loop import each, log_fault
from providers.registry import find
from storage.changes import Change, Note
from storage.changes import Post as NewPost
from storage.errors import Conflict
from storage.models import SYSTEM, MessageRef, Outgoing, Request, Whole
from storage.repositories.outbox import ERASURE
from storage.states import State
from storage.store import Store

LEASE = timedelta(seconds=30)
"""How long a post is ours to make: longer than Slack may take to answer (`ANSWER_WITHIN`)."""
ANSWER_WITHIN = 15.0
SLOW_AFTER = 0.5
"""Seconds after which a round no longer waits for Slack's answer: the next round posts beside it."""
BATCH = 20
AT_ONCE = 100
"""Posts that may be without an answer. With so many, Slack is down for all of them."""
LONGEST_PAUSE = timedelta(seconds=30)
"""So much later than Slack itself, posts come back after it was down."""
SHUT_PAUSE = timedelta(minutes=1)
"""Between two looks whether a channel can be posted to again: one call a minute, however much waits."""
KEPT_FOR = timedelta(days=7)
"""How long what was set aside is tried. By then, what it tells of is read in the log, if anywhere."""
ODD_TRIES = 5
"""Then a post that fails for a reason of its own holds up its request no longer: about a minute."""
PATIENCE = 60
"""Tries after which a post that fails as if Slack were down may itself be the trouble: half an hour."""
SOON = timedelta(seconds=3)
"""A turn that comes so soon is waited for in naps; later ones are found by polling."""
NAP = timedelta(milliseconds=250)

DOWN: Final = "slack"
"""The lane of what waits for Slack to come back."""

_THREADS = {"thread": "audit", "card_thread": "card"}
"""Where replies go, and the message that they stand below."""
_NAMESPACE = uuid.UUID("6f9619ff-8b86-4011-b42d-00cf4fc964ff")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A post with what is to be sent, as of one moment."""

    post: Outgoing
    whole: Whole
    message: Message | None
    channel: str


class Outbox:
    """The only code that posts into channels. ``cannot_post`` hears of a request whose card has no place."""

    def __init__(
        self,
        log: Store,
        client: AsyncWebClient,
        settings: Settings,
        *,
        owner: str,
        clock: Callable[[], datetime],
        cannot_post: Callable[[str], None],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        answer_within: float = ANSWER_WITHIN,
    ) -> None:
        self._log = log
        self._client = client
        self._settings = settings
        self._masking = Masking(settings.slack.default_region)
        self._owner = owner
        self._clock = clock
        self._cannot_post = cannot_post
        self._sleep = sleep
        self._answer_within = answer_within
        self._turns: set[datetime] = set()
        self._out: set[asyncio.Task[None]] = set()
        self._answered_at = float("-inf")
        """When Slack took a post the last time, by the event loop's clock."""

    async def step(self) -> bool:
        """Post what is due and has its turn, one message of each request at a time.

        True: look again at once.
        """
        now, room = self._clock(), max(min(BATCH, AT_ONCE - len(self._out)), 0)
        due = await self._log.outbox.outgoing(now, owner=self._owner, until=now + LEASE, limit=room)
        if not due:
            return await self._nap(now) or await self._wait_for_slow()
        ready: list[_Ready] = []
        turns: list[_Ready] = []

        async def prepare(post: Outgoing) -> None:
            ready.append(await self._prepare(post))

        async def take_turn(one: _Ready) -> None:
            if await self._has_turn(one):
                turns.append(one)

        await each(due, prepare)
        # Whoever waited longest asks first: the log answers in the order it is asked.
        await each(sorted(ready, key=lambda one: one.post.id), take_turn)
        tasks = {asyncio.create_task(self._post(one), name=f"post {one.post.id}") for one in turns}
        for task in tasks:
            self._out.add(task)
            task.add_done_callback(self._ended)
        if tasks:
            await asyncio.wait(tasks, timeout=SLOW_AFTER)
        return True

    async def break_off(self) -> None:
        """Leave what Slack has not answered yet to its leases."""
        for task in self._out:
            task.cancel()
        await asyncio.gather(*self._out, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._out.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            log_fault(error, "Posting a message failed; it goes on with the rest")

    async def _wait_for_slow(self) -> bool:
        """Wait a little for an answer that takes long. Return False where none is out."""
        if not self._out:
            return False
        timeout = NAP.total_seconds()
        await asyncio.wait(self._out, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        return True

    async def _nap(self, now: datetime) -> bool:
        """Sleep a little while a turn is near; whether one is."""
        self._turns = {at for at in self._turns if now < at <= now + SOON}
        if not self._turns:
            return False
        await self._sleep(min(min(self._turns) - now, NAP).total_seconds())
        return True

    async def _prepare(self, post: Outgoing) -> _Ready:
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
        shown = message and self._masking.message(message)
        return _Ready(post, whole, shown, self._channel(post, request))

    async def _has_turn(self, one: _Ready) -> bool:
        """Whether a post may be made now. One that may not waits in its lane."""
        if one.message is None:
            return True
        request = one.whole.request
        stands = request.messages.get(one.post.to)
        budgets = to_edit(stands, request.state) if stands else to_post(one.channel)
        now = self._clock()
        until = await self._log.rate_limits.take(budgets, now)
        if until is None:
            return True
        self._turns.add(until)
        lane = budgets[-1].account
        await self._log.outbox.postpone(
            one.post, not_before=until, error=None, lane=lane, aside=one.post.aside
        )
        return False

    async def _post(self, one: _Ready) -> None:
        ref, opens, began = None, [], asyncio.get_running_loop().time()
        if one.message is not None:
            try:
                async with asyncio.timeout(self._answer_within):
                    arguments = {"text": one.message.text, "blocks": list(one.message.blocks)}
                    ref = await self._send(one.post, one.whole.request, arguments)
            except SLACK_TROUBLE as error:
                await self._failed(one, error, alone=self._answered_at > began)
                return
            self._answered_at = asyncio.get_running_loop().time()
            opens = [DOWN, _shut(one.channel)]
        await self._log.outbox.delivered(one.post, ref, seen=one.whole.events[-1].seq, opens=opens)

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
        return cancels(find(known.provider), beyond_documents=known.settings.beyond_documents)

    async def _send(self, post: Outgoing, request: Request, arguments: dict[str, Any]) -> MessageRef:
        """Edit the message where it stands, or post it. Raises one of `SLACK_TROUBLE`."""
        stands = request.messages.get(post.to)
        if stands is not None:
            try:
                await self._client.chat_update(channel=stands.channel, ts=stands.ts, **arguments)
            except SlackApiError as error:
                code = trouble(error)
                if post.template == ERASURE and code == GONE:
                    return stands
                if post.template == ERASURE or code not in POST_ANEW:
                    raise
            else:
                return stands
        above = request.messages.get(_THREADS.get(post.to, ""))
        channel = self._channel(post, request)
        try:
            return await self._say(post, channel, above, arguments)
        except SlackApiError as error:
            if above is None or trouble(error) not in WITHOUT_THREAD:
                raise
        return await self._say(post, channel, None, arguments)

    async def _say(
        self, post: Outgoing, channel: str, above: MessageRef | None, arguments: dict[str, Any]
    ) -> MessageRef:
        answer = await self._client.chat_postMessage(
            channel=channel,
            thread_ts=above.ts if above else None,
            # A reminder is read in the channel, too: nobody follows the thread of a card yet.
            reply_broadcast=True if above and post.to == "card_thread" else None,
            unfurl_links=False,
            unfurl_media=False,
            client_msg_id=str(uuid.uuid5(_NAMESPACE, f"{post.request}/{post.id}")),
            **arguments,
        )
        return MessageRef(str(answer["channel"]), str(answer["ts"]))

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

    async def _failed(self, one: _Ready, error: BaseException, *, alone: bool) -> None:
        """Let a post wait, or give it up. ``alone``: Slack took another one meanwhile."""
        post, code = one.post, trouble(error)
        kind = refusal(error, direct=_is_direct(post))
        if post.template == ERASURE and code in POST_ANEW:
            kind = Refusal.NEVER  # no new message says what an old one does not any more
        told_at = next(event.at for event in one.whole.events if event.seq == post.event)
        waits = kind in {Refusal.DOWN, Refusal.TOKEN, Refusal.LIMITED}
        if post.to == ORIGIN and kind in {Refusal.NEVER, Refusal.SHUT}:
            _log.info("%s: no confirmation where it was asked: %s", post.request, code)
            await self._log.outbox.abandon(post, error=code)
            return
        if kind is Refusal.NEVER or (post.aside and not waits and self._clock() - told_at > KEPT_FOR):
            _log.error("%s: Slack will not take the %s message: %s", post.request, post.to, code)
            await self._say_why(one, code)
            await self._log.outbox.abandon(post, error=code)
            return
        match kind:
            case Refusal.LIMITED:
                until = paused_by(error, self._clock())
                await self._log.outages.pause(method_of(error), until)
                await self._wait(one, until, code, aside=post.aside)
            case Refusal.DOWN | Refusal.TOKEN:
                alone = alone or post.tries > PATIENCE
                if not alone:
                    level = logging.ERROR if kind is Refusal.TOKEN else logging.WARNING
                    _log.log(level, "Slack takes no messages: %s. They wait, and nothing is lost", code)
                lane = None if alone else DOWN
                await self._wait(one, self._later(post), code, lane=lane, aside=post.aside or alone)
            case Refusal.SHUT:
                await self._say_why(one, code)
                until = self._later(post, SHUT_PAUSE)
                await self._wait(one, until, code, lane=_shut(one.channel), aside=True)
            case _:
                aside = post.aside or post.tries >= ODD_TRIES
                if aside:
                    await self._say_why(one, code)
                await self._wait(one, self._later(post, SHUT_PAUSE), code, aside=aside)

    async def _wait(
        self, one: _Ready, until: datetime, code: str, *, lane: str | None = None, aside: bool
    ) -> None:
        post = one.post
        _log.warning("%s: the %s message waits until %s: %s", post.request, post.to, until, code)
        await self._log.outbox.postpone(post, not_before=until, error=code, lane=lane, aside=aside)

    def _later(self, post: Outgoing, longest: timedelta = LONGEST_PAUSE) -> datetime:
        return self._clock() + pause_after(post.tries, longest)

    async def _say_why(self, one: _Ready, code: str) -> None:
        """Note once that a channel takes no message of a request, and tell whom it concerns."""
        request, what = one.whole.request, _THREADS.get(one.post.to, one.post.to)
        noted = any(event.name == NOT_POSTED and event.data["what"] == what for event in one.whole.events)
        if noted or _is_direct(one.post) or one.post.template == ERASURE:
            return
        requester, waits = request.requester, what == "card" and request.state is State.PENDING
        told = waits or (
            # An audit channel concerns every request: a person hears of it once a day.
            what == "audit"
            and await self._log.users.claim(
                f"{NOT_POSTED} {one.channel} {requester} {self._clock():%Y-%m-%d}"
            )
        )
        note = Note(request.id, NOT_POSTED, {"what": what, "where": one.channel, "why": code})
        # One template for each message: the same words are said once.
        posts = [NewPost(f"{NOT_POSTED}_{what}", f"dm:{requester}")] if told else []
        key = f"{request.id}:{NOT_POSTED}:{what}"
        try:
            await self._log.requests.apply(
                Change(request.id, SYSTEM, [], inbound=key, notes=[note], posts=posts)
            )
        except Conflict:
            return  # it was noted before
        _log.error("%s: the %s message cannot be posted in %s: %s", request.id, what, one.channel, code)
        if waits:
            self._cannot_post(request.id)


def _told(post: Outgoing, whole: Whole) -> Told:
    """What a post adds to its request: its own event, and the machine's later ones that it covers."""
    event = next(one for one in whole.events if one.seq == post.event)
    covered = [one for one in whole.events if one.seq >= event.seq and one.name == event.name]
    kept = {(seq, field): value for seq, field, value in whole.private}
    return Told(
        event.actor,
        note=kept.get((event.seq, "note")),
        entry=post.entry,
        summaries=tuple(kept[one.seq, "summary"] for one in covered if (one.seq, "summary") in kept),
        warnings=tuple(
            (one.entry, str(value))
            for one in covered
            for name, value in one.data.items()
            if name.startswith(WARNING)
        ),
        data=event.data,
    )


def _is_direct(post: Outgoing) -> bool:
    return post.to.startswith(("dm:", "asked:"))


def _shut(channel: str) -> str:
    """The lane of what waits for a channel to be mended."""
    return f"shut {channel}"


def pause_after(tries: int, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """How long to wait after so many tries: twice as long each time, up to the longest."""
    doublings = min(tries, longest.seconds.bit_length())
    return min(timedelta(seconds=2**doublings), longest)
