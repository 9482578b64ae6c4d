"""What can be asked, and what can be said of it, in words. Pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.parsing.command import Verb

DOES: Final[Mapping[Verb, str]] = MappingProxyType(
    {
        Verb.PLACE: "place a call",
        Verb.CANCEL: "cancel a call",
        Verb.MOVE: "move a call",
        Verb.DELETE_CAMPAIGN: "delete a campaign",
        Verb.STOP_CAMPAIGN: "stop a campaign",
        Verb.START_CAMPAIGN: "start a campaign",
        Verb.STOP: "stop calls to a number",
        Verb.ALLOW: "allow calls again",
    }
)
"""What each verb with a form does, also on its button and as its form's title."""
DO_THIS: Final = "do this"
"""Where no verb was said."""

DOING: Final[Mapping[Verb, str]] = MappingProxyType(
    {
        Verb.PLACE: "placing a call",
        Verb.CANCEL: "a cancellation",
        Verb.MOVE: "moving a call",
        Verb.DELETE_CAMPAIGN: "deleting a campaign",
        Verb.STOP_CAMPAIGN: "stopping a campaign",
        Verb.START_CAMPAIGN: "starting a campaign",
        Verb.STOP: "stopping calls to a number",
        Verb.ALLOW: "allowing calls to a number",
    }
)
"""The same, as what a key is for."""

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "at": "time (at=)",
        "retries": "retries",
        "gap": "gap between retries",
        "earliest": "earliest time of day (from=)",
        "latest": "latest time of day (until=)",
        "carry_over": "carry-over",
        "language": "language (lang=)",
        "priority": "priority",
        "batch": "batch",
        "metadata": "data for the agent (meta.…=)",
    }
)
"""What can be said of a call to be placed, besides whom it is to and which agent speaks."""
