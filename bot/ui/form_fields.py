"""The fields of forms.

No reason is chosen at first, because a default would be logged as if the person had chosen it.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.parsing.options import MAX_TEXT
from bot.policy import timezones
from bot.services.scheduled_calls import NONE_OF_THESE, SCHEDULED_CALL, CallOptions
from bot.slack.blocks import MAX_OPTION, Block, context, plain_text, section
from bot.text import vocabulary
from bot.text.markup import entities
from bot.ui.form_values import OTHER, PICKED, REASON, WORDS, continued, filled
from bot.ui.modal import MAX_LABEL, choice, text_input
from providers import phone

MAX_OPTIONS = 100
"""Options of a select (docs.slack.dev/reference/block-kit/block-elements/select-menu-element)."""
MAX_RADIO: Final = 10
"""Radio buttons that Slack allows in a group. They need a tap less than a list."""
_ZONE = "Customer's time zone"
SCHEDULED = "Scheduled call"
OTHER_TARGET = "Another number or ID"
LATER_CALLS = "Only the next {} are listed. For a later one, type its number or ID in a command."
_YES_OR_NO = (("yes", "Yes"), ("no", "No"))
TELL_ME = "tell_me"


def reason_inputs(values: Mapping[str, str], reasons: Sequence[str], *, required: bool) -> list[Block]:
    """Return the fields for a reason, filled with one that was given before."""
    chosen, words = _apart(values, reasons)
    options = [(reason, reason) for reason in dict.fromkeys(reasons[: MAX_OPTIONS - 1]) if reason != OTHER]
    options.append((OTHER, OTHER.capitalize()))
    return [
        choice(
            REASON,
            vocabulary.REASON,
            options,
            initial=chosen,
            optional=not required,
            radio=len(options) <= MAX_RADIO,
            placeholder="Choose a reason",
        ),
        text_input(
            WORDS,
            "Details",
            initial=words,
            placeholder="The customer called back and booked a visit",
            hint="Required if you choose “Other”.",
            optional=True,
            max_length=MAX_TEXT,
        ),
    ]


def _apart(values: Mapping[str, str], reasons: Sequence[str]) -> tuple[str | None, str]:
    """Return a reason as a chosen option, or None, and as further words."""
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
    """Return whether a number may be in several time zones."""
    return len(_candidates(values.get("targets", ""))) > 1


def zone_input(values: Mapping[str, str]) -> Block:
    """Return the field for a time zone. It offers a number's zones if there are several.

    ``values`` are the form's. A number that was understood begins with its country code.
    """
    said = values.get("zone", "")
    candidates = _candidates(values.get("targets", ""))
    if 1 < len(candidates) <= MAX_OPTIONS:
        options = [(zone, zone) for zone in candidates]
        chosen = said if said in candidates else None
        return choice("zone", _ZONE, options, initial=chosen, optional=True, placeholder="Choose a time zone")
    hint = "Only if the number doesn't tell it."
    return text_input("zone", _ZONE, initial=said, placeholder="America/Chicago", hint=hint, optional=True)


def _candidates(typed: str) -> tuple[str, ...]:
    if not typed.startswith("+"):
        return ()
    try:
        read = phone.read(typed, default_region=next(iter(sorted(phone.REGIONS))))
    except phone.InvalidNumberError:  # its own field shows the fault
        return ()
    return timezones.canonical_zones(read.time_zones)


def inputs(
    field: str, label: str, held: Sequence[str], *, placeholder: str, hint: str, optional: bool
) -> list[Block]:
    """Return as many inputs as a long text needs. All of them are read."""
    first, *others = held
    if others:
        hint = f"{hint} Your text fills {len(held)} fields, and CallOps reads all of them."
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


def known_calls(known: CallOptions, *, others: bool) -> list[Block]:
    """Return the field for a scheduled call, or nothing if there is none.

    The call is only shown if the form is about it. ``others`` means that another target can be typed.
    """
    if not known.calls:
        return []
    if known.fixed:
        return [fixed_target(SCHEDULED, known)]
    options = [*known.calls, *([(NONE_OF_THESE, OTHER_TARGET)] if others else [])]
    chosen = known.chosen or (NONE_OF_THESE if others else None)
    field = choice(SCHEDULED_CALL, SCHEDULED, options, initial=chosen, placeholder="Choose a call")
    return [field, *([context(LATER_CALLS.format(len(known.calls)))] if known.more else [])]


def fixed_target(label: str, known: CallOptions) -> Block:
    """Return the target of a form as text, which cannot be changed there."""
    return section(f"*{label}*\n{entities(known.calls[0][1])}")


def time_inputs(
    values: Mapping[str, str],
    *,
    label: str = vocabulary.CALL_TIME,
    hint: str = "In your time zone. Leave empty to call now.",
    examples: str = "now, 17:00, tomorrow 9:30, Mon 10:00, in 20 min",
) -> list[Block]:
    """Return a field for a typed time, and a picker for the same time.

    The picker is left out if a time was typed, because two times would contradict each other.
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
    """Return the field for a reported call time if it has a value. The log knows the time of most calls."""
    said = values.get("reported_call_time")
    if not said:
        return []
    return [
        text_input(
            "reported_call_time", vocabulary.CALL_TIME, initial=said, hint="In your time zone.", optional=True
        )
    ]


def why_input(values: Mapping[str, str], example: str, *, optional: bool = True) -> Block:
    return text_input(
        "reason",
        vocabulary.REASON,
        initial=values.get("reason", ""),
        placeholder=example,
        optional=optional,
        max_length=MAX_TEXT,
    )


def tell_me_input(values: Mapping[str, str]) -> Block:
    """Return the check box for a direct message about how the call ended."""
    option = {"value": "yes", "text": plain_text("Send me a direct message", MAX_OPTION)}
    box: Block = {"type": "checkboxes", "action_id": TELL_ME, "options": [option]}
    if values.get(TELL_ME):
        box["initial_options"] = [option]
    label = plain_text("When the call ends", MAX_LABEL)
    return {"type": "input", "block_id": TELL_ME, "label": label, "element": box, "optional": True}


def seldom_needed(values: Mapping[str, str], *, consent_required: bool = False) -> list[Block]:
    def text(field: str, label: str, placeholder: str, hint: str = "") -> Block:
        optional = field != "consent" or not consent_required
        return text_input(
            field, label, initial=values.get(field, ""), placeholder=placeholder, hint=hint, optional=optional
        )

    return [
        text("retries", "Retries", "3", "How often to try again if nobody answers."),
        text("gap", "Minutes between retries", "30, 60", "One number for all, or one for each."),
        text("earliest", "Not before", "9:00", "In the connection's time zone."),
        text("latest", "Not after", "18:00", "In the connection's time zone."),
        choice(
            "carry_over",
            "Continue the next day if time runs out",
            _YES_OR_NO,
            initial=values.get("carry_over"),
            optional=True,
        ),
        text("language", "Language", "hi"),
        text("priority", "Priority", "0", "Higher goes first."),
        text("batch", "Campaign or batch ID", ""),
        text(
            "consent", "Consent reference", "", "Where you recorded the customer's consent. Saved in the log."
        ),
        *inputs(
            "metadata",
            "Data for the voice agent",
            filled(values, "metadata"),
            placeholder="name=Asha\nage=25",
            hint="One name=value per line. Put a number in quotes to send it as text.",
            optional=True,
        ),
    ]
