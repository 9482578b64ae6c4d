import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import calling_hours, timezones
from bot.policy.calling_hours import Closed, Hours, Window
from providers import phone
from providers.actions import PlaceCall
from tests.bot.parsing.test_times import MOST_STEPS, steps

CHICAGO, LONDON, TOLL_FREE, AUSTRALIAN = "+13125550123", "+442079460123", "+18002345678", "+61412345678"
INDIAN, PARISIAN, MUSCOVITE, FREEPHONE = "+919876543210", "+33142345678", "+79161234567", "+80012345678"
KNOWN = calling_hours.known()


def keeps(
    number: str,
    country: str,
    at: str,
    *,
    zone: str | None = None,
    placed_now: bool = True,
    call: Mapping[str, object] | None = None,
) -> Closed | None:
    """Check a call at a time in UTC against calling hours."""
    then = datetime.fromisoformat(at).replace(tzinfo=UTC)
    read = phone.read(number, default_region="IN")
    wanted = PlaceCall.model_validate(
        {"to": read.e164, "agent": "a", "at": None if placed_now else then, **(call or {})}
    )
    return calling_hours.keeps(
        KNOWN[country], wanted, read, zone=zone, now=then, connection_zone="Asia/Kolkata"
    )


@pytest.mark.parametrize(
    ("number", "country", "at", "zone", "message", "then"),
    [
        # Chicago is at -6 in winter and -5 in summer, so the same time in UTC is in hours or out of them.
        (CHICAGO, "US", "2026-01-15T13:30", None, "It's 7:30 AM in Chicago.", "2026-01-15T08:00-06:00"),
        (CHICAGO, "US", "2026-07-15T13:30", None, None, None),
        (CHICAGO, "US", "2026-07-16T02:00", None, "It's 9:00 PM in Chicago.", "2026-07-16T08:00-05:00"),
        (CHICAGO, "US", "2026-07-16T01:59", None, None, None),
        # In the night in which clocks go forward, 8:00 comes an hour sooner.
        (CHICAGO, "US", "2026-03-08T05:00", None, "It's 11:00 PM in Chicago.", "2026-03-08T08:00-05:00"),
        (CHICAGO, "US", "2026-11-01T05:00", None, "It's 12:00 AM in Chicago.", "2026-11-01T08:00-06:00"),
        (INDIAN, "IN", "2026-11-21T03:29", None, "It's 8:59 AM in India.", "2026-11-21T09:00+05:30"),
        (INDIAN, "IN", "2026-11-21T03:30", None, None, None),
        (PARISIAN, "FR", "2026-11-23T12:10", None, "It's 1:10 PM in France.", "2026-11-23T14:00+01:00"),
        (PARISIAN, "FR", "2026-11-21T10:00", None, "It's 11:00 AM in France.", "2026-11-23T10:00+01:00"),
        (AUSTRALIAN, "AU", "2026-11-21T02:00", "Australia/Perth", None, None),
        (
            AUSTRALIAN,
            "AU",
            "2026-11-21T09:30",
            "Australia/Perth",
            "It's 5:30 PM in Perth.",
            "2026-11-23T09:00+08:00",
        ),
    ],
)
def test_a_call_goes_out_in_hours_by_the_clock_of_whoever_is_called(
    number: str, country: str, at: str, zone: str | None, message: str | None, then: str | None
) -> None:
    """The clock of the called person counts. A refusal gives the local time, and the next allowed time."""
    closed = keeps(number, country, at, zone=zone)
    if message is None or then is None:
        assert closed is None
        return
    assert closed
    assert (closed.field, closed.message.startswith(message)) == ("at", True), closed.message
    assert closed.then == datetime.fromisoformat(then)
    assert closed.then.isoformat(timespec="minutes") == then


@pytest.mark.parametrize(
    ("number", "at", "asked"),
    [
        (TOLL_FREE, "2026-11-21T16:00", "may be in 42 time zones: America/Adak, America/Anchorage"),
        (AUSTRALIAN, "2026-11-21T02:00", "may be in 8 time zones: Australia/Adelaide"),
        (MUSCOVITE, "2026-11-21T10:00", "may be in 16 time zones"),
        (FREEPHONE, "2026-11-21T10:00", "This number's time zone is unknown."),
    ],
)
def test_a_number_that_may_be_in_zones_far_apart_is_asked_about(number: str, at: str, asked: str) -> None:
    """No zone is guessed at any time: the answer names a key to add."""
    closed = keeps(number, "US", at)
    assert closed
    assert (closed.field, closed.then) == ("zone", None)
    assert asked in closed.message
    assert "like zone=" in closed.message


@pytest.mark.parametrize(
    ("number", "zone", "says", "suggestion"),
    [
        # A number with a single zone: any other zone is wrong, whatever its clock shows.
        (INDIAN, "America/New_York", "is in Asia/Kolkata, not America/New_York", "Asia/Kolkata"),
        (INDIAN, "Asia/Colombo", "is in Asia/Kolkata, not Asia/Colombo", "Asia/Kolkata"),
        (CHICAGO, "America/New_York", "is in America/Chicago, not America/New_York", "America/Chicago"),
        (CHICAGO, "UTC", "is in America/Chicago, not UTC", "America/Chicago"),
        (LONDON, "Etc/GMT+5", "is in Europe/London, not Etc/GMT+5", "Europe/London"),
        (PARISIAN, "EST5EDT", "is in Europe/Paris, not EST5EDT", "Europe/Paris"),
        # A number with several zones: only those are right.
        (TOLL_FREE, "Asia/Tokyo", "of 42 time zones, not Asia/Tokyo: America/Adak", None),
        (AUSTRALIAN, "Asia/Singapore", "of 8 time zones, not Asia/Singapore: Australia/", None),
        (MUSCOVITE, "Etc/GMT-3", "of 16 time zones, not Etc/GMT-3: ", None),
    ],
)
def test_a_zone_that_the_number_cannot_be_in_is_a_fault(
    number: str, zone: str, says: str, suggestion: str | None
) -> None:
    """The zone is a fault even if the clocks there show an allowed hour."""
    closed = keeps(number, "US", "2026-11-21T18:00", zone=zone)
    assert closed
    assert (closed.field, closed.suggestion, closed.then) == ("zone", suggestion, None)
    assert says in closed.message, closed.message


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        (INDIAN, "Asia/Calcutta"),
        (INDIAN, "Asia/Kolkata"),
        (CHICAGO, "US/Central"),
        (TOLL_FREE, "US/Eastern"),
        (TOLL_FREE, "America/Chicago"),
        (AUSTRALIAN, "Australia/West"),
        (FREEPHONE, "America/Chicago"),
    ],
)
def test_a_zone_that_the_number_may_be_in_counts_by_any_of_its_names(number: str, zone: str) -> None:
    """A number whose plan gives no zone allows every zone."""
    closed = keeps(number, "US", "2026-11-21T04:00", zone=zone)
    assert closed is None or closed.field == "at"


def test_zones_within_an_hour_must_all_allow_it() -> None:
    """If the zones of a number differ by an hour at most, no zone is asked for and the hours of each hold."""
    read = phone.Phone("+15550001", "US", "United States", "+1 555", ("America/Chicago", "America/New_York"))
    call = PlaceCall(to=CHICAGO, agent="a")

    def check(at: str) -> Closed | None:
        then = datetime.fromisoformat(at).replace(tzinfo=UTC)
        return calling_hours.keeps(KNOWN["US"], call, read, zone=None, now=then, connection_zone=None)

    early, late = check("2026-11-21T13:30"), check("2026-11-22T02:30")
    assert early
    assert "It's 7:30 AM in Chicago." in early.message
    assert early.then == datetime(2026, 11, 21, 14, tzinfo=UTC)
    assert late
    assert "It's 9:30 PM in New York." in late.message
    assert check("2026-11-21T14:00") is None


def test_a_scheduled_call_is_checked_for_its_own_time() -> None:
    """The current time does not matter to a scheduled call."""
    closed = keeps(CHICAGO, "US", "2026-11-22T04:00", placed_now=False)
    assert closed
    assert closed.message.startswith("That's Sat 10:00 PM in Chicago.")


@pytest.mark.parametrize(
    ("number", "call", "field", "says"),
    [
        (INDIAN, {"retries": 2}, "latest", "Add from=09:00 until=21:00 (Asia/Kolkata time)."),
        (INDIAN, {"retries": 2, "earliest": "09:00", "latest": "21:00"}, None, ""),
        (INDIAN, {"retries": 2, "earliest": "09:00", "latest": "21:30"}, "latest", "from 9:00 AM to 9:00 PM"),
        (INDIAN, {"earliest": "08:00"}, "earliest", "Add from=09:00"),
        (INDIAN, {"retries": 0}, None, ""),
        (INDIAN, {"earliest": "09:00", "latest": "21:00", "carry_over": True}, None, ""),
        (CHICAGO, {"retries": 2}, "latest", "Leave out retries=, from= and until=."),
    ],
)
def test_retries_keep_the_hours_too(
    number: str, call: dict[str, object], field: str | None, says: str
) -> None:
    """The provider retries by the connection's clock, so all hours from `from=` to `until=` are checked."""
    at = {INDIAN: "2026-11-21T08:00", CHICAGO: "2026-11-21T18:00"}[number]
    closed = keeps(number, {INDIAN: "IN", CHICAGO: "US"}[number], at, call=call)
    assert (closed.field if closed else None) == field
    assert not closed or says in closed.message


def test_carrying_over_to_a_day_without_hours_is_refused() -> None:
    """France has no hours on the day after Friday."""
    closed = keeps(
        PARISIAN, "FR", "2026-11-20T15:00", call={"earliest": "18:30", "latest": "23:30", "carry_over": True}
    )
    assert closed
    assert closed.field == "carry_over"


@given(st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)), st.sampled_from(sorted(KNOWN)))  # noqa: DTZ001 - made aware below
def test_the_next_time_is_one_when_it_may_go_out(at: datetime, country: str) -> None:
    """On any day, the proposed time is accepted and no earlier time is."""
    at = at.replace(tzinfo=UTC)
    zone = {"IN": "Asia/Kolkata", "US": "America/New_York", "CA": "America/St_Johns"}.get(
        country, "Europe/Paris"
    )
    keep, local = KNOWN[country], at.astimezone(ZoneInfo(zone))
    if keep.open_at(local):
        return
    then = next(keep.starts(local))
    assert keep.open_at(then.astimezone(UTC).astimezone(ZoneInfo(zone)))
    assert local < then
    half = local + timedelta(minutes=15)
    while half.astimezone(UTC) < then.astimezone(UTC):
        assert not keep.open_at(half.astimezone(UTC).astimezone(ZoneInfo(zone)))
        half += timedelta(minutes=15)


def test_days_on_which_the_same_hours_hold_are_said_together() -> None:
    """The hours may be written as a single window or as several."""
    apart = [{"from": "9:00", "until": "12:00", "days": day} for day in ("Mon", "Wed")]
    said = calling_hours.setting([*apart, {"from": "14:00", "until": "24:00", "days": "Fri-Sun"}])
    assert isinstance(said, Hours)
    assert said.words() == "Mon and Wed from 9:00 AM to 12:00 PM and Fri to Sun from 2:00 PM to 12:00 AM"


def test_every_country_says_what_its_hours_were_read_from() -> None:
    """Each country names its source with an address and a date, and has at least one window."""
    for country, keep in KNOWN.items():
        assert country in phone.REGIONS
        assert keep.windows
        assert "https://" in keep.source
        assert "2026-" in keep.source


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("IN", "IN"),
        ("recipient", "recipient"),
        ({"from": "9:00", "until": "18:00"}, Hours((Window(frozenset(range(7)), 540, 1080),))),
        (
            {"from": "9:00", "until": "24:00", "days": "Sat-Mon"},
            Hours((Window(frozenset({5, 6, 0}), 540, 1440),)),
        ),
        (
            [{"from": "9:00", "until": "12:00", "days": "Mon, wed"}],
            Hours((Window(frozenset({0, 2}), 540, 720),)),
        ),
        ("India", "write a country"),
        (9, "write a country"),
        ({"from": "9", "until": "18:00"}, "write an hour and minutes"),
        ({"from": "24:30", "until": "25:00"}, "write an hour and minutes"),
        ({"from": "18:00", "until": "9:00"}, "from comes before until"),
        ({"from": "9:00", "until": "18:00", "days": "weekdays"}, "write days as"),
        ({"from": "9:00", "until": "18:00", "zone": "UTC"}, "there is no key zone"),
    ],
)
def test_hours_are_configured_in_a_few_forms(value: object, meant: object) -> None:
    """Calling hours are a country, the recipient's country, or windows. Anything else is a fault."""
    if isinstance(meant, str) and meant not in {"IN", "recipient"}:
        with pytest.raises(ValueError, match=meant):
            calling_hours.setting(value)
    else:
        assert calling_hours.setting(value) == meant


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("America/Chicago", "America/Chicago"),
        ("america/chicago", "America/Chicago"),
        ("chicago", "America/Chicago"),
        ("New York", "America/New_York"),
        ("US/Central", "America/Chicago"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_read_by_its_name_or_its_city(typed: str, zone: str) -> None:
    """Retired zone names are shown as the current ones."""
    assert timezones.read(typed) == zone


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Amerika/Chicago", "America/Chicago"),
        ("IST", None),
        ("9", None),
        ("Etc/GMT+5", None),
        ("Etc/UCT", None),
        ("EST5EDT,M3.2.0,M11.1.0", None),
        ("<+0530>-5:30", None),
        ("../../etc/passwd", None),
        ("x" * 5000, None),
    ],
)
def test_what_is_no_zone_is_a_fault(typed: str, meant: str | None) -> None:
    """The fault suggests a zone. "IST" is a time in three countries, and an offset is no zone."""
    with pytest.raises(timezones.InvalidZoneError, match="isn't a time zone") as fault:
        timezones.read(typed)
    assert fault.value.suggestion == meant
    assert len(str(fault.value)) < 200


@pytest.mark.parametrize(
    "typed", ["a" * 64, "america/" * 8, "ameriac/chicaog", "aivadavirdomoc/anitnegra/acirema", " a" * 32]
)
def test_no_text_costs_more_than_so_many_steps_to_tell_a_zone(typed: str) -> None:
    """A longer text is refused before it is compared with any name."""

    def reads(text: str) -> None:
        with contextlib.suppress(timezones.InvalidZoneError):
            timezones.read(text)

    reads("Kolkata")  # loads the tables, which are cached
    assert steps(lambda: reads(typed)) < MOST_STEPS
    assert steps(lambda: reads(typed * 5000)) < 100


def test_every_candidate_of_a_number_has_a_clock() -> None:
    """The zones of every number exist under their canonical names."""
    for number in (CHICAGO, LONDON, TOLL_FREE, AUSTRALIAN, INDIAN, PARISIAN, MUSCOVITE):
        for zone in timezones.canonical_zones(phone.read(number, default_region="IN").time_zones):
            assert ZoneInfo(zone).key == zone
