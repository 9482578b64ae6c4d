"""Checks call lists, requests their rows one after another, and pauses, resumes and stops them.

A list is checked as a whole before it is requested. Each row is checked again when its turn comes, and once
more before it is sent, as any request is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from bot.config.settings import SettingsHolder
from bot.parsing.call_list import ListDefaults, ListRow, ReadList, read_call_list
from bot.policy.engine import Decision
from bot.policy.rules import Rule
from bot.services import call_checks
from bot.services.call_checks import OutsideCallingHoursError
from bot.services.call_list_facts import agent_of, by_country, by_hour
from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec
from bot.services.notifications import ended_unsent, with_card
from bot.services.pending import number_of
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.services.wakeups import Wakeups
from bot.text import call_lists as sentences
from bot.text import outcomes, policy_reasons
from providers.actions import (
    CallList,
    CannotSendError,
    Code,
    Kind,
    PlaceCall,
)
from providers.masking import mask_numbers
from providers.phone import mask
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError, DuplicateRequestError, RowNotDueError
from storage.event_log.hash_chain import LIST_PAUSED, LIST_RESUMED
from storage.models import SYSTEM, Person, Request
from storage.repositories.call_list_rows import NewRow
from storage.repositories.call_lists import FINISHED, STOPPED, DueRow
from storage.states import State
from storage.store import Store

PORTION: Final = 500
"""Rows that are written in a transaction. Other commits wait for it."""
SAMPLE: Final = 5
"""First numbers that a card shows, masked."""


@dataclass(frozen=True, slots=True)
class ListOrder:
    """The form of a list: the file, and what applies to all of its rows."""

    connection: str
    name: str
    content: bytes
    defaults: ListDefaults
    reason: str
    purpose: str | None = None
    consent: str | None = None

    @property
    def kind(self) -> Literal[Kind.PLACE_LIST, Kind.CANCEL_LIST]:
        """The kind of the list."""
        return Kind.PLACE_LIST if self.defaults.kind is Kind.PLACE_CALL else Kind.CANCEL_LIST


@dataclass(frozen=True, slots=True)
class CheckedList:
    """A list that was read and checked. ``spec`` is its request, None if no row is good.

    ``problems`` are the lines that are left out, with the reason. ``faults`` counts those that the person
    must agree to leave out.
    """

    spec: RequestSpec | None
    problems: Sequence[tuple[int, str]]
    faults: int


@dataclass(slots=True)
class _Checked:
    """The rows of a file in its order, and the counts that people see of them."""

    rows: list[NewRow] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    closed: int = 0

    def leave_out(self, line: int, why: str, kind: str) -> None:
        self.skipped[kind] += 1
        self.rows.append(NewRow(line, None, problem=why))


@dataclass(slots=True)
class CallListService:
    """Makes call lists, and controls them."""

    _store: Store
    _settings: SettingsHolder
    _permissions: Permissions
    _preconditions: Preconditions
    _requests: RequestService
    _wakeups: Wakeups
    _clock: Callable[[], datetime]

    # -- before it is requested

    async def check(self, order: ListOrder, person: Person, channel: str | None) -> CheckedList:
        """Read and check a file, and keep its rows until it is requested or a day has passed.

        Raises:
            UnreadableListError: No row of the file can be read.
            PermissionDeniedError: The rules deny such a list.
            CannotSendError: The connection or the form lacks something.
        """
        read = await asyncio.to_thread(read_call_list, order.content, order.defaults)
        rule = await self._rule(order, read, person, channel) if read.rows else None
        blocked = await self._blocked(read)
        checked = await asyncio.to_thread(self._checked, order, read, blocked, rule)
        problems = [(row.line, row.problem) for row in checked.rows if row.problem]
        good = [row for row in checked.rows if row.action]
        spec = await self._spec(order, read, checked, good, person) if good else None
        return CheckedList(spec, problems, len(read.faults))

    async def _blocked(self, read: ReadList) -> set[str]:
        """Return the numbers of a list that are not called."""
        numbers = sorted({row.action.to for row in read.rows if isinstance(row.action, PlaceCall)})
        found: set[str] = set()
        for first in range(0, len(numbers), PORTION):
            found |= await self._store.do_not_call.stopped_of(numbers[first : first + PORTION])
        return found

    async def _rule(
        self, order: ListOrder, read: ReadList, person: Person, channel: str | None
    ) -> Rule | None:
        """Return the rule that applies to a list. Raises `PermissionDeniedError` and `CannotSendError`."""
        numbers = [number for row in read.rows if (number := number_of(row.action))]
        countries = await asyncio.to_thread(by_country, numbers)
        asked = CallList(
            kind=order.kind,
            list=0,
            name="",
            sha256=read.sha256,
            rows_sha256="",
            rows=len(read.rows),
            countries=countries,
        )
        spec = RequestSpec(order.connection, (asked,), order.reason, order.purpose, order.consent)
        decision = await self._requests.check(spec, person, channel=channel)
        if not decision.allowed:
            raise PermissionDeniedError(decision.reasons)
        return decision.rule

    def _checked(self, order: ListOrder, read: ReadList, blocked: set[str], rule: Rule | None) -> _Checked:
        """Return the rows of a file, with those left out that cannot be carried out."""
        checked = _Checked()
        twice = dict(read.duplicates)
        lines: list[tuple[int, ListRow | str]] = [(row.line, row) for row in read.rows]
        lines += [(line, sentences.same_as(first)) for line, first in twice.items()]
        lines += [(fault.line, sentences.fault(fault.column, fault.reason)) for fault in read.faults]
        for line, one in sorted(lines, key=lambda pair: pair[0]):
            if isinstance(one, str):
                checked.leave_out(line, one, sentences.DUPLICATE if line in twice else sentences.FAULTY)
            elif isinstance(one.action, PlaceCall) and one.action.to in blocked:
                checked.leave_out(line, sentences.STOPPED_NUMBER, sentences.STOPPED)
            else:
                self._check_row(order, one, rule, checked)
        return checked

    def _check_row(self, order: ListOrder, row: ListRow, rule: Rule | None, checked: _Checked) -> None:
        spec = RequestSpec(
            order.connection, (row.action,), order.reason, order.purpose, order.consent, zone=row.zone
        )
        due_at = None
        try:
            self._preconditions.prepare(spec)
            self._preconditions.check_call(row.action, rule, spec)
        except OutsideCallingHoursError as closed:
            now = isinstance(row.action, PlaceCall) and row.action.at is None
            if not now or closed.then is None:
                kind = sentences.OUT_OF_HOURS if closed.then else sentences.NO_ZONE
                checked.leave_out(row.line, closed.message, kind)
                return
            due_at, checked.closed = closed.then, checked.closed + 1
        except CannotSendError as cannot:
            checked.leave_out(row.line, cannot.message, sentences.CANNOT)
            return
        number = number_of(row.action)
        checked.rows.append(NewRow(row.line, row.action, number, row.zone, due_at=due_at))

    async def _spec(
        self, order: ListOrder, read: ReadList, checked: _Checked, good: Sequence[NewRow], person: Person
    ) -> RequestSpec:
        """Keep the rows, and return the request for them."""
        list_id = await self._store.call_lists.begin(person.id)
        for first in range(0, len(checked.rows), PORTION):
            await self._store.call_lists.add(list_id, checked.rows[first : first + PORTION])
        numbers = [row.number for row in good if row.number]
        agents = Counter(agent for row in good if (agent := agent_of(row.action)))
        action = CallList(
            kind=order.kind,
            list=list_id,
            name=mask_numbers(order.name, default_region=order.defaults.region),
            sha256=read.sha256,
            rows_sha256=await self._store.call_lists.rows_of(list_id),
            rows=len(good),
            skipped=dict(checked.skipped),
            countries=await asyncio.to_thread(by_country, numbers),
            hours=by_hour(good) if order.kind is Kind.PLACE_LIST else {},
            sample=tuple(map(mask, numbers[:SAMPLE])),
            agents=dict(agents.most_common()),
            fingerprints=self._fingerprints(order.connection, agents),
            closed=checked.closed,
            before=tuple(await self._store.call_lists.requested_before(read.sha256)),
        )
        return RequestSpec(order.connection, (action,), order.reason, order.purpose, order.consent)

    def _fingerprints(self, connection: str, agents: Iterable[str]) -> dict[str, str]:
        """Return where each voice agent leads, by its name."""
        adapter = self._preconditions.adapter(connection)
        return {agent: adapter.fingerprint(agent) for agent in agents}

    async def no_longer(self, asked: Request) -> str | None:
        """Return why a list can't go on at all, None if it can.

        Its rows would go elsewhere than approved, or the log was restored and may not know what was sent.
        """
        [record] = asked.actions
        if not isinstance(record.action, CallList):
            return outcomes.ERASED
        if await self._preconditions.is_from_a_backup(record):
            return outcomes.FROM_A_BACKUP
        try:
            now = self._fingerprints(asked.connection, record.action.fingerprints)
        except CannotSendError as cannot:
            return cannot.message
        account = self._preconditions.fingerprint(asked.connection, record.action)
        if (account, now) != (asked.fingerprint, record.action.fingerprints):
            return f"{outcomes.connection_changed(asked.connection)} {policy_reasons.AGAIN}"
        return None

    # -- its rows

    async def request_row(self, asked: Request, row: DueRow, person: Person) -> None:
        """Request a row of an approved list, unless it has to wait or cannot be carried out."""
        if row.action is None:
            await self._store.call_lists.leave_out(row.id, sentences.ROW_GONE)
            return
        spec = RequestSpec(
            asked.connection, (row.action,), asked.reason, asked.purpose, asked.consent, zone=row.zone
        )
        source = RequestSource(person, asked.channel, f"row {row.id}")
        refused: CannotSendError | None = None
        try:
            self._preconditions.prepare(spec)
            if stops := await self._preconditions.stops(row.action):
                refused = CannotSendError(call_checks.stopped(stops), code=Code.COMPLIANCE_BLOCKED)
            elif why := await self._preconditions.placed_elsewhere(asked.connection, row.action):
                refused = CannotSendError(why)
            self._preconditions.check_call(row.action, self._permissions.rule_of(asked), spec)
        except OutsideCallingHoursError as closed:
            if closed.then and isinstance(row.action, PlaceCall) and row.action.at is None and not refused:
                await self._store.call_lists.postpone(row.id, closed.then)
                return
            refused = refused or closed
        except CannotSendError as cannot:
            refused = cannot
        try:
            await self._requests.request_row(asked, row.id, spec, source, refused)
        except DuplicateRequestError as already:
            [other] = already.by.values()
            await self._store.call_lists.leave_out(row.id, sentences.under_way(other.id))
        except RowNotDueError:
            return  # the list was stopped, or the row erased, since it was read

    async def finish(self, asked: Request) -> None:
        """Record that all rows of a list have ended."""
        [record] = asked.actions
        moves = [
            Transition(record.id, "sending", frozenset({State.APPROVED}), State.SENDING),
            Transition(record.id, FINISHED, frozenset({State.SENDING}), State.SUCCEEDED),
        ]
        try:
            await self._store.requests.apply(
                ChangeSet(asked.id, SYSTEM, moves, notifications=with_card(asked, ended_unsent(asked)))
            )
        except ConflictError:
            return  # another process finished or stopped it
        self._wakeups.outbox()

    async def refuse(self, asked: Request, why: str) -> None:
        """End a list that can't be carried out any more, with the reason."""
        [record] = asked.actions
        move = Transition(
            record.id,
            "refused",
            frozenset({State.APPROVED}),
            State.REFUSED,
            changes={"code": Code.CONFIG_ERROR, "message": why},
        )
        told = with_card(asked, ended_unsent(asked))
        try:
            await self._store.call_lists.stop(ChangeSet(asked.id, SYSTEM, [move], notifications=told))
        except ConflictError:
            return
        self._wakeups.outbox()

    async def hold(self, asked: Request, decision: Decision) -> None:
        """Pause a list that the rules no longer permit. People resume it once they do again."""
        note = Annotation(asked.id, LIST_PAUSED, {"reasons": " ".join(decision.reasons)})
        change = ChangeSet(
            asked.id, SYSTEM, [], annotations=[note], notifications=[Notification("state", "audit")]
        )
        try:
            await self._store.call_lists.set_paused(change, paused=True)
        except ConflictError:
            return  # it is paused or over already
        self._wakeups.outbox()

    # -- while it runs

    def may_control(self, asked: Request, person: Person) -> bool:
        """Return whether a person may pause, resume and stop a list.

        Its requester may, and whoever may decide it or pause calls there.
        """
        return (
            (person.id == asked.requester and self._permissions.ineligible_reason(person) is None)
            or self._permissions.may_decide(asked, person).allowed
            or self._permissions.may_pause(person, asked.connection).allowed
        )

    async def pause(self, request_id: str, person: Person, *, paused: bool, nonce: str) -> Request:
        """Hold the calls of a list back, or let them go on.

        Raises `PermissionDeniedError` or `ConflictError`.
        """
        asked = await self._controlled(request_id, person, "pause")
        note = Annotation(asked.id, LIST_PAUSED if paused else LIST_RESUMED)
        change = ChangeSet(
            asked.id,
            person.id,
            [],
            annotations=[note],
            delivery_key=nonce,
            notifications=[Notification("state", "audit")],
        )
        changed = await self._store.call_lists.set_paused(change, paused=paused)
        self._wakeups.all()
        return changed

    async def stop(self, request_id: str, person: Person, *, nonce: str) -> Request:
        """Request no more rows of a list, and withdraw its requests that are not sent yet.

        Raises `PermissionDeniedError` or `ConflictError`.
        """
        asked = await self._controlled(request_id, person, "stop")
        [record] = asked.actions
        move = Transition(
            record.id,
            STOPPED,
            frozenset({State.APPROVED}),
            State.WITHDRAWN,
            changes={"code": Code.STOPPED},
        )
        posts: list[Notification] = [Notification("state", "audit")]
        if person.id != asked.requester:
            posts.append(Notification("state", f"dm:{asked.requester}"))
        changed = await self._store.call_lists.stop(
            ChangeSet(asked.id, person.id, [move], delivery_key=nonce, notifications=with_card(asked, posts))
        )
        self._wakeups.all()
        return changed

    async def _controlled(self, request_id: str, person: Person, tried: str) -> Request:
        """Return a list that a person may control. Otherwise record the attempt, and raise an error."""
        asked = await self._store.requests.request(request_id)
        if not self.may_control(asked, person):
            denied = replace(self._permissions.may_decide(asked, person), reasons=(sentences.MAY_NOT,))
            await self._permissions.record_denied_attempt(asked, person, tried, denied)
            raise PermissionDeniedError(denied.reasons)
        return asked
