"""Listeners for approvers: *Review…* and *Say what happened…*, and the modals behind them.

Each parses, decides, acknowledges and returns. The only call over the network opens or changes a modal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.config.settings import SettingsHolder
from bot.parsing.vocabulary import caution
from bot.services.approvals import ApprovalService, content
from bot.services.commands import nonce
from bot.services.models import PermissionDeniedError, Settlement
from bot.services.pending import MOST_COUNTED, has_namesake, pending_context
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.slack.blocks import View
from bot.slack.masking import Masking
from bot.slack.responses import ModalClient
from bot.text import interactions
from bot.text.interactions import Evidence
from bot.ui.channel_messages import REVIEW, SETTLE
from bot.ui.modal import About, notice, typed
from bot.ui.request_status import already, trial
from bot.ui.review_modal import Denial, Review, Settling, done
from providers.actions import CannotSendError
from storage.errors import ConflictError
from storage.models import PendingRequest, Person, Request
from storage.states import State
from storage.store import Store

Body = dict[str, Any]
PAGE = 100
"""Pending requests read at a time, in the search for those that a person may decide."""
NEXT = 5
"""Requests among which the next one to review is looked for."""


@dataclass(slots=True)
class ApprovalListeners:
    """The buttons and modals for decisions and for unknown outcomes."""

    _store: Store
    _settings: SettingsHolder
    _permissions: Permissions
    _preconditions: Preconditions
    _approvals: ApprovalService
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
        app.action(SETTLE)(self.settle)
        app.view(Review.callback_id)(self.approved)
        app.view(Denial.callback_id)(self.denied)
        app.view(Settling.callback_id)(self.settled)

    async def review(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show a pending request to a person who may decide it. Tell others why they may not."""
        request = await self._store.requests.request(action["value"])
        decision = self._permissions.may_decide(request, person)
        if request.state is not State.PENDING:
            view = await self._over(request)
        elif not decision.allowed:
            await self._permissions.record_denied_attempt(request, person, "decide", decision)
            view = notice(interactions.NOT_YOURS_TO_DECIDE, *decision.reasons)
        else:
            view = await self._review(request, person, nonce(body["trigger_id"], "review"))
        await self._windows.open(body, view)
        await ack()

    async def _review(
        self, request: Request, person: Person, key: str, *, decided: int = 0, revealed: bool = False
    ) -> View:
        """Return the modal to decide a request. It counts the other requests that the person may decide."""
        others = [one for one in await self._for(person, MOST_COUNTED + 1) if one.id != request.id]
        build = partial(
            Review.build,
            request,
            nonce=key,
            shown=content(request),
            caution=self._caution(request),
            beside=replace(
                await pending_context(self._store, request), others=min(len(others), MOST_COUNTED)
            ),
            decided=decided,
            approved=person.id in request.approved_by,
        )
        if revealed:
            return build(revealed=True)
        return self._masking.revealable(build, allowed=self._may_reveal(request, person))

    def _may_reveal(self, request: Request, person: Person) -> bool:
        return self._permissions.may_reveal(request, person).allowed

    async def _for(self, person: Person, most: int) -> list[PendingRequest]:
        """Return up to ``most`` pending requests that the person may decide, soonest deadline first."""
        now, found = self._clock(), list[PendingRequest]()
        page: Sequence[PendingRequest] = await self._store.approvals.pending(PAGE)
        while page and len(found) < most:
            found += [
                one
                for one in page
                if (one.decide_by is None or now < one.decide_by)
                and person.id not in one.approved_by
                and self._permissions.may_decide(one, person).allowed
            ]
            page = await self._store.approvals.pending(PAGE, after=page[-1])
        return found[:most]

    async def reveal(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Show the full numbers to a person who may see them, once the log has recorded it."""
        about = About.of(body["view"])
        try:
            request = await self._approvals.reveal(
                about.request, person, nonce=nonce(body["trigger_id"], "reveal")
            )
        except PermissionDeniedError as no:
            view = notice(interactions.NOT_YOURS_TO_SEE, *no.reasons)
        except ConflictError:  # delivered twice: the first delivery shows it
            await ack()
            return
        else:
            key = nonce(body["trigger_id"], "revealed")
            view = (
                await self._review(request, person, key, decided=about.decided, revealed=True)
                if request.state is State.PENDING
                else await self._over(request)
            )
        await self._windows.update(body, view)
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
        """Approve a request. If it cannot be undone, require that the campaign was named."""
        about = About.of(body["view"])
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
            await self._say_no(ack, no, person, body)
        else:
            await self._go_on(ack, person, body)

    async def _go_on(self, ack: AsyncAck, person: Person, body: Body) -> None:
        """Show the next request that the person may decide in the same modal, or say that there is none."""
        decided = About.of(body["view"]).decided + 1
        for one in await self._for(person, NEXT):
            request = await self._store.requests.request(one.id)
            if request.state is State.PENDING:
                key = nonce(body["trigger_id"], "next")
                view = await self._review(request, person, key, decided=decided)
                await ack(response_action="update", view=view)
                return
        if decided > 1:
            await ack(response_action="update", view=done(decided))
        else:
            await ack()

    async def settle(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Ask a person who may settle an unknown outcome what happened. Tell others why they may not."""
        request = await self._store.requests.request(action["value"])
        entry = next(one for one in request.entries if one.id == action["value"])
        decision = self._permissions.may_settle(request, person)
        if entry.state is not State.UNKNOWN:
            view = await self._over(request)
        elif not decision.allowed:
            await self._permissions.record_denied_attempt(request, person, "settle", decision)
            view = notice(interactions.NOT_YOURS_TO_SAY, *decision.reasons)
        else:
            view = self._masking.view(
                Settling.build(request, entry, nonce=nonce(body["trigger_id"], "settle"))
            )
        await self._windows.open(body, view)
        await ack()

    async def settled(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Record the outcome that a person reports."""
        about = About.of(body["view"])
        reason = typed(body["view"], Settling.reason)
        if not reason:
            await ack(response_action="errors", errors={Settling.reason: interactions.REASON_MISSING})
            return
        what = Settlement(typed(body["view"], Settling.what))
        evidence = Evidence(typed(body["view"], Settling.evidence) or Evidence.NONE)
        if what is not Settlement.RETRY_REQUESTED and evidence is Evidence.NONE:
            await ack(response_action="errors", errors={Settling.evidence: interactions.EVIDENCE_MISSING})
            return
        try:
            await self._approvals.settle(
                about.entry, person, what, evidence=evidence, reason=reason, nonce=about.nonce
            )
        except (ConflictError, PermissionDeniedError) as no:
            await self._say_no(ack, no, person, body)
        else:
            await ack()

    async def _say_no(
        self, ack: AsyncAck, no: ConflictError | PermissionDeniedError, person: Person, body: Body
    ) -> None:
        """Explain why a decision was not recorded. For a second delivery, go on as after the first."""
        about = About.of(body["view"])
        match no:
            case PermissionDeniedError():
                await ack(response_action="update", view=notice(interactions.NOT_DONE, *no.reasons))
            case ConflictError() if any(
                one.person == person.id and one.content == about.shown for one in no.current.approvals
            ):
                await self._go_on(ack, person, body)
            case ConflictError():
                await ack(response_action="update", view=await self._over(no.current))

    def _caution(self, request: Request) -> str | None:
        try:
            return caution(self._preconditions.adapter(request.connection), request.kind)
        except CannotSendError:  # the connection is off, so nothing is sent through it
            return None

    async def _over(self, request: Request) -> View:
        """Return a notice with the request's state and the person who was first to decide it."""
        told = already(request, await self._store.requests.events(request.id))
        return self._masking.view(notice(interactions.NOTHING_LEFT, *trial(request), *told))
