"""Listeners for call lists: the form, the check of its file, and the buttons that control a list."""

import asyncio
import csv
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.command_flow import CommandFlow
from bot.listeners.payloads import Body, channel_of, press, submitted
from bot.parsing import times
from bot.parsing.call_list import ListDefaults, UnreadableListError
from bot.parsing.command import ConnectionInfo
from bot.services.call_lists import CallListService, CheckedList, ListOrder
from bot.services.commands import CommandService, nonce, read_request_spec
from bot.services.export import MARK, guarded
from bot.services.models import PermissionDeniedError
from bot.services.pending import number_of
from bot.services.permissions import Permissions
from bot.services.requests import RequestService
from bot.slack.blocks import Message, View
from bot.slack.errors import SLACK_ERRORS, error_code
from bot.slack.files import (
    DownloadError,
    DownloadLimitedError,
    FileGoneError,
    FileScopeError,
    FileTooLargeError,
    download_file,
)
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.text import call_lists as sentences
from bot.text import interactions, vocabulary
from bot.text.call_ends import ending_word
from bot.ui import announcements, call_lists, command_replies
from bot.ui.call_lists import ListCheck, ListForm
from bot.ui.modal import About, notice, result
from providers.actions import CallList, CannotSendError, Kind
from providers.phone import mask
from storage.errors import ConflictError
from storage.models import Person, Request
from storage.repositories.call_lists import RowResult
from storage.store import Store

_OF_ROWS: Final = (Kind.PLACE_CALL, Kind.CANCEL_CALL)
_LISTS: Final = {Kind.PLACE_CALL: Kind.PLACE_LIST, Kind.CANCEL_CALL: Kind.CANCEL_LIST}
_NO_FILE: Final = {
    FileScopeError: sentences.SCOPE_MISSING,
    FileGoneError: sentences.FILE_GONE,
    FileTooLargeError: sentences.FILE_TOO_LARGE,
    DownloadLimitedError: sentences.SLACK_IS_BUSY,
}
_log = logging.getLogger(__name__)
BATCH: Final = 200
"""Rows of results that are read at once."""


@dataclass(slots=True)
class CallListListeners:
    """The form of a call list, and its buttons."""

    _store: Store
    _client: AsyncWebClient
    _permissions: Permissions
    _commands: CommandService
    _requests: RequestService
    _flow: CommandFlow
    _lists: CallListService
    _windows: ModalClient
    _replies: EphemeralResponder
    _clock: Callable[[], datetime]

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(call_lists.OPEN)(self.open_form)
        app.view(ListForm.callback_id)(self.submit)
        app.action(call_lists.LEAVE_OUT)(self.leave_out)
        app.action(call_lists.PROBLEMS)(self.send_problems)
        app.view(ListCheck.callback_id)(self.request)
        app.action(call_lists.PAUSE)(self.pause)
        app.action(call_lists.RESUME)(self.pause)
        app.action(call_lists.STOP)(self.stop)
        app.action(call_lists.RESULTS)(self.send_results)

    # -- the form and the check

    async def open_form(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Open the form, or say why the person can't use lists."""
        await self.open(body, channel_of(body), person)
        await ack()

    async def open(self, body: Body, channel: str, person: Person) -> None:
        """Open the form, or say why the person can't use lists."""
        may = {kind: self._permissions.may_open(person, _LISTS[kind]) for kind in _OF_ROWS}
        kinds = [kind for kind in _OF_ROWS if may[kind].allowed and self._through(kind)]
        if not kinds:
            whys = may[Kind.PLACE_CALL].reasons or may[Kind.CANCEL_CALL].reasons
            await self._windows.open(body, notice(interactions.NOT_ALLOWED, *whys))
            return
        names = list(dict.fromkeys(name for kind in kinds for name in self._through(kind)))
        key = nonce(body["trigger_id"], "call list")
        await self._windows.open(body, ListForm.build(kinds, names, nonce=key, channel=channel))

    def _through(self, kind: Kind) -> Sequence[str]:
        """Return the connections that carry out a kind of action."""
        known = self._commands.vocabulary.connections
        return [name for name, one in known.items() if kind in one.kinds]

    async def submit(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Read and check the file in the background, as it may take longer than Slack waits."""
        values = ListForm.read(body["view"])
        through = self._commands.vocabulary.connections.get(values[ListForm.connection])
        errors, at = self._errors(values, through, person)
        if errors or through is None:
            await ack(response_action="errors", errors=errors)
            return
        checking = self._check(body, values, through, at, person)
        # A new context, because the current one has the deadline for the answer to Slack.
        self._replies.keep(asyncio.create_task(checking, name="list check", context=Context()))
        await ack(response_action="update", view=call_lists.reading())

    def _errors(
        self, values: dict[str, str], through: ConnectionInfo | None, person: Person
    ) -> tuple[dict[str, str], datetime | None]:
        """Return the errors of the form by field, and its time for the calls."""
        errors, at = dict[str, str](), None
        if not values[ListForm.file]:
            errors[ListForm.file] = sentences.NO_FILE
        if not through or values[ListForm.kind] not in set(_OF_ROWS) & through.kinds:
            errors[ListForm.connection] = sentences.CANNOT_DO_THAT
        agent = values[ListForm.agent]
        if agent and through and agent not in through.agents and not through.raw_agents:
            errors[ListForm.agent] = sentences.no_agent(through.agents)
        if values[ListForm.at]:
            try:
                moment = times.read(values[ListForm.at], zone=person.timezone, now=self._clock())
                at = None if moment.reading == "now" else moment.at
            except times.InvalidTimeError as fault:
                errors[ListForm.at] = str(fault)
        return errors, at

    async def _check(
        self, body: Body, values: dict[str, str], through: ConnectionInfo, at: datetime | None, person: Person
    ) -> None:
        """Download and check the file, and show what was found in place of the form."""
        channel, key = About.of(body["view"]).channel, nonce(body["trigger_id"], "checked list")
        try:
            file = await download_file(self._client, values[ListForm.file])
            order = ListOrder(
                connection=values[ListForm.connection],
                name=file.name,
                content=file.content,
                defaults=ListDefaults(
                    kind=Kind(values[ListForm.kind]),
                    region=self._commands.vocabulary.default_region,
                    agents={name: name for name in through.agents},
                    agent=values[ListForm.agent] or (through.agents[0] if len(through.agents) == 1 else None),
                    raw_agents=through.raw_agents,
                    at=at,
                    zone=person.timezone,
                    now=self._clock(),
                ),
                reason=values[ListForm.reason],
                purpose=values[ListForm.purpose] or None,
                consent=values[ListForm.consent] or None,
            )
            found = await self._lists.check(order, person, channel or None)
            view = await self._found(found, key, channel, person)
        except DownloadError as failed:
            _log.warning("The file of a call list was not downloaded: %s", failed)
            why = next((told for kind, told in _NO_FILE.items() if isinstance(failed, kind)), None)
            view = call_lists.unusable([], why or sentences.NOT_DOWNLOADED)
        except UnreadableListError as unreadable:
            view = call_lists.unusable([], str(unreadable))
        except PermissionDeniedError as no:
            view = notice(interactions.NOT_ALLOWED, *no.reasons)
        except CannotSendError as cannot:
            view = call_lists.unusable([], cannot.message)
        except Exception:  # noqa: BLE001 - otherwise the person would wait for ever
            _log.error("A call list was not checked", exc_info=True)
            view = call_lists.unusable([], sentences.NOT_CHECKED)
        await self._windows.replace(body["view"]["id"], view)

    async def _found(self, found: CheckedList, key: str, channel: str, person: Person) -> View:
        """Keep the request of a checked list, and return the view of it."""
        if found.spec is None:
            return call_lists.unusable(found.problems, sentences.NOTHING_LEFT)
        await self._commands.keep(key, person, found.spec, None)
        [asked] = found.spec.actions
        assert isinstance(asked, CallList)  # noqa: S101 - the service made it
        return ListCheck.build(
            asked,
            found.problems,
            faults=found.faults,
            nonce=key,
            channel=channel,
        )

    async def leave_out(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show the check of a list again, without the lines that can't be used."""
        asked, problems = await self._kept(action["value"], person)
        view = (
            ListCheck.build(
                asked,
                problems,
                faults=0,
                nonce=action["value"],
                channel=About.of(body["view"]).channel,
            )
            if asked
            else notice(interactions.NOT_DONE, sentences.FORGOTTEN)
        )
        await self._windows.update(body, view)
        await ack()

    async def _kept(self, key: str, person: Person) -> tuple[CallList | None, Sequence[tuple[int, str]]]:
        """Return a checked list that is not requested yet, with its problems, or None."""
        draft = await self._commands.draft(key, person.id)
        if draft is None or draft.request or not draft.content:
            return None, ()
        [asked] = read_request_spec(draft).actions
        if not isinstance(asked, CallList) or not await self._store.call_lists.mine(asked.list, person.id):
            return None, ()
        return asked, await self._store.call_lists.problems(asked.list)

    async def request(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Request the list that was checked."""
        key = About.of(body["view"]).nonce
        asked, _ = await self._kept(key, person)
        draft = await self._commands.draft(key, person.id)
        if draft and draft.request:
            request = await self._store.requests.request(draft.request)
        elif asked is None or draft is None:
            await ack(response_action="update", view=notice(interactions.NOT_DONE, sentences.FORGOTTEN))
            return
        else:
            try:
                made = await self._requests.ask(read_request_spec(draft), submitted(body, person))
                request = made.request
            except PermissionDeniedError as no:
                view = result(command_replies.refusal(no.reasons, no.request))
                await ack(response_action="update", view=view)
                return
            except CannotSendError as cannot:
                await ack(response_action="update", view=call_lists.unusable([], cannot.message))
                return
        message = self._flow.asked(request, person, typed=True)
        self._replies.below(About.of(body["view"]).channel, person.id, message)
        await ack(response_action="clear")

    # -- files

    async def send_problems(self, ack: AsyncAck, action: Body, person: Person) -> None:
        """Send the lines of a file that can't be used as a file."""
        asked, problems = await self._kept(action["value"], person)
        if asked:
            rows = [("line", "problem"), *((str(line), why) for line, why in problems)]
            name = f"problems-{asked.sha256[:8]}.csv"
            self._send(person, call_lists.problems_sent(asked.name), name, _once(rows))
        await ack()

    async def send_results(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Send what became of each row of a list as a file."""
        request = await self._store.requests.request(action["value"])
        decision = self._permissions.may_read(person)
        if not decision.allowed and person.id != request.requester:
            await self._replies.answer(body, command_replies.refusal(decision.reasons))
        else:
            name = f"results-{request.id}.csv"
            self._send(person, call_lists.results(request), name, self._results(request))
            await self._replies.answer(body, call_lists.results_coming())
        await ack()

    async def _results(self, request: Request) -> AsyncIterator[Sequence[str]]:
        """Yield the rows of a list in the file's order, with the request and the end of each."""
        yield ("line", "number", "status", "ended", "request", "note")
        after = 0
        while rows := await self._store.call_lists.results(request.id, self._clock(), after, BATCH):
            for _, row in rows:
                yield _result(row)
            after = rows[-1][0]

    def _send(self, person: Person, message: Message, name: str, rows: AsyncIterator[Sequence[str]]) -> None:
        sending = self._post(person, message, name, rows)
        self._replies.keep(asyncio.create_task(sending, name="list file", context=Context()))

    async def _post(
        self, person: Person, message: Message, name: str, rows: AsyncIterator[Sequence[str]]
    ) -> None:
        """Write a direct message with a file. If Slack takes no file, say why."""
        text = io.StringIO()
        written = csv.writer(text, quoting=csv.QUOTE_ALL)
        async for row in rows:
            written.writerow([guarded(cell) for cell in row])
        try:
            told = await self._client.chat_postMessage(
                channel=person.id, text=message.text, blocks=message.blocks
            )
            content = f"{MARK}{text.getvalue()}".encode()
            await self._client.files_upload_v2(channel=told["channel"], content=content, filename=name)
        except SLACK_ERRORS as error:
            self._replies.direct(person.id, announcements.not_sent(error_code(error)))

    # -- control

    async def pause(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Hold the calls of a list back, or let them go on."""
        paused = action["action_id"] == call_lists.PAUSE
        await self._control(
            body,
            lambda: self._lists.pause(action["value"], person, paused=paused, nonce=press(body)),
        )
        await ack()

    async def stop(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Stop the rest of a list."""
        await self._control(body, lambda: self._lists.stop(action["value"], person, nonce=press(body)))
        await ack()

    async def _control(self, body: Body, change: Callable[[], Awaitable[Request]]) -> None:
        try:
            request = await change()
        except PermissionDeniedError as no:
            await self._replies.answer(body, command_replies.refusal(no.reasons))
            return
        except ConflictError as conflict:
            request = conflict.current
        progress = await self._store.call_lists.progress(request.id)
        await self._replies.answer(body, call_lists.controlled(request, progress))


async def _once(rows: Sequence[Sequence[str]]) -> AsyncIterator[Sequence[str]]:
    for row in rows:
        yield row


def _result(row: RowResult) -> Sequence[str]:
    """Return a row of the results: its line, masked number, status, end, request and note."""
    if row.request is None:
        number = number_of(row.action)
        status = "Left out" if row.problem else "Not requested"
        return (str(row.line), mask(number) if number else "", status, "", "", row.problem or "")
    [record] = row.request.actions
    number = number_of(record.action)
    ended = ending_word(record.end.ending) if record.end else ""
    status = vocabulary.status(record, cancelled=row.request.cancelled is not None)
    return (
        str(row.line),
        mask(number) if number else record.target_id or "",
        status,
        ended,
        row.request.id,
        record.message or "",
    )
