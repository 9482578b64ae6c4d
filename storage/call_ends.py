"""The form of a reported end of a call in the log: the event, its erasable part, and the way back."""

import json
from collections.abc import Mapping
from typing import Final

from providers.actions import CallEnd
from storage.event_log.hash_chain import microseconds, moment
from storage.models import Scalar

END: Final = "end"
"""The personal field with the erasable part, as JSON: the provider's word, the length and the links."""

_ERASABLE: Final = {"word", "seconds", "link", "recording"}


def end_data(end: CallEnd) -> tuple[dict[str, Scalar], dict[str, str]]:
    """Return an end as an event's data and its erasable part."""
    data: dict[str, Scalar] = {"ending": end.ending, "try": end.try_number, "again": end.again}
    if end.next_at is not None:
        data["next_at"] = microseconds(end.next_at)
    erasable = end.model_dump(include=_ERASABLE, exclude_none=True)
    return data, {END: json.dumps(erasable, sort_keys=True)} if erasable else {}


def as_end(data: Mapping[str, Scalar], erasable: str | None) -> CallEnd:
    """Return the end in an event's data, with its erasable part if that is kept."""
    next_at = data.get("next_at")
    kept = json.loads(erasable) if erasable else {}
    return CallEnd.model_validate(
        {"ending": data["ending"], "try_number": data["try"], "again": bool(data["again"]), **kept}
        | ({} if next_at is None else {"next_at": moment(int(next_at))})
    )
