"""Invariant 6: a change and its notifications are one commit, and are posted in order, afterwards."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from bot.services.approvals import content
from bot.workers.attempt import Attempts
from bot.workers.outbox import LEASE, Outbox
from bot.workers.prepared_posts import Prepared
from providers.actions import Code, Outcome, Status
from storage.changes import ChangeSet
from storage.models import ActionRecord, MessageRef, OutboxItem, Request
from storage.repositories.outbox import Outbox as OutboxTable
from storage.repositories.outbox import add_posts
from storage.states import State
from tests.integration.bench import CANCEL_BY_ID, MANAGER, PLACE, BotWorld, StepLog, StepRequests
from tests.integration.seeding import Invariant, Seeded


async def what_happened_is_told_after_a_crash(bench: BotWorld) -> None:
    """Check that a process that dies after committing a denial leaves its notifications to the next one."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    manager = await bench.bot.person(MANAGER)
    bench.bot.store.at["after denied"] = bench.bot.store.die
    denying = bench.bot.approvals.deny(
        made.id, manager, reason="not this one", shown=content(made), nonce="denied"
    )
    await bench.survives(denying)
    await bench.crash()
    assert (await bench.bot.record(made)).state is State.DENIED
    await bench.bot.posts()
    told = [one.text for one in await bench.said("D0AGENT")]
    assert any("Denied" in text for text in told), "a denial was never told"


class PostsLater(StepRequests):
    """A bug: commits the change, and then its notifications."""

    async def apply(self, change: ChangeSet) -> Request:
        """Apply the change in two transactions."""
        made = await super().apply(replace(change, notifications=()))
        last = (await self.events(made.id))[-1]
        await self._write(lambda connection: add_posts(connection, last, change.notifications))
        return made


async def a_post_taken_by_the_dead_is_made(bench: BotWorld) -> None:
    """Check that the next process posts a dead process's outbox items once their lease is over."""
    await bench.bot.ask(CANCEL_BY_ID)
    now = bench.clock()
    assert await bench.bot.store.outbox.outgoing(now, owner="the dead", until=now + LEASE, limit=9)
    await bench.crash()
    await bench.pass_time(seconds=LEASE.total_seconds())
    await bench.bot.posts()
    assert len(await bench.said("C0AUDIT")) == 1, "a message was lost with the process that had taken it"


class AtMostOnce(OutboxTable):
    """A bug: marks a post as done when it is leased."""

    async def outgoing(self, now: datetime, *, owner: str, until: datetime, limit: int) -> list[OutboxItem]:
        """Lease the posts, and mark them as done."""
        taken = await super().outgoing(now, owner=owner, until=until, limit=limit)
        for post in taken:
            await self.delivered(post, None, seen=post.event)
        return taken


async def one_message_shows_how_it_stands(bench: BotWorld) -> None:
    """Check that a request's audit message and card are one message each, edited for each state."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.bot.posts()
    await bench.bot.approve(made)
    await bench.bot.posts()
    await bench.bot.run_until_idle()
    await bench.bot.posts()
    roots = [one for one in await bench.said("C0AUDIT") if not one.thread_ts]
    cards = await bench.said("C0APPROVE")
    assert (len(roots), len(cards)) == (1, 1), "a new message for every state"
    assert "Cancelled" in roots[0].text


class PostsAnew(Outbox):
    """A bug: never edits."""

    async def _send(self, one: Prepared, arguments: dict[str, Any]) -> MessageRef:
        return await super()._send(replace(one, posted=None), arguments)


async def posts_keep_their_order(bench: BotWorld) -> None:
    """Check that no later post of a request goes out while its first cannot."""
    made = await bench.bot.ask(CANCEL_BY_ID)
    await bench.bot.approvals.approve(
        made.id, await bench.bot.person(MANAGER), shown=content(made), nonce="noted", note="as agreed"
    )
    await bench.people.fail("chat.postMessage", "server_error")
    await bench.bot.posts()
    assert not await bench.said("C0AUDIT"), "a reply came before its message"
    await bench.pass_time(seconds=6)
    await bench.bot.posts()
    audit, reply = await bench.said("C0AUDIT")
    assert reply.thread_ts == audit.ts


class AnyOrder(StepLog):
    """A bug: takes every pending post."""

    @classmethod
    async def open(cls, *where: Any, **how: Any) -> Self:
        """Open the log, and let every post be the next one."""
        log = await super().open(*where, **how)
        await log._database.writer._thread.run(
            lambda connection: connection.executescript(
                "DROP TRIGGER outbox_joined; CREATE TRIGGER outbox_joined AFTER INSERT ON outbox "
                "BEGIN UPDATE outbox SET is_next = 1 WHERE id = NEW.id; END"
            )
        )
        return log


async def nothing_is_announced_before_it_happened(bench: BotWorld) -> None:
    """Check that nobody reads of a success that the provider's journal does not have."""
    await bench.providers.fail("callkaro", "server_error", effect=False)
    await bench.bot.ask(PLACE)
    await bench.bot.run_until_idle()
    await bench.bot.posts()
    assert not await bench.effects("callkaro")
    [audit, *_] = await bench.said("C0AUDIT")
    assert "✅" not in str(audit), "a success was announced that never happened"


class AnnouncesFirst(Attempts):
    """A bug: announces the success, then sends."""

    async def _still_ours(self, record: ActionRecord) -> bool:
        good = Outcome(status=Status.OK, code=Code.QUEUED, message="CallKaro accepted the call.")
        await self._record(await self._store.requests.request(record.request), record, good)
        return True


TOLD = Invariant(
    6,
    [
        what_happened_is_told_after_a_crash,
        a_post_taken_by_the_dead_is_made,
        one_message_shows_how_it_stands,
        posts_keep_their_order,
        nothing_is_announced_before_it_happened,
    ],
    [
        Seeded(what_happened_is_told_after_a_crash, PostsLater, "never told"),
        Seeded(a_post_taken_by_the_dead_is_made, AtMostOnce, "lost with the process"),
        Seeded(one_message_shows_how_it_stands, PostsAnew, "for every state"),
        Seeded(posts_keep_their_order, AnyOrder, "before its message"),
        Seeded(nothing_is_announced_before_it_happened, AnnouncesFirst, "never happened"),
    ],
)
