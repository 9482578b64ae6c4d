"""The rules as a table of who, what and the decision."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.policy import engine
from bot.policy.engine import ApprovalContext, Effect
from bot.policy.matching import Members, RequestContext
from bot.policy.rules import Rule
from providers.actions import Kind
from storage.models import Approval, Person

TEAM = "T0CALLOPS"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CASE = ApprovalContext("U0AGENT", TEAM)
OTHERS = ApprovalContext("U0SECOND", TEAM)


def wanted(kind: Kind, connection: str = "reminders", **facts: Any) -> RequestContext:
    """Return the context of a request at nine, for a number in India, but for the facts given."""
    known: dict[str, Any] = {"at": NOW, "countries": frozenset({"IN"})}
    return RequestContext(kind, connection, **(known | facts))


CANCEL = Rule(name="cancel", actions=(Kind.CANCEL_CALL,), approve=("managers",), settle=("managers",))
PLACE = Rule(name="place", actions=(Kind.PLACE_CALL,), settle=("managers",))
NO_TRAINEES = Rule(name="no trainees", actions=(Kind.PLACE_CALL,), effect="deny", request=("trainees",))
RULES = (PLACE, CANCEL, NO_TRAINEES)
MEMBERS: Members = {
    "managers": frozenset({"U0MANAGER", "U0SECOND"}),
    "trainees": frozenset({"U0NEW"}),
}


def person(user: str = "U0AGENT", **facts: Any) -> Person:
    """Return a full member, but for the facts given."""
    known: dict[str, Any] = {
        "id": user,
        "team": TEAM,
        "name": "Asha",
        "timezone": "Asia/Kolkata",
        "bot": False,
        "deleted": False,
        "guest": False,
        "is_external": False,
        "read_at": datetime(2026, 11, 21, tzinfo=UTC),
    }
    return Person(**(known | facts))


@pytest.mark.parametrize(
    ("rules", "members", "who", "kind", "effect", "why"),
    [
        pytest.param(RULES, MEMBERS, person(), Kind.PLACE_CALL, Effect.ALLOW, "place", id="an agent places"),
        pytest.param(
            RULES,
            MEMBERS,
            person(),
            Kind.CANCEL_CALL,
            Effect.NEEDS_APPROVAL,
            "approval",
            id="an agent cancels",
        ),
        pytest.param((), MEMBERS, person(), Kind.PLACE_CALL, Effect.DENY, "No rule", id="no rule, no action"),
        pytest.param(
            RULES, MEMBERS, person(), Kind.DELETE_CAMPAIGN, Effect.DENY, "No rule", id="nothing by default"
        ),
        pytest.param(
            RULES, MEMBERS, person("U0NEW"), Kind.PLACE_CALL, Effect.DENY, "no trainees", id="deny wins"
        ),
        pytest.param(
            RULES,
            {**MEMBERS, "trainees": None},
            person(),
            Kind.PLACE_CALL,
            Effect.DENY,
            "couldn't tell us who is in",
            id="a deny group unread denies",
        ),
        pytest.param(
            RULES,
            {**MEMBERS, "managers": None},
            person(),
            Kind.CANCEL_CALL,
            Effect.DENY,
            "couldn't tell us who is in",
            id="unread approvers refuse",
        ),
        pytest.param(
            RULES,
            {**MEMBERS, "managers": frozenset({"U0AGENT"})},
            person(),
            Kind.CANCEL_CALL,
            Effect.DENY,
            "Nobody but you",
            id="the only approver asks",
        ),
        pytest.param(
            RULES, MEMBERS, person(guest=True), Kind.PLACE_CALL, Effect.DENY, "Guests", id="a guest"
        ),
        pytest.param(RULES, MEMBERS, person(bot=True), Kind.PLACE_CALL, Effect.DENY, "bots", id="a bot"),
        pytest.param(
            RULES, MEMBERS, person(deleted=True), Kind.PLACE_CALL, Effect.DENY, "deactivated", id="gone"
        ),
        pytest.param(
            RULES,
            MEMBERS,
            person(is_external=True),
            Kind.PLACE_CALL,
            Effect.DENY,
            "another org",
            id="stranger",
        ),
        pytest.param(
            RULES,
            MEMBERS,
            person(team="T0ELSE"),
            Kind.PLACE_CALL,
            Effect.DENY,
            "another org",
            id="other team",
        ),
        pytest.param(
            (PLACE.model_copy(update={"request": ("agents",)}),),
            {"agents": None},
            person(),
            Kind.PLACE_CALL,
            Effect.DENY,
            "couldn't tell us who is in",
            id="an unread group has nobody in it",
        ),
    ],
)
def test_what_the_rules_say_to_somebody_who_asks(
    rules: tuple[Rule, ...], members: Members, who: Person, kind: Kind, effect: Effect, why: str
) -> None:
    """The rules answer with an effect and a reason."""
    decision = engine.can_request(rules, members, who, wanted(kind), team=TEAM)
    assert decision.effect is effect
    assert why in " ".join(decision.reasons)


@pytest.mark.parametrize(
    ("reveal", "who", "allowed", "why"),
    [
        pytest.param(("managers",), person("U0MANAGER"), True, "", id="a manager, where the rule says so"),
        pytest.param((), person("U0MANAGER"), False, "Nobody may see", id="a rule that says nothing"),
        pytest.param(("leads",), person("U0MANAGER"), False, "Only leads may see", id="another group"),
        pytest.param(("leads",), person("U0LEAD"), True, "", id="who may not decide, but is named"),
        pytest.param(("leads",), person("U0GUEST", guest=True), False, "Guests", id="a guest"),
        pytest.param(("everyone",), person("U0SECOND"), True, "", id="everyone"),
    ],
)
def test_who_sees_full_numbers_is_named(
    reveal: tuple[str, ...], who: Person, *, allowed: bool, why: str
) -> None:
    """The groups that a rule names for it alone see full numbers, to decide and to settle."""
    rule, members = CANCEL.model_copy(update={"reveal": reveal}), {**MEMBERS, "leads": frozenset({"U0LEAD"})}
    for settling in (False, True) if reveal else (False,):
        decision = engine.can_reveal(rule, members, who, CASE, settling=settling)
        assert decision.allowed is allowed
        assert why in " ".join(decision.reasons)


def test_who_settles_sees_full_numbers_unless_the_rule_names_others() -> None:
    """A settler looks the call up. The requester never settles, nor does anybody once the rule is gone."""
    rule = CANCEL.model_copy(update={"reveal": (), "settle": ("managers",)})
    settler, requester = person("U0MANAGER"), person(CASE.requester)
    assert engine.can_reveal(rule, MEMBERS, settler, CASE, settling=True).allowed
    assert not engine.can_reveal(rule, MEMBERS, settler, CASE).allowed
    assert not engine.can_reveal(rule, MEMBERS, requester, CASE, settling=True).allowed
    assert not engine.can_reveal(None, MEMBERS, settler, CASE, settling=True).allowed


def test_who_can_be_asked_is_known_by_name() -> None:
    """The requester never counts.

    Nobody does if the rule is gone, the group unread, or everyone may decide.
    """
    asked = engine.approvers(CANCEL, MEMBERS, OTHERS)
    assert asked == {"U0MANAGER"}
    assert engine.approvers(None, MEMBERS, OTHERS) == frozenset()
    assert engine.approvers(CANCEL, {"managers": None}, OTHERS) == frozenset()
    anybody = CANCEL.model_copy(update={"approve": ("everyone",)})
    assert engine.approvers(anybody, MEMBERS, OTHERS) == frozenset()


def test_the_requester_is_never_among_the_approvers() -> None:
    """A manager who asks needs another manager."""
    decision = engine.can_request(RULES, MEMBERS, person("U0MANAGER"), wanted(Kind.CANCEL_CALL), team=TEAM)
    assert decision.approvers == {"U0SECOND"}


@pytest.mark.parametrize(
    ("rule", "members", "who", "allowed", "why"),
    [
        pytest.param(CANCEL, MEMBERS, person("U0MANAGER"), True, "", id="a manager decides"),
        pytest.param(
            CANCEL, MEMBERS, person("U0AGENT"), False, "your own request", id="nobody decides their own"
        ),
        pytest.param(CANCEL, MEMBERS, person("U0OTHER"), False, "Only managers", id="an onlooker"),
        pytest.param(
            CANCEL, MEMBERS, person("U0MANAGER", deleted=True), False, "deactivated", id="a manager who left"
        ),
        pytest.param(
            CANCEL, MEMBERS, person("U0MANAGER", guest=True), False, "Guests", id="a manager made a guest"
        ),
        pytest.param(
            CANCEL,
            {"managers": None},
            person("U0MANAGER"),
            False,
            "couldn't tell us who is in",
            id="unread group",
        ),
        pytest.param(None, MEMBERS, person("U0MANAGER"), False, "rule", id="the rule is gone"),
    ],
)
@pytest.mark.parametrize("ask", [engine.can_decide, engine.can_settle])
def test_who_may_decide_and_who_may_settle(
    ask: Any, rule: Rule | None, members: Members, who: Person, *, allowed: bool, why: str
) -> None:
    """The same people may decide and settle here, never the requester. Everyone else reads the reason."""
    if ask is engine.can_settle and "Only" in why:
        why = "Only managers may record"
    decision = ask(rule, members, who, CASE)
    assert decision.allowed is allowed
    assert why in " ".join(decision.reasons)


APPROVAL = Approval(
    person="U0MANAGER", decision="approve", group="managers", members=["U0MANAGER"], content="x"
)


@pytest.mark.parametrize(
    ("rules", "members", "requester", "approvals", "rule", "allowed"),
    [
        pytest.param(RULES, MEMBERS, person(), [(APPROVAL, person("U0MANAGER"))], "cancel", True, id="still approved"),
        pytest.param(RULES, MEMBERS, person(), [], "cancel", False, id="no approval"),
        pytest.param(RULES, {"managers": frozenset({"U0SECOND"})}, person(), [(APPROVAL, person("U0MANAGER"))], "cancel", False, id="the approver left the group"),
        pytest.param(RULES, MEMBERS, person(), [(APPROVAL, person("U0MANAGER", deleted=True))], "cancel", False, id="the approver left the company"),
        pytest.param(RULES, MEMBERS, person(guest=True), [(APPROVAL, person("U0MANAGER"))], "cancel", False, id="the requester became a guest"),
        pytest.param((), MEMBERS, person(), [(APPROVAL, person("U0MANAGER"))], "cancel", False, id="the rule is gone"),
        pytest.param(RULES, MEMBERS, person(), [(APPROVAL, person("U0MANAGER"))], "an older rule", False, id="another rule holds now"),
    ],
)  # fmt: skip
def test_the_last_look_before_dispatch(
    rules: tuple[Rule, ...],
    members: Members,
    requester: Person,
    approvals: list[tuple[Approval, Person]],
    rule: str,
    *,
    allowed: bool,
) -> None:
    """An approved action is sent only if the rules and the people still allow it."""
    decision = engine.can_dispatch(
        rules, members, requester, approvals, wanted(Kind.CANCEL_CALL), rule=rule, team=TEAM, now=NOW
    )
    assert decision.allowed is allowed
    assert allowed or decision.reasons


IMPORTS = PLACE.model_copy(update={"import_": ("leads",)})
OWN = CANCEL.model_copy(update={"import_": ("leads",), "self_approval": True})
WITH_LEADS: Members = {**MEMBERS, "leads": frozenset({"U0LEAD", "U0MANAGER"})}
LEAD = person("U0LEAD")
LISTS = {kind.of_rows: kind for kind in Kind if kind.is_list}


@pytest.mark.parametrize(
    ("rule", "members", "who", "effect", "approvers", "why"),
    [
        pytest.param(IMPORTS, WITH_LEADS, LEAD, Effect.NEEDS_APPROVAL, {"U0MANAGER", "U0SECOND"}, "an approval by somebody in managers", id="a list of calls is approved by settlers"),
        pytest.param(IMPORTS, WITH_LEADS, person("U0MANAGER"), Effect.NEEDS_APPROVAL, {"U0SECOND"}, "approval", id="a settler never approves their own list"),
        pytest.param(IMPORTS, {**WITH_LEADS, "managers": frozenset({"U0MANAGER"})}, person("U0MANAGER"), Effect.DENY, set(), "Nobody but you", id="the only settler asks"),
        pytest.param(IMPORTS, {**WITH_LEADS, "managers": None}, LEAD, Effect.DENY, set(), 'who is in "managers"', id="unread settlers refuse"),
        pytest.param(OWN, WITH_LEADS, person("U0MANAGER"), Effect.NEEDS_APPROVAL, {"U0SECOND"}, "approval", id="no own approval, though the rule permits it"),
        pytest.param(OWN.model_copy(update={"approve": (), "self_approval": False}), WITH_LEADS, LEAD, Effect.ALLOW, set(), "cancel", id="a list of cancellations needs no more than the rule says"),
        pytest.param(PLACE, WITH_LEADS, LEAD, Effect.DENY, set(), "nobody may use call lists", id="nobody imports by default"),
        pytest.param(IMPORTS, WITH_LEADS, person(), Effect.DENY, set(), "leads may use call lists", id="an agent outside the group"),
        pytest.param(IMPORTS, {**WITH_LEADS, "leads": None}, LEAD, Effect.DENY, set(), 'who is in "leads"', id="an unread group has nobody in it"),
        pytest.param(IMPORTS.model_copy(update={"import_": ("everyone",)}), WITH_LEADS, person("U0GUEST", guest=True), Effect.DENY, set(), "Guests", id="a guest"),
        pytest.param(IMPORTS.model_copy(update={"import_": ("everyone",)}), WITH_LEADS, person(), Effect.NEEDS_APPROVAL, {"U0MANAGER", "U0SECOND"}, "approval", id="everyone"),
        pytest.param(IMPORTS.model_copy(update={"request": ("managers",)}), WITH_LEADS, LEAD, Effect.DENY, set(), "No rule", id="importing is on top of requesting"),
    ],
)  # fmt: skip
def test_what_the_rules_say_to_somebody_with_a_call_list(
    rule: Rule, members: Members, who: Person, effect: Effect, approvers: set[str], why: str
) -> None:
    """Importing is permitted by name, and more than one person agrees to calls for many."""
    [kind] = rule.actions
    decision = engine.can_request([rule], members, who, wanted(kind, is_list=True), team=TEAM)
    assert decision.effect is effect
    assert decision.approvers == approvers
    assert why in " ".join(decision.reasons)
    opened = engine.can_open([rule], members, who, LISTS[kind], team=TEAM, now=NOW)
    assert opened.effect is effect


def test_a_denial_holds_for_call_lists() -> None:
    """A rule that denies calls denies lists of them, and an unread group does not open a later rule."""
    new = person("U0NEW")
    allows = IMPORTS.model_copy(update={"import_": ("everyone",)})
    context = wanted(Kind.PLACE_CALL, is_list=True)
    denied = engine.can_request([allows, NO_TRAINEES], MEMBERS, new, context, team=TEAM)
    assert "no trainees" in " ".join(denied.reasons)
    unread = engine.can_request([IMPORTS, allows], {**MEMBERS, "leads": None}, new, context, team=TEAM)
    assert (unread.allowed, unread.unread) == (False, "leads")


def test_an_unread_group_of_requesters_opens_no_later_rule_for_a_call_list() -> None:
    """The earlier rule might say that nobody uses lists, or that settlers approve."""
    agents = PLACE.model_copy(update={"name": "agents", "request": ("agents",)})
    later = IMPORTS.model_copy(update={"import_": ("everyone",), "approve": ("leads",)})
    context = wanted(Kind.PLACE_CALL, is_list=True)
    members = {**WITH_LEADS, "agents": frozenset({"U0AGENT"})}
    read = engine.can_request([agents, later], members, person(), context, team=TEAM)
    unread = engine.can_request([agents, later], {**members, "agents": None}, person(), context, team=TEAM)
    assert "nobody may use call lists" in " ".join(read.reasons)
    assert (unread.allowed, unread.unread) == (False, "agents")


@pytest.mark.parametrize(
    ("approver", "requester", "allowed"),
    [
        pytest.param(person("U0MANAGER"), LEAD, True, id="a settler approved"),
        pytest.param(LEAD, LEAD, False, id="the requester, who is no settler"),
        pytest.param(person("U0MANAGER"), person("U0MANAGER"), False, id="the requester, who is a settler"),
        pytest.param(person("U0MANAGER", deleted=True), LEAD, False, id="the settler left the company"),
    ],
)
def test_a_row_of_a_list_goes_out_with_the_approval_of_another_person(
    approver: Person, requester: Person, *, allowed: bool
) -> None:
    """The last look asks for the same approval as the request of the list."""
    approvals = [(replace(APPROVAL, person=approver.id), approver)]
    context = wanted(Kind.PLACE_CALL, is_list=True)
    decision = engine.can_dispatch(
        [IMPORTS], WITH_LEADS, requester, approvals, context, rule="place", team=TEAM, now=NOW
    )
    assert decision.allowed is allowed
    assert allowed or decision.reasons
