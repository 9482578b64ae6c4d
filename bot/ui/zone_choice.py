"""The form's field for the time zone of whoever is called: a list where the number leaves a choice. Pure."""

from collections.abc import Mapping

from bot.policy import timezones
from bot.slack.blocks import Block
from bot.ui.modal import choice, text_input
from providers import phone

_LABEL = "Their time zone"
MAX_OPTIONS = 100
"""Of a select (docs.slack.dev/reference/block-kit/block-elements/select-menu-element)."""


def leaves_choice(values: Mapping[str, str]) -> bool:
    """Whether a number may be in several zones."""
    return len(_candidates(values.get("targets", ""))) > 1


def zone_input(values: Mapping[str, str]) -> Block:
    """The field, with the zones to choose from where a number's country leaves several.

    ``values`` are the form's; its number is written with its country's code once it was understood.
    """
    said = values.get("zone", "")
    candidates = _candidates(values.get("targets", ""))
    if 1 < len(candidates) <= MAX_OPTIONS:
        options = [(zone, zone) for zone in candidates]
        chosen, hint = said if said in candidates else None, "As the number tells"
        return choice("zone", _LABEL, options, initial=chosen, optional=True, placeholder=hint)
    hint = "Only where the number does not tell: calling hours are by their clock."
    return text_input("zone", _LABEL, initial=said, placeholder="America/Chicago", hint=hint, optional=True)


def _candidates(typed: str) -> tuple[str, ...]:
    if not typed.startswith("+"):
        return ()
    try:
        read = phone.read(typed, default_region=next(iter(sorted(phone.REGIONS))))
    except phone.PhoneFault:  # what is wrong with it is said under its own field
        return ()
    return timezones.canonical_zones(read.time_zones)
