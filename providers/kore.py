"""Kore.ai: delete a voice campaign.

Facts: the page "Delete Voice Campaign API" of https://docs.kore.ai. What is marked † comes from its other
pages; what no page says is marked *assumed*. No page documents a failure: all their rows are assumed.
"""

import json
import re
import warnings
from collections.abc import Mapping
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
    Status,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Reply, Request, failed
from providers.connection import BaseUrl, Secret
from providers.request import path_segment

TOKEN_LIFE: Final = timedelta(minutes=5)
"""† A token with a ``jti`` may live for an hour; ours need to outlast one request and two clocks."""

_PATHS: Final = {
    # Where the page shows {{campaignType}}, its table says campaignId: that is what goes there.
    "agentassist-v1": "/agentassist/api/v1/public/{IId}/campaign/{campaignId}",
    "campaign-v2": "/campaign/api/v2/public/{IId}/campaign/{campaignId}",  # † there {streamId}
}
_TEMPLATE = re.compile(r"(?:/(?:\{IId\}|\{campaignId\}|[A-Za-z0-9_~-][A-Za-z0-9._~-]*))+")

_RATE_TEXT = re.compile(r"rate limit", re.IGNORECASE)
"""† "Rate limit for this API has been reached", with no word of a status."""

_FAILURES: Final = frozenset({"failure", "failed", "error"})
_PERHAPS_ACTIVE: Final = (
    "No page of Kore.ai says whether an active campaign can be deleted: look at it there, stop it if it is "
    "running, and ask again."
)
_FACTS: Final = {"name": "name", "status": "status before", "dialingMode": "dialling", "createdAt": "created"}
"""What a summary tells of a campaign, and in which words; ``status`` is the one before the deletion."""

_LONGEST_FACT: Final = 100
"""Characters of one fact in a summary."""


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

    ``api_style`` campaign-v2 is beyond the document †. ``path_template`` is sent to instead of its path.
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
    capabilities = (Capability(Kind.DELETE_CAMPAIGN, target=CampaignRef, irreversible=True),)
    requests_a_minute = 60  # † an account

    def account(self) -> tuple[str, ...]:
        """The app, as path and header have it, the account, and the path."""
        return (self.settings.app_id, self._iid, self.settings.account_id, self._template)

    def build(self, action: CallAction, context: Context) -> Request:
        """DELETE …/public/{IId}/campaign/{campaignId}?campaignType=voice, without a body."""
        match action:
            case DeleteCampaign(target=CampaignRef(campaign_id=campaign_id)):
                app = path_segment(self.settings.app_id, name="app_id")
                campaign = path_segment(campaign_id, name="campaign_id")
                account = {"accountId": self.settings.account_id}
                in_query = account if self.settings.api_style == "campaign-v2" else {}
                return Request(
                    method="DELETE",
                    path=self._template.replace("{IId}", app).replace("{campaignId}", campaign),
                    query=in_query | {"campaignType": "voice"},
                    headers={"auth": self._token(context)},  # without "Bearer"
                    # The type is documented, although there is nothing of that type.
                    plain_headers={"iid": self._iid, **account, "Content-Type": "application/json"},
                )
            case _:
                raise self.unsupported(action)

    def parse(self, action: CallAction, reply: Reply) -> Outcome | None:
        """Success is the top-level ``status``; the one in ``data`` is the campaign's before that."""
        match action, reply.status, reply.value("status"):
            case DeleteCampaign(target=CampaignRef(campaign_id=asked)), 200, "success":
                return _deleted(asked, reply.inside("data"))
            case _ if _RATE_TEXT.search(json.dumps(reply.document)):
                return self.rate_limited(action, reply)
            case _, 200, str(status) if status in _FAILURES:
                code = Code.REJECTED
                message = f"Kore.ai did not delete the campaign{reply.quoted()}. {_PERHAPS_ACTIVE}"
            case _, 400, _:
                code = Code.INVALID_REQUEST
                message = (
                    f"Kore.ai found the request invalid{reply.quoted()}. Check this connection's app_id and "
                    f"account_id. {_PERHAPS_ACTIVE}"
                )
            case _, 401 | 403, _:
                way_in = "client_id and client_secret" if self.settings.token is None else "token"
                code = Code.AUTH_FAILED
                message = (
                    f"Kore.ai does not accept the token. Check this connection's {way_in}, app_id and "
                    "account_id, and in Kore.ai that the JWT app has the API scope “Campaign Management”."
                )
            case _, 404, _:
                code = Code.NOT_FOUND
                message = (
                    "Kore.ai did not find this campaign, or not in this app. Compare the id with Kore.ai, "
                    "and check this connection's base_url, app_id and account_id."
                )
            case _:
                return None
        return failed(code, message)

    @property
    def _iid(self) -> str:
        return self.settings.iid or self.settings.app_id

    @property
    def _template(self) -> str:
        return self.settings.path_template or _PATHS[self.settings.api_style]

    def _token(self, context: Context) -> str:
        match self.settings:
            case KoreSettings(token=SecretStr() as token):
                return token.get_secret_value()
            case KoreSettings(client_id=str(client_id), client_secret=SecretStr() as secret):
                claims: dict[str, str | int] = {"sub": self.settings.subject, "appId": client_id}
                if self.settings.jti:
                    # Two attempts at one action must not have the same: it would count as a replay.
                    claims["jti"] = f"{context.action_id}-{context.now:%Y%m%dT%H%M%S%f}"
                    claims["exp"] = int((context.now + TOKEN_LIFE).timestamp())
                return _signed(claims, secret)
            case _:
                raise Refused("This connection has no token.", code=Code.CONFIG_ERROR)


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


def _summary(campaign: Reply) -> str | None:
    known = ((words, campaign.value(key)) for key, words in _FACTS.items())
    told = [
        f"{words}: {' '.join(fact.split())[:_LONGEST_FACT]}" for words, fact in known if isinstance(fact, str)
    ]
    return campaign.redactor.record("; ".join(told)) or None
