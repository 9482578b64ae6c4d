"""The modals to review and deny requests: their ids, their blocks and their submitted values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bot.parsing.tokens import at_least
from bot.services.pending import ALONE, AROUND, MOST_COUNTED, PendingContext, called, name_key, number_of
from bot.slack.blocks import MAX_TITLE, Block, View, actions, button, context, fields, paragraphs, section
from bot.text import interactions, vocabulary
from bot.text.markup import person, when
from bot.ui.decision_facts import (
    CANNOT_BE_UNDONE,
    IRREVERSIBLE,
    consequence,
    facts_to_decide,
    full_numbers,
    left_alone,
    not_found,
    placed_with,
    unlike,
)
from bot.ui.modal import MAX_REASON, About, choice, modal, notice, text_input, typed
from bot.ui.request_status import request_status, trial
from bot.ui.request_summary import WARNING, decided, in_short, is_named_whole, task, voice_agents
from bot.ui.waiting import paused_line
from providers.actions import Kind
from storage.database.folding import as_typed
from storage.models import Event, Request

OTHER_REASON = "Something else"
NOTE_SHOWN = "Shown in the audit channel."
REASON_SHOWN = "The requester will see it."
_TITLES: Final[Mapping[str, str]] = {
    Kind.PLACE_CALL: "Place call",
    Kind.CANCEL_CALL: "Cancel call",
    Kind.DELETE_CAMPAIGN: "Delete campaign",
    Kind.STOP_CAMPAIGN: "Stop campaign",
    Kind.START_CAMPAIGN: "Start campaign",
    Kind.PLACE_LIST: "Place call list",
    Kind.CANCEL_LIST: "Cancel call list",
    "move": "Move call",
}
"""The titles of a review, within `MAX_TITLE`."""
_APPROVE: Final[Mapping[str, str]] = {
    Kind.PLACE_CALL: "Approve call",
    Kind.CANCEL_CALL: "Approve cancellation",
    Kind.DELETE_CAMPAIGN: "Approve deletion",
    Kind.STOP_CAMPAIGN: "Approve stop",
    Kind.START_CAMPAIGN: "Approve start",
    Kind.PLACE_LIST: "Approve call list",
    Kind.CANCEL_LIST: "Approve call list",
    "move": "Approve move",
}
"""The labels of the approve button, within `MAX_TITLE`."""

_EFFECT: Final[Mapping[str, str]] = {
    Kind.PLACE_CALL: "Approving places the call right away.",
    Kind.CANCEL_CALL: "Approving cancels right away.",
    Kind.DELETE_CAMPAIGN: "Approving deletes right away.",
    Kind.STOP_CAMPAIGN: "Approving stops it right away.",
    Kind.START_CAMPAIGN: "Approving starts it right away, and it calls people.",
    Kind.PLACE_LIST: "Approving lets the list begin right away.",
    Kind.CANCEL_LIST: "Approving lets the list begin right away.",
    "move": "Approving cancels the old call, then schedules the new one.",
}
"""The effect of an approval."""


def has_numbers(request: Request) -> bool:
    """Return whether the request has numbers to reveal."""
    return any(number_of(record.action) for record in request.actions)


def reveal_button(request: Request, action_id: str) -> Block:
    """Return the button that reveals full numbers."""
    several = sum(number_of(record.action) is not None for record in request.actions) > 1
    what = f"{vocabulary.SHOW_FULL_NUMBER}s" if several else vocabulary.SHOW_FULL_NUMBER
    return button(what, action_id, request.id, label=f"{what}: the log keeps that you did")


@dataclass(frozen=True, slots=True)
class Row:
    """A request's place in a row of decisions in the same modal.

    ``last`` is the request decided just before, and ``approved`` whether that was an approval. ``shown_at``
    is when the modal of this request replaced that of another one.
    """

    decided: int = 0
    shown_at: str = ""
    last: str = ""
    approved: bool = True

    @property
    def at(self) -> datetime | None:
        """The time at which the modal replaced another one, None if it did not."""
        return datetime.fromisoformat(self.shown_at) if self.shown_at else None

    def banner(self, others: int) -> list[str]:
        """Return the decision made just before, and how many requests are left with this one."""
        mark, word = ("✅", "approved") if self.approved else ("✋", "denied")
        left = at_least(others + 1, MOST_COUNTED)
        return [f"{mark} {self.last} {word} · {left} left"] if self.last else []

    def title(self, what: str, others: int) -> str:
        """Return the title of the modal, with the place in the row unless it is the first."""
        if not self.decided:
            return what
        place = f"{self.decided + 1} of {at_least(self.decided + 1 + others, self.decided + MOST_COUNTED)}"
        whole = f"{place} · {what}"
        return whole if len(whole) <= MAX_TITLE else f"{place} · {what.partition(' ')[0]}"


FIRST = Row()
"""The place of a request whose review a person opened."""


class Review:
    """The modal for a decision. Its submit button approves, and another turns it into `Denial`."""

    callback_id = "review"
    deny = "deny"
    reveal = "reveal"

    @classmethod
    def build(  # noqa: PLR0913 - everything that a reviewer sees
        cls,
        request: Request,
        *,
        nonce: str,
        shown: str,
        caution: str | None = None,
        beside: PendingContext = ALONE,
        row: Row = FIRST,
        may_reveal: bool = False,
        hidden: bool = False,
        revealed: bool = False,
        approved: bool = False,
    ) -> View:
        """Return the modal with the request's facts and the effect of either decision.

        ``beside`` describes the other pending requests. ``row`` is the request's place among those decided in
        this modal. ``may_reveal`` means that the person may see full numbers, and ``revealed`` that they are
        shown. ``hidden`` means that some text was masked. ``approved`` means that the person has approved
        already and another approval is needed.
        """
        about = About(
            nonce=nonce, request=request.id, shown=shown, decided=row.decided, shown_at=row.shown_at
        )
        buttons = [button("Deny…", cls.deny, request.id, label=f"Deny {request.id}")]
        if may_reveal and not revealed and (hidden or has_numbers(request)):
            buttons.insert(0, reveal_button(request, cls.reveal))
        blocks = [
            *map(section, row.banner(beside.others)),
            *map(section, trial(request)),
            section(_headline(request)),
            *_listed(request),
            *(paragraphs(full_numbers(request)) if revealed and has_numbers(request) else []),
            *paragraphs(not_found(request)),
            *map(section, unlike(request, beside.similar_numbers)),
            *fields([*facts_to_decide(request), *placed_with(request)]),
            *([context(paused_line(request.paused_by))] if request.paused_by else []),
            section(f"{cls._approving(request, approved=approved)} {consequence(request)}"),
            section(cls._denying(request)),
            *([] if approved else cls._confirmation(request, named=not beside.namesake)),
            *([] if approved else [cls._note(request)]),
            actions(*buttons),
            context(
                request.id,
                request.connection,
                *([f"voice agent {names}"] if (names := voice_agents(request)) else []),
                *filter(None, [caution]),
                *([_more_wait(beside.others)] if beside.others and not row.decided else []),
            ),
        ]
        title = row.title(_TITLES["move" if request.reschedules else request.kind], beside.others)
        submit = _APPROVE["move" if request.reschedules else request.kind]
        return modal(cls.callback_id, title, blocks, about=about, submit=None if approved else submit)

    @classmethod
    def _note(cls, request: Request) -> Block:
        block = cls.note_id(request.id)
        return text_input(block, "Note", hint=NOTE_SHOWN, optional=True, max_length=MAX_REASON)

    @classmethod
    def note_id(cls, request: str) -> str:
        """Return the note's block id. It differs by request, since Slack keeps text under the same id."""
        return f"note-{request}"

    @classmethod
    def confirmation_id(cls, request: str) -> str:
        """Return the block id of the field in which the campaign must be named."""
        return f"confirmation-{request}"

    @classmethod
    def _denying(cls, request: Request) -> str:
        follows = left_alone(request, request.actions[0])
        return (
            f"If you deny: {follows[0].lower()}{follows[1:]}. {person(request.requester)} sees your reason."
        )

    @classmethod
    def _approving(cls, request: Request, *, approved: bool) -> str:
        if approved:
            return "*You approved this.* Someone else has to approve it too before it's sent."
        if len({*request.approved_by}) + 1 < request.approvals_needed:
            return f"Yours is one of {request.approvals_needed} approvals. Nothing is sent before the last."
        if request.mode == "dry-run":
            return "Approving sends nothing: this is a dry run."
        if request.paused_by:
            return "If you approve, it waits until calls are resumed."
        return _EFFECT["move" if request.reschedules else request.kind]

    @classmethod
    def _confirmation(cls, request: Request, *, named: bool) -> list[Block]:
        if request.kind not in IRREVERSIBLE:
            return []
        what = "id or name" if named and cls._name(request) else "id"
        block = cls.confirmation_id(request.id)
        return [text_input(block, f"Type the campaign's {what} to approve", hint=CANNOT_BE_UNDONE)]

    @classmethod
    def is_confirmed(cls, request: Request, view: Mapping[str, Any], *, namesake: bool = False) -> bool:
        """Return whether the approver named the campaign, or True for actions that can be undone.

        The provider's name for the campaign suffices, because the person who typed it has read which one is
        meant. It does not suffice if there is a ``namesake``, another campaign with that name.
        """
        if request.kind not in IRREVERSIBLE:
            return True
        said = typed(view, cls.confirmation_id(request.id))
        ids = {cls._id(one) for one in re.split(r"[\s,;]+", said)} - {""}
        name = None if namesake else cls._name(request)
        return ids == {cls._id(record.target_id or "") for record in request.actions} or (
            name is not None and name_key(said) == name
        )

    @classmethod
    def _id(cls, text: str) -> str:
        """Return an id as it was copied, without what phones changed in it or what stood around it."""
        return as_typed(text).strip(AROUND)

    @classmethod
    def _name(cls, request: Request) -> str | None:
        """Return the campaign's name for comparison, or None if there are several or it is cut when shown."""
        [record, *others] = request.actions
        shown = is_named_whole(record) and not others
        return (called(record) or None) if shown else None


class Denial:
    """The modal for the reason of a denial."""

    callback_id = "denial"
    reason = "reason"
    words = "words"
    other = "other"

    @classmethod
    def build(
        cls, request: Request, *, nonce: str, shown: str, reasons: Sequence[str] = (), decided: int = 0
    ) -> View:
        """Return the modal with the configured reasons, and a field for another one."""
        about = About(nonce=nonce, request=request.id, shown=shown, decided=decided)
        options = [*((f"reason-{n}", text) for n, text in enumerate(reasons)), (cls.other, OTHER_REASON)]
        follows = left_alone(request, request.actions[0])
        own = text_input(
            cls.words,
            "In your words" if reasons else "Reason (required)",
            placeholder="The customer confirmed the call this morning",
            hint=f"Required if you choose “{OTHER_REASON}”. {REASON_SHOWN}" if reasons else REASON_SHOWN,
            optional=bool(reasons),
            multiline=True,
            max_length=MAX_REASON,
        )
        # Chosen at first, so that typed words alone suffice, and so does a reason alone.
        choices = choice(cls.reason, "Reason (required)", options, initial=cls.other)
        blocks = [
            *map(section, trial(request)),
            section(_headline(request)),
            section(f"{follows}. {person(request.requester)} sees your reason."),
            *([choices] if reasons else []),
            own,
            context(request.id, request.connection),
        ]
        return modal(cls.callback_id, "Deny request", blocks, about=about, submit="Deny request")

    @classmethod
    def read(cls, view: Mapping[str, Any], reasons: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the reason and no errors, or an empty reason and the errors by field."""
        chosen, words = typed(view, cls.reason), typed(view, cls.words)
        known = {f"reason-{n}": text for n, text in enumerate(reasons)}
        if reason := ": ".join(filter(None, [known.get(chosen), words])):
            return reason, {}
        return "", {cls.words: interactions.DENIAL_UNEXPLAINED}


def done(decided: int) -> View:
    """Return the notice that no more requests wait for a person who decided several in a row."""
    return notice("All caught up", f"All caught up. You decided {decided} requests.")


def too_late(request: Request, events: Sequence[Event], titles: Mapping[str, str]) -> View:
    """Return the notice for a person who came too late. It begins with who was first, if anyone was.

    ``titles`` has the notice's title by the event that it tells.
    """
    first = next((event for event in reversed(events) if event.name in titles), None)
    if first is None:
        return notice(interactions.NOTHING_LEFT, *trial(request), request_status(request), *decided(events))
    by = f"*{titles[first.name]} by {person(first.actor)}*, {when(first.at)}."
    return notice(titles[first.name], *trial(request), by, request_status(request))


def _headline(request: Request) -> str:
    asked = task(request)
    return f"*{asked[0].upper()}{asked[1:]}{WARNING.get(request.kind, '')}*"


def _more_wait(others: int) -> str:
    return f"{at_least(others, MOST_COUNTED)} more waiting"


def _listed(request: Request) -> list[Block]:
    """Return all targets of several, because nobody should approve a target that is not shown."""
    if len(request.actions) == 1:
        return []
    return paragraphs(
        [
            f"• {in_short(record)}"
            + (f", call time {when(record.scheduled_for)}" if record.scheduled_for else "")
            for record in request.actions
        ]
    )
