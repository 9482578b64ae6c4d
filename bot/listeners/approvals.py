"""Listeners for approvers: *Review…* and the modals behind it.

Each parses, decides, acknowledges and returns. The only call over the network opens or changes a modal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.config.settings import SettingsHolder
from bot.listeners.payloads import seen_in_full
from bot.parsing.vocabulary import caution
from bot.services.approvals import ApprovalService, content
from bot.services.commands import nonce
from bot.services.models import PermissionDeniedError
from bot.services.overview import Overview
from bot.services.pending import MOST_COUNTED, has_namesake, pending_context
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.slack.blocks import View
from bot.slack.masking import Masking
from bot.slack.responses import ModalClient
from bot.text import interactions
from bot.ui.channel_messages import REVIEW
from bot.ui.modal import About, notice, typed
from bot.ui.review_modal import FIRST, Denial, Review, Row, done, too_late
from providers.actions import CannotSendError
from storage.errors import ConflictError
from storage.models import Person, Request
from storage.states import State
from storage.store import Store

Body = dict[str, Any]
READING_TIME = timedelta(seconds=1.5)
"""The time for which a request must have been shown, if it replaced another one under the same button."""
NEXT = 5
"""Requests among which the next one to review is looked for."""


@dataclass(slots=True)
class ApprovalListeners:
    """The buttons and modals for decisions."""

    _store: Store
    _settings: SettingsHolder
    _permissions: Permissions
    _preconditions: Preconditions
    _approvals: ApprovalService
    _overview: Overview
    _windows: ModalClient
    _masking: Masking
    _clock: Callable[[], datetime]

    @property
    def _reasons(self) -> Sequence[str]:
        """The configured reasons to deny a request."""
        return self._settings.current.slack.denial_reasons

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(REVIEW)(self.review)
        app.action(Review.deny)(self.deny)
        app.action(Review.reveal)(self.reveal)
        app.view(Review.callback_id)(self.approved)
        app.view(Denial.callback_id)(self.denied)

    async def review(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show a pending request to a person who may decide it. Tell others why they may not."""
        request = await self._store.requests.request(action["value"])
        decision = self._permissions.may_decide(request, person)
        if request.state is not State.PENDING:
            view = await self._over(request)
        elif not decision.allowed:
            await self._permissions.record_denied_attempt(request, person, "decide", decision)
            view = notice(interactions.NOT_ALLOWED, *decision.reasons)
        else:
            view = await self._review(request, person, nonce(body["trigger_id"], "review"))
        await self._windows.open(body, view)
        await ack()

    async def _review(
        self, request: Request, person: Person, key: str, *, row: Row = FIRST, revealed: bool = False
    ) -> View:
        """Return the modal to decide a request. It counts the other requests that the person may decide."""
        others = [
            one for one in await self._overview.to_decide(person, MOST_COUNTED + 1) if one.id != request.id
        ]
        build = partial(
            Review.build,
            request,
            nonce=key,
            shown=content(request),
            caution=self._caution(request),
            beside=replace(
                await pending_context(self._store, request), others=min(len(others), MOST_COUNTED)
            ),
            row=row,
            approved=person.id in request.approved_by,
        )
        if revealed:
            return build(revealed=True)
        return self._masking.revealable(build, allowed=self._may_reveal(request, person))

    def _may_reveal(self, request: Request, person: Person) -> bool:
        return self._permissions.may_reveal(request, person).allowed

    async def reveal(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Show the full numbers to a person who may see them, once the log has recorded it."""
        about = About.of(body["view"])
        once = nonce(body["trigger_id"], "reveal")
        seen = await seen_in_full(self._approvals.reveal(about.request, person, nonce=once))
        if isinstance(seen, Request):
            key = nonce(body["trigger_id"], "revealed")
            row = Row(about.decided, about.shown_at)
            seen = (
                await self._review(seen, person, key, row=row, revealed=True)
                if seen.state is State.PENDING
                else await self._over(seen)
            )
        if seen is not None:
            await self._windows.update(body, seen)
        await ack()

    async def deny(self, ack: AsyncAck, body: Body) -> None:
        """Turn the review into a form for the reason."""
        about = About.of(body["view"])
        request = await self._store.requests.request(about.request)
        view = (
            self._masking.view(
                Denial.build(
                    request,
                    nonce=nonce(body["trigger_id"], "denial"),
                    shown=about.shown,
                    reasons=self._reasons,
                    decided=about.decided,
                )
            )
            if request.state is State.PENDING
            else await self._over(request)
        )
        await self._windows.update(body, view)
        await ack()

    async def approved(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Approve a request. If it cannot be undone, require that the campaign was named.

        In a modal that replaced another one, a click that comes too soon was meant for the other.
        """
        about = About.of(body["view"])
        if self._is_unread(about):
            await ack(
                response_action="errors", errors={Review.note_id(about.request): interactions.READ_FIRST}
            )
            return
        request = await self._store.requests.request(about.request)
        namesake = await has_namesake(self._store, request)
        if request.state is State.PENDING and not Review.is_confirmed(
            request, body["view"], namesake=namesake
        ):
            why = (
                interactions.NAMESAKE
                if Review.is_confirmed(request, body["view"])
                else interactions.OTHER_CAMPAIGN
            )
            await ack(response_action="errors", errors={Review.confirmation_id(request.id): why})
            return
        note = typed(body["view"], Review.note_id(about.request)) or None
        try:
            await self._approvals.approve(
                about.request, person, shown=about.shown, nonce=about.nonce, note=note
            )
        except (ConflictError, PermissionDeniedError) as no:
            await self._say_no(ack, no, person, body)
        else:
            await self._go_on(ack, person, body)

    def _is_unread(self, about: About) -> bool:
        """Return whether a request replaced another one so recently that nobody can have read it.

        A clock that was set back holds nobody up.
        """
        at = Row(shown_at=about.shown_at).at
        return at is not None and abs(self._clock() - at) < READING_TIME

    async def denied(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Deny a request, with the reason."""
        about = About.of(body["view"])
        reason, faults = Denial.read(body["view"], self._reasons)
        if faults:
            await ack(response_action="errors", errors=faults)
            return
        try:
            await self._approvals.deny(
                about.request, person, reason=reason, shown=about.shown, nonce=about.nonce
            )
        except (ConflictError, PermissionDeniedError) as no:
            await self._say_no(ack, no, person, body, approved=False)
        else:
            await self._go_on(ack, person, body, approved=False)

    async def _go_on(self, ack: AsyncAck, person: Person, body: Body, *, approved: bool = True) -> None:
        """Show the next request that the person may decide in the same modal, or say that there is none."""
        about = About.of(body["view"])
        row = Row(about.decided + 1, self._clock().isoformat(), about.request, approved)
        for one in await self._overview.to_decide(person, NEXT):
            request = await self._store.requests.request(one.id)
            if request.state is State.PENDING:
                key = nonce(body["trigger_id"], "next")
                view = await self._review(request, person, key, row=row)
                await ack(response_action="update", view=view)
                return
        if row.decided > 1:
            await ack(response_action="update", view=done(row.decided))
        else:
            await ack()

    async def _say_no(
        self,
        ack: AsyncAck,
        no: ConflictError | PermissionDeniedError,
        person: Person,
        body: Body,
        *,
        approved: bool = True,
    ) -> None:
        """Explain why a decision was not recorded. For a second delivery, go on as after the first."""
        about = About.of(body["view"])
        match no:
            case PermissionDeniedError():
                await ack(response_action="update", view=notice(interactions.NOT_DONE, *no.reasons))
            case ConflictError() if any(
                one.person == person.id and one.content == about.shown for one in no.current.approvals
            ):
                await self._go_on(ack, person, body, approved=approved)
            case ConflictError():
                await ack(response_action="update", view=await self._over(no.current))

    def _caution(self, request: Request) -> str | None:
        try:
            return caution(self._preconditions.adapter(request.connection), request.kind)
        except CannotSendError:  # the connection is off, so nothing is sent through it
            return None

    async def _over(self, request: Request) -> View:
        """Return a notice with the request's state and the person who was first to decide it."""
        events = await self._store.requests.events(request.id)
        return self._masking.view(too_late(request, events, interactions.ALREADY_DECIDED))
