"""The preview of a call: as the answer to a command, and as the second step of the form."""

from collections.abc import Sequence

from bot.parsing.command import Command, ConnectionInfo
from bot.parsing.numbers import NumberTarget
from bot.services.models import RequestSpec
from bot.slack.blocks import Block, Message, View, actions, button, context, fields, section
from bot.text.markup import escape, quote, when
from bot.ui.command_replies import CHANGE, PLACE
from bot.ui.decision_facts import call_options
from bot.ui.modal import About, modal
from bot.ui.request_status import DRY_RUN
from providers.actions import Kind, PlaceCall
from providers.transport.request import Prepared


def preview(
    spec: RequestSpec,
    prepared: Prepared,
    line: Command,
    *,
    through: ConnectionInfo,
    chosen: str | None,
    draft: str,
    repeats: str | None = None,
    instead: Sequence[Block] = (),
) -> Message:
    """Return the preview of a call, with a button that places it. ``chosen`` names the defaults used.

    ``repeats`` asks whether to call the number again. ``instead`` are the buttons for other answers to that.
    """
    first, facts = place_facts(spec, prepared, line, through)
    press = "Place another call" if repeats else "Place this call"
    notes = [*preview_notes(through, press), *filter(None, [chosen])]
    return Message(
        first,
        [
            section(first),
            *fields(facts),
            *([section(repeats)] if repeats else []),
            actions(
                button(press, PLACE, draft, style="primary", label=f"{press} now as shown"),
                *instead,
                button("Change…", CHANGE, draft),
            ),
            context(*notes),
        ],
    )


class PlacePreview:
    """The preview as the second step of the form. Its submit button places the call."""

    callback_id = "preview"

    @classmethod
    def build(
        cls,
        spec: RequestSpec,
        prepared: Prepared,
        line: Command,
        *,
        through: ConnectionInfo,
        nonce: str,
        channel: str,
    ) -> View:
        """Return a modal with the same facts as the preview of a command."""
        first, facts = place_facts(spec, prepared, line, through)
        blocks = [
            section(first),
            *fields(facts),
            context(*preview_notes(through)),
        ]
        return modal(
            cls.callback_id,
            "Place this call?",
            blocks,
            about=About(nonce=nonce, channel=channel),
            submit="Place this call",
        )


def preview_notes(through: ConnectionInfo, press: str = "Place this call") -> list[str]:
    """Return the notes for a call that the button ``press`` places."""
    until = "even when" if through.dry_run else "until"
    caution = through.caution(Kind.PLACE_CALL)
    return [f"Nothing is placed {until} you press *{press}*.", *filter(None, [caution])]


def place_facts(
    spec: RequestSpec, prepared: Prepared, line: Command, through: ConnectionInfo
) -> tuple[str, list[tuple[str, str]]]:
    """Return a call to be placed as a sentence and as facts. Raises `TypeError` for other actions."""
    action = spec.actions[0]
    if not isinstance(action, PlaceCall):
        raise TypeError(f"only a call is placed, not {action.kind}")
    target = line.targets[0]
    number = target.phone.pretty if isinstance(target, NumberTarget) else action.to
    country = target.phone.country if isinstance(target, NumberTarget) else ""
    asked = when(action.at) if action.at else "now"
    facts = [("Number", f"{number}\n{country}"), ("When", _times(action, prepared))]
    facts += [("Through", f"{spec.connection}, agent {escape(action.agent)}")]
    facts += call_options(action, prepared.zone)
    if action.metadata:
        data = ", ".join(f"{escape(name)} = {_typed(value)}" for name, value in action.metadata.items())
        facts.append(("Data for the agent, text in quotes", data))
    said = {
        "Purpose": spec.purpose,
        "Consent": spec.consent,
        "Their time zone": spec.zone,
        "Reason": spec.reason,
    }
    facts += [(name, quote(value)) for name, value in said.items() if value]
    dry_run = f"{DRY_RUN}\n" if through.dry_run else ""
    return f"{dry_run}*Place this call?* {number} ({country}), {asked}.", facts


def _times(action: PlaceCall, prepared: Prepared) -> str:
    if action.at is None:
        return "Now"
    sent = (
        f"\n`{prepared.provider_time}` in {prepared.zone}, as the provider gets it" if prepared.zone else ""
    )
    return f"{when(action.at)}, your time{sent}"


def _typed(value: object) -> str:
    """Return a value for the agent as it is sent. Text keeps its spaces and lines."""
    return f"“{escape(value)}”" if isinstance(value, str) else f"`{value}`"
