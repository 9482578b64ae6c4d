"""Reads the environment and `.env` in the working directory, and decodes text files.

No other module reads the environment, but for the colours of a terminal (`bot.text.terminal`).
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from pydantic import SecretStr

from bot import CallOpsError
from bot.slack.client import is_loopback
from bot.text.log_format import LogFormat
from bot.text.terminal import program

KEY_BYTES = 32
LAST_PORT = 65535
LARGEST_FILE: Final = 16 << 20
"""Bytes that are read of a file: ten thousand rules or four centuries of anchors fit."""
_APP_TOKEN = "make one with connections:write on the Slack app's page Basic Information"  # noqa: S105 - where
_SIGNING_SECRET = "it is on the Slack app's page Basic Information"  # noqa: S105 - where it is
_FORGETFUL = {"DYNO": "Heroku", "K_SERVICE": "Cloud Run"}
"""Platforms whose disk is lost at a restart, by a variable that each sets for its programs
(devcenter.heroku.com/articles/dynos, cloud.google.com/run/docs/container-contract)."""
_OTHER_ENCODINGS: Final = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}
"""Signatures of files in another encoding, and of compressed files."""
_PUBLIC_URL: Final = re.compile(
    r"(https://[A-Za-z0-9.-]{1,253}|http://(127\.0\.0\.1|localhost|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*"
)
_METRICS: Final = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:]+\]):(?P<port>[0-9]{1,5})(?P<open>,unprotected)?"
)
FILE: Final = "_FILE"
"""The end of the name of a variable that holds a secret's file in place of the secret."""
SECRETS: Final = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "CALLOPS_KEY")
_SAVE: Final = "save it as plain text in UTF-8"


class ConfigError(CallOpsError):
    """Errors of the environment and the file, one line each, in the words of the configuration."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class UnreadableFileError(CallOpsError, ValueError):
    """A file that is no text. Its message, the second half of a sentence, names the format and a remedy."""


def read_text(path: Path) -> str:
    """Return a file's text, with a newline at each line's end. Raises `OSError`, `UnreadableFileError`."""
    return decode(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """Return all of a file, pipe or device. Raises `OSError`, `UnreadableFileError`."""
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise UnreadableFileError(f"it is larger than {LARGEST_FILE >> 20} MB")
    return content


def decode(content: bytes) -> str:
    """Return a file's text, from UTF-8 with or without a byte-order mark. Raises `UnreadableFileError`."""
    for mark, name in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            raise UnreadableFileError(f"it is in {name}: {_SAVE}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFileError(f"line {line} isn't in UTF-8: {_SAVE}") from error
    if "\0" in text:  # UTF-16 without a mark, or no text at all
        raise UnreadableFileError(f"it holds bytes that no text has: {_SAVE}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_environment() -> dict[str, str]:
    """Return the environment's variables, over those of `.env`. Raises `ConfigError`."""
    try:
        file = read_text(Path(".env"))
    except FileNotFoundError:
        file = ""
    except UnreadableFileError as error:
        raise ConfigError([f".env can't be read: {error}."]) from error
    except OSError as error:
        raise ConfigError([f".env can't be read: {error.strerror}."]) from error
    said = dotenv_values(stream=StringIO(file))
    outer = dict(os.environ)
    # A secret's file in one place and its value in the other would be two settings of the same thing.
    told = {name.removesuffix(FILE) for name in outer} & {*SECRETS}
    inner = {name: one for name, one in said.items() if one and name.removesuffix(FILE) not in told}
    return inner | outer


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment, where an empty variable is unset, with the errors found in it."""

    _variables: Mapping[str, str]
    _faults: list[str]

    def get(self, name: str) -> str | None:
        """Return a variable, None if it is empty or not set."""
        return self._variables.get(name) or None

    def token(self, name: str, prefix: str, where: str) -> SecretStr:
        """Return a secret. Note an error if it is missing or malformed. ``where`` says where to find it."""
        value, known = self._secret(name)
        if not known:
            return SecretStr("")
        if value is None:
            self._faults.append(f"{name} isn't set: {where}")
        elif not value.startswith(prefix) or not value.isascii() or any(c.isspace() for c in value):
            begins = f"begin with {prefix} and " if prefix else ""
            self._faults.append(f"{name} should {begins}hold no spaces: {where}")
        return SecretStr(value or "")

    def optional(self, name: str, prefix: str, where: str) -> SecretStr | None:
        """Return a secret that may be unset, None if it is. Note an error if it is malformed."""
        return self.token(name, prefix, where) if self.get(name) or self.get(f"{name}{FILE}") else None

    def _secret(self, name: str) -> tuple[str | None, bool]:
        """Return a secret, and False if there is a fault about it already."""
        before = len(self._faults)
        value = secret_of(self._variables, name, self._faults)
        return value, len(self._faults) == before

    def secret_files(self) -> Iterator[Path]:
        """Yield the files that hold secrets: those that variables name, and `.env`."""
        named = [self.get(f"{name}{FILE}") for name in SECRETS]
        yield from (Path(one) for one in (*named, ".env") if one)

    def slack_door(self) -> tuple[SecretStr | None, SecretStr | None]:
        """Return the app-level token and the signing secret. Note an error if neither is set."""
        app_token = self.optional("SLACK_APP_TOKEN", "xapp-", _APP_TOKEN)
        secret = self.optional("SLACK_SIGNING_SECRET", "", _SIGNING_SECRET)
        if app_token is None and secret is None:
            self._faults.append(
                f"SLACK_APP_TOKEN isn't set: {_APP_TOKEN}; or, where Slack reaches you over HTTP, set "
                "SLACK_SIGNING_SECRET from the same page"
            )
        return app_token, secret

    def platform(self) -> str | None:
        """Return the name of a platform whose disk does not last, or None."""
        return next((name for mark, name in _FORGETFUL.items() if self.get(mark)), None)

    def key(self) -> SecretStr:
        """Return the key of the hashes of phone numbers."""
        value, known = self._secret("CALLOPS_KEY")
        if not known:
            return SecretStr("")
        if value is None:
            self._faults.append(f"CALLOPS_KEY isn't set: make one with  {program()} key  and keep it safe")
        elif not is_key(value):
            self._faults.append(
                f"CALLOPS_KEY isn't {KEY_BYTES} bytes as base64: make one with  {program()} key"
            )
        return SecretStr(value or "")

    def database(self) -> Path:
        """Return the path of the log's database file."""
        return database_path(self.get("DATABASE_URL"), self._faults)

    def api_url(self) -> str:
        """Return the base URL of Slack's Web API."""
        url = self.get("SLACK_API_URL") or "https://slack.com/api/"
        if not (url.startswith("https://") or (url.startswith("http://") and is_loopback(url))):
            self._faults.append("SLACK_API_URL must be https, or on this machine")
        return url if url.endswith("/") else url + "/"

    def public_url(self) -> str | None:
        """Return the address under which providers reach CallOps, None if it is not set."""
        url = (self.get("PUBLIC_URL") or "").rstrip("/")
        if url and not _PUBLIC_URL.fullmatch(url):
            # The error does not repeat the URL, which may hold a password.
            self._faults.append("PUBLIC_URL must be https, or on this machine, without a query or password")
        return url or None

    def host(self) -> str:
        """Return the address to listen on."""
        return self.get("HOST") or "127.0.0.1"

    def port(self) -> int:
        """Return the port to listen on."""
        text = self.get("PORT") or "3000"
        if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= LAST_PORT:
            return int(text)
        self._faults.append(f"PORT is {text}: write a number up to {LAST_PORT}")
        return 0

    def metrics(self) -> tuple[str, int] | None:
        """Return the host and port of the metrics, None if they are not asked for."""
        text = self.get("METRICS")
        if text is None:
            return None
        read = _METRICS.fullmatch(text)
        if read is None or int(read["port"]) > LAST_PORT:
            self._faults.append(f"METRICS is {text}: write an address and a port, such as 127.0.0.1:9464")
            return None
        host, port = read["host"], read["port"]
        if not (read["open"] or is_loopback(f"http://{host}")):
            self._faults.append(
                f"METRICS is {text}, where others can read them without a password: write 127.0.0.1:{port}, "
                f"or {text},unprotected if only your Prometheus reaches it"
            )
        elif find_spec("prometheus_client") is None:
            self._faults.append(
                "METRICS needs prometheus-client: install requirements-metrics.txt, or unset METRICS"
            )
        return host.strip("[]"), int(port)

    def log_level(self) -> str:
        """Return the level of the process's log."""
        level = (self.get("LOG_LEVEL") or "INFO").upper()
        if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            self._faults.append(f"LOG_LEVEL is {level}: write DEBUG, INFO, WARNING or ERROR")
        return level

    def log_format(self) -> LogFormat:
        """Return the format of the process's log."""
        form = self.get("LOG_FORMAT") or "text"
        if form == "json":
            return "json"
        if form != "text":
            self._faults.append(f"LOG_FORMAT is {form}: write text or json")
        return "text"


def secret_in(path: str) -> str:
    """Return the secret in a file, without the newline at its end. Raises `UnreadableFileError`.

    The error's message is the second half of a sentence that names the file.
    """
    try:
        secret = read_text(Path(path)).removesuffix("\n")
    except OSError as error:
        raise UnreadableFileError(error.strerror or type(error).__name__) from error
    if not secret:
        raise UnreadableFileError("it is empty")
    return secret


def secret_of(variables: Mapping[str, str], name: str, faults: list[str]) -> str | None:
    """Return a secret from its variable, or from the file that the variable with ``_FILE`` names.

    Return None if neither is set, or after adding a fault.
    """
    value, path = variables.get(name) or None, variables.get(f"{name}{FILE}") or None
    if path is None:
        return value
    if value is not None:
        faults.append(f"{name} and {name}{FILE} are both set: remove one")
        return None
    try:
        return secret_in(path)
    except UnreadableFileError as error:
        faults.append(f"{name} can't be read from {path}, which {name}{FILE} names: {error}")
        return None


def log_key(variables: Mapping[str, str], faults: list[str]) -> bytes | None:
    """Return the key of an existing log. Without one, add a fault and return None."""
    wrong: list[str] = []
    key = key_bytes(secret_of(variables, "CALLOPS_KEY", wrong) or "")
    if key is None:
        faults += wrong or ["CALLOPS_KEY isn't set. Set it to the key this log was created with."]
    return key


def database_path(url: str | None, faults: list[str]) -> Path:
    """Return the file that ``DATABASE_URL`` names (``sqlite:///relative`` or ``sqlite:////absolute``)."""
    scheme, separator, path = (url or "sqlite:///callops.db").partition(":///")
    if scheme != "sqlite" or not separator or not path or "?" in path:
        # The error does not repeat the URL, which may hold a database server's password.
        faults.append("DATABASE_URL should be sqlite:///file: nothing else is built in this version")
    return Path(path or "callops.db")


def existing_log(variables: Mapping[str, str], faults: list[str]) -> Path:
    """Return the log's path. A fault is added where the address is none, or no file is there."""
    wrong: list[str] = []
    path = database_path(variables.get("DATABASE_URL") or None, wrong)
    faults += wrong or no_log(path)
    return path


def no_log(path: Path) -> list[str]:
    """Return that there is no log in a file as the only fault; nothing where there is one."""
    return [] if path.exists() else [f"There is no log at {path}: is DATABASE_URL right?"]


def new_key() -> str:
    """Return a new random key, as `CALLOPS_KEY` holds it."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def is_key(text: str) -> bool:
    """Return whether a text is a key as `python -m bot key` prints it."""
    return key_bytes(text) is not None


def key_bytes(text: str) -> bytes | None:
    """Return the bytes of a key that `python -m bot key` printed, None for any other text."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
