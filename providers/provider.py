"""The base class of a provider: its declarations, its settings, and the request for an action.

An adapter overrides this class. Its declarations are checked before any request is built. Nothing here sends
anything.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import httpx
from pydantic import JsonValue

from providers.actions import (
    CallAction,
    CallEnd,
    CancelCall,
    CannotSendError,
    Capability,
    Code,
    Kind,
    LookupResult,
    NumberRef,
    Outcome,
    PlaceCall,
    ProviderEvent,
    StartCampaign,
)
from providers.settings import ConnectionSettings
from providers.transport.errors import Failure
from providers.transport.request import Context, Prepared, Request, finish
from providers.transport.response import Response


class Provider(ABC):
    """A configured account at a provider."""

    provider: ClassVar[str]
    """The provider's name in settings, ``callkaro``."""
    title: ClassVar[str]
    """The name as people write it, ``CallKaro``."""
    support: ClassVar[str]
    """The contact to name in messages when the provider itself is at fault."""
    address_setting: ClassVar[str] = "base_url"
    """The settings that hold the provider's address, as messages name them."""
    settings_type: ClassVar[type[ConnectionSettings]]
    capabilities: ClassVar[tuple[Capability, ...]]
    requests_a_minute: ClassVar[int | None] = None
    """Requests a minute that the provider accepts from an account, None if no page says."""
    failures: ClassVar[tuple[Failure, ...]] = ()
    """The provider's documented failures, by status. Other statuses mean the same for all providers."""
    advice: ClassVar[Mapping[Kind, str]] = {}
    """Advice when an action of a kind is rejected, as a clause without a full stop."""
    rate_text: ClassVar[re.Pattern[str] | None] = None
    """The provider's words for an exceeded rate limit, under any status. None: only 429 means that."""
    documented_messages: ClassVar[tuple[str, ...]] = ()
    """Sentences of its documents that hold nothing personal. They may be shown unchanged."""

    sends_webhook_url: ClassVar[bool] = False
    """True if the address of the webhooks goes to the provider with each call."""

    def __init__(self, settings: ConnectionSettings, *, webhook_url: str | None = None) -> None:
        if not isinstance(settings, self.settings_type):
            raise TypeError(f"{self.title} is set up with {self.settings_type.__name__}")
        self.settings = settings
        self.webhook_url = webhook_url

    def capability(self, kind: Kind) -> Capability | None:
        """Return the capability of this connection for a kind of action, None if it has none."""
        return next((known for known in self.available if known.kind is kind), None)

    @property
    def available(self) -> tuple[Capability, ...]:
        """The capabilities that this connection's settings allow."""
        allowed = self.settings.allow_undocumented
        return tuple(known for known in self.capabilities if allowed or known.source == "documented")

    @abstractmethod
    def build(self, action: CallAction, context: Context) -> Request:
        """Return the request for an action whose capability is already checked.

        Implementations have no side effects.

        Raises:
            CannotSendError: The action cannot be expressed.
        """

    @abstractmethod
    def parse(self, action: CallAction, reply: Response) -> Outcome | None:
        """Return the outcome by the provider's own documents, None to use the rules for all providers.

        Implementations have no side effects.
        """

    def verdict(self, reply: Response) -> bool | None:  # noqa: ARG002 - for those that can be believed
        """Return whether the provider's own document reports success.

        Return None if the reply is not the provider's document. Gateways answer with pages and JSON, too. A
        verdict must rest on what only the provider writes.
        """
        return None

    def error_messages(self, reply: Response) -> Sequence[JsonValue]:
        """Return the provider's own sentences in a reply, from whatever keys."""
        return [reply.value("message")]

    @property
    def key_check(self) -> str:
        """The remedy for a rejected key, as a clause without a full stop that names the settings."""
        return "check this connection's key"

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:  # noqa: ARG002 - for those that can
        """Return a request that looks up an action's target without any effect, None if there is none."""
        return None

    def parse_look_up(self, action: CallAction, reply: Response) -> LookupResult | None:  # noqa: ARG002 - as above
        """Return the result of a look-up's reply.

        None means the rules for all providers: 404 is *not found*.
        """
        return None

    def build_end(self, call_id: str, known: CallEnd | None, context: Context) -> Request | None:  # noqa: ARG002 - as above
        """Return a request, without any effect, that asks how a placed call ended, None if there is none.

        With ``known``, the call's end, it asks for what is still missing in it.
        """
        return None

    def parse_end(self, call_id: str, known: CallEnd | None, reply: Response) -> CallEnd | None:  # noqa: ARG002 - as above
        """Return a placed call's end, None while it is not over and if the reply does not say."""
        return known

    @property
    def webhook_secret(self) -> str | None:
        """The secret segment of a webhook's path. None: webhooks are not received."""
        return None

    @property
    def tells_ends(self) -> bool:
        """Return whether CallOps can hear how calls through this connection end."""
        hears = self.webhook_url is not None or not self.sends_webhook_url
        return hears and self.webhook_secret is not None

    def parse_webhook(self, document: JsonValue, action_id: str | None = None) -> ProviderEvent | None:  # noqa: ARG002 - for those that tell anything
        """Return the event in a webhook's document, None if it concerns no action of CallOps.

        ``action_id`` is the untrusted segment behind the secret in the path, if the provider was sent such an
        address.
        """
        return None

    @property
    def budget(self) -> str | None:
        """The key by which the provider counts requests, None if it is not known."""
        return None

    def account(self) -> tuple[str, ...]:
        """Return what identifies the account besides the address and the key. By default nothing."""
        return ()

    def caller(self) -> tuple[str, ...]:
        """Return what the account places calls with besides the agent. By default nothing."""
        return ()

    @property
    def agents(self) -> tuple[str, ...]:
        """The configured names of agents, empty for a provider without agents."""
        return ()

    @property
    def raw_agents(self) -> bool:
        """Return whether an agent's id at the provider may stand in place of a name."""
        return False

    def agent_id(self, agent: str) -> str | None:  # noqa: ARG002 - for providers that have agents
        """Return the provider's id for an agent's configured name, None if there is no such agent."""
        return None

    def known_agent(self, agent: str) -> str:
        """Return the provider's id for an agent's configured name.

        Raises:
            CannotSendError: There is no such agent. The message lists the known names.
        """
        agent_id = self.agent_id(agent)
        if agent_id is None:
            known = ", ".join(self.agents) or "none yet"
            raise CannotSendError(
                f"This connection has no voice agent of that name. It has: {known}.", field="agent"
            )
        return agent_id

    def fingerprint(self, agent: str | None) -> str:
        """Return a short hash of a request's destination and caller.

        It changes with the settings for these. Without an ``agent``, the hash of the account is a prefix of
        the hashes of its agents.
        """
        dry = [] if self.settings.mode == "live" else [self.settings.mode]
        account = _short_hash([self.provider, self.settings.base_url, *self.account(), *dry])
        return account if agent is None else account + _short_hash([self.agent_id(agent), *self.caller()])

    def prepare(self, action: CallAction, context: Context) -> Prepared:
        """Return the exact request for an action, without sending it.

        Raises:
            CannotSendError: The action cannot be expressed.
        """
        self._check_capability(action)
        self._check_allowed(action)
        return finish(self.build(action, context), action, base_url=self.settings.base_url)

    def unsupported(self, action: CallAction) -> CannotSendError:
        """Return the error for an action that this provider does not support."""
        spec = f"{action.kind.replace('_', ' ')}s"
        return CannotSendError(f"{self.title} can't {spec}.", code=Code.UNSUPPORTED)

    def dry_run(self, prepared: Prepared) -> CannotSendError | None:
        """Return why a dry-run connection does not send a request, None if the connection is live."""
        if self.settings.mode == "live":
            return None
        url = httpx.URL(prepared.url)
        would = f"{prepared.method} {url.path} to {url.host}"
        return CannotSendError(f"Dry run: nothing was sent. It would have been {would}.", code=Code.DRY_RUN)

    def _check_allowed(self, action: CallAction) -> None:
        allowed = self.settings.allow_numbers
        match action:
            case PlaceCall(to=number) | CancelCall(target=NumberRef(to=number)) if (
                allowed and number not in allowed
            ):
                raise CannotSendError(
                    "This connection is being tried out: only the numbers under its allow_numbers are "
                    "called or have their calls cancelled.",
                    code=Code.NOT_ALLOWED,
                    field="to",
                )
            case StartCampaign() if allowed:
                raise CannotSendError(
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
            raise CannotSendError(
                f"{self.title} documents this only on other pages. Your CallOps admin can allow it: "
                "allow_undocumented = true under this connection.",
                code=Code.UNSUPPORTED,
            )
        if capability is None:
            raise self.unsupported(action)
        if isinstance(action, PlaceCall):
            for name in sorted(action.optional_fields - capability.fields):
                raise CannotSendError(f"{self.title} has no {name}.", code=Code.UNSUPPORTED, field=name)
        elif capability.target is None or not isinstance(action.target, capability.target):
            how = action.target.by.replace("_", " ")
            raise CannotSendError(
                f"{self.title} doesn't find it by its {how}.", code=Code.UNSUPPORTED, field="target"
            )


def _short_hash(parts: list[str | None]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
