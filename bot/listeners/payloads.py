"""What a payload from Slack says of who did something, and where. Pure."""

from typing import Any

from bot.services.models import RequestSource
from bot.ui.modal import About
from storage.models import Person

Body = dict[str, Any]


def channel_of(body: Body) -> str:
    """Where a button was pressed, or the form was opened from."""
    if "view" in body:
        return About.of(body["view"]).channel
    return str((body.get("channel") or {}).get("id", ""))


def pressed(body: Body, person: Person, nonce: str | None = None) -> RequestSource:
    """The press of a button as the origin of a request."""
    return RequestSource(person, channel_of(body) or None, delivery_key=press(body), nonce=nonce)


def submitted(body: Body, person: Person) -> RequestSource:
    """The submit of a form as the origin of a request."""
    about = About.of(body["view"])
    return RequestSource(person, about.channel or None, f"submit:{body['trigger_id']}", about.nonce)


def press(body: Body) -> str:
    """What makes a press one press, however often it is delivered."""
    return f"press:{body['trigger_id']}"
