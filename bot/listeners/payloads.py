"""Reads from Slack's payloads who did something, and in which channel. Answers a wish to see more."""

from collections.abc import Awaitable
from typing import Any

from bot.services.models import PermissionDeniedError, RequestSource
from bot.slack.blocks import View
from bot.text import interactions
from bot.ui.modal import About, notice
from storage.errors import ConflictError
from storage.models import Person, Request

Body = dict[str, Any]


def channel_of(body: Body) -> str:
    """Return the channel of a button, or the one from which the form was opened. It may be empty."""
    if "view" in body:
        return About.of(body["view"]).channel
    return str((body.get("channel") or {}).get("id", ""))


def pressed(body: Body, person: Person, nonce: str | None = None) -> RequestSource:
    """Return the press of a button as the source of a request."""
    return RequestSource(person, channel_of(body) or None, delivery_key=press(body), nonce=nonce)


def submitted(body: Body, person: Person) -> RequestSource:
    """Return the submission of a form as the source of a request."""
    about = About.of(body["view"])
    return RequestSource(person, about.channel or None, f"submit:{body['trigger_id']}", about.nonce)


def press(body: Body) -> str:
    """Return a key for the press of a button, which is the same for every delivery."""
    return f"press:{body['trigger_id']}"


async def seen_in_full(recorded: Awaitable[Request]) -> Request | View | None:
    """Return the request that a person may see in full, once the log has recorded the look.

    Return the view that says why not, or None for a second delivery: the first one shows it.
    """
    try:
        return await recorded
    except PermissionDeniedError as no:
        return notice(interactions.NOT_ALLOWED, *no.reasons)
    except ConflictError:
        return None
