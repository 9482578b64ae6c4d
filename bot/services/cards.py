"""The one rule by which a card keeps up: whatever edits the audit message edits the card. Pure."""

from collections.abc import Sequence

from storage.entries import Post, Request

CARD = Post("state", "card")


def with_card(request: Request, posts: Sequence[Post]) -> tuple[Post, ...]:
    """Posts that tell of a change, the card's among them where there is one, or somebody had to approve."""
    told = tuple(posts)
    has_card = "card" in request.messages or request.approvals_needed > 0
    if not has_card or Post("state", "audit") not in told or CARD in told:
        return told
    return (*told, CARD)
