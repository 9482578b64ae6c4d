"""Call lists in the running bot: from the chosen file to the results, with kills in between."""

import pytest

from playground.people import View
from tests.e2e.scene import Scene, buttons, opened, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

FEW = [f"+9198100{n:05}" for n in range(6)]
MANY = [f"+9198200{n:05}" for n in range(40)]
RUNS_WITHIN = 90.0
"""Seconds for a list of calls with kills in between, on a busy computer."""


def sheet(*lines: str) -> bytes:
    """Return a CSV file with a header."""
    return "".join(f"{line}\n" for line in ("Mobile No,Customer", *lines)).encode()


async def checked(scene: Scene, content: bytes, name: str = "reminders.csv") -> View:
    """Choose a file in the form as the agent, and return the view of its check."""
    form = opened(await scene.asha.command("/calls import"))
    form = await scene.asha.pick(form, "file", (name, content))
    heard = await scene.asha.submit(
        form, {"connection": "reminders", "agent": "payments", "reason": "monthly reminder"}
    )
    assert heard.errors == {}
    return await scene.asha.wait_for_view(lambda view: "Checking the file" not in words(view))


async def test_a_list_is_checked_approved_and_reported(scene: Scene) -> None:
    """Bad lines are left out by a press, a manager approves the hash, and the results have every line."""
    found = await checked(scene, sheet(*(f"{one},Asha" for one in FEW[:4]), "12,Bad", f"{FEW[0]},Twice"))
    assert "1 line can't be used" in words(found)
    assert "line 6" in words(found)
    assert found.submit is None
    heard = await scene.asha.click(found, text="Leave out bad lines")
    ready = opened(heard)
    heard = await scene.asha.submit(ready)
    assert (heard.errors, heard.view) == ({}, None)
    review = await scene.review("4 calls from the list")
    assert "SHA-256" in words(review)
    assert "•••" in words(review)
    await scene.mira.submit(review)
    audit = await scene.audit("*Finished*", "4 done")
    assert buttons(audit) == ["Results…"]
    assert len(await scene.requests("callkaro")) == 4
    await scene.asha.click(audit, text="Results…")
    await scene.told("*Results so far:*")
    await scene.told("results-")


async def test_a_list_survives_kills(dark_scene: Scene) -> None:
    """Every number is called at most once, and none is lost."""
    scene = dark_scene
    scene.write_configuration({'deadline = "2s"': 'deadline = "1s"', 'lease = "4s"': 'lease = "2s"'})
    await scene.start_bot()
    ready = await checked(scene, sheet(*(f"{one},Asha" for one in MANY)))
    assert (await scene.asha.submit(ready)).view is None
    await scene.approve("40 calls from the list")
    for so_far in (5, 15, 25):
        await scene.request_reaches("callkaro", so_far)
        await scene.kill_bot()
        await scene.start_bot()
    await scene.audit("*Finished*", within=RUNS_WITHIN)
    called = [one.json["to_number"] for one in await scene.requests("callkaro")]
    assert len(called) == len(set(called))
    assert set(called) <= set(MANY)
    listed = await scene.log("list", "--kind", "place_call", "--limit", "100")
    assert len(listed) == len(MANY)
    lost = [one for one in listed if one["state"] not in {"succeeded", "unknown"}]
    assert lost == []
