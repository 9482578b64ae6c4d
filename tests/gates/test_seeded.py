import pytest

from tests.gates.lives import Lives
from tests.gates.playing import play
from tests.invariants.accepting import NoInboundKey
from tests.invariants.announcing import PostsLater
from tests.invariants.bench import Parts
from tests.invariants.deciding import NeverTooLate, NoDeadline
from tests.invariants.sending import NoOwnerCheck, RetriesInDoubt, RetriesOnRecovery, SendsFirst

ENOUGH = 400
"""Lives in which a bug must show; it is the first few for most."""
PART = 1
"""Of the random lives: those that hold without the bug."""

BUGS = {
    "retry on recovery": Parts(dispatcher=RetriesOnRecovery),
    "retry in doubt": Parts(dispatcher=RetriesInDoubt),
    "no expiry check before the send": Parts(dispatcher=NeverTooLate),
    "no expiry check at the decision": Parts(operations=NoDeadline),
    "no owner check": Parts(dispatcher=NoOwnerCheck),
    "send before commit": Parts(dispatcher=SendsFirst),
    "outbox outside the transaction": Parts(log=PostsLater),
    "no dedupe": Parts(operations=NoInboundKey),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_random_lives_fail_with_a_seeded_bug(bug: str) -> None:
    """The same machine that is green with the real parts is red with one of them broken."""

    class Broken(Lives):
        """With one part broken."""

        parts = BUGS[bug]

    with pytest.raises(AssertionError):
        play(Broken, ENOUGH, part=PART)
