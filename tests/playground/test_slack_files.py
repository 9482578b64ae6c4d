from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from playground.content import BOT_TOKEN
from playground.files import LOGIN_PAGE, MAX_BYTES, Upload, objection
from playground.forms import REQUIRED
from playground.manifest import Manifest
from playground.people import ImpossibleError, View
from tests.playground.slack_app import Json, Stage, bolt, modal, stage, text_input

CSV = ("calls.csv", b"phone\n98765 43210\n")


def file_input(**element: object) -> Json:
    """Return an input block with a file element."""
    label = {"type": "plain_text", "text": "List"}
    field = {"type": "file_input", "action_id": "value", **element}
    return {"type": "input", "block_id": "list", "label": label, "element": field}


@pytest.fixture
async def on() -> AsyncIterator[Stage]:
    """Yield a Slack with the sample app."""
    async with stage() as running, bolt(running):
        yield running


async def form(on: Stage, **element: object) -> View:
    """Return a modal with a file element, opened by the agent."""
    opened = (await on.person().command("/form")).view
    assert opened
    await on.client.views_update(
        view_id=opened.id, view=modal("List", text_input("name"), file_input(**element))
    )
    view = await on.person().view()
    assert view
    return view


async def test_a_picked_file_is_submitted_as_a_file_object(on: Stage) -> None:
    """It is uploaded when it is picked, and the app can ask for it."""
    view = await on.person().pick(await form(on, filetypes=["csv"], max_files=1), "list", CSV)
    assert [one["name"] for one in view.values["list"]["value"]["files"]] == ["calls.csv"]
    await on.person().submit(view, {"name": "Asha"})
    value = on.heard[-1]["view"]["state"]["values"]["list"]["value"]
    assert value["type"] == "file_input"
    [file] = value["files"]
    assert (file["name"], file["mimetype"], file["filetype"], file["size"], file["user"]) == (
        "calls.csv",
        "text/csv",
        "csv",
        len(CSV[1]),
        "U0AGENT",
    )
    assert (await on.client.files_info(file=file["id"]))["file"] == file
    assert "/download/calls.csv" in file["url_private_download"]


async def test_a_file_is_served_to_the_apps_token_only(on: Stage) -> None:
    """Others get the login page with status 200, and there are no such pages for what is gone."""
    view = await on.person().pick(await form(on), "list", CSV)
    [file] = view.values["list"]["value"]["files"]

    async def get(token: str | None) -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as session,
            session.get(file["url_private_download"], headers=headers) as reply,
        ):
            return reply.status, reply.content_type, await reply.read()

    assert await get(BOT_TOKEN) == (200, "text/csv", CSV[1])
    assert await get(None) == (200, "text/html", LOGIN_PAGE.encode())
    assert await get("xoxb-wrong") == (200, "text/html", LOGIN_PAGE.encode())
    on.slack.workspace.uploads[file["id"]].deleted = True
    assert (await get(BOT_TOKEN))[0] == 404
    with pytest.raises(SlackApiError, match="file_deleted"):
        await on.client.files_info(file=file["id"])


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("calls.xlsx", b"PK")], "calls.xlsx has an unsupported type. Supported: csv."),
        ([CSV, ("more.csv", b"x"), ("third.csv", b"x")], "You can add 2 files at most."),
    ],
)
async def test_the_client_refuses_other_files(on: Stage, files: list[tuple[str, bytes]], why: str) -> None:
    """The sentence stands under the input, and the element stays empty."""
    view = await on.person().pick(await form(on, filetypes=["csv"], max_files=2), "list", *files)
    assert view.errors == {"list": why}
    assert view.values["list"]["value"]["files"] == []
    mended = await on.person().pick(view, "list", CSV)
    assert mended.errors == {}


def test_a_file_has_a_largest_size() -> None:
    """Ten megabytes are accepted."""
    assert objection({}, [Upload("F1", "big.csv", MAX_BYTES)]) is None
    assert objection({}, [Upload("F1", "big.csv", MAX_BYTES + 1)]) == "big.csv is larger than 10 MB."


async def test_files_join_or_replace_and_can_be_removed(on: Stage) -> None:
    """An element for one file keeps the newest. A required element needs a file."""
    several = await on.person().pick(await form(on), "list", CSV)
    several = await on.person().pick(several, "list", ("more.csv", b"x"))
    assert [one["name"] for one in several.values["list"]["value"]["files"]] == ["calls.csv", "more.csv"]
    cleared = await on.person().pick(several, "list")
    assert cleared.values["list"]["value"]["files"] == []
    assert (await on.person().submit(cleared, {"name": "Asha"})).errors == {"list": REQUIRED}
    await on.person().close(cleared)
    single = await on.person().pick(await form(on, max_files=1), "list", CSV)
    single = await on.person().pick(single, "list", ("more.csv", b"x"))
    assert [one["name"] for one in single.values["list"]["value"]["files"]] == ["more.csv"]


async def test_files_are_picked_in_a_file_input(on: Stage) -> None:
    """Text is not typed there, and no other input takes files."""
    view = await form(on)
    with pytest.raises(ImpossibleError, match="takes no files"):
        await on.person().pick(view, "name", CSV)
    with pytest.raises(ImpossibleError, match="takes files that are picked"):
        await on.person().fill(view, {"list": "calls.csv"})


async def test_a_form_for_files_needs_the_scope() -> None:
    """An element outside its limits is refused, too."""
    async with stage(manifest=Manifest(scopes=("commands",))) as on, bolt(on):
        with pytest.raises(SlackApiError, match="missing_scope"):
            await form(on)
    async with stage() as on, bolt(on):
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await form(on, max_files=11)
