"""Amounts that each gate plays, and the seed of all randomness in them."""

import os
import random
from typing import Final

SEED: Final = 20261121
"""Seed of the faults, printed with every failure and in the soak's table.

The same seed plays the same faults.
"""
VARIABLE: Final = "CALLOPS_GATES"
"""Factor of every amount: 0.3 in `make test`, 1 in `make gates`, 10 in `make soak`."""
SCALE: Final = float(os.environ.get(VARIABLE) or 1)


def scaled(amount: int) -> int:
    """Return the amount times the environment's factor, and at least 1."""
    return max(1, round(amount * SCALE))


def dice(gate: str) -> random.Random:
    """Return a gate's own random generator, which other gates' amounts do not affect."""
    return random.Random(f"{SEED} {gate}")  # noqa: S311 - faults, no secrets
