"""Ryng, for the contract suite."""

from providers.actions import CallRef, CancelCall
from tests.providers.contract_case import CANARY, Ask, Case

CASE = Case(
    settings={"subdomain": "tenant", "access_token": CANARY},
    asks={
        "cancel": Ask(
            CancelCall(target=CallRef(call_id="40961")),
            method="POST",
            path="/rest-api/v1/progressive/call/40961/cancel",
            headers={"x-access-token": CANARY},
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
            headers={"x-access-token": CANARY},
        ),
    },
)
