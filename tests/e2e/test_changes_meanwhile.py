"""Requests that are made under one configuration, and decided or sent under another."""

import pytest

from playground.faults import Fault
from tests.e2e.scene import NUMBER, Scene, buttons, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")

BY_ID = "/cancel-call vx_1001 customer asked"
LATER = "5"
"""Seconds until the next attempt, long enough to stop the bot before it."""


async def test_time_runs_out(dark_scene: Scene) -> None:
    """All are told, no button is left, and a late Review says that it is over."""
    scene = dark_scene
    scene.write_configuration({'expires = "8h"': 'expires = "2s"'})
    await scene.start_bot()
    request = request_id(await scene.ask(BY_ID))
    review = await scene.review()
    card = await scene.card("*Expired*", request)
    assert buttons(card) == []
    await scene.told("Expired", "goes out")
    await scene.audit("*Expired*", "No one approved it in time.")
    late = opened(await scene.mira.submit(review))
    assert (late.title["text"], late.submit) == ("Nothing left to decide", None)
    assert "Expired" in words(late)
    late = opened(await scene.sam.click(card, "review", stale=True))
    assert "Expired" in words(late)
    assert await scene.requests("voxworks") == []


@pytest.mark.parametrize(
    ("line", "before", "after", "says"),
    [
        (
            f"/cancel-call {NUMBER} customer asked",
            'payments = "6803fa770b666a64ab1694c1e"',
            'payments = "another-agents-id"',
            "changed after this was requested.",
        ),
        (BY_ID, 'api_key = "env:VOXWORKS_API_KEY"', 'api_key = "env:NOT_SET"', "NOT_SET not set"),
    ],
    ids=["another agent behind the name", "a secret that is gone"],
)
async def test_a_connection_that_changed_is_not_asked(
    scene: Scene, line: str, before: str, after: str, says: str
) -> None:
    """A request that is approved after the change is refused with a reason, and nothing is sent."""
    ask = scene.cancel if NUMBER in line else scene.ask
    request = request_id(await ask(line))
    await scene.card("Requested by", request)
    await scene.stop_bot()
    scene.write_configuration({before: after})
    await scene.start_bot()
    await scene.approve()
    await scene.audit("*Not allowed*", says, request)
    await scene.told("*Not allowed*", says)
    assert await scene.requests("callkaro") == await scene.requests("voxworks") == []


async def test_what_was_approved_is_not_sent_once_the_rules_say_no(scene: Scene) -> None:
    """Between two attempts the approver left the group, and the requester lost the right.

    Both are refused with a reason.
    """
    fault = Fault(does="rate_limited", headers={"Retry-After": LATER})
    await scene.providers.fail("voxworks", fault)
    await scene.providers.fail("callkaro", "refused")
    approved = request_id(await scene.ask(BY_ID))
    await scene.approve()
    await scene.place()
    await scene.audit("*Retrying <!date^", ", as the provider asked", approved)
    waits = await scene.audit("CallKaro can't be reached.", "place a call")
    assert "base_url" not in words(waits)
    await scene.stop_bot()
    scene.write_configuration(
        {
            'managers = ["S0MANAGERS"]': 'managers = ["U0SECOND"]',
            'actions = ["place_call"]\nrequest = ["everyone"]': 'actions = ["place_call"]\nrequest = ["managers"]',
        }
    )
    await scene.providers.clear("callkaro")
    await scene.start_bot()
    for says in ("may no longer approve", "No rule lets you do this"):
        await scene.audit("*Not allowed*", says)
        await scene.told("*Not allowed*", says)
    assert len(await scene.requests("voxworks")) == 1
    assert await scene.requests("callkaro") == []


async def test_a_rule_that_is_gone_lets_nobody_decide(scene: Scene) -> None:
    """A request whose rule was removed cannot be approved, and Review says so."""
    await scene.ask(BY_ID)
    await scene.card("Requested by")
    await scene.stop_bot()
    scene.write_configuration({'name = "cancellations need a manager"': 'name = "cancellations"'})
    await scene.start_bot()
    refused = await scene.review()
    assert refused.submit is None
    assert "nobody may do this now" in words(refused)
