"""The stand-ins driven by Schemathesis from the OpenAPI parts of the providers' own documents.

It draws requests that the documents allow and ones that they do not, and has its own view of the replies. The
documents know no agent and no call by name, so half of the requests name an existing one.
"""

import asyncio
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup

from playground import callkaro, voxworks
from playground.faults import Fault
from tests.playground.providers_running import running
from tests.support.provider_documents import operation

EXAMPLES = 60
"""Requests of each sort, so that each gap below is found every time, within seconds."""

NUMBER = "X-Number"
"""A header that tells the journal's requests apart."""

GAPS: Final[Mapping[str, Mapping[str, str]]] = {
    "callkaro": {
        "Undocumented status code 404": (
            'an agent that does not exist: the page\'s section "Errors" has it, its OpenAPI part has not'
        ),
        "Schema-valid request rejected 400": (
            'agent_id "": the OpenAPI part allows an empty one, the page answers "Missing agent_id"'
        ),
    },
    "voxworks": {
        "Schema-valid request rejected 400": (
            "a call that is no longer scheduled: no row of the document but 400 fits it"
        ),
    },
}
"""Schemathesis' findings by provider, and why each is right."""

KNOWN: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "callkaro": ("agent_id", tuple(sorted(callkaro.AGENTS))),
    "voxworks": ("call_id", tuple(voxworks.SEEDED)),
}
"""Fields that the documents leave open, and existing values for them."""


@dataclass(slots=True)
class Driven:
    """Requests and replies of a run: each request's target and body by number, the statuses, the faults."""

    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    statuses: set[int] = field(default_factory=set)
    found: dict[str, str] = field(default_factory=dict)


def with_known(document: Mapping[str, Any], name: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Return a document whose field is an enumeration of the existing values."""
    changed: dict[str, Any] = deepcopy(dict(document))

    def change(node: Any) -> None:
        match node:
            case {"name": found, "in": "path", "schema": schema} if found == name:
                schema["enum"] = list(values)
            case {"properties": properties, "required": required} if name in required:
                properties[name]["enum"] = list(values)
            case dict():
                for child in node.values():
                    change(child)

    change(changed)
    assert changed != document
    return changed


def drive(document: Mapping[str, Any], mode: GenerationMode, client: httpx.AsyncClient, into: Driven) -> None:
    """Send the requests that Schemathesis draws from a document, and record its faults with the replies."""
    ((path, methods),) = document["paths"].items()
    (method,) = methods
    described = schemathesis.openapi.from_dict(dict(document))[path][method.upper()]
    ours = {name: client.headers[name] for name in ("X-API-KEY", "Authorization") if name in client.headers}

    @given(case=described.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    def send(case: Case[Any]) -> None:
        number = str(len(into.sent))
        reply = case.call(base_url=str(client.base_url), headers={**ours, NUMBER: number})
        body = reply.request.body or b""
        text = body.decode(errors="backslashreplace") if isinstance(body, bytes) else str(body)
        into.sent[number] = (str(reply.request.path_url), text)
        into.statuses.add(reply.status_code)
        try:
            case.validate_response(reply)
        except FailureGroup as group:
            for fault in faults(group):
                into.found.setdefault(f"{fault.title} {reply.status_code}", f"{body!r}: {reply.content!r}")

    send()


def faults(group: FailureGroup) -> Iterator[Failure]:
    """Yield Schemathesis' faults one by one."""
    for fault in group.exceptions:
        assert isinstance(fault, Failure)
        yield fault


@pytest.mark.parametrize("provider", GAPS)
async def test_the_stand_in_holds_to_its_document(provider: str) -> None:
    """No request leads to a server error. Each reply is as described, and each request is in the journal."""
    document = operation(provider).document
    name, values = KNOWN[provider]
    driven = Driven()
    async with running() as on:
        client: httpx.AsyncClient = getattr(on, provider)
        for described in (document, with_known(document, name, values)):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                await asyncio.to_thread(drive, described, mode, client, driven)
        journal = await on.control.journal(provider)
    assert driven.found.keys() == GAPS[provider].keys(), driven.found
    assert max(driven.statuses) < httpx.codes.INTERNAL_SERVER_ERROR
    assert {200, 404} < driven.statuses
    # Schemathesis repeats some without their key, under the same number.
    journalled = {
        (dict(one.request.headers).get(NUMBER), one.request.target, one.request.body)
        for one in journal.exchanges
    }
    assert {(number, *asked) for number, asked in driven.sent.items()} <= journalled
    assert all(one.answer for one in journal.exchanges)
    assert any(one.effects for one in journal.exchanges)


async def test_schemathesis_does_find_faults() -> None:
    """A stand-in that fails, or answers nonsense, is detected. So the test above can fail."""
    document = operation("voxworks").document
    failing, talking = Driven(), Driven()
    async with running() as on:
        await on.control.fail("voxworks", "html_502", None)
        await asyncio.to_thread(drive, document, GenerationMode.POSITIVE, on.voxworks, failing)
        await on.control.fail("voxworks", Fault(does="reply", body='{"success": "yes"}', times=None))
        await asyncio.to_thread(drive, document, GenerationMode.POSITIVE, on.voxworks, talking)
    assert failing.found.keys() == {"Undocumented status code 502", "Server error 502"}
    assert talking.found.keys() == {
        "Response violates schema 200",
        "API accepts requests without authentication 200",
    }
