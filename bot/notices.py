"""What follows when a provider tells by itself that a call of ours happened: a doubt about it is over.

`settles` decides, and is pure; `Notices` makes the one change in the log. A notice that comes twice, or that
nobody waits for, changes nothing. One that contradicts how a call ended moves nothing, and is told once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.cards import with_card
from bot.consequences import WARNING, not_again
from bot.messages.confirmations import confirmation
from bot.settings import Settings
from providers.actions import Code, Kind, Notice, PlaceCall
from storage.entries import SYSTEM, Change, LogEntry, Move, Note, Post, Request
from storage.lifecycle import TERMINAL, State
from storage.log import ActionLog, Conflict, NoSuchRequest

TOOK_PLACE = "took_place"
"""The note that a call which is over as not done took place, and the template of what is posted of it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why a notice changes nothing. ``odd``: somebody should look at it."""

    why: str
    odd: bool = False


def settles(request: Request, notice: Notice, connection: str) -> Change | Ignored:
    """What a notice that a connection heard changes about the request that it names."""
    entry = next((one for one in request.entries if one.id == notice.action_id), None)
    if entry is None or entry.connection != connection or entry.kind is not Kind.PLACE_CALL:
        return Ignored("it names no call that was placed through this connection", odd=True)
    if not isinstance(entry.action, PlaceCall):
        return Ignored("its personal data was erased, so its number cannot be compared")
    if notice.number != entry.action.to:
        return Ignored("it is about another number", odd=True)
    return _as_it_stands(request, entry, notice)


def _as_it_stands(request: Request, entry: LogEntry, notice: Notice) -> Change | Ignored:
    """What it changes that the call took place."""
    match entry.state:
        case State.UNKNOWN:
            pass
        case State.SENDING if not entry.doubted:
            pass  # sooner than the answer, which may be lost
        case State.APPROVED if entry.doubted:
            dropped = not_again(entry, "order_dropped", notice.message)
            return _happened(request, entry, notice, dropped)
        case State.SUCCEEDED | State.SENDING:
            return Ignored(f"the call is {entry.state}")
        case state if state in TERMINAL and entry.attempt:
            return _contradicts(request, entry, notice)
        case _:
            return _contradiction(entry)
    return _happened(request, entry, notice)


def _contradicts(request: Request, entry: LogEntry, notice: Notice) -> Change:
    """A note for people: a call that is over as not done took place. Its nonce makes it once."""
    note = Note(entry.id, TOOK_PLACE, {f"{WARNING}1": notice.message})
    posts = (Post(TOOK_PLACE, "thread"), Post(TOOK_PLACE, f"dm:{request.requester}"))
    return Change(request.id, SYSTEM, (), notes=(note,), nonce=f"{TOOK_PLACE} {entry.id}", posts=posts)


def _contradiction(entry: LogEntry) -> Ignored:
    return Ignored(f"the call is {entry.state}, and yet it took place", odd=True)


def _happened(request: Request, entry: LogEntry, notice: Notice, *before: Move) -> Change:
    move = Move(
        entry.id,
        "webhook",
        frozenset({before[-1].after if before else entry.state}),
        State.SUCCEEDED,
        attempt=entry.attempt,
        changes={
            "code": Code.QUEUED,
            "message": notice.message,
            "reference": notice.reference or entry.reference,
            "not_before": None,
        },
    )
    posts = (Post("state", "audit"), Post("webhook", "thread"), Post("state", f"dm:{request.requester}"))
    return Change(request.id, SYSTEM, (*before, move), posts=with_card(request, posts))


class Notices:
    """Takes what providers tell. ``announce`` is called when there is something to post."""

    def __init__(self, log: ActionLog, settings: Settings, *, announce: Callable[[], None]) -> None:
        self._log = log
        self._settings = settings
        self._announce = announce

    async def take(self, connection: str, notice: Notice) -> None:
        """Do what a notice asks for; when this returns, it is committed or there was nothing to do.

        Raises what the log raises when it cannot be written.
        """
        try:
            request = await self._log.request(notice.action_id)
        except NoSuchRequest:
            # Without the id: it comes from outside.
            _log.warning("A webhook of %s is about an action that is not in the log", connection)
            return
        while isinstance(found := settles(request, notice, connection), Change):
            told = (*found.posts, *confirmation(self._settings, request, found.moves))
            try:
                await self._log.apply(replace(found, posts=told))
            except Conflict as first:
                if found.nonce is not None:
                    found = Ignored("what contradicts it was told already")
                    break
                request = first.current
                continue
            self._announce()
            if found.moves:
                _log.info("%s: a webhook of %s settled it", found.moves[0].entry, connection)
                return
            [entry] = (one for one in request.entries if one.id == notice.action_id)
            found = _contradiction(entry)
            break
        level = logging.WARNING if found.odd else logging.INFO
        _log.log(level, "%s: a webhook of %s changes nothing: %s", request.id, connection, found.why)
