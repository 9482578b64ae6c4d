"""What follows from a provider's answer, or from none: the entry's next state and who must hear of it. Pure.

The system orders another attempt only where that cannot call a customer twice or hide a doubt: what was
certainly not sent, what the provider put off, and cancels and deletes by id. Once an attempt is in doubt,
only a clear success or a person ends the doubt: a later "not found" counts as success only if the log had
seen that id exist before the first attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.actions import Code, Kind, Outcome, Retry, Status
from storage.lifecycle import State
from storage.log import LogEntry, Move, Post

MAX_ATTEMPTS = 3
"""Requests in all, for what was certainly not sent and for cancels by id."""
PAUSES = (timedelta(seconds=2), timedelta(seconds=8))
"""Before the second and the third request."""

INFERRED = (
    "The provider no longer has it. The log had seen it exist before our first request, "
    "so that request removed it."
)
WARNING = "warning_"
"""What the names of warnings begin with in an event's data."""
STILL_IN_DOUBT = "An earlier request got no readable answer and may have worked, or the id was never right."


@dataclass(frozen=True, slots=True)
class Consequence:
    """Moves to make together, and the posts that tell of them."""

    moves: Sequence[Move]
    posts: Sequence[Post]


def follows(
    entry: LogEntry,
    outcome: Outcome,
    *,
    requester: str,
    owner: str,
    now: datetime,
    until: datetime | None,
    seen: bool,
    waited: bool,
) -> Consequence:
    """What follows from the outcome of ``entry``'s current attempt.

    ``until``: when waiting any longer is pointless; ``seen``: the log knew the target's id before the first
    attempt; ``waited``: the requester is no longer looking (somebody had to approve, or there are several
    targets, and the one that ends last tells of them all). Whoever was told of a doubt is told of its end.
    """
    again = _next_attempt(entry, outcome, now, until)
    match outcome.status:
        case Status.UNKNOWN:
            return _unknown(entry, outcome, requester, owner, again)
        case Status.OK:
            return _ended(
                entry, outcome, "succeeded", State.SUCCEEDED, requester, owner, tell=waited or entry.doubted
            )
    if again is not None:
        move = _move(entry, outcome, "retry_scheduled", State.APPROVED, owner, not_before=again)
        return Consequence((move,), (Post("state", "audit"),))
    if not entry.doubted:
        return _ended(entry, outcome, "failed", State.FAILED, requester, owner, tell=True)
    if outcome.code is Code.NOT_FOUND and seen:
        inferred = outcome.model_copy(update={"message": INFERRED})
        return _ended(
            entry, inferred, "inferred", State.SUCCEEDED, requester, owner, tell=waited or entry.doubted
        )
    doubted = outcome.model_copy(update={"message": f"{STILL_IN_DOUBT} {outcome.message}"})
    return _unknown(entry, doubted, requester, owner)


def _next_attempt(
    entry: LogEntry, outcome: Outcome, now: datetime, until: datetime | None
) -> datetime | None:
    """When the system may order another attempt; None: it may not."""
    match outcome.retry:
        case Retry.SAFE if entry.attempt < MAX_ATTEMPTS:
            at = now + PAUSES[entry.attempt - 1]
        case Retry.IDEMPOTENT if entry.attempt < MAX_ATTEMPTS and entry.kind is not Kind.PLACE_CALL:
            at = now + max(PAUSES[entry.attempt - 1], timedelta(seconds=outcome.retry_after or 0))
        case Retry.AFTER if outcome.retry_after is not None and entry.kind is not Kind.PLACE_CALL:
            at = now + timedelta(seconds=outcome.retry_after)
        case _:
            return None
    return at if until is None or at < until else None


def _move(
    entry: LogEntry,
    outcome: Outcome,
    name: str,
    after: State,
    owner: str,
    *,
    not_before: datetime | None = None,
) -> Move:
    return Move(
        entry.id,
        name,
        frozenset({State.SENDING}),
        after,
        owner=owner,
        attempt=entry.attempt,
        changes={
            "code": outcome.code,
            "message": outcome.message,
            "retry": outcome.retry,
            "reference": outcome.reference or entry.reference,
            "http_status": outcome.http_status,
            "doubted": entry.doubted or outcome.status is Status.UNKNOWN,
            "not_before": not_before,
        },
        data=warned(outcome),
        private=kept(outcome),
    )


def warned(outcome: Outcome) -> dict[str, str]:
    """An outcome's warnings as an event's data."""
    return {f"{WARNING}{n}": warning for n, warning in enumerate(outcome.warnings, start=1)}


def kept(outcome: Outcome) -> dict[str, str]:
    """What of an outcome goes into erasable rows: the reply, and what is left of something deleted."""
    found = {"raw": outcome.raw, "record": outcome.record, "summary": outcome.summary}
    return {field: value for field, value in found.items() if value}


def _unknown(
    entry: LogEntry, outcome: Outcome, requester: str, owner: str, again: datetime | None = None
) -> Consequence:
    doubt = _move(entry, outcome, "unknown", State.UNKNOWN, owner)
    if again is None:
        posts = (Post("state", "audit"), Post("unknown", "thread"), Post("state", f"dm:{requester}"))
        return Consequence((doubt,), posts)
    order = Move(
        entry.id,
        "retry_scheduled",
        frozenset({State.UNKNOWN}),
        State.APPROVED,
        attempt=entry.attempt,
        changes={"not_before": again},
    )
    return Consequence((doubt, order), (Post("state", "audit"),))


def _ended(
    entry: LogEntry,
    outcome: Outcome,
    name: str,
    after: State,
    requester: str,
    owner: str,
    *,
    tell: bool,
) -> Consequence:
    posts = [Post("state", "audit")]
    if entry.doubted or outcome.warnings or outcome.summary:
        posts.append(Post(name, "thread"))
    if tell:
        posts.append(Post("state", f"dm:{requester}"))
    return Consequence((_move(entry, outcome, name, after, owner),), tuple(posts))
