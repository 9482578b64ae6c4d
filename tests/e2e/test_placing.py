from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.scene import (
    AGENT,
    BOTH_MODES,
    NUMBER,
    Asked,
    Scene,
    buttons,
    opened,
    private,
    request_id,
    words,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

KOLKATA = ZoneInfo("Asia/Kolkata")
NOW = Asked("POST /call/outbound", {"to_number": NUMBER, "agent_id": AGENT}, effects=1)


def in_three_days() -> str:
    """Return a day on which nothing depends."""
    return f"{datetime.now(KOLKATA) + timedelta(days=3):%Y-%m-%d}"


@BOTH_MODES
async def test_a_call_is_placed_as_the_preview_shows_it(scene: Scene) -> None:
    """A press sends exactly one request, with exactly what was typed and shown, and the channel reads it."""
    day = in_three_days()
    preview = await scene.ask(
        f"/calls place +91 98765 43210 via reminders agent=payments at={day} 9:30 retries=3 gap=30,60 "
        "from=9:00 until=18:00 carry-over lang=hi priority=1 batch=b1 meta.name=O'Hara meta.age=25"
    )
    assert ", 9:30 AM IST · reminders · voice agent payments" in words(preview)
    assert "name = “O'Hara”, age = `25`" in words(preview)
    assert await scene.requests("callkaro") == []
    await scene.asha.click(preview, text="Place call")
    audit = await scene.audit("*Scheduled*", "+91\u00a0•••3210")
    assert "asha" in words(audit)
    assert buttons(await scene.answered("*Scheduled*", request_id(audit))) == ["Cancel call…", "Details"]
    assert await scene.requests("callkaro") == [
        Asked(
            "POST /call/outbound",
            {
                "to_number": NUMBER,
                "agent_id": AGENT,
                "schedule_at": f"{day}T09:30:00",
                "min_trigger_time": "09:00",
                "max_trigger_time": "18:00",
                "carry_over": True,
                "number_of_retries": 3,
                "gap_between_retries": [30, 60],
                "priority": 1,
                "language": "hi",
                "batch_id": "b1",
                "metadata": {"name": "O'Hara", "age": 25},
            },
            effects=1,
        )
    ]


async def test_data_for_the_agent_reach_the_provider_as_they_were_typed(scene: Scene) -> None:
    """A line without a name is a fault of its field.

    Preview and provider then have the same, digit for digit.
    """
    form = opened(await scene.asha.click(private(await scene.asha.command("/calls")), text="Place a call…"))
    form = opened(await scene.asha.click(form, text="More options…"))
    lines = [
        "name: Asha",
        "link: https://pay.example/?id=5",
        "amount=1500.50",
        "account: 98765432109876543210",
        "flat: 12E4",
        "age: 25",
        "Rao",
    ]
    fields = {"Phone number": NUMBER, "Data for the voice agent": "\n".join(lines)}
    refused = await scene.asha.submit(form, fields)
    assert refused.errors == {
        "metadata": "“Rao” has no name. Write name=value, one per line, e.g. city=Pune."
    }
    form = opened(refused)
    preview = opened(
        await scene.asha.submit(form, fields | {"Data for the voice agent": "\n".join(lines[:-1])})
    )
    shown = "name = “Asha”, link = “https://pay.example/?id=5”, amount = “1500.50”, account = “98765432109876543210”"
    assert f"{shown}, flat = “12E4”, age = `25`" in words(preview)
    await scene.asha.submit(preview)
    await scene.audit("*Placed*")
    [sent] = await scene.requests("callkaro")
    assert sent.json["metadata"] == {
        "name": "Asha",
        "link": "https://pay.example/?id=5",
        "amount": "1500.50",
        "account": "98765432109876543210",
        "flat": "12E4",
        "age": 25,
    }


async def test_a_double_click_places_one_call(scene: Scene) -> None:
    """Two presses before the first answer are a single request, with a single message in the channel."""
    await scene.asha.double_click(await scene.ask(f"/place-call {NUMBER}"), text="Place call")
    await scene.audit("*Placed*")
    assert await scene.requests("callkaro") == [NOW]
    assert len(await scene.posts("C0AUDIT")) == 1


@BOTH_MODES
async def test_what_slack_delivers_twice_is_placed_once(scene: Scene) -> None:
    """A command delivered twice makes one preview. Two presses, each delivered twice, are one request."""
    await scene.slack.deliver_twice(3)
    await scene.asha.double_click(await scene.ask(f"/place-call {NUMBER}"), text="Place call")
    await scene.audit("*Placed*")
    assert len(await scene.asha.ephemerals()) == 1
    assert await scene.requests("callkaro") == [NOW]
    assert len(await scene.posts("C0AUDIT")) == 1


async def test_a_preview_outlives_the_bot(scene: Scene) -> None:
    """After a kill and a restart, a press on the preview places its call, once."""
    preview = await scene.ask(f"/place-call {NUMBER}")
    await scene.kill_bot()
    await scene.start_bot()
    await scene.asha.double_click(preview, text="Place call")
    await scene.audit("*Placed*")
    assert await scene.requests("callkaro") == [NOW]


@BOTH_MODES
async def test_a_form_shows_every_fault_under_its_field_and_loses_nothing(scene: Scene) -> None:
    """Each wrong field has its fault and keeps its text. Mended and previewed twice, it is a single call."""
    form = opened(await scene.asha.command("/place-call"))
    form = opened(await scene.asha.click(form, "more"))
    wrong = {
        "Phone number": "98765",
        "Call time": "25:00",
        "Retries": "many",
        "Not before": "9:99",
        "Purpose": "dues",
    }
    heard = await scene.asha.submit(form, wrong)
    assert heard.errors.keys() == {"targets", "at", "retries", "earliest"}
    assert all(heard.errors.values())
    assert heard.view is not None
    typed = {block: next(iter(state.values())).get("value") for block, state in heard.view.values.items()}
    assert [typed[name] for name in ("targets", "at", "retries", "earliest", "purpose")] == [*wrong.values()]

    day = in_three_days()
    right = {"Phone number": "98765 43210", "Call time": f"{day} 17:00", "Retries": "2", "Not before": "9:00"}
    preview = opened(await scene.asha.submit(heard.view, right))
    assert "+91 98765 43210 (India)" in words(preview)
    assert "“dues”" in words(preview)
    await scene.slack.deliver_twice()
    result = await scene.submitted(preview, {})
    scheduled = await scene.audit("*Scheduled*")
    assert request_id(result) == request_id(scheduled)
    body = NOW.json | {"schedule_at": f"{day}T17:00:00", "min_trigger_time": "09:00", "number_of_retries": 2}
    assert await scene.requests("callkaro") == [Asked(NOW.line, body, effects=1)]
    assert len(await scene.posts("C0AUDIT")) == 1


async def test_more_options_keep_what_was_typed(shared_scene: Scene) -> None:
    """The unfolded form keeps every field."""
    form = opened(await shared_scene.asha.command("/place-call"))
    form = await shared_scene.asha.fill(
        form, {"Phone number": NUMBER, "Call time": "quarter past", "Purpose": "dues"}
    )
    whole = opened(await shared_scene.asha.click(form, text="More options…"))
    kept = [next(iter(whole.values[name].values()))["value"] for name in ("targets", "at", "purpose")]
    assert kept == [NUMBER, "quarter past", "dues"]
    assert "retries" in whole.values


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"/place-call {NUMBER} 2020-01-01 10:00", "is in the past"),
        (f"/place-call {NUMBER} agent=payment", "payments"),
        (f"/place-call {NUMBER} 25:00", "25:00"),
        (f"/place-call {NUMBER} 05/12 10:00", "05/12"),
        ("/place-call 112", "112"),
        (f"/place-call {NUMBER} retires=3", "retries"),
        ("/cancel-call vx_1001", "reason"),
    ],
)
async def test_a_line_that_cannot_be_asked_is_answered_with_what_to_mend(
    shared_scene: Scene, line: str, says: str
) -> None:
    """No request is created. The answer names the fault and opens a form."""
    answer = await shared_scene.ask(line)
    assert "Not sent yet" in words(answer)
    assert says in words(answer)
    corrected = ["Use payments"] if line.endswith("agent=payment") else []
    assert buttons(answer) == [*corrected, "Open the form…"]
    assert await shared_scene.requests("callkaro") == []
    assert await shared_scene.posts("C0AUDIT") == []


async def test_the_form_behind_a_faulty_line_has_all_of_it(shared_scene: Scene) -> None:
    """The fields hold what was understood, and the faulty parts as they were typed."""
    answer = await shared_scene.ask(
        f"/place-call {NUMBER} 25:00 retries=3 gap=soon lang=hi meta.name=Asha purpose=dues"
    )
    form = opened(await shared_scene.asha.click(answer, text="Open the form…"))
    values = {block: next(iter(state.values())).get("value") for block, state in form.values.items()}
    expected = {"targets": "+91 98765 43210", "at": "25:00", "retries": "3", "gap": "soon", "language": "hi"}
    expected |= {"metadata": "name=Asha", "purpose": "dues"}
    assert {name: values[name] for name in expected} == expected


async def test_help_names_what_can_be_done(shared_scene: Scene) -> None:
    """`/calls` and `/calls help` explain the commands, list the connections, and open the forms."""
    for line in ("/calls", "/calls help"):
        answer = private(await shared_scene.asha.command(line))
        assert "`/place-call 98765 43210 tomorrow 9:30` places a call" in words(answer)
        assert buttons(answer) == [
            "Place a call…",
            "Cancel a call…",
            "Move a call…",
            "Stop calls to a number…",
            "Call list…",
            "Options and connections…",
        ]
    for button, title in (("Place a call…", "Place a call"), ("Cancel a call…", "Cancel a call")):
        assert opened(await shared_scene.asha.click(answer, text=button)).title["text"] == title
