"""Where an entitled person has it from what became of an unknown. Pure."""

from enum import StrEnum


class Evidence(StrEnum):
    """What shows it."""

    SCREEN = "screen"
    CUSTOMER = "customer"
    SUPPORT = "support"
    NONE = "none"
    """Nobody can tell: enough to order another attempt, and for nothing else."""
