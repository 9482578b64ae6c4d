"""Listeners for the question whether a move takes the place of a cancellation that waits."""

from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.command_flow import CommandFlow
from bot.listeners.payloads import Body, pressed
from bot.services.commands import CommandService
from bot.slack.blocks import Message
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.ui import replacing
from bot.ui.modal import result
from storage.models import Person
from storage.store import Store


@dataclass(slots=True)
class ReplaceActions:
    """The two answers to the question. What follows takes the place of the question."""

    _store: Store
    _commands: CommandService
    _flow: CommandFlow
    _windows: ModalClient
    _replies: EphemeralResponder

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(replacing.REPLACE)(self.replace)
        app.action(replacing.KEEP)(self.keep)

    async def replace(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Withdraw the cancellation and request the move, once, however often the button is pressed."""
        waiting, draft = action["value"].split()
        kept = await self._commands.draft(draft, person.id)
        await self._answer(body, await self._flow.replace(waiting, kept, pressed(body, person)))
        await ack()

    async def keep(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show the cancellation, which still waits."""
        request = await self._store.requests.request(action["value"])
        await self._answer(body, self._flow.asked(request, person))
        await ack()

    async def _answer(self, body: Body, message: Message) -> None:
        if "view" in body:
            await self._windows.update(body, result(message))
        else:
            self._replies.send(body["response_url"], message, replace=True)
