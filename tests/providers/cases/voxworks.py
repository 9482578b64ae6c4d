"""Voxworks, for the contract suite."""

from datetime import UTC, datetime, timedelta

from providers.actions import CallRef, CancelCall, Code, PlaceCall
from tests.providers.contract_case import CANARY, NOW, NUMBER, Ask, Case, Refusal

BEARER = {"authorization": f"Bearer {CANARY}"}
CALLER = "+912212345678"
PLACE = PlaceCall(to=NUMBER, agent="reminder")

CASE = Case(
    settings={"api_key": CANARY, "from_number": CALLER, "agents": {"reminder": "scr_1"}},
    asks={
        "cancel": Ask(
            CancelCall(target=CallRef(call_id="vx_123")),
            method="POST",
            path="/api/v1/cancel-call/vx_123",
            headers=BEARER,
        ),
        "cancel an id that is quoted": Ask(
            CancelCall(target=CallRef(call_id="vx:1.2-3_4")),
            method="POST",
            path="/api/v1/cancel-call/vx%3A1.2-3_4",
            headers=BEARER,
        ),
        "place": Ask(
            PLACE,
            method="POST",
            path="/api/v1/create-phone-call",
            headers=BEARER,
            body={"from_number": CALLER, "script_id": "scr_1", "contact": {"phone_number": NUMBER}},
        ),
        "schedule with a name": Ask(
            PLACE.model_copy(
                update={
                    "at": datetime(2025, 12, 31, 4, 0, tzinfo=UTC),
                    "metadata": {"first_name": "Abhinav", "last_name": "Rao"},
                }
            ),
            method="POST",
            path="/api/v1/create-phone-call",
            headers=BEARER,
            body={
                "from_number": CALLER,
                "script_id": "scr_1",
                "contact": {"phone_number": NUMBER, "first_name": "Abhinav", "last_name": "Rao"},
                "scheduled_time": "2025-12-31T04:00:00Z",
            },
        ),
        "place to a national number": Ask(
            PLACE,
            method="POST",
            path="/api/v1/create-phone-call",
            headers=BEARER,
            body={"from_number": CALLER, "script_id": "scr_1", "contact": {"phone_number": "09876543210"}},
            settings={"number_format": "national"},
        ),
    },
    refusals={
        "in the past": Refusal(PLACE.model_copy(update={"at": NOW - timedelta(days=1)}), "at"),
        "an agent that is not listed": Refusal(
            PlaceCall(to=NUMBER, agent="mira"), "agent", "It knows: reminder"
        ),
        "no number to call from": Refusal(
            PLACE, None, "from_number", code=Code.CONFIG_ERROR, settings={"from_number": None}
        ),
        "metadata it does not take": Refusal(
            PLACE.model_copy(update={"metadata": {"city": "Pune"}}), "metadata", "first_name and last_name"
        ),
    },
)
