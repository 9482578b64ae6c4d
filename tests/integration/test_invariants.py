from pathlib import Path

import pytest

from tests.integration import accepting, announcing, deciding, recording, sending
from tests.integration.bench import bench
from tests.integration.seeding import Check, Seeded

INVARIANTS = [
    accepting.ACCEPTED,
    sending.SENT_ONCE,
    deciding.ONE_WINS,
    deciding.KEPT,
    recording.CHAINED,
    announcing.TOLD,
    accepting.ONCE,
    deciding.RULES_ASKED_AGAIN,
    recording.PRIVATE,
    sending.NEVER_INFERRED,
]
CHECKS = [
    pytest.param(check, id=f"{one.number}-{check.__name__}") for one in INVARIANTS for check in one.checks
]
SEEDED = [
    pytest.param(seeded, id=f"{one.number}-{seeded.bug.__name__}")
    for one in INVARIANTS
    for seeded in one.seeded
]


@pytest.mark.parametrize("check", CHECKS)
async def test_the_invariant_holds(check: Check, tmp_path: Path) -> None:
    """With the real parts, nothing happens that the design forbids."""
    async with bench(tmp_path) as real:
        await check(real)


@pytest.mark.parametrize("seeded", SEEDED)
async def test_a_seeded_bug_is_found(seeded: Seeded, tmp_path: Path) -> None:
    """With a broken part, the same check fails for the right reason."""
    async with bench(tmp_path, seeded.parts) as broken:
        with pytest.raises(AssertionError, match=seeded.why):
            await seeded.check(broken)


def test_every_invariant_has_a_seeded_bug_for_every_check() -> None:
    """All ten invariants exist, and each check has failed with a bug."""
    assert [one.number for one in INVARIANTS] == list(range(1, 11))
    for one in INVARIANTS:
        assert set(one.checks) == {seeded.check for seeded in one.seeded}
