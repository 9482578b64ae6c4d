"""Voxworks, for the contract suite."""

from datetime import UTC, datetime, timedelta, timezone

from providers.actions import CallRef, CancelCall, Code, PlaceCall
from tests.providers.contract.case import CANARY, NOW, NUMBER, Ask, Case, Refusal

CREATE = "/api/v1/create-phone-call"
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
        "cancel after a look-up": Ask(
            CancelCall(target=CallRef(call_id="vx:1.2-3_4")),
            method="POST",
            path="/api/v1/cancel-call/vx%3A1.2-3_4",
            headers=BEARER,
            look_up="/api/v1/get-call/vx%3A1.2-3_4",
            settings={"allow_undocumented": True},
        ),
        "place": Ask(
            PLACE,
            "POST",
            CREATE,
            BEARER,
            {"from_number": CALLER, "script_id": "scr_1", "contact": {"phone_number": NUMBER}},
        ),
        "schedule with a name": Ask(
            PLACE.model_copy(
                update={
                    "at": datetime(2025, 12, 31, 4, 0, 15, tzinfo=UTC),
                    "metadata": {"first_name": "Abhinav", "last_name": "Rao"},
                }
            ),
            "POST",
            CREATE,
            BEARER,
            {
                "from_number": CALLER,
                "script_id": "scr_1",
                "contact": {"phone_number": NUMBER, "first_name": "Abhinav", "last_name": "Rao"},
                "scheduled_time": "2025-12-31T04:00:15Z",
            },
        ),
        "place to a national number": Ask(
            PlaceCall(to="+61429069971", agent="reminder"),  # the page's example
            "POST",
            CREATE,
            BEARER,
            {"from_number": CALLER, "script_id": "scr_1", "contact": {"phone_number": "0429069971"}},
            settings={"number_format": "national"},
        ),
    },
    ends=["/api/v1/get-call/c%3A1", "/api/v1/get-call-result/c%3A1"],
    refusals={
        "in the past": Refusal(PLACE.model_copy(update={"at": NOW - timedelta(days=1)}), "at"),
        "an agent that is not listed": Refusal(
            PlaceCall(to=NUMBER, agent="mira"), "agent", "It has: reminder"
        ),
        "no number to call from": Refusal(
            PLACE, None, "from_number", code=Code.CONFIG_ERROR, settings={"from_number": None}
        ),
        "at the end of time": Refusal(
            PLACE.model_copy(update={"at": datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=5)))}),
            "at",
            "too far away",
        ),
        "a number that no country has": Refusal(
            PlaceCall(to="+9991234567", agent="reminder"),
            "to",
            "No country has that code",
            settings={"number_format": "national"},
        ),
        "metadata it does not take": Refusal(
            PLACE.model_copy(update={"metadata": {"age": "25"}}),
            "metadata",
            "first_name and last_name in the metadata, not age",
        ),
        "metadata that would call everybody": Refusal(
            PLACE.model_copy(update={"metadata": {"<!channel>": "x"}}), "metadata", "not any other name"
        ),
        "a name that is no words": Refusal(
            PLACE.model_copy(update={"metadata": {"first_name": 25}}), "metadata", "words as first_name"
        ),
    },
)
