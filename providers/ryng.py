"""Ryng: cancels an uploaded or scheduled call that was not attempted yet. Undocumented: places a call.

Facts: the page "Cancel Calls API" of https://docs.ryng.in, read 2026-11. Facts marked † come from its other
pages, placing a call from "Make Preview Call". Facts that no page states are marked *assumed*.
"""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from providers.actions import (
    AgentName,
    CallAction,
    CallEnd,
    CallRef,
    CancelCall,
    CannotSendError,
    Code,
    Ending,
    Kind,
    Outcome,
    PlaceCall,
    ProviderEvent,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Failure, Request, Response
from providers.settings import BaseUrl, Secret
from providers.transport.request import metadata_words, path_segment
from providers.webhooks import (
    WebhookWord,
    describe_end,
    e164,
    https_link,
    own_word,
    safe_id,
    whole_seconds,
)

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
"""A label of a DNS name (RFC 1123). Anything more could send the token to another host."""

_NOT_A_WHOLE_NUMBER: Final = "Ryng's other pages show whole numbers as call ids, and this id is none."
_LOOK_FOR_IT: Final = (
    "look for it in Ryng: an upload to a queue returns no id. Compare this connection's subdomain with the "
    "call's account"
)
_NOT_STARTED = re.compile(r"\s*failed to start (?:the )?call\W*", re.IGNORECASE)
"""† The documented message of a preview call's 500."""


_COMPLETED: Final = {"completed", "2"}
"""† The status of a call that is over, as "Make Preview Call" and another page write it."""

WholeNumber = Annotated[int, Field(strict=True, gt=0)]
"""† An id as Ryng's pages show it: a number in JSON, not a text of digits."""


def _one_label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError('is one word, "tenant" where Ryng is at https://tenant.ryng.in')
    return text


class RyngSettings(ConnectionSettings):
    """A Ryng account.

    ``subdomain`` is the account's. It determines the API's address unless ``base_url`` is set.
    ``auth_header`` is the header that holds the token. The page has one name in its table and the other in
    its API block. † All other pages have the first.

    Only for placing calls †: ``agents`` maps the names that people type to the ids (whole numbers) of the
    people or bots who get the call. ``campaign_id`` (a whole number) is the campaign to which the call is
    added. ``number_format``: the page's example has a plus. That digits alone are ever needed is *assumed*.
    ``webhook_secret`` is in the address that each call is sent with, to which Ryng reports its end. Webhooks
    are unsigned, so it is a secret.
    """

    base_url: BaseUrl = "https://ryng.in"
    subdomain: Annotated[str, AfterValidator(_one_label)]
    access_token: Secret
    auth_header: Literal["x-access-token", "x-access-key"] = "x-access-token"
    agents: dict[AgentName, WholeNumber] = Field(default_factory=dict)
    campaign_id: WholeNumber | None = None
    number_format: Literal["e164", "digits"] = "e164"
    webhook_secret: WebhookWord | None = None

    @model_validator(mode="after")
    def _a_webhook_is_undocumented(self) -> Self:
        if self.webhook_secret is not None and not self.allow_undocumented:
            raise ValueError("webhook_secret needs more: add allow_undocumented = true to this connection")
        return self

    @model_validator(mode="before")
    @classmethod
    def _address(cls, given: object) -> object:
        match given:
            case {"subdomain": str(name), **others} if "base_url" not in others and _LABEL.fullmatch(name):
                return others | {"subdomain": name, "base_url": f"https://{name}.ryng.in"}
            case _:
                return given


class Ryng(Adapter):
    """Adapter for Ryng."""

    provider = "ryng"
    title = "Ryng"
    support = "your Ryng project champion or https://cod.atlassian.net/servicedesk/customer/portal/2"
    settings_type = RyngSettings
    settings: RyngSettings
    capabilities = (
        Capability(Kind.CANCEL_CALL, target=CallRef),
        # † There is no field for a time: the call is made when the agent gets it.
        Capability(Kind.PLACE_CALL, fields=frozenset({"metadata"}), source="undocumented"),
    )
    address_setting = "subdomain or base_url"
    requests_a_minute = 60  # †
    sends_webhook_url = True
    failures = (Failure(403, Code.AUTH_FAILED),)  # not 401
    advice: ClassVar[Mapping[Kind, str]] = {
        Kind.CANCEL_CALL: "look at the call in Ryng: it may have been attempted already",
        Kind.PLACE_CALL: "check the number, and this connection's agents and campaign_id",
    }
    documented_messages = ("Unauthorized Token", "Call ID does not exist", "Failed to start call")

    @property
    def key_check(self) -> str:
        """The settings to check, including the other header: Ryng ignores a token under the wrong name."""
        other = "x-access-key" if self.settings.auth_header == "x-access-token" else "x-access-token"
        return (
            "check this connection's access_token and subdomain. If they are right, set its auth_header to "
            f'"{other}"'
        )

    @property
    def budget(self) -> str:
        """The subdomain. *Assumed*: each subdomain is an account, for which Ryng counts all requests."""
        return f"{self.provider} {self.settings.base_url}"

    @property
    def agents(self) -> tuple[str, ...]:
        """The names under ``agents`` if this connection may place calls, else none."""
        return tuple(self.settings.agents) if self.settings.allow_undocumented else ()

    def agent_id(self, agent: str) -> str | None:
        """Return the id under ``agents``, or None."""
        known = self.settings.agents.get(agent)
        return None if known is None else str(known)

    def caller(self) -> tuple[str, ...]:
        """Return the campaign to which calls are added, if there is one."""
        return () if self.settings.campaign_id is None else (str(self.settings.campaign_id),)

    def build(self, action: CallAction, context: Context) -> Request:
        """Build POST /rest-api/v1/progressive/call/{callId}/cancel, or † POST /rest-api/v1/preview/call."""
        headers: dict[str, str] = {self.settings.auth_header: self.settings.access_token.get_secret_value()}
        match action:
            case CancelCall(target=CallRef(call_id=call_id)):
                # † Only a preview call returns its id; uploads to a queue return none.
                return Request(
                    path=f"/rest-api/v1/progressive/call/{path_segment(call_id, name='call_id')}/cancel",
                    headers=headers,
                )
            case PlaceCall():
                document = self._call(action) | self._callback(context.action_id)
                return Request(path="/rest-api/v1/preview/call", headers=headers, document=document)
            case _:
                raise self.unsupported(action)

    def verdict(self, reply: Response) -> bool | None:
        """Return the negation of ``error`` if that is true or false, else None."""
        error = reply.value("error")
        return not error if isinstance(error, bool) else None

    def parse(self, action: CallAction, reply: Response) -> Outcome | None:
        """Accept only ``error: false`` as success. Two sentences of a 500 say that nothing was done."""
        said = reply.value("message") if self.verdict(reply) is False else None
        match action, reply.status, reply.value("error"), said:
            case CancelCall(target=CallRef(call_id=asked)), 200, False, _:
                look = f"{_NOT_A_WHOLE_NUMBER} Look in Ryng whether the right call is gone."
                return self.done(
                    action,
                    Code.CANCELLED,
                    "Ryng cancelled the call.",
                    named=reply.inside("data").value("callID"),  # documented to be empty
                    warnings=() if asked.isdigit() else (look,),
                )
            case PlaceCall(), 200, False, _:
                untracked = "it can be followed and cancelled in Ryng only"
                reference = reply.inside("data").reference("callID")
                # Not documented: whether it rings by itself or waits for the agent.
                return self.placed(action, reference, untracked=untracked, to=" and gave it to the agent")
            case CancelCall(target=CallRef(call_id=asked)), 500, _, str(said) if _no_such_call(said, asked):
                # Not a server error: Ryng answers this way when it has no such call.
                hint = "" if asked.isdigit() else f". {_NOT_A_WHOLE_NUMBER.rstrip('.')}"
                return self.failure(action, reply, Code.NOT_FOUND, f"{_LOOK_FOR_IT}{hint}")
            case PlaceCall(), 500, _, str(said) if _NOT_STARTED.fullmatch(said):
                return self.failure(action, reply, Code.REJECTED)  # † a judgement, see docs/providers
            case _:
                return None

    @property
    def webhook_secret(self) -> str | None:
        """The secret segment of the webhook's path."""
        secret = self.settings.webhook_secret
        return None if secret is None else secret.get_secret_value()

    def parse_webhook(self, document: JsonValue, action_id: str | None = None) -> ProviderEvent | None:
        """† Return the event of a callback for a call of CallOps. Its path has the action's id."""
        action_id = safe_id(action_id)
        match document:
            case dict() if action_id and isinstance(call_id := document.get("callID"), int | str):
                end = _end(document)
                return ProviderEvent(
                    action_id=action_id,
                    message=describe_end(self.title, end),
                    end=end,
                    number=e164(document.get("customerNum")),
                    reference=safe_id(str(call_id)),
                )
            case _:
                return None

    def _callback(self, action_id: str) -> dict[str, JsonValue]:
        """† Return the address for a call's end. The address for its beginning is not sent."""
        if self.webhook_url is None or self.webhook_secret is None:
            return {}
        return {"terminalCallbackUrl": f"{self.webhook_url}/{self.webhook_secret}/{action_id}"}

    def _call(self, action: PlaceCall) -> dict[str, JsonValue]:
        campaign = self.settings.campaign_id
        if campaign is None:
            raise CannotSendError(
                "This connection has no campaign to add calls to. Your CallOps admin adds its number: "
                "campaign_id.",
                code=Code.CONFIG_ERROR,
            )
        self.known_agent(action.agent)
        return {
            "agentID": self.settings.agents[action.agent],
            "campaignID": campaign,
            "customerNumber": action.to.removeprefix("+")
            if self.settings.number_format == "digits"
            else action.to,
            # The page does not require metadata.
            **metadata_words(action.metadata, {"name": "customerName"}, title=self.title),
        }


def _end(data: dict[str, JsonValue]) -> CallEnd:
    """Return the end of a call. *Assumed*: people talked if it is completed and has a talk time.

    No page lists the dispositions, so any other end is shown in Ryng's word.
    """
    status, talked = data.get("status"), whole_seconds(data.get("talktime")) or None
    answered = talked is not None and str(status).casefold() in _COMPLETED
    return CallEnd(
        ending=Ending.ANSWERED if answered else Ending.OTHER,
        word=own_word(data.get("disposition")) or own_word(status),
        seconds=talked,
        recording=https_link(data.get("recordingUrl")),
    )


def _no_such_call(said: str, asked: str) -> bool:
    """Return whether a message is the document's "call does not exist", with or without the id.

    A message that another thing does not exist is a server error.
    """
    words = rf"\bcall(?: id)?(?:\W{{1,3}}{re.escape(asked)}\W{{0,2}})? does not exist"
    return re.search(words, said, re.IGNORECASE) is not None
