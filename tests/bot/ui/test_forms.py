"""Forms: filled with the typed command, parsed by the same grammar, with each fault under its field."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing.command import KINDS, Command, CommandContext, ConnectionInfo, FieldProblem, Question, Verb
from bot.parsing.defaults import fill_defaults
from bot.parsing.parser import parse
from bot.services.scheduled_calls import CallOptions
from bot.text.markup import escape
from bot.ui.form_values import line_text, values_of
from bot.ui.forms import Form
from playground.blocks import faults
from providers.actions import Kind
from tests.support.slack_schemas import checker

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
REMINDERS = ConnectionInfo(
    agents=("payments", "renewals"), kinds=frozenset({Kind.PLACE_CALL, Kind.CANCEL_CALL}), cancels_by="number"
)
VOXWORKS = ConnectionInfo(kinds=frozenset({Kind.CANCEL_CALL}), cancels_by="call_id")
KORE = ConnectionInfo(kinds=frozenset({Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN, Kind.START_CAMPAIGN}))
VOCABULARY = CommandContext(
    {"reminders": REMINDERS, "voxworks": VOXWORKS, "kore": KORE}, "IN", ("customer asked",)
)


def read(text: str, door: Verb) -> Command:
    """Parse a line typed in India."""
    return parse(text, default_verb=door, vocabulary=VOCABULARY, timezone="Asia/Kolkata", now=NOW)


def submitted(view: dict[str, Any]) -> dict[str, Any]:
    """Return the view as Slack sends it back, with its initial values."""
    values: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            state = {"type": element["type"], "value": element.get("initial_value")}
            if "options" in element:
                state = {"type": element["type"], "selected_option": element.get("initial_option")}
            if element["type"] == "datetimepicker":
                state = {"type": element["type"], "selected_date_time": element.get("initial_date_time")}
            values[block["block_id"]] = {element["action_id"]: state}
    return {**view, "state": {"values": values}}


@pytest.mark.parametrize(
    ("door", "text"),
    [
        (Verb.PLACE, "+91 98765 43210"),
        (Verb.PLACE, "98765 43210 tomorrow 9:30 via reminders agent=payments"),
        (Verb.PLACE, '98765 43210 at=tomorrow 9:30 retries=3 gap=30,60 from=9:00 until=18:00 carry-over lang=hi priority=-1 batch=b1 meta.name=Abhinav meta.age=25 meta.code="25" purpose="payment, due" consent=c-1 agent=renewals'),
        (Verb.CANCEL, "98765 43210 customer's request agent=payments"),
        (Verb.CANCEL, "98765 43210, 98765 43211 “wrong” number agent=payments"),
        (Verb.CANCEL, "98765 43210 customer asked agent=payments call-time=17:00"),
        (Verb.CANCEL, "vx_123 via voxworks asked “a=b” twice"),
        (Verb.DELETE_CAMPAIGN, "campaign delete cd-2129073 “a=b” is over"),
        (Verb.DELETE_CAMPAIGN, "campaign=billing via kore"),
        (Verb.STOP_CAMPAIGN, "campaign stop cd-2129073 wrong list"),
        (Verb.START_CAMPAIGN, "cd-2129073 the list is ready"),
    ],
)  # fmt: skip
def test_a_form_says_what_the_line_said(door: Verb, text: str) -> None:
    """A form that is submitted unchanged gives the same command, and Slack accepts the form."""
    line = fill_defaults(read(text, door), VOCABULARY).command
    form = Form(door, VOCABULARY)
    view = form.build(values_of(line), nonce="n", channel="C0SUPPORT")
    assert faults("modal", view) == []
    again = fill_defaults(read(line_text(door, form.read(submitted(view))), door), VOCABULARY).command
    compared = [
        f for f in Command.__dataclass_fields__ if f not in {"text", "rest", "typed", "at_text", "targets"}
    ]
    assert {f: getattr(again, f) for f in compared} == {f: getattr(line, f) for f in compared}
    assert again.targets == line.targets


@pytest.mark.parametrize(
    ("door", "text", "field", "typed"),
    [
        (Verb.PLACE, "98765 43210 25:00", "at", "25:00"),
        (Verb.PLACE, "98765 43210 at=05/12", "at", "05/12"),
        (Verb.PLACE, "12345 tomorrow 9:30", "targets", "12345"),
        (Verb.PLACE, "98765 43210 retries=many", "retries", "many"),
        (Verb.PLACE, "98765 43210 agent=paymentz", "agent", "paymentz"),
        (Verb.CANCEL, "12345 customer asked", "targets", "12345"),
        (Verb.DELETE_CAMPAIGN, "cd/1 it is over", "targets", "cd/1"),
        (Verb.DELETE_CAMPAIGN, "billing", "targets", "billing"),
        (Verb.CANCEL, "Asha customer asked", "targets", "Asha customer asked"),
    ],
)
def test_what_was_not_understood_stands_in_the_form_as_typed(
    door: Verb, text: str, field: str, typed: str
) -> None:
    """Nothing typed is lost between a faulty command and its form."""
    line = read(text, door)
    assert any(fault.field == field for fault in line.problems)
    assert values_of(line)[field] == typed


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ('meta.x=3 meta.x=4 meta.name="Asha  Rao" meta.no="5"', 'x=3\nx=4\nname="Asha  Rao"\nno="5"'),
        ("meta.x= meta.name=Asha", "x=\nname=Asha"),
        ("meta.a\uff1ab=1 meta.name=Asha", "name=Asha"),
        ("meta.x=a\nb meta.x=5", 'x="a\nb"\nx=5'),
    ],
)
def test_one_fault_of_the_data_for_the_agent_loses_none_of_the_others(typed: str, shown: str) -> None:
    """All data stand in the form as typed, so that people mend them there."""
    line = read(f"98765 43210 {typed}", Verb.PLACE)
    assert line.problems
    assert values_of(line)["metadata"] == shown


def test_many_connections_are_typed() -> None:
    """Slack's lists hold at most a hundred options."""
    many = {f"c-{n}": REMINDERS for n in range(101)}
    form = Form(Verb.PLACE, CommandContext(many, "IN"))
    view = form.build({"connection": "c-100", "targets": "98765 43210"}, nonce="n", channel="")
    assert faults("modal", view) == []
    assert form.read(submitted(view))["connection"] == "c-100"


def test_each_fault_stands_under_its_own_field() -> None:
    """Several faults are several errors. A fault without a field stands under the first."""
    line = read("12345 at=25:00 retries=many foo=bar", Verb.PLACE)
    form = Form(Verb.PLACE, VOCABULARY)
    view = form.build(values_of(line), nonce="n", channel="", whole=True)
    errors = form.errors(line.problems, view)
    assert set(errors) == {"targets", "at", "retries"}


def test_nothing_is_asked_that_has_one_answer() -> None:
    """A single connection and a single agent are shown, not asked for."""
    alone = CommandContext({"reminders": ConnectionInfo(("payments",), REMINDERS.kinds, "number")}, "IN")
    view = Form(Verb.PLACE, alone).build({}, nonce="n", channel="")
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    assert inputs == ["targets", "at", "picked", "purpose"]
    assert "Connection: reminders · Voice agent: payments" in str(view)


@pytest.mark.parametrize(
    ("verb", "title", "submit", "says"),
    [
        (Verb.DELETE_CAMPAIGN, "Delete a campaign", "Request deletion", "⚠️ This can't be undone. The approver types the campaign's ID."),
        (Verb.STOP_CAMPAIGN, "Stop a campaign", "Request stop", "It calls nobody until someone starts it again."),
        (Verb.START_CAMPAIGN, "Start a campaign", "Request start", "⚠️ This calls people."),
    ],
)  # fmt: skip
def test_the_form_for_a_campaign_says_what_comes_of_it(
    verb: Verb, title: str, submit: str, says: str
) -> None:
    """The form asks for campaign and reason, not for an agent, and tells what to know before."""
    view = Form(verb, VOCABULARY).build({}, nonce="n", channel="")
    assert inputs(view) == ["targets", "reason"]
    assert "Connection: kore" in str(view)
    assert (view["title"]["text"], view["submit"]["text"]) == (title, submit)
    assert view["blocks"][-1]["elements"][0]["text"] == says
    assert checker("check_blocks").faults("modal", view) == []


def inputs(view: dict[str, Any]) -> list[str]:
    """Return the fields of a form."""
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


SCRIPTS = ConnectionInfo(
    agents=("welcome", "renewal calls"),
    kinds=REMINDERS.kinds,
    cancels_by="call_id",
    fields=frozenset({"metadata"}),
    title="Ryng",
)


def test_a_form_asks_for_what_some_connection_takes() -> None:
    """A time that no provider takes has no field. A typed one still has, so that people remove it."""
    form = Form(Verb.PLACE, CommandContext({"dialer": SCRIPTS}, "IN"))
    whole = form.build({}, nonce="n", channel="", whole=True)
    assert inputs(whole) == ["targets", "agent", "purpose", "consent", "metadata"]
    assert inputs(form.build({"retries": "3"}, nonce="n", channel=""))[3] == "retries"
    both = Form(Verb.PLACE, CommandContext({"dialer": SCRIPTS, "reminders": REMINDERS}, "IN"))
    assert {"at", "picked"} <= set(inputs(both.build({}, nonce="n", channel="")))


def test_only_agents_that_have_a_part_in_it_are_offered() -> None:
    """A connection that cancels by id has agents for placing calls, and none for cancelling."""
    view = Form(Verb.CANCEL, CommandContext({"dialer": SCRIPTS}, "IN")).build({}, nonce="n", channel="")
    assert inputs(view) == ["targets", "reason", "words"]
    both = CommandContext({"dialer": SCRIPTS, "reminders": REMINDERS}, "IN")
    assert "renewal calls" not in str(Form(Verb.CANCEL, both).build({}, nonce="n", channel=""))
    assert "renewal calls" in str(Form(Verb.PLACE, both).build({}, nonce="n", channel=""))


def test_what_a_provider_refuses_stands_under_the_field_it_is_about() -> None:
    """The number, the agent's data and the agent each have their fault below."""
    form = Form(Verb.PLACE, CommandContext({"dialer": SCRIPTS, "reminders": REMINDERS}, "IN"))
    view = form.build({"metadata": "age=25"}, nonce="n", channel="")
    refused = {
        "to": "targets",
        "metadata": "metadata",
        "agent": "agent",
        "at": "at",
        "connection": "connection",
    }
    for field, block in refused.items():
        assert form.errors([FieldProblem(field, "No.")], view) == {block: "No."}


def test_a_fault_in_the_campaigns_id_stands_under_it() -> None:
    """The field takes a whole id, and never a part of a reason."""
    form = Form(Verb.DELETE_CAMPAIGN, VOCABULARY)
    view = form.build({"targets": "cd-1 ended"}, nonce="n", channel="")
    line = read(line_text(Verb.DELETE_CAMPAIGN, form.read(submitted(view))), Verb.DELETE_CAMPAIGN)
    assert form.errors(line.problems, view).keys() == {"targets"}


def pasted(view: dict[str, Any], field: str) -> list[str]:
    """Return the text of each input of a field."""
    elements = [block["element"] for block in view["blocks"] if block.get("block_id", "").startswith(field)]
    return [element.get("initial_value", "") for element in elements]


@pytest.mark.parametrize(
    "rows",
    [
        [f"Customer {n} of the list of November due\t98765 43{n:03}" for n in range(48)],
        [f"vx_{n}_{'x' * 121}" for n in range(100, 150)],
        [f"{n} 98765 43210 {'é' * 1200}" for n in range(10)],
        [f"98765 43{n:03}" for n in range(230)],
        [f"भुगतान {'नाम ' * 30} 98765 43{n:03}" for n in range(50)],
        ["98765 43210 " + "x" * 2700, "98765 43211"],
        [f"vx_{n}_".ljust(128, "x") for n in range(200)],
    ],
)
@pytest.mark.parametrize("mark", ["\n", ", ", ";", "\n\n"])
def test_however_much_was_pasted_none_of_it_is_lost(rows: list[str], mark: str) -> None:
    """The form has as many inputs as needed. They are split between rows, each with room for a correction."""
    text = mark.join(rows)
    form = Form(Verb.CANCEL, VOCABULARY)
    view = form.build({"targets": text}, nonce="n", channel="C0", line=text)
    assert faults("modal", view) == []
    inputs = pasted(view, "targets")
    assert all(0 < len(one) <= 2900 for one in inputs)
    assert (len(inputs) > 1) == (len(text) > 2800)
    found = [row.strip() for one in inputs for row in one.split(mark.strip() or "\n") if row.strip()]
    assert found == [row.strip() for row in rows]
    assert "".join(form.read(submitted(view))["targets"].split()) == "".join(text.split())
    labels = [
        block["label"]["text"] for block in view["blocks"] if block.get("block_id", "").startswith("targets")
    ]
    assert len(set(labels)) == len(labels)


def test_a_long_list_is_asked_whole_however_it_is_changed_in_the_form() -> None:
    """Only the rows that were taken out are missing, even if an input is left empty."""
    rows = [f"vx_{n}_{'x' * 121}" for n in range(100, 150)]
    form = Form(Verb.CANCEL, VOCABULARY)
    view = form.build({"targets": "\n".join(rows)}, nonce="n", channel="C0")
    sent = submitted(view)
    first = rows[: pasted(view, "targets")[0].count("\n") + 1]
    sent["state"]["values"]["targets"]["targets"]["value"] = None
    values = form.read(sent)
    assert form.contradictions(values, NOW) == []
    line = read(line_text(Verb.CANCEL, values), Verb.CANCEL)
    assert [str(target.provider_id) for target in line.targets] == rows[len(first) :]  # type: ignore[union-attr]


def test_data_for_the_agent_that_fill_several_inputs_are_all_read() -> None:
    """Each input keeps its own data, however often the form is rebuilt."""
    understood = {f"note{n}": f"{n}, a=b: {'long ' * 60}".strip() for n in range(30)}
    form = Form(Verb.PLACE, VOCABULARY)
    view = form.build(values_of(Command(verb=Verb.PLACE, metadata=understood)), nonce="n", channel="")
    assert len(pasted(view, "metadata")) > 2
    again = form.build(form.filled(submitted(view)), nonce="n", channel="", whole=True)
    assert pasted(again, "metadata") == pasted(view, "metadata")
    assert faults("modal", again) == []
    assert data(form.read(submitted(again))["metadata"]).metadata == understood


def test_inputs_that_were_changed_stay_as_many_when_the_form_is_built_anew() -> None:
    """Slack keeps each input, so a shorter first input does not swallow the second."""
    form = Form(Verb.PLACE, VOCABULARY)
    view = form.build({"metadata": "\n".join(f"n{n}={'x' * 90}" for n in range(40))}, nonce="n", channel="")
    sent = submitted(view)
    sent["state"]["values"]["metadata"]["metadata"]["value"] = None
    again = form.build(form.filled(sent), nonce="n", channel="")
    assert pasted(again, "metadata") == ["", *pasted(view, "metadata")[1:]]


@pytest.mark.parametrize(
    ("verb", "field"),
    [
        (Verb.PLACE, "targets"),
        (Verb.PLACE, "at"),
        (Verb.PLACE, "purpose"),
        (Verb.PLACE, "batch"),
        (Verb.PLACE, "metadata"),
        (Verb.CANCEL, "targets"),
        (Verb.CANCEL, "reported_call_time"),
        (Verb.STOP, "reason"),
        (Verb.DELETE_CAMPAIGN, "targets"),
        (Verb.DELETE_CAMPAIGN, "reason"),
    ],
)
def test_what_no_input_holds_is_left_out_aloud(verb: Verb, field: str) -> None:
    """The input is empty, tells the length and the limit, and must be filled."""
    text = "x" * 3456
    view = Form(verb, VOCABULARY).build({field: text}, nonce="n", channel="", line=text)
    [block] = [block for block in view["blocks"] if block.get("block_id") == field]
    assert "initial_value" not in block["element"]
    assert block["hint"]["text"].startswith("⚠️ Left empty: your text has 3456 characters")
    assert block["optional"] is False
    assert faults("modal", view) == []


@pytest.mark.parametrize(
    ("verb", "field", "block"),
    [
        (Verb.PLACE, "purpose", "purpose"),
        (Verb.CANCEL, "reason", "words"),
        (Verb.ALLOW, "reason", "reason"),
        (Verb.START_CAMPAIGN, "reason", "reason"),
    ],
)
def test_a_text_that_is_too_long_stands_in_the_form_whole(verb: Verb, field: str, block: str) -> None:
    """The user can shorten the text there. Until then it is a fault, and never a shorter text."""
    text = ("because it is so " * 50).strip()
    form = Form(verb, VOCABULARY)
    view = form.build({"targets": "98765 43210", field: text}, nonce="n", channel="")
    assert faults("modal", view) == []
    assert pasted(view, block) == [text]
    line = read(line_text(verb, form.read(submitted(view))), verb)
    assert any("Use 500 or fewer" in fault.message for fault in line.problems)


def test_what_was_typed_is_shown_whole_above_its_form() -> None:
    """Some of the text may have no field."""
    text = "98765 43210 " + " ".join(f"key{n}=<{n}>" for n in range(400)) + " last=one"
    view = Form(Verb.PLACE, VOCABULARY).build({}, nonce="n", channel="", line=text)
    assert faults("modal", view) == []
    said = "".join(block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context")
    assert escape(text) in said


def test_targets_on_several_lines_stay_apart_in_a_form_for_one() -> None:
    """An input of a single line would join the targets."""
    view = Form(Verb.PLACE, VOCABULARY).build({"targets": "98765 43210\n98765 43211"}, nonce="n", channel="")
    assert view["blocks"][0]["element"]["multiline"] is True


def test_a_tab_keeps_two_cells_apart() -> None:
    """Text from a sheet parses the same in the form."""
    view = Form(Verb.CANCEL, VOCABULARY).build(
        {"targets": "2\t98765 43210\n\n\n\n3\t98765 43211"}, nonce="n", channel=""
    )
    assert pasted(view, "targets") == ["2\t98765 43210\n\n\n\n3\t98765 43211"]


@pytest.mark.parametrize("length", [75, 76, 128])
def test_an_agents_name_is_never_cut(length: int) -> None:
    """A name that no list can hold becomes a text input."""
    names = tuple(f"{n}{'x' * (length - 1)}" for n in range(2))
    form = Form(Verb.PLACE, CommandContext({"it": ConnectionInfo(names, REMINDERS.kinds, "number")}, "IN"))
    view = form.build({"agent": names[1], "targets": "98765 43210"}, nonce="n", channel="")
    assert faults("modal", view) == []
    assert form.read(submitted(view))["agent"] == names[1]


def data(typed: str) -> Command:
    """Return a call whose data for the agent were typed into the form."""
    values = {"targets": "98765 43210", "metadata": typed}
    assert Form(Verb.PLACE, VOCABULARY).contradictions(values, NOW) == []
    line = read(line_text(Verb.PLACE, values), Verb.PLACE)
    assert line.problems == ()
    return line


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("name: Asha\nlink: https://pay.example/?id=5", {"name": "Asha", "link": "https://pay.example/?id=5"}),
        ("link=https://pay.example/?id=5\nname: Asha", {"name": "Asha", "link": "https://pay.example/?id=5"}),
        ("a=b:c\nc:d=e", {"a": "b:c", "c": "d=e"}),
        ("time: 10:30", {"time": "10:30"}),
        ("time=10:30 meta.x=5 via reminders", {"time": "10:30 meta.x=5 via reminders"}),
        ("a==b\nc::d\ne = = f", {"a": "=b", "c": ":d", "e": "= f"}),
        ("name: Asha\r\nage: 25\r\n", {"name": "Asha", "age": 25}),
        ("\tname\t:\tAsha \n\n  age = 25  \n", {"name": "Asha", "age": 25}),
        ("name\uff1aAsha\nage\uff1d25\nurl\uff1ahttp://x", {"name": "Asha", "age": 25, "url": "http://x"}),
        ('name: "Asha"\nno: "5"\nnone=""\n“quoted”: “a=b”', {"name": "Asha", "no": "5", "none": "", "quoted": "a=b"}),
        ('note: "hello\nlink: "x"', {"note": '"hello', "link": "x"}),
        ('note: she said "yes"\nheight: 5\' 11"', {"note": 'she said "yes"', "height": "5' 11\""}),
        ("name: Asha,\nage: 25,", {"name": "Asha", "age": 25}),
        ('"name": "Asha",\n"age": 25', {"name": "Asha", "age": 25}),
        ("name:  Flat  4,  B   wing ", {"name": "Flat  4,  B   wing"}),
        ("pin: 007\namount: 1500.50\nrate: 12E4\nname: null", {"pin": "007", "amount": "1500.50", "rate": "12E4", "name": "null"}),
        ("account: 98765432109876543210\nowed: -5\nmore: +5", {"account": "98765432109876543210", "owed": -5, "more": "+5"}),
        ("Name: a\nname: b", {"Name": "a", "name": "b"}),
        ("नाम: आशा", {"नाम": "आशा"}),
        ("10=30", {"10": 30}),
        ('note="first\nsecond: x"\nage=5', {"note": "first\nsecond: x", "age": 5}),
        ("path: C:\\calls\\", {"path": "C:\\calls\\"}),
    ],
)  # fmt: skip
def test_a_line_of_data_is_parted_at_its_first_sign(typed: str, understood: dict[str, str | int]) -> None:
    """The first colon or equals sign ends the name. The rest is the value as typed."""
    line = data(typed)
    assert line.metadata == understood
    filled = Form(Verb.PLACE, VOCABULARY).build(values_of(line), nonce="n", channel="")
    again = Form(Verb.PLACE, VOCABULARY).read(submitted(filled))
    assert data(again["metadata"]).metadata == understood


@pytest.mark.parametrize(
    ("typed", "messages"),
    [
        ("name: Asha\nAsha Rao", ["“Asha Rao” has no name."]),
        ("https://pay.example/?id=5", ["“https://pay.example/?id=5” has no name."]),
        ("name\tAsha", ["“name\tAsha” has no name."]),
        ("10:30", ["“10:30” has no name."]),
        ("=5\n: x", ["“=5” has no name.", "“: x” has no name."]),
        ("www.pay.example/?id=5", ["“www.pay.example/?id” isn't a valid name"]),
        ("first name: Asha", ["“first name” isn't a valid name"]),
        ('{"name": "Asha"}', ['“{"name"” isn\'t a valid name']),
        ("name:\nage: ,", ["“name” has no value.", "“age” has no value."]),
        ("name: a\nage: 5\nname: b\nname: c", ["You used “name” twice."]),
    ],
)
def test_a_line_of_data_that_cannot_be_read_is_named(typed: str, messages: list[str]) -> None:
    """The field's fault names every such line, and no request is created."""
    form = Form(Verb.PLACE, VOCABULARY)
    values = {"targets": "98765 43210", "metadata": typed}
    found = form.contradictions(values, NOW)
    assert [fault.field for fault in found] == ["metadata"] * len(messages)
    assert [fault.message.startswith(said) for fault, said in zip(found, messages, strict=True)] == [
        True
    ] * len(messages)
    assert read(line_text(Verb.PLACE, values), Verb.PLACE).problems
    shown = form.errors(found, form.build(values, nonce="n", channel=""))
    assert all(fault.message in shown["metadata"] for fault in found)


def test_a_name_of_several_words_is_proposed_as_one() -> None:
    """The form suggests the name to write instead."""
    form = Form(Verb.PLACE, VOCABULARY)
    values = {"metadata": "- Customer name: Asha"}
    [fault] = form.contradictions(values, NOW)
    assert (
        "Did you mean “Customer_name”?"
        in form.errors([fault], form.build(values, nonce="n", channel=""))["metadata"]
    )


def test_many_faults_of_a_field_are_counted() -> None:
    """The first three faults are shown, with the count of the rest."""
    form = Form(Verb.PLACE, VOCABULARY)
    view = form.build({"metadata": "x"}, nonce="n", channel="")
    many = [FieldProblem("metadata", f"No {n}.") for n in range(12)]
    assert form.errors(many, view)["metadata"] == "No 0. No 1. No 2. And 9 more."
    assert form.errors(many[:4], view)["metadata"] == "No 0. No 1. No 2. And 1 more."


@given(
    st.dictionaries(
        st.from_regex(r"[^\W\d_][\w.#'()-]{0,8}", fullmatch=True),
        st.integers(1 - 10**15, 10**15 - 1)
        | st.text(
            st.characters(
                exclude_categories=("Cs", "Cc", "Cf", "Cn", "Zl", "Zp", "Zs"),
                include_characters=' \n:=,"“”\\',
            )
        ),
        max_size=5,
    )
)
def test_whatever_data_there_are_come_back_from_the_form(metadata: dict[str, str | int]) -> None:
    """Data that are written into the form and submitted unchanged stay the same."""
    assert data(values_of(Command(verb=Verb.PLACE, metadata=metadata))["metadata"]).metadata == metadata


@given(st.text(st.sampled_from('ab5 :=\uff1a,"“\\\n\t/-'), max_size=40))
def test_whatever_is_typed_as_data_is_read_or_named(typed: str) -> None:
    """Each line becomes a name and a value, or a fault."""
    values = {"targets": "98765 43210", "metadata": typed}
    found = Form(Verb.PLACE, VOCABULARY).contradictions(values, NOW)
    line = read(line_text(Verb.PLACE, values), Verb.PLACE)
    assert bool(line.problems) == bool(found)
    if not found and not set(typed) & set('"“'):
        assert len(line.metadata) == sum(bool(one.strip(" \t,")) for one in typed.split("\n"))


KNOWN_CALL = CallOptions([("A-7K3F", "tomorrow 9:30 · +91\u00a0•••3210 · payments")], chosen="A-7K3F")


def test_a_known_call_comes_first_and_the_rest_may_stay_empty() -> None:
    """With the only scheduled call chosen, a reason and the submission are left."""
    form = Form(Verb.CANCEL, VOCABULARY)
    view = form.build({}, nonce="n", channel="", known=KNOWN_CALL)
    assert inputs(view) == ["scheduled_call", "targets", "reason", "words", "connection", "agent"]
    assert [block["block_id"] for block in view["blocks"] if block.get("optional") is False] == [
        "scheduled_call"
    ]
    assert form.read(submitted(view))["scheduled_call"] == "A-7K3F"
    assert form.read(submitted(view))["reason"] == ""
    assert form.contradictions(form.read(submitted(view)), NOW) == []
    assert faults("modal", view) == []
    assert checker("check_blocks").faults("modal", view) == []


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.MOVE])
def test_a_form_about_one_call_shows_it_as_text(verb: Verb) -> None:
    """The form of a message has its call fixed. Nothing else can be chosen or typed as a target."""
    form = Form(verb, VOCABULARY)
    known = CallOptions(KNOWN_CALL.calls, KNOWN_CALL.chosen, fixed=True)
    view = form.build({}, nonce="n", channel="", known=known)
    assert not {"scheduled_call", "targets", "connection", "agent"} & set(inputs(view))
    assert KNOWN_CALL.calls[0][1] in view["blocks"][0]["text"]["text"]
    read_again = form.read(submitted(view))
    assert read_again["scheduled_call"] == "A-7K3F"
    asked = form.asking(submitted(view), Question("reason", "Which?", None, ("a", "b")), "said", nonce="m")
    assert form.read(submitted(asked))["scheduled_call"] == "A-7K3F"
    assert faults("modal", view) == []


def test_a_move_of_one_call_begins_at_its_time() -> None:
    """Slack puts the cursor into the new time, so that a thumb need not touch it."""
    known = CallOptions(KNOWN_CALL.calls, KNOWN_CALL.chosen, fixed=True)
    for values in ({}, {"at": "Mon 10:00"}):
        view = Form(Verb.MOVE, VOCABULARY).build(values, nonce="n", channel="", known=known)
        focused = [
            block["block_id"] for block in view["blocks"] if block.get("element", {}).get("focus_on_load")
        ]
        assert focused == ["at"]
        assert faults("modal", view) == []
        assert checker("check_blocks").faults("modal", view) == []


@pytest.mark.parametrize("verb", [Verb.CANCEL, Verb.DELETE_CAMPAIGN, Verb.PLACE])
def test_a_field_that_every_rule_requires_is_not_optional(verb: Verb) -> None:
    """Slack writes "(optional)" behind every other label, so a form would be refused against its own word."""
    names = {"purpose", "consent", "reason"} if verb is Verb.PLACE else {"reason"}
    for required in (frozenset[str](), frozenset(names)):
        words = replace(VOCABULARY, required={KINDS[verb]: required})
        view = Form(verb, words).build({}, nonce="n", channel="", whole=True)
        optional = {
            block["block_id"]: block["optional"] for block in view["blocks"] if block["type"] == "input"
        }
        assert {name for name in names if not optional.get(name, True)} == required
        assert not any("(optional)" in str(block.get("label")) for block in view["blocks"])


def test_targets_that_were_typed_leave_nothing_to_choose() -> None:
    """The field for targets is required where no scheduled call is offered beside it."""
    view = Form(Verb.CANCEL, VOCABULARY).build({"targets": "12345"}, nonce="n", channel="")
    [targets] = [block for block in view["blocks"] if block.get("block_id") == "targets"]
    assert targets["optional"] is False


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "targets"),
        ({"scheduled_call": "none"}, "targets"),
        ({"scheduled_call": "A-7K3F", "targets": "98765 43210"}, "scheduled_call"),
        ({"targets": "98765 43210", "reason": "other"}, "words"),
    ],
)
def test_a_cancellation_says_one_thing(values: dict[str, str], field: str) -> None:
    """The form takes a call or pasted targets, never neither and never both. "Other" alone is no reason."""
    assert [fault.field for fault in Form(Verb.CANCEL, VOCABULARY).contradictions(values, NOW)] == [field]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"reason": "customer asked"}, "customer asked"),
        ({"reason": "customer asked", "words": "twice, by mail"}, "customer asked: twice, by mail"),
        ({"reason": "other", "words": "the shop is closed"}, "the shop is closed"),
        ({"words": "the shop is closed"}, "the shop is closed"),
        ({}, None),
    ],
)
def test_a_reason_is_chosen_written_or_both(values: dict[str, str], reason: str | None) -> None:
    """Both parts make a single reason, which fills both fields again."""
    line = read(line_text(Verb.CANCEL, {"targets": "98765 43210", **values}), Verb.CANCEL)
    assert line.reason == reason
    view = Form(Verb.CANCEL, VOCABULARY).build(values_of(line), nonce="n", channel="")
    again = Form(Verb.CANCEL, VOCABULARY).read(submitted(view))
    assert read(line_text(Verb.CANCEL, again), Verb.CANCEL).reason == reason


@pytest.mark.parametrize(
    ("count", "kind"), [(9, "radio_buttons"), (10, "static_select"), (120, "static_select")]
)
def test_reasons_are_one_tap_each_while_they_are_few(count: int, kind: str) -> None:
    """Up to nine reasons stand beside "other" as buttons. More are a list that Slack accepts."""
    many = CommandContext({"voxworks": VOXWORKS}, "IN", tuple(f"reason {n}" for n in range(count)))
    view = Form(Verb.CANCEL, many).build({}, nonce="n", channel="")
    [element] = [block["element"] for block in view["blocks"] if block.get("block_id") == "reason"]
    assert element["type"] == kind
    assert element["options"][-1]["value"] == "other"
    assert faults("modal", view) == []


def test_a_time_is_typed_or_picked() -> None:
    """A picked time is an instant. A past time or a second one is a fault."""
    form, later = Form(Verb.PLACE, VOCABULARY), int(NOW.timestamp()) + 3600
    picked = {"targets": "98765 43210", "picked": str(later)}
    assert form.contradictions(picked, NOW) == []
    assert read(line_text(Verb.PLACE, picked), Verb.PLACE).at == NOW + timedelta(hours=1)
    for wrong in ({"at": "17:00", "picked": str(later)}, {"picked": str(int(NOW.timestamp()))}):
        assert [fault.field for fault in form.contradictions(wrong, NOW)] == ["picked"]
    assert "picked" not in inputs(form.build({"at": "tomorrow 9:30"}, nonce="n", channel=""))
    assert faults("modal", form.build(picked, nonce="n", channel="")) == []
