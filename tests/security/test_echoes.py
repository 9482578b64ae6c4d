"""Echoes of providers: no secret and no number of the request is kept or shown."""

import json
import logging
import time
import traceback
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from providers.actions import (
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    DeleteCampaign,
    Kind,
    NumberRef,
    Outcome,
    PlaceCall,
    StartCampaign,
    Status,
    StopCampaign,
    target_id,
)
from providers.base import Adapter, Capability
from providers.registry import PROVIDERS
from providers.transport.redaction import LONGEST_SEARCHED, Redactor
from providers.transport.response import LARGEST_BODY
from tests.providers.made import CONTEXT, NOW, open_adapter
from tests.providers.wire import (
    Answer,
    Received,
    cut_short,
    gibberish,
    hang_up,
    listening,
    nobody_listening,
    perform,
    reply,
    reset,
    silence,
)
from tests.security.echoing import CITY, NAME, NASTY, NATIONAL, NUMBER, NUMBERS, SURNAME, WORDS, WRITINGS

AGENT = "71"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "callkaro": {"api_key": NASTY, "send_action_id": True},
    "voxworks": {"api_key": NASTY, "from_number": "+442071838750"},
    "ryng": {"subdomain": "tenant", "access_token": NASTY, "agents": {"payments": 71}, "campaign_id": 7},
    "kore": {"app_id": "st-1", "account_id": "acc-1", "client_id": "cs-1", "client_secret": NASTY},
}
"""Settings for everything that each provider can do. A setting that it lacks is left out."""

METADATA: dict[str, dict[str, Any]] = {
    "callkaro": {"name": f"{NAME} {SURNAME}", "home": {"city": [CITY]}},
    "voxworks": {"first_name": NAME, "last_name": SURNAME},
    "ryng": {"name": f"{NAME} {SURNAME}"},
}

SEARCHED_WITHIN = 3.0
"""Seconds of one core for 1 MiB. Quadratic time would be hours."""
SUCCESSES = {Kind.STOP_CAMPAIGN: "Stopped", Kind.START_CAMPAIGN: "Active"}
"""Values of a success's status, if it is not "success"."""
STATUSES = (200, 201, 302, 400, 401, 403, 404, 405, 408, 418, 429, 500, 503)
SHORT = 1.0
"""Seconds of a deadline for endless replies, in which a busy computer can connect to itself."""
LOST: tuple[Answer, ...] = (reset, hang_up, silence, cut_short, gibberish)


def adapter_of(provider: str, base_url: str, *, deadline: float = 20.0) -> Adapter:
    """Return a connection with every feature of its provider."""
    made = PROVIDERS[provider]
    wanted = {"base_url": base_url, "allow_undocumented": True, "agents": {"payments": AGENT}}
    wanted |= ACCOUNTS[provider]
    settings = {name: value for name, value in wanted.items() if name in made.settings_type.model_fields}
    return made(made.settings_type.model_validate(settings), deadline=deadline, clock=lambda: NOW)


def action_for(provider: str, capability: Capability) -> CallAction:
    """Return an action of the kind, with a canary in each field for a person's data."""
    match capability.kind, capability.target:
        case Kind.PLACE_CALL, _:
            optional = {"at": NOW + timedelta(days=1), "metadata": METADATA.get(provider)}
            given = {name: value for name, value in optional.items() if name in capability.fields}
            return PlaceCall.model_validate({"to": NUMBER, "agent": "payments", **given})
        case Kind.CANCEL_CALL, target if target is NumberRef:
            return CancelCall(target=NumberRef(agent="payments", to=NUMBER))
        case Kind.CANCEL_CALL, _:
            return CancelCall(target=CallRef(call_id="40961"))
        case Kind.DELETE_CAMPAIGN, _:
            return DeleteCampaign(target=CampaignRef(campaign_id="c-1"))
        case Kind.STOP_CAMPAIGN, _:
            return StopCampaign(target=CampaignRef(campaign_id="c-1"))
        case Kind.START_CAMPAIGN, _:
            return StartCampaign(target=CampaignRef(campaign_id="c-1"))
        case _:
            raise AssertionError(capability)


ASKED = [
    pytest.param(provider, action_for(provider, capability), id=f"{provider} {capability.kind}")
    for provider, adapter in PROVIDERS.items()
    for capability in adapter.capabilities
]


def has_number(action: CallAction) -> bool:
    """Return whether a request for an action holds the canary number."""
    return NUMBER in action.model_dump_json()


async def exchange(
    provider: str, action: CallAction, answer: Answer, *, base_url: str | None = None, deadline: float = 20.0
) -> tuple[Outcome, list[Received], Adapter]:
    """Perform an action at a provider with this answer."""
    async with (
        listening(answer) as wire,
        open_adapter(adapter_of(provider, base_url or wire.base_url, deadline=deadline)) as adapter,
    ):
        outcome = await perform(adapter, action, CONTEXT)
        await adapter.look_up(action, CONTEXT)
    return outcome, wire.received, adapter


def secrets_of(received: list[Received]) -> set[str]:
    """Return every secret that a request held, and the secrets that make it."""
    names = ("x-api-key", "authorization", "x-access-token", "auth")
    return {NASTY} | {one.headers[name] for one in received for name in names if name in one.headers}


def shown(outcome: Outcome) -> str:
    """Return the outcome's text for the chain and for people: all but the erasable fields."""
    return outcome.model_dump_json(exclude={"raw", "record"}) + repr(
        [outcome.message, outcome.reference, outcome.warnings, outcome.summary]
    )


def echo(action: CallAction, status: str, echoed: str, *, number: str) -> dict[str, Any]:
    """Return a success or a refusal by everybody's documents, which repeats everything that it was sent.

    Its target is the requested one, because another target would be no success.
    """
    good = status == "success"
    told = f"{NAME} {number}"
    asked = target_id(action)
    return {
        "status": SUCCESSES.get(action.kind, status) if good else status,
        "success": good,
        "error": not good,
        "message": f"{NAME.lower()} of {CITY.lower()} is blocked",
        "call_id": asked or number,
        "data": {
            "_id": asked or echoed,
            "callID": asked or number,
            "name": told,
            "status": told,
            "callerId": number,
        },
        "echo": echoed,
        "to": number,
        number: echoed,
    }


@pytest.mark.parametrize(("provider", "action"), ASKED)
async def test_an_echo_is_not_kept(
    provider: str, action: CallAction, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """In any encoding, no secret is anywhere, and no number or name is in shown text."""
    caplog.set_level(logging.DEBUG)
    writings = list(WRITINGS.values())
    numbers = list(NUMBERS.values())
    reached = set[Status]()
    for number, (status, word) in enumerate(product(STATUSES, ("success", "error"))):
        writing, told = writings[number % len(writings)], numbers[number % len(numbers)]
        body = echo(action, word, writing(NASTY), number=told)
        headers = {"X-Echo": f"{NASTY} {NUMBER}", "Location": f"/{NUMBER[1:]}", "Set-Cookie": f"k={NASTY}"}
        outcome, received, adapter = await exchange(provider, action, reply(status, body, headers))
        reached.add(outcome.status)
        everything = "".join((outcome.model_dump_json(), repr(outcome), repr(adapter.settings)))
        prepared = adapter.prepare(action, CONTEXT)
        everything += repr(prepared) + str(prepared)
        for secret in secrets_of(received):
            for way in writings:
                assert way(secret) not in everything
        if has_number(action):
            assert NATIONAL not in digits(shown(outcome))
            assert NATIONAL not in digits(outcome.raw or "")
        if isinstance(action, PlaceCall) and action.metadata:  # the metadata held the names
            assert not [one for one in WORDS if one.casefold() in shown(outcome).casefold()]
    assert {Status.OK, Status.FAILED, Status.UNKNOWN} <= reached
    written = caplog.text + "".join(capfd.readouterr())
    assert not [one for one in (NASTY, NUMBER, NATIONAL, *WORDS, "payments") if one in written]


@pytest.mark.parametrize(("provider", "action"), ASKED)
async def test_a_failure_says_nothing_of_the_request(
    provider: str, action: CallAction, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that breaks in any way leaves an outcome without number, name or secret."""
    caplog.set_level(logging.DEBUG)
    async with nobody_listening() as nobody:
        outcomes = [(await exchange(provider, action, reset, base_url=nobody))[0]]
    outcomes += [
        (await exchange(provider, action, answer, deadline=20.0 if answer is not silence else SHORT))[0]
        for answer in LOST
    ]
    written = caplog.text + "".join(one.model_dump_json() + repr(one) for one in outcomes)
    assert {one.status for one in outcomes} == {Status.FAILED, Status.UNKNOWN}
    assert not [one for one in (NASTY, NUMBER, NATIONAL, *WORDS) if one in written]


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("secret", [NASTY, "ab/cd+ef==", "plain-key-5d1f", "two words"])
def test_a_secret_is_found_in_every_writing(secret: str, writing: str) -> None:
    """In any encoding, a record has a placeholder in place of the secret."""
    redactor = Redactor.of(DeleteCampaign(target=CampaignRef(campaign_id="c-1")), [secret])
    written = WRITINGS[writing](secret)
    assert redactor.record(f"before {written} after") == "before [secret] after"
    assert redactor.without_secrets(json.dumps({"a": written})).count("[secret]") == 1


@pytest.mark.parametrize("writing", WRITINGS)
def test_no_half_of_a_secret_is_left(writing: str) -> None:
    """The reply is too large to be searched whole, and full of the key.

    The end of the search leaves no half.
    """
    redactor = Redactor.of(DeleteCampaign(target=CampaignRef(campaign_id="c-1")), [NASTY])
    written = WRITINGS[writing](NASTY)
    for shift in range(len(written)):
        record = redactor.record("x" * shift + written * (LONGEST_SEARCHED // len(written) + 1))
        assert ("x" * shift + "[secret]" * LONGEST_SEARCHED).startswith(record)


@pytest.mark.parametrize("writing", NUMBERS)
def test_a_number_is_found_in_every_writing(writing: str) -> None:
    """In any writing, a record has a mask in place of the action's number."""
    redactor = Redactor.of(PlaceCall(to=NUMBER, agent="a"), [])
    record = redactor.record(f"before {NUMBERS[writing]} after")
    assert NATIONAL not in digits(record)
    assert record.startswith("before ")
    assert record.endswith("+91\u00a0•••3210 after")


@pytest.mark.parametrize(
    "said",
    [
        "kanariya is blocked",
        "peelaswamy is blocked",
        "call to zzyzxpur is blocked",
        "contact_peelaswamy is blocked",
    ],
)
def test_a_name_is_found_in_every_writing(said: str) -> None:
    """A word of the metadata, at any depth and in any case, is not quoted."""
    action = PlaceCall(to=NUMBER, agent="a", metadata=METADATA["callkaro"])
    assert Redactor.of(action, []).sentence(said) is None


def test_a_short_word_of_the_metadata_takes_no_sentence_away() -> None:
    """A provider's own words stay readable if a value only happens to be a part of one."""
    action = PlaceCall(to=NUMBER, agent="a", metadata={"city": "in", "age": 25, "of": [None, True]})
    assert Redactor.of(action, []).sentence("Missing agent_id") == "Missing agent_id"
    assert Redactor.of(action, []).sentence("call in progress") is None


@pytest.mark.parametrize(
    "piece", ["\\", '"', "&#0", "%2", "+9", "9876543219", "91 98 76 54 32 1 ", "9%20", "\\u00a0", NASTY[:-1]]
)
def test_no_reply_takes_long_to_search(piece: str) -> None:
    """The largest reply of the worst kind is searched in linear time."""
    redactor = Redactor.of(PlaceCall(to=NUMBER, agent="a"), [NASTY, '"' * 16, "\\" * 16])
    text = piece * (LARGEST_BODY // len(piece))
    begun = time.process_time()
    redactor.record(text)
    assert time.process_time() - begun < SEARCHED_WITHIN


@pytest.mark.parametrize("answered", [NUMBER, NUMBER[1:], NATIONAL, f"call-{NATIONAL}", int(NATIONAL), NASTY])
async def test_a_number_or_a_key_is_no_reference(answered: object) -> None:
    """A call's id from the provider is kept in the chain and shown, so it is never a number or a key."""
    place = PlaceCall(to=NUMBER, agent="payments")
    outcome, _, _ = await exchange("callkaro", place, reply(200, {"status": "done", "call_sid": answered}))
    assert (outcome.status, outcome.reference, len(outcome.warnings)) == (Status.OK, None, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["cnry\n", "cnry\r\nX: y", " cnry", "cnr\x00y", "cnrÿy", "cnry\u2028y", ""])
def test_a_key_that_is_refused_is_not_shown(provider: str, fault: str) -> None:
    """A key that cannot be sent is refused at load. Neither the error nor its traceback has it."""
    secrets = {name for name, value in ACCOUNTS[provider].items() if value == NASTY}
    given = ACCOUNTS[provider] | dict.fromkeys(secrets, fault)
    try:
        PROVIDERS[provider].settings_type.model_validate(given)
    except ValueError as error:
        told = traceback.format_exc() + repr(error) + str(error)
        assert "cnr" not in told.replace("fault=", "")
    else:
        pytest.fail("it was taken")


def digits(text: str) -> str:
    """Return only the digits of a text, of any script and with any escapes."""
    for between in ("\\u00a0", "\\u2013", "%20", "&#160;"):
        text = text.replace(between, " ")
    return "".join(character for character in text if character.isdigit())
