"""Whether a call may be placed at all: what its rule wants said of it, calling hours, stops. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot import hours
from bot.hours import RECIPIENT, Hours
from bot.rules import Rule
from bot.settings import Settings
from providers import phone
from providers.actions import Code, PlaceCall, Refused
from providers.phone import Phone
from storage.entries import Stop

SAID_MISSING = {
    "purpose": "The rule for this wants to know what the call is for: add purpose=.",
    "consent": "The rule for this wants to know where consent is on record: add consent=.",
}


class NotNow(Refused):
    """A call that may not go out when it should; ``then`` (aware) is when it may, if that is known."""

    def __init__(self, closed: hours.Closed) -> None:
        super().__init__(closed.message, code=Code.COMPLIANCE_BLOCKED, field=closed.field)
        self.then = closed.then


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
    for name, message in SAID_MISSING.items():
        if rule and getattr(rule, name) == "required" and not said[name]:
            raise Refused(message, field=name)
    named = [rule.calling_hours if rule else None, settings.connections[connection].calling_hours]
    if not any(named):
        return
    try:
        to = phone.read(call.to, default_region=settings.slack.default_region, premium=True)
    except phone.PhoneFault as fault:
        raise Refused(str(fault), field="to") from fault
    for keep in _hours(named, settings, to):
        if closed := hours.keeps(keep, call, to, zone=zone, now=now, connection_zone=connection_zone):
            raise NotNow(closed)


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
            raise Refused(
                f"No calling hours are known for {where}, and this call must keep some. Whoever runs CallOps "
                "can write them down.",
                code=Code.COMPLIANCE_BLOCKED,
                field="to",
            )
        yield settings.hours[country]


def stopped(stops: Sequence[Stop]) -> str:
    """Why a number is not called, without anybody's name: for the log."""
    first = stops[0]
    if first.list is not None:
        return f"This number is on the do-not-call list {first.list} ({first.id}), so no call was placed."
    return f"Calls to this number were stopped on {_day(first.at)} ({first.id}), so no call was placed."


def stopped_by(stops: Sequence[Stop], name: str | None) -> list[str]:
    """The same for the person who wants to call: by whom, and who can change it."""
    first = stops[0]
    if first.list is not None:
        return [stopped(stops), "Whoever runs CallOps keeps that list."]
    who = name or "Somebody"
    told = f"{who} stopped all calls to this number on {_day(first.at)} ({first.id})."
    return [told, "A manager can let them go out again: /calls allow, the number, and the reason."]


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
