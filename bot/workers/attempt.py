"""One attempt at an action: the last look at the rules, the claim, the send, and what is recorded of it.

`sending` is committed before any byte leaves; who owns it is checked once more just before they do; what
follows from the answer is decided by `bot.services.outcomes` and committed together with the posts that tell
of it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.config.settings import Settings
from bot.policy import engine
from bot.policy.matching import wanted_by
from bot.services.notifications import SystemChanges, all_told
from bot.services.outcomes import Consequence, follows, in_doubt, kept, not_again, warned
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.timing import believed, by_number, has_more_to_do, time_came, unsent, waits_until
from bot.slack.backoff import Wait
from bot.slack.users import Directory, PersonUnreadable
from bot.text import outcomes, policy_reasons
from bot.workers.circuit_breaker import Outages
from bot.workers.lookups import LookUps
from bot.workers.loop import until_written
from bot.workers.rate_limiter import Pace
from providers.actions import Code, Outcome, PlaceCall, Refused, Retry, Status
from providers.base import Adapter, Context, Prepared, after_doubt
from storage.changes import Move
from storage.errors import LogReplacedError
from storage.models import LogEntry, Person, Request
from storage.states import State
from storage.store import Store

GROUP_AGAIN = timedelta(seconds=5)
"""Until it is looked again whether a user group could be read."""
NOW_MEANS = timedelta(minutes=15)
"""How long after it was approved a call without a time may still be placed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Unread:
    """The wait of an entry of whose people Slack did not tell, and what is said if it ends with that."""

    wait: Wait
    message: str


class _NotRead(Exception):
    """Slack did not tell of somebody whom the rules ask about; ``message`` says so."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.message = message
        self.until = until


@dataclass(slots=True)
class Attempts:
    """Makes one attempt at a time at an action, and never a second on a doubt.

    ``jitter`` gives a random share from 0 to 1.
    """

    _log: Store
    _settings: Settings
    _directory: Directory
    _permissions: Permissions
    _preconditions: Preconditions
    _adapters: Mapping[str, Adapter]
    _pace: Pace
    _look_ups: LookUps
    _outages: Outages
    _changes: SystemChanges
    _owner: str
    _team: str
    _clock: Callable[[], datetime]
    _jitter: Callable[[], float]
    _unread: dict[str, _Unread] = field(default_factory=dict, init=False)
    """What waits until Slack says who its people are, by its entry."""

    async def run(self, entry: LogEntry) -> None:
        """One attempt, from the last look at the rules to the recorded answer."""
        request, unread = await self._log.requests.request(entry.request), self._unread.pop(entry.id, None)
        if entry.not_after is not None and self._clock() < entry.updated_at:
            await self.end_window(entry)  # the clock was set back, and says nothing of the time that passed
            return
        if await self._too_late(request, entry):
            await self._expire_unsent(request, entry, unread.message if unread else None)
            return
        try:
            prepared = await self._last_look(request, entry)
            looked = await self._look_ups.before_first_attempt(entry)
            if not looked or not await self._pace.turn(entry.connection):
                return
        except Refused as refused:
            await self._refuse(request, entry, refused)
            return
        except _NotRead as unread:
            # It gives its worker back: others go on meanwhile.
            self._unread[entry.id] = _Unread(Wait(self._clock(), unread.until), unread.message)
            return
        claimed = await self._claim(request, entry)
        if claimed is not None:
            await self._send(request, claimed, prepared)

    async def _send(self, request: Request, claimed: LogEntry, prepared: Prepared) -> None:
        """Let the bytes leave, if nothing came up since the claim."""
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
            await self.end_window(claimed)  # nothing has left
        elif claimed.action and await self._preconditions.stops(claimed.action):
            await self._hold_back(request, claimed, outcomes.CALLS_STOPPED)

    async def _last_look(self, request: Request, entry: LogEntry) -> Prepared:
        """Check the rules, the connection and the action once more. Raises `Refused` with the reason."""
        adapter = self._preconditions.adapter(entry.connection)
        if entry.action is None:
            raise Refused(outcomes.ERASED)
        if await self._preconditions.is_from_a_backup(entry):
            raise Refused(outcomes.FROM_A_BACKUP)
        if self._preconditions.fingerprint(entry.connection, entry.action) != request.fingerprint:
            changed = [outcomes.connection_changed(entry.connection), policy_reasons.AGAIN]
            raise Refused(_said_of(entry, changed), code=Code.CONFIG_ERROR)
        if not request.stop:  # which no rule was asked about
            await self._check_rules(request, entry)
        await self._preconditions.check_before_sending(request, entry.action)
        prepared = adapter.prepare(entry.action, Context(now=self._clock(), action_id=entry.id))
        if would := adapter.dry_run(prepared):
            raise would
        return prepared

    async def _check_rules(self, request: Request, entry: LogEntry) -> None:
        """Ask the rules and the directory as they are now. Raises `Refused` with the reason."""
        requester = await self._person(request.requester, outcomes.REQUESTER_UNREAD)
        approvals = [
            (approval, await self._person(approval.person, outcomes.APPROVER_UNREAD))
            for approval in request.approvals
        ]
        decision = engine.at_dispatch(
            self._permissions.rules,
            self._directory.members(),
            requester,
            approvals,
            wanted_by(request),
            rule=request.rule,
            team=self._team,
            now=self._clock(),
        )
        if decision.unread:  # what was approved is not lost because Slack does not answer just now
            raise _NotRead(outcomes.group_unread(decision.unread), self._clock() + GROUP_AGAIN)
        if not decision.allowed:
            raise Refused(_said_of(entry, decision.why), code=Code.REJECTED)

    async def _person(self, user: str, unread: str) -> Person:
        """Return who somebody is. Raise `_NotRead` with these words where Slack does not say."""
        try:
            return await self._directory.person_in_background(user)
        except PersonUnreadable as person:
            raise _NotRead(unread, person.until) from person

    def held(self) -> frozenset[str]:
        """Return the entries that wait until Slack is asked about their people again."""
        now = self._clock()
        return frozenset(entry for entry, unread in self._unread.items() if not unread.wait.is_over(now))

    async def end_if_late(self, entry: LogEntry) -> None:
        """End an action that has waited too long, as an attempt at it would."""
        request = await self._log.requests.request(entry.request)
        if await self._too_late(request, entry):
            await self._expire_unsent(request, entry)

    async def _too_late(self, request: Request, entry: LogEntry) -> bool:
        """Whether what was approved or ordered has waited too long: "now" must not ring hours later."""
        if await self._is_over(request, entry):
            return True
        rule = self._permissions.rule_of(request)
        immediate = isinstance(entry.action, PlaceCall) and entry.action.at is None
        waits = NOW_MEANS if immediate or rule is None else rule.expires
        return self._clock() - entry.updated_at > waits

    async def _is_over(self, request: Request, entry: LogEntry) -> bool:
        """Whether the call that is to be cancelled has gone out, and nothing else is left to be cancelled."""
        if not time_came(request, entry, self._clock()):
            return False
        aim = None if entry.maybe_executed else by_number(request, entry)
        if aim is None:
            return True
        coming_up = await self._log.call_history.coming_up(entry.connection, aim.agent, aim.to, self._clock())
        return not has_more_to_do(request, entry, coming_up)

    async def _hold_back(self, request: Request, entry: LogEntry, why: str) -> None:
        """Something came up just before this one left: nothing of it has left, and nothing will."""
        if entry.maybe_executed:
            await self._not_again(request, entry, why)
            return
        ours = frozenset({State.SENDING})
        back = Move(entry.id, "held_back", ours, State.APPROVED, owner=self._owner, attempt=entry.attempt)
        await self._changes.apply(request, back)  # to be refused, or to expire, in words

    async def end_window(self, entry: LogEntry) -> None:
        """The short while in which a cancellation by number may be sent again is over: people settle it."""
        request = await self._log.requests.request(entry.request)
        await self._not_again(request, entry, outcomes.SO_LATE, name="window_passed")

    async def _not_again(
        self, request: Request, entry: LogEntry, why: str, *, name: str = "not_sent_again"
    ) -> None:
        """What is in doubt and is not sent again after all is still in doubt."""
        await self._changes.apply(request, not_again(entry, name, why), posts=in_doubt(request.requester))

    async def _expire_unsent(self, request: Request, entry: LogEntry, unread: str | None = None) -> None:
        """End what was not sent in time; ``unread``: of whom Slack did not tell meanwhile."""
        over = await self._is_over(request, entry)
        if entry.maybe_executed:
            await self._not_again(request, entry, outcomes.CALL_TIME_CAME if over else outcomes.NOT_IN_TIME)
            return
        move = Move(
            entry.id,
            "expired",
            frozenset({State.APPROVED}),
            State.EXPIRED,
            changes={"message": unsent(request, entry, self._clock(), over=over, unread=unread)},
        )
        await self._changes.apply(request, move, posts=all_told("expired", request))

    async def _refuse(self, request: Request, entry: LogEntry, refused: Refused) -> None:
        if entry.maybe_executed:
            await self._not_again(request, entry, refused.message)
            return
        await self._changes.apply(
            request,
            Move(
                entry.id,
                "refused",
                frozenset({State.APPROVED}),
                State.REFUSED,
                changes={"code": refused.code, "message": refused.message},
            ),
            posts=all_told("refused", request),
        )

    async def _claim(self, request: Request, entry: LogEntry) -> LogEntry | None:
        """Commit `sending`, or None where somebody else was first."""
        move = Move(
            entry.id,
            "sending",
            frozenset({State.APPROVED}),
            State.SENDING,
            attempt=entry.attempt,
            at_most=self._settings.workers(entry.connection),
            changes={
                "attempt": entry.attempt + 1,
                "owner": self._owner,
                "lease_until": self._clock() + self._settings.dispatch.lease,
            },
        )
        changed = await self._changes.apply(request, move)
        return next(one for one in changed.entries if one.id == entry.id) if changed else None

    async def _still_ours(self, entry: LogEntry) -> bool:
        return await self._log.requests.hold(
            entry.id,
            owner=self._owner,
            attempt=entry.attempt,
            until=self._clock() + self._settings.dispatch.lease,
        )

    async def _believed(self, request: Request, entry: LogEntry, outcome: Outcome) -> Outcome:
        """What an answer proves that comes now."""
        now, aim = self._clock(), by_number(request, entry)
        late = outcome.status is Status.OK and aim is not None and time_came(request, entry, now)
        coming = (
            await self._log.call_history.coming_up(entry.connection, aim.agent, aim.to, now)
            if aim and late
            else ()
        )
        return believed(request, entry, outcome, coming, now)

    async def _record(self, request: Request, entry: LogEntry, outcome: Outcome) -> None:
        """Commit what came of an attempt. An answer that comes after its lease still settles the doubt."""
        said, outcome = outcome, await self._believed(request, entry, outcome)
        consequence = await self._consequence(request, entry, outcome, owner=self._owner)
        recorded = await until_written(
            lambda: self._changes.apply(request, *consequence.moves, posts=consequence.posts)
        )
        # What came of it is worth more than the pace.
        await until_written(lambda: self._pace.heed(entry.connection, said))
        await until_written(lambda: self._outages.heed(entry.connection, said, began=entry.updated_at))
        if recorded:
            return
        current = await self._log.requests.request(entry.id)
        now = next(one for one in current.entries if one.id == entry.id)
        succeeded = outcome.status is Status.OK
        ordered = now.state is State.APPROVED and now.maybe_executed and succeeded  # and is needed no more
        if now.attempt == entry.attempt and (
            ordered
            or (
                now.state is State.UNKNOWN
                and (succeeded or (outcome.status is Status.FAILED and not entry.maybe_executed))
            )
        ):
            dropped = [not_again(now, "order_dropped", outcomes.ANSWER_CAME_LATE)] if ordered else []
            late = Move(
                entry.id,
                "late_answer",
                frozenset({State.UNKNOWN}),
                State.SUCCEEDED if succeeded else State.FAILED,
                attempt=entry.attempt,
                changes={
                    "code": outcome.code,
                    "message": outcome.message,
                    "reference": outcome.reference,
                },
                data=warned(outcome),
                private=kept(outcome),
            )
            posts = all_told("late_answer", request)
            await until_written(lambda: self._changes.apply(current, *dropped, late, posts=posts))
        else:
            _log.warning(
                "%s: the answer %s came after attempt %d was over", entry.id, outcome.code, entry.attempt
            )

    async def reap(self, entry: LogEntry) -> None:
        """An owner died between `sending` and its record: whether the request left, nobody can say."""
        request = await self._log.requests.request(entry.request)
        lost = Outcome(
            status=Status.UNKNOWN,
            code=Code.NO_ANSWER,
            message=outcomes.ANSWER_LOST,
            retry=after_doubt(entry.action) if entry.action else Retry.VERIFY,
        )
        consequence = await self._consequence(request, entry, lost, owner=entry.owner or "")
        await self._changes.apply(request, *consequence.moves, posts=consequence.posts)

    async def _consequence(
        self, request: Request, entry: LogEntry, outcome: Outcome, *, owner: str
    ) -> Consequence:
        over = time_came(request, entry, self._clock())  # then it may be gone because it went out
        seen = (
            not over
            and entry.target_id is not None
            and (
                await self._log.call_history.seen(
                    entry.connection, request.fingerprint, entry.target_id, entry.asked_at
                )
                or await self._log.call_history.sighted_before(entry.id)
            )
        )
        if seen and entry.maybe_executed and outcome.code is Code.NOT_FOUND:
            # The look-up may take as long as the request did, and the lease is for one of them.
            seen = await self._still_ours(entry) and await self._look_ups.confirms_gone(request, entry)
        return follows(
            entry,
            outcome,
            requester=request.requester,
            owner=owner,
            now=self._clock(),
            until=waits_until(
                request,
                entry,
                self._permissions.rule_of(request),
                self._clock(),
                margin=self._settings.dispatch.send_margin,
            ),
            seen=seen,
            waited=request.approvals_needed > 0 or len(request.entries) > 1,
            jitter=self._jitter(),
        )


def _said_of(entry: LogEntry, why: Sequence[str]) -> str:
    """Why something is not sent. Of what is in doubt nobody is told to ask again: it may have happened."""
    return " ".join(one for one in why if not (entry.maybe_executed and one == policy_reasons.AGAIN))
