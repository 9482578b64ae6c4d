"""What all adapters share: what they declare, the checks before a request, and the wire.

    prepare(action, context)   pure: capability → build → the exact request, or `Refused`
    send(prepared)             at most one request, and never an exception: an `Outcome`
    perform(action, context)   both

An adapter adds its facts, ``build`` and ``parse``, both pure. What a fault of the wire means is in
`providers.outcomes`, what a reply says of the provider's rate in `providers.pace`.
"""

import asyncio
import hashlib
import json
import logging
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import aclosing
from datetime import datetime
from functools import cache
from typing import ClassVar, Final

import httpx
from pydantic import JsonValue

from providers.actions import (
    CallAction,
    CancelCall,
    Code,
    Kind,
    Notice,
    NumberRef,
    Outcome,
    PlaceCall,
    Refused,
    Sighting,
    StartCampaign,
    Status,
)
from providers.capability import Capability
from providers.connection import ConnectionSettings
from providers.outcomes import Party, after_doubt, failed
from providers.pace import paused, put_off
from providers.redaction import Redactor
from providers.reply import Reply, kept_reply, read
from providers.request import COMMON_HEADERS, Context, Prepared, Request, finish

__all__ = [
    "Adapter",
    "Capability",
    "ConnectionSettings",
    "Context",
    "Prepared",
    "Reply",
    "Request",
    "after_doubt",
    "failed",
]

CONNECT_SECONDS: Final = 5.0
CONNECT_SHARE: Final = 0.25
"""How long each of pool, TCP and TLS may take: at most this long, and this share of the deadline. So the
three together stay under the deadline, and a connection that never came about is always told as such."""

CONNECTIONS: Final = 32
"""At most so many at once for one client; the dispatcher asks for fewer."""


class Adapter(ABC):
    """One configured account at a provider.

    ``deadline`` is the seconds that a request may take in all. ``clock`` is what a date in ``Retry-After``
    is counted from. ``transport`` stands in for the network in tests.
    """

    provider: ClassVar[str]
    """The name in settings, ``callkaro``."""
    title: ClassVar[str]
    """The name as people write it, ``CallKaro``."""
    support: ClassVar[str]
    """Whom to ask when the provider itself is at fault."""
    address_setting: ClassVar[str] = "base_url"
    """The settings that say where the provider is, as a message names them."""
    settings_type: ClassVar[type[ConnectionSettings]]
    capabilities: ClassVar[tuple[Capability, ...]]
    requests_a_minute: ClassVar[int | None] = None
    """How many requests a minute the provider takes from one account; None: no page says."""

    def __init__(
        self,
        settings: ConnectionSettings,
        *,
        deadline: float = 20.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime],
    ) -> None:
        if not isinstance(settings, self.settings_type):
            raise TypeError(f"{self.title} is set up with {self.settings_type.__name__}")
        # httpx prints whole URLs at INFO, httpcore a reply's headers at DEBUG: keys and numbers are in them.
        for library in ("httpx", "httpcore"):
            logging.getLogger(library).setLevel(logging.WARNING)
        self.settings = settings
        self._deadline = deadline
        self._clock = clock
        self._party = Party(self.title, self.support, settings.base_url, self.address_setting, deadline)
        connecting = min(CONNECT_SECONDS, deadline * CONNECT_SHARE)

        def client(*, keep_alive: bool) -> httpx.AsyncClient:
            return httpx.AsyncClient(
                verify=_certificates(),
                trust_env=False,  # neither proxies nor passwords from the environment
                follow_redirects=False,
                timeout=httpx.Timeout(deadline, connect=connecting, pool=connecting),
                limits=httpx.Limits(
                    max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS if keep_alive else 0
                ),
                transport=transport,
            )

        self._keeping = client(keep_alive=True)
        self._fresh = client(keep_alive=False)

    def capability(self, kind: Kind) -> Capability | None:
        """What this connection can do of a kind of action; None: nothing."""
        return next((known for known in self.available if known.kind is kind), None)

    @property
    def available(self) -> tuple[Capability, ...]:
        """The capabilities that this connection's settings allow."""
        beyond = self.settings.beyond_documents
        return tuple(known for known in self.capabilities if beyond or known.source == "documented")

    @abstractmethod
    def build(self, action: CallAction, context: Context) -> Request:
        """Say an action, whose capability is already checked, as a request. Pure; raises `Refused`."""

    @abstractmethod
    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """What a reply means by the provider's own documents; None leaves it to the shared rows. Pure."""

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:  # noqa: ARG002 - for those that can
        """A request without effect that tells whether an action's target is there; None: there is none."""
        return None

    def parse_look_up(self, action: CallAction, reply: Reply) -> Sighting:
        """What the reply to a look-up means. Pure."""
        raise NotImplementedError(f"{self.title} has no look-up for {action.kind}, of {reply.status}")

    @property
    def webhook_secret(self) -> str | None:
        """The word in a webhook's path that only the provider and we know; None: nothing is heard."""
        return None

    def hear(self, document: JsonValue) -> Notice | None:  # noqa: ARG002 - for those that tell anything
        """What a webhook's document says of an action of ours; None: nothing. Pure."""
        return None

    @property
    def budget(self) -> str | None:
        """What the provider counts requests against, where it is known; None: nobody says."""
        return None

    def account(self) -> tuple[str, ...]:
        """What names the account besides the address and the key: for most providers, nothing."""
        return ()

    @property
    def agents(self) -> tuple[str, ...]:
        """The configured names of agents; empty for a provider that has none."""
        return ()

    @property
    def raw_agents(self) -> bool:
        """Whether a provider's own agent id may stand for a name."""
        return False

    def agent_id(self, agent: str) -> str | None:  # noqa: ARG002 - for providers that have agents
        """The provider's id for an agent's configured name; None where there is no such agent."""
        return None

    def known_agent(self, agent: str) -> str:
        """The provider's id for an agent's configured name. Raises `Refused` with the names there are."""
        agent_id = self.agent_id(agent)
        if agent_id is None:
            known = ", ".join(self.agents) or "none yet"
            raise Refused(f"This connection has no agent of that name. It knows: {known}.", field="agent")
        return agent_id

    def fingerprint(self, agent: str | None) -> str:
        """A short hash of where a request would go and for whom; it changes when a setting moves that."""
        resolved = None if agent is None else self.agent_id(agent)
        dry = [] if self.settings.mode == "live" else [self.settings.mode]
        parts = [self.provider, self.settings.base_url, *self.account(), resolved, *dry]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def prepare(self, action: CallAction, context: Context) -> Prepared:
        """Make the exact request for an action. Pure. Raises `Refused` for what cannot be expressed."""
        self._check_capability(action)
        self._check_allowed(action)
        return finish(self.build(action, context), action, base_url=self.settings.base_url)

    async def send(self, prepared: Prepared) -> Outcome:
        """Send a request, once. Whatever the wire or the provider does becomes an outcome."""
        action = prepared.action
        if refused := self.dry_run(prepared):
            return Outcome(status=Status.REFUSED, code=refused.code, message=refused.message)
        try:
            async with asyncio.timeout(self._deadline):
                reply = await self._exchange(prepared)
            return self._understood(action, reply)
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, the provider may have acted
            return self._party.without_reply(action, fault)

    def read_again(
        self, action: CallAction, status: int, headers: Iterable[tuple[str, str]], raw: str
    ) -> Outcome:
        """What a reply means, from what the log kept of it. Pure."""
        redactor = Redactor.of(action, self.settings.secrets())
        reply = kept_reply(status, headers, raw, redactor=redactor, now=self._clock())
        return self._understood(action, reply)

    def _understood(self, action: CallAction, reply: Reply) -> Outcome:
        outcome = self.parse(action, reply) or self._party.shared_row(action, reply)
        kept = {"http_status": reply.status, "raw": reply.raw, "headers": reply.headers}
        return paused(outcome, dict(reply.headers)).model_copy(update=kept)

    async def perform(self, action: CallAction, context: Context) -> Outcome:
        """Prepare and send; what is refused before any request is an outcome too."""
        try:
            prepared = self.prepare(action, context)
        except Refused as refused:
            return Outcome(status=Status.REFUSED, code=refused.code, message=refused.message)
        return await self.send(prepared)

    async def look_up(self, action: CallAction, context: Context) -> Sighting | None:
        """Ask the provider, without any effect, whether it has an action's target; None: it cannot be asked.

        Whatever goes wrong on the way is a `Sighting` that does not say.
        """
        if self.settings.mode == "dry-run":
            return None
        try:
            request = self.build_look_up(action, context)
            if request is None:
                return None
            prepared = finish(request, action, base_url=self.settings.base_url)
            async with asyncio.timeout(self._deadline):
                reply = await self._exchange(prepared)
            return put_off(self.parse_look_up(action, reply), reply)
        except Refused as refused:
            return Sighting(found=None, message=refused.message)
        except Exception as fault:  # noqa: BLE001 - whatever went wrong, nothing is known and nothing changed
            return Sighting(found=None, message=self._party.without_reply(action, fault).message)

    async def reach(self) -> str | None:
        """Ask the provider's host for any answer at all, without a key and without any effect.

        None where it answers, whatever its status: what it says to a HEAD for ``/`` is no matter. Else a
        sentence on what is wrong and how to mend it.
        """
        ask = httpx.Request("HEAD", f"{self.settings.base_url}/", headers=COMMON_HEADERS)
        try:
            async with asyncio.timeout(self._deadline), aclosing(await self._fresh.send(ask, stream=True)):
                return None
        except (httpx.HTTPError, OSError) as fault:  # TimeoutError is an OSError
            return self._party.out_of_reach(fault)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._keeping.aclose()
        await self._fresh.aclose()

    def unsupported(self, action: CallAction) -> Refused:
        """The refusal of an action that this provider cannot be asked for."""
        wish = action.kind.replace("_", " ")
        return Refused(f"{self.title} cannot be asked to {wish}.", code=Code.UNSUPPORTED)

    def placed(self, action: PlaceCall, reference: str | None, *, untracked: str, to: str = "") -> Outcome:
        """The outcome of a call that was accepted: nobody's phone has rung yet.

        ``untracked`` is what follows where the provider gave it no id, ``to`` who has it now.
        """
        warning = f"{self.title} gave this call no id, so {untracked}."
        return Outcome(
            status=Status.OK,
            code=Code.SCHEDULED if action.at else Code.QUEUED,
            message=f"{self.title} accepted the call{' for its time' if action.at else ''}{to}.",
            reference=reference,
            warnings=() if reference else (warning,),
        )

    def rate_limited(self, action: CallAction, reply: Reply) -> Outcome:
        """The outcome of a request that was one too many, and was not processed."""
        return self._party.rate_limited(action, reply)

    def dry_run(self, prepared: Prepared) -> Refused | None:
        """Why a request is not sent by a connection that only tries things out; None: it is sent."""
        if self.settings.mode == "live":
            return None
        url = httpx.URL(prepared.url)
        would = f"{prepared.method} {url.path} to {url.host}"
        return Refused(f"Dry run: nothing was sent. It would have been {would}.", code=Code.DRY_RUN)

    def _check_allowed(self, action: CallAction) -> None:
        allowed = self.settings.allow_numbers
        match action:
            case PlaceCall(to=number) | CancelCall(target=NumberRef(to=number)) if (
                allowed and number not in allowed
            ):
                raise Refused(
                    "This connection is being tried out: only the numbers under its allow_numbers are "
                    "called or have their calls cancelled.",
                    code=Code.NOT_ALLOWED,
                    field="to",
                )
            case StartCampaign() if allowed:
                raise Refused(
                    "This connection is being tried out: it calls only the numbers under its allow_numbers, "
                    "and a campaign calls others, so it starts none.",
                    code=Code.NOT_ALLOWED,
                    field="target",
                )
            case _:
                pass

    def _check_capability(self, action: CallAction) -> None:
        capability = self.capability(action.kind)
        if capability is None and any(known.kind is action.kind for known in self.capabilities):
            raise Refused(
                f"{self.title} can do this by its other pages only. Whoever runs CallOps may allow it: "
                "beyond_documents = true under this connection.",
                code=Code.UNSUPPORTED,
            )
        if capability is None:
            raise self.unsupported(action)
        if isinstance(action, PlaceCall):
            for name in sorted(action.optional_fields - capability.fields):
                raise Refused(f"{self.title} has no {name}.", code=Code.UNSUPPORTED, field=name)
        elif capability.target is None or not isinstance(action.target, capability.target):
            how = action.target.by.replace("_", " ")
            raise Refused(
                f"{self.title} does not find it by its {how}.", code=Code.UNSUPPORTED, field="target"
            )

    async def _exchange(self, prepared: Prepared) -> Reply:
        client = self._fresh if prepared.fresh_connection else self._keeping
        # Not client.build_request: that would add the cookies of earlier replies.
        request = httpx.Request(
            prepared.method, prepared.url, headers=prepared.headers, content=prepared.body
        )
        redactor = Redactor.of(prepared.action, (*self.settings.secrets(), *prepared.credentials))
        async with aclosing(await client.send(request, stream=True)) as response:
            return await read(response, redactor=redactor, now=self._clock())


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities whose certificates count; reading them takes some 40 ms."""
    return httpx.create_ssl_context(trust_env=False)
