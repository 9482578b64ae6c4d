"""Time zones of people, as Slack's user object has them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cli.checks.people import about_zones
from bot.slack.users import Workspace, read_person

HERE = Workspace("T0CALLOPS")
NOW = datetime(2026, 11, 21, 3, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ({"tz": "Asia/Kolkata", "tz_offset": 19800}, "Asia/Kolkata"),
        ({"tz": "Asia/Kolkata"}, "Asia/Kolkata"),
        ({"tz": None, "tz_offset": 19800}, "+05:30"),
        ({"tz": "", "tz_offset": -34200}, "-09:30"),
        ({"tz_offset": 0}, "+00:00"),
        ({"tz": None, "tz_offset": 50400}, "+14:00"),
        ({"tz": None, "tz_label": "Pacific Standard Time", "tz_offset": -28800}, ""),
        ({"tz": None, "tz_label": "Pacific Daylight Time", "tz_offset": -25200}, ""),
        ({"tz": "America/Los_Angeles", "tz_offset": -28800}, "America/Los_Angeles"),
        ({}, ""),
        ({"tz": None, "tz_offset": None}, ""),
        ({"tz": None, "tz_offset": "19800"}, ""),
        ({"tz": None, "tz_offset": True}, ""),
        ({"tz": None, "tz_offset": 19801}, ""),
        ({"tz": None, "tz_offset": 60 * 60 * 30}, ""),
        ({"tz": 19800}, ""),
    ],
)
def test_a_person_has_the_zone_or_else_the_offset_that_slack_gives(said: dict[str, Any], zone: str) -> None:
    """If Slack gives neither, or its own default offset, no zone is made up."""
    assert read_person({"id": "U0AGENT", "name": "asha", **said}, HERE, NOW).timezone == zone


def test_the_check_tells_of_people_whose_zone_is_not_known() -> None:
    """An offset is as good as a zone. Without either, people write the zone with each time."""
    said: list[dict[str, Any]] = [{"tz": "Asia/Kolkata"}, {"tz_offset": 19800}, {"tz": None}]
    people = [
        read_person({"id": f"U{place}", "name": "", **one}, HERE, NOW) for place, one in enumerate(said)
    ]
    assert about_zones(people[:2]).result == "PASS"
    found = about_zones(people)
    assert found.result == "WARN"
    assert "Slack has no time zone for 1 person" in found.message
    wrong = about_zones([*people, read_person({"id": "U4", "name": "x", "tz": "Mars/Olympus"}, HERE, NOW)])
    assert (wrong.result, "Mars/Olympus" in wrong.message) == ("FAIL", True)
