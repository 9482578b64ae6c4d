"""What a provider's case file and its replies are made of, and how they are read."""

import json
import re
from collections.abc import Iterator, Mapping
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
"""A secret of no one. The suite looks for its first word wherever no secret may be."""

NUMBER: Final = "+919876543210"


@dataclass(frozen=True, slots=True)
class Ask:
    """An action, and the request that it must be on the wire.

    ``path`` is raw, with its query; ``headers`` are the provider's own, in small letters: the suite adds what
    every request has. ``body`` is its JSON object, None where there is none.
    ``look_up`` is the raw path of the GET that tells whether the target is there, None where there is none. ``settings`` are those that differ.
    """

    action: CallAction
    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object] | None = None
    look_up: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action that is refused before any request: at which field, and with which words."""

    action: CallAction
    at: str | None
    says: str = ""
    code: Code = Code.INVALID_REQUEST
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """All that the suite must be told of a provider, besides its replies.

    ``settings`` are a connection's, its secrets `CANARY`. The first of ``asks`` for a kind is also the one
    that failures and replies are tried with.
    """

    settings: Mapping[str, Any]
    asks: Mapping[str, Ask]
    refusals: Mapping[str, Refusal] = field(default_factory=dict)


class Expected(Frozen):
    """What a reply must mean; ``says`` and ``warns`` are words that people must read."""

    status: Status
    code: Code
    retry: Retry = Retry.NEVER
    reference: str | None = None
    retry_after: float | None = None
    pause: float | None = None
    says: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


class Fixture(BaseModel):
    """One reply of a provider, where it is known from, and what it must mean.

    ``ask`` names the request in the case file, where it is not the kind's first. ``basis``: the provider's
    document, † its other pages, nothing but a guess, or a live account.
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
        """The body as the provider's side writes it."""
        return (json.dumps(self.body) if self.text is None else self.text).encode()

    @property
    def answer(self) -> Answer:
        """What the provider's side then writes."""
        return reply(self.status, self.content, self.headers)


@dataclass(frozen=True)
class Subject:
    """An adapter under test, with its case and the folder of its replies."""

    adapter: type[Adapter]
    case: Case
    replies: Path

    @property
    def name(self) -> str:
        """As the settings name it."""
        return self.adapter.provider

    @cached_property
    def fixtures(self) -> dict[str, Fixture]:
        """The replies that can be read, by the names of their files."""
        return {name: read for name, read in self._read() if isinstance(read, Fixture)}

    @property
    def unreadable(self) -> list[str]:
        """What is wrong with the other files."""
        return [f"{name}.json: {read}" for name, read in self._read() if not isinstance(read, Fixture)]

    def _read(self) -> Iterator[tuple[str, Fixture | ValidationError]]:
        for path in sorted(self.replies.glob("*.json")):
            try:
                yield path.stem, Fixture.model_validate_json(path.read_bytes())
            except ValidationError as fault:
                yield path.stem, fault

    def capability(self, kind: Kind) -> Capability | None:
        """What the adapter declares of a kind."""
        return next((one for one in self.adapter.capabilities if one.kind is kind), None)

    def first(self, kind: Kind) -> Ask:
        """The ask that stands for a kind."""
        return next(ask for ask in self.case.asks.values() if ask.action.kind is kind)

    def asked_by(self, fixture: Fixture) -> Ask:
        """The ask that a reply answers."""
        return self.case.asks[fixture.ask] if fixture.ask else self.first(fixture.kind)

    def connect(self, base_url: str, *settings: Mapping[str, Any], deadline: float = 5.0) -> Adapter:
        """A connection whose later ``settings`` replace earlier ones."""
        given = {**self.case.settings, "base_url": base_url}
        for more in settings:
            given |= more
        made = self.adapter.settings_type.model_validate(given)
        return self.adapter(made, deadline=deadline, clock=lambda: NOW)

    def allowing(self, action: CallAction) -> dict[str, bool]:
        """The setting without which an action is undocumented."""
        known = self.capability(action.kind)
        return {} if known is None or known.source == "documented" else {"allow_undocumented": True}


def built_in() -> tuple[Subject, ...]:
    """Every provider of the registry that has a case file; `missing` names the others."""
    return tuple(
        Subject(adapter, import_module(f"tests.providers.cases.{name}").CASE, HERE / "replies" / name)
        for name, adapter in PROVIDERS.items()
        if (HERE / "cases" / f"{name}.py").exists()
    )


def named() -> list[str]:
    """Every provider that the registry, a case file, a folder of replies or a page of facts is of."""
    cases = (path.stem for path in (HERE / "cases").glob("[a-z]*.py"))
    replies = (path.name for path in (HERE / "replies").glob("[a-z]*"))
    pages = (path.stem for path in (ROOT / "docs" / "providers").glob("[a-z]*.md"))
    return sorted({*PROVIDERS, *cases, *replies, *pages})


def missing(provider: str) -> list[str]:
    """What a provider still lacks to be one of ours: what to add, and where."""
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
    """The declared capabilities, and fields of a placed call, that no ask tries."""
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
"""Each kind has at least one reply for each of these."""


def unanswered(subject: Subject) -> list[str]:
    """The replies that a provider's folder lacks."""
    have = {(fixture.kind, fixture.outcome.status) for fixture in subject.fixtures.values()}
    return [
        f"no reply to {known.kind} that means {status}"
        for known in subject.adapter.capabilities
        for status in STATUSES_ANSWERED
        if (known.kind, status) not in have
    ]
