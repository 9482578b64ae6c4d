"""CallKaro, for the contract suite."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from providers.actions import CancelCall, NumberRef, PlaceCall
from tests.providers.contract.case import CANARY, NOW, NUMBER, Ask, Case, Refusal

AGENT = "6803fa770b666a64ab1694c1e"
KEY = {"x-api-key": CANARY}
CALL: dict[str, object] = {"to_number": NUMBER, "agent_id": AGENT}
PLACE = PlaceCall(to=NUMBER, agent="payments")
BERLIN = {"timezone": "Europe/Berlin"}  # clocks go back there on 25 October 2026
OFFSET = {"schedule_format": "offset"}
NONE: Mapping[str, object] = {}


def _place(**fields: object) -> PlaceCall:
    return PlaceCall.model_validate({**PLACE.model_dump(exclude_none=True), **fields})


def _placing(action: PlaceCall, sent: Mapping[str, object], settings: Mapping[str, object] = NONE) -> Ask:
    return Ask(action, "POST", "/call/outbound", KEY, body={**CALL, **sent}, settings=settings)


def _deleting(agent_id: str, number: str, settings: Mapping[str, object] = NONE, **target: str) -> Ask:
    action = CancelCall(target=NumberRef.model_validate({"agent": "payments", "to": NUMBER, **target}))
    path = f"/call/delete-schedule-call?agent_id={agent_id}"
    return Ask(action, "POST", path, KEY, body={"to_number": number}, settings=settings)


CASE = Case(
    settings={"api_key": CANARY, "agents": {"payments": AGENT}},
    asks={
        "place": _placing(PLACE, {}),
        "place with everything": _placing(
            _place(
                at=datetime(2025, 12, 31, 4, 0, tzinfo=UTC),
                retries=3,
                gap=(30, 60),
                earliest="09:00",
                latest="18:00",
                carry_over=True,
                priority=1,
                language="hi",
                batch="b1",
                metadata={"name": "अभिनव", "age": 25, "vip": True, "note": None},
            ),
            {
                "batch_id": "b1",
                "metadata": {"name": "अभिनव", "age": 25, "vip": True, "note": None},
                "schedule_at": "2025-12-31T09:30:00",
                "min_trigger_time": "09:00",
                "max_trigger_time": "18:00",
                "carry_over": True,
                "number_of_retries": 3,
                "gap_between_retries": [30, 60],
                "priority": 1,
                "language": "hi",
            },
        ),
        "place with one gap": _placing(
            _place(retries=3, gap=30), {"number_of_retries": 3, "gap_between_retries": 30}
        ),
        "place with half a window": _placing(_place(earliest="09:00"), {"min_trigger_time": "09:00"}),
        "place with the least": _placing(
            _place(retries=0, priority=-100, carry_over=False, language="ml"),
            {"carry_over": False, "number_of_retries": 0, "priority": -100, "language": "ml"},
        ),
        "place with the most": _placing(
            _place(retries=10, priority=100), {"number_of_retries": 10, "priority": 100}
        ),
        "place with an offset": _placing(
            _place(at=NOW + timedelta(hours=1)), {"schedule_at": "2025-12-30T18:30:00+05:30"}, OFFSET
        ),
        "place at a time that comes twice": _placing(
            _place(at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
            {"schedule_at": "2026-10-25T02:30:00+01:00"},
            BERLIN | OFFSET,
        ),
        "place in another zone": _placing(
            _place(at=NOW + timedelta(hours=2)),
            {"schedule_at": "2025-12-30T09:00:00"},
            {"timezone": "America/New_York"},
        ),
        "place with our id": _placing(
            _place(metadata={"age": 25}),
            {"metadata": {"age": 25, "callops_action_id": "A-7K3F"}},
            {"send_action_id": True},
        ),
        "place with a raw agent": _placing(
            _place(agent="collections"), {"agent_id": "collections"}, {"allow_raw_agents": True}
        ),
        "delete": _deleting(AGENT, "919876543210"),
        "delete in E.164": _deleting(AGENT, NUMBER, {"number_format": "e164"}),
        "delete of a raw agent": _deleting(
            "a%26b%3Dc%2F..%2F%23%3F", "919876543210", {"allow_raw_agents": True}, agent="a&b=c/../#?"
        ),
    },
    refusals={
        "at this moment": Refusal(_place(at=NOW), "at"),
        "in the past": Refusal(_place(at=NOW - timedelta(days=1)), "at"),
        "at the end of time": Refusal(_place(at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC)), "at"),
        "a time that comes twice": Refusal(
            _place(at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
            "at",
            "show this time twice",
            settings=BERLIN,
        ),
        "the same time, an hour later": Refusal(
            _place(at=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
            "at",
            "show this time twice",
            settings=BERLIN,
        ),
        "eleven retries": Refusal(_place(retries=11), "retries"),
        "fewer than no retries": Refusal(_place(retries=-1), "retries"),
        "too high a priority": Refusal(_place(priority=101), "priority"),
        "too low a priority": Refusal(_place(priority=-101), "priority"),
        "a language it has not": Refusal(_place(language="fr"), "language"),
        "carrying over from no end": Refusal(_place(carry_over=True), "carry_over"),
        "carrying over from a start": Refusal(_place(carry_over=True, earliest="09:00"), "carry_over"),
        "an agent that is not listed": Refusal(_place(agent="collections"), "agent", "It has: payments"),
        "deleting for an agent that is not listed": Refusal(
            CancelCall(target=NumberRef(agent="collections", to=NUMBER)), "agent", "It has: payments"
        ),
        "an agent's id of two words": Refusal(
            _place(agent="two words"), "agent", "no spaces", settings={"allow_raw_agents": True}
        ),
        "metadata that is not JSON": Refusal(_place(metadata={"n": float("nan")}), "metadata"),
        "metadata under our own name": Refusal(
            _place(metadata={"callops_action_id": "mine"}), "metadata", settings={"send_action_id": True}
        ),
    },
)
