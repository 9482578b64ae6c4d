"""Makes an attempt at an action: the last checks, the claim, the send, and the record of its outcome.

`sending` is committed before any byte leaves. The lease is checked again just before. `bot.services.outcomes`
decides the consequences of the answer, which are committed together with their notifications.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import CallOpsError
from bot.config.settings import Settings
from bot.services.call_checks import OutsideCallingHoursError
from bot.services.notifications import SystemChanges, all_told, ended_unsent
from bot.services.outcomes import OutcomeDecision, decide_next, kept, stop_retrying, unknown_outcome, warned
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.screens import ends_unseen
from bot.services.timing import (
    by_number,
    call_time_passed,
    has_more_to_do,
    unsent,
    verified_outcome,
    waits_until,
)
from bot.slack.backoff import Wait
from bot.slack.users import UserUnavailableError
from bot.text import outcomes, policy_reasons
from bot.text.log_format import log_about
from bot.workers.call_ends import first_poll_at
from bot.workers.circuit_breaker import CircuitBreaker
from bot.workers.lookups import TargetLookups
from bot.workers.loop import until_written
from bot.workers.rate_limiter import RateLimiter
from providers.actions import CannotSendError, Code, Outcome, PlaceCall, Retry, Status
from providers.base import Adapter, Context, Prepared, after_doubt
from storage.changes import Notification, Transition
from storage.errors import LogReplacedError
from storage.models import ActionRecord, Request
from storage.states import State
from storage.store import Store

GROUP_AGAIN = timedelta(seconds=5)
"""The time until a user group that could not be read is tried again."""
NOW_MEANS = timedelta(minutes=15)
"""The time after its approval within which a call without a time may be placed."""

ROW_WAITS = timedelta(days=4)
"""The time for which a row of a call list without a time may wait for calling hours or a resume."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Unread:
    """The wait of an action whose people Slack did not return, and the sentence for its expiry."""

    wait: Wait
    message: str


class _UserUnreadError(CallOpsError):
    """Slack did not return a person that the rules need. ``message`` is the sentence for people."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.message = message
        self.until = until


@dataclass(slots=True)
class Attempts:
    """Makes one attempt at a time at an action, and never a second after an unknown outcome.

    ``jitter`` gives a random share from 0 to 1.
    """

    _store: Store
    _settings: Settings
    _permissions: Permissions
    _preconditions: Preconditions
    _adapters: Mapping[str, Adapter]
    _pace: RateLimiter
    _look_ups: TargetLookups
    _outages: CircuitBreaker
    _changes: SystemChanges
    _owner: str
    _clock: Callable[[], datetime]
    _jitter: Callable[[], float]
    _unread: dict[str, _Unread] = field(default_factory=dict, init=False)
    """Actions that wait until Slack returns their people, by id."""

    async def run(self, record: ActionRecord) -> None:
        """Make an attempt, from the last checks to the recorded outcome."""
        log_about(request=record.request, connection=record.connection)
        request, unread = (
            await self._store.requests.request(record.request),
            self._unread.pop(record.id, None),
        )
        if record.not_after is not None and self._clock() < record.updated_at:
            await self.end_window(record)  # the clock was set back, so the elapsed time is unknown
            return
        if await self._too_late(request, record):
            await self._expire_unsent(request, record, unread.message if unread else None)
            return
        try:
            prepared = await self._last_look(request, record)
            looked = await self._look_ups.before_first_attempt(record)
            if not looked or not await self._pace.try_acquire(record.connection):
                return
        except CannotSendError as refused:
            if then := _opens_again(request, record, refused):
                self._unread[record.id] = _Unread(Wait(self._clock(), then), refused.message)
                return
            await self._refuse(request, record, refused)
            return
        except _UserUnreadError as unread:
            # The attempt frees its worker for other actions meanwhile.
            self._unread[record.id] = _Unread(Wait(self._clock(), unread.until), unread.message)
            return
        claimed = await self._claim(request, record)
        if claimed is not None:
            log_about(attempt=claimed.attempt)
            await self._send(request, claimed, prepared)

    async def _send(self, request: Request, claimed: ActionRecord, prepared: Prepared) -> None:
        """Send the request if nothing has changed since the claim."""
        if await until_written(lambda: self._still_ours(claimed)):
            if await self._is_over(request, claimed):
                await self._hold_back(request, claimed, outcomes.CALL_TIME_CAME)
                return
            outcome = await self._adapters[claimed.connection].send(prepared)
            try:
                await self._record(request, claimed, outcome)
            except LogReplacedError:
                _log.error(
                    "%s was sent, and its outcome %s is not recorded: the log is lost",
                    claimed.id,
                    outcome.code,
                )
                raise
        elif claimed.not_after is not None and claimed.not_after <= self._clock():
            await self.end_window(claimed)  # nothing was sent
        elif claimed.for_provider and await self._preconditions.stops(claimed.for_provider):
            await self._hold_back(request, claimed, outcomes.CALLS_STOPPED)
        elif await self._store.pauses.holds_back(claimed.id, self._clock()):
            await self._wait_again(request, claimed, Notification("state", "audit"))

    async def _last_look(self, request: Request, record: ActionRecord) -> Prepared:
        """Check the rules, the connection and the action again. Raises `CannotSendError` with the reason."""
        adapter = self._preconditions.adapter(record.connection)
        action = record.for_provider
        if action is None:
            raise CannotSendError(outcomes.ERASED)
        if await self._preconditions.is_from_a_backup(record):
            raise CannotSendError(outcomes.FROM_A_BACKUP)
        if self._preconditions.fingerprint(record.connection, action) != request.fingerprint:
            changed = [outcomes.connection_changed(record.connection), policy_reasons.AGAIN]
            raise CannotSendError(_said_of(record, changed), code=Code.CONFIG_ERROR)
        if not request.stop:  # a stop's cancellations have no rule
            await self._check_rules(request, record)
        await self._preconditions.check_before_sending(request, action)
        prepared = adapter.prepare(action, Context(now=self._clock(), action_id=record.id))
        if would := adapter.dry_run(prepared):
            raise would
        return prepared

    async def _check_rules(self, request: Request, record: ActionRecord) -> None:
        """Check the current rules and user directory. Raises `CannotSendError` with the reason.

        The row of a call list is permitted as the list is.
        """
        if request.call_list:
            request = await self._store.requests.request(request.call_list)
        try:
            decision = await self._permissions.may_go_on(request)
        except UserUnavailableError as person:
            asker = person.user == request.requester
            unread = outcomes.REQUESTER_UNREAD if asker else outcomes.APPROVER_UNREAD
            raise _UserUnreadError(unread, person.until) from person
        if decision.unread:  # an approved action must not be refused because Slack does not answer
            raise _UserUnreadError(outcomes.group_unread(decision.unread), self._clock() + GROUP_AGAIN)
        if not decision.allowed:
            raise CannotSendError(_said_of(record, decision.reasons), code=Code.REJECTED)

    def held(self) -> frozenset[str]:
        """Return the ids of the actions that wait until Slack is asked about their people again."""
        now = self._clock()
        return frozenset(action for action, unread in self._unread.items() if not unread.wait.is_over(now))

    async def end_if_late(self, record: ActionRecord) -> None:
        """End an action that has waited too long, as an attempt would."""
        request = await self._store.requests.request(record.request)
        if await self._too_late(request, record):
            await self._expire_unsent(request, record)

    async def _too_late(self, request: Request, record: ActionRecord) -> bool:
        """Return whether an action has waited too long. An immediate call must not ring hours later."""
        if await self._is_over(request, record):
            return True
        rule = self._permissions.rule_of(request)
        immediate = isinstance(record.action, PlaceCall) and record.action.at is None
        waits = NOW_MEANS if immediate or rule is None else rule.expires
        if immediate and request.call_list:
            waits = ROW_WAITS
        return self._clock() - record.updated_at > waits

    async def _is_over(self, request: Request, record: ActionRecord) -> bool:
        """Return whether the call to be cancelled went out and no other call is left to cancel."""
        if not call_time_passed(request, record, self._clock()):
            return False
        aim = None if record.maybe_executed else by_number(request, record)
        if aim is None:
            return True
        coming_up = await self._store.call_history.upcoming_calls(
            record.connection, aim.agent, aim.to, self._clock()
        )
        return not has_more_to_do(request, record, coming_up)

    async def _hold_back(self, request: Request, record: ActionRecord, why: str) -> None:
        """Stop an action just before it is sent. It is approved again, or unknown if it was before."""
        if record.maybe_executed:
            await self._not_again(request, record, why)
            return
        await self._wait_again(request, record)  # the next attempt refuses or expires it, with the reason

    async def _wait_again(self, request: Request, record: ActionRecord, *posts: Notification) -> None:
        """Approve an action again that was not sent."""
        ours = frozenset({State.SENDING})
        back = Transition(
            record.id, "held_back", ours, State.APPROVED, owner=self._owner, attempt=record.attempt
        )
        await self._changes.apply(request, back, posts=posts)

    async def end_window(self, record: ActionRecord) -> None:
        """End the retries of a cancellation by number whose window has passed, so that people settle it."""
        request = await self._store.requests.request(record.request)
        await self._not_again(request, record, outcomes.SO_LATE, name="window_passed")

    async def _not_again(
        self, request: Request, record: ActionRecord, why: str, *, name: str = "not_sent_again"
    ) -> None:
        """Cancel the ordered retry of an action whose outcome stays unknown."""
        await self._changes.apply(
            request, stop_retrying(record, name, why), posts=unknown_outcome(request.requester)
        )

    async def _expire_unsent(self, request: Request, record: ActionRecord, unread: str | None = None) -> None:
        """Expire an action that was not sent in time.

        ``unread`` is the sentence about people whom Slack did not return, None if there is none.
        """
        over = await self._is_over(request, record)
        if record.maybe_executed:
            await self._not_again(request, record, outcomes.CALL_TIME_CAME if over else outcomes.NOT_IN_TIME)
            return
        move = Transition(
            record.id,
            "expired",
            frozenset({State.APPROVED}),
            State.EXPIRED,
            changes={"message": unsent(request, record, self._clock(), over=over, unread=unread)},
        )
        await self._changes.apply(request, move, posts=ended_unsent(request))

    async def _refuse(self, request: Request, record: ActionRecord, refused: CannotSendError) -> None:
        if record.maybe_executed:
            await self._not_again(request, record, refused.message)
            return
        await self._changes.apply(
            request,
            Transition(
                record.id,
                "refused",
                frozenset({State.APPROVED}),
                State.REFUSED,
                changes={"code": refused.code, "message": refused.message},
            ),
            posts=ended_unsent(request),
        )

    async def _claim(self, request: Request, record: ActionRecord) -> ActionRecord | None:
        """Commit `sending` and return the claimed action, None if another change came first."""
        move = Transition(
            record.id,
            "sending",
            frozenset({State.APPROVED}),
            State.SENDING,
            attempt=record.attempt,
            at_most=self._settings.workers(record.connection),
            changes={
                "attempt": record.attempt + 1,
                "owner": self._owner,
                "lease_until": self._clock() + self._settings.dispatch.lease,
            },
        )
        changed = await self._changes.apply(request, move)
        return next(one for one in changed.actions if one.id == record.id) if changed else None

    async def _still_ours(self, record: ActionRecord) -> bool:
        return await self._store.requests.renew_lease(
            record.id,
            owner=self._owner,
            attempt=record.attempt,
            until=self._clock() + self._settings.dispatch.lease,
        )

    async def _believed(self, request: Request, record: ActionRecord, outcome: Outcome) -> Outcome:
        """Return the outcome that an answer proves at this time."""
        now, aim = self._clock(), by_number(request, record)
        late = outcome.status is Status.OK and aim is not None and call_time_passed(request, record, now)
        coming = (
            await self._store.call_history.upcoming_calls(record.connection, aim.agent, aim.to, now)
            if aim and late
            else ()
        )
        return verified_outcome(request, record, outcome, coming, now)

    async def _record(self, request: Request, record: ActionRecord, outcome: Outcome) -> None:
        """Commit the outcome of an attempt. An answer after the lease still resolves an unknown outcome."""
        said, outcome = outcome, await self._believed(request, record, outcome)
        consequence = await self._consequence(request, record, outcome, owner=self._owner)
        poll_at = first_poll_at(self._adapters[record.connection], record, outcome, self._clock())
        moves = [replace(move, end_poll_at=poll_at) for move in consequence.transitions]
        recorded = await until_written(
            lambda: self._changes.apply(request, *moves, posts=consequence.notifications)
        )
        # The outcome is recorded before the rate limit, because it matters more.
        await until_written(lambda: self._pace.on_response(record.connection, said))
        await until_written(
            lambda: self._outages.on_response(record.connection, said, began=record.updated_at)
        )
        if recorded:
            return
        current = await self._store.requests.request(record.id)
        now = next(one for one in current.actions if one.id == record.id)
        succeeded = outcome.status is Status.OK
        ordered = now.state is State.APPROVED and now.maybe_executed and succeeded  # no retry is needed
        if now.attempt == record.attempt and (
            ordered
            or (
                now.state is State.UNKNOWN
                and (succeeded or (outcome.status is Status.FAILED and not record.maybe_executed))
            )
        ):
            dropped = [stop_retrying(now, "order_dropped", outcomes.ANSWER_CAME_LATE)] if ordered else []
            late = Transition(
                record.id,
                "late_answer",
                frozenset({State.UNKNOWN}),
                State.SUCCEEDED if succeeded else State.FAILED,
                attempt=record.attempt,
                changes={
                    "code": outcome.code,
                    "message": outcome.message,
                    "reference": outcome.reference,
                },
                data=warned(outcome),
                private=kept(outcome),
                end_poll_at=poll_at,
            )
            posts = all_told("late_answer", request)
            await until_written(lambda: self._changes.apply(current, *dropped, late, posts=posts))
        else:
            _log.warning(
                "%s: the answer %s came after attempt %d was over", record.id, outcome.code, record.attempt
            )

    async def reap(self, record: ActionRecord) -> None:
        """Record an unknown outcome for an action whose process died between `sending` and its record."""
        request = await self._store.requests.request(record.request)
        lost = Outcome(
            status=Status.UNKNOWN,
            code=Code.NO_ANSWER,
            message=outcomes.ANSWER_LOST,
            retry=after_doubt(record.for_provider) if record.for_provider else Retry.VERIFY,
        )
        consequence = await self._consequence(request, record, lost, owner=record.owner or "")
        await self._changes.apply(request, *consequence.transitions, posts=consequence.notifications)

    async def _consequence(
        self, request: Request, record: ActionRecord, outcome: Outcome, *, owner: str
    ) -> OutcomeDecision:
        over = call_time_passed(request, record, self._clock())  # the call may be gone because it went out
        history, target = self._store.call_history, record.target_id
        seen = False
        if target is not None and not over:
            seen = await history.seen(record.connection, request.fingerprint, target, record.asked_at)
            seen = seen or await history.found_before_attempt(record.id)
        if seen and record.maybe_executed and outcome.code is Code.NOT_FOUND:
            # The look-up may take as long as the request did, and the lease covers only one of them.
            seen = await self._still_ours(record) and await self._look_ups.confirms_gone(request, record)
        rule, margin = self._permissions.rule_of(request), self._settings.dispatch.send_margin
        return decide_next(
            record,
            outcome,
            requester=request.requester,
            owner=owner,
            now=self._clock(),
            until=waits_until(request, record, rule, self._clock(), margin=margin),
            seen=seen,
            waited=await ends_unseen(self._store, request, self._clock()),
            jitter=self._jitter(),
        )


def _opens_again(request: Request, record: ActionRecord, refused: CannotSendError) -> datetime | None:
    """Return when the calling hours of a row of a call list begin again, None if it is refused."""
    immediate = isinstance(record.action, PlaceCall) and record.action.at is None
    waits = immediate and request.call_list is not None
    return refused.then if waits and isinstance(refused, OutsideCallingHoursError) else None


def _said_of(record: ActionRecord, why: Sequence[str]) -> str:
    """Return the reasons why an action is not sent. If it may have happened, nobody is told to ask again."""
    return " ".join(one for one in why if not (record.maybe_executed and one == policy_reasons.AGAIN))
