"""Why a channel takes no message, and what mends it. Pure."""

from collections.abc import Mapping

_RESTRICTED = "restricted_action"
"""There are more codes that begin so: read-only channels, channels for threads only."""

SHUT: Mapping[str, tuple[str, str]] = {
    "is_archived": (
        "the channel is archived",
        "Ask a workspace admin to unarchive it, or whoever runs CallOps to name another channel.",
    ),
    "not_in_channel": ("CallOps is not in that channel", "Type `/invite @CallOps` there."),
    "channel_not_found": (
        "CallOps cannot see that channel",
        "If you see it, type `/invite @CallOps` there. If not, ask whoever runs CallOps to name another one.",
    ),
    _RESTRICTED: (
        "CallOps may not post there",
        "Ask a workspace admin to let apps post in that channel.",
    ),
}
"""By Slack's code: docs.slack.dev/reference/methods/chat.postMessage."""


def why_shut(code: str) -> tuple[str, str]:
    """Why a channel cannot be posted to, and what mends it."""
    if code.startswith(_RESTRICTED):
        code = _RESTRICTED
    return SHUT.get(code) or (f"Slack answered `{code}`", "Ask whoever runs CallOps to look at its log.")
