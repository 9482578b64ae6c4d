"""Shared parts of webhooks: the secret segment of their path, and validators for untrusted values."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, JsonValue, SecretStr

from providers.actions import E164_PATTERN, SAFE_ID_PATTERN, CallEnd
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


_REASON: Final = re.compile(r"[A-Z][A-Z_]{0,63}")
TOLD_US: Final = " told us that this "
"""The words by which `bot.ui.request_status` recognises these sentences in an action's message."""
_TOLD: Final = {
    CallEnd.ANSWERED: "It was answered.",
    CallEnd.VOICEMAIL: "A voicemail took it.",
    CallEnd.REJECTED: "It rang, and was declined.",
    CallEnd.NO_ANSWER: "It rang, and nobody answered.",
    CallEnd.NOT_REACHED: "The phone didn't ring.",
    CallEnd.NOT_DIALLED: "It wasn't dialled.",
    CallEnd.UNCLEAR: "They didn't say whether a phone rang.",
}


def describe_end(title: str, end: CallEnd, reason: JsonValue = None, *, again: bool = False) -> str:
    """Return the sentence on how an attempt at a call ended, the same for all providers.

    ``reason`` is the provider's own word, shown only if it is a word in capitals. ``again`` means that the
    provider will make another attempt.
    """
    if end is CallEnd.DELETED:
        return f"{title}{TOLD_US}scheduled call was deleted. It won't go out."
    shown = not end.rang and isinstance(reason, str) and _REASON.fullmatch(reason)
    word = f" {title}'s reason: {reason}." if shown else ""
    more = f" {title} tries again." if again else ""
    return f"{title}{TOLD_US}call ended. {_TOLD[end]}{word}{more}"


def safe_id(value: JsonValue) -> str | None:
    """Return a value that is a valid id, None for anything else."""
    return value if isinstance(value, str) and re.fullmatch(SAFE_ID_PATTERN, value) else None


def e164(value: JsonValue) -> str | None:
    """Return a phone number in E.164, given with or without its plus, None for anything else."""
    found = f"+{value.removeprefix('+')}" if isinstance(value, str) else ""
    return found if re.fullmatch(E164_PATTERN, found) else None
