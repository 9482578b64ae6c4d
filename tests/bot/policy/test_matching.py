"""Rules of a company. Each row has the decision, the rule and the first reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.policy import engine
from bot.policy.engine import ApprovalContext, Decision, Effect
from bot.policy.matching import Members, RequestContext
from bot.policy.rules import EVERYONE, Rule
from providers.actions import SINGLE_KINDS, Kind
from storage.models import Approval, Person
from tests.bot.policy.test_engine import TEAM, person

DAY = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
"""Noon in Kolkata."""
NIGHT = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)
"""Half past ten in the evening there."""
PLACE, CANCEL, DELETE, STOP = Kind.PLACE_CALL, Kind.CANCEL_CALL, Kind.DELETE_CAMPAIGN, Kind.STOP_CAMPAIGN


def rule(name: str, *actions: Kind, **facts: Any) -> Rule:
    """Return a rule, with somebody to settle if it allows."""
    known = {} if facts.get("effect") == "deny" else {"settle": ["managers"]}
    return Rule.model_validate({"name": name, "actions": actions, **known, **facts})


COMPANY = (
    rule("no calls to the Emirates", PLACE, effect="deny", countries=["AE"]),
    rule("trainees do nothing at night", PLACE, CANCEL, effect="deny", request=["trainees"], hours="20:00-08:00", timezone="Asia/Kolkata"),
    rule("nothing from the lobby", *SINGLE_KINDS, effect="deny", channels=["C0LOBBY"]),
    rule("nobody stops the blocked", STOP, effect="deny", request=["blocked"]),
    rule("customers' wishes", CANCEL, reasons=["customer asked"], notify_groups=["managers"]),
    rule("night shift", CANCEL, hours="20:00-08:00", timezone="Asia/Kolkata", request=["night"], approve=["night"], settle=["night"]),
    rule("trainees ask twice", CANCEL, request=["trainees"], approve=["managers", "directors"], approvals=2),
    rule("cancel through the dialer", CANCEL, connections=["dialer"], request=["agents"], approve=["managers"], escalate_to=["directors"], escalate_after="30m"),
    rule("cancel", CANCEL, approve=["managers"], reveal=["directors"]),
    rule("four eyes", DELETE, request=["managers"], approve=["managers"], approvals=2),
    rule("own eyes", STOP, request=["managers"], approve=["managers"], self_approval=True, approvals=2),
    rule("support places in India", PLACE, request=["agents"], countries=["IN"], channels=["C0SUPPORT"]),
    rule("places in India", PLACE, countries=["IN", "LK"], approve=["everyone"]),
)  # fmt: skip
WHO: Members = {
    "managers": frozenset({"U0MIRA", "U0SAM"}),
    "directors": frozenset({"U0DORA"}),
    "agents": frozenset({"U0ASHA", "U0RAVI"}),
    "trainees": frozenset({"U0TIM"}),
    "night": frozenset({"U0NINA", "U0NED"}),
    "blocked": frozenset({"U0BOB"}),
}
NONE, MANY = "No rule lets you do this.", 'The rule "{}"'


def w(kind: Kind, *countries: str | None, **facts: Any) -> RequestContext:
    """Return the context of a request by day, through reminders, in the support channel, but for `facts`."""
    known: dict[str, Any] = {"connection": "reminders", "at": DAY, "channel": "C0SUPPORT"}
    of_calls = kind in {PLACE, CANCEL}
    return RequestContext(
        kind, countries=frozenset(countries or (["IN"] if of_calls else [])), **(known | facts)
    )


A, Q, D = Effect.ALLOW, Effect.NEEDS_APPROVAL, Effect.DENY
NO_TELLING = 'Slack couldn\'t tell us who is in "managers".'
ASKING = [
    # person, request, decision, rule, beginning of the first line
    ("U0ASHA", w(PLACE), A, "support places in India", 'The rule "support places in India" allows it for the channel C0SUPPORT and numbers in IN.'),
    ("U0RAVI", w(PLACE), A, "support places in India", 'The rule "support places in India" allows it'),
    ("U0ASHA", w(PLACE, channel="C0OTHER"), Q, "places in India", 'The rule "places in India" asks for an approval by somebody else for numbers in IN or LK.'),
    ("U0ASHA", w(PLACE, channel=None), Q, "places in India", 'The rule "places in India" asks'),
    ("U0OLAF", w(PLACE), Q, "places in India", 'The rule "places in India" asks'),
    ("U0OLAF", w(PLACE, "LK"), Q, "places in India", 'The rule "places in India" asks'),
    ("U0OLAF", w(PLACE, "IN", "LK"), Q, "places in India", 'The rule "places in India" asks'),
    ("U0ASHA", w(PLACE, "IN", "LK"), Q, "places in India", 'The rule "places in India" asks'),
    ("U0ASHA", w(PLACE, "US"), D, None, NONE + ' Ask your CallOps admin. The rule "support places in India" is only for numbers in IN.'),
    ("U0OLAF", w(PLACE, "US"), D, None, NONE),
    ("U0OLAF", w(PLACE, "IN", "US"), D, None, NONE),
    ("U0OLAF", w(PLACE, None), D, "no calls to the Emirates", 'The rule "no calls to the Emirates" doesn\'t let you do this for numbers in AE, and the country here is unknown.'),
    ("U0OLAF", w(PLACE, "IN", None), D, "no calls to the Emirates", 'The rule "no calls to the Emirates" doesn\'t'),
    ("U0OLAF", w(PLACE, "AE"), D, "no calls to the Emirates", 'The rule "no calls to the Emirates" doesn\'t let you do this for numbers in AE.'),
    ("U0ASHA", w(PLACE, "IN", "AE"), D, "no calls to the Emirates", 'The rule "no calls to the Emirates" doesn\'t'),
    ("U0MIRA", w(PLACE, "AE"), D, "no calls to the Emirates", 'The rule "no calls to the Emirates" doesn\'t'),
    ("U0TIM", w(PLACE), Q, "places in India", 'The rule "places in India" asks'),
    ("U0TIM", w(PLACE, at=NIGHT), D, "trainees do nothing at night", 'The rule "trainees do nothing at night" doesn\'t let you do this for the hours from 20:00 to 08:00 in Asia/Kolkata.'),
    ("U0ASHA", w(PLACE, at=NIGHT), A, "support places in India", 'The rule "support'),
    ("U0ASHA", w(PLACE, channel="C0LOBBY"), D, "nothing from the lobby", 'The rule "nothing from the lobby" doesn\'t let you do this for the channel C0LOBBY.'),
    ("U0MIRA", w(CANCEL, channel="C0LOBBY"), D, "nothing from the lobby", 'The rule "nothing'),
    ("U0MIRA", w(DELETE, channel="C0LOBBY"), D, "nothing from the lobby", 'The rule "nothing'),
    ("U0ASHA", w(CANCEL), Q, "cancel", 'The rule "cancel" asks for an approval by somebody in managers.'),
    ("U0OLAF", w(CANCEL), Q, "cancel", 'The rule "cancel" asks'),
    ("U0MIRA", w(CANCEL), Q, "cancel", 'The rule "cancel" asks'),
    ("U0ASHA", w(CANCEL, None), Q, "cancel", 'The rule "cancel" asks'),
    ("U0ASHA", w(CANCEL, connection="dialer"), Q, "cancel through the dialer", 'The rule "cancel through the dialer" asks for an approval by somebody in managers for the connection dialer.'),
    ("U0OLAF", w(CANCEL, connection="dialer"), Q, "cancel", 'The rule "cancel" asks'),
    ("U0ASHA", w(CANCEL, reason="customer asked"), A, "customers' wishes", "The rule \"customers' wishes\" allows it for the reason \"customer asked\"."),
    ("U0ASHA", w(CANCEL, reason="Customer  ASKED"), A, "customers' wishes", "The rule \"customers' wishes\" allows"),
    ("U0ASHA", w(CANCEL, reason="customer asked: moved to Pune"), A, "customers' wishes", "The rule \"customers' wishes\" allows"),
    ("U0ASHA", w(CANCEL, reason="customer asked not to be called"), Q, "cancel", 'The rule "cancel" asks'),
    ("U0ASHA", w(CANCEL, reason="wrong number"), Q, "cancel", 'The rule "cancel" asks'),
    ("U0ASHA", w(CANCEL, reason="the customer asked"), Q, "cancel", 'The rule "cancel" asks'),
    ("U0TIM", w(CANCEL, reason="customer asked"), A, "customers' wishes", "The rule \"customers' wishes\" allows"),
    ("U0TIM", w(CANCEL), Q, "trainees ask twice", 'The rule "trainees ask twice" asks for approvals by 2 different people in managers and directors.'),
    ("U0TIM", w(CANCEL, at=NIGHT), D, "trainees do nothing at night", 'The rule "trainees do nothing at night" doesn\'t'),
    ("U0TIM", w(CANCEL, at=NIGHT, reason="customer asked"), D, "trainees do nothing at night", 'The rule "trainees do nothing at night" doesn\'t'),
    ("U0NINA", w(CANCEL, at=NIGHT), Q, "night shift", 'The rule "night shift" asks for an approval by somebody in night for the hours from 20:00 to 08:00 in Asia/Kolkata.'),
    ("U0NINA", w(CANCEL), Q, "cancel", 'The rule "cancel" asks'),
    ("U0NINA", w(CANCEL, at=datetime(2026, 11, 21, 14, 29, tzinfo=UTC)), Q, "cancel", 'The rule "cancel" asks'),
    ("U0NINA", w(CANCEL, at=datetime(2026, 11, 21, 14, 30, tzinfo=UTC)), Q, "night shift", 'The rule "night shift" asks'),
    ("U0NINA", w(CANCEL, at=datetime(2026, 11, 22, 2, 29, tzinfo=UTC)), Q, "night shift", 'The rule "night shift" asks'),
    ("U0NINA", w(CANCEL, at=datetime(2026, 11, 22, 2, 30, tzinfo=UTC)), Q, "cancel", 'The rule "cancel" asks'),
    ("U0ASHA", w(CANCEL, at=NIGHT), Q, "cancel", 'The rule "cancel" asks'),
    ("U0MIRA", w(DELETE), D, "four eyes", 'The rule "four eyes" asks for 2 approvals, and there is only 1 other to give one in managers.'),
    ("U0ASHA", w(DELETE), D, None, NONE),
    ("U0DORA", w(DELETE), D, None, NONE),
    ("U0MIRA", w(STOP), Q, "own eyes", 'The rule "own eyes" asks for approvals by 2 different people in managers.'),
    ("U0BOB", w(STOP), D, "nobody stops the blocked", 'The rule "nobody stops the blocked" doesn\'t let you do this.'),
    ("U0ASHA", w(STOP), D, None, NONE),
    ("U0MIRA", w(Kind.START_CAMPAIGN), D, None, NONE),
]  # fmt: skip


@pytest.mark.parametrize(("who", "wanted", "effect", "name", "why"), ASKING)
def test_what_is_said_to_whoever_asks(
    who: str, wanted: RequestContext, effect: Effect, name: str | None, why: str
) -> None:
    """Each row has the decision, its rule and its reason."""
    decision = engine.can_request(COMPANY, WHO, person(who), wanted, team=TEAM)
    assert (decision.effect, decision.rule.name if decision.rule else None) == (effect, name), (
        decision.reasons
    )
    assert decision.reasons[0].startswith(why), decision.reasons


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"approve": ["managers"], "approvals": 3}, "and there are only 2 others to give one in managers."),
        ({"approve": ["blocked"], "approvals": 2}, "and there is nobody else to give one in blocked."),
        ({"approve": ["blocked", "lone"]}, "Nobody but you could approve this: blocked and lone have no other member. Ask your CallOps admin to add people."),
        ({"approve": ["blocked"]}, "Nobody but you could approve this: blocked has no other member. Ask your CallOps admin to add people."),
    ],
)  # fmt: skip
def test_too_few_who_could_approve_are_counted_as_one_says_it(facts: dict[str, Any], why: str) -> None:
    """The reason has the right singular and plural."""
    few, known = rule("few", STOP, **facts), {**WHO, "lone": frozenset[str]()}
    asked = engine.can_request([few], known, person("U0BOB"), w(STOP), team=TEAM)
    assert asked.effect is Effect.DENY
    assert why in asked.reasons[0]


UNREAD = [
    # person, unread group, request, decision, rule, beginning of the first line
    ("U0ASHA", "managers", w(CANCEL), D, "cancel", NO_TELLING),
    ("U0ASHA", "managers", w(CANCEL, reason="customer asked"), D, "customers' wishes", NO_TELLING),
    ("U0ASHA", "managers", w(PLACE), A, "support places in India", 'The rule "support'),
    ("U0MIRA", "managers", w(DELETE), D, "four eyes", NO_TELLING),
    ("U0MIRA", "managers", w(STOP), D, "own eyes", NO_TELLING),
    ("U0TIM", "trainees", w(CANCEL), D, "trainees ask twice", "Slack couldn't tell us who is in \"trainees\"."),
    ("U0ASHA", "trainees", w(CANCEL), D, "trainees ask twice", "Slack couldn't tell us who is in \"trainees\"."),
    ("U0ASHA", "trainees", w(PLACE, at=NIGHT), D, "trainees do nothing at night", "Slack couldn't tell us who is in \"trainees\"."),
    ("U0ASHA", "trainees", w(PLACE), A, "support places in India", 'The rule "support'),
    ("U0ASHA", "trainees", w(CANCEL, reason="customer asked"), A, "customers' wishes", "The rule"),
    ("U0TIM", "directors", w(CANCEL), Q, "trainees ask twice", 'The rule "trainees ask twice" asks'),
    ("U0ASHA", "directors", w(CANCEL, connection="dialer"), Q, "cancel through the dialer", "The rule"),
    ("U0ASHA", "agents", w(PLACE), Q, "places in India", 'The rule "places in India" asks'),
    ("U0ASHA", "agents", w(CANCEL, connection="dialer"), D, "cancel through the dialer", "Slack couldn't tell us who is in \"agents\"."),
    ("U0ASHA", "agents", w(CANCEL), Q, "cancel", 'The rule "cancel" asks'),
    ("U0MIRA", "blocked", w(STOP), D, "nobody stops the blocked", "Slack couldn't tell us who is in \"blocked\"."),
    ("U0MIRA", "blocked", w(CANCEL), Q, "cancel", 'The rule "cancel" asks'),
    ("U0NINA", "night", w(CANCEL, at=NIGHT), D, "night shift", "Slack couldn't tell us who is in \"night\"."),
    ("U0NINA", "night", w(CANCEL), Q, "cancel", 'The rule "cancel" asks'),
]  # fmt: skip


@pytest.mark.parametrize(("who", "unread", "wanted", "effect", "name", "why"), UNREAD)
def test_a_group_that_cannot_be_read_lets_nobody_slip_through(
    who: str, unread: str, wanted: RequestContext, effect: Effect, name: str, why: str
) -> None:
    """If the group matters, the answer is no, with a reason. If not, nothing changes."""
    decision = engine.can_request(COMPANY, {**WHO, unread: None}, person(who), wanted, team=TEAM)
    assert (decision.effect, decision.rule.name if decision.rule else None) == (effect, name), (
        decision.reasons
    )
    assert decision.reasons[0].startswith(why), decision.reasons


UNFIT = [
    ({"guest": True}, "Guests can't use CallOps."),
    ({"bot": True}, "Apps and bots can't use CallOps."),
    ({"deleted": True}, "This account is deactivated."),
    ({"is_external": True}, "People from another organisation can't use CallOps here."),
    ({"team": "T0ELSE"}, "People from another organisation can't use CallOps here."),
]


@pytest.mark.parametrize("kind", SINGLE_KINDS)
@pytest.mark.parametrize(("facts", "why"), UNFIT)
def test_who_is_no_full_active_member_does_nothing(facts: dict[str, Any], why: str, kind: Kind) -> None:
    """No rule changes that."""
    for who in ("U0MIRA", "U0ASHA"):
        decision = engine.can_request(COMPANY, WHO, person(who, **facts), w(kind), team=TEAM)
        assert (decision.effect, decision.rule) == (Effect.DENY, None)
        assert decision.reasons[0].startswith(why)


def named(name: str) -> Rule:
    """Return a rule of the company, by its name."""
    return next(one for one in COMPANY if one.name == name)


DECIDING = [
    # person, rule, requester, escalated, allowed, beginning of the first line
    ("U0MIRA", "cancel", "U0ASHA", False, True, 'The rule "cancel" lets managers decide this.'),
    ("U0SAM", "cancel", "U0MIRA", False, True, 'The rule "cancel" lets managers'),
    ("U0MIRA", "cancel", "U0MIRA", False, False, "You can't approve your own request."),
    ("U0ASHA", "cancel", "U0ASHA", False, False, "You can't approve your own request."),
    ("U0ASHA", "cancel", "U0RAVI", False, False, "Only managers may decide this."),
    ("U0DORA", "cancel", "U0ASHA", False, False, "Only managers may decide this."),
    ("U0DORA", "cancel", "U0ASHA", True, False, "Only managers may decide this."),
    ("U0DORA", "cancel through the dialer", "U0ASHA", False, False, "Only managers may decide this. directors may once it has waited long enough."),
    ("U0DORA", "cancel through the dialer", "U0ASHA", True, True, 'The rule "cancel through the dialer" lets directors decide this.'),
    ("U0MIRA", "cancel through the dialer", "U0ASHA", True, True, 'The rule "cancel through the dialer" lets managers'),
    ("U0DORA", "cancel through the dialer", "U0DORA", True, False, "You can't approve your own request."),
    ("U0RAVI", "cancel through the dialer", "U0ASHA", True, False, "Only managers and directors may decide this."),
    ("U0DORA", "trainees ask twice", "U0TIM", False, True, 'The rule "trainees ask twice" lets directors'),
    ("U0TIM", "trainees ask twice", "U0TIM", False, False, "You can't approve your own request."),
    ("U0MIRA", "own eyes", "U0MIRA", False, True, 'The rule "own eyes" lets managers decide this.'),
    ("U0ASHA", "own eyes", "U0ASHA", False, False, "Only managers may decide this."),
    ("U0MIRA", "four eyes", "U0MIRA", False, False, "You can't approve your own request."),
    ("U0SAM", "four eyes", "U0MIRA", False, True, 'The rule "four eyes" lets managers'),
    ("U0NED", "night shift", "U0NINA", False, True, 'The rule "night shift" lets night'),
    ("U0MIRA", "night shift", "U0NINA", False, False, "Only night may decide this."),
    ("U0OLAF", "places in India", "U0ASHA", False, True, 'The rule "places in India" lets everyone'),
    ("U0ASHA", "places in India", "U0ASHA", False, False, "You can't approve your own request."),
    ("U0MIRA", "support places in India", "U0ASHA", False, False, "Nobody may decide this."),
    ("U0MIRA", None, "U0ASHA", False, False, "The rule for this request is gone, so nobody may do this now."),
]  # fmt: skip


@pytest.mark.parametrize(("who", "name", "requester", "escalated", "may", "why"), DECIDING)
def test_who_may_decide(
    who: str, name: str | None, requester: str, *, escalated: bool, may: bool, why: str
) -> None:
    """The decision has a reason, and names the approvers."""
    rule_of = named(name) if name else None
    decision = engine.can_decide(rule_of, WHO, person(who), ApprovalContext(requester, TEAM, escalated))
    assert decision.allowed is may
    assert decision.reasons[0].startswith(why)
    assert who in decision.approvers or not may or EVERYONE in decision.rule.approve  # type: ignore[union-attr]


SETTLING = [
    ("U0MIRA", "customers' wishes", "U0ASHA", True, "The rule \"customers' wishes\" lets managers record the outcome."),
    ("U0MIRA", "customers' wishes", "U0MIRA", False, "You can't record the outcome of your own request."),
    ("U0ASHA", "customers' wishes", "U0RAVI", False, "Only managers may record the outcome."),
    ("U0MIRA", "own eyes", "U0MIRA", False, "You can't record the outcome of your own request."),
    ("U0NED", "night shift", "U0NINA", True, 'The rule "night shift" lets night'),
    ("U0DORA", "cancel through the dialer", "U0ASHA", False, "Only managers may record the outcome."),
]  # fmt: skip


@pytest.mark.parametrize(("who", "name", "requester", "may", "why"), SETTLING)
def test_who_may_settle(who: str, name: str, requester: str, *, may: bool, why: str) -> None:
    """The requester never may, not even with the right to approve their own requests."""
    decision = engine.can_settle(
        named(name), WHO, person(who), ApprovalContext(requester, TEAM, escalated=True)
    )
    assert decision.allowed is may
    assert decision.reasons[0].startswith(why)


def said(
    who: str, after: timedelta = timedelta(minutes=1), decision: str = "approve"
) -> tuple[Approval, Person]:
    """Return somebody's decision, that long after a request by day."""
    of = Approval(who, decision, "managers", [who], "x", DAY + after)  # type: ignore[arg-type]
    return of, person(who)


GONE = tuple(one for one in COMPANY if one.name != "cancel")
STRICTER = tuple(one.model_copy(update={"approvals": 2}) if one.name == "cancel" else one for one in COMPANY)
DENYING = (rule("closed", *SINGLE_KINDS, effect="deny"), *COMPANY)
BY_NIGHT = (rule("quiet", CANCEL, effect="deny", hours="20:00-08:00", timezone="Asia/Kolkata"), *COMPANY)
DIALER = w(CANCEL, connection="dialer")
DISPATCHING = [
    # current rules, requester, request, its rule, decisions, allowed, first reason
    (COMPANY, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA")], True, 'The rule "cancel" asks'),
    (COMPANY, "U0ASHA", w(CANCEL), "cancel", [], False, 'The rules changed: "cancel" asks for an approval now, and none was given.'),
    (COMPANY, "U0MIRA", w(CANCEL), "cancel", [said("U0MIRA")], False, "The approver may no longer approve."),
    (COMPANY, "U0ASHA", w(CANCEL), "cancel", [said("U0RAVI")], False, "The approver may no longer approve."),
    (COMPANY, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA", decision="deny")], False, "The rules changed"),
    (GONE, "U0OLAF", w(CANCEL), "cancel", [said("U0MIRA")], False, 'The rules changed: "cancel", which applied to this request, is gone.'),
    (STRICTER, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA")], False, 'The rules changed: "cancel" asks for 2 approvals now, and one was given.'),
    (STRICTER, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA"), said("U0SAM")], True, "The rule"),
    (STRICTER, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA"), said("U0MIRA")], False, "The rules changed"),
    (DENYING, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA")], False, 'The rule "closed" doesn\'t let you do this.'),
    (BY_NIGHT, "U0ASHA", w(CANCEL), "cancel", [said("U0MIRA")], False, 'The rule "quiet" doesn\'t'),
    (COMPANY, "U0ASHA", w(CANCEL), "an older rule", [said("U0MIRA")], False, 'The rules changed: it was requested under "an older rule", and "cancel" applies now.'),
    (COMPANY, "U0ASHA", DIALER, "cancel through the dialer", [said("U0DORA", timedelta(minutes=31))], True, "The rule"),
    (COMPANY, "U0ASHA", DIALER, "cancel through the dialer", [said("U0DORA", timedelta(minutes=29))], False, "The approver may"),
    (COMPANY, "U0NINA", w(CANCEL, at=NIGHT), "night shift", [said("U0NED")], True, "The rule"),
    (COMPANY, "U0ASHA", w(PLACE), "support places in India", [], True, "The rule"),
    (COMPANY, "U0MIRA", w(STOP), "own eyes", [said("U0MIRA"), said("U0SAM")], True, "The rule"),
    (COMPANY, "U0MIRA", w(STOP), "own eyes", [said("U0MIRA")], False, "The rules changed"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "who", "wanted", "name", "decided", "goes", "why"), DISPATCHING)
def test_what_is_sent_in_the_end(
    rules: tuple[Rule, ...],
    who: str,
    wanted: RequestContext,
    name: str,
    decided: list[tuple[Approval, Person]],
    *,
    goes: bool,
    why: str,
) -> None:
    """Rules and people are checked again, and the reason tells what changed."""
    decision = engine.can_dispatch(rules, WHO, person(who), decided, wanted, rule=name, team=TEAM, now=NIGHT)
    assert decision.allowed is goes, decision.reasons
    assert decision.reasons[0].startswith(why), decision.reasons


def test_there_are_a_hundred_and_twenty_sentences() -> None:
    """The tables hold the decisions about people as sentences for people."""
    rows = len(ASKING) + len(UNREAD) + len(UNFIT) * len(Kind) + len(DECIDING) + len(SETTLING)
    assert rows + len(DISPATCHING) >= 120


# -- properties of any rules

PEOPLE = ["U0MIRA", "U0SAM", "U0ASHA", "U0TIM", "U0DORA"]
GROUPS = ["managers", "directors", "agents", EVERYONE]
KINDS = [PLACE, CANCEL]
members = st.fixed_dictionaries(
    {group: st.none() | st.frozensets(st.sampled_from(PEOPLE)) for group in GROUPS if group != EVERYONE}
)
some_groups = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True)
asked = st.builds(
    lambda kind, connection, country, reason, hour: RequestContext(
        kind, connection, DAY.replace(hour=hour), "C0SUPPORT", frozenset({country}), reason
    ),
    st.sampled_from(KINDS),
    st.sampled_from(["reminders", "dialer"]),
    st.sampled_from(["IN", "AE", None]),
    st.sampled_from([None, "customer asked"]),
    st.integers(0, 23),
)


@st.composite
def some_rule(draw: st.DrawFn, effect: str | None = None) -> Rule:
    """Draw any rule that the file may hold."""
    effect = effect or draw(st.sampled_from(["allow", "deny"]))
    facts: dict[str, Any] = {
        "effect": effect,
        "request": draw(some_groups),
        "connections": draw(st.lists(st.sampled_from(["reminders", "dialer"]), max_size=1)),
        "countries": draw(st.lists(st.sampled_from(["IN", "AE"]), max_size=1)),
        "reasons": draw(st.sampled_from([[], ["customer asked"]])),
    }
    if draw(st.booleans()):
        facts |= {"hours": "20:00-08:00", "timezone": "Asia/Kolkata"}
    if effect == "allow":
        facts["settle"] = ["managers"]
        if draw(st.booleans()):
            facts |= {
                "approve": draw(some_groups),
                "approvals": draw(st.integers(1, 3)),
                "self_approval": draw(st.booleans()),
            }
    actions = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True))
    return Rule.model_validate({"name": f"rule {draw(st.integers())}", "actions": actions, **facts})


several_rules = st.lists(some_rule(), max_size=4)
who = st.sampled_from(PEOPLE).map(person)


def decide(rules: list[Rule], known: Members, one: Person, what: RequestContext) -> Decision:
    """Return the decision of the rules."""
    return engine.can_request(rules, known, one, what, team=TEAM)


@settings(max_examples=300)
@given(several_rules, some_rule("deny"), members, who, asked, st.integers(0, 4))
def test_a_rule_that_denies_wins_wherever_it_stands(
    rules: list[Rule], denying: Rule, known: Members, one: Person, what: RequestContext, place: int
) -> None:
    """A rule that denies alone also denies among any others, in any order."""
    alone = decide([denying], known, one, what)
    among = decide([*rules[:place], denying, *rules[place:]], known, one, what)
    if alone.rule is denying:
        assert not among.allowed
        assert among.rule is not None
        assert among.rule.effect == "deny"


@settings(max_examples=300)
@given(several_rules, some_rule("allow"), members, who, asked, st.integers(0, 4))
def test_a_rule_that_allows_never_takes_a_denial_away(
    rules: list[Rule], more: Rule, known: Members, one: Person, what: RequestContext, place: int
) -> None:
    """A denied request stays denied, by the same rule."""
    before = decide(rules, known, one, what)
    after = decide([*rules[:place], more, *rules[place:]], known, one, what)
    if before.rule is not None and before.rule.effect == "deny":
        assert after == before


@settings(max_examples=300)
@given(several_rules, members, who, asked)
def test_nothing_is_allowed_that_no_rule_allows(
    rules: list[Rule], known: Members, one: Person, what: RequestContext
) -> None:
    """Every allowed request has a rule that covers it, and that lets this person ask."""
    decision = decide(rules, known, one, what)
    assert decision.reasons
    if decision.allowed:
        holds = decision.rule
        assert holds is not None
        assert holds.effect == "allow"
        assert what.kind in holds.actions
        assert decision.group == EVERYONE or one.id in (known.get(decision.group or "") or ())
        assert (decision.effect is Effect.NEEDS_APPROVAL) is bool(holds.approve)


@settings(max_examples=300)
@given(some_rule("allow"), members, who, asked)
def test_nobody_approves_their_own_unless_the_rule_says_so(
    holds: Rule, known: Members, one: Person, what: RequestContext
) -> None:
    """The rule counts for the request, for the list of approvers, and before sending."""
    case = ApprovalContext(one.id, TEAM)
    if not holds.self_approval:
        assert not engine.can_decide(holds, known, one, case).allowed
        assert one.id not in engine.approvers(holds, known, case)
        assert one.id not in decide([holds], known, one, what).approvers
    own = [said(one.id)]
    sent = engine.can_dispatch([holds], known, one, own, what, rule=holds.name, team=TEAM, now=what.at)
    assert not (sent.allowed and holds.approve) or (holds.self_approval and holds.approvals == 1)


@settings(max_examples=300)
@given(some_rule("allow"), members, who, asked, st.lists(st.sampled_from(PEOPLE), max_size=6))
def test_as_many_different_people_as_the_rule_says(
    holds: Rule, known: Members, one: Person, what: RequestContext, approved: list[str]
) -> None:
    """A sent action has that many approvals by eligible people, however often each approved."""
    sent = engine.can_dispatch(
        [holds],
        known,
        one,
        [said(name) for name in approved],
        what,
        rule=holds.name,
        team=TEAM,
        now=what.at,
    )
    may = {
        name
        for name in approved
        if engine.can_decide(holds, known, person(name), ApprovalContext(one.id, TEAM)).allowed
    }
    if sent.allowed:
        assert len(may) >= holds.needed


@settings(max_examples=200)
@given(several_rules, members, who, asked, st.sampled_from(["managers", "directors", "agents"]))
def test_an_unread_group_lets_nobody_pass_who_would_not(
    rules: list[Rule], known: Members, one: Person, what: RequestContext, group: str
) -> None:
    """An unread group never allows more than a read one."""
    unread = decide(rules, {**known, group: None}, one, what)
    read = decide(rules, known, one, what)
    if known[group] is not None:
        assert read.allowed or not unread.allowed
        assert read.effect is Effect.ALLOW or unread.effect is not Effect.ALLOW


def test_hours_of_a_rule_are_those_in_which_it_was_asked() -> None:
    """A request made at night and approved in the morning is sent. A denying rule counts at sending, too."""
    wanted = w(CANCEL, at=NIGHT)
    late = NIGHT + timedelta(hours=12)
    sent = engine.can_dispatch(
        COMPANY, WHO, person("U0NINA"), [said("U0NED")], wanted, rule="night shift", team=TEAM, now=late
    )
    assert sent.allowed
    trainee = replace(w(CANCEL), at=DAY)
    two = [said("U0MIRA"), said("U0SAM")]
    for now, goes in ((DAY, True), (NIGHT, False)):
        sent = engine.can_dispatch(
            COMPANY, WHO, person("U0TIM"), two, trainee, rule="trainees ask twice", team=TEAM, now=now
        )
        assert sent.allowed is goes
