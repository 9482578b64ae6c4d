"""Contradictory replies that name a success: they are no success, and lead to no second call."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    NumberRef,
    Outcome,
    PlaceCall,
    Status,
)
from providers.registry import PROVIDERS

NUMBER = "+919876543210"
PLACE = PlaceCall(agent="payments", to=NUMBER)
REMOVE = CancelCall(target=NumberRef(agent="payments", to=NUMBER))
CANCEL = CancelCall(target=CallRef(call_id="12"))
DELETE = DeleteCampaign(target=CampaignRef(campaign_id="cd-1"))
SETTINGS: dict[str, dict[str, Any]] = {
    "callkaro": {"api_key": "key-of-nobody", "agents": {"payments": "a1"}},
    "voxworks": {"api_key": "key-of-nobody"},
    "ryng": {"access_token": "key-of-nobody", "subdomain": "tenant"},
    "kore": {"token": "key-of-nobody", "base_url": "kore.example", "app_id": "st-1", "account_id": "a1"},
}


def understood(provider: str, action: CallAction, body: dict[str, Any], status: int = 200) -> Outcome:
    """Return an adapter's outcome for a reply."""
    kind = PROVIDERS[provider]
    settings = kind.settings_type.model_validate(SETTINGS[provider])
    adapter = kind(settings, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))
    return adapter.parse_stored_response(action, status, [], json.dumps(body))


@pytest.mark.parametrize(
    ("provider", "action", "body"),
    [
        ("voxworks", CANCEL, {"success": True, "error": "call is live"}),
        ("voxworks", CANCEL, {"success": True, "status": "failed"}),
        ("voxworks", CANCEL, {"success": True, "message": "Call could not be cancelled"}),
        ("voxworks", CANCEL, {"success": True, "callId": "13"}),
        ("voxworks", CANCEL, {"success": True, "data": {"call_id": "13"}}),
        ("callkaro", REMOVE, {"status": "success", "message": "Call is already in progress"}),
        ("callkaro", REMOVE, {"status": "success", "to_number": "919876543211"}),
        ("callkaro", REMOVE, {"status": "success", "success": False}),
        ("callkaro", PLACE, {"status": "success", "call_id": "c", "error": "insufficient balance"}),
        ("callkaro", PLACE, {"status": "success", "call_id": "c", "to_number": "+919876543211"}),
        ("ryng", CANCEL, {"error": False, "message": "Call ID does not exist"}),
        ("ryng", CANCEL, {"error": False, "statusCode": 500}),
        ("ryng", CANCEL, {"error": False, "data": [{"callID": 13}]}),
        ("ryng", CANCEL, {"error": False, "callID": 13}),
        ("kore", DELETE, {"status": "success", "errors": [{"msg": "not allowed"}]}),
        ("kore", DELETE, {"status": "success", "data": [{"_id": "cd-2"}]}),
        ("kore", DELETE, {"status": "success", "data": {"campaignId": "cd-2"}}),
        ("kore", DELETE, {"status": "success", "message": "Campaign not found"}),
    ],
)
def test_a_success_that_is_denied_is_none(provider: str, action: CallAction, body: dict[str, Any]) -> None:
    """An error, a failure in words, or another target beside the word for success gives "unknown"."""
    assert understood(provider, action, body).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("provider", "action", "body"),
    [
        ("voxworks", CANCEL, {"success": True, "call_id": "12", "error": None, "status": "cancelled"}),
        ("callkaro", REMOVE, {"status": "success", "message": "Scheduled call deleted successfully"}),
        ("callkaro", REMOVE, {"status": "done", "to_number": "098765 43210", "deleted_count": 10}),
        (
            "callkaro",
            PLACE,
            {"status": "done", "to_number": "+91\u00a0•••3210", "call_sid": "c", "errors": []},
        ),
        ("ryng", CANCEL, {"error": False, "message": "Call Cancelled", "data": {"callID": 12}}),
        ("kore", DELETE, {"status": "success", "data": {"_id": "cd-1", "status": "failed", "error": "x"}}),
    ],
)
def test_what_denies_nothing_is_a_success(provider: str, action: CallAction, body: dict[str, Any]) -> None:
    """Empty errors, the target in another spelling, and words about the target's past deny nothing."""
    assert understood(provider, action, body).status is Status.OK


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429])
def test_a_success_under_the_status_of_a_failure_may_have_called(status: int) -> None:
    """A "not placed" would lead to a second call, so a reply that names its call is never read as that."""
    outcome = understood("callkaro", PLACE, {"status": "success", "call_id": "c-1"}, status)
    assert outcome.status is Status.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        {"deleted_count": 0},
        {"data": {"deleted": 0}},
        {"deleted_calls": []},
        {"message": "Calls deleted: 0"},
        {"message": "There are no schedules for this number"},
    ],
)
def test_a_deletion_of_nothing_is_none(body: dict[str, Any]) -> None:
    """CallKaro's success with a count of zero means that there was nothing to delete."""
    assert understood("callkaro", REMOVE, {"status": "success", **body}).code is Code.NOT_FOUND
