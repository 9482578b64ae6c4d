"""Requests of the adapters against the OpenAPI parts of the providers' own documents."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from providers.actions import (
    CLOCK_PATTERN,
    E164_PATTERN,
    SAFE_ID_PATTERN,
    CallRef,
    CancelCall,
    CannotSendError,
    PlaceCall,
)
from providers.base import Adapter
from providers.callkaro import ACTION_ID_KEY, LANGUAGES
from tests.providers.made import CONTEXT, KEY, NOW, callkaro, voxworks
from tests.support.provider_documents import IN_REQUESTS, operation

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NUMBERS = st.from_regex(re.compile(E164_PATTERN, re.ASCII), fullmatch=True)
CLOCKS = st.from_regex(CLOCK_PATTERN, fullmatch=True)
INTEGERS = st.integers(-(10**6), 10**6)
PLACED = st.builds(
    PlaceCall,
    to=NUMBERS,
    agent=st.just("payments"),
    at=st.none() | st.datetimes(datetime(2025, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    retries=st.none() | st.integers(-2, 12),
    gap=st.none() | INTEGERS | st.lists(INTEGERS, max_size=4).map(tuple),
    earliest=st.none() | CLOCKS,
    latest=st.none() | CLOCKS,
    carry_over=st.none() | st.booleans(),
    priority=st.none() | st.integers(-110, 110),
    language=st.none() | st.sampled_from((*LANGUAGES, "fr")),
    batch=st.none() | TEXT,
    metadata=st.none() | st.dictionaries(TEXT.filter(lambda key: key != ACTION_ID_KEY), VALUES, max_size=3),
)
CANCELLED = st.from_regex(SAFE_ID_PATTERN, fullmatch=True).map(
    lambda call_id: CancelCall(target=CallRef(call_id=call_id))
)
SCHEDULED = PlaceCall(to="+919876543210", agent="payments", at=NOW + timedelta(days=1))

CALLKARO = {
    (schedule, send_id): callkaro(schedule_format=schedule, send_action_id=send_id)
    for schedule in ("naive", "offset")
    for send_id in (False, True)
}
VOXWORKS = voxworks()


def faults(adapter: Adapter, action: Any) -> set[str]:
    """Return the faults of an action's request by its provider's document. A refused action has none."""
    try:
        prepared = adapter.prepare(action, CONTEXT)
    except CannotSendError:
        return set()
    body = None if prepared.body is None else json.loads(prepared.body)
    described = operation(adapter.provider)
    assert prepared.url.startswith(described.server + "/")
    assert KEY not in prepared.url
    return set(described.request_faults(prepared.method, prepared.url, prepared.headers, body))


@given(PLACED, st.booleans())
@example(SCHEDULED, True)
@settings(max_examples=300, deadline=None)
def test_whatever_is_placed_is_a_request_of_callkaros_document(action: PlaceCall, send_id: bool) -> None:  # noqa: FBT001 - drawn
    """Each action of the vocabulary is sent as CallKaro's document has it, or refused before."""
    assert faults(CALLKARO["offset", send_id], action) == set()
    naive = faults(CALLKARO["naive", send_id], action)
    assert naive <= (IN_REQUESTS["callkaro"].keys() if action.at else set())


def test_the_known_gap_in_callkaros_requests_is_one() -> None:
    """The document really forbids each listed gap."""
    assert faults(CALLKARO["naive", False], SCHEDULED) == IN_REQUESTS["callkaro"].keys()


@given(CANCELLED)
@settings(max_examples=200, deadline=None)
def test_whatever_is_cancelled_is_a_request_of_voxworks_document(action: CancelCall) -> None:
    """Each id of the vocabulary is sent as Voxworks' document has it."""
    VOXWORKS.prepare(action, CONTEXT)  # never refused
    assert faults(VOXWORKS, action) == IN_REQUESTS["voxworks"].keys()


def test_the_document_does_find_faults() -> None:
    """A request that is wrong everywhere has faults, so the tests above can fail."""
    described = operation("callkaro")
    body = {"to_number": "98765", "retries": 3, "priority": 101, "language": "fr", "metadata": []}
    assert set(described.request_faults("PUT", "/call?x=1", {"X-Api-Kee": "k"}, body)) == {
        "method PUT",
        "path /call",
        "query.x: undeclared",
        "header x-api-key",
        "header x-api-kee: undeclared",
        "header content-type",
        "body: required",
        "body.to_number: pattern",
        "body.priority: maximum",
        "body.language: enum",
        "body.metadata: type",
        "body.retries: undeclared",
    }
    unlike = operation("voxworks")
    headers = {"Authorization": "Bearer"}
    assert unlike.request_faults("POST", "/api/v1/cancel-call/a/b", headers, {}) == [
        "path /api/v1/cancel-call/a/b",
        "header authorization",
        "body: undeclared",
    ]
    assert set(unlike.reply_faults(429, {}, {"success": "no"})) == {
        "header Retry-After",
        "header X-RateLimit-Limit",
        "header X-RateLimit-Remaining",
        "header content-type",
        "body.success: type",
        "body: required",
    }
