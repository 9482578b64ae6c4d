"""What can be asked of a voice provider, and what its answer means: words that belong to no provider.

Everything here is a frozen value. The adapters, the log and the Slack surfaces all speak these words, and
nobody invents synonyms. A call action is provider-neutral: it names the configured agent as people do, never
the provider's id for it; the adapter looks that up when it builds the request.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

E164_PATTERN = r"^\+[1-9][0-9]{6,14}$"
"""E.164 with its plus; fifteen digits at most (ITU-T E.164), seven at least (the shortest numbers in use)."""

SAFE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
"""What may go into a URL's path. Stricter than any provider: httpx would resolve ``../..`` inside a path."""

CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
"""A time of day as ``HH:MM`` on the 24-hour clock."""


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)


E164 = Annotated[str, Field(pattern=E164_PATTERN)]
SafeId = Annotated[str, Field(pattern=SAFE_ID_PATTERN)]
ClockTime = Annotated[str, Field(pattern=CLOCK_PATTERN)]
AgentName = Annotated[str, Field(min_length=1, max_length=128)]


class Frozen(BaseModel):
    """A value: never changed after it was made, and a field nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """What someone wants done."""

    PLACE_CALL = "place_call"
    CANCEL_CALL = "cancel_call"
    DELETE_CAMPAIGN = "delete_campaign"
    STOP_CAMPAIGN = "stop_campaign"
    START_CAMPAIGN = "start_campaign"


class CallRef(Frozen):
    """One call, by the id its provider gave it."""

    by: Literal["call_id"] = "call_id"
    call_id: SafeId


class NumberRef(Frozen):
    """All calls that an agent still has scheduled to a number (CallKaro cancels that way)."""

    by: Literal["number"] = "number"
    agent: AgentName
    to: E164


class CampaignRef(Frozen):
    """One campaign, by the id its provider gave it."""

    by: Literal["campaign_id"] = "campaign_id"
    campaign_id: SafeId


class PlaceCall(Frozen):
    """Call a number now, or at a time. Minutes for gaps; times of day are in the connection's zone."""

    kind: Literal[Kind.PLACE_CALL] = Kind.PLACE_CALL
    to: E164
    agent: AgentName
    at: Annotated[AwareDatetime, AfterValidator(_whole_seconds)] | None = None
    retries: int | None = None
    gap: int | tuple[int, ...] | None = None
    earliest: ClockTime | None = None
    latest: ClockTime | None = None
    carry_over: bool | None = None
    priority: int | None = None
    language: str | None = None
    batch: str | None = None
    metadata: dict[str, JsonValue] | None = None

    @property
    def optional_fields(self) -> frozenset[str]:
        """The names of the optional fields that were given: what an adapter must be able to express."""
        return frozenset(self.model_dump(exclude_none=True)) - {"kind", "to", "agent"}


class CancelCall(Frozen):
    """Cancel a call that has not gone out yet."""

    kind: Literal[Kind.CANCEL_CALL] = Kind.CANCEL_CALL
    target: Annotated[CallRef | NumberRef, Field(discriminator="by")]


class DeleteCampaign(Frozen):
    """Delete a voice campaign. It cannot be undone."""

    kind: Literal[Kind.DELETE_CAMPAIGN] = Kind.DELETE_CAMPAIGN
    target: CampaignRef


class StopCampaign(Frozen):
    """Stop a voice campaign: it calls nobody more until it is started again."""

    kind: Literal[Kind.STOP_CAMPAIGN] = Kind.STOP_CAMPAIGN
    target: CampaignRef


class StartCampaign(Frozen):
    """Start a voice campaign that is ready or was stopped: it calls people."""

    kind: Literal[Kind.START_CAMPAIGN] = Kind.START_CAMPAIGN
    target: CampaignRef


_AnyAction = PlaceCall | CancelCall | DeleteCampaign | StopCampaign | StartCampaign
CallAction = Annotated[_AnyAction, Field(discriminator="kind")]


def target_id(action: CallAction) -> str | None:
    """Return the provider's id of what an action is aimed at; None for a call to place, or a number."""
    match action:
        case CancelCall(target=CallRef(call_id=found)):
            return found
        case DeleteCampaign(target=ref) | StopCampaign(target=ref) | StartCampaign(target=ref):
            return ref.campaign_id
        case _:
            return None


class Status(StrEnum):
    """What a provider's answer means for us.

    ``refused`` is decided here, before any request. ``unknown`` means that a request may have had its effect
    and nobody has told us: the only honest word for a lost answer.
    """

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Code(StrEnum):
    """The outcome in one word, the same for every provider."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    STOPPED = "stopped"
    STARTED = "started"
    INVALID_REQUEST = "invalid_request"
    AUTH_FAILED = "auth_failed"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    COMPLIANCE_BLOCKED = "compliance_blocked"
    CONFIG_ERROR = "config_error"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    NOT_ALLOWED = "not_allowed"
    DRY_RUN = "dry_run"
    NO_ANSWER = "no_answer"
    CONNECTION_LOST = "connection_lost"
    SERVER_ERROR = "server_error"
    UNREADABLE_REPLY = "unreadable_reply"


class Retry(StrEnum):
    """Whether the system itself may order another attempt after this outcome.

    ``never``; ``safe``: certainly not sent, three requests in all; ``after``: not processed, again once
    ``retry_after`` has passed; ``idempotent``: by id, so a second request does no more than the first, three
    requests in all; ``short_window``: only within 30 s and under a lock; ``verify``: a person or a look-up
    decides first.
    """

    NEVER = "never"
    SAFE = "safe"
    AFTER = "after"
    IDEMPOTENT = "idempotent"
    SHORT_WINDOW = "short_window"
    VERIFY = "verify"


class Outcome(Frozen):
    """What came of one request, or of refusing to make it.

    ``message`` is ours: what happened and what to do about it, without a number or a name in it. ``raw`` is
    the provider's reply, redacted and cut, for the log's erasable rows. ``reference`` is the provider's id
    for what was done. ``retry_after`` is in seconds, None where the provider named no time that can be read.
    ``pause`` is the seconds to leave the whole connection alone, because its rate is spent or nearly so.
    ``headers`` are those of the reply that are worth keeping, with nothing secret in them.

    ``record`` is the last copy of what is gone: the provider's own JSON, whole (a reply has 1 MiB at most),
    with nothing but secrets taken out; numbers and names are in it, so it belongs in erasable rows and in
    no channel. ``summary`` is what people read of it, in one line with its numbers masked; names are in it.
    """

    status: Status
    code: Code
    message: str
    retry: Retry = Retry.NEVER
    reference: str | None = None
    retry_after: float | None = None
    pause: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    http_status: int | None = None
    raw: str | None = None
    record: str | None = None
    summary: str | None = None
    warnings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _unknown_is_never_simply_retried(self) -> Self:
        if self.status is Status.UNKNOWN and self.retry in {Retry.SAFE, Retry.AFTER}:
            raise ValueError("an unknown outcome was not certainly unsent")
        if self.status in {Status.OK, Status.REFUSED} and self.retry is not Retry.NEVER:
            raise ValueError(f"nothing is left to retry after {self.status}")
        return self


class Sighting(Frozen):
    """What a look-up of a target answered: whether the provider has it, None where it would not say.

    ``name`` is what people call the target: one line with its numbers masked. ``message`` is ours, for the
    log: what was asked and answered. ``put_off``: the provider did not look, because its rate was spent;
    ``pause``: seconds that it asks to be left alone.
    """

    found: bool | None
    message: str
    name: str | None = None
    put_off: bool = False
    pause: float | None = None


class CallEnd(StrEnum):
    """What became of one try of a placed call, as its provider tells it."""

    ANSWERED = "answered"
    VOICEMAIL = "voicemail"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"
    NOT_REACHED = "not_reached"
    NOT_DIALLED = "not_dialled"
    DELETED = "deleted"
    UNCLEAR = "unclear"

    @property
    def rang(self) -> bool:
        """Whether a phone rang: nothing else proves that a call took place."""
        return self in {CallEnd.ANSWERED, CallEnd.VOICEMAIL, CallEnd.REJECTED, CallEnd.NO_ANSWER}


class Notice(Frozen):
    """What a provider told by itself, through a webhook, about one try of a call of ours.

    ``action_id`` is our own id, as the provider gives it back; ``number`` whom it called, for comparison;
    ``attempt`` counts the provider's tries from 0, None where it does not say.
    """

    action_id: str
    message: str
    end: CallEnd
    number: E164 | None = None
    reference: str | None = None
    attempt: int | None = None


class Refused(Exception):
    """An action that is not sent: what is wrong with it, and the field it is wrong in."""

    def __init__(self, message: str, *, code: Code = Code.INVALID_REQUEST, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Capability:
    """One kind of action that a provider can be asked for.

    ``target`` is what it is aimed at (None: a call to be placed), ``fields`` the optional fields of
    `PlaceCall` it can express. ``removes_all``: it takes away everything that matches, not one call.
    ``source`` is how well it is known: from the document, from the provider's other pages, or assumed.
    """

    kind: Kind
    target: type[CallRef | NumberRef | CampaignRef] | None = None
    fields: frozenset[str] = frozenset()
    irreversible: bool = False
    removes_all: bool = False
    source: Literal["documented", "undocumented", "assumed"] = "documented"
