# ruff: noqa: RUF001 - names as people write them
"""Messages in every state: Slack accepts them, they read as sentences, and they leak nothing."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.settings import Connection
from bot.parsing.parser import MAX_TARGETS
from bot.services.outcomes import stop_retrying
from bot.services.pending import PendingContext
from bot.slack.blocks import Block, Message, View, context, paragraphs, section
from bot.text import outcomes
from bot.text.markup import escape, plain, quote, when
from bot.ui.channel_messages import audit, card, render
from bot.ui.command_replies import asked
from bot.ui.decision_facts import IRREVERSIBLE, consequence, facts_to_decide
from bot.ui.details_modal import Details
from bot.ui.request_status import DRY_RUN, request_status
from bot.ui.request_summary import in_short
from bot.ui.review_modal import Denial, Review
from bot.ui.settle_modal import Settling
from bot.ui.thread_replies import ReplyContext
from playground.blocks import faults
from providers.actions import (
    CallAction,
    CallEnd,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Ending,
    NumberRef,
    PlaceCall,
    StartCampaign,
    StopCampaign,
)
from providers.base import ConnectionSettings, Context
from providers.callkaro import CallKaro, CallKaroSettings
from providers.registry import PROVIDERS
from providers.webhooks import describe_end
from storage.models import ActionRecord, Approval, Event, Request
from storage.states import State
from tests.support.slack_schemas import checker
from tests.support.values import an_action

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NASTY = "<!channel> <@U1> <https://x|bank> \u202eevil & *bold* `code`\n\n\n" + "long " * 99
ACTIONS: dict[str, CallAction] = {
    "place": PlaceCall(to="+919876543210", agent="pay<ments>", at=NOW + timedelta(hours=1)),
    "place now": PlaceCall(to="+919876543210", agent="payments"),
    "cancel by number": CancelCall(target=NumberRef(agent="payments", to="+919876543210")),
    "cancel by id": CancelCall(target=CallRef(call_id="vx_123")),
    "delete": DeleteCampaign(target=CampaignRef(campaign_id="cd-2129073")),
    "stop": StopCampaign(target=CampaignRef(campaign_id="cd-2129073")),
    "start": StartCampaign(target=CampaignRef(campaign_id="cd-2129073")),
}
OF_CAMPAIGNS = [name for name, action in ACTIONS.items() if not isinstance(action, PlaceCall | CancelCall)]
UNDOCUMENTED = "Kore.ai didn't document this, so it may not work."


def record(action: CallAction | None, state: State, position: int = 1, *, kind: str = "") -> ActionRecord:
    """Return an action, with its personal values erased if `action` is None."""
    shown = action or ACTIONS[kind]
    target_id = None
    if isinstance(shown, CancelCall) and isinstance(shown.target, CallRef):
        target_id = shown.target.call_id
    if isinstance(shown, DeleteCampaign | StopCampaign | StartCampaign):
        target_id = shown.target.campaign_id
    return an_action(
        id=f"A-7K3F.{position}",
        position=position,
        kind=shown.kind,
        agent="pay<ments>",
        target_id=target_id,
        scheduled_for=NOW + timedelta(hours=1),
        state=state,
        attempt=1,
        not_before=NOW,
        code=Code.SCHEDULED if state is State.SUCCEEDED and isinstance(shown, PlaceCall) else None,
        message=None if state is State.EXPIRED else "The provider said so.",
        reference="a1b2",
        http_status=200,
        asked_at=NOW,
        updated_at=NOW,
        action=action,
    )


def request(*records: ActionRecord, reason: str | None = NASTY) -> Request:
    """Return a request by an agent, decided by a manager."""
    return Request(
        id="A-7K3F",
        kind=records[0].kind,
        connection="reminders",
        fingerprint="f",
        requester="U0AGENT",
        team="T0CALLOPS",
        channel="C0SUPPORT",
        rule="cancel",
        approvals_needed=1,
        decide_by=NOW + timedelta(hours=8),
        asked_at=NOW,
        reason=reason,
        purpose=None,
        consent=None,
        actions=records,
        approvals=[Approval("U0MANAGER", "deny", "managers", ["U0MANAGER"], "hash", NOW, "x")],
    )


def requests() -> Iterator[tuple[str, Request]]:
    """Yield requests with one target and with many, whole and erased, in every state."""
    for (name, action), state in itertools.product(ACTIONS.items(), State):
        yield f"{name} {state}", request(record(action, state))
        yield f"{name} {state} erased", request(record(None, state, kind=name), reason=None)
        yield f"{name} {state} many", request(*(record(action, state, n) for n in range(1, 51)))
        yield f"{name} {state} dry run", replace(request(record(action, state)), mode="dry-run")
        looked_up = replace(record(action, state), looked_up=True, lookup_found=False, known_as=NASTY)
        yield f"{name} {state} looked up", request(looked_up)
    mixed = [record(ACTIONS["cancel by number"], state, n) for n, state in enumerate(State, start=1)]
    yield "every state at once", request(*mixed)


CASES = [pytest.param(made, id=name) for name, made in requests()]
TEMPLATES = [
    "state", "approved", "denied", "withdrawn", "expired", "happened", "did_not_happen", "retry_requested", "unknown",
    "late_answer", "failed", "succeeded", "inferred", "refused", "looked_up_done", "still_there",
    "webhook", "call_ended", "asked", "reminded",
]  # fmt: skip


def working(shown: object) -> list[str]:
    """Return the parts of `NASTY` on which Slack would act.

    JSON keeps the invisible characters that `repr` escapes.
    """
    written = json.dumps(shown, ensure_ascii=False)
    return [one for one in ("<!channel>", "<@U1>", "<https://x", "\u202e") if one in written]


@pytest.mark.parametrize("made", CASES)
def test_slack_takes_every_message_and_modal(made: Request) -> None:
    """Nothing is too long, too many or missing, whatever the request holds. No number is shown whole."""
    told = ReplyContext("U0MANAGER", NASTY, summaries=[NASTY], warnings=[(made.actions[0].id, NASTY)])
    messages = [
        render(t, to, made, told, caution=UNDOCUMENTED)
        for t in TEMPLATES
        for to in ("audit", "card", "thread", "card_thread", "dm:U0AGENT", "asked:U0MANAGER")
    ]
    for message in [*messages, asked(made, caution=UNDOCUMENTED)]:
        if message is not None:
            payload = {"text": message.text, "blocks": list(message.blocks)}
            assert faults("message", payload) == []
            assert "9876543210" not in str(payload)
            assert not working(payload)
            assert message.blocks[0]["text"]["text"].startswith(message.text[:20])
            assert message.text.startswith(DRY_RUN) == (made.mode == "dry-run")
    for view in (
        Review.build(made, nonce="n" * 24, shown="s" * 64, caution=UNDOCUMENTED),
        Denial.build(made, nonce="n" * 24, shown="s" * 64, reasons=["a reason"] * 9),
        Settling.build(made, made.actions[0], nonce="n" * 24),
    ):
        assert faults("modal", view) == []
        assert "9876543210" not in str(view)
        assert not working(view)
        assert (view["blocks"][0]["text"]["text"] == DRY_RUN) == (made.mode == "dry-run")


LONG = "&<" * 250
"""A reason of the longest allowed length, five times as long once escaped."""
NAMED = "Diwali & भुगतान reminders, second wave of calls to everybody who has not paid by November, <all>"
CROWDED = ("cancel by number", "cancel by id", "delete", "stop", "start", "place")


def crowded(name: str, state: State, count: int = MAX_TARGETS) -> Request:
    """Return a request with the most targets, each as long as allowed and with every detail."""
    records = []
    for n in range(1, count + 1):
        number, longest = f"+91987654{n:04}", f"{name.split(maxsplit=1)[0]}-{n:03}-".ljust(128, "x")
        actions: dict[str, CallAction] = {
            "place": PlaceCall(to=number, agent="a" * 128, at=NOW),
            "cancel by number": CancelCall(target=NumberRef(agent="a" * 128, to=number)),
            "cancel by id": CancelCall(target=CallRef(call_id=longest)),
            "delete": DeleteCampaign(target=CampaignRef(campaign_id=longest)),
            "stop": StopCampaign(target=CampaignRef(campaign_id=longest)),
            "start": StartCampaign(target=CampaignRef(campaign_id=longest)),
        }
        one = replace(
            record(actions[name], state, n),
            agent="a" * 128,
            looked_up=True,
            lookup_found=False,
            message="The provider said so, at length. " * 12,
        )
        records.append(replace(one, known_as=NAMED) if name in OF_CAMPAIGNS else one)
    made = request(*records, reason=LONG)
    return replace(
        made, purpose=LONG, consent=LONG, zone="America/Argentina/ComodRivadavia", reasons=f"{LONG}\n" * 9
    )


def text_of(blocks: Sequence[Block]) -> str:
    """Return all text in sections and context lines."""
    return "\n".join(
        part["text"]
        for block in blocks
        for part in [
            *([block["text"]] if "text" in block else []),
            *block.get("fields", ()),
            *block.get("elements", ()),
        ]
        if isinstance(part.get("text"), str)
    )


ALIKE = PendingContext(
    similar_numbers=tuple(record(ACTIONS["cancel by number"], State.PENDING, n) for n in range(9)),
    escalated="managers",
)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("name", CROWDED)
def test_slack_takes_a_crowded_request(name: str, state: State) -> None:
    """Each message and modal tells how many targets it does not show."""
    made = crowded(name, state)
    warnings = [(one.id, "It has a follow-up call. " * 8) for one in made.actions]
    told = ReplyContext("U0MANAGER", LONG, summaries=["x" * 4096], warnings=warnings)
    for template, to in itertools.product(
        TEMPLATES, ("audit", "card", "thread", "dm:U0AGENT", "asked:U0MANAGER")
    ):
        message = render(template, to, made, told, caution=UNDOCUMENTED, beside=ALIKE)
        if message is None:
            continue
        payload = {"text": message.text, "blocks": list(message.blocks)}
        assert faults("message", payload) == [], (template, to)
        written = text_of(message.blocks)
        listed = sum(f"• {in_short(one)} · " in written for one in made.actions)
        if listed:
            assert f"… and {MAX_TARGETS - listed} more" in written
    events = [
        Event(n, NOW, "A-7K3F", one.id, "failed", "system", {"message": LONG, "warning_1": LONG}, {}, "", "")
        for n, one in enumerate(made.actions)
    ]
    views = {
        "review": Review.build(
            made, nonce="n" * 24, shown="s" * 64, caution=UNDOCUMENTED, beside=ALIKE, may_reveal=True
        ),
        "revealed": Review.build(
            made, nonce="n" * 24, shown="s" * 64, caution=UNDOCUMENTED, beside=ALIKE, revealed=True
        ),
        "details": Details.build(made, events, [(n, "note", LONG) for n in range(50)], may_reveal=True),
        "details revealed": Details.build(made, events, [], revealed=True),
    }
    for which, view in views.items():
        assert faults("modal", view) == [], which
        written = text_of(view["blocks"])
        assert {line for line in map(in_short, made.actions) if f"• {line}" not in written} == set()
        assert quote(LONG) in written
    assert faults("modal", Denial.build(made, nonce="n", shown="s")) == []


@pytest.mark.parametrize("name", CROWDED)
def test_who_approves_sees_every_target_and_every_warning(name: str) -> None:
    """Nothing in the review is cut, however many and long they are."""
    made = crowded(name, State.PENDING)
    written = text_of(Review.build(made, nonce="n", shown="s", beside=ALIKE)["blocks"])
    assert "…" not in written
    assert written.count("⚠️") == MAX_TARGETS + 4
    assert "⚠️ 6 more targets of other requests read the same." in written


def test_who_approves_several_calls_sees_when_each_goes_out() -> None:
    """The fact about the first call says that it is the first."""
    times = [NOW + timedelta(hours=n) for n in range(1, 4)]
    records = [
        replace(record(ACTIONS["cancel by id"], State.PENDING, n), scheduled_for=at)
        for n, at in enumerate(times)
    ]
    written = text_of(Review.build(request(*records), nonce="n", shown="s")["blocks"])
    assert [f"• call `vx_123`, call time {when(at)}" in written for at in times] == [True] * 3
    assert f"*Call time*\nThe first one: {when(times[0])}" in written
    alike = [replace(one, scheduled_for=times[0]) for one in records]
    assert f"*Call time*\n{when(times[0])}" in text_of(card(request(*alike)).blocks)


def test_who_approves_a_call_sees_how_it_is_placed() -> None:
    """All options of the call are shown.

    Of the agent's data only the names are, since the values are the requester's.
    """
    action = PlaceCall(to="+919876543210", agent="a", at=NOW, retries=3, gap=(30, 60), earliest="09:00", latest="18:00", carry_over=True, language="hi", priority=1, batch="b<1", metadata={"name": "Asha", "age": 25})  # fmt: skip
    made = request(record(action, State.PENDING))
    review = Review.build(made, nonce="n", shown="s")
    assert faults("modal", review) == []
    written = text_of(review["blocks"])
    for fact in (
        "*Retries*\n3, 30, 60 min apart",
        "*Only*\n09:00 to 18:00, else the next day",
        "*Language*\nhi",
        "*Priority*\n1",
        "*Batch*\nb&lt;1",
        "*Data for the voice agent*\nname, age",
    ):
        assert fact in written
    assert "Asha" not in written
    assert "Retries" not in text_of(
        Review.build(request(record(ACTIONS["place"], State.PENDING)), nonce="n", shown="s")["blocks"]
    )


def test_numbers_of_many_countries_are_revealed_whole() -> None:
    """Fifty numbers with the longest country names need more than a paragraph."""
    numbers = [f"+500{n}" for n in range(21000, 21050)]
    made = request(
        *(record(PlaceCall(to=to, agent="a"), State.PENDING, n) for n, to in enumerate(numbers, 1))
    )
    written = text_of(Review.build(made, nonce="n", shown="s", revealed=True)["blocks"])
    assert [to for to in numbers if to.removeprefix("+500") not in written.replace(" ", "")] == []


def test_a_message_that_is_too_long_loses_words_before_targets() -> None:
    """Slack accepts any message: the longest texts end in …, and lists are cut last."""
    targets = [f"• call `{n:0128}`" for n in range(50)]
    words = [section(f"{n} {'&amp;' * 590}") for n in range(6)]
    message = Message("x", [*paragraphs(targets), *words, context("&lt;!date^1>" * 40)])
    assert faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []
    written = text_of(message.blocks)
    assert [target for target in targets if target not in written] == []
    assert written.count("…") == len(words)
    assert not re.search(r"&(?!amp;|lt;|gt;)", written)
    lists = Message("x", [section("• " + "x" * 2998) for _ in range(50)])
    assert faults("message", {"text": lists.text, "blocks": list(lists.blocks)}) == []


@given(st.lists(st.text("a&<>\n @…", max_size=4000), max_size=8))
def test_paragraphs_hold_every_line_whole(lines: list[str]) -> None:
    """A text has as many sections as needed, and no escaped character is split."""
    written = [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines]
    texts = [block["text"]["text"] for block in paragraphs(written)]
    assert all(len(text) <= 3000 for text in texts)
    assert "".join("\n".join(texts).split()) == "".join("".join(written).split())
    assert not any(re.search(r"&(?!amp;|lt;|gt;)", text) for text in texts)


def test_slacks_own_schemas_take_them_too() -> None:
    """Slack's schemas, if installed, find no fault in a message of each kind and state."""
    check = checker("check_blocks")
    known: set[str] = set()
    """Blocks that an earlier message or modal had. A check takes long, and many messages share blocks."""
    for _, made in requests():
        if len(made.actions) == 1:
            views = (
                Review.build(made, nonce="n", shown="s", caution=UNDOCUMENTED),
                Settling.build(made, made.actions[0], nonce="n"),
            )
            messages = (audit(made), card(made, caution=UNDOCUMENTED), asked(made, caution=UNDOCUMENTED))
            shown = [("modal", view) for view in views]
            shown += [("message", {"text": one.text, "blocks": list(one.blocks)}) for one in messages]
            for kind, payload in shown:
                blocks = {f"{kind} {json.dumps(block)}" for block in payload["blocks"]}
                if blocks - known:
                    assert check.faults(kind, payload) == []
                known |= blocks
    assert len(known) > 200


@pytest.mark.parametrize(
    ("state", "action", "says"),
    [
        (State.PENDING, "cancel by number", "⏳ *Waiting for approval* · cancel all calls to +91\u00a0•••3210"),
        (State.SUCCEEDED, "place", "✅ *Scheduled* · call to +91\u00a0•••3210 · <!date^"),
        (State.SUCCEEDED, "cancel by number", "🚫 *Cancelled* · all calls to +91\u00a0•••3210 · <!date^"),
        (State.UNKNOWN, "place now", "⚠️ *Outcome unknown* · place a call to +91\u00a0•••3210\nThe provider said so."),
        (State.DENIED, "cancel by id", "✋ *Denied by <@U0MANAGER>* · cancel call `vx_123` · “x”\nThe call goes out."),
        (State.EXPIRED, "delete", "❌ *Expired* · delete campaign `cd-2129073`\nNo one approved it in time. The campaign stays."),
        (State.FAILED, "cancel by id", "❌ *Not cancelled* · call `vx_123`\nThe provider said so."),
        (State.WITHDRAWN, "cancel by id", "🚫 *Withdrawn by <@U0AGENT>* · cancel call `vx_123`"),
        (State.PENDING, "stop", "⏳ *Waiting for approval* · stop campaign `cd-2129073`"),
        (State.PENDING, "start", "⏳ *Waiting for approval* · start campaign `cd-2129073` (this calls people)"),
        (State.SENDING, "place now", "⏳ *Sending* · place a call to +91\u00a0•••3210"),
        (State.SUCCEEDED, "stop", "✅ *Stopped* · campaign `cd-2129073`"),
        (State.SUCCEEDED, "start", "✅ *Started* · campaign `cd-2129073`"),
        (State.FAILED, "start", "❌ *Not started* · campaign `cd-2129073`\nThe provider said so."),
        (State.REFUSED, "stop", "✋ *Not allowed* · stop campaign `cd-2129073`\nThe provider said so."),
        (State.UNKNOWN, "start", "⚠️ *Outcome unknown* · start campaign `cd-2129073`\nThe provider said so."),
        (State.DENIED, "stop", "✋ *Denied by <@U0MANAGER>* · stop campaign `cd-2129073` · “x”\nThe campaign stays as it is."),
        (State.EXPIRED, "start", "❌ *Expired* · start campaign `cd-2129073`\nNo one approved it in time. The campaign doesn't start."),
    ],
)  # fmt: skip
def test_a_state_in_words(state: State, action: str, says: str) -> None:
    """The sentence says what happened, to which target, and what follows for the customer."""
    assert request_status(request(record(ACTIONS[action], state))).startswith(says)


def test_what_follows_for_a_call_that_is_moved_is_its_old_time() -> None:
    """The old time never reads as a new call, and no sentence tells it twice."""
    made = replace(
        request(record(ACTIONS["cancel by number"], State.DENIED)), reschedules="A-2222", new_time=LATE
    )
    assert request_status(made).endswith("The call goes out at its old time.")
    ended = replace(record(ACTIONS["cancel by number"], State.EXPIRED), updated_at=NOW)
    made = replace(request(ended), reschedules="A-2222", new_time=LATE, approvals=[])
    told = re.sub(r"<!date[^>]*>", "WHEN", request_status(made))
    assert told == (
        "❌ *Not moved* · call to +91\u00a0•••3210 from WHEN to WHEN\n"
        "The call goes out WHEN: no one approved it in time."
    )


def test_several_read_like_one() -> None:
    """Each status is counted, and a sentence that all share is told once."""
    first, second = (record(ACTIONS["cancel by number"], State.SUCCEEDED, n) for n in (1, 2))
    assert request_status(request(first)).startswith("🚫 *Cancelled* · all calls to")
    assert request_status(request(first, second)) == "🚫 *2 cancelled* · cancel all calls to 2 numbers"
    failed = [record(ACTIONS["cancel by id"], State.FAILED, n) for n in (1, 2)]
    assert request_status(request(*failed)) == "❌ *2 failed* · cancel 2 calls\nThe provider said so."
    assert str(audit(request(*failed)).blocks).count("The provider said so.") == 1


def test_a_confirmation_that_may_have_hit_nothing_is_no_green_tick() -> None:
    """A provider confirms a cancellation by number even if there was nothing to cancel."""
    pending, ended = (
        request(replace(record(ACTIONS["cancel by number"], state), scheduled_for=None))
        for state in (State.PENDING, State.SUCCEEDED)
    )
    facts = dict(facts_to_decide(pending))
    assert facts["Call time"] == "No scheduled call known. If one exists, it goes out."
    assert "goes out" not in facts["Decide by"]
    assert request_status(ended) == (
        "⚠️ *Confirmed, no call known* · cancel all calls to +91\u00a0•••3210\n"
        "CallOps knows of no call to this number, so check the number."
    )
    assert request_status(replace(ended, stop="S-7K3F")).startswith("🚫 *Cancelled*")
    by_id = request(replace(record(ACTIONS["cancel by id"], State.SUCCEEDED), scheduled_for=None))
    assert request_status(by_id) == "🚫 *Cancelled* · call `vx_123`"


def test_several_confirmations_that_may_have_hit_nothing_are_no_success() -> None:
    """Neither the headline nor a target's own line calls a number cancelled to which no call is known."""
    known = replace(record(ACTIONS["cancel by number"], State.SUCCEEDED), scheduled_for=NOW)
    vain = replace(record(ACTIONS["cancel by number"], State.SUCCEEDED, 2), scheduled_for=None)
    text = text_of(audit(request(known, vain)).blocks)
    assert text.startswith("⚠️ *1 cancelled, 1 confirmed (no call known)* · cancel all calls to 2 numbers")
    assert "· Confirmed (no call known)" in text
    assert request_status(request(known, replace(known, position=2))).startswith("🚫 *2 cancelled*")


@pytest.mark.parametrize("ending", [Ending.NO_ANSWER, Ending.DELETED])
def test_a_success_that_the_provider_told_later_shows_its_words(ending: Ending) -> None:
    """Its readers were told that the outcome was unknown, so they read what shows it."""
    told = describe_end("CallKaro", CallEnd(ending=ending))
    name = "cancel by number" if ending is Ending.DELETED else "place"
    done = replace(record(ACTIONS[name], State.SUCCEEDED), message=told)
    assert told in request_status(request(done))


def test_a_call_that_goes_out_at_once_cannot_be_undone() -> None:
    """The approver never reads of time left until such a call goes out."""
    at_once = request(replace(record(ACTIONS["place now"], State.PENDING), scheduled_for=None))
    assert dict(facts_to_decide(at_once))["Call time"] == "Now"
    assert consequence(at_once) == "The call goes out immediately, so nobody can undo it."


@pytest.mark.parametrize(
    ("action", "what", "happened", "did_not"),
    [
        ("cancel by id", "cancel call `vx_123`", "The call was cancelled", "The call is still scheduled"),
        ("place", "place a call to +91\u00a0•••3210", "The call was placed", "The call was not placed"),
        ("delete", "delete campaign `cd-2129073`", "The campaign was deleted", "The campaign still exists"),
    ],
)
def test_who_records_an_outcome_reads_of_what(action: str, what: str, happened: str, did_not: str) -> None:
    """The heading names the target, both answers the outcome. A call is never sent again."""
    doubt = record(ACTIONS[action], State.UNKNOWN)
    view = Settling.build(request(doubt), doubt, nonce="n")
    assert view["title"]["text"] == "Record the outcome"
    assert view["blocks"][0]["text"]["text"].startswith(f"⚠️ *Outcome unknown* · {what}")
    [outcomes] = [one["element"]["options"] for one in view["blocks"] if one.get("block_id") == Settling.what]
    assert [one["text"]["text"] for one in outcomes] == [happened, did_not]
    assert ("Send again anyway…" in str(view)) == (action != "place")


def test_the_providers_own_screen_is_named_and_linked() -> None:
    """The link is there once its address is configured. The reference helps to find the call there."""
    doubt = replace(record(ACTIONS["place"], State.UNKNOWN), reference="ck_77")
    connection = Connection("reminders", "callkaro", ConnectionSettings(base_url="https://a.example"), None)
    view = Settling.build(request(doubt), doubt, nonce="n", connection=connection)
    for shown in ("CallKaro dashboard", "CallKaro support", "The call is in CallKaro's call list", "`ck_77`"):
        assert shown in str(view)
    assert "Open CallKaro" not in str(view)
    linked = replace(connection, dashboard_url="https://callkaro.ai/dashboard")
    made = audit(request(doubt), connection=linked)
    for blocks in (
        made.blocks,
        Settling.build(request(doubt), doubt, nonce="n", connection=linked)["blocks"],
    ):
        [link] = [
            one
            for block in blocks
            for one in block.get("elements", ())
            if one.get("action_id") == "open_screen"
        ]
        assert (link["text"]["text"], link["url"]) == ("Open CallKaro", "https://callkaro.ai/dashboard")


LATE = NOW + timedelta(hours=1, minutes=1)


@pytest.mark.parametrize(
    ("known", "said", "ended", "says"),
    [
        (True, None, LATE, "The call went out WHEN, before anyone approved."),
        (True, None, NOW, "The call goes out WHEN: no one approved it in time."),
        (False, True, LATE, "The call was due WHEN, <@U0AGENT> says. No one had approved it by then."),
        (False, True, NOW, "No one approved it in time. If a call is scheduled, it goes out."),
        (False, None, NOW, "No one approved it in time. If a call is scheduled, it goes out."),
    ],
)  # fmt: skip
def test_a_deadline_that_passed_says_no_more_than_is_known(
    *, known: bool, said: bool | None, ended: datetime, says: str
) -> None:
    """The sentence says that the call went out only if the log knew its time.

    Before that time, it goes out.
    """
    at = NOW + timedelta(hours=1)
    over = replace(
        record(ACTIONS["cancel by id"], State.EXPIRED), scheduled_for=at if known else None, updated_at=ended
    )
    made = replace(request(over), reported_call_time=at if said else None)
    assert says.replace("WHEN", when(at)) in request_status(made)
    told = render("state", "dm:U0AGENT", made, ReplyContext("system", action=over.id))
    assert told is not None
    assert says.replace("WHEN", when(at)) in told.text
    assert request_status(made).startswith("❌ *Not cancelled*") == bool(known or said)


def test_what_another_request_cancelled_is_not_said_to_have_gone_out() -> None:
    """The call was cancelled while this request waited, so nobody reads that it went out."""
    over = replace(record(ACTIONS["cancel by id"], State.EXPIRED), scheduled_for=NOW, updated_at=NOW)
    told = request_status(replace(request(over), done_by="A-2222"))
    assert told == "🚫 *No longer needed* · call `vx_123`\nA-2222 cancelled it before."


@pytest.mark.parametrize(
    ("known", "ended", "says"),
    [
        (True, LATE, "*Not cancelled* · call `vx_123`\nThe call went out WHEN. CallOps could not send it."),
        (False, LATE, "*Not cancelled* · call `vx_123`\nThe call was due WHEN, <@U0AGENT> says. CallOps could not send it."),
        (True, NOW, "*Expired* · cancel call `vx_123`\nCallOps could not send it. The call goes out."),
    ],
)  # fmt: skip
def test_what_was_not_sent_in_time_says_why_and_no_more_than_is_known(
    *, known: bool, ended: datetime, says: str
) -> None:
    """Once the call's time came, nobody reads that the customer will be called, nor that nobody decided."""
    at = NOW + timedelta(hours=1)
    over = replace(
        record(ACTIONS["cancel by id"], State.EXPIRED),
        scheduled_for=at if known else None,
        updated_at=ended,
        message="CallOps could not send it.",
    )
    made = replace(request(over), reported_call_time=None if known else at)
    assert request_status(made) == f"❌ {says.replace('WHEN', when(at))}"
    told = render("state", "dm:U0AGENT", made, ReplyContext("system", action=over.id))
    assert told is not None
    assert told.text == request_status(made)


def test_a_card_says_what_its_deadline_has_to_do_with_the_call() -> None:
    """The card tells how soon before the call a close deadline is, and who named the call's time."""
    waiting = record(ACTIONS["cancel by id"], State.PENDING)
    made = replace(request(waiting), decide_by=NOW + timedelta(minutes=58))
    assert f"{when(NOW + timedelta(minutes=58))}, 2 min before the call, or the call goes out" in str(
        card(made).blocks
    )
    assert "before the call" not in str(card(request(waiting)).blocks)
    said = replace(request(replace(waiting, scheduled_for=None)), reported_call_time=NOW + timedelta(hours=3))
    assert f"{when(NOW + timedelta(hours=3))}, <@U0AGENT> says" in str(card(said).blocks)


def test_only_a_waiting_card_has_a_button_and_only_an_unknown_can_be_settled() -> None:
    """After the decision, the user and the time replace the button."""
    for state in State:
        made = request(record(ACTIONS["cancel by id"], state))
        assert ("Review…" in str(card(made).blocks)) == (state is State.PENDING)
        assert ("Record outcome…" in str(audit(made).blocks)) == (state is State.UNKNOWN)
    denied = card(request(record(ACTIONS["place"], State.DENIED)))
    assert "Denied by <@U0MANAGER>* · place a call to +91\u00a0•••3210 · “x”" in denied.text


def submitted(view: View, confirmation: str | None) -> View:
    """Return a review as Slack sends it back."""
    block = Review.confirmation_id("A-7K3F")
    return view | {"state": {"values": {block: {block: {"value": confirmation}}}}}


@pytest.mark.parametrize(
    ("typed", "confirmed"),
    [
        ("cd-2129073", True),
        (" cd-2129073\n", True),
        ("`cd-2129073`", True),
        ("“cd-2129073”", True),
        ("‘cd-2129073’", True),
        ("cd\u20112129073", True),
        ("cd–2129073", True),
        ("\u200bcd-\u200d2129073\ufeff", True),
        ("cd-2129073, cd-2129073", True),
        (None, False),
        ("", False),
        ("`", False),
        ("\u200d", False),
        ("cd-2129074", False),
        ("CD-2129073", False),
        ("cd 2129073", False),
        ("cd_2129073", False),
        ("cd-2129073.", False),
        ("cd-２129073", False),
        ("cd-2129073 cd-2129074", False),
    ],
)
def test_what_cannot_be_undone_is_approved_by_its_id(typed: str | None, *, confirmed: bool) -> None:
    """The card and the review say so, and only the id itself is accepted."""
    made = request(record(ACTIONS["delete"], State.PENDING))
    review = Review.build(made, nonce="n", shown="s")
    for shown in (card(made).blocks, review):
        assert "This can't be undone." in json.dumps(shown)
        assert "Call time" not in str(shown)
    assert Review.is_confirmed(made, submitted(review, typed)) is confirmed


NAMES: dict[str, tuple[list[str | None], list[str | None]]] = {
    "Diwali reminders": (
        [
            "cd-2129073",
            "  Diwali   reminders ",
            "diwali REMINDERS",
            "“Diwali reminders”",
            "`Diwali reminders`",
        ],
        [None, "", "Diwali", "Diwali reminder", "Diwali reminders 2", "Diwali-reminders", "Diwalireminders"],
    ),
    "Don’t miss – “50%”": (
        ['Don\'t miss - "50%"', "DON\u02bcT MISS \u2014 «50%»", "don\u2032t miss \u2011 “50%”"],
        ["Dont miss - 50%", "Don't miss “50%”", "Don't miss - 60%"],
    ),
    "Cafe\u0301 Mu\u0308ller": (
        ["Café Müller", "CAFÉ MÜLLER", "cafe\u0301 müller"],
        ["Cafe Muller", "Cafè Müller"],
    ),
    "می\u200cخواهم 👩\u200d💻": (["میخواهم 👩💻", "می\u200cخواهم 👩\u200d💻"], ["میخواهم", "می خواهم 👩‍💻"]),
    "Love ❤\ufe0f": (["love ❤", "LOVE ❤\ufe0f"], ["love", "love 🧡"]),
    "Straße": (["STRASSE", "straße"], ["Strase"]),
    "Plan²": (["PLAN²"], ["Plan2", "Plan"]),
    "Сбор": (["СБОР"], ["Cбop", "Сборы"]),
    "बकाया": (["बकाया"], ["बकाय", "बकायी"]),
    "Wait…": (["wait..."], ["wait", "wait.."]),
    "Do`it": (["Doit", "Do`it", "doit"], ["Do it"]),
    "\u200d\u2060": ([], ["\u200d\u2060", "", "`"]),
    "Long " * 40: ([], ["Long " * 40, "Long " * 30]),
}
"""Names of a campaign at the provider: what may be typed for each, and what may not."""


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_looked_up_will_do_for_the_id(name: str) -> None:
    """The approver has read which campaign it is, so any keyboard's writing of the name counts.

    No other name does.
    """
    made = request(deletion(name))
    review = Review.build(made, nonce="n", shown="s")
    right, wrong = NAMES[name]
    assert ("Type the campaign's id or name to approve" in str(review)) == bool(right)
    assert "Type the campaign's id" in str(review)
    for typed in right:
        assert Review.is_confirmed(made, submitted(review, typed)), typed
    for typed in wrong:
        assert not Review.is_confirmed(made, submitted(review, typed)), typed


def test_a_name_that_another_campaign_has_will_not_do() -> None:
    """The field asks for the id alone, and accepts nothing else."""
    made = request(deletion("Don’t miss"))
    review = Review.build(made, nonce="n", shown="s", beside=PendingContext(namesake=True))
    assert "Type the campaign's id to approve" in str(review)
    assert Review.is_confirmed(made, submitted(review, "cd-2129073"), namesake=True)
    for typed in ("Don’t miss", "Don't miss"):
        assert not Review.is_confirmed(made, submitted(review, typed), namesake=True)


def deletion(name: str) -> ActionRecord:
    """Return a pending deletion of a campaign whose name a lookup found."""
    waiting = record(ACTIONS["delete"], State.PENDING)
    return replace(waiting, looked_up=True, lookup_found=True, known_as=name)


def looked_up(name: str, state: State, *, sighted: bool | None, known_as: str | None = None) -> Request:
    """Return a request whose target was looked up at its provider."""
    return request(
        replace(record(ACTIONS[name], state), looked_up=True, lookup_found=sighted, known_as=known_as)
    )


@pytest.mark.parametrize("name", OF_CAMPAIGNS)
def test_a_campaign_is_shown_by_its_name_where_a_look_up_found_it(name: str) -> None:
    """The name stands everywhere, before and after the decision, and cannot end the code block."""
    for state in State:
        made = looked_up(name, state, sighted=True, known_as="Diwali\n`reminders` <!channel>")
        shown = "campaign “Diwali reminders &lt;!channel&gt;” `cd-2129073`"
        for blocks in (
            card(made).blocks,
            audit(made).blocks,
            Review.build(made, nonce="n", shown="s")["blocks"],
        ):
            assert shown in blocks[0]["text"]["text"]


@pytest.mark.parametrize("name", OF_CAMPAIGNS)
def test_who_decides_is_warned_of_a_campaign_that_is_not_there(name: str) -> None:
    """Only the provider's word counts. Without a lookup, or with a failed one, there is no warning."""
    warning = "⚠️ The provider has no such campaign. Check the ID before you approve."
    for sighted in (True, False, None):
        made = looked_up(name, State.PENDING, sighted=sighted)
        for shown in (card(made).blocks, Review.build(made, nonce="n", shown="s")["blocks"]):
            assert (warning in str(shown)) == (sighted is False)
    assert warning not in str(card(looked_up(name, State.DENIED, sighted=False)).blocks)
    assert warning not in str(card(request(record(ACTIONS[name], State.PENDING))).blocks)


def test_who_decides_and_who_asked_read_what_is_beyond_the_documents() -> None:
    """The line stands only where it applies, and only until there is an outcome."""
    made = request(record(ACTIONS["start"], State.PENDING))
    shown = (card, asked, partial(Review.build, nonce="n", shown="s"))
    for build in shown:
        assert UNDOCUMENTED in str(build(made, caution=UNDOCUMENTED))
        assert "Undocumented" not in str(build(made))
    for build in (card, asked):
        assert UNDOCUMENTED not in str(
            build(request(record(ACTIONS["start"], State.SUCCEEDED)), caution=UNDOCUMENTED)
        )


def test_starting_a_campaign_says_that_people_are_called() -> None:
    """The warning stands on the card, in the review, and in the requester's message."""
    made = request(record(ACTIONS["start"], State.PENDING))
    for shown in (card(made), asked(made), Review.build(made, nonce="n", shown="s")):
        assert "(this calls people)" in str(shown)
    assert "Approving starts it right away, and it calls people." in str(
        Review.build(made, nonce="n", shown="s")
    )
    assert "Call time" not in str(card(made))


def tried(action: CallAction) -> ActionRecord:
    """Return an action whose dry run has ended, with the adapter's own message."""
    settings = CallKaroSettings(
        api_key="k", mode="dry-run", agents={"payments": "6803fa77", "pay<ments>": "6803fa77"}
    )
    adapter = CallKaro(settings, clock=lambda: NOW)
    refused = adapter.dry_run(adapter.prepare(action, Context(now=NOW, action_id="A-7K3F")))
    assert refused
    return replace(record(action, State.REFUSED), code=refused.code, message=refused.message)


def test_the_end_of_a_dry_run_is_a_success_of_the_trial() -> None:
    """The message says what would have gone where, repeats nothing, and never reads like an error."""
    made = replace(request(tried(ACTIONS["place"])), mode="dry-run")
    told = render("refused", "dm:U0AGENT", made, ReplyContext("system"))
    assert told is not None
    assert told.blocks[0]["text"]["text"] == (
        "*Dry run: nothing is sent.*\n✅ *Dry run* · place a call to +91\u00a0•••3210\n"
        "It would have been POST /call/outbound to api.callkaro.ai."
    )
    many = replace(request(tried(ACTIONS["place"]), tried(ACTIONS["place now"])), mode="dry-run")
    assert "✅ *2 dry run* · place 2 calls" in str(audit(many).blocks)
    assert "Not allowed" not in str([audit(made), audit(many), told])
    waiting = replace(request(record(ACTIONS["delete"], State.PENDING)), mode="dry-run")
    assert "Approving sends nothing: this is a dry run." in str(Review.build(waiting, nonce="n", shown="s"))


@pytest.mark.parametrize(
    ("attempt", "code", "says"),
    [
        (1, Code.RATE_LIMITED, "⏳ *Retrying WHEN, as the provider asked* · cancel call `vx_123`\nThe provider said so."),
        (1, Code.UNREACHABLE, "⏳ *Retrying WHEN* · cancel call `vx_123`\nThe provider said so."),
        (0, Code.RATE_LIMITED, "⏳ *Waiting until WHEN* · cancel call `vx_123`\nThe provider said so."),
    ],
)  # fmt: skip
def test_a_wait_says_until_when(attempt: int, code: Code, says: str) -> None:
    """The time is in each reader's zone.

    The message says if the provider asked for it, also for each of several.
    """
    later = NOW + timedelta(minutes=5)
    waiting = replace(
        record(ACTIONS["cancel by id"], State.APPROVED), attempt=attempt, code=code, not_before=later
    )
    assert request_status(request(waiting)) == says.replace("WHEN", when(later))
    several = audit(request(waiting, record(ACTIONS["cancel by id"], State.SUCCEEDED, 2)))
    assert f"• call `vx_123` · Waiting until {when(later)}" in several.blocks[1]["text"]["text"]


@pytest.mark.parametrize("state", [State.APPROVED, State.SENDING])
def test_a_card_of_what_has_not_ended_is_true_whenever_it_is_read(state: State) -> None:
    """A card may lag behind the audit message. It says that it was approved, and where to look."""
    assert card(request(record(ACTIONS["cancel by id"], state))).text == (
        "⏳ *Approved* · cancel call `vx_123`"
    )


def test_a_placed_call_shows_the_id_by_which_it_can_be_cancelled() -> None:
    """People need the id if the provider cancels by id only. A cancellation shows its own id."""
    assert "call a1b2" in str(audit(request(record(ACTIONS["place"], State.SUCCEEDED))).blocks)
    assert "a1b2" not in str(audit(request(record(ACTIONS["cancel by id"], State.SUCCEEDED))).blocks)


def test_what_can_be_made_good_needs_no_typing() -> None:
    """A cancellation is approved as shown, and a note is optional."""
    made = request(record(ACTIONS["cancel by id"], State.PENDING))
    review = Review.build(made, nonce="n", shown="s")
    assert [block["optional"] for block in review["blocks"] if block["type"] == "input"] == [True]
    assert Review.is_confirmed(made, review)


@pytest.mark.parametrize("name", ACTIONS)
def test_the_button_that_approves_says_what(name: str) -> None:
    """The button names the kind. The review says what a denial means for the customer."""
    made = request(record(ACTIONS[name], State.PENDING))
    review = Review.build(made, nonce="n", shown="s")
    words = {"place": "call", "place now": "call", "delete": "deletion"}
    words |= {"cancel by number": "cancellation", "cancel by id": "cancellation"}
    assert review["submit"]["text"] == f"Approve {words.get(name, name)}"
    if name.startswith("cancel"):
        assert "If you deny: the call goes out. <@U0AGENT> sees your reason." in str(review)
        denial = Denial.build(made, nonce="n", shown="s")
        assert "The call goes out. <@U0AGENT> sees your reason." in str(denial)


@pytest.mark.parametrize(
    ("chosen", "words", "reason", "wrong"),
    [
        ("reason-1", "", "wrong number", []),
        ("reason-1", "it is 3211", "wrong number: it is 3211", []),
        ("other", "she wants it", "she wants it", []),
        ("", "she wants it", "she wants it", []),
        ("other", "", "", ["words"]),
        ("", "", "", ["words"]),
        ("reason-9", "", "", ["words"]),
    ],
)
def test_a_denial_is_chosen_or_typed(chosen: str, words: str, reason: str, wrong: list[str]) -> None:
    """A denial needs a configured reason, one's own words, or both."""
    values = {
        Denial.reason: {Denial.reason: {"selected_option": {"value": chosen} if chosen else None}},
        Denial.words: {Denial.words: {"value": words or None}},
    }
    said, faults_by_field = Denial.read({"state": {"values": values}}, ["already done", "wrong number"])
    assert (said, list(faults_by_field)) == (reason, wrong)


def test_a_full_number_is_shown_only_where_it_was_asked_for() -> None:
    """The button is there for those who may. After a press, the number replaces the button."""
    by_number = request(record(ACTIONS["cancel by number"], State.PENDING))
    by_id = request(record(ACTIONS["cancel by id"], State.PENDING))
    build = partial(Review.build, nonce="n", shown="s")
    assert "Show full number" not in str(build(by_number))
    assert "Show full number" not in str(build(by_id, may_reveal=True))
    offered = str(build(by_number, may_reveal=True))
    assert "Show full number" in offered
    assert "98765 43210" not in offered
    shown = build(by_number, may_reveal=True, revealed=True)
    assert "+91 98765 43210 (India)" in str(shown)
    assert "Show full number" not in str(shown)
    assert faults("modal", shown) == []


def test_what_else_waits_is_said_where_one_decides() -> None:
    """The review and the card count the waiting requests, and name those whose number ends alike."""
    made = request(record(ACTIONS["cancel by number"], State.PENDING))
    twin = replace(made.actions[0], id="A-9999", request="A-9999")
    around = PendingContext(3, tuple(replace(twin, id=f"A-999{n}", request=f"A-999{n}") for n in range(9)))
    review = Review.build(made, nonce="n", shown="s", beside=around)
    assert "3 more waiting" in str(review)
    assert "3 more waiting" in str(card(made, beside=around).blocks)
    for shown in (review, card(made, beside=around)):
        assert str(shown).count("*Not the same number* as in A-999") == 3
        assert "This one is A-7K3F." in str(shown)
    for template in ("asked", "reminded"):
        told = render(template, "asked:U0MANAGER", made, ReplyContext("system"), beside=around)
        assert told is not None
        assert faults("message", {"text": told.text, "blocks": list(told.blocks)}) == []
        over = request(record(ACTIONS["cancel by number"], State.APPROVED))
        assert render(template, "asked:U0MANAGER", over, ReplyContext("system")) is None


def test_people_and_adapters_call_the_same_things_irreversible() -> None:
    """Approvers type the id for exactly the kinds that no provider can undo."""
    known = {one for adapter in PROVIDERS.values() for one in adapter.capabilities}
    assert {one.kind for one in known if one.irreversible} == IRREVERSIBLE
    assert not [one for one in known if one.kind in IRREVERSIBLE and not one.irreversible]


def test_what_is_gone_and_what_is_odd_is_said_in_the_thread() -> None:
    """The summary is there to read. A warning names its target if there are several."""
    one = record(ACTIONS["cancel by id"], State.SUCCEEDED)
    two = replace(one, id="A-7K3F.2")
    told = ReplyContext(
        "system", summaries=["name: Billing & more"], warnings=[("A-7K3F.1", "Look at both.")]
    )
    alone = render("succeeded", "thread", request(one), told)
    assert alone is not None
    assert alone.blocks[1]["text"]["text"] == "What was deleted: name: Billing &amp; more\n⚠️ Look at both."
    for to in ("thread", "dm:U0AGENT"):
        both = render("succeeded", to, request(one, two), told)
        assert "⚠️ call `vx_123`: Look at both." in str(both)


def test_a_direct_message_waits_for_the_last_target() -> None:
    """While an action is still open, nothing is sent. The action that ends last reports all of them."""
    ended, active = record(ACTIONS["place"], State.FAILED), record(ACTIONS["place"], State.SENDING, 2)
    assert render("failed", "dm:U0AGENT", request(ended, active), ReplyContext("system")) is None
    told = render("failed", "dm:U0AGENT", request(ended, ended), ReplyContext("system"))
    assert told is not None
    assert "2 failed" in told.text


def test_a_reply_names_the_target_it_is_about() -> None:
    """With several targets, the reply about the second never reads as one about the first."""
    done, late = record(ACTIONS["cancel by id"], State.SUCCEEDED), record(ACTIONS["place"], State.EXPIRED, 2)
    late = replace(late, message="CallOps couldn't send it in time.")
    told = render("state", "audit", request(done, late), ReplyContext("system", action=late.id))
    assert told is not None
    assert "• +91\u00a0•••3210 · Expired. CallOps couldn't send it in time." in text_of(told.blocks)
    told = render("happened", "thread", request(done, late), ReplyContext("U0MANAGER", "dashboard", late.id))
    assert told is not None
    assert "checked (+91\u00a0•••3210): it *did* happen. “dashboard”" in told.text


def test_a_doubt_that_came_back_reads_as_one() -> None:
    """Nobody reads that the dropped attempt will be sent. The message tells what is known."""
    came_back = stop_retrying(
        record(ACTIONS["cancel by number"], State.APPROVED), "window_passed", outcomes.SO_LATE
    )
    changed = replace(
        record(ACTIONS["cancel by number"], State.UNKNOWN),
        attempt=1,
        maybe_executed=True,
        not_before=None,
        message=str(came_back.changes["message"]),
    )
    assert request_status(request(changed)) == (
        "⚠️ *Outcome unknown* · cancel all calls to +91\u00a0•••3210\nAn earlier attempt got no clear answer and "
        "may have worked. CallOps didn't retry: it's late now, and it could cancel a newer call to this number."
    )
    told = render("unknown", "thread", request(changed), ReplyContext("system", action=changed.id))
    assert told is not None
    assert told.text == "⚠️ *Outcome unknown*.\nCheck the provider, then press *Record outcome…* above."


def test_a_look_up_that_still_finds_it_says_so() -> None:
    """People settle an unknown outcome whose target is still there. With several, the target is named."""
    doubt = record(ACTIONS["delete"], State.UNKNOWN)
    told = render("still_there", "thread", request(doubt), ReplyContext("system", action=doubt.id))
    assert told is not None
    assert told.text.startswith("The provider still has it. Check it there again, then")


def test_no_button_reads_just_cancel() -> None:
    """People must know what a button does before they press it."""
    for state in State:
        made = request(record(ACTIONS["cancel by id"], state))
        shown = str([audit(made).blocks, card(made).blocks, Review.build(made, nonce="n", shown="s")])
        assert "'text': 'Cancel'" not in shown


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("a & b", "a &amp; b"),
        ("\u202eabc\u200b\x07", "abc"),
        ("<https://x|bank>", "&lt;https://x|bank&gt;"),
    ],
)
def test_peoples_words_are_shown_and_do_nothing(typed: str, shown: str) -> None:
    """Markup that somebody typed is shown as text."""
    assert escape(typed) == shown


def test_only_what_cannot_be_seen_is_dropped() -> None:
    """Line ends, apostrophes and other scripts stay."""
    assert plain("customer's\nनमस्ते 🙂") == "customer's\nनमस्ते 🙂"
