"""Linter for messages, modals and Home views: checks what Slack accepts.

The pages named beside the limits are below docs.slack.dev. Fields and lengths were compared with Slack's own
types (@slack/types 3.2.0, read 2026-11), which quote them. Limits that the types do not have are marked
second-hand.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from playground.shapes import (
    Check,
    Fields,
    Shape,
    Tagged,
    anything,
    array,
    boolean,
    dates,
    fault,
    integer,
    matching,
    one_of,
    plain,
    rich,
    string,
)

Kind = Literal["message", "modal", "home"]

MAX_BLOCKS: Mapping[Kind, int] = {"message": 50, "modal": 100, "home": 100}  # reference/block-kit/blocks
MAX_VIEW_BYTES = 250_000  # reference/methods/views.open: view_too_large
# Undocumented. Measured in github.com/slackapi/bolt-js/issues/2509. The answer is msg_blocks_too_long.
MAX_MESSAGE_CHARACTERS = 13_200
MAX_TEXT = 40_000  # reference/methods/chat.postMessage, "Truncating content"
MAX_ID = 255  # block_id, action_id, callback_id, external_id
MAX_URL = 3000  # block-elements/button-element
MAX_METADATA = 3000  # reference/views/modal-views
WITHOUT_TEXT = fault("text is missing or empty: notifications and screen readers read it", "/text")

_ID = string(MAX_ID, 1)
_DATE = matching(r"\d{4}-\d{2}-\d{2}", "a date as YYYY-MM-DD")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "a time as HH:mm")
_EPOCH = integer(1_000_000_000, 9_999_999_999)  # block-elements/datetime-picker-element: ten digits
_NUMBER = matching(r"-?\d+(\.\d+)?", "a number in a string")
_USERS = array(matching(r"[UW]\w+", "a user id"), 100)
_CHANNEL = matching(r"[CGD]\w+", "a channel id")
_CHANNELS = array(_CHANNEL, 100)
_URL: Fields = {"response_url_enabled": boolean}

# composition-objects/confirmation-dialog-object
_CONFIRM = Shape(
    {"title": plain(100), "text": rich(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)


def _option(label: Check) -> Shape:
    # composition-objects/option-object. The types say 75 for the value, others 150, so 75 is safe.
    return Shape({"text": label, "value": string(75)}, {"description": plain(75), "url": string(MAX_URL)})


_OPTION = _option(plain(75))
_RICH_OPTION = _option(rich(75))  # checkboxes and radio buttons take mrkdwn
_GROUP = Shape({"label": plain(75), "options": array(_OPTION, 100, 1)})
_ANY: Fields = {"action_id": _ID}
_FOCUS: Fields = {"focus_on_load": boolean}
_SELECT: Fields = {**_ANY, **_FOCUS, "placeholder": plain(150), "confirm": _CONFIRM}
_MULTI: Fields = {**_SELECT, "max_selected_items": integer(1, 100)}
_TYPED: Fields = {
    **_ANY,
    **_FOCUS,
    "placeholder": plain(150),
    "dispatch_action_config": Shape(
        {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2, 1)}
    ),
}
_OPTIONS: Fields = {"options": array(_OPTION, 100, 1), "option_groups": array(_GROUP, 100, 1)}
_CONVERSATION: Fields = {"default_to_current_conversation": boolean, "filter": anything}
_IMAGE = Shape({"alt_text": string(2000, 1)}, {"image_url": string(MAX_URL, 1), "slack_file": anything})

# docs.slack.dev/reference/block-kit/block-elements/<name>-element
_CHOOSERS: dict[str, Shape] = {
    "static_select": Shape(may={**_SELECT, **_OPTIONS, "initial_option": _OPTION}),
    "multi_static_select": Shape(may={**_MULTI, **_OPTIONS, "initial_options": array(_OPTION, 100, 1)}),
    "external_select": Shape(
        may={**_SELECT, "min_query_length": integer(0, 3000), "initial_option": _OPTION}
    ),
    "multi_external_select": Shape(
        may={**_MULTI, "min_query_length": integer(0, 3000), "initial_options": array(_OPTION, 100, 1)}
    ),
    "users_select": Shape(may={**_SELECT, "initial_user": matching(r"[UW]\w+", "a user id")}),
    "multi_users_select": Shape(may={**_MULTI, "initial_users": _USERS}),
    "channels_select": Shape(may={**_SELECT, "initial_channel": _CHANNEL, **_URL}),
    "multi_channels_select": Shape(may={**_MULTI, "initial_channels": _CHANNELS}),
    "conversations_select": Shape(
        may={
            **_SELECT,
            **_CONVERSATION,
            "initial_conversation": string(MAX_ID, 1),
            "response_url_enabled": boolean,
        }
    ),
    "multi_conversations_select": Shape(may={**_MULTI, **_CONVERSATION, "initial_conversations": _CHANNELS}),
    "datepicker": Shape(may={**_SELECT, "initial_date": _DATE}),
    "timepicker": Shape(may={**_SELECT, "initial_time": _TIME, "timezone": string(MAX_ID, 1)}),
    "datetimepicker": Shape(may={**_ANY, **_FOCUS, "confirm": _CONFIRM, "initial_date_time": _EPOCH}),
    "checkboxes": Shape(
        {"options": array(_RICH_OPTION, 10, 1)},
        {**_ANY, **_FOCUS, "confirm": _CONFIRM, "initial_options": array(_RICH_OPTION, 10, 1)},
    ),
    "radio_buttons": Shape(
        {"options": array(_RICH_OPTION, 10, 1)},
        {**_ANY, **_FOCUS, "confirm": _CONFIRM, "initial_option": _RICH_OPTION},
    ),
}
_PRESSED: dict[str, Shape] = {
    "button": Shape(
        {"text": plain(75)},
        {
            **_ANY,
            "url": string(MAX_URL),
            "value": string(2000),
            "style": one_of("primary", "danger"),
            "confirm": _CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": Shape({"options": array(_OPTION, 5, 1)}, {**_ANY, "confirm": _CONFIRM}),
}
_INPUTS: dict[str, Shape] = {
    "plain_text_input": Shape(
        may={
            **_TYPED,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        }
    ),
    "number_input": Shape(
        {"is_decimal_allowed": boolean},
        {**_TYPED, "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER},
    ),
    "email_text_input": Shape(may={**_TYPED, "initial_value": string(3000)}),
    "url_text_input": Shape(may={**_TYPED, "initial_value": string(3000)}),
    "file_input": Shape(
        may={**_ANY, "filetypes": array(string(MAX_ID, 1), 100, 1), "max_files": integer(1, 10)}
    ),
}
_IN_ACTIONS = Tagged({**_PRESSED, **_CHOOSERS}, "element")
_IN_SECTION = Tagged({**_PRESSED, **_CHOOSERS, "image": _IMAGE}, "element")
_IN_INPUT = Tagged({**_INPUTS, **_CHOOSERS}, "element")
_IN_CONTEXT = Tagged(
    {
        "image": _IMAGE,
        "mrkdwn": Shape({"text": string(3000, 1)}, {"verbatim": boolean}),
        "plain_text": Shape({"text": string(3000, 1)}, {"emoji": boolean}),
    },
    "element",
)
_BLOCK: Fields = {"block_id": _ID}

# docs.slack.dev/reference/block-kit/blocks/<name>-block; blocks not used here are unknown on purpose
BLOCKS: dict[str, Shape] = {
    "section": Shape(
        may={
            **_BLOCK,
            "text": rich(3000),
            "fields": array(rich(2000), 10, 1),
            "accessory": _IN_SECTION,
            "expand": boolean,
        }
    ),
    "divider": Shape(may=_BLOCK),
    "header": Shape({"text": plain(150)}, _BLOCK),
    "context": Shape({"elements": array(_IN_CONTEXT, 10, 1)}, _BLOCK),
    "actions": Shape({"elements": array(_IN_ACTIONS, 25, 1)}, _BLOCK),
    "image": Shape(_IMAGE.need, {**_IMAGE.may, **_BLOCK, "title": plain(2000)}),
    "input": Shape(
        {"label": plain(2000), "element": _IN_INPUT},
        {**_BLOCK, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": Shape({"elements": array(anything, 1000)}, _BLOCK),
}
_MARKDOWN = Shape({"text": string(12_000, 1)}, _BLOCK)  # blocks/markdown-block: messages only
_VIEW: Fields = {
    "private_metadata": string(MAX_METADATA),
    "callback_id": string(MAX_ID),
    "external_id": string(MAX_ID),
}
_MODAL: Fields = {
    **_VIEW,
    "submit": plain(24),
    "close": plain(24),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}


def faults(kind: Kind, payload: Mapping[str, object]) -> list[str]:
    """Return every fault of a message (`text` and `blocks` only), a modal or a Home view.

    Each line names the fault and its JSON pointer. The list is empty if Slack would accept the payload. A
    message with blocks must also have `text` (`WITHOUT_TEXT`). Slack accepts it without, but phones then
    cannot announce it.
    """
    return list(_message(payload) if kind == "message" else _view(kind, payload))


def characters(node: object) -> int:
    """Return the number of characters of text in all blocks."""
    match node:
        case dict():
            own = len(node["text"]) if isinstance(node.get("text"), str) else 0
            return own + sum(map(characters, node.values()))
        case list():
            return sum(map(characters, node))
        case _:
            return 0


def elements(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the interactive elements of a block, in the order in which they are shown."""
    for one in [block.get("element"), block.get("accessory"), *_list(block.get("elements"))]:
        if isinstance(one, dict) and one.get("type") in {**_PRESSED, **_CHOOSERS, **_INPUTS}:
            yield one


def _message(payload: Mapping[str, object]) -> Iterator[str]:
    text, found = payload.get("text"), payload.get("blocks")
    if text is not None:
        yield from string(MAX_TEXT)(text, "/text")
        yield from dates(text, "/text")
    if found is None:
        return
    if not text:
        yield WITHOUT_TEXT
    yield from array(Tagged({**BLOCKS, "markdown": _MARKDOWN}, "block"), MAX_BLOCKS["message"])(
        found, "/blocks"
    )
    yield from _between(found, "/blocks")
    if (total := characters(found)) > MAX_MESSAGE_CHARACTERS:
        yield fault(f"{total} characters over all blocks, at most {MAX_MESSAGE_CHARACTERS}", "/blocks")


def _view(kind: Kind, view: Mapping[str, object]) -> Iterator[str]:
    need: dict[str, Check] = {"blocks": array(Tagged(BLOCKS, "block"), MAX_BLOCKS[kind])}
    shape = Shape({"title": plain(24), **need}, _MODAL) if kind == "modal" else Shape(need, _VIEW)
    yield from Tagged({kind: shape}, "view")(view, "/view")
    found = view.get("blocks")
    yield from _between(found, "/view/blocks")
    asked = any(isinstance(block, dict) and block.get("type") == "input" for block in _list(found))
    if asked and kind == "modal" and not view.get("submit"):  # reference/views/modal-views
        yield fault("missing required field: submit, as there are inputs", "/view")
    if len(json.dumps(view)) > MAX_VIEW_BYTES:
        yield fault("view is over 250 kB", "/view")


def _between(found: object, pointer: str) -> Iterator[str]:
    """Yield the faults that concern several blocks, or several fields of an element."""
    listed = [block for block in _list(found) if isinstance(block, dict)]
    yield from _twice([block.get("block_id") for block in listed], "block_id", pointer)
    everywhere = [element for block in listed for element in elements(block)]
    if sum(element.get("focus_on_load") is True for element in everywhere) > 1:
        yield fault(
            "only one element may have focus_on_load", pointer
        )  # block-elements/*: "Only one element can…"
    for index, block in enumerate(listed):
        here = f"{pointer}/{index}"
        if block.get("type") == "section" and not (block.get("text") or block.get("fields")):
            yield fault("must define either text or fields", here)
        if block.get("type") == "image" and bool(block.get("image_url")) == bool(block.get("slack_file")):
            yield fault("must define either image_url or slack_file", here)
        inside = list(elements(block))
        yield from _twice([element.get("action_id") for element in inside], "action_id", here)
        for element in inside:
            for rule in _RULES:
                yield from rule(element, here)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _twice(ids: Sequence[object], what: str, pointer: str) -> Iterator[str]:
    for one in sorted({str(one) for one in ids if one and ids.count(one) > 1}):
        yield fault(f"{what} {one!r} already exists", pointer)


def _has_options(element: Mapping[str, object], pointer: str) -> Iterator[str]:
    given = [name for name in ("options", "option_groups") if element.get(name)]
    if str(element.get("type")).endswith("static_select") and len(given) != 1:
        yield fault("must define either options or option_groups", pointer)


def _starts_among_options(element: Mapping[str, object], pointer: str) -> Iterator[str]:
    """Yield a fault if an initial option is not exactly one of the options.

    Source: block-elements/select-menu-element.
    """
    known = list(_list(element.get("options")))
    for group in _list(element.get("option_groups")):
        known += _list(group.get("options")) if isinstance(group, dict) else []
    single, several = element.get("initial_option"), element.get("initial_options")
    initial = [single] if single else _list(several)
    if known and any(option not in known for option in initial):
        yield fault("an initial option is not among the options", pointer)


def _lengths_agree(element: Mapping[str, object], pointer: str) -> Iterator[str]:
    least, most, initial = (element.get(name) for name in ("min_length", "max_length", "initial_value"))
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield fault("min_length is over max_length", pointer)
    if isinstance(most, int) and isinstance(initial, str) and len(initial) > most:
        yield fault("initial_value is longer than max_length", pointer)


_RULES: tuple[Callable[[Mapping[str, object], str], Iterator[str]], ...] = (
    _has_options,
    _starts_among_options,
    _lengths_agree,
)
