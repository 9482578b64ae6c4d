"""What webhooks have in common: the secret word in their path, and reading what may hold anything."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, JsonValue, SecretStr

from providers.actions import E164_PATTERN, SAFE_ID_PATTERN
from providers.connection import Secret

_WORD: Final = re.compile(r"[A-Za-z0-9_-]{22,128}")
"""Plain in a URL's path; 22 characters of base64url are 128 bits, so many that nobody guesses them."""


def _unguessable(secret: SecretStr) -> SecretStr:
    if not _WORD.fullmatch(secret.get_secret_value()):
        raise ValueError(
            "must be 22 to 128 random letters, digits, - and _: nothing else tells the provider from others; "
            "make one with  python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return secret


WebhookWord = Annotated[Secret, AfterValidator(_unguessable)]
"""The last word of a webhook's path, which only the provider and we know."""


def safe_id(value: JsonValue) -> str | None:
    """An id of ours or of the provider's; None for anything else."""
    return value if isinstance(value, str) and re.fullmatch(SAFE_ID_PATTERN, value) else None


def e164(value: JsonValue) -> str | None:
    """A phone number in E.164, written with its plus or without; None for anything else."""
    found = f"+{value.removeprefix('+')}" if isinstance(value, str) else ""
    return found if re.fullmatch(E164_PATTERN, found) else None
