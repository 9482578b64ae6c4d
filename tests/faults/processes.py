"""Processes that are killed: their work, their shared clock, and how each is started and awaited.

They come from a fork server with all imports done. Their steps are labelled by wrapping the bot's parts - the
log, the transport of its adapters, its Slack client - so that production code has no hooks.
"""

import asyncio
import mmap
import multiprocessing
import os
import signal
import struct
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import httpx
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.services.models import PermissionDeniedError
from bot.workers.loop import PeriodicTask
from bot.workers.outbox import Outbox
from storage.changes import ChangeSet, NewRequest, Recorded
from storage.database.repository import Database
from storage.errors import ConflictError
from storage.models import MessageRef, OutboxItem, Request
from storage.repositories import outbox as posts
from storage.repositories.requests import Requests
from storage.states import State
from storage.store import Store
from tests.faults.crew import BotDriver, adapters_for, aim, crew, settings_for
from tests.faults.judging import has_effect
from tests.faults.standins import Lines, SmallSlack
from tests.integration.bench import Parts
from tests.storage.samples import KEY, NOON

_SERVER: Final = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__])
_MICROSECONDS: Final = struct.Struct("q")
RACE_WITHIN: Final = 60.0
"""Seconds until a process in a race stops waiting for the others."""
WAITING: Final = 400
"""Longest queue of actions to send before new requests stop: an endless queue runs out of time."""
GROUPS_EVERY: Final = timedelta(minutes=30)
"""Interval by the world's clock, which runs fast. Groups that are older than an hour are not used."""

LOG_STEPS: Final = tuple(
    f"{when} {what}"
    for what in ("recorded", "approved", "sending", "hold", "outcome", "taken", "delivered")
    for when in ("before", "after")
)
WIRE_STEPS: Final = ("before the request", "the request is out", "the answer is here")
SLACK_STEPS: Final = ("before posted", "after posted")
STEPS: Final = (*LOG_STEPS, *WIRE_STEPS, *SLACK_STEPS)


class SharedClock:
    """A clock in a file: processes read it, the gate moves it."""

    def __init__(self, folder: Path) -> None:
        path = folder / "clock"
        if not path.exists():
            path.write_bytes(_MICROSECONDS.pack(0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _MICROSECONDS.size)

    def __call__(self) -> datetime:
        """Return the time."""
        [passed] = _MICROSECONDS.unpack(self._memory)
        return NOON + timedelta(microseconds=passed)

    def move(self, **by: float) -> None:
        """Move the clock by that much (arguments of `timedelta`)."""
        [passed] = _MICROSECONDS.unpack(self._memory)
        self._memory[:] = _MICROSECONDS.pack(passed + timedelta(**by) // timedelta(microseconds=1))


@dataclass(frozen=True, slots=True)
class Place:
    """The location of a world: the folder with its log and journals, and its providers' addresses."""

    folder: Path
    addresses: Mapping[str, str]

    @property
    def log(self) -> Path:
        """Return the path of the log's file."""
        return self.folder / "log.db"

    @property
    def slack(self) -> Lines:
        """Return the posts that Slack accepted."""
        return Lines(self.folder / "slack.jsonl")

    @property
    def heard(self) -> Lines:
        """Return the requests that Slack was told were accepted."""
        return Lines(self.folder / "heard.jsonl")

    @property
    def providers(self) -> Path:
        """Return the path of the providers' journal."""
        return self.folder / "providers.jsonl"


class Steps:
    """The steps of a process, which dies at one of them once it is armed."""

    def __init__(self, deadly: str | None, journal: Path) -> None:
        self.deadly = deadly
        self.stopping: str | None = None
        """The step at which the process stops itself, as an outside SIGSTOP would, until it may continue."""
        self.armed = False
        self.journal = journal

    def reach(self, label: str) -> None:
        """Reach a step, and die or stop there if it is the chosen one."""
        if self.armed and label == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if label == self.stopping:
            self.stopping = None
            os.kill(os.getpid(), signal.SIGSTOP)

    def waits_for(self, label: str) -> bool:
        """Return whether this is the step to die at."""
        return self.armed and label == self.deadly


class StepsRequests(Requests):
    """The real repository of requests, with steps before and after each change."""

    steps: Steps

    async def create(self, new: NewRequest) -> Recorded:  # noqa: D102 - as its base
        self.steps.reach("before recorded")
        recorded = await super().create(new)
        self.steps.reach("after recorded")
        return recorded

    async def apply(self, change: ChangeSet) -> Request:  # noqa: D102
        label = _label(change)
        self.steps.reach(f"before {label}")
        request = await super().apply(change)
        self.steps.reach(f"after {label}")
        return request

    async def renew_lease(self, action: str, *, owner: str, attempt: int, until: datetime) -> bool:  # noqa: D102
        self.steps.reach("before hold")
        held = await super().renew_lease(action, owner=owner, attempt=attempt, until=until)
        self.steps.reach("after hold")
        return held


class StepsOutbox(posts.Outbox):
    """The real outbox, with steps before and after each operation."""

    steps: Steps

    async def outgoing(self, now: datetime, *, owner: str, until: datetime, limit: int) -> list[OutboxItem]:  # noqa: D102
        self.steps.reach("before taken")
        taken = await super().outgoing(now, owner=owner, until=until, limit=limit)
        self.steps.reach("after taken")
        return taken

    async def delivered(  # noqa: D102
        self, post: OutboxItem, ref: MessageRef | None, *, seen: int | None, opens: Collection[str] = ()
    ) -> None:
        self.steps.reach("before delivered")
        await super().delivered(post, ref, seen=seen, opens=opens)
        self.steps.reach("after delivered")


class StepsLog(Store):
    """The real log, with steps before and after each operation."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.requests: StepsRequests = StepsRequests(database)
        self.outbox: StepsOutbox = StepsOutbox(database)

    def take_steps(self, steps: Steps) -> None:
        """Use these steps from now on."""
        self.requests.steps = self.outbox.steps = steps


def _label(change: ChangeSet) -> str:
    if not change.transitions:
        return "noted"
    move = change.transitions[0]
    if move.to_state is State.SENDING:
        return "sending"
    return "outcome" if State.SENDING in move.from_states else move.name


class StepsTransport(httpx.AsyncBaseTransport):
    """A real socket, with steps around each request."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._socket = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. The process may die before, after the provider has read it, or with the answer."""
        if not has_effect(request.method, request.url.raw_path.decode()):
            return await self._socket.handle_async_request(request)
        self._steps.reach("before the request")
        if self._steps.waits_for("the request is out"):
            before = self._steps.journal.stat().st_size
            sending = asyncio.create_task(self._socket.handle_async_request(request))
            while self._steps.journal.stat().st_size == before and not sending.done():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.001)
            self._steps.reach("the request is out")
        response = await self._socket.handle_async_request(request)
        self._steps.reach("the answer is here")
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._socket.aclose()


class StepsSlack(SmallSlack):
    """Slack's client, with steps around every post."""

    steps: Steps

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:  # noqa: D102
        posts = api_method.startswith("chat.")
        if posts:
            self.steps.reach("before posted")
        answer = await super().api_call(api_method, **arguments)
        if posts:
            self.steps.reach("after posted")
        return answer


class Unhurried(Outbox):
    """The outbox without rate limits, because Slack takes everything here. Other tests judge its rate."""

    async def _has_turn(self, one: Any) -> bool:  # noqa: ARG002 - everything has
        return True


async def bot(
    place: Place, steps: Steps, *, wake: Callable[[], None] = lambda: None, waits: bool = False
) -> tuple[BotDriver, SharedClock]:
    """Return a bot in this process, on the world's file, and its clock."""
    clock = SharedClock(place.folder)
    settings = settings_for(place.addresses)
    log = await StepsLog.open(place.log, key=KEY, clock=clock)
    log.take_steps(steps)
    name = f"{os.getpid()}{time.monotonic_ns()}"
    client = StepsSlack(place.slack.append, name=name)
    client.steps = steps
    adapters = adapters_for(settings, clock, StepsTransport(steps))
    made = crew(
        log,
        settings,
        adapters,
        client,
        owner=name,
        clock=clock,
        parts=Parts(outbox=Unhurried),
        wake=wake,
        waits=waits,
    )
    await made.directory.refresh_groups()
    return made, clock


async def live(made: BotDriver, place: Place, kind: str, number: int, end: str = "approve") -> None:
    """Ask, repeatedly as Slack delivers until it is answered, and have the request decided."""
    request, _ = await made.ask(aim(kind, number), f"{kind} {number}")
    place.heard.append({"job": number, "request": request.id})
    try:
        match end if request.state is State.PENDING else "take back" if end == "take back" else "":
            case "approve":
                await made.approve(request)
            case "deny":
                await made.deny(request)
            case "take back":
                await made.withdraw(request, f"back {number}")
    except (ConflictError, PermissionDeniedError):
        pass  # an earlier process decided it before it died


def one_life(place: Place, kind: str, numbers: Sequence[int], step: str | None) -> None:
    """Finish what was left behind, then live through each of these actions, and die at a step."""
    asyncio.run(_one_life(place, kind, numbers, step))


async def _one_life(place: Place, kind: str, numbers: Sequence[int], step: str | None) -> None:
    steps = Steps(step, place.providers)
    made, clock = await bot(place, steps)
    await made.run_until_idle()
    await (made.posts() if step else made.drain(clock.move))
    steps.armed = True
    for number in numbers:
        await live(made, place, kind, number)
    await made.run_until_idle()
    await (made.posts() if step else made.drain(clock.move))
    await made.store.close()


def toil(place: Place, kinds: Sequence[str], jobs: Sequence[int]) -> None:
    """Ask for every action that was not done yet, send and post meanwhile, until killed."""
    asyncio.run(_toil(place, kinds, jobs))


async def _toil(place: Place, kinds: Sequence[str], jobs: Sequence[int]) -> None:
    rounds: list[PeriodicTask] = []

    def wake() -> None:
        for one in rounds:
            one.wake()

    made, clock = await bot(place, Steps(None, place.providers), wake=wake, waits=True)
    groups_read = clock()
    rounds += [
        PeriodicTask("dispatcher", made.dispatcher.run_once),
        PeriodicTask("outbox", made.outbox.run_once),
    ]
    running = [asyncio.create_task(one.run()) for one in rounds]
    done = Lines(place.folder / "done.jsonl")
    finished = {line["job"] for line in done.read()}
    for job in jobs:
        if job in finished:
            continue
        if clock() - groups_read > GROUPS_EVERY:
            await made.directory.refresh_groups()
            groups_read = clock()
        await live(made, place, kinds[job % len(kinds)], job, ENDS.get(job % 20, "approve"))
        done.append({"job": job})
        while await made.waiting() >= WAITING:  # noqa: ASYNC110 - other processes send it, too
            await asyncio.sleep(0.02)
    await asyncio.gather(*running)


ENDS: Final[Mapping[int, str]] = {7: "deny", 13: "take back"}
"""Ends of some of every twenty requests. The others are approved."""


def meeting(people: int) -> Barrier:
    """Return a barrier for that many processes."""
    return _SERVER.Barrier(people)


def begin(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start a process."""
    process = _SERVER.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


async def ended(process: ForkServerProcess) -> int:
    """Wait for a process, while this one's servers run, and return its exit code."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def decide(place: Place, who: str, how: str, ids: Sequence[str], together: Barrier) -> None:
    """Decide about each request in turn, at the same moment as the others."""
    asyncio.run(_decide(place, who, how, ids, together))


async def _decide(place: Place, who: str, how: str, ids: Sequence[str], together: Barrier) -> None:
    made, _ = await bot(place, Steps(None, place.providers))
    told = Lines(place.folder / "told.jsonl")
    for request_id in ids:
        request = await made.store.requests.request(request_id)
        together.wait(RACE_WITHIN)
        try:
            match how:
                case "approve":
                    await made.approve(request, who)
                case "deny":
                    await made.deny(request, who)
                case _:
                    await made.withdraw(request, f"back {request_id}")
        except ConflictError:
            told.append({"request": request_id, "how": how, "won": False})
        else:
            told.append({"request": request_id, "how": how, "won": True})
    await made.store.close()


def send_one(place: Place) -> None:
    """Send the approved action, and stop just before the request leaves."""
    asyncio.run(_send_one(place))


async def _send_one(place: Place) -> None:
    steps = Steps(None, place.providers)
    made, _ = await bot(place, steps)
    log = made.store
    assert isinstance(log, StepsLog)
    steps.stopping = "after sending"
    await made.run_until_idle()
    await made.posts()
    await log.close()
