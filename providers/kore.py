"""Kore.ai: deletes a voice campaign. Undocumented: looks a campaign up, stops it and starts it.

Facts: the page "Delete Voice Campaign API" of https://docs.kore.ai, read 2026-11. Facts marked † come from
its other pages: "Get", "Stop" and "Start Voice Campaign API", the second versions of all four, "Get Campaign
Status API", and those on tokens and limits. Facts that no page states are marked *assumed*. No page documents
a failure, so all failures are assumed.
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
    CannotSendError,
    Code,
    DeleteCampaign,
    Kind,
    LookupResult,
    Outcome,
    SafeId,
    target_id,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Failure, Request, Response
from providers.settings import BaseUrl, Secret, SigningKey, signed
from providers.transport.request import path_segment

TOKEN_LIFE: Final = timedelta(minutes=5)
"""† Life of a signed token.

A token with a ``jti`` may live for an hour. Ours must outlast a request and the difference of two clocks.
"""

_CAMPAIGN: Final = {
    # The page shows {{campaignType}} here, but its table says campaignId, so the id is sent.
    "agentassist-v1": "/agentassist/api/v1/public/{IId}/campaign/{campaignId}",
    "campaign-v2": "/campaign/api/v2/public/{IId}/campaign/{campaignId}",  # † there it is called {streamId}
}
_TRIGGER: Final = {  # †
    "agentassist-v1": "/campaign/api/v1/public/{IId}/campaign/{campaignId}",
    "campaign-v2": "/api/v2/public/{IId}/campaign/trigger/{campaignId}",  # not below /campaign
}
_TEMPLATE = re.compile(r"(?:/(?:\{IId\}|\{campaignId\}|[A-Za-z0-9_~-][A-Za-z0-9._~-]*))+")

_DONE: Final = {
    # The second word is † the other documented answer. † A trigger answers with the campaign's own status.
    Kind.DELETE_CAMPAIGN: (
        {"success", "Deleted"},
        Code.DELETED,
        "Kore.ai deleted the campaign. This can't be undone.",
    ),
    # Not documented: whether calls in progress continue.
    Kind.STOP_CAMPAIGN: ({"Stopped"}, Code.STOPPED, "Kore.ai stopped the campaign."),
    Kind.START_CAMPAIGN: ({"Active"}, Code.STARTED, "Kore.ai started the campaign: it calls people."),
}
"""For each kind of action: the top-level ``status`` of a success, its code and its message."""
_FAILURES: Final = frozenset({"failure", "failed", "error"})
_TRIGGERS: Final = {Kind.STOP_CAMPAIGN: "stop", Kind.START_CAMPAIGN: "play"}
_FACTS: Final = {"name": "name", "status": "status before", "dialingMode": "dialling", "createdAt": "created"}
"""The fields of a campaign that a summary shows, with their labels."""
_LONGEST_FACT: Final = 100
"""Characters of a field's value in a summary, at most."""
_LONGEST_NAME: Final = 200
"""Characters of a campaign's name, at most.

More than people are shown, so that a part is never taken for the whole name.
"""

_CHECK: Final = "Check this connection's base_url, app_id and account_id"
_ADVICE: Final = {
    # The page's first sentence says "an active voice campaign", but its sample reply is of a stopped one.
    Kind.DELETE_CAMPAIGN: "look at the campaign in Kore.ai, and stop it if it is running. The document "
    f"contradicts itself on whether an active campaign can be deleted. {_CHECK}",
    Kind.STOP_CAMPAIGN: f"look at the campaign in Kore.ai: it may not be running. {_CHECK}",
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

    ``base_url`` is the environment's address, with or without ``https://``. ``app_id`` (``st-…``) is part of
    the path. The header ``iid`` is *assumed* to be the same. The setting ``iid`` overrides it.

    A connection has either ``token``, a JWT made elsewhere, or the ``client_id`` and ``client_secret`` of the
    JWT app. The latter sign a token for each request. ``subject`` is that token's ``sub`` (*assumed*: any
    value will do). ``jti`` adds an id and an expiry, for an app that enforces them †. Without ``jti`` the
    token does not expire (*assumed*: no example has an expiry).

    ``api_style`` campaign-v2 is undocumented † and needs ``allow_undocumented``. ``path_template`` replaces
    its path to delete and to look up. ``trigger_template`` † replaces its path to stop and to start.
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
    """Adapter for Kore.ai."""

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
    requests_a_minute = 60  # † for each account
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
        """The settings to check, which depend on how this connection gets its token."""
        way_in = "client_id and client_secret" if self.settings.token is None else "token"
        return (
            f"check this connection's {way_in}, app_id and account_id. In Kore.ai the JWT app must have the "
            "API scope “Campaign Management”"
        )

    @property
    def budget(self) -> str:
        """† The account: Kore.ai counts requests for each one, whatever its apps and connections."""
        return f"{self.provider} {self.settings.base_url} {self.settings.account_id}"

    def account(self) -> tuple[str, ...]:
        """Return the app's ids in path and header, the account's id, and the path templates."""
        trigger = (self._trigger,) if self.settings.allow_undocumented else ()
        return (self.settings.app_id, self._iid, self.settings.account_id, self._template, *trigger)

    def build(self, action: CallAction, context: Context) -> Request:
        """Build DELETE for the campaign, without a body, or † POST {} to trigger it."""
        token = self._token(context)
        if isinstance(action, DeleteCampaign):
            return self._request("DELETE", self._template, action, token)
        request = self._request("POST", self._trigger, action, token)
        trigger = {"trigger": _TRIGGERS[action.kind]}
        return replace(request, query={**request.query, **trigger}, document={})

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:
        """† Build GET for the campaign, or POST for the status of one to stop or to start.

        Return None unless the connection allows undocumented requests. *Assumed*: ``campaignType`` does no
        harm there, although neither page shows it.
        """
        if not self.settings.allow_undocumented:
            return None
        # A look-up needs its own token: the action's request may be made at the same instant.
        token = self._token(context, "look-up")
        if action.kind not in _TRIGGERS:
            return self._request("GET", self._template, action, token)
        request = self._request("POST", f"{self._template}/status", action, token)
        return replace(request, query={**request.query, "view": "status"})

    def verdict(self, reply: Response) -> bool | None:
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

    def error_messages(self, reply: Response) -> Sequence[JsonValue]:
        """Return ``message``, ``error`` and † each ``msg`` of ``errors``.

        Other fields may hold campaigns' names.
        """
        errors = reply.value("errors")
        told = [one.get("msg") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        return [reply.value("message"), reply.value("error"), *told]

    def parse(self, action: CallAction, reply: Response) -> Outcome | None:
        """Accept the documented top-level ``status`` as success.

        The ``status`` in ``data`` is the campaign's earlier one.
        """
        said, code, message = _DONE[action.kind]
        if reply.status != HTTPStatus.OK or reply.value("status") not in said:
            return None
        campaign = reply.inside("data")
        named = reply.value("_id") if campaign.value("_id") is None else campaign.value("_id")
        outcome = self.done(action, code, message, named=named)
        return _with_record(outcome, campaign) if isinstance(action, DeleteCampaign) else outcome

    def parse_look_up(self, action: CallAction, reply: Response) -> LookupResult | None:
        """† Return that the campaign was found for 200 with the same id, else None.

        The id is ``_id`` of a campaign, and ``id`` of a status. *Assumed*: 404 means that there is no such
        campaign.
        """
        campaign = reply.inside("data")
        there = reply.status == HTTPStatus.OK and reply.value("status") == "success"
        if there and campaign.reference("_id", "id") == target_id(action):
            done = action.kind in _TRIGGERS and campaign.value("status") in _DONE[action.kind][0]
            return self.lookup_found(action, _fact(campaign, "name", _LONGEST_NAME), done=done)
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
            # The content type is documented, although there is no body.
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
                    # Two attempts at an action need different ids: the second would count as a replay.
                    claims["jti"] = f"{context.action_id}-{context.now:%Y%m%dT%H%M%S%f}{purpose}"
                    claims["exp"] = int((context.now + TOKEN_LIFE).timestamp())
                return signed(claims, secret)
            case _:
                raise CannotSendError(
                    "This connection has no token. Your CallOps admin adds it: token, or client_id and "
                    "client_secret.",
                    code=Code.CONFIG_ERROR,
                )


def _with_record(outcome: Outcome, campaign: Response) -> Outcome:
    """Return the outcome with a copy of the campaign, whichever it was. It may be all that is left of it."""
    record = campaign.whole()
    warnings: tuple[str, ...] = ()
    if record is None:
        warnings = ("Kore.ai sent no copy of the campaign, so there is no record of what it was.",)
    elif campaign.value("_id") is None:
        warnings = ("Kore.ai didn't say which campaign it deleted. Check it there.",)
    told = [f"{words}: {fact}" for key, words in _FACTS.items() if (fact := _fact(campaign, key))]
    more = {"record": record, "summary": "; ".join(told) or None, "warnings": warnings}
    return outcome.model_copy(update=more)


def _fact(campaign: Response, key: str, longest: int = _LONGEST_FACT) -> str | None:
    """Return a text field of the campaign in one line, with its numbers masked, or None."""
    text = campaign.value(key)
    return campaign.redactor.record(" ".join(text.split())[:longest]) if isinstance(text, str) else None
