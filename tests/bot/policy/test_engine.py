"""The rules as a table of who, what and the decision."""

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
