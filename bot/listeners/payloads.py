"""Reads from Slack's payloads who did something, and in which channel."""

from typing import Any

from bot.services.models import RequestSource
from bot.ui.modal import About
from storage.models import Person

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
