"""The modals to review, deny and settle requests: their ids, their blocks and their submitted values."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.parsing.tokens import at_least
from bot.services.models import Settlement
from bot.services.pending import ALONE, AROUND, MOST_COUNTED, PendingContext, called, name_key, number_of
from bot.slack.blocks import Block, View, actions, button, context, fields, paragraphs, section
from bot.text import interactions
from bot.text.markup import escape, when
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
from bot.ui.request_summary import in_short, is_named_whole, one_task
from providers.actions import Kind
from storage.database.folding import as_typed
from storage.models import ActionRecord, Request

NOTE_SHOWN = "The audit channel shows this below its message."
REASON_SHOWN = "The requester and the audit channel read this."
_APPROVE = {
    Kind.PLACE_CALL: "Approve call",
    Kind.CANCEL_CALL: "Approve cancel",
    Kind.DELETE_CAMPAIGN: "Approve delete",
    Kind.STOP_CAMPAIGN: "Approve stop",
    Kind.START_CAMPAIGN: "Approve start",
}
"""The label of the approve button, within `MAX_TITLE`."""

_DONE: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "placed",
    Kind.CANCEL_CALL: "cancelled",
    Kind.DELETE_CAMPAIGN: "deleted",
    Kind.STOP_CAMPAIGN: "stopped",
    Kind.START_CAMPAIGN: "started",
}
"""The past participle for each action. "It happened" alone could mean the call or its cancellation."""


def has_numbers(request: Request) -> bool:
    """Return whether the request has numbers to reveal."""
    return any(number_of(entry.action) for entry in request.entries)


def reveal_button(request: Request, action_id: str) -> Block:
    """Return the button that reveals full numbers."""
    several = sum(number_of(entry.action) is not None for entry in request.entries) > 1
    what = "Show full numbers" if several else "Show full number"
    return button(what, action_id, request.id, label=f"{what}: the log keeps that you did")


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
        decided: int = 0,
        may_reveal: bool = False,
        hidden: bool = False,
        revealed: bool = False,
        approved: bool = False,
    ) -> View:
        """Return the modal with the request's facts and the effect of either decision.

        ``beside`` describes the other pending requests. ``may_reveal`` means that the person may see full
        numbers, and ``revealed`` that they are shown. ``hidden`` means that some text was masked.
        ``approved`` means that the person has approved already and another approval is needed.
        """
        about = About(nonce=nonce, request=request.id, shown=shown, decided=decided)
        buttons = [button("Deny…", cls.deny, request.id, style="danger", label=f"Deny {request.id}")]
        if may_reveal and not revealed and (hidden or has_numbers(request)):
            buttons.append(reveal_button(request, cls.reveal))
        agents = sorted({escape(entry.agent) for entry in request.entries if entry.agent})
        blocks = [
            *map(section, trial(request)),
            section(request_status(request)),
            *_listed(request),
            *(paragraphs(full_numbers(request)) if revealed and has_numbers(request) else []),
            *paragraphs(not_found(request)),
            *map(section, unlike(request, beside.similar_numbers)),
            *fields([*facts_to_decide(request), *placed_with(request)]),
            *([] if approved else cls._confirmation(request, named=not beside.namesake)),
            section(consequence(request)),
            section(f"{cls._approving(request, approved=approved)} {cls._denying(request)}"),
            actions(*buttons),
            *([] if approved else [cls._note(request)]),
            context(
                f"`{request.id}`",
                f"through {request.connection}",
                *([f"agent {', '.join(agents)}"] if agents else []),
                *filter(None, [caution]),
                *([_more_wait(beside.others)] if beside.others else []),
            ),
        ]
        says = "Approve move" if request.reschedules else _APPROVE[request.kind]
        submit = None if approved else says
        return modal(cls.callback_id, f"Review {request.id}", blocks, about=about, submit=submit)

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
        follows = left_alone(request, request.entries[0])
        return f"*Deny* sends nothing. {follows}. You say why, and the requester reads it."

    @classmethod
    def _approving(cls, request: Request, *, approved: bool) -> str:
        if approved:
            return "*You approved this.* Somebody else has to approve it as well before it is sent."
        if len({*request.approved_by}) + 1 < request.approvals_needed:
            return f"*Approve* counts as one of {request.approvals_needed}: nothing is sent before the last."
        match request:
            case Request(mode="dry-run"):
                return "*Approve* sends nothing: this is a dry run."
            case Request(kind=Kind.START_CAMPAIGN):
                return "*Approve* starts it at once, and it calls people."
            case _:
                return "*Approve* sends the request to the provider at once."

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
        return ids == {cls._id(entry.target_id or "") for entry in request.entries} or (
            name is not None and name_key(said) == name
        )

    @classmethod
    def _id(cls, text: str) -> str:
        """Return an id as it was copied, without what phones changed in it or what stood around it."""
        return as_typed(text).strip(AROUND)

    @classmethod
    def _name(cls, request: Request) -> str | None:
        """Return the campaign's name for comparison, or None if there are several or it is cut when shown."""
        [entry, *others] = request.entries
        shown = is_named_whole(entry) and not others
        return (called(entry) or None) if shown else None


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
        options = [*((f"reason-{n}", text) for n, text in enumerate(reasons)), (cls.other, "Something else")]
        blocks = [
            *map(section, trial(request)),
            section(request_status(request)),
            section(f"If you deny it: {left_alone(request, request.entries[0])}."),
            choice(cls.reason, "Why not?", options, optional=True, placeholder="Choose a reason"),
            text_input(
                cls.words,
                "In your words",
                placeholder="The customer confirmed the call this morning",
                hint=REASON_SHOWN,
                optional=True,
                multiline=True,
                max_length=MAX_REASON,
            ),
        ]
        return modal(cls.callback_id, f"Deny {request.id}", blocks, about=about, submit="Deny request")

    @classmethod
    def read(cls, view: Mapping[str, Any], reasons: Sequence[str]) -> tuple[str, dict[str, str]]:
        """Return the reason and no errors, or an empty reason and the errors by field."""
        chosen, words = typed(view, cls.reason), typed(view, cls.words)
        known = {f"reason-{n}": text for n, text in enumerate(reasons)}
        if chosen == cls.other and not words:
            return "", {cls.words: "Write a word or two: the requester reads it."}
        reason = ": ".join(filter(None, [known.get(chosen), words]))
        if reason:
            return reason, {}
        return "", {cls.reason: "Choose a reason, or write a word or two: the requester reads it."}


class Settling:
    """The modal in which a person records an unknown outcome."""

    callback_id = "settling"
    what = "what"
    evidence = "evidence"
    reason = "reason"

    @classmethod
    def build(cls, request: Request, entry: ActionRecord, *, nonce: str) -> View:
        """Return the modal with the three outcomes, their evidence and an explanation.

        The outcome is that of the action. For a cancellation, "it happened" means that the call was
        cancelled.
        """
        what = one_task(request, entry)
        about = About(nonce=nonce, request=request.id, entry=entry.id)
        options = [
            (Settlement.HAPPENED, f"It happened: {_DONE[entry.kind]}"),
            (Settlement.DID_NOT_HAPPEN, f"It did not happen: not {_DONE[entry.kind]}"),
            (Settlement.RETRY_REQUESTED, "Nobody can tell: send it again"),
        ]
        blocks = [
            *map(section, trial(request)),
            section(f"❓ *We do not know whether it happened:* {what}. {entry.message or ''}".rstrip()),
            choice(cls.what, "What happened?", options, radio=True),
            choice(
                cls.evidence,
                "What shows it?",
                [*interactions.EVIDENCE.items()],
                placeholder="Choose what you looked at",
            ),
            text_input(
                cls.reason,
                "How do you know?",
                placeholder="The provider's dashboard shows the call as cancelled",
                hint="Stays in the log, with your name.",
                multiline=True,
                max_length=MAX_REASON,
            ),
            context("Sending it again may do it twice if the first request had worked."),
        ]
        return modal(cls.callback_id, f"What happened? {entry.id}", blocks, about=about, submit="Record")


def done(decided: int) -> View:
    """Return the notice that no more requests wait for a person who decided several in a row."""
    return notice("Done", f"*Done: {decided} decided.* Nothing else waits for you.")


def _more_wait(others: int) -> str:
    return f"{at_least(others, MOST_COUNTED)} more {'waits' if others == 1 else 'wait'} for you"


def _listed(request: Request) -> list[Block]:
    """Return all targets of several, because nobody should approve a target that is not shown."""
    if len(request.entries) == 1:
        return []
    return paragraphs(
        [
            f"• {in_short(entry)}"
            + (f", call time {when(entry.scheduled_for)}" if entry.scheduled_for else "")
            for entry in request.entries
        ]
    )
