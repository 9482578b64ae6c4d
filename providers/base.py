"""The base class of all adapters: sends requests, interprets replies, and exports what an adapter imports.

    prepare(action, context)   capability → build → the exact request, or `CannotSendError`
    send(prepared)             at most one request, and never an exception: returns an `Outcome`

An adapter adds its facts, ``build``, ``parse`` and ``verdict``, all without side effects.
`providers.provider` lists what else it may override. ``verdict`` recognises the provider's own documents
among those of other servers. Without a verdict, no reply is a success and none is "not found".
`providers.transport.errors` interprets statuses and transport errors. `providers.transport.rate_limit` reads
rate limits from replies.

This is the only module that an adapter imports, here or in a package of its own.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterable
from contextlib import aclosing
from datetime import datetime
from functools import cache, partial
from typing import Final

import httpx
from pydantic import JsonValue

from providers.actions import (
    AgentName,
    CallAction,
    CallEnd,
    CallRef,
    CampaignRef,
    CancelCall,
    CannotSendError,
    Capability,
    Code,
    DeleteCampaign,
    Ending,
    Kind,
    LookupResult,
    NumberRef,
    Outcome,
    PlaceCall,
    ProviderEvent,
    StartCampaign,
    Status,
    StopCampaign,
    target_id,
)
from providers.contradictions import denies_success, names_another
from providers.provider import Provider
from providers.settings import BaseUrl, ConnectionSettings, OpaqueId, Secret
from providers.transport.errors import ErrorMapper, Failure, after_doubt, aimed_at, failed
from providers.transport.rate_limit import paused, put_off
from providers.transport.redaction import Redactor
from providers.transport.request import (
    COMMON_HEADERS,
    Context,
    Prepared,
    Request,
    finish,
    local_time,
    path_segment,
)
from providers.transport.response import Response, read, stored_response
from providers.webhooks import (
    WebhookWord,
    count,
    describe_end,
    e164,
    https_link,
    naive_time,
    own_word,
    safe_id,
    whole_seconds,
)

__all__ = [
    "Adapter",
    "AgentName",
    "BaseUrl",
    "CallAction",
    "CallEnd",
    "CallRef",
    "CampaignRef",
    "CancelCall",
    "CannotSendError",
    "Capability",
    "Code",
    "ConnectionSettings",
    "Context",
    "DeleteCampaign",
    "Ending",
    "Failure",
    "Kind",
    "LookupResult",
    "NumberRef",
    "OpaqueId",
    "Outcome",
    "PlaceCall",
    "Prepared",
    "ProviderEvent",
    "Request",
    "Response",
    "Secret",
    "StartCampaign",
    "Status",
    "StopCampaign",
    "WebhookWord",
    "after_doubt",
    "count",
    "describe_end",
    "e164",
    "failed",
    "https_link",
    "local_time",
    "naive_time",
    "own_word",
    "path_segment",
    "safe_id",
    "target_id",
    "whole_seconds",
]

CONNECT_SECONDS: Final = 5.0
CONNECT_SHARE: Final = 0.25
"""Limits for pool, TCP and TLS, each: seconds, and a share of the deadline.

The three together stay below the deadline. So a failed connection is always reported as such.
"""

_DONE: Final = {
    Kind.CANCEL_CALL: "cancelled",
    Kind.DELETE_CAMPAIGN: "deleted",
    Kind.STOP_CAMPAIGN: "stopped",
    Kind.START_CAMPAIGN: "active",
}

CONNECTIONS: Final = 32
"""Concurrent connections of a client, at most. The dispatcher uses fewer."""


class Adapter(Provider):
    """A configured account at a provider.

    ``deadline`` is the limit for a whole request, in seconds. ``clock`` returns the time from which a date in
    ``Retry-After`` is counted. ``transport`` replaces the network in tests. ``webhook_url`` is the public
    address of this connection's webhooks, without its secret, None if it is not known.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        *,
        deadline: float = 20.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime],
        webhook_url: str | None = None,
    ) -> None:
        super().__init__(settings, webhook_url=webhook_url)
        # httpx logs whole URLs at INFO, httpcore logs response headers at DEBUG. Both hold keys and numbers.
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)
        self._deadline = deadline
        self._clock = clock
        self._party = ErrorMapper(
            self.title,
            self.support,
            settings.base_url,
            self.address_setting,
            deadline,
            self.key_check,
            self.advice,
            self.failures,
        )
        connecting = min(CONNECT_SECONDS, deadline * CONNECT_SHARE)
        self._client = httpx.AsyncClient(
            verify=_certificates(),
            trust_env=False,  # ignore proxies and passwords of the environment
            follow_redirects=False,
            timeout=httpx.Timeout(deadline, connect=connecting, pool=connecting),
            # Connections are not reused: an unsolicited reply would be taken for the next request's.
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=0),
            transport=transport,
        )

    async def send(self, prepared: Prepared) -> Outcome:
        """Send a request once and return its outcome. Every error of the wire or the provider becomes one."""
        action = prepared.action
        if refused := self.dry_run(prepared):
            return Outcome(status=Status.REFUSED, code=refused.code, message=refused.message)
        try:
            async with asyncio.timeout(self._deadline):
                reply = await self._exchange(prepared)
            return self._understood(action, reply)
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, the provider may have acted
            return self._party.without_reply(action, fault)

    def parse_stored_response(
        self, action: CallAction, status: int, headers: Iterable[tuple[str, str]], raw: str
    ) -> Outcome:
        """Return the outcome of a reply that the log has stored."""
        redactor = Redactor.of(action, self.settings.secrets())
        reply = stored_response(status, headers, raw, redactor=redactor, now=self._clock())
        return self._understood(action, reply)

    def _understood(self, action: CallAction, reply: Response) -> Outcome:
        own, quote = self.verdict(reply), self._quote(reply)
        outcome = self.parse(action, reply)
        if outcome is None and self._rate_is_spent(reply) and _is_surely_undone(action, reply):
            outcome = self.rate_limited(action, reply)
        outcome = outcome or self._party.shared_row(action, reply, quote, own=own)
        if outcome.status is Status.OK and own is not True:
            outcome = self._party.shared_row(action, reply, quote, own=own)
        elif outcome.status is Status.OK and names_another(action, reply):
            outcome = self._party.other_target(action)
        elif (outcome.status is Status.OK and denies_success(reply)) or (
            own is True and outcome.status is Status.FAILED and _may_have_called(action, reply)
        ):
            outcome = self._party.contradiction(action, reply)
        elif outcome.code is Code.NOT_FOUND and not _says_not_found(reply, own):
            outcome = self._party.foreign_reply(action, reply)
        kept = {"http_status": reply.status, "raw": reply.raw, "headers": reply.headers}
        return paused(outcome, dict(reply.headers)).model_copy(update=kept)

    async def look_up(self, action: CallAction, context: Context) -> LookupResult | None:
        """Ask the provider whether it has an action's target. Return None if it cannot be asked.

        A look-up changes nothing at the provider. Any error becomes a `LookupResult` whose ``found`` is None.
        """
        return await self._look_up(
            action, lambda: self.build_look_up(action, context), partial(self.lookup_result, action)
        )

    async def look_up_end(
        self, action: PlaceCall, call_id: str, known: CallEnd | None, context: Context
    ) -> LookupResult | None:
        """Ask the provider how a placed call ended, or for the rest of its known end.

        Return None if it cannot be asked. Any error becomes a `LookupResult` without an end.
        """
        return await self._look_up(
            action,
            lambda: self.build_end(call_id, known, context),
            partial(self.end_result, action, call_id, known),
        )

    async def _look_up(
        self,
        action: CallAction,
        build: Callable[[], Request | None],
        read: Callable[[Response], LookupResult],
    ) -> LookupResult | None:
        if self.settings.mode == "dry-run":
            return None
        try:
            request = build()
            if request is None:
                return None
            prepared = finish(request, action, base_url=self.settings.base_url)
            async with asyncio.timeout(self._deadline):
                reply = await self._exchange(prepared)
            return read(reply)
        except CannotSendError as refused:
            return LookupResult(found=None, message=refused.message)
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, nothing is known and nothing changed
            return LookupResult(found=None, message=self._party.without_reply(action, fault).message)

    def lookup_result(self, action: CallAction, reply: Response) -> LookupResult:
        """Return the result of a look-up's reply, by the adapter or by the rules for all providers."""
        own = self.verdict(reply)
        absent = reply.status == httpx.codes.NOT_FOUND and _says_not_found(reply, own)
        spent = self._rate_is_spent(reply)
        sighting = self.parse_look_up(action, reply) if own else None
        shared = self._party.not_sighted(action, reply, absent=absent, put_off=spent)
        return put_off(sighting or shared, reply)

    def end_result(
        self, action: PlaceCall, call_id: str, known: CallEnd | None, reply: Response
    ) -> LookupResult:
        """Return the result of a reply to the question how a placed call ended."""
        end = self.parse_end(call_id, known, reply) if self.verdict(reply) else None
        spent = self._rate_is_spent(reply)
        shared = self._party.not_sighted(action, reply, absent=False, put_off=spent)
        return put_off(shared.model_copy(update={"end": end}), reply)

    async def ping(self) -> str | None:
        """Request ``/`` of the provider's host with HEAD, without a key and without any effect.

        Return None for any response, whatever its status. Otherwise return a sentence on the error and its
        remedy.
        """
        ask = httpx.Request("HEAD", f"{self.settings.base_url}/", headers=COMMON_HEADERS)
        try:
            async with asyncio.timeout(self._deadline), aclosing(await self._client.send(ask, stream=True)):
                return None
        except (httpx.HTTPError, OSError) as fault:  # TimeoutError is an OSError
            return self._party.out_of_reach(fault)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def placed(self, action: PlaceCall, reference: str | None, *, untracked: str, to: str = "") -> Outcome:
        """Return the outcome of a call that was accepted. No phone has rung yet.

        ``untracked`` is the consequence of a reply without an id. ``to`` names who has the call now.
        """
        warning = f"{self.title} gave this call no id, so {untracked}."
        return Outcome(
            status=Status.OK,
            code=Code.SCHEDULED if action.at else Code.QUEUED,
            message=f"{self.title} accepted the call{' for its time' if action.at else ''}{to}.",
            reference=reference,
            warnings=() if reference else (warning,),
        )

    def done(
        self,
        action: CallAction,
        code: Code,
        message: str,
        *,
        named: JsonValue = None,
        warnings: tuple[str, ...] = (),
    ) -> Outcome:
        """Return the success of an action whose target is an id, or unknown if the reply names another id.

        ``named`` is the id of the target in the reply, None if the reply has none.
        """
        asked = target_id(action)
        if named is not None and str(named) != asked:
            return self._party.other_target(action)
        return Outcome(status=Status.OK, code=code, message=message, reference=asked, warnings=warnings)

    def lookup_found(
        self,
        action: CallAction,
        name: str | None = None,
        *,
        call_time: datetime | None = None,
        done: bool = False,
    ) -> LookupResult:
        """Return the result of a look-up that found its target. ``name`` has its numbers masked."""
        shown = f"{self.title} has this {aimed_at(action)}."
        if done:
            shown = f"{self.title} says that this {aimed_at(action)} is {_DONE[action.kind]}."
        return LookupResult(found=True, message=shown, done=done, name=name, call_time=call_time)

    def failure(self, action: CallAction, reply: Response, code: Code, check: str = "") -> Outcome:
        """Return the outcome of a request that was certainly rejected. ``check`` is that of `Failure`."""
        return self._party.failure(action, reply, self._quote(reply), code, check)

    def rate_limited(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a request that exceeded the rate limit and was not processed."""
        return self._party.rate_limited(action, reply)

    def _quote(self, reply: Response) -> str:
        """Return the provider's sentence that may be shown, or an empty text. Quote no other server."""
        said = [] if self.verdict(reply) is None else self.error_messages(reply)
        return next(filter(None, (reply.sentence(words, self.documented_messages) for words in said)), "")

    def _rate_is_spent(self, reply: Response) -> bool:
        text = self.rate_text
        said = (words for words in self.error_messages(reply) if isinstance(words, str))
        return text is not None and any(text.search(words) for words in said)

    async def _exchange(self, prepared: Prepared) -> Response:
        # `client.build_request` would add the cookies of earlier replies.
        request = httpx.Request(
            prepared.method, prepared.url, headers=prepared.headers, content=prepared.body
        )
        redactor = Redactor.of(prepared.action, (*self.settings.secrets(), *prepared.credentials))
        async with aclosing(await self._client.send(request, stream=True)) as response:
            return await read(response, redactor=redactor, now=self._clock())


def _is_surely_undone(action: CallAction, reply: Response) -> bool:
    """Return whether the reply's text is enough to say that nothing was done.

    For a call or a started campaign it is not, because a second request could call people twice.
    """
    calling = isinstance(action, PlaceCall | StartCampaign)
    return not calling or httpx.codes.is_client_error(reply.status)


def _may_have_called(action: CallAction, reply: Response) -> bool:
    """Return whether an error status alone is too weak a reason to call people again."""
    return isinstance(action, PlaceCall | StartCampaign) and httpx.codes.is_error(reply.status)


def _says_not_found(reply: Response, own: bool | None) -> bool:  # noqa: FBT001 - a provider's yes or no
    """Return whether "not found" is said by a document of the provider that agrees with its status."""
    return own is not None and not (own and reply.status >= httpx.codes.BAD_REQUEST)


@cache
def _certificates() -> ssl.SSLContext:
    """Return the TLS context with the trusted certificate authorities. Reading them takes some 40 ms."""
    return httpx.create_ssl_context(trust_env=False)
