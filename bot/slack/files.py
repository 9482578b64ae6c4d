"""Downloads of files that people upload to Slack.

Sources: docs.slack.dev/reference/objects/file-object and docs.slack.dev/reference/methods/files.info, read
2026-12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot import CallOpsError
from bot.slack.client import is_loopback
from bot.slack.errors import SLACK_ERRORS, Refusal, error_code, refusal

MOST_BYTES: Final = 8 * 1024 * 1024
"""Size of a file, at most."""
DOWNLOADED_WITHIN: Final = 30
"""Seconds until a download that is not finished fails."""

_CHUNK: Final = 64 * 1024
_HTTPS_PORT: Final = 443
_GONE: Final = frozenset({"file_deleted", "file_not_found"})
_TOMBSTONE: Final = "tombstone"
"""The mode of a deleted file (file-object)."""
_PAGE: Final = (b"<!doctype html", b"<html")
_LONGEST_MARK: Final = max(map(len, _PAGE))
_LOGIN_PAGE: Final = "a login page came instead of the file, as without files:read"
FILE_SCOPES: Final = frozenset({"files:read"})
"""The scopes without which no file can be downloaded."""


@dataclass(frozen=True, slots=True)
class SlackFile:
    """A file's name as its uploader gave it, and its content."""

    name: str
    content: bytes


class DownloadError(CallOpsError):
    """A file could not be downloaded. The message is a phrase for a log."""


class FileScopeError(DownloadError):
    """Slack refuses the token: the app lacks the scope ``files:read``, or was not reinstalled with it."""


class FileGoneError(DownloadError):
    """The file is deleted, or the app cannot see it."""


class FileTooLargeError(DownloadError):
    """The file is larger than `MOST_BYTES`."""


class DownloadLimitedError(DownloadError):
    """Slack's rate limit is used up. ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"rate limited for {retry_after} s")
        self.retry_after = retry_after


async def download_file(client: AsyncWebClient, file_id: str) -> SlackFile:
    """Return an uploaded file. The token is sent to Slack's own hosts only.

    Raises:
        FileScopeError, FileGoneError, FileTooLargeError, DownloadLimitedError: As their names say.
        DownloadError: Any other error, such as a broken connection.
    """
    try:
        facts = (await client.files_info(file=file_id))["file"]
    except SLACK_ERRORS as error:
        raise _refused(error) from error
    if facts.get("mode") == _TOMBSTONE:
        raise FileGoneError("deleted")
    if facts.get("size", 0) > MOST_BYTES:
        raise FileTooLargeError(f"{facts['size']} bytes")
    url = URL(facts.get("url_private_download") or "")
    if not may_have_token(url, client.base_url):
        raise DownloadError(f"the file is at {url.host or 'no host'}, not at Slack")
    try:
        content = await _download(client, url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DownloadError(error_code(error)) from error
    if len(content) != facts.get("size", len(content)):
        raise DownloadError(f"{len(content)} bytes of {facts['size']} came")
    return SlackFile(str(facts.get("name") or file_id), content)


def may_have_token(url: URL, base_url: str) -> bool:
    """Return whether a file's address belongs to the Slack whose Web API is at ``base_url``.

    Slack keeps files at ``files.slack.com``. On this machine the address must be the very same.
    """
    own = URL(base_url)
    if not url.is_absolute() or url.host is None:
        return False
    if is_loopback(base_url):
        return url.origin() == own.origin()
    is_slack = url.host == own.host or url.host.endswith(f".{own.host}")
    return url.scheme == "https" and url.port == _HTTPS_PORT and is_slack


def _refused(error: BaseException) -> DownloadError:
    """Return why `files.info` failed."""
    code = error_code(error)
    if code in _GONE:
        return FileGoneError(code)
    if code == "missing_scope":
        return FileScopeError(code)
    if refusal(error, direct=True) is Refusal.LIMITED and isinstance(error, SlackApiError):
        return DownloadLimitedError(_seconds(error.response.headers))
    return DownloadError(code)


async def _download(client: AsyncWebClient, url: URL) -> bytes:
    """Return the bytes at an address. Reading stops above `MOST_BYTES`."""
    headers = {"Authorization": f"Bearer {client.token}"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DOWNLOADED_WITHIN)) as session,
        # A redirect leads to the login page, and the token must not follow it to another host.
        session.get(url, headers=headers, allow_redirects=False, proxy=client.proxy) as reply,
    ):
        _check(reply)
        content = bytearray()
        async for chunk in reply.content.iter_chunked(_CHUNK):
            content += chunk
            if len(content) > MOST_BYTES:
                raise FileTooLargeError(f"more than {MOST_BYTES} bytes")
    if content.lstrip()[:_LONGEST_MARK].lower().startswith(_PAGE):
        raise FileScopeError(_LOGIN_PAGE)
    return bytes(content)


def _check(reply: aiohttp.ClientResponse) -> None:
    """Raise a `DownloadError` if a reply is not a file."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise DownloadLimitedError(_seconds(reply.headers))
    if reply.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise FileGoneError(f"HTTP {reply.status}")
    is_page = reply.status == HTTPStatus.OK and reply.content_type == "text/html"
    if is_page or reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.FOUND}:
        raise FileScopeError(_LOGIN_PAGE)
    if reply.status != HTTPStatus.OK:
        raise DownloadError(f"HTTP {reply.status}")


def _seconds(headers: Mapping[str, str]) -> int:
    """Return the wait that Slack asks for, at least a second."""
    said = headers.get("Retry-After", "")
    return max(1, int(said)) if said.isdecimal() else 1
