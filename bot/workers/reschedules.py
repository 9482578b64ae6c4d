"""Moving a call: it is cancelled, and placed again for another time once that is done.

Two requests, each with its own rules and its own place in the log. The second follows the first by itself,
whenever the first is done: after a restart, or once somebody settled what was unknown.
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
    """Takes the second steps of moves, and has told what came of them."""

    _store: Store
    _directory: UserDirectory
    _preconditions: Preconditions
    _requests: RequestService
    _changes: SystemChanges
    _clock: Callable[[], datetime]

    async def run_once(self) -> bool:
        """Place what was cancelled to be moved, and tell what came of it; never more to do at once."""
        await each(await self._store.dispatch_queue.reschedules_due(self._clock()), self._place)
        await each(
            await self._store.dispatch_queue.reschedules_completed(self._clock()), self._tell_of_the_second
        )
        return False

    async def _tell_of_the_second(self, move: Request) -> None:
        await self._tell(move, move.followed_by.state if move.followed_by else None)

    async def _place(self, move: Request) -> None:
        """Ask for the call again, in the name of whoever wanted it moved: once, whatever is killed."""
        moved = await self._store.requests.request(move.reschedules or "")
        call = next(entry.action for entry in moved.entries if entry.id == move.reschedules)
        if not isinstance(call, PlaceCall):
            await self._tell(move, None, why=scheduled_calls.ERASED)
            return
        # Which is the better reason, and said when it is asked.
        stopped = await self._preconditions.stops(call)
        if not stopped and (other := await self._also_cancelled(move, moved, call)):
            await self._tell(move, None, why=scheduled_calls.cancelled_by(other))
            return
        if await self._preconditions.is_from_a_backup(move.entries[0]):
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
            return  # until then it is looked again in the next round
        again = call.model_copy(update={"at": move.new_time})
        wish = RequestSpec(
            move.connection,
            (again,),
            move.reason,
            moved.purpose,
            moved.consent,
            second_step_of=move.id,
            zone=move.zone,
        )
        try:
            await self._requests.ask(
                wish, RequestSource(person, move.channel, delivery_key=f"move:{move.id}")
            )
        except PermissionDeniedError:
            return  # recorded, with its why: it is told of in the next round
        except CannotSendError as refused:
            await self._tell(move, None, why=refused.message)

    async def _also_cancelled(self, move: Request, moved: Request, call: PlaceCall) -> str | None:
        """Return the request by which somebody else had the call cancelled, before or since, or None."""
        if moved.cancelled and moved.cancelled.by != move.id:
            return moved.cancelled.by
        return await self._preconditions.cancelled_since(move, call)

    async def _tell(self, move: Request, second: str | None, *, why: str | None = None) -> None:
        """Note what came of the second step, where people look for the first."""
        posts = [
            Notification("state", "audit"),
            Notification(FOLLOWED, "thread"),
            Notification(FOLLOWED, f"dm:{move.requester}"),
        ]
        note = Annotation(move.id, FOLLOWED, {"second": second}, {"note": why} if why else {})
        key = f"{move.id}:{FOLLOWED}:{second}"
        # Where another process told of it, nothing is told twice.
        await self._changes.apply(move, delivery_key=key, notes=[note], posts=posts)
