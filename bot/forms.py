"""The forms for placing, cancelling and deleting: each field is read by the same grammar as the command line.

A form is filled with all that was understood, and with what was typed where it was not; a fault stands under
its own field.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.answers import place_facts, preview_notes
from bot.blocks import Block, actions, button, context, cut, escape, fields, section
from bot.keys import MAX_TEXT
from bot.line import (
    CAMPAIGN,
    DOES,
    FIELDS,
    JSON_SCALAR,
    KINDS,
    OF_CAMPAIGNS,
    ConnectionWords,
    Fault,
    Line,
    Verb,
    Vocabulary,
    written_json,
)
from bot.messages import CANNOT_BE_UNDONE
from bot.modals import About, View, choice, modal, text_input, typed
from bot.operations import Wish
from bot.targets import IdTarget, NumberTarget
from bot.words import quote, unquoted
from providers.request import Prepared

MORE = "more"
MAX_LINE_SHOWN = 1000
MAX_OPTIONS = 100
"""Of a select; where there are more, people type."""

_SUBMITS = {
    Verb.PLACE: "Preview",
    Verb.CANCEL: "Ask to cancel",
    Verb.DELETE_CAMPAIGN: "Ask to delete",
    Verb.STOP_CAMPAIGN: "Ask to stop",
    Verb.START_CAMPAIGN: "Ask to start",
}
_OF_CAMPAIGNS = {
    Verb.DELETE_CAMPAIGN: (
        "the campaign has ended",
        f"⚠️ {CANNOT_BE_UNDONE} Whoever approves it types the campaign's id.",
    ),
    Verb.STOP_CAMPAIGN: ("wrong list", "It calls nobody more until it is started again."),
    Verb.START_CAMPAIGN: ("the list is ready", "⚠️ Starting it calls people."),
}
"""For what is done to campaigns: an example of a reason, and what should be known before."""
_YES_OR_NO = (("yes", "Yes"), ("no", "No"))

_KEYS = {
    "at": "at",
    "agent": "agent",
    "retries": "retries",
    "gap": "gap",
    "earliest": "from",
    "latest": "until",
    "carry_over": "carry-over",
    "language": "lang",
    "priority": "priority",
    "batch": "batch",
    "purpose": "purpose",
    "consent": "consent",
    "reason": "reason",
}
"""The grammar's key for each field that has one; the others are put together in `line_text`."""
_TARGET_KEYS = {Verb.PLACE: "to", **dict.fromkeys(OF_CAMPAIGNS, CAMPAIGN)}
"""Where the field for targets holds one and nothing else."""
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
        self._connections = {
            name: known for name, known in vocabulary.connections.items() if KINDS[verb] in known.kinds
        }

    def build(
        self, values: Mapping[str, str], *, nonce: str, channel: str, whole: bool = False, line: str = ""
    ) -> View:
        """The form with values in it, by field. ``whole`` unfolds what is seldom needed.

        ``line`` is what was typed where the form comes from a command: some of it may have no field.
        """
        about = About(nonce=nonce, channel=channel)
        match self.verb:
            case Verb.PLACE:
                blocks = self._place(values, whole=whole)
            case Verb.CANCEL:
                blocks = self._cancel(values)
            case _:
                blocks = self._campaign(values)
        if line:
            blocks.append(context(f"You typed: {cut(escape(line), MAX_LINE_SHOWN)}"))
        title = DOES[self.verb].capitalize()
        return modal(self.callback_id, title, blocks, about=about, submit=_SUBMITS[self.verb])

    def read(self, view: Mapping[str, Any]) -> dict[str, str]:
        """What stands in a form that Slack sent back, by field."""
        return {
            block["block_id"]: typed(view, block["block_id"])
            for block in view["blocks"]
            if block["type"] == "input"
        }

    def errors(self, faults: Sequence[Fault], view: Mapping[str, Any]) -> dict[str, str]:
        """Faults by the input they belong to; what belongs to none stands under the first one."""
        present = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
        found: dict[str, str] = {}
        for fault in faults:
            block = _BLOCK_OF.get(fault.field, fault.field)
            hint = f" Did you mean “{fault.suggestion}”?" if fault.suggestion else ""
            found.setdefault(block if block in present else present[0], fault.message + hint)
        return found

    def _place(self, values: Mapping[str, str], *, whole: bool) -> list[Block]:
        unfolded = whole or any(values.get(name) for name in _FOLDED)
        blocks = [
            text_input("targets", "Number", initial=values.get("targets", ""), placeholder="+91 98765 43210"),
            text_input(
                "at",
                "When",
                initial=values.get("at", ""),
                placeholder="now, 17:00, tomorrow 9:30, Mon 10:00, in 20 min",
                hint="In your own time zone. Empty means now.",
                optional=True,
            ),
            *self._through(values),
            text_input(
                "purpose", "What for", initial=values.get("purpose", ""), optional=True, max_length=MAX_TEXT
            ),
        ]
        taken = frozenset[str]().union(*(known.fields for known in self._connections.values()))
        left_out = {name for name in FIELDS if name not in taken and not values.get(name)}
        if unfolded:
            blocks += _more(values)
        blocks = [block for block in blocks if block.get("block_id") not in left_out]
        if unfolded:
            return blocks
        return [
            *blocks,
            actions(button("More options…", MORE, "more", label="Show the options seldom needed")),
        ]

    def _cancel(self, values: Mapping[str, str]) -> list[Block]:
        by = {known.cancels_by for known in self._connections.values()}
        labels = {"number": "Number", "call_id": "Call id"}
        label = " or ".join(text for key, text in labels.items() if key in by)
        return [
            text_input(
                "targets",
                label,
                initial=values.get("targets", ""),
                placeholder="98765 43210",
                hint="Several go on lines of their own.",
                multiline=True,
            ),
            *self._through(values),
            _why(values, "customer asked"),
        ]

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
            _why(values, example),
            context(known_before),
        ]

    def _through(self, values: Mapping[str, str]) -> list[Block]:
        """Connection and agent, where there is anything to choose."""
        blocks: list[Block] = []
        if len(self._connections) > 1:
            options = [(name, name) for name in self._connections]
            blocks.append(
                choice(
                    "connection",
                    "Through",
                    options,
                    initial=values.get("connection"),
                    optional=True,
                    placeholder="As the target needs",
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
        if raw or len(agents) > MAX_OPTIONS:
            blocks.append(text_input("agent", "Agent", initial=values.get("agent", ""), optional=True))
        elif len(agents) > 1:
            options = [(agent, agent) for agent in agents]
            blocks.append(choice("agent", "Agent", options, initial=values.get("agent"), optional=True))
        elif self._connections:
            known = " · ".join([*self._connections, *(f"agent {agent}" for agent in agents)])
            blocks.append(context(f"Through {known}"))
        return blocks


def _why(values: Mapping[str, str], example: str) -> Block:
    return text_input(
        "reason",
        "Why",
        initial=values.get("reason", ""),
        placeholder=example,
        optional=True,
        max_length=MAX_TEXT,
    )


def _more(values: Mapping[str, str]) -> list[Block]:
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
        text_input(
            "metadata",
            "Data for the agent",
            initial=values.get("metadata", ""),
            placeholder="name=Asha\nage=25",
            hint="One name=value a line.",
            multiline=True,
            optional=True,
        ),
    ]


class PlacePreview:
    """The second step of placing by form: exactly what would be placed; its submit places it."""

    callback_id = "preview"

    @classmethod
    def build(
        cls, wish: Wish, prepared: Prepared, line: Line, *, through: ConnectionWords, nonce: str, channel: str
    ) -> View:
        """The same facts as the preview of a command."""
        first, facts = place_facts(wish, prepared, line, through)
        blocks = [
            section(first),
            fields(facts),
            context(*preview_notes(through)),
        ]
        return modal(
            cls.callback_id,
            "Place this call?",
            blocks,
            about=About(nonce=nonce, channel=channel),
            submit="Place this call",
        )


def line_text(verb: Verb, values: Mapping[str, str]) -> str:
    """A form's values as one line of the grammar."""
    said = {field: value for field, value in values.items() if value}
    targets = said.pop("targets", "")
    key = _TARGET_KEYS.get(verb)
    parts = [f"{key}={quote(targets)}" if key and targets else targets]
    if connection := said.pop("connection", ""):
        parts.append(f"via {connection}")
    parts += [f"meta.{name}={value}" for name, value in _metadata(said.pop("metadata", ""))]
    parts += [f"{_KEYS[field]}={quote(value)}" for field, value in said.items()]
    return " ".join(filter(None, parts))


def _metadata(text: str) -> list[tuple[str, str]]:
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, value = line.partition("=" if "=" in line else ":")
        value = value.strip()
        as_it_is = JSON_SCALAR.fullmatch(value) or unquoted(value).quoted
        found.append((name.strip(), value if as_it_is else quote(value)))
    return found


def values_of(line: Line) -> dict[str, str]:
    """What a form is filled with: what was understood, else what was typed."""
    wrong = {fault.field for fault in line.faults}
    gap = ", ".join(map(str, line.gap)) if isinstance(line.gap, tuple) else line.gap
    understood = {
        "targets": "\n".join(_shown(target) for target in line.targets),
        "at": line.at_text,
        "connection": line.connection,
        "agent": line.agent,
        "retries": line.retries,
        "gap": gap,
        "earliest": line.earliest,
        "latest": line.latest,
        "carry_over": {None: None, True: "yes", False: "no"}[line.carry_over],
        "language": line.language,
        "priority": line.priority,
        "batch": line.batch,
        "metadata": "\n".join(f"{name}={written_json(value)}" for name, value in line.metadata.items()),
        "purpose": line.purpose,
        "consent": line.consent,
        "reason": line.reason,
    }
    return {
        field: line.typed.get(field, "") if field in wrong or value is None else str(value)
        for field, value in understood.items()
    }


def _shown(target: NumberTarget | IdTarget) -> str:
    return target.phone.pretty if isinstance(target, NumberTarget) else target.provider_id
