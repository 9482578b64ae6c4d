"""What stopping all calls to a number did, as a value. Pure."""

from dataclasses import dataclass, field

from providers.phone import Phone
from storage.models import Request, Stop


@dataclass
class Report:
    """What a stop did: ``fresh`` is False where a person had stopped the number already.

    ``cancelling`` are the requests it made; ``not_cancelled`` says by connection why there is none;
    ``withdrawn``, ``going_out`` and ``unsure`` are requests to call that were waiting, are being sent at this
    moment, or of which nobody knows whether they went out.
    """

    phone: Phone
    stop: Stop
    fresh: bool
    cancelling: list[Request] = field(default_factory=list)
    not_cancelled: dict[str, str] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    going_out: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
