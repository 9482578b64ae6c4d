"""Why something is asked, in a form: one tap for a configured reason, and a field for other words. Pure.

Nothing is chosen at first: a reason that nobody chose would stand in the log as if somebody had.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.parsing.command import Fault
from bot.parsing.options import MAX_TEXT
from bot.policy import timezones
from bot.slack.blocks import Block
from bot.ui.modal import choice, text_input
from providers import phone

REASON: Final = "reason"
"""The field in which one is chosen."""
WORDS: Final = "words"
"""The field for other words, or more of them."""
OTHER: Final = "other"

MAX_RADIO: Final = 10
"""Radio buttons that Slack takes; of those, each is one tap and no list has to be opened."""
MAX_SELECT: Final = 100


def blocks(values: Mapping[str, str], reasons: Sequence[str]) -> list[Block]:
    """The fields, filled with a reason that was said before."""
    chosen, words = _apart(values, reasons)
    options = [(reason, reason) for reason in dict.fromkeys((*reasons[: MAX_SELECT - 1], OTHER))]
    return [
        choice(
            REASON,
            "Why",
            options,
            initial=chosen,
            optional=True,
            radio=len(options) <= MAX_RADIO,
            placeholder="Choose a reason",
        ),
        text_input(
            WORDS,
            "In your words",
            initial=words,
            placeholder="The customer called back and booked a visit",
            hint="Needed for “other”. Otherwise you may leave it empty.",
            optional=True,
            max_length=MAX_TEXT,
        ),
    ]


def fault(values: Mapping[str, str]) -> Fault | None:
    """What is wrong with what was chosen."""
    if values.get(REASON) == OTHER and not values.get(WORDS):
        return Fault(WORDS, "Write why in a few words: “other” alone does not say why.")
    return None


def said(values: Mapping[str, str]) -> str:
    """The reason that the fields give."""
    chosen = values.get(REASON, "")
    parts = [chosen if chosen != OTHER else "", values.get(WORDS, "")]
    return ": ".join(filter(None, parts))


def _apart(values: Mapping[str, str], reasons: Sequence[str]) -> tuple[str | None, str]:
    """A reason as the option and the words that give it."""
    reason, words = values.get(REASON, ""), values.get(WORDS, "")
    if words or not reason or reason == OTHER:
        return reason or None, words
    for known in reasons:
        if reason.casefold() == known.casefold():
            return known, ""
        if reason.startswith(f"{known}: "):
            return known, reason.removeprefix(f"{known}: ")
    return OTHER, reason


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
