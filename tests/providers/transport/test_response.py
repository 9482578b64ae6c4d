import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.transport.redaction import Redactor
from providers.transport.response import (
    LARGEST_BODY,
    LONGEST_WAIT,
    MOST_PIECES,
    Response,
    decode,
    read,
    stored_response,
)

NOW = datetime(2025, 12, 30, 12, 0, tzinfo=UTC)
NOTHING = Redactor(secrets=(), number=None, words=())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{} {}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"n":' + b"9" * 5000 + b"}",
        b'{"n":' + b"9" * 310 + b"}",
        b'{"n":NaN}',
        b'{"n":-Infinity}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
    ],
)
def test_what_is_no_document(body: bytes) -> None:
    """An outbox during whose post an outage ends."""
    assert decode(body) is None


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
    )
)
@settings(max_examples=80)
def test_every_plain_object_is_a_document(document: dict[str, object]) -> None:
    """An ordinary JSON object stays as it was written."""
    assert decode(json.dumps(document).encode()) == document


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_no_bytes_raise(body: bytes) -> None:
    """Any bytes decode to a document or to None."""
    assert decode(body) is None or isinstance(decode(body), dict)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        ("Tue, 30 Dec 2025 12:00:30 GMT", 30.0),
        ("Tue, 30 Dec 2025 17:30:30 +0530", 30.0),
        ("Tue, 30 Dec 2025 11:00:00 GMT", 0.0),
        ("9" * 400, LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("5, 9", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("\u0665", None),
        ("Tue, 30 Dec 2025 12:00:30 -0000", None),
        ("Tue, 99 Dec 2025 12:00:30 GMT", None),
        ("Tue, 30 Dec 99999999999 12:00:30 GMT", None),
    ],
)
async def test_retry_after(value: str, seconds: float | None) -> None:
    """`Retry-After` is seconds or a date, and nonsense counts as none.

    Up to a month it is never shortened.
    """
    assert (await received(headers={"retry-after": value.encode()})).retry_after == seconds


async def test_no_retry_after() -> None:
    """A reply that asks for no wait has none."""
    assert (await received()).retry_after is None


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["60", "60"], 60.0),
        (["5", "Tue, 30 Dec 2025 12:01:30 GMT", "soon"], 90.0),
        (["soon", "later"], None),
    ],
)
async def test_retry_after_more_than_once(values: list[str], seconds: float | None) -> None:
    """Of a header that proxies repeat, the longest wait counts."""
    headers = [("retry-after", value) for value in values]
    response = httpx.Response(200, headers=headers, stream=httpx.ByteStream(b""))
    reply = await read(response, redactor=NOTHING, now=NOW)
    assert reply.retry_after == seconds
    again = stored_response(200, reply.headers, "", redactor=NOTHING, now=NOW)
    assert again.retry_after == seconds


async def test_the_bound_itself_is_legal() -> None:
    """A body of exactly the largest size is read, and a byte more is not."""
    largest = b'{"a":1}' + b" " * (LARGEST_BODY - 7)
    assert (await received(largest)).document == {"a": 1}
    assert (await received(largest + b" ")).document is None


@pytest.mark.parametrize(
    "value", [None, True, 1.5, [], {}, "", "two words", "é", "x" * 129, "\ud800", "a\nb"]
)
async def test_what_is_no_reference(value: object) -> None:
    """An id is one printable word, and anything else is none."""
    assert (await received(json.dumps({"id": value}).encode())).reference("id") is None


async def test_references() -> None:
    """Ids may be words or integers, under the first key that holds one."""
    reply = await received(b'{"none": null, "sid": "CA/1+2=", "number": 42}')
    assert reply.reference("none", "sid") == "CA/1+2="
    assert reply.reference("number") == "42"


async def received(body: bytes = b"", headers: dict[str, bytes] | None = None) -> Response:
    """Return the reply that is read from a response with this body."""
    response = httpx.Response(
        200,
        headers=[(name.encode(), value) for name, value in (headers or {}).items()],
        stream=httpx.ByteStream(body),
    )
    return await read(response, redactor=NOTHING, now=NOW)


async def test_a_body_in_tiny_pieces_is_not_read_to_its_end() -> None:
    """A body in tiny pieces is no document, like any incomplete body. Some hundreds of pieces are read."""
    taken = 0

    async def pieces(number: int) -> AsyncIterator[bytes]:
        nonlocal taken
        for taken in range(1, number + 1):
            yield b" " if taken < number else b"{}"

    endless = await read(httpx.Response(200, content=pieces(LARGEST_BODY)), redactor=NOTHING, now=NOW)
    assert endless.document is None
    assert taken < MOST_PIECES + 2
    some = await read(httpx.Response(200, content=pieces(MOST_PIECES)), redactor=NOTHING, now=NOW)
    assert some.document == {}
