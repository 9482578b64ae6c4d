import pytest

from tests.faults.lives import RandomHistory
from tests.faults.playing import play
from tests.integration.accepting import NoInboundKey
from tests.integration.announcing import PostsLater
from tests.integration.bench import Parts
from tests.integration.deciding import NeverTooLate, NoDeadline
from tests.integration.sending import NoOwnerCheck, RetriesInDoubt, RetriesOnRecovery, SendsFirst

ENOUGH = 400
"""Histories in which a bug must show. Most bugs show in the first few."""
PART = 1
"""Part of the random histories, which pass without the bug."""

BUGS = {
    "retry on recovery": Parts(attempts=RetriesOnRecovery),
    "retry in doubt": Parts(attempts=RetriesInDoubt),
    "no expiry check before the send": Parts(attempts=NeverTooLate),
    "no expiry check at the decision": Parts(approvals=NoDeadline),
    "no owner check": Parts(attempts=NoOwnerCheck),
    "send before commit": Parts(attempts=SendsFirst),
    "outbox outside the transaction": Parts(requests_table=PostsLater),
    "no dedupe": Parts(requests=NoInboundKey),
}

WITHOUT = {
    "no expiry check at the decision": ("settle", "ask_again", "stop", "crash", "post", "go_round_again"),
    "no owner check": ("settle", "ask_again", "ask", "be_late", "crash", "post"),
    "outbox outside the transaction": ("settle", "ask_again", "stop", "be_late", "decide"),
}
"""Rules that are disabled for these bugs, because they are unrelated and hide the bug for long."""


@pytest.mark.parametrize("bug", BUGS)
def test_the_random_lives_fail_with_a_seeded_bug(bug: str) -> None:
    """The state machine passes with the real parts, and fails with one of them broken."""

    class Broken(RandomHistory):
        """A history with a broken part."""

        parts = BUGS[bug]

    for rule in WITHOUT.get(bug, ()):
        assert hasattr(RandomHistory, rule)
        setattr(Broken, rule, None)

    with pytest.raises(AssertionError):
        play(Broken, ENOUGH, part=PART)
