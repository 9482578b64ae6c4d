"""The machine's half of an action's life: claim, send, record; what a dead process left; what nobody decided.

Nothing here waits for a person, and nothing a person waits for runs here. `sending` is committed before any
byte leaves; who owns it is checked once more just before they do; what follows from the answer is decided by
`bot.services.outcomes` and committed together with the posts that tell of it.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.config.settings import Settings
from bot.policy import engine
from bot.policy.matching import wanted_by
from bot.services.notifications import answered, confirmation, with_card
from bot.services.outcomes import REMOVING, Consequence, follows, in_doubt, kept, not_again, warned
from bot.services.requests import Operations
from bot.services.timing import believed, by_number, has_more_to_do, time_came, unsent
from bot.slack.backoff import Wait
from bot.slack.users import Directory, PersonUnreadable
from bot.text import outcomes, policy_reasons
from bot.workers.circuit_breaker import Outages
from bot.workers.lookups import LookUps
from bot.workers.loop import each, log_fault, until_written
from bot.workers.rate_limiter import ASK_AGAIN, Pace
from providers.actions import Code, Kind, Outcome, PlaceCall, Refused, Retry, Status
from providers.base import Adapter, Context, Prepared, after_doubt
from storage.errors import Conflict, LogReplacedError
from storage.models import SYSTEM, Change, LogEntry, Move, Person, Post, Request, Traffic, call_time
from storage.states import State
from storage.store import Store

EXPIRED_AT_ONCE = 100
"""Requests that expire in one round: what is ready to be sent does not wait for the rest of them."""
LATE_AT_ONCE = 100
"""How much of what waits for a connection that stands still is looked at in a round: it may be too late."""
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


class Dispatcher:
    """Sends what is approved, one request per attempt, and never twice on a doubt.

    ``announce`` is called when there is something to post, ``again`` when a worker has become free;
    ``jitter`` gives a random share from 0 to 1.
    """

    def __init__(  # noqa: PLR0913 - its ports
        self,
        log: Store,
        settings: Settings,
        directory: Directory,
        operations: Operations,
        adapters: Mapping[str, Adapter],
        *,
        owner: str,
        team: str,
        clock: Callable[[], datetime],
        announce: Callable[[], None],
        again: Callable[[], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._log = log
        self._settings = settings
        self._directory = directory
        self._operations = operations
        self._adapters = adapters
        self._owner = owner
        self._team = team
        self._clock = clock
        self._announce = announce
        self._again = again
        self._jitter = jitter
        self._pace = Pace(log, adapters, clock=clock)
        self._look_ups = LookUps(
            log, settings, operations, adapters, self._pace, clock=clock, announce=announce, again=again
        )
        self._outages = Outages(
            log, adapters, self._pace, deadline=settings.dispatch.deadline, clock=clock, again=again
        )
        self._looked_at = datetime.min.replace(tzinfo=UTC)
        self._expired_first: str | None = None
        """The first request that was to expire in the last round: where it still is, there was a fault."""
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._unread: dict[str, _Unread] = {}
        """What waits until Slack says who its people are, by its entry."""

    async def step(self) -> bool:
        """One round: what died or ran out of time, what is to be looked up, what is ready to be sent.

        Whatever has no worker free has its turn in the round that comes when one is. True: more has run out
        of time.
        """
        now = self._clock()
        await each(await self._log.dispatch_queue.lapsed(now), self._reap)
        undecided = await self._log.approvals.undecided(now, EXPIRED_AT_ONCE)
        await each(undecided, self._expire)
        more = len(undecided) == EXPIRED_AT_ONCE and undecided[0].id != self._expired_first
        self._expired_first = undecided[0].id if undecided else None
        await each(await self._log.dispatch_queue.overdue(now), self._end_window)
        traffic = await self._log.outages.traffic(self._owner)
        self._pace.see(traffic.standstills)
        await self._look_ups.step()
        down, probes = await self._outages.step(traffic.standstills)
        await self._end_what_stands_still(now)
        for connection in probes:
            await self._probe(connection, now)
        for connection in self._pace.removals_due - down:
            await self._probe_by_removing(connection, now)
        room = {name: self._room(name, traffic) for name in self._adapters}
        full = {name for name, free in room.items() if free <= 0}
        # Of each connection so many that, whatever is on its way to its claim, no worker stays free.
        most = max(self._settings.dispatch.workers, *map(self._settings.workers, room))
        waiting = full | down | self._pace.waiting()
        for entry in await self._log.dispatch_queue.ready(now, most, without=waiting, held=self._held()):
            free = room.setdefault(entry.connection, self._room(entry.connection, traffic))
            if entry.id not in self._in_flight and free > 0:
                self._start(entry)
                room[entry.connection] -= 1
        return more

    def _room(self, connection: str, traffic: Traffic) -> int:
        """How many more requests a connection takes: what other processes send counts as well."""
        sending = self._busy[connection] + traffic.elsewhere.get(connection, 0)
        return self._settings.workers(connection) - sending

    async def _probe(self, connection: str, now: datetime) -> None:
        """Send one request through a connection that failed, to find out if it answers again."""
        waiting = await self._waiting_for(frozenset({connection}), now, limit=1)
        if waiting and not self._busy[connection] and await self._outages.probes(connection):
            self._pace.probing.add(connection)
            self._start(waiting[0])

    async def _probe_by_removing(self, connection: str, now: datetime) -> None:
        """Send one request that removes something, although the account asked for a longer wait."""
        waiting = await self._waiting_for(frozenset({connection}), now, limit=1, kinds=REMOVING)
        busy = any(self._busy[one] for one in self._pace.sharing(connection))
        if waiting and not busy and await self._pace.probes(connection, self._settings.dispatch.lease):
            self._pace.probing.add(connection)
            self._start(waiting[0])

    async def _waiting_for(
        self, connections: frozenset[str], now: datetime, *, limit: int, kinds: Collection[Kind] = ()
    ) -> Sequence[LogEntry]:
        """What is ready of these connections, so many of each."""
        others = self._adapters.keys() - connections
        ready = await self._log.dispatch_queue.ready(
            now, limit, without=others, kinds=kinds, held=self._held()
        )
        return [entry for entry in ready if entry.connection in connections]

    async def _end_what_stands_still(self, now: datetime) -> None:
        """Let what a connection that is left alone holds up run out of time, as what is tried would."""
        if not self._pace.held or self._looked_at <= now < self._looked_at + ASK_AGAIN:
            return
        self._looked_at = now
        await each(await self._waiting_for(self._pace.held, now, limit=LATE_AT_ONCE), self._end_if_late)

    async def _end_if_late(self, entry: LogEntry) -> None:
        if entry.id in self._in_flight:
            return
        request = await self._log.requests.request(entry.request)
        if await self._too_late(request, entry):
            await self._expire_unsent(request, entry)

    def _start(self, entry: LogEntry) -> None:
        self._busy[entry.connection] += 1
        task = asyncio.create_task(self._attempt(entry), name=f"send {entry.id}")
        self._in_flight[entry.id] = task

        def ended(task: asyncio.Task[None]) -> None:
            del self._in_flight[entry.id]
            self._busy[entry.connection] -= 1
            self._pace.probing.discard(entry.connection)
            if not task.cancelled() and (error := task.exception()):
                # No new round for it: on a full disk it would fail again, and be logged again, without pause.
                log_fault(error, f"Sending {entry.id} was broken off")
            else:
                self._again()

        task.add_done_callback(ended)

    async def finish(self, within: timedelta) -> None:
        """Let what is in flight come to its end, for a while; what does not is found by its lease later."""
        if running := [*self._in_flight.values(), *self._look_ups.running, *self._outages.running]:
            await asyncio.wait(running, timeout=within.total_seconds())

    def break_off(self) -> list[str]:
        """Leave what is still in flight to its leases, and return the entries."""
        for task in (*self._in_flight.values(), *self._look_ups.running, *self._outages.running):
            task.cancel()
        return sorted(self._in_flight)

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._in_flight and not self._look_ups.running and not self._outages.running

    async def _attempt(self, entry: LogEntry) -> None:
        """One attempt, from the last look at the rules to the recorded answer."""
        request, unread = await self._log.requests.request(entry.request), self._unread.pop(entry.id, None)
        if entry.not_after is not None and self._clock() < entry.updated_at:
            await self._end_window(entry)  # the clock was set back, and says nothing of the time that passed
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
            await self._end_window(claimed)  # nothing has left
        elif claimed.action and await self._operations.stops(claimed.action):
            await self._hold_back(request, claimed, outcomes.CALLS_STOPPED)

    async def _last_look(self, request: Request, entry: LogEntry) -> Prepared:
        """Check the rules, the connection and the action once more. Raises `Refused` with the reason."""
        adapter = self._operations.adapter(entry.connection)
        if entry.action is None:
            raise Refused(outcomes.ERASED)
        if await self._operations.is_from_a_backup(entry):
            raise Refused(outcomes.FROM_A_BACKUP)
        if self._operations.fingerprint(entry.connection, entry.action) != request.fingerprint:
            changed = [outcomes.connection_changed(entry.connection), policy_reasons.AGAIN]
            raise Refused(_said_of(entry, changed), code=Code.CONFIG_ERROR)
        if not request.stop:  # which no rule was asked about
            await self._check_rules(request, entry)
        await self._operations.check_before_sending(request, entry.action)
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
            self._operations.rules,
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

    def _held(self) -> frozenset[str]:
        """Return the entries that wait until Slack is asked about their people again."""
        now = self._clock()
        return frozenset(entry for entry, unread in self._unread.items() if not unread.wait.is_over(now))

    async def _too_late(self, request: Request, entry: LogEntry) -> bool:
        """Whether what was approved or ordered has waited too long: "now" must not ring hours later."""
        if await self._is_over(request, entry):
            return True
        rule = self._operations.rule_of(request)
        immediate = isinstance(entry.action, PlaceCall) and entry.action.at is None
        waits = NOW_MEANS if immediate or rule is None else rule.expires
        return self._clock() - entry.updated_at > waits

    async def _is_over(self, request: Request, entry: LogEntry) -> bool:
        """Whether the call that is to be cancelled has gone out, and nothing else is left to be cancelled."""
        if not time_came(request, entry, self._clock()):
            return False
        aim = None if entry.doubted else by_number(request, entry)
        if aim is None:
            return True
        coming_up = await self._log.call_history.coming_up(entry.connection, aim.agent, aim.to, self._clock())
        return not has_more_to_do(request, entry, coming_up)

    def _until(self, request: Request, entry: LogEntry) -> datetime | None:
        """When waiting for a provider that puts us off is over: with the call, whatever the rule allows."""
        rule, end, goes = self._operations.rule_of(request), request.decide_by, call_time(request, entry)
        if time_came(request, entry, self._clock()):
            end = goes = None  # it is sent for later calls only
        if end and goes and timedelta(0) < goes - end <= self._settings.dispatch.margin:
            return goes  # the margin was left for this
        allowed = end or (request.asked_at + rule.expires if rule else None)
        return goes if goes and allowed and self._clock() < goes < allowed else allowed

    async def _hold_back(self, request: Request, entry: LogEntry, why: str) -> None:
        """Something came up just before this one left: nothing of it has left, and nothing will."""
        if entry.doubted:
            await self._not_again(request, entry, why)
            return
        ours = frozenset({State.SENDING})
        back = Move(entry.id, "held_back", ours, State.APPROVED, owner=self._owner, attempt=entry.attempt)
        await self._change(request, back)  # to be refused, or to expire, in words

    async def _end_window(self, entry: LogEntry) -> None:
        """The short while in which a cancellation by number may be sent again is over: people settle it."""
        request = await self._log.requests.request(entry.request)
        await self._not_again(request, entry, outcomes.SO_LATE, name="window_passed")

    async def _not_again(
        self, request: Request, entry: LogEntry, why: str, *, name: str = "not_sent_again"
    ) -> None:
        """What is in doubt and is not sent again after all is still in doubt."""
        await self._change(request, not_again(entry, name, why), posts=in_doubt(request.requester))

    async def _expire_unsent(self, request: Request, entry: LogEntry, unread: str | None = None) -> None:
        """End what was not sent in time; ``unread``: of whom Slack did not tell meanwhile."""
        over = await self._is_over(request, entry)
        if entry.doubted:
            await self._not_again(request, entry, outcomes.CALL_TIME_CAME if over else outcomes.NOT_IN_TIME)
            return
        move = Move(
            entry.id,
            "expired",
            frozenset({State.APPROVED}),
            State.EXPIRED,
            changes={"message": unsent(request, entry, self._clock(), over=over, unread=unread)},
        )
        await self._change(request, move, posts=_all_told("expired", request))

    async def _refuse(self, request: Request, entry: LogEntry, refused: Refused) -> None:
        if entry.doubted:
            await self._not_again(request, entry, refused.message)
            return
        await self._change(
            request,
            Move(
                entry.id,
                "refused",
                frozenset({State.APPROVED}),
                State.REFUSED,
                changes={"code": refused.code, "message": refused.message},
            ),
            posts=_all_told("refused", request),
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
            changes={"attempt": entry.attempt + 1, "owner": self._owner, "lease_until": self._lease()},
        )
        changed = await self._change(request, move)
        return next(one for one in changed.entries if one.id == entry.id) if changed else None

    async def _still_ours(self, entry: LogEntry) -> bool:
        return await self._log.requests.hold(
            entry.id, owner=self._owner, attempt=entry.attempt, until=self._lease()
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

    def _lease(self) -> datetime:
        return self._clock() + self._settings.dispatch.lease

    async def _record(self, request: Request, entry: LogEntry, outcome: Outcome) -> None:
        """Commit what came of an attempt. An answer that comes after its lease still settles the doubt."""
        said, outcome = outcome, await self._believed(request, entry, outcome)
        consequence = await self._consequence(request, entry, outcome, owner=self._owner)
        recorded = await until_written(
            lambda: self._change(request, *consequence.moves, posts=consequence.posts)
        )
        # What came of it is worth more than the pace.
        await until_written(lambda: self._pace.heed(entry.connection, said))
        await until_written(lambda: self._outages.heed(entry.connection, said, began=entry.updated_at))
        if recorded:
            return
        current = await self._log.requests.request(entry.id)
        now = next(one for one in current.entries if one.id == entry.id)
        succeeded = outcome.status is Status.OK
        ordered = now.state is State.APPROVED and now.doubted and succeeded  # and is needed no more
        if now.attempt == entry.attempt and (
            ordered
            or (
                now.state is State.UNKNOWN
                and (succeeded or (outcome.status is Status.FAILED and not entry.doubted))
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
            posts = _all_told("late_answer", request)
            await until_written(lambda: self._change(current, *dropped, late, posts=posts))
        else:
            _log.warning(
                "%s: the answer %s came after attempt %d was over", entry.id, outcome.code, entry.attempt
            )

    async def _reap(self, entry: LogEntry) -> None:
        """An owner died between `sending` and its record: whether the request left, nobody can say."""
        request = await self._log.requests.request(entry.request)
        lost = Outcome(
            status=Status.UNKNOWN,
            code=Code.NO_ANSWER,
            message=outcomes.ANSWER_LOST,
            retry=after_doubt(entry.action) if entry.action else Retry.VERIFY,
        )
        consequence = await self._consequence(request, entry, lost, owner=entry.owner or "")
        await self._change(request, *consequence.moves, posts=consequence.posts)

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
        if seen and entry.doubted and outcome.code is Code.NOT_FOUND:
            # The look-up may take as long as the request did, and the lease is for one of them.
            seen = await self._still_ours(entry) and await self._look_ups.confirms_gone(request, entry)
        return follows(
            entry,
            outcome,
            requester=request.requester,
            owner=owner,
            now=self._clock(),
            until=self._until(request, entry),
            seen=seen,
            waited=request.approvals_needed > 0 or len(request.entries) > 1,
            jitter=self._jitter(),
        )

    async def _expire(self, request: Request) -> None:
        moves = [
            Move(entry.id, "expired", frozenset({State.PENDING}), State.EXPIRED) for entry in request.entries
        ]
        await self._change(
            request,
            *moves,
            posts=(*_all_told("expired", request), Post("state", "card"), *answered(request)),
        )

    async def _change(self, request: Request, *moves: Move, posts: Sequence[Post] = ()) -> Request | None:
        """Make a change for the machine; None where somebody or something was first.

        A card that was decided on goes on to show how its request stands, as the audit message does; what is
        done is confirmed where it was asked.
        """
        told = (*with_card(request, posts), *confirmation(self._settings, request, moves))
        change = Change(request.id, SYSTEM, moves, posts=told)
        try:
            changed = await self._log.requests.apply(change)
        except Conflict:
            return None
        self._announce()
        return changed


def _said_of(entry: LogEntry, why: Sequence[str]) -> str:
    """Why something is not sent. Of what is in doubt nobody is told to ask again: it may have happened."""
    return " ".join(one for one in why if not (entry.doubted and one == policy_reasons.AGAIN))


def _all_told(template: str, request: Request) -> tuple[Post, ...]:
    """What surprises: shown in the audit message, said in its thread, and told to the requester."""
    return Post("state", "audit"), Post(template, "thread"), Post("state", f"dm:{request.requester}")
