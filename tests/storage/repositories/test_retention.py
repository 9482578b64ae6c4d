"""A purge by number: it finds every field, spelling and script, or names what it leaves."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from providers.actions import Code, PlaceCall
from storage.changes import Annotation, ChangeSet, NewAction, NewRequest
from storage.errors import DuplicateRequestError
from storage.models import Person
from storage.queries import Query
from storage.repositories.erasure_list import PurgeFilter, RetainedBecause
from storage.states import State
from storage.store import Store
from tests.bot.parsing.number_plans import in_ascii
from tests.storage.samples import (
    KEY,
    NOON,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    cancelling_by_id,
    claim,
    deleting,
    deny,
    doubt,
    finish,
    noted,
    placing,
    verified,
)

NATIONAL: Final = NUMBER[3:]
BY_NUMBER: Final = PurgeFilter("by number", numbers=frozenset({NUMBER}))
SPELLINGS: Final = {
    "plain": NUMBER,
    "with spaces": "098765 43210",
    "with dashes": "+91 (98765)-43-210",
    "Devanagari": "९८७६५ ४३२१०",
    "Arabic": "٩٨٧٦٥٤٣٢١٠",
    "full width": "".join(chr(0xFF10 + int(one)) for one in NATIONAL),
    "lines": "98765\n43210",
    "no-break spaces": "0091\xa098765\u202f43210",
    "glued": "x9876543210y",
}
AS_IDS: Final = (
    "c_9876543210",
    "9876543210",
    "919876543210",
    "98765-43210",
    "c.98765:43210.x",
    "0919876543210",
)


def left(folder: Path) -> list[str]:
    """Return the files beside the log that hold the number's digits, in any spelling or escape."""
    found = []
    for file in folder.glob("log.db*"):
        text = file.read_bytes().decode("utf-8", "ignore")
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
        closed = re.sub(r"[^0-9A-Za-z]", "", in_ascii(text))
        if NATIONAL in closed:
            found.append(file.name)
    return found


def content(folder: Path) -> bytes:
    """Return every byte of the log's files."""
    return b"".join(file.read_bytes() for file in folder.glob("log.db*"))


async def ended(store: Store, clock: Clock, action: str, **private: str) -> None:
    """Send an approved action, and record its end with its private values."""
    await store.requests.apply(claim(action, until=clock.now + timedelta(seconds=30)))
    [move] = finish(action, reference=None).transitions
    await store.requests.apply(
        ChangeSet(action.partition(".")[0], "system", [replace(move, private=private)])
    )


async def live(store: Store, clock: Clock, said: str) -> None:
    """Put a text into every place that takes one."""
    other = PlaceCall(
        to=OTHER_NUMBER, agent="payments", batch=said[:60], metadata={"a": {"b": [said]}, "c": 1}
    )
    placed = replace(
        placing(),
        actions=[NewAction(other, OTHER_NUMBER)],
        reason=said,
        purpose=said,
        consent=said,
        zone=said,
    )
    made = (await store.requests.create(placed)).request.id
    await ended(store, clock, made, raw=json.dumps({"to": said}), headers=said, record=said, summary=said)
    denied = (await store.requests.create(replace(cancelling(OTHER_NUMBER), fingerprint="d"))).request.id
    [move] = deny(denied).transitions
    await store.requests.apply(replace(deny(denied), transitions=[replace(move, private={"note": said})]))
    partly = (await store.requests.create(replace(cancelling(OTHER_NUMBER), fingerprint="p"))).request.id
    await store.requests.apply(replace(approve(partly), transitions=[], private={"note": said}))
    await store.requests.apply(deny(partly))
    campaign = (await store.requests.create(replace(deleting("cd-1"), fingerprint="c"))).request.id
    await store.requests.apply(noted(Annotation(campaign, "looked_up", {"found": True}, {"known_as": said})))
    await store.requests.apply(deny(campaign))
    doubtful = (await store.requests.create(replace(cancelling_by_id("vx_1"), fingerprint="u"))).request.id
    await store.requests.apply(approve(doubtful))
    await store.requests.apply(claim(doubtful, until=clock.now + timedelta(seconds=30)))
    await store.requests.apply(doubt(doubtful))
    settled = replace(
        deny(doubtful).transitions[0],
        name="did_not_happen",
        from_states=frozenset({State.UNKNOWN}),
        to_state=State.FAILED,
        private={"note": said},
    )
    await store.requests.apply(ChangeSet(doubtful, "U0MANAGER", [settled]))
    await store.audit.record_error(actor="U0AGENT", where="commands", private={"traceback": said})
    await store.audit.record_export(
        actor="os:ops", rows="full numbers, csv", private={"query": json.dumps({"text": said})}
    )
    await store.do_not_call.add(OTHER_NUMBER, masked="+91\u00a0•••3211", actor="U0AGENT", reason=said)
    await store.do_not_call.remove(OTHER_NUMBER, masked="+91\u00a0•••3211", actor="U0MANAGER", reason=said)
    for draft in ("a", "b"):
        content = {"text": said, "answers": [said], "spec": {"actions": [{"to": said}]}}
        await store.users.keep_draft(draft, person="U0AGENT", content=content)


@pytest.mark.parametrize(
    ("purged", "kept"), [("+5491123456789", "+541123456789"), ("+390549886377", "+3780549886377")]
)
async def test_a_purge_reaches_both_spellings_of_a_line(tmp_path: Path, purged: str, kept: str) -> None:
    """Both spellings are the same line."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    made = (await log.requests.create(replace(placing(kept), reason=f"asked by {kept}"))).request.id
    await ended(log, clock, made)
    clock.move(days=2)
    await log.retention.purge(PurgeFilter("by number", numbers=frozenset({purged})), actor="operator")
    await log.close()
    assert kept[4:].encode() not in content(tmp_path)


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_purged_number_is_in_no_byte_in_any_spelling(tmp_path: Path, spelling: str) -> None:
    """People, providers and programs wrote it into all kinds of fields."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    said = SPELLINGS[spelling]
    flags = {"bot": False, "deleted": False, "guest": False, "is_external": False}
    await log.users.keep_person(Person("U1", "T0", f"Asha {said}", "UTC", **flags, read_at=NOON))
    await log.users.keep_person(Person("U2", "T0", "Sam", "UTC", **flags, read_at=NOON))
    await live(log, clock, f"it is {said}, she says")
    assert left(tmp_path)
    done = await log.retention.purge(BY_NUMBER, actor="operator")
    assert (len(done.requests), done.drafts, done.people, done.kept, done.left) == (8, 2, 1, [], [])
    assert not left(tmp_path)
    assert await log.users.person("U2") == Person("U2", "T0", "Sam", "UTC", **flags, read_at=NOON)
    assert not (await verified(log)).faults
    assert not (await log.retention.purge(BY_NUMBER, actor="operator")).anything
    await log.close()
    assert not left(tmp_path)


@pytest.mark.parametrize("make", [cancelling_by_id, deleting], ids=["a call's", "a campaign's"])
@pytest.mark.parametrize("typed", AS_IDS)
async def test_a_number_that_was_taken_for_an_id_is_purged(
    tmp_path: Path, typed: str, make: Callable[[str], NewRequest]
) -> None:
    """The chain holds only its salted hash, and not the provider's answer."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    made = (await log.requests.create(make(typed))).request.id
    await log.requests.apply(approve(made))
    await log.requests.apply(claim(made, until=clock.now + timedelta(seconds=30)))
    [move] = finish(made, reference=typed).transitions
    await log.requests.apply(ChangeSet(made, "system", [move]))
    [record] = (await log.requests.request(made)).actions
    assert (record.target_id, record.reference) == (typed, None)
    assert not [event for event in await log.requests.events(made) if typed in json.dumps(dict(event.data))]
    done = await log.retention.purge(BY_NUMBER, actor="operator")
    assert [one.id for one in done.requests] == [made]
    assert (done.kept, done.left) == ([], [])
    [record] = (await log.requests.request(made)).actions
    assert (record.target_id, record.action) == (None, None)
    assert not left(tmp_path)
    assert not (await verified(log)).faults
    await log.close()


async def test_many_ids_that_hold_numbers_leave_nothing(tmp_path: Path) -> None:
    """The pages that SQLite splits and merges hold nothing, because such an id is in no index."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    numbers = [f"+9198765{n:05}" for n in range(0, 99_999, 331)]
    for n, number in enumerate(numbers):
        prefix = "abcdefghijklmnopqrstuvwxyz"[n * 7 % 26] * 60  # long enough to split pages, in no order
        made = (await log.requests.create(cancelling_by_id(f"{prefix}_{number[3:]}"))).request.id
        await log.requests.apply(deny(made))
    assert re.search(rb"_98765\d{5}", content(tmp_path))
    done = await log.retention.purge(
        PurgeFilter("by number", numbers=frozenset(numbers[:150])), actor="operator"
    )
    done = await log.retention.purge(
        PurgeFilter("old", before=clock.now + timedelta(days=1)), actor="operator"
    )
    assert done.wiped
    assert not re.search(rb"_98765\d{5}", content(tmp_path))
    await log.close()


async def test_ids_that_hold_numbers_work_as_others_do(tmp_path: Path) -> None:
    """Repeated ones are duplicates, a success is known, and a similar shape is not the number."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    new = replace(cancelling_by_id("c_9876543210"), deduplicate=True)
    made = (await log.requests.create(new)).request
    with pytest.raises(DuplicateRequestError) as asked:
        await log.requests.create(new)
    assert [one.id for one in asked.value.by.values()] == [made.id]
    other = (await log.requests.create(replace(cancelling_by_id("d_9876543210"), deduplicate=True))).request
    assert other.id != made.id
    assert await log.call_history.known_ids(["c_9876543210", "e_9876543210"]) == {"c_9876543210"}
    assert await log.call_history.connections_knowing(["c_9876543210"]) == frozenset()
    await log.requests.apply(approve(made.id))
    await ended(log, clock, made.id)
    assert await log.call_history.connections_knowing(["c_9876543210"]) == {"reminders"}
    [row] = (await log.search.page(Query(kind=made.kind, state=State.SUCCEEDED))).actions
    assert row.target_id == "c_9876543210"
    assert not (await verified(log)).faults
    await log.close()


async def test_an_id_that_a_provider_gave_stays(tmp_path: Path) -> None:
    """Even with many digits, it identifies a call that CallOps placed."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    at = clock.now + timedelta(hours=3)
    placed = (await log.requests.create(placing(OTHER_NUMBER, at=at))).request.id
    await log.requests.apply(claim(placed, until=clock.now + timedelta(seconds=30)))
    await log.requests.apply(finish(placed, code=Code.SCHEDULED, reference="1234567890"))
    cancel = (await log.requests.create(cancelling_by_id("1234567890"))).request.id
    [first, *_] = await log.requests.events(cancel)
    assert first.data["target_id"] == "1234567890"
    await log.requests.apply(approve(cancel))
    await ended(log, clock, cancel)
    assert await log.call_history.find_scheduled("reminders", "1234567890", clock.now) is None
    await log.close()


async def test_a_lifted_stop_is_found_and_one_that_holds_stays(tmp_path: Path) -> None:
    """The reason of a stop goes. The stop itself stays, and still verifies."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    lifted, _ = await log.do_not_call.add(NUMBER, masked="+91\u00a0•••3210", actor="U0AGENT", reason="cross")
    await log.do_not_call.remove(NUMBER, masked="+91\u00a0•••3210", actor="U0MANAGER", reason="made up")
    holds, _ = await log.do_not_call.add(
        NUMBER, masked="+91\u00a0•••3210", actor="U0AGENT", reason="cross again"
    )
    done = await log.retention.purge(BY_NUMBER, actor="operator")
    assert {one.id for one in done.requests} == {lifted.id, holds.id}
    assert not await log.requests.personal_values(lifted.id)
    assert not await log.requests.personal_values(holds.id)
    assert [one.id for one in await log.do_not_call.stops(NUMBER)] == [holds.id]
    assert not (await verified(log)).faults
    assert not [one for one in ("cross", "made up", "•3210") if one.encode() in content(tmp_path)]
    await log.close()


async def test_what_the_chain_holds_for_good_is_named(tmp_path: Path) -> None:
    """A typed agent's id, or a sentence, is no erasable row, and the purge names its place."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    call = PlaceCall(to=OTHER_NUMBER, agent="98765-43210")
    made = (await log.requests.create(replace(placing(), actions=[NewAction(call, OTHER_NUMBER)]))).request.id
    await ended(log, clock, made)
    fine = (await log.requests.create(placing(NUMBER))).request.id
    await ended(log, clock, fine)
    for look in (log.retention.erasable(BY_NUMBER), log.retention.purge(BY_NUMBER, actor="operator")):
        done = await look
        assert [one.id for one in done.requests] == [made, fine]
        assert done.left == [made]
    await log.close()


async def test_what_mentions_a_number_on_hold_stays(tmp_path: Path) -> None:
    """The text may be the subject of the dispute."""
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock())
    new = replace(cancelling_by_id("c_9876543210"), reason="of 98765 43211, too")
    made = (await log.requests.create(new)).request.id
    await log.requests.apply(deny(made))
    for held in (NUMBER, OTHER_NUMBER):
        done = await log.retention.purge(replace(BY_NUMBER, hold=frozenset({held})), actor="operator")
        assert [(one.request, one.why) for one in done.kept] == [(made, RetainedBecause.HELD)]
    assert (await log.retention.purge(BY_NUMBER, actor="operator")).requests
    await log.close()
