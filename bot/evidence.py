"""Where an entitled person has it from what became of an unknown. Pure."""

from enum import StrEnum


class Evidence(StrEnum):
    """What shows it."""

    SCREEN = "screen"
    CUSTOMER = "customer"
    SUPPORT = "support"
    NONE = "none"
    """Nobody can tell: enough to order another attempt, and for nothing else."""


SHOWN_BY = {
    Evidence.SCREEN: "The provider's own screen shows it.",
    Evidence.CUSTOMER: "The customer says so.",
    Evidence.SUPPORT: "The provider's support says so.",
}
"""What is told of the evidence, in channels and in the log."""
EVIDENCE_MISSING = "Say what shows it. Where nobody can tell, all that can be done is to send it again."
EVIDENCE = {
    Evidence.SCREEN: "The provider's own screen",
    Evidence.CUSTOMER: "The customer",
    Evidence.SUPPORT: "The provider's support",
    Evidence.NONE: "Nothing: nobody can tell",
}
"""What a person chooses from."""
