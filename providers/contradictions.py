"""Finds contradictions in a successful reply: an error, words of a failure, or another target.

A success counts only if nothing else in the document denies it. An unknown outcome harms nobody, but a false
success does.
"""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from providers.actions import CallAction, CancelCall, NumberRef, PlaceCall, target_id
from providers.transport.response import Response

_DENIED: Final = re.compile(
    r"\b(?:could not|couldn't|cannot be (?:cancel|delet|plac|start|stopp)\w*"
    r"|(?:was|were) not|unable to|failed|failure|not (?:found|allowed|permitted|possible|scheduled)"
    r"|does not exist|already (?:in progress|being|started|completed|ended|over|attempted|dialled|answered)"
    r"|in progress|insufficient)\b",
    re.IGNORECASE,
)
"""Words in a message that contradict a success: *assumed*, and rather too many than too few."""
_ERRORS: Final = ("error", "errors")
_LEAST_ERROR: Final = 400
_CALL_IDS: Final = frozenset({"callid"})
_CAMPAIGN_IDS: Final = frozenset({"campaignid", "_id"})
_NUMBERS: Final = frozenset({"tonumber", "customernumber", "phonenumber"})


def denies_success(reply: Response) -> bool:
    """Return whether a document reports a failure, whatever else it says."""
    code = reply.value("statusCode")
    said = (reply.value(key) for key in ("message", "status"))
    return (
        any(reply.value(key) for key in _ERRORS)
        or reply.value("success") is False
        or (isinstance(code, int) and code >= _LEAST_ERROR)
        or any(isinstance(words, str) and _DENIED.search(words) for words in said)
    )


def names_another(action: CallAction, reply: Response) -> bool:
    """Return whether a document names another call, campaign or number than the action's."""
    asked = target_id(action)
    ids = _CALL_IDS if isinstance(action, CancelCall) else _CAMPAIGN_IDS
    if asked is not None:
        return any(str(named) != asked for named in _under(ids, reply.document))
    match action:
        case PlaceCall(to=to) | CancelCall(target=NumberRef(to=to)):
            return any(_is_other_number(named, to) for named in _under(_NUMBERS, reply.document))
        case _:
            return False


def _under(keys: frozenset[str], document: JsonValue) -> Iterator[JsonValue]:
    """Yield the values of some keys, in any spelling, at the top level and in ``data``."""
    data = document.get("data") if isinstance(document, dict) else None
    for part in (document, *(data if isinstance(data, list) else [data])):
        for key, value in part.items() if isinstance(part, dict) else ():
            if value is not None and (key in keys or re.sub(r"[_-]", "", key).casefold() in keys):
                yield value


def _is_other_number(named: JsonValue, asked: str) -> bool:
    """Return whether a number differs from the requested one.

    The number may be in national format. A masked one counts as the same.
    """
    digits = re.sub(r"[\s()+.-]", "", str(named)).lstrip("0")
    return digits.isascii() and digits.isdigit() and not asked.endswith(digits)
