"""The people who may pause calls and resume them, as a table."""

import pytest

from bot.policy.matching import Members
from bot.policy.pausing import can_pause
from bot.policy.rules import Rule
from providers.actions import Kind
from storage.models import Person
from tests.bot.policy.test_engine import MEMBERS, RULES, TEAM, person

PAUSE = Rule(
    name="pause",
    actions=(Kind.PLACE_CALL,),
    connections=("voxworks",),
    settle=("managers",),
    pause=("leads", "U0NIGHT"),
)
NAMED = (*RULES, PAUSE)
PEOPLE: Members = {**MEMBERS, "leads": frozenset({"U0LEAD"}), "U0NIGHT": frozenset({"U0NIGHT"})}
BOTH = ("reminders", "voxworks")


@pytest.mark.parametrize(
    ("rules", "who", "connections", "why"),
    [
        pytest.param(RULES, person("U0MANAGER"), BOTH, None, id="who approves, everywhere"),
        pytest.param(RULES, person(), BOTH, "Only managers may pause", id="an agent"),
        pytest.param(RULES, person("U0NEW"), ["reminders"], "Only managers may pause", id="a denied group"),
        pytest.param(NAMED, person("U0LEAD"), ["voxworks"], None, id="a named group"),
        pytest.param(NAMED, person("U0NIGHT"), ["voxworks"], None, id="a named person"),
        pytest.param(NAMED, person("U0MANAGER"), ["voxworks"], "Only leads and U0NIGHT", id="who approves, where others are named"),
        pytest.param(NAMED, person("U0MANAGER"), ["reminders"], None, id="who approves, where nobody is named"),
        pytest.param(NAMED, person("U0LEAD"), ["reminders"], "through reminders", id="a named group elsewhere"),
        pytest.param(NAMED, person("U0LEAD"), BOTH, "through reminders", id="all need every connection"),
        pytest.param(NAMED, person("U0MANAGER"), BOTH, "through voxworks", id="all need every connection, too"),
        pytest.param((), person("U0MANAGER"), ["reminders"], "Nobody may pause", id="no rule"),
        pytest.param(RULES, person("U0MANAGER", guest=True), ["reminders"], "Guests", id="a guest"),
        pytest.param(RULES, person("U0MANAGER", deleted=True), ["reminders"], "deactivated", id="a deactivated person"),
    ],
)  # fmt: skip
def test_who_may_pause(rules: tuple[Rule, ...], who: Person, connections: list[str], why: str | None) -> None:
    """The rules name them, or they approve or settle there. Everyone else reads who may."""
    decision = can_pause(rules, PEOPLE, who, connections, team=TEAM)
    assert decision.allowed is (why is None)
    assert (why or "The rules let") in " ".join(decision.reasons)


def test_an_unread_group_lets_nobody_pass() -> None:
    """Slack did not say who is in the group."""
    decision = can_pause(RULES, {"managers": None}, person("U0MANAGER"), ["reminders"], team=TEAM)
    assert (decision.allowed, decision.unread) == (False, "managers")
