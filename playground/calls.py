"""The state of a provider: a clock that can be advanced, and calls that are made when they are due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from playground.journal import Call, Recorder


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


class Calls:
    """The calls that a provider knows. Every change of them is recorded in the journal."""

    def __init__(self, provider: str, recorder: Recorder, clock: Clock) -> None:
        self._provider = provider
        self._recorder = recorder
        self._clock = clock
        self._calls: dict[str, Call] = {}

    def all(self) -> tuple[Call, ...]:
        """Return every call, including ended ones. Due calls are made now."""
        for call in self._calls.values():
            if call.state == "scheduled" and call.due <= self._clock.now():
                self.end(call, "attempted", None)
        return tuple(self._calls.values())

    def find(self, call_id: str) -> Call | None:
        """Return the call with an id, or None."""
        return next((call for call in self.all() if call.id == call_id), None)

    def add(self, call: Call, what: Literal["placed", "added"], request: int | None) -> None:
        """Schedule a call.

        Raises:
            ValueError: The id is taken.
        """
        if call.id in self._calls:
            raise ValueError(f"there is a call {call.id} already")
        self._calls[call.id] = call
        self._recorder.effect(self._provider, what, call, request)

    def end(
        self, call: Call, what: Literal["attempted", "removed", "cancelled"], request: int | None
    ) -> Call:
        """End a scheduled call, and return it."""
        ended = call.model_copy(update={"state": what})
        self._calls[call.id] = ended
        self._recorder.effect(self._provider, what, ended, request)
        return ended

    def clear(self) -> None:
        """Forget every call. The journal forgets nothing."""
        self._calls.clear()
