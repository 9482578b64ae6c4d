"""Kore.ai: delete a voice campaign; undocumented: look one up, stop it and start it.

Facts: the page "Delete Voice Campaign API" of https://docs.kore.ai, read 2026-11. What is marked † comes from
its other pages: "Get", "Stop" and "Start Voice Campaign API", the second versions of all four, and those on
tokens and limits. What no page says is marked *assumed*. No page documents a failure: all their rows are
assumed.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, SecretStr, model_validator

from providers.actions import (
    CallAction,
    CampaignRef,
    Code,
    DeleteCampaign,
    Kind,
    Outcome,
    Refused,
    SafeId,
    Sighting,
    target_id,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Failure, Reply, Request
from providers.settings import BaseUrl, Secret, SigningKey, signed
from providers.transport.request import path_segment

TOKEN_LIFE: Final = timedelta(minutes=5)
"""† A token with a ``jti`` may live for an hour; ours need to outlast one request and two clocks."""

_CAMPAIGN: Final = {
    # Where the page shows {{campaignType}}, its table says campaignId: that is what goes there.
    "agentassist-v1": "/agentassist/api/v1/public/{IId}/campaign/{campaignId}",
    "campaign-v2": "/campaign/api/v2/public/{IId}/campaign/{campaignId}",  # † there it is called {streamId}
}
_TRIGGER: Final = {  # †
    "agentassist-v1": "/campaign/api/v1/public/{IId}/campaign/{campaignId}",
    "campaign-v2": "/api/v2/public/{IId}/campaign/trigger/{campaignId}",  # not below /campaign, as the rest
}
_TEMPLATE = re.compile(r"(?:/(?:\{IId\}|\{campaignId\}|[A-Za-z0-9_~-][A-Za-z0-9._~-]*))+")

_DONE: Final = {
    # The second word is † its other documented answer; † to a trigger the word is the campaign's own status.
    Kind.DELETE_CAMPAIGN: (
        {"success", "Deleted"},
        Code.DELETED,
        "Kore.ai deleted the campaign. This cannot be undone.",
    ),
    # Whether calls that are under way go on is not said.
    Kind.STOP_CAMPAIGN: ({"Stopped"}, Code.STOPPED, "Kore.ai stopped the campaign."),
    Kind.START_CAMPAIGN: ({"Active"}, Code.STARTED, "Kore.ai started the campaign: it calls people."),
}
"""What the top-level ``status`` says of each kind that was done, and what that means."""
_FAILURES: Final = frozenset({"failure", "failed", "error"})
_TRIGGERS: Final = {Kind.STOP_CAMPAIGN: "stop", Kind.START_CAMPAIGN: "play"}
_FACTS: Final = {"name": "name", "status": "status before", "dialingMode": "dialling", "createdAt": "created"}
"""What a summary tells of a campaign, and in which words."""
_LONGEST_FACT: Final = 100
"""Characters of one fact in a summary."""
_LONGEST_NAME: Final = 200
"""Characters of a campaign's name: more than people are shown, so that a part is never taken for a whole."""

_CHECK: Final = "Check this connection's base_url, app_id and account_id"
_ADVICE: Final = {
    # Its first sentence says "an active voice campaign", and its sample reply is of one that was stopped.
    Kind.DELETE_CAMPAIGN: "look at the campaign in Kore.ai, and stop it if it is running. The document "
    f"contradicts itself on whether an active campaign can be deleted. {_CHECK}",
    Kind.STOP_CAMPAIGN: f"look at the campaign in Kore.ai: perhaps it is not running. {_CHECK}",
    Kind.START_CAMPAIGN: "look at the campaign in Kore.ai: perhaps it runs already, or lacks something it "
    f"needs. {_CHECK}",
}


def _with_https(address: object) -> object:
    return f"https://{address}" if isinstance(address, str) and address and "://" not in address else address


def _path_template(template: str) -> str:
    if not _TEMPLATE.fullmatch(template) or template.count("{campaignId}") != 1:
        raise ValueError("is a path like /agentassist/api/v1/public/{IId}/campaign/{campaignId}")
    return template


class KoreSettings(ConnectionSettings):
    """An app in a Kore.ai account.

    ``base_url`` is the environment's address, with or without ``https://``. ``app_id`` (``st-…``) stands in
    the path; that the header ``iid`` is the same is *assumed*: a setting ``iid`` is sent instead.

    Either ``token``, a JWT made elsewhere, or ``client_id`` and ``client_secret`` of the JWT app, which then
    sign one for each request. ``subject`` is that token's ``sub`` (*assumed*: any will do). ``jti`` gives it
    an id and an end, for an app that enforces them †; without, it has no end (*assumed*: none is shown).

    ``api_style`` campaign-v2 is undocumented † and needs ``allow_undocumented``. ``path_template`` is
    sent to instead of its path, to delete and to look up; ``trigger_template`` † to stop and to start.
    """

    base_url: Annotated[BaseUrl, BeforeValidator(_with_https)]
    app_id: SafeId
    iid: SafeId | None = None
    account_id: SafeId
    token: Secret | None = None
    client_id: Annotated[str, Field(min_length=1)] | None = None
    client_secret: SigningKey | None = None
    subject: Annotated[str, Field(min_length=1)] = "CallOps"
    jti: bool = False
    api_style: Literal["agentassist-v1", "campaign-v2"] = "agentassist-v1"
    path_template: Annotated[str, AfterValidator(_path_template)] | None = None
    trigger_template: Annotated[str, AfterValidator(_path_template)] | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.api_style == "campaign-v2" and not self.allow_undocumented:
            raise ValueError(
                'api_style = "campaign-v2" is known from other pages only: add allow_undocumented = true, or '
                "take it out"
            )
        match self.token, self.client_id, self.client_secret:
            case None, str(), SecretStr():
                return self
            case SecretStr(), None, None if self.jti:
                raise ValueError("jti is for a token that is signed here: take it out, or take token out")
            case SecretStr() as token, None, None if " " in token.get_secret_value():
                raise ValueError("token is the JWT alone, without Bearer before it")
            case SecretStr(), None, None:
                return self
            case _:
                raise ValueError("needs either token, or client_id and client_secret: one of the two")


class Kore(Adapter):
    """Kore.ai."""

    provider = "kore"
    title = "Kore.ai"
    support = "Kore.ai's support"
    settings_type = KoreSettings
    settings: KoreSettings
    capabilities = (
        Capability(Kind.DELETE_CAMPAIGN, target=CampaignRef, irreversible=True),
        Capability(Kind.STOP_CAMPAIGN, target=CampaignRef, source="undocumented"),
        Capability(Kind.START_CAMPAIGN, target=CampaignRef, source="undocumented"),
    )
    requests_a_minute = 60  # † an account
    rate_text = re.compile(
        r"\brate limits?\b[^.“”\"]*\b(?:reached|exceeded)\b|\bexceed(?:ed|s)?\b[^.“”\"]*\brate limits?\b"
        r"|\btoo many requests\b",
        re.IGNORECASE,
    )  # † "Rate limit for this API has been reached", "You've exceeded the per-minute rate limit"
    failures = (  # all assumed
        Failure(400, Code.INVALID_REQUEST),
        Failure(401, Code.AUTH_FAILED),
        Failure(403, Code.AUTH_FAILED),
        Failure(404, Code.NOT_FOUND, f"compare the id with Kore.ai. {_CHECK}"),
    )
    advice = _ADVICE

    @property
    def key_check(self) -> str:
        """Name whichever of the two ways in this connection has."""
        way_in = "client_id and client_secret" if self.settings.token is None else "token"
        return (
            f"check this connection's {way_in}, app_id and account_id. In Kore.ai the JWT app must have the "
            "API scope “Campaign Management”"
        )

    @property
    def budget(self) -> str:
        """† Kore.ai counts for each account, whatever its apps and connections."""
        return f"{self.provider} {self.settings.base_url} {self.settings.account_id}"

    def account(self) -> tuple[str, ...]:
        """The app, as path and header have it, the account, and the paths."""
        trigger = (self._trigger,) if self.settings.allow_undocumented else ()
        return (self.settings.app_id, self._iid, self.settings.account_id, self._template, *trigger)

    def build(self, action: CallAction, context: Context) -> Request:
        """DELETE the campaign, without a body, or † POST {} to trigger it."""
        token = self._token(context)
        if isinstance(action, DeleteCampaign):
            return self._request("DELETE", self._template, action, token)
        request = self._request("POST", self._trigger, action, token)
        trigger = {"trigger": _TRIGGERS[action.kind]}
        return replace(request, query={**request.query, **trigger}, document={})

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:
        """† GET the campaign. That ``campaignType`` does no harm there is *assumed*: its page shows none."""
        if not self.settings.allow_undocumented:
            return None
        # Its own token: the request for the action may be made at the same instant.
        return self._request("GET", self._template, action, self._token(context, "look-up"))

    def verdict(self, reply: Reply) -> bool | None:
        """Read the top-level ``status``, or † the ``errors`` of this family of APIs."""
        match reply.value("status"), reply.value("errors"):
            case str(status), _ if any(status in said for said, _, _ in _DONE.values()):
                return True
            case str(status), _ if status in _FAILURES:
                return False
            case None, [{"msg": str()}, *_]:
                return False
            case _:
                return None

    def error_messages(self, reply: Reply) -> Sequence[JsonValue]:
        """Return ``message``, ``error`` and † each ``msg`` of ``errors``; elsewhere are campaigns' names."""
        errors = reply.value("errors")
        told = [one.get("msg") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        return [reply.value("message"), reply.value("error"), *told]

    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """Success is the top-level ``status``; the one in ``data`` is the campaign's before that."""
        said, code, message = _DONE[action.kind]
        if reply.status != HTTPStatus.OK or reply.value("status") not in said:
            return None
        campaign = reply.inside("data")
        named = reply.value("_id") if campaign.value("_id") is None else campaign.value("_id")
        outcome = self.done(action, code, message, named=named)
        return _with_record(outcome, campaign) if isinstance(action, DeleteCampaign) else outcome

    def parse_look_up(self, action: CallAction, reply: Reply) -> Sighting | None:
        """† 200 with the campaign asked for: it is there. That 404 says that it is not is *assumed*."""
        campaign = reply.inside("data")
        there = reply.status == HTTPStatus.OK and reply.value("status") == "success"
        if there and campaign.reference("_id") == target_id(action):
            return self.found(action, _fact(campaign, "name", _LONGEST_NAME))
        return None

    def _request(self, method: str, template: str, action: CallAction, token: str) -> Request:
        campaign_id = target_id(action)
        if campaign_id is None:
            raise self.unsupported(action)
        app = path_segment(self.settings.app_id, name="app_id")
        campaign = path_segment(campaign_id, name="campaign_id")
        account = {"accountId": self.settings.account_id}
        return Request(
            method=method,
            path=template.replace("{IId}", app).replace("{campaignId}", campaign),
            query=(account if self.settings.api_style == "campaign-v2" else {}) | {"campaignType": "voice"},
            headers={"auth": token},  # without "Bearer"
            # The type is documented, although there is nothing of that type.
            plain_headers={"iid": self._iid, **account, "Content-Type": "application/json"},
        )

    @property
    def _iid(self) -> str:
        return self.settings.iid or self.settings.app_id

    @property
    def _template(self) -> str:
        return self.settings.path_template or _CAMPAIGN[self.settings.api_style]

    @property
    def _trigger(self) -> str:
        return self.settings.trigger_template or _TRIGGER[self.settings.api_style]

    def _token(self, context: Context, purpose: str = "") -> str:
        match self.settings:
            case KoreSettings(token=SecretStr() as token):
                return token.get_secret_value()
            case KoreSettings(client_id=str(client_id), client_secret=SecretStr() as secret):
                claims: dict[str, str | int] = {"sub": self.settings.subject, "appId": client_id}
                if self.settings.jti:
                    # Two attempts at one action must not have the same: it would count as a replay.
                    claims["jti"] = f"{context.action_id}-{context.now:%Y%m%dT%H%M%S%f}{purpose}"
                    claims["exp"] = int((context.now + TOKEN_LIFE).timestamp())
                return signed(claims, secret)
            case _:
                raise Refused(
                    "This connection has no token. Whoever runs CallOps adds it: token, or client_id and "
                    "client_secret.",
                    code=Code.CONFIG_ERROR,
                )


def _with_record(outcome: Outcome, campaign: Reply) -> Outcome:
    """Add what the reply tells of the campaign, whichever it was: it may be all that is left of it."""
    record = campaign.whole()
    warnings: tuple[str, ...] = ()
    if record is None:
        warnings = ("Kore.ai sent no copy of the campaign, so there is no record of what it was.",)
    elif campaign.value("_id") is None:
        warnings = ("Kore.ai did not say which campaign it deleted. Look for it there.",)
    told = [f"{words}: {fact}" for key, words in _FACTS.items() if (fact := _fact(campaign, key))]
    more = {"record": record, "summary": "; ".join(told) or None, "warnings": warnings}
    return outcome.model_copy(update=more)


def _fact(campaign: Reply, key: str, longest: int = _LONGEST_FACT) -> str | None:
    """Return a text of the campaign in one line, with its numbers masked."""
    text = campaign.value(key)
    return campaign.redactor.record(" ".join(text.split())[:longest]) if isinstance(text, str) else None
