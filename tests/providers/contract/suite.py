"""Contract of every adapter, judged by the requests that a provider on loopback read.

A test class that inherits from `ProviderContract` runs it over the adapters that it names:

    class TestMine(ProviderContract):
        subjects = (Subject(MyAdapter, CASE, replies=Path(__file__).with_name("replies")),)
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final
from zoneinfo import ZoneInfo

import pytest

from providers.actions import (
    CallAction,
    CallEnd,
    CallRef,
    CampaignRef,
    CancelCall,
    CannotSendError,
    Code,
    DeleteCampaign,
    Ending,
    Kind,
    NumberRef,
    Outcome,
    PlaceCall,
    Retry,
    StartCampaign,
    Status,
    StopCampaign,
)
from providers.base import Adapter
from tests.providers.contract.case import (
    CANARY,
    CONTEXT,
    NUMBER,
    Ask,
    Fixture,
    Refusal,
    Subject,
    unanswered,
    unasked,
)
from tests.providers.contract.failures import FAILURES, FOREIGN, JUNK, Failure, NoNames, after_doubt
from tests.providers.wire import Received, listening, perform, reply, twice

if TYPE_CHECKING:
    from pydantic import JsonValue

SMUGGLED: Final = ("", ".", "..", "../contacts", "..%2f", "a?x=1", "a#f", "a/b", "a\\b", "a b", "a\n", "{id}")
"""Ids that would lead elsewhere, past the vocabulary that refuses them first."""

UNDECLARED: Final[dict[str, CallAction]] = {
    "place": PlaceCall(to=NUMBER, agent="payments"),
    "cancel by id": CancelCall(target=CallRef(call_id="c1")),
    "cancel by number": CancelCall(target=NumberRef(agent="payments", to=NUMBER)),
    "delete campaign": DeleteCampaign(target=CampaignRef(campaign_id="c1")),
    "stop campaign": StopCampaign(target=CampaignRef(campaign_id="c1")),
    "start campaign": StartCampaign(target=CampaignRef(campaign_id="c1")),
}
"""An action of each kind and target. An adapter refuses those that it does not declare."""

FIELDS: Final[dict[str, Any]] = {
    "at": "2025-12-31T09:30:00+05:30",
    "retries": 1,
    "gap": 30,
    "earliest": "09:00",
    "latest": "18:00",
    "carry_over": False,
    "priority": 1,
    "language": "hi",
    "batch": "b1",
    "metadata": {"name": "Asha"},
}
"""A value for each optional field of a placed call."""

FAILING: Final = frozenset(
    {
        Code.INVALID_REQUEST,
        Code.AUTH_FAILED,
        Code.NOT_FOUND,
        Code.REJECTED,
        Code.COMPLIANCE_BLOCKED,
        Code.CONFIG_ERROR,
    }
)
"""Codes of replies that certainly mean a refusal."""

CALLING: Final = frozenset({Kind.PLACE_CALL, Kind.START_CAMPAIGN})
"""Kinds that make phones ring, so that a second request could ring twice."""

PLACED: Final = PlaceCall(to=NUMBER, agent="payments")
"""A call whose end is asked for."""

_ECHOED_STATUSES: Final = (200, 400, 401, 403, 404, 418, 429, 500)


@dataclass(frozen=True, slots=True)
class Asked:
    """An ask of a provider."""

    subject: Subject
    ask: Ask

    def connect(self, base_url: str, *settings: Mapping[str, Any], deadline: float = 5.0) -> Adapter:
        """Return the connection of the ask."""
        allowing = self.subject.allowing(self.ask.action)
        return self.subject.connect(base_url, allowing, self.ask.settings, *settings, deadline=deadline)


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply of a provider."""

    subject: Subject
    fixture: Fixture


def _undeclared(subject: Subject) -> Iterator[tuple[str, CallAction]]:
    for name, action in UNDECLARED.items():
        known = subject.capability(action.kind)
        by = None if isinstance(action, PlaceCall) else type(action.target)
        if known is None or known.target is not by:
            yield name, action
    if known := subject.capability(Kind.PLACE_CALL):
        place = subject.first(Kind.PLACE_CALL).action.model_dump(include={"to", "agent"})
        for name in sorted(FIELDS.keys() - known.fields):
            yield f"place with {name}", PlaceCall.model_validate({**place, name: FIELDS[name]})


def _firsts(subject: Subject) -> Iterator[tuple[str, Asked]]:
    for kind in dict.fromkeys(ask.action.kind for ask in subject.case.asks.values()):
        yield kind, Asked(subject, subject.first(kind))


def _looked_up(subject: Subject) -> Iterator[tuple[str, Asked]]:
    found: dict[Kind, tuple[str, Asked]] = {}
    for name, ask in subject.case.asks.items():
        if ask.look_up:
            found.setdefault(ask.action.kind, (name, Asked(subject, ask)))
    yield from found.values()


def _by_id(subject: Subject) -> Iterator[tuple[str, Asked]]:
    for kind, asked in _firsts(subject):
        if not isinstance(asked.ask.action, PlaceCall) and asked.ask.action.target.by != "number":
            yield kind, asked


_PARAMETERS: Final[dict[str, Callable[[Subject], Iterable[tuple[str, object]]]]] = {
    "subject": lambda one: [("itself", one)],
    "asked": lambda one: ((name, Asked(one, ask)) for name, ask in one.case.asks.items()),
    "first": _firsts,
    "undocumented": lambda one: (pair for pair in _firsts(one) if one.allowing(pair[1].ask.action)),
    "by_id": _by_id,
    "looked_up": _looked_up,
    "answered": lambda one: ((name, Answered(one, fixture)) for name, fixture in one.fixtures.items()),
    "succeeded": lambda one: (
        (name, Answered(one, fixture))
        for name, fixture in one.fixtures.items()
        if fixture.outcome.status is Status.OK
    ),
    "refused": lambda one: ((name, (one, refusal)) for name, refusal in one.case.refusals.items()),
    "ending": lambda one: [("end", one)] if one.case.ends else [],
    "undeclared": lambda one: ((name, (one, action)) for name, action in _undeclared(one)),
}
"""Arguments that a test may name, and how a subject gives their values."""


class ProviderContract:
    """Contract of every adapter."""

    subjects: ClassVar[tuple[Subject, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give each test its providers, asks, replies and failures."""
        for wanted in _PARAMETERS.keys() & set(metafunc.fixturenames):
            found = {
                f"{subject.name}/{name}": given
                for subject in self.subjects
                for name, given in _PARAMETERS[wanted](subject)
            }
            metafunc.parametrize(wanted, found.values(), ids=found.keys())
        if "failure" in metafunc.fixturenames:
            metafunc.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())

    def test_everything_declared_is_tried(self, subject: Subject) -> None:
        """Each declared kind, and each declared field of a placed call, has an ask in the case file."""
        lacking = unasked(subject)
        assert not lacking, f"add to tests/providers/cases/{subject.name}.py: {'; '.join(lacking)}"

    def test_everything_declared_is_answered(self, subject: Subject) -> None:
        """Each declared kind has replies that mean ok, failed and unknown, each in a readable file."""
        lacking = subject.unreadable + unanswered(subject)
        assert not lacking, f"add to tests/providers/replies/{subject.name}: {'; '.join(lacking)}"

    def test_what_is_declared_can_be_meant(self, subject: Subject) -> None:
        """No rate below one, no part of an account or of a sentence that is empty, no failure that is none."""
        adapter = subject.connect("http://127.0.0.1:1", {"allow_undocumented": True})
        assert adapter.requests_a_minute is None or adapter.requests_a_minute > 0
        named = [
            *adapter.account(),
            adapter.title,
            adapter.support,
            adapter.key_check,
            *adapter.advice.values(),
        ]
        named += [*adapter.documented_messages, *filter(None, (row.check for row in adapter.failures))]
        assert [one for one in named if not one.strip()] == []
        assert adapter.budget is None or adapter.budget.strip()
        for row in adapter.failures:
            assert 400 <= row.status < 600, f"{row} is no failure"
            assert row.code in FAILING, f"{row.code} is no failure"

    def test_a_time_is_told_as_it_is_sent(self, asked: Asked) -> None:
        """People see the very string that the provider gets for a call's time, and its zone.

        Otherwise there is none.
        """
        prepared = asked.connect("http://127.0.0.1:1").prepare(asked.ask.action, CONTEXT)
        at = asked.ask.action.at if isinstance(asked.ask.action, PlaceCall) else None
        if at is None:
            assert prepared.provider_time is None
            return
        assert prepared.provider_time, "build a Request with its provider_time"
        assert prepared.provider_time in json.dumps(json.loads(prepared.body or b"{}"), ensure_ascii=False)
        assert prepared.zone, "build a Request with its zone"
        told = datetime.fromisoformat(prepared.provider_time)
        zoned = told if told.tzinfo else told.replace(tzinfo=ZoneInfo(prepared.zone))
        assert zoned == at

    def test_a_webhook_that_says_nothing_is_not_heard(self, subject: Subject) -> None:
        """A webhook may hold anything: junk is ignored without an error."""
        adapter = subject.connect("http://127.0.0.1:1", {"allow_undocumented": True})
        documents: list[JsonValue] = [json.loads(body) for body in JUNK.values() if _is_json(body)]
        assert [one for one in documents for id_ in ("A-7K3F", None) if adapter.parse_webhook(one, id_)] == []

    async def test_request(self, asked: Asked) -> None:
        """The request is on the wire once, with exactly this method, raw path, headers and body."""
        ask = asked.ask
        [request] = (await _performed(asked))[1]
        assert (request.method, request.target) == (ask.method, ask.path)
        assert request.headers.pop("host").startswith("127.0.0.1:")
        assert request.headers == {**_common_headers(ask, request), **ask.headers}
        assert _canonical(request.body) == (b"" if ask.body is None else _canonical(json.dumps(ask.body)))

    async def test_each_request_has_its_own_connection(self, first: Asked) -> None:
        """On a kept connection a drop may be an old one, and an answer an earlier request's."""
        async with listening(reply(200, {})) as wire:
            adapter = first.connect(wire.base_url)
            await perform(adapter, first.ask.action, CONTEXT)
            await perform(adapter, first.ask.action, CONTEXT)
            await adapter.aclose()
        assert [request.connection for request in wire.received] == [1, 2]

    async def test_a_second_answer_is_nobodys(self, succeeded: Answered) -> None:
        """A server that writes two answers at once decides nothing but its own request."""
        fixture = succeeded.fixture
        asked = Asked(succeeded.subject, succeeded.subject.asked_by(fixture))
        async with listening(twice(fixture.status, fixture.content, fixture.headers)) as wire:
            adapter = asked.connect(wire.base_url, fixture.settings)
            first = await perform(adapter, asked.ask.action, CONTEXT)
            wire.answer = reply(500, b"")
            second = await perform(adapter, asked.ask.action, CONTEXT)
            await adapter.aclose()
        assert (first.status, second.status) == (Status.OK, Status.UNKNOWN)
        assert len(wire.received) == 2

    async def test_failure(self, first: Asked, failure: Failure) -> None:
        """However the wire fails, there was at most one request, and its kind decides about a retry."""
        action = first.ask.action
        async with failure.at() as place:
            adapter = first.connect(place.base_url, deadline=failure.deadline)
            outcome = await perform(adapter, action, CONTEXT)
            await adapter.aclose()
        assert _in_short(outcome) == failure.meaning(action)
        assert len(place.received) == failure.requests

    def test_no_such_host(self, first: Asked) -> None:
        """Nothing was sent to a host without an address."""

        async def perform_nowhere() -> Outcome:
            adapter = first.connect("https://voice.invalid")
            outcome = await perform(adapter, first.ask.action, CONTEXT)
            await adapter.aclose()
            return outcome

        with asyncio.Runner(loop_factory=NoNames) as runner:
            outcome = runner.run(perform_nowhere())
            loop = runner.get_loop()
            assert isinstance(loop, NoNames)
        assert _in_short(outcome) == "failed unreachable safe"
        assert len(loop.asked) == 1

    async def test_look_up(self, asked: Asked) -> None:
        """A lookup is a single request without a body. Without a target nothing is sent."""
        ask = asked.ask
        async with listening(reply(200, {})) as wire:
            adapter = asked.connect(wire.base_url)
            sighting = await adapter.look_up(ask.action, CONTEXT)
            await adapter.aclose()
        assert (sighting is None) == (ask.look_up is None)
        assert [(one.method, one.target, one.body) for one in wire.received] == (
            [(ask.looks_up_by, ask.look_up, b"")] if ask.look_up else []
        )

    async def test_look_up_that_fails(self, looked_up: Asked, failure: Failure) -> None:
        """However the wire fails, the result of the lookup is unknown."""
        async with failure.at() as place:
            adapter = looked_up.connect(place.base_url, deadline=failure.deadline)
            sighting = await adapter.look_up(looked_up.ask.action, CONTEXT)
            await adapter.aclose()
        assert sighting is not None
        assert (sighting.found, len(place.received)) == (None, failure.requests)

    async def test_reply(self, answered: Answered) -> None:
        """A reply has the meaning of its file, for people too, and is requested once."""
        subject, fixture, expected = answered.subject, answered.fixture, answered.fixture.outcome
        ask = subject.asked_by(fixture)
        assert ask.action.kind is fixture.kind
        async with listening(fixture.answer) as wire:
            adapter = Asked(subject, ask).connect(wire.base_url, fixture.settings)
            outcome = await perform(adapter, ask.action, CONTEXT)
            await adapter.aclose()
        assert _in_short(outcome) == f"{expected.status} {expected.code} {expected.retry}"
        assert outcome.reference == expected.reference
        assert outcome.retry_after == expected.retry_after
        assert outcome.pause == expected.pause
        assert [words for words in expected.says if words not in outcome.message] == []
        assert len(outcome.warnings) == len(expected.warns)
        assert [words for words in expected.warns if words not in " ".join(outcome.warnings)] == []
        assert (outcome.http_status, outcome.raw is None) == (fixture.status, False)
        assert len(wire.received) == 1
        if expected.status is Status.UNKNOWN:
            assert expected.retry == after_doubt(ask.action), "a doubt of this kind has one retry class"
        if fixture.kind in CALLING:
            assert expected.retry in {Retry.NEVER, Retry.VERIFY}, "no reply lets anybody be called twice"

    async def test_not_found_is_the_providers_own_word(self, first: Asked) -> None:
        """A 404 without the provider's own JSON comes from another server. It says nothing about a target."""
        for name, answer in FOREIGN.items():
            async with listening(answer) as wire:
                adapter = first.connect(wire.base_url)
                outcome = await perform(adapter, first.ask.action, CONTEXT)
                await adapter.aclose()
            assert _in_short(outcome) == "failed rejected never", name
            assert adapter.address_setting in outcome.message, name

    async def test_a_look_up_believes_only_the_provider(self, looked_up: Asked) -> None:
        """No page of another server proves that a target exists, or that it does not."""
        pages = [*FOREIGN.values(), *(reply(200, body) for body in JUNK.values())]
        for answer in pages:
            async with listening(answer) as wire:
                adapter = looked_up.connect(wire.base_url)
                sighting = await adapter.look_up(looked_up.ask.action, CONTEXT)
                await adapter.aclose()
            assert sighting is not None
            assert sighting.found is None

    async def test_end(self, subject: Subject) -> None:
        """The end of a call is asked for by single GETs without a body, where the case file has them."""
        known = CallEnd(ending=Ending.ANSWERED)
        async with listening(reply(200, {})) as wire:
            adapter = subject.connect(wire.base_url, {"allow_undocumented": True})
            seen = [await adapter.look_up_end(PLACED, "c:1", one, CONTEXT) for one in (None, known)]
            await adapter.aclose()
        assert [one.end for one in seen if one] == [None, None][: len(subject.case.ends)]
        asked = [(one.method, one.target, one.body) for one in wire.received]
        assert asked == [("GET", path, b"") for path in subject.case.ends]

    async def test_end_that_fails(self, ending: Subject, failure: Failure) -> None:
        """However the wire fails, no end is known."""
        async with failure.at() as place:
            adapter = ending.connect(place.base_url, {"allow_undocumented": True}, deadline=failure.deadline)
            seen = await adapter.look_up_end(PLACED, "c:1", None, CONTEXT)
            await adapter.aclose()
        assert seen is not None
        assert (seen.end, len(place.received)) == (None, failure.requests)

    async def test_an_end_is_the_provider_s_own_word(self, ending: Subject) -> None:
        """No page of another server says how a call ended."""
        for answer in (*FOREIGN.values(), *(reply(200, body) for body in JUNK.values())):
            async with listening(answer) as wire:
                adapter = ending.connect(wire.base_url, {"allow_undocumented": True})
                seen = await adapter.look_up_end(PLACED, "c:1", None, CONTEXT)
                await adapter.aclose()
            assert seen is not None
            assert seen.end is None

    async def test_junk_is_no_success(self, succeeded: Answered) -> None:
        """With the status of a success, anything but the provider's own document is unknown."""
        fixture = succeeded.fixture
        asked = Asked(succeeded.subject, succeeded.subject.asked_by(fixture))
        for name, body in JUNK.items():
            async with listening(reply(fixture.status, body)) as wire:
                adapter = asked.connect(wire.base_url, fixture.settings)
                outcome = await perform(adapter, asked.ask.action, CONTEXT)
                await adapter.aclose()
            assert (outcome.status, outcome.reference) == (Status.UNKNOWN, None), name

    async def test_refusal(self, refused: tuple[Subject, Refusal]) -> None:
        """The case file's refusals name their field, and nothing is sent."""
        subject, refusal = refused
        settings = subject.allowing(refusal.action) | dict(refusal.settings)
        found = await _refused(subject, refusal.action, settings)
        assert (found.code, found.field) == (refusal.code, refusal.at)
        assert refusal.says in found.message

    async def test_undeclared(self, undeclared: tuple[Subject, CallAction]) -> None:
        """An undeclared kind, target or field is refused, and nothing is sent."""
        subject, action = undeclared
        found = await _refused(subject, action, {"allow_undocumented": True})
        assert found.code is Code.UNSUPPORTED

    async def test_undocumented_actions(self, undocumented: Asked) -> None:
        """An undocumented action needs the connection's permission, and its refusal names the setting."""
        found = await _refused(undocumented.subject, undocumented.ask.action, {})
        assert found.code is Code.UNSUPPORTED
        assert "allow_undocumented" in found.message

    async def test_a_smuggled_id(self, by_id: Asked) -> None:
        """An id that could lead elsewhere never reaches a socket."""
        action = by_id.ask.action
        assert not isinstance(action, PlaceCall)
        for smuggled in (*SMUGGLED, "x" * 129):
            astray = action.target.model_copy(update={action.target.by: smuggled})
            aimed = action.model_copy(update={"target": astray})
            found = await _refused(by_id.subject, aimed, by_id.subject.allowing(action))
            assert found.code is Code.INVALID_REQUEST

    async def test_a_dry_run(self, asked: Asked) -> None:
        """A dry run sends nothing, and says what it would have sent."""
        outcome, received = await _performed(asked, {"mode": "dry-run"})
        assert (outcome.status, outcome.code, received) == (Status.REFUSED, Code.DRY_RUN, [])
        would = f"Dry run: nothing was sent. It would have been {asked.ask.method} /"
        assert outcome.message.startswith(would)
        assert NUMBER[3:] not in outcome.message

    async def test_nothing_secret(self, asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
        """No outcome, print or log shows a key, or a number that was sent, even if the reply repeats both."""
        caplog.set_level(logging.DEBUG)
        echo = {
            "message": f"{CANARY} for {NUMBER}",
            "Authorization": f"Bearer {CANARY}",
            "n": "98765 43210",
            "status": "success",
            "success": True,
            "error": False,
        }
        shown = [repr(asked.connect("http://127.0.0.1:1").settings)]
        shown.append(repr(asked.connect("http://127.0.0.1:1").prepare(asked.ask.action, CONTEXT)))
        for status in _ECHOED_STATUSES:
            outcome, _ = await _performed(asked, answer=(status, echo, {"X-Echo": CANARY}))
            shown += [repr(outcome), outcome.model_dump_json()]
        everything = "\n".join([*shown, caplog.text])
        assert CANARY not in everything
        if NUMBER in asked.ask.action.model_dump_json():
            assert "43210" not in everything


async def _performed(
    asked: Asked,
    settings: Mapping[str, Any] | None = None,
    answer: tuple[int, object, dict[str, str]] = (200, {}, {}),
) -> tuple[Outcome, list[Received]]:
    async with listening(reply(*answer)) as wire:
        adapter = asked.connect(wire.base_url, settings or {})
        outcome = await perform(adapter, asked.ask.action, CONTEXT)
        await adapter.aclose()
    return outcome, wire.received


async def _refused(subject: Subject, action: CallAction, settings: Mapping[str, Any]) -> CannotSendError:
    """Return the refusal of an action, which the provider never got."""
    async with listening(reply()) as wire:
        adapter = subject.connect(wire.base_url, settings)
        outcome = await perform(adapter, action, CONTEXT)
        await adapter.aclose()
    assert (outcome.status, wire.connections) == (Status.REFUSED, 0)
    with pytest.raises(CannotSendError) as refused:
        adapter.prepare(action, CONTEXT)
    return refused.value


def _common_headers(ask: Ask, request: Received) -> dict[str, str]:
    """Return the headers that every request has, to any provider."""
    headers = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "CallOps"}
    headers["connection"] = "close"  # never on a kept connection
    if ask.body is not None:
        headers["content-type"] = "application/json"
    if ask.body is not None or ask.method == "POST":
        headers["content-length"] = str(len(request.body))
    return headers


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _canonical(text: str | bytes) -> bytes:
    """Return canonical JSON, in which true is no 1. A repeated key is an error."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    if not text:
        return b""
    return json.dumps(json.loads(text, object_pairs_hook=once), sort_keys=True).encode()


def _in_short(outcome: Outcome) -> str:
    return f"{outcome.status} {outcome.code} {outcome.retry}"
