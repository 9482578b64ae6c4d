import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.cli.checks.rules import lint
from bot.config.settings import Connection
from bot.policy.rules import PEOPLE, Rule, key_of
from bot.text.findings import Result
from providers.voxworks import VoxworksSettings
from tests.support.tree import ROOT

DOCUMENT = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"```toml recipe=(\S+)\n(.*?)```", DOCUMENT, re.DOTALL))
BEFORE = """
[slack]
audit_channel = "C0AUDIT"
approvals_channel = "C0APPROVE"

[connections.reminders]
provider = "callkaro"
api_key = "env:CALLKARO_API_KEY"
timezone = "Asia/Kolkata"
"""


@dataclass(frozen=True)
class Printed:
    """The result of a command."""

    status: int
    output: str
    errors: str


def policy(folder: Path, rules: str, *arguments: str) -> Printed:
    """Run a command with nothing in the environment: no token, no key, no secret of a provider."""
    file = folder / "rules.toml"
    file.write_text(BEFORE + rules, encoding="utf-8")
    left = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", "policy", *arguments, "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
    )
    return Printed(left.returncode, left.stdout, left.stderr)


def ask(user: str, action: str, *more: str) -> tuple[str, ...]:
    """Return the arguments that explain a decision."""
    return ("explain", "--user", user, "--action", action, "--connection", "reminders", *more)


DAY, NIGHT = ("--at", "2026-11-21T12:00+05:30"), ("--at", "2026-11-21T22:30+05:30")


@pytest.mark.parametrize(
    ("recipe", "asked", "verdict", "rule"),
    [
        ("small-team", ask("U0ASHA", "cancel_call"), "needs_approval", "somebody else looks at it"),
        ("small-team", ask("U0ASHA", "place_call", "--country", "IN"), "allow", "the team places calls"),
        ("four-eyes", ask("U0MIRA", "delete_campaign"), "needs_approval", "two managers delete a campaign"),
        ("per-country", ask("U0ASHA", "place_call", "--country", "AE"), "needs_approval", "numbers in the Emirates"),
        ("per-country", ask("U0ASHA", "place_call", "--country", "IN", "--country", "AE"), "deny", None),
        ("customer-asked", ask("U0ASHA", "cancel_call", "--reason", "customer asked"), "allow", "the customer asked"),
        ("customer-asked", ask("U0ASHA", "cancel_call", "--reason", "duplicate"), "needs_approval", "anything else waits"),
        ("night-shift", ask("U0NINA", "cancel_call", *NIGHT), "needs_approval", "night shift"),
        ("night-shift", ask("U0NINA", "cancel_call", *DAY), "needs_approval", "a manager lets a cancellation pass"),
        ("night-shift", ask("U0MIRA", "place_call", "--country", "IN", *NIGHT), "deny", "no calls at night"),
    ],
)  # fmt: skip
def test_a_recipe_of_the_guide_says_what_the_guide_says(
    tmp_path: Path, recipe: str, asked: tuple[str, ...], verdict: str, rule: str | None
) -> None:
    """Loaded and explained from the page's own text; whatever the verdict, the status is 0."""
    left = policy(tmp_path, RECIPES[recipe], *asked, "--json")
    assert (left.status, left.errors) == (0, "")
    found = json.loads(left.output)
    assert (found["verdict"], found["rule"]) == (verdict, rule)
    assert found["reasons"]
    assert found["unread_groups"] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_of_the_guide_has_nothing_to_mend(tmp_path: Path, recipe: str) -> None:
    """Nothing wrong, and nothing to look at."""
    left = policy(tmp_path, RECIPES[recipe], "lint", "--json")
    assert left.status == 0, left.output
    assert {one["result"] for one in json.loads(left.output)} == {"PASS"}


def test_there_are_five_recipes() -> None:
    """None is lost to a mistyped fence, and every key of a rule is in the guide's table."""
    assert len(RECIPES) == 5
    assert all(f"`{key_of(field)}`" in DOCUMENT for field in Rule.model_fields)


def test_people_read_the_verdict_the_rule_and_why(tmp_path: Path) -> None:
    """In the words of the refusals and cards."""
    left = policy(tmp_path, RECIPES["four-eyes"], *ask("U0MIRA", "delete_campaign"))
    assert left.output.splitlines() == [
        "It waits for an approval.",
        '  Why: The rule "two managers delete a campaign" asks for approvals by 2 different people in managers.',
        "  Rule: two managers delete a campaign",
        "  May approve: U0DORA, U0SAM",
        "",
        "The rule wants a reason, too.",
        "",
        "Assuming U0MIRA is a full, active member (guests and bots are always refused).",
    ]


def test_it_explains_who_may_pause_calls(tmp_path: Path) -> None:
    """A pause is asked of no provider, and needs no approval."""
    may = policy(tmp_path, RECIPES["four-eyes"], *ask("U0MIRA", "pause"))
    assert may.output.splitlines()[:2] == [
        "It goes at once.",
        "  Why: The rules let managers pause and resume calls.",
    ]
    may_not = policy(tmp_path, RECIPES["four-eyes"], *ask("U0ASHA", "pause"))
    assert "Only managers may pause or resume calls through reminders." in may_not.output
    (tmp_path / "two").mkdir()
    both = policy(tmp_path / "two", USER_GROUP, *ask("U0ASHA", "pause", "--json"))
    answer = json.loads(both.output)
    assert (answer["verdict"], answer["if_member"]["verdict"]) == ("deny", "allow")


USER_GROUP = """
[groups]
managers = ["S0MANAGERS"]
[[rules]]
name = "managers cancel"
actions = ["cancel_call"]
request = ["managers"]
settle = ["managers"]
[[rules]]
name = "others ask"
actions = ["cancel_call"]
approve = ["managers", "U0MIRA"]
"""


def test_what_only_slack_knows_is_said_and_both_answers_given(tmp_path: Path) -> None:
    """In a user group or not: where that is the difference, one reads both."""
    left = policy(tmp_path, USER_GROUP, *ask("U0ASHA", "cancel_call"))
    assert left.status == 0
    assert "S0MANAGERS could not be looked at here" in left.output
    assert "That is so if U0ASHA is not in S0MANAGERS. If U0ASHA is:" in left.output
    found = json.loads(policy(tmp_path, USER_GROUP, *ask("U0ASHA", "cancel_call"), "--json").output)
    assert (found["verdict"], found["if_member"]["verdict"]) == ("needs_approval", "allow")
    assert found["approvers"] == ["S0MANAGERS", "U0MIRA"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (ask("U0ASHA", "cancel_cal"), "Did you mean cancel_call?"),
        (ask("asha", "cancel_call"), "use a person's ID (U…)"),
        (ask("U0ASHA", "cancel_call", "--country", "india"), "two capital letters"),
        (ask("U0ASHA", "cancel_call", "--channel", "#support"), "use a channel's ID"),
        (ask("U0ASHA", "cancel_call", "--at", "22:30"), "use a time with its zone"),
        (("explain", "--user", "U0A", "--action", "cancel_call", "--connection", "reminder"), "Did you mean reminders?"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_not_answered(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    """It says what to write, and the status is that of what could not start."""
    left = policy(tmp_path, RECIPES["small-team"], *arguments)
    assert (left.status, left.output) == (2, "")
    assert says in left.errors


def test_a_file_with_a_fault_is_not_explained(tmp_path: Path) -> None:
    """Its faults are said by both commands."""
    broken = RECIPES["small-team"].replace('approve = ["team"]', 'approve = ["teem"]')
    left = policy(tmp_path, broken, *ask("U0ASHA", "cancel_call"))
    assert (left.status, left.output) == (2, "")
    assert 'there is no group "teem"; did you mean "team"?' in left.errors
    assert policy(tmp_path, broken, "lint").status == 1


def rule(name: str, **facts: Any) -> Rule:
    """Return a rule about cancellations, unless told otherwise."""
    settle = {} if facts.get("effect") == "deny" else {"settle": ["managers"]}
    return Rule.model_validate({"name": name, "actions": ["cancel_call"], **settle, **facts})


GROUPS = {"managers": ("U0MIRA", "U0SAM"), "one": ("U0MIRA",), "slack": ("S0MANAGERS",), "night": ("U0NED",)}


@pytest.mark.parametrize(
    ("rules", "result", "says"),
    [
        ([rule("x", approve=["one"], approvals=2)], Result.FAIL, "It needs 2 approvals, but only 1 person may approve (one)"),
        ([rule("x", approve=["managers"], approvals=3)], Result.FAIL, "It needs 3 approvals, but only 2 people may approve"),
        ([rule("x", request=["one"], approve=["one"])], Result.FAIL, "No request can be approved. If U0MIRA requests something, there aren't enough other approvers."),
        ([rule("x", request=["managers"], approve=["managers"], approvals=2)], Result.FAIL, "No request can be approved. If one of U0MIRA, U0SAM requests"),
        ([rule("x", approve=["one"])], Result.WARN, "If U0MIRA requests something, it can't be approved"),
        ([rule("x", approve=["managers"], approvals=2)], Result.WARN, "If one of U0MIRA, U0SAM requests something, it can't be approved"),
        ([rule("x", approve=["managers"], escalate_to=["one"], escalate_after="1h")], Result.WARN, "Everyone it escalates to may approve anyway"),
        ([rule("wide"), rule("narrow", request=["one"])], Result.FAIL, 'It never applies, because "wide" already covers everything it covers.'),
        ([rule("wide", request=["managers"]), rule("narrow", request=["one"])], Result.FAIL, "It never applies"),
        ([rule("wide", connections=["a", "b"]), rule("narrow", connections=["a"], reasons=["duplicate"])], Result.FAIL, "It never applies"),
        ([rule("wide"), rule("both", actions=["cancel_call", "place_call"])], Result.WARN, 'It never applies to cancel_call, because "wide"'),
        ([rule("x", request=["one"]), rule("no", effect="deny")], Result.FAIL, '"no" already covers everything it covers. → Limit the rule that denies'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_rules_is_found(rules: list[Rule], result: Result, says: str) -> None:
    """By the file alone: what nobody can satisfy, and what never holds."""
    found = [one for one in lint(rules, GROUPS) if says in f"{one.message} → {one.fix}"]
    assert [one.result for one in found] == [result]


@pytest.mark.parametrize(
    "rules",
    [
        [rule("narrow", request=["one"]), rule("wide")],
        [rule("by day", hours="08:00-20:00", timezone="UTC"), rule("by night", hours="20:00-08:00", timezone="UTC")],
        [rule("here", countries=["IN"]), rule("there", countries=["AE"])],
        [rule("asked", reasons=["duplicate"]), rule("else")],
        [rule("ours", request=["slack"]), rule("theirs", request=["managers"])],
        [rule("x", approve=["slack"], approvals=2)],
        [rule("x", approve=["one"], self_approval=True)],
        [rule("x", approve=["everyone"], approvals=3)],
        [rule("x", approve=["one"], escalate_to=["managers"], escalate_after="1h")],
        [rule("some", effect="deny", countries=["AE"]), rule("x")],
    ],
)  # fmt: skip
def test_what_may_well_be_meant_is_left_alone(rules: list[Rule]) -> None:
    """Rules that each hold for something, and can be satisfied as far as the file tells."""
    named = {one for each in rules for field in PEOPLE for one in getattr(each, field)}
    groups = {name: ids for name, ids in GROUPS.items() if name in named}
    assert {one.result for one in lint(rules, groups)} <= {Result.PASS, Result.SKIP}


def test_a_group_for_nothing_is_found_and_a_user_group_is_said() -> None:
    """The one is to be looked at, the other cannot be here."""
    found = lint([rule("x", approve=["managers", "slack"])], GROUPS)
    assert {one.check for one in found if one.result is Result.WARN} == {"group one", "group night"}
    assert [one.check for one in found if one.result is Result.SKIP] == ["user group S0MANAGERS"]


def connection(name: str, *, key: str = "one", **facts: str) -> Connection:
    """Return a connection to Voxworks."""
    settings = VoxworksSettings.model_validate({"api_key": SecretStr(key), **facts})
    return Connection(name, "voxworks", settings, audit_channel=None)


@pytest.mark.parametrize(
    ("rules", "others", "says"),
    [
        ([rule("no", effect="deny", connections=["a"]), rule("x")], [connection("b")], 'It\'s for a. b is the same account, and "x" applies there. → Also name b in this rule, or remove'),
        ([rule("two", connections=["a"], approve=["managers"], approvals=2), rule("x")], [connection("b")], 'b is the same account, and "x" applies there'),
        ([rule("no", effect="deny", connections=["a"]), rule("x", connections=["b"])], [connection("b")], "b is the same account"),
        ([rule("two", connections=["a"], approve=["managers"]), rule("x", connections=["b"], approve=["managers"])], [connection("b")], None),
        ([rule("no", effect="deny", connections=["a", "b"]), rule("x")], [connection("b")], None),
        ([rule("no", effect="deny", connections=["a"]), rule("x", actions=["place_call"])], [connection("b")], None),
        ([rule("no", effect="deny", connections=["a"]), rule("x")], [connection("b", key="another")], None),
        ([rule("no", effect="deny", connections=["a"]), rule("x")], [connection("b", base_url="https://eu.voxworks.example")], None),
        ([rule("no", effect="deny", connections=["a"]), rule("x")], [connection("b", mode="dry-run")], None),
    ],
)  # fmt: skip
def test_a_rule_that_another_connection_goes_around_is_found(
    rules: list[Rule], others: list[Connection], says: str | None
) -> None:
    """The same key at the same host is the same account, whatever it is called."""
    connections = {one.name: one for one in [connection("a"), *others]}
    found = [
        f"{one.message} → {one.fix}" for one in lint(rules, {}, connections) if "same account" in one.message
    ]
    assert [says in one if says else one for one in found] == ([True] if says else [])
