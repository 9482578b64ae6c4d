"""The fields of forms. Pure.

Of the reasons none is chosen at first: one that nobody chose would stand in the log as if somebody had.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.parsing.options import MAX_TEXT
from bot.policy import timezones
from bot.services.scheduled_calls import NONE_OF_THESE, SCHEDULED_CALL, Offer
from bot.slack.blocks import Block, context, plain_text
from bot.ui.form_values import OTHER, PICKED, REASON, WORDS, continued, filled
from bot.ui.modal import MAX_LABEL, choice, text_input
from providers import phone

MAX_OPTIONS = 100
"""Of a select (docs.slack.dev/reference/block-kit/block-elements/select-menu-element)."""
MAX_RADIO: Final = 10
"""Radio buttons that Slack takes; of those, each is one tap and no list has to be opened."""
_LABEL = "Their time zone"
LATER_CALLS = "Only the next {} are listed. Name a later one by its number or id in a command."
_YES_OR_NO = (("yes", "Yes"), ("no", "No"))


def reason_inputs(values: Mapping[str, str], reasons: Sequence[str]) -> list[Block]:
    """The fields, filled with a reason that was said before."""
    chosen, words = _apart(values, reasons)
    options = [(reason, reason) for reason in dict.fromkeys((*reasons[: MAX_OPTIONS - 1], OTHER))]
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


def inputs(
    field: str, label: str, held: Sequence[str], *, placeholder: str, hint: str, optional: bool
) -> list[Block]:
    """Return as many inputs as a long text takes, of which all are read."""
    first, *others = held
    if others:
        hint = f"{hint} This takes {len(held)} fields: all of them are read."
    return [
        text_input(
            field,
            label,
            initial=first,
            placeholder=placeholder,
            hint=hint,
            multiline=True,
            optional=optional or bool(others),
        ),
        *(
            text_input(
                continued(field, number),
                f"{label}, {number} of {len(held)}",
                initial=text,
                multiline=True,
                optional=True,
            )
            for number, text in enumerate(others, start=2)
        ),
    ]


def known_calls(known: Offer) -> list[Block]:
    """The calls that are still to go out, where there are any."""
    if not known.calls:
        return []
    options = [*known.calls, (NONE_OF_THESE, "None of these")]
    label = "Scheduled calls we know"
    chosen = known.chosen
    field = choice(SCHEDULED_CALL, label, options, initial=chosen, optional=True, placeholder="Choose a call")
    return [field, *([context(LATER_CALLS.format(len(known.calls)))] if known.more else [])]


def time_inputs(
    values: Mapping[str, str],
    *,
    label: str = "When",
    hint: str = "In your own time zone. Empty means now.",
    examples: str = "now, 17:00, tomorrow 9:30, Mon 10:00, in 20 min",
) -> list[Block]:
    """The time, typed; or picked, which needs no keyboard and is the same instant in every zone.

    Where it was typed already there is nothing to pick: two times would contradict each other.
    """
    written = text_input(
        "at",
        label,
        initial=values.get("at", ""),
        placeholder=examples,
        hint=hint,
        optional=True,
    )
    if values.get("at"):
        return [written]
    picker: Block = {"type": "datetimepicker", "action_id": PICKED}
    if values.get(PICKED):
        picker["initial_date_time"] = int(values[PICKED])
    or_pick = plain_text("Or pick a time", MAX_LABEL)
    return [
        written,
        {"type": "input", "block_id": PICKED, "label": or_pick, "element": picker, "optional": True},
    ]


def call_time_input(values: Mapping[str, str]) -> list[Block]:
    """When the call goes out, where somebody said so: the log knows it of most calls, and asks nobody."""
    said = values.get("reported_call_time")
    if not said:
        return []
    return [
        text_input(
            "reported_call_time", "It goes out", initial=said, hint="In your own time zone.", optional=True
        )
    ]


def why_input(values: Mapping[str, str], example: str, *, optional: bool = True) -> Block:
    return text_input(
        "reason",
        "Why",
        initial=values.get("reason", ""),
        placeholder=example,
        optional=optional,
        max_length=MAX_TEXT,
    )


def seldom_needed(values: Mapping[str, str]) -> list[Block]:
    def text(field: str, label: str, placeholder: str, hint: str = "") -> Block:
        return text_input(
            field, label, initial=values.get(field, ""), placeholder=placeholder, hint=hint, optional=True
        )

    return [
        text("retries", "Retries", "3", "How often to try again when nobody answers."),
        text("gap", "Minutes between retries", "30, 60", "One number for all, or one for each."),
        text("earliest", "Not before", "9:00", "A time of day where the connection is, not where you are."),
        text("latest", "Not after", "18:00"),
        choice(
            "carry_over",
            "Go on the next day when it is too late",
            _YES_OR_NO,
            initial=values.get("carry_over"),
            optional=True,
        ),
        text("language", "Language", "hi"),
        text("priority", "Priority", "0", "Higher goes first."),
        text("batch", "Campaign or batch id", ""),
        text(
            "consent", "Consent reference", "", "Where the customer's consent is on record. Stays in the log."
        ),
        *inputs(
            "metadata",
            "Data for the agent",
            filled(values, "metadata"),
            placeholder="name=Asha\nage=25",
            hint="One name=value, or name: value, on each line. Quotes make text of a number.",
            optional=True,
        ),
    ]
