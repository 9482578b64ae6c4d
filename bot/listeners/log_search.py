"""Listeners for `/calls log`: its pages, the form behind *Filter…*, and exports."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.parsing import log_query
from bot.parsing.command import CommandContext, FieldProblem
from bot.parsing.log_query import Filters
from bot.parsing.mentions import MENTION
from bot.parsing.tokens import clean
from bot.services.commands import nonce
from bot.services.export import Format, counted, lines
from bot.services.permissions import Permissions
from bot.slack.blocks import Message
from bot.slack.errors import SLACK_ERRORS, error_code
from bot.slack.masking import Masking
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.text import log_query_errors
from bot.ui import announcements, log_pages
from bot.ui.command_replies import refusal
from bot.ui.log_pages import EXPORT, FILTER, NEWER, NEWEST, OLDER, ROWS, FilterForm, LogPage
from providers.actions import Kind
from storage.models import Person
from storage.queries import AskedToStop, Query
from storage.store import Store

EXPORT_SCOPES: Final = frozenset({"files:write"})
"""The scopes that only exports need. CallOps runs without them."""

MOST: Final = 20_000
"""Actions in a file for Slack, which is some megabytes in memory. The command line has no such limit."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class LogFiles:
    """Makes exports in the background and sends them."""

    _store: Store
    _client: AsyncWebClient
    _replies: EphemeralResponder
    _default_region: str

    def send(self, query: Query, filters: Filters, person: Person, now: datetime) -> Message:
        """Start an export, and return the message for the person who waits for it."""
        sending = self._send(query, filters, person, now)
        # A new context, because the current one has the deadline for the answer to Slack.
        self._replies.keep(asyncio.create_task(sending, name="export", context=Context()))
        return announcements.coming()

    async def _send(self, query: Query, filters: Filters, person: Person, now: datetime) -> None:
        try:
            written = [
                line
                async for line in lines(
                    self._store, query, Format.CSV, default_region=self._default_region, most=MOST
                )
            ]
            count = counted(len(written) - 1)
            told = await self._post(
                person, announcements.sent(filters.in_words(), count, newest_only=len(written) > MOST)
            )
            await self._client.files_upload_v2(
                channel=told["channel"],
                content="".join(written).encode(),
                filename=f"callops-log-{now:%Y-%m-%d-%H%M}.csv",
                title=announcements.FILE_TITLE,
            )
        except SLACK_ERRORS as error:
            await self._say_why(person, error_code(error))

    async def _say_why(self, person: Person, why: str) -> None:
        """Tell a person that no file comes, and how to get it otherwise."""
        _log.warning("An export could not be sent: %s", why)
        try:
            await self._post(person, announcements.not_sent(why))
        except SLACK_ERRORS as error:
            _log.warning("That could not be said either: %s", error_code(error))

    async def _post(self, person: Person, message: Message) -> AsyncSlackResponse:
        return await self._client.chat_postMessage(
            channel=person.id, text=message.text, blocks=message.blocks
        )


Body = dict[str, Any]


@dataclass(slots=True)
class LogSearch:
    """Searches of the log."""

    _store: Store
    _permissions: Permissions
    _windows: ModalClient
    _replies: EphemeralResponder
    _files: LogFiles
    _vocabulary: CommandContext
    _masking: Masking
    _clock: Callable[[], datetime]

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        for button in (OLDER, NEWER, NEWEST):
            app.action(button)(self.turn_page)
        app.action(FILTER)(self.filter)
        app.action(EXPORT)(self.export)
        app.view(FilterForm.callback_id)(self.searched)

    async def first_page(self, text: str, person: Person, trigger_id: str) -> Message:
        """Return the first page of a search, or its faults."""
        if why := self._may_not(person):
            return why
        filters, faults = await self._read(text, person)
        draft = await self._keep(filters, person, trigger_id)
        return log_pages.faults(faults, draft) if faults else await self._page(filters, draft, person)

    async def turn_page(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Replace the page with older or newer actions."""
        draft, _, key = action["value"].partition(" ")
        kept = await self._filters(draft, person)
        if why := self._may_not(person):
            message = why
        elif kept is None:
            message = refusal([log_query_errors.FORGOTTEN])
        else:
            older = int(key) if action["action_id"] == OLDER else None
            newer = int(key) if action["action_id"] == NEWER else None
            message = await self._page(kept, draft, person, after=older, before=newer)
        if "view" in body:
            await self._windows.update(body, LogPage.build(message))
        else:
            self._replies.send(body["response_url"], message, replace=True)
        await ack()

    async def export(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Send the results of a search as a file."""
        kept = await self._filters(action["value"], person)
        if why := self._may_not(person):
            message = why
        elif kept is None:
            message = refusal([log_query_errors.FORGOTTEN])
        else:
            query, _ = await self._query(kept, person)
            message = self._files.send(query, kept, person, self._clock())
        if "view" in body:
            await self._windows.push(body, LogPage.build(message))
        else:
            self._replies.send(body["response_url"], message)
        await ack()

    async def filter(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Open the filter form, filled with the search's filters."""
        kept = await self._filters(action["value"], person)
        view = FilterForm.build(kept or Filters(), self._vocabulary)
        if "view" in body:
            await self._windows.update(body, view)
        else:
            await self._windows.open(body, view)
        await ack()

    async def searched(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Show the first page for the filter form, or an error under each faulty field."""
        if why := self._may_not(person):
            await ack(response_action="update", view=LogPage.build(why))
            return
        filters, faults = await self._read(clean(FilterForm.line(body["view"])), person)
        if faults:
            shown = {block["block_id"] for block in body["view"]["blocks"] if "block_id" in block}
            errors = {
                fault.field if fault.field in shown else FilterForm.text: fault.message for fault in faults
            }
            await ack(response_action="errors", errors=errors)
            return
        draft = await self._keep(filters, person, body["view"]["id"] + body["view"]["hash"])
        message = await self._page(filters, draft, person)
        await ack(response_action="update", view=LogPage.build(message))

    async def _page(
        self,
        filters: Filters,
        draft: str,
        person: Person,
        *,
        after: int | None = None,
        before: int | None = None,
    ) -> Message:
        query, stop = await self._query(filters, person)
        if filters.stop and query.number and stop is None:
            return log_pages.never_asked(query.number)
        found = await self._store.search.find(query, after=after, before=before, limit=ROWS)
        key = after if before is None else before
        return log_pages.page(filters, found, draft, self._masking, key=key, stop=stop)

    async def _query(self, filters: Filters, person: Person) -> tuple[Query, AskedToStop | None]:
        """Return the query for the store, and when its number was stopped if the search is about that.

        Such a query finds the calls that were placed since the stop.
        """
        query = replace(filters.query, team=person.team)
        stop = await self._store.search.asked_to_stop(query.number) if filters.stop and query.number else None
        if stop is None:
            return query, None
        since = max(stop.at, query.since) if query.since else stop.at
        return replace(query, kind=Kind.PLACE_CALL, since=since), stop

    async def _read(self, text: str, person: Person) -> tuple[Filters, tuple[FieldProblem, ...]]:
        """Return the filters that a text gives, and its faults. A named person must be in the log."""
        said = log_query.read(
            text,
            vocabulary=self._vocabulary,
            timezone=person.timezone,
            me=person.id,
            now=self._clock(),
        )
        if not said.named:
            return said.filters, said.faults
        meant = await person_meant(self._store, said.named, team=person.team)
        if isinstance(meant, str):
            return log_query.found(said, meant), said.faults
        nobody = log_query.unknown_person(said.named, [one.name for one in meant])
        return said.filters, (*said.faults, nobody)

    def _may_not(self, person: Person) -> Message | None:
        decision = self._permissions.may_read(person)
        return None if decision.allowed else refusal(decision.reasons)

    async def _keep(self, filters: Filters, person: Person, trigger_id: str) -> str:
        draft = nonce(trigger_id, "log")
        await self._store.users.keep_draft(draft, person=person.id, content={"filters": filters.kept()})
        return draft

    async def _filters(self, draft: str, person: Person) -> Filters | None:
        """Return the filters of a search, or None if they are gone or another person's."""
        found = await self._store.users.draft(draft)
        kept = found.content.get("filters") if found and found.person == person.id else None
        return Filters.of(kept) if isinstance(kept, Mapping) else None


_ID: Final = re.compile(r"(?=.*[0-9])[UW][A-Z0-9]{5,}")
"""A Slack id. Almost all ids hold a digit, so a name in capitals is not taken for one."""


async def person_meant(store: Store, named: str, *, team: str | None = None) -> str | Sequence[Person]:
    """Return the id of the person meant, else all people of that name: none or several.

    ``team`` excludes people of other workspaces.
    """
    bare = named.strip().removeprefix("@").strip()
    if mention := MENTION.fullmatch(named.strip()):
        return mention["id"]
    if await store.users.person(bare.upper()):
        return bare.upper()
    people = [one for one in await store.users.people_named(bare) if team in {None, one.team}]
    if len(people) == 1:
        return people[0].id
    return bare if not people and _ID.fullmatch(bare) else people
