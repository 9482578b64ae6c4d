"""Secrets of a connection, which its table names as `env:NAME` or `file:PATH`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, SecretStr

from bot.config.environment import Environment, UnreadableFileError, secret_in

NOT_IN_THE_FILE: Final = 'secrets come from the environment or a file: write "env:NAME" or "file:PATH"'
_ENVIRONMENT_WORD: Final = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_FILE_WORD: Final = re.compile(r"file:(?P<path>.+)")
_UNSET: Final = "unset-" * 4
"""A valid value in place of a missing secret, so that the connection's other keys are checked."""


@dataclass(slots=True)
class ConnectionSecrets:
    """The secrets of one connection, from the environment and from files."""

    _environment: Environment
    files: list[Path] = field(default_factory=list)
    """The files that the table names, whether they are there or not."""

    written_out: list[str] = field(default_factory=list)
    """Keys that hold a secret itself."""

    _unset: list[str] = field(default_factory=list, init=False)
    _unreadable: list[str] = field(default_factory=list, init=False)

    def resolve(self, table: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        """Return a table with the secrets in place of their names, and note each that is missing."""
        return {key: self._value(key, value, model) for key, value in table.items()}

    def missing(self) -> str | None:
        """Return why the connection is off, None if it has all its secrets."""
        unset = [f"{' and '.join(self._unset)} not set"] if self._unset else []
        return ", and ".join([*unset, *self._unreadable]) or None

    def _value(self, key: str, value: object, model: type[BaseModel]) -> object:
        if isinstance(value, str) and (named := _ENVIRONMENT_WORD.fullmatch(value)):
            found = self._environment.get(named["name"])
            self._unset += [] if found else [named["name"]]
            return found or _UNSET
        if isinstance(value, str) and (named := _FILE_WORD.fullmatch(value)):
            path = named["path"]
            self.files.append(Path(path))
            try:
                return secret_in(path)
            except UnreadableFileError as error:
                self._unreadable.append(f"{path} can't be read: {error}")
                return _UNSET
        setting = model.model_fields.get(key)
        if setting is not None and any(_secret_types(setting.annotation)):
            self.written_out.append(key)
            return _UNSET
        return value


def _secret_types(annotation: object) -> Iterator[bool]:
    """Yield for each part of a setting's type whether it is a secret. Some are optional."""
    yield annotation is SecretStr
    for part in get_args(annotation):
        yield from _secret_types(part)
