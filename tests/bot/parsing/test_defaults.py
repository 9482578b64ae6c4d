from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.parsing.command import CALL_FIELDS
from bot.parsing.defaults import Ambiguous, Source, TargetHistory, fill_defaults
from bot.parsing.labels import FIELDS
from bot.parsing.parser import Command, CommandContext, ConnectionInfo, Verb, parse
from providers.actions import Kind, PlaceCall

BOTH = frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL})
REMINDERS = ConnectionInfo(("payments",), BOTH, "number")
SALES = ConnectionInfo(("welcome", "renewals"), BOTH, "number")
VOXWORKS = ConnectionInfo((), frozenset({Kind.CANCEL_CALL}), "call_id")
KORE = ConnectionInfo((), frozenset({Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN}))
DIALER = VOXWORKS
SCRIPTS = ConnectionInfo(
    ("welcome",), BOTH, "call_id", fields=frozenset({"at", "metadata"}), title="Voxworks"
)
BARE = ConnectionInfo((), BOTH, "call_id")
RAW = ConnectionInfo(("sales",), BOTH, "number", raw_agents=True)
TRIED = replace(REMINDERS, numbers=("+919876543210",))

ROWS = [
    (
        "a campaign is stopped where campaigns are stopped",
        "campaign stop cd-1",
        ("reminders", "kore"),
        "kore",
        None,
        [],
    ),
    (
        "a connection that starts no campaigns says so",
        "campaign start cd-1 via kore",
        ("kore",),
        "kore",
        None,
        ["connection: kore can't start a campaign."],
    ),
    (
        "between two that place calls nothing is chosen, whatever they are called by",
        "place 98765 43210",
        ("reminders", "scripts"),
        None,
        None,
        ["connection: Which connection: reminders or scripts?"],
    ),
    (
        "an option that only one of them takes chooses nothing either",
        "place 98765 43210 lang=hi",
        ("reminders", "scripts"),
        None,
        None,
        ["connection: Which connection: reminders or scripts?"],
    ),
    (
        "the agent's name decides between providers",
        "place 98765 43210 agent=welcome",
        ("reminders", "scripts"),
        "scripts",
        "welcome",
        [],
    ),
    (
        "where no agent is set up nobody can be called",
        "place 98765 43210",
        ("reminders", "bare"),
        "reminders",
        "payments",
        [],
    ),
    (
        "a raw id goes to the one that takes them",
        "place 98765 43210 agent=6803fa77",
        ("reminders", "raw"),
        "raw",
        "6803fa77",
        [],
    ),
    (
        "a name is nobody's raw id",
        "place 98765 43210 agent=payments",
        ("reminders", "raw"),
        "reminders",
        "payments",
        [],
    ),
    (
        "what a provider does not take is said under its field, all at once",
        "place 98765 43210 tomorrow 9:30 via scripts retries=0 from=9:00 lang=hi meta.first_name=Asha",
        ("scripts",),
        "scripts",
        "welcome",
        [
            "retries: Voxworks doesn't support retries. Remove it",
            "earliest: Voxworks doesn't support earliest time of day (from=).",
            "language: Voxworks doesn't support language (lang=).",
        ],
    ),
    (
        "a number that may not be called yet is named",
        "cancel 98765 43210, 98765 43211",
        ("tried",),
        "tried",
        "payments",
        ["targets: tried is on trial and can't call +91 98765 43211."],
    ),
    (
        "a campaign goes to the one that deletes campaigns",
        "campaign delete cd-1",
        ("reminders", "voxworks", "kore"),
        "kore",
        None,
        [],
    ),
    (
        "between two connections that cancel by id nothing is chosen",
        "cancel vx_1",
        ("reminders", "voxworks", "dialer", "kore"),
        None,
        None,
        ["connection: Which connection: voxworks or dialer?"],
    ),
    (
        "a connection that deletes no campaigns says so",
        "campaign delete cd-1 via voxworks",
        ("voxworks", "kore"),
        "voxworks",
        None,
        ["connection: voxworks can't delete a campaign. Try via kore."],
    ),
    (
        "when nobody deletes campaigns, that is said",
        "campaign delete cd-1",
        ("reminders", "voxworks"),
        None,
        None,
        ["connection: No connection here can delete a campaign. Ask your CallOps admin."],
    ),
    (
        "a connection that only deletes campaigns cancels nothing",
        "cancel vx_1 via kore",
        ("voxworks", "kore"),
        "kore",
        None,
        ["connection: kore can't cancel a call. Try via voxworks."],
    ),
    (
        "a number goes to the one that cancels by number",
        "cancel 98765 43210",
        ("reminders", "voxworks"),
        "reminders",
        "payments",
        [],
    ),
    (
        "an id goes to the one that cancels by id, without an agent",
        "cancel vx_1",
        ("reminders", "voxworks"),
        "voxworks",
        None,
        [],
    ),
    (
        "a call goes to the one that places",
        "place 98765 43210",
        ("reminders", "voxworks"),
        "reminders",
        "payments",
        [],
    ),
    (
        "between two connections nothing is chosen",
        "place 98765 43210",
        ("reminders", "sales"),
        None,
        None,
        ["connection: Which connection: reminders or sales?"],
    ),
    (
        "an agent's name decides between two connections",
        "place 98765 43210 agent=renewals",
        ("reminders", "sales"),
        "sales",
        "renewals",
        [],
    ),
    (
        "between two agents nothing is chosen",
        "place 98765 43210",
        ("sales",),
        "sales",
        None,
        ["agent: Which voice agent: welcome or renewals?"],
    ),
    (
        "what was said is kept",
        "cancel 98765 43210 via sales agent=welcome",
        ("reminders", "sales"),
        "sales",
        "welcome",
        [],
    ),
    (
        "a connection that cannot place says so, and which can",
        "place 98765 43210 via voxworks",
        ("reminders", "voxworks"),
        "voxworks",
        None,
        ["connection: voxworks can't place a call. Try via reminders."],
    ),
    (
        "a connection that cancels by id says so for a number",
        "cancel 98765 43210 via voxworks",
        ("reminders", "voxworks"),
        "voxworks",
        None,
        ["connection: voxworks cancels by call ID, not by number. Try via reminders."],
    ),
    (
        "a connection that cancels by number says so for an id",
        "cancel vx_1 via reminders",
        ("reminders",),
        "reminders",
        None,
        ["connection: reminders cancels by number, not by call ID."],
    ),
    (
        "numbers and ids need two requests",
        "cancel 98765 43210, vx_1",
        ("reminders", "voxworks"),
        None,
        None,
        ["targets: You can't cancel numbers and IDs in one request."],
    ),
    (
        "when nobody can, that is said",
        "cancel vx_1",
        ("reminders",),
        None,
        None,
        ["connection: No connection here can cancel a call by call ID. Ask your CallOps admin."],
    ),
    (
        "a misspelt connection is not replaced by another",
        "place 98765 43210 via remindrs",
        ("reminders",),
        None,
        None,
        [],
    ),
    (
        "a misspelt agent is not replaced by another",
        "place 98765 43210 agent=paymnts",
        ("reminders",),
        "reminders",
        None,
        [],
    ),
    ("before there is a target nothing is asked", "place", ("reminders", "sales"), None, None, []),
    ("before there is a target a form is filled in", "place", ("reminders",), "reminders", "payments", []),
    ("help asks for nothing", "help", ("reminders",), None, None, []),
]


@pytest.mark.parametrize(
    ("typed", "connections", "connection", "agent", "faults"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_only_what_has_one_candidate_is_inferred(
    typed: str, connections: tuple[str, ...], connection: str | None, agent: str | None, faults: list[str]
) -> None:
    """A single candidate for connection or agent is filled in. Otherwise the candidates are named."""
    words = _words(*connections)
    line = parse(typed, default_verb=None, vocabulary=words, timezone="Asia/Kolkata", now=datetime.now(UTC))
    result = fill_defaults(line, words)
    assert (result.command.connection, result.command.agent) == (connection, agent)
    said = {"connection": line.connection, "agent": line.agent}
    assert result.filled == {
        name for name, value in said.items() if not value and getattr(result.command, name)
    }
    assert [
        f"{fault.field}: {fault.message}"[: len(start)]
        for fault, start in zip(result.problems, faults, strict=True)
    ] == faults


ONLY, KNOWN, SCHEDULED, LAST = Source.ONLY, Source.KNOWN, Source.SCHEDULED, Source.LAST_USED
BY_THE_LOG = [
    (
        "an id goes to the connection that the log knows it from, whatever was used last",
        "cancel vx_1",
        TargetHistory(connections=frozenset({"dialer"}), used=(("voxworks", None),)),
        "dialer",
        None,
        {"connection": KNOWN},
        None,
    ),
    (
        "an id that two of them know is asked back, whatever was used last",
        "cancel vx_1",
        TargetHistory(connections=frozenset({"dialer", "voxworks"}), used=(("voxworks", None),)),
        None,
        None,
        {},
        Ambiguous("connection", ("voxworks", "dialer")),
    ),
    (
        "an unknown id goes where this person went last",
        "cancel vx_1",
        TargetHistory(used=(("reminders", "payments"), ("dialer", None), ("voxworks", None))),
        "dialer",
        None,
        {"connection": LAST},
        None,
    ),
    (
        "a number goes to the agent whose call is scheduled to it",
        "cancel 98765 43210",
        TargetHistory(scheduled=frozenset({("sales", "renewals")}), used=(("reminders", "payments"),)),
        "sales",
        "renewals",
        {"connection": SCHEDULED, "agent": SCHEDULED},
        None,
    ),
    (
        "of two agents with a call scheduled to it neither is chosen",
        "cancel 98765 43210 via sales",
        TargetHistory(
            scheduled=frozenset({("sales", "renewals"), ("sales", "welcome")}), used=(("sales", "welcome"),)
        ),
        "sales",
        None,
        {},
        Ambiguous("agent", ("welcome", "renewals")),
    ),
    (
        "with nothing scheduled it is as the last time",
        "cancel 98765 43210",
        TargetHistory(used=(("sales", "welcome"), ("sales", "renewals"))),
        "sales",
        "welcome",
        {"connection": LAST, "agent": LAST},
        None,
    ),
    (
        "the agent is the last one used there, not elsewhere",
        "place 98765 43210 via sales",
        TargetHistory(used=(("scripts", "welcome"), ("sales", "renewals"))),
        "sales",
        "renewals",
        {"agent": LAST},
        None,
    ),
    (
        "what was said is not chosen again",
        "cancel 98765 43210 via sales agent=welcome",
        TargetHistory(scheduled=frozenset({("sales", "renewals")})),
        "sales",
        "welcome",
        {},
        None,
    ),
    (
        "the only agent needs nothing from the log",
        "cancel 98765 43210 via reminders",
        TargetHistory(),
        "reminders",
        "payments",
        {"agent": ONLY},
        None,
    ),
    (
        "what the log names and nobody set up is no candidate",
        "cancel 98765 43210 via sales",
        TargetHistory(scheduled=frozenset({("sales", "gone")}), used=(("sales", "gone"),)),
        "sales",
        None,
        {},
        Ambiguous("agent", ("welcome", "renewals")),
    ),
]


@pytest.mark.parametrize(
    ("typed", "known", "connection", "agent", "grounds", "left"),
    [row[1:] for row in BY_THE_LOG],
    ids=[row[0] for row in BY_THE_LOG],
)
def test_what_the_log_knows_decides(
    typed: str,
    known: TargetHistory,
    connection: str | None,
    agent: str | None,
    grounds: dict[str, Source],
    left: Ambiguous | None,
) -> None:
    """An id's origin counts first, then a scheduled call, then the last use.

    Equal candidates leave the choice open.
    """
    words = _words("reminders", "sales", "voxworks", "dialer")
    line = parse(typed, default_verb=None, vocabulary=words, timezone="Asia/Kolkata", now=datetime.now(UTC))
    found = fill_defaults(line, words, known)
    assert (found.command.connection, found.command.agent, dict(found.sources)) == (
        connection,
        agent,
        grounds,
    )
    assert found.open == left


def test_the_candidates_are_named() -> None:
    """A form lists the connections that can do it, and the agents of the chosen connection."""
    words = _words("reminders", "sales", "voxworks")
    line = parse(
        "place 9876543210", default_verb=None, vocabulary=words, timezone="UTC", now=datetime.now(UTC)
    )
    assert fill_defaults(line, words).connections == ("reminders", "sales")
    chosen = parse(
        "9876543210 via sales",
        default_verb=Verb.PLACE,
        vocabulary=words,
        timezone="UTC",
        now=datetime.now(UTC),
    )
    assert fill_defaults(chosen, words).agents == ("welcome", "renewals")


def test_every_field_of_a_call_has_a_name_in_words() -> None:
    """Each option of a call has a name, because a provider may not take it."""
    assert set(FIELDS) == CALL_FIELDS == set(PlaceCall.model_fields) - {"kind", "to", "agent"}
    assert set(FIELDS) <= set(Command.__dataclass_fields__)


def test_a_connection_without_agents_says_where_to_add_one() -> None:
    """Placing needs an agent. The message says who adds one, and where."""
    words = CommandContext({"bare": ConnectionInfo((), BOTH, "number")}, default_region="IN")
    line = parse(
        "9876543210", default_verb=Verb.PLACE, vocabulary=words, timezone="UTC", now=datetime.now(UTC)
    )
    said = fill_defaults(line, words).problems[0].message
    assert said.endswith("Ask your CallOps admin to add one under [connections.bare.agents].")


def _words(*names: str) -> CommandContext:
    known = {
        "reminders": REMINDERS,
        "sales": SALES,
        "voxworks": VOXWORKS,
        "kore": KORE,
        "dialer": DIALER,
        "scripts": SCRIPTS,
        "bare": BARE,
        "raw": RAW,
        "tried": TRIED,
    }
    return CommandContext({name: known[name] for name in names}, default_region="IN")
