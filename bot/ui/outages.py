"""What is said of a provider that is left alone: it is down, it is back, what waits for it. Pure."""

from datetime import timedelta

from bot.slack.blocks import Message, section, when
from providers.actions import Kind
from storage.entries import Standstill

LONG = timedelta(minutes=15)
"""A wait that people may want to cut short."""


def why_waiting(standstill: Standstill) -> str:
    """What holds a request up, and until when, for everybody who reads of it."""
    name, at = standstill.connection, when(standstill.until)
    if standstill.why == "asked":
        return f"{name} asked us to wait, next try {at}"
    return f"{name} does not answer, next try {at}"


def what_to_do(standstill: Standstill, kind: Kind) -> str:
    """What people can do about a long wait that the provider asked for; empty where that is soon over."""
    if standstill.why != "asked" or standstill.until - standstill.since <= LONG:
        return ""
    tried = _TRIED.get(kind, "")
    resume = f"`python -m bot resume {standstill.connection}`"
    there = "Or do it on the provider's own screen."
    return f"{tried}Whoever runs CallOps can have it tried at once: {resume}. {there}"


_TRIED = {
    Kind.CANCEL_CALL: "Meanwhile CallOps tries a cancellation every 15 minutes. ",
    Kind.DELETE_CAMPAIGN: "Meanwhile CallOps tries a deletion every 15 minutes. ",
}


def told(standstill: Standstill) -> Message:
    """What the audit channel reads: one message, edited when it is over."""
    name, since = standstill.connection, when(standstill.since)
    text = (
        f"🔌 *{name} does not answer* since {since}. CallOps waits, and tries again by itself at least "
        "every 5 minutes. What waits for it is sent then, if it is still in time: nobody needs to ask "
        "again."
    )
    if standstill.ended:
        text = (
            f"✅ *{name} answers again* since {when(standstill.ended)}. It did not answer from {since} "
            "until then. What waited for it is being sent."
        )
    return Message(text, [section(text)])
