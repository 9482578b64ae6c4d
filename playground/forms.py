"""Forms in Slack's client before anything is sent: initial values, typed values and required inputs."""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from playground import blocks as known

Json: TypeAlias = dict[str, Any]

# The key of an element's value in `state.values`, and the key of its initial value. Slack's own types
# (@slack/types 3.2.0) and Bolt's ViewOutput, read 2026-11
VALUE_KEYS: dict[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}
# Patterns of values that can be typed or picked.
FORMS = {
    "plain_text_input": r".*",
    "number_input": r".*",
    "email_text_input": r".*",
    "url_text_input": r".*",
    "datepicker": r"\d{4}-\d{2}-\d{2}",
    "timepicker": r"([01]\d|2[0-3]):[0-5]\d",
}
# The client's own messages. The wording is ours where Slack's is not documented.
REQUIRED = "Please complete this required field."


def values(blocks: list[Json], typed: dict[str, Json]) -> dict[str, dict[str, Json]]:
    """Return `state.values` of a view or message: the typed values, else the initial ones."""
    found: dict[str, dict[str, Json]] = {}
    for block, element in stateful(blocks):
        kept = typed.get(block["block_id"], {}).get(element["action_id"])
        entry = kept if kept and kept["type"] == element["type"] else _initial(element)
        found.setdefault(block["block_id"], {})[element["action_id"]] = entry
    return found


def stateful(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield the elements that hold a value, each with its block."""
    for block in blocks:
        for element in known.elements(block):
            if element["type"] not in {"button", "overflow"}:
                yield block, element


def entered(element: Json, value: object) -> Json:
    """Return the state of an element after a person entered this value.

    An option may be given by its value or its text.

    Raises:
        ValueError: The client would not accept the value.
    """
    kind = element["type"]
    key = VALUE_KEYS[kind][0]
    if kind == "file_input":
        raise ValueError(f"{element['action_id']} takes files that are picked")
    if key == "selected_option":
        return {"type": kind, key: None if value is None else _option(element, value)}
    if key == "selected_options":
        chosen = [_option(element, one) for one in value] if isinstance(value, list | tuple) else []
        return {"type": kind, key: chosen}
    form = FORMS.get(kind, "")
    if value is not None and form and not (isinstance(value, str) and re.fullmatch(form, value, re.DOTALL)):
        raise ValueError(f"{element['action_id']} does not take {value!r}")
    return {"type": kind, key: value or None}


def objections(blocks: list[Json], state: dict[str, dict[str, Json]]) -> dict[str, str]:
    """Return why the client would not submit, by block_id: the message under each input."""
    found: dict[str, str] = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            given = state[block["block_id"]][element["action_id"]][VALUE_KEYS[element["type"]][0]]
            if objection := _objection(element, given, optional=bool(block.get("optional"))):
                found[block["block_id"]] = objection
    return found


def _objection(element: Json, given: object, *, optional: bool) -> str | None:
    objection = None
    match element["type"], given:
        case _, None | "" | []:
            objection = None if optional else REQUIRED
        case "plain_text_input", str(text) if len(text) < element.get("min_length", 0):
            objection = f"Please use at least {element['min_length']} characters."
        case "plain_text_input", str(text) if len(text) > element.get("max_length", 3000):
            objection = f"Please use at most {element['max_length']} characters."
        case "number_input", str(text):
            objection = _number(element, text)
        case "email_text_input", str(text) if not re.fullmatch(r"\S+@\S+\.\S+", text):
            objection = "Please enter a valid email address."
        case "url_text_input", str(text) if not re.fullmatch(r"https?://\S+", text):
            objection = "Please enter a valid URL."
    return objection


def _number(element: Json, text: str) -> str | None:
    if not re.fullmatch(r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+", text):
        return "Please enter a valid number."
    least, most = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
    return None if least <= float(text) <= most else "That number is out of range."


def _initial(element: Json) -> Json:
    key, initial = VALUE_KEYS[element["type"]]
    return {"type": element["type"], key: element.get(initial, [] if key.endswith("s") else None)}


def _option(element: Json, value: object) -> Json:
    groups = [group["options"] for group in element.get("option_groups", ())]
    for option in [*element.get("options", ()), *(option for group in groups for option in group)]:
        if value in (option["value"], option["text"]["text"]):
            return dict(option)
    raise ValueError(f"{element['action_id']} has no option {value!r}")
