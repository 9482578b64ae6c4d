"""The listeners of people who ask: the slash commands, and the buttons under what answers them.

Parse, record, ack, return: everything here is local but the one call that opens or changes a modal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.command_flow import CommandFlow
from bot.listeners.commands import Lists
from bot.listeners.forms import Opening
from bot.listeners.payloads import Body, channel_of, press, pressed
from bot.parsing.command import Verb
from bot.services.commands import Commands, nonce
from bot.services.models import Origin
from bot.slack.blocks import Message
from bot.slack.responses import NoWindow, Replies, Windows
from bot.text import interactions
from bot.ui import command_replies, prompts
from bot.ui.command_replies import COMMANDS
from bot.ui.form_values import values_of
from bot.ui.modal import result
from bot.ui.prompts import Choice
from storage.models import Person
from storage.store import Store

COMMANDS_HEARD: Final[dict[str, Verb | None]] = {"/calls": None} | {
    command: verb for verb, command in COMMANDS.items()
}
"""The verb that each slash command supplies."""


@dataclass(slots=True)
class Requests:
    """What people type and press to ask for something, or to take it back."""

    _log: Store
    _disabled: Mapping[str, str]
    _commands: Commands
    _flow: CommandFlow
    _opening: Opening
    _lists: Lists
    _windows: Windows
    _replies: Replies

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        self._lists.listen(app)
        for command in COMMANDS_HEARD:
            app.command(command)(self.command)
        for opening in command_replies.OPENS:
            app.action(opening)(self.open_form)
        app.action(command_replies.CHANGE)(self.change)
        app.action(re.compile(rf"^{prompts.CHOOSE}_\d+$"))(self.choose)
        app.action(prompts.CHANGE_ASKED)(self.change_asked)
        app.action(prompts.CANCEL_FIRST)(self.cancel_first)
        app.action(command_replies.PLACE)(self.place)
        app.action(command_replies.WITHDRAW)(self.withdraw)

    async def command(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Answer a slash command: help, a form, what is wrong with it, a preview, or what was asked."""
        door = COMMANDS_HEARD[body["command"]]
        line = self._commands.parse(body.get("text") or "", door, person)
        if line.verb is Verb.HELP or (line.verb is None and not line.text.strip()):
            await _say(ack, command_replies.help_message(self._commands.vocabulary, self._disabled))
        elif line.verb is Verb.LIST:
            await _say(ack, await self._lists.overview(person))
        elif line.verb is Verb.STATUS:
            await _say(ack, await self._lists.status(line.rest, person))
        elif line.verb is Verb.LOG:
            await _say(ack, await self._lists.search.first_page(line.rest, person, body["trigger_id"]))
        elif line.verb and line.missing and not line.faults:
            try:
                await self._opening.open(body, line.verb, values_of(line), body["channel_id"], person)
            except NoWindow as no:
                draft = nonce(body["trigger_id"], "line")
                await self._commands.keep(draft, person, None, line)
                await _say(ack, command_replies.no_form(no.code, draft))
            else:
                await ack()
        else:
            origin = Origin(person, body["channel_id"], delivery_key=f"command:{body['trigger_id']}")
            await _say(ack, await self._flow.answer(line, origin, nonce(body["trigger_id"], "line")))

    async def choose(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Go on with a line, now that what it left open was chosen; once, however often it is pressed."""
        choice = Choice.of(action["value"])
        draft = await self._commands.draft(choice.draft, person.id)
        if draft and draft.request:
            message = self._flow.asked(await self._log.requests.request(draft.request))
        elif draft is None or not draft.content:
            message = command_replies.refusal([interactions.TOO_OLD])
        else:
            verb = Verb(str(draft.content["verb"]))
            line = self._commands.parse(str(draft.content["rest"]), verb, person, choice.answers)
            line = replace(
                line, connection=choice.connection or line.connection, agent=choice.agent or line.agent
            )
            origin = pressed(body, person, draft.nonce)
            message = await self._flow.answer(line, origin, draft.nonce)
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def change_asked(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Take back what was asked with something chosen wrongly, and open its form to ask it otherwise."""
        request_id, draft = action["value"].split()
        message, withdrawn = await self._flow.withdraw(request_id, person, delivery_key=press(body))
        self._replies.send(body["response_url"], message, replace=True)
        if withdrawn:
            await self._opening.reopen(await self._commands.draft(draft, person.id), body, person)
        await ack()

    async def cancel_first(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Ask to cancel the call that was placed before; the new one is placed after that."""
        draft = await self._commands.draft(action["value"], person.id)
        message = await self._flow.cancel_first(draft, pressed(body, person))
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def open_form(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open a form: empty from help, and with all that was understood where its verb was asked for."""
        verb = command_replies.OPENS[action["action_id"]]
        if action["value"] == command_replies.EMPTY:
            await self._opening.open(body, verb, {}, channel_of(body), person)
        else:
            draft = await self._commands.draft(action["value"], person.id)
            await self._opening.reopen(draft, body, person, verb)
        await ack()

    async def change(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the form with all that was understood of a line, and as typed what was not."""
        draft = await self._commands.draft(action["value"], person.id)
        await self._opening.reopen(draft, body, person)
        await ack()

    async def place(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Place what a preview showed, once, however often the button is pressed."""
        draft = await self._commands.draft(action["value"], person.id)
        message = await self._flow.place(draft, pressed(body, person))
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def withdraw(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Withdraw what somebody asked for themselves, if nothing of it is being sent."""
        message, _ = await self._flow.withdraw(action["value"], person, delivery_key=press(body))
        if "view" in body:
            await self._windows.change(body, result(message))
        else:
            self._replies.send(body["response_url"], message, replace=True)
        await ack()


async def _say(ack: AsyncAck, message: Message) -> None:
    await ack(text=message.text, blocks=list(message.blocks), response_type="ephemeral")
