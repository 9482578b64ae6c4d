"""The OpenAPI parts of the providers' own documents, which stand beside this repository on some computers.

Requests and replies are checked with jsonschema in its 2020-12 dialect, which is OpenAPI 3.1's. A fault is a
line with its place, and the keyword that is not met. Gaps are faults that are right: each is listed with its
reason, and a test fails once it is none any more.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
import pytest
import yaml

from tests.support.tree import ROOT

FOLDER = ROOT.parent / "shared" / "seeds"
_NUMBERS = {"voxworks": "001", "callkaro": "003"}

IN_REQUESTS: Final[Mapping[str, Mapping[str, str]]] = {
    "voxworks": {},
    "callkaro": {
        "body.schedule_at: format": (
            "declared as date-time, which has an offset, yet every example of the page is without one"
        ),
    },
}
"""Gaps between the documents and our requests by provider: the fault, and its reason."""

IN_REPLIES: Final[Mapping[str, Mapping[str, str]]] = {
    "voxworks": {},
    "callkaro": {
        "status 404": 'the page\'s section "Errors" has it ("Agent doesn\'t exist"), its OpenAPI part has not',
        "status 500": 'the page\'s section "Errors" has it ("Server Error"), its OpenAPI part has not',
        "body.call_id: undeclared": (
            'the page\'s section "Response" answers call_id, its OpenAPI part only call_sid'
        ),
    },
}
"""Gaps between the documents and the stand-ins' replies."""

_EVERYWHERE = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
)
"""Headers of HTTP itself, which OpenAPI leaves undeclared."""

_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    """Return whether a value is a date and time with an offset, after RFC 3339."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True, slots=True)
class Operation:
    """The only operation of a provider's document."""

    provider: str
    document: Mapping[str, Any]
    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def server(self) -> str:
        """Return the base address of the provider's API."""
        (server,) = self.document["servers"]
        return str(server["url"])

    @property
    def statuses(self) -> frozenset[str]:
        """Return the statuses that it describes."""
        return frozenset(self.described["responses"])

    @property
    def examples(self) -> tuple[dict[str, Any], ...]:
        """Return its example requests."""
        return tuple(example["value"] for example in self._body()["examples"].values())

    def request_faults(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> list[str]:
        """Return the faults of a request. ``body`` is its JSON, or None."""
        sent = {name.lower(): value for name, value in headers.items()}
        parts = urlsplit(url)
        faults = [] if method.lower() == self.method else [f"method {method}"]
        faults += self._in_path(parts.path)
        faults += [f"query.{name}: undeclared" for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        way_in = self._way_in()
        if not way_in[1].fullmatch(sent.get(way_in[0], "")):
            faults.append(f"header {way_in[0]}")
        faults += [f"header {name}: undeclared" for name in sorted(sent.keys() - _EVERYWHERE - {way_in[0]})]
        if "requestBody" not in self.described:
            return faults + ([] if body is None else ["body: undeclared"])
        if sent.get("content-type") != "application/json":
            faults.append("header content-type")
        return faults + list(self._unlike(self._body()["schema"], body))

    def reply_faults(self, status: int, headers: Mapping[str, str], body: Any) -> list[str]:
        """Return the faults of a reply. ``headers`` have lower-case names."""
        if str(status) not in self.statuses:
            return [f"status {status}"]
        described = self._meant(self.described["responses"][str(status)])
        faults = [f"header {name}" for name in described.get("headers", {}) if name.lower() not in headers]
        if headers.get("content-type") != "application/json":
            faults.append("header content-type")
        return faults + list(self._unlike(described["content"]["application/json"]["schema"], body))

    def _body(self) -> Any:
        return self.described["requestBody"]["content"]["application/json"]

    def _meant(self, part: Any) -> Any:
        while "$ref" in part:
            found: Any = self.document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            part = found
        return part

    def _in_path(self, path: str) -> Iterator[str]:
        names = re.findall(r"\{(\w+)\}", self.path)
        found = re.fullmatch(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(self.path)), path)
        if found is None:
            yield f"path {path}"
            return
        values = dict(zip(names, map(unquote, found.groups()), strict=True))
        for parameter in map(self._meant, self.described.get("parameters", ())):
            for fault in self._unlike(parameter["schema"], values[parameter["name"]]):
                yield fault.replace("body", f"path.{parameter['name']}", 1)

    def _way_in(self) -> tuple[str, re.Pattern[str]]:
        """Return the header for authentication, and the pattern of its value."""
        ((name,),) = self.document["security"]
        match self.document["components"]["securitySchemes"][name]:
            case {"type": "apiKey", "in": "header", "name": header}:
                return header.lower(), re.compile(r"\S+")
            case {"type": "http", "scheme": "bearer"}:
                return "authorization", re.compile(r"Bearer \S+")
            case unknown:
                raise AssertionError(unknown)

    def _unlike(self, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
        whole = {**schema, "components": self.document["components"]}
        validator = jsonschema.Draft202012Validator(whole, format_checker=_FORMATS)
        for fault in validator.iter_errors(value):
            yield f"{'.'.join(['body', *map(str, fault.absolute_path)])}: {fault.validator}"
        # No schema here forbids further properties, but an unknown name is a fault all the same.
        declared = self._meant(schema).get("properties")
        if isinstance(value, dict) and declared is not None:
            yield from (f"body.{name}: undeclared" for name in sorted(value.keys() - declared.keys()))


@cache
def _read(provider: str) -> Operation | None:
    files = list(FOLDER.glob(f"{_NUMBERS[provider]}_*.txt"))
    if not files:
        return None
    _, fence, rest = files[0].read_text(encoding="utf-8").partition("````yaml")
    assert fence
    document = yaml.safe_load(rest.partition("\n")[2].partition("````")[0])
    ((path, methods),) = document["paths"].items()
    ((method, described),) = methods.items()
    return Operation(provider, document, method, path, described)


def operation(provider: str) -> Operation:
    """Return the operation of a provider's document. Skip the test if there is no document."""
    found = _read(provider)
    if found is None:
        pytest.skip("the providers' documents are not beside this repository")
    return found
