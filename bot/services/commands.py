"""Turns typed lines, buttons and form submissions into requests. Returns values, and renders nothing."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from bot import CallOpsError
from bot.config.settings import SettingsHolder
from bot.parsing.command import Command, CommandContext, FieldProblem, SuggestedTime, Verb
from bot.parsing.defaults import FilledCommand
from bot.parsing.numbers import NumberTarget
from bot.parsing.parser import parse
from bot.parsing.targets import OURS, IdTarget
from bot.parsing.vocabulary import required
from bot.policy.engine import Decision
from bot.services import corrections, scheduled_calls
from bot.services.call_checks import OutsideCallingHoursError
from bot.services.call_history import RecentCall, fill_defaults_from_history, recent_call_to
from bot.services.do_not_call import DoNotCallService
from bot.services.models import CreateResult, RequestSource, RequestSpec, Reschedule
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.services.scheduled_calls import CannotCancelError
from bot.text import parse_errors
from bot.text import scheduled_calls as sentences
from providers.actions import (
    CallRef,
    CampaignRef,
    CancelCall,
    CannotSendError,
    Code,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
    RequestedAction,
    StartCampaign,
    StopCampaign,
)
from providers.phone import Phone
from storage.errors import RequestNotFoundError
from storage.models import ActionRecord, DoNotCallEntry, Person, Request
from storage.repositories.users import Draft
from storage.store import Store


@dataclass(slots=True)
class CommandService:
    """Parses commands, fills in their defaults, and makes their requests."""

    _store: Store
    _settings: SettingsHolder
    _preconditions: Preconditions
    _requests: RequestService
    stopping: DoNotCallService
    _vocabulary: CommandContext
    """The names and settings of the grammar, as of the start."""
    _clock: Callable[[], datetime]

    @property
    def vocabulary(self) -> CommandContext:
        """The names and settings of the grammar, with the current reasons and required fields."""
        settings = self._settings.current
        return replace(self._vocabulary, reasons=settings.slack.reasons, required=required(settings.rules))

    def parse(
        self, text: str, default_verb: Verb | None, person: Person, answers: Sequence[int] = ()
    ) -> Command:
        """Parse typed text. ``default_verb`` is the default verb of the slash command, None for ``/calls``.

        ``answers`` are the options chosen for the questions that an earlier reading raised.
        """
        timezone, now = person.timezone, self._clock()
        vocabulary = self.vocabulary
        return parse(
            text,
            default_verb=default_verb,
            vocabulary=vocabulary,
            timezone=timezone,
            now=now,
            answers=answers,
        )

    def corrected(self, line: Command, faults: Sequence[FieldProblem], person: Person) -> Command | None:
        """Return the command with its suggestions applied, None if it would still be incomplete."""
        return corrections.corrected(
            line, faults, lambda text: self.parse(text, None, person), person.timezone
        )

    async def fill_defaults(self, line: Command, person: Person) -> FilledCommand:
        """Fill in the defaults of a command, and resolve CallOps' own id of a call to be cancelled."""
        if line.verb is Verb.CANCEL:
            line = await self._resolved(line, person)
        return await fill_defaults_from_history(
            line, self.vocabulary, self._store, person=person.id, now=self._clock()
        )

    async def _resolved(self, line: Command, person: Person) -> Command:
        """Return a cancellation by CallOps' own id as one by the provider's id or by number.

        A command that cannot be resolved gets an error.
        """
        ours = [one for one in line.targets if isinstance(one, IdTarget) and OURS.fullmatch(one.provider_id)]
        if not ours:
            return line
        named = ours[0].provider_id
        if len(line.targets) > 1:
            return _with_fault(line, parse_errors.beside_others(named))
        [record, *_] = [*await self._scheduled(line), None]
        if record is None:
            return _with_fault(line, parse_errors.no_request(named))
        if why := await self.cannot_cancel(record, person):
            return _with_fault(line, why)
        return scheduled_calls.aimed_at(line, record, self.vocabulary)

    async def recent_call(self, spec: RequestSpec) -> RecentCall | None:
        """Return a recent call to the number of a call about to be placed, None if there is none."""
        [call] = spec.actions
        if not isinstance(call, PlaceCall):
            return None
        through = self.vocabulary.connections[spec.connection]
        return await recent_call_to(self._store, spec.connection, call.to, through, self._clock())

    async def request_spec(self, found: FilledCommand, person: Person) -> RequestSpec:
        """Return the request that a command describes. Raises `InvalidCommandError`."""
        line = found.command
        if line.verb is Verb.MOVE:
            return await self._move(line, person)
        faults = [*line.problems, *found.problems]
        if faults or line.connection is None or line.missing:
            raise InvalidCommandError(faults or [FieldProblem("targets", parse_errors.NO_TARGET)], line)
        actions = actions_of(line)
        if line.verb is Verb.PLACE and len(actions) > 1:
            raise InvalidCommandError([FieldProblem("targets", parse_errors.ONE_PLACED)])
        said = (line.reason, line.purpose, line.consent, line.reported_call_time)
        return RequestSpec(line.connection, tuple(actions), *said, zone=line.zone, tell_me=line.tell_me)

    async def may_place(self, spec: RequestSpec, origin: RequestSource) -> bool:
        """Return whether a call may be previewed, because it is allowed and its number is not stopped.

        Raises `InvalidCommandError` for errors that the user can correct.
        """
        if await self._preconditions.stops(spec.actions[0]):
            return False
        return (await self.check(spec, origin)).allowed

    async def _move(self, line: Command, person: Person) -> RequestSpec:
        """Return the request to reschedule the call that a command names. Raises `InvalidCommandError`."""
        faults = list(line.problems)
        if not line.targets and not faults:
            faults.append(FieldProblem("targets", sentences.WHICH_CALL))
        if line.at is None and not any(fault.field == "at" for fault in faults):
            faults.append(FieldProblem("at", sentences.WHEN_INSTEAD))
        if faults:
            raise InvalidCommandError(faults)
        now = self._clock()
        try:
            record = scheduled_calls.only(line, await self._scheduled(line), zone=person.timezone, now=now)
            if why := await self.cannot_cancel(record, person):
                raise InvalidCommandError([FieldProblem("targets", why)])
            beside = await self._beside(record)
            spec = scheduled_calls.request_spec(
                line, record, self.vocabulary, beside, zone=person.timezone, now=now
            )
            moved = await self._store.requests.request(record.request)
            zone = line.zone or moved.zone
            return replace(spec, purpose=moved.purpose, consent=moved.consent, zone=zone)
        except CannotCancelError as no:
            raise InvalidCommandError([FieldProblem("targets", str(no))]) from no

    async def _scheduled(self, line: Command) -> Sequence[ActionRecord]:
        """Return the scheduled calls that a command's target can mean."""
        match line.targets[0]:
            case NumberTarget(phone=phone):
                return await self._store.call_history.scheduled_to(phone.e164, self._clock())
            case IdTarget(provider_id=named) if OURS.fullmatch(named):
                try:
                    request = await self._store.requests.request(named)
                except RequestNotFoundError:
                    return []
                return [record for record in request.actions if named in {record.id, request.id}]
            case IdTarget(provider_id=named):
                known = [
                    await self._store.call_history.find_scheduled(connection, named, self._clock())
                    for connection in self.vocabulary.connections
                ]
                return [record for record in known if record]

    async def _beside(self, record: ActionRecord) -> Sequence[ActionRecord]:
        """Return the other calls that would be cancelled with a call that is cancelled by its number."""
        if not isinstance(record.action, PlaceCall):
            return []
        agent, to = record.action.agent, record.action.to
        coming = await self._store.call_history.upcoming_calls(record.connection, agent, to, self._clock())
        return [one for one in coming if one.id != record.id]

    async def cannot_cancel(self, record: ActionRecord, person: Person) -> str | None:
        """Return why a call of CallOps can no longer be cancelled. Return None if it seems it can."""
        now = self._clock()
        if why := scheduled_calls.too_late(record, zone=person.timezone, now=now):
            return why
        try:
            scheduled_calls.values(record, self.vocabulary)
        except CannotCancelError as no:
            return str(no)
        if isinstance(record.action, PlaceCall):
            coming = await self._store.call_history.upcoming_calls(
                record.connection, record.action.agent, record.action.to, now
            )
            if record.id not in {one.id for one in coming}:
                return sentences.CANCELLED_ALREADY
        return None

    async def check(self, spec: RequestSpec, origin: RequestSource) -> Decision:
        """Return the rules' decision on a request.

        Raises `InvalidCommandError` for errors that the user can correct.
        """
        with self._as_faults(spec, origin.person):
            return await self._requests.check(spec, origin.person, channel=origin.channel)

    async def keep_refusal(self, faulty: "InvalidCommandError", origin: RequestSource) -> None:
        """Record a request that a provider does not support, if the command is complete."""
        line = faulty.line
        if line is None or line.problems or line.connection is None or line.missing:
            return
        try:
            actions = tuple(actions_of(line))
        except ValueError:  # the command is incomplete, or a value is invalid
            return
        spec = RequestSpec(
            line.connection, actions, line.reason, line.purpose, line.consent, line.reported_call_time
        )
        try:
            self._preconditions.prepare(spec)
        except CannotSendError as refused:
            if refused.code is Code.UNSUPPORTED:
                await self._requests.record_unsupported(spec, origin, refused)

    async def ask(
        self, spec: RequestSpec, origin: RequestSource, *, instead_of: Request | None = None
    ) -> CreateResult:
        """Make a request, as `RequestService.ask`. Targets already requested are not requested twice.

        Raises `InvalidCommandError` for errors that the user can correct, and `PermissionDeniedError` for
        what the rules forbid.
        """
        with self._as_faults(spec, origin.person):
            return await self._requests.ask(spec, origin, instead_of=instead_of)

    async def remove_from_do_not_call(
        self, line: Command, person: Person
    ) -> tuple[Phone, DoNotCallEntry | None, Sequence[DoNotCallEntry]]:
        """Allow calls to the number of a command again.

        Returns the number, the stop that was removed, and the stops that remain.

        Raises `InvalidCommandError`, `PermissionDeniedError`.
        """
        phone = number_to_block(line)
        if not line.reason:
            raise InvalidCommandError([FieldProblem("reason", parse_errors.WHY_ALLOW)])
        return phone, *await self.stopping.remove(phone, person, line.reason)

    async def keep(self, draft: str, person: Person, spec: RequestSpec | None, line: Command | None) -> None:
        """Store a command, its request or both as a draft, for a later button or form."""
        await self._store.users.keep_draft(draft, person=person.id, content=kept(spec, line))

    async def draft(self, draft: str, person: str) -> Draft | None:
        """Return a stored draft if it belongs to the person, otherwise None."""
        found = await self._store.users.draft(draft)
        return found if found and found.person == person else None

    @contextmanager
    def _as_faults(self, spec: RequestSpec, person: Person) -> Iterator[None]:
        """Turn a `CannotSendError` into an error of its field, with the next possible time if any."""
        through = self.vocabulary.connections.get(spec.connection)
        try:
            yield
        except OutsideCallingHoursError as refused:
            field, then = refused.field or "at", None
            if refused.zone:
                raise InvalidCommandError([FieldProblem(field, refused.message, refused.zone)]) from refused
            if refused.then and through and "at" in through.fields:
                then = corrections.typed_time(refused.then, person.timezone)
            raise InvalidCommandError([SuggestedTime(field, refused.message, then)]) from refused
        except CannotSendError as refused:
            raise InvalidCommandError([FieldProblem(refused.field or "text", refused.message)]) from refused


class InvalidCommandError(CallOpsError):
    """A command that cannot become a request, with its errors by field."""

    def __init__(self, faults: list[FieldProblem], line: Command | None = None) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.problems = faults
        self.line = line


def number_to_block(line: Command) -> Phone:
    """Return the number whose calls are stopped or allowed. Raises `InvalidCommandError`."""
    numbers = [target.phone for target in line.targets if isinstance(target, NumberTarget)]
    if line.problems or not numbers:
        raise InvalidCommandError(list(line.problems) or [FieldProblem("targets", parse_errors.NO_NUMBER)])
    return numbers[0]


def _with_fault(line: Command, message: str) -> Command:
    return replace(line, problems=(*line.problems, FieldProblem("targets", message)))


_ACTIONS: TypeAdapter[tuple[RequestedAction, ...]] = TypeAdapter(tuple[RequestedAction, ...])

_DONE_TO_CAMPAIGNS: Mapping[Verb, type[DeleteCampaign | StopCampaign | StartCampaign]] = {
    Verb.DELETE_CAMPAIGN: DeleteCampaign,
    Verb.STOP_CAMPAIGN: StopCampaign,
    Verb.START_CAMPAIGN: StartCampaign,
}


class IncompleteCommandError(CallOpsError, ValueError):
    """A command without a verb or an agent. Its message is the name of the missing field."""


def actions_of(line: Command) -> Sequence[RequestedAction]:
    """Return the actions of a valid command, one for each target. Raises `IncompleteCommandError`."""
    match line.verb:
        case Verb.PLACE:
            numbers = [target for target in line.targets if isinstance(target, NumberTarget)]
            return [_place(line, target.phone.e164) for target in numbers]
        case Verb.CANCEL:
            return _cancel(line)
        case Verb.DELETE_CAMPAIGN | Verb.STOP_CAMPAIGN | Verb.START_CAMPAIGN as verb:
            ids = [target.provider_id for target in line.targets if isinstance(target, IdTarget)]
            action = _DONE_TO_CAMPAIGNS[verb]
            return [action(target=CampaignRef(campaign_id=campaign_id)) for campaign_id in ids]
        case _:
            raise IncompleteCommandError("verb")


def _place(line: Command, to: str) -> PlaceCall:
    return PlaceCall(
        to=to,
        agent=line.agent or "",
        at=line.at,
        retries=line.retries,
        gap=line.gap,
        earliest=line.earliest,
        latest=line.latest,
        carry_over=line.carry_over,
        priority=line.priority,
        language=line.language,
        batch=line.batch,
        metadata={**line.metadata} or None,
    )


def _cancel(line: Command) -> list[CancelCall]:
    if line.agent is None and any(isinstance(target, NumberTarget) for target in line.targets):
        raise IncompleteCommandError("agent")
    return [
        CancelCall(target=NumberRef(agent=line.agent or "", to=target.phone.e164))
        if isinstance(target, NumberTarget)
        else CancelCall(target=CallRef(call_id=target.provider_id))
        for target in line.targets
    ]


def kept(spec: RequestSpec | None, line: Command | None) -> dict[str, object]:
    """Return the content of a draft: a command, its request, or both."""
    content: dict[str, object] = {"spec": _written(spec) if spec else None}
    if line:
        content |= {"text": line.text, "rest": line.rest, "verb": line.verb, "answers": list(line.answers)}
    return content


def _written(spec: RequestSpec) -> dict[str, object]:
    actions = _ACTIONS.dump_python(tuple(spec.actions), mode="json")
    said = {name: getattr(spec, name) for name in ("reason", "purpose", "consent", "zone", "tell_me")}
    move = spec.reschedules
    moved = {"action": move.action, "replacement": move.replacement.model_dump(mode="json")} if move else None
    return {"connection": spec.connection, "actions": actions, "reschedules": moved, **said}


def read_request_spec(draft: Draft) -> RequestSpec:
    """Return the request that a draft holds."""
    content: Any = draft.content["spec"]
    moved = content["reschedules"]
    move = moved and Reschedule(moved["action"], PlaceCall.model_validate(moved["replacement"]))
    actions = _ACTIONS.validate_python(content["actions"])
    return RequestSpec(**(content | {"actions": actions, "reschedules": move}))


def nonce(trigger_id: str, purpose: str) -> str:
    """Return a nonce for a button or form in answer to a trigger. A redelivery gives the same nonce."""
    return hashlib.sha256(f"{purpose}\0{trigger_id}".encode()).hexdigest()[:24]
