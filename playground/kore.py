"""Kore.ai's stand-in: gets, stops, starts and deletes voice campaigns.

Facts are from pages of Kore.ai's documentation at https://docs.kore.ai, read 2026-11: "Delete", "Get", "Stop"
and "Start Voice Campaign API", their second versions, and "Get Campaign Status API". They document no
failure: every failure here is *assumed*. The token is checked by hand as the page on JWT apps says, not with
the library that signs it.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import unquote

from pydantic import JsonValue

from playground.calls import Clock
from playground.http_messages import Answer, Request, answer_json
from playground.journal import Campaign, Recorder

# "Delete Voice Campaign API", Sample Request. The ids are abbreviated there, with xxxx at their ends.
APP = "st-0603182c-7ffb-53c3-b307-47ca14b9xxxx"
ACCOUNT = "67777ce93e25326494e9xxxx"
CLIENT_ID, CLIENT_SECRET = "cs-playground", "kore-playground-client-secret-of-an-app"
CAMPAIGN = "cd-2129073-58d9-44d5-a5d1-454b1220xxxx"
SHORT = "cd-2129073"
"""The campaign that the app's help names."""
READY = "cd-a1e45a7-e8ba-4e97-a339-476ebc7xxxxx"  # the v2 page's example
DELETE = "/agentassist/api/v1/public/{}/campaign/{}"
DELETE_V2 = "/campaign/api/v2/public/{}/campaign/{}"

TRIGGER = "/campaign/api/v1/public/{}/campaign/{}"
TRIGGER_V2 = "/api/v2/public/{}/campaign/trigger/{}"
STATUS = f"{DELETE}/status"
STATUS_V2 = f"{DELETE_V2}/status"  # "Get All Contact Details Of Voice Campaigns-v2", for the other view

_ENDPOINTS: Mapping[tuple[str, str], tuple[str, str]] = {
    # the request and its version, by the method and the path's pattern
    ("DELETE", DELETE): ("delete", "v1"),
    ("DELETE", DELETE_V2): ("delete", "v2"),
    ("GET", DELETE): ("get", "v1"),
    ("GET", DELETE_V2): ("get", "v2"),
    ("POST", TRIGGER): ("trigger", "v1"),
    ("POST", TRIGGER_V2): ("trigger", "v2"),
    ("POST", STATUS): ("status", "v1"),
    # its page has no `accountId` in the query, unlike the other second versions
    ("POST", STATUS_V2): ("status", "v1"),
}
# "Start" and "Stop Voice Campaign API": the new status, the message, and the journal's word for it
_TRIGGERS: Mapping[str, tuple[str, str, Literal["stopped", "started"]]] = {
    "stop": ("Stopped", "Campaign Stopped", "stopped"),
    "play": ("Active", "Campaign Started", "started"),
}

_PARTICIPLES: Mapping[str, str] = {"DELETE": "deleted", "POST": "triggered"}

# "Delete Voice Campaign API", Sample Response
_SAMPLE: Mapping[str, JsonValue] = {
    "_id": CAMPAIGN,
    "name": "Billing Reminder Voice Campaign2",
    "lname": "billing reminder voice campaign2",
    "description": "Progressive dialing campaign to notify customers about pending bill payments. Connects "
    "to an agent if available; otherwise, a voice bot shares payment details",
    "priority": "5",
    "dialingMode": "Preview",
    "dialingStrategy": {
        "callerId": {"phoneNumber": "+18123456789"},
        "callingHours": {
            "frequency": "WEEKLY",
            "days": [
                {"start": "9:00 AM", "end": "6:00 PM", "day": day} for day in ("MO", "TU", "WE", "TH", "FR")
            ],
            "timezone": "Asia/Kolkata",
        },
        "dialingOrder": "FIFO",
        "maxAttemptsPerRecord": 3,
        "defaultRetryPeriod": 10,
        "maxRingTime": 30,
    },
    "status": "Stopped",
    "maxSkips": 1,
    "createdAt": "2025-06-26T09:11:00.612Z",
    "updatedAt": "2025-06-26T11:41:42.569Z",
    "schedule": {"isSchedulingEnabled": False, "isRecurrenceEnabled": False},
    "campaignInstanceId": "cid-700c76d-6bb6-47ce-b2d0-58541769xxxx",
    "contactLists": ["Recent Buyers - Q2 2025"],
    "enableMachineDetect": False,
}
_SEEDED: tuple[Mapping[str, JsonValue], ...] = (
    _SAMPLE,
    {
        **_SAMPLE,
        "_id": READY,
        "name": "Service Renewal Outreach Campaign61",
        "lname": "service renewal outreach campaign61",
        "status": "Ready",
    },
    {**_SAMPLE, "_id": SHORT, "name": "Diwali Offer Calls", "lname": "diwali offer calls"},
)


class Kore:
    """Kore.ai as documented, for one app of one account. An active campaign calls nobody here."""

    name = "kore"

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self.documented: Mapping[str, Callable[[Request], Answer]] = {
            "server_error": lambda _: _error(500, "Internal Server Error"),
            "rejected": lambda request: _error(
                200, f"Campaign could not be {_PARTICIPLES.get(request.method, 'found')}"
            ),
            # The sentence is from Kore.ai's community pages. Its status is not documented.
            "rate_limited": lambda _: _error(
                429, "Rate limit for this API has been reached. Please try again later"
            ),
        }
        self._recorder = recorder
        self._clock = clock
        self._campaigns: dict[str, Campaign] = {}
        self._token_ids: set[object] = set()

    def answer(self, request: Request) -> Answer:
        """Carry out a request, and return the documented reply."""
        endpoint = _endpoint(request)
        if endpoint is None:
            return _error(404, "Not found")
        spec, version, app, campaign_id = endpoint
        account = request.query.get("accountId") if version == "v2" else ACCOUNT
        refusal = self._refusal(request, app, account, spec)
        if refusal:
            return refusal
        campaign = self._campaigns.get(campaign_id)
        return _error(404, "Campaign not found") if campaign is None else self._do(spec, request, campaign)

    def _do(self, spec: str, request: Request, campaign: Campaign) -> Answer:
        match spec:
            case "get":
                return _told(campaign, "retrieved")
            case "status":
                return _status(request, campaign)
            case "delete":
                del self._campaigns[campaign.id]
                self._recorder.effect(self.name, "deleted", campaign, request.number)
                return _told(campaign, "deleted")
            case _:
                return self._trigger(request, campaign)

    def reset(self) -> None:
        """Restore the campaigns of the two pages."""
        self._campaigns = {
            str(details["_id"]): Campaign(id=str(details["_id"]), owner=APP, details=details)
            for details in _SEEDED
        }

    def _trigger(self, request: Request, campaign: Campaign) -> Answer:
        """Stop or start a campaign. *Assumed*: if it is in that state already, the reply is the same."""
        if request.query.get("trigger") not in _TRIGGERS or request.body != b"{}":
            return _error(400, "Invalid trigger")
        status, message, what = _TRIGGERS[request.query["trigger"]]
        if campaign.details["status"] != status:
            campaign = campaign.model_copy(update={"details": {**campaign.details, "status": status}})
            self._campaigns[campaign.id] = campaign
            self._recorder.effect(self.name, what, campaign, request.number)
        calls = {"totalCallsCompleted": 0} if what == "started" else {}
        content = {
            "status": status,
            "message": message,
            **calls,
            "updatedAt": f"{self._clock.now():%Y-%m-%dT%H:%M:%S}.000Z",
            "campaignInstanceId": campaign.details["campaignInstanceId"],
        }
        return answer_json(200, content)

    def _refusal(self, request: Request, app: str, account: str | None, spec: str) -> Answer | None:
        # documented, although there is no body; the sample of "Get Campaign Status API" has none
        if spec != "status" and request.header("content-type") != "application/json":
            return _error(415, "Unsupported Media Type")
        if not self._authorised(request.header("auth") or ""):
            return _error(401, "Unauthorized")
        if (app, request.header("iid"), account, request.header("accountid")) != (APP, APP, ACCOUNT, ACCOUNT):
            return _error(403, "Forbidden")
        # "Get Voice Campaign API" and the status show no campaignType. That one does no harm is assumed.
        if request.query.get("campaignType", "voice" if spec in {"get", "status"} else None) != "voice":
            return _error(400, "Invalid campaignType")
        return None

    def _authorised(self, token: str) -> bool:
        """Return whether a JWT (RFC 7519) is signed by the app's secret, names the app, is valid and is new.

        The page says "HS256", ``{"sub", "appId"}`` with the client id, and the client secret as the key. A
        ``jti`` is accepted once only.
        """
        signed, _, signature = token.rpartition(".")
        wanted = hmac.new(CLIENT_SECRET.encode(), signed.encode(), hashlib.sha256).digest()
        try:
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            genuine = hmac.compare_digest(_decoded(signature), wanted)
        except (ValueError, binascii.Error):
            return False
        ends, token_id = claims.get("exp"), claims.get("jti")
        valid = (
            genuine
            and header.get("alg") == "HS256"
            and claims.get("appId") == CLIENT_ID
            and bool(claims.get("sub"))
            and (ends is None or ends > self._clock.now().timestamp())
            and token_id not in self._token_ids
        )
        if valid and token_id is not None:
            self._token_ids.add(token_id)
        return valid


def _endpoint(request: Request) -> tuple[str, str, str, str] | None:
    """Return the requested operation, its version, the app and the campaign, or None."""
    for (method, path), (spec, version) in _ENDPOINTS.items():
        found = re.fullmatch(path.format("([^/]+)", "([^/]+)"), request.path)
        if found and request.method == method:
            return spec, version, unquote(found[1]), unquote(found[2])
    return None


def _status(request: Request, campaign: Campaign) -> Answer:
    """Handle `POST …/status?view=status`, "Get Campaign Status API". Other views are left out here.

    The page has "failure" for a call of the API that failed, without a reason: when is *assumed*.
    """
    if request.query.get("view") != "status":
        return answer_json(200, {"status": "failure"})
    content = {"id": campaign.id, "status": campaign.details["status"], "name": campaign.details["name"]}
    return answer_json(200, {"status": "success", "data": content})


def _told(campaign: Campaign, participle: str) -> Answer:
    message = f"Campaign {campaign.details['name']} {participle} successfully"
    return answer_json(200, {"status": "success", "message": message, "data": dict(campaign.details)})


def _decoded(part: str) -> bytes:
    """Return the bytes of base64url without padding, RFC 7515 §2."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _error(status: int, message: str) -> Answer:
    return answer_json(status, {"status": "error", "message": message})
