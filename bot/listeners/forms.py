"""Opening of forms, filled with everything that is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.listeners.payloads import Body, channel_of
from bot.parsing.command import FORMS, KINDS, Verb
from bot.services import scheduled_calls
from bot.services.commands import CommandService, nonce
from bot.services.scheduled_calls import CallOptions
from bot.slack.blocks import View
from bot.slack.responses import ModalClient
from bot.text import interactions
from bot.ui.form_values import values_of
from bot.ui.forms import Form
from bot.ui.modal import notice
from providers.actions import PlaceCall
from storage.models import ActionRecord, Pause, Person
from storage.repositories.brake import PAUSABLE
from storage.repositories.users import Draft
from storage.store import Store


@dataclass(slots=True)
class FormOpener:
    """Opens the form of each verb."""

    _store: Store
    _commands: CommandService
    _windows: ModalClient
    _clock: Callable[[], datetime]

    @property
    def forms(self) -> Mapping[Verb, Form]:
        """The form of each verb, by the current vocabulary."""
        return {verb: Form(verb, self._commands.vocabulary) for verb in FORMS}

    async def open(
        self,
        body: Body,
        verb: Verb,
        values: Mapping[str, str],
        channel: str,
        person: Person,
        *,
        line: str = "",
        hint: str = "",
        call: ActionRecord | None = None,
    ) -> None:
        """Open a form with values. Its target is fixed to ``call``, if that is given.

        ``line`` is what was typed, in case a part has no field. ``hint`` is shown first.
        """
        known = await self.offer(verb, person, values, call)
        key = nonce(body["trigger_id"], "form")
        paused = await self.paused(verb)
        view = self.forms[verb].build(
            values, nonce=key, channel=channel, line=line, known=known, hint=hint, paused=paused
        )
        if "view" in body:
            await self._windows.push(body, view)
        else:
            await self._windows.open(body, view)

    async def paused(self, verb: Verb) -> Sequence[Pause]:
        """Return the pauses that hold back what a form requests."""
        active = await self._store.pauses.active(self._clock())
        return active if KINDS.get(verb) in PAUSABLE else ()

    async def reopen(self, draft: Draft | None, body: Body, person: Person, verb: Verb | None = None) -> None:
        """Open a form with the values of a command that was kept. If it is gone, say so."""
        if draft is None or not draft.content:
            await self._windows.open(body, _gone(draft))
            return
        verb = verb or Verb(str(draft.content["verb"]))
        answers: Any = draft.content.get("answers", ())
        line = self._commands.parse(str(draft.content["rest"]), verb, person, answers)
        found = await self._commands.fill_defaults(line, person)
        text = str(draft.content["text"])
        await self.open(body, verb, values_of(found.command), channel_of(body), person, line=text)

    async def offer(
        self, verb: Verb, person: Person, values: Mapping[str, str], call: ActionRecord | None = None
    ) -> CallOptions:
        """Return the calls to choose from. A single call is chosen at first, or the one that was named.

        There is nothing to choose if the target is fixed to ``call``, or if a target to cancel was typed.
        """
        now = self._clock()
        if verb not in {Verb.CANCEL, Verb.MOVE}:
            return scheduled_calls.number_of(call) if call else CallOptions()
        if call is not None:
            offered = scheduled_calls.call_options([call], zone=person.timezone, now=now, chosen=call.id)
            return replace(offered, fixed=True)
        through = scheduled_calls.cancelling(self._commands.vocabulary)
        limit = scheduled_calls.MOST_SHOWN + 1
        records = list(await self._store.call_history.scheduled(through, now, mine=person.id, limit=limit))
        chosen = None
        if named := values.get("targets"):
            if verb is Verb.CANCEL:
                return CallOptions()
            meant = [record.id for record in records if _is_named(record, named)]
            chosen = meant[0] if len(meant) == 1 else None
        elif len(records) == 1:
            chosen = records[0].id
        return scheduled_calls.call_options(records, zone=person.timezone, now=now, chosen=chosen)


def _is_named(record: ActionRecord, named: str) -> bool:
    """Return whether a scheduled call has a number or an id that was typed."""
    to = record.action.to if isinstance(record.action, PlaceCall) else ""
    ids = {record.id, record.request, record.reference}
    return named.strip() in ids or "".join(named.split()) == to


def _gone(draft: Draft | None) -> View:
    why = interactions.USED_ALREADY if draft and draft.request else interactions.TOO_OLD
    return notice(interactions.NOTHING_TO_CHANGE, why)
