"""Why approved actions wait: their provider is down, asked for a pause, or people paused calls."""

from datetime import timedelta

from bot.text.markup import person, quote, when
from bot.text.terminal import program
from bot.text.vocabulary import PAUSED
from providers.actions import Kind
from storage.models import ConnectionOutage, Pause

LONG = timedelta(minutes=15)
"""A wait that is long enough for people to shorten it."""
_TRIED = {
    Kind.CANCEL_CALL: "CallOps retries a cancellation every 15 minutes. ",
    Kind.DELETE_CAMPAIGN: "CallOps retries a deletion every 15 minutes. ",
}


def why_waiting(outage: ConnectionOutage) -> str:
    """Return why a connection's requests wait, and until when."""
    state = "asked us to wait" if outage.reason == "rate_limited" else "is down"
    return f"{outage.connection} {state}. Next try: {when(outage.until)}"


def what_to_do(outage: ConnectionOutage, kind: Kind) -> str:
    """Return how people can shorten a long wait for a rate limit, or an empty text for other waits."""
    if outage.reason != "rate_limited" or outage.until - outage.since <= LONG:
        return ""
    tried = _TRIED.get(kind, "")
    retry = f"`{program()} retry-connection {outage.connection}`"
    return f"{tried}Your CallOps admin can retry now: {retry}. Or use the provider's dashboard."


def paused(pause: Pause) -> str:
    """Return who paused calls, why, and until when."""
    return f"*Paused by {person(pause.by)}*{_why(pause)}"


def paused_line(pause: Pause) -> str:
    """Return a pause as a line under what it holds back."""
    return f"{PAUSED} {paused_since(pause)}"


def paused_since(pause: Pause) -> str:
    """Return who paused calls, since when, why, and until when."""
    return f"Paused by {person(pause.by)} since {when(pause.at)}{_why(pause)}"


def _why(pause: Pause) -> str:
    why = f": {quote(pause.reason)}" if pause.reason else ""
    until = f", until {when(pause.until)}" if pause.until else ""
    return f"{why}{until}"
