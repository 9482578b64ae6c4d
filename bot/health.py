"""`/healthz` and `/readyz`: whether this process works, and whether it can take something in.

A platform restarts what is not healthy and sends nothing to what is not ready. Each answer says in words what
is wrong; neither holds a secret, a number or a name.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.workers.clock_check import ClockCheck
from bot.workers.loop import Rounds
from bot.workers.write_probe import EVERY, Instances

STUCK_AFTER: Final = 60.0
"""Seconds. A round waits for Slack for fifteen at most (`bot.workers.lines`), and the next comes
a second later."""
UNWRITTEN_AFTER: Final = 4 * EVERY
"""Seconds since a sign of life in the log; one in doubt may wait ten for another process's commit."""


class Door(Protocol):
    """How Slack reaches this process."""

    def closed(self) -> str | None:
        """Why Slack does not, as a sentence; None: it does."""
        ...


@dataclass
class Health:
    """What the two answers are made of."""

    rounds: Sequence[Rounds] = ()
    ended: Callable[[], Sequence[str]] = list
    instances: Instances | None = None
    """None until the log is open."""

    seconds: Callable[[], float] = time.monotonic
    door: Door | None = None
    """None while it is not open yet."""

    clock: ClockCheck | None = None
    """None until Slack was asked."""

    stopping: bool = False
    beside: list[str] = field(default_factory=list)
    """What does not keep anything from working but should be mended."""

    def unhealthy(self) -> list[str]:
        """What only a restart would mend."""
        now = self.seconds()
        wrong = [f"The {name} has ended." for name in self.ended()]
        stuck = [one for one in self.rounds if now - one.turned > STUCK_AFTER + one.every]
        return wrong + [f"The {one.name} has not turned for {now - one.turned:.0f} s." for one in stuck]

    def unready(self) -> list[str]:
        """What keeps this process from taking anything in."""
        wrong = ["CallOps is stopping."] if self.stopping else []
        wrong += self._log_unready()
        closed = "CallOps is not connected to Slack yet." if self.door is None else self.door.closed()
        return [*wrong, *filter(None, [closed])]

    def _log_unready(self) -> list[str]:
        wrote = self.instances.wrote if self.instances else None
        if self.instances and self.instances.trouble:
            return [f"{self.instances.trouble}."]
        if wrote is None:
            return ["The log was not written to yet."]
        since = self.seconds() - wrote
        return [f"The log was not written to for {since:.0f} s."] if since > UNWRITTEN_AFTER else []

    def warnings(self) -> list[str]:
        """What works but is not right."""
        another = self.instances.another_log() if self.instances else None
        clock = self.clock.warning if self.clock else None
        return [*self.beside, *([clock] if clock else []), *([f"{another}."] if another else [])]


def health_routes(health: Health) -> list[Route]:
    """`/healthz` and `/readyz`."""

    async def healthz(_: Request) -> Response:
        return _answer("healthy", health.unhealthy(), [])

    async def readyz(_: Request) -> Response:
        return _answer("ready", [*health.unhealthy(), *health.unready()], health.warnings())

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _answer(good: str, wrong: Sequence[str], warnings: Sequence[str]) -> Response:
    content = {"status": f"not {good}" if wrong else good, "wrong": list(wrong), "warnings": list(warnings)}
    status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
    # Its connection ends with it: whoever asks for nothing else holds none.
    headers = {"Connection": "close", "Cache-Control": "no-store"}
    return JSONResponse(content, status_code=status, headers=headers)
