"""Kore.ai: delete a voice campaign; beyond the document, look one up, stop it and start it.

Facts: the page "Delete Voice Campaign API" of https://docs.kore.ai, read 2026-11. What is marked † comes from
its other pages: "Get", "Stop" and "Start Voice Campaign API", the second versions of all four, and those on
tokens and limits. What no page says is marked *assumed*. No page documents a failure: all their rows are
assumed.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

import jwt
from jwt.warnings import InsecureKeyLengthWarning
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

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
    StartCampaign,
    Status,
    StopCampaign,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Reply, Request, failed
from providers.connection import BaseUrl, Secret
from providers.request import path_segment

TOKEN_LIFE: Final = timedelta(minutes=5)
"""† A token with a ``jti`` may live for an hour; ours need to outlast one request and two clocks."""


@dataclass(frozen=True, slots=True)
class _Style:
    """The paths of one version of the API, and whether the account stands in the query too."""

    campaign: str
    trigger: str
    account_in_query: bool


_STYLES: Final = {
    "agentassist-v1": _Style(
        # Where the page shows {{campaignType}}, its table says campaignId: that is what goes there.
        campaign="/agentassist/api/v1/public/{IId}/campaign/{campaignId}",
        trigger="/campaign/api/v1/public/{IId}/campaign/{campaignId}",  # †
        account_in_query=False,
    ),
    "campaign-v2": _Style(  # † there it is called {streamId}
        campaign="/campaign/api/v2/public/{IId}/campaign/{campaignId}",
        trigger="/api/v2/public/{IId}/campaign/trigger/{campaignId}",  # not below /campaign, as the rest is
        account_in_query=True,
    ),
}
_TEMPLATE = re.compile(r"(?:/(?:\{IId\}|\{campaignId\}|[A-Za-z0-9_~-][A-Za-z0-9._~-]*))+")

_RATE_TEXT = re.compile(r"\brate limit\b[^.“”]*\breached\b", re.IGNORECASE)
"""† "Rate limit for this API has been reached", with no word of a status."""

_FAILURES: Final = frozenset({"failure", "failed", "error"})
_LOOK: Final = {
    Kind.DELETE_CAMPAIGN: "No page of Kore.ai says whether an active campaign can be deleted: look at it "
    "there, stop it if it is running, and ask again.",
    Kind.STOP_CAMPAIGN: "Look at the campaign in Kore.ai: perhaps it is not running. If it is, stop it there "
    "and ask Kore.ai's support.",
    Kind.START_CAMPAIGN: "Look at the campaign in Kore.ai: perhaps it runs already, or lacks something it "
    "needs.",
}
_DELETED_FACTS: Final = {
    "name": "name",
    "status": "status before",
    "dialingMode": "dialling",
    "createdAt": "created",
}
"""What a summary tells of a campaign, and in which words."""

_TRIGGERS: Final = {Kind.STOP_CAMPAIGN: "stop", Kind.START_CAMPAIGN: "play"}

_VERBS: Final = {
    Kind.DELETE_CAMPAIGN: "delete",
    Kind.STOP_CAMPAIGN: "stop",
    Kind.START_CAMPAIGN: "start",
}

_LONGEST_FACT: Final = 100
"""Characters of one fact in a summary."""
_LONGEST_NAME: Final = 200
"""Characters of a campaign's name: more than people are shown, so that a part is never taken for a whole."""


def _with_https(address: object) -> object:
    return f"https://{address}" if isinstance(address, str) and address and "://" not in address else address


def _signed(claims: Mapping[str, str | int], secret: SecretStr) -> str:
    with warnings.catch_warnings():
        # PyJWT warns of fewer than 32 bytes; how long its secrets are is for Kore.ai to say.
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(dict(claims), secret.get_secret_value(), algorithm="HS256")


def _signing_key(secret: SecretStr) -> SecretStr:
    try:
        _signed({}, secret)
    except jwt.InvalidKeyError as fault:
        raise ValueError("is another kind of key than a client secret; copy it from the JWT app") from fault
    return secret


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

    ``api_style`` campaign-v2 is beyond the document † and needs ``beyond_documents``. ``path_template`` is
    sent to instead of its path, to delete and to look up; ``trigger_template`` † to stop and to start.
    """

    base_url: Annotated[BaseUrl, BeforeValidator(_with_https)]
    app_id: SafeId
    iid: SafeId | None = None
    account_id: SafeId
    token: Secret | None = None
    client_id: Annotated[str, Field(min_length=1)] | None = None
    client_secret: Annotated[Secret, AfterValidator(_signing_key)] | None = None
    subject: Annotated[str, Field(min_length=1)] = "CallOps"
    jti: bool = False
    api_style: Literal["agentassist-v1", "campaign-v2"] = "agentassist-v1"
    path_template: Annotated[str, AfterValidator(_path_template)] | None = None
    trigger_template: Annotated[str, AfterValidator(_path_template)] | None = None

    @model_validator(mode="after")
    def _beyond(self) -> Self:
        if self.api_style == "campaign-v2" and not self.beyond_documents:
            raise ValueError(
                'api_style = "campaign-v2" is known from other pages only: add beyond_documents = true, or '
                "take it out"
            )
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
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
        Capability(Kind.STOP_CAMPAIGN, target=CampaignRef, source="beyond"),
        Capability(Kind.START_CAMPAIGN, target=CampaignRef, source="beyond"),
    )
    requests_a_minute = 60  # † an account

    @property
    def budget(self) -> str:
        """† Kore.ai counts for each account, whatever its apps and connections."""
        return f"{self.provider} {self.settings.base_url} {self.settings.account_id}"

    def account(self) -> tuple[str, ...]:
        """The app, as path and header have it, the account, and the paths."""
        trigger = (self._trigger,) if self.settings.beyond_documents else ()
        return (self.settings.app_id, self._iid, self.settings.account_id, self._template, *trigger)

    def build(self, action: CallAction, context: Context) -> Request:
        """DELETE the campaign, without a body, or † POST {} to trigger it."""
        campaign_id = _campaign(action)
        if campaign_id is None:
            raise self.unsupported(action)
        token = self._token(context)
        if isinstance(action, DeleteCampaign):
            return self._request("DELETE", self._template, campaign_id, token)
        request = self._request("POST", self._trigger, campaign_id, token)
        trigger = {"trigger": _TRIGGERS[action.kind]}
        return replace(request, query={**request.query, **trigger}, document={})

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:
        """† GET the campaign. That ``campaignType`` does no harm there is *assumed*: its page shows none."""
        campaign_id = _campaign(action)
        if campaign_id is None or not self.settings.beyond_documents:
            return None
        # Its own token: the request for the action may be made at the same instant.
        return self._request("GET", self._template, campaign_id, self._token(context, "look-up"))

    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """Success is the top-level ``status``; the one in ``data`` is the campaign's before that.

        † To a trigger, the one at the top is the campaign's own, as it is now.
        """
        match action, reply.status, reply.value("status"):
            case DeleteCampaign(target=CampaignRef(campaign_id=asked)), 200, "success":
                return _deleted(asked, reply.inside("data"))
            case StopCampaign(target=CampaignRef(campaign_id=asked)), 200, "Stopped":
                # Whether calls that are under way go on is not said.
                return _triggered(asked, Code.STOPPED, "Kore.ai stopped the campaign.")
            case StartCampaign(target=CampaignRef(campaign_id=asked)), 200, "Active":
                return _triggered(asked, Code.STARTED, "Kore.ai started the campaign: it calls people.")
            case _ if _says_rate_is_spent(reply) and _certainly_not_done(action, reply):
                return self.rate_limited(action, reply)
            case _, 200, str(status) if status in _FAILURES:
                code = Code.REJECTED
                verb, look = _VERBS[action.kind], _LOOK[action.kind]
                message = f"Kore.ai did not {verb} the campaign{reply.quoted()}. {look}"
            case _, 400, _:
                code = Code.INVALID_REQUEST
                message = (
                    f"Kore.ai found the request invalid{reply.quoted()}. Check this connection's app_id and "
                    f"account_id. {_LOOK[action.kind]}"
                )
            case _, 401 | 403, _:
                code, message = Code.AUTH_FAILED, self._not_let_in
            case _, 404, _:
                code = Code.NOT_FOUND
                message = (
                    "Kore.ai did not find this campaign, or not in this app. Compare the id with Kore.ai, "
                    "and check this connection's base_url, app_id and account_id."
                )
            case _:
                return None
        return failed(code, message)

    def parse_look_up(self, action: CallAction, reply: Reply) -> Sighting:
        """† 200 with the campaign asked for: it is there. 404, *assumed*: it is not. Else nobody knows.

        A 404 without JSON is another server's page, not Kore.ai's answer. With the rate text Kore.ai did not
        look.
        """
        match reply.status, reply.value("status"):
            case 200, "success" if reply.inside("data").reference("_id") == _campaign(action):
                campaign = reply.inside("data")
                return Sighting(
                    found=True,
                    message="Kore.ai has this campaign.",
                    name=_name(campaign),
                )
            case _ if _says_rate_is_spent(reply):
                return Sighting(found=None, message="Kore.ai had too many requests.", put_off=True)
            case 404, _ if reply.document is not None:
                return Sighting(found=False, message="Kore.ai has no campaign of this id in this app.")
            case 401 | 403, _:
                return Sighting(found=None, message=self._not_let_in)
            case status, _:
                unclear = f"Kore.ai did not say whether it has this campaign ({status})."
                return Sighting(found=None, message=unclear)

    @property
    def _not_let_in(self) -> str:
        way_in = "client_id and client_secret" if self.settings.token is None else "token"
        return (
            f"Kore.ai does not accept the token. Check this connection's {way_in}, app_id and account_id, "
            "and in Kore.ai that the JWT app has the API scope “Campaign Management”."
        )

    def _request(self, method: str, template: str, campaign_id: str, token: str) -> Request:
        app = path_segment(self.settings.app_id, name="app_id")
        campaign = path_segment(campaign_id, name="campaign_id")
        account = {"accountId": self.settings.account_id}
        return Request(
            method=method,
            path=template.replace("{IId}", app).replace("{campaignId}", campaign),
            query=(account if self._style.account_in_query else {}) | {"campaignType": "voice"},
            headers={"auth": token},  # without "Bearer"
            # The type is documented, although there is nothing of that type.
            plain_headers={"iid": self._iid, **account, "Content-Type": "application/json"},
        )

    @property
    def _iid(self) -> str:
        return self.settings.iid or self.settings.app_id

    @property
    def _template(self) -> str:
        return self.settings.path_template or self._style.campaign

    @property
    def _trigger(self) -> str:
        return self.settings.trigger_template or self._style.trigger

    @property
    def _style(self) -> _Style:
        return _STYLES[self.settings.api_style]

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
                return _signed(claims, secret)
            case _:
                raise Refused(
                    "This connection has no token. Whoever runs CallOps adds it: token, or client_id and "
                    "client_secret.",
                    code=Code.CONFIG_ERROR,
                )


def _campaign(action: CallAction) -> str | None:
    """The id of the campaign that an action is aimed at."""
    match action:
        case DeleteCampaign(target=ref) | StopCampaign(target=ref) | StartCampaign(target=ref):
            return ref.campaign_id
        case _:
            return None


def _says_rate_is_spent(reply: Reply) -> bool:
    """† Whether the rate's words stand where Kore.ai speaks for itself; names elsewhere say nothing."""
    spoken = [reply.value("message"), reply.value("error")]
    match reply.value("errors"):
        case [*errors]:
            spoken += [error.get("msg") for error in errors if isinstance(error, dict)]
        case _:
            pass
    return any(isinstance(words, str) and _RATE_TEXT.search(words) for words in spoken)


def _certainly_not_done(action: CallAction, reply: Reply) -> bool:
    """Whether words alone may say that nothing was done: not of a start, which a second one doubles."""
    return not isinstance(action, StartCampaign) or reply.status // 100 == 4  # noqa: PLR2004 - HTTP


def _deleted(asked: str, campaign: Reply) -> Outcome:
    """``campaign`` is all that is left of it: the reply's ``data``."""
    record, answered = campaign.whole(), campaign.reference("_id")
    if record is None:
        warning = "Kore.ai sent no copy of the campaign, so there is no record of what it was."
    elif answered is None:
        warning = "Kore.ai did not say which campaign it deleted. Look for it there."
    elif answered != asked:
        warning = "Kore.ai deleted another campaign than the one asked for. Look at both there now."
    else:
        warning = None
    return Outcome(
        status=Status.OK,
        code=Code.DELETED,
        message="Kore.ai deleted the campaign. This cannot be undone.",
        reference=answered or asked,
        record=record,
        summary=_summary(campaign),
        warnings=(warning,) if warning else (),
    )


def _triggered(asked: str, code: Code, message: str) -> Outcome:
    return Outcome(
        status=Status.OK, code=code, message=message, reference=asked
    )  # the reply names no campaign


def _name(campaign: Reply) -> str | None:
    match campaign.value("name"):
        case str(name):
            return campaign.redactor.record(" ".join(name.split())[:_LONGEST_NAME]) or None
        case _:
            return None


def _summary(campaign: Reply) -> str | None:
    known = ((words, campaign.value(key)) for key, words in _DELETED_FACTS.items())
    told = [
        f"{words}: {' '.join(fact.split())[:_LONGEST_FACT]}" for words, fact in known if isinstance(fact, str)
    ]
    return campaign.redactor.record("; ".join(told)) or None
