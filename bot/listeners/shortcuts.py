"""Listeners for the shortcuts, and for the buttons of the audit message.

Each parses, reads, acknowledges and returns. The only call over the network opens or changes a modal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.forms import FormOpener
from bot.listeners.payloads import Body, channel_of, seen_in_full
from bot.parsing import mentions
from bot.parsing.command import KINDS, Verb
from bot.parsing.mentions import Mentions
from bot.services import scheduled_calls
from bot.services.approvals import RECORDING_OPENED, ApprovalService
from bot.services.commands import CommandService, nonce
from bot.services.permissions import Permissions
from bot.slack.blocks import View
from bot.slack.masking import Masking
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.text import interactions
from bot.text import scheduled_calls as sentences
from bot.ui import command_replies
from bot.ui.details_modal import PROVIDER, Details, Recording
from bot.ui.form_values import PICKED, asked_as
from bot.ui.modal import notice
from bot.ui.ways_on import CANCEL_THIS, DETAILS, MENU, MOVE_THIS, PLACE_AGAIN
from providers.actions import Kind
from storage.errors import RequestNotFoundError
from storage.models import ActionRecord, Person, Request, record_of
from storage.store import Store

CANCEL_MENTIONED = "cancel_mentioned"
PLACE_MENTIONED = "place_mentioned"
"""The message shortcuts. They work in threads too, unlike slash commands."""
GLOBAL = {"place_call": Verb.PLACE, "cancel_call": Verb.CANCEL}
"""The global shortcuts, each with the verb whose form it opens."""

_VERBS: dict[Kind, Verb] = {kind: verb for verb, kind in KINDS.items() if verb is not Verb.MOVE}


@dataclass(slots=True)
class Shortcuts:
    """The shortcuts and the buttons of messages."""

    _store: Store
    _permissions: Permissions
    _approvals: ApprovalService
    _commands: CommandService
    _opening: FormOpener
    _windows: ModalClient
    _replies: EphemeralResponder
    _masking: Masking

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(CANCEL_THIS)(self.cancel_this)
        app.action(MOVE_THIS)(self.move_this)
        app.action(PLACE_AGAIN)(self.place_again)
        app.action(Details.recording)(self.open_recording)
        app.action(DETAILS)(self.details)
        app.action(MENU)(self.more)
        app.action(Details.reveal)(self.reveal)
        app.message_shortcut(CANCEL_MENTIONED)(self.cancel_mentioned)
        app.message_shortcut(PLACE_MENTIONED)(self.place_mentioned)
        for callback_id in GLOBAL:
            app.global_shortcut(callback_id)(self.open_form)

    async def cancel_this(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the form to cancel a call, with the call chosen. Tell others why they may not."""
        await self._open_with(Verb.CANCEL, ack, body, action, person)

    async def move_this(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the form to reschedule a call, with the call chosen. Tell others why they may not."""
        await self._open_with(Verb.MOVE, ack, body, action, person)

    async def _open_with(self, verb: Verb, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        record = record_of(await self._store.requests.request(action["value"]), action["value"])
        allowed = self._permissions.may_open(person, Kind.CANCEL_CALL)
        late = await self._commands.cannot_cancel(record, person)
        if late or not allowed.allowed:
            await self._refuse(body, [late] if late else allowed.reasons)
        else:
            await self._opening.open(body, verb, {}, channel_of(body), person, call=record)
        await ack()

    async def place_again(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the filled form of a request that came to nothing, for its requester. Nothing is sent yet.

        The call that is placed again or moved is fixed. The target of other failed requests may be wrong.
        """
        request = await self._store.requests.request(action["value"])
        verb, calls = _VERBS[request.kind], request.actions
        if moved := request.reschedules:
            verb = Verb.PLACE if request.followed_by else Verb.MOVE
            calls = [record_of(await self._store.requests.request(moved), moved)]
        no: str | None = None
        if person.id != request.requester:
            no = sentences.NOT_YOURS_TO_REPEAT
        elif any(call.action is None for call in calls):
            no = sentences.ERASED
        elif verb is Verb.MOVE:
            no = await self._commands.cannot_cancel(calls[0], person)
        if no:
            await self._refuse(body, [no])
        else:
            values = asked_as(calls, request.reason)
            if verb is Verb.MOVE and request.new_time:
                values[PICKED] = str(int(request.new_time.timestamp()))
            call = calls[0] if request.cancelled or request.reschedules else None
            await self._opening.open(body, verb, values, channel_of(body), person, call=call)
        await ack()

    async def _refuse(self, body: Body, reasons: Sequence[str]) -> None:
        """Tell a person why nothing was done, below the message, or in a modal where there is none."""
        if "response_url" in body:
            self._replies.send(body["response_url"], command_replies.refusal(reasons))
        else:
            await self._windows.open(body, notice(interactions.NOT_ALLOWED, *reasons))

    async def more(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Do what was chosen in the menu ⋯ of an audit message, as its button would."""
        chosen, _, value = action["selected_option"]["value"].partition(" ")
        does = {
            DETAILS: self.details,
            CANCEL_THIS: self.cancel_this,
            MOVE_THIS: self.move_this,
            PLACE_AGAIN: self.place_again,
        }
        await does[chosen](ack, body, {"value": value}, person)

    async def details(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show a request's history, over the modal in which the button was pressed, if any."""
        view = await self._story(await self._store.requests.request(action["value"]), person)
        if "view" in body:
            await self._windows.push(body, view)
        else:
            await self._windows.open(body, view)
        await ack()

    async def reveal(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show the full numbers to a person who may see them, once the log has recorded it."""
        key = nonce(body["trigger_id"], "reveal")
        seen = await seen_in_full(self._approvals.reveal(action["value"], person, nonce=key))
        if seen is not None:
            view = await self._story(seen, person, revealed=True) if isinstance(seen, Request) else seen
            await self._windows.update(body, view)
        await ack()

    async def open_recording(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show the address of a call's recording to a person who may see it, once the log has recorded it."""
        call, key = action["value"], nonce(body["trigger_id"], "recording")
        looked = self._approvals.reveal(call, person, nonce=key, event=RECORDING_OPENED)
        seen = await seen_in_full(looked)
        if isinstance(seen, Request):
            record = record_of(seen, call)
            address = record.end and record.end.recording
            seen = Recording.build(record, address) if address else notice("Recording", sentences.ERASED)
        if seen is not None:
            await self._windows.push(body, seen)
        await ack()

    async def _story(self, request: Request, person: Person, *, revealed: bool = False) -> View:
        events, private = (
            await self._store.requests.events(request.id),
            await self._store.requests.personal_values(request.id),
        )
        through = self._commands.vocabulary.connections.get(request.connection)
        provider = through.title if through else PROVIDER
        build = partial(Details.build, request, events, private, provider=provider)
        if revealed:
            return build(revealed=True)
        allowed = self._permissions.may_reveal(request, person).allowed
        return self._masking.revealable(build, allowed=allowed)

    async def cancel_mentioned(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Open the cancel form, filled with the numbers and ids in a message. If there are none, say so."""
        if not await self._may_open(Verb.CANCEL, body, person):
            await ack()
            return
        found = self._mentioned(body)
        calls = await self._calls(found, person)
        theirs = {call.reference for call in calls}
        ids = set(await self._store.call_history.known_ids(found.words)) - theirs
        others = [phone.pretty for phone in found.phones] + [word for word in found.words if word in ids]
        others += found.ambiguous
        values: dict[str, str] = {}
        chosen: ActionRecord | None = None
        if len(calls) == 1 and not others and not found.more:
            chosen = calls[0]
        else:
            aimed = [scheduled_calls.values(call, self._commands.vocabulary) for call in calls]
            named = [one.get("targets") or one.get("call", "") for one in aimed]
            values["targets"] = "\n".join(dict.fromkeys([*others, *named]))
        hint = interactions.mentioned(anything=bool(chosen or values["targets"]), whole=found.whole)
        if found.more:
            hint = f"{hint}\n{interactions.not_looked_up(found.more)}"
        channel = channel_of(body)
        await self._opening.open(body, Verb.CANCEL, values, channel, person, hint=hint, call=chosen)
        await ack()

    async def place_mentioned(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Open the form to place a call, filled with the numbers in a message. If there are none, say so."""
        if await self._may_open(Verb.PLACE, body, person):
            found = self._mentioned(body)
            numbers = [*(phone.pretty for phone in found.phones), *found.ambiguous]
            hint = interactions.number_mentioned(len(numbers), whole=found.whole)
            values = {"targets": "\n".join(numbers)}
            await self._opening.open(body, Verb.PLACE, values, channel_of(body), person, hint=hint)
        await ack()

    async def open_form(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Open the empty form of a global shortcut. Tell others why they may not."""
        verb = GLOBAL[body["callback_id"]]
        if await self._may_open(verb, body, person):
            await self._opening.open(body, verb, {}, channel_of(body), person)
        await ack()

    async def _may_open(self, verb: Verb, body: Body, person: Person) -> bool:
        """Return whether a person may open a form. If not, tell them why."""
        allowed = self._permissions.may_open(person, KINDS[verb])
        if not allowed.allowed:
            await self._refuse(body, allowed.reasons)
        return allowed.allowed

    def _mentioned(self, body: Body) -> Mentions:
        return mentions.read(body["message"], default_region=self._commands.vocabulary.default_region)

    async def _calls(self, found: Mentions, person: Person) -> list[ActionRecord]:
        """Return the calls that a message names by our ids and that can still be cancelled."""
        calls: list[ActionRecord] = []
        for named in found.requests:
            try:
                request = await self._store.requests.request(named)
            except RequestNotFoundError:
                continue
            calls += [
                record
                for record in request.actions
                if named in {record.id, request.id}
                and record not in calls
                and not await self._commands.cannot_cancel(record, person)
            ]
        return calls
