"""Slack out: posts what the log's outbox holds, in order for each request, at least once.

A post is rendered from the request as it stands when it is sent. The audit message and the card are posted
once and edited from then on, so a repeat edits; every post carries a ``client_msg_id`` derived from its row.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.beside import ALONE, Beside, beside
from bot.confirmations import ORIGIN
from bot.consequences import WARNING
from bot.people import SLACK_TROUBLE, trouble
from bot.posts import ASKED, REMINDED, Told, render
from bot.rounds import each
from bot.settings import Settings
from bot.vocabulary import cancels, caution
from providers.registry import find
from storage.entries import Event, MessageRef, Outgoing, Request
from storage.lifecycle import State
from storage.log import ActionLog

LEASE = timedelta(seconds=30)
"""How long a post is ours to make: longer than Slack may take to answer (`ANSWER_WITHIN`)."""
ANSWER_WITHIN = 15.0
BATCH = 20
LONGEST_PAUSE = timedelta(minutes=5)

NEVER_AGAIN = frozenset(
    {
        "cannot_dm_bot",
        "invalid_blocks",
        "is_archived",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "restricted_action",
        "user_disabled",
        "user_not_found",
    }
)
"""Slack's codes for what will not work however often it is tried (docs.slack.dev, chat.postMessage)."""
MENDABLE = frozenset({"not_in_channel", "channel_not_found"})
"""What inviting the app to its channel mends; meanwhile the request's other posts wait behind it."""
MOST_TRIES = 10
"""For what is mendable: about a quarter of an hour."""
POST_ANEW = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})

_THREADS = {"thread": "audit", "card_thread": "card"}
"""Where replies go, and the message that they stand below."""
_NAMESPACE = uuid.UUID("6f9619ff-8b86-4011-b42d-00cf4fc964ff")
_log = logging.getLogger(__name__)


class Outbox:
    """The only code that posts into channels."""

    def __init__(
        self,
        log: ActionLog,
        client: AsyncWebClient,
        settings: Settings,
        *,
        owner: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._client = client
        self._settings = settings
        self._owner = owner
        self._clock = clock

    async def step(self) -> bool:
        """Post what is due, one message of each request at a time; whether there was any."""
        now = self._clock()
        due = await self._log.outgoing(now, owner=self._owner, until=now + LEASE, limit=BATCH)
        await each(due, self._post)
        return bool(due)

    async def _post(self, post: Outgoing) -> None:
        # The events first: what the request shows is then at least as new as what we say it showed.
        events = await self._log.events(post.request)
        request = await self._log.request(post.request)
        told = await self._told(post, events)
        message = render(
            post.template,
            post.to,
            request,
            told,
            caution=self._caution(request),
            beside=await self._beside(post, request),
            cancels=self._cancels(request),
        )
        ref = None
        if message is not None:
            arguments = {"text": message.text, "blocks": list(message.blocks)}
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    ref = await self._send(post, request, arguments)
            except SLACK_TROUBLE as error:
                await self._failed(post, error)
                return
        await self._log.delivered(post, ref, seen=events[-1].seq)

    async def _told(self, post: Outgoing, events: Sequence[Event]) -> Told:
        """What a post adds to its request: its own event, and the machine's later ones that it covers."""
        event = next(one for one in events if one.seq == post.event)
        covered = [one for one in events if one.seq >= event.seq and one.name == event.name]
        kept = {(seq, field): value for seq, field, value in await self._log.private(post.request)}
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
        )

    async def _beside(self, post: Outgoing, request: Request) -> Beside:
        """What else waits, for what somebody is to decide on."""
        decides = post.to == "card" or post.template in {ASKED, REMINDED}
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
                if trouble(error) not in POST_ANEW:
                    raise
            else:
                return stands
        above = request.messages.get(_THREADS.get(post.to, ""))
        answer = await self._client.chat_postMessage(
            channel=self._channel(post, request),
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

    async def _failed(self, post: Outgoing, error: BaseException) -> None:
        code = trouble(error)
        if post.to == ORIGIN and code in NEVER_AGAIN | MENDABLE:
            _log.info("%s: no confirmation where it was asked: %s", post.request, code)
            await self._log.abandon(post, error=code)
            return
        if code in NEVER_AGAIN or (code in MENDABLE and post.tries >= MOST_TRIES):
            _log.error("%s: Slack will not take the %s message: %s", post.request, post.to, code)
            await self._log.abandon(post, error=code)
            return
        pause = pause_after(post.tries)
        if isinstance(error, SlackApiError) and code == "ratelimited":
            pause = timedelta(seconds=float(error.response.headers.get("Retry-After", 1)))
        _log.warning("%s: the %s message waits %s: %s", post.request, post.to, pause, code)
        await self._log.postpone(post, not_before=self._clock() + pause, error=code)


def pause_after(tries: int) -> timedelta:
    """How long to wait after so many tries: twice as long each time, up to `LONGEST_PAUSE`."""
    doublings = min(tries, LONGEST_PAUSE.seconds.bit_length())
    return min(timedelta(seconds=2**doublings), LONGEST_PAUSE)
