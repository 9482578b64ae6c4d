import pytest

from tests.e2e.scene import NUMBER, OTHER_NUMBER, Scene, opened, private, request_id, words

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_many_targets_are_one_request_with_a_result_each(scene: Scene) -> None:
    """All targets share a card and an approval.

    Each has its own request and result, and the requester hears once.
    """
    request = request_id(await scene.ask("/cancel-call vx_1001, vx_1002, vx_9001 via voxworks duplicate"))
    card = await scene.card("Cancel 3 calls", request)
    assert [call in words(card) for call in ("vx_1001", "vx_1002", "vx_9001")] == [True] * 3
    await scene.approve()
    told = words(await scene.told(request))
    assert "2 cancelled" in told
    assert "1 failed" in told
    for call, became in (("vx_1001", "Cancelled"), ("vx_1002", "Cancelled"), ("vx_9001", "Failed")):
        await scene.audit(request, f"• call `{call}` · {became}")
        assert f"• call `{call}` · {became}" in told
    asked = sorted(one.line.rpartition("/")[2] for one in await scene.requests("voxworks"))
    assert asked == ["vx_1001", "vx_1002", "vx_9001"]
    assert len(await scene.asha.direct()) == 1
    assert len(await scene.posts("C0APPROVE")) == 1
    assert [one["id"] for one in await scene.log("list")] == [f"{request}.{n}" for n in (3, 2, 1)]


async def test_the_form_takes_one_target_a_line(scene: Scene) -> None:
    """Numbers below each other are a single request by number, masked where all can read them."""
    form = opened(await scene.asha.command("/cancel-call"))
    typed = {"Phone number or call ID": f"98765 43210\n{OTHER_NUMBER}", "Reason": "wrong number"}
    assert "2 numbers" in words(await scene.submitted(form, typed, anyway=True))
    card = words(await scene.card("ancel all calls to 2 numbers", "+91\u00a0•••3210", "+91\u00a0•••3211"))
    assert NUMBER not in card.replace(" ", "")
    await scene.approve()
    await scene.told("2 confirmed (no call known)")
    asked = sorted(one.json["to_number"] for one in await scene.requests("callkaro"))
    assert asked == ["919876543210", "919876543211"]


async def test_one_unknown_among_many_is_settled_by_itself(scene: Scene) -> None:
    """Only the unknown target is settled. Then nothing is open, and the requester hears of all."""
    await scene.providers.fail("voxworks", "reset", times=2, effect=False)
    private(await scene.asha.command("/cancel-call vx_1001, vx_4444 duplicate"))
    await scene.approve()
    audit = await scene.audit("1 cancelled", "1 outcome unknown")
    modal = opened(await scene.mira.click(audit, text="Record outcome…"))
    await scene.mira.submit(
        modal,
        {
            "Outcome": "The call was cancelled",
            "Where did you check?": "Voxworks dashboard",
            "What did you see?": "I looked",
        },
    )
    await scene.audit("2 cancelled")
    await scene.told("2 cancelled", "“I looked”")
    assert len(await scene.requests("voxworks")) == 4


async def test_a_pasted_sheet_is_one_request(scene: Scene) -> None:
    """Lines with a number and other words are parsed. The words are left out, and the answer says so."""
    answer = await scene.cancel(
        "/cancel-call Asha Rao\t+91 98765 43210\tdue\nRavi\t98765 43211\tdue\nwrong number"
    )
    assert "+91 98765 43210 (India)" in words(answer)
    assert "+91 98765 43211 (India)" in words(answer)
    assert "Left out, beside the targets: Asha Rao, due, Ravi." in words(answer)
    card = words(await scene.card("ancel all calls to 2 numbers", "“wrong number”"))
    assert "Asha" not in card
    await scene.approve(request_id(answer))
    await scene.told("2 confirmed (no call known)", request_id(answer))
    assert len(await scene.posts("C0APPROVE")) == 1


async def test_a_number_behind_words_is_asked_back(scene: Scene) -> None:
    """With two possible numbers no request is created, and no number becomes a reason."""
    answer = await scene.ask("/cancel-call 98765 43210 Asha, 98765 43211 Ravi wrong number")
    assert "“98765 43211” comes after words." in words(answer)
    assert await scene.log("list") == []
    opened(await scene.asha.click(answer, text="Open the form…"))


async def test_a_long_pasted_list_is_mended_in_the_form_and_asked_whole(scene: Scene) -> None:
    """Of 48 rows one is wrong. The form holds them all, and the other 47 are requested without it."""
    rows = [f"Customer {n} of the list of November, called back twice\t98765 43{n:03}" for n in range(48)]
    rows[40] = rows[40].replace("98765 43040", "98765 4304")
    answer = await scene.ask("/cancel-call " + "\n".join(rows))
    form = opened(await scene.asha.click(answer, text="Open the form…"))
    typed = {name: next(iter(state.values())).get("value") or "" for name, state in form.values.items()}
    pasted = {name: text.splitlines() for name, text in typed.items() if name.startswith("targets")}
    assert [row.split() for shown in pasted.values() for row in shown] == [row.split() for row in rows]
    labels = {block["block_id"]: block["label"]["text"] for block in form.blocks if block["type"] == "input"}
    mended = {
        labels[name]: "\n".join(row for row in shown if not row.endswith("98765 4304"))
        for name, shown in pasted.items()
    }
    result = await scene.submitted(form, {**mended, "Reason": "wrong number"}, anyway=True)
    assert "47 numbers" in words(result)
    assert words(result).count("• +91 98765 43") == 47
    assert "Customer 47 of the list of November, called back twice" in words(result)
    review = await scene.review("all calls to 47 numbers")
    assert words(review).count("• +91\u00a0•••3") == 47
    assert "voice agent payments" in words(review)
    await scene.mira.submit(review)
    await scene.told("47 confirmed (no call known)")
    asked = {one.json["to_number"] for one in await scene.requests("callkaro")}
    assert asked == {f"91987654{3000 + n}" for n in range(48) if n != 40}
