"""From what somebody typed, pressed or submitted to what is asked. Returns values, and renders nothing."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from bot.config.settings import SettingsHolder
from bot.parsing.command import Fault, Later, Line, Typist, Verb, Vocabulary
from bot.parsing.defaults import Inferred
from bot.parsing.numbers import NumberTarget
from bot.parsing.parser import parse
from bot.parsing.targets import OURS, IdTarget
from bot.policy.engine import Decision
from bot.services import scheduled_calls
from bot.services.call_checks import NotNow
from bot.services.call_history import Earlier, infer_knowing, placed_lately
from bot.services.do_not_call import Stopping
from bot.services.models import Asked, Origin, Report, Wish
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.services.scheduled_calls import CannotCancel
from bot.text import parse_errors
from bot.text import scheduled_calls as sentences
from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    Code,
    DeleteCampaign,
    NumberRef,
    PlaceCall,
    Refused,
    StartCampaign,
    StopCampaign,
)
from providers.phone import Phone
from storage.errors import NoSuchRequest
from storage.models import LogEntry, Person, Stop
from storage.repositories.users import Draft
from storage.store import Store


@dataclass(slots=True)
class Commands:
    """Reads lines, fills in what was not said, and asks for what they mean."""

    _log: Store
    _settings: SettingsHolder
    _preconditions: Preconditions
    _requests: RequestService
    _stopping: Stopping
    _vocabulary: Vocabulary
    """As it was at the start."""
    _clock: Callable[[], datetime]

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be typed, as it is configured; the reasons are those in force."""
        return replace(self._vocabulary, reasons=self._settings.current.slack.reasons)

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
        said = (line.reason, line.purpose, line.consent, line.reported_call_time)
        return Wish(line.connection, tuple(actions), *said, zone=line.zone)

    async def may_place(self, wish: Wish, origin: Origin) -> bool:
        """Whether there is anything to preview: what is not allowed, or stopped, is refused and recorded.

        Raises `Faulty` for what the person can mend.
        """
        if await self._preconditions.stops(wish.actions[0]):
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
            moved = await self._log.requests.request(entry.request)
            zone = line.zone or moved.zone
            return replace(wish, purpose=moved.purpose, consent=moved.consent, zone=zone)
        except CannotCancel as no:
            raise Faulty([Fault("targets", str(no))]) from no

    async def _scheduled(self, line: Line) -> Sequence[LogEntry]:
        """The scheduled calls that a line's target could mean."""
        match line.targets[0]:
            case NumberTarget(phone=phone):
                return await self._log.call_history.scheduled_to(phone.e164, self._clock())
            case IdTarget(provider_id=named) if OURS.fullmatch(named):
                try:
                    request = await self._log.requests.request(named)
                except NoSuchRequest:
                    return []
                return [entry for entry in request.entries if named in {entry.id, request.id}]
            case IdTarget(provider_id=named):
                known = [
                    await self._log.call_history.known_call(connection, named, self._clock())
                    for connection in self.vocabulary.connections
                ]
                return [entry for entry in known if entry]

    async def _beside(self, entry: LogEntry) -> Sequence[LogEntry]:
        """The other calls that go away with one that is cancelled by its number."""
        if not isinstance(entry.action, PlaceCall):
            return []
        agent, to = entry.action.agent, entry.action.to
        coming = await self._log.call_history.coming_up(entry.connection, agent, to, self._clock())
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
            coming = await self._log.call_history.coming_up(
                entry.connection, entry.action.agent, entry.action.to, now
            )
            if entry.id not in {one.id for one in coming}:
                return sentences.CANCELLED_ALREADY
        return None

    async def check(self, wish: Wish, origin: Origin) -> Decision:
        """What the rules say. Raises `Faulty` for what the person can mend."""
        with self._as_faults(wish):
            return await self._requests.check(wish, origin.person, channel=origin.channel)

    async def keep_refusal(self, faulty: "Faulty", origin: Origin) -> None:
        """Write down that a provider cannot be asked for what somebody wanted, where that is known."""
        line = faulty.line
        if line is None or line.faults or line.connection is None or line.missing:
            return
        try:
            actions = tuple(actions_of(line))
        except ValueError:  # not every part of it is known
            return
        wish = Wish(
            line.connection, actions, line.reason, line.purpose, line.consent, line.reported_call_time
        )
        try:
            self._preconditions.prepare(wish)
        except Refused as refused:
            if refused.code is Code.UNSUPPORTED:
                await self._requests.cannot(wish, origin, refused)

    async def ask(self, wish: Wish, origin: Origin) -> Asked:
        """Ask for a wish; what is asked already is joined.

        Raises `Faulty` for what the person can mend, `NotAllowed` for what the rules forbid.
        """
        with self._as_faults(wish):
            return await self._requests.ask(wish, origin)

    async def stop(self, line: Line, origin: Origin) -> Report:
        """Stop all calls to the number of a line. Raises `Faulty`, `NotAllowed`."""
        return await self._stopping.stop(_phone(line), origin, line.reason)

    async def allow(self, line: Line, person: Person) -> tuple[Phone, Stop | None, Sequence[Stop]]:
        """Let calls to the number of a line go out again. Raises `Faulty`, `NotAllowed`.

        Returns the number, the stop that was lifted, and the stops that stay.
        """
        phone = _phone(line)
        if not line.reason:
            raise Faulty([Fault("reason", parse_errors.WHY_ALLOW)])
        return phone, *await self._stopping.allow(phone, person, line.reason)

    async def keep(self, draft: str, person: Person, wish: Wish | None, line: Line) -> None:
        """Keep a line, and the wish it became if it did, for a button or form to go on with."""
        await self._log.users.keep_draft(draft, person=person.id, content=kept(wish, line))

    async def draft(self, draft: str, person: str) -> Draft | None:
        """What is kept so, for the person it was kept for."""
        found = await self._log.users.draft(draft)
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


def _phone(line: Line) -> Phone:
    """The number that calls are stopped or allowed to. Raises `Faulty`."""
    numbers = [target.phone for target in line.targets if isinstance(target, NumberTarget)]
    if line.faults or not numbers:
        raise Faulty(list(line.faults) or [Fault("targets", parse_errors.NO_NUMBER)])
    return numbers[0]


def _with_fault(line: Line, message: str) -> Line:
    return replace(line, faults=(*line.faults, Fault("targets", message)))


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
