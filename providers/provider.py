"""A provider: what is declared of it, and how an action becomes a request to it. Pure.

An adapter overrides what is here. What was declared is checked before any request is built.
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
    CancelCall,
    Capability,
    Code,
    Kind,
    Notice,
    NumberRef,
    Outcome,
    PlaceCall,
    Refused,
    Sighting,
    StartCampaign,
)
from providers.settings import ConnectionSettings
from providers.transport.errors import Failure
from providers.transport.request import Context, Prepared, Request, finish
from providers.transport.response import Reply


class Provider(ABC):
    """One account at a provider, as it is set up."""

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
    failures: ClassVar[tuple[Failure, ...]] = ()
    """What its failures mean, by their statuses; what is not here is a row that all providers share."""
    advice: ClassVar[Mapping[Kind, str]] = {}
    """What to look at where an action of a kind is turned down: a clause without its end."""
    rate_text: ClassVar[re.Pattern[str] | None] = None
    """Words of the provider's own that say that its rate is spent, whatever the status; None: 429 says so."""
    documented_messages: ClassVar[tuple[str, ...]] = ()
    """Sentences that its documents have, and that hold nothing of anybody: they may be shown as they are."""

    def __init__(self, settings: ConnectionSettings) -> None:
        if not isinstance(settings, self.settings_type):
            raise TypeError(f"{self.title} is set up with {self.settings_type.__name__}")
        self.settings = settings

    def capability(self, kind: Kind) -> Capability | None:
        """What this connection can do of a kind of action; None: nothing."""
        return next((known for known in self.available if known.kind is kind), None)

    @property
    def available(self) -> tuple[Capability, ...]:
        """The capabilities that this connection's settings allow."""
        allowed = self.settings.allow_undocumented
        return tuple(known for known in self.capabilities if allowed or known.source == "documented")

    @abstractmethod
    def build(self, action: CallAction, context: Context) -> Request:
        """Say an action, whose capability is already checked, as a request. Pure; raises `Refused`."""

    @abstractmethod
    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """What a reply means by the provider's own documents; None leaves it to the shared rows. Pure."""

    def verdict(self, reply: Reply) -> bool | None:  # noqa: ARG002 - for those that can be believed
        """Return whether the provider's own document says yes or no; None: it is no document of its own.

        Gateways answer as well, with pages and JSON of theirs: only what they do not write is the provider's.
        """
        return None

    def error_messages(self, reply: Reply) -> Sequence[JsonValue]:
        """Return what the provider says in sentences of its own, in whatever keys they stand. Pure."""
        return [reply.value("message")]

    @property
    def key_check(self) -> str:
        """What to do where the key is not accepted: a clause without its end, with the settings by name."""
        return "check this connection's key"

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:  # noqa: ARG002 - for those that can
        """A request without effect that tells whether an action's target is there; None: there is none."""
        return None

    def parse_look_up(self, action: CallAction, reply: Reply) -> Sighting | None:  # noqa: ARG002 - as above
        """What the reply to a look-up means; None leaves it to the shared rows: 404 is *not there*. Pure."""
        return None

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

    def caller(self) -> tuple[str, ...]:
        """What an account places calls with besides the agent: for most providers, nothing."""
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
        """A short hash of where a request would go and for whom; it changes when a setting moves that.

        That of an account (``agent`` is None) is the beginning of those of its agents.
        """
        dry = [] if self.settings.mode == "live" else [self.settings.mode]
        account = _short_hash([self.provider, self.settings.base_url, *self.account(), *dry])
        return account if agent is None else account + _short_hash([self.agent_id(agent), *self.caller()])

    def prepare(self, action: CallAction, context: Context) -> Prepared:
        """Make the exact request for an action. Pure. Raises `Refused` for what cannot be expressed."""
        self._check_capability(action)
        self._check_allowed(action)
        return finish(self.build(action, context), action, base_url=self.settings.base_url)

    def unsupported(self, action: CallAction) -> Refused:
        """The refusal of an action that this provider cannot be asked for."""
        wish = action.kind.replace("_", " ")
        return Refused(f"{self.title} cannot be asked to {wish}.", code=Code.UNSUPPORTED)

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
                "allow_undocumented = true under this connection.",
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


def _short_hash(parts: list[str | None]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
