"""Next steps on messages: cancel this call, details, and the shortcut for threads."""

import pytest

from bot.listeners.shortcuts import CANCEL_MENTIONED
from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, menu, opened, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_scheduled_call_is_cancelled_from_its_audit_message(scene: Scene) -> None:
    """The form opens about the call. A reason and the submission are left."""
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await scene.place(f"/place-call {OTHER_NUMBER} tomorrow 10:30")
    await scene.audit("*Scheduled*", "3210")
    audit = await scene.audit("*Scheduled*", "3211")
    assert [*menu(audit)] == ["Details", "Cancel this call…", "Move…"]
    form = opened(await scene.choose(audit, "Cancel this call…"))
    assert request_id(audit) in form.private_metadata
    assert "•••3211" in words(form)
    assert "scheduled_call" not in form.values
    asked = await scene.submitted(form, {"Reason": "rescheduled"}, person=scene.olive)
    await scene.approve("+91\u00a0•••3211")
    await scene.audit("*Cancelled*", request_id(asked))
    gone = await scene.audit("*Cancelled*", request_id(audit), request_id(asked))
    assert [*menu(gone)] == ["Details", "Place again…"]
    await scene.told("*Cancelled*", "It won't go out.", request_id(asked))


async def test_somebody_who_may_not_reads_why(dark_scene: Scene) -> None:
    """A user without the permission reads why, and no form opens."""
    scene = dark_scene
    scene.write_configuration({'request = ["everyone"]\napprove': 'request = ["managers"]\napprove'})
    await scene.start_bot()
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    heard = await scene.choose(await scene.audit("*Scheduled*"), "Cancel this call…", by=scene.asha)
    assert heard.view is None
    await scene.answered("✋")
    await scene.asha.shortcut(CANCEL_MENTIONED, (await scene.asha.say(NUMBER)).messages[-1])
    assert await scene.asha.view() is None


async def test_details_tell_the_story(scene: Scene) -> None:
    """The details have requester, approver, attempt and outcome. The number stays masked."""
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    await scene.audit("*Scheduled*")
    request = request_id(await scene.ask(f"/cancel-call {NUMBER} customer asked"))
    await scene.approve(request)
    audit = await scene.audit("*Cancelled*", "approved by mira", request)
    details = words(opened(await scene.choose(audit, "Details")))
    story = [
        "<@U0AGENT> requested it",
        "<@U0MANAGER> approved it",
        "Sent to CallKaro",
        "CallKaro: accepted",
    ]
    assert [details.index(part) for part in story] == sorted(details.index(part) for part in story)
    assert "“customer asked”" in details
    assert NUMBER not in details.replace(" ", "")


async def test_numbers_in_a_thread_are_cancelled_by_the_shortcut(scene: Scene) -> None:
    """In threads, where slash commands do not work, the form holds what the message mentions."""
    root = (await scene.asha.say("A customer wrote.")).messages[-1]
    text = f"Please stop <tel:{NUMBER}|98765 43210> and 98765 43211, ticket vx_404"
    said = (await scene.asha.say(text, thread=root)).messages[-1]
    form = opened(await scene.asha.shortcut(CANCEL_MENTIONED, said))
    assert form.values["targets"]["targets"]["value"] == "+91 98765 43210\n+91 98765 43211"
    assert "From the message. Check it before you send the request." in words(form)
    assert "2 numbers" in words(await scene.submitted(form, {"Reason": "customer asked"}, anyway=True))


async def test_an_id_that_the_log_knows_is_mentioned_too(scene: Scene) -> None:
    """A provider's id from an earlier request and our own id each lead to their call."""
    await scene.ask("/cancel-call vx_1001 via voxworks duplicate")
    said = (await scene.asha.say("vx_1001 again, and vx_1002")).messages[-1]
    form = opened(await scene.asha.shortcut(CANCEL_MENTIONED, said))
    assert form.values["targets"]["targets"]["value"] == "vx_1001"
    await scene.place(f"/place-call {NUMBER} tomorrow 9:30")
    audit = await scene.audit("*Scheduled*")
    form = opened(await scene.asha.shortcut(CANCEL_MENTIONED, audit))
    assert request_id(audit) in form.private_metadata
    assert "•••3210" in words(form)
    assert not {"scheduled_call", "targets"} & form.values.keys()


async def test_a_message_that_mentions_nothing_opens_the_empty_form(scene: Scene) -> None:
    """The form says so."""
    said = (await scene.asha.say("Hello, order 12345 at 9:30")).messages[-1]
    form = opened(await scene.asha.shortcut(CANCEL_MENTIONED, said))
    assert form.values["targets"]["targets"]["value"] is None
    assert "This message has no phone number or call ID that CallOps knows." in words(form)
