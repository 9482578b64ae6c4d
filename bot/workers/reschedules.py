"""Places rescheduled calls again once their cancellation has succeeded.

A reschedule is two requests, each with its own rules and its own place in the log. The second one is made
automatically when the first one has succeeded, also after a restart or a settlement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec
from bot.services.notifications import SystemChanges
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.slack.users import UserDirectory, UserUnavailableError
from bot.text import outcomes, scheduled_calls
from bot.workers.loop import each
from providers.actions import CannotSendError, PlaceCall
from storage.changes import Annotation, Notification
from storage.event_log.hash_chain import FOLLOWED
from storage.models import Request
from storage.store import Store


@dataclass(slots=True)
class RescheduleWorker:
    """Makes the second requests of reschedules, and reports their results."""

    _store: Store
    _directory: UserDirectory
    _preconditions: Preconditions
    _requests: RequestService
    _changes: SystemChanges
    _clock: Callable[[], datetime]

    async def run_once(self) -> bool:
        """Place rescheduled calls and report the results. Return False, as there is never more to do."""
        await each(await self._store.dispatch_queue.reschedules_due(self._clock()), self._place)
        await each(
            await self._store.dispatch_queue.reschedules_completed(self._clock()), self._tell_of_the_second
        )
        return False

    async def _tell_of_the_second(self, move: Request) -> None:
        await self._tell(move, move.followed_by.state if move.followed_by else None)

    async def _place(self, move: Request) -> None:
        """Request the call again, on behalf of the person who rescheduled it, once even after a crash."""
        moved = await self._store.requests.request(move.reschedules or "")
        call = next(record.action for record in moved.actions if record.id == move.reschedules)
        if not isinstance(call, PlaceCall):
            await self._tell(move, None, why=scheduled_calls.ERASED)
            return
        # A stop is the better reason, and `ask` below reports it.
        stopped = await self._preconditions.stops(call)
        if not stopped and (other := await self._also_cancelled(move, moved, call)):
            await self._tell(move, None, why=scheduled_calls.cancelled_by(other))
            return
        if await self._preconditions.is_from_a_backup(move.actions[0]):
            await self._tell(move, None, why=outcomes.FROM_A_BACKUP)
            return
        if not self._preconditions.goes_where(moved):
            await self._tell(move, None, why=outcomes.connection_changed(move.connection))
            return
        try:
            person = await self._directory.get_user_in_background(move.requester)
        except UserUnavailableError:
            if move.new_time and move.new_time <= self._clock():
                await self._tell(move, None, why=scheduled_calls.MOVER_UNKNOWN)
            return  # the next run tries again until that time
        again = call.model_copy(update={"at": move.new_time})
        spec = RequestSpec(
            move.connection,
            (again,),
            move.reason,
            moved.purpose,
            moved.consent,
            second_step_of=move.id,
            zone=move.zone,
            tell_me=moved.tell_me,
        )
        try:
            await self._requests.ask(
                spec, RequestSource(person, move.channel, delivery_key=f"move:{move.id}")
            )
        except PermissionDeniedError:
            return  # the refusal is recorded, and the next run reports it
        except CannotSendError as refused:
            await self._tell(move, None, why=refused.message)

    async def _also_cancelled(self, move: Request, moved: Request, call: PlaceCall) -> str | None:
        """Return the id of another request that cancelled the call, earlier or later, or None."""
        if moved.cancelled and moved.cancelled.by != move.id:
            return moved.cancelled.by
        return await self._preconditions.cancelled_since(move, call)

    async def _tell(self, move: Request, second: str | None, *, why: str | None = None) -> None:
        """Record and report the result of the second step on the first request."""
        posts = [
            Notification("state", "audit"),
            Notification(FOLLOWED, "thread"),
            Notification(FOLLOWED, f"dm:{move.requester}"),
        ]
        note = Annotation(move.id, FOLLOWED, {"second": second}, {"note": why} if why else {})
        key = f"{move.id}:{FOLLOWED}:{second}"
        # The key makes the report once, even with several processes.
        await self._changes.apply(move, delivery_key=key, notes=[note], posts=posts)
