"""The parts of the app's manifest that people see: commands, shortcuts, and whether they can write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Command:
    """A slash command as the composer offers it."""

    command: str
    description: str
    usage_hint: str


@dataclass(frozen=True)
class Shortcut:
    """A shortcut: on messages, as their menu offers it, or beside the composer."""

    callback_id: str
    name: str


@dataclass(frozen=True)
class Surface:
    """The commands and shortcuts in the manifest's order.

    ``writable`` says whether the messages tab has a composer, ``home`` whether there is a Home tab.
    """

    name: str
    commands: tuple[Command, ...]
    shortcuts: tuple[Shortcut, ...]
    global_shortcuts: tuple[Shortcut, ...]
    writable: bool
    home: bool


def read(path: Path) -> Surface:
    """Return the surface of the manifest in a file."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    features = raw.get("features", {})
    home = features.get("app_home", {})
    return Surface(
        name=raw["display_information"]["name"],
        commands=tuple(
            Command(one["command"], one.get("description", ""), one.get("usage_hint", ""))
            for one in features.get("slash_commands", ())
        ),
        shortcuts=_shortcuts(features, "message"),
        global_shortcuts=_shortcuts(features, "global"),
        writable=bool(home.get("messages_tab_enabled")) and not home.get("messages_tab_read_only_enabled"),
        home=bool(home.get("home_tab_enabled")),
    )


def _shortcuts(features: dict[str, Any], kind: str) -> tuple[Shortcut, ...]:
    found = (one for one in features.get("shortcuts", ()) if one["type"] == kind)
    return tuple(Shortcut(one["callback_id"], one["name"]) for one in found)
