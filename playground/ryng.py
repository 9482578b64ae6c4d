"""Ryng's stand-in: cancel a call that is not yet attempted.

Facts are from the page "Cancel Calls API" of Ryng's documentation at https://docs.ryng.in, read 2026-11.
What it does not say is marked *assumed*.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import unquote

from playground.calls import Calls, Clock
from playground.http_messages import Answer, Request, answer_json
from playground.journal import Call

SUBDOMAIN, TOKEN = "tenant", "ryng-playground-token"
HEADER = "x-access-token"  # the page's table; its API block has x-access-key, which counts for nothing here
CANCEL = "/rest-api/v1/progressive/call/{}/cancel"
SEEDED: Sequence[str] = ("40961", "40962", "40963")  # whole numbers, as the page "Make Preview Call" has them
"""Calls scheduled from the start: what uploads a call returns no id."""

_CANCEL = re.compile(CANCEL.format("([^/]+)"))


class Ryng:
    """Ryng as documented, for one account."""

    name = "ryng"

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self.calls = calls
        self.documented: Mapping[str, Callable[[Request], Answer]] = {
            # Not documented at all, but not Ryng's way to say that there is no such call: assumed.
            "server_error": lambda _: _error(500, "Internal Server Error"),
            "rejected": lambda _: _error(200, "Call could not be cancelled"),
        }
        self._clock = clock

    def answer(self, request: Request) -> Answer:
        """Do what is asked, and say so as documented."""
        path = _CANCEL.fullmatch(request.path)
        if request.method != "POST" or path is None:
            return _error(404, "Not found")  # assumed: only this page's endpoint stands here
        if request.header(HEADER) != TOKEN:
            return _error(403, "Unauthorized Token")
        call = self.calls.find(unquote(path[1]))
        if call is None:
            return _error(500, "Call ID does not exist")  # as documented: not 404
        if call.state != "scheduled":
            return _error(200, "Call already attempted")  # assumed: `error` is there to say no with
        self.calls.end(call, "cancelled", request.number)
        return answer_json(200, {"error": False, "message": "Call Cancelled", "data": {}})

    def reset(self) -> None:
        """Start anew, with the seeded calls a day ahead."""
        self.calls.clear()
        due = self._clock.now() + timedelta(days=1)
        for call_id in SEEDED:
            self.calls.add(Call(id=call_id, owner=SUBDOMAIN, due=due), "added", None)

    def added(self, call: Call) -> Call:
        """Check a call that somebody schedules by hand. Raises ValueError for an account nobody knows."""
        if call.owner != SUBDOMAIN:
            raise ValueError(f"a Ryng call needs the account as owner: {SUBDOMAIN}")
        return call


def _error(status: int, message: str) -> Answer:
    return answer_json(status, {"error": True, "message": message})
