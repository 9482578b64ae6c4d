import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.event_log.hash_chain import (
    GENESIS,
    ChainVerifier,
    canonical,
    commitment,
    digest,
    microseconds,
    moment,
)
from storage.ids import ALPHABET, new_id
from storage.models import Event

EVENT = Event(
    seq=1,
    at=datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC),
    request="A-7K3F",
    action="A-7K3F",
    name="requested",
    actor="U0AGENT",
    data={"state": "pending", "channel": None, "message": "naïve → café"},
    private={"reason": "ab" * 32},
    previous=GENESIS,
    hash="",
)


def linked(*events: Event) -> list[Event]:
    """Return the events as a chain."""
    chain: list[Event] = []
    for seq, event in enumerate(events, start=1):
        following = replace(event, seq=seq, previous=chain[-1].hash if chain else GENESIS)
        chain.append(replace(following, hash=digest(following)))
    return chain


def test_an_event_is_hashed_as_anyone_would_hash_it() -> None:
    """The hash is SHA-256 of the previous hash and the event as sorted, spaceless UTF-8 JSON."""
    at = (datetime(2026, 3, 2, 12, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000_000
    event: dict[str, object] = {
        "seq": 1,
        "at": at + 12 * 3_600_000_000 + 1,
        "request": "A-7K3F",
        "action": "A-7K3F",
        "name": "requested",
        "actor": "U0AGENT",
        "data": EVENT.data,
        "private": EVENT.private,
    }
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest(EVENT) == hashlib.sha256((GENESIS + text).encode()).hexdigest()


def test_a_float_never_enters_the_chain() -> None:
    """Platforms write floats differently, so writing one is a fault."""
    with pytest.raises(TypeError, match="no floats"):
        canonical({"seconds": 0.5})  # type: ignore[dict-item]


def test_a_commitment_tells_nothing_without_its_salt() -> None:
    """The same value under two salts has two commitments, and each salt proves its own."""
    one, two = commitment(b"1" * 16, "+919876543210"), commitment(b"2" * 16, "+919876543210")
    assert one != two
    assert one == hashlib.sha256(b"1" * 16 + b'"+919876543210"').hexdigest()


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_times_keep_their_microseconds(at: datetime) -> None:
    """A time stays the same after writing and reading."""
    assert moment(microseconds(at)) == at


def test_a_whole_chain_has_no_fault() -> None:
    """Events that follow each other have no fault."""
    links = ChainVerifier()
    chain = linked(EVENT, EVENT, EVENT)
    assert [links.fault(event) for event in chain] == [None, None, None]
    assert (links.seq, links.head) == (3, chain[-1].hash)


@pytest.mark.parametrize(
    "changed",
    [
        {"at": datetime(2026, 3, 2, 13, tzinfo=UTC)},
        {"request": "A-7K3G"},
        {"action": "A-7K3F.2"},
        {"name": "approved"},
        {"actor": "U0MALLORY"},
        {"data": {"state": "approved"}},
        {"private": {}},
    ],
)
def test_every_part_of_an_event_is_covered(changed: dict[str, object]) -> None:
    """A change of any part is found at that event and nowhere else."""
    links = ChainVerifier()
    first, second, third = linked(EVENT, EVENT, EVENT)
    forged = replace(second, **changed)  # type: ignore[arg-type]
    assert links.fault(first) is None
    assert links.fault(forged) == f"Event 2 ({forged.action}) was changed after it was written."
    assert links.fault(third) is None


def test_a_missing_or_rewritten_event_is_named() -> None:
    """A gap is named at its place, and a rehashed event at its successor."""
    first, second, third = linked(EVENT, EVENT, EVENT)
    links = ChainVerifier()
    assert [links.fault(event) for event in (first, third)] == [
        None,
        "Event 2 is missing: event 3 follows event 1.",
    ]
    rewritten = replace(second, actor="U0MALLORY")
    rewritten = replace(rewritten, hash=digest(rewritten))
    links = ChainVerifier()
    assert [links.fault(event) for event in (first, rewritten, third)] == [
        None,
        None,
        "Event 3 (A-7K3F) does not follow from event 2.",
    ]


def test_ids_grow_by_a_symbol_after_three_collisions() -> None:
    """Four symbols are tried three times, then five."""
    taken = set[str]()

    def draw() -> str:
        drawn = new_id("A", random=bytes, taken=taken.__contains__)
        taken.add(drawn)
        return drawn

    assert [draw() for _ in range(3)] == ["A-2222", "A-22222", "A-222222"]


def test_every_symbol_is_equally_likely() -> None:
    """The alphabet divides the values of a byte evenly, and has no ambiguous symbols."""
    assert 256 % len(ALPHABET) == 0
    assert len(set(ALPHABET)) == 32
    assert not set(ALPHABET) & set("0O1I")
