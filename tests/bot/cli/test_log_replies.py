"""Stored replies: attempts, late answers, headers, and erased ones."""

from datetime import UTC, datetime
from typing import Any

from bot.cli.log_replies import as_lines, as_objects, attempts
from storage.event_log.hash_chain import ERASED
from storage.models import Event

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
COMMITTED = {"raw": "a commitment"}


def event(seq: int, name: str, *, private: dict[str, str] | None = None, **data: Any) -> Event:
    """Something that happened to one action."""
    return Event(seq, AT, "A-7K3F", "A-7K3F", name, "system", data, private or {}, previous="", hash="")


def test_headers_come_before_the_body() -> None:
    """Headers are read, kept as pairs or as an object."""
    events = [
        event(1, "sending", attempt=1),
        event(2, "failed", code="rate_limited", http_status=429, private=COMMITTED),
    ]
    for kept in ('[["retry-after", "2"]]', '{"retry-after": "2"}'):
        found = attempts(events, [(2, "raw", '{"x": 1}'), (2, "headers", kept)])
        assert [*as_lines(events, found)] == [
            "A-7K3F  attempt 1  2026-11-21 09:00:00 UTC  failed  rate_limited  HTTP 429",
            "    retry-after: 2",
            '    {"x": 1}',
        ]
        assert as_objects(found)[0]["headers"] == [["retry-after", "2"]]


def test_a_late_answer_takes_the_place_of_the_doubt() -> None:
    """One attempt, one reply; what a person said meanwhile is none."""
    events = [
        event(1, "sending", attempt=1),
        event(2, "unknown", code="no_answer", http_status=None, message="It did not answer."),
        event(3, "settled", code="cancelled"),
        event(4, "late_answer", code="cancelled", private=COMMITTED),
    ]
    assert [one.event.name for one in attempts(events[:3], []) if one.event] == ["unknown"]
    [late] = attempts(events, [(4, "raw", "{}")])
    assert (late.number, late.body, late.event) == (1, "{}", events[3])


def test_a_request_that_is_out_has_no_reply_yet() -> None:
    """It is said, and so is a reply that was erased, with when and by whom."""
    out = [event(1, "sending", attempt=1)]
    assert "    No reply yet." in as_lines(out, attempts(out, []))
    erased = [
        event(1, "sending", attempt=1),
        event(2, "succeeded", code="queued", http_status=200, private=COMMITTED),
        event(3, ERASED),
    ]
    assert "    The reply was erased on 2026-11-21 09:00 UTC by CallOps." in as_lines(
        erased, attempts(erased, [])
    )
