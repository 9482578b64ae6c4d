"""Whether a call may be placed at all: what its rule wants said of it, calling hours, stops. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.config.settings import Settings
from bot.policy import calling_hours
from bot.policy.calling_hours import RECIPIENT, Hours
from bot.policy.rules import Rule
from bot.text import do_not_call, policy_reasons
from providers import phone
from providers.actions import Code, PlaceCall, Refused
from providers.phone import Phone
from storage.models import Stop

_MISSING = {"purpose": policy_reasons.PURPOSE_MISSING, "consent": policy_reasons.CONSENT_MISSING}


class NotNow(Refused):
    """A call that may not go out when it should.

    ``then`` (aware) is when it may, if that is known; ``zone`` the time zone to write instead.
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
    """Raise `Refused` for a call of which something is not said, or `NotNow` outside calling hours.

    ``zone`` is the recipient's, as somebody said it; ``connection_zone`` that of the call's times of day.
    """
    said = {"purpose": purpose, "consent": consent}
    for name, message in _MISSING.items():
        if rule and getattr(rule, name) == "required" and not said[name]:
            raise Refused(message, field=name)
    check_zone(call, settings, zone)
    named = [rule.calling_hours if rule else None, settings.connections[connection].calling_hours]
    if not any(named):
        return
    to = _recipient(call, settings)
    for keep in _hours(named, settings, to):
        if closed := calling_hours.keeps(keep, call, to, zone=zone, now=now, connection_zone=connection_zone):
            raise NotNow(closed)


def check_zone(call: PlaceCall, settings: Settings, zone: str | None) -> None:
    """Raise `NotNow` for a zone that the number of a call cannot be in, whether or not hours are kept."""
    if zone and (other := calling_hours.other_zone(_recipient(call, settings), zone)):
        raise NotNow(other)


def _recipient(call: PlaceCall, settings: Settings) -> Phone:
    try:
        return phone.read(call.to, default_region=settings.slack.default_region, premium=True)
    except phone.PhoneFault as fault:
        raise Refused(str(fault), field="to") from fault


def _hours(named: Sequence[str | Hours | None], settings: Settings, to: Phone) -> Iterator[Hours]:
    """The hours that are to be kept. Raises `Refused` where none are known for the recipient's country."""
    for one in named:
        if one is None:
            continue
        if isinstance(one, Hours):
            yield one
            continue
        country = to.region if one == RECIPIENT else one
        if country is None or country not in settings.hours:
            where = to.country if one == RECIPIENT else one
            raise Refused(do_not_call.none_known(where), code=Code.COMPLIANCE_BLOCKED, field="to")
        yield settings.hours[country]


def stopped(blocking: Sequence[Stop]) -> str:
    """Why a number is not called, without anybody's name: for the log."""
    first = blocking[0]
    if first.list is not None:
        return do_not_call.on_list(first.list, first.id)
    return do_not_call.blocked(first.at, first.id)


def stopped_by(blocking: Sequence[Stop], name: str | None) -> list[str]:
    """The same for the person who wants to call: by whom, and who can change it."""
    first = blocking[0]
    if first.list is not None:
        return [stopped(blocking), do_not_call.KEPT_BY]
    return [do_not_call.blocked_by(name, first.at, first.id), do_not_call.HOW_TO_LIFT]
