"""Values of the store for tests, with defaults that a test replaces where they matter."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from providers.actions import Kind
from storage.models import ActionRecord
from storage.states import State

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
_ACTION = ActionRecord(
    id="A-7K3F.1",
    request="A-7K3F",
    position=1,
    kind=Kind.CANCEL_CALL,
    connection="reminders",
    agent=None,
    target_id=None,
    scheduled_for=None,
    state=State.PENDING,
    attempt=0,
    maybe_executed=False,
    owner=None,
    lease_until=None,
    not_before=None,
    code=None,
    message=None,
    retry=None,
    reference=None,
    http_status=None,
    asked_at=NOW,
    updated_at=NOW,
    action=None,
)


def an_action(**fields: Any) -> ActionRecord:
    """Return a pending action with the given fields."""
    return replace(_ACTION, **fields)
