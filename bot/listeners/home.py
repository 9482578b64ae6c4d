"""The listener for people who open the app's Home tab. `bot.workers.homes` publishes it."""

from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.services.wakeups import Wakeups
from storage.models import Person
from storage.store import Store

OPENED: Final = "app_home_opened"
"""Slack's event for a person who opens the app. It names the tab, of which Messages is another."""


@dataclass(frozen=True, slots=True)
class HomeTabs:
    """The listener for opened Home tabs."""

    _store: Store
    _wakeups: Wakeups

    def listen(self, app: AsyncApp) -> None:
        """Register the listener."""
        app.event(OPENED)(self.opened)

    async def opened(self, ack: AsyncAck, event: dict[str, Any], person: Person) -> None:
        """Have the tab published, and kept up to date for a day."""
        if event.get("tab") == "home":
            await self._store.homes.opened(person.id)
            self._wakeups.homes()
        await ack()
