"""CallKaro's stand-in: places or schedules calls, deletes scheduled ones, and tells how each try ended.

Facts are from pages of CallKaro's documentation at https://docs.callkaro.ai, read 2026-11: "Create Outbound
Call" (with its OpenAPI part), "Delete Schedule Call", "Call Ended Event", "Hangup Reasons", "Call Types" and
"Webhooks". Facts that no page states are marked *assumed*. Windows and priority are validated and stored with
the call, but not simulated.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from playground.calls import Calls, Clock, News
from playground.http_messages import Answer, Request, answer_json
from playground.journal import Call, Try
from playground.webhooks import Callback, End, Webhook

AGENT = "6803fa770b666a64ab1694c1e"  # "Create Outbound Call", Quick Example: 25 characters, no ObjectId
OTHER_AGENT = "collections-agent"
AGENTS = frozenset({AGENT, OTHER_AGENT})
KEY = "callkaro-playground-key"
PLACE = "/call/outbound"
DELETE = "/call/delete-schedule-call"
Shape = Literal["success", "done", "neither"]

_ZONE = ZoneInfo("Asia/Kolkata")  # assumed: `schedule_at` is naive in every example and no zone is documented
_CALLER = "918000000000"  # "Call Ended Event", `from`: without a plus, as all its numbers are
_VERSION = "1203fa770b666a64ab1694c1e"  # "Call Ended Event", `versionId`
_TIME = "%Y-%m-%d %H:%M:%S"  # "Call Ended Event", `time`. That `next_call_scheduled` has it too is assumed
_GAP = 30  # minutes between tries if `gap_between_retries` is left out: assumed
# "Hangup Reasons". It has no word for a busy line: assumed to be that of a call that the client declined.
_REASONS: Mapping[str, str] = {
    "answered": "CLIENT_INITIATED",
    "no_answer": "USER_UNAVAILABLE",
    "voicemail": "VOICEMAIL_DETECTED",
    "busy": "USER_REJECTED",
    "rejected": "USER_REJECTED",
    "invalid_number": "INVALID_PHONE_NUMBER",
}
_E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)  # OutboundCallRequest.to_number
_TIME_OF_DAY = re.compile(r"([0-1]?[0-9]|2[0-3]):[0-5][0-9]")  # min_trigger_time, max_trigger_time
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_LANGUAGES = frozenset({"hi", "en", "kn", "mr", "ta", "te", "bn", "gu", "ml"})


_DETAIL: JsonValue = {"lead_status": {"value": "interested", "comment": "Customer showed interest"}}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _matches(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _between(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and _is_integer(value) and least <= value <= most


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


# OpenAPI part of "Create Outbound Call", OutboundCallRequest. It does not forbid further fields.
_FIELDS: Mapping[str, Callable[[object], bool]] = {
    "to_number": _matches(_E164),
    "agent_id": _is_text,
    "batch_id": _is_text,
    "metadata": lambda value: isinstance(value, dict),
    "schedule_at": _is_date_time,
    "min_trigger_time": _matches(_TIME_OF_DAY),
    "max_trigger_time": _matches(_TIME_OF_DAY),
    "carry_over": lambda value: isinstance(value, bool),
    "number_of_retries": _between(0, 10),
    "gap_between_retries": lambda value: (
        all(map(_is_integer, value)) if isinstance(value, list) else _is_integer(value)
    ),
    "priority": _between(-100, 100),
    "language": lambda value: value in _LANGUAGES if isinstance(value, str) else False,
}


class CallKaro:
    """CallKaro as documented.

    ``shape`` selects the documented success of a placed call: ``success`` with ``call_id`` (the page's
    *Success* section) or ``done`` with ``call_sid`` (its OpenAPI part). ``neither`` omits the id, which the
    OpenAPI part allows.
    """

    name = "callkaro"

    def __init__(self, calls: Calls, clock: Clock, new_id: Callable[[], str]) -> None:
        self.calls = calls
        self.calls.gaps = _gaps
        self.webhook: Webhook | None = None
        self.shape: Shape = "success"
        self.documented: Mapping[str, Callable[[Request], Answer]] = {"server_error": _server_error}
        self._clock = clock
        self._new_id = new_id
        self._deleted: dict[str, str] = {}  # the hangup reason of each deleted call

    def answer(self, request: Request) -> Answer:
        """Carry out a request, and return the documented reply."""
        if request.method != "POST" or request.path not in {PLACE, DELETE}:
            return _error(404, "Not found")  # assumed
        key = request.header("x-api-key")
        if not key:
            return _error(403, "Missing X-API-KEY in headers")  # both pages, "403 Forbidden"
        if key != KEY:
            return _error(403, "Invalid or missing API key")  # "Create Outbound Call", OpenAPI part, 403
        try:
            # only the page of the deletion says: "Form data is also supported as an alternative to JSON
            # body."
            fields = request.json() if request.path == PLACE else request.fields()
        except ValueError:
            return _error(400, "Invalid request body")  # assumed wording
        return self._place(request, fields) if request.path == PLACE else self._delete(request, fields)

    def reset(self) -> None:
        """Delete all calls, return to the first shape, and send no webhooks."""
        self.calls.clear()
        self.shape = "success"
        self.webhook = None

    def added(self, call: Call) -> Call:
        """Return a call that is to be scheduled by hand, after checking it.

        Raises:
            ValueError: The agent is unknown, or the number is not E.164.
        """
        if call.owner not in AGENTS or call.to is None or not _E164.fullmatch(call.to):
            raise ValueError("a CallKaro call needs a known agent as owner and an E.164 number")
        return call

    def ended(self, call_id: str, end: End | None = None) -> JsonValue:
        """Return a webhook of one's own for the end of an attempt, "Call Ended Event".

        Raises:
            ValueError: The call was not made, or was not deleted if the reason says so.
        """
        end = end or End()
        call = self.calls.find(call_id)
        state = "removed" if end.reason.startswith("DELETED_SCH_CALL_") else "attempted"
        if call is None or call.state != state or call.to is None:
            raise ValueError("only a call that went out can end, and only one that was deleted was deleted")
        return _call_ended(call, call.due, end, seconds=120, picked_up=True)

    def callbacks(self, news: News) -> Iterable[Callback]:
        """Return the webhooks about an ended try or, if that is switched on, a deleted call.

        *Assumed*: a webhook is not repeated after an answer that is no 2xx.
        """
        match news:
            case News(what="ended", call=call, made=Try() as made) if self.webhook:
                again = made.again.astimezone(_ZONE).strftime(_TIME) if made.again else False
                end = End(reason=_REASONS[made.end], attempt=made.number, again=again)
                content = _call_ended(call, made.began, end, made.seconds, picked_up=made.picked_up)
            case News(what="removed", call=call) if self.webhook and self.webhook.deletions:
                # No page says when these reasons are sent, or with which fields: all assumed.
                end = End(reason=self._deleted[call.id], attempt=len(self.calls.tries(call.id)))
                content = _call_ended(call, call.due, end, 0, picked_up=False)
            case _:
                return ()
        return itertools.repeat(Callback("call_ended", self.webhook.url, content), self.webhook.times)

    def _place(self, request: Request, fields: Mapping[str, object]) -> Answer:
        """Handle `POST /call/outbound`, "Create Outbound Call"."""
        if not fields.get("agent_id"):
            return _error(400, "Missing agent_id")  # section "Errors", 400
        if not fields.get("to_number"):
            return _error(400, "Missing required field: to_number")  # OpenAPI part, 400
        for name, valid in _FIELDS.items():
            if name in fields and not valid(fields[name]):
                return _error(400, f"Invalid {name}")  # the status is documented; assumed wording
        details = {name: value for name, value in fields.items() if name in _FIELDS}
        agent, to, at = details.pop("agent_id"), details.pop("to_number"), details.get("schedule_at")
        if agent not in AGENTS:
            return _error(404, "Agent does not exist")  # section "Errors", 404
        due = datetime.fromisoformat(str(at)) if at else self._clock.now()
        call = Call.model_validate(
            {
                "id": self._new_id(),
                "owner": agent,
                "to": to,
                "due": due if due.tzinfo else due.replace(tzinfo=_ZONE),
                "details": details,
            }
        )
        self.calls.add(call, "placed", request.number)
        match self.shape:
            case "success":  # section "Success (200 OK)"
                content = {"status": "success", "message": "Call initiated successfully", "call_id": call.id}
            case "done":  # OpenAPI part, example of 200
                content = {"status": "done", "message": "Call queued successfully", "call_sid": call.id}
            case "neither":
                content = {"status": "done", "message": "Call queued successfully"}
        return answer_json(200, content)

    def _delete(self, request: Request, fields: Mapping[str, object]) -> Answer:
        """Handle `POST /call/delete-schedule-call`, "Delete Schedule Call".

        The page names no count and no 404. For an unknown agent, or a number without calls, the reply is the
        same (*assumed* from the page's "always verify the agent_id exists").
        """
        agent, to = request.query.get("agent_id"), fields.get("to_number")
        if not agent:
            return _error(400, "Missing agent_id in request query")
        if not to or not isinstance(to, str):
            return _error(400, "Missing to_number in request")
        # "Can be in international format with or without '+' prefix."
        number = "+" + to.removeprefix("+")
        found = [
            call
            for call in self.calls.all()
            if call.state == "scheduled" and (call.owner, call.to) == (agent, number)
        ]
        for call in found:
            self._deleted[call.id] = "DELETED_SCH_CALL_ALL" if len(found) > 1 else "DELETED_SCH_CALL_ONE"
            self.calls.end(call, "removed", request.number)
        return answer_json(200, {"status": "success", "message": "Scheduled call deleted successfully"})


def _error(status: int, message: str) -> Answer:
    return answer_json(status, {"status": "error", "message": message})


def _server_error(request: Request) -> Answer:
    """Return the documented 500. Each page has its own wording."""
    return _error(500, "Server error" if request.path == PLACE else "Internal server error")


def _gaps(call: Call) -> Iterable[timedelta]:
    """Return the times between the tries of a call, "Create Outbound Call", "Call with 3 retries".

    *Assumed*: the last gap of a list that is too short counts for all further tries.
    """
    wanted, gap = call.details.get("number_of_retries", 0), call.details.get("gap_between_retries")
    gaps = gap if isinstance(gap, list) and gap else [_GAP if gap is None or gap == [] else gap]
    minutes = itertools.chain(gaps, itertools.repeat(gaps[-1]))
    return [timedelta(minutes=int(str(one))) for one in itertools.islice(minutes, int(str(wanted)))]


def _call_ended(call: Call, began: datetime, end: End, seconds: int, *, picked_up: bool) -> JsonValue:
    """Return the document of "Call Ended Event", with every field of its example.

    *Assumed*: ``callSid`` is the id in the reply to the placed call. A call that nobody picked up has no
    recording, transcript or analysis.
    """
    return {
        "event": "call_ended",
        "data": {
            "callSid": call.id,
            # "Call Types": how a call was triggered through the API
            "name": "outbound-scheduled" if "schedule_at" in call.details else "outbound-api",
            "agent": call.owner,
            "versionId": _VERSION,
            "from": _CALLER,
            "to": (call.to or "").removeprefix("+"),
            "recordingUrl": f"https://recordings.callkaro.example/{call.id}.mp3" if picked_up else None,
            "call_duration": seconds,
            "time": began.astimezone(_ZONE).strftime(_TIME),
            "transcription": "Full call transcript..." if picked_up else "",
            "batchId": call.details.get("batch_id"),
            "hangup_reason": end.reason,
            "call_metadata": call.details.get("metadata", {}),
            "try_count": end.attempt,
            "post_call": {"lead_status": "interested"} if picked_up else {},
            "post_call_detail": _DETAIL if picked_up else {},
            "functions_called": [],
            "disposition_reason": "Customer requested callback" if picked_up else None,
            "conversion_status": picked_up,
            "next_call_scheduled": end.again,
            "call_link": f"https://callkaro.ai/dashboard/call-history?call_id={call.id}",
        },
    }
