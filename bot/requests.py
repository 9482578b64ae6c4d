"""The listeners of people who ask: the slash commands, the forms, the preview's button, Take back.

Parse, record, ack, return: everything here is local but the one call that opens or changes a modal.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot import answers, choosing, known_calls, repeats
from bot.answers import COMMANDS
from bot.blocks import Block, Message, button
from bot.choosing import Choice
from bot.form_lines import line_text, values_of
from bot.forms import MORE, Form
from bot.inference import Inferred
from bot.intents import nonce
from bot.knowledge import infer_knowing, placed_lately
from bot.known_calls import KNOWN, NONE_OF_THESE, CannotCancel, Offer
from bot.line import KINDS, Fault, Line, Typist, Verb, Vocabulary
from bot.lists import Lists
from bot.modals import About, View, notice
from bot.operations import NotAllowed, Operations, Origin, Wish
from bot.parsing import parse
from bot.people import Directory
from bot.policy import Decision
from bot.previews import PlacePreview
from bot.repeats import Earlier
from bot.replies import Replies
from bot.settings import Settings
from bot.targets import NumberTarget
from bot.vocabulary import vocabulary
from bot.windows import Windows
from bot.wishes import actions_of, kept, read_wish
from providers.actions import CancelCall, Kind, NumberRef, PlaceCall, Refused
from providers.base import Adapter
from storage.entries import Draft, LogEntry, Person, Request
from storage.lifecycle import State
from storage.log import ActionLog, Conflict

Body = dict[str, Any]
COMMANDS_HEARD: dict[str, Verb | None] = {"/calls": None} | {
    command: verb for verb, command in COMMANDS.items()
}
"""The verb that each slash command supplies."""
_AGAIN = "Type the command again to see how it stands."
_TOO_OLD = "This is more than a day old, so it is forgotten. Type the command again."


class Requests:
    """What people type, press and submit to ask for something."""

    def __init__(
        self,
        log: ActionLog,
        settings: Settings,
        operations: Operations,
        directory: Directory,
        adapters: Mapping[str, Adapter],
        windows: Windows,
        replies: Replies,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._settings = settings
        self._operations = operations
        self._directory = directory
        self._windows = windows
        self._replies = replies
        self._clock = clock
        self._vocabulary = vocabulary(settings, adapters)
        self._lists = Lists(
            log, operations, directory, replies, connections=settings.connections, clock=clock
        )
        self._forms = {verb: Form(verb, self._vocabulary) for verb in KINDS}

    @property
    def vocabulary(self) -> Vocabulary:
        """What can be typed, as it is configured."""
        return self._vocabulary

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        self._lists.listen(app)
        for command in COMMANDS_HEARD:
            app.command(command)(self.command)
        for opening in answers.OPENS:
            app.action(opening)(self.open_form)
        app.action(answers.CHANGE)(self.change)
        app.action(re.compile(rf"^{choosing.CHOOSE}_\d+$"))(self.choose)
        app.action(choosing.CHANGE_ASKED)(self.change_asked)
        app.action(repeats.CANCEL_FIRST)(self.cancel_first)
        app.action(answers.PLACE)(self.place)
        app.action(answers.TAKE_BACK)(self.take_back)
        app.action(MORE)(self.more)
        for verb, form in self._forms.items():
            app.view(form.callback_id)(self.place_form if verb is Verb.PLACE else self.ask_form)
        app.view(PlacePreview.callback_id)(self.place_previewed)

    async def command(self, ack: AsyncAck, body: Body) -> None:
        """Answer a slash command: help, a form, what is wrong with it, a preview, or what was asked."""
        door = COMMANDS_HEARD[body["command"]]
        person = await self._directory.person(body["user_id"])
        line = self._parse(body.get("text") or "", door, person)
        if line.verb is Verb.HELP or (line.verb is None and not line.text.strip()):
            await _say(ack, answers.help_message(self._vocabulary, self._settings.off))
        elif line.verb is Verb.LIST:
            await _say(ack, await self._lists.overview(person))
        elif line.verb is Verb.STATUS:
            await _say(ack, await self._lists.status(line.rest, person))
        elif line.verb and line.missing and not line.faults:
            await self._open(body, line.verb, values_of(line), body["channel_id"])
            await ack()
        else:
            origin = Origin(person, body["channel_id"], inbound=f"command:{body['trigger_id']}")
            await _say(ack, await self._answer(line, origin, nonce(body["trigger_id"], "line")))

    async def _answer(self, line: Line, origin: Origin, draft: str) -> Message:
        """What a complete line leads to: a preview of a call, a request, or what must be chosen first.

        ``draft`` is where the line is kept for a button to go on with.
        """
        person = origin.person
        found = await self._infer(line, person)
        try:
            wish = self._wish(found)
            if wish.kind is Kind.PLACE_CALL and self._check(wish, person).allowed:
                return await self._preview(wish, found, person, nonce(draft, "preview"))
            return await self._ask(wish, origin, found, draft=nonce(draft, "chosen"))
        except NotAllowed as no:
            return answers.refusal(no.why, no.request)
        except Faulty as faulty:
            await self._keep(draft, person, None, line)
            if found.open and choosing.is_offered(found):
                return choosing.choose(found, found.open, draft, answers.CHANGE)
            return answers.fault_message(found, faulty.faults, draft)

    async def _preview(self, wish: Wish, found: Inferred, person: Person, draft: str) -> Message:
        """A call as it would be placed; one to a number that was called just now is asked about."""
        await self._keep(draft, person, wish, found.line)
        prepared = self._operations.prepare(wish)[0]
        through = self._vocabulary.connections[wish.connection]
        earlier = await self._earlier(wish)
        return answers.preview(
            wish,
            prepared,
            found.line,
            through=through,
            chosen=_chosen(found),
            draft=draft,
            repeats=repeats.question(earlier, reader=person.id, now=self._clock()) if earlier else None,
            instead=repeats.cancel_first(earlier, draft) if earlier else (),
        )

    async def _earlier(self, wish: Wish) -> Earlier | None:
        """A call to the number of a call about to be placed that was placed just before."""
        [call] = wish.actions
        if not isinstance(call, PlaceCall):
            return None
        through = self._vocabulary.connections[wish.connection]
        return await placed_lately(self._log, wish.connection, call.to, through, self._clock())

    async def cancel_first(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Ask to cancel the call that was placed before; the new one is placed after that."""
        person = await self._directory.person(body["user"]["id"])
        draft = await self._draft(action["value"], body)
        message = await self._cancel_first(draft, person, body)
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def _cancel_first(self, draft: Draft | None, person: Person, body: Body) -> Message:
        if draft is None or not draft.content.get("wish"):
            return answers.refusal([_TOO_OLD])
        wish = read_wish(draft)
        earlier = await self._earlier(wish)
        if earlier is None or earlier.cancel is None:
            return answers.refusal(["The earlier call cannot be cancelled any more.", _AGAIN])
        inbound, once = f"press:{body['trigger_id']}", nonce(draft.nonce, "cancel first")
        origin = Origin(person, _channel(body) or None, inbound=inbound, nonce=once)
        try:
            message = await self._ask(Wish(wish.connection, (earlier.cancel,), repeats.REPLACED), origin)
        except NotAllowed as no:
            return answers.refusal(no.why, no.request)
        except Faulty as faulty:
            return answers.refusal([fault.message for fault in faulty.faults])
        place = button("Place the new call…", answers.CHANGE, draft.nonce, style="primary")
        return repeats.then_place(message, earlier, place)

    async def _infer(self, line: Line, person: Person) -> Inferred:
        """Fill in what was not said."""
        return await infer_knowing(line, self._vocabulary, self._log, person=person.id, now=self._clock())

    async def choose(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Go on with a line, now that what it left open was chosen; once, however often it is pressed."""
        person = await self._directory.person(body["user"]["id"])
        choice = Choice.of(action["value"])
        draft = await self._draft(choice.draft, body)
        if draft and draft.request:
            message = self._asked(await self._log.request(draft.request))
        elif draft is None or not draft.content:
            message = answers.refusal([_TOO_OLD])
        else:
            line = self._parse(str(draft.content["rest"]), Verb(str(draft.content["verb"])), person)
            line = replace(
                line, connection=choice.connection or line.connection, agent=choice.agent or line.agent
            )
            inbound = f"press:{body['trigger_id']}"
            origin = Origin(person, _channel(body) or None, inbound=inbound, nonce=draft.nonce)
            message = await self._answer(line, origin, draft.nonce)
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def change_asked(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Take back what was asked with something chosen wrongly, and open its form to ask it otherwise."""
        request_id, draft = action["value"].split()
        person = await self._directory.person(body["user"]["id"])
        message, withdrawn = await self._take_back(request_id, person, body)
        if withdrawn:
            await self._reopen(await self._draft(draft, body), body)
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def _keep(self, draft: str, person: Person, wish: Wish | None, line: Line) -> None:
        await self._log.keep_draft(draft, person=person.id, content=kept(wish, line))

    def _wish(self, found: Inferred) -> Wish:
        """The wish that a line expresses. Raises `Faulty`."""
        line = found.line
        faults = [*line.faults, *found.faults]
        if faults or line.connection is None or line.missing:
            raise Faulty(faults or [Fault("targets", "A number or an id is missing.")])
        actions = actions_of(line)
        if line.verb is Verb.PLACE and len(actions) > 1:
            raise Faulty([Fault("targets", "One call at a time: each is placed with a button of its own.")])
        return Wish(line.connection, tuple(actions), line.reason, line.purpose, line.consent, line.goes_out)

    def _asked(
        self,
        request: Request,
        line: Line | None = None,
        *,
        chosen: str | None = None,
        change: Block | None = None,
    ) -> Message:
        """What became of a request, with what should be known of its connection and what was chosen."""
        through = self._vocabulary.connections.get(request.connection)
        caution = through.caution(request.kind) if through else None
        return answers.asked(request, line, caution=caution, chosen=chosen, change=change)

    def _check(self, wish: Wish, person: Person) -> Decision:
        """What the rules say. Raises `Faulty` for what the person can mend."""
        with _as_faults():
            return self._operations.check(wish, person)

    async def _ask(
        self, wish: Wish, origin: Origin, found: Inferred | None = None, *, draft: str = ""
    ) -> Message:
        """Ask, and say what became of it; what is asked already joins that.

        Where something was chosen in ``found`` that could have been meant otherwise, ``draft`` is where its
        line is kept for the button that changes it. Raises `Faulty` for what the person can mend,
        `NotAllowed` for what the rules forbid.
        """
        with _as_faults():
            asked = await self._operations.ask(wish, origin)
        reader, now = origin.person.id, self._clock()
        if asked.nothing_new:
            return repeats.already_asked(
                asked.joined,
                reader=reader,
                now=now,
                channel=self._settings.audit_channel(wish.connection),
                buttons=[answers.take_back(one) for one in asked.joined if _may_take_back(one, reader)],
            )
        line = _only(found.line, asked.request) if found else None
        chosen: str | None = None
        change: Block | None = None
        if found and draft and choosing.is_guess(found.grounds):
            await self._keep(draft, origin.person, None, found.line)
            chosen, change = _chosen(found), choosing.change_asked(asked.request.id, draft)
        message = self._asked(asked.request, line, chosen=chosen, change=change)
        if not asked.joined:
            return message
        told = repeats.left_out(asked.joined, asked.left_out, reader=reader, now=now)
        first, *others = message.blocks
        return Message(message.text, [first, told, *others])

    async def open_form(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Open a form: empty from help, and with all that was understood where its verb was asked for."""
        verb = answers.OPENS[action["action_id"]]
        if action["value"] == answers.EMPTY:
            await self._open(body, verb, {}, _channel(body))
        else:
            await self._reopen(await self._draft(action["value"], body), body, verb)
        await ack()

    async def change(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Open the form with all that was understood of a line, and as typed what was not."""
        await self._reopen(await self._draft(action["value"], body), body)
        await ack()

    async def _reopen(self, draft: Draft | None, body: Body, verb: Verb | None = None) -> None:
        if draft is None or not draft.content:
            await self._windows.open(body, _gone(draft))
            return
        person = await self._directory.person(body["user"]["id"])
        verb = verb or Verb(str(draft.content["verb"]))
        found = await self._infer(self._parse(str(draft.content["rest"]), verb, person), person)
        text = str(draft.content["text"])
        await self._open(body, verb, values_of(found.line), _channel(body), line=text)

    async def more(self, ack: AsyncAck, body: Body) -> None:
        """Unfold the rest of the form. What was typed stays: Slack keeps it in inputs that keep their ids."""
        about, form = About.of(body["view"]), self._forms[Verb.PLACE]
        view = form.build(
            form.read(body["view"]),
            nonce=nonce(body["trigger_id"], "more"),
            channel=about.channel,
            whole=True,
        )
        await self._windows.change(body, view)
        await ack()

    async def place(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Place what a preview showed, once, however often the button is pressed."""
        person = await self._directory.person(body["user"]["id"])
        draft = await self._draft(action["value"], body)
        message = await self._place(draft, person, body)
        self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def _place(self, draft: Draft | None, person: Person, body: Body) -> Message:
        if draft and draft.request:
            return self._asked(await self._log.request(draft.request))
        if draft is None or not draft.content.get("wish"):
            return answers.refusal([_TOO_OLD])
        try:
            inbound = f"press:{body['trigger_id']}"
            origin = Origin(person, _channel(body) or None, inbound=inbound, nonce=draft.nonce)
            return await self._ask(read_wish(draft), origin)
        except NotAllowed as no:
            return answers.refusal(no.why, no.request)
        except Faulty as faulty:
            return answers.refusal([fault.message for fault in faulty.faults])

    async def place_form(self, ack: AsyncAck, body: Body) -> None:
        """Turn a complete form into its preview; otherwise put each fault under its field."""
        person = await self._directory.person(body["user"]["id"])
        form = self._forms[Verb.PLACE]
        try:
            found = await self._submitted(form, body, person)
            wish = self._wish(found)
            if not self._check(wish, person).allowed:
                await self._answer_form(ack, wish, person, body)
                return
        except Faulty as faulty:
            await ack(response_action="errors", errors=form.errors(faulty.faults, body["view"]))
            return
        draft = nonce(body["trigger_id"], "preview")
        await self._keep(draft, person, wish, found.line)
        prepared = self._operations.prepare(wish)[0]
        channel = About.of(body["view"]).channel
        through = self._vocabulary.connections[wish.connection]
        view = PlacePreview.build(wish, prepared, found.line, through=through, nonce=draft, channel=channel)
        if earlier := await self._earlier(wish):
            view = repeats.asking(view, repeats.question(earlier, reader=person.id, now=self._clock()))
        await ack(response_action="update", view=view)

    async def place_previewed(self, ack: AsyncAck, body: Body) -> None:
        """Place what the preview in the modal showed."""
        person = await self._directory.person(body["user"]["id"])
        draft = await self._draft(About.of(body["view"]).nonce, body)
        message = await self._place(draft, person, body)
        await ack(response_action="update", view=_result(message))

    async def ask_form(self, ack: AsyncAck, body: Body) -> None:
        """Ask for what a form says that needs no preview."""
        filled = body["view"]["callback_id"]
        verb = next(verb for verb, form in self._forms.items() if form.callback_id == filled)
        await self._ask_by_form(verb, ack, body)

    async def _ask_by_form(self, verb: Verb, ack: AsyncAck, body: Body) -> None:
        """Ask for what a form says; otherwise put each fault under its field."""
        person = await self._directory.person(body["user"]["id"])
        form = self._forms[verb]
        try:
            wish = self._wish(await self._submitted(form, body, person))
            await self._answer_form(ack, wish, person, body)
        except Faulty as faulty:
            await ack(response_action="errors", errors=form.errors(faulty.faults, body["view"]))

    async def _answer_form(self, ack: AsyncAck, wish: Wish, person: Person, body: Body) -> None:
        """Ask, and turn the form into the answer. Raises `Faulty` for what the form can mend."""
        about = About.of(body["view"])
        origin = Origin(person, about.channel or None, f"submit:{body['trigger_id']}", about.nonce)
        try:
            message = await self._ask(wish, origin)
        except NotAllowed as no:
            message = answers.refusal(no.why, no.request)
        await ack(response_action="update", view=_result(message))

    async def _submitted(self, form: Form, body: Body, person: Person) -> Inferred:
        """What a form says, with what could be inferred. Raises `Faulty` for what contradicts itself."""
        values = form.read(body["view"])
        if faults := form.contradictions(values, self._clock()):
            raise Faulty(faults)
        if values.get(KNOWN, NONE_OF_THESE) not in {"", NONE_OF_THESE}:
            values = {**values, **await self._chosen(values[KNOWN], person)}
        line = self._parse(line_text(form.verb, values), form.verb, person)
        return await self._infer(line, person)

    async def _chosen(self, call: str, person: Person) -> Mapping[str, str]:
        """A known call as a form's values. Raises `Faulty` where it does not go out any more."""
        entry = entry_of(await self._log.request(call), call)
        if why := await self.cannot_cancel(entry, person):
            raise Faulty([known_calls.fault(why)])
        return known_calls.values(entry, self._vocabulary)

    async def cannot_cancel(self, entry: LogEntry, person: Person) -> str | None:
        """Why a call that we placed cannot be cancelled any more, as far as is known here, or None."""
        now = self._clock()
        if why := known_calls.too_late(entry, zone=person.timezone, now=now):
            return why
        try:
            known_calls.values(entry, self._vocabulary)
        except CannotCancel as no:
            return str(no)
        if isinstance(entry.action, PlaceCall):
            coming = await self._log.coming_up(entry.connection, entry.action.agent, entry.action.to, now)
            if entry.id not in {one.id for one in coming}:
                return "This call was cancelled already, so it does not go out."
        return None

    async def take_back(self, ack: AsyncAck, body: Body, action: Body) -> None:
        """Withdraw what somebody asked for themselves, if nothing of it is being sent."""
        person = await self._directory.person(body["user"]["id"])
        message, _ = await self._take_back(action["value"], person, body)
        if "view" in body:
            await self._windows.change(body, _result(message))
        else:
            self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def _take_back(self, request_id: str, person: Person, body: Body) -> tuple[Message, bool]:
        """What came of taking a request back, and whether it is taken back now."""
        try:
            inbound = f"press:{body['trigger_id']}"
            request = await self._operations.take_back(request_id, person, inbound=inbound)
            return self._asked(request), request.state is State.WITHDRAWN
        except Conflict as conflict:
            current = conflict.current
            if current.state is State.WITHDRAWN:
                return self._asked(current), True
            return answers.too_late(current, await self._log.events(current.id)), False
        except NotAllowed as no:
            return answers.refusal(no.why), False

    def _parse(self, text: str, door: Verb | None, person: Person) -> Line:
        typist = Typist(timezone=person.timezone)
        return parse(text, door=door, vocabulary=self._vocabulary, typist=typist, now=self._clock())

    async def _open(
        self, body: Body, verb: Verb, values: Mapping[str, str], channel: str, *, line: str = ""
    ) -> None:
        form = self._forms[verb]
        known = Offer()
        if verb is Verb.CANCEL:
            known = await self._offer(await self._directory.person(_user(body)), values)
        view = form.build(
            values, nonce=nonce(body["trigger_id"], "form"), channel=channel, line=line, known=known
        )
        await self._windows.open(body, view)

    async def open_cancel(
        self, body: Body, values: Mapping[str, str], *, hint: str = "", call: LogEntry | None = None
    ) -> None:
        """Open the form for a cancellation with values in it, or with a call we placed chosen in it."""
        person = await self._directory.person(_user(body))
        known = await self._offer(person, values, call)
        view = self._forms[Verb.CANCEL].build(
            values, nonce=nonce(body["trigger_id"], "form"), channel=_channel(body), known=known, hint=hint
        )
        await self._windows.open(body, view)

    async def _offer(self, person: Person, values: Mapping[str, str], call: LogEntry | None = None) -> Offer:
        """The calls to choose from. One that stands alone is chosen at first, unless a target was named."""
        now = self._clock()
        through = known_calls.cancelling(self._vocabulary)
        limit = known_calls.MOST_SHOWN
        entries = list(await self._log.scheduled(through, now, mine=person.id, limit=limit))
        chosen = None
        if call is not None:
            entries = [call, *(entry for entry in entries if entry.id != call.id)][:limit]
            chosen = call.id
        elif len(entries) == 1 and not values.get("targets"):
            chosen = entries[0].id
        return known_calls.offer(entries, zone=person.timezone, now=now, chosen=chosen)

    async def _draft(self, draft: str, body: Body) -> Draft | None:
        """What stands behind a button, for the person it was made for."""
        found = await self._log.draft(draft)
        return found if found and found.person == body["user"]["id"] else None


class Faulty(Exception):
    """What was typed cannot be asked yet: what is wrong, by field."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


@contextmanager
def _as_faults() -> Iterator[None]:
    """What the provider cannot be asked becomes a fault of the field it is in."""
    try:
        yield
    except Refused as refused:
        raise Faulty([Fault(refused.field or "text", refused.message)]) from refused


def _chosen(found: Inferred) -> str | None:
    return choosing.chosen(found.grounds, connection=found.line.connection, agent=found.line.agent)


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


async def _say(ack: AsyncAck, message: Message) -> None:
    await ack(text=message.text, blocks=list(message.blocks), response_type="ephemeral")


def entry_of(request: Request, entry: str) -> LogEntry:
    """One of a request's entries, by its id."""
    return next(one for one in request.entries if one.id == entry)


def _user(body: Body) -> str:
    """Who typed a command, or pressed something."""
    return str(body.get("user_id") or body["user"]["id"])


def _channel(body: Body) -> str:
    """Where a button was pressed, or the form was opened from."""
    if "view" in body:
        return About.of(body["view"]).channel
    return str((body.get("channel") or {}).get("id", ""))


def _result(message: Message) -> View:
    return notice("CallOps", "") | {"blocks": list(message.blocks)}


def _gone(draft: Draft | None) -> View:
    why = "This was used already." if draft and draft.request else _TOO_OLD
    return notice("Nothing to change", why)
