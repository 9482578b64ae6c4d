"""`callops health`: asks the running bot for `/healthz`, for a container or a supervisor to judge by."""

import http.client
import json
from argparse import Namespace
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Final

from bot.config.environment import ConfigError, Environment
from bot.text.terminal import complain, say

WITHIN: Final = 5.0
"""Seconds for the connection, and for the answer."""
_EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it
"""Addresses to listen on that stand for all of them, each with one that can be asked."""


def run(_: Namespace, variables: Mapping[str, str]) -> int:
    """Print whether the bot at `HOST` and `PORT` is healthy, and return 0 if it is, otherwise 1."""
    faults: list[str] = []
    environment = Environment(variables, faults)
    host, port = environment.host(), environment.port()
    if faults:
        raise ConfigError(faults)
    try:
        failures = _failures(_EVERY_ADDRESS.get(host, host), port)
    except (OSError, http.client.HTTPException, ValueError) as error:
        complain(f"The bot doesn't answer at {host}, port {port}: {error}")
        return 1
    complain(*failures)
    if not failures:
        say("healthy")
    return int(bool(failures))


def _failures(host: str, port: int) -> list[str]:
    """Return the failures that the bot names. Raises `OSError`, `HTTPException` or `ValueError`."""
    with closing(http.client.HTTPConnection(host, port, timeout=WITHIN)) as connection:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        if answer.status == HTTPStatus.OK:
            return []
        told = json.loads(answer.read())
    if not isinstance(told, dict) or not told.get("failures"):
        raise ValueError(f"status {answer.status}")
    return [str(one) for one in told["failures"]]
