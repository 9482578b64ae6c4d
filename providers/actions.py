"""Provider-neutral values: the actions that CallOps requests, and the outcomes of those requests.

Every value is frozen. The adapters, the store and the Slack app all use these types. A call action names the
configured agent as people do. The adapter looks up the provider's id when it builds the request.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from providers import ProviderError

E164_PATTERN = r"^\+[1-9][0-9]{6,14}$"
"""E.164 with its plus: at most fifteen digits (ITU-T E.164), at least seven (the shortest numbers in use)."""

SAFE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"
"""Ids that may stand in a URL's path.

Stricter than any provider: httpx would resolve ``../..`` inside a path.
"""

HTTPS_PATTERN = r"^https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!#-;=?-\[\]-{}~]{0,1900})?$"
"""An address on the web, without the characters that end a link in Slack."""

LONGEST_SECONDS = 86_400
"""Bound of a call's length, a day."""

MOST_TRIES = 1_000
"""Bound of the number of a try."""

WORD_PATTERN = r"^[A-Za-z]([A-Za-z _-]{0,62}[A-Za-z])?$"
"""A provider's word for an end. Without digits, so that it holds no number."""

CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
"""A time of day as ``HH:MM`` on the 24-hour clock."""


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)


E164 = Annotated[str, Field(pattern=E164_PATTERN)]
SafeId = Annotated[str, Field(pattern=SAFE_ID_PATTERN)]
ClockTime = Annotated[str, Field(pattern=CLOCK_PATTERN)]
AgentName = Annotated[str, Field(min_length=1, max_length=128)]


class Frozen(BaseModel):
    """Base of frozen values that reject unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    """Type of an action."""

    PLACE_CALL = "place_call"
    CANCEL_CALL = "cancel_call"
    DELETE_CAMPAIGN = "delete_campaign"
    STOP_CAMPAIGN = "stop_campaign"
    START_CAMPAIGN = "start_campaign"
    PLACE_LIST = "place_list"
    CANCEL_LIST = "cancel_list"

    @property
    def of_rows(self) -> "Kind":
        """The kind of each row's action if this is a call list, else the kind itself."""
        return {Kind.PLACE_LIST: Kind.PLACE_CALL, Kind.CANCEL_LIST: Kind.CANCEL_CALL}.get(self, self)

    @property
    def is_list(self) -> bool:
        """True for a call list. No provider is asked about it: its rows become requests of their own."""
        return self is not self.of_rows


SINGLE_KINDS = tuple(kind for kind in Kind if not kind.is_list)
"""The kinds that a provider carries out and a rule names."""


class CallRef(Frozen):
    """A call, by the id that its provider gave it."""

    by: Literal["call_id"] = "call_id"
    call_id: SafeId


class NumberRef(Frozen):
    """All calls that an agent still has scheduled to a number (CallKaro cancels that way)."""

    by: Literal["number"] = "number"
    agent: AgentName
    to: E164


class CampaignRef(Frozen):
    """A campaign, by the id that its provider gave it."""

    by: Literal["campaign_id"] = "campaign_id"
    campaign_id: SafeId


class PlaceCall(Frozen):
    """Call a number now, or at a time.

    Gaps are in minutes. Times of day are in the connection's time zone.
    """

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
        """The names of the optional fields that were given. The adapter must be able to express them."""
        return frozenset(self.model_dump(exclude_none=True)) - {"kind", "to", "agent"}


class CancelCall(Frozen):
    """Cancel a call that has not been made yet."""

    kind: Literal[Kind.CANCEL_CALL] = Kind.CANCEL_CALL
    target: Annotated[CallRef | NumberRef, Field(discriminator="by")]


class DeleteCampaign(Frozen):
    """Delete a voice campaign. It cannot be undone."""

    kind: Literal[Kind.DELETE_CAMPAIGN] = Kind.DELETE_CAMPAIGN
    target: CampaignRef


class StopCampaign(Frozen):
    """Stop a voice campaign. It makes no more calls until it is started again."""

    kind: Literal[Kind.STOP_CAMPAIGN] = Kind.STOP_CAMPAIGN
    target: CampaignRef


class StartCampaign(Frozen):
    """Start a voice campaign that is ready or was stopped. It calls people."""

    kind: Literal[Kind.START_CAMPAIGN] = Kind.START_CAMPAIGN
    target: CampaignRef


class CallList(Frozen):
    """Place or cancel the calls of a file, a request for each row.

    ``list`` is where the store keeps the rows, and ``rows_sha256`` the hash over all of them. ``sha256`` is
    the file's. ``rows`` counts the rows to carry out. ``skipped`` counts the others by their reason.
    ``agents`` counts the rows by voice agent, and ``fingerprints`` says where each leads. ``closed`` rows
    wait for calling hours. ``before`` are earlier requests with the same file.
    ``countries`` counts the rows by country, ``hours`` by the hour of the call (ISO 8601 in UTC, empty for
    now). ``sample`` are the first numbers, masked.
    """

    kind: Literal[Kind.PLACE_LIST, Kind.CANCEL_LIST]
    list: int
    name: str
    sha256: str
    rows_sha256: str
    rows: int = Field(gt=0)
    skipped: dict[str, int] = {}
    countries: dict[str, int] = {}
    hours: dict[str, int] = {}
    sample: tuple[str, ...] = ()
    agents: dict[str, int] = {}
    fingerprints: dict[str, str] = {}
    closed: int = 0
    before: tuple[str, ...] = ()


_CallAction = PlaceCall | CancelCall | DeleteCampaign | StopCampaign | StartCampaign
CallAction = Annotated[_CallAction, Field(discriminator="kind")]
"""An action that a provider carries out."""
RequestedAction = Annotated[_CallAction | CallList, Field(discriminator="kind")]
"""A person's request for a target: such an action, or a call list."""


def target_id(action: RequestedAction) -> str | None:
    """Return the provider's id of an action's target. Return None for a new call or a number."""
    match action:
        case CancelCall(target=CallRef(call_id=found)):
            return found
        case DeleteCampaign(target=ref) | StopCampaign(target=ref) | StartCampaign(target=ref):
            return ref.campaign_id
        case _:
            return None


class Status(StrEnum):
    """Meaning of a provider's response for an action.

    ``refused`` is decided by CallOps, before any request. ``unknown`` means that the response was lost, and
    that the request may have been executed.
    """

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Code(StrEnum):
    """Reason for an outcome, the same for every provider."""

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
    """Condition under which CallOps itself may send another attempt after an outcome.

    - ``never``: no further attempt.
    - ``safe``: the request was certainly not sent. Three requests at most.
    - ``after``: the request was not processed. Retry once ``retry_after`` has passed.
    - ``idempotent``: the target is an id, so a second request does no more than the first. Three requests at
      most.
    - ``short_window``: retry only within 30 s and under a lock.
    - ``verify``: a person or a look-up decides first.
    """

    NEVER = "never"
    SAFE = "safe"
    AFTER = "after"
    IDEMPOTENT = "idempotent"
    SHORT_WINDOW = "short_window"
    VERIFY = "verify"


class Outcome(Frozen):
    """Result of a request to a provider, or of refusing to send one.

    ``message`` is written by CallOps: what happened and what to do about it. It holds no number and no name.
    ``raw`` is the provider's reply, redacted and cut, for the log's erasable rows. ``reference`` is the
    provider's id of the result. ``retry_after`` is in seconds, None unless the provider named a readable
    time. ``pause`` is the time in seconds without requests to the connection, when its rate limit is used up
    or nearly so. ``headers`` are the response headers worth keeping. They hold no secret.

    ``record`` is the provider's last copy of a deleted target. It is the provider's own JSON (a reply has 1
    MiB at most), and only secrets are removed. It holds numbers and names, so it belongs in erasable rows and
    in no channel. ``summary`` is that copy in a line for people. Its numbers are masked, but names are in it.
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


class LookupResult(Frozen):
    """Result of a look-up. ``found`` is None when the provider did not say whether it has the target.

    ``end`` is how a placed call ended, None if it is not over, or if that was not the question.
    ``done`` means that the target shows the effect of the action: it is cancelled, stopped or started.
    ``name`` is the target's name in one line, with its numbers masked: a campaign's name, or the number of a
    call. ``call_time`` is the time of a call that is still scheduled. ``message`` is written by CallOps for
    the log: the question and the answer. ``put_off`` means that the provider did not look, because its rate
    limit was used up. ``pause`` is the time in seconds without requests that it asks for.
    """

    found: bool | None
    message: str
    end: "CallEnd | None" = None
    done: bool = False
    name: str | None = None
    call_time: AwareDatetime | None = None
    put_off: bool = False
    pause: float | None = None


class Ending(StrEnum):
    """The category of a try's end at a placed call, as its provider reports it."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    NOT_REACHED = "not_reached"
    NOT_DIALLED = "not_dialled"
    DELETED = "deleted"
    FAILED = "failed"
    OTHER = "other"

    @property
    def rang(self) -> bool:
        """Return whether a phone rang. Nothing else proves that a call took place."""
        return self in {Ending.ANSWERED, Ending.VOICEMAIL, Ending.REJECTED, Ending.NO_ANSWER}

    @property
    def reached(self) -> bool | None:
        """Return whether a person was reached, None if the provider's word does not say."""
        return None if self is Ending.OTHER else self is Ending.ANSWERED


class CallEnd(Frozen):
    """The end of a provider's try at a placed call, as it reports it. Nothing in it is inferred.

    ``word`` is the provider's own word for it. ``seconds`` is the length of the conversation. ``try_number``
    counts the provider's tries from 0, None if it does not say. ``again`` means that the provider tries
    again, at ``next_at`` if it says when. ``link`` and
    ``recording`` are its addresses of the call and of its recording.
    """

    ending: Ending
    word: str | None = Field(default=None, pattern=WORD_PATTERN)
    seconds: int | None = Field(default=None, ge=0, lt=LONGEST_SECONDS)
    try_number: int | None = Field(default=None, ge=0, lt=MOST_TRIES)
    again: bool = False
    next_at: AwareDatetime | None = None
    link: str | None = Field(default=None, pattern=HTTPS_PATTERN)
    recording: str | None = Field(default=None, pattern=HTTPS_PATTERN)


class ProviderEvent(Frozen):
    """A provider's report on the end of a try at a call that CallOps placed.

    ``action_id`` is CallOps' own id, as the provider returns it. If it is None, ``reference``, the provider's
    own id, names the call. ``number`` is the called number, for comparison. ``message`` tells the end in a
    sentence.
    """

    action_id: str | None
    message: str
    end: CallEnd
    number: E164 | None = None
    reference: str | None = None


class CannotSendError(ProviderError):
    """The action cannot be sent. ``message`` says why, and ``field`` names the invalid field."""

    def __init__(self, message: str, *, code: Code = Code.INVALID_REQUEST, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Capability:
    """A kind of action that a provider supports.

    ``target`` is the type of its target, None for a new call. ``fields`` are the optional fields of
    `PlaceCall` that the provider can express. ``removes_all`` means that the action removes everything that
    matches, not a single call. ``source`` says how well the capability is known: from the document, from the
    provider's other pages, or assumed.
    """

    kind: Kind
    target: type[CallRef | NumberRef | CampaignRef] | None = None
    fields: frozenset[str] = frozenset()
    irreversible: bool = False
    removes_all: bool = False
    source: Literal["documented", "undocumented", "assumed"] = "documented"
