"""Decides whether a call may be placed: required details, calling hours and stops."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.config.settings import Settings
from bot.policy import calling_hours
from bot.policy.calling_hours import RECIPIENT, Hours
from bot.policy.rules import Rule
from bot.text import do_not_call, policy_reasons
from providers import phone
from providers.actions import CannotSendError, Code, PlaceCall
from providers.phone import Phone
from storage.models import DoNotCallEntry

_MISSING = {"purpose": policy_reasons.PURPOSE_MISSING, "consent": policy_reasons.CONSENT_MISSING}


class OutsideCallingHoursError(CannotSendError):
    """A call that may not go out at its time.

    ``then`` (aware) is the next time at which it may, None if unknown. ``zone`` is the time zone to enter
    instead, None if there is no single one.
    """

    def __init__(self, closed: calling_hours.Closed) -> None:
        super().__init__(closed.message, code=Code.COMPLIANCE_BLOCKED, field=closed.field)
        self.then = closed.then
        self.zone = closed.suggestion


def check(  # noqa: PLR0913 - all that it depends on
    call: PlaceCall,
    settings: Settings,
    rule: Rule | None,
    connection: str,
    *,
    purpose: str | None,
    consent: str | None,
    zone: str | None,
    connection_zone: str | None,
    now: datetime,
) -> None:
    """Check that a call has the details its rule requires, and goes out within calling hours.

    Raises `CannotSendError` for missing details, `OutsideCallingHoursError` outside the hours.

    ``zone`` is the recipient's zone, as a user entered it. ``connection_zone`` is the zone of the call's
    earliest and latest time of day.
    """
    said = {"purpose": purpose, "consent": consent}
    for name, message in _MISSING.items():
        if rule and getattr(rule, name) == "required" and not said[name]:
            raise CannotSendError(message, field=name)
    check_zone(call, settings, zone)
    named = [rule.calling_hours if rule else None, settings.connections[connection].calling_hours]
    if not any(named):
        return
    to = _recipient(call, settings)
    for keep in _hours(named, settings, to):
        if closed := calling_hours.keeps(keep, call, to, zone=zone, now=now, connection_zone=connection_zone):
            raise OutsideCallingHoursError(closed)


def check_zone(call: PlaceCall, settings: Settings, zone: str | None) -> None:
    """Raise `OutsideCallingHoursError` for a zone that the number cannot be in. Needs no calling hours."""
    if zone and (other := calling_hours.other_zone(_recipient(call, settings), zone)):
        raise OutsideCallingHoursError(other)


def _recipient(call: PlaceCall, settings: Settings) -> Phone:
    try:
        return phone.read(call.to, default_region=settings.slack.default_region, premium=True)
    except phone.InvalidNumberError as fault:
        raise CannotSendError(str(fault), field="to") from fault


def _hours(named: Sequence[str | Hours | None], settings: Settings, to: Phone) -> Iterator[Hours]:
    """Yield the calling hours that apply. Raise `CannotSendError` if a country has none."""
    for one in named:
        if one is None:
            continue
        if isinstance(one, Hours):
            yield one
            continue
        country = to.region if one == RECIPIENT else one
        if country is None or country not in settings.hours:
            where = to.country if one == RECIPIENT else one
            raise CannotSendError(do_not_call.none_known(where), code=Code.COMPLIANCE_BLOCKED, field="to")
        yield settings.hours[country]


def stopped(blocking: Sequence[DoNotCallEntry]) -> str:
    """Return why a number is blocked, without a person's name, for the log."""
    first = blocking[0]
    if first.list is not None:
        return do_not_call.on_list(first.list, first.id)
    return do_not_call.blocked(first.at, first.id)


def stopped_by(blocking: Sequence[DoNotCallEntry], name: str | None) -> list[str]:
    """Return why a number is blocked, by whom, and who can unblock it, for the requester."""
    first = blocking[0]
    if first.list is not None:
        return [stopped(blocking), do_not_call.KEPT_BY]
    return [do_not_call.blocked_by(name, first.at, first.id), do_not_call.HOW_TO_LIFT]
