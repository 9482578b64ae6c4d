"""The gate: each listener, played as people who may do nothing, and as somebody who may.

The cases are compared with the app's own listeners, and a listener without a case fails here.
"""

import json
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from slack_bolt.listener.async_listener import AsyncListener
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.app import create_app
from bot.listeners.gate import MAX_COMMAND, MAX_FIELD
from bot.listeners.home import OPENED
from bot.listeners.shortcuts import CANCEL_MENTIONED, GLOBAL, PLACE_MENTIONED
from bot.parsing.command import FORMS
from bot.parsing.log_query import Filters
from bot.services.approvals import content as hash_of
from bot.slack.blocks import plain_text
from bot.text import interactions
from bot.text.interactions import MOST_READ
from bot.ui import (
    call_lists,
    command_help,
    command_replies,
    do_not_call,
    pauses,
    prompts,
    replacing,
    request_lists,
)
from bot.ui.call_lists import ListCheck, ListForm
from bot.ui.call_preview import PlacePreview
from bot.ui.channel_messages import REVIEW
from bot.ui.details_modal import Details
from bot.ui.forms import MORE, Form
from bot.ui.log_pages import EXPORT, FILTER, NEWER, NEWEST, OLDER, FilterForm
from bot.ui.modal import About, modal, text_input
from bot.ui.pauses import PauseForm
from bot.ui.review_modal import Denial, Review
from bot.ui.settle_modal import OPEN_SCREEN, Settling
from bot.ui.unknown_messages import SETTLE, SHOW_NUMBER
from bot.ui.ways_on import CANCEL_THIS, DETAILS, MENU, MOVE_THIS, PLACE_AGAIN, SHOW_STATUS, WITHDRAW
from playground import content
from playground.people import Message
from providers.actions import CallList, Kind, PlaceCall
from storage.database.repository import Repository
from tests.e2e.scene import private, until, words
from tests.integration.bench import AGENT, CANCEL_BY_ID, MANAGER, BotWorld, Parts, StepLog, bench
from tests.storage.samples import NUMBER, OTHER_NUMBER, verified
from tests.support.tree import ROOT

Json = dict[str, Any]

GUEST, STRANGER = "Guests can't", "another organisation"
REFUSED = {
    "U0GUEST": GUEST,
    "W0GUEST": GUEST,
    "U0STRANGER": STRANGER,
    "W0OTHER": STRANGER,
    "W0UNSEEN": STRANGER,
    "U0GONE": "deactivated",
    "U0BOT": "Apps and bots",
}
"""Guests of both kinds, external people, other organisations' people, a deactivated account, an app."""
LIST = CallList(kind=Kind.PLACE_LIST, list=1, name="x.csv", sha256="0" * 64, rows_sha256="", rows=1)
ONLOOKER = "U0AUDITOR"
"""A full member whom nothing has looked up before."""
SILENT = {"event", "view_closed"}
"""Payloads whose answer nobody reads."""
OF_THE_GATE = {"person", "keep_person", "record_denied_attempt"}
"""Methods of the log that the gate itself calls."""
BOT = ROOT / "bot"
READERS = {
    BOT / "parsing",
    BOT / "ui" / "form_values.py",
    BOT / "services" / "commands.py",
    BOT / "listeners" / "log_search.py",
}
"""Modules that parse people's text."""


class Watched:
    """A repository that records the names of its calls."""

    def __init__(self, repository: Repository, asked: list[str]) -> None:
        self._repository = repository
        self._asked = asked

    def __getattr__(self, name: str) -> object:
        """Record the name, and return the attribute."""
        self._asked.append(name)
        return getattr(self._repository, name)


class WatchedLog(StepLog):
    """The real log with a record of its repositories' calls."""

    def is_made_of(self, parts: Parts) -> None:
        """Watch all repositories."""
        super().is_made_of(parts)
        for name, one in list(vars(self).items()):
            if isinstance(one, Repository):
                setattr(self, name, Watched(one, self.steps))


@dataclass(frozen=True)
class Case:
    """A payload of Slack: its kind, its body, and the modal that it comes from, if any."""

    name: str
    kind: str
    body: Json
    view: Json | None = None


@dataclass(frozen=True)
class Facts:
    """Requests and drafts that could be read and shown."""

    scheduled: str
    waiting: str
    unknown: str
    draft: str
    stop: str
    searched: str


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a workspace with people of each kind, and one bot in it."""
    async with bench(tmp_path, Parts(log=WatchedLog), content.make(content.GRID)) as made:
        yield made


async def prepare(stage: BotWorld) -> Facts:
    """Create a scheduled call, a pending request, a call with an unknown outcome, and two answers' drafts."""
    at = stage.clock() + timedelta(hours=3)
    scheduled = await stage.bot.ask(PlaceCall(to=NUMBER, agent="payments", at=at))
    await stage.bot.run_until_idle()
    await stage.providers.fail("callkaro", "reset", effect=False)
    unknown = await stage.bot.ask(PlaceCall(to=OTHER_NUMBER, agent="payments"), delivery_key="unknown")
    await stage.bot.run_until_idle()
    waiting = await stage.bot.ask(CANCEL_BY_ID, delivery_key="waiting")
    asha = stage.people.person(AGENT)
    stop, _ = await stage.bot.store.do_not_call.add("+919876500000", masked="", actor=AGENT, reason=None)
    async with stage.connected():
        preview = _value(private(await asha.command(f"/place-call {NUMBER}")), command_replies.PLACE)
        searched = _value(private(await asha.command("/calls log")), FILTER)
    return Facts(scheduled.id, waiting.id, unknown.id, preview, stop.id, searched)


def _value(message: Message, action_id: str) -> str:
    elements = [one for block in message.blocks for one in block.get("elements", ())]
    return next(str(one["value"]) for one in elements if one.get("action_id") == action_id)


async def cases(stage: BotWorld, facts: Facts) -> list[Case]:
    """Return a payload for each listener."""
    request = await stage.bot.store.requests.request(facts.waiting)
    unknown = await stage.bot.store.requests.request(facts.unknown)
    vocabulary = stage.bot.surfaces.requests._commands.vocabulary
    shown = hash_of(request)
    review = Review.build(request, nonce="review", shown=shown)
    settling = Settling.build(unknown, unknown.actions[0], nonce="settle")
    events, personal = (
        await stage.bot.store.requests.events(request.id),
        await stage.bot.store.requests.personal_values(request.id),
    )
    story = Details.build(request, events, personal, may_reveal=True, revealed=False)
    about = About(nonce=facts.draft, channel="C0SUPPORT")
    preview = modal(PlacePreview.callback_id, "Preview", [text_input("x", "X")], about=about, submit="Place")
    old = modal("of_another_version", "Old", [text_input("x", "X")], about=about, submit="Send")
    filled = {"targets": facts.scheduled, "connection": "voxworks"}
    forms = {verb: Form(verb, vocabulary).build(filled, nonce="form", channel="C0SUPPORT") for verb in FORMS}
    pressed = {
        **dict.fromkeys(command_replies.OPENS, command_replies.EMPTY),
        command_replies.CHANGE: facts.draft,
        command_help.PAGE: command_help.OPTIONS,
        f"{prompts.CHOOSE}_0": prompts.Choice(facts.draft, connection="reminders").text(),
        prompts.CHANGE_ASKED: f"{facts.waiting} {facts.draft}",
        prompts.CANCEL_FIRST: facts.draft,
        command_replies.PLACE: facts.draft,
        do_not_call.ADD: facts.draft,
        do_not_call.UNDO: facts.stop,
        replacing.REPLACE: f"{facts.waiting} {facts.draft}",
        replacing.KEEP: facts.waiting,
        pauses.OPEN: "pause",
        pauses.RESUME: "B-7K3F",
        pauses.CANCEL_SCHEDULED: pauses.EVERY,
        WITHDRAW: facts.waiting,
        SHOW_STATUS: facts.waiting,
        request_lists.STATUS: facts.waiting,
        OLDER: f"{facts.searched} 1",
        NEWER: f"{facts.searched} 1",
        NEWEST: f"{facts.searched} ",
        FILTER: facts.searched,
        EXPORT: facts.searched,
        REVIEW: facts.waiting,
        SETTLE: facts.unknown,
        SHOW_NUMBER: facts.unknown,
        OPEN_SCREEN: "reminders",
        call_lists.OPEN: "form",
        **dict.fromkeys(
            (call_lists.PAUSE, call_lists.RESUME, call_lists.STOP, call_lists.RESULTS), facts.waiting
        ),
        CANCEL_THIS: facts.scheduled,
        MOVE_THIS: facts.scheduled,
        PLACE_AGAIN: facts.waiting,
        DETAILS: facts.waiting,
        MENU: f"{DETAILS} {facts.waiting}",
        "of_another_version": "x",
    }
    in_modals = {MORE: forms[FORMS[0]], Review.deny: review, Review.reveal: review, Details.reveal: story}
    in_modals |= {Details.recording: story}
    checked = ListCheck.build(LIST, [(2, "x")], faults=0, nonce=facts.draft, channel="C0SUPPORT")
    in_modals |= {call_lists.LEAVE_OUT: checked, call_lists.PROBLEMS: checked}
    in_modals |= {Settling.reveal: settling, Settling.again: settling}
    submitted = [*forms.values(), preview, review, Denial.build(request, nonce="denial", shown=shown)]
    list_form = ListForm.build([Kind.PLACE_CALL], ["reminders"], nonce="list", channel="C0SUPPORT")
    submitted += [PauseForm.build([None], {}, everything=1, nonce="pause"), list_form, checked]
    submitted += [settling, FilterForm.build(Filters(), vocabulary), old]
    message = {"type": "message", "text": f"call {NUMBER}, {facts.scheduled}", "ts": "1.1", "blocks": []}
    return [
        *(
            Case(command, "slash_commands", {"command": command, "text": text, "channel_id": "C0SUPPORT"})
            for command, text in (
                ("/calls", f"move {NUMBER} tomorrow 9:30"),
                ("/place-call", f"{OTHER_NUMBER} tomorrow 9:30"),
                ("/cancel-call", f"{facts.scheduled} customer asked"),
                ("/of-another-version", "x"),
            )
        ),
        *(_press(action_id, value) for action_id, value in pressed.items()),
        *(_press(action_id, facts.waiting, view) for action_id, view in in_modals.items()),
        *(Case(view["callback_id"], "interactive", {"type": "view_submission"}, view) for view in submitted),
        Case("view_closed", "interactive", {"type": "view_closed"}, old),
        *(
            Case(
                mentioned,
                "interactive",
                {"type": "message_action", "callback_id": mentioned, "message": message}
                | {"channel": {"id": "C0SUPPORT"}, "message_ts": "1.1", "response_url": ""},
            )
            for mentioned in (CANCEL_MENTIONED, PLACE_MENTIONED)
        ),
        *(Case(one, "interactive", {"type": "shortcut", "callback_id": one}) for one in GLOBAL),
        Case("global", "interactive", {"type": "shortcut", "callback_id": "of_another_version"}),
        Case(
            "options",
            "interactive",
            {"type": "block_suggestion", "action_id": "x", "block_id": "x", "value": "x"},
            old,
        ),
        Case(OPENED, "events_api", {"type": "event_callback", "event": {"type": OPENED, "tab": "home"}}),
        Case("event", "events_api", {"type": "event_callback", "event": {"type": "of_another_version"}}),
    ]


def _press(action_id: str, value: str, view: Json | None = None) -> Case:
    action: Json = {"type": "button", "action_id": action_id, "block_id": "x", "value": value}
    action["action_ts"] = "1.1"
    if action_id == MENU:
        action |= {"type": "overflow", "selected_option": {"text": plain_text("x", 1), "value": value}}
    below: Json = {} if view else {"channel": {"id": "C0SUPPORT"}, "response_url": ""}
    body = {"type": "block_actions", "actions": [action], **below}
    return Case(action_id, "interactive", body, view)


def sent(stage: BotWorld, case: Case, user: str) -> Json:
    """Return the payload of a person. They see the modal it comes from, and no other."""
    workspace = stage.slack.workspace
    workspace.take_away(user, len(workspace.stacks.get(user, ())))
    body: Json = {"api_app_id": content.APP_ID, **case.body}
    view = workspace.show(user, case.view, push=False) if case.view else None
    if view:
        values: Json = {block["block_id"]: {} for block in view.payload["blocks"] if block["type"] == "input"}
        body["view"] = workspace.view_for_app(view) | {"state": {"values": values}}
    if case.name != "view_closed":
        body["trigger_id"] = workspace.new_trigger(user, view.id if view else None)
    if "response_url" in body:
        secret = workspace.new_hook(user, "C0SUPPORT")
        body["response_url"] = f"{stage.slack.address}/hooks/app/{content.TEAM_ID}/{secret}"
    match case.kind:
        case "slash_commands":
            return body | {"user_id": user, "team_id": content.TEAM_ID}
        case "events_api":
            event = body["event"] | {"user": user}
            return body | {"event": event, "team_id": content.TEAM_ID, "event_id": "Ev1"}
        case _:
            return body | {"user": {"id": user}, "team": {"id": content.TEAM_ID}}


async def who_hears(listeners: Sequence[AsyncListener], body: Json) -> AsyncListener:
    """Return the listener of a payload."""
    request = AsyncBoltRequest(body=body, mode="socket_mode")
    for one in listeners:
        if await one.async_matches(req=request, resp=BoltResponse(status=200)):
            return one
    raise AssertionError(f"nobody hears {body}")


@contextmanager
def running() -> Iterator[set[CodeType]]:
    """Yield the set of functions that this thread calls meanwhile."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def code_of(heard: AsyncListener) -> CodeType:
    """Return the code that runs when a listener is reached."""
    found: CodeType = heard.ack_function.__code__
    return found


def read_by(called: set[CodeType]) -> set[str]:
    """Return the names of the parsing modules of which anything ran."""
    shows = {"<module>", "seen", "_visible"}  # these format a refusal's own text
    ran = (Path(code.co_filename) for code in called if code.co_name not in shows)
    return {path.name for path in ran if READERS & {path, path.parent}}


async def told(stage: BotWorld, case: Case, user: str, before: int, answer: Json | None) -> str:
    """Return the text that a person reads, wherever it is shown.

    ``before`` is the number of answers below messages that they already had.
    """
    match case.body:
        case {"event": {"type": "app_home_opened"}}:

            async def published() -> Json | None:
                home = stage.slack.workspace.homes.pop(user, None)
                return home.payload if home else None

            return json.dumps(await until(published))
        case {"type": "event_callback" | "view_closed"}:
            return ""
        case {"command": _} | {"type": "view_submission" | "block_suggestion"}:
            return json.dumps(answer)
        case {"response_url": _}:

            async def answered() -> Message | None:
                below = await stage.people.person(user).ephemerals()
                return below[-1] if len(below) > before else None

            return words(await until(answered))
        case _:
            top = stage.slack.workspace.top(user)
            return json.dumps(top.payload) if top else ""


@pytest.mark.parametrize("user", REFUSED)
async def test_who_may_do_nothing_is_told_so_before_anything_is_read(stage: BotWorld, user: str) -> None:
    """On each surface, no listener runs, nothing is parsed, and the log is not read."""
    facts = await prepare(stage)
    listeners = create_app(stage.bot.surfaces)._async_listeners
    kept = len(await stage.bot.actions())
    async with stage.connected():
        for case in await cases(stage, facts):
            body = sent(stage, case, user)
            heard = await who_hears(listeners, body)
            below = len(await stage.people.person(user).ephemerals())
            stage.bot.store.steps.clear()
            with running() as called:
                answer = await stage.slack.socket.deliver(case.kind, body)
            assert set(stage.bot.store.steps) <= OF_THE_GATE, case.name
            assert code_of(heard) not in called, case.name
            assert read_by(called) == set(), case.name
            says = await told(stage, case, user, below, answer)
            assert (REFUSED[user] in says) == (case.name not in SILENT), case.name
            assert not re.search(r"A-[0-9A-Z]{4}|3210|customer asked", says), case.name
    assert len(await stage.bot.actions()) == kept


@pytest.mark.parametrize("user", [AGENT, MANAGER, "W0NOTEAM"])
async def test_who_may_act_reaches_every_listener(stage: BotWorld, user: str) -> None:
    """The gate passes each payload of a full member to its listener."""
    facts = await prepare(stage)
    listeners = create_app(stage.bot.surfaces)._async_listeners
    async with stage.connected():
        for case in await cases(stage, facts):
            body = sent(stage, case, user)
            heard = await who_hears(listeners, body)
            with running() as called:
                answer = await stage.slack.socket.deliver(case.kind, body)
            assert code_of(heard) in called, case.name
            assert not any(why in str(answer) for why in REFUSED.values()), case.name


async def test_each_listener_has_a_case(stage: BotWorld) -> None:
    """A new listener without a case fails here, so that none is left out above."""
    facts = await prepare(stage)
    listeners = create_app(stage.bot.surfaces)._async_listeners
    played = [await who_hears(listeners, sent(stage, case, AGENT)) for case in await cases(stage, facts)]
    assert [code_of(one).co_qualname for one in listeners if one not in played] == []


async def test_each_attempt_is_in_the_log_once_a_day(stage: BotWorld) -> None:
    """The log has user, place and reason once, however often they try. None of their text is kept."""
    guest = stage.people.person("U0GUEST")
    async with stage.connected():
        for _ in range(2):
            for command in ("/calls", "/place-call"):
                private(await guest.command(f"{command} {NUMBER} my secret"))
        stage.clock.move(days=1)
        private(await guest.command("/calls list"))
    with closing(sqlite3.connect(stage.path)) as log:
        events = log.execute("SELECT actor, data FROM events WHERE name = 'denied_attempt'").fetchall()
        assert not log.execute("SELECT * FROM personal").fetchall()
    assert [(actor, json.loads(data)["tried"]) for actor, data in events] == [
        ("U0GUEST", "/calls"),
        ("U0GUEST", "/place-call"),
        ("U0GUEST", "/calls"),
    ]
    assert not (await verified(stage.bot.store)).faults


@pytest.mark.parametrize("trouble", ["silence", "server_error", "error"])
async def test_who_slack_does_not_know_is_told_so_within_its_patience(stage: BotWorld, trouble: str) -> None:
    """Each surface answers in time, even if Slack stays silent for seconds. The listener does not run."""
    facts = await prepare(stage)
    every = await cases(stage, facts)
    kinds = {str(case.body.get("type")) + str("view" if case.view else ""): case for case in every}
    listeners = create_app(stage.bot.surfaces)._async_listeners
    async with stage.connected():
        await stage.people.fail("users.info", trouble, code="user_not_found", times=len(kinds))
        for case in kinds.values():
            body = sent(stage, case, ONLOOKER)
            heard = await who_hears(listeners, body)
            below = len(await stage.people.person(ONLOOKER).ephemerals())
            with running() as called:
                answer = await stage.slack.socket.deliver(case.kind, body)
            says = await told(stage, case, ONLOOKER, below, answer)
            assert ("didn't tell CallOps who you are" in says) == (case.name not in SILENT), case.name
            assert code_of(heard) not in called, case.name
            assert read_by(called) == set(), case.name
    assert (await verified(stage.bot.store)).actions == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"api_app_id": "A0ANOTHER"}, "another app"),
        ({"team": {"id": "T0ELSEWHERE"}, "team_id": "T0ELSEWHERE"}, STRANGER),
        (
            {"enterprise": {"id": "E0ELSEWHERE"}, "enterprise_id": "E0ELSEWHERE"},
            STRANGER,
        ),
        (
            {"team": None, "team_id": "T0SISTER", "enterprise": {"id": "E0ELSEWHERE"}},
            STRANGER,
        ),
    ],
    ids=["app", "workspace", "organisation", "both"],
)
async def test_a_payload_of_another_app_or_workspace_is_refused(
    stage: BotWorld, change: Json, why: str
) -> None:
    """Each surface refuses it, for any claimed sender. Slack is not asked who that is."""
    facts = await prepare(stage)
    listeners = create_app(stage.bot.surfaces)._async_listeners
    async with stage.connected():
        for case in await cases(stage, facts):
            body = sent(stage, case, MANAGER) | change
            if "view" in body and "team" in change:
                body["view"] |= {"app_installed_team_id": body["team_id"]}
            heard = await who_hears(listeners, body)
            below = len(await stage.people.person(MANAGER).ephemerals())
            stage.bot.store.steps.clear()
            with running() as called:
                answer = await stage.slack.socket.deliver(case.kind, body)
            assert set(stage.bot.store.steps) <= {"record_denied_attempt"}, case.name
            assert code_of(heard) not in called, case.name
            says = await told(stage, case, MANAGER, below, answer)
            assert (why in says) == (case.name not in SILENT), case.name


@pytest.mark.parametrize(
    "change",
    [
        {"team": None, "team_id": None, "enterprise": None},
        {"team": {"id": "T0SISTER", "enterprise_id": "E0CALLOPS"}, "team_id": "T0SISTER"}
        | {"enterprise_id": "E0CALLOPS"},
        {"team": None, "team_id": None, "enterprise": {"id": "E0CALLOPS"}, "is_enterprise_install": True},
    ],
    ids=["nothing said", "sister workspace", "whole organisation"],
)
async def test_a_payload_of_our_organisation_passes(stage: BotWorld, change: Json) -> None:
    """The payload may come from another workspace, from an org-wide app, or without a workspace."""
    facts = await prepare(stage)
    listeners = create_app(stage.bot.surfaces)._async_listeners
    async with stage.connected():
        for case in await cases(stage, facts):
            body = sent(stage, case, AGENT) | change
            if "view" in body:
                del body["view"]["app_installed_team_id"]
            heard = await who_hears(listeners, body)
            with running() as called:
                await stage.slack.socket.deliver(case.kind, body)
            assert code_of(heard) in called, case.name


async def test_an_event_that_names_nobody_passes(stage: BotWorld) -> None:
    """Such an event is nobody's act, so nobody is looked up."""
    async with stage.connected():
        stage.bot.store.steps.clear()
        body = {"type": "event_callback", "team_id": content.TEAM_ID, "api_app_id": content.APP_ID}
        await stage.slack.socket.deliver("events_api", body | {"event": {"type": "team_rename"}})
    assert "person" not in stage.bot.store.steps


@pytest.mark.parametrize("command", ["/calls", "/place-call", "/cancel-call"])
async def test_a_command_that_is_too_long_is_not_read(stage: BotWorld, command: str) -> None:
    """Over 8 000 characters it is refused, and no parser sees it. Up to that length it is parsed."""
    asha = stage.people.person(AGENT)
    text = "cancel vx_1 because " if command == "/calls" else ""
    async with stage.connected():
        for filling in ("1 ", "12345, ", "<tel:", "x"):
            long = (text + filling * MAX_COMMAND)[:MAX_COMMAND] + "x"
            with running() as called:
                told = private(await asha.command(f"{command} {long}"))
            assert "longer than 8,000 characters, so CallOps didn't read it" in words(told)
            assert read_by(called) == set()
        with running() as called:
            private(await asha.command(f"{command} {('x ' * MAX_COMMAND)[:MAX_COMMAND]}"))
        assert "parser.py" in read_by(called)
    assert await stage.bot.actions() == []


async def test_a_field_that_is_too_long_is_not_read(stage: BotWorld) -> None:
    """Slack's client allows no such text. The fault stands under the field or above the form, which stays."""
    facts = await prepare(stage)
    listeners = create_app(stage.bot.surfaces)._async_listeners
    async with stage.connected():
        for case in await cases(stage, facts):
            if case.view is None or case.name == "view_closed":
                continue
            for length in (MAX_FIELD, MAX_FIELD + 1):
                body = sent(stage, case, MANAGER)
                values = body["view"]["state"]["values"]
                field = next(iter(values), "x")
                values[field] = {"x": {"type": "plain_text_input", "value": ("1 " * length)[:length]}}
                heard = await who_hears(listeners, body)
                with running() as called:
                    answer = await stage.slack.socket.deliver("interactive", body)
                assert (code_of(heard) in called) == (length == MAX_FIELD), case.name
                if length == MAX_FIELD:
                    continue
                assert read_by(called) == set(), case.name
                if case.body["type"] == "view_submission":
                    under = {field: interactions.FIELD_TOO_LONG}
                    assert answer == {"response_action": "errors", "errors": under}, case.name
                else:
                    assert "Shorten this" in await told(stage, case, MANAGER, 0, answer), case.name


async def test_of_a_long_message_the_beginning_is_read(stage: BotWorld) -> None:
    """The form says so. Later text, and a number that the cut splits, are left out."""
    padding = "word " * (MOST_READ // 5)
    texts = {
        f"{OTHER_NUMBER} {padding}{NUMBER}": (["98765 43211"], True),
        f"{OTHER_NUMBER} {padding[: MOST_READ - 20]}98765 43210 and more": (["98765 43211"], True),
        f"{OTHER_NUMBER} {padding[: MOST_READ - 25]}<https://x.example/{NUMBER[1:]}|a link>": (
            ["98765 43211"],
            True,
        ),
        f"{NUMBER} {padding[:1000]}": (["98765 43210"], False),
        "1 " * 20_000: ([], True),
    }
    asha = stage.people.person(AGENT)
    async with stage.connected():
        for text, (numbers, cut) in texts.items():
            await asha.say(text)
            message = (await asha.channel("C0SUPPORT"))[-1]
            heard = await asha.shortcut(CANCEL_MENTIONED, message)
            assert heard.error is None
            assert heard.view
            assert ("CallOps read only its first 4,000 characters" in words(heard.view)) == cut
            filled = next(
                block["element"].get("initial_value", "")
                for block in heard.view.blocks
                if block.get("block_id") == "targets"
            )
            assert [number for number in ("98765 43210", "98765 43211") if number in filled] == numbers
