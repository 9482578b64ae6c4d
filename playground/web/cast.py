"""Whom one can be on the page, and what the page says of people and channels that Slack itself does not."""

from typing import Final

CAST: Final[dict[str, str]] = {
    "U0AGENT": "Agent",
    "U0MANAGER": "Manager",
    "U0SECOND": "Manager",
    "U0AUDITOR": "Auditor",
    "U0GUEST": "Guest",
}
"""Everyone one can be, with what they are at work; ids as in `content.WORKSPACE`."""

PURPOSES: Final[dict[str, str]] = {
    "C0GENERAL": "Company-wide talk",
    "C0AUDIT": "What became of every request",
    "C0APPROVE": "What waits for a manager",
    "C0SUPPORT": "Where agents work, and type their commands",
}
"""What stands beside a channel's name."""

FIRST_CHANNEL: Final = "C0SUPPORT"
"""What is open at first: everybody is in it."""
