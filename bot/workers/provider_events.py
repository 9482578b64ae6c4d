"""Decides and records what an event from a provider changes about a call.

Every end of an attempt at a placed call is recorded once (`ended`). An attempt that rang also proves that the
call was placed, and resolves an unknown outcome (`settles`). A scheduled call that was deleted resolves an
unknown deletion (`settles_deletion`). `ProviderEvents` records the changes. A repeated event changes nothing.
An event that contradicts a final state is reported once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.services.notifications import SystemChanges, all_told, with_card
from bot.services.outcomes import WARNING, stop_retrying
from bot.text.log_format import log_about
from providers.actions import Code, Ending, Kind, PlaceCall, ProviderEvent
from storage.call_ends import end_data
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError, RequestNotFoundError
from storage.event_log.hash_chain import CALL_ENDED
from storage.models import SYSTEM, ActionRecord, Request
from storage.queries import Query
from storage.states import TERMINAL, State
from storage.store import Store

TOOK_PLACE = "took_place"
"""The annotation, and the template, for a call that took place although it ended as not done."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ignored:
    """The reason why an event changes nothing. ``odd`` is true if an operator should look at it."""

    reason: str
    odd: bool = False


def settles(request: Request, notice: ProviderEvent, connection: str) -> ChangeSet | Ignored:
    """Return the change of state that an event of a connection proves for the call that it names."""
    named = named_by(request, notice, connection)
    if isinstance(named, Ignored):
        return named
    if not notice.end.ending.rang:
        return Ignored(f"the call is {named.state}, and no phone rang")
    return _as_it_stands(request, named, notice)


def ended(request: Request, notice: ProviderEvent, connection: str) -> ChangeSet | Ignored:
    """Return the annotation of the end that an event tells. Its nonce makes it once for each try.

    People read it in the thread if they must settle the call, or if the call was deleted behind their back.
    Else the audit message shows it.
    """
    named = named_by(request, notice, connection)
    if isinstance(named, Ignored):
        return named
    if not named.attempt:
        return Ignored(f"the call is {named.state}, and was never sent", odd=True)
    data, erasable = end_data(notice.end)
    deleted, rang = notice.end.ending is Ending.DELETED, notice.end.ending.rang
    surprise = deleted and named.state is State.SUCCEEDED and not request.cancelled
    settled_next = rang and named.state not in TERMINAL
    posts = [] if settled_next else [Notification("state", "audit")]
    if surprise or (named.state is State.UNKNOWN and not rang):
        data[f"{WARNING}1"] = notice.message
        posts.append(Notification(CALL_ENDED, "thread"))
    # A settlement that follows tells the requester anyway.
    if surprise or (request.tell_me and not (notice.end.again or settled_next)):
        posts.append(Notification(CALL_ENDED, f"dm:{request.requester}"))
    note = Annotation(named.id, CALL_ENDED, data, erasable)
    once = f"{CALL_ENDED} {named.id} {notice.end.ending} {notice.end.try_number}"
    if notice.end.try_number is None:
        once += f" {notice.end.again} {notice.end.next_at}"
    return ChangeSet(request.id, SYSTEM, (), annotations=(note,), nonce=once, notifications=posts)


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


def _record(request: Request, name: str | None) -> ActionRecord | None:
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
        notice = notice if notice.action_id else await self._named_by_reference(connection, notice)
        action_id = notice.action_id
        if action_id is None:
            return
        try:
            request = await self._store.requests.request(action_id)
        except RequestNotFoundError:
            # The line leaves out the id, because it comes from outside.
            _log.warning("A webhook of %s is about an action that is not in the log", connection)
            return
        log_about(request=request.id)
        named = named_by(request, notice, connection)
        if isinstance(named, Ignored):
            self._log_ignored(request, connection, named)
            return
        if notice.end.ending is Ending.DELETED and not request.cancelled:
            await self._take_deleted(named, notice)
        for decide in (ended, settles):
            current = await self._store.requests.request(action_id)
            await self._apply(connection, current, partial(decide, notice=notice, connection=connection))

    async def _named_by_reference(self, connection: str, notice: ProviderEvent) -> ProviderEvent:
        """Return an event with the id of the one call that has its reference, unchanged if there is none.

        A number that the event does not have cannot differ.
        """
        placed = await self._store.call_history.placed_as(connection, notice.reference or "")
        if len(placed) != 1:
            # Other calls of the account are told, too.
            level = logging.WARNING if placed else logging.INFO
            _log.log(level, "A webhook of %s changes nothing: %d calls have its id", connection, len(placed))
            return notice
        [record] = placed
        number = notice.number or (record.action.to if isinstance(record.action, PlaceCall) else None)
        return notice.model_copy(update={"action_id": record.id, "number": number})

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
            elif found.annotations[0].name == TOOK_PLACE:
                _log.warning("%s: a webhook of %s says that it took place after all", request.id, connection)
            else:
                _log.info("%s: a webhook of %s told how the call ended", request.id, connection)
            return
        self._log_ignored(request, connection, found)

    @staticmethod
    def _log_ignored(request: Request, connection: str, ignored: Ignored) -> None:
        level = logging.WARNING if ignored.odd else logging.INFO
        _log.log(level, "%s: a webhook of %s changes nothing: %s", request.id, connection, ignored.reason)


def _is_open(deletion: ActionRecord, placed: ActionRecord) -> bool:
    """Return whether a deletion may have happened, to a call placed before it and not gone out by then."""
    unsure = deletion.state is State.UNKNOWN or (deletion.state is State.APPROVED and deletion.maybe_executed)
    out = deletion.state is State.SENDING and not deletion.maybe_executed
    went_out = placed.scheduled_for is not None and placed.scheduled_for <= deletion.asked_at
    return (unsure or out) and placed.updated_at <= deletion.updated_at and not went_out
