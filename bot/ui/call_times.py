"""Times of a call for one reader: on the reader's clock, on the customer's, and a warning at night."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from whenever import TimeZoneNotFoundError

from bot.policy import recipient_clock, timezones
from bot.services.pending import number_of
from bot.slack.blocks import Message, with_markup
from bot.text.clocks import clock, time_of_day
from bot.text.formatting import listed
from bot.text.markup import when
from providers import phone
from providers.actions import Kind
from providers.masking import NO_REGION
from providers.phone import Phone
from storage.models import Request

_BOTH_CLOCKS = re.compile(
    r"(?P<time><!date\^(?P<at>\d+)\^[^<>]*>) \((?P<customers>\d{1,2}:\d\d [AP]M) [^\s()]+\)"
)
"""A time that Slack shows in the reader's zone, and the same on the clock of the called number."""
MAX_PLACES = 3
"""Places of a number that a warning names."""


def for_reader(at: datetime, zone: str, now: datetime) -> str:
    """Return a time as literal text in a reader's zone. If Slack told no zone, Slack fills it in."""
    try:
        return clock(at, zone, now=now)
    except TimeZoneNotFoundError:
        return when(at)


def for_customer(to: Phone, at: datetime, zone: str | None, reader: str) -> str:
    """Return the same time on the customer's clock, or an empty text if it doesn't differ or isn't known."""
    theirs = recipient_clock.only_clock(recipient_clock.zones(to, zone), at)
    if theirs is None:
        return ""
    local = at.astimezone(ZoneInfo(theirs))
    try:
        if clock(at, theirs).rpartition(" ")[0] == clock(at, reader).rpartition(" ")[0]:
            return ""
    except TimeZoneNotFoundError:
        pass
    where = timezones.place(theirs, region=to.region, country=to.country)
    return f"{_shown(local)} for the customer, {where}"


def on_clock(message: Message, zone: str) -> Message:
    """Return a message for one reader. The customer's clock is left out where the reader's shows the same."""

    def told(found: re.Match[str]) -> str:
        own = time_of_day(datetime.fromtimestamp(int(found["at"]), UTC), zone)
        return found["time"] if own.rpartition(" ")[0] == found["customers"] else found[0]

    try:
        text = _BOTH_CLOCKS.sub(told, message.text)
        blocks = with_markup(message.blocks, lambda one: _BOTH_CLOCKS.sub(told, one))
    except TimeZoneNotFoundError:
        return message
    return replace(message, text=text, blocks=blocks)


def night_warning(number: str, at: datetime, zone: str | None = None) -> str:
    """Return a warning about a call between 21:00 and 8:00 at the customer's, or an empty text."""
    try:
        to = phone.read(number, default_region=NO_REGION, premium=True)
    except phone.InvalidNumberError:
        return ""
    nights = recipient_clock.nights(to, at, zone)
    if not nights:
        return ""
    shown = listed([f"{_shown(local)} in {where}" for where, local in nights[:MAX_PLACES]], "or")
    more = ", and other places" if len(nights) > MAX_PLACES else ""
    several = len(recipient_clock.zones(to, zone)) > 1
    return f"⚠️ *Night for the customer:* {'it may be ' if several else ''}{shown}{more}."


def night_of(request: Request) -> str:
    """Return the warning for the call of a request, or an empty text. Its time may be the request's own."""
    first = request.actions[0]
    number = number_of(first.action)
    if number is None or (first.kind is not Kind.PLACE_CALL and request.new_time is None):
        return ""
    at = request.new_time or first.scheduled_for
    warning = night_warning(number, at or request.asked_at, request.zone)
    return warning if at or not warning else f"{warning.removesuffix('.')} when requested."


def _shown(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M %p}"
