"""The Bolt app with its listeners. Importing this module has no effects."""

import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.config.settings import SettingsHolder
from bot.listeners.actions import RequestActions
from bot.listeners.approvals import ApprovalListeners
from bot.listeners.call_lists import CallListListeners
from bot.listeners.command_flow import CommandFlow
from bot.listeners.commands import RequestLists
from bot.listeners.do_not_call import DoNotCallActions, DoNotCallFlow
from bot.listeners.forms import FormOpener
from bot.listeners.gate import Gate
from bot.listeners.home import HomeTabs
from bot.listeners.log_search import LogFiles, LogSearch
from bot.listeners.pauses import PauseActions, PauseFlow
from bot.listeners.replacing import ReplaceActions
from bot.listeners.settling import SettleListeners
from bot.listeners.shortcuts import Shortcuts
from bot.listeners.views import FormSubmissions
from bot.services.approvals import ApprovalService
from bot.services.call_lists import CallListService
from bot.services.commands import CommandService
from bot.services.overview import Overview
from bot.services.pauses import PauseService
from bot.services.permissions import Permissions
from bot.services.preconditions import Preconditions
from bot.services.requests import RequestService
from bot.services.wakeups import Wakeups
from bot.slack.blocks import Message, View, section
from bot.slack.client import make_client
from bot.slack.errors import error_code
from bot.slack.masking import Masking
from bot.slack.responses import EphemeralResponder, ModalClient, ModalNotOpenedError
from bot.slack.users import UserDirectory
from bot.text import interactions
from bot.ui.modal import notice
from storage.database import deadlines
from storage.errors import CommitUnknownError, LogReplacedError, LogUnavailableError, RequestNotFoundError
from storage.store import Store

SCOPES = frozenset({"commands", "chat:write", "users:read", "usergroups:read"})
"""The app's Slack scopes. `manifest.yml` requests the same."""

WAITS_FOR_LOG = 2.0
"""Seconds that a listener waits for the log. Slack waits three seconds for the answer."""

Body = dict[str, Any]
_ANY = re.compile(r"")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listeners:
    """All listeners of the app, with the objects that they share."""

    client: AsyncWebClient
    store: Store
    gate: Gate
    requests: RequestActions
    stops: DoNotCallActions
    replacing: ReplaceActions
    pauses: PauseActions
    submissions: FormSubmissions
    decisions: ApprovalListeners
    settling: SettleListeners
    shortcuts: Shortcuts
    homes: HomeTabs
    replies: EphemeralResponder

    @classmethod
    def make(  # noqa: PLR0913 - the services that the composition root built
        cls,
        client: AsyncWebClient,
        store: Store,
        settings: SettingsHolder,
        directory: UserDirectory,
        permissions: Permissions,
        preconditions: Preconditions,
        approvals: ApprovalService,
        commands: CommandService,
        *,
        pauses: PauseService,
        overview: Overview,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
        requests: RequestService,
        call_lists: CallListService,
        listeners: type[RequestActions] = RequestActions,
    ) -> Self:
        """Build the listeners. ``listeners`` is the class for slash commands and buttons of requests."""
        windows, replies = ModalClient(client), EphemeralResponder(store, client, clock)
        begun, vocabulary = settings.current, commands.vocabulary
        masking = Masking(vocabulary.default_region)
        stops = DoNotCallFlow(store, commands, clock)
        brake = PauseFlow(pauses, commands)
        flow = CommandFlow(store, begun, preconditions, approvals, commands, stops, brake, clock)
        opening = FormOpener(store, commands, windows, clock)
        files = LogFiles(store, client, replies, vocabulary.default_region)
        search = LogSearch(store, permissions, windows, replies, files, vocabulary, masking, clock)
        lists = RequestLists(
            store, permissions, overview, replies, search, pauses, begun.connections, masking, clock
        )
        from_files = CallListListeners(
            store, client, permissions, commands, requests, flow, call_lists, windows, replies, clock
        )
        return cls(
            client,
            store,
            Gate(store, permissions, directory, windows, replies),
            listeners(store, begun.off, commands, flow, opening, lists, from_files, windows, replies),
            DoNotCallActions(commands, stops, windows, replies),
            ReplaceActions(store, commands, flow, windows, replies),
            PauseActions(store, commands, brake, opening, begun.connections, windows, replies, wakeups),
            FormSubmissions(store, preconditions, commands, flow, stops, opening, windows, replies, clock),
            ApprovalListeners(
                store, settings, permissions, preconditions, approvals, overview, windows, masking, clock
            ),
            SettleListeners(store, settings, permissions, approvals, windows, masking),
            Shortcuts(store, permissions, approvals, commands, opening, windows, replies, masking),
            HomeTabs(store, wakeups),
            replies,
        )


class Installed(AsyncAuthorize):
    """Authorizes every request with the configured token, without a call to Slack.

    The token was checked at the start. Bolt alone would check it again on the first request.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,  # noqa: ARG002 - Bolt's
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,  # noqa: ARG002
        actor_team_id: str | None = None,  # noqa: ARG002
        actor_user_id: str | None = None,  # noqa: ARG002
    ) -> AuthorizeResult:
        """Return the installation that a request is for."""
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, user_id=user_id, bot_token=self._token
        )


class App(AsyncApp):
    """Bolt's app, with a deadline for each answer."""

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Answer a request of Slack's. If the log is busy until the deadline, the answer says so."""
        with deadlines.deadline(WAITS_FOR_LOG):
            return await super().async_dispatch(req)


def _nobody_is_told() -> None:
    pass


def create_app(
    surfaces: Listeners, *, signing_secret: str = "", foreign_request: Callable[[], None] = _nobody_is_told
) -> AsyncApp:
    """Build the Bolt app. HTTP needs the signing secret, Socket Mode does not.

    ``foreign_request`` is called when somebody presses a button of a request that this log does not have.

    With ``process_before_response`` an ack is sent when the listener returns, which is after the commit.
    Without it, Bolt would look for the ack only every 10 ms.
    """
    bolt = logging.getLogger("slack_bolt.callops")
    bolt.setLevel(logging.ERROR)  # it warns only that SLACK_BOT_TOKEN is set, which we use
    app = App(
        # A client without a token: Bolt would check a token itself and ignore `authorize`.
        client=make_client("", surfaces.client.base_url),
        authorize=Installed(surfaces.client.token),
        logger=bolt,
        process_before_response=True,
        signing_secret=signing_secret,
    )
    app.use(surfaces.gate.check)
    surfaces.requests.listen(app)
    surfaces.stops.listen(app)
    surfaces.replacing.listen(app)
    surfaces.pauses.listen(app)
    surfaces.submissions.listen(app)
    surfaces.decisions.listen(app)
    surfaces.settling.listen(app)
    surfaces.shortcuts.listen(app)
    surfaces.homes.listen(app)
    _listen_to_the_rest(app, surfaces.replies)
    _listen_to_errors(app, surfaces.store, surfaces.replies, foreign_request)
    return app


def _listen_to_the_rest(app: AsyncApp, replies: EphemeralResponder) -> None:
    """Acknowledge every payload that no other listener handles.

    Without an ack the person waits for three seconds and then sees Slack's own error.
    """

    async def unknown_command(ack: AsyncAck) -> None:
        await ack(interactions.UNKNOWN_COMMAND)

    async def unknown_button(ack: AsyncAck, body: Body) -> None:
        _tell(replies, body, interactions.OTHER_VERSIONS_BUTTON)
        await ack()

    async def unknown_view(ack: AsyncAck) -> None:
        await ack(
            response_action="update", view=notice(interactions.NOT_SENT, interactions.OTHER_VERSIONS_FORM)
        )

    async def no_options(ack: AsyncAck) -> None:
        await ack(options=[])

    async def nothing_to_say(ack: AsyncAck) -> None:
        await ack()

    app.command(_ANY)(unknown_command)
    app.action(_ANY)(unknown_button)
    app.view_submission(_ANY)(unknown_view)
    app.view_closed(_ANY)(nothing_to_say)
    app.shortcut(_ANY)(nothing_to_say)
    app.options(_ANY)(no_options)
    app.event(_ANY)(nothing_to_say)


def _listen_to_errors(
    app: AsyncApp, store: Store, replies: EphemeralResponder, foreign_request: Callable[[], None]
) -> None:
    """Register the error handler, which turns every exception into a sentence for the person.

    The sentence says what to do. For an unexpected error it gives the id under which the log has it.
    """

    async def failed(error: Exception, body: Body) -> BoltResponse:
        if isinstance(error, RequestNotFoundError):
            foreign_request()
        sentence = await _explain(store, error, body)
        if "event" in body:
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)  # Slack delivers it again
        if "command" in body:
            return BoltResponse(status=200, body={"response_type": "ephemeral", "text": sentence})
        if body.get("type") == "view_submission":
            if isinstance(error, LogUnavailableError) and (field := _first_input(body["view"])):
                errors = {"response_action": "errors", "errors": {field: sentence}}
                return BoltResponse(status=200, body=errors)
            view: View = notice(interactions.NOT_DONE, sentence)
            return BoltResponse(status=200, body={"response_action": "push", "view": view})
        _tell(replies, body, sentence)
        return BoltResponse(status=200)

    app.error(failed)


async def _explain(store: Store, error: Exception, body: Body) -> str:
    if isinstance(error, RequestNotFoundError):
        return interactions.ANOTHER_LOG
    if isinstance(error, ModalNotOpenedError):
        return interactions.no_window(error.code)
    if isinstance(error, LogUnavailableError | CommitUnknownError):
        return _unrecorded(error)
    user = body.get("user_id") or (body.get("user") or {}).get("id") or "unknown"
    where = str(body.get("command") or body.get("type") or "unknown")
    # Record frames and the exception's type only: its text may hold a number.
    details = (
        "".join(traceback.format_tb(error.__traceback__)) + f"{type(error).__name__}: {error_code(error)}"
    )
    try:
        reference = await store.audit.record_error(actor=user, where=where, private={"traceback": details})
    except LogReplacedError:
        return interactions.LOG_LOST
    except Exception as failed:  # noqa: BLE001 - the log may have failed, and the person needs an answer
        _log.error(
            "%s in %s; the log could not take it: %s", type(error).__name__, where, type(failed).__name__
        )
        return interactions.LOG_FAILS
    _log.error(
        "%s: %s in %s", reference, type(error).__name__, where
    )  # the traceback is in the log, where it can be erased
    return interactions.went_wrong(reference)


def _unrecorded(error: LogUnavailableError | CommitUnknownError) -> str:
    """Return the sentence for a failed write, which says whether anything was recorded."""
    due = deadlines.current()
    _log.warning("An answer went out without the log: %s", error or type(error).__name__)
    if isinstance(error, CommitUnknownError):
        return interactions.RECORDED_OR_NOT
    if due and due.committed:
        return interactions.RECORDED_IN_PART
    return interactions.LOG_LOST if isinstance(error, LogReplacedError) else interactions.LOG_BUSY


def _first_input(view: Body) -> str | None:
    """Return the block id of a form's first input, or None. An error under it leaves the form open."""
    return next((block["block_id"] for block in view["blocks"] if block["type"] == "input"), None)


def _tell(replies: EphemeralResponder, body: Body, sentence: str) -> None:
    """Send a sentence to the person who pressed a button, as a reply or else as a direct message."""
    message = Message(sentence, [section(sentence)])
    if url := body.get("response_url"):
        replies.send(url, message)
    else:
        replies.direct(body["user"]["id"], message)
