"""Listeners for those who settle unknown outcomes: *Record outcome…* and *Show number*, and their modal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.config.settings import SettingsHolder
from bot.listeners.payloads import seen_in_full
from bot.services.approvals import ApprovalService
from bot.services.commands import nonce
from bot.services.models import PermissionDeniedError, Settlement
from bot.services.permissions import Permissions
from bot.slack.blocks import View
from bot.slack.masking import Masking
from bot.slack.responses import ModalClient
from bot.text import interactions
from bot.text.interactions import Evidence
from bot.ui.decision_facts import full_numbers
from bot.ui.modal import About, notice
from bot.ui.request_status import request_status
from bot.ui.review_modal import too_late
from bot.ui.settle_modal import OPEN_SCREEN, Settling
from bot.ui.unknown_messages import SETTLE, SHOW_NUMBER
from storage.errors import ConflictError
from storage.models import ActionRecord, Person, Request
from storage.states import State
from storage.store import Store

Body = dict[str, Any]


@dataclass(slots=True)
class SettleListeners:
    """The buttons and the modal for unknown outcomes."""

    _store: Store
    _settings: SettingsHolder
    _permissions: Permissions
    _approvals: ApprovalService
    _windows: ModalClient
    _masking: Masking

    def listen(self, app: AsyncApp) -> None:
        """Register the listeners."""
        app.action(SETTLE)(self.settle)
        app.action(SHOW_NUMBER)(self.show_number)
        app.action(Settling.reveal)(self.reveal)
        app.action(Settling.again)(self.send_again)
        app.action(OPEN_SCREEN)(self.opened)
        app.view(Settling.callback_id)(self.settled)

    async def opened(self, ack: AsyncAck) -> None:
        """Acknowledge that a person opened the provider's own screen. Slack opened the link."""
        await ack()

    async def settle(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Ask a person who may settle an unknown outcome what happened. Tell others why they may not."""
        request, record = await self._doubt(action["value"])
        decision = self._permissions.may_settle(request, person)
        if record.state is not State.UNKNOWN:
            view = await self._over(request)
        elif not decision.allowed:
            await self._permissions.record_denied_attempt(request, person, "settle", decision)
            view = notice(interactions.NOT_ALLOWED, *decision.reasons)
        else:
            view = self._settling(request, record, person, nonce(body["trigger_id"], "settle"))
        await self._windows.open(body, view)
        await ack()

    async def _doubt(self, action: str) -> tuple[Request, ActionRecord]:
        request = await self._store.requests.request(action)
        return request, next(one for one in request.actions if one.id == action)

    def _settling(
        self,
        request: Request,
        record: ActionRecord,
        person: Person,
        key: str,
        *,
        fault: str = "",
        revealed: bool = False,
    ) -> View:
        """Return the modal to settle an unknown outcome, with its numbers masked unless they are revealed."""
        connection = self._settings.current.connections.get(request.connection)
        build = partial(Settling.build, request, record, nonce=key, connection=connection, fault=fault)
        if revealed:
            return build(revealed=True)
        return self._masking.revealable(build, allowed=self._permissions.may_reveal(request, person).allowed)

    async def show_number(self, ack: AsyncAck, body: Body, action: Body, person: Person) -> None:
        """Show the full number in a modal, never in the channel of the button."""
        await self._show_doubt(ack, body, action["value"], person, self._windows.open)

    async def reveal(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Show the full number in the modal to settle."""
        await self._show_doubt(ack, body, About.of(body["view"]).action, person, self._windows.update)

    async def _show_doubt(
        self,
        ack: AsyncAck,
        body: Body,
        action_id: str,
        person: Person,
        show: Callable[[Body, View], Awaitable[None]],
    ) -> None:
        """Show the full number of an unknown action, once the log has recorded that the person looks."""
        request, record = await self._doubt(action_id)
        seen: Request | View | None
        if record.state is not State.UNKNOWN:
            seen = await self._over(request)
        else:
            once = nonce(body["trigger_id"], "reveal")
            seen = await seen_in_full(self._approvals.reveal(request.id, person, nonce=once))
        if isinstance(seen, Request):
            seen = (
                self._settling(request, record, person, nonce(body["trigger_id"], "revealed"), revealed=True)
                if self._permissions.may_settle(request, person).allowed
                else notice(request.id, *full_numbers(request))
            )
        if seen is not None:
            await show(body, seen)
        await ack()

    async def settled(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Record the outcome that a person reports."""
        about = About.of(body["view"])
        what, evidence, reason = Settling.read(body["view"])
        if not reason:
            await ack(response_action="errors", errors={Settling.reason: interactions.REASON_MISSING})
            return
        if what is None or evidence is Evidence.NONE:
            await ack(response_action="errors", errors={Settling.evidence: interactions.EVIDENCE_MISSING})
            return
        try:
            await self._approvals.settle(
                about.action, person, what, evidence=evidence, reason=reason, nonce=about.nonce
            )
        except PermissionDeniedError as no:
            await ack(response_action="update", view=notice(interactions.NOT_DONE, *no.reasons))
        except ConflictError as lost:
            view = await self._over(lost.current)
            await ack(response_action="update", view=view)
        else:
            await ack()

    async def send_again(self, ack: AsyncAck, body: Body, person: Person) -> None:
        """Send a request again whose outcome nobody can find out. Refuse it to a person who has evidence."""
        about = About.of(body["view"])
        what, evidence, reason = Settling.read(body["view"])
        if what is not None or evidence is not Evidence.NONE:
            request, record = await self._doubt(about.action)
            view = self._settling(
                request, record, person, about.nonce, fault=interactions.AGAIN_WITH_EVIDENCE
            )
        elif not reason:
            request, record = await self._doubt(about.action)
            view = self._settling(request, record, person, about.nonce, fault=interactions.REASON_MISSING)
        else:
            try:
                request = await self._approvals.settle(
                    about.action,
                    person,
                    Settlement.RETRY_REQUESTED,
                    evidence=Evidence.NONE,
                    reason=reason,
                    nonce=about.nonce,
                )
            except PermissionDeniedError as no:
                view = notice(interactions.NOT_DONE, *no.reasons)
            except ConflictError as lost:
                view = await self._over(lost.current)
            else:
                view = self._masking.view(notice(interactions.SENT_AGAIN, request_status(request)))
        await self._windows.update(body, view)
        await ack()

    async def _over(self, request: Request) -> View:
        """Return a notice with the request's state and the person who was first to settle it."""
        events = await self._store.requests.events(request.id)
        return self._masking.view(too_late(request, events, interactions.ALREADY_RECORDED))
