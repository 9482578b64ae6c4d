"""Elements of modals: the frame, the inputs, and the reading of submitted values.

``private_metadata`` holds what the modal is about and a nonce. Every open, push or update makes a new nonce,
and only an accepted submit uses it up.
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
    """The subject of a modal, kept in its ``private_metadata``."""

    nonce: str = ""
    request: str = ""
    action: str = ""
    shown: str = ""
    """A hash of the content that was shown, to which a decision is bound."""
    channel: str = ""
    decided: int = 0
    """The number of decisions that the person made in this modal before."""
    shown_at: str = ""
    """When the modal was first shown, if it replaced that of another request. Empty if it did not."""

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "About":
        """Read the subject from a view that Slack sent."""
        return cls(**json.loads(view["private_metadata"]))

    def text(self) -> str:
        """Return the subject as ``private_metadata``."""
        return json.dumps({key: value for key, value in asdict(self).items() if value})


def typed(view: Mapping[str, Any], block_id: str) -> str:
    """Return an input's visible text or chosen value, or an empty text."""
    for element in (view.get("state", {}).get("values", {}).get(block_id) or {}).values():
        chosen = element.get("selected_option")
        return str((chosen or {}).get("value") or seen(element.get("value") or ""))
    return ""


def modal(
    callback_id: str, title: str, blocks: Sequence[Block], *, about: About, submit: str | None = None
) -> View:
    """Return a modal. It is closed by "Close", because "Cancel" could mean a call."""
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
    """Return a modal that only shows sentences."""
    return modal("notice", title, [section(sentence) for sentence in sentences], about=About())


def result(message: Message) -> View:
    """Return a modal that shows the result of an act."""
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
    """Return a labelled text field.

    A text longer than ``max_length`` is filled in whole, so that it can be shortened there. If it exceeds
    Slack's own limit, the field stays empty, says so and is required.
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
        f"⚠️ Left empty: your text has {len(text)} characters, and {MAX_INPUT} fit here. "
        "Enter it again, shorter or in parts."
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
    """Return a labelled choice of (value, text). Values must have at most `MAX_OPTION` characters."""
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
