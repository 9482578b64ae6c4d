"""Any text as an id, address or phone number: it leads where it says, or nowhere."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import phonenumbers
import pytest
import yarl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType
from pydantic import ValidationError

from providers.actions import (
    SAFE_ID_PATTERN,
    CallAction,
    CallRef,
    CampaignRef,
    CancelCall,
    NumberRef,
)
from providers.base import Adapter, Capability
from providers.phone import REGIONS, InvalidNumberError, read
from providers.registry import PROVIDERS
from tests.providers.made import CONTEXT, callkaro, open_adapter, ryng, voxworks
from tests.providers.wire import Received, listening, perform, reply
from tests.security.test_echoes import action_for, adapter_of

HOSTILE = st.text("aZ09._:-/%?#\\@;&=+ \t\r\n\x00\x7fé٣\uff41\uff0e\uff0f\u202e", max_size=12)
IDS = st.text(max_size=140) | HOSTILE | st.from_regex(SAFE_ID_PATTERN, fullmatch=True)
PLAIN = "PLAIN"
CANCEL = CancelCall(target=CallRef(call_id="40961"))
LONGEST_AGENT = 128
KINDS = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE)

BY_ID = [
    pytest.param(provider, capability, id=f"{provider} {capability.kind}")
    for provider, adapter in PROVIDERS.items()
    for capability in adapter.capabilities
    if capability.target in (CallRef, CampaignRef)
]


def aimed_at(provider: str, capability: Capability, text: str) -> tuple[CallAction, bool]:
    """Return an action aimed at any id, and whether the vocabulary would accept the id."""
    usual: Any = action_for(provider, capability)
    name = "call_id" if capability.target is CallRef else "campaign_id"
    try:
        target, fine = type(usual.target).model_validate({name: text}), True
    except ValidationError:
        target, fine = type(usual.target).model_construct(**{name: text}), False
    return type(usual).model_construct(kind=usual.kind, target=target), fine


async def sent(adapter: Adapter, action: CallAction, received: list[Received]) -> list[str]:
    """Return the raw targets of a connection's requests for an action, with those of its lookup."""
    before = len(received)
    await perform(adapter, action, CONTEXT)
    await adapter.look_up(action, CONTEXT)
    return [one.target for one in received[before:]]


@pytest.mark.parametrize(("provider", "capability"), BY_ID)
@given(st.lists(IDS, min_size=10, max_size=20))
@example(
    ["..", ".", "", "a\n", "a" * 128, "a" * 129, "a:b", "../../contacts", "..%2f", "a?x=1", "a#f", "a/b"]
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_an_id_is_exactly_one_part_of_the_path(
    provider: str, capability: Capability, texts: list[str]
) -> None:
    """Any text as an id is refused before any request, or is exactly that part of the raw path."""
    async with listening(reply()) as wire, open_adapter(adapter_of(provider, wire.base_url)) as adapter:
        usual = await sent(adapter, aimed_at(provider, capability, PLAIN)[0], wire.received)
        assert usual
        for text in texts:
            action, fine = aimed_at(provider, capability, text)
            expected = [one.replace(PLAIN, quote(text, safe="")) for one in usual] if fine else []
            assert await sent(adapter, action, wire.received) == expected


@given(st.lists(st.text(min_size=1, max_size=130) | HOSTILE.filter(bool), min_size=10, max_size=20))
@example(["a&agent_id=b", "a=b", "a#f", "é", "a b", "+", "%2B", "a" * 128, "a" * 129, "..", "/../.."])
@settings(max_examples=15, deadline=None)
async def test_an_agents_own_id_is_exactly_one_parameter(texts: list[str]) -> None:
    """Any text as an agent's raw id is refused before any request, or reaches the server unchanged."""
    async with (
        listening(reply()) as wire,
        open_adapter(callkaro(wire.base_url, agents={}, allow_raw_agents=True)) as adapter,
    ):
        for text in texts:
            target = NumberRef.model_construct(by="number", agent=text, to="+919876543210")
            targets = await sent(adapter, CancelCall.model_construct(target=target), wire.received)
            one_word = text.isascii() and text.isprintable() and " " not in text
            assert bool(targets) == (one_word and len(text) <= LONGEST_AGENT)
            for one in targets:
                path, _, query = one.partition("?")
                assert path == "/call/delete-schedule-call"
                assert parse_qs(query, strict_parsing=True) == {"agent_id": [text]}


@given(HOSTILE | st.text(max_size=70) | st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True))
@example("evil.example/")
@example("evil.example#")
@example("a\n")
@example("xn--a")
@settings(max_examples=300)
def test_a_subdomain_is_one_label_of_ryngs_host(text: str) -> None:
    """Any text as a subdomain is refused at load, or three URL parsers find that label before ryng.in."""
    with suppress(ValidationError):
        connection = ryng(subdomain=text)
        url = connection.prepare(CANCEL, CONTEXT).url
        assert hosts(url) == {f"{text}.ryng.in".lower()}
        assert url == f"https://{text.lower()}.ryng.in/rest-api/v1/progressive/call/40961/cancel"


HOSTS = [
    *("localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433"),
    *(
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fd00::1]",
    ),
    *("10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "100.64.0.1", "8.8.8.8"),
    *("①②⑦.0.0.1", "api。voxworks.ai", "\u017f.example", "xn--e1afmkfd.example", "xn--a.example"),
    *("a..b", "-a.example", "a_b.example", "", "https"),
]


def mostly(usual: str, *others: str) -> st.SearchStrategy[str]:
    """Return the usual part of an address half of the time, because a fault needs right parts around it."""
    return st.booleans().flatmap(lambda odd: st.sampled_from(others) if odd else st.just(usual))


PIECES = st.tuples(
    mostly("https://", "http://", "HTTPS://", "https:/", "//", "", "file://", "https://https://"),
    mostly("", "", "", "key@", "api.voxworks.ai@", "a:b@", "\\@"),
    mostly("api.voxworks.ai", *HOSTS),
    mostly("", ":443", ":8443", ":0", ":99999", ":", ":80@evil.example", ":-1", ":٤٤٣"),
    mostly(
        "", "/", "/v1", "/v1/", "/..", "/a/../b", "/%2e%2e", "?x=1", "#x", "/a b", "\r\nX: y", "\\x", "//x"
    ),
).map("".join)


@given(PIECES | HOSTILE | st.text(max_size=40))
@example("https://api.voxworks.ai/v1")
@settings(max_examples=1500)
def test_an_address_leads_to_its_own_host(text: str) -> None:
    """Any text as base_url is refused at load, or three URL parsers find the host of each request."""
    with suppress(ValidationError):
        connection = voxworks(text)
        url = connection.prepare(CANCEL, CONTEXT).url
        (host,) = hosts(text)
        assert hosts(url) == {host}
        given, sent_to = urlsplit(text), urlsplit(url)
        assert (sent_to.scheme, sent_to.path) == (
            given.scheme,
            f"{given.path.rstrip('/')}/api/v1/cancel-call/40961",
        )
        assert {given.port, sent_to.port} <= {given.port, None if given.port in {80, 443} else given.port}
        assert (given.username, given.query, given.fragment) == (None, "", "")
        address = address_of(host)
        here = host == "localhost" or address in {*map(ip_address, ("127.0.0.1", "::1", "::ffff:127.0.0.1"))}
        assert here or address is None or address.is_global
        assert here or urlsplit(url).scheme == "https"


def hosts(url: str) -> set[str]:
    """Return an address's host by httpx, the standard library and yarl, in small letters."""
    found = {httpx.URL(url).raw_host.decode(), urlsplit(url).hostname, yarl.URL(url).raw_host}
    return {str(one if (address := address_of(str(one))) is None else address).lower() for one in found}


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return a host's IP address, which has several writings, or None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


DIALLED = st.text("+0123456789 ()-.", max_size=20) | st.sampled_from(sorted(REGIONS)).flatmap(
    lambda region: st.sampled_from(
        [
            phonenumbers.format_number(number, style)
            for number in (phonenumbers.example_number_for_type(region, kind) for kind in KINDS)
            if number
            for style in (0, 1, 2, 3)
        ]
        or ["+1"]
    )
)


@given(DIALLED | st.text(max_size=70), st.sampled_from(sorted(REGIONS)))
@example("+91 98765 43210", "IN")
@settings(max_examples=600)
def test_a_number_that_is_read_reads_as_itself(text: str, region: str) -> None:
    """Any text in any country is refused, or is one E.164 number, which parses to itself in any writing."""
    with suppress(InvalidNumberError):
        phone = read(text, default_region=region)
        number = phonenumbers.parse(phone.e164)
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == phone.e164
        for again in (phone.e164, phone.pretty, f"<tel:{phone.e164}|{phone.pretty}>"):
            assert read(again, default_region=region) == phone
        short = phonenumbers.national_significant_number(number)
        assert not phonenumbers.is_emergency_number(short, phone.region or region)
        assert not phonenumbers.is_valid_short_number(number)


@given(DIALLED, st.text(st.characters(exclude_characters=">"), max_size=20), st.sampled_from(sorted(REGIONS)))
@example("+919876543210", "112", "IN")
@settings(max_examples=300)
def test_slacks_link_is_read_by_its_address_alone(text: str, label: str, region: str) -> None:
    """The label of a link has no influence on the dialled number."""
    read_alone, linked, labelled = (
        read_or_fault(one, region) for one in (text, f"<tel:{text}>", f"<tel:{text}|{label}>")
    )
    assert linked == labelled
    assert linked == read_alone or not text.strip()


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_no_short_number_is_read(region: str) -> None:
    """A country's emergency and short numbers are refused there, with its code and in Slack's links."""
    code = phonenumbers.country_code_for_region(region)
    found = PhoneMetadata.short_metadata_for_region(region)
    shorts = {"112", "911", "999", "000", "100", "101", "108", "110", "113", "118", "119", "190", "1098"}
    for described in () if found is None else (found.emergency, found.short_code, found.toll_free):
        if described and described.example_number:
            shorts.add(described.example_number)
    for short in shorts:
        for text in (short, " ".join(short), f"+{code}{short}", f"+{code} {short}", f"<tel:{short}|{short}>"):
            with pytest.raises(InvalidNumberError):
                read(text, default_region=region)


def read_or_fault(text: str, region: str) -> object:
    """Return a number, or the sentence of its refusal."""
    try:
        return read(text, default_region=region)
    except InvalidNumberError as fault:
        return str(fault)
