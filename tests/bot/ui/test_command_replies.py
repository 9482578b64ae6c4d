"""Replies that only the user sees: help, faults and the preview.

Slack accepts all of them, whatever was typed.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.parsing.command import OF_CAMPAIGNS, TELLS, Command, CommandContext, ConnectionInfo, Verb
from bot.parsing.defaults import fill_defaults
from bot.parsing.labels import DOES
from bot.parsing.numbers import NumberTarget
from bot.parsing.parser import parse
from bot.services.commands import actions_of
from bot.services.corrections import corrected
from bot.services.models import RequestSpec
from bot.ui.announcements import rules_changed, rules_faulty
from bot.ui.call_preview import CallToPlace, PlacePreview, preview
from bot.ui.command_help import help_message, options
from bot.ui.command_replies import OPENS, asked, correction, fault_message, refusal
from bot.ui.request_status import DRY_RUN
from playground.blocks import faults
from providers.actions import Kind, PlaceCall
from providers.transport.request import Prepared
from storage.states import State
from tests.bot.ui.test_channel_messages import ACTIONS, record, request
from tests.support.slack_schemas import checker

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
REMINDERS = ConnectionInfo(("payments",), frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), "number")
VOXWORKS = ConnectionInfo(
    ("welcome",),
    frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}),
    "call_id",
    title="Voxworks",
    undocumented=frozenset({Kind.PLACE_CALL}),
    dry_run=True,
)
KORE = ConnectionInfo(kinds=frozenset({Kind.DELETE_CAMPAIGN}), title="Kore.ai")
ALL_OF_KORE = replace(
    KORE,
    kinds=KORE.kinds | {Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN},
    undocumented=frozenset({Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN}),
)
VOCABULARY = CommandContext({"reminders": REMINDERS}, "IN")
EVERYTHING = CommandContext({"reminders": REMINDERS, "vox": VOXWORKS, "kore": ALL_OF_KORE}, "IN")


def read(text: str, door: Verb | None = Verb.PLACE, words: CommandContext = VOCABULARY) -> Command:
    """Parse a line typed in India."""
    return parse(text, default_verb=door, vocabulary=words, timezone="Asia/Kolkata", now=NOW)


@pytest.mark.parametrize(
    "typed",
    [
        "98765 43210 25:00",
        "98765 43210 <!channel> `code` *bold* 25:00",
        "12345 " + "x" * 4000,
        "foo=bar " * 300,
        ", ".join(f"98765 4{n:04}" for n in range(60)),
        "98765 43210 reason=" + "long " * 200,
        "campaign",
        "campaign stpo cd-1 " + "x" * 4000,
        "cancle 98765 43210",
    ],
)
@pytest.mark.parametrize("door", [Verb.PLACE, Verb.CANCEL, Verb.DELETE_CAMPAIGN, Verb.START_CAMPAIGN, None])
def test_every_fault_is_shown_within_slacks_limits(typed: str, door: Verb | None) -> None:
    """Slack accepts an answer of any length, nobody is pinged, and there is a next step."""
    found = fill_defaults(read(typed, door, EVERYTHING), EVERYTHING)
    said = [*found.command.problems, *found.problems]
    if said:
        message = fault_message(found, said, "d" * 24)
        payload = {"text": message.text, "blocks": list(message.blocks)}
        assert faults("message", payload) == []
        assert "<!channel>" not in str(payload)
        offered = [Verb.PLACE, Verb.CANCEL, *OF_CAMPAIGNS] if found.command.verb is None else []
        ways = ["Open the form…", "/calls help", *(f"{DOES[verb].capitalize()}…" for verb in offered)]
        assert any(way in str(payload) for way in ways)


@pytest.mark.parametrize(
    ("typed", "door", "pressed", "meant"),
    [
        ("98765 43210 9:00", Verb.PLACE, "Use tomorrow 9:00", "98765 43210 tomorrow 9:00"),
        ("98765 43210 17:00 via remindres", Verb.PLACE, "Use reminders", "98765 43210 17:00 via reminders"),
        (
            "98765 43210 9:00 agent=paymnets",
            Verb.PLACE,
            "Use tomorrow 9:00 and payments",
            "98765 43210 tomorrow 9:00 agent=payments",
        ),
        (
            "98765 43210 wrong number via remindres",
            Verb.CANCEL,
            "Request cancellation of +91 98765 43210",
            "98765 43210 wrong number via reminders",
        ),
        (
            "98765 43210, 98765 43211 via remindres",
            Verb.CANCEL,
            "Request cancellation of 2 targets",
            "98765 43210, 98765 43211 via reminders",
        ),
        (
            "move 98765 43210 9:00",
            None,
            "Request move of +91 98765 43210 to tomorrow 9:00",
            "move 98765 43210 tomorrow 9:00",
        ),
        (
            "cancle 98765 43210 wrong number",
            None,
            "Request cancellation of +91 98765 43210",
            "cancel 98765 43210 wrong number",
        ),
        ("plce 98765 43210 17:00", None, "Use place", "place 98765 43210 17:00"),
        ("lst", None, "Use list", "list"),
        ("staus A-7K3F", None, "Use status", "status A-7K3F"),
        ("98765 43210 25:00 agent=payments", Verb.PLACE, None, None),
        ("98765 43210 agent=paymnets retries=many", Verb.PLACE, None, None),
        ("mve 98765 43210", None, None, None),
        ("plce", None, None, None),
        ("stop call 98765 43210", None, None, None),
    ],
)
def test_a_correction_is_a_button_that_is_named(
    typed: str, door: Verb | None, pressed: str | None, meant: str | None
) -> None:
    """With a suggestion for every fault, a button goes on as if the corrected command had been typed.

    It is named after its act if a press sends a request.
    """
    found = fill_defaults(read(typed, door), VOCABULARY)
    said = [*found.command.problems, *found.problems]
    line = corrected(found.command, said, lambda text: read(text, None), "Asia/Kolkata")
    shown = correction(line, said, "choose_0", "draft") if line else None
    message = fault_message(found, said, "d" * 24, shown)
    buttons = [one for block in message.blocks if block["type"] == "actions" for one in block["elements"]]
    primary = [one["text"]["text"] for one in buttons if one.get("style") == "primary" and one != shown]
    assert primary == ([] if shown or door is None else ["Open the form…"])
    if line is None:
        assert pressed is None
        return
    assert buttons[0] == shown
    assert shown
    assert shown["text"]["text"] == pressed
    same = fill_defaults(read(meant or "", door), VOCABULARY).command
    assert line.problems == ()
    for name in ("targets", "at", "reason", "metadata"):
        assert getattr(line, name) == getattr(same, name), name
    assert (line.verb, line.rest if line.verb in TELLS else "") == (
        same.verb,
        same.rest if line.verb in TELLS else "",
    )


def test_a_corrected_time_keeps_its_day() -> None:
    """The button is often pressed later. "Tomorrow" is the day after the command, not after the press."""
    found = fill_defaults(read("98765 43210 9:00"), VOCABULARY)
    line = corrected(found.command, found.command.problems, lambda text: read(text, None), "Asia/Kolkata")
    assert line
    assert line.at_text == "22 Nov 2026 9:00"
    later = parse(
        line.rest,
        default_verb=Verb.PLACE,
        vocabulary=VOCABULARY,
        timezone="Asia/Kolkata",
        now=NOW + timedelta(hours=16),
    )
    assert later.at == line.at


def test_the_preview_shows_exactly_what_would_be_placed() -> None:
    """The preview has number, country, connection, agent and options.

    Its time is on the clocks of the reader and of the customer. The provider's own form of it is not shown.
    """
    line = fill_defaults(
        read("98765 43210 tomorrow 9:30 retries=3 gap=30,60 until=18:00 carry-over meta.age=25"), VOCABULARY
    ).command
    at = NOW + timedelta(days=1)
    action = PlaceCall(
        to="+919876543210", agent="payments", at=at, retries=3, gap=(30, 60), latest="18:00", carry_over=True, metadata={"age": 25, "note": "<!here>" * 50}
    )  # fmt: skip
    prepared = Prepared(
        action=action,
        method="POST",
        url="",
        headers={},
        body=None,
        provider_time="2026-11-22T09:30:00",
        zone="Asia/Kolkata",
    )
    spec = RequestSpec("reminders", (action,), purpose="payment due")
    call = CallToPlace(spec, prepared, line, REMINDERS, "Europe/Berlin", NOW)
    message = preview(call, chosen="Using reminders, your last one.", draft="d" * 24)
    payload = {"text": message.text, "blocks": list(message.blocks)}
    shown = str(payload)
    assert faults("message", payload) == []
    modal = PlacePreview.build(call, nonce="n" * 24, channel="C0")
    assert faults("modal", modal) == []
    for part in (
        "+91 98765 43210 (India)",
        "Sun, 22 Nov, 5:00 AM CET (9:30 AM for the customer, India) · reminders · voice agent payments",
        "Using reminders, your last one.",
        "3, 30, 60 min apart",
        "until 18:00 (Asia/Kolkata), else the next day",
        "age = `25`",
        "“payment due”",
    ):
        assert part in shown, part
    assert "<!here>" not in shown
    assert "T09:30" not in shown
    assert modal["close"]["text"] == "Back"


def previewed(typed: str) -> list[list[dict[str, Any]]]:
    """Return the blocks of both previews of a call: the command's and the form's."""
    line = fill_defaults(read(typed), VOCABULARY).command
    assert line.problems == ()
    [action] = actions_of(line)
    assert isinstance(action, PlaceCall)
    prepared = Prepared(action=action, method="POST", url="", headers={}, body=None)
    spec = RequestSpec("reminders", (action,), line.reason, line.purpose, line.consent, zone=line.zone)
    call = CallToPlace(spec, prepared, line, REMINDERS, "Asia/Kolkata", NOW)
    message = preview(call, chosen=None, draft="d" * 24)
    modal = PlacePreview.build(call, nonce="n" * 24, channel="C0")
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    assert faults("modal", modal) == []
    return [list(message.blocks), modal["blocks"]]


def test_a_preview_tells_numbers_from_text() -> None:
    """Text stands in quotes as it was typed, numbers do not, and the heading says so."""
    typed = "98765 43210 meta.age=25 meta.pin=007 meta.amount=1500.50 meta.name=null meta.city=New  Delhi"
    for blocks in previewed(f'{typed} meta.no="5" meta.none="" meta.big=98765432109876543210'):
        [shown] = [
            field["text"]
            for block in blocks
            for field in block.get("fields", ())
            if field["text"].startswith("*Data for the voice agent")
        ]
        assert shown == (
            "*Data for the voice agent, text in quotes*\n"
            "age = `25`, pin = “007”, amount = “1500.50”, name = “null”, city = “New  Delhi”, no = “5”, "
            "none = “”, big = “98765432109876543210”"
        )


def test_a_preview_leaves_out_no_fact() -> None:
    """Every option of a call is shown, however long: nobody places what they cannot see."""
    long = ("because & so on " * 31).strip()
    said = {
        "Retries": "retries=3 gap=30,60",
        "Only": "from=9:00 until=18:00 carry-over",
        "Language": "lang=hi",
        "Priority": "priority=1",
        "Batch": f"batch={long}",
        "Data for the voice agent, text in quotes": " ".join(f'meta.n{n}="{long}"' for n in range(20)),
        "Purpose": f"purpose={long}",
        "Consent": f"consent={long}",
        "Customer's time zone": "zone=Asia/Kolkata",
        "Reason": f'reason="{long}"',
    }
    for blocks in previewed(f"98765 43210 tomorrow 9:30 {' '.join(said.values())}"):
        written = "\n".join(
            [block["text"]["text"] for block in blocks if "text" in block]
            + [field["text"] for block in blocks for field in block.get("fields", ())]
        )
        assert [name for name in said if f"*{name}*\n" not in written] == []
    whole = "".join(written.split())  # the form's preview, because a message has less room
    assert whole.count("".join(long.replace("&", "&amp;").split())) == 24


TARGETS = {
    "numbers": ", ".join(f"98765 4{n:04}" for n in range(50)),
    "ids": ", ".join(f"vx_{n}_".ljust(128, "x") for n in range(100, 150)),
}


@pytest.mark.parametrize("typed", TARGETS.values(), ids=list(TARGETS))
def test_who_asked_reads_every_target(typed: str) -> None:
    """The confirmation lists all targets as they will be used, and the ignored words."""
    line = replace(
        read(f"{typed} wrong number", Verb.CANCEL, EVERYTHING), ignored_words=("beside " * 9,) * 50
    )
    assert len(line.targets) == 50
    made = request(*(record(ACTIONS["cancel by id"], State.PENDING, n) for n in range(1, 51)))
    message = asked(made, line)
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    written = str(message.blocks)
    for target in line.targets:
        shown = (
            f"• {target.phone.pretty} (India)"
            if isinstance(target, NumberTarget)
            else f"• `{target.provider_id}`"
        )
        assert shown in written
    assert written.count("beside beside") >= 50


def test_one_id_is_not_told_twice() -> None:
    """The sentence already has the id."""
    line = read("vx_1 wrong number", Verb.CANCEL, EVERYTHING)
    message = asked(request(record(ACTIONS["cancel by id"], State.PENDING)), line)
    assert "• " not in str(message.blocks)


def test_faults_that_are_not_shown_are_counted() -> None:
    """The count is right for any number of rows."""
    found = fill_defaults(
        read(", ".join(f"12345{n:02}6" for n in range(70)), Verb.CANCEL, VOCABULARY), VOCABULARY
    )
    message = fault_message(found, found.command.problems, "d" * 24)
    [listed] = [
        block["text"]["text"]
        for block in message.blocks
        if block.get("text", {}).get("text", "").startswith("• ")
    ]
    shown = listed.count("\n• ") + 1
    assert 5 < shown < len(found.command.problems)
    assert listed.endswith(f"… and {len(found.command.problems) - shown} more to fix")


def test_help_names_every_connection() -> None:
    """Any number of connections and agents fits."""
    many = {
        f"connection-{n:02}": replace(REMINDERS, agents=tuple(f"agent-{n}-{m}" for m in range(10)))
        for n in range(40)
    }
    off = {f"off-{n}": "its key is not set" for n in range(10)}
    message = options(CommandContext(many, "IN"), off)
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    written = str(message.blocks)
    assert [name for name in (*many, *off, "agent-39-9") if name not in written] == []


@pytest.mark.parametrize("count", [1, 21, 300])
def test_the_team_reads_how_many_changes_are_not_shown(count: int) -> None:
    """New rules, and faults in the file, are counted."""
    lines = [f"{n} {'x' * 400}" for n in range(count)]
    for message in (rules_changed(lines, "P-1", ""), rules_faulty(lines)):
        assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
        told = message.blocks[1]["text"]["text"]
        shown = told.count("• ")
        assert (f"… and {count - shown} more" in told) == (count > shown)


@pytest.mark.parametrize("words", [EVERYTHING, VOCABULARY, CommandContext({}, "IN")])
def test_slack_takes_the_help(words: CommandContext) -> None:
    """Any connections, and none at all, give valid help. Slack's own schema finds no fault either."""
    for message in (help_message(words, frozenset(Kind)), options(words, {"off": "VOX_KEY not set"})):
        payload = {"text": message.text, "blocks": list(message.blocks)}
        assert faults("message", payload) == []
        assert checker("check_blocks").faults("message", payload) == []


def test_help_names_what_each_connection_does() -> None:
    """A disabled connection has its reason, a dry run says so, and undocumented features are marked."""
    *_, connections, _ = options(EVERYTHING, {"dialer": "RYNG_KEY not set"}).blocks
    assert connections["text"]["text"].splitlines() == [
        "*Connections*",
        f"• reminders ({REMINDERS.title}): places calls, cancels calls · voice agents: payments",
        "• vox (Voxworks): places calls†, cancels calls · voice agents: welcome · dry run",
        "• kore (Kore.ai): deletes campaigns, stops campaigns†, starts campaigns†",
        "• dialer is off: RYNG_KEY not set",
        "† Voxworks and Kore.ai didn't document this, so it may not work.",
    ]


@pytest.mark.parametrize(
    ("connections", "offered", "line"),
    [
        (
            {"reminders": REMINDERS},
            ["Place a call…", "Cancel a call…", "Move a call…", "Stop calls to a number…", "Call list…"],
            None,
        ),
        (
            {"kore": KORE},
            ["Delete a campaign…"],
            "`/calls campaign delete cd-2129073 it has ended` deletes a campaign",
        ),
        (
            {"reminders": REMINDERS, "kore": ALL_OF_KORE},
            [
                "Place a call…",
                "Cancel a call…",
                "Move a call…",
                "Delete a campaign…",
                "Stop a campaign…",
                "Start a campaign…",
                "Stop calls to a number…",
                "Call list…",
            ],
            "`/calls campaign delete cd-2129073 it has ended` (or `stop` or `start`) deletes, stops or starts a campaign",
        ),
    ],
)
def test_help_offers_what_some_connection_can_do(
    connections: dict[str, ConnectionInfo], offered: list[str], line: str | None
) -> None:
    """A verb that no connection has gets neither button nor word.

    The mark is explained only if it is used.
    """
    words = CommandContext(connections, "IN")
    blocks = help_message(words, frozenset(Kind)).blocks
    assert [one["text"]["text"] for one in blocks[1]["elements"]] == offered
    lines = blocks[2]["text"]["text"].splitlines()
    assert [one for one in lines if "campaign" in one] == ([line] if line else [])
    assert ("†" in str(options(words, {}).blocks)) == (ALL_OF_KORE in connections.values())


def test_help_fits_one_screen_and_shows_what_the_reader_may_do() -> None:
    """It has at most thirteen lines, with its rows of buttons. A person who may request nothing can still read."""
    everything = CommandContext({"reminders": REMINDERS, "kore": ALL_OF_KORE}, "IN")

    def lines(*may: Kind) -> list[str]:
        """Return the lines of the help. A row of buttons counts as one."""
        shown = [
            block.get("text", {}).get("text", "buttons") for block in help_message(everything, may).blocks
        ]
        return "\n".join(shown).splitlines()

    assert len(lines(*Kind)) <= 13
    placing = "\n".join(lines(Kind.PLACE_CALL))
    assert "/place-call" in placing
    for other in ("/cancel-call", "/calls move", "campaign"):
        assert other not in placing
    reading = "\n".join(lines())
    assert "/calls list" in reading
    assert "/place-call" not in reading


def test_a_verb_that_has_to_be_chosen_is_a_button() -> None:
    """Each button opens the form of its verb, with the draft that keeps the rest of the line."""
    for typed, labels in (
        ("campaign cd-1 wrong list", ["Delete a campaign…", "Stop a campaign…", "Start a campaign…"]),
        ("campaign stpo cd-1", ["Stop a campaign…"]),
        ("cancle 98765 43210", ["Cancel a call…"]),
    ):
        found = fill_defaults(read(typed, None, EVERYTHING), EVERYTHING)
        message = fault_message(found, found.command.problems, "d" * 24)
        [buttons] = [block["elements"] for block in message.blocks if block["type"] == "actions"]
        assert [one["text"]["text"] for one in buttons] == labels
        assert {one["value"] for one in buttons} == {"d" * 24}
        assert {OPENS[one["action_id"]] for one in buttons} == set(found.command.verbs)


@pytest.mark.parametrize("through", [REMINDERS, VOXWORKS])
def test_a_preview_says_what_is_tried_out_and_what_is_beyond(through: ConnectionInfo) -> None:
    """The first line says that nothing is sent, and another that a feature is undocumented.

    Otherwise neither appears.
    """
    words = CommandContext({"it": through}, "IN")
    line = fill_defaults(read("98765 43210", words=words), words).command
    action = PlaceCall(to="+919876543210", agent=through.agents[0])
    prepared = Prepared(action=action, method="POST", url="", headers={}, body=None)
    spec = RequestSpec("it", (action,))
    call = CallToPlace(spec, prepared, line, through, "Asia/Kolkata", NOW)
    message = preview(call, chosen=None, draft="d" * 24)
    modal = PlacePreview.build(call, nonce="n" * 24, channel="C0")
    for shown in (message.blocks, modal["blocks"]):
        first = shown[0]["text"]["text"]
        assert (
            first.startswith("*Dry run: nothing is sent.*\n*Call +91 98765 43210 (India)?*")
            == through.dry_run
        )
        warned = "Voxworks didn't document this, so it may not work." in str(shown)
        assert warned == bool(through.undocumented)
    assert message.text.startswith(DRY_RUN) == through.dry_run
    check = checker("check_blocks")
    assert check.faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    assert check.faults("modal", modal) == []


def test_a_refusal_says_why() -> None:
    """The user reads the rules' reasons."""
    message = refusal(["No rule lets you do this.", "Ask <@U1>."])
    assert message.text == "✋ No rule lets you do this. Ask &lt;@U1&gt;."
