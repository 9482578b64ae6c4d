"""Rules as an operator writes them: call lists."""

from typing import Any

import pytest
from pydantic import ValidationError

from bot.policy.rules import Rule, written
from providers.actions import Kind

BOTH = (Kind.PLACE_CALL, Kind.CANCEL_CALL)


def rule(**keys: Any) -> Rule:
    """Return a rule for calls that managers settle, but for the keys given."""
    known: dict[str, Any] = {"name": "calls", "actions": BOTH, "settle": ("managers",)}
    return Rule(**(known | keys))


@pytest.mark.parametrize(
    ("keys", "kind", "approvers", "needed"),
    [
        pytest.param({}, Kind.PLACE_CALL, ("managers",), 1, id="calls to place are approved by settlers"),
        pytest.param({}, Kind.CANCEL_CALL, (), 0, id="cancellations as the rule says"),
        pytest.param({"approve": ("leads",)}, Kind.PLACE_CALL, ("leads",), 1, id="approvers stay"),
        pytest.param(
            {"approve": ("leads",), "approvals": 2}, Kind.CANCEL_CALL, ("leads",), 2, id="so does their count"
        ),
    ],
)
def test_a_rule_without_approvers_needs_some_for_a_list_of_calls(
    keys: dict[str, Any], kind: Kind, approvers: tuple[str, ...], needed: int
) -> None:
    """A list of calls to place always has another person's approval."""
    found = rule(**keys).for_lists(kind)
    assert (found.approve, found.needed) == (approvers, needed)


@pytest.mark.parametrize("kind", BOTH)
def test_self_approval_never_holds_for_a_list(kind: Kind) -> None:
    """The rule itself keeps it for single requests, and everything else stays as it is."""
    single = rule(approve=("leads",), self_approval=True, **{"import": ("agents",)})
    of_list = single.for_lists(kind)
    assert (single.self_approval, of_list.self_approval) == (True, False)
    assert of_list == single.model_copy(update={"self_approval": False})


def test_nobody_imports_by_default() -> None:
    """The key is ``import``, in the file and where rules are compared."""
    assert rule().import_ == ()
    [plain] = written((rule(**{"import": ("agents",)}),), {}, {})["rules"]
    assert plain["import"] == ["agents"]
    assert "import_" not in plain


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"actions": ("place_list",)}, '"place_list" is no action of a rule: write "place_call" and import'),
        ({"actions": ("cancel_call", "cancel_list")}, 'write "cancel_call" and import'),
        ({"import_": ("agents",)}, "import_"),
        (
            {"effect": "deny", "settle": (), "import": ("agents",)},
            "import: a rule that denies only says for whom: request",
        ),
    ],
)
def test_a_key_that_lists_do_not_have_is_a_fault(keys: dict[str, Any], why: str) -> None:
    """The fault names what to write instead."""
    with pytest.raises(ValidationError, match=why):
        rule(**keys)
