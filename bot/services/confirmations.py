"""The short word where something was asked, once it is done. Pure.

Only a channel gets one: who asked in a direct message hears by direct message, and the audit and approvals
channels have messages of their own. Slack refuses it where the app is not a member, and that is that.
"""

from collections.abc import Sequence

from bot.config.settings import Settings
from storage.entries import Move, Post, Request
from storage.lifecycle import State

ORIGIN = "origin"
"""Where something was asked: one message for each request."""
_CHANNELS = ("C", "G")
"""What the ids of channels begin with; a direct message's is D."""


def confirmation(settings: Settings, request: Request, moves: Sequence[Move]) -> tuple[Post, ...]:
    """The post that tells the channel it was asked in, where moves make something of it done."""
    elsewhere = {settings.slack.approvals_channel, settings.audit_channel(request.connection)}
    wanted = (
        settings.slack.confirm_in_channel
        and request.channel is not None
        and request.channel.startswith(_CHANNELS)
        and request.channel not in elsewhere
        and any(move.after is State.SUCCEEDED for move in moves)
    )
    return (Post("state", ORIGIN),) if wanted else ()
