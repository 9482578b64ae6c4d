"""Ryng, for the contract suite."""

from providers.actions import CallRef, CancelCall, Code, PlaceCall
from tests.providers.contract.case import CANARY, NUMBER, Ask, Case, Refusal

PREVIEW = "/rest-api/v1/preview/call"
TOKEN = {"x-access-token": CANARY}
PLACE = PlaceCall(to=NUMBER, agent="asha")
NAMED = PlaceCall(to=NUMBER, agent="asha", metadata={"name": "Abhinav"})

CASE = Case(
    settings={"subdomain": "tenant", "access_token": CANARY, "agents": {"asha": 17}, "campaign_id": 9},
    asks={
        "cancel": Ask(
            CancelCall(target=CallRef(call_id="40961")),
            method="POST",
            path="/rest-api/v1/progressive/call/40961/cancel",
            headers=TOKEN,
        ),
        "cancel with the other header": Ask(
            CancelCall(target=CallRef(call_id="40961")),
            method="POST",
            path="/rest-api/v1/progressive/call/40961/cancel",
            headers={"x-access-key": CANARY},
            settings={"auth_header": "x-access-key"},
        ),
        "cancel an id that is no number": Ask(
            CancelCall(target=CallRef(call_id="ry:1.2-3_4")),
            method="POST",
            path="/rest-api/v1/progressive/call/ry%3A1.2-3_4/cancel",
            headers=TOKEN,
        ),
        "place": Ask(
            PLACE,
            "POST",
            PREVIEW,
            TOKEN,
            {"agentID": 17, "campaignID": 9, "customerNumber": NUMBER},
        ),
        "place with a name": Ask(
            NAMED,
            "POST",
            PREVIEW,
            TOKEN,
            {"agentID": 17, "campaignID": 9, "customerNumber": NUMBER, "customerName": "Abhinav"},
        ),
        "place with digits": Ask(
            PLACE,
            "POST",
            PREVIEW,
            TOKEN,
            {"agentID": 17, "campaignID": 9, "customerNumber": "919876543210"},
            settings={"number_format": "digits"},
        ),
    },
    refusals={
        "an agent that is not listed": Refusal(PlaceCall(to=NUMBER, agent="mira"), "agent", "It has: asha"),
        "no campaign to add to": Refusal(
            PLACE, None, "campaign_id", code=Code.CONFIG_ERROR, settings={"campaign_id": None}
        ),
        "a name that is no words": Refusal(
            PlaceCall(to=NUMBER, agent="asha", metadata={"name": 7}), "metadata", "put it in quotes"
        ),
        "metadata it does not take": Refusal(
            PlaceCall(to=NUMBER, agent="asha", metadata={"city": "Pune"}),
            "metadata",
            "takes name in the metadata, not city",
        ),
    },
)
