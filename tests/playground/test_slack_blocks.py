import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from playground.blocks import MAX_MESSAGE_CHARACTERS, WITHOUT_TEXT, Kind, characters, faults
from tests.playground.slack_app import BUTTON, CARD, CONFIRM, FORM, Stage, bolt, modal, stage, text_input
from tests.support.tree import ROOT

Json = dict[str, Any]
SHARED = ROOT.parent / "shared" / "slack"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="Slack's own schemas and payloads are not at hand"
)


def words(length: int, kind: str = "plain_text") -> Json:
    """Return a text object of that many characters."""
    return {"type": kind, "text": "x" * length}


def option(text: str = "one", value: str = "1") -> Json:
    """Return an option of a menu."""
    return {"text": {"type": "plain_text", "text": text}, "value": value}


def said(*blocks: Json) -> Json:
    """Return a message with these blocks."""
    return {"text": "hello", "blocks": list(blocks)}


def pressing(**more: object) -> Json:
    """Return a message with one element to press."""
    return said({"type": "actions", "elements": [{**BUTTON, **more}]})


def choosing(**more: object) -> Json:
    """Return a message with a menu."""
    menu = {"type": "static_select", "action_id": "menu", "options": [option()], **more}
    return said({"type": "section", "text": words(1), "accessory": menu})


def asking(**more: object) -> Json:
    """Return a modal with an input."""
    return modal("Form", {**text_input("name"), **more})


def section(mrkdwn: str) -> Json:
    """Return a section of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}


DIVIDER: Json = {"type": "divider"}
HEADER: Json = {"type": "header", "text": words(150)}
DATE = "<!date^1795233980^{date_short_pretty} at {time}|21 Nov 2026, 04:06 UTC>"

GOOD: dict[str, tuple[Kind, Json]] = {
    "text alone": ("message", {"text": "hello"}),
    "a card": ("message", said(*CARD)),
    "fifty blocks": ("message", said(*[DIVIDER] * 50)),
    "a header of 150": ("message", said(HEADER)),
    "a date": ("message", said(section(DATE))),
    "ten fields": ("message", said({"type": "section", "fields": [words(2000)] + [words(10)] * 9})),
    "a menu with its initial option": ("message", choosing(initial_option=option())),
    "a confirm dialog": ("message", pressing(confirm=CONFIRM, style="danger", accessibility_label="Cancel")),
    "a form": ("modal", FORM),
    "a form with a date": (
        "modal",
        asking(element={"type": "datepicker", "action_id": "d", "initial_date": "2026-11-21"}),
    ),
    "a home": ("home", {"type": "home", "blocks": [section("Hello")]}),
}

BAD: dict[str, tuple[Kind, Json]] = {
    "section over 3000": ("message", said(section("x" * 3001))),
    "empty section": ("message", said({"type": "section"})),
    "empty text": ("message", said(section(""))),
    "field over 2000": ("message", said({"type": "section", "fields": [words(2001)]})),
    "eleven fields": ("message", said({"type": "section", "fields": [words(1)] * 11})),
    "header over 150": ("message", said({"type": "header", "text": words(151)})),
    "header of mrkdwn": ("message", said({"type": "header", "text": words(1, "mrkdwn")})),
    "51 blocks": ("message", said(*[DIVIDER] * 51)),
    "26 buttons": (
        "message",
        said({"type": "actions", "elements": [{**BUTTON, "action_id": str(n)} for n in range(26)]}),
    ),
    "eleven in context": ("message", said({"type": "context", "elements": [words(1)] * 11})),
    "unknown block": ("message", said({"type": "sections"})),
    "no block": ("message", {"text": "x", "blocks": ["text"]}),
    "unknown element": ("message", pressing(type="knob")),
    "unknown field": ("message", pressing(colour="red")),
    "button without text": (
        "message",
        said({"type": "actions", "elements": [{"type": "button", "action_id": "a"}]}),
    ),
    "button over 75": ("message", pressing(text=words(76))),
    "button of mrkdwn": ("message", pressing(text=words(1, "mrkdwn"))),
    "value over 2000": ("message", pressing(value="x" * 2001)),
    "strange style": ("message", pressing(style="red")),
    "long action_id": ("message", pressing(action_id="x" * 256)),
    "confirm title over 100": ("message", pressing(confirm={**CONFIRM, "title": words(101)})),
    "confirm text over 300": ("message", pressing(confirm={**CONFIRM, "text": words(301)})),
    "confirm button over 30": ("message", pressing(confirm={**CONFIRM, "confirm": words(31)})),
    "duplicate block_id": ("message", said({**DIVIDER, "block_id": "a"}, {**DIVIDER, "block_id": "a"})),
    "duplicate action_id": ("message", said({"type": "actions", "elements": [BUTTON, BUTTON]})),
    "no options": ("message", choosing(options=[])),
    "101 options": ("message", choosing(options=[option(str(n), str(n)) for n in range(101)])),
    "option over 75": ("message", choosing(options=[option("x" * 76)])),
    "overflow of six": (
        "message",
        said(
            {
                "type": "actions",
                "elements": [
                    {"type": "overflow", "options": [option(str(n), str(n)) for n in range(6)]},
                ],
            }
        ),
    ),
    "13 200 characters": ("message", said(*[section("x" * 3000)] * 5)),
    "blocks without text": ("message", {"text": "", "blocks": [DIVIDER]}),
    "input without submit": ("modal", {k: v for k, v in FORM.items() if k != "submit"}),
    "title over 24": ("modal", modal("t" * 25, section("x"))),
    "submit over 24": ("modal", {**FORM, "submit": words(25)}),
    "no title": ("modal", {k: v for k, v in FORM.items() if k != "title"}),
    "101 blocks": ("modal", modal("x", *[DIVIDER] * 101)),
    "long private_metadata": ("modal", {**FORM, "private_metadata": "x" * 3001}),
    "over 250 kB": ("modal", modal("x", *[section("x" * 3000)] * 90)),
    "placeholder over 150": ("modal", modal("x", text_input("a", placeholder=words(151)))),
    "max_length over 3000": ("modal", modal("x", text_input("a", max_length=3001))),
    "label over 2000": ("modal", asking(label=words(2001))),
    "hint over 2000": ("modal", asking(hint=words(2001))),
    "input without element": ("modal", modal("x", {"type": "input", "label": words(1)})),
    "button as input": ("modal", asking(element=BUTTON)),
    "number without is_decimal_allowed": (
        "modal",
        asking(element={"type": "number_input", "action_id": "n"}),
    ),
    "home with a title": ("home", {"type": "home", "title": words(1), "blocks": []}),
}

# Slack refuses these too, but the schemas and the SDK behind the other checker do not.
OURS: dict[str, tuple[Kind, Json]] = {
    "confirm without deny": ("message", pressing(confirm={k: v for k, v in CONFIRM.items() if k != "deny"})),
    "no buttons": ("message", said({"type": "actions", "elements": []})),
    "initial option that is none": ("message", choosing(initial_option=option("two", "2"))),
    "options and groups at once": (
        "message",
        choosing(option_groups=[{"label": words(1), "options": [option()]}]),
    ),
    "initial_date not a date": (
        "modal",
        asking(element={"type": "datepicker", "initial_date": "21.11.2026"}),
    ),
    "initial value over max_length": (
        "modal",
        modal("x", text_input("a", initial_value="xxx", max_length=2)),
    ),
    "min over max": ("modal", modal("x", text_input("a", min_length=3, max_length=2))),
    "two in focus": ("modal", modal("x", *[text_input(name, focus_on_load=True) for name in "ab"])),
    "date of words": ("message", said(section("<!date^soon^{date}|soon>"))),
    "date without token": ("message", said(section("<!date^1795233980^{day}|today>"))),
    "date without fallback": ("message", {"text": "<!date^1795233980^{date}>"}),
    "date not closed": ("message", {"text": "<!date^1795233980^{date}"}),
    "image without address": ("message", said({"type": "image", "alt_text": "x"})),
    "no modal": ("modal", {"type": "home", "blocks": []}),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_slack_takes_has_no_fault(name: str) -> None:
    """Payloads within the limits pass."""
    assert faults(*GOOD[name]) == []


@pytest.mark.parametrize("name", [*BAD, *OURS])
def test_what_slack_refuses_has_a_fault(name: str) -> None:
    """Each limit and rule, broken alone, is found. Every fault but that about `text` has its pointer."""
    found = faults(*{**BAD, **OURS}[name])
    assert found
    assert all("[json-pointer:/" in line for line in found)


def test_a_fault_says_where() -> None:
    """The line is Slack's own, with a sentence and the pointer to the field."""
    expected = "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"
    assert faults("message", pressing(text=words(76))) == [expected]
    assert faults("message", {"blocks": [DIVIDER]}) == [WITHOUT_TEXT]


def test_characters_are_counted_over_all_blocks() -> None:
    """Texts count in every block."""
    assert characters([section("abc"), {"type": "actions", "elements": [BUTTON]}]) == 8
    assert faults("message", said(*[section("x" * 2640)] * 5)) == []
    assert MAX_MESSAGE_CHARACTERS == 5 * 2640


@needs_shared
@pytest.mark.parametrize("name", sorted({*GOOD, *BAD} - {"text alone"}))
def test_agrees_with_slacks_own_types(name: str) -> None:
    """The checker made from Slack's types, SDK and documents finds a fault where ours does."""
    kind, payload = {**GOOD, **BAD}[name]
    assert bool(_other_checker()(kind, payload)) == bool(faults(kind, payload))


def _other_checker() -> Callable[[Kind, Json], list[str]]:
    spec = importlib.util.spec_from_file_location("check_blocks", SHARED / "check_blocks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Kind, Json], list[str]] = module.faults
    return found


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack with the sample app."""
    async with stage() as running, bolt(running):
        yield running


@needs_shared
async def test_payloads_have_the_shapes_that_slack_sends(on: Stage) -> None:
    """Our commands, clicks, submissions, closings and shortcuts have the keys of the real ones."""
    person = on.person()
    card = (await person.command("/echo")).ephemeral
    assert card
    await person.click(card, "press")
    view = (await person.command("/form")).view
    assert view
    await on.client.views_update(view_id=view.id, view={**FORM, "close": words(1), "notify_on_close": True})
    await person.submit(await person.wait_for_view(), {"name": "errors"})
    await person.close(await person.wait_for_view())
    said_now = (await person.say("x")).messages[0]
    await person.shortcut("remind", said_now)
    await person.shortcut("remind")
    ours = {body.get("type", "command"): body for body in on.heard}
    real = json.loads((SHARED / "payloads.json").read_text())
    for kind, name in {
        "command": "test_slash_command.slash_command_body",
        "block_actions": "test_block_actions.body",
        "view_submission": "test_view_submission.body",
        "view_closed": "test_view_closed.body",
        "message_action": "test_shortcut.message_shortcut_body",
        "shortcut": "test_shortcut.global_shortcut_body",
    }.items():
        assert list(_missing(real[name], ours[kind], name)) == []


def _missing(real: Json, ours: Json, path: str) -> Any:
    """Yield the real payload's keys that ours lacks, without an enterprise's and optional ones."""
    for key, value in real.items():
        if key.startswith("enterprise") or key in {"blocks", "values", "client_msg_id", "emoji"}:
            continue
        if key not in ours:
            yield f"{path}.{key}"
        elif isinstance(value, dict) and value:
            yield from _missing(value, ours[key], f"{path}.{key}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _missing(value[0], ours[key][0], f"{path}.{key}.0")
