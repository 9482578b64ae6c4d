"""Log queries: parsed, shown, stored and written as a line that parses to the same query."""

from datetime import UTC, datetime

import pytest

from bot.parsing.command import CommandContext, ConnectionInfo
from bot.parsing.log_query import Filters, Typed, read
from providers.actions import Code, Ending, Kind
from storage.queries import Query
from storage.states import State

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
WORDS = CommandContext({"reminders": ConnectionInfo()}, default_region="IN")


def typed(text: str) -> Typed:
    """Return the parsed query of a line."""
    return read(text, vocabulary=WORDS, timezone="Asia/Kolkata", me="U0AGENT", now=NOW)


def test_a_line_is_read_kept_and_written_again() -> None:
    """A query comes back the same from a draft, and from the line that is shown."""
    said = typed(
        '98765 43210 via reminders by=me state="withdrawn" kind=cancel from=Mon until=today text=“a b”'
    )
    query = said.filters.query
    assert said.faults == ()
    assert (query.number, query.connection, query.requester) == ("+919876543210", "reminders", "U0AGENT")
    assert (query.state, query.kind, query.text) == (State.WITHDRAWN, Kind.CANCEL_CALL, "a b")
    assert Filters.of(said.filters.kept()) == said.filters
    assert typed(said.filters.line().removeprefix("log ")).filters == said.filters


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("done", Query(state=State.SUCCEEDED)),
        ("state=succeeded", Query(state=State.SUCCEEDED)),
        (
            "Placed",
            Query(state=State.SUCCEEDED, kind=Kind.PLACE_CALL, code_excluded=Code.SCHEDULED),
        ),
        ("not allowed", Query(state=State.REFUSED, code_excluded=Code.DRY_RUN)),
        ("dry run", Query(state=State.REFUSED, code=Code.DRY_RUN)),
        ("not placed", Query(state=State.FAILED, kind=Kind.PLACE_CALL)),
        ("state=Cancelled", Query(state=State.SUCCEEDED, kind=Kind.CANCEL_CALL)),
        ("state=Scheduled", Query(state=State.SUCCEEDED, code=Code.SCHEDULED)),
        ("sending", Query(states=frozenset({State.APPROVED, State.SENDING}))),
        ('state="Outcome unknown"', Query(state=State.UNKNOWN)),
        ("waiting", Query(state=State.PENDING)),
        ("ended=no-answer", Query(ended=Ending.NO_ANSWER)),
        ('ended="No answer"', Query(ended=Ending.NO_ANSWER)),
        ("ended=NO_ANSWER", Query(ended=Ending.NO_ANSWER)),
        ("ending=noanswer", Query(ended=Ending.NO_ANSWER)),
        ("ended=unanswered", Query(ended=Ending.NO_ANSWER)),
        ("ended=declined", Query(ended=Ending.REJECTED)),
        ("ended=picked up", Query(ended=Ending.ANSWERED)),
        ("ended=none", Query(ended="none")),
        ("ended=unknown kind=place", Query(ended="none", kind=Kind.PLACE_CALL)),
        *((f"ended={ending}", Query(ended=ending)) for ending in Ending),
        ("A-7K3F", Query(id="A-7K3F")),
        ("a-7k3f.2", Query(id="A-7K3F.2")),
    ],
)
def test_a_status_and_an_id_are_read_kept_and_written_again(text: str, found: Query) -> None:
    """A status is a state's name or a word of the screens. An id is all that was typed."""
    said = typed(text)
    assert (said.faults, said.filters.query) == ((), found)
    assert Filters.of(said.filters.kept()) == said.filters
    assert typed(said.filters.line().removeprefix("log ")).filters == said.filters


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("state=nope", "state", "Use one of: Waiting for approval, Sending, Scheduled"),
        ("kind=nope", "kind", "Use one of: place, cancel, delete, stop, start"),
        ("ended=nope", "ended", "Use one of: answered, no-answer, busy"),
        ("via=nope", "via", "Use one of: reminders"),
        ("state=failed state=done", "state", "You used"),
        ("state=cancelled kind=place", "state", "about another kind"),
        ("on=today from=Mon", "on", "is one day"),
        ("from=today until=Mon", "until", "is before"),
        ("98765 43210 number=98765 43211", "number", "one number at a time"),
        ("after-stop", "number", "Add a number"),
        ("colour=red", "text", "The log has no filter"),
        ('"open', "text", "quotation mark is missing"),
        ("x" * 101, "text", "100 characters at most"),
    ],
)
def test_what_cannot_be_looked_for_is_a_fault(text: str, field: str, says: str) -> None:
    """The fault stands at its field and says what can be searched for."""
    assert [(one.field, says in one.message) for one in typed(text).faults] == [(field, True)]
