"""The way from a command to its answer: calls the services and renders their results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.config.settings import Settings
from bot.listeners.do_not_call import DoNotCallFlow
from bot.listeners.pauses import PauseFlow
from bot.parsing.command import OF_PAUSES, OF_STOPS, Command, FieldProblem, Verb
from bot.parsing.defaults import FilledCommand
from bot.parsing.numbers import NumberTarget
from bot.services.approvals import ApprovalService
from bot.services.call_history import without_known_call
from bot.services.commands import CommandService, InvalidCommandError, nonce, read_request_spec
from bot.services.models import PermissionDeniedError, RequestSource, RequestSpec
from bot.services.preconditions import Preconditions
from bot.slack.blocks import Block, Message, button
from bot.text import interactions
from bot.ui import call_preview, call_times, command_replies, prompts, replacing, ways_on
from bot.ui.request_lists import status_below
from providers.actions import (
    CancelCall,
    Kind,
    NumberRef,
    PlaceCall,
)
from storage.errors import ConflictError
from storage.models import ActionRecord, Person, Request
from storage.repositories.users import Draft
from storage.states import State
from storage.store import Store


@dataclass(slots=True)
class CommandFlow:
    """Answers commands, previews, buttons and forms."""

    _store: Store
    _settings: Settings
    _preconditions: Preconditions
    _approvals: ApprovalService
    _commands: CommandService
    _stops: DoNotCallFlow
    _pauses: PauseFlow
    _clock: Callable[[], datetime]

    async def answer(
        self, line: Command, origin: RequestSource, draft: str, *, typed: bool = False
    ) -> Message:
        """Return the answer to a complete command: a preview, a request, a question or faults.

        The command is kept under ``draft``, for the buttons of the answer. The answer to a ``typed`` command
        cannot be edited later.
        """
        person = origin.person
        found = await self._commands.fill_defaults(line, person)
        try:
            if line.verb in (*OF_STOPS, *OF_PAUSES):
                return await self._of_no_request(line, origin, draft)
            spec = await self._commands.request_spec(found, person)
            if spec.kind is Kind.PLACE_CALL and await self._commands.may_place(spec, origin):
                return await self._preview(spec, found, person, nonce(draft, "preview"))
            if unknown := await without_known_call(self._store, spec, self._clock()):
                draft = nonce(draft, "preview")
                await self._commands.keep(draft, person, spec, found.command)
                return prompts.no_call_known(found.command, unknown, draft, command_replies.PLACE)
            return await self.ask(spec, origin, found, draft=nonce(draft, "chosen"), typed=typed)
        except PermissionDeniedError as no:
            return command_replies.refusal(no.reasons, no.request)
        except InvalidCommandError as faulty:
            await self._commands.keep_refusal(faulty, origin)
            await self._commands.keep(draft, person, None, line)
            offer = prompts.offer(line, found, faulty.problems, draft, command_replies.CHANGE)
            return offer or await self._faults(found, faulty.problems, person, draft)

    async def _of_no_request(self, line: Command, origin: RequestSource, draft: str) -> Message:
        """Return the answer to a command about the stop list or the brake, which makes no request."""
        if line.verb in OF_PAUSES:
            return await self._pauses.answer(line, origin)
        return await self._stops.answer(line, origin.person, draft)

    async def _faults(
        self, found: FilledCommand, faults: Sequence[FieldProblem], person: Person, draft: str
    ) -> Message:
        """Return the faults of a command. A button goes on with the corrected one, if any."""
        line = self._commands.corrected(found.command, faults, person)
        if line is None:
            return command_replies.fault_message(found, faults, draft)
        kept = nonce(draft, "corrected")
        await self._commands.keep(kept, person, None, line)
        button = command_replies.correction(line, faults, f"{prompts.CHOOSE}_0", prompts.Choice(kept).text())
        return command_replies.fault_message(found, faults, draft, button)

    async def _preview(self, spec: RequestSpec, found: FilledCommand, person: Person, draft: str) -> Message:
        """Return the preview of a call. It asks about a number that was called recently."""
        await self._commands.keep(draft, person, spec, found.command)
        prepared = self._preconditions.prepare(spec)[0]
        through = self._commands.vocabulary.connections[spec.connection]
        earlier = await self._commands.recent_call(spec)
        now = self._clock()
        paused = await self._store.pauses.for_kind(spec.connection, spec.kind, now)
        return call_preview.preview(
            call_preview.CallToPlace(
                spec, prepared, found.command, through, person.timezone, now, paused=paused
            ),
            chosen=_chosen(found),
            draft=draft,
            repeats=prompts.question(earlier, reader=person.id, now=now) if earlier else None,
            instead=prompts.cancel_first(earlier, draft) if earlier else (),
        )

    async def ask(
        self,
        spec: RequestSpec,
        origin: RequestSource,
        found: FilledCommand | None = None,
        *,
        draft: str = "",
        typed: bool = False,
    ) -> Message:
        """Create a request and return its message. Targets of pending requests are left out and named.

        If a value in ``found`` was a guess, its command is kept under ``draft`` for the button that changes
        it. Raises `InvalidCommandError` for what the person can correct, and `PermissionDeniedError` for what
        the rules forbid.
        """
        asked = await self._commands.ask(spec, origin)
        reader, now = origin.person.id, self._clock()
        if asked.nothing_new and spec.reschedules and (waiting := _in_the_way(asked.duplicates_of)):
            return await self._offer_to_replace(waiting, spec, origin)
        if asked.nothing_new:
            return prompts.already_asked(
                asked.duplicates_of,
                reader=reader,
                now=now,
                channel=self._settings.audit_channel(spec.connection),
                buttons={
                    one.id: _ways_on(one, reader, alone=len(asked.duplicates_of) == 1)
                    for one in asked.duplicates_of
                },
            )
        line = _only(found.command, asked.request) if found else None
        chosen: str | None = None
        change: Block | None = None
        if found and draft and prompts.is_guess(found.sources):
            await self._commands.keep(draft, origin.person, None, found.command)
            chosen, change = _chosen(found), prompts.change_asked(asked.request.id, draft)
        message = self.asked(asked.request, origin.person, line, typed=typed, chosen=chosen, change=change)
        if not asked.duplicates_of:
            return message
        told = prompts.ignored(asked.duplicates_of, asked.skipped, reader=reader, now=now)
        first, *others = message.blocks
        return replace(message, blocks=[first, *told, *others])

    async def _offer_to_replace(self, waiting: Request, spec: RequestSpec, origin: RequestSource) -> Message:
        """Return the question whether the move replaces the cancellation, or whose cancellation it is."""
        person, now = origin.person, self._clock()
        if waiting.requester != person.id:
            return replacing.of_another(waiting, now=now)
        if len(waiting.actions) > 1 or spec.reschedules is None or spec.reschedules.replacement.at is None:
            return replacing.not_alone(waiting)
        draft = nonce(origin.delivery_key, "replace")
        await self._commands.keep(draft, person, spec, None)
        at = spec.reschedules.replacement.at
        return replacing.offer(waiting, at, draft, zone=person.timezone, now=now)

    async def replace(self, waiting: str, draft: Draft | None, origin: RequestSource) -> Message:
        """Withdraw the person's cancellation and request the move of a draft: both or neither."""
        if draft and draft.request:
            return self.asked(await self._store.requests.request(draft.request), origin.person)
        if draft is None or not draft.content.get("spec"):
            return command_replies.refusal([interactions.TOO_OLD])
        request = await self._store.requests.request(waiting)
        origin = replace(origin, nonce=draft.nonce)
        try:
            asked = await self._commands.ask(read_request_spec(draft), origin, instead_of=request)
        except ConflictError as conflict:
            events = await self._store.requests.events(waiting)
            return command_replies.too_late(conflict.current, events)
        except (PermissionDeniedError, InvalidCommandError) as no:
            return _refusal(no)
        return self.asked(asked.request, origin.person)

    def asked(
        self,
        request: Request,
        reader: Person,
        line: Command | None = None,
        *,
        typed: bool = False,
        chosen: str | None = None,
        change: Block | None = None,
    ) -> Message:
        """Return the message about a request, with the caution for its connection and any chosen values."""
        through = self._commands.vocabulary.connections.get(request.connection)
        caution = through.caution(request.kind) if through else None
        message = command_replies.asked(
            request, line, typed=typed, caution=caution, chosen=chosen, change=change
        )
        return call_times.on_clock(message, reader.timezone)

    async def place(self, draft: Draft | None, origin: RequestSource, *, typed: bool = False) -> Message:
        """Make the request that a draft holds, once, however often this is called.

        ``typed`` is as for `answer`.
        """
        if draft and draft.request:
            request = await self._store.requests.request(draft.request)
            return self.asked(request, origin.person, typed=typed)
        if draft is None or not draft.content.get("spec"):
            return command_replies.refusal([interactions.TOO_OLD])
        try:
            spec = read_request_spec(draft)
            found = await self._reread(draft, origin.person) if spec.kind is Kind.CANCEL_CALL else None
            return await self.ask(spec, replace(origin, nonce=draft.nonce), found, typed=typed)
        except (PermissionDeniedError, InvalidCommandError) as no:
            return _refusal(no)

    async def _reread(self, draft: Draft, person: Person) -> FilledCommand:
        """Return the command of a draft, so that the answer lists its targets as typed."""
        answers: Any = draft.content.get("answers", ())
        verb = Verb(str(draft.content["verb"]))
        line = self._commands.parse(str(draft.content["rest"]), verb, person, answers)
        return await self._commands.fill_defaults(line, person)

    async def cancel_first(self, draft: Draft | None, origin: RequestSource) -> Message:
        """Request the cancellation of the call that was placed earlier to the number of a preview."""
        if draft is None or not draft.content.get("spec"):
            return command_replies.refusal([interactions.TOO_OLD])
        spec = read_request_spec(draft)
        earlier = await self._commands.recent_call(spec)
        if earlier is None or earlier.cancel is None:
            return command_replies.refusal([interactions.EARLIER_IS_GONE, interactions.TYPE_AGAIN])
        origin = replace(origin, nonce=nonce(draft.nonce, "cancel first"))
        try:  # the answer keeps its button for the new call, so it does not follow the cancellation
            message = await self.ask(
                RequestSpec(spec.connection, (earlier.cancel,), interactions.REPLACED), origin, typed=True
            )
        except (PermissionDeniedError, InvalidCommandError) as no:
            return _refusal(no)
        place = button(interactions.PLACE_THE_NEW, command_replies.CHANGE, draft.nonce, style="primary")
        return prompts.then_place(message, earlier, place)

    async def withdraw(self, request_id: str, person: Person, *, delivery_key: str) -> tuple[Message, bool]:
        """Withdraw a request. Return the answer, and whether the request is withdrawn now."""
        try:
            request = await self._approvals.withdraw(request_id, person, delivery_key=delivery_key)
            return self.asked(request, person), request.state is State.WITHDRAWN
        except ConflictError as conflict:
            current = conflict.current
            if current.state is State.WITHDRAWN:
                return self.asked(current, person), True
            return command_replies.too_late(current, await self._store.requests.events(current.id)), False
        except PermissionDeniedError as no:
            return command_replies.refusal(no.reasons), False


def _refusal(no: PermissionDeniedError | InvalidCommandError) -> Message:
    """Return why a button made no request."""
    if isinstance(no, PermissionDeniedError):
        return command_replies.refusal(no.reasons, no.request)
    return command_replies.refusal([fault.message for fault in no.problems])


def _chosen(found: FilledCommand) -> str | None:
    return prompts.chosen(found.sources, connection=found.command.connection, agent=found.command.agent)


def _only(line: Command, request: Request) -> Command:
    """Return a command with only those targets that a request contains."""
    asked = {str(target) for record in request.actions for target in (record.target_id, _number(record))}
    targets = [
        target
        for target in line.targets
        if (target.phone.e164 if isinstance(target, NumberTarget) else target.provider_id) in asked
    ]
    return replace(line, targets=tuple(targets))


def _number(record: ActionRecord) -> str | None:
    match record.action:
        case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
            return to
        case _:
            return None


def _in_the_way(requests: Sequence[Request]) -> Request | None:
    """Return the cancellation that a move would contradict, or None."""
    return next((one for one in requests if one.reschedules is None), None)


def _ways_on(request: Request, reader: str, *, alone: bool) -> list[Block]:
    """Return the buttons for a request that was made before.

    The state of somebody else's, or of one among several, is shown in an answer of its own.
    """
    own = request.requester == reader
    status = ways_on.show_status(request) if own and alone else status_below(request)
    withdrawn = own and request.state in {State.PENDING, State.APPROVED}
    return [*([ways_on.withdraw(request)] if withdrawn else []), status]
