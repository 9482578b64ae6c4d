"""Invariants 3, 4 and 8: a single decision, in a row with a deadline, under the current rules."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from sqlite3 import Connection
from typing import Any

from bot.policy.engine import Decision, Effect
from bot.services.approvals import ApprovalService, content
from bot.services.models import PermissionDeniedError, RequestSpec
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.workers.attempt import Attempts
from bot.workers.dispatcher import Dispatcher
from playground import callkaro
from providers.actions import Outcome, PlaceCall, RequestedAction
from storage.changes import ChangeSet, NewRequest, Recorded
from storage.errors import ConflictError
from storage.models import ActionRecord, PendingRequest, Person, Request
from storage.queries import Query
from storage.repositories import requests
from storage.states import State
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    SECOND,
    BotWorld,
    StepRequests,
)
from tests.integration.seeding import BadConnection, BadLog, Invariant, Seeded
from tests.storage.samples import NUMBER

_ENDS = (["approved"], ["denied"], ["withdrawn"], ["approved", "withdrawn"])
"""Legal ends: an approved action can still be withdrawn until it is sent, and nothing else follows an end."""
ROUNDS = 5
"""Races, enough for each person to win, in any order."""


async def exactly_one_decides(bench: BotWorld) -> None:
    """Check that a single decision wins.

    Two managers approve, one denies and the requester withdraws, in two processes.
    """
    here, there = bench.bot, await bench.start()
    asha, mira, sam = [await here.person(one) for one in (AGENT, MANAGER, SECOND)]
    for number in range(ROUNDS):
        made = await here.ask(CANCEL_BY_ID, delivery_key=f"trigger {number}")
        shown, nonce = content(made), f"nonce {number} "
        everyone = [
            here.approvals.approve(made.id, mira, shown=shown, nonce=nonce + "1"),
            there.approvals.approve(made.id, sam, shown=shown, nonce=nonce + "2"),
            there.approvals.deny(made.id, sam, reason="no", shown=shown, nonce=nonce + "3"),
            here.approvals.withdraw(made.id, asha, delivery_key=f"press {number}"),
        ]
        first = number % len(everyone)
        results = await asyncio.gather(*everyone[first:], *everyone[:first], return_exceptions=True)
        won = [one for one in results if isinstance(one, Request)]
        happened = [event.name for event in await here.store.requests.events(made.id)][1:]
        assert len(won) == len(happened), "a loser was told to have won"
        assert happened in _ENDS, f"{happened} all happened"
        lost = [one.current for one in results if isinstance(one, ConflictError)]
        assert len(lost) == len(results) - len(won)
        assert all(one.state is not State.PENDING for one in lost)


class NoStateInTheMove(BadLog):
    """A bug: changes an action in any state."""

    class bad(BadConnection):  # noqa: N801 - an attribute that is a class
        """A connection that ignores the state."""

        def instead(self, sql: str, parameters: Any) -> tuple[str, Any]:
            """Return the statement without its last condition."""
            asked, condition, _ = sql.partition(" AND state IN")
            return asked, parameters[: asked.count("?")] if condition else parameters


class LoserWins(ApprovalService):
    """A bug: tells everyone that they won."""

    async def _apply(self, change: ChangeSet) -> Request:
        try:
            return await super()._apply(change)
        except ConflictError as conflict:
            return conflict.current


async def a_waiting_request_outlives_its_process(bench: BotWorld) -> None:
    """Check that a pending request survives a crash, can be approved, and is sent."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.crash()
    waiting = (await bench.bot.store.search.page(Query(state=State.PENDING))).actions
    assert [record.id for record in waiting] == [made.id], "a restart forgot who waits"
    await bench.bot.approve(made)
    await bench.bot.run_until_idle()
    assert await bench.effects("voxworks") == ["cancelled"]


class PendingInMemory(StepRequests):
    """A bug: stores decided requests only."""

    async def create(self, new: NewRequest) -> Recorded:
        """Create the request, and delete it again if it is pending."""
        if new.state is not State.PENDING:
            return await super().create(new)

        def make_and_undo(connection: Connection) -> Recorded:
            connection.execute("SAVEPOINT thought")
            thought = requests.create(connection, self._sources, new)
            connection.execute("ROLLBACK TO thought")
            return thought

        return await self._write(make_and_undo)


async def time_runs_out(bench: BotWorld) -> None:
    """Check that an undecided request expires, and its requester is told."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.crash()
    await bench.pass_time(hours=8)
    await bench.bot.run_until_idle()
    await bench.bot.posts()
    assert (await bench.bot.record(made)).state is State.EXPIRED, "nobody looks at the clock"
    [told] = await bench.said("D0AGENT")
    assert "Expired" in told.text


class NobodyLooks(Dispatcher):
    """A bug: lets requests wait for ever."""

    async def _expire(self, request: Request) -> None:
        pass


async def nobody_decides_too_late(bench: BotWorld) -> None:
    """Check that a request cannot be approved at its deadline, even before it is marked as expired."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.pass_time(hours=8)
    assert "It expired" in await _told_no(bench.bot.approve(made)), "it was approved after its time"


async def _told_no(doing: Awaitable[object]) -> str:
    """Return the reason of a denied permission, or an empty text."""
    try:
        await doing
    except PermissionDeniedError as no:
        return str(no)
    return ""


class NoDeadline(ApprovalService):
    """A bug: accepts a decision at any time."""

    def _check_in_time(self, request: Request) -> None:
        pass


async def now_does_not_mean_hours_later(bench: BotWorld) -> None:
    """Check that a call for now, which could not be sent while nothing ran, is not placed hours later."""
    made = await bench.bot.ask(PLACE)
    await bench.pass_time(hours=3)
    await bench.crash()
    await bench.bot.run_until_idle()
    assert not await bench.asked("callkaro"), "a phone rang hours later"
    assert (await bench.bot.record(made)).state is State.EXPIRED


class NeverTooLate(Attempts):
    """A bug: sends every approved action."""

    async def _too_late(self, request: Request, record: ActionRecord) -> bool:  # noqa: ARG002 - the bug
        return False


async def nothing_is_cancelled_once_it_went_out(bench: BotWorld) -> None:
    """Check that an approved cancellation that misses its call is not sent, and is no success."""
    at = bench.clock().replace(microsecond=0) + timedelta(hours=1)
    await bench.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    await bench.bot.run_until_idle()
    made = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.pass_time(hours=1)
    await bench.bot.run_until_idle()
    assert len(await bench.asked("callkaro")) == 1, "a call that rang was cancelled"
    assert (await bench.bot.record(made)).state is State.EXPIRED


class AnyTimeWillDo(Attempts):
    """A bug: cancels calls that went out, and believes every answer."""

    async def _is_over(self, request: Request, record: ActionRecord) -> bool:  # noqa: ARG002 - the bug
        return False

    async def _believed(self, request: Request, record: ActionRecord, outcome: Outcome) -> Outcome:  # noqa: ARG002 - too
        return outcome


async def strangers_ask_for_nothing(bench: BotWorld) -> None:
    """Check that guests, external people, bots and deactivated users are refused, and that the log has it."""
    strangers = ("U0GUEST", "U0STRANGER", "U0BOT", "U0GONE")
    for person in strangers:
        assert await _told_no(bench.bot.ask(PLACE, by=person, delivery_key=person)), (
            "a stranger asked for a call"
        )
    assert [one.state for one in await bench.bot.actions()] == [State.REFUSED] * len(strangers)


class EverybodyAsks(Permissions):
    """A bug: treats everyone as a full member."""

    def may_ask(self, spec: RequestSpec, person: Person, *, channel: str | None) -> Decision:
        """Ask the rules about somebody else."""
        return super().may_ask(spec, replace(person, guest=False), channel=channel)


async def only_others_who_are_entitled_decide(bench: BotWorld) -> None:
    """Check that neither the requester nor an onlooker can approve, whatever they are shown."""
    made = await bench.bot.ask(CANCEL_BY_ID, by=MANAGER)
    for person in (MANAGER, "U0AUDITOR"):
        assert await _told_no(bench.bot.approve(made, by=person)), "somebody approved who may not"
    assert (await bench.bot.record(made)).state is State.PENDING


class EverybodyDecides(Permissions):
    """A bug: ignores who decides."""

    def may_decide(self, request: Request | PendingRequest, person: Person) -> Decision:  # noqa: ARG002 - the bug
        """Allow everybody."""
        return Decision(Effect.ALLOW, ())


async def rules_hold_until_the_send(bench: BotWorld) -> None:
    """Check that nothing is sent for a requester who became a guest, or after an approver left."""
    for number, person in enumerate((AGENT, MANAGER), start=1):
        made = await bench.bot.approve(await bench.bot.ask(CANCEL_BY_ID, delivery_key=person))
        known = await bench.bot.person(person)
        await bench.bot.store.users.keep_person(replace(known, guest=True))
        await bench.bot.run_until_idle()
        assert not await bench.asked("voxworks"), "it was sent for somebody who may not any more"
        assert (await bench.bot.record(made)).state is State.REFUSED, number
        await bench.bot.store.users.keep_person(known)


class RulesOnlyOnce(Attempts):
    """A bug: never checks a permission again."""

    async def _check_rules(self, request: Request, record: ActionRecord) -> None:
        pass


async def an_approval_is_for_one_agent(bench: BotWorld) -> None:
    """Check that an approval does not cover another agent under the same name."""
    made = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.crash(**{callkaro.AGENT: callkaro.OTHER_AGENT})
    await bench.bot.run_until_idle()
    assert not await bench.asked("callkaro"), "it was sent to another agent than the one that was approved"
    record = await bench.bot.record(made)
    assert record.state is State.REFUSED
    assert "request it again" in (record.message or "")


class Unbound(Preconditions):
    """A bug: binds a request to nothing."""

    def fingerprint(self, connection: str, action: RequestedAction) -> str:  # noqa: ARG002 - the bug
        """Return a constant."""
        return ""


ONE_WINS = Invariant(
    3,
    [exactly_one_decides],
    [
        Seeded(exactly_one_decides, NoStateInTheMove, "all happened"),
        Seeded(exactly_one_decides, LoserWins, "a loser"),
    ],
)
KEPT = Invariant(
    4,
    [
        a_waiting_request_outlives_its_process,
        time_runs_out,
        nobody_decides_too_late,
        now_does_not_mean_hours_later,
        nothing_is_cancelled_once_it_went_out,
    ],
    [
        Seeded(a_waiting_request_outlives_its_process, PendingInMemory, "forgot"),
        Seeded(time_runs_out, NobodyLooks, "nobody looks"),
        Seeded(nobody_decides_too_late, NoDeadline, "after its time"),
        Seeded(now_does_not_mean_hours_later, NeverTooLate, "hours later"),
        Seeded(nothing_is_cancelled_once_it_went_out, AnyTimeWillDo, "that rang"),
    ],
)
RULES_ASKED_AGAIN = Invariant(
    8,
    [
        strangers_ask_for_nothing,
        only_others_who_are_entitled_decide,
        rules_hold_until_the_send,
        an_approval_is_for_one_agent,
    ],
    [
        Seeded(strangers_ask_for_nothing, EverybodyAsks, "a stranger"),
        Seeded(only_others_who_are_entitled_decide, EverybodyDecides, "who may not"),
        Seeded(rules_hold_until_the_send, RulesOnlyOnce, "may not any more"),
        Seeded(an_approval_is_for_one_agent, Unbound, "another agent"),
    ],
)
