"""A provider's world: a clock that can be moved, and calls that go out when their time has come."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from playground.journal import Call, Recorder


class Clock:
    """The stand-ins' time: the machine's, and as much ahead of it as somebody asked for."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The aware instant it is at the providers."""
        return self._now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Go back to the machine's time."""
        self._ahead = timedelta()


class Calls:
    """The calls a provider knows. What happens to them is journalled as it happens."""

    def __init__(self, provider: str, recorder: Recorder, clock: Clock) -> None:
        self._provider = provider
        self._recorder = recorder
        self._clock = clock
        self._calls: dict[str, Call] = {}

    def all(self) -> tuple[Call, ...]:
        """Every call there is or was. Those whose time has passed have gone out, now that somebody looks."""
        for call in self._calls.values():
            if call.state == "scheduled" and call.due <= self._clock.now():
                self.end(call, "attempted", None)
        return tuple(self._calls.values())

    def find(self, call_id: str) -> Call | None:
        """The call with an id, if there is one."""
        return next((call for call in self.all() if call.id == call_id), None)

    def add(self, call: Call, what: Literal["placed", "added"], request: int | None) -> None:
        """Schedule a call. Raises ValueError where its id is taken."""
        if call.id in self._calls:
            raise ValueError(f"there is a call {call.id} already")
        self._calls[call.id] = call
        self._recorder.effect(self._provider, what, call, request)

    def end(
        self, call: Call, what: Literal["attempted", "removed", "cancelled"], request: int | None
    ) -> Call:
        """Bring a scheduled call to its end."""
        ended = call.model_copy(update={"state": what})
        self._calls[call.id] = ended
        self._recorder.effect(self._provider, what, ended, request)
        return ended

    def clear(self) -> None:
        """Forget every call; the journal forgets nothing."""
        self._calls.clear()
