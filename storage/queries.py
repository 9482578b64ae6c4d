"""The conditions of a search for actions, and what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from providers.actions import Code, Ending, Kind
from storage.models import ActionRecord
from storage.states import State


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions of a search for actions. None leaves a condition out. ``number`` is E.164.

    ``states`` are several states, in place of one. ``id`` is that of a request or of one of its actions.
    Actions with ``code_excluded`` are left out.

    The actions were requested at ``since`` or later, and before ``until``. ``text`` occurs in the request's
    reason, note, purpose or consent. Case and similar characters are ignored. ``ended`` is the ending of a
    call's last try, or "none" for placed calls of which no end was reported. ``no_rows`` leaves out the
    requests that the rows of call lists became.
    """

    state: State | None = None
    kind: Kind | None = None
    connection: str | None = None
    requester: str | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    team: str | None = None
    states: frozenset[State] = frozenset()
    code: Code | None = None
    code_excluded: Code | None = None
    id: str | None = None
    ended: Ending | Literal["none"] | None = None
    no_rows: bool = False


@dataclass(frozen=True, slots=True)
class SearchHit:
    """An action with facts of its request: requester, channel, reason, rule and last decision."""

    record: ActionRecord
    requester: str
    channel: str | None
    rule: str | None
    mode: str | None
    stop: str | None
    """The `DoNotCallEntry` that it carries out."""
    new_time: datetime | None
    """The new time of a call that is rescheduled."""
    reason: str | None
    purpose: str | None
    consent: str | None
    decided_by: str | None
    decision: str | None
    """The last decision: ``approve`` or ``deny``."""
    decided_at: datetime | None
    decision_note: str | None
    """The words of the person who decided, such as the reason of a denial."""
    cancelled_by: str | None
    """For a placed call: the request that cancelled it."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Matching actions, newest first, and the keys of the pages of older and newer ones.

    ``partial`` means that the search stopped after a number of actions. Older ones may match.
    """

    hits: Sequence[SearchHit]
    after: int | None
    before: int | None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class AskedToStop:
    """The first time when someone said that a number wants no more calls, and the request that says so."""

    request: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Actions, newest first, and the key of the next page, None if there is none."""

    actions: Sequence[ActionRecord]
    after: int | None
