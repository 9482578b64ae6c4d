"""How much each gate plays, and the one seed of all that is random in them."""

import os
import random
from typing import Final

SEED: Final = 20261121
"""Printed with every failure and in the soak's table: with it, the same faults are played again."""
VARIABLE: Final = "CALLOPS_GATES"
"""By how much every amount is multiplied: 0.3 in `make test`, 1 in `make gates`, 10 in `make soak`."""
SCALE: Final = float(os.environ.get(VARIABLE) or 1)


def scaled(amount: int) -> int:
    """So many, times what the environment asks for; at least one."""
    return max(1, round(amount * SCALE))


def dice(gate: str) -> random.Random:
    """A gate's own source of chance: the others' amounts do not move it."""
    return random.Random(f"{SEED} {gate}")  # noqa: S311 - faults, no secrets
