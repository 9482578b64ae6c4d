"""The way of a pause: `/calls pause` and `/calls resume`, the form on Home, and the buttons that resume."""

from collections.abc import Collection
from dataclasses import dataclass

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.forms import FormOpener
from bot.listeners.payloads import Body, channel_of, submitted
from bot.parsing.command import Command, FieldProblem, Verb
from bot.services import scheduled_calls
from bot.services.commands import CommandService, InvalidCommandError, nonce
from bot.services.models import PermissionDeniedError, RequestSource
from bot.services.pauses import PauseService
from bot.services.wakeups import Wakeups
from bot.slack.blocks import Message
from bot.slack.responses import EphemeralResponder, ModalClient, is_home
from bot.text import interactions, parse_errors
from bot.ui import call_times, command_replies, pauses
from bot.ui.modal import notice, result
from bot.ui.pauses import PauseForm
from storage.models import Person
from storage.store import Store


@dataclass(slots=True)
class PauseFlow:
    """Answers commands that pause calls or let them go on."""

    service: PauseService
    _commands: CommandService

    def cancelling(self, name: str | None) -> list[str]:
        """Return the connections of a pause whose calls CallOps can cancel."""
        able = scheduled_calls.cancelling(self._commands.vocabulary)
        return [one for one in able if name in {None, one}]

    async def answer(self, line: Command, origin: RequestSource) -> Message:
        """Pause or resume. Raises `InvalidCommandError` and `PermissionDeniedError`."""
        if line.problems:
            raise InvalidCommandError(list(line.problems))
        if line.verb is Verb.RESUME:
            ended, left = await self.service.resume(line.connection, origin.person)
            return pauses.resumed(line.connection, ended, left)
        if not line.reason:
            raise InvalidCommandError([FieldProblem("reason", parse_errors.WHY_PAUSE)])
        made = await self.service.pause(
            line.connection,
            origin.person,
            line.reason,
            until=line.at,
            nonce=origin.nonce or origin.delivery_key,
        )
        able = self.cancelling(made.connection)
        offers = any(self.service.may_cancel(origin.person, one).allowed for one in able)
        return pauses.paused(made, cancels=bool(able), offers=offers)


@dataclass(slots=True)
class PauseActions:
    """The form that pauses calls, and the buttons that let them go on.

    The Home tab of the person is published anew at once, others with the next look at them.
    """

    _store: Store
    _commands: CommandService
    _flow: PauseFlow
    _opening: FormOpener
    _connections: Collection[str]
    _windows: ModalClient
    _replies: EphemeralResponder
    _wakeups: Wakeups

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(pauses.OPEN)(self.open)
        app.view(PauseForm.callback_id)(self.pause)
        app.action(pauses.RESUME)(self.resume)
        app.action(pauses.CANCEL_SCHEDULED)(self.cancel_scheduled)

    async def open(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Open the form, with what a pause would find now. Tell others why they may not."""
        service, key = self._flow.service, nonce(body["trigger_id"], "pause")
        names = service.pausable(person)
        try:
            if not names:
                await service.check(None, person, "pause")
            counts, everything = await service.counts(), len(self._connections)
            view = PauseForm.build(names, counts, everything=everything, nonce=key)
        except PermissionDeniedError as no:
            view = notice(interactions.NOT_ALLOWED, *no.reasons)
        await self._windows.open(body, view)
        await ack()

    async def pause(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Pause calls as the form says, and show what still goes out."""
        line = self._commands.parse(PauseForm.line(body["view"]), None, person)
        try:
            message = await self._flow.answer(line, submitted(body, person))
        except InvalidCommandError as faulty:
            await ack(response_action="errors", errors=PauseForm.errors(faulty.problems))
            return
        except PermissionDeniedError as no:
            message = command_replies.refusal(no.reasons)
        await self._redraw(person)
        await ack(response_action="update", view=result(call_times.on_clock(message, person.timezone)))

    async def resume(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """End the pause of a button. Tell others why they may not."""
        message: Message | None = None
        try:
            ended, left = await self._flow.service.resume_one(action["value"], person)
        except PermissionDeniedError as no:
            message = command_replies.refusal(no.reasons)
        else:
            if not is_home(body):
                message = pauses.resumed(ended.connection, ended, left) if ended else pauses.over(left)
        if message is None:
            await self._redraw(person)
        else:
            await self._tell(body, message, person)
        await ack()

    async def cancel_scheduled(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the form to cancel calls, filled with those that one request can cancel.

        Tell others why they may not.
        """
        name, service = action["value"], self._flow.service
        able = self._flow.cancelling(None if name == pauses.EVERY else name)
        may = {one: service.may_cancel(person, one) for one in able}
        allowed = [one for one in able if may[one].allowed]
        values, count, more = await service.to_cancel(allowed, self._commands.vocabulary)
        if values:
            hint = pauses.to_cancel(count, more)
            await self._opening.open(body, Verb.CANCEL, values, channel_of(body), person, hint=hint)
        else:
            reasons = [why for one in may.values() for why in one.reasons] if able and not allowed else []
            no = command_replies.refusal(list(dict.fromkeys(reasons)) or [pauses.NOTHING_TO_CANCEL])
            await self._tell(body, no, person)
        await ack()

    async def _tell(self, body: Body, message: Message, person: Person) -> None:
        """Show an answer below the message with the button, or in a modal where there is none."""
        shown = call_times.on_clock(message, person.timezone)
        if "response_url" in body:
            self._replies.send(body["response_url"], shown)
        else:
            await self._windows.push(body, result(shown))

    async def _redraw(self, person: Person) -> None:
        await self._store.homes.opened(person.id)
        self._wakeups.homes()
