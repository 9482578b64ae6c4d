"""The settings in force."""

from dataclasses import dataclass

from bot.config.settings import Settings


@dataclass(slots=True)
class SettingsHolder:
    """Holds the settings in force. A reload replaces ``current`` for everyone who reads it."""

    current: Settings
