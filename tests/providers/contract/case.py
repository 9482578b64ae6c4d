"""Parts of a provider's case file and its replies, and how they are read."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from providers.actions import CallAction, Code, Frozen, Kind, PlaceCall, Retry, Status
from providers.base import Adapter, Capability, Context
from providers.registry import PROVIDERS
from tests.providers.wire import Answer, reply
from tests.support.tree import ROOT

HERE: Final = ROOT / "tests" / "providers"

NOW: Final = datetime(2025, 12, 30, 12, 0, tzinfo=UTC)
CONTEXT: Final = Context(now=NOW, action_id="A-7K3F")

CANARY: Final = "canary-key-5d1f"
"""A fake secret. The suite looks for its first word wherever no secret may be."""

NUMBER: Final = "+919876543210"


@dataclass(frozen=True, slots=True)
class Ask:
    """An action, and its expected request on the wire.

    ``path`` is raw, with its query. ``headers`` are the provider's own, in small letters, and the suite adds
    the common ones. ``body`` is the JSON object, or None. ``look_up`` is the raw path of the request that
    looks the target up, or None, and ``looks_up_by`` its method. ``settings`` are those that differ.
    """

    action: CallAction
    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object] | None = None
    look_up: str | None = None
    looks_up_by: str = "GET"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action that is refused before any request, with the fault's field and words."""

    action: CallAction
    at: str | None
    says: str = ""
    code: Code = Code.INVALID_REQUEST
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A provider's description for the suite, besides its replies.

    ``settings`` are a connection's, with `CANARY` as each secret. The first of ``asks`` for a kind is also
    used with failures and replies. ``ends`` are the raw paths of the GETs that ask how the call ``c:1`` ended,
    and then for the rest of its end.
    """

    settings: Mapping[str, Any]
    asks: Mapping[str, Ask]
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    ends: Sequence[str] = ()


class Expected(Frozen):
    """The expected meaning of a reply. ``says`` and ``warns`` are words that people must read."""

    status: Status
    code: Code
    retry: Retry = Retry.NEVER
    reference: str | None = None
    retry_after: float | None = None
    pause: float | None = None
    says: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


class Fixture(BaseModel):
    """A provider's reply, its source, and its expected meaning.

    ``ask`` names the request in the case file, unless it is the kind's first. ``basis`` is the provider's
    document, † its other pages, a mere guess, or a live account.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    ask: str | None = None
    basis: Literal["documented", "undocumented", "assumed", "live"]
    source: str = Field(min_length=1)
    date: str = Field(pattern=r"^20[0-9]{2}-[01][0-9]$")
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    status: int
    headers: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = None
    text: str | None = None
    outcome: Expected

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if ("body" in self.model_fields_set) == (self.text is not None):
            raise ValueError("write either body (JSON) or text")
        return self

    @property
    def content(self) -> bytes:
        """Return the body as the provider's side writes it."""
        return (json.dumps(self.body) if self.text is None else self.text).encode()

    @property
    def answer(self) -> Answer:
        """Return the answer that the provider's side writes."""
        return reply(self.status, self.content, self.headers)


@dataclass(frozen=True)
class Subject:
    """An adapter under test, with its case and the folder of its replies."""

    adapter: type[Adapter]
    case: Case
    replies: Path

    @property
    def name(self) -> str:
        """The provider's name in the settings."""
        return self.adapter.provider

    @cached_property
    def fixtures(self) -> dict[str, Fixture]:
        """Return the readable replies, by the names of their files."""
        return {name: read for name, read in self._read() if isinstance(read, Fixture)}

    @property
    def unreadable(self) -> list[str]:
        """Return the faults of the unreadable files."""
        return [f"{name}.json: {read}" for name, read in self._read() if not isinstance(read, Fixture)]

    def _read(self) -> Iterator[tuple[str, Fixture | ValidationError]]:
        for path in sorted(self.replies.glob("*.json")):
            try:
                yield path.stem, Fixture.model_validate_json(path.read_bytes())
            except ValidationError as fault:
                yield path.stem, fault

    def capability(self, kind: Kind) -> Capability | None:
        """Return the adapter's declaration of a kind, or None."""
        return next((one for one in self.adapter.capabilities if one.kind is kind), None)

    def first(self, kind: Kind) -> Ask:
        """Return the ask that stands for a kind."""
        return next(ask for ask in self.case.asks.values() if ask.action.kind is kind)

    def asked_by(self, fixture: Fixture) -> Ask:
        """Return the ask that a reply answers."""
        return self.case.asks[fixture.ask] if fixture.ask else self.first(fixture.kind)

    def connect(self, base_url: str, *settings: Mapping[str, Any], deadline: float = 5.0) -> Adapter:
        """Return a connection whose later ``settings`` replace earlier ones."""
        given = {**self.case.settings, "base_url": base_url}
        for more in settings:
            given |= more
        made = self.adapter.settings_type.model_validate(given)
        return self.adapter(made, deadline=deadline, clock=lambda: NOW)

    def allowing(self, action: CallAction) -> dict[str, bool]:
        """Return the setting without which an action is unsupported."""
        known = self.capability(action.kind)
        return {} if known is None or known.source == "documented" else {"allow_undocumented": True}


def built_in() -> tuple[Subject, ...]:
    """Return every provider of the registry that has a case file. `missing` names the others."""
    return tuple(
        Subject(adapter, import_module(f"tests.providers.cases.{name}").CASE, HERE / "replies" / name)
        for name, adapter in PROVIDERS.items()
        if (HERE / "cases" / f"{name}.py").exists()
    )


def named() -> list[str]:
    """Return every provider with an entry in the registry, a case file, replies or a page of facts."""
    cases = (path.stem for path in (HERE / "cases").glob("[a-z]*.py"))
    replies = (path.name for path in (HERE / "replies").glob("[a-z]*"))
    pages = (path.stem for path in (ROOT / "docs" / "providers").glob("[a-z]*.md"))
    return sorted({*PROVIDERS, *cases, *replies, *pages})


def missing(provider: str) -> list[str]:
    """Return the parts that a provider lacks to be built in: what to add, and where."""
    places = {
        f"tests/providers/cases/{provider}.py": "its settings, requests and refusals",
        f"tests/providers/replies/{provider}": "one file for each reply",
        f"docs/providers/{provider}.md": "its facts and their sources",
    }
    lacking = [
        f"{place} is missing: add {what}" for place, what in places.items() if not (ROOT / place).exists()
    ]
    if provider not in PROVIDERS:
        lacking.append(f"{provider} is not in providers/registry.py: add its adapter to PROVIDERS")
    link = re.compile(rf"\]\((?:docs/providers/)?{provider}\.md\)")
    return lacking + [
        f"{index} has no row for {provider}: run  make provider-table"
        for index in ("README.md", "docs/providers/README.md")
        if not link.search((ROOT / index).read_text(encoding="utf-8"))
    ]


def unasked(subject: Subject) -> list[str]:
    """Return the declared capabilities, and fields of a placed call, that no ask tries."""
    asked = [ask.action for ask in subject.case.asks.values()]
    lacking = [
        f"no ask for {known.kind}"
        for known in subject.adapter.capabilities
        if known.kind not in {action.kind for action in asked}
    ]
    placed = [action.optional_fields for action in asked if isinstance(action, PlaceCall)]
    for known in subject.adapter.capabilities:
        lacking += [f"no ask with {name}" for name in sorted(known.fields - frozenset().union(*placed))]
    return lacking


STATUSES_ANSWERED: Final = (Status.OK, Status.FAILED, Status.UNKNOWN)
"""Statuses of which each kind has at least one reply."""


def unanswered(subject: Subject) -> list[str]:
    """Return the replies that a provider's folder lacks."""
    have = {(fixture.kind, fixture.outcome.status) for fixture in subject.fixtures.values()}
    return [
        f"no reply to {known.kind} that means {status}"
        for known in subject.adapter.capabilities
        for status in STATUSES_ANSWERED
        if (known.kind, status) not in have
    ]
