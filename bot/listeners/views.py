"""Listeners for submitted forms, and for the preview in a modal.

Each parses, records, acknowledges and returns. The only call over the network changes a modal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.listeners.command_flow import CommandFlow
from bot.listeners.do_not_call import DoNotCallFlow
from bot.listeners.forms import FormOpener
from bot.listeners.payloads import Body, pressed, submitted
from bot.parsing.command import OF_STOPS, Verb
from bot.parsing.defaults import FilledCommand
from bot.services import scheduled_calls
from bot.services.call_history import without_known_call
from bot.services.commands import CommandService, InvalidCommandError, nonce
from bot.services.models import PermissionDeniedError, RequestSpec
from bot.services.preconditions import Preconditions
from bot.services.scheduled_calls import NONE_OF_THESE, SCHEDULED_CALL
from bot.slack.blocks import Message, View
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.text import scheduled_calls as sentences
from bot.text.markup import escape
from bot.ui import command_replies, prompts
from bot.ui.call_preview import CallToPlace, PlacePreview
from bot.ui.do_not_call import stop_preview
from bot.ui.form_values import line_text, values_of
from bot.ui.forms import MORE, Form
from bot.ui.modal import About, result
from providers.actions import PlaceCall
from storage.models import Person, record_of
from storage.store import Store


@dataclass(slots=True)
class FormSubmissions:
    """The forms by which people make requests."""

    _store: Store
    _preconditions: Preconditions
    _commands: CommandService
    _flow: CommandFlow
    _stops: DoNotCallFlow
    _opening: FormOpener
    _windows: ModalClient
    _replies: EphemeralResponder
    _clock: Callable[[], datetime]

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(MORE)(self.more)
        for verb, form in self._opening.forms.items():
            app.view(form.callback_id)(self.place_form if verb is Verb.PLACE else self.ask_form)
        app.view(PlacePreview.callback_id)(self.place_previewed)

    async def more(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Show the rest of the form. Slack keeps what was typed, because the inputs keep their ids."""
        view = await self._again(self._opening.forms[Verb.PLACE], body, person, {}, whole=True)
        await self._windows.update(body, view)
        await ack()

    async def _again(
        self,
        form: Form,
        body: Body,
        person: Person,
        values: Mapping[str, str],
        *,
        whole: bool,
        hint: str = "",
    ) -> View:
        """Return a submitted form to place a call once more, with ``values`` changed."""
        about = About.of(body["view"])
        values = {**form.filled(body["view"]), **values}
        call = None
        if about.action:
            call = record_of(await self._store.requests.request(about.action), about.action)
            values |= await self._chosen(form.verb, call.id, person)
        return form.build(
            values,
            nonce=nonce(body["trigger_id"], "more"),
            channel=about.channel,
            whole=whole,
            known=await self._opening.offer(form.verb, person, values, call),
            hint=hint,
            paused=await self._opening.paused(form.verb),
        )

    async def place_form(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Turn a complete form into its preview. Otherwise put each fault under its field."""
        form = self._opening.forms[Verb.PLACE]
        try:
            found = await self._submitted(form, body, person)
            spec = await self._commands.request_spec(found, person)
            if not await self._commands.may_place(spec, submitted(body, person)):
                await self._answer_form(ack, spec, person, body)
                return
        except InvalidCommandError as faulty:
            await self._ack_faults(ack, form, faulty, body, person)
            return
        draft = nonce(body["trigger_id"], "preview")
        await self._commands.keep(draft, person, spec, found.command)
        prepared = self._preconditions.prepare(spec)[0]
        channel = About.of(body["view"]).channel
        through = self._commands.vocabulary.connections[spec.connection]
        view = PlacePreview.build(
            CallToPlace(
                spec,
                prepared,
                found.command,
                through,
                person.timezone,
                self._clock(),
                masked=self._is_chosen(form, body),
                paused=await self._store.pauses.for_kind(spec.connection, spec.kind, self._clock()),
            ),
            nonce=draft,
            channel=channel,
        )
        if earlier := await self._commands.recent_call(spec):
            view = prompts.asking(view, prompts.question(earlier, reader=person.id, now=self._clock()))
        await ack(response_action="push", view=view)

    async def _with_what_lacks(
        self, form: Form, faulty: InvalidCommandError, body: Body, person: Person
    ) -> View | None:
        """Return the form with its folded fields shown, if only those lack a value, or None."""
        lacks = {fault.field for fault in faulty.problems}
        if (
            form.verb is not Verb.PLACE
            or not lacks <= {"zone", "consent"}
            or any(form.shows(body["view"], field) for field in lacks)
        ):
            return None
        said = self._said(form, body)
        line = self._commands.parse(said, form.verb, person, form.answers(body["view"], said))
        hint = "\n".join(f"⚠️ {escape(fault.message)}" for fault in faulty.problems)
        understood = {"targets": values_of(line)["targets"]}
        return await self._again(form, body, person, understood, whole="consent" in lacks, hint=hint)

    async def place_previewed(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Make the request that the preview or the question over the form showed."""
        key = About.of(body["view"]).nonce
        draft = await self._commands.draft(key, person.id)
        message = await self._flow.place(draft, pressed(body, person), typed=True)
        placed = await self._commands.draft(key, person.id)
        await self._show(ack, body, person, message, done=placed is not None and placed.request is not None)

    async def ask_form(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Create the request of a form that needs no preview."""
        filled = body["view"]["callback_id"]
        verb = next(verb for verb, form in self._opening.forms.items() if form.callback_id == filled)
        await self._ask_by_form(verb, ack, body, person)

    async def _ask_by_form(self, verb: Verb, ack: AsyncAck, body: Body, person: Person) -> None:
        """Create the request of a form. Otherwise put each fault under its field."""
        form = self._opening.forms[verb]
        try:
            found = await self._submitted(form, body, person)
            if verb in OF_STOPS:
                await self._answer_stop(ack, found, person, body)
                return
            spec = await self._commands.request_spec(found, person)
            typed = None if self._is_chosen(form, body) else found
            unknown = await without_known_call(self._store, spec, self._clock()) if typed else ()
            if unknown:
                draft = nonce(body["trigger_id"], "preview")
                await self._commands.keep(draft, person, spec, found.command)
                channel = About.of(body["view"]).channel
                view = prompts.no_call_known_view(found.command, unknown, draft=draft, channel=channel)
                await ack(response_action="push", view=view)
                return
            await self._answer_form(ack, spec, person, body, typed)
        except InvalidCommandError as faulty:
            await self._ack_faults(ack, form, faulty, body, person)

    async def _ack_faults(
        self, ack: AsyncAck, form: Form, faulty: InvalidCommandError, body: Body, person: Person
    ) -> None:
        """Ask for missing values or for what was meant. Otherwise put each fault under its field."""
        await self._commands.keep_refusal(faulty, submitted(body, person))
        view = await self._with_what_lacks(form, faulty, body, person)
        if question := prompts.question_in(faulty.problems):
            key = nonce(body["trigger_id"], "question")
            view = form.asking(body["view"], question, self._said(form, body), nonce=key)
        if view:
            await ack(response_action="update", view=view)
        else:
            await ack(response_action="errors", errors=form.errors(faulty.problems, body["view"]))

    def _said(self, form: Form, body: Body) -> str:
        """Return a submitted form as a command's text."""
        return line_text(form.verb, form.read(body["view"]))

    async def _answer_stop(self, ack: AsyncAck, found: FilledCommand, person: Person, body: Body) -> None:
        """Show the preview of a stop above its form, or allow calls again. Raises `InvalidCommandError`."""
        draft = nonce(body["trigger_id"], "preview")
        try:
            message = await self._stops.answer(found.command, person, draft)
        except PermissionDeniedError as no:
            message = command_replies.refusal(no.reasons, no.request)
        if found.command.verb is Verb.STOP:
            view = stop_preview(message, channel=About.of(body["view"]).channel)
            await ack(response_action="push", view=view)
        else:
            await ack(response_action="update", view=result(message))

    def _is_chosen(self, form: Form, body: Body) -> bool:
        """Return whether a form is about a chosen call. Its number stays masked in the answer."""
        return form.read(body["view"]).get(SCHEDULED_CALL, NONE_OF_THESE) not in {"", NONE_OF_THESE}

    async def _answer_form(
        self, ack: AsyncAck, spec: RequestSpec, person: Person, body: Body, found: FilledCommand | None = None
    ) -> None:
        """Create the request and show the answer. Raises `InvalidCommandError`."""
        try:
            message, done = await self._flow.ask(spec, submitted(body, person), found, typed=True), True
        except PermissionDeniedError as no:
            message, done = command_replies.refusal(no.reasons, no.request), False
        await self._show(ack, body, person, message, done=done)

    async def _show(self, ack: AsyncAck, body: Body, person: Person, message: Message, *, done: bool) -> None:
        """Close the form and answer where it was opened, if the request was made. Otherwise answer in it.

        The answer below cannot be edited later, as if the request had been typed.
        """
        if done:
            self._replies.below(About.of(body["view"]).channel, person.id, message)
            await ack(response_action="clear")
        else:
            await ack(response_action="update", view=result(message))

    async def _submitted(self, form: Form, body: Body, person: Person) -> FilledCommand:
        """Return a form's command with its defaults filled in.

        Raises `InvalidCommandError` if values contradict each other.
        """
        values = form.read(body["view"])
        if faults := form.contradictions(values, self._clock()):
            raise InvalidCommandError(faults)
        if self._is_chosen(form, body):
            values = {**values, **await self._chosen(form.verb, values[SCHEDULED_CALL], person)}
        chosen = form.answers(body["view"], self._said(form, body))
        line = self._commands.parse(line_text(form.verb, values), form.verb, person, chosen)
        return await self._commands.fill_defaults(line, person)

    async def _chosen(self, verb: Verb, call: str, person: Person) -> Mapping[str, str]:
        """Return a chosen call as form values. Raises `InvalidCommandError` if it cannot be used."""
        record = record_of(await self._store.requests.request(call), call)
        if verb is Verb.PLACE:
            if not isinstance(record.action, PlaceCall):
                raise InvalidCommandError([scheduled_calls.fault(sentences.ERASED)])
            return {"targets": record.action.to}
        if why := await self._commands.cannot_cancel(record, person):
            raise InvalidCommandError([scheduled_calls.fault(why)])
        if verb is Verb.MOVE:
            return {"targets": record.id}
        return scheduled_calls.values(record, self._commands.vocabulary)
