from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from bot.slack.client import make_client
from bot.slack.files import (
    MOST_BYTES,
    DownloadError,
    DownloadLimitedError,
    FileGoneError,
    FileScopeError,
    FileTooLargeError,
    SlackFile,
    download_file,
    may_have_token,
)
from playground.content import BOT_TOKEN
from playground.files import Upload
from playground.manifest import Manifest
from tests.playground.slack_app import Stage, stage

CONTENT = b"phone,name\n98765 43210,Asha\n"


@asynccontextmanager
async def uploaded(
    content: bytes = CONTENT, scopes: tuple[str, ...] = ("files:read",)
) -> AsyncIterator[tuple[Stage, Upload]]:
    """Yield a Slack to which a person has uploaded a file."""
    async with stage(manifest=Manifest(scopes=scopes)) as on:
        file = on.slack.workspace.announce("calls.csv", len(content))
        file.content, file.user = content, "U0AGENT"
        yield on, file


async def download(on: Stage, file: Upload, token: str = BOT_TOKEN) -> SlackFile:
    """Download a file as the app."""
    return await download_file(make_client(token, f"{on.slack.address}/api/"), file.id)


async def test_a_file_is_downloaded_with_its_name() -> None:
    """The content is the uploaded bytes."""
    async with uploaded() as (on, file):
        assert await download(on, file) == SlackFile("calls.csv", CONTENT)


async def test_a_missing_scope_is_told() -> None:
    """Slack says so at once."""
    async with uploaded(scopes=("chat:write",)) as (on, file):
        with pytest.raises(FileScopeError, match="missing_scope"):
            await download(on, file)


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>Sign in</html>", b"\n<HTML><head></head></HTML>"], ids=["doctype", "html"]
)
async def test_a_login_page_is_no_file(page: bytes) -> None:
    """Slack answers a download that it refuses with status 200 and a page."""
    async with uploaded(page) as (on, file):
        with pytest.raises(FileScopeError, match="login page"):
            await download(on, file)


async def test_a_page_is_known_by_its_type() -> None:
    """Whatever its first line says."""
    async with uploaded() as (on, file):
        file.name = "calls.html"
        with pytest.raises(FileScopeError, match="login page"):
            await download(on, file)


async def test_a_deleted_file_is_gone() -> None:
    """A file that never was is gone as well."""
    async with uploaded() as (on, file):
        with pytest.raises(FileGoneError, match="file_not_found"):
            await download(on, Upload("F404", "calls.csv", 1))
        file.deleted = True
        with pytest.raises(FileGoneError, match="file_deleted"):
            await download(on, file)


async def test_an_invalid_token_is_another_error() -> None:
    """Reinstalling the app does not help there."""
    async with uploaded() as (on, file):
        with pytest.raises(DownloadError, match="invalid_auth") as raised:
            await download(on, file, "xoxb-wrong")
    assert type(raised.value) is DownloadError


@pytest.mark.parametrize("method", ["files.info", "files.download"])
async def test_a_rate_limit_says_how_long_to_wait(method: str) -> None:
    """Both requests have one."""
    async with uploaded() as (on, file):
        await on.people.fail(method, "ratelimited", retry_after=7)
        with pytest.raises(DownloadLimitedError) as raised:
            await download(on, file)
        assert raised.value.retry_after == 7
        assert (await download(on, file)).content == CONTENT


@pytest.mark.parametrize("does", ["server_error", "reset"])
async def test_a_broken_download_is_an_error(does: str) -> None:
    """It may be tried again."""
    async with uploaded() as (on, file):
        await on.people.fail("files.download", does, times=3)  # the HTTP client retries once
        with pytest.raises(DownloadError) as raised:
            await download(on, file)
    assert type(raised.value) is DownloadError


async def test_a_large_file_is_not_downloaded() -> None:
    """The facts tell its size. Reading stops if they are wrong."""
    async with uploaded(b"x" * (MOST_BYTES + 1)) as (on, file):
        with pytest.raises(FileTooLargeError, match=f"{MOST_BYTES + 1} bytes"):
            await download(on, file)
        file.length = 100
        with pytest.raises(FileTooLargeError, match="more than"):
            await download(on, file)
    async with uploaded(b"x" * MOST_BYTES) as (on, file):
        assert len((await download(on, file)).content) == MOST_BYTES


async def test_a_file_that_is_cut_off_is_an_error() -> None:
    """A list with half of its rows would be another list."""
    async with uploaded() as (on, file):
        file.length += 1
        with pytest.raises(DownloadError, match="28 bytes of 29 came"):
            await download(on, file)


async def test_the_token_is_sent_to_slack_only() -> None:
    """A file at another host than the Web API is not asked for."""
    async with uploaded() as (on, file):
        await on.people.fail("files.download", "server_error")  # which a download would meet
        port = URL(on.slack.address).port
        client = make_client(BOT_TOKEN, f"http://localhost:{port}/api/")
        with pytest.raises(DownloadError, match="not at Slack"):
            await download_file(client, file.id)


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/calls.csv", True),
        ("https://slack.com/x", True),
        ("http://files.slack.com/x", False),
        ("https://files.slack.com:8443/x", False),
        ("https://files.slack.com.evil.example/x", False),
        ("https://evilslack.com/x", False),
        ("https://slack.com@evil.example/x", False),
        ("http://127.0.0.1/x", False),
        ("/files-pri/x", False),
        ("", False),
    ],
)
def test_slacks_hosts_are_known(url: str, *, may: bool) -> None:
    """Files are at a subdomain of the Web API's host, by https."""
    assert may_have_token(URL(url), "https://slack.com/api/") is may
