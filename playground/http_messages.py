"""HTTP messages of the provider stand-ins: received requests, and answers to send."""

import email
import email.policy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from pydantic_core import from_json


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``number`` is the journal's. ``target`` is the raw path with its query, as it was sent."""

    number: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """The raw path without its query. Quoted ids stay quoted."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters. A repeated one has its last value."""
        return dict(parse_qsl(self.target.partition("?")[2]))

    def header(self, name: str) -> str | None:
        """Return a header's value by its lower-case name, or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def json(self) -> dict[str, object]:
        """Return the body's fields, from JSON.

        Raises:
            ValueError: The body is no JSON object.
        """
        content = from_json(self.body, allow_inf_nan=False)  # rejects lone surrogates and endless nesting
        if not isinstance(content, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004 - the peer's mistake, as undecodable JSON is
        return content

    def fields(self) -> dict[str, object]:
        """Return the body's fields, from a form or from JSON.

        Raises:
            ValueError: The body is neither.
        """
        content_type = self.header("content-type") or ""
        if content_type.startswith("multipart/form-data"):
            return dict(_multipart(content_type, self.body))
        if content_type.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode()))
        return self.json()


def _multipart(content_type: str, body: bytes) -> Mapping[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_content().strip()
        for part in form.iter_parts()
    }


def last_segment(path: str) -> str:
    """Return the last segment of a raw path, unquoted."""
    return unquote(path.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, before any fault of the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_json(status: int, content: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer in JSON, as all these providers send it."""
    body = json.dumps(content).encode()
    return Answer(status, body, {"Content-Type": "application/json", **(headers or {})})
