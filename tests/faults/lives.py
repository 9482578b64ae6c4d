"""Random histories of actions over the real store, dispatcher, services and outbox, under all faults.

This is a `hypothesis` state machine. People ask, repeat, decide, withdraw and settle. The dispatcher runs
while a provider answers, fails, falls silent or cannot be reached. Processes die or stop at labelled steps,
the clock goes both ways, and Slack accepts posts or not. After every step each rule below is checked against
the providers' journal, and a finished history is judged.
"""

import asyncio
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import gettempdir, mkdtemp
from typing import Any, ClassVar, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from bot.services.models import PermissionDeniedError, Settlement
from bot.text.interactions import Evidence
from bot.workers.attempt import NOW_MEANS
from playground.journal import Asked
from providers.actions import Kind
from storage.errors import ConflictError
from storage.event_log.hash_chain import GENESIS
from storage.maintenance.verification import verify
from storage.repositories.brake import PAUSABLE
from storage.states import State, check, onward
from tests.faults.crew import ADDRESSES, KINDS, BotDriver, adapters_for, aim, crew, offline, put_there
from tests.faults.inline import open_inline
from tests.faults.judging import ORDERS, Channels, Claim, Judgement, Seen, has_effect, judge, mark_of
from tests.faults.standins import AUDIT, Providers, SmallSlack, Wire
from tests.integration.bench import MANAGER, Crash, Parts, StepLog
from tests.storage.samples import NOON, Clock

Result = TypeVar("Result")

IN_MEMORY: Final = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(gettempdir())  # noqa: S108 - each run has a folder of its own there
WISHES: Final = (*KINDS, "place", "mistyped", "mistyped campaign")
STEPS: Final = (
    "before sending",
    "after sending",
    "before hold",
    "after hold",
    "asked",
    "asked",
    "asked",
    "before outcome",
    "after outcome",
)
FAULTS: Final = (
    None,
    None,
    None,
    None,
    "refused",
    "lost before",
    "lost after",
    "server_error",
    "rate_limited",
)
PAUSES: Final = (None, "reminders")
"""What is paused: all calls, or those of a connection."""
STAYS: Final = (True, False, False, False)
"""Whether a pause outlasts its step, seldom enough that most steps are without one."""
STALLS: Final = ("after sending", "after hold", "before outcome")
SECONDS: Final = (1, 2, 3, 10, 31, 31, 61, 61, 600, -5, -60, -3600)
NIGHT: Final = 30_000
LONGEST_WAIT: Final = timedelta(hours=8, minutes=1)
MOST: Final = 5
"""Actions in a history: few, so that most steps concern one in progress."""
YIELDS: Final = 30
"""Turns of the event loop until a run without threads and sockets is finished."""
VERIFIED: Final = 10
"""Interval at which histories are verified by `log verify`. Each is checked link by link as it runs."""


class RandomHistory(RuleBasedStateMachine):
    """Any events in any order: nothing lost, nothing twice, nothing made up."""

    parts: ClassVar[Parts] = Parts()
    coverage: ClassVar[Counter[str]] = Counter()
    totals: ClassVar[Counter[str]] = Counter()
    _template: ClassVar[Path | None] = None

    requests = Bundle("requests")
    stopped = Bundle("stopped")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(mkdtemp(dir=IN_MEMORY, prefix="callops-lives-"))
        self.path = self.folder / "log.db"
        self.clock, self.latest = Clock(), NOON
        self.chance = Random(7)  # noqa: S311 - ids and salts that are the same each time
        self.providers = Providers(self.clock)
        self.wire = Wire()
        self.wire.providers, self.wire.asked = self.providers, self.asked
        self.wire.hosts = {address.removeprefix("http://"): name for name, address in ADDRESSES.items()}
        self.calls: list[Any] = []
        self.slack = SmallSlack(self.calls.append)
        self.numbers = 0
        self.deliveries: dict[str, tuple[str, int]] = {}
        self.made: dict[str, str] = {}
        self.by_mark: dict[str, str] = {}
        self.opened: list[StepLog] = []
        self.crews: list[BotDriver] = []
        self.rounds: dict[int, asyncio.Task[bool]] = {}
        """Unfinished runs of the stopped processes."""
        self.events, self.lines, self.head = 0, 0, GENESIS
        self.states: dict[str, State] = {}
        self.history: dict[str, list[str]] = {}
        self.moved: dict[str, list[int]] = {}
        self.maybe_executed: set[str] = set()
        self.sendings: Counter[str] = Counter()
        self.requested: Counter[str] = Counter()
        self.dies_when_asked = False
        self.faults: list[str] = []
        self.excused: set[str] = set()
        """Actions in sending when a process stopped after its last check, which nothing can stop any more."""
        self.renewed: set[tuple[str, int]] = set()
        """Attempts whose process stopped after its last check, at a time without a pause of their connection."""
        self.was_paused = False
        self.claimed: set[tuple[str, int]] = set()
        """Attempts whose process stopped before that."""
        self.adapters = adapters_for(offline(), self.clock, self.wire)
        self._start_from_template()
        self.own = sqlite3.connect(self.path, isolation_level=None)
        self.own.row_factory = sqlite3.Row
        self.run(self.start())

    def _start_from_template(self) -> None:
        """Copy a prepared file, because preparing one takes longer than a history."""
        if RandomHistory._template is None or not RandomHistory._template.exists():
            RandomHistory._template = Path(mkdtemp(dir=IN_MEMORY, prefix="callops-template-")) / "empty.db"
            log = open_inline(Parts(), RandomHistory._template, self.clock, self.chance)
            self.run(log.close())
        shutil.copyfile(RandomHistory._template, self.path)

    def run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        """Await something in this history's own event loop."""
        return self.runner.run(doing)

    async def start(self) -> BotDriver:
        """Start a process, which is the live one from now on."""
        log = open_inline(self.parts, self.path, self.clock, self.chance)
        self.opened.append(log)
        made = crew(
            log,
            offline(),
            self.adapters,
            self.slack,
            owner=f"bot {len(self.crews)}",
            clock=self.clock,
            parts=self.parts,
        )
        await made.directory.refresh_groups()
        self.crews.append(made)
        return made

    @property
    def bot(self) -> BotDriver:
        """The live process."""
        return self.crews[-1]

    @property
    def log(self) -> StepLog:
        """The log of the live process."""
        return self.opened[-1]

    async def asked(self, text: str) -> None:
        """Check, as soon as a provider has read a request, that the request is allowed."""
        action = next((action for mark, action in self.by_mark.items() if mark in text), None)
        if action is None:
            self.faults.append(f"a request for nothing that was accepted: {text}")
            return
        row = self.own.execute("SELECT kind, attempt, state FROM actions WHERE id = ?", [action]).fetchone()
        before = sum(
            isinstance(line, Asked)
            and has_effect(line.method, line.target)
            and self.action_of(line) == action
            for line in self.providers.recorder._lines
        )
        if row["attempt"] < before:
            self.faults.append(f"{action}: request {before} was sent before attempt {before} was committed")
        if row["state"] != State.SENDING and action not in self.excused:
            self.faults.append(
                f"{action} was sent by somebody who does not own it any more: it is {row['state']}"
            )
        if (action, row["attempt"]) not in self.renewed and self._is_paused(action):
            self.faults.append(f"{action} was sent during a pause")
        self._begun_in_time(action, row["kind"])
        if self.dies_when_asked:
            self.dies_when_asked = False
            self.coverage["crashes after send"] += 1
            await self.log.die()
            raise Crash

    def action_of(self, line: Asked) -> str:
        """Return the action that a request is about."""
        text = f"{line.target} {line.body}"
        return next(action for mark, action in self.by_mark.items() if mark in text)

    def _is_paused(self, action: str) -> bool:
        """Return whether people paused an action, by its row and theirs."""
        query = (
            "SELECT kind FROM actions WHERE id = ? AND EXISTS "
            "(SELECT 1 FROM pauses WHERE pauses.connection IN ('', actions.connection))"
        )
        found = self.own.execute(query, [action]).fetchone()
        return found is not None and found["kind"] in PAUSABLE

    def _sending(self) -> set[tuple[str, int]]:
        """Return the attempts that are being sent, each with its action."""
        rows = self.own.execute("SELECT id, attempt FROM actions WHERE state = 'sending'")
        return {(row["id"], row["attempt"]) for row in rows}

    def _begun_in_time(self, action: str, kind: str) -> None:
        """Record a fault if an action waited too long after approval: "now" does not mean hours later."""
        query = "SELECT at FROM events WHERE action = ? AND json_extract(data, '$.state') IS NOT NULL AND seq <= (SELECT max(seq) FROM events WHERE action = ? AND name = 'sending') ORDER BY seq DESC LIMIT 2"
        times = self.own.execute(query, [action, action]).fetchall()
        if not times:
            return
        waited = (
            times[0]["at"] - times[-1]["at"]
        )  # time of the claim, since nothing can stop a process after its last check
        longest = NOW_MEANS if kind == Kind.PLACE_CALL else LONGEST_WAIT
        if waited > longest // timedelta(microseconds=1):
            self.faults.append(f"{action} was begun {waited // 1_000_000} s after it was approved")

    # -- actions of people

    @precondition(lambda self: self.numbers < MOST)
    @rule(target=requests, kind=st.sampled_from(WISHES))
    def ask(self, kind: str) -> str:
        """Create a new request as a person."""
        return self._new(kind)

    def _new(self, kind: str) -> str:
        self.numbers += 1
        put_there(self.providers, kind, self.numbers)
        return self._ask(f"{kind} {self.numbers}", kind, self.numbers)

    @precondition(lambda self: self.numbers < MOST)
    @rule(target=requests, kind=st.sampled_from(WISHES))
    def ask_and_approve(self, kind: str) -> str:
        """Create a new request as a person, and approve it at once."""
        return self._new_and_approved(kind)

    def _new_and_approved(self, kind: str) -> str:
        request = self._new(kind)
        self.run(self._decide(request, "approve"))
        return request

    @rule(request=requests)
    def ask_again(self, request: str) -> None:
        """Deliver the same request again, as Slack may."""
        delivery_key = self.made[request]
        self.coverage["duplicate deliveries"] += 1
        assert self._ask(delivery_key, *self.deliveries[delivery_key]) == request, (
            "the same delivery was two requests"
        )

    def _ask(self, delivery_key: str, kind: str, number: int) -> str:
        action = aim(kind, number)
        request, fresh = self.run(self.bot.ask(action, delivery_key))
        assert fresh == (delivery_key not in self.deliveries), f"{delivery_key} was recorded twice"
        self.deliveries[delivery_key] = (kind, number)
        self.made[request.id] = delivery_key
        self.by_mark[mark_of(action)] = request.id
        return request.id

    @rule(request=requests, how=st.sampled_from(["approve", "approve", "approve", "deny", "take back"]))
    def decide(self, request: str, how: str) -> None:
        """Decide as a person, perhaps too late, perhaps twice."""
        self.run(self._decide(request, how))

    async def _decide(self, request: str, how: str) -> None:
        stands = await self.log.requests.request(request)
        try:
            match how:
                case "approve":
                    await self.bot.approve(stands)
                case "deny":
                    await self.bot.deny(stands)
                case _:
                    await self.bot.withdraw(stands, f"back {request}")
        except (ConflictError, PermissionDeniedError):
            self.coverage["decided too late"] += 1

    @rule(request=requests, how=st.sampled_from(["approve", "deny", "send"]))
    def be_late(self, request: str, how: str) -> None:
        """Let a night pass, then decide or send in the morning."""
        self.move_clock(NIGHT)
        if how == "send":
            self.run(self.bot.run_until_idle())
        else:
            self.run(self._decide(request, how))

    @rule(request=requests, how=st.sampled_from(sorted(Settlement)))
    def settle(self, request: str, how: Settlement) -> None:
        """Record an unknown outcome as a person, or order another attempt."""

        async def settle() -> None:
            person = await self.bot.directory.get_user(MANAGER)
            nonce = f"{how} {request} {self.events}"
            try:
                await self.bot.approvals.settle(
                    request, person, how, evidence=Evidence.SCREEN, reason="I looked", nonce=nonce
                )
            except (ConflictError, PermissionDeniedError):
                return
            self.coverage["settled"] += 1

        self.run(settle())

    @precondition(lambda self: self.numbers)
    @rule(name=st.sampled_from(PAUSES), fault=st.sampled_from(FAULTS), stays=st.sampled_from(STAYS))
    def pause(self, name: str | None, fault: str | None, *, stays: bool) -> None:
        """Pause calls as a person, run the dispatcher, and resume unless the pause stays."""
        once = f"pause {self.events}"
        self.run(self.log.pauses.pause(name, actor=MANAGER, reason="why", until=None, nonce=once))
        self.was_paused = True
        self.coverage["pauses"] += 1
        self.go_round(fault)
        if not stays:
            self.resume()

    @precondition(lambda self: self.was_paused)
    @rule()
    def resume(self) -> None:
        """End every pause as a person."""
        for one in self.run(self.log.pauses.active(self.clock.now)):
            self.run(self.log.pauses.resume(one.connection, actor=MANAGER))
            self.coverage["resumes"] += 1

    # -- events of processes, clock and Slack

    @rule(fault=st.sampled_from(FAULTS))
    def go_round_again(self, fault: str | None) -> None:
        """Run the dispatcher a moment later, so that delayed actions have their turn."""
        self.move_clock(10)
        self.go_round(fault)

    @rule(fault=st.sampled_from(FAULTS))
    def go_round(self, fault: str | None) -> None:
        """Run the dispatcher while the providers have this fault."""
        self.wire.fault = fault
        self.run(self.bot.run_until_idle())
        self.wire.fault = None

    @precondition(lambda self: self.numbers < MOST)
    @rule(
        target=requests,
        kind=st.sampled_from(WISHES),
        step=st.sampled_from(STEPS),
        fault=st.sampled_from(FAULTS),
    )
    def crash(self, kind: str, step: str, fault: str | None) -> str:
        """Ask, acknowledge, and let the process die at this step, if it reaches it."""
        request = self._new_and_approved(kind)
        self.run(self.bot.posts())
        self.run(self._crash(step, fault))
        return request

    async def _crash(self, step: str, fault: str | None) -> None:
        self.wire.fault, dying = fault, self.log
        if step == "asked":
            self.dies_when_asked = True
        for label in _labels(step):
            dying.at[label] = dying.die
        await self._round_of(self.bot)
        if not dying.dead:
            await dying.die()
        else:
            self.coverage[f"died {step}"] += 1
        self.dies_when_asked, self.wire.fault = False, None
        await self.start()

    async def _round_of(self, bot: BotDriver) -> None:
        try:
            await bot.dispatcher.run_once()
            await bot.dispatcher.finish(timedelta(seconds=10))
        except Crash:
            pass

    @precondition(lambda self: self.numbers < MOST)
    @rule(target=stopped, kind=st.sampled_from(WISHES), step=st.sampled_from(STALLS))
    def stop(self, kind: str, step: str) -> tuple[int, asyncio.Event]:
        """Ask, and stop the process at this step. Another one is live from now on."""
        self._new_and_approved(kind)
        awake = asyncio.Event()
        sleeping = self.log

        async def sleep() -> None:
            self.coverage["stalls"] += 1
            if step == "after hold":
                self.excused |= {action for action, _ in self._sending()}
                self.renewed |= {one for one in self._sending() - self.claimed if not self._is_paused(one[0])}
            elif step == "after sending":
                self.claimed |= self._sending()
            await awake.wait()

        async def go() -> None:
            for label in _labels(step):
                sleeping.at[label] = sleep
            self.rounds[len(self.crews) - 1] = asyncio.create_task(self.bot.dispatcher.run_once())
            for _ in range(YIELDS):
                await asyncio.sleep(0)
            await self.start()

        self.run(go())
        return len(self.crews) - 2, awake

    @rule(who=consumes(stopped))
    def wake(self, who: tuple[int, asyncio.Event]) -> None:
        """Let the stopped process continue as if nothing had happened, and end."""
        number, awake = who

        async def go() -> None:
            awake.set()
            await self.rounds[number]
            await self.crews[number].dispatcher.finish(timedelta(seconds=10))
            await self.opened[number].die()

        self.run(go())

    @rule(seconds=st.sampled_from(SECONDS))
    def move_clock(self, seconds: int) -> None:
        """Move the clock forward or back."""
        self.clock.move(seconds=seconds)
        self.latest = max(self.latest, self.clock.now)

        async def groups() -> None:
            await self.bot.directory.refresh_groups()

        self.run(groups())

    @rule(fails=st.sampled_from((None, None, "before", "after", "ratelimited")))
    def post(self, fails: str | None) -> None:
        """Let the outbox post what is due, while Slack's first call has this fault."""
        left = [fails] if fails else []
        self.slack.fails = lambda method: left.pop() if left and method.startswith("chat.") else None
        self.run(self.bot.posts())

    # -- invariants

    @invariant()
    def nothing_is_broken(self) -> None:
        """Check that all changes since the last step are legal, linked, in the rows, and were ordered."""
        touched = self._read_events()
        for line in self.providers.recorder._lines[self.lines :]:
            if isinstance(line, Asked) and has_effect(line.method, line.target):
                action = self.action_of(line)
                self.requested[action] += 1
                touched.add(action)
                self.coverage["sends"] += 1
        self.lines = len(self.providers.recorder._lines)
        for action in touched:
            row = self.own.execute(
                "SELECT state, attempt, maybe_executed, owner FROM actions WHERE id = ?", [action]
            ).fetchone()
            state = self.states[action]
            assert (row["state"], row["attempt"]) == (state, self.sendings[action]), (
                f"{action}: its row says otherwise"
            )
            assert (row["owner"] is not None) == (state is State.SENDING)
            assert bool(row["maybe_executed"]) == (action in self.maybe_executed)
            orders = bool(self.sendings[action]) + sum(name in ORDERS for name in self.history[action])
            assert self.requested[action] <= min(orders, self.sendings[action]), f"{action}: duplicated"
            by_people = Settlement.HAPPENED.value in self.history[action]
            if state is State.SUCCEEDED and not by_people:
                assert self.requested[action], f"{action}: succeeded without a request"
                assert "mistyped" not in self.made[action], f"{action}: succeeded with what was never there"
        assert not self.faults, self.faults

    def _read_events(self) -> set[str]:
        touched = set()
        for event in self.own.execute("SELECT * FROM events WHERE seq > ? ORDER BY seq", [self.events]):
            assert (event["seq"], event["previous"]) == (self.events + 1, self.head), "the chain is broken"
            self.events, self.head = event["seq"], event["hash"]
            action, data, name = event["action"], json.loads(event["data"]), event["name"]
            self.history.setdefault(action, []).append(name)
            if "state" not in data:
                continue
            touched.add(action)
            before, after = self.states.get(action), State(data["state"])
            check(before, after)
            if before is not None:
                assert after in onward(before, maybe_executed=action in self.maybe_executed)
            self.states[action] = after
            if data.get("maybe_executed"):
                self.maybe_executed.add(action)
            self.sendings[action] += name == "sending"
            self.coverage[name] += 1
            if before is State.SENDING and "CallOps stopped before" in (data.get("message") or ""):
                self.coverage["reaps"] += 1
            self._check_time(event, before, after, name)
        return touched

    def _check_time(self, event: sqlite3.Row, before: State | None, after: State, name: str) -> None:
        """Check that nobody decided after the deadline, and nothing expired before it."""
        row = self.own.execute("SELECT decide_by FROM requests WHERE id = ?", [event["request"]]).fetchone()
        if before is State.PENDING and row["decide_by"]:
            if after is State.EXPIRED:
                assert event["at"] >= row["decide_by"], "expired before its time"
            elif name in {"approved", "denied"}:
                assert event["at"] < row["decide_by"], "decided after its time"

    def teardown(self) -> None:
        """Recover, let two lease periods pass, drain, and judge."""
        try:
            self.run(self._recover())
            self.nothing_is_broken()
            judgement = self.run(self._judge())
            assert judgement.clean, f"{judgement}"
            for name in ("accepted", "sent", "unknown", "again"):
                self.totals[name] += getattr(judgement, name)
            self.totals["lives"] += 1
            if self.totals["lives"] % VERIFIED == 0:
                assert not verify(self.path).faults
        finally:
            self.own.close()
            for log in self.opened:
                self.run(log.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    async def _recover(self) -> None:
        await self.log.die()
        for task in self.rounds.values():
            task.cancel()
        await asyncio.gather(*self.rounds.values(), return_exceptions=True)
        for bot in self.crews:
            for sending in bot.dispatcher._in_flight.values():
                sending.cancel()
            await bot.dispatcher.finish(timedelta(seconds=1))
        self.wire.fault, self.slack.fails = None, lambda _: None
        self.clock.now = max(self.latest, self.clock.now)
        bot = await self.start()
        for pause in await self.log.pauses.active(self.clock.now):
            await self.log.pauses.resume(pause.connection, actor=MANAGER)
        for _ in range(4):
            self.clock.move(seconds=31)
            await bot.run_until_idle()
            await bot.drain(self.clock.move)
        self.clock.move(minutes=6)
        for _ in range(2):  # after an outage one request goes first, and the others follow
            await bot.run_until_idle()
            await bot.drain(self.clock.move)
            self.clock.move(seconds=1)

    async def _judge(self) -> Judgement:
        claims = []
        for request, delivery_key in self.made.items():
            record = (await self.log.requests.request(request)).actions[0]
            assert record.action
            claims.append(
                Claim(record, mark_of(aim(*self.deliveries[delivery_key])), self.history[record.id])
            )
        seen = Seen(self.providers.journal, self.by_mark)
        return judge(claims, seen, Channels(self.calls, AUDIT), heard=self.made)


def _labels(step: str) -> tuple[str, ...]:
    """Return the labels of the log's steps that match a step of a history."""
    when, _, what = step.partition(" ")
    if what != "outcome":
        return (step,)
    return tuple(f"{when} {name}" for name in ("succeeded", "failed", "unknown", "retry_scheduled"))


def forget() -> None:
    """Delete the file that others were copied from."""
    if RandomHistory._template:
        shutil.rmtree(RandomHistory._template.parent, ignore_errors=True)
        RandomHistory._template = None
