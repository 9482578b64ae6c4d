"""From a command to its answer: what the service returns, as the message that people read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.config.settings import Settings
from bot.parsing.command import OF_STOPS, Line, Verb
from bot.parsing.defaults import Inferred
from bot.parsing.numbers import NumberTarget
from bot.services.approvals import ApprovalService
from bot.services.commands import Commands, Faulty, nonce, read_wish
from bot.services.models import NotAllowed, Origin, Wish
from bot.services.preconditions import Preconditions
from bot.slack.blocks import Block, Message, button
from bot.text import interactions
from bot.ui import call_preview, command_replies, prompts
from bot.ui import do_not_call as stop_words
from providers.actions import (
    CancelCall,
    Kind,
    NumberRef,
    PlaceCall,
)
from storage.errors import Conflict
from storage.models import LogEntry, Person, Request
from storage.repositories.users import Draft
from storage.states import State
from storage.store import Store


@dataclass(slots=True)
class CommandFlow:
    """Answers lines, previews, buttons and forms alike."""

    _log: Store
    _settings: Settings
    _preconditions: Preconditions
    _approvals: ApprovalService
    _commands: Commands
    _clock: Callable[[], datetime]

    async def answer(self, line: Line, origin: Origin, draft: str) -> Message:
        """What a complete line leads to: a preview of a call, a request, or what must be chosen first.

        ``draft`` is where the line is kept for a button to go on with.
        """
        person = origin.person
        found = await self._commands.infer(line, person)
        try:
            if line.verb in OF_STOPS:
                return await self.stop_or_allow(line, origin)
            wish = await self._commands.wish(found, person)
            if wish.kind is Kind.PLACE_CALL and await self._commands.may_place(wish, origin):
                return await self._preview(wish, found, person, nonce(draft, "preview"))
            return await self.ask(wish, origin, found, draft=nonce(draft, "chosen"))
        except NotAllowed as no:
            return command_replies.refusal(no.why, no.request)
        except Faulty as faulty:
            await self._commands.keep_refusal(faulty, origin)
            await self._commands.keep(draft, person, None, line)
            offer = prompts.offer(line, found, faulty.faults, draft, command_replies.CHANGE)
            return offer or command_replies.fault_message(found, faulty.faults, draft)

    async def _preview(self, wish: Wish, found: Inferred, person: Person, draft: str) -> Message:
        """A call as it would be placed; one to a number that was called just now is asked about."""
        await self._commands.keep(draft, person, wish, found.line)
        prepared = self._preconditions.prepare(wish)[0]
        through = self._commands.vocabulary.connections[wish.connection]
        earlier = await self._commands.earlier(wish)
        return call_preview.preview(
            wish,
            prepared,
            found.line,
            through=through,
            chosen=_chosen(found),
            draft=draft,
            repeats=prompts.question(earlier, reader=person.id, now=self._clock()) if earlier else None,
            instead=prompts.cancel_first(earlier, draft) if earlier else (),
        )

    async def stop_or_allow(self, line: Line, origin: Origin) -> Message:
        """Stop all calls to a number, or let them go out again. Raises `Faulty`."""
        try:
            if line.verb is Verb.STOP:
                return stop_words.stopped(await self._commands.stop(line, origin))
            return stop_words.allowed(*await self._commands.allow(line, origin.person))
        except NotAllowed as no:
            return command_replies.refusal(no.why, no.request)

    async def ask(
        self, wish: Wish, origin: Origin, found: Inferred | None = None, *, draft: str = ""
    ) -> Message:
        """Ask, and say what became of it; what is asked already joins that.

        Where something was chosen in ``found`` that could have been meant otherwise, ``draft`` is where its
        line is kept for the button that changes it. Raises `Faulty` for what the person can mend,
        `NotAllowed` for what the rules forbid.
        """
        asked = await self._commands.ask(wish, origin)
        reader, now = origin.person.id, self._clock()
        if asked.nothing_new:
            return prompts.already_asked(
                asked.joined,
                reader=reader,
                now=now,
                channel=self._settings.audit_channel(wish.connection),
                buttons={
                    one.id: command_replies.withdraw(one)
                    for one in asked.joined
                    if _may_withdraw(one, reader)
                },
            )
        line = _only(found.line, asked.request) if found else None
        chosen: str | None = None
        change: Block | None = None
        if found and draft and prompts.is_guess(found.grounds):
            await self._commands.keep(draft, origin.person, None, found.line)
            chosen, change = _chosen(found), prompts.change_asked(asked.request.id, draft)
        message = self.asked(asked.request, line, chosen=chosen, change=change)
        if not asked.joined:
            return message
        told = prompts.left_out(asked.joined, asked.left_out, reader=reader, now=now)
        first, *others = message.blocks
        return Message(message.text, [first, *told, *others])

    def asked(
        self,
        request: Request,
        line: Line | None = None,
        *,
        chosen: str | None = None,
        change: Block | None = None,
    ) -> Message:
        """What became of a request, with what should be known of its connection and what was chosen."""
        through = self._commands.vocabulary.connections.get(request.connection)
        caution = through.caution(request.kind) if through else None
        return command_replies.asked(request, line, caution=caution, chosen=chosen, change=change)

    async def place(self, draft: Draft | None, origin: Origin) -> Message:
        """Place what a preview showed, once, however often it is asked for."""
        if draft and draft.request:
            return self.asked(await self._log.requests.request(draft.request))
        if draft is None or not draft.content.get("wish"):
            return command_replies.refusal([interactions.TOO_OLD])
        try:
            return await self.ask(read_wish(draft), replace(origin, nonce=draft.nonce))
        except NotAllowed as no:
            return command_replies.refusal(no.why, no.request)
        except Faulty as faulty:
            return command_replies.refusal([fault.message for fault in faulty.faults])

    async def cancel_first(self, draft: Draft | None, origin: Origin) -> Message:
        """Ask to cancel the call that was placed before the one of a preview."""
        if draft is None or not draft.content.get("wish"):
            return command_replies.refusal([interactions.TOO_OLD])
        wish = read_wish(draft)
        earlier = await self._commands.earlier(wish)
        if earlier is None or earlier.cancel is None:
            return command_replies.refusal([interactions.EARLIER_IS_GONE, interactions.TYPE_AGAIN])
        origin = replace(origin, nonce=nonce(draft.nonce, "cancel first"))
        try:
            message = await self.ask(Wish(wish.connection, (earlier.cancel,), interactions.REPLACED), origin)
        except NotAllowed as no:
            return command_replies.refusal(no.why, no.request)
        except Faulty as faulty:
            return command_replies.refusal([fault.message for fault in faulty.faults])
        place = button(interactions.PLACE_THE_NEW, command_replies.CHANGE, draft.nonce, style="primary")
        return prompts.then_place(message, earlier, place)

    async def withdraw(self, request_id: str, person: Person, *, delivery_key: str) -> tuple[Message, bool]:
        """What came of taking a request back, and whether it is taken back now."""
        try:
            request = await self._approvals.withdraw(request_id, person, delivery_key=delivery_key)
            return self.asked(request), request.state is State.WITHDRAWN
        except Conflict as conflict:
            current = conflict.current
            if current.state is State.WITHDRAWN:
                return self.asked(current), True
            return command_replies.too_late(current, await self._log.requests.events(current.id)), False
        except NotAllowed as no:
            return command_replies.refusal(no.why), False


def _chosen(found: Inferred) -> str | None:
    return prompts.chosen(found.grounds, connection=found.line.connection, agent=found.line.agent)


def _only(line: Line, request: Request) -> Line:
    """A line with those of its targets that a request asks for."""
    asked = {str(target) for entry in request.entries for target in (entry.target_id, _number(entry))}
    targets = [
        target
        for target in line.targets
        if (target.phone.e164 if isinstance(target, NumberTarget) else target.provider_id) in asked
    ]
    return replace(line, targets=tuple(targets))


def _number(entry: LogEntry) -> str | None:
    match entry.action:
        case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
            return to
        case _:
            return None


def _may_withdraw(request: Request, person: str) -> bool:
    return request.requester == person and request.state in {State.PENDING, State.APPROVED}
