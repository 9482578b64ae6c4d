"""The calls of a provider: they ring when they are due, end, and are tried again."""

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from pydantic import Field

from playground.journal import PICKED_UP, Call, CallEnd, Frozen, Recorder, Try

Step: TypeAlias = Literal["ring", "pick_up", "end"]
Happened: TypeAlias = Literal["picked_up", "ended", "removed"]


class Clock:
    """The stand-ins' time: the machine's time plus an offset."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the present time at the providers, as an aware datetime."""
        return self._now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Advance the clock by so many seconds."""
        self._ahead += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Return to the machine's time."""
        self._ahead = timedelta()


class Ringing(Frozen):
    """The ends of a provider's next calls.

    ``rings`` is the time in seconds until a call is picked up or given up, and ``seconds`` its length after
    that.
    """

    end: CallEnd = "answered"
    rings: int = Field(default=2, ge=0)
    seconds: int = Field(default=4, ge=0)


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to a call. ``removed`` has no try."""

    what: Happened
    call: Call
    made: Try | None = None


class Calls:
    """The calls that a provider knows. Every change of them is recorded in the journal.

    ``gaps`` returns the times between the tries of a call. ``wake`` is called when a call was added.
    """

    def __init__(self, provider: str, recorder: Recorder, clock: Clock) -> None:
        self.gaps: Callable[[Call], Iterable[timedelta]] = lambda _: ()
        self.ringing = Ringing()
        self.news: list[News] = []
        self.wake: Callable[[], None] = lambda: None
        self._provider = provider
        self._recorder = recorder
        self._clock = clock
        self._calls: dict[str, Call] = {}
        self._tries: dict[str, list[Try]] = {}
        self._steps: list[tuple[datetime, int, Step, str]] = []
        self._order = itertools.count()

    def all(self) -> tuple[Call, ...]:
        """Return every call, including ended ones, after all that is due."""
        self.run()
        return tuple(self._calls.values())

    def find(self, call_id: str) -> Call | None:
        """Return the call with an id, or None."""
        self.run()
        return self._calls.get(call_id)

    def tries(self, call_id: str) -> tuple[Try, ...]:
        """Return the tries of a call that began. The last one may not have ended."""
        self.run()
        return tuple(self._tries.get(call_id, ()))

    def run(self) -> None:
        """Let everything happen that is due, in the order of its time."""
        while self._steps and self._steps[0][0] <= self._clock.now():
            at, _, step, call_id = heapq.heappop(self._steps)
            call = self._calls[call_id]
            match step:
                case "ring" if call.state == "scheduled":
                    self._ring(call, at)
                case "pick_up":
                    self.news.append(News("picked_up", call, self._tries[call_id][-1]))
                case "end":
                    self._end(call)

    def next_at(self) -> datetime | None:
        """Return the time at which something happens next, or None."""
        return self._steps[0][0] if self._steps else None

    def add(self, call: Call, what: Literal["placed", "added"], request: int | None) -> None:
        """Schedule a call.

        Raises:
            ValueError: The id is taken.
        """
        if call.id in self._calls:
            raise ValueError(f"there is a call {call.id} already")
        self._calls[call.id] = call
        self._recorder.effect(self._provider, what, call, request)
        self._plan(call.due, "ring", call)
        self.wake()

    def end(self, call: Call, what: Literal["removed", "cancelled"], request: int | None) -> Call:
        """End a scheduled call, and return it."""
        self.news.append(News("removed", call))
        self.wake()
        return self._change(call, what, request)

    def clear(self) -> None:
        """Forget every call, and return to answered calls. The journal forgets nothing."""
        self.ringing = Ringing()
        self._calls.clear()
        self._tries.clear()
        self._steps.clear()
        self.news.clear()

    def _ring(self, call: Call, at: datetime) -> None:
        """Begin a try. The switch of this moment decides how it ends."""
        ringing, before = self.ringing, self._tries.setdefault(call.id, [])
        up = at + timedelta(seconds=ringing.rings)
        seconds = ringing.seconds if ringing.end in PICKED_UP else 0
        ends = up + timedelta(seconds=seconds)
        # Assumed: everything but an answer and an invalid number is tried again.
        gaps = () if ringing.end in {"answered", "invalid_number"} else self.gaps(call)
        gap = next(itertools.islice(gaps, len(before), None), None)
        made = Try(
            number=len(before),
            began=at,
            ended=ends,
            end=ringing.end,
            rang=ringing.rings,
            seconds=seconds,
            again=None if gap is None else ends + gap,
        )
        before.append(made)
        call = self._change(call, "attempted", None)
        if made.picked_up:
            self._plan(up, "pick_up", call)
        self._plan(ends, "end", call)

    def _end(self, call: Call) -> None:
        made = self._tries[call.id][-1]
        self._recorder.ended(self._provider, call, made)
        self.news.append(News("ended", call, made))
        if made.again is not None:
            self._calls[call.id] = call.model_copy(update={"state": "scheduled", "due": made.again})
            self._plan(made.again, "ring", call)

    def _change(
        self, call: Call, what: Literal["attempted", "removed", "cancelled"], request: int | None
    ) -> Call:
        changed = call.model_copy(update={"state": what})
        self._calls[call.id] = changed
        self._recorder.effect(self._provider, what, changed, request)
        return changed

    def _plan(self, at: datetime, step: Step, call: Call) -> None:
        heapq.heappush(self._steps, (at, next(self._order), step, call.id))
