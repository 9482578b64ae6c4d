"""What was chosen for people, shown with the way to change it, and what they must choose themselves. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bot.parsing.command import Fault, Line, Question
from bot.parsing.defaults import Ground, Inferred, Open
from bot.parsing.labels import DOES
from bot.parsing.numbers import NumberTarget
from bot.parsing.tokens import listed
from bot.slack.blocks import MAX_BUTTON, Block, Message, actions, button, context, cut, escape, section

CHOOSE = "choose"
"""What the action ids of such buttons begin with; each has the place of its candidate behind it."""
NOTHING_YET = "Nothing was asked yet. Press one: what you typed is kept."
CHANGE_ASKED = "change_asked"
MOST_OFFERED = 10
"""Candidates with a button each; where there are more, the form lists them."""

_WHY = {
    Ground.ONLY: "there is no other",
    Ground.KNOWN: "the log knows the id from there",
    Ground.SCHEDULED: "the log has a call scheduled there",
    Ground.LAST_USED: "you used it last",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a candidate's button holds: the draft that goes on, with what was chosen so far."""

    draft: str
    connection: str | None = None
    agent: str | None = None
    answers: tuple[int, ...] = ()

    @classmethod
    def of(cls, value: str) -> "Choice":
        """Read it back from a button that was pressed."""
        held = json.loads(value)
        return cls(**(held | {"answers": tuple(held.get("answers", ()))}))

    def text(self) -> str:
        """As a button's value."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})


def offer(line: Line, found: Inferred, faults: Sequence[Fault], draft: str, change: str) -> Message | None:
    """Ask the one thing that keeps a line from being asked, with a button for each answer.

    Return None where it is more than one thing. ``line`` is as it was said, ``found`` what it became;
    ``change`` is the action id of the button that opens the form.
    """
    if question := question_in(faults):
        return _ask(question, line, draft, change)
    return choose(found, found.open, draft, change) if found.open and is_offered(found) else None


def question_in(faults: Sequence[Fault]) -> Question | None:
    """The question to ask next, where one press on an answer leads on."""
    questions = [fault for fault in faults if isinstance(fault, Question) and fault.options]
    return questions[0] if questions and len(questions) == len(faults) else None


def _ask(question: Question, line: Line, draft: str, change: str) -> Message:
    """Ask what a text means, with a button for each option; everything else is understood already."""
    first = f"*Which do you mean?* {escape(question.message)}"
    buttons = [
        button(
            cut(f"{option[0].upper()}{option[1:]}", MAX_BUTTON),
            f"{CHOOSE}_{place}",
            Choice(draft, line.connection, line.agent, (*line.answers, place)).text(),
            label=cut(f"Go on: {option}", MAX_BUTTON),
        )
        for place, option in enumerate(question.options[:MOST_OFFERED])
    ]
    buttons.append(button("Open the form…", change, draft))
    return Message(first, [section(first), actions(*buttons), context(NOTHING_YET)])


def is_offered(found: Inferred) -> bool:
    """Whether one press on a candidate is all that is missing, and a button shows each of them whole."""
    return (
        found.open is not None
        and len(found.open.candidates) <= MOST_OFFERED
        and all(len(candidate) <= MAX_BUTTON for candidate in found.open.candidates)
        and [fault.field for fault in (*found.line.faults, *found.faults)] == [found.open.field]
    )


def choose(found: Inferred, left: Open, draft: str, change: str) -> Message:
    """Ask which one, with a button for each; everything else is understood already.

    ``change`` is the action id of the button that opens the form.
    """
    line = found.line
    targets = [
        target.phone.pretty if isinstance(target, NumberTarget) else target.provider_id
        for target in line.targets
    ]
    does = DOES[line.verb].partition(" ")[0] if line.verb else "ask for"
    what = escape(targets[0]) if len(targets) == 1 else f"{len(targets)} targets"
    names = escape(listed(left.candidates, "or"))
    first = f"*Which {left.field}?* To {does} {what}, choose {names}."
    buttons: list[Block] = []
    for number, candidate in enumerate(left.candidates):
        connection = candidate if left.field == "connection" else line.connection
        agent = candidate if left.field == "agent" else line.agent
        value = Choice(draft, connection, agent, line.answers).text()
        label = f"Go on with the {left.field} {candidate}"
        buttons.append(button(candidate, f"{CHOOSE}_{number}", value, label=label))
    buttons.append(button("Open the form…", change, draft))
    return Message(first, [section(first), actions(*buttons), context(NOTHING_YET)])


def chosen(grounds: Mapping[str, Ground], *, connection: str | None, agent: str | None) -> str | None:
    """What was chosen and why, or None where everything was said."""
    values = {"connection": connection, "agent": agent}
    parts = [
        f"{name} {escape(values[name] or '')} ({_WHY[grounds[name]]})" for name in values if name in grounds
    ]
    return f"Chosen for you: {listed(parts, 'and')}." if parts else None


def is_guess(grounds: Mapping[str, Ground]) -> bool:
    """Whether something else could have been meant."""
    return any(ground is not Ground.ONLY for ground in grounds.values())


def change_asked(request: str, draft: str) -> Block:
    """The button that takes a request back and opens its form with all that was understood."""
    label = f"Take {request} back and change it"
    return button("Take back and change…", CHANGE_ASKED, f"{request} {draft}", label=label)
