"""Invariants 3, 4 and 8: one decision, kept in a row with a deadline, under the rules as they are now."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from sqlite3 import Connection
from typing import Any

from bot.policy.engine import Decision, Effect
from bot.services.approvals import ApprovalService, content
from bot.services.models import NotAllowed, Wish
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.workers.attempt import Attempts
from bot.workers.dispatcher import Dispatcher
from playground import callkaro
from providers.actions import CallAction, Outcome, PlaceCall
from storage.changes import Change, NewRequest, Recorded
from storage.errors import Conflict
from storage.models import LogEntry, Person, Query, Request, Waiting
from storage.repositories import requests
from storage.states import State
from tests.integration.bench import (
    AGENT,
    CANCEL_BY_ID,
    CANCEL_BY_NUMBER,
    MANAGER,
    PLACE,
    SECOND,
    Bench,
    StepRequests,
)
from tests.integration.seeding import BadConnection, BadLog, Invariant, Seeded
from tests.storage.samples import NUMBER

_ENDS = (["approved"], ["denied"], ["withdrawn"], ["approved", "withdrawn"])
"""What was approved can still be taken back until it is sent; nothing else follows anything."""
ROUNDS = 5
"""How often everybody decides at once: enough for each to win, in one order or another."""


async def exactly_one_decides(bench: Bench) -> None:
    """Two managers approve, one denies and the requester takes back, in two processes: one of them wins."""
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
        happened = [event.name for event in await here.log.requests.events(made.id)][1:]
        assert len(won) == len(happened), "a loser was told to have won"
        assert happened in _ENDS, f"{happened} all happened"
        lost = [one.current for one in results if isinstance(one, Conflict)]
        assert len(lost) == len(results) - len(won)
        assert all(one.state is not State.PENDING for one in lost)


class NoStateInTheMove(BadLog):
    """Moves an entry wherever it stands."""

    class bad(BadConnection):  # noqa: N801 - an attribute that is a class
        """Asks for no state."""

        def instead(self, sql: str, parameters: Any) -> tuple[str, Any]:
            """The statement without its last condition."""
            asked, condition, _ = sql.partition(" AND state IN")
            return asked, parameters[: asked.count("?")] if condition else parameters


class LoserWins(ApprovalService):
    """Tells everyone that it was them."""

    async def _apply(self, change: Change) -> Request:
        try:
            return await super()._apply(change)
        except Conflict as conflict:
            return conflict.current


async def a_waiting_request_outlives_its_process(bench: Bench) -> None:
    """What waits for a manager is there after a crash, can be approved, and is sent."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.crash()
    waiting = (await bench.bot.log.search.page(Query(state=State.PENDING))).entries
    assert [entry.id for entry in waiting] == [made.id], "a restart forgot who waits"
    await bench.bot.approve(made)
    await bench.bot.rounds()
    assert await bench.effects("voxworks") == ["cancelled"]


class PendingInMemory(StepRequests):
    """Writes down only what is decided."""

    async def record(self, new: NewRequest) -> Recorded:
        """Make the request, and undo it again where it waits."""
        if new.state is not State.PENDING:
            return await super().record(new)

        def make_and_undo(connection: Connection) -> Recorded:
            connection.execute("SAVEPOINT thought")
            thought = requests.record(connection, self._sources, new)
            connection.execute("ROLLBACK TO thought")
            return thought

        return await self._write(make_and_undo)


async def time_runs_out(bench: Bench) -> None:
    """What nobody decided in time is over, and its requester is told."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.crash()
    await bench.pass_time(hours=8)
    await bench.bot.rounds()
    await bench.bot.posts()
    assert (await bench.bot.entry(made)).state is State.EXPIRED, "nobody looks at the clock"
    [told] = await bench.said("D0AGENT")
    assert "Time ran out" in told.text


class NobodyLooks(Dispatcher):
    """Lets requests wait for ever."""

    async def _expire(self, request: Request) -> None:
        pass


async def nobody_decides_too_late(bench: Bench) -> None:
    """At its deadline a request can be approved no more, even before the machine has said so."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.pass_time(hours=8)
    assert "Time ran out" in await _told_no(bench.bot.approve(made)), "it was approved after its time"


async def _told_no(doing: Awaitable[object]) -> str:
    """Why somebody may not do something; empty where they may."""
    try:
        await doing
    except NotAllowed as no:
        return str(no)
    return ""


class NoDeadline(ApprovalService):
    """Takes a decision at any time."""

    def _check_in_time(self, request: Request) -> None:
        pass


async def now_does_not_mean_hours_later(bench: Bench) -> None:
    """A call for now that could not be sent, because nothing ran, does not ring when something runs again."""
    made = await bench.bot.ask(PLACE)
    await bench.pass_time(hours=3)
    await bench.crash()
    await bench.bot.rounds()
    assert not await bench.asked("callkaro"), "a phone rang hours later"
    assert (await bench.bot.entry(made)).state is State.EXPIRED


class NeverTooLate(Attempts):
    """Sends whatever is approved."""

    async def _too_late(self, request: Request, entry: LogEntry) -> bool:  # noqa: ARG002 - the bug
        return False


async def nothing_is_cancelled_once_it_went_out(bench: Bench) -> None:
    """What is approved and cannot be sent before its call goes out is not sent, and is no success."""
    at = bench.clock().replace(microsecond=0) + timedelta(hours=1)
    await bench.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at), delivery_key="call")
    await bench.bot.rounds()
    made = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.pass_time(hours=1)
    await bench.bot.rounds()
    assert len(await bench.asked("callkaro")) == 1, "a call that rang was cancelled"
    assert (await bench.bot.entry(made)).state is State.EXPIRED


class AnyTimeWillDo(Attempts):
    """Cancels what went out, and believes every answer."""

    async def _is_over(self, request: Request, entry: LogEntry) -> bool:  # noqa: ARG002 - the bug
        return False

    async def _believed(self, request: Request, entry: LogEntry, outcome: Outcome) -> Outcome:  # noqa: ARG002 - too
        return outcome


async def strangers_ask_for_nothing(bench: Bench) -> None:
    """Guests, strangers, bots and people who left are refused, and the log has it."""
    strangers = ("U0GUEST", "U0STRANGER", "U0BOT", "U0GONE")
    for person in strangers:
        assert await _told_no(bench.bot.ask(PLACE, by=person, delivery_key=person)), (
            "a stranger asked for a call"
        )
    assert [one.state for one in await bench.bot.entries()] == [State.REFUSED] * len(strangers)


class EverybodyAsks(Permissions):
    """Sees a full member in everyone."""

    def may_ask(self, wish: Wish, person: Person, *, channel: str | None) -> Decision:
        """Ask the rules about somebody else."""
        return super().may_ask(wish, replace(person, guest=False), channel=channel)


async def only_others_who_are_entitled_decide(bench: Bench) -> None:
    """Neither the requester nor an onlooker can approve, whatever they are shown."""
    made = await bench.bot.ask(CANCEL_BY_ID, by=MANAGER)
    for person in (MANAGER, "U0AUDITOR"):
        assert await _told_no(bench.bot.approve(made, by=person)), "somebody approved who may not"
    assert (await bench.bot.entry(made)).state is State.PENDING


class EverybodyDecides(Permissions):
    """Does not ask who decides."""

    def may_decide(self, request: Request | Waiting, person: Person) -> Decision:  # noqa: ARG002 - the bug
        """Let everybody."""
        return Decision(Effect.ALLOW, ())


async def rules_hold_until_the_send(bench: Bench) -> None:
    """Who became a guest after the approval is sent nothing for; nor is what a manager approved who left."""
    for number, person in enumerate((AGENT, MANAGER), start=1):
        made = await bench.bot.approve(await bench.bot.ask(CANCEL_BY_ID, delivery_key=person))
        known = await bench.bot.person(person)
        await bench.bot.log.users.keep_person(replace(known, guest=True))
        await bench.bot.rounds()
        assert not await bench.asked("voxworks"), "it was sent for somebody who may not any more"
        assert (await bench.bot.entry(made)).state is State.REFUSED, number
        await bench.bot.log.users.keep_person(known)


class RulesOnlyOnce(Attempts):
    """Believes that what was allowed is allowed."""

    async def _check_rules(self, request: Request, entry: LogEntry) -> None:
        pass


async def an_approval_is_for_one_agent(bench: Bench) -> None:
    """When the name of an agent means another one since, what was approved for the first is not sent."""
    made = await bench.bot.approved(CANCEL_BY_NUMBER)
    await bench.crash(**{callkaro.AGENT: callkaro.OTHER_AGENT})
    await bench.bot.rounds()
    assert not await bench.asked("callkaro"), "it was sent to another agent than the one that was approved"
    entry = await bench.bot.entry(made)
    assert entry.state is State.REFUSED
    assert "ask again" in (entry.message or "")


class Unbound(Preconditions):
    """Binds a request to nothing."""

    def fingerprint(self, connection: str, action: CallAction) -> str:  # noqa: ARG002 - the bug
        """Always the same."""
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
