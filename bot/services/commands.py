"""From what somebody said to what is asked, whether it was typed, pressed or submitted."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from bot.config.settings import Settings
from bot.parsing.command import OF_STOPS, Fault, Later, Line, Typist, Verb
from bot.parsing.defaults import Inferred
from bot.parsing.numbers import NumberTarget
from bot.parsing.parser import parse
from bot.parsing.targets import OURS, IdTarget
from bot.parsing.vocabulary import vocabulary
from bot.policy.engine import Decision
from bot.services import call_history, scheduled_calls
from bot.services.call_checks import NotNow
from bot.services.call_history import Earlier, infer_knowing, placed_lately
from bot.services.do_not_call import Stopping
from bot.services.requests import NotAllowed, Operations, Origin, Wish
from bot.services.scheduled_calls import CannotCancel
from bot.slack.blocks import Block, Message, button
from bot.text import interactions, parse_errors
from bot.text import scheduled_calls as sentences
from bot.ui import command_replies, prompts
from bot.ui import do_not_call as stop_words
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    Kind,
    NumberRef,
    PlaceCall,
    Refused,
    StartCampaign,
    StopCampaign,
)
from providers.base import Adapter
from storage.entries import Draft, LogEntry, Person, Request
from storage.lifecycle import State
from storage.log import ActionLog, Conflict, NoSuchRequest


class Intake:
    """Reads lines, fills in what was not said, asks, and says what became of it."""

    def __init__(
        self,
        log: ActionLog,
        settings: Settings,
        operations: Operations,
        adapters: Mapping[str, Adapter],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._settings = settings
        self._operations = operations
        self._clock = clock
        self._stopping = Stopping(log, settings, operations, adapters, clock=clock)
        self.vocabulary = vocabulary(settings, adapters)
        """What can be typed, as it is configured."""

    def follow(self, settings: Settings) -> None:
        """Know other reasons from now on."""
        self.vocabulary = replace(self.vocabulary, reasons=settings.slack.reasons)

    def parse(self, text: str, door: Verb | None, person: Person, answers: Sequence[int] = ()) -> Line:
        """Read what somebody typed; ``door`` is the verb that their command supplies.

        ``answers`` are the options chosen for the questions that reading it raised before.
        """
        typist, now = Typist(timezone=person.timezone), self._clock()
        vocabulary = self.vocabulary
        return parse(text, door=door, vocabulary=vocabulary, typist=typist, now=now, answers=answers)

    async def infer(self, line: Line, person: Person) -> Inferred:
        """Fill in what was not said; a call named by our own id is aimed at as its connection cancels."""
        if line.verb is Verb.CANCEL:
            line = await self._resolved(line, person)
        return await infer_knowing(line, self.vocabulary, self._log, person=person.id, now=self._clock())

    async def _resolved(self, line: Line, person: Person) -> Line:
        """A line to cancel a call that was placed through us, by the id that the audit channel shows."""
        ours = [one for one in line.targets if isinstance(one, IdTarget) and OURS.fullmatch(one.provider_id)]
        if not ours:
            return line
        named = ours[0].provider_id
        if len(line.targets) > 1:
            return _with_fault(line, parse_errors.beside_others(named))
        [entry, *_] = [*await self._scheduled(line), None]
        if entry is None:
            return _with_fault(line, parse_errors.no_request(named))
        if why := await self.cannot_cancel(entry, person):
            return _with_fault(line, why)
        return scheduled_calls.aimed_at(line, entry, self.vocabulary)

    async def answer(self, line: Line, origin: Origin, draft: str) -> Message:
        """What a complete line leads to: a preview of a call, a request, or what must be chosen first.

        ``draft`` is where the line is kept for a button to go on with.
        """
        person = origin.person
        found = await self.infer(line, person)
        try:
            if line.verb in OF_STOPS:
                return await self.stop_or_allow(line, origin)
            wish = await self.wish(found, person)
            if wish.kind is Kind.PLACE_CALL and await self.may_place(wish, origin):
                return await self._preview(wish, found, person, nonce(draft, "preview"))
            return await self.ask(wish, origin, found, draft=nonce(draft, "chosen"))
        except NotAllowed as no:
            return command_replies.refusal(no.why, no.request)
        except Faulty as faulty:
            await self.keep_refusal(faulty, origin)
            await self.keep(draft, person, None, line)
            offer = prompts.offer(line, found, faulty.faults, draft, command_replies.CHANGE)
            return offer or command_replies.fault_message(found, faulty.faults, draft)

    async def _preview(self, wish: Wish, found: Inferred, person: Person, draft: str) -> Message:
        """A call as it would be placed; one to a number that was called just now is asked about."""
        await self.keep(draft, person, wish, found.line)
        prepared = self._operations.prepare(wish)[0]
        through = self.vocabulary.connections[wish.connection]
        earlier = await self.earlier(wish)
        return command_replies.preview(
            wish,
            prepared,
            found.line,
            through=through,
            chosen=_chosen(found),
            draft=draft,
            repeats=prompts.question(earlier, reader=person.id, now=self._clock()) if earlier else None,
            instead=prompts.cancel_first(earlier, draft) if earlier else (),
        )

    async def earlier(self, wish: Wish) -> Earlier | None:
        """A call to the number of a call about to be placed that was placed just before."""
        [call] = wish.actions
        if not isinstance(call, PlaceCall):
            return None
        through = self.vocabulary.connections[wish.connection]
        return await placed_lately(self._log, wish.connection, call.to, through, self._clock())

    async def wish(self, found: Inferred, person: Person) -> Wish:
        """The wish that a line expresses. Raises `Faulty`."""
        line = found.line
        if line.verb is Verb.MOVE:
            return await self._move(line, person)
        faults = [*line.faults, *found.faults]
        if faults or line.connection is None or line.missing:
            raise Faulty(faults or [Fault("targets", parse_errors.NO_TARGET)], line)
        actions = actions_of(line)
        if line.verb is Verb.PLACE and len(actions) > 1:
            raise Faulty([Fault("targets", parse_errors.ONE_PLACED)])
        said = (line.reason, line.purpose, line.consent, line.goes_out)
        return Wish(line.connection, tuple(actions), *said, zone=line.zone)

    async def may_place(self, wish: Wish, origin: Origin) -> bool:
        """Whether there is anything to preview: what is not allowed, or stopped, is refused and recorded.

        Raises `Faulty` for what the person can mend.
        """
        if await self._operations.stops(wish.actions[0]):
            return False
        return (await self.check(wish, origin)).allowed

    async def _move(self, line: Line, person: Person) -> Wish:
        """The wish to move the one scheduled call that a line names. Raises `Faulty`."""
        faults = list(line.faults)
        if not line.targets and not faults:
            faults.append(Fault("targets", sentences.WHICH_CALL))
        if line.at is None and not any(fault.field == "at" for fault in faults):
            faults.append(Fault("at", sentences.WHEN_INSTEAD))
        if faults:
            raise Faulty(faults)
        now = self._clock()
        try:
            entry = scheduled_calls.only(line, await self._scheduled(line), zone=person.timezone, now=now)
            if why := await self.cannot_cancel(entry, person):
                raise Faulty([Fault("targets", why)])
            beside = await self._beside(entry)
            wish = scheduled_calls.wish(line, entry, self.vocabulary, beside, zone=person.timezone, now=now)
            moved = await self._log.request(entry.request)
            zone = line.zone or moved.zone
            return replace(wish, purpose=moved.purpose, consent=moved.consent, zone=zone)
        except CannotCancel as no:
            raise Faulty([Fault("targets", str(no))]) from no

    async def _scheduled(self, line: Line) -> Sequence[LogEntry]:
        """The scheduled calls that a line's target could mean."""
        match line.targets[0]:
            case NumberTarget(phone=phone):
                return await self._log.scheduled_to(phone.e164, self._clock())
            case IdTarget(provider_id=named) if OURS.fullmatch(named):
                try:
                    request = await self._log.request(named)
                except NoSuchRequest:
                    return []
                return [entry for entry in request.entries if named in {entry.id, request.id}]
            case IdTarget(provider_id=named):
                known = [
                    await self._log.known_call(connection, named, self._clock())
                    for connection in self.vocabulary.connections
                ]
                return [entry for entry in known if entry]

    async def _beside(self, entry: LogEntry) -> Sequence[LogEntry]:
        """The other calls that go away with one that is cancelled by its number."""
        if not isinstance(entry.action, PlaceCall):
            return []
        agent, to = entry.action.agent, entry.action.to
        coming = await self._log.coming_up(entry.connection, agent, to, self._clock())
        return [one for one in coming if one.id != entry.id]

    async def cannot_cancel(self, entry: LogEntry, person: Person) -> str | None:
        """Why a call that we placed cannot be cancelled any more, as far as is known here, or None."""
        now = self._clock()
        if why := scheduled_calls.too_late(entry, zone=person.timezone, now=now):
            return why
        try:
            scheduled_calls.values(entry, self.vocabulary)
        except CannotCancel as no:
            return str(no)
        if isinstance(entry.action, PlaceCall):
            coming = await self._log.coming_up(entry.connection, entry.action.agent, entry.action.to, now)
            if entry.id not in {one.id for one in coming}:
                return sentences.CANCELLED_ALREADY
        return None

    async def check(self, wish: Wish, origin: Origin) -> Decision:
        """What the rules say. Raises `Faulty` for what the person can mend."""
        with self._as_faults(wish):
            return await self._operations.check(wish, origin.person, channel=origin.channel)

    async def keep_refusal(self, faulty: "Faulty", origin: Origin) -> None:
        """Write down that a provider cannot be asked for what somebody wanted, where that is known."""
        line = faulty.line
        if line is None or line.faults or line.connection is None or line.missing:
            return
        try:
            actions = tuple(actions_of(line))
        except ValueError:  # not every part of it is known
            return
        wish = Wish(line.connection, actions, line.reason, line.purpose, line.consent, line.goes_out)
        try:
            self._operations.prepare(wish)
        except Refused as refused:
            if refused.code is Code.UNSUPPORTED:
                await self._operations.cannot(wish, origin, refused)

    async def stop_or_allow(self, line: Line, origin: Origin) -> Message:
        """Stop all calls to a number, or let them go out again. Raises `Faulty`."""
        targets = [target for target in line.targets if isinstance(target, NumberTarget)]
        if line.faults or not targets:
            raise Faulty(list(line.faults) or [Fault("targets", parse_errors.NO_NUMBER)])
        phone = targets[0].phone
        try:
            if line.verb is Verb.STOP:
                return stop_words.stopped(await self._stopping.stop(phone, origin, line.reason))
            if not line.reason:
                raise Faulty([Fault("reason", parse_errors.WHY_ALLOW)])
            return stop_words.allowed(phone, *await self._stopping.allow(phone, origin.person, line.reason))
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
        with self._as_faults(wish):
            asked = await self._operations.ask(wish, origin)
        reader, now = origin.person.id, self._clock()
        if asked.nothing_new:
            return prompts.already_asked(
                asked.joined,
                reader=reader,
                now=now,
                channel=self._settings.audit_channel(wish.connection),
                buttons={
                    one.id: command_replies.take_back(one)
                    for one in asked.joined
                    if _may_take_back(one, reader)
                },
            )
        line = _only(found.line, asked.request) if found else None
        chosen: str | None = None
        change: Block | None = None
        if found and draft and prompts.is_guess(found.grounds):
            await self.keep(draft, origin.person, None, found.line)
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
        through = self.vocabulary.connections.get(request.connection)
        caution = through.caution(request.kind) if through else None
        return command_replies.asked(request, line, caution=caution, chosen=chosen, change=change)

    async def place(self, draft: Draft | None, origin: Origin) -> Message:
        """Place what a preview showed, once, however often it is asked for."""
        if draft and draft.request:
            return self.asked(await self._log.request(draft.request))
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
        earlier = await self.earlier(wish)
        if earlier is None or earlier.cancel is None:
            return command_replies.refusal([interactions.EARLIER_IS_GONE, interactions.TYPE_AGAIN])
        origin = replace(origin, nonce=nonce(draft.nonce, "cancel first"))
        try:
            message = await self.ask(Wish(wish.connection, (earlier.cancel,), call_history.REPLACED), origin)
        except NotAllowed as no:
            return command_replies.refusal(no.why, no.request)
        except Faulty as faulty:
            return command_replies.refusal([fault.message for fault in faulty.faults])
        place = button(interactions.PLACE_THE_NEW, command_replies.CHANGE, draft.nonce, style="primary")
        return prompts.then_place(message, earlier, place)

    async def take_back(self, request_id: str, person: Person, *, inbound: str) -> tuple[Message, bool]:
        """What came of taking a request back, and whether it is taken back now."""
        try:
            request = await self._operations.take_back(request_id, person, inbound=inbound)
            return self.asked(request), request.state is State.WITHDRAWN
        except Conflict as conflict:
            current = conflict.current
            if current.state is State.WITHDRAWN:
                return self.asked(current), True
            return command_replies.too_late(current, await self._log.events(current.id)), False
        except NotAllowed as no:
            return command_replies.refusal(no.why), False

    async def keep(self, draft: str, person: Person, wish: Wish | None, line: Line) -> None:
        """Keep a line, and the wish it became if it did, for a button or form to go on with."""
        await self._log.keep_draft(draft, person=person.id, content=kept(wish, line))

    async def draft(self, draft: str, person: str) -> Draft | None:
        """What is kept so, for the person it was kept for."""
        found = await self._log.draft(draft)
        return found if found and found.person == person else None

    @contextmanager
    def _as_faults(self, wish: Wish) -> Iterator[None]:
        """What cannot be asked becomes a fault of its field; what cannot be now, with when it can."""
        through = self.vocabulary.connections.get(wish.connection)
        try:
            yield
        except NotNow as refused:
            field, then = refused.field or "at", None
            if refused.zone:
                raise Faulty([Fault(field, refused.message, refused.zone)]) from refused
            if refused.then and through and "at" in through.fields:
                then = refused.then.isoformat(timespec="minutes")
            raise Faulty([Later(field, refused.message, then)]) from refused
        except Refused as refused:
            raise Faulty([Fault(refused.field or "text", refused.message)]) from refused


class Faulty(Exception):
    """What was typed cannot be asked yet: what is wrong, by field."""

    def __init__(self, faults: list[Fault], line: Line | None = None) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults
        self.line = line


def _chosen(found: Inferred) -> str | None:
    return prompts.chosen(found.grounds, connection=found.line.connection, agent=found.line.agent)


def _with_fault(line: Line, message: str) -> Line:
    return replace(line, faults=(*line.faults, Fault("targets", message)))


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


def _may_take_back(request: Request, person: str) -> bool:
    return request.requester == person and request.state in {State.PENDING, State.APPROVED}


_ACTIONS: TypeAdapter[tuple[CallAction, ...]] = TypeAdapter(tuple[CallAction, ...])

_DONE_TO_CAMPAIGNS: Mapping[Verb, type[DeleteCampaign | StopCampaign | StartCampaign]] = {
    Verb.DELETE_CAMPAIGN: DeleteCampaign,
    Verb.STOP_CAMPAIGN: StopCampaign,
    Verb.START_CAMPAIGN: StartCampaign,
}


class Incomplete(ValueError):
    """A line that leaves open what it asks for: the field that is missing."""


def actions_of(line: Line) -> Sequence[CallAction]:
    """What a line without faults asks for, one action for each target. Raises `Incomplete`."""
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
            raise Incomplete("verb")


def _place(line: Line, to: str) -> PlaceCall:
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


def _cancel(line: Line) -> list[CancelCall]:
    if line.agent is None and any(isinstance(target, NumberTarget) for target in line.targets):
        raise Incomplete("agent")
    return [
        CancelCall(target=NumberRef(agent=line.agent or "", to=target.phone.e164))
        if isinstance(target, NumberTarget)
        else CancelCall(target=CallRef(call_id=target.provider_id))
        for target in line.targets
    ]


def kept(wish: Wish | None, line: Line) -> dict[str, object]:
    """A line, and the wish it became if it did, as a draft's content."""
    return {
        "text": line.text,
        "rest": line.rest,
        "verb": line.verb,
        "answers": list(line.answers),
        "wish": _written(wish) if wish else None,
    }


def _written(wish: Wish) -> dict[str, object]:
    actions = _ACTIONS.dump_python(tuple(wish.actions), mode="json")
    said = {"reason": wish.reason, "purpose": wish.purpose, "consent": wish.consent, "zone": wish.zone}
    return {"connection": wish.connection, "actions": actions, **said}


def read_wish(draft: Draft) -> Wish:
    """The wish that a draft holds."""
    content: Any = draft.content["wish"]
    return Wish(**(content | {"actions": _ACTIONS.validate_python(content["actions"])}))


def nonce(trigger_id: str, purpose: str) -> str:
    """A nonce for a button or form made in answer to one trigger: the same delivery makes the same nonce."""
    return hashlib.sha256(f"{purpose}\0{trigger_id}".encode()).hexdigest()[:24]
