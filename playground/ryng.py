"""Ryng's stand-in: cancels a call that is not yet attempted, makes a preview call, and tells its end.

Facts are from two pages of Ryng's documentation at https://docs.ryng.in, read 2026-11: "Cancel Calls API" and
"Make Preview Call". Facts that they do not state are marked *assumed*.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import unquote

from pydantic import JsonValue

from playground.calls import Calls, Clock, News
from playground.http_messages import Answer, Request, answer_json
from playground.journal import Call, Try
from playground.webhooks import Callback

SUBDOMAIN, TOKEN = "tenant", "ryng-playground-token"
HEADER = "x-access-token"  # as in the page's table; its API block has x-access-key, which is ignored here
CANCEL = "/rest-api/v1/progressive/call/{}/cancel"
PREVIEW = "/rest-api/v1/preview/call"
AGENT, CAMPAIGN = 7, 595  # "Make Preview Call", Example Body
SEEDED: Sequence[str] = ("40961", "40962", "40963")  # whole numbers, as the page "Make Preview Call" has them
"""Calls scheduled from the start, because uploading a call returns no id."""

_FIRST_PREVIEW = 50001  # whole numbers, as on the page; their values do not matter
_LOOKED_AT = timedelta(minutes=5)  # an agent looks at a preview call before it rings; the duration is assumed
# "On any non-200 response, Ryng will retry the callback at 1-minute intervals up to two more times."
_RETRIES = (timedelta(minutes=1), timedelta(minutes=1))
_DISPOSITIONS: Mapping[str, str] = {  # the page names none: all assumed
    "answered": "Answered",
    "no_answer": "No Answer",
    "voicemail": "Voicemail",
    "busy": "Busy",
    "rejected": "Rejected",
    "invalid_number": "Invalid Number",
}
_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)  # the example's is "+91XXXXXXXX85"
_CANCEL = re.compile(CANCEL.format("([^/]+)"))


class Ryng:
    """Ryng as documented, for one account."""

    name = "ryng"

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self.calls = calls
        self.documented: Mapping[str, Callable[[Request], Answer]] = {
            # Not documented. It differs from Ryng's answer for a call that does not exist: assumed.
            "server_error": lambda _: _error(500, "Internal Server Error"),
            "rejected": lambda request: _error(
                200, f"Call could not be {'made' if request.path == PREVIEW else 'cancelled'}"
            ),
        }
        self._clock = clock
        self._ids = itertools.count(_FIRST_PREVIEW)

    def answer(self, request: Request) -> Answer:
        """Carry out a request, and return the documented reply."""
        path = _CANCEL.fullmatch(request.path)
        if request.method != "POST" or (path is None and request.path != PREVIEW):
            return _error(404, "Not found")  # assumed: there are only these pages' endpoints
        if request.header(HEADER) != TOKEN:
            return _error(403, "Unauthorized Token")
        return self._preview(request) if path is None else self._cancel(request, unquote(path[1]))

    def _cancel(self, request: Request, call_id: str) -> Answer:
        """Handle `POST /rest-api/v1/progressive/call/{callId}/cancel`, "Cancel Calls API"."""
        call = self.calls.find(call_id)
        if call is None:
            return _error(500, "Call ID does not exist")  # as documented: not 404
        if call.state != "scheduled":
            return _error(200, "Call already attempted")  # assumed: `error` exists to report refusals
        self.calls.end(call, "cancelled", request.number)
        return answer_json(200, {"error": False, "message": "Call Cancelled", "data": {}})

    def _preview(self, request: Request) -> Answer:
        """Handle `POST /rest-api/v1/preview/call`, "Make Preview Call". All refusals are assumed."""
        try:
            fields = (
                request.fields()
            )  # the page: "given inside the request body"; the query, which it names too, is ignored here
        except ValueError:
            return _error(400, "Invalid request body")
        if wrong := _wrong_field(fields):
            return _error(400, f"Invalid {wrong}")
        call = Call.model_validate(
            {
                "id": str(next(self._ids)),
                "owner": SUBDOMAIN,
                "to": fields["customerNumber"],
                "due": self._clock.now() + _LOOKED_AT,
                "details": fields,
            }
        )
        self.calls.add(call, "placed", request.number)
        content = {"callID": int(call.id), "logID": int(call.id) + 1}
        return answer_json(200, {"error": False, "message": "Call Created", "data": content})

    def callbacks(self, news: News) -> Iterable[Callback]:
        """Return the callbacks to the addresses that came with the call, "Make Preview Call".

        The page describes both in the same words, as sent on the terminal state. *Assumed*: the connect
        callback is sent when the call is picked up.
        """
        match news:
            case News(what="picked_up", call=call, made=Try() as made):
                name, status = "connectCallbackUrl", "connected"
            case News(what="ended", call=call, made=Try() as made):
                name, status = "terminalCallbackUrl", "completed"
            case _:
                return
        url = call.details.get(name)
        if url and call.id.isdecimal():  # a call that was added by hand may have another id
            yield Callback(name, str(url), _callback(call, made, status), _RETRIES)

    def reset(self) -> None:
        """Restore the seeded calls, due in a day."""
        self.calls.clear()
        due = self._clock.now() + timedelta(days=1)
        for call_id in SEEDED:
            self.calls.add(Call(id=call_id, owner=SUBDOMAIN, due=due), "added", None)

    def added(self, call: Call) -> Call:
        """Return a call that is to be scheduled by hand, after checking it.

        Raises:
            ValueError: The account is unknown.
        """
        if call.owner != SUBDOMAIN:
            raise ValueError(f"a Ryng call needs the account as owner: {SUBDOMAIN}")
        return call


def _wrong_field(fields: Mapping[str, object]) -> str | None:
    """Return the first field that is missing, invalid or not in the example, or None."""
    number = fields.get("customerNumber")
    checks = {
        "agentID": fields.get("agentID") is not True and fields.get("agentID") == AGENT,
        "campaignID": fields.get("campaignID") is not True and fields.get("campaignID") == CAMPAIGN,
        "customerNumber": isinstance(number, str) and _NUMBER.fullmatch(number) is not None,
        # not required
        "customerName": isinstance(fields.get("customerName", ""), str),
        "terminalCallbackUrl": isinstance(fields.get("terminalCallbackUrl", ""), str),
        "connectCallbackUrl": isinstance(fields.get("connectCallbackUrl", ""), str),
    }
    wrong = [name for name, well in checks.items() if not well]
    return next(iter([*wrong, *sorted(fields.keys() - checks.keys())]), None)


def _callback(call: Call, made: Try, status: str) -> JsonValue:
    """Return a callback with every field of the page. The word "connected" is *assumed*.

    ``status`` is "completed" on this page, and "2" on another. That every ended call has it, also one that
    nobody answered, is *assumed*.
    """
    ended = status == "completed"
    talktime = made.seconds if ended else 0
    return {
        "callID": int(call.id),
        "callLogID": int(call.id) + 1,  # the `logID` of the reply to the placed call
        "customerNum": call.to,
        "status": status,
        "disposition": _DISPOSITIONS[made.end] if ended else "",
        "talktime": talktime,
        "callDuration": made.rang + talktime,
        "recordingUrl": f"https://recordings.ryng.example/{call.id}.mp3" if ended and made.picked_up else "",
    }


def _error(status: int, message: str) -> Answer:
    return answer_json(status, {"error": True, "message": message})
