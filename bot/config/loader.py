"""Reads the settings from the environment and the file `callops.toml`.

Every error of both is reported at once, in the words of the configuration. A connection whose secret is
missing is disabled and reported. Everything else still works.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from bot.config.connection_secrets import NOT_IN_THE_FILE, ConnectionSecrets
from bot.config.environment import ConfigError, Environment, UnreadableFileError, read_text
from bot.config.faults import PATTERNS_IN_WORDS, did_you_mean, in_words
from bot.config.settings import (
    DASHBOARD,
    DEFAULT_REGION,
    MOST_WORKERS,
    REGION,
    SLACK_GROUP,
    SLACK_PERSON,
    Connection,
    DispatchSettings,
    GroupSettings,
    RetentionSettings,
    Settings,
    SlackSettings,
)
from bot.policy import calling_hours
from bot.policy.calling_hours import RECIPIENT, Hours
from bot.policy.rules import EVERYONE, PEOPLE, SLACK_CHANNEL, Rule, key_of
from bot.text.log_format import LogFormat
from bot.text.terminal import program
from providers.base import Adapter
from providers.registry import PROVIDERS, AdapterNotFoundError, find

_TABLES = ("slack", "connections", "groups", "rules", "dispatch", "retention", "calling_hours")
_OURS = frozenset({"provider", "audit_channel", "workers", "calling_hours", "dashboard_url"})
"""Keys of a connection's table that are not its adapter's settings."""
_CONNECTION_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,31}$")

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """The valid parts of the environment and the file, and every error of both.

    A table with an error is None or left out of its mapping, and listed in ``unread``.
    """

    path: Path
    readable: bool
    """True if the file exists and is TOML."""

    file_faults: tuple[str, ...]
    environment_faults: tuple[str, ...]
    unread: tuple[str, ...]
    bot_token: SecretStr
    app_token: SecretStr | None
    signing_secret: SecretStr | None
    slack_api_url: str
    key: SecretStr
    database: Path
    platform: str | None
    host: str
    port: int
    public_url: str | None
    metrics: tuple[str, int] | None
    log_level: str
    log_format: LogFormat
    slack: SlackSettings | None
    dispatch: DispatchSettings | None
    retention: RetentionSettings | None
    connections: Mapping[str, Connection]
    off: Mapping[str, str]
    groups: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...]
    hours: Mapping[str, Hours]
    secret_files: tuple[Path, ...]
    """The files that hold secrets, whether they are there or not."""

    @property
    def default_region(self) -> str:
        """The region of numbers without a plus, with a default if the file could not be read."""
        return self.slack.default_region if self.slack else DEFAULT_REGION

    def usable(self, variable: str) -> bool:
        """Return whether a variable of the environment has no error."""
        return self.trouble_with(variable) is None

    def trouble_with(self, *variables: str) -> str | None:
        """Return a phrase about the first of some variables that has an error, None if none has."""
        for variable in variables:
            for fault in self.environment_faults:
                if fault.startswith(f"{variable} "):
                    trouble = "set" if " isn't set" in fault else "right"
                    return f"{variable} isn't {trouble}"
        return None


def load(variables: Mapping[str, str]) -> Settings:
    """Return the settings of the environment and its file. Raises `ConfigError` with every error."""
    found = read_config(variables)
    faults = [*found.file_faults, *found.environment_faults]
    if faults or found.slack is None or found.dispatch is None or found.retention is None:
        raise ConfigError(faults)
    return Settings(**{one.name: getattr(found, one.name) for one in fields(Settings)})


def read_config(variables: Mapping[str, str]) -> ConfigReport:
    """Return the valid parts of the environment and the file it names, and every error."""
    in_file: list[str] = []
    in_environment: list[str] = []
    environment = Environment(variables, in_environment)
    path = Path(environment.get("CALLOPS_CONFIG") or "callops.toml")
    data = _read(path, in_file)
    # A file that cannot be read has one error, not one for each missing table.
    file = _File(path.name, data or {}, environment, in_file if data is not None else [])
    slack = file.table("slack", SlackSettings)
    dispatch = file.table("dispatch", DispatchSettings)
    retention = file.table("retention", RetentionSettings)
    connections, off = file.connections()
    groups = file.groups()
    rules = file.rules(groups, slack)
    known_hours = file.hours([*connections.values(), *rules])
    groups |= named_directly(rules, groups)
    app_token, signing_secret = environment.slack_door()
    return ConfigReport(
        path=path,
        readable=data is not None,
        file_faults=tuple(in_file),
        unread=tuple(file.unread) if data is not None else (),
        slack=slack,
        dispatch=dispatch,
        retention=retention,
        connections=connections,
        off=off,
        groups=groups,
        rules=rules,
        hours=known_hours,
        secret_files=(*environment.secret_files(), *file.secret_files),
        bot_token=environment.token(
            "SLACK_BOT_TOKEN", "xoxb-", "it is on the Slack app's page OAuth & Permissions"
        ),
        app_token=app_token,
        signing_secret=signing_secret,
        slack_api_url=environment.api_url(),
        key=environment.key(),
        database=environment.database(),
        platform=environment.platform(),
        host=environment.host(),
        port=environment.port(),
        public_url=environment.public_url(),
        metrics=environment.metrics(),
        log_level=environment.log_level(),
        log_format=environment.log_format(),
        environment_faults=tuple(in_environment),  # last, as each of the lines above may add one
    )


def _read(path: Path, faults: list[str]) -> dict[str, Any] | None:
    """Return the file's content. Return None and add an error if it cannot be read."""
    try:
        return tomllib.loads(read_text(path))
    except FileNotFoundError:
        faults.append(
            f"{path} isn't there: write one with  {program()} init, or name another file in CALLOPS_CONFIG"
        )
    except (tomllib.TOMLDecodeError, UnreadableFileError) as error:
        faults.append(f"{path} can't be read: {error}")
    except OSError as error:
        faults.append(f"{path} can't be read: {error.strerror}")
    return None


class _File:
    """The file, read table by table. Errors are added to ``faults`` in the words of the configuration."""

    def __init__(self, name: str, data: dict[str, Any], environment: Environment, faults: list[str]) -> None:
        self._name = name
        self._data = data
        self._environment = environment
        self._faults = faults
        self.unread: list[str] = []
        """The names of the tables that are left out because of an error."""

        self.secret_files: list[Path] = []

        for key in sorted(data.keys() - set(_TABLES)):
            self._fault(key, f"there is no such table{did_you_mean(key, _TABLES)}")

    def table(self, name: str, model: type[_Model]) -> _Model | None:
        return self._validate(model, self._data.get(name, {}), name)

    def connections(self) -> tuple[dict[str, Connection], dict[str, str]]:
        """Return the enabled connections, and the reason for each disabled one."""
        on: dict[str, Connection] = {}
        off: dict[str, str] = {}
        for name, table in self._tables("connections"):
            where = f"connections.{name}"
            if not _CONNECTION_NAME.match(name):
                self._fault(where, "a connection's name is small letters, digits and dashes")
            provider = table.get("provider")
            adapter = self._adapter(provider, f"{where}.provider")
            if adapter is None:
                self.unread.append(where)
            else:
                secrets = ConnectionSecrets(self._environment)
                own = {key: value for key, value in table.items() if key not in _OURS}
                model = adapter.settings_type
                settings = self._validate(model, secrets.resolve(own, model), where)
                self.secret_files += secrets.files
                for key in secrets.written_out:
                    self._fault(f"{where}.{key}", NOT_IN_THE_FILE)
                channel = self._text(table, "audit_channel", SLACK_CHANNEL, where)
                screen = self._text(table, "dashboard_url", DASHBOARD, where)
                workers = table.get("workers")
                if workers is not None and not (type(workers) is int and 1 <= workers <= MOST_WORKERS):
                    self._fault(f"{where}.workers", f"write a number from 1 to {MOST_WORKERS}")
                if missing := secrets.missing():
                    off[name] = missing
                elif settings is not None:
                    hours = self._hours(table.get("calling_hours"), f"{where}.calling_hours")
                    on[name] = Connection(name, str(provider), settings, channel, workers, hours, screen)
        if not on and not off and not self._faults:
            self._fault("connections", "there is none: write at least one [connections.NAME]")
        return on, off

    def _text(self, table: dict[str, Any], key: str, pattern: str, where: str) -> str | None:
        """Return a text of a connection's table, None if it is not there or does not match its pattern."""
        text = table.get(key)
        if text is None or (isinstance(text, str) and re.match(pattern, text)):
            return text
        self._fault(f"{where}.{key}", PATTERNS_IN_WORDS[pattern])
        return None

    def _adapter(self, provider: object, where: str) -> type[Adapter] | None:
        try:
            return find(str(provider))
        except AdapterNotFoundError as fault:
            built_in = f"; built in are {', '.join(sorted(PROVIDERS))}; another is written module:Name"
            known = did_you_mean(str(provider), PROVIDERS) or built_in
            self._fault(where, str(fault) + ("" if ":" in str(provider) else known))
            return None

    def groups(self) -> dict[str, tuple[str, ...]]:
        found = self._validate(GroupSettings, {"groups": self._data.get("groups", {})}, "")
        return dict(found.groups) if found else {}

    def hours(self, users: Iterable[Connection | Rule]) -> dict[str, Hours]:
        """Return the calling hours of every country.

        Add an error for each of ``users`` that names a country without hours.
        """
        found = dict(calling_hours.known())
        for country in self._data.get("calling_hours", {}):
            own = self._hours(self._data["calling_hours"][country], f"calling_hours.{country}")
            if not re.match(REGION, country):
                self._fault(f"calling_hours.{country}", PATTERNS_IN_WORDS[REGION])
            elif isinstance(own, Hours):
                found[country] = own
            elif own is not None:
                self._fault(f"calling_hours.{country}", "write from, until and days")
        for user in users:
            named = user.calling_hours
            if isinstance(named, str) and named not in {*found, RECIPIENT}:
                where = f'rules "{user.name}"' if isinstance(user, Rule) else f"connections.{user.name}"
                self._fault(
                    f"{where}.calling_hours",
                    f"no calling hours are known for {named}: write them under [calling_hours.{named}]",
                )
        return found

    def _hours(self, value: object, where: str) -> str | Hours | None:
        if value is None:
            return None
        try:
            return calling_hours.setting(value)
        except ValueError as error:
            self._fault(where, str(error))
            return None

    def rules(self, groups: Mapping[str, object], slack: SlackSettings | None) -> tuple[Rule, ...]:
        tables = self._data.get("rules", [])
        if not isinstance(tables, list):
            self._fault("rules", "write each rule as [[rules]]")
            return ()
        if not tables:
            self._fault("rules", "there is none, so nobody could do anything: write at least one [[rules]]")
        rules = []
        for number, table in enumerate(tables, start=1):
            name = table.get("name") if isinstance(table, dict) else None
            where = f'rules "{name}"' if isinstance(name, str) else f"rules, number {number}"
            if rule := self._validate(Rule, table, where):
                rules.append(rule)
                self._check_names(rule, where, groups, slack)
        names = [rule.name for rule in rules]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._fault(f'rules "{name}"', "two rules have this name")
        return tuple(rules)

    def _check_names(
        self, rule: Rule, where: str, groups: Mapping[str, object], slack: SlackSettings | None
    ) -> None:
        """Add an error for each group, connection or reason that a rule names and that does not exist."""
        known = [EVERYONE, *groups]
        for field in PEOPLE:
            for group in getattr(rule, field):
                if group not in known and not _is_id(group):
                    self._fault(
                        f"{where}.{key_of(field)}", f'there is no group "{group}"{did_you_mean(group, known)}'
                    )
        for field in ("escalate_to", "notify_groups"):
            if EVERYONE in getattr(rule, field):
                self._fault(f"{where}.{field}", f'"{EVERYONE}" can\'t be written to: name a group')
        connections = self._data.get("connections", {})
        for connection in rule.connections:
            if isinstance(connections, dict) and connection not in connections:
                what = f'there is no connection "{connection}"{did_you_mean(connection, connections)}'
                self._fault(f"{where}.connections", what)
        reasons = slack.reasons if slack else ()
        for reason in rule.reasons if slack else ():
            if reason.casefold() not in {one.casefold() for one in reasons}:
                what = f'"{reason}" is none of the reasons under [slack]{did_you_mean(reason, reasons)}'
                self._fault(f"{where}.reasons", what)

    def _tables(self, name: str) -> Iterable[tuple[str, dict[str, Any]]]:
        tables = self._data.get(name, {})
        if not isinstance(tables, dict):
            self._fault(name, f"write each as [{name}.NAME]")
            return
        for key, table in tables.items():
            if isinstance(table, dict):
                yield key, table
            else:
                self._fault(f"{name}.{key}", f"write it as a table, [{name}.{key}]")

    def _fault(self, where: str, what: str) -> None:
        self._faults.append(f"{self._name}: {where}: {what}")

    def _validate(self, model: type[_Model], data: object, where: str) -> _Model | None:
        if not isinstance(data, dict):
            self._fault(where, "should be a table")
            return None
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for place, what in in_words(error, model):
                self._fault(".".join(filter(None, [where, *place])), what)
            self.unread.append(where or "groups")
            return None


def named_directly(rules: Iterable[Rule], groups: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Return the users and user groups that rules name by id, each as its own group."""
    named = {one for rule in rules for field in PEOPLE for one in getattr(rule, field)}
    return {one: (one,) for one in sorted(named - groups.keys()) if _is_id(one)}


def _is_id(name: str) -> bool:
    return bool(SLACK_PERSON.match(name) or SLACK_GROUP.match(name))
