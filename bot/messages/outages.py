"""What is said of a provider that is left alone: it is down, it is back, what waits for it. Pure."""

from bot.blocks import Message, section, when
from storage.entries import Standstill


def why_waiting(standstill: Standstill) -> str:
    """What holds a request up, and until when, for everybody who reads of it."""
    name, at = standstill.connection, when(standstill.until)
    if standstill.why == "asked":
        return f"{name} asked us to wait, next try {at}"
    return f"{name} does not answer, next try {at}"


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
