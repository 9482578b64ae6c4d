"""`python -m bot log show --raw` and `log fixture`: providers' replies as the log kept them.

They were redacted and cut before they were kept. Numbers that another field of a reply may hold are masked
once more here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from bot import CallOpsError
from bot.cli.log_story import HEADERS, RAW, actor
from bot.config.loader import read_config
from bot.config.settings import Connection
from providers.actions import CallAction, Outcome
from providers.masking import NO_REGION, mask_numbers
from providers.registry import find
from providers.transport.redaction import LONGEST_RECORD
from storage.event_log.hash_chain import ERASED
from storage.models import ActionRecord, Event, Request
from storage.states import State


class NoFixtureError(CallOpsError):
    """Why no fixture can be made of what the log has: a sentence."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a provider and what the log kept of the reply; ``event`` is None while it is out.

    ``erased``: there was a reply, and it is not kept any more.
    """

    action: str
    number: int
    event: Event | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    erased: bool = False

    @property
    def at(self) -> datetime | None:
        """The time its end was recorded."""
        return self.event.at if self.event else None

    @property
    def status(self) -> int | None:
        """The reply's HTTP status."""
        found = self.event.data.get("http_status") if self.event else None
        return found if isinstance(found, int) else None

    @property
    def code(self) -> str | None:
        """The outcome's code."""
        found = self.event.data.get("code") if self.event else None
        return found if isinstance(found, str) else None


def attempts(
    events: Sequence[Event], private: Sequence[tuple[int, str, str]], *, default_region: str = NO_REGION
) -> list[Attempt]:
    """Return every attempt, in the order of their ends."""
    masked = partial(mask_numbers, default_region=default_region)
    kept: dict[int, dict[str, str]] = {}
    for seq, field, value in private:
        kept.setdefault(seq, {})[field] = masked(value) if field in {RAW, HEADERS} else value
    open_: dict[str, Attempt] = {}
    ended: list[Attempt] = []
    for event in events:
        if event.name == State.SENDING:
            open_[event.action] = Attempt(event.action, int(event.data["attempt"] or 0))
        elif event.action in open_ and ("code" in event.data or RAW in event.private):
            attempt = _with_reply(open_[event.action], event, kept.get(event.seq, {}))
            if ended and ended[-1].action == event.action and ended[-1].number == attempt.number:
                if attempt.body is None and not attempt.erased:
                    continue  # somebody said what happened: that is no reply
                ended.pop()  # the answer itself, when it was only late
            ended.append(attempt)
    over = {(one.action, one.number) for one in ended}
    return ended + [one for one in open_.values() if (one.action, one.number) not in over]


def _with_reply(attempt: Attempt, event: Event, kept: Mapping[str, str]) -> Attempt:
    headers = json.loads(kept.get(HEADERS, "{}"))
    pairs = headers.items() if isinstance(headers, dict) else headers
    empty = isinstance(event.data.get("http_status"), int) and RAW not in event.private
    return replace(
        attempt,
        event=event,
        headers=tuple((str(name), str(value)) for name, value in pairs),
        body=kept.get(RAW, "" if empty else None),
        erased=RAW in event.private and RAW not in kept,
    )


def as_lines(events: Sequence[Event], found: Sequence[Attempt]) -> Iterator[str]:
    """Return the replies as lines for people."""
    if not found:
        yield "Nothing was sent to the provider, so there's no reply."
    for attempt in found:
        head = [attempt.action, f"attempt {attempt.number}"]
        if attempt.event:
            head += [f"{attempt.event.at:%Y-%m-%d %H:%M:%S} UTC", attempt.event.name, attempt.code or ""]
        if attempt.status:
            head.append(f"HTTP {attempt.status}")
        yield "  ".join(filter(None, head))
        yield from (f"    {line}" for line in _body_lines(events, attempt))


def _body_lines(events: Sequence[Event], attempt: Attempt) -> Iterator[str]:
    yield from (f"{name}: {value}" for name, value in attempt.headers)
    if attempt.event is None:
        yield "No reply yet."
    elif attempt.erased:
        erased = next((event for event in reversed(events) if event.name == ERASED), None)
        when = f" on {erased.at:%Y-%m-%d %H:%M} UTC by {actor(erased, {})}" if erased else ""
        yield f"The reply was erased{when}."
    elif attempt.body is None:
        yield f"No reply. {attempt.event.data.get('message') or ''}".rstrip()
    else:
        yield attempt.body or "(an empty body)"
        if len(attempt.body) >= LONGEST_RECORD:
            yield f"(cut at {LONGEST_RECORD} characters)"


def as_objects(found: Sequence[Attempt]) -> list[dict[str, Any]]:
    """Return the replies as objects for programs."""
    return [
        {
            "id": one.action,
            "attempt": one.number,
            "at": one.at.isoformat() if one.at else None,
            "event": one.event.name if one.event else None,
            "code": one.code,
            "status": one.status,
            "headers": [list(pair) for pair in one.headers],
            "body": one.body,
            "erased": one.erased,
        }
        for one in found
    ]


def fixture(
    request: Request, found: Sequence[Attempt], wanted: int | None, variables: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """Return a reply in the form of the contract suite, with its provider. Raises `NoFixtureError`."""
    attempt = _chosen(found, wanted)
    record = next(one for one in request.actions if one.id == attempt.action)
    connection = read_config(variables).connections.get(record.connection)
    if connection is None:
        raise NoFixtureError(
            f"This needs the connection {record.connection} and its secret to read the reply again. "
            "Add them to the configuration."
        )
    outcome = _read_again(record, attempt, connection)
    document: dict[str, Any] = {
        "kind": record.kind,
        "basis": "live",
        "source": "a live account",
        "date": f"{attempt.at:%Y-%m}",
        "status": attempt.status,
    }
    if attempt.headers:
        document["headers"] = dict(attempt.headers)
    try:
        document["body"] = json.loads(attempt.body or "")
    except ValueError:
        document["text"] = attempt.body
    return document | {"outcome": _expected(outcome)}, find(connection.provider).provider


def _chosen(found: Sequence[Attempt], wanted: int | None) -> Attempt:
    among = [one for one in found if wanted in {None, one.number}]
    if not among:
        raise NoFixtureError(
            "There's no such attempt." if found else "Nothing was sent, so there's no reply."
        )
    if len({one.action for one in among}) > 1:
        names = ", ".join(sorted({one.action for one in among}))
        raise NoFixtureError(f"Choose an action: {names}.")
    replied = [one for one in among if one.body is not None and one.status is not None]
    if not replied:
        gone = any(one.erased for one in among)
        raise NoFixtureError("The reply was erased." if gone else "There was no reply to keep.")
    if len(replied[-1].body or "") >= LONGEST_RECORD:
        raise NoFixtureError(
            f"The reply was cut at {LONGEST_RECORD} characters, so it can't be read the same way."
        )
    return replied[-1]


def _read_again(record: ActionRecord, attempt: Attempt, connection: Connection) -> Outcome:
    """Return the outcome that the present adapter reads from the stored reply."""
    action: CallAction | None = record.for_provider
    if action is None or attempt.at is None or attempt.status is None or attempt.body is None:
        raise NoFixtureError("The request was erased.")
    at = attempt.at
    adapter = find(connection.provider)(connection.settings, clock=lambda: at)
    return adapter.parse_stored_response(action, attempt.status, attempt.headers, attempt.body)


def _expected(outcome: Outcome) -> dict[str, Any]:
    expected: dict[str, Any] = {"status": outcome.status, "code": outcome.code}
    more = {
        "retry": None if outcome.retry == "never" else outcome.retry,
        "reference": outcome.reference,
        "retry_after": outcome.retry_after,
        "pause": outcome.pause,
        "warns": list(outcome.warnings),
    }
    return expected | {name: value for name, value in more.items() if value not in (None, [])}


def advise(made: Mapping[str, Any], found: Sequence[Attempt], provider: str) -> Sequence[str]:
    """Return where to save a fixture, and what to check in it."""
    verb = str(made["kind"]).partition("_")[0]
    lines = [
        f"Save it as tests/providers/replies/{provider}/{verb}-{made['status']}-live.json.",
        "Check that no name, number or key is left in it.",
        "If the reply repeats the requested ID, add an ask with that ID under ask.",
        "Add the words that people must read as says, under outcome.",
    ]
    recorded = {one.code for one in found if one.status == made["status"]}
    if made["outcome"]["code"] not in recorded:
        was = ", ".join(sorted(filter(None, recorded)))
        lines.append(f"The log says {was}, but this version reads the reply as {made['outcome']['code']}.")
    return lines
