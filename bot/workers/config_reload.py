"""Records the current rules in the log whenever they change, and reloads them on SIGHUP.

A reload applies rules, groups, reasons and calling hours, which users see at once. Connections, channels and
the dispatch settings are set up at the start. If they changed, a message says that they need a restart. A
file with an error changes nothing, and its errors are reported.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.config.environment import ConfigError
from bot.config.settings import Settings, SettingsHolder
from bot.policy import calling_hours
from bot.policy.rules import written
from bot.slack.users import UserDirectory
from bot.text.rule_changes import difference
from bot.ui import announcements
from bot.workers.loop import until_written
from providers.masking import mask_numbers
from storage.changes import Announced, Announcement
from storage.models import SYSTEM
from storage.store import Store

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ConfigReloader:
    """Records and reloads the rules. ``read`` reads the file, or raises `ConfigError`."""

    _store: Store
    _settings: SettingsHolder
    _directory: UserDirectory
    _read: Callable[[], Settings]
    _clock: Callable[[], datetime]
    _asked: bool = field(default=False, init=False)

    def request_reload(self) -> None:
        """Request a reload of the file in the next run, on SIGHUP."""
        self._asked = True

    async def run_once(self) -> bool:
        """Reload the file if that was requested."""
        if self._asked:
            self._asked = False
            await self.reload()
        return False

    async def reload(self) -> None:
        """Apply the current file, or report why it cannot be applied."""
        try:
            new = self._read()
        except ConfigError as fault:
            _log.error(
                "The rules were not read anew, and those before still hold: %s", "; ".join(fault.faults)
            )
            await self._announce(fault.faults)
            return
        old = self._settings.current
        taken = _taken(old, new)
        if not await self._directory.reload(taken.groups):
            _log.warning("Not every user group could be read: whoever is only in one of those may do nothing")
        self._settings.current = taken
        later = needs_restart(old, new)
        _log.info("The rules were read anew%s", f"; a restart is needed for {later}" if later else "")
        await self.keep(later=later)

    async def keep(self, *, later: str = "") -> str | None:
        """Record the current rules if they differ from those in the log, and announce the change in Slack.

        Returns the event's id, None if the rules are unchanged.
        """
        known = calling_hours.known()
        own_hours = {
            country: hours.words()
            for country, hours in self._settings.current.hours.items()
            if hours != known.get(country)
        }
        now = written(self._settings.current.rules, self._settings.current.groups, own_hours)
        text = json.dumps(now, ensure_ascii=False)
        while True:
            last = await self._store.audit.rules()
            if last and str(last.data["rules"]) == text:
                return None
            before = json.loads(str(last.data["rules"])) if last else None
            lines = difference(before, now) if before else [announcements.FIRST_RULES]
            data = {"rules": text, "difference": "\n".join(lines)}
            told = {"restart_for": later} if last and lines else None
            kept = await self._store.audit.record_rules(actor=SYSTEM, data=data, after=last, announce=told)
            if kept:
                break
        for line in lines:
            _log.info("%s: %s", kept, line)
        return kept

    async def _announce(self, faults: Sequence[str]) -> None:
        told = mask_numbers("\n".join(faults), default_region=self._settings.current.slack.default_region)
        about = self._clock().isoformat()
        one = Announcement(Announced.RULES_FAULTY, about, payload={"faults": told})
        await until_written(lambda: self._store.outbox.announce(one))


def _taken(old: Settings, new: Settings) -> Settings:
    """Return the old settings with the parts of the new ones that need no restart."""
    reasons = {"reasons": new.slack.reasons, "denial_reasons": new.slack.denial_reasons}
    slack = old.slack.model_copy(update=reasons)
    return replace(old, rules=new.rules, groups=new.groups, hours=new.hours, slack=slack)


def needs_restart(old: Settings, new: Settings) -> str:
    """Return the changed settings that need a restart, in words."""
    changed = [
        announcements.a_connection(name)
        for name in sorted({*old.connections, *new.connections})
        if old.connections.get(name) != new.connections.get(name)
    ]
    if _taken(old, new).slack != new.slack:
        changed.append("[slack]")
    changed += ["[dispatch]"] if old.dispatch != new.dispatch else []
    changed += ["[retention]"] if old.retention != new.retention else []
    return ", ".join(changed)
