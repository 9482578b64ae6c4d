"""The people one can play on the page, and the page's own words for people and channels."""

from typing import Final

CAST: Final[dict[str, str]] = {
    "U0AGENT": "Agent",
    "U0MANAGER": "Manager",
    "U0SECOND": "Manager",
    "U0AUDITOR": "Auditor",
    "U0GUEST": "Guest",
}
"""The people one can play, with their roles. The ids are those of `content.WORKSPACE`."""

PURPOSES: Final[dict[str, str]] = {
    "C0GENERAL": "Company-wide talk",
    "C0AUDIT": "What became of every request",
    "C0APPROVE": "What waits for a manager",
    "C0SUPPORT": "Where agents work, and type their commands",
}
"""The text beside a channel's name."""

FIRST_CHANNEL: Final = "C0SUPPORT"
"""The channel that is open at first. Everybody is a member."""
