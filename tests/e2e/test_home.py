"""The Home tab in the running bot: opened, kept up to date, and used to decide."""

import pytest

from playground.people import Person, View
from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, opened, until, words

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def shows(person: Person, *parts: str) -> View:
    """Wait until a person's Home tab has all these parts, and return it."""

    async def look() -> View | None:
        home = await person.home()
        return home if home and all(part in words(home) for part in parts) else None

    return await until(look)


async def test_people_work_from_their_home_tabs(scene: Scene) -> None:
    """An agent asks from a shortcut's form. A manager's open tab shows it, and decides it."""
    await scene.asha.open_home()
    await shows(scene.asha, "Nothing here yet.", "As of")
    await scene.mira.open_home()
    await shows(scene.mira, "Nothing here yet.")
    form = opened(await scene.asha.shortcut("cancel_call"))
    heard = await scene.asha.submit(
        form, {"targets": "vx_1001", "connection": "voxworks", "reason": "duplicate"}
    )
    assert (heard.errors, heard.view) == ({}, None)
    await shows(scene.asha, "Waiting for approval")
    theirs = await shows(scene.mira, "*Needs you*", "Waiting for approval")
    await scene.mira.submit(opened(await scene.mira.click(theirs, "review")))
    await shows(scene.mira, "Nothing here yet.")
    await shows(scene.asha, "*Cancelled*")
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await shows(scene.asha, "*Coming up*", "voice agent payments", "Move…")
    await scene.kill_bot()
    await scene.start_bot()
    await scene.place(f"/place-call {OTHER_NUMBER} tomorrow 10:30")
    await shows(scene.asha, "*Coming up*", "3210", "3211")
    guest = scene.slack.person("U0GUEST")
    await guest.open_home()
    await shows(guest, "Guests can't use CallOps")
