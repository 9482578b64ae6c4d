"""The way of a stop: its preview, the button that makes it, and the one that undoes it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.payloads import Body, pressed
from bot.parsing.command import Command, Verb
from bot.services.commands import CommandService, kept, number_to_block
from bot.services.models import PermissionDeniedError, RequestSource
from bot.slack.blocks import Message
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.text import interactions
from bot.ui import command_replies, do_not_call
from bot.ui.modal import result
from providers import phone
from storage.models import Person
from storage.repositories.users import Draft
from storage.store import Store

_NUMBER: Final = "number"
_REASON: Final = "reason"
"""The part of a draft about a stop. Its button stops exactly the number that was shown."""


@dataclass(slots=True)
class DoNotCallFlow:
    """Answers commands that stop or allow calls to a number, and the buttons of these answers."""

    _store: Store
    _commands: CommandService
    _clock: Callable[[], datetime]

    async def answer(self, line: Command, person: Person, draft: str) -> Message:
        """Preview a stop, or allow calls again. A stop is kept under ``draft`` for the button.

        Raises `InvalidCommandError` and `PermissionDeniedError`.
        """
        if line.verb is not Verb.STOP:
            return do_not_call.allowed(*await self._commands.remove_from_do_not_call(line, person))
        number = number_to_block(line)
        found = await self._commands.stopping.preview(number, person)
        content = kept(None, line) | {_NUMBER: number.e164, _REASON: line.reason}
        await self._store.users.keep_draft(draft, person=person.id, content=content)
        now = self._clock()
        return do_not_call.preview(found, line.reason, draft, zone=person.timezone, now=now)

    async def add(self, draft: Draft | None, origin: RequestSource) -> Message:
        """Stop all calls to the number of a preview, once, however often this is called."""
        if draft is None or _NUMBER not in draft.content:
            return command_replies.refusal([interactions.TOO_OLD])
        number = phone.read(
            str(draft.content[_NUMBER]), default_region=self._commands.vocabulary.default_region
        )
        reason = draft.content[_REASON]
        try:
            report = await self._commands.stopping.add(
                number, replace(origin, nonce=draft.nonce), str(reason) if reason else None
            )
        except PermissionDeniedError as no:
            return command_replies.refusal(no.reasons)
        return do_not_call.stopped(report)

    async def undo(self, stop: str, person: Person) -> Message:
        """Undo a person's own new stop, once."""
        try:
            undone, left = await self._commands.stopping.undo(stop, person)
        except PermissionDeniedError as no:
            return command_replies.refusal(no.reasons)
        return do_not_call.undone(undone, left)


@dataclass(slots=True)
class DoNotCallActions:
    """The buttons of stops. Each answer takes the place of the message or modal with the button."""

    _commands: CommandService
    _flow: DoNotCallFlow
    _windows: ModalClient
    _replies: EphemeralResponder

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(do_not_call.ADD)(self.add)
        app.action(do_not_call.UNDO)(self.undo)

    async def add(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Stop all calls to the number that a preview showed."""
        draft = await self._commands.draft(action["value"], person.id)
        await self._answer(body, await self._flow.add(draft, pressed(body, person)))
        await ack()

    async def undo(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Undo a stop that this person just made."""
        await self._answer(body, await self._flow.undo(action["value"], person))
        await ack()

    async def _answer(self, body: Body, message: Message) -> None:
        if "view" in body:
            await self._windows.update(body, result(message) | {"clear_on_close": True})
        else:
            self._replies.send(body["response_url"], message, replace=True)
