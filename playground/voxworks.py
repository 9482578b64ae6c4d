"""Voxworks' stand-in: cancel a call that is still scheduled.

Facts are from the page "Cancel call" (an OpenAPI description) of Voxworks' documentation at
https://docs.voxworks.ai, read 2026-11. What it does not say is marked *assumed*.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from playground.calls import Calls, Clock
from playground.http_messages import Answer, Request, answer_json, last_segment
from playground.journal import Call

TEAM, KEY = "ours", "voxworks-playground-key"
OTHER_TEAM, OTHER_KEY = "theirs", "voxworks-other-teams-key"
SEEDED: Mapping[str, str] = {"vx_1001": TEAM, "vx_1002": TEAM, "vx_1003": TEAM, "vx_9001": OTHER_TEAM}
"""Calls scheduled from the start, with their teams: the documents at hand have no way to place one."""

_TEAMS: Mapping[str, str] = {KEY: TEAM, OTHER_KEY: OTHER_TEAM}
_CANCEL = re.compile(r"/api/v1/cancel-call/[^/]+")


class Voxworks:
    """Voxworks as documented: each API key belongs to one team, and sees that team's calls only."""

    name = "voxworks"

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self.calls = calls
        self.documented: Mapping[str, Callable[[Request], Answer]] = {
            "server_error": lambda _: _error(500, "Internal server error"),
            "rate_limited": _rate_limited,
            "rejected": _rejected,
        }
        self._clock = clock

    def answer(self, request: Request) -> Answer:
        """Do what is asked, and say so as documented."""
        if request.method != "POST" or not _CANCEL.fullmatch(request.path):
            return _error(404, "Not found")  # assumed: only this page's endpoint stands here
        scheme, _, key = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or key not in _TEAMS:
            # "Missing, malformed, or invalid authorization."; the message is the example of an invalid one
            return _error(401, "Invalid API key")
        call = self.calls.find(last_segment(request.path))
        if call is None or call.owner != _TEAMS[key]:
            return _error(404, "The requested resource was not found or does not belong to your team.")
        if call.state != "scheduled":
            # assumed: 400 is "Missing or invalid request data.", and no other row fits what is gone already
            return _error(400, "Call is no longer scheduled")
        ended = self.calls.end(call, "cancelled", request.number)
        # CallActionResponse; that `status` says "cancelled" is assumed: the schema has it as a free string
        return answer_json(200, {"success": True, "call_id": ended.id, "status": ended.state})

    def reset(self) -> None:
        """Start anew, with the seeded calls a day ahead."""
        self.calls.clear()
        due = self._clock.now() + timedelta(days=1)
        for call_id, team in SEEDED.items():
            self.calls.add(Call(id=call_id, owner=team, due=due), "added", None)

    def added(self, call: Call) -> Call:
        """Check a call that somebody schedules by hand. Raises ValueError for a team nobody knows."""
        if call.owner not in _TEAMS.values():
            raise ValueError(f"a Voxworks call needs a team as owner: {', '.join(_TEAMS.values())}")
        return call


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return answer_json(status, {"success": False, "message": message}, headers)


def _rate_limited(_: Request) -> Answer:
    """The documented 429. The page names the headers, as strings, and no limit: these values are assumed."""
    headers = {"Retry-After": "2", "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}
    return _error(429, "Rate limit exceeded", headers)


def _rejected(request: Request) -> Answer:
    """200 with ``success: false``, which CallActionResponse allows; when it is answered is not said."""
    return answer_json(
        200, {"success": False, "call_id": last_segment(request.path), "status": "in_progress"}
    )
