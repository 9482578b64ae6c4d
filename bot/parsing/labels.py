"""Names of the verbs and of a call's fields, in words for people."""

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
"""The action of each verb with a form. It is also the form's title and the label of its button."""
REQUESTS: Final[Mapping[Verb, str]] = MappingProxyType(
    {
        Verb.CANCEL: "Request cancellation",
        Verb.MOVE: "Request move",
        Verb.DELETE_CAMPAIGN: "Request deletion",
        Verb.STOP_CAMPAIGN: "Request stop",
        Verb.START_CAMPAIGN: "Request start",
    }
)
"""The button that sends a request, for each verb that has no preview."""
DO_THIS: Final = "do this"
"""The words in place of an action if no verb was typed."""

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
        Verb.PAUSE: "pausing calls",
        Verb.RESUME: "resuming calls",
    }
)
"""The action of each verb as a noun, for errors about keys."""

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
"""The optional fields of a call, besides its recipient and its agent."""
