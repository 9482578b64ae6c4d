"""The form of each verb. Its values are parsed by the same grammar as typed commands.

A form is filled with everything that was understood, and with the typed text of the rest. A fault is shown
under its own field.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.parsing.command import OF_STOPS, CommandContext, FieldProblem, Question, Verb
from bot.parsing.labels import DOES, FIELDS, REQUESTS
from bot.parsing.options import MAX_TEXT
from bot.services.scheduled_calls import NONE_OF_THESE, SCHEDULED_CALL, CallOptions
from bot.slack.blocks import (
    MAX_OPTION,
    Block,
    View,
    actions,
    button,
    context,
    contexts,
    cut,
    section,
)
from bot.text import parse_errors
from bot.text.markup import escape
from bot.text.vocabulary import CONNECTION, NEW_TIME, PURPOSE, VOICE_AGENT
from bot.ui.decision_facts import CANNOT_BE_UNDONE
from bot.ui.form_fields import (
    MAX_OPTIONS,
    OTHER_TARGET,
    call_time_input,
    fixed_target,
    inputs,
    known_calls,
    leaves_choice,
    reason_inputs,
    seldom_needed,
    tell_me_input,
    time_inputs,
    why_input,
    zone_input,
)
from bot.ui.form_values import PICKED, data_faults, filled, reason_fault, together
from bot.ui.modal import About, choice, modal, text_input
from bot.ui.pauses import note
from storage.models import Pause

MORE = "more"
_NUMBER = "Phone number"
NOTHING_TO_MOVE = "CallOps knows no scheduled call. You can move only calls placed with CallOps."
MOVED_HOW = "We cancel the call, then schedule it at the new time."
NOTHING_TO_CANCEL = "Choose a call above, or enter a phone number or call ID here."
MAX_LINE_SHOWN = 15_000
"""Characters of typed text that a form shows. Slack's own composer takes fewer."""
MAX_PAUSES = 3
"""Pauses that a form shows."""
MAX_FAULTS = 3
"""Faults that a field shows at once."""

_SUBMITS = {
    Verb.PLACE: "Preview",
    **REQUESTS,
    Verb.STOP: "Stop calls",
    Verb.ALLOW: "Allow calls",
}
_OF_CAMPAIGNS = {
    Verb.DELETE_CAMPAIGN: (
        "the campaign has ended",
        f"⚠️ {CANNOT_BE_UNDONE} The approver types the campaign's ID.",
    ),
    Verb.STOP_CAMPAIGN: ("wrong list", "It calls nobody until someone starts it again."),
    Verb.START_CAMPAIGN: ("the list is ready", "⚠️ This calls people."),
}
"""For each verb of campaigns: an example of a reason, and a note."""
_OF_STOPS = {
    Verb.STOP: (
        "asked not to be called",
        "Cancels every call to this number that we know of, and blocks all later ones. Needs no approval.",
    ),
    Verb.ALLOW: ("asked us to call again", "Calls to it may go out again. The reason stays in the log."),
}
"""For each verb of stops: an example of a reason, and a note."""

NOTHING_KNOWN = CallOptions()
_ANSWER = "answer-"
"""The prefix of the inputs for questions about the typed text. Their ids hold the question's position and a
hash of the text."""


def _answer_id(place: int, said: str) -> str:
    return f"{_ANSWER}{place}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


_FOLDED = (
    "retries",
    "gap",
    "earliest",
    "latest",
    "carry_over",
    "language",
    "priority",
    "batch",
    "consent",
    "metadata",
)
_BLOCK_OF = {"target": "targets", "to": "targets", "call_id": "targets", "campaign_id": "targets"}
"""The form's field for each field of an action that has another name."""


class Form:
    """The form of a verb."""

    def __init__(self, verb: Verb, vocabulary: CommandContext) -> None:
        self.verb = verb
        self.callback_id = f"form_{verb.name.lower()}"
        self._vocabulary = vocabulary
        self._connections = {
            name: known
            for name, known in vocabulary.connections.items()
            if verb not in OF_STOPS and known.asks(verb)
        }

    def build(
        self,
        values: Mapping[str, str],
        *,
        nonce: str,
        channel: str,
        whole: bool = False,
        line: str = "",
        known: CallOptions = NOTHING_KNOWN,
        hint: str = "",
        paused: Sequence[Pause] = (),
    ) -> View:
        """Return the form with values by field. ``whole`` shows the options that are seldom needed.

        ``line`` is the typed command, in case a part of it has no field. ``known`` are the scheduled calls to
        choose from, or the target that is fixed. ``hint`` is shown first, and before it those pauses that
        hold at a connection of the form.
        """
        about = About(nonce=nonce, channel=channel, action=(known.chosen or "") if known.fixed else "")
        match self.verb:
            case Verb.PLACE:
                blocks = self._place(values, known, whole=whole)
            case Verb.CANCEL:
                blocks = self._cancel(values, known)
            case Verb.MOVE:
                blocks = self._move(values, known)
            case Verb.STOP | Verb.ALLOW:
                blocks = self._stop(values)
            case _:
                blocks = self._campaign(values)
        if hint:
            blocks.insert(0, section(hint))
        held = [note(one) for one in paused if one.connection is None or one.connection in self._connections]
        blocks = [*map(context, held[:MAX_PAUSES]), *blocks]
        if line:
            blocks += contexts(f"You typed: {escape(cut(line, MAX_LINE_SHOWN))}")
        title = DOES[self.verb].capitalize()
        return modal(self.callback_id, title, blocks, about=about, submit=_SUBMITS[self.verb])

    def read(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Return the values of a submitted form by field."""
        return together(self.filled(view))

    def filled(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Return the value of each input of a submitted form, to build the form again."""
        fixed = About.of(view).action
        return ({SCHEDULED_CALL: fixed} if fixed else {}) | {
            block["block_id"]: _given(view, block["block_id"])
            for block in view["blocks"]
            if block["type"] == "input" and not block["block_id"].startswith(_ANSWER)
        }

    def answers(self, view: Mapping[str, Any], said: str) -> tuple[int, ...]:
        """Return the answers in a form to the questions about ``said``, the command that it stands for.

        Answers about another text are ignored, because the person has changed it since.
        """
        found: list[int] = []
        while chosen := _given(view, _answer_id(len(found), said)):
            found.append(int(chosen))
        return tuple(found)

    def asking(self, view: Mapping[str, Any], question: Question, said: str, *, nonce: str) -> View:
        """Return a submitted form with one more question about the typed text, before its fields."""
        asked = len(self.answers(view, said))
        kept = [_answer_id(place, said) for place in range(asked)]
        blocks = [
            block
            for block in view["blocks"]
            if not str(block.get("block_id")).startswith(_ANSWER) or block["block_id"] in kept
        ]
        options = [(str(place), option) for place, option in enumerate(question.options)]
        blocks.insert(asked, choice(_answer_id(asked, said), question.message, options, radio=True))
        about = replace(About.of(view), nonce=nonce)
        title = DOES[self.verb].capitalize()
        return modal(self.callback_id, title, blocks, about=about, submit=_SUBMITS[self.verb])

    def shows(self, view: Mapping[str, Any], field: str) -> bool:
        """Return whether a submitted form has a field."""
        return any(block.get("block_id") == field for block in view["blocks"])

    def contradictions(self, values: Mapping[str, str], now: datetime) -> list[FieldProblem]:
        """Return the contradictions and gaps that are found before the form is parsed."""
        found = [reason_fault(values)] if self.verb in {Verb.CANCEL, Verb.MOVE} else []
        known = values.get(SCHEDULED_CALL, "")
        match self.verb, known not in {"", NONE_OF_THESE}, bool(values.get("targets")):
            case Verb.CANCEL, True, True:
                either = f"Choose “{OTHER_TARGET}”, or empty the field below."
                found.append(FieldProblem(SCHEDULED_CALL, either))
            case Verb.MOVE, False, False:
                found.append(FieldProblem(SCHEDULED_CALL, "Choose the call to move."))
            case Verb.CANCEL, False, False:
                found.append(FieldProblem("targets", NOTHING_TO_CANCEL))
        if picked := values.get(PICKED):
            if values.get("at"):
                found.append(
                    FieldProblem(PICKED, "You typed one time and picked another. Empty one of them.")
                )
            elif int(picked) <= now.timestamp():
                found.append(FieldProblem(PICKED, "That time is in the past. Pick a later time."))
        elif self.verb is Verb.MOVE and not values.get("at"):
            found.append(FieldProblem("at", "Add the new time, e.g. “Mon 10:00”, or pick one below."))
        return [*(fault for fault in found if fault), *data_faults(values)]

    def errors(self, faults: Sequence[FieldProblem], view: Mapping[str, Any]) -> dict[str, str]:
        """Return the faults by input. Faults of no visible input are shown under the first one."""
        present = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
        found: dict[str, list[str]] = {}
        for fault in faults:
            block = _BLOCK_OF.get(fault.field, fault.field)
            hint = f" {fault.proposal.format(f'“{fault.suggestion}”')}" if fault.suggestion else ""
            found.setdefault(block if block in present else present[0], []).append(fault.message + hint)
        return {block: _together(messages) for block, messages in found.items()}

    def _place(self, values: Mapping[str, str], known: CallOptions, *, whole: bool) -> list[Block]:
        said = together(values)
        unfolded = whole or self._requires("consent") or any(said.get(name) for name in _FOLDED)
        typed = values.get("targets", "")
        blocks = [
            fixed_target(_NUMBER, known)
            if known.fixed
            else text_input("targets", _NUMBER, initial=typed, placeholder="+91 98765 43210"),
            *time_inputs(values),
            *self._through(values),
            text_input(
                "purpose",
                PURPOSE,
                initial=values.get("purpose", ""),
                placeholder="payment reminder",
                optional=not self._requires("purpose"),
                max_length=MAX_TEXT,
            ),
        ]
        if self._requires("reason") or values.get("reason"):
            blocks.append(why_input(values, "payment is due", optional=not self._requires("reason")))
        if any(known.tells_ends for known in self._connections.values()):
            blocks.append(tell_me_input(values))
        taken = frozenset[str]().union(*(known.fields for known in self._connections.values()))
        left_out = {name for name in FIELDS if name not in taken and not said.get(name)}
        if "at" in left_out:
            left_out.add(PICKED)
        if values.get("zone") or (self._vocabulary.hours and leaves_choice(values)):
            blocks.append(zone_input(values))
        elif unfolded and self._vocabulary.hours:
            blocks.append(zone_input({}))
        if unfolded:
            blocks += seldom_needed(values, consent_required=self._requires("consent"))
        blocks = [block for block in blocks if block.get("block_id") not in left_out]
        if unfolded:
            return blocks
        return [
            *blocks,
            actions(button("More options…", MORE, "more", label="Show more options")),
        ]

    def _cancel(self, values: Mapping[str, str], known: CallOptions) -> list[Block]:
        by = {through.cancels_by for through in self._connections.values()}
        label = {False: "Call ID", True: _NUMBER}["number" in by]
        if len(by - {None}) > 1:
            label = f"{_NUMBER} or call ID"
        reasons = reason_inputs(values, self._vocabulary.reasons, required=self._requires("reason"))
        if known.fixed:
            return [*known_calls(known, others=False), *reasons]
        typed = inputs(
            "targets",
            label,
            filled(values, "targets", at_commas=True),
            placeholder="+91 98765 43210" if "number" in by else "As the provider shows it",
            hint="One per line.",
            optional=bool(known.calls),
        )
        calls = known_calls(known, others=True)
        return [*calls, *typed, *reasons, *call_time_input(values), *self._through(values)]

    def _move(self, values: Mapping[str, str], known: CallOptions) -> list[Block]:
        """Return the reschedule form. It offers known calls only, because CallOps must place them again.

        A reason is never required, because a move is one itself.
        """
        calls = known_calls(known, others=False) if known.calls else [section(NOTHING_TO_MOVE)]
        times = time_inputs(values, label=NEW_TIME, hint="In your time zone.", examples="17:00, Mon 10:00")
        if known.fixed:
            times[0]["element"]["focus_on_load"] = True  # nothing stands before it that can be chosen
        reasons = reason_inputs(values, self._vocabulary.reasons, required=False)
        return [*calls, *times, *reasons, context(MOVED_HOW)]

    def _requires(self, field: str) -> bool:
        return self._vocabulary.requires(self.verb, field)

    def _campaign(self, values: Mapping[str, str]) -> list[Block]:
        example, known_before = _OF_CAMPAIGNS[self.verb]
        return [
            text_input(
                "targets",
                "Campaign ID",
                initial=values.get("targets", ""),
                placeholder="cd-2129073-58d9-44d5-a5d1-454b1220xxxx",
                hint="As the provider shows it.",
            ),
            *self._through(values),
            why_input(values, example, optional=not self._requires("reason")),
            context(known_before),
        ]

    def _stop(self, values: Mapping[str, str]) -> list[Block]:
        example, known_before = _OF_STOPS[self.verb]
        return [
            text_input("targets", _NUMBER, initial=values.get("targets", ""), placeholder="+91 98765 43210"),
            why_input(values, example, optional=self.verb is Verb.STOP),
            context(known_before),
        ]

    def _through(self, values: Mapping[str, str]) -> list[Block]:
        """Return the fields for connection and agent, or their names if there is nothing to choose."""
        blocks: list[Block] = []
        if len(self._connections) > MAX_OPTIONS:
            said = values.get("connection", "")
            blocks.append(text_input("connection", CONNECTION, initial=said, optional=True))
        elif len(self._connections) > 1:
            options = [(name, name) for name in self._connections]
            blocks.append(
                choice(
                    "connection",
                    CONNECTION,
                    options,
                    initial=values.get("connection"),
                    optional=True,
                    placeholder="Leave empty to let CallOps choose",
                )
            )
        concerned = [
            known
            for known in self._connections.values()
            if self.verb is Verb.PLACE or (self.verb is Verb.CANCEL and known.cancels_by == "number")
        ]
        if not concerned:  # agents do not matter for these verbs
            return blocks or [context(f"{CONNECTION}: {name}") for name in self._connections]
        agents = sorted({agent for known in concerned for agent in known.agents})
        raw = any(known.raw_agents for known in concerned)
        if raw or len(agents) > MAX_OPTIONS or any(len(agent) > MAX_OPTION for agent in agents):
            blocks.append(text_input("agent", VOICE_AGENT, initial=values.get("agent", ""), optional=True))
        elif len(agents) > 1:
            options = [(agent, agent) for agent in agents]
            blocks.append(choice("agent", VOICE_AGENT, options, initial=values.get("agent"), optional=True))
        elif self._connections:
            named = [f"{CONNECTION}: {name}" for name in self._connections]
            blocks.append(context(*named, *(f"{VOICE_AGENT}: {escape(agent)}" for agent in agents)))
        return blocks


def _together(messages: Sequence[str]) -> str:
    """Return the first faults of a field, and how many more there are."""
    said = list(messages[:MAX_FAULTS])
    if more := len(messages) - len(said):
        said.append(parse_errors.further_faults(more))
    return " ".join(said)


def _given(view: Mapping[str, Any], block_id: str) -> str:
    """Return an input's text, chosen value or picked time, or an empty text."""
    for element in (view.get("state", {}).get("values", {}).get(block_id) or {}).values():
        ticked = [*element.get("selected_options", ()), {}][0]
        chosen = (element.get("selected_option") or ticked).get("value")
        return str(chosen or element.get("value") or element.get("selected_date_time") or "").strip()
    return ""
