"""Every message in every state: Slack takes it, it reads as a sentence, and it shows nothing it must not."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.answers import asked
from bot.blocks import escape, plain
from bot.messages import IRREVERSIBLE, Told, audit, card, render, standing
from bot.modals import Denial, Review, Settling, View
from playground.blocks import faults
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
)
from providers.registry import PROVIDERS
from storage.lifecycle import State
from storage.log import Approval, LogEntry, Request
from tests.slack_schemas import checker

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
NASTY = "<!channel> <@U1> <https://x|bank> \u202eevil & *bold* `code`\n\n\n" + "long " * 99
ACTIONS: dict[str, CallAction] = {
    "place": PlaceCall(to="+919876543210", agent="pay<ments>", at=NOW + timedelta(hours=1)),
    "place now": PlaceCall(to="+919876543210", agent="payments"),
    "cancel by number": CancelCall(target=NumberRef(agent="payments", to="+919876543210")),
    "cancel by id": CancelCall(target=CallRef(call_id="vx_123")),
    "delete": DeleteCampaign(target=CampaignRef(campaign_id="cd-2129073")),
}


def entry(action: CallAction | None, state: State, position: int = 1, *, kind: str = "") -> LogEntry:
    """An entry, perhaps with its personal data erased."""
    shown = action or ACTIONS[kind]
    target_id = None
    if isinstance(shown, CancelCall) and isinstance(shown.target, CallRef):
        target_id = shown.target.call_id
    if isinstance(shown, DeleteCampaign):
        target_id = shown.target.campaign_id
    return LogEntry(
        id=f"A-7K3F.{position}",
        request="A-7K3F",
        position=position,
        kind=shown.kind,
        connection="reminders",
        agent="pay<ments>",
        target_id=target_id,
        scheduled_for=NOW + timedelta(hours=1),
        state=state,
        attempt=1,
        doubted=False,
        owner=None,
        lease_until=None,
        not_before=NOW,
        code=Code.SCHEDULED if state is State.SUCCEEDED else None,
        message=None if state is State.EXPIRED else "The provider said so.",
        retry=None,
        reference="a1b2",
        http_status=200,
        asked_at=NOW,
        updated_at=NOW,
        action=action,
    )


def request(*entries: LogEntry, reason: str | None = NASTY) -> Request:
    """A request by an agent, decided by a manager."""
    return Request(
        id="A-7K3F",
        kind=entries[0].kind,
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
        entries=entries,
        approvals=[Approval("U0MANAGER", "deny", "managers", ["U0MANAGER"], "x", NOW)],
    )


def requests() -> Iterator[tuple[str, Request]]:
    """One target and many, whole and erased, in every state."""
    for (name, action), state in itertools.product(ACTIONS.items(), State):
        yield f"{name} {state}", request(entry(action, state))
        yield f"{name} {state} erased", request(entry(None, state, kind=name), reason=None)
        yield f"{name} {state} many", request(*(entry(action, state, n) for n in range(1, 51)))
    mixed = [entry(ACTIONS["cancel by number"], state, n) for n, state in enumerate(State, start=1)]
    yield "every state at once", request(*mixed)


CASES = [pytest.param(made, id=name) for name, made in requests()]
TEMPLATES = [
    "state", "approved", "denied", "withdrawn", "expired", "happened", "did_not_happen", "ordered", "unknown",
    "late_answer", "failed", "succeeded", "inferred", "refused",
    "webhook",
]  # fmt: skip


@pytest.mark.parametrize("made", CASES)
def test_slack_takes_every_message_and_modal(made: Request) -> None:
    """Nothing is too long, too many or missing, whatever the request holds; no number is shown whole."""
    told = Told("U0MANAGER", NASTY, summaries=[NASTY], warnings=[(made.entries[0].id, NASTY)])
    messages = [
        render(t, to, made, told) for t in TEMPLATES for to in ("audit", "card", "thread", "dm:U0AGENT")
    ]
    for message in [*messages, asked(made)]:
        if message is not None:
            payload = {"text": message.text, "blocks": list(message.blocks)}
            assert faults("message", payload) == []
            assert "9876543210" not in str(payload)
            assert "<!channel>" not in str(payload)
            assert "\u202e" not in str(payload)
            assert message.blocks[0]["text"]["text"].startswith(message.text[:20])
    for view in (
        Review.build(made, nonce="n" * 24, shown="s" * 64),
        Denial.build(made, nonce="n" * 24, shown="s" * 64),
        Settling.build(made, made.entries[0], nonce="n" * 24),
    ):
        assert faults("modal", view) == []
        assert "9876543210" not in str(view)


def test_slacks_own_schemas_take_them_too() -> None:
    """Where Slack's schemas are at hand, they find no fault either: one of each kind and state."""
    check = checker("check_blocks")
    for _, made in requests():
        if len(made.entries) == 1:
            for view in (
                Review.build(made, nonce="n", shown="s"),
                Settling.build(made, made.entries[0], nonce="n"),
            ):
                assert check.faults("modal", view) == []
            for message in (audit(made), card(made), asked(made)):
                assert check.faults("message", {"text": message.text, "blocks": list(message.blocks)}) == []


@pytest.mark.parametrize(
    ("state", "action", "says"),
    [
        (State.PENDING, "cancel by number", "⏳ *Waiting for approval.* <@U0AGENT> asks to cancel the scheduled calls of agent payments to +91 ••••• •3210."),
        (State.SUCCEEDED, "place", "✅ *Scheduled:* a call to +91 ••••• •3210, <!date^"),
        (State.UNKNOWN, "place now", "❓ *We do not know whether it happened:* place a call to +91 ••••• •3210, for <@U0AGENT>."),
        (State.DENIED, "cancel by id", "🚫 *Denied by <@U0MANAGER>:* cancel call `vx_123`. The customer *will* be called."),
        (State.EXPIRED, "cancel by id", "⌛ *Time ran out before anyone decided:* cancel call `vx_123`. The customer *will* be called."),
        (State.FAILED, "cancel by id", "❌ *Not cancelled:* call `vx_123`. The provider said so."),
    ],
)  # fmt: skip
def test_a_state_in_words(state: State, action: str, says: str) -> None:
    """The sentence says what happened, to what, and what follows for the customer."""
    assert standing(request(entry(ACTIONS[action], state))).startswith(says)


def test_only_a_waiting_card_has_a_button_and_only_an_unknown_can_be_settled() -> None:
    """Once decided, the button gives way to who and when."""
    for state in State:
        made = request(entry(ACTIONS["cancel by id"], state))
        assert ("Review…" in str(card(made).blocks)) == (state is State.PENDING)
        assert ("Say what happened…" in str(audit(made).blocks)) == (state is State.UNKNOWN)
    assert "Denied by <@U0MANAGER>, <!date^" in str(
        card(request(entry(ACTIONS["place"], State.DENIED))).blocks
    )


def submitted(view: View, confirmation: str | None) -> View:
    """A review as Slack sends it back."""
    return view | {"state": {"values": {Review.confirmation: {Review.confirmation: {"value": confirmation}}}}}


@pytest.mark.parametrize(
    ("typed", "confirmed"),
    [
        ("cd-2129073", True),
        (" cd-2129073\n", True),
        (None, False),
        ("cd-2129074", False),
        ("CD-2129073", False),
    ],
)
def test_what_cannot_be_undone_is_approved_by_its_id(typed: str | None, *, confirmed: bool) -> None:
    """The card and the review say so, and nothing but the id itself will do."""
    made = request(entry(ACTIONS["delete"], State.PENDING))
    review = Review.build(made, nonce="n", shown="s")
    for shown in (card(made).blocks, review):
        assert "This cannot be undone." in str(shown)
        assert "When it would go out" not in str(shown)
    assert Review.is_confirmed(made, submitted(review, typed)) is confirmed


def test_what_can_be_made_good_needs_no_typing() -> None:
    """A cancellation is approved as it is shown."""
    made = request(entry(ACTIONS["cancel by id"], State.PENDING))
    review = Review.build(made, nonce="n", shown="s")
    assert "input" not in [block["type"] for block in review["blocks"]]
    assert Review.is_confirmed(made, review)


def test_people_and_adapters_call_the_same_things_irreversible() -> None:
    """What a provider cannot undo is what approvers type the id of."""
    known = {one for adapter in PROVIDERS.values() for one in adapter.capabilities}
    assert {one.kind for one in known if one.irreversible} == IRREVERSIBLE
    assert not [one for one in known if one.kind in IRREVERSIBLE and not one.irreversible]


def test_what_is_gone_and_what_is_odd_is_said_in_the_thread() -> None:
    """The summary is there to read; a warning names its target where there are several."""
    one = entry(ACTIONS["cancel by id"], State.SUCCEEDED)
    two = replace(one, id="A-7K3F.2")
    told = Told("system", summaries=["name: Billing & more"], warnings=[("A-7K3F.1", "Look at both.")])
    alone = render("succeeded", "thread", request(one), told)
    assert alone is not None
    assert alone.blocks[1]["text"]["text"] == "What it was: name: Billing &amp; more\n⚠️ Look at both."
    for to in ("thread", "dm:U0AGENT"):
        both = render("succeeded", to, request(one, two), told)
        assert "⚠️ call `vx_123`: Look at both." in str(both)


def test_a_direct_message_waits_for_the_last_target() -> None:
    """While something is still under way, the one that ends last tells of all."""
    ended, active = entry(ACTIONS["place"], State.FAILED), entry(ACTIONS["place"], State.SENDING, 2)
    assert render("failed", "dm:U0AGENT", request(ended, active), Told("system")) is None
    told = render("failed", "dm:U0AGENT", request(ended, ended), Told("system"))
    assert told is not None
    assert "2 failed" in told.text


def test_a_reply_names_the_target_it_is_about() -> None:
    """With several targets, what happened to the second is not said of the first."""
    done, late = entry(ACTIONS["cancel by id"], State.SUCCEEDED), entry(ACTIONS["place"], State.EXPIRED, 2)
    late = replace(late, message="CallOps could not send it in time.")
    told = render("expired", "thread", request(done, late), Told("system", entry=late.id))
    assert told is not None
    assert told.text == "CallOps could not send it in time. (a call to +91 ••••• •3210) Nobody is called."
    told = render("happened", "thread", request(done, late), Told("U0MANAGER", "dashboard", late.id))
    assert told is not None
    assert "it *did* happen (a call to +91 ••••• •3210). “dashboard”" in told.text


def test_no_button_reads_just_cancel() -> None:
    """A person must know what a button does before pressing it."""
    for state in State:
        made = request(entry(ACTIONS["cancel by id"], state))
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
    """Markup that somebody typed is text."""
    assert escape(typed) == shown


def test_only_what_cannot_be_seen_is_dropped() -> None:
    """Line ends, apostrophes and other scripts stay."""
    assert plain("customer's\nनमस्ते 🙂") == "customer's\nनमस्ते 🙂"
