"""The permissions in the app's manifest: scopes, commands and surfaces. Without one, all are granted."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Manifest:
    """The parts of a manifest that Slack enforces. None means "anything"."""

    scopes: tuple[str, ...] | None = None
    commands: frozenset[str] | None = None
    shortcuts: frozenset[tuple[str, str]] | None = None
    """Each shortcut's type (``message``, ``global``) and callback id."""
    interactivity: bool = True
    messages_tab: bool = True
    home_tab: bool = True
    events: frozenset[str] | None = None
    """The events of the Events API that the app gets."""


def read(path: Path) -> Manifest:
    """Return the manifest in a file."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    features, settings = raw.get("features", {}), raw.get("settings", {})
    home, scopes = features.get("app_home", {}), raw.get("oauth_config", {}).get("scopes", {})
    return Manifest(
        scopes=(*scopes.get("bot", ()), *scopes.get("bot_optional", ())),
        commands=frozenset(one["command"] for one in features.get("slash_commands", ())),
        shortcuts=frozenset((one["type"], one["callback_id"]) for one in features.get("shortcuts", ())),
        interactivity=bool(settings.get("interactivity", {}).get("is_enabled")),
        messages_tab=bool(home.get("messages_tab_enabled", True)),
        home_tab=bool(home.get("home_tab_enabled")),
        events=frozenset(settings.get("event_subscriptions", {}).get("bot_events", ())),
    )
