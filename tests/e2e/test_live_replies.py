"""Providers' raw replies: shown from the log, and turned into a case of the contract suite."""

import base64
import json
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from playground import kore, voxworks
from playground.faults import Fault
from playground.stage import KEY
from providers.registry import PROVIDERS
from storage.store import Store
from tests.e2e.scene import NUMBER, Scene, request_id
from tests.e2e.test_campaigns import CONFIRMATION
from tests.providers.contract.case import Subject
from tests.providers.contract.suite import Answered, ProviderContract
from tests.storage.samples import erase

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_replies_are_shown_in_reading_order(scene: Scene) -> None:
    """Each attempt of each target has its time, meaning, status and body. Programs get the same as JSON."""
    await scene.providers.fail("voxworks", "rate_limited")
    asked = request_id(await scene.ask("/cancel-call vx_1001 customer asked"))
    await scene.approve()
    await scene.told("*Cancelled*", asked)
    shown = await scene.terminal("log", "show", asked, "--raw")
    assert (shown.status, shown.errors) == (0, "")
    first, second = (shown.output.index(part) for part in ("attempt 1  ", "attempt 2  "))
    assert first < shown.output.index("rate_limited  HTTP 429") < shown.output.index("Rate limit") < second
    assert second < shown.output.index("cancelled  HTTP 200") < shown.output.index('"call_id": "vx_1001"')
    found = json.loads((await scene.terminal("log", "show", asked, "--raw", "--json")).output)
    assert [(one["attempt"], one["event"], one["status"]) for one in found] == [
        (1, "retry_scheduled", 429),
        (2, "succeeded", 200),
    ]


async def test_where_there_was_no_reply_that_is_said(scene: Scene) -> None:
    """A lost answer is no reply, nor is a person's settlement. An action that was not sent has none."""
    await scene.providers.fail("callkaro", "reset")
    await scene.place()
    lost = request_id(await scene.told("Outcome unknown"))
    waiting = request_id(await scene.ask("/cancel-call vx_1001 customer asked"))
    shown = await scene.terminal("log", "show", lost, "--raw")
    assert "connection_lost\n    No reply." in shown.output
    shown = await scene.terminal("log", "show", waiting, "--raw")
    assert shown.output.startswith("Nothing was sent to the provider")
    for one in (lost, waiting):
        made = await scene.terminal("log", "fixture", one)
        assert (made.status, made.output) == (2, "")
        assert "no reply" in made.errors


async def test_an_empty_body_is_a_reply(scene: Scene) -> None:
    """A status alone is shown as such, and can become a case."""
    await scene.providers.fail("callkaro", Fault(does="reply", status=503, body=""))
    await scene.place()
    asked = request_id(await scene.told("Outcome unknown"))
    assert "(an empty body)" in (await scene.terminal("log", "show", asked, "--raw")).output
    assert json.loads((await scene.terminal("log", "fixture", asked)).output)["text"] == ""


async def test_numbers_and_control_characters_of_a_reply_are_not_shown(scene: Scene) -> None:
    """Neither the called number nor one that the provider added is shown, and no control character."""
    body = json.dumps({"status": "error", "message": f"{NUMBER} 919876543210, agent 14155552671"})
    await scene.providers.fail("callkaro", Fault(does="reply", status=400, body=body + "\x1b[2J"))
    await scene.place()
    asked = request_id(await scene.told("*Not placed*"))
    for arguments in (("show", asked, "--raw"), ("show", asked, "--raw", "--json"), ("fixture", asked)):
        printed = await scene.terminal("log", *arguments)
        assert printed.status == 0
        assert [one for one in ("9876543210", "4155552671", "\x1b") if one in printed.output] == []
        assert "•••" in printed.output


async def test_an_erased_reply_is_gone(scene: Scene) -> None:
    """The message says when and by whom it was erased. No case can be made of it."""
    await scene.place()
    asked = request_id(await scene.audit("*Placed*"))
    await scene.stop_bot()
    settings = scene.environment()
    log = await Store.open(
        settings["DATABASE_URL"].removeprefix("sqlite:///"),
        key=base64.b64decode(KEY),
        clock=lambda: datetime.now(UTC),
    )
    await erase(log, asked, actor="U0AUDITOR")
    await log.close()
    shown = await scene.terminal("log", "show", asked, "--raw")
    assert "The reply was erased on 20" in shown.output
    assert "by U0AUDITOR" in shown.output
    made = await scene.terminal("log", "fixture", asked)
    assert (made.status, made.errors) == (2, "The reply was erased.\n")


async def test_several_targets_have_several_replies(scene: Scene) -> None:
    """The command asks which one is meant. An attempt that was not made has no reply."""
    asked = request_id(await scene.ask("/cancel-call vx_1001, vx_9001 customer asked"))
    await scene.approve()
    await scene.told(asked)
    both = await scene.terminal("log", "fixture", asked)
    assert (both.status, both.errors) == (2, f"Choose an action: {asked}.1, {asked}.2.\n")
    second = await scene.terminal("log", "fixture", f"{asked}.2", "--attempt", "1")
    assert json.loads(second.output)["outcome"]["code"] == "not_found"
    none = await scene.terminal("log", "fixture", f"{asked}.2", "--attempt", "2")
    assert (none.status, none.errors) == (2, "There's no such attempt.\n")


async def test_a_live_reply_becomes_a_case_of_the_contract(dark_scene: Scene, tmp_path: Path) -> None:
    """The file comes from the wire through the log.

    The suite's loader accepts it, and the adapter reads it alike.
    """
    scene = dark_scene
    scene.connect_further()
    await scene.start_bot()
    due = datetime.now(UTC) + timedelta(days=1)
    await scene.providers.add_call("voxworks", "vx_123", due=due, owner=voxworks.TEAM)
    asked: dict[str, tuple[str, str]] = {}
    await scene.place()
    asked[request_id(await scene.audit("*Placed*"))] = ("callkaro", "queued")
    for line, provider, code, fault in (
        ("/cancel-call vx_123 via voxworks duplicate", "voxworks", "cancelled", "rate_limited"),
        ("/calls cancel 1 via dialer duplicate", "ryng", "not_found", None),
        (f"/calls campaign delete {kore.CAMPAIGN} via kore ended", "kore", "rejected", "rejected"),
    ):
        if fault:
            await scene.providers.fail(provider, fault)
        waiting = request_id(await scene.ask(line))
        typed = {CONFIRMATION: kore.CAMPAIGN} if provider == "kore" else {}
        await scene.mira.submit(await scene.review(waiting), typed)
        await scene.told(waiting)
        asked[waiting] = (provider, code)
    for request, (provider, code) in asked.items():
        made = await scene.terminal("log", "fixture", request)
        assert made.status == 0, made.errors
        assert f"tests/providers/replies/{provider}/" in made.errors
        folder = tmp_path / provider
        folder.mkdir()
        (folder / "live.json").write_text(made.output, encoding="utf-8")
        case = import_module(f"tests.providers.cases.{provider}").CASE
        subject = Subject(PROVIDERS[provider], case, folder)
        assert subject.unreadable == []
        fixture = subject.fixtures["live"]
        assert (fixture.basis, fixture.outcome.code) == ("live", code)
        await ProviderContract().test_reply(Answered(subject, fixture))
