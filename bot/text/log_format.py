"""The process's log as JSON, and the request, connection and attempt that each of its lines is about."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

from bot.text.terminal import json_text

LogFormat = Literal["text", "json"]
LogFields = Mapping[str, str | int]
_NONE: Final[LogFields] = MappingProxyType({})
_current: ContextVar[LogFields] = ContextVar("log_fields", default=_NONE)


def log_about(
    *, request: str | None = None, connection: str | None = None, attempt: int | None = None
) -> None:
    """Let all later lines of this asyncio task, and of tasks that it makes, be about these."""
    said = {"request": request, "connection": connection, "attempt": attempt}
    _current.set({**_current.get(), **{name: value for name, value in said.items() if value is not None}})


def log_fields() -> LogFields:
    """Return what a line that is logged here is about."""
    return _current.get()


class JsonFormatter(logging.Formatter):
    """Formats each record as a JSON object on one line. A traceback is its member ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON, with its time in UTC (RFC 3339)."""
        line: dict[str, str | int] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "fields", _NONE)
        if record.exc_text:
            line["exception"] = record.exc_text
        return json_text(line)
