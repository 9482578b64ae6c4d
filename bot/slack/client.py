"""The client of Slack's Web API, as all of CallOps uses it."""

from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

SLACK_ANSWERS_WITHIN = 10
"""Seconds until a call that has no answer is given up."""


def make_client(token: str, url: str) -> AsyncWebClient:
    """A client that makes each call once."""
    client = AsyncWebClient(
        token=token,
        base_url=url,
        timeout=SLACK_ANSWERS_WITHIN,
        retry_handlers=[],  # the library's own would post a message a second time after a lost answer
    )
    if is_loopback(url):
        client.proxy = None  # the library takes a proxy from the environment, even to this machine
    return client


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}
