"""Voxworks, for the contract suite."""

from providers.actions import CallRef, CancelCall
from tests.providers.contract_case import CANARY, Ask, Case

CASE = Case(
    settings={"api_key": CANARY},
    asks={
        "cancel": Ask(
            CancelCall(target=CallRef(call_id="vx_123")),
            method="POST",
            path="/api/v1/cancel-call/vx_123",
            headers={"authorization": f"Bearer {CANARY}"},
        ),
        "cancel an id that is quoted": Ask(
            CancelCall(target=CallRef(call_id="vx:1.2-3_4")),
            method="POST",
            path="/api/v1/cancel-call/vx%3A1.2-3_4",
            headers={"authorization": f"Bearer {CANARY}"},
        ),
    },
)
