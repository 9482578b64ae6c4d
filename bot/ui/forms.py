"""The forms for placing, cancelling and deleting: each field is read by the same grammar as the command line.

A form is filled with all that was understood, and with what was typed where it was not; a fault stands under
its own field.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.parsing.command import OF_STOPS, Fault, Question, Verb, Vocabulary
from bot.parsing.labels import DOES, FIELDS
from bot.parsing.options import MAX_TEXT
from bot.services.scheduled_calls import NONE_OF_THESE, SCHEDULED_CALL, Offer
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
from bot.ui.decision_facts import CANNOT_BE_UNDONE
from bot.ui.form_fields import (
    MAX_OPTIONS,
    call_time_input,
    inputs,
    known_calls,
    leaves_choice,
    reason_inputs,
    seldom_needed,
    time_inputs,
    why_input,
    zone_input,
)
from bot.ui.form_values import PICKED, data_faults, filled, reason_fault, together
from bot.ui.modal import About, choice, modal, text_input

MORE = "more"
NOTHING_TO_MOVE = "There is no scheduled call that CallOps knows. It moves what was placed through it."
MOVED_HOW = "The call is cancelled first, and placed again for the new time once that is done."
NOTHING_TO_CANCEL = "Choose a call above, or write a number or a call's id here."
MAX_LINE_SHOWN = 15_000
"""Characters of what was typed; more than Slack's own composer takes."""
MAX_FAULTS = 3
"""Faults of one field that are said at once."""

_SUBMITS = {
    Verb.PLACE: "Preview",
    Verb.CANCEL: "Ask to cancel",
    Verb.MOVE: "Ask to move",
    Verb.DELETE_CAMPAIGN: "Ask to delete",
    Verb.STOP_CAMPAIGN: "Ask to stop",
    Verb.START_CAMPAIGN: "Ask to start",
    Verb.STOP: "Stop calls",
    Verb.ALLOW: "Allow calls",
}
_OF_CAMPAIGNS = {
    Verb.DELETE_CAMPAIGN: (
        "the campaign has ended",
        f"⚠️ {CANNOT_BE_UNDONE} Whoever approves it types the campaign's id.",
    ),
    Verb.STOP_CAMPAIGN: ("wrong list", "It calls nobody else until it is started again."),
    Verb.START_CAMPAIGN: ("the list is ready", "⚠️ Starting it calls people."),
}
"""For what is done to campaigns: an example of a reason, and what should be known before."""
_OF_STOPS = {
    Verb.STOP: (
        "asked not to be called",
        "🛑 Cancels every call to this number that we know of, and blocks all later ones. Needs no approval.",
    ),
    Verb.ALLOW: ("asked us to call again", "Calls to it may go out again. The reason stays in the log."),
}
"""For whether a number is called: an example of a reason, and what should be known before."""

NOTHING_KNOWN = Offer()
_ANSWER = "answer-"
"""The inputs for questions about what was typed; their ids name the question's place and the text."""


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
"""The field of a form for a field of an action."""


class Form:
    """The form of one verb."""

    def __init__(self, verb: Verb, vocabulary: Vocabulary) -> None:
        self.verb = verb
        self.callback_id = f"form_{verb.name.lower()}"
        self._reasons = vocabulary.reasons
        self._hours = vocabulary.hours
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
        known: Offer = NOTHING_KNOWN,
        hint: str = "",
    ) -> View:
        """The form with values in it, by field. ``whole`` unfolds what is seldom needed.

        ``line`` is what was typed where the form comes from a command: some of it may have no field.
        ``known`` are the calls to choose from, where something is cancelled; ``hint`` is said first.
        """
        about = About(nonce=nonce, channel=channel)
        match self.verb:
            case Verb.PLACE:
                blocks = self._place(values, whole=whole)
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
        if line:
            blocks += contexts(f"You typed: {escape(cut(line, MAX_LINE_SHOWN))}")
        title = DOES[self.verb].capitalize()
        return modal(self.callback_id, title, blocks, about=about, submit=_SUBMITS[self.verb])

    def read(self, view: Mapping[str, Any]) -> dict[str, str]:
        """What stands in a form that Slack sent back, by field."""
        return together(self.filled(view))

    def filled(self, view: Mapping[str, Any]) -> dict[str, str]:
        """Return what stands in each input of a form that Slack sent back, to build the form anew."""
        return {
            block["block_id"]: _given(view, block["block_id"])
            for block in view["blocks"]
            if block["type"] == "input" and not block["block_id"].startswith(_ANSWER)
        }

    def answers(self, view: Mapping[str, Any], said: str) -> tuple[int, ...]:
        """Return the options chosen in a form for the questions about ``said``, the line that it says.

        Answers to questions about another line are none: what was typed has changed since.
        """
        found: list[int] = []
        while chosen := _given(view, _answer_id(len(found), said)):
            found.append(int(chosen))
        return tuple(found)

    def asking(self, view: Mapping[str, Any], question: Question, said: str, *, nonce: str) -> View:
        """Return a form that Slack sent back, with a question about what was typed as its first field."""
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
        """Whether a form that Slack sent back has a field."""
        return any(block.get("block_id") == field for block in view["blocks"])

    def contradictions(self, values: Mapping[str, str], now: datetime) -> list[Fault]:
        """What is wrong before a form is read as a line: it contradicts itself, or lacks something."""
        found = [reason_fault(values)] if self.verb in {Verb.CANCEL, Verb.MOVE} else []
        known = values.get(SCHEDULED_CALL, "")
        match self.verb, known not in {"", NONE_OF_THESE}, bool(values.get("targets")):
            case Verb.CANCEL, True, True:
                either = "Choose this call, or fill in what is below: not both."
                found.append(Fault(SCHEDULED_CALL, either))
            case Verb.MOVE, False, False:
                found.append(Fault(SCHEDULED_CALL, "Choose the call to move."))
            case Verb.CANCEL, False, False:
                found.append(Fault("targets", NOTHING_TO_CANCEL))
        if picked := values.get(PICKED):
            if values.get("at"):
                found.append(Fault(PICKED, "Two times: one typed, one picked. Empty one of them."))
            elif int(picked) <= now.timestamp():
                found.append(Fault(PICKED, "That time has passed. Pick a later time."))
        elif self.verb is Verb.MOVE and not values.get("at"):
            found.append(Fault("at", "Say when the call is to go out instead, or pick a time."))
        return [*(fault for fault in found if fault), *data_faults(values)]

    def errors(self, faults: Sequence[Fault], view: Mapping[str, Any]) -> dict[str, str]:
        """Faults by the input they belong to; what belongs to none stands under the first one."""
        present = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
        found: dict[str, list[str]] = {}
        for fault in faults:
            block = _BLOCK_OF.get(fault.field, fault.field)
            hint = f" {fault.proposal.format(f'“{fault.suggestion}”')}" if fault.suggestion else ""
            found.setdefault(block if block in present else present[0], []).append(fault.message + hint)
        return {block: _together(messages) for block, messages in found.items()}

    def _place(self, values: Mapping[str, str], *, whole: bool) -> list[Block]:
        said = together(values)
        unfolded = whole or any(said.get(name) for name in _FOLDED)
        blocks = [
            text_input("targets", "Number", initial=values.get("targets", ""), placeholder="+91 98765 43210"),
            *time_inputs(values),
            *self._through(values),
            text_input(
                "purpose", "What for", initial=values.get("purpose", ""), optional=True, max_length=MAX_TEXT
            ),
        ]
        taken = frozenset[str]().union(*(known.fields for known in self._connections.values()))
        left_out = {name for name in FIELDS if name not in taken and not said.get(name)}
        if "at" in left_out:
            left_out.add(PICKED)
        if values.get("zone") or (self._hours and leaves_choice(values)):
            blocks.append(zone_input(values))
        elif unfolded and self._hours:
            blocks.append(zone_input({}))
        if unfolded:
            blocks += seldom_needed(values)
        blocks = [block for block in blocks if block.get("block_id") not in left_out]
        if unfolded:
            return blocks
        return [
            *blocks,
            actions(button("More options…", MORE, "more", label="Show the options seldom needed")),
        ]

    def _cancel(self, values: Mapping[str, str], known: Offer) -> list[Block]:
        by = {through.cancels_by for through in self._connections.values()}
        labels = {"number": "Number", "call_id": "Call id"}
        label = " or ".join(text for key, text in labels.items() if key in by)
        return [
            *known_calls(known),
            *inputs(
                "targets",
                label,
                filled(values, "targets", at_commas=True),
                placeholder="98765 43210",
                hint="Several: put each on its own line.",
                optional=bool(known.calls),
            ),
            *reason_inputs(values, self._reasons),
            *call_time_input(values),
            *self._through(values),
        ]

    def _move(self, values: Mapping[str, str], known: Offer) -> list[Block]:
        """Only calls that CallOps knows can be moved: it has to know what to place again."""
        calls = known_calls(known) if known.calls else [section(NOTHING_TO_MOVE)]
        times = time_inputs(
            values, label="New time", hint="In your own time zone.", examples="17:00, Mon 10:00"
        )
        return [*calls, *times, *reason_inputs(values, self._reasons), context(MOVED_HOW)]

    def _campaign(self, values: Mapping[str, str]) -> list[Block]:
        example, known_before = _OF_CAMPAIGNS[self.verb]
        return [
            text_input(
                "targets",
                "Campaign id",
                initial=values.get("targets", ""),
                placeholder="cd-2129073-58d9-44d5-a5d1-454b1220xxxx",
                hint="As the provider shows it. One campaign at a time.",
            ),
            *self._through(values),
            why_input(values, example),
            context(known_before),
        ]

    def _stop(self, values: Mapping[str, str]) -> list[Block]:
        example, known_before = _OF_STOPS[self.verb]
        return [
            text_input("targets", "Number", initial=values.get("targets", ""), placeholder="+91 98765 43210"),
            why_input(values, example, optional=self.verb is Verb.STOP),
            context(known_before),
        ]

    def _through(self, values: Mapping[str, str]) -> list[Block]:
        """Connection and agent, where there is anything to choose."""
        blocks: list[Block] = []
        if len(self._connections) > MAX_OPTIONS:
            said = values.get("connection", "")
            blocks.append(text_input("connection", "Through", initial=said, optional=True))
        elif len(self._connections) > 1:
            options = [(name, name) for name in self._connections]
            blocks.append(
                choice(
                    "connection",
                    "Through",
                    options,
                    initial=values.get("connection"),
                    optional=True,
                    placeholder="Leave empty: CallOps chooses",
                )
            )
        concerned = [
            known
            for known in self._connections.values()
            if self.verb is Verb.PLACE or (self.verb is Verb.CANCEL and known.cancels_by == "number")
        ]
        if not concerned:  # no agent has a part in it
            return blocks or [context(f"Through {name}") for name in self._connections]
        agents = sorted({agent for known in concerned for agent in known.agents})
        raw = any(known.raw_agents for known in concerned)
        if raw or len(agents) > MAX_OPTIONS or any(len(agent) > MAX_OPTION for agent in agents):
            blocks.append(text_input("agent", "Agent", initial=values.get("agent", ""), optional=True))
        elif len(agents) > 1:
            options = [(agent, agent) for agent in agents]
            blocks.append(choice("agent", "Agent", options, initial=values.get("agent"), optional=True))
        elif self._connections:
            known = " · ".join([*self._connections, *(f"agent {agent}" for agent in agents)])
            blocks.append(context(f"Through {known}"))
        return blocks


def _together(messages: Sequence[str]) -> str:
    """Return the first faults of a field, and how many more there are."""
    said = list(messages[:MAX_FAULTS])
    if more := len(messages) - len(said):
        said.append(parse_errors.further_faults(more))
    return " ".join(said)


def _given(view: Mapping[str, Any], block_id: str) -> str:
    """What stands in an input: text, a chosen option's value, an instant in seconds, or nothing."""
    for element in (view.get("state", {}).get("values", {}).get(block_id) or {}).values():
        chosen = (element.get("selected_option") or {}).get("value")
        return str(chosen or element.get("value") or element.get("selected_date_time") or "").strip()
    return ""
