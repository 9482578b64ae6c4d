"""Voxworks: cancels a call that is still scheduled. Undocumented: places or schedules a call, looks one up.

Facts: the page "Cancel call" of https://docs.voxworks.ai with its OpenAPI 3.1 part, read 2026-11. Facts
marked † come from its pages "Create phone call", "Get call", "Get call result", and "Triggers" and "Field
mapping" of its automations. The schemas of the replies were not seen. Facts that no page states are marked
*assumed*.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from providers.actions import (
    E164,
    E164_PATTERN,
    AgentName,
    CallAction,
    CallEnd,
    CallRef,
    CancelCall,
    CannotSendError,
    Code,
    Ending,
    Kind,
    LookupResult,
    Outcome,
    PlaceCall,
    ProviderEvent,
    target_id,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Failure, Request, Response
from providers.phone import InvalidNumberError, mask, national
from providers.settings import BaseUrl, OpaqueId, Secret
from providers.transport.request import local_time, metadata_words, path_segment
from providers.webhooks import WebhookWord, describe_end, https_link, own_word, safe_id, whole_seconds

_E164: Final = re.compile(E164_PATTERN)
_NAMES: Final = {"first_name": "first_name", "last_name": "last_name"}
"""† The fields of a contact besides its number. A call takes only these two as metadata."""

_CANCELLED: Final = frozenset({"cancelled", "canceled"})
"""The words of a cancelled call's ``status``: *assumed*."""
_GOES_ON: Final = frozenset({"scheduled", "queued", "pending", "ringing", "in-progress"})
"""The words of a call that is not over: *assumed*."""
_ENDINGS: Final = {
    "completed": Ending.ANSWERED,  # assumed, since the others are how a call was not answered
    "failed": Ending.FAILED,
    "voicemail": Ending.VOICEMAIL,
    "rang-out": Ending.NO_ANSWER,
    "user-rejected": Ending.REJECTED,
    "rejected": Ending.REJECTED,
    # The page does not say what these mean, so only their words are told.
    "dropout": Ending.OTHER,
    "hang-up": Ending.OTHER,
    "user-unavailable": Ending.OTHER,
    "unavailable": Ending.OTHER,
}
"""† The words of the automations' "Call status filter". That `get-call` has the same is *assumed*."""


class VoxworksSettings(ConnectionSettings):
    """A Voxworks account.

    Only for placing calls †: ``from_number`` is the account's number that calls. ``agents`` maps the names
    that people type to the scripts' ids. ``number_format`` is the format of a contact's number. The page's
    example is national, ``0429069971``, beside a caller in E.164. That E.164 is accepted is *assumed*.
    ``webhook_secret`` is the last part of the address to which an automation posts the ends of calls.
    """

    base_url: BaseUrl = "https://api.voxworks.ai"
    api_key: Secret
    webhook_secret: WebhookWord | None = None
    from_number: E164 | None = None
    agents: dict[AgentName, OpaqueId] = Field(default_factory=dict)
    number_format: Literal["e164", "national"] = "e164"

    @model_validator(mode="after")
    def _a_webhook_is_undocumented(self) -> Self:
        if self.webhook_secret is not None and not self.allow_undocumented:
            raise ValueError("webhook_secret needs more: add allow_undocumented = true to this connection")
        return self


class Voxworks(Adapter):
    """Adapter for Voxworks."""

    provider = "voxworks"
    title = "Voxworks"
    support = "Voxworks' support"
    settings_type = VoxworksSettings
    settings: VoxworksSettings
    capabilities = (
        Capability(Kind.CANCEL_CALL, target=CallRef),
        Capability(Kind.PLACE_CALL, fields=frozenset({"at", "metadata"}), source="undocumented"),
    )

    failures = (
        # "Missing or invalid request data". Also for a call no longer scheduled: assumed.
        Failure(400, Code.INVALID_REQUEST),
        Failure(401, Code.AUTH_FAILED),
        Failure(
            404,
            Code.NOT_FOUND,
            "compare this connection's agents (the scripts) and from_number with Voxworks",
            frozenset({Kind.PLACE_CALL}),
        ),
        # The answer is the same for a call that does not exist and for one that belongs to another team.
        Failure(
            404,
            Code.NOT_FOUND,
            "compare the id with Voxworks. Compare this connection's api_key with the call's team",
        ),
    )
    advice: ClassVar[Mapping[Kind, str]] = {
        Kind.CANCEL_CALL: "look at the call in Voxworks: it may not be scheduled any more",
        Kind.PLACE_CALL: "check the number and the time, and this connection's from_number and agents",
    }
    documented_messages = ("Invalid API key", "Rate limit exceeded", "Internal server error")
    key_check = "compare this connection's api_key with the one in Voxworks"

    @property
    def agents(self) -> tuple[str, ...]:
        """The names under ``agents`` if this connection may place calls, else none."""
        return tuple(self.settings.agents) if self.settings.allow_undocumented else ()

    def agent_id(self, agent: str) -> str | None:
        """Return the script's id under ``agents``, or None."""
        return self.settings.agents.get(agent)

    def caller(self) -> tuple[str, ...]:
        """Return the number that calls, if there is one."""
        return (self.settings.from_number,) if self.settings.from_number else ()

    def build(self, action: CallAction, context: Context) -> Request:
        """Build POST /api/v1/cancel-call/{call_id}, without a body, or † POST /api/v1/create-phone-call."""
        match action:
            case CancelCall(target=CallRef(call_id=call_id)):
                path = f"/api/v1/cancel-call/{path_segment(call_id, name='call_id')}"
                return Request(path=path, headers=self._key)
            case PlaceCall():
                at = None if action.at is None else _scheduled_time(action.at, context.now)
                return Request(
                    path="/api/v1/create-phone-call",
                    headers=self._key,
                    document=self._call(action, at),
                    provider_time=at,
                    zone="UTC" if at else None,
                )
            case _:
                raise self.unsupported(action)

    def build_look_up(self, action: CallAction, context: Context) -> Request | None:  # noqa: ARG002 - an id says it all
        """† Build GET /api/v1/get-call/{call_id}. Return None unless the connection allows it."""
        match action:
            case CancelCall(target=CallRef(call_id=call_id)) if self.settings.allow_undocumented:
                path = f"/api/v1/get-call/{path_segment(call_id, name='call_id')}"
                return Request(method="GET", path=path, headers=self._key)
            case _:
                return None

    def parse_look_up(self, action: CallAction, reply: Response) -> LookupResult | None:
        """† Return what 200 with the requested call says of it: scheduled, cancelled, or neither.

        *Assumed*: each field of ``call``. One that is missing says nothing.
        """
        call = reply.inside("call")
        if reply.status != HTTPStatus.OK or call.reference("call_id", "id") != target_id(action):
            return None
        match _word(call.value("status")):
            case "" | "scheduled":
                number = call.inside("contact").value("phone_number")
                name = mask(number) if isinstance(number, str) and _E164.fullmatch(number) else None
                return self.lookup_found(action, name, call_time=_time(call.value("scheduled_time")))
            case word if word in _CANCELLED:
                return self.lookup_found(action, done=True)
            case _:
                return LookupResult(found=None, message="Voxworks doesn't say that this call is scheduled.")

    def build_end(self, call_id: str, known: CallEnd | None, context: Context) -> Request | None:  # noqa: ARG002 - an id says it all
        """† Build GET /api/v1/get-call/{call_id}, then GET /api/v1/get-call-result/{call_id} for the rest."""
        if not self.settings.allow_undocumented or (known and known.ending is Ending.DELETED):
            return None
        endpoint = "get-call-result" if known else "get-call"
        path = f"/api/v1/{endpoint}/{path_segment(call_id, name='call_id')}"
        return Request(method="GET", path=path, headers=self._key)

    def parse_end(self, call_id: str, known: CallEnd | None, reply: Response) -> CallEnd | None:
        """† Read the ``call`` of 200. *Assumed*: all its fields. Summary and transcript are left alone."""
        call = reply.inside("call")
        if reply.status != HTTPStatus.OK or call.reference("call_id", "id") != call_id:
            return known
        if known is not None:
            recording = https_link(call.value("recording_url"))
            return known.model_copy(update={"recording": recording}) if recording else known
        over = call.value("ended_at") is not None
        return _end(call.value("status"), over=over, seconds=whole_seconds(call.value("duration")))

    @property
    def tells_ends(self) -> bool:
        """Return whether calls may be asked for, with or without a webhook."""
        return self.settings.allow_undocumented

    @property
    def webhook_secret(self) -> str | None:
        """The word under ``webhook_secret``."""
        secret = self.settings.webhook_secret
        return None if secret is None else secret.get_secret_value()

    def parse_webhook(self, document: JsonValue, action_id: str | None = None) -> ProviderEvent | None:  # noqa: ARG002 - found by its own id
        """† Return the event of an automation "Call Completed". It names the call by Voxworks' own id.

        The automation's author chooses what is sent. The names are those of the page "Field mapping", with
        or without ``trigger.``. An interim status is no event.
        """
        fields = document if isinstance(document, dict) else {}
        trigger, contact = fields.get("trigger"), fields.get("contact")
        told = trigger if isinstance(trigger, dict) else fields
        whom = contact if isinstance(contact, dict) else fields
        call_id, number = safe_id(told.get("call_id")), whom.get("phone_number")
        end = _end(told.get("call_status") or told.get("status"), over=True)
        if call_id is None or end is None:
            return None
        return ProviderEvent(
            action_id=None,
            message=describe_end(self.title, end),
            end=end,
            number=number if isinstance(number, str) and _E164.fullmatch(number) else None,
            reference=call_id,
        )

    def verdict(self, reply: Response) -> bool | None:
        """Return ``success`` if it is true or false. † Without it, the id of a placed call means success."""
        match reply.value("success"):
            case bool(success):
                return success
            case None if reply.reference("call_id"):
                return True
            case _:
                return None

    def parse(self, action: CallAction, reply: Response) -> Outcome | None:
        """Accept ``success: true`` to a cancellation and † 201 to a call as success.

        ``status`` is free text and stays in the raw reply.
        """
        match action, reply.status, reply.value("success"):
            # The schema does not require `success`, so only true or false counts.
            case CancelCall(), 200, True:
                named = reply.value("call_id")
                return self.done(action, Code.CANCELLED, "Voxworks cancelled the call.", named=named)
            case PlaceCall(), 201, True | None if self.verdict(reply):
                # *Assumed*: the key is named as in the reply to a cancellation.
                untracked = "it can be followed and cancelled in Voxworks only"
                return self.placed(action, reply.reference("call_id"), untracked=untracked)
            case _:
                return None

    def _call(self, action: PlaceCall, at: str | None) -> dict[str, JsonValue]:
        caller = self.settings.from_number
        if caller is None:
            raise CannotSendError(
                "This connection has no number to call from. Your CallOps admin adds it: from_number, with "
                "+ and country code.",
                code=Code.CONFIG_ERROR,
            )
        names = metadata_words(action.metadata, _NAMES, title=self.title)
        call: dict[str, JsonValue] = {
            "from_number": caller,
            "script_id": self.known_agent(action.agent),
            "contact": {"phone_number": self._number(action.to), **names},
        }
        # Without a time the field is left out: the call is made at once (assumed).
        return call if at is None else {**call, "scheduled_time": at}

    @property
    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"}

    def _number(self, to: str) -> str:
        try:
            return national(to) if self.settings.number_format == "national" else to
        except InvalidNumberError as fault:
            raise CannotSendError(str(fault), field="to") from fault


def _scheduled_time(at: datetime, now: datetime) -> str:
    """† Return the call's time in the format of the page's example, ``2026-02-25T09:00:00Z``."""
    return local_time(at, UTC, now).strftime("%Y-%m-%dT%H:%M:%SZ")


def _end(status: JsonValue, *, over: bool, seconds: int | None = None) -> CallEnd | None:
    """Return the end that a status tells, None for a call that goes on and for a missing status.

    A word that no page has is an end only if the call is ``over`` by another sign.
    """
    word = _word(status)
    ending = Ending.DELETED if word in _CANCELLED else _ENDINGS.get(word)
    if word in _GOES_ON or not word or (ending is None and not over):
        return None
    return CallEnd(ending=ending or Ending.OTHER, word=own_word(status), seconds=seconds or None)


def _word(status: JsonValue) -> str:
    """Return a call's status in small letters with hyphens, an empty text if there is none."""
    return "-".join(re.findall("[a-z]+", status.lower())) if isinstance(status, str) else ""


def _time(value: JsonValue) -> datetime | None:
    """Return a time with its offset, None for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None
