"""Shared parts of webhooks: the secret segment of their path, and validators for untrusted values."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, JsonValue, SecretStr

from providers.actions import (
    E164_PATTERN,
    HTTPS_PATTERN,
    LONGEST_SECONDS,
    SAFE_ID_PATTERN,
    WORD_PATTERN,
    CallEnd,
    Ending,
)
from providers.settings import Secret

_WORD: Final = re.compile(r"[A-Za-z0-9_-]{22,128}")
"""Valid in a URL's path. 22 characters of base64url are 128 bits, which nobody can guess."""


def _unguessable(secret: SecretStr) -> SecretStr:
    if not _WORD.fullmatch(secret.get_secret_value()):
        raise ValueError(
            "must be 22 to 128 random letters, digits, - and _: nothing else tells the provider from others; "
            "make one with  python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return secret


WebhookWord = Annotated[Secret, AfterValidator(_unguessable)]
"""The last segment of a webhook's path, which only the provider and CallOps know."""


TOLD_US: Final = " told us that this "
"""The words by which `bot.ui.request_status` recognises these sentences in an action's message."""
_TOLD: Final = {
    Ending.ANSWERED: "It was answered.",
    Ending.NO_ANSWER: "It rang, and nobody answered.",
    Ending.BUSY: "The line was busy.",
    Ending.VOICEMAIL: "A voicemail took it.",
    Ending.REJECTED: "It rang, and was declined.",
    Ending.INVALID_NUMBER: "It wasn't dialled, because the number isn't valid.",
    Ending.NOT_REACHED: "The phone didn't ring.",
    Ending.NOT_DIALLED: "It wasn't dialled.",
    Ending.FAILED: "It failed.",
    Ending.OTHER: "They didn't say whether a phone rang.",
}
_WORD_OF_THEIRS: Final = re.compile(WORD_PATTERN)
_LINK: Final = re.compile(HTTPS_PATTERN)
_TRY: Final = re.compile(r"\d{1,3}", re.ASCII)
_WHOLE: Final = re.compile(r"\d{1,5}(?:\.\d{1,6})?", re.ASCII)


def describe_end(title: str, end: CallEnd) -> str:
    """Return the sentence on how a try at a call ended, the same for all providers.

    It leaves out the provider's own word, because the log keeps that in an erasable value.
    """
    if end.ending is Ending.DELETED:
        return f"{title}{TOLD_US}scheduled call was deleted. It won't go out."
    more = f" {title} tries again." if end.again else ""
    return f"{title}{TOLD_US}call ended. {_TOLD[end.ending]}{more}"


def own_word(value: JsonValue) -> str | None:
    """Return a provider's word for an end, None for a value that may hold more than a word."""
    return value if isinstance(value, str) and _WORD_OF_THEIRS.fullmatch(value) else None


def https_link(value: JsonValue) -> str | None:
    """Return a value that is an address on the web, None for anything else."""
    return value if isinstance(value, str) and _LINK.fullmatch(value) else None


def whole_seconds(value: JsonValue) -> int | None:
    """Return a length below a day in whole seconds, given as a number or as its digits, else None."""
    text = value if isinstance(value, str) else "" if isinstance(value, bool) else str(value)
    seconds = int(float(text)) if _WHOLE.fullmatch(text) else None
    return seconds if seconds is not None and seconds < LONGEST_SECONDS else None


def naive_time(value: JsonValue, zone: ZoneInfo) -> datetime | None:
    """Return a time in UTC that may be naive, and then is in a zone. Return None for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    try:
        return at and (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None


def count(value: JsonValue) -> int | None:
    """Return the number of a try, given as a number or as its digits, None for anything else."""
    text = value if isinstance(value, str) else "" if isinstance(value, bool) else str(value)
    return int(text) if _TRY.fullmatch(text) else None


def safe_id(value: JsonValue) -> str | None:
    """Return a value that is a valid id, None for anything else."""
    return value if isinstance(value, str) and re.fullmatch(SAFE_ID_PATTERN, value) else None


def e164(value: JsonValue) -> str | None:
    """Return a phone number in E.164, given with or without its plus, None for anything else."""
    found = f"+{value.removeprefix('+')}" if isinstance(value, str) else ""
    return found if re.fullmatch(E164_PATTERN, found) else None
