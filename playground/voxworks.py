"""Voxworks' stand-in: cancels a call that is still scheduled, creates one, and tells its end.

Facts are from pages of Voxworks' documentation at https://docs.voxworks.ai, read 2026-11: "Cancel call",
"Create phone call", "Get call", "Get call result", and of its automations "Triggers" and "Field mapping". Of
the first ones, the endpoints, the statuses and some examples are known, and not all schemas. Facts that the
pages do not state are marked *assumed*.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from playground.calls import Calls, Clock, News
from playground.http_messages import Answer, Request, answer_json, last_segment
from playground.journal import Call, Try
from playground.webhooks import Callback, Webhook

TEAM, KEY = "ours", "voxworks-playground-key"
OTHER_TEAM, OTHER_KEY = "theirs", "voxworks-other-teams-key"
SEEDED: Mapping[str, str] = {"vx_1001": TEAM, "vx_1002": TEAM, "vx_1003": TEAM, "vx_9001": OTHER_TEAM}
"""Calls scheduled from the start, with their teams."""

CREATE = "/api/v1/create-phone-call"
SCRIPT = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"  # "Create phone call", example of the request
FROM_NUMBER = "+61291234567"  # the same

_TEAMS: Mapping[str, str] = {KEY: TEAM, OTHER_KEY: OTHER_TEAM}
_CANCEL = re.compile(r"/api/v1/cancel-call/[^/]+")
_GET = re.compile(r"/api/v1/get-call(-result)?/[^/]+")
# "Triggers", "Call status filter". Which of them a busy line and an invalid number have is assumed.
_STATUSES: Mapping[str, str] = {
    "answered": "completed",
    "no_answer": "rang-out",
    "voicemail": "voicemail",
    "busy": "User unavailable",
    "rejected": "User rejected",
    "invalid_number": "failed",
}
_NUMBER = re.compile(r"\+?[0-9]{6,15}")  # the example's contact has a national one, 0429069971
_SCHEDULED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)  # as in the example


class Voxworks:
    """Voxworks as documented: each API key belongs to a team, and sees only that team's calls."""

    name = "voxworks"

    def __init__(self, calls: Calls, clock: Clock, new_id: Callable[[], str]) -> None:
        self.calls = calls
        self.webhook: Webhook | None = None
        self.documented: Mapping[str, Callable[[Request], Answer]] = {
            "server_error": lambda _: _error(500, "Internal server error"),
            "rate_limited": _rate_limited,
            "rejected": _rejected,
        }
        self._clock = clock
        self._new_id = new_id

    def answer(self, request: Request) -> Answer:
        """Carry out a request, and return the documented reply."""
        gets = request.method == "GET" and _GET.fullmatch(request.path)
        posts = request.method == "POST" and (request.path == CREATE or _CANCEL.fullmatch(request.path))
        if not (gets or posts):
            return _error(404, "Not found")  # assumed: there are only these pages' endpoints
        scheme, _, key = (request.header("authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or key not in _TEAMS:
            # "Missing, malformed, or invalid authorization."; the message is the example of an invalid one
            return _error(401, "Invalid API key")
        if request.path == CREATE:
            return self._create(request, _TEAMS[key])
        call = self.calls.find(last_segment(request.path))
        if call is None or call.owner != _TEAMS[key]:
            return _error(404, "The requested resource was not found or does not belong to your team.")
        if gets:
            told = self._result(call) if gets[1] else self._call(call)
            return answer_json(200, {"success": True, "call": told})
        return self._cancel(request, call)

    def _cancel(self, request: Request, call: Call) -> Answer:
        """Handle `POST /api/v1/cancel-call/{call_id}`."""
        if call.state != "scheduled":
            # assumed: 400 is "Missing or invalid request data.", and no other status fits a call that is gone
            return _error(400, "Call is no longer scheduled")
        ended = self.calls.end(call, "cancelled", request.number)
        # CallActionResponse. That `status` says "cancelled" is assumed, since the schema has a free string.
        return answer_json(200, {"success": True, "call_id": ended.id, "status": ended.state})

    def _create(self, request: Request, team: str) -> Answer:
        """Handle `POST /api/v1/create-phone-call`. Its 400 is "Missing or invalid request data"."""
        if request.header("content-type") != "application/json":
            return _error(400, "Invalid content type")
        try:
            fields = request.json()
        except ValueError:
            return _error(400, "Invalid JSON")
        if wrong := _wrong_field(fields):
            return _error(400, f"Missing or invalid {wrong}")
        if team != TEAM or (fields["script_id"], fields["from_number"]) != (SCRIPT, FROM_NUMBER):
            # assumed: the same as for a call
            return _error(404, "The requested resource was not found or does not belong to your team.")
        at, contact = fields.get("scheduled_time"), fields["contact"]
        call = Call.model_validate(
            {
                "id": f"vx_{self._new_id()}",
                "owner": team,
                "to": contact["phone_number"] if isinstance(contact, dict) else None,
                "due": at or self._clock.now(),  # without a time, at once: assumed
                "details": fields,
            }
        )
        self.calls.add(call, "placed", request.number)
        # 201 "Call scheduled.". That the body is like that of a cancellation is assumed.
        return answer_json(201, {"success": True, "call_id": call.id, "status": call.state})

    def callbacks(self, news: News) -> Iterable[Callback]:
        """Return the webhooks of an automation with the trigger "Call Completed".

        Its steps say what is sent. This one sends the whole context of "Field mapping", so far as the page
        names its fields.
        """
        if news.what != "ended" or self.webhook is None:
            return ()
        call = news.call
        content: JsonValue = {
            "trigger": {
                "call_id": call.id,
                "call_type": "outbound",  # assumed
                "call_status": self._status(call),
                "contact_name": _name(call),
                "phone_user": call.to,
                "actual_time": _written(news.made.began) if news.made else None,
            },
            "contact": {"phone_number": call.to, "full_name": _name(call)},
            "call": {"call_summary": self._result(call)["call_summary"]},
        }
        return itertools.repeat(Callback("Call Completed", self.webhook.url, content), self.webhook.times)

    def _call(self, call: Call) -> dict[str, JsonValue]:
        """Return the ``call`` of "Get call".

        *Assumed*: all its names, except that a list of calls can be filtered by ``status`` and ``type``.
        """
        made = self._made(call)
        ended = made is not None and made.ended <= self._clock.now()
        return {
            "call_id": call.id,
            "type": "outbound",
            "status": self._status(call),
            "scheduled_time": _written(call.due),
            "contact": {"phone_number": call.to},
            "from_number": call.details.get("from_number"),
            "script_id": call.details.get("script_id"),
            "actual_time": _written(made.began) if made else None,
            "ended_at": _written(made.ended) if made and ended else None,
            "duration": made.seconds if made and ended else None,
        }

    def _result(self, call: Call) -> dict[str, JsonValue]:
        """Return the ``call`` of "Get call result".

        The page names a summary, a transcript, a recording's URL, structured data, a rating and objectives.
        *Assumed*: all the names of their fields except ``call_summary``, which "Triggers" has, and that they
        are null before a call's end and for one that nobody picked up.
        """
        made = self._made(call)
        there = made is not None and made.picked_up and made.ended <= self._clock.now()
        return {
            "call_id": call.id,
            "status": self._status(call),
            "call_summary": "The customer will pay on Friday." if there else None,
            "transcript": "Full call transcript..." if there else None,
            "recording_url": f"https://recordings.voxworks.example/{call.id}.mp3" if there else None,
            "structured_data": {} if there else None,
            "rating": 5 if there else None,
            "objectives": [] if there else None,
        }

    def _made(self, call: Call) -> Try | None:
        return next(iter(self.calls.tries(call.id)[-1:]), None)

    def _status(self, call: Call) -> str:
        """Return a call's status. The words of a call that has not ended are *assumed*."""
        made = self._made(call)
        if made is None:
            return call.state
        return _STATUSES[made.end] if made.ended <= self._clock.now() else "in_progress"

    def reset(self) -> None:
        """Restore the seeded calls, due in a day, and send no webhooks."""
        self.webhook = None
        self.calls.clear()
        due = self._clock.now() + timedelta(days=1)
        for call_id, team in SEEDED.items():
            self.calls.add(Call(id=call_id, owner=team, due=due), "added", None)

    def added(self, call: Call) -> Call:
        """Return a call that is to be scheduled by hand, after checking it.

        Raises:
            ValueError: The team is unknown.
        """
        if call.owner not in _TEAMS.values():
            raise ValueError(f"a Voxworks call needs a team as owner: {', '.join(_TEAMS.values())}")
        return call


def _name(call: Call) -> str:
    contact = call.details.get("contact")
    names = [contact.get(one) for one in ("first_name", "last_name")] if isinstance(contact, dict) else []
    return " ".join(str(one) for one in names if one)


def _written(at: datetime) -> str:
    """Return a time as in the example of "Create phone call"."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong_field(fields: Mapping[str, object]) -> str | None:
    """Return the first field that is missing, invalid or not in the example, or None."""
    contact = fields.get("contact")
    if not isinstance(contact, dict):
        return "contact"
    checks = {
        "from_number": _matches(_NUMBER, fields.get("from_number")),
        "script_id": isinstance(fields.get("script_id"), str),
        "contact.phone_number": _matches(_NUMBER, contact.get("phone_number")),
        "contact.first_name": isinstance(contact.get("first_name", ""), str),
        "contact.last_name": isinstance(contact.get("last_name", ""), str),
        "scheduled_time": "scheduled_time" not in fields or _is_time(fields["scheduled_time"]),
    }
    known = {name.partition(".")[0] for name in checks}
    others = [
        *(fields.keys() - known),
        *(f"contact.{name}" for name in contact if f"contact.{name}" not in checks),
    ]
    return next((name for name, well in checks.items() if not well), None) or next(iter(sorted(others)), None)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or not _SCHEDULED_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return answer_json(status, {"success": False, "message": message}, headers)


def _rate_limited(_: Request) -> Answer:
    """Return the documented 429. The page names the headers, as strings. Their values are assumed."""
    headers = {"Retry-After": "2", "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}
    return _error(429, "Rate limit exceeded", headers)


def _rejected(request: Request) -> Answer:
    """Return 200 with ``success: false``, which CallActionResponse allows. Its cause is not documented."""
    if request.path == CREATE:
        return _error(200, "Call could not be scheduled")
    return answer_json(
        200, {"success": False, "call_id": last_segment(request.path), "status": "in_progress"}
    )
