"""What people read who decide a request, or say what became of an unknown, and what shows it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Evidence(StrEnum):
    """What shows it."""

    SCREEN = "screen"
    CUSTOMER = "customer"
    SUPPORT = "support"
    NONE = "none"
    """Nobody can tell: enough to order another attempt, and for nothing else."""


NOT_YOURS_TO_DECIDE = "Not for you to decide"
NOT_YOURS_TO_SEE = "Not for you to see"
NOT_YOURS_TO_SAY = "Not for you to say"
NOT_DONE = "Not done"
NOTHING_LEFT = "Nothing left to decide"

OTHER_CAMPAIGN = "This is not the campaign above. Compare the two, then type it again."
NAMESAKE = "Another campaign has the same name or nearly so. Type the id of the campaign above."

REASON_MISSING = "Write how you know: it stays in the log."
EVIDENCE_MISSING = (
    "Say what shows it. If nothing does, close this and ask the provider, or choose to send it again."
)
EVIDENCE: Final[Mapping[Evidence, str]] = {
    Evidence.SCREEN: "The provider's own screen",
    Evidence.CUSTOMER: "The customer",
    Evidence.SUPPORT: "The provider's support",
    Evidence.NONE: "Nothing: nobody can tell",
}
"""What a person chooses from."""
SHOWN_BY: Final[Mapping[Evidence, str]] = {
    Evidence.SCREEN: "The provider's own screen shows it.",
    Evidence.CUSTOMER: "The customer says so.",
    Evidence.SUPPORT: "The provider's support says so.",
}
"""What is told of the evidence, in channels and in the log; `replies` knows it again by these words."""
