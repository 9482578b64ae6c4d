"""Decides and records what an event from a provider changes about a call.

A dial attempt that rang proves that the call was placed, and resolves an unknown outcome. A scheduled call
that was deleted resolves an unknown deletion. All other events decide nothing, and are shown to the people
who settle. `settles` and `settles_deletion` decide, and `ProviderEvents` records the changes. A repeated
event changes nothing. An event that contradicts a final state is reported once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.services.notifications import SystemChanges, all_told, with_card
from bot.services.outcomes import WARNING, stop_retrying
from providers.actions import CallEnd, Code, Kind, PlaceCall, ProviderEvent
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError, RequestNotFoundError
from storage.models import SYSTEM, ActionRecord, Request
from storage.queries import Query
from storage.states import TERMINAL, State
from storage.store import Store

TOOK_PLACE = "took_place"
"""The annotation, and the template, for a call that took place although it ended as not done."""
CALL_ENDED = "call_ended"
"""The annotation, and the template, for a dial attempt that ended without ringing."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ignored:
    """The reason why an event changes nothing. ``odd`` is true if an operator should look at it."""

    reason: str
    odd: bool = False


def settles(request: Request, notice: ProviderEvent, connection: str) -> ChangeSet | Ignored:
    """Return the change that an event of a connection makes to the call that it names."""
    named = named_by(request, notice, connection)
    if isinstance(named, Ignored):
        return named
    return _as_it_stands(request, named, notice) if notice.end.rang else _told(request, named, notice)


def named_by(request: Request, notice: ProviderEvent, connection: str) -> ActionRecord | Ignored:
    """Return the action of the call that an event names, or why it names none."""
    record = _record(request, notice.action_id)
    if record is None or record.connection != connection or record.kind is not Kind.PLACE_CALL:
        return Ignored("it names no call that was placed through this connection", odd=True)
    if not isinstance(record.action, PlaceCall):
        return Ignored("its personal data was erased, so its number cannot be compared")
    return record if notice.number == record.action.to else Ignored("it is about another number", odd=True)


def settles_deletion(request: Request, deletion: str, notice: ProviderEvent) -> ChangeSet | Ignored:
    """Return the change that a deleted call makes to a deletion of it.

    Its nonce makes the change once for each call, so a repeated event proves no later deletion.
    """
    record = _record(request, deletion)
    if record is None or record.state in TERMINAL:
        return Ignored("its deletion is over")
    found = _as_it_stands(request, record, notice.model_copy(update={"reference": record.reference}))
    return replace(found, nonce=f"deleted {notice.action_id}") if isinstance(found, ChangeSet) else found


def _record(request: Request, name: str) -> ActionRecord | None:
    return next((one for one in request.actions if one.id == name), None)


def _as_it_stands(request: Request, record: ActionRecord, notice: ProviderEvent) -> ChangeSet | Ignored:
    """Return the change to an action of which an event proves that it happened."""
    match record.state:
        case State.UNKNOWN:
            pass
        case State.SENDING if not record.maybe_executed:
            pass  # the event came before the answer, which may be lost
        case State.APPROVED if record.maybe_executed:
            dropped = stop_retrying(record, "order_dropped", notice.message)
            return _happened(request, record, notice, dropped)
        case State.SUCCEEDED | State.SENDING:
            return Ignored(f"the call is {record.state}")
        case state if state in TERMINAL and record.attempt:
            return _contradicts(request, record, notice)
        case _:
            return _contradiction(record)
    return _happened(request, record, notice)


def _told(request: Request, record: ActionRecord, notice: ProviderEvent) -> ChangeSet | Ignored:
    """Return an annotation of a dial attempt that did not ring, if people must settle or rely on the call.

    Its nonce makes it once for each dial attempt.
    """
    surprise = notice.end is CallEnd.DELETED and record.state is State.SUCCEEDED and not request.cancelled
    if not surprise and record.state is not State.UNKNOWN:
        return Ignored(f"the call is {record.state}, and no phone rang")
    note = Annotation(record.id, CALL_ENDED, {f"{WARNING}1": notice.message})
    posts = [Notification(CALL_ENDED, "thread")]
    if surprise:
        posts.append(Notification(CALL_ENDED, f"dm:{request.requester}"))
    once = f"{CALL_ENDED} {record.id} {notice.end} {notice.attempt}"
    return ChangeSet(request.id, SYSTEM, (), annotations=(note,), nonce=once, notifications=posts)


def _contradicts(request: Request, record: ActionRecord, notice: ProviderEvent) -> ChangeSet:
    """Return an annotation for people about a call that took place although it ended as not done.

    Its nonce makes it once.
    """
    note = Annotation(record.id, TOOK_PLACE, {f"{WARNING}1": notice.message})
    posts = (Notification(TOOK_PLACE, "thread"), Notification(TOOK_PLACE, f"dm:{request.requester}"))
    return ChangeSet(
        request.id, SYSTEM, (), annotations=(note,), nonce=f"{TOOK_PLACE} {record.id}", notifications=posts
    )


def _contradiction(record: ActionRecord) -> Ignored:
    return Ignored(f"the call is {record.state}, and yet it took place", odd=True)


def _happened(
    request: Request, record: ActionRecord, notice: ProviderEvent, *before: Transition
) -> ChangeSet:
    move = Transition(
        record.id,
        "webhook",
        frozenset({before[-1].to_state if before else record.state}),
        State.SUCCEEDED,
        attempt=record.attempt,
        changes={
            "code": Code.QUEUED if record.kind is Kind.PLACE_CALL else Code.CANCELLED,
            "message": notice.message,
            "reference": notice.reference or record.reference,
            "not_before": None,
        },
    )
    posts = with_card(request, all_told("webhook", request))
    return ChangeSet(request.id, SYSTEM, (*before, move), notifications=posts)


@dataclass(slots=True)
class ProviderEvents:
    """Applies the events that providers send."""

    _store: Store
    _changes: SystemChanges

    async def take(self, connection: str, notice: ProviderEvent) -> None:
        """Apply an event. When this returns, the change is committed, or there was none.

        Raises the errors of the store if the log cannot be written.
        """
        try:
            request = await self._store.requests.request(notice.action_id)
        except RequestNotFoundError:
            # The line leaves out the id, because it comes from outside.
            _log.warning("A webhook of %s is about an action that is not in the log", connection)
            return
        named = named_by(request, notice, connection)
        if notice.end is CallEnd.DELETED and isinstance(named, ActionRecord) and not request.cancelled:
            await self._take_deleted(named, notice)
            request = await self._store.requests.request(
                notice.action_id
            )  # the deletion may be recorded by now
        await self._apply(connection, request, partial(settles, notice=notice, connection=connection))

    async def _take_deleted(self, placed: ActionRecord, notice: ProviderEvent) -> None:
        """Resolve the one unknown deletion that a deleted call proves. Several are left to people."""
        query = Query(kind=Kind.CANCEL_CALL, connection=placed.connection, number=notice.number)
        found = (await self._store.search.page(query)).actions
        doubts = [one for one in found if one.agent == placed.agent and _is_open(one, placed)]
        if len(doubts) > 1:
            names = ", ".join(one.id for one in doubts)
            _log.warning("%s are in doubt, and a webhook does not say which it is about", names)
        for one in doubts if len(doubts) == 1 else ():
            asked = await self._store.requests.request(one.request)
            if not await self._is_last(placed, one, asked, notice):
                continue
            await self._apply(
                one.connection, asked, partial(settles_deletion, deletion=one.id, notice=notice)
            )

    async def _is_last(
        self, placed: ActionRecord, deletion: ActionRecord, asked: Request, notice: ProviderEvent
    ) -> bool:
        """Return whether a deleted call is the last known one that its deletion was to remove.

        One of several calls may have been deleted by hand. A call of another agent or account proves nothing.
        """
        if (await self._store.requests.request(placed.request)).fingerprint != asked.fingerprint:
            return False
        coming = await self._store.call_history.upcoming_calls(
            deletion.connection, deletion.agent or "", notice.number or "", deletion.asked_at
        )
        return all(call.id == placed.id or call.updated_at > deletion.updated_at for call in coming)

    async def _apply(
        self, connection: str, request: Request, decide: Callable[[Request], ChangeSet | Ignored]
    ) -> None:
        """Make the change that ``decide`` returns for the current request."""
        while isinstance(found := decide(request), ChangeSet):
            try:
                await self._changes.commit(request, found)
            except ConflictError as first:
                if found.nonce is not None and (
                    not found.transitions or first.current.actions == request.actions
                ):
                    found = Ignored("what it says was told already")
                    break
                request = first.current
                continue
            if found.transitions:
                _log.info("%s: a webhook of %s settled it", found.transitions[0].action, connection)
                return
            record = _record(request, found.annotations[0].action)
            assert record is not None  # noqa: S101 - the decision was about it
            found = (
                _contradiction(record)
                if found.annotations[0].name == TOOK_PLACE
                else Ignored("people read it")
            )
            break
        level = logging.WARNING if found.odd else logging.INFO
        _log.log(level, "%s: a webhook of %s changes nothing: %s", request.id, connection, found.reason)


def _is_open(deletion: ActionRecord, placed: ActionRecord) -> bool:
    """Return whether a deletion may have happened, to a call placed before it and not gone out by then."""
    unsure = deletion.state is State.UNKNOWN or (deletion.state is State.APPROVED and deletion.maybe_executed)
    out = deletion.state is State.SENDING and not deletion.maybe_executed
    went_out = placed.scheduled_for is not None and placed.scheduled_for <= deletion.asked_at
    return (unsure or out) and placed.updated_at <= deletion.updated_at and not went_out
