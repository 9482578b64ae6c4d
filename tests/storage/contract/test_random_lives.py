"""Random histories of requests over a real file, opened several times, with a clock that goes both ways."""

import asyncio
import shutil
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from providers.actions import Code, Ending
from storage.changes import Annotation, ChangeSet, Notification, Transition
from storage.errors import ConflictError
from storage.states import TRANSITIONS, InvalidTransitionError, State, onward, request_state
from storage.store import Store
from tests.storage.contract.changes import assert_replayable
from tests.storage.samples import (
    KEY,
    NUMBER,
    OTHER_NUMBER,
    Clock,
    approve,
    cancelling,
    claim,
    deny,
    doubt,
    ended,
    erase,
    finish,
    noted,
    placing,
    verified,
    withdraw,
)

Result = TypeVar("Result")


class Lives(RuleBasedStateMachine):
    """Any events in any order: the log stays whole, and its rows are those of its events."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(mkdtemp())
        self.clock = Clock()
        self.states: dict[str, State] = {}
        self.maybe_executed: set[str] = set()
        self.attempts: dict[str, int] = {}
        self.keys: dict[str, str] = {}
        self.opened: list[Store] = []
        self.open()

    def run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        """Await something in this history's own event loop."""
        return self.runner.run(doing)

    @rule()
    def open(self) -> None:
        """Open the log again and continue there. The earlier one stays idle, as another process."""
        self.store = self.run(Store.open(self.folder / "log.db", key=KEY, clock=self.clock))
        self.opened.append(self.store)

    @rule(target=requests, several=st.booleans(), pending=st.booleans(), key=st.sampled_from("abcdef"))
    def record(self, *, several: bool, pending: bool, key: str) -> str:
        """Record a request. The same key is the same request."""
        numbers = (NUMBER, OTHER_NUMBER)[: 1 + several]
        new = cancelling(*numbers) if pending else placing(*numbers)
        made = self.run(
            self.store.requests.create(
                replace(new, nonce=key, notifications=[Notification("asked", "audit")])
            )
        )
        assert made.created == (key not in self.keys)
        assert self.keys.setdefault(key, made.request.id) == made.request.id
        if made.created:
            self.states |= {record.id: record.state for record in made.request.actions}
        return made.request.id

    def actions(self, request: str) -> list[str]:
        """Return the ids of a request's actions."""
        return [action for action in self.states if action.partition(".")[0] == request]

    def attempt(self, change: ChangeSet) -> bool:
        """Apply a change, which must succeed exactly if every action is in its transition's first state."""
        possible = all(
            self.states[move.action] in move.from_states
            and move.to_state
            in onward(self.states[move.action], maybe_executed=move.action in self.maybe_executed)
            for move in change.transitions
        )
        if not possible:
            with pytest.raises(ConflictError) as conflict:
                self.run(self.store.requests.apply(change))
            states = [self.states[action] for action in self.actions(change.request)]
            assert conflict.value.current.state is request_state(states)
            return False
        after = self.run(self.store.requests.apply(change))
        self.states |= {move.action: move.to_state for move in change.transitions}
        assert [record.state for record in after.actions] == [
            self.states[record.id] for record in after.actions
        ]
        return True

    @rule(request=requests, decide=st.sampled_from([approve, deny, withdraw]))
    def decide(self, request: str, decide: Any) -> None:
        """Decide about a whole request as a person."""
        self.attempt(decide(*self.actions(request)))

    @rule(request=requests, after=st.sampled_from(sorted(TRANSITIONS[State.SENDING])))
    def send(self, request: str, after: State) -> None:
        """Claim an action, renew its lease, and record its end. Another owner must come too late."""
        action = self.actions(request)[0]
        until, attempt = self.clock.now + timedelta(seconds=30), self.attempts.get(action, 0) + 1
        if self.attempt(claim(action, until=until, attempt=attempt)):
            self.attempts[action] = attempt
            assert self.run(
                self.store.requests.renew_lease(action, owner="one", attempt=attempt, until=until)
            )
            with pytest.raises(ConflictError):
                self.run(self.store.requests.apply(finish(action, owner="two", attempt=attempt)))
            if after is State.UNKNOWN:
                self.attempt(doubt(action, attempt=attempt))
                self.maybe_executed.add(action)
            else:
                self.attempt(finish(action, after, code=Code.QUEUED, attempt=attempt))

    @rule(request=requests)
    def give_up(self, request: str) -> None:
        """Drop an ordered attempt: an unknown outcome stays one, and nothing else becomes one."""
        action = self.actions(request)[0]
        move = Transition(action, "not_sent_again", frozenset({State.APPROVED}), State.UNKNOWN)
        change = ChangeSet(request, "system", [move])
        if self.states[action] is State.APPROVED and action not in self.maybe_executed:
            with pytest.raises(InvalidTransitionError):
                self.run(self.store.requests.apply(change))
        else:
            self.attempt(change)

    @rule(request=requests, found=st.sampled_from([True, False, None]))
    def note(self, request: str, *, found: bool | None) -> None:
        """Record a lookup, in any state of the action."""
        action = self.actions(request)[0]
        before = self.run(self.store.requests.request(request)).actions[0]
        after = self.run(
            self.store.requests.apply(noted(Annotation(action, "looked_up", {"found": found})))
        ).actions[0]
        assert after == replace(before, looked_up=True, lookup_found=found, known_as=None)

    @rule(request=requests, ending=st.sampled_from(Ending), number=st.sampled_from([None, 0, 1, 2]))
    def end(self, request: str, ending: Ending, number: int | None) -> None:
        """Record the end of a try, in any state and any order, but for an erased request."""
        change = ended(self.actions(request)[0], ending, number)
        if self.run(self.store.requests.request(request)).actions[0].action is None:
            with pytest.raises(ConflictError):
                self.run(self.store.requests.apply(change))
        else:
            self.run(self.store.requests.apply(change))

    @rule(request=requests, after=st.sampled_from(sorted(TRANSITIONS[State.UNKNOWN])))
    def settle(self, request: str, after: State) -> None:
        """Settle an unknown outcome as a person."""
        move = Transition(
            self.actions(request)[0], "settled", frozenset({State.UNKNOWN}), after, private={"note": "called"}
        )
        self.attempt(ChangeSet(request, "U0MANAGER", [move]))

    @rule(request=requests)
    def erase(self, request: str) -> None:
        """Erase the personal values."""
        self.run(erase(self.store, request, actor="U0DPO"))
        assert not self.run(self.store.requests.personal_values(request))

    @rule(hours=st.integers(-48, 48))
    def move_clock(self, hours: int) -> None:
        """Move the clock forward or back."""
        self.clock.move(hours=hours)

    @rule()
    def deliver(self) -> None:
        """Deliver the due outbox items, never two of one request."""
        until = self.clock.now + timedelta(seconds=30)
        due = self.run(self.store.outbox.outgoing(self.clock.now, owner="one", until=until, limit=50))
        assert len({post.request for post in due}) == len(due)
        for post in due:
            self.run(self.store.outbox.delivered(post, None, seen=post.event))

    @invariant()
    def rows_are_what_events_say(self) -> None:
        """Check that every action is in its last state, and that replaying its events gives its row."""
        for request in self.keys.values():
            read = self.run(self.store.requests.request(request))
            assert {record.id: record.state for record in read.actions} == {
                action: self.states[action] for action in self.actions(request)
            }
            self.run(assert_replayable(self.store, request))

    def teardown(self) -> None:
        """Verify the log, and close everything."""
        assert not self.run(verified(self.store)).faults
        for log in self.opened:
            self.run(log.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
