"""The preview of a call: as the answer to a command, and as the second step of the form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.parsing.command import Command, ConnectionInfo
from bot.parsing.numbers import NumberTarget
from bot.services.models import RequestSpec
from bot.slack.blocks import (
    MAX_TITLE,
    Block,
    Message,
    View,
    actions,
    button,
    context,
    fields,
    plain_text,
    section,
)
from bot.text.markup import escape, quote
from bot.text.vocabulary import CONSENT, PURPOSE, REASON
from bot.ui import call_times
from bot.ui.command_replies import CHANGE, PLACE
from bot.ui.decision_facts import call_options
from bot.ui.modal import About, modal
from bot.ui.request_status import DRY_RUN
from bot.ui.waiting import paused_line
from providers.actions import Kind, PlaceCall
from providers.phone import mask
from providers.transport.request import Prepared
from storage.models import Pause

PLACE_CALL = "Place call"
PLACE_ANOTHER = "Place another call"
BACK = "Back"


@dataclass(frozen=True, slots=True)
class CallToPlace:
    """A call to be placed. ``zone`` is the requester's, and ``now`` the time of the preview.

    ``masked`` hides the number, because the requester didn't type it. ``paused`` holds the call back.
    """

    spec: RequestSpec
    prepared: Prepared
    line: Command
    through: ConnectionInfo
    zone: str
    now: datetime
    masked: bool = False
    paused: Pause | None = None


def preview(
    call: CallToPlace,
    *,
    chosen: str | None,
    draft: str,
    repeats: str | None = None,
    instead: Sequence[Block] = (),
) -> Message:
    """Return the preview of a call, with a button that places it. ``chosen`` names the defaults used.

    ``repeats`` asks whether to call the number again. ``instead`` are the buttons for other answers to that.
    """
    first, blocks = _call(call)
    press = PLACE_ANOTHER if repeats else PLACE_CALL
    notes = [*filter(None, [chosen, call.through.caution(Kind.PLACE_CALL)])]
    buttons = actions(
        button(press, PLACE, draft, style="primary", label=f"{press} as shown"),
        *instead,
        button("Change…", CHANGE, draft),
    )
    asked = [section(repeats)] if repeats else []
    return Message(first, [*blocks, *asked, buttons, *([context(*notes)] if notes else [])])


class PlacePreview:
    """The preview as the second step of the form. Its submit button makes the request that a draft holds."""

    callback_id = "preview"

    @classmethod
    def build(
        cls,
        call: CallToPlace,
        *,
        nonce: str,
        channel: str,
    ) -> View:
        """Return a modal with the same facts as the preview of a command. Closing it shows the form again."""
        _, blocks = _call(call)
        if caution := call.through.caution(Kind.PLACE_CALL):
            blocks.append(context(caution))
        about = About(nonce=nonce, channel=channel)
        view = modal(cls.callback_id, "Place this call?", blocks, about=about, submit=PLACE_CALL)
        return view | {"close": plain_text(BACK, MAX_TITLE)}


def _call(call: CallToPlace) -> tuple[str, list[Block]]:
    """Return a call to be placed as a sentence, and as blocks. Raises `TypeError` for other actions."""
    spec, line = call.spec, call.line
    action = spec.actions[0]
    if not isinstance(action, PlaceCall):
        raise TypeError(f"only a call is placed, not {action.kind}")
    target = line.targets[0]
    to = mask(action.to) if call.masked else action.to
    if isinstance(target, NumberTarget):
        to = f"{to if call.masked else target.phone.pretty} ({target.phone.country})"
    headline = f"{DRY_RUN}\n*Call {to}?*" if call.through.dry_run else f"*Call {to}?*"
    time = _time(action, call)
    facts = [time, spec.connection, f"voice agent {escape(action.agent)}"]
    warning = call_times.night_warning(action.to, action.at or call.now, spec.zone)
    blocks = [
        section(f"{headline}\n{' · '.join(facts)}"),
        *([section(warning)] if warning else []),
        *fields([*call_options(action, call.prepared.zone), *_said(spec, action)]),
        *([context(paused_line(call.paused))] if call.paused else []),
    ]
    return f"{headline} {time}.", blocks


def _time(action: PlaceCall, call: CallToPlace) -> str:
    """Return the time of a call on the reader's clock, and on the customer's if that differs."""
    at = action.at or call.now
    target = call.line.targets[0]
    theirs = ""
    if isinstance(target, NumberTarget):
        theirs = call_times.for_customer(target.phone, at, call.spec.zone, call.zone)
    shown = call_times.for_reader(at, call.zone, call.now) if action.at else "now"
    return f"{shown} ({theirs})" if theirs else shown


def _said(spec: RequestSpec, action: PlaceCall) -> list[tuple[str, str]]:
    """Return the data for the voice agent, and what the requester said about the call."""
    data = ", ".join(f"{escape(name)} = {_typed(value)}" for name, value in (action.metadata or {}).items())
    said = {
        PURPOSE: spec.purpose,
        CONSENT: spec.consent,
        "Customer's time zone": spec.zone,
        REASON: spec.reason,
    }
    facts = [(name, quote(value)) for name, value in said.items() if value]
    return [("Data for the voice agent, text in quotes", data), *facts] if data else facts


def _typed(value: object) -> str:
    """Return a value for the voice agent as it is sent. Text keeps its spaces and lines."""
    return f"“{escape(value)}”" if isinstance(value, str) else f"`{value}`"
