"""CallKaro: places or schedules a call, and deletes the calls that an agent has scheduled to a number.

Facts: the pages "Create Outbound Call" (with its OpenAPI 3.1 part) and "Delete Schedule Call" of
https://docs.callkaro.ai, read 2026-11. Facts that no page states are marked *assumed* and are settings.
"""

import json
import re
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, JsonValue, model_validator

from providers.actions import (
    AgentName,
    CallAction,
    CallEnd,
    CancelCall,
    CannotSendError,
    Code,
    Ending,
    Kind,
    NumberRef,
    Outcome,
    PlaceCall,
    ProviderEvent,
    Status,
)
from providers.base import Adapter, Capability, ConnectionSettings, Context, Failure, Request, Response
from providers.settings import OPAQUE_ID, BaseUrl, OpaqueId, Secret
from providers.transport.request import local_time
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

LANGUAGES: Final = ("hi", "en", "kn", "mr", "ta", "te", "bn", "gu", "ml")
RETRIES: Final = range(11)
PRIORITIES: Final = range(-100, 101)
ACTION_ID_KEY: Final = "callops_action_id"
"""Key of CallOps' action id in ``metadata``, if it is sent. The webhook returns it."""

_COMPLIANCE = re.compile("DND_NUMBER|VERIFICATION_REQUIRED")
"""Codes from CallKaro's other pages. The key that holds them is assumed."""
_SEE_LIST: Final = "see https://callkaro.ai/dashboard/settings?tab=dnd-phones"
_NOTHING_THERE = re.compile(
    r"\b(?:no|0|zero)\b(?: \w+){0,3} (?:calls?|schedules?|deleted|removed)\b"
    r"|\b(?:deleted|removed|calls?): ?0\b|\bnot found\b|\bnothing\b|\bnone\b",
    re.IGNORECASE,
)
"""Words for "nothing was deleted" in a successful deletion: *assumed*, since no page has such words."""
_LOOK_FOR_CALLS: Final = (
    "look in CallKaro whether a call to this number is scheduled. Check this connection's agents and "
    "number_format"
)

_ENDED: Final = "call_ended"
"""† The only event of CallKaro's webhooks (page "Call Ended Event"). It is sent once for each attempt."""
_INBOUND: Final = -1
"""† The ``try_count`` of a call that a customer made."""
_ENDS: Final = {
    "CLIENT_INITIATED": Ending.ANSWERED,
    "PARTICIPANT_REMOVED": Ending.ANSWERED,
    "SESSION_TIMEOUT": Ending.ANSWERED,
    "VOICEMAIL_DETECTED": Ending.VOICEMAIL,
    "USER_REJECTED": Ending.REJECTED,
    "USER_UNAVAILABLE": Ending.NO_ANSWER,
    "USER_UNRESPONSIVE": Ending.NOT_REACHED,
    "INVALID_PHONE_NUMBER": Ending.INVALID_NUMBER,
    "PRE_CALL_FN_FAILED": Ending.NOT_DIALLED,
    "OUTSIDE_TRIGGER_WINDOW": Ending.NOT_DIALLED,
    "DELETED_SCH_CALL_ALL": Ending.DELETED,
    "DELETED_SCH_CALL_ONE": Ending.DELETED,
}
"""† The meaning of each ``hangup_reason`` (page "Hangup Reasons"). ``UNKNOWN`` is not explained there."""


def _zone_name(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as fault:  # unknown, a folder such as Asia, or a path
        raise ValueError("is not a time zone; write one like Asia/Kolkata") from fault
    return name


class CallKaroSettings(ConnectionSettings):
    """A CallKaro account.

    - ``timezone`` (IANA) is the zone of ``schedule_at`` and of the daily window: *assumed*, no page says it.
    - ``schedule_format`` is that of the examples, or with the UTC offset.
    - ``number_format`` is the format of a number in a deletion.
    - ``allow_raw_agents`` accepts an agent's id in place of a name under ``agents``.
    - ``send_action_id`` adds CallOps' action id to the metadata, where the agent's prompt can see it.
    - ``webhook_secret`` is the last segment of the path to which CallKaro reports ended calls. Webhooks are
      unsigned, so the segment is a secret.
    """

    base_url: BaseUrl = "https://api.callkaro.ai"
    api_key: Secret
    timezone: Annotated[str, AfterValidator(_zone_name)] = "Asia/Kolkata"
    # Opaque, because the document's own example has 25 characters, one more than the ids it looks like.
    agents: dict[AgentName, OpaqueId] = Field(default_factory=dict)
    allow_raw_agents: bool = False
    schedule_format: Literal["naive", "offset"] = "naive"
    number_format: Literal["digits", "e164"] = "digits"
    send_action_id: bool = False
    webhook_secret: WebhookWord | None = None

    @model_validator(mode="after")
    def _a_webhook_can_be_understood(self) -> Self:
        if self.webhook_secret is not None:
            needed = {"allow_undocumented": self.allow_undocumented, "send_action_id": self.send_action_id}
            if lines := " and ".join(f"{name} = true" for name, there in needed.items() if not there):
                raise ValueError(f"webhook_secret needs more: add {lines} to this connection")
        return self


class CallKaro(Adapter):
    """Adapter for CallKaro."""

    provider = "callkaro"
    title = "CallKaro"
    support = "support@callkaro.ai"
    settings_type = CallKaroSettings
    settings: CallKaroSettings
    capabilities = (
        Capability(Kind.PLACE_CALL, fields=frozenset(PlaceCall.model_fields) - {"kind", "to", "agent"}),
        # By agent and number, without an id or a batch: everything scheduled there is deleted.
        Capability(Kind.CANCEL_CALL, target=NumberRef, removes_all=True),
    )

    failures = (
        Failure(400, Code.INVALID_REQUEST),
        Failure(403, Code.AUTH_FAILED),  # not 401
        Failure(
            404,
            Code.NOT_FOUND,
            "compare the agent's id under this connection's agents with CallKaro's dashboard",
            frozenset({Kind.PLACE_CALL}),
        ),
    )
    documented_messages = (
        "Missing X-API-KEY in headers",
        "Invalid or missing API key",
        "Missing agent_id",
        "Missing agent_id in request query",
        "Missing to_number in request",
        "Missing required field: to_number",
        "Agent does not exist",
    )
    key_check = "compare this connection's api_key with https://callkaro.ai/dashboard/api-key"

    @property
    def agents(self) -> tuple[str, ...]:
        """The names under ``agents``."""
        return tuple(self.settings.agents)

    @property
    def raw_agents(self) -> bool:
        """Return whether the connection's settings allow agents' ids."""
        return self.settings.allow_raw_agents

    def agent_id(self, agent: str) -> str | None:
        """Return the id under ``agents``, or the name itself if the connection allows it, else None."""
        return self.settings.agents.get(agent) or (agent if self.settings.allow_raw_agents else None)

    @property
    def webhook_secret(self) -> str | None:
        """The word under ``webhook_secret``."""
        secret = self.settings.webhook_secret
        return None if secret is None else secret.get_secret_value()

    def parse_webhook(self, document: JsonValue, action_id: str | None = None) -> ProviderEvent | None:
        """Return the event of a ``call_ended`` webhook for a call of CallOps. Return None for any other."""
        match document:
            case {"event": event, "data": dict(data)} if event == _ENDED:
                metadata = data.get("call_metadata")
            case _:
                return None
        # The address is the same for all calls, so the id is in the metadata.
        action_id = safe_id(metadata.get(ACTION_ID_KEY)) if isinstance(metadata, dict) else None
        if action_id is None or data.get("try_count") == _INBOUND:
            return None
        end = self._end(data)
        return ProviderEvent(
            action_id=action_id,
            message=describe_end(self.title, end),
            end=end,
            number=e164(data.get("to")),
            # Assumed to be the id in the reply to the placed call. No decision depends on it.
            reference=safe_id(data.get("callSid")),
        )

    def _end(self, data: dict[str, JsonValue]) -> CallEnd:
        reason, again = data.get("hangup_reason"), data.get("next_call_scheduled")
        return CallEnd(
            ending=_ENDS.get(reason, Ending.OTHER) if isinstance(reason, str) else Ending.OTHER,
            word=own_word(reason),
            seconds=whole_seconds(data.get("call_duration")),
            try_number=count(data.get("try_count")),
            again=bool(again),
            next_at=naive_time(again, ZoneInfo(self.settings.timezone)),  # assumed: a time, in this zone
            link=https_link(data.get("call_link")),
            recording=https_link(data.get("recordingUrl")),
        )

    def build(self, action: CallAction, context: Context) -> Request:
        """Build POST /call/outbound, or POST /call/delete-schedule-call with the agent in its query."""
        headers = {"X-API-KEY": self.settings.api_key.get_secret_value()}
        match action:
            case PlaceCall():
                at = None if action.at is None else self._schedule_at(action.at, context.now)
                return Request(
                    path="/call/outbound",
                    headers=headers,
                    document=self._call(action, at, context.action_id),
                    provider_time=at,
                    zone=self.settings.timezone if at or action.earliest or action.latest else None,
                )
            case CancelCall(target=NumberRef(agent=agent, to=to)):
                # The number may have its plus or not, and may be in a form too. This is the first example.
                number = to if self.settings.number_format == "e164" else to.removeprefix("+")
                return Request(
                    path="/call/delete-schedule-call",
                    query={"agent_id": self._agent(agent)},
                    headers=headers,
                    document={"to_number": number},
                )
            case _:
                raise self.unsupported(action)

    def verdict(self, reply: Response) -> bool | None:
        """Read ``status``: its page has "success" with a ``call_id`` and "done" with a ``call_sid``."""
        match reply.value("status"):
            case "success" | "done":  # both occur
                return True
            case "error":
                return False
            case _:
                return None

    def parse(self, action: CallAction, reply: Response) -> Outcome | None:
        """Accept 200 with either word as success. † Find compliance codes in any refusal."""
        own = self.verdict(reply)
        match action, reply.status:
            case PlaceCall(), 200 if own:
                reference = reply.reference("call_id", "call_sid")
                return self.placed(action, reference, untracked="it cannot be followed")
            case _, 200 if own:
                return self._deleted(action, reply)
            case _, 200 | 400 | 403 | 404 if own is False and _COMPLIANCE.search(json.dumps(reply.document)):
                return self.failure(action, reply, Code.COMPLIANCE_BLOCKED, _SEE_LIST)
            case _:
                return None

    def _deleted(self, action: CallAction, reply: Response) -> Outcome:
        """Return the outcome of a deletion.

        *Assumed*: the reply is the same for one call, several or none.
        """
        said = reply.value("message")
        if _counts_none(reply) or (isinstance(said, str) and _NOTHING_THERE.search(said)):
            return self.failure(action, reply, Code.NOT_FOUND, _LOOK_FOR_CALLS)
        message = "CallKaro cancelled all calls of this agent to the number. It doesn't say how many."
        return Outcome(status=Status.OK, code=Code.CANCELLED, message=message)

    def _agent(self, agent: str) -> str:
        # The document's own advice: make sure that the agent exists before deleting its calls.
        agent_id = self.known_agent(agent)
        if not OPAQUE_ID.fullmatch(agent_id):
            raise CannotSendError(
                "That is no agent's id: it has no spaces and at most 128 characters.", field="agent"
            )
        return agent_id

    def _schedule_at(self, at: datetime, now: datetime) -> str:
        """Return the call's time as CallKaro reads it: local time in the connection's zone (*assumed*)."""
        local = local_time(at, ZoneInfo(self.settings.timezone), now)
        if self.settings.schedule_format == "offset":
            return local.isoformat()
        # Declared as date-time, which needs an offset, but no example has one.
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            raise CannotSendError(
                f"The clocks in {self.settings.timezone} go back that night and show this time twice; "
                "CallKaro couldn't tell which one you mean. Choose another time.",
                field="at",
            )
        return local.replace(tzinfo=None).isoformat()

    def _call(self, action: PlaceCall, at: str | None, action_id: str) -> dict[str, JsonValue]:
        _check(action)
        metadata = action.metadata
        if self.settings.send_action_id:
            if ACTION_ID_KEY in (metadata or {}):
                raise CannotSendError(
                    f"{ACTION_ID_KEY} is a name that CallOps uses itself.", field="metadata"
                )
            metadata = {**(metadata or {}), ACTION_ID_KEY: action_id}
        optional: dict[str, JsonValue] = {
            "batch_id": action.batch,
            "metadata": metadata,
            "schedule_at": at,
            "min_trigger_time": action.earliest,
            "max_trigger_time": action.latest,
            "carry_over": action.carry_over,
            # At most as many gaps as retries: 3 retries with [30, 60] is the document's own example.
            "number_of_retries": action.retries,
            "gap_between_retries": list(action.gap) if isinstance(action.gap, tuple) else action.gap,
            "priority": action.priority,
            "language": action.language,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        return {"to_number": action.to, "agent_id": self._agent(action.agent), **given}


def _counts_none(reply: Response) -> bool:
    """Return whether a deletion's count or list is empty. The keys are *assumed*, as in `_NOTHING_THERE`."""
    return any(
        part.value(key) in (0, []) and not isinstance(part.value(key), bool)
        for part in (reply, reply.inside("data"))
        for key in ("deleted", "deleted_count", "deleted_calls", "removed", "count")
    )


def _check(action: PlaceCall) -> None:
    """Raise `CannotSendError` for a value outside the document's limits.

    CallKaro enforces its other limits itself.
    """
    if action.retries is not None and action.retries not in RETRIES:
        raise CannotSendError(f"CallKaro tries again {RETRIES[0]} to {RETRIES[-1]} times.", field="retries")
    if action.priority is not None and action.priority not in PRIORITIES:
        raise CannotSendError(
            f"CallKaro's priorities go from {PRIORITIES[0]} to {PRIORITIES[-1]}.", field="priority"
        )
    if action.language is not None and action.language not in LANGUAGES:
        raise CannotSendError(f"CallKaro's languages are {', '.join(LANGUAGES)}.", field="language")
    if action.carry_over and action.latest is None:
        raise CannotSendError(
            "Carrying over to the next day needs a time until which to call.", field="carry_over"
        )
