"""What the rules look at in an action: above all, the countries of its numbers. Pure."""

from collections.abc import Iterable
from datetime import datetime

from bot.policy.engine import Wanted
from providers import phone
from providers.actions import CallAction, CallRef, CancelCall, Kind, NumberRef, PlaceCall
from storage.models import Request

NO_REGION = "ZZ"
"""CLDR's unknown region: numbers that were accepted begin with their country's code."""


def country(number: str) -> str | None:
    """The country of a number (E.164) as two capital letters; None for a number of no country."""
    try:
        return phone.read(number, default_region=NO_REGION, premium=True).region
    except phone.PhoneFault:
        return None


def countries(actions: Iterable[CallAction | None]) -> frozenset[str | None]:
    """The countries of what actions are aimed at; None among them where one is not known."""
    found: set[str | None] = set()
    for action in actions:
        match action:
            case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
                found.add(country(to))
            case CancelCall(target=CallRef()) | None:
                found.add(None)
            case _:
                pass  # a campaign has no number
    return frozenset(found)


def wanted(
    connection: str,
    kind: Kind,
    actions: Iterable[CallAction | None],
    *,
    at: datetime,
    channel: str | None,
    reason: str | None,
) -> Wanted:
    """What somebody asks for, as the rules see it."""
    return Wanted(kind, connection, at, channel, countries(actions), reason)


def wanted_by(request: Request) -> Wanted:
    """What a request asks for, as the rules saw it when it was asked."""
    return wanted(
        request.connection,
        request.kind,
        [entry.action for entry in request.entries],
        at=request.asked_at,
        channel=request.channel,
        reason=request.reason,
    )
