"""What modals are made of: the frame, the inputs, and how what comes back is read.

``private_metadata`` carries what the modal is about and a nonce, new at every open, push or update, that only
an accepted submit uses up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.slack.blocks import MAX_OPTION, MAX_TITLE, Block, Message, View, plain_text, section
from bot.text.visible import seen

MAX_LABEL = 2000
MAX_INPUT = 3000
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class About:
    """What a modal is about: kept in its ``private_metadata``."""

    nonce: str = ""
    request: str = ""
    entry: str = ""
    shown: str = ""
    """A hash of what was shown, for a decision to be bound to."""
    channel: str = ""
    decided: int = 0
    """How many the person decided in this modal before."""

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "About":
        """Read it back from a view that Slack sent."""
        return cls(**json.loads(view["private_metadata"]))

    def text(self) -> str:
        """As ``private_metadata``."""
        return json.dumps({key: value for key, value in asdict(self).items() if value})


def typed(view: Mapping[str, Any], block_id: str) -> str:
    """What stands in an input: text as far as it is seen, a chosen option's value, or nothing."""
    for element in (view.get("state", {}).get("values", {}).get(block_id) or {}).values():
        chosen = element.get("selected_option")
        return str((chosen or {}).get("value") or seen(element.get("value") or ""))
    return ""


def modal(
    callback_id: str, title: str, blocks: Sequence[Block], *, about: About, submit: str | None = None
) -> View:
    """A modal. Closing one says "Close": no button reads just "Cancel"."""
    view: View = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, MAX_TITLE),
        "close": plain_text("Close", MAX_TITLE),
        "blocks": list(blocks),
        "private_metadata": about.text(),
    }
    if submit:
        view["submit"] = plain_text(submit, MAX_TITLE)
    return view


def notice(title: str, *sentences: str) -> View:
    """A modal that only says something."""
    return modal("notice", title, [section(sentence) for sentence in sentences], about=About())


def result(message: Message) -> View:
    """A modal that says what came of it."""
    return notice("CallOps", "") | {"blocks": list(message.blocks)}


def text_input(
    block_id: str,
    label: str,
    *,
    initial: str = "",
    placeholder: str = "",
    hint: str = "",
    optional: bool = False,
    multiline: bool = False,
    max_length: int = MAX_INPUT,
) -> Block:
    """A labelled text field.

    It is never filled with a part of ``initial``. A text that is longer than ``max_length`` can be shortened
    there; where Slack takes no such text, the field is empty, says so and must be filled in.
    """
    shown = seen(initial).strip()
    if len(shown) > MAX_INPUT:
        hint, optional = f"{_left_empty(shown)} {hint}".rstrip(), False
        shown = ""
    element: Block = {
        "type": "plain_text_input",
        "action_id": block_id,
        "max_length": MAX_INPUT if len(shown) > max_length else max_length,
    }
    if multiline or "\n" in shown:
        element["multiline"] = True
    if shown:
        element["initial_value"] = shown
    if placeholder:
        element["placeholder"] = plain_text(placeholder, 150)
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, MAX_LABEL),
        "element": element,
        "optional": optional,
    }
    return block | ({"hint": plain_text(hint, MAX_LABEL)} if hint else {})


def _left_empty(text: str) -> str:
    return (
        f"⚠️ Left empty: what was typed has {len(text)} characters, and {MAX_INPUT} fit here. "
        "Write it again, shorter or in parts."
    )


def choice(
    block_id: str,
    label: str,
    options: Sequence[tuple[str, str]],
    *,
    initial: str | None = None,
    optional: bool = False,
    radio: bool = False,
    placeholder: str = "",
) -> Block:
    """A labelled choice among (value, text). A value has at most `MAX_OPTION` characters."""
    shown = [{"value": value, "text": plain_text(text, MAX_OPTION)} for value, text in options]
    element: Block = {
        "type": "radio_buttons" if radio else "static_select",
        "action_id": block_id,
        "options": shown,
    }
    if chosen := next((option for option in shown if option["value"] == initial), None):
        element["initial_option"] = chosen
    if placeholder and not radio:
        element["placeholder"] = plain_text(placeholder, 150)
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, MAX_LABEL),
        "element": element,
        "optional": optional,
    }
