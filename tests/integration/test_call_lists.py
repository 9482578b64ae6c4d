"""Call lists, from the checked file to the provider's requests and the results."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.parsing.call_list import ListDefaults
from bot.services.call_lists import CheckedList, ListOrder
from bot.services.export import target
from bot.services.models import PermissionDeniedError, RequestSource
from bot.text import call_lists as sentences
from playground import callkaro
from providers.actions import CallList, CancelCall, Kind, NumberRef
from storage.maintenance.backup import backup
from storage.models import ListProgress, Request
from storage.repositories.erasure_list import PurgeFilter
from storage.states import State
from tests.e2e.scene import words
from tests.integration.bench import AGENT, MANAGER, BotWorld, bench
from tests.integration.test_put_back import put_back
from tests.integration.test_stops import read
from tests.storage.samples import verified

AUDIT, AUDITOR = "C0AUDIT", "U0AUDITOR"
HEADER = "number,name,time,agent\n"


def numbers(count: int, first: int = 9810000000) -> list[str]:
    """Return some Indian mobile numbers."""
    return [f"+91{first + n}" for n in range(count)]


def sheet(*rows: str) -> bytes:
    """Return a CSV file."""
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it, whose rule for calls lets everyone import."""
    async with bench(tmp_path) as made:
        yield made


async def check(
    stage: BotWorld, content: bytes, kind: Kind = Kind.PLACE_CALL, by: str = AGENT
) -> CheckedList:
    """Check a file as the form does."""
    person = await stage.bot.person(by)
    defaults = ListDefaults(
        kind=kind,
        region="IN",
        agents={"payments": "payments"},
        agent="payments",
        raw_agents=False,
        at=None,
        zone=person.timezone,
        now=stage.clock(),
    )
    order = ListOrder("reminders", "reminders.csv", content, defaults, "monthly reminder")
    return await stage.bot.call_lists.check(order, person, "C0SUPPORT")


async def asked(stage: BotWorld, content: bytes, by: str = AGENT) -> Request:
    """Check a file, and request its calls."""
    found = await check(stage, content, by=by)
    assert found.spec
    person = await stage.bot.person(by)
    return (await stage.bot.requests.ask(found.spec, RequestSource(person, "C0SUPPORT", "list"))).request


async def approved(stage: BotWorld, content: bytes) -> Request:
    """Check a file, request its calls, and let a manager approve."""
    return await stage.bot.approve(await asked(stage, content))


async def go_on(stage: BotWorld, runs: int = 60) -> None:
    """Let the list and the dispatcher work until nothing changes any more."""
    for _ in range(runs):
        await stage.bot.list_worker.run_once()
        await stage.bot.run_until_idle()
    await stage.bot.posts()


async def progress(stage: BotWorld, request: Request) -> ListProgress:
    """Return the progress of a list."""
    return await stage.bot.store.call_lists.progress(request.id)


async def test_an_approved_list_places_every_call_once(stage: BotWorld) -> None:
    """Another person approves the file by its hash. Then every row becomes a request of its own."""
    request = await asked(stage, sheet(*(f"{one},Asha,," for one in numbers(9))))
    assert request.state is State.PENDING
    [action] = [record.action for record in request.actions]
    assert isinstance(action, CallList)
    assert (action.rows, action.countries, len(action.sample)) == (9, {"IN": 9}, 5)
    with pytest.raises(PermissionDeniedError):
        await stage.bot.approve(request, AGENT)
    await go_on(stage, 2)
    assert await stage.effects("callkaro") == []
    await stage.bot.approve(request)
    await go_on(stage)
    assert await stage.effects("callkaro") == ["placed"] * 9
    done = await stage.bot.store.requests.request(request.id)
    assert done.state is State.SUCCEEDED
    assert target(done.actions[0], default_region="IN") == "reminders.csv"
    assert (await progress(stage, request)).counts == {State.SUCCEEDED: 9}
    assert (await verified(stage.bot.store)).faults == ()
    audit = [read(one) for one in await stage.said(AUDIT)]
    assert len(audit) == 1, "a list has one message, and its rows have none"
    assert "Finished" in audit[0]
    assert "9 done" in audit[0]


async def test_a_crash_at_any_row_loses_none_and_repeats_none(stage: BotWorld) -> None:
    """The row's mark and its request are one commit."""
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(12))))
    for step in ("before requested", "after requested", "before sending", "before succeeded") * 2:
        stage.bot.store.at[step] = stage.bot.store.die
        await stage.survives(stage.bot.list_worker.run_once())
        await stage.survives(stage.bot.run_until_idle())
        await stage.crash()
        await stage.pass_time(seconds=31)
    await go_on(stage)
    counts = (await progress(stage, request)).counts
    assert sum(counts.values()) == 12
    called = [json.loads(one.request.body)["to_number"] for one in await stage.asked("callkaro")]
    assert len(called) == len(set(called))
    assert counts[State.SUCCEEDED] + counts.get(State.UNKNOWN, 0) == 12


async def test_a_paused_list_sends_nothing_until_it_goes_on(stage: BotWorld) -> None:
    """What is in line stands still, too. The same people let it go on."""
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(8))))
    await stage.bot.list_worker.run_once()
    manager = await stage.bot.person(MANAGER)
    await stage.bot.call_lists.pause(request.id, manager, paused=True, nonce="1")
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == []
    assert (await progress(stage, request)).paused
    [audit] = [read(one) for one in await stage.said(AUDIT)]
    assert "Paused" in audit
    await stage.bot.call_lists.pause(request.id, manager, paused=False, nonce="2")
    await go_on(stage)
    assert await stage.effects("callkaro") == ["placed"] * 8
    assert (await verified(stage.bot.store)).faults == ()


async def test_a_stopped_list_withdraws_what_is_not_sent(stage: BotWorld) -> None:
    """Rows in line are withdrawn, and no other row is requested."""
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(8))))
    await stage.bot.list_worker.run_once()
    with pytest.raises(PermissionDeniedError, match="can pause or stop"):
        await stage.bot.call_lists.stop(request.id, await stage.bot.person(AUDITOR), nonce="0")
    await stage.bot.call_lists.stop(request.id, await stage.bot.person(AGENT), nonce="1")
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == []
    found = await progress(stage, request)
    assert set(found.counts) == {State.WITHDRAWN}
    assert found.waiting == 8 - found.counts[State.WITHDRAWN]
    [audit] = [read(one) for one in await stage.said(AUDIT)]
    assert "Stopped" in audit
    assert (await verified(stage.bot.store)).faults == ()


async def test_bad_lines_duplicates_and_blocked_numbers_are_left_out(stage: BotWorld) -> None:
    """Each is named with its line, and none becomes a request."""
    first, second, third = numbers(3)
    await stage.bot.store.do_not_call.add(second, masked="masked", actor=MANAGER, reason="asked us to")
    found = await check(stage, sheet(f"{first},,,", f"{second},,,", "12,,,", f"{first},,,", f"{third},,,"))
    assert found.spec
    assert found.faults == 1
    assert [line for line, _ in found.problems] == [3, 4, 5]
    [action] = found.spec.actions
    assert isinstance(action, CallList)
    assert action.skipped == {sentences.STOPPED: 1, sentences.FAULTY: 1, sentences.DUPLICATE: 1}


async def test_rows_wait_for_their_calling_hours(stage: BotWorld) -> None:
    """A list at night waits, and goes on in the morning."""
    await stage.crash(**{'provider = "callkaro"\n': 'provider = "callkaro"\ncalling_hours = "IN"\n'})
    night = stage.clock().replace(hour=18, minute=30)  # midnight in India
    await stage.pass_time(seconds=(night - stage.clock()).total_seconds() % 86400)
    found = await check(stage, sheet(*(f"{one},,," for one in numbers(3))))
    assert found.spec
    assert [one.closed for one in found.spec.actions if isinstance(one, CallList)] == [3]
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(3))))
    await go_on(stage, 3)
    assert await stage.effects("callkaro") == []
    due = (await progress(stage, request)).next_at
    assert due
    await stage.pass_time(seconds=(due - stage.clock() + timedelta(minutes=1)).total_seconds())
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == ["placed"] * 3


async def test_nobody_imports_unless_a_rule_says_so(stage: BotWorld) -> None:
    """The default is nobody, and the reason names the rule."""
    await stage.crash(**{'import = ["everyone"]\n': ""})
    with pytest.raises(PermissionDeniedError, match="nobody may use call lists"):
        await check(stage, sheet(f"{numbers(1)[0]},,,"))


async def test_the_results_have_a_line_for_each_row_in_the_files_order(stage: BotWorld) -> None:
    """Each has its request, status, and how its call ended. Left-out lines are there with the reason."""
    first, second, third = numbers(3)
    request = await approved(stage, sheet(f"{first},,,", "12,,,", f"{second},,,", f"{third},,tomorrow 9:30,"))
    await go_on(stage, 5)
    async with stage.connected():
        agent = stage.people.person(AGENT)
        shown = await agent.command(f"/calls status {request.id}")
        assert shown.ephemeral
        await agent.click(shown.ephemeral, text="Results…")
        await agent.wait_for(lambda one: one.channel == "D0AGENT" and "results-" in words(one), 10)
    [file] = stage.slack.workspace.uploads.values()
    assert file.content
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["line", "2", "3", "4", "5"]
    assert [row[2] for row in rows[1:]] == ["Placed", "Left out", "Placed", "Scheduled"]
    assert all(first not in cell for row in rows for cell in row)
    assert "number" in rows[2][5]


async def test_a_row_in_hand_is_not_requested_after_a_stop(stage: BotWorld) -> None:
    """The worker has read the next rows when somebody stops the list, or a purge takes one."""
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(6))))
    lists, agent = stage.bot.store.call_lists, await stage.bot.person(AGENT)
    rows = (await lists.turn(request.id, stage.clock(), 6)).rows
    await stage.bot.call_lists.request_row(request, rows[0], agent)
    erasing = PurgeFilter("number", frozenset({numbers(6)[1]}))
    await stage.bot.store.retention.purge(erasing, actor="U0ADMIN")
    await stage.bot.call_lists.request_row(request, rows[1], agent)
    await stage.bot.call_lists.stop(request.id, agent, nonce="1")
    for row in rows[2:]:
        await stage.bot.call_lists.request_row(request, row, agent)
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == []
    assert (await progress(stage, request)).counts == {State.WITHDRAWN: 1}


async def test_what_comes_back_to_a_stopped_list_is_withdrawn(stage: BotWorld) -> None:
    """A row was between its claim and its last renewal when the list was stopped."""
    request = await approved(stage, sheet(f"{numbers(1)[0]},,,"))
    agent = await stage.bot.person(AGENT)

    async def stop() -> None:
        del stage.bot.store.at["before hold"]
        await stage.bot.call_lists.stop(request.id, agent, nonce="1")

    stage.bot.store.at["before hold"] = stop
    await stage.bot.list_worker.run_once()
    await stage.bot.run_until_idle()
    await stage.pass_time(minutes=1)
    await go_on(stage, 3)
    assert await stage.effects("callkaro") == []
    assert (await progress(stage, request)).counts == {State.WITHDRAWN: 1}


async def test_a_list_from_a_backup_calls_nobody_again(stage: BotWorld) -> None:
    """Rows that waited in the backup were called since."""
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(3))))
    assert not backup(stage.path, stage.folder / "backup.db").faults
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == ["placed"] * 3
    await put_back(stage)
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == ["placed"] * 3
    record = await stage.bot.record(request)
    assert (record.state, "restored from a backup" in (record.message or "")) == (State.REFUSED, True)


async def test_the_approval_binds_where_the_voice_agents_lead(stage: BotWorld) -> None:
    """Another agent under the same name would speak to everybody without an approval."""
    request = await approved(stage, sheet(f"{numbers(1)[0]},,,"))
    await stage.crash(**{f'payments = "{callkaro.AGENT}"': 'payments = "6803fa770b666a64ab1694c2f"'})
    await go_on(stage, 3)
    assert await stage.effects("callkaro") == []
    assert (await stage.bot.record(request)).state is State.REFUSED


async def test_a_cancellation_while_a_row_waits_counts(stage: BotWorld) -> None:
    """The number was cancelled after the list was requested, and before its row's turn."""
    [number] = numbers(1)
    request = await approved(stage, sheet(f"{number},,,"))
    await stage.pass_time(minutes=1)
    await stage.bot.approved(CancelCall(target=NumberRef(agent="payments", to=number)))
    await stage.bot.run_until_idle()
    await go_on(stage, 3)
    assert "placed" not in await stage.effects("callkaro")
    assert (await progress(stage, request)).counts == {State.REFUSED: 1}


async def test_a_changed_rule_pauses_the_list_and_loses_no_row(stage: BotWorld) -> None:
    """Its message says why. Once the rule is back, somebody lets it go on."""
    request = await approved(stage, sheet(*(f"{one},,," for one in numbers(3))))
    await stage.crash(**{'name = "anyone may place a call"': 'name = "another"'})
    await go_on(stage, 3)
    held = await progress(stage, request)
    assert (held.paused, held.waiting, held.counts) == (True, 3, {})
    [audit] = [read(one) for one in await stage.said(AUDIT)]
    assert "Paused" in audit
    assert "anyone may place a call" in audit
    await stage.crash()
    manager = await stage.bot.person(MANAGER)
    await stage.bot.call_lists.pause(request.id, manager, paused=False, nonce="2")
    await go_on(stage, 5)
    assert await stage.effects("callkaro") == ["placed"] * 3


async def test_a_row_in_line_waits_for_its_calling_hours(stage: BotWorld) -> None:
    """The hours end after it was requested, and before it is sent."""
    hours = {'provider = "callkaro"\n': 'provider = "callkaro"\ncalling_hours = "IN"\n'}
    await stage.crash(**hours)
    noon = stage.clock().replace(hour=7, minute=0)
    await stage.pass_time(seconds=(noon - stage.clock()).total_seconds() % 86400)
    request = await approved(stage, sheet(f"{numbers(1)[0]},,,"))
    await stage.bot.list_worker.run_once()
    await stage.pass_time(hours=12)
    await go_on(stage, 2)
    assert await stage.effects("callkaro") == []
    assert (await progress(stage, request)).counts == {State.APPROVED: 1}
    await stage.pass_time(hours=12)
    await go_on(stage, 2)
    assert await stage.effects("callkaro") == ["placed"]
