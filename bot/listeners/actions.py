"""Listeners for requesters: the slash commands, and the buttons in their answers.

Each parses, records, acknowledges and returns. The only call over the network opens or changes a modal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.call_lists import CallListListeners
from bot.listeners.command_flow import CommandFlow
from bot.listeners.commands import RequestLists
from bot.listeners.forms import FormOpener
from bot.listeners.payloads import Body, channel_of, press, pressed
from bot.parsing.command import Command, Verb
from bot.services.commands import CommandService, nonce
from bot.services.models import RequestSource
from bot.slack.blocks import Message
from bot.slack.responses import EphemeralResponder, ModalClient, ModalNotOpenedError
from bot.text import interactions
from bot.ui import command_help, command_replies, prompts, ways_on
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
class RequestActions:
    """The commands and buttons by which people make and withdraw requests."""

    _store: Store
    _disabled: Mapping[str, str]
    _commands: CommandService
    _flow: CommandFlow
    _opening: FormOpener
    _lists: RequestLists
    _call_lists: CallListListeners
    _windows: ModalClient
    _replies: EphemeralResponder

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        self._lists.listen(app)
        self._call_lists.listen(app)
        for command in COMMANDS_HEARD:
            app.command(command)(self.command)
        for opening in command_replies.OPENS:
            app.action(opening)(self.open_form)
        app.action(command_help.PAGE)(self.help_page)
        app.action(command_replies.CHANGE)(self.change)
        app.action(re.compile(rf"^{prompts.CHOOSE}_\d+$"))(self.choose)
        app.action(prompts.CHANGE_ASKED)(self.change_asked)
        app.action(prompts.CANCEL_FIRST)(self.cancel_first)
        app.action(command_replies.PLACE)(self.place)
        app.action(ways_on.WITHDRAW)(self.withdraw)
        app.action(ways_on.SHOW_STATUS)(self.show_status)

    async def command(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Answer a slash command with help, a form, its faults, a preview, or the request's state."""
        default_verb = COMMANDS_HEARD[body["command"]]
        line = self._commands.parse(body.get("text") or "", default_verb, person)
        if line.verb is Verb.IMPORT:
            await self._call_lists.open(body, body["channel_id"], person)
            await ack()
        elif told := await self._told(line, person, body["trigger_id"]):
            await _say(ack, told)
        elif line.verb and line.missing and not line.problems:
            try:
                await self._opening.open(body, line.verb, values_of(line), body["channel_id"], person)
            except ModalNotOpenedError as no:
                draft = nonce(body["trigger_id"], "line")
                await self._commands.keep(draft, person, None, line)
                await _say(ack, command_replies.no_form(no.code, draft))
            else:
                await ack()
        else:
            origin = RequestSource(person, body["channel_id"], delivery_key=f"command:{body['trigger_id']}")
            await _say(
                ack, await self._flow.answer(line, origin, nonce(body["trigger_id"], "line"), typed=True)
            )

    async def _told(self, line: Command, person: Person, trigger_id: str) -> Message | None:
        """Return the answer to a command that only shows information, None for others."""
        match line.verb:
            case Verb.LIST:
                return await self._lists.overview(person)
            case Verb.STATUS:
                return await self._lists.status(line.rest, person)
            case Verb.LOG:
                return await self._lists.search.first_page(line.rest, person, trigger_id)
            case _ if line.verb is Verb.HELP or (line.verb is None and not line.text.strip()):
                return await self._help(person)
            case _:
                return None

    async def _help(self, person: Person) -> Message:
        """Return the help for what a person may do."""
        pauses = self._lists.pauses
        return command_help.help_message(
            self._commands.vocabulary,
            self._lists.personal.may_request(person),
            paused=await pauses.active(),
            may_pause=bool(pauses.pausable(person)),
        )

    async def help_page(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show another page of the help in place of this one."""
        first = action["value"] != command_help.OPTIONS
        page = (
            await self._help(person)
            if first
            else command_help.options(self._commands.vocabulary, self._disabled)
        )
        self._replies.send(body["response_url"], page, replace=True)
        await ack()

    async def choose(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Continue a command with the choice that it left open. Further presses show the same request."""
        choice = Choice.of(action["value"])
        draft = await self._commands.draft(choice.draft, person.id)
        if draft and draft.request:
            message = self._flow.asked(await self._store.requests.request(draft.request), person)
        elif draft is None or not draft.content:
            message = command_replies.refusal([interactions.TOO_OLD])
        else:
            verb = Verb(str(draft.content["verb"]))
            line = self._commands.parse(str(draft.content["rest"]), verb, person, choice.answers)
            line = replace(
                line, connection=choice.connection or line.connection, agent=choice.agent or line.agent
            )
            origin = pressed(body, person, draft.nonce)
            told = await self._told(line, person, body["trigger_id"])
            message = told or await self._flow.answer(line, origin, draft.nonce)
        await self._replies.answer(body, message)
        await ack()

    async def change_asked(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Withdraw a request whose default was wrong, and open its form to change it."""
        request_id, draft = action["value"].split()
        message, withdrawn = await self._flow.withdraw(request_id, person, delivery_key=press(body))
        await self._replies.answer(body, message)
        if withdrawn:
            await self._opening.reopen(await self._commands.draft(draft, person.id), body, person)
        await ack()

    async def cancel_first(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Request the cancellation of the earlier call. The answer then offers to place the new one."""
        draft = await self._commands.draft(action["value"], person.id)
        message = await self._flow.cancel_first(draft, pressed(body, person))
        await self._replies.answer(body, message)
        await ack()

    async def open_form(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open an empty form from help, or else a form filled from the command that was kept."""
        verb = command_replies.OPENS[action["action_id"]]
        if action["value"] == command_replies.EMPTY:
            await self._opening.open(body, verb, {}, channel_of(body), person)
        else:
            draft = await self._commands.draft(action["value"], person.id)
            await self._opening.reopen(draft, body, person, verb)
        await ack()

    async def change(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the form with the values of a command that was kept, and its unclear parts as typed."""
        draft = await self._commands.draft(action["value"], person.id)
        await self._opening.reopen(draft, body, person)
        await ack()

    async def place(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Place the call of a preview, once, however often the button is pressed."""
        draft = await self._commands.draft(action["value"], person.id)
        message = await self._flow.place(draft, pressed(body, person))
        await self._replies.answer(body, message)
        await ack()

    async def withdraw(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Withdraw a person's own request, unless it is already being sent."""
        message, _ = await self._flow.withdraw(action["value"], person, delivery_key=press(body))
        if "view" in body:
            await self._windows.update(body, result(message))
        else:
            await self._replies.answer(body, message)
        await ack()

    async def show_status(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Replace the answer to a typed command with the request's present state, which it then follows."""
        request = await self._store.requests.request(action["value"])
        if request.requester == person.id:
            await self._replies.answer(body, self._flow.asked(request, person))
        await ack()


async def _say(ack: AsyncAck, message: Message) -> None:
    await ack(text=message.text, blocks=list(message.blocks), response_type="ephemeral")
