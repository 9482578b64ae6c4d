import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from providers.actions import PlaceCall
from storage.changes import ChangeSet, NewAction, Transition
from storage.models import Person
from storage.states import State
from storage.store import Store
from tests.storage.samples import (
    KEY,
    NOON,
    Clock,
    approve,
    cancelling,
    claim,
    erase,
    finish,
    placing,
    verified,
)

LONGER_THAN_A_PAGE = 9000


def canary(n: int) -> str:
    """Return private text that is written nowhere else, some of it long."""
    return f"Canary{n:05}of the estate".replace(" ", "~") + "!" * (
        LONGER_THAN_A_PAGE if n % 10 == 0 else n % 97
    )


async def live(store: Store, clock: Clock, n: int) -> str:
    """Play a request's history, with private text in every field that accepts it."""
    number, secret = f"+9198765{n:05}", canary(n)
    call = PlaceCall(to=number, agent="payments", batch=secret, metadata={"name": secret})
    await store.users.keep_draft(f"nonce{n}", person="U0AGENT", content={"to": number, "reason": secret})
    await store.users.keep_draft(f"unused{n}", person="U0AGENT", content={"to": number, "reason": secret})
    new = replace(
        placing(),
        actions=[NewAction(call, number)],
        reason=secret,
        purpose=secret,
        consent=secret,
        nonce=f"nonce{n}",
    )
    placed = (await store.requests.create(new)).request.id
    await store.requests.apply(claim(placed, until=clock.now + timedelta(seconds=30)))
    raw = replace(finish(placed).transitions[0], private={"raw": f"{number}: {secret}"})
    await store.requests.apply(ChangeSet(placed, "system", [raw]))
    cancel = (await store.requests.create(replace(cancelling(number), reason=secret))).request.id
    await store.requests.apply(approve(cancel))
    note = {"note": secret}
    move = Transition(cancel, "withdrawn", frozenset({State.APPROVED}), State.WITHDRAWN, private=note)
    await store.requests.apply(ChangeSet(cancel, "U0AGENT", [move]))
    fault = await store.audit.record_error(
        actor="U0AGENT", where="commands", private={"traceback": f"{number} {secret}"}
    )
    await store.users.keep_person(
        Person(
            f"U{n}",
            "T0",
            f"{secret[:30]}",
            "UTC",
            bot=False,
            deleted=False,
            guest=False,
            is_external=False,
            read_at=NOON,
        )
    )
    return f"{placed} {cancel} {fault}"


async def test_nothing_personal_is_left_in_the_files(tmp_path: Path) -> None:
    """After erasing, no number, name, reason, note, reply or draft is in any byte of the log's files."""
    clock = Clock()
    log = await Store.open(tmp_path / "log.db", key=KEY, clock=clock)
    lives = [await live(log, clock, n) for n in range(60)]

    def found() -> set[str]:
        content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        return {text for text in ("Canary", "+9198765") if text.encode() in content}

    assert found() == {"Canary", "+9198765"}
    assert not (await verified(log)).faults

    clock.move(days=2)
    await log.users.keep_draft("later", person="U0AGENT", content={})
    for n in range(60):
        person = await log.users.person(f"U{n}")
        assert person is not None
        await log.users.keep_person(replace(person, name=""))
    whole = [part for life in lives for part in life.split()]
    for part in whole[::2] + whole[1::2]:
        await erase(log, part, actor="U0DPO")
    assert found() == set()
    verdict = await verified(log)
    assert (verdict.actions, verdict.faults) == (120, ())
    await log.close()
    assert found() == set()


async def test_a_commitment_cannot_be_guessed_once_its_salt_is_gone(tmp_path: Path) -> None:
    """Erasing removes the salts, too, so trying all numbers does not help."""
    salts = list[bytes]()

    def random(amount: int) -> bytes:
        salts.append(bytes([len(salts)] * amount))
        return salts[-1]

    log = await Store.open(tmp_path / "log.db", key=KEY, clock=Clock(), random=random)
    made = (await log.requests.create(replace(placing(), reason="asked"))).request
    drawn = [salt for salt in salts if len(salt) == 16]
    assert len(set(drawn)) == 2
    await erase(log, made.id, actor="U0DPO")
    content = await asyncio.to_thread((tmp_path / "log.db").read_bytes)
    assert not [salt for salt in drawn if salt in content and any(salt)]
    await log.close()
