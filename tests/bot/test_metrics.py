"""The page `/metrics`: a bot plays, and Prometheus' own parser reads what it serves."""

import asyncio
import json
import operator
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot.metrics import LOG_WITHIN, MetricsPage, metrics_route
from bot.slack.client import RateLimitedCount, make_client
from bot.web import Web, create_web
from bot.workers.loop import PeriodicTask
from bot.workers.retention import RetentionWorker
from playground import content
from playground.faults import Fault
from providers.actions import Code
from storage.maintenance.anchors import anchors_beside
from storage.repositories.metrics import OUTCOMES
from tests.integration.bench import AGENT, CANCEL_BY_ID, MANAGER, PLACE, BotWorld, bench
from tests.integration.test_keeping import WHY, denied
from tests.storage.samples import NUMBER, many_numbers, placing
from tests.support.tree import ROOT

MOST_SERIES = 200
CONNECTIONS = [f"account-{number}" for number in range(20)]
WORKERS = 16
"""Background tasks of a real process, at most."""
METHODS = 10
"""Methods of Slack's that the bot calls, at most."""
ALERTS = yaml.safe_load((ROOT / "docs/metrics-alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
COMPARISONS = {">": operator.gt, "<": operator.lt}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[BotWorld]:
    """Yield a world with one bot in it."""
    async with bench(tmp_path) as made:
        yield made


async def page_of(stage: BotWorld, **changes: object) -> MetricsPage:
    """Return the page of the bot that was started last, which counts from now on."""
    bot = stage.bot
    page = MetricsPage(bot.store, [*bot.settings.connections], [], {}, stage.clock)
    page = replace(page, **changes)  # type: ignore[arg-type]  # fields by name
    await page.begin()
    return page


async def samples(page: MetricsPage) -> list[Sample]:
    """Scrape the page over HTTP, and parse it as Prometheus does."""
    web = await Web.start(create_web([metrics_route(page)]), "127.0.0.1", 0)
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{web.address}/metrics")
    finally:
        await web.stop()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return [one for family in text_string_to_metric_families(answer.text) for one in family.samples]


def value(found: list[Sample], name: str, **labels: str) -> float:
    """Return the value of a series."""
    values = {str(sorted(one.labels.items())): one.value for one in found if one.name == name}
    return values[str(sorted(labels.items()))]


def fired(found: list[Sample]) -> set[str]:
    """Return the alerts whose expression holds for any series: a name, a comparison and a number."""
    alerts = set()
    for alert in ALERTS:
        name, comparison, threshold = alert["expr"].split(" ")
        if any(COMPARISONS[comparison](one.value, float(threshold)) for one in found if one.name == name):
            alerts.add(alert["alert"])
    return alerts


async def played(stage: BotWorld) -> None:
    """Play a busy day: placed, denied, unknown, stopped and paused, with words of people everywhere."""
    await denied(stage)
    await stage.providers.fail("voxworks", Fault(does="html_502", times=None))
    await stage.bot.approve(await stage.bot.ask(CANCEL_BY_ID, delivery_key="unknown"))
    for _ in range(5):
        await stage.bot.run_until_idle()
        await stage.pass_time(minutes=5)
    await stage.bot.ask(PLACE, delivery_key="placed")
    await stage.bot.run_until_idle()
    async with stage.connected():
        for line in (f"/calls stop {NUMBER} {WHY}", f"/calls pause via reminders {WHY}"):
            await stage.people.person(MANAGER).command(line)
    await stage.bot.ask(PLACE, delivery_key="waits")
    await stage.bot.run_until_idle()


async def test_it_counts_what_waits_and_what_happened(stage: BotWorld) -> None:
    """Each number is that of the scenes that were played."""
    page = await page_of(stage)
    await played(stage)
    await stage.pass_time(minutes=1)
    found = await samples(page)
    assert value(found, "callops_queue_actions", connection="reminders") == 1
    assert value(found, "callops_queue_actions", connection="voxworks") == 0
    assert value(found, "callops_queue_age_seconds", connection="reminders") == 60
    assert value(found, "callops_unknown_actions") == 1
    assert value(found, "callops_outcomes_total", state="succeeded", code="queued") == 1
    assert value(found, "callops_outcomes_total", state="unknown", code="server_error") >= 1
    assert value(found, "callops_decision_seconds_count") == 2
    assert value(found, "callops_decision_seconds_bucket", le="60.0") == 2
    assert value(found, "callops_log_readable") == 1
    assert value(found, "callops_disk_free_bytes") > 0
    assert [one.value for one in await samples(page) if one.name == "callops_outcomes_total"] == [
        one.value for one in found if one.name == "callops_outcomes_total"
    ], "a second look counts nothing twice"


async def test_no_label_has_anything_that_people_wrote(stage: BotWorld) -> None:
    """No number, name, id, reason or channel is anywhere on the page."""
    page = await page_of(stage)
    await played(stage)
    text = (await page.text()).decode()
    said = json.dumps([one.blocks for one in await stage.people.messages()])
    ids = set(re.findall(r"\b[UCD]0[A-Z]+|\b[ABS]-[A-Z0-9]{4,}", said))
    assert {one[0] for one in ids} >= {"U", "A", "B"}, "the scenes name people, requests and pauses"
    words = {
        *ids,
        AGENT,
        MANAGER,
        WHY,
        NUMBER,
        NUMBER[-4:],
        "asha",
        "mira",
        "customer",
        "vx_1001",
        "payments",
    }
    assert [word for word in words if word.lower() in text.lower()] == []


async def test_twenty_connections_have_two_hundred_series_at_most(stage: BotWorld) -> None:
    """Connections that the settings no longer have share their series, and every outcome has room."""
    page = await page_of(stage, connections=CONNECTIONS)
    for number, name in zip(
        many_numbers(25), [*CONNECTIONS, *(f"gone-{one}" for one in range(5))], strict=True
    ):
        await stage.bot.store.requests.create(replace(placing(number), connection=name))
    found = await samples(page)
    assert value(found, "callops_queue_actions", connection="_removed") == 5
    assert value(found, "callops_queue_actions", connection="account-7") == 1
    outcomes = len(OUTCOMES) * (len(Code) + 1)
    assert len(found) + outcomes + WORKERS + METHODS <= MOST_SERIES


async def test_a_log_that_cannot_be_read_is_said(stage: BotWorld) -> None:
    """The page is answered, with the numbers of the process alone."""
    page = await page_of(stage)
    with closing(sqlite3.connect(stage.path)) as other:
        other.execute("ALTER TABLE outbox RENAME TO gone")
    async with asyncio.timeout(2 * LOG_WITHIN):
        found = await samples(page)
    assert value(found, "callops_log_readable") == 0
    assert not [one for one in found if one.name.startswith("callops_queue")]


async def test_answers_of_429_are_counted_by_method(stage: BotWorld) -> None:
    """The client sees each of them, and makes each call once."""
    limited = RateLimitedCount()
    client = make_client(content.BOT_TOKEN, f"{stage.slack.address}/api/", watching=[limited])
    page = await page_of(stage, limited=limited.by_method)
    await stage.people.fail("auth.test", "ratelimited", times=2)
    for _ in range(3):
        await asyncio.gather(client.auth_test(), return_exceptions=True)
    found = await samples(page)
    assert value(found, "callops_slack_rate_limited_total", method="auth.test") == 2


async def test_the_last_anchor_has_an_age(stage: BotWorld) -> None:
    """After a day the anchor covers the log of the day before, and nothing is left without one for long."""
    page = await page_of(stage)
    await stage.bot.ask(PLACE)
    found = await samples(page)
    assert not [one for one in found if one.name == "callops_anchor_age_seconds"]
    await stage.pass_time(days=1)
    await RetentionWorker(stage.bot.store, stage.bot.settings, stage.clock).run_once()
    found = await samples(page)
    assert value(found, "callops_anchor_age_seconds") == timedelta(days=1).total_seconds()
    assert value(found, "callops_unanchored_seconds") == 0


async def queue_waits(stage: BotWorld) -> MetricsPage:
    """Let a provider be down."""
    page = await page_of(stage)
    await stage.providers.fail("callkaro", Fault(does="refused", times=None))
    await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.pass_time(minutes=11)
    await stage.bot.posts()
    return page


async def outcome_unknown(stage: BotWorld) -> MetricsPage:
    """Let the answer to a call be lost."""
    page = await page_of(stage)
    await stage.providers.fail("callkaro", Fault(does="reset", times=None))
    await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    return page


async def posts_wait(stage: BotWorld) -> MetricsPage:
    """Let Slack take no post."""
    page = await page_of(stage)
    await stage.bot.ask(PLACE)
    await stage.people.fail("*", "server_error", times=1000)
    await stage.bot.run_until_idle()
    for _ in range(11):
        await stage.bot.outbox.run_once()
        await stage.pass_time(minutes=1)
    await stage.people.heal()
    return page


async def not_anchored(stage: BotWorld) -> MetricsPage:
    """Let the anchors' file be no file."""
    page = await page_of(stage)
    anchors_beside(stage.path).mkdir()
    await stage.bot.ask(PLACE)
    await stage.bot.run_until_idle()
    await stage.bot.posts()
    await stage.pass_time(days=2, hours=3)
    await RetentionWorker(stage.bot.store, stage.bot.settings, stage.clock).run_once()
    await stage.bot.posts()
    anchors_beside(stage.path).rmdir()
    return page


async def disk_full(stage: BotWorld) -> MetricsPage:
    """Let the disk tell that little is left."""
    return await page_of(stage, free=lambda _: 900 << 20)


async def worker_stuck(stage: BotWorld) -> MetricsPage:
    """Let a worker's run hang."""
    now = [1000.0]
    hangs = asyncio.Event()

    async def hang() -> bool:
        await hangs.wait()
        return False

    task = PeriodicTask("outbox", hang, seconds=lambda: now[0])
    running = asyncio.create_task(task.run())
    stage.stack.callback(running.cancel)
    await asyncio.sleep(0)
    now[0] += 130
    return await page_of(stage, tasks=[task], seconds=lambda: now[0])


FAULTS: dict[str, Callable[[BotWorld], object]] = {
    "CallOpsQueueWaits": queue_waits,
    "CallOpsOutcomeUnknown": outcome_unknown,
    "CallOpsPostsWait": posts_wait,
    "CallOpsNotAnchored": not_anchored,
    "CallOpsDiskFull": disk_full,
    "CallOpsWorkerStuck": worker_stuck,
}


def test_every_alert_has_its_scene() -> None:
    """No alert is without a scene, and the page names each."""
    assert [one["alert"] for one in ALERTS] == [*FAULTS]
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    assert [one for one in FAULTS if f"`{one}`" not in page] == []


@pytest.mark.parametrize("alert", FAULTS)
async def test_a_fault_fires_its_alert_alone(stage: BotWorld, alert: str) -> None:
    """The expression holds for the numbers of its fault, and did not before. No other one does."""
    assert fired(await samples(await page_of(stage, free=lambda _: 50 << 30))) == set()
    page = await FAULTS[alert](stage)  # type: ignore[misc]  # each is a coroutine function
    assert fired(await samples(page)) == {alert}


def test_its_library_is_imported_only_on_demand() -> None:
    """A process that serves without METRICS works where the library is missing."""
    code = (
        "import sys, bot.__main__, bot.cli.serve, bot.cli.check, bot.runtime;"
        "print('prometheus_client' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603 - our own interpreter
    assert shown.stdout.strip() == "False"


def test_the_page_of_the_documents_names_each_metric() -> None:
    """The table has every metric that the page has, and no other."""
    source = (ROOT / "bot/metrics.py").read_text(encoding="utf-8")
    served = {f"callops_{name}" for name in re.findall(r'_gauge\(\s*"(\w+)"', source)}
    served |= {f"{name}_total" for name in re.findall(r'CounterMetricFamily\(\s*"(\w+)"', source)}
    served |= set(re.findall(r'HistogramMetricFamily\(\s*"(\w+)"', source))
    told = set(
        re.findall(
            r"^\| `(callops_\w+)`", (ROOT / "docs/metrics.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert told == served
