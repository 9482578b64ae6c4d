"""What is asked, by whom, and what comes of it: the values of the services. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot import CallOpsError
from providers.actions import CallAction, Kind, PlaceCall
from providers.phone import Phone
from storage.models import DoNotCallEntry, Person, Request


@dataclass(frozen=True, slots=True)
class Reschedule:
    """The call that a cancellation is to move: its entry, and what is placed once it is cancelled."""

    entry: str
    replacement: PlaceCall


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """What somebody wants done, complete, but not asked yet."""

    connection: str
    actions: Sequence[CallAction]
    reason: str | None = None
    purpose: str | None = None
    consent: str | None = None
    reported_call_time: datetime | None = None
    """When a call to be cancelled goes out, as the person says; what the log knows counts more."""
    reschedules: Reschedule | None = None
    second_step_of: str | None = None
    """The move whose second step this is."""
    zone: str | None = None
    """The time zone of whoever is called (an IANA name), as the person says."""

    @property
    def kind(self) -> Kind:
        """What all its actions are."""
        return self.actions[0].kind


@dataclass(frozen=True, slots=True)
class RequestSource:
    """Where a request came from: the person, the channel, and the keys that make it once."""

    person: Person
    channel: str | None
    delivery_key: str
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class CreateResult:
    """What came of asking: a new request, or the one that the same intent had made (``fresh`` is False).

    ``joined`` are the requests that ask already for the ``ignored_words`` targets; where that is all of them,
    ``request`` is the first of those, and nothing was recorded.
    """

    request: Request
    created: bool
    duplicates_of: tuple[Request, ...] = ()
    left_out: int = 0

    @property
    def nothing_new(self) -> bool:
        """Whether everything had been asked before."""
        return self.request in self.duplicates_of


class PermissionDeniedError(CallOpsError):
    """The rules say no; ``why`` is for the person, ``request`` where the refusal itself was recorded."""

    def __init__(self, why: Sequence[str], request: Request | None = None) -> None:
        super().__init__(" ".join(why))
        self.why = tuple(why)
        self.request = request


class Settlement(StrEnum):
    """What an entitled person says of an unknown."""

    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did_not_happen"
    RETRY_REQUESTED = "retry_requested"
    """Nobody knows; send it again."""


@dataclass
class DoNotCallResult:
    """What a stop did: ``fresh`` is False where a person had stopped the number already.

    ``cancelling`` are the requests it made; ``not_cancelled`` says by connection why there is none;
    ``withdrawn``, ``going_out`` and ``unsure`` are requests to call that were waiting, are being sent at this
    moment, or of which nobody knows whether they went out.
    """

    phone: Phone
    stop: DoNotCallEntry
    created: bool
    cancelling: list[Request] = field(default_factory=list)
    not_cancelled: dict[str, str] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    going_out: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
