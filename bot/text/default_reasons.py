"""The reasons people choose from where the settings name no others. Words alone: the settings import this."""

from typing import Final

ASKING: Final = ("customer asked", "wrong number", "duplicate", "rescheduled", "campaign stopped")
"""Why something is asked."""

DENYING: Final = (
    "the customer wants this call",
    "wrong number or id",
    "already cancelled",
    "talk to me first",
)
"""Why something is denied."""
