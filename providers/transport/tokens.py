"""JSON Web Tokens (RFC 7519, HS256) that an adapter signs itself. Pure."""

import warnings
from collections.abc import Mapping
from typing import Annotated

import jwt
from jwt.warnings import InsecureKeyLengthWarning
from pydantic import AfterValidator, SecretStr

from providers.settings import Secret


def signed(claims: Mapping[str, str | int], secret: SecretStr) -> str:
    """Return a token of these claims. Raises `jwt.InvalidKeyError` for what is another kind of key."""
    with warnings.catch_warnings():
        # PyJWT warns of fewer than 32 bytes; how long its secrets are is for the provider to say.
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(dict(claims), secret.get_secret_value(), algorithm="HS256")


def _signs(secret: SecretStr) -> SecretStr:
    try:
        signed({}, secret)
    except jwt.InvalidKeyError as fault:
        raise ValueError("is another kind of key than a client secret; copy it from the JWT app") from fault
    return secret


SigningKey = Annotated[Secret, AfterValidator(_signs)]
"""A client secret that tokens are signed with."""
