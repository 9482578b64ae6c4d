"""The gate before every listener. It checks who sent a payload, for which app, and how long it is.

It answers people who may do nothing, on the surface that they used. It does so before their text is parsed
and before the log is read or shown. Listeners get the sender as `person` from Bolt's context.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse

from bot.services.permissions import Permissions
from bot.slack.blocks import MAX_OPTION, plain_text
from bot.slack.responses import EphemeralResponder, ModalClient
from bot.slack.users import UserDirectory, UserUnavailableError
from bot.text import interactions, policy_reasons
from bot.ui.command_replies import refusal
from bot.ui.home import refused
from bot.ui.modal import notice
from storage.store import Store

MAX_COMMAND: Final = 8_000
"""Characters after a slash command."""
MAX_FIELD: Final = 3_000
"""Characters in a field of a form. It is Slack's own limit (docs.slack.dev, plain-text input element)."""

Body = dict[str, Any]


@dataclass(slots=True)
class Gate:
    """Bolt's global middleware. `check` passes a payload to its listener or answers it."""

    _store: Store
    _permissions: Permissions
    _directory: UserDirectory
    _windows: ModalClient
    _replies: EphemeralResponder

    async def check(
        self, ack: AsyncAck, body: Body, context: AsyncBoltContext, next_: Callable[[], Awaitable[None]]
    ) -> BoltResponse | None:
        """Call the listener, or answer in its place."""
        if why := await self._obstacle(body, context):
            return await self._refuse(ack, body, why)
        await next_()
        return None

    async def _obstacle(self, body: Body, context: AsyncBoltContext) -> str | None:
        """Return why the payload is rejected, or None. An event that names no user passes."""
        if "event" in body and context.user_id is None:
            return None
        user = context.user_id or ""
        try:
            why = await self._ineligible(user, body, context)
        except UserUnavailableError:
            return interactions.WHO_ARE_YOU
        if why:
            where = str(body.get("command") or body.get("type"))
            await self._store.audit.record_denied_attempt(actor=user, where=where, reason=why)
        elif len(body.get("text") or "") > MAX_COMMAND:
            why = interactions.command_too_long(MAX_COMMAND)
        elif _too_long(body):
            why = interactions.FIELD_TOO_LONG
        return why

    async def _ineligible(self, user: str, body: Body, context: AsyncBoltContext) -> str | None:
        """Return why the person may do nothing here, or None.

        Raise `UserUnavailableError` if the person cannot be read.
        """
        workspace = self._directory.workspace
        if workspace.app and body.get("api_app_id") not in {None, "", workspace.app}:
            return interactions.ANOTHER_APP
        if not workspace.includes(context.team_id, context.enterprise_id):
            return policy_reasons.STRANGER
        person = context["person"] = await self._directory.get_user(user)
        return self._permissions.ineligible_reason(person)

    async def _refuse(self, ack: AsyncAck, body: Body, why: str) -> BoltResponse:
        """Answer with the reason, on the surface that the person used."""
        match body:
            case {"command": _}:
                message = refusal([why])
                return await ack(text=message.text, blocks=list(message.blocks), response_type="ephemeral")
            case {"type": "view_submission"} if why == interactions.FIELD_TOO_LONG:
                return await ack(response_action="errors", errors=dict.fromkeys(_too_long(body), why))
            case {"type": "view_submission"}:
                return await ack(response_action="push", view=notice(interactions.NOT_DONE, why))
            case {"type": "block_suggestion"}:
                return await ack(options=[{"text": plain_text(why, MAX_OPTION), "value": "refused"}])
            case {"event": {"type": "app_home_opened", "tab": "home", "user": str(user)}}:
                await self._windows.publish(user, refused(why))
            case {"response_url": str(url)}:
                self._replies.send(url, refusal([why]))
            case {"trigger_id": _, "view": {"type": "modal"}}:
                await self._windows.push(body, notice(interactions.NOT_DONE, why))
            case {"trigger_id": _}:
                await self._windows.open(body, notice(interactions.NOT_DONE, why))
        return await ack()


def _too_long(body: Body) -> list[str]:
    """Return the blocks of a form whose values are longer than `MAX_FIELD`."""
    state = (body.get("view") or {}).get("state") or {}
    return [
        block
        for block, elements in (state.get("values") or {}).items()
        if any(len(str(one.get("value") or "")) > MAX_FIELD for one in elements.values())
    ]
