"""Tables of the findings of a check about the disk, the people and the clock, and their output."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.checks.people import Group, about_group, about_rule, about_zones, look_at
from bot.cli.checks.setup import LEAST_FREE, LITTLE_FREE, about_log
from bot.cli.checks.slack import about_tokens
from bot.policy.rules import Rule
from bot.slack.client import SlackAnswer
from bot.slack.users import Workspace
from bot.text.findings import Finding, Result, as_lines, ok, skipped, warning, wrong
from bot.text.terminal import say
from bot.workers.clock_check import about_clock
from storage.maintenance.inspection import DatabaseLocation
from storage.models import Person

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PLACE = DatabaseLocation(
    Path("/srv/callops.db"), exists=True, problem=None, actions=2, file_system="ext4", free=9 << 30
)


def result(findings: list[Finding], check: str) -> Result:
    """Return the result of a check's only finding."""
    [found] = [one for one in findings if one.check == check]
    return found.result


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "PASS"),
        ({"file_system": "tmpfs"}, "FAIL"),
        ({"file_system": "nfs4"}, "FAIL"),
        ({"file_system": "overlay"}, "WARN"),
        ({"cleared": True}, "WARN"),
        ({"file_system": None}, "SKIP"),
    ],
)
def test_a_disk_lasts_or_not(change: dict[str, Any], expected: str) -> None:
    """In memory and on a network is wrong, a container's own layer a warning; what cannot be told is said."""
    assert result([*about_log(replace(PLACE, **change), key_given=True)], "log's disk") == expected


@pytest.mark.parametrize(
    ("free", "expected"),
    [(LITTLE_FREE, "PASS"), (LITTLE_FREE - 1, "WARN"), (LEAST_FREE, "WARN"), (LEAST_FREE - 1, "FAIL")],
)
def test_free_space(free: int, expected: str) -> None:
    """Less than a gibibyte is worth a look, less than a hundred mebibytes is wrong."""
    assert result([*about_log(replace(PLACE, free=free), key_given=True)], "free space") == expected


def test_another_schema_and_a_key_that_is_missing() -> None:
    """Without a key the log's fit is said not to be checked; what another version made needs that one."""
    assert result([*about_log(PLACE, key_given=False)], "log's key") == "SKIP"
    [newer, *_] = about_log(
        replace(PLACE, problem="it was made by another version of CallOps (schema z)"), key_given=True
    )
    assert (newer.result, newer.fix) == (
        "FAIL",
        "Run the version of CallOps that created it, or start a new log with DATABASE_URL.",
    )


@pytest.mark.parametrize(
    ("off", "expected"),
    [(0, "PASS"), (30, "PASS"), (31, "FAIL"), (-31, "FAIL")],
)
def test_a_clock_may_be_half_a_minute_off(off: int, expected: str) -> None:
    """Either way; without a date nothing is said of it."""
    assert (
        about_clock(["x is not set", SlackAnswer({}, NOW, date=NOW + timedelta(seconds=off))]).result
        == expected
    )
    assert about_clock(["x is not set", SlackAnswer({}, NOW)]).result == "SKIP"


def group(name: str, *fit: str, unread: tuple[str, ...] = ()) -> Group:
    """Return a group of people who can act."""
    return Group(name, frozenset(fit), {}, unread, frozenset())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"approve": ["two"]}, ["PASS"]),
        ({"approve": ["everyone"], "settle": ["two"]}, ["PASS"]),
        ({"approve": ["one"], "settle": ["two"]}, ["WARN"]),
        ({"approve": ["one"], "settle": ["two"], "request": ["two"]}, ["PASS"]),
        ({"approve": ["one"], "settle": ["two"], "request": ["one"]}, ["WARN"]),
        ({"approve": ["none"], "settle": ["two"]}, ["FAIL"]),
        ({"approve": ["none"]}, ["FAIL", "FAIL"]),
        ({"approve": ["unread"], "settle": ["two"]}, ["SKIP"]),
        ({"approve": ["unread", "two"]}, ["PASS"]),
        ({"settle": ["one"]}, ["WARN"]),
        ({"settle": ["two"], "request": ["none"]}, ["WARN"]),
        ({"effect": "deny", "request": ["two"]}, ["PASS"]),
        ({"effect": "deny", "request": ["unread"]}, ["SKIP"]),
    ],
)
def test_a_rule_needs_somebody_besides_the_one_who_asks(rule: dict[str, Any], expected: list[str]) -> None:
    """To approve and to settle; whom Slack would not name is no verdict, and two are always enough."""
    groups = {
        "two": group("two", "U1", "U2"),
        "one": group("one", "U3"),
        "none": group("none"),
        "unread": group("unread", unread=("Slack would not say",)),
    }
    made = Rule.model_validate({"name": "x", "actions": ["cancel_call"], **rule})
    assert [one.result for one in about_rule(made, groups)] == expected


def user(id_: str, **marks: object) -> SlackAnswer:
    """Return Slack's answer about somebody in the workspace."""
    return SlackAnswer(
        {"user": {"id": id_, "team_id": "T0", "name": id_.lower(), "tz": "Asia/Kolkata", **marks}}, NOW
    )


def test_whom_the_file_names_is_the_files_fault_and_whom_slack_names_is_slacks() -> None:
    """A guest in the file is wrong, one in a user group a warning; those who were left out are counted."""
    user_groups = {
        "S1": SlackAnswer({"users": ["U3", "U4", "U5"]}, NOW),
        "S2": SlackAnswer({"users": []}, NOW),
    }
    people = {"U1": user("U1"), "U2": user("U2", is_restricted=True), "U3": user("U3", is_restricted=True)}
    found = look_at("managers", ["U1", "U2", "S1", "S2"], user_groups, people, Workspace("T0"))
    assert found.fit == {"U1"}
    said = {(one.result, one.message) for one in about_group(found)}
    assert said == {
        ("FAIL", "U2 (u2) is a guest."),
        ("WARN", "U3 (u3) is a guest."),
        ("FAIL", "S2 is a user group without members."),
        ("SKIP", "Not checked, because we ask Slack about 3 people at most, so 2 weren't checked."),
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, ["PASS"]),
        ({"enterprise_id": None}, ["PASS"]),
        ({"enterprise_id": "E0"}, ["PASS"]),
        ({"enterprise_id": "E0", "is_enterprise_install": True}, ["PASS", "WARN"]),
    ],
)
def test_an_enterprise_grid_organisation_is_named(answer: dict[str, Any], expected: list[str]) -> None:
    """An organisation stands behind the workspace; an app of the whole organisation is worth a warning."""
    known = {"user": "callops", "team": "Acme", "team_id": "T0"}
    found = [*about_tokens(SlackAnswer(known | answer, NOW), None, "https://slack.com/api/")]
    assert [one.result for one in found] == expected
    assert ("Enterprise Grid organisation E0" in found[0].message) == bool(answer.get("enterprise_id"))


def test_colleagues_of_a_grid_can_act() -> None:
    """Any workspace may be their home; people of another organisation cannot act."""
    grid = {"enterprise_id": "E0", "teams": ["T1", "T0"]}
    people = {
        "U1": user("U1", team_id=None, enterprise_user=grid),
        "U2": user("U2", team_id="T1", enterprise_user=grid),
        "U3": user("U3", team_id="E0"),
        "U4": user("U4", team_id="T0", enterprise_user=None),
        "U5": user("U5", team_id="T9", enterprise_user={"enterprise_id": "E9", "teams": ["T9"]}),
        "U6": user("U6", team_id=None),
        "U7": user("U7", is_stranger=True, enterprise_user=grid),
    }
    found = look_at("managers", [*people], {}, people, Workspace("T0", "E0"))
    assert found.fit == {"U1", "U2", "U3", "U4"}
    assert {why.partition(") ")[2] for why in found.unfit.values()} == {"is from another organisation"}


@pytest.mark.parametrize(
    ("zone", "expected"), [("Asia/Kolkata", "PASS"), ("Mars/Olympus", "FAIL"), ("Asia", "FAIL")]
)
def test_peoples_zones(zone: str, expected: str) -> None:
    """A zone that is not known here is one in which no typed time can be read."""
    person = Person(
        "U1", "T0", "asha", zone, bot=False, deleted=False, guest=False, is_external=False, read_at=NOW
    )
    assert about_zones(iter([person])).result == expected


def test_it_reads_top_down_and_ends_with_what_it_comes_to(capsys: pytest.CaptureFixture[str]) -> None:
    """A verdict, what was checked, what is so, below it what to do; and one line that says whether to go on."""
    findings = [ok("log", "It is there."), wrong("clock", "It is slow.", "Set it."), skipped("scopes", "x")]
    say(*as_lines([*findings, warning("disk", "It is full.", "Make room.")]))
    assert capsys.readouterr().out.splitlines() == [
        "PASS  log     It is there.",
        "FAIL  clock   It is slow.",
        "      → Set it.",
        "SKIP  scopes  Not checked, because x.",
        "WARN  disk    It is full.",
        "      → Make room.",
        "",
        "1 thing is wrong (FAIL), 1 to check (WARN), 1 not checked (SKIP).",
    ]
    assert as_lines(findings[:1])[-1] == "Nothing is wrong."
