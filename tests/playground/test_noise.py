"""The counting of what a message costs its readers."""

from typing import Any

import pytest

from playground.people import Message
from tests.support.noise import as_posted, pinged

MEMBERS = ["U0AGENT", "U0MANAGER", "U0CALLOPS"]
FIRST = {"text": "<@U0AGENT> asked", "blocks": []}


def message(text: str = "", **changes: Any) -> Message:
    """Return a message of the bot."""
    usual: dict[str, Any] = {
        "ts": "1.0",
        "channel": "C0AUDIT",
        "user": "U0CALLOPS",
        "text": text,
        "blocks": (),
    }
    usual |= {"thread_ts": None, "ephemeral_to": None, "deleted": False, "edits": (), "pings": ()}
    return Message(**usual | {"in_reply_to": None} | changes)


@pytest.mark.parametrize(
    ("shown", "people"),
    [
        (message("Asha asked"), set()),
        (message("<@U0AGENT> asked"), {"U0AGENT"}),
        (message("<@U0SECOND> asked"), set()),
        (message("<@U0AGENT> asked, <@U0AGENT|asha> reads"), {"U0AGENT"}),
        (message("<!here> look"), {"U0AGENT", "U0MANAGER"}),
        (message("Asha asked", channel="D0AGENT"), {"U0AGENT", "U0MANAGER"}),
        (message("<@U0AGENT> asked", ephemeral_to="U0AGENT"), set()),
        (
            message("", blocks=({"type": "section", "text": {"type": "mrkdwn", "text": "<@U0AGENT>"}},)),
            {"U0AGENT"},
        ),
    ],
    ids=["a name", "a mention", "a stranger", "twice", "everyone", "direct", "ephemeral", "in a block"],
)
def test_only_members_who_are_mentioned_or_written_to_are_notified(shown: Message, people: set[str]) -> None:
    """A name notifies nobody, a mention only members, a direct message all who are in it but the bot."""
    assert pinged(shown, MEMBERS) == people


def test_an_edit_notifies_nobody() -> None:
    """A message counts as it was posted."""
    assert pinged(as_posted(message("<@U0MANAGER> approved", edits=(FIRST,))), MEMBERS) == {"U0AGENT"}
