"""What a store of call actions promises: the `ActionLog`.

Everything that changes does so through `record` or `apply`, each one transaction: the rows, the events, the
Slack posts to make and the keys that were used up are committed together or not at all.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from providers.actions import Kind
from storage.maintenance.anchors import Anchor
from storage.models import (
    AskedToStop,
    Budget,
    Change,
    Draft,
    Event,
    Found,
    Imported,
    LogEntry,
    MessageRef,
    NewRequest,
    Outgoing,
    Page,
    Person,
    Query,
    Recorded,
    Request,
    Scalar,
    Standstill,
    Stop,
    Tally,
    Traffic,
    UnfinishedImport,
    Verdict,
    Waiting,
    Whole,
)
from storage.repositories.erasure_list import Erased, Erasing


class Conflict(Exception):
    """The change came too late: somebody or something was first. ``current`` is how the request stands."""

    def __init__(self, current: Request) -> None:
        super().__init__(f"{current.id} is {current.state}")
        self.current = current


class AlreadyAsked(Exception):
    """Some targets are asked for already, and nothing was recorded.

    ``by`` is the request that asks for it, by the action's place.
    """

    def __init__(self, by: Mapping[int, Request]) -> None:
        super().__init__(", ".join(sorted({request.id for request in by.values()})))
        self.by = by


class NoSuchRequest(LookupError):
    """No request, entry or reported fault has that id."""


class ActionLog(Protocol):
    """The log that is the truth. One contract test suite holds for every store."""

    # -- whether it can be relied on

    def fault(self) -> str | None:
        """Say why the log cannot be relied on now, without its period; None: nothing speaks against it."""
        ...

    async def read_anew(self) -> None:
        """Read a little, past every cache. Raises what reading raises."""
        ...

    # -- people's and the machine's changes

    async def record(self, new: NewRequest) -> Recorded:
        """Write a request down, durably, with its first events. The same intent twice is one request.

        Raises `AlreadyAsked`, for one that ``joins``, if an action of its kind is pending, approved, being
        sent or unknown for one of its targets at the same account.
        """
        ...

    async def apply(self, change: Change) -> Request:
        """Make a change, or raise `Conflict` with how the request stands, or `NoSuchRequest`.

        Raises `lifecycle.IllegalMove` for a move that no action's life contains: among them one back from
        approved to unknown of an entry that is not in doubt. One that is in doubt is not withdrawn, refused
        or expired (`Conflict`).

        A move to ``sending`` also conflicts once ``not_after`` has come, and while the entry has to wait:
        while a cancellation by number is being sent, or is in doubt and approved to be sent again, nothing
        else with its agent and number begins; nor does it while a call to them is being placed. The same
        agent is the same name in one connection, or the same fingerprint. It conflicts as well where
        ``at_most`` of its connection are being sent.
        """
        ...

    async def hold(self, entry: str, *, owner: str, attempt: int, until: datetime) -> bool:
        """Renew a lease that is still held: the check just before bytes leave.

        False when the entry is no longer this owner's in this attempt, or the attempt may not begin any more.
        """
        ...

    async def release(self, owner: str) -> None:
        """Let go of what an owner held that has ended: its posts are free, its entries' leases are over."""
        ...

    async def report(self, *, actor: str, where: str, private: Mapping[str, str]) -> str:
        """Write a fault of the program down and return its id (``E-…``), which people are told."""
        ...

    async def record_denied_attempt(self, *, actor: str, where: str, why: str) -> str | None:
        """Record an attempt of a person who may do nothing, and return the event's id (``D-…``).

        Return None where that person tried there before on the same day.
        """
        ...

    async def keep_rules(self, *, actor: str, data: Mapping[str, Scalar], after: Event | None) -> str | None:
        """Write down which rules are in force now, as an event of its own, and return its id (``R-…``).

        None where ``after`` is not the last such event any more: somebody else was first.
        """
        ...

    async def exported(self, *, actor: str, rows: str, private: Mapping[str, str]) -> str:
        """Write down that somebody takes full numbers out of the log; the id of that (``X-…``).

        ``rows`` are the fields that go out; ``private`` which entries they are of.
        """
        ...

    async def erase(self, request: str, *, actor: str) -> None:
        """Forget a request's personal data, and ours of it in Slack. The chain stays whole."""
        ...

    async def erasable(self, erasing: Erasing) -> Erased:
        """What `purge` would forget now, and what it would leave; nothing is changed."""
        ...

    async def purge(self, erasing: Erasing, *, actor: str) -> Erased:
        """Forget all that a rule is about, but what is under way, held or too young, and list what went.

        What takes our words out of Slack is put into the outbox. The chain stays whole, and holds an event
        that counts what went.
        """
        ...

    async def erased_before(self, *, hold: frozenset[str]) -> Erasing | None:
        """All that was ever purged, to be purged again where an older log was put back; None: nothing was.

        Raises `erasures.UnreadableList`.
        """
        ...

    # -- anchors

    async def anchor(self, before: datetime) -> Anchor | None:
        """The last event that happened before a time."""
        ...

    async def keep_anchor(self, anchor: Anchor) -> None:
        """Keep an anchor outside the log, beside it."""
        ...

    # -- reading

    async def request(self, request: str) -> Request:
        """Read a request by its id, or by the id of one of its entries. Raises `NoSuchRequest`."""
        ...

    async def events(self, request: str) -> Sequence[Event]:
        """All that happened to a request and its entries (or the report of a fault, by ``E-…``), in order."""
        ...

    async def private(self, request: str) -> Sequence[tuple[int, str, str]]:
        """The erasable values still kept for a request or fault: (event, field, value)."""
        ...

    async def whole(self, request: str) -> Whole:
        """Read a request with its events and erasable values, all as of one moment."""
        ...

    async def page(self, query: Query, *, after: int | None = None, limit: int = 50) -> Page:
        """List entries, newest first, by key: as fast on the last page as on the first."""
        ...

    async def search(
        self, query: Query, *, after: int | None = None, before: int | None = None, limit: int = 50
    ) -> Found:
        """As `page`, with what each entry's request says; ``before`` a key, the page of newer ones.

        Where words are looked for, a page ends after so many entries that were looked through, and says so.
        """
        ...

    async def asked_to_stop(self, number: str) -> AskedToStop | None:
        """Since when a number wants no more calls, as somebody said, or None."""
        ...

    async def people_named(self, name: str) -> Sequence[Person]:
        """People that are known under a name, or whose name begins so where none has it whole."""
        ...

    async def coming_up(self, connection: str, agent: str, number: str, now: datetime) -> Sequence[LogEntry]:
        """Calls placed through us that should still go out to a number, soonest first."""
        ...

    async def scheduled(
        self, connections: Collection[str], now: datetime, *, mine: str, limit: int
    ) -> Sequence[LogEntry]:
        """Calls placed through us by these connections that should still go out: a person's own first.

        Among each, the next to go out comes first. What was erased is left out.
        """
        ...

    async def scheduled_to(self, number: str, now: datetime) -> Sequence[LogEntry]:
        """As `coming_up`, through whatever connection and agent."""
        ...

    async def holders(self, ids: Collection[str]) -> frozenset[str]:
        """The connections whose provider gave out one of these ids, or did what was asked of it."""
        ...

    async def known_call(self, connection: str, reference: str, now: datetime) -> LogEntry | None:
        """A call placed through us that has this provider's id, and should still go out."""
        ...

    async def known_ids(self, ids: Collection[str]) -> Collection[str]:
        """Those of some providers' ids that an action was aimed at, or that a provider gave one."""
        ...

    async def seen(self, connection: str, account: str, reference: str, before: datetime) -> bool:
        """Whether the log knew, before that time, that the provider had something under this id.

        ``account`` is the fingerprint of the account: what was known of another one counts for nothing.
        What was cancelled or deleted through us since is not there any more.
        """
        ...

    async def copied_at(self) -> datetime | None:
        """When this log was copied from another one, as a backup that was put back; None where it never was.

        What was approved until then may have been sent from the other one since.
        """
        ...

    async def sighted_before(self, entry: str) -> bool:
        """Whether a look-up saw an entry's target before the entry's first attempt.

        Not if it was cancelled or deleted through us since.
        """
        ...

    async def tally(self, since: datetime) -> Sequence[Tally]:
        """How many actions came to stand where they stand since then; all that wait or are unknown now."""
        ...

    async def verify(self) -> Verdict:
        """Check the chain, the commitments, and that replayed events give the rows."""
        ...

    async def rules(self) -> Event | None:
        """The last event that says which rules are in force."""
        ...

    # -- what is due

    async def ready(
        self,
        now: datetime,
        limit: int,
        *,
        without: Collection[str] = (),
        kinds: Collection[Kind] = (),
        held: Collection[str] = (),
    ) -> Sequence[LogEntry]:
        """Approved entries whose time to be sent has come, in the order they were approved.

        ``limit``: at most so many of each connection. ``without``: connections that have no worker free, or
        that wait for their turn. ``kinds``: of these only, where there are any. ``held``: entries that are
        left out, and so hide none behind them. Entries that have to wait for another one's (see `apply`) are
        left out too.
        """
        ...

    async def overdue(self, now: datetime) -> Sequence[LogEntry]:
        """Approved entries whose ``not_after`` has come: their ordered attempt may not begin any more."""
        ...

    async def unsighted(
        self, connections: Collection[str], limit: int, after: Mapping[str, int]
    ) -> tuple[Sequence[LogEntry], Mapping[str, int]]:
        """Pending or approved entries, never begun and never looked up: among so many of each connection.

        ``after`` says where in the log to go on, by connection; where it says nothing, at the beginning.
        Returned with it is where to go on the next time.
        """
        ...

    async def unsure(self, connections: Collection[str], limit: int) -> Sequence[LogEntry]:
        """Deletions of campaigns in ``unknown``, so many of each connection, not looked up since they are."""
        ...

    async def lapsed(self, now: datetime) -> Sequence[LogEntry]:
        """Entries in ``sending`` whose lease has run out: their owner died."""
        ...

    async def moves_due(self, now: datetime) -> Sequence[Request]:
        """Moves whose call is cancelled and was not placed again yet, nor found impossible to place."""
        ...

    async def moves_followed(self, now: datetime) -> Sequence[Request]:
        """Moves whose second step ended, or is in doubt, with no note (`FOLLOWED`) of that yet."""
        ...

    async def undecided(self, now: datetime, limit: int) -> Sequence[Request]:
        """Pending requests whose time to be decided has passed, so many of them."""
        ...

    async def pending(
        self, limit: int, *, after: Waiting | None = None, team: str | None = None
    ) -> Sequence[Waiting]:
        """Pending requests, the one whose time runs out first before the others: a page of so many.

        ``after`` is the last one of the page before; ``team`` the workspace whose requests are meant.
        """
        ...

    async def count_pending(self, at_most: int, *, team: str | None = None) -> int:
        """Count the pending requests of a workspace, or all; counting stops at ``at_most``."""
        ...

    async def pending_since(self, after: int, limit: int) -> tuple[Sequence[str], int]:
        """Return the ids of requests that became pending behind a place in the log, in order.

        Also the place to go on from. 0 is before the first.
        """
        ...

    async def pending_request(self, request: str) -> Waiting | None:
        """Return a request in short; None where it is not pending any more."""
        ...

    async def alike(self, masked: str) -> Sequence[LogEntry]:
        """Pending entries aimed at a number that reads so when masked, oldest first."""
        ...

    async def campaigns_seen(self) -> Collection[tuple[str, str, str]]:
        """The campaigns that look-ups named: connection, id and name. Deleted ones are left out."""
        ...

    async def last_asked(self, people: Collection[str]) -> Mapping[str, datetime]:
        """When each of these people was last asked to decide something; nobody who never was."""
        ...

    # -- numbers that are not called

    async def stop(self, number: str, *, masked: str, actor: str, reason: str | None) -> tuple[Stop, bool]:
        """Stop all calls to a number from now on; True where nobody had before.

        No `PlaceCall` to it moves to ``sending`` any more, and none that is there is held: `apply` conflicts
        and `hold` says no. Forgetting anybody's personal data does not lift it.
        """
        ...

    async def allow(self, number: str, *, masked: str, actor: str, reason: str) -> Stop | None:
        """Let calls to a number go out again that a person stopped; None where nobody had. Lists stay."""
        ...

    async def stops(self, number: str) -> Sequence[Stop]:
        """Why a number is not called, a person's stop first; empty where it may be called."""
        ...

    async def unlisted(self, name: str, numbers: Iterable[str]) -> int:
        """How many of these different numbers a do-not-call list does not have yet."""
        ...

    async def add_list(
        self, name: str, numbers: Iterable[str], *, actor: str, progress: Callable[[int], None] | None = None
    ) -> Imported:
        """Add numbers to a do-not-call list: all of them or none. Only their keyed hashes are kept.

        They are written in small parts, and count all at once when the last one is; ``progress`` is told how
        many each part had. An error, or cancelling the call, leaves the list as it was. Raises
        `storage.repositories.do_not_call.ImportSuperseded` where the list is removed meanwhile, or another
        import of it begins.
        """
        ...

    async def unfinished_imports(self) -> Sequence[UnfinishedImport]:
        """The imports that run, or whose process ended before they did."""
        ...

    async def remove_list(self, name: str, *, actor: str) -> int:
        """Take a do-not-call list away, and say how many numbers it had."""
        ...

    async def stopped_numbers(self) -> Mapping[str | None, int]:
        """How many numbers are not called, by list; under None those that people stopped."""
        ...

    async def stop_news(self, until: datetime) -> Sequence[tuple[Event, str | None]]:
        """Take, under a lease, what was stopped or allowed and is not told yet.

        Each event comes with its number, masked: None for a list, or where it was erased.
        """
        ...

    async def stop_told(self, event: int) -> None:
        """Such news were told."""
        ...

    # -- how fast an account may be asked

    async def turn(
        self, account: str, *, a_minute: int | None, now: datetime, paused: bool = True
    ) -> datetime | None:
        """Take a place to send: None means go now, a time means ask again then.

        Never more than ``a_minute`` places are given in any 60 s, over all processes, and none before a pause
        has passed unless ``paused`` is False. Without a limit nothing is written.
        """
        ...

    async def take(self, budgets: Sequence[Budget], now: datetime) -> datetime | None:
        """Take a place of each of them or of none: None means go now, a time means ask again then.

        Each is kept, and paused, as in `turn`. Budgets of one account may differ from time to time.
        """
        ...

    async def pause(
        self,
        account: str,
        until: datetime,
        *,
        connections: Collection[str] = (),
        tell: bool = False,
        probe: datetime | None = None,
    ) -> None:
        """Give no place before that time. A longer pause stays.

        The account's ``connections`` stand still until then; ``tell``: those who wait are to know. From
        ``probe`` on one request that removes something may be sent all the same.
        """
        ...

    async def next_probe(
        self, connections: Collection[str], until: datetime, *, due: datetime | None = None
    ) -> bool:
        """Have the next such request of an account wait until then; False unless one was ``due``."""
        ...

    async def traffic(self, owner: str) -> Traffic:
        """How many requests others are sending, and what stands still."""
        ...

    async def standstills(self) -> Sequence[Standstill]:
        """What stands still, and what did and is not told to be over."""
        ...

    async def failed(
        self,
        connection: str,
        *,
        began: datetime,
        pause: Callable[[int], timedelta],
        reachable: bool,
        told_from: int,
    ) -> Standstill:
        """Count a failure of a provider, whose request began then, and pause as after so many in a row.

        Those that were out when one was counted last do not count again.

        From ``told_from`` in a row on, requests that wait have ``waits_for``, and their messages are edited:
        at once, with each pause, and when it is over; those of the next in line.
        """
        ...

    async def answered(self, connection: str) -> None:
        """A provider that failed answers again."""
        ...

    async def probe(self, connection: str, until: datetime) -> bool:
        """Whether the caller may find out, until then, if a provider answers whose pause is over."""
        ...

    async def lift(self, connections: Collection[str], account: str) -> Sequence[Standstill]:
        """End the pauses of an account and its connections now; what stood still."""
        ...

    async def over(self) -> None:
        """Forget what providers asked for and is past."""
        ...

    async def said(self, connection: str, ref: MessageRef | None) -> None:
        """Where it was said that a provider is down; None: that it is over was said, so forget it."""
        ...

    # -- the outbox

    async def outgoing(self, now: datetime, *, owner: str, until: datetime, limit: int) -> Sequence[Outgoing]:
        """Take posts that are due, under a lease: at most the first undelivered one of each request.

        A post that was set aside holds up only what goes to the same place. Of posts that wait in one lane,
        the oldest alone is taken.
        """
        ...

    async def delivered(
        self, post: Outgoing, ref: MessageRef | None, *, seen: int, opens: Collection[str] = ()
    ) -> None:
        """A post was made. ``ref`` says where a lasting message (audit, card) stands.

        ``seen`` is the last event it already showed: older edits of the same message need not be sent, nor
        the same words about what the machine did to another entry of the request. All that waits in the lanes
        that it ``opens`` is due at once, in order.
        """
        ...

    async def postpone(
        self,
        post: Outgoing,
        *,
        not_before: datetime,
        error: str | None,
        lane: str | None = None,
        aside: bool = False,
    ) -> None:
        """A post could not be made yet. Without an ``error`` it was not tried, and no try is counted.

        All that waits in its ``lane`` is not due before either. Set ``aside``, the request's posts to other
        places go on.
        """
        ...

    async def abandon(self, post: Outgoing, *, error: str) -> None:
        """A post can never be made (the channel is gone): kept, with the reason, and no longer tried."""
        ...

    # -- nonces, drafts and people

    async def keep_draft(self, nonce: str, *, person: str, content: Mapping[str, object]) -> None:
        """Keep what a button or form would start. Keeping the same nonce again changes nothing."""
        ...

    async def draft(self, nonce: str) -> Draft | None:
        """Read a draft."""
        ...

    async def claim(self, name: str) -> bool:
        """Whether this is the first time that a name is claimed: of many who claim it, one may go on."""
        ...

    async def keep_person(self, person: Person) -> None:
        """Remember what Slack says of a person, in place of what was known."""
        ...

    async def person(self, person: str) -> Person | None:
        """What is known of a person."""
        ...

    async def present(self, process: str, lives: timedelta) -> int:
        """Say that a process lives for so long from now; how many do that use this log, it among them.

        No time takes the process out. Nothing of this is in the chain.
        """
        ...

    async def close(self) -> None:
        """Finish what is being written and let go of the store."""
        ...
