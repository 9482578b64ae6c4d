"""The modals: for each one its ids, how it is built, and how what comes back is read.

``private_metadata`` carries what the modal is about and a nonce, new at every open, push or update, that only
an accepted submit uses up.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.blocks import (
    MAX_OPTION,
    MAX_TITLE,
    Block,
    actions,
    button,
    context,
    fields,
    plain,
    plain_text,
    section,
)
from bot.messages import CANNOT_BE_UNDONE, IRREVERSIBLE, facts_to_decide, standing, target, trial, unsighted
from bot.operations import Settlement
from providers.actions import Kind
from storage.log import LogEntry, Request

View = dict[str, Any]
MAX_LABEL = 2000
MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class About:
    """What a modal is about: kept in its ``private_metadata``."""

    nonce: str = ""
    request: str = ""
    entry: str = ""
    shown: str = ""
    """A hash of what was shown, for a decision to be bound to."""
    channel: str = ""

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "About":
        """Read it back from a view that Slack sent."""
        return cls(**json.loads(view["private_metadata"]))

    def text(self) -> str:
        """As ``private_metadata``."""
        return json.dumps({key: value for key, value in asdict(self).items() if value})


def typed(view: Mapping[str, Any], block_id: str) -> str:
    """What stands in an input: text, a chosen option's value, or nothing."""
    for element in (view.get("state", {}).get("values", {}).get(block_id) or {}).values():
        chosen = element.get("selected_option")
        return str((chosen or {}).get("value") or element.get("value") or "").strip()
    return ""


def modal(
    callback_id: str, title: str, blocks: Sequence[Block], *, about: About, submit: str | None = None
) -> View:
    """A modal. Closing one says "Close": no button reads just "Cancel"."""
    view: View = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, MAX_TITLE),
        "close": plain_text("Close", MAX_TITLE),
        "blocks": list(blocks),
        "private_metadata": about.text(),
    }
    if submit:
        view["submit"] = plain_text(submit, MAX_TITLE)
    return view


def notice(title: str, *sentences: str) -> View:
    """A modal that only says something."""
    return modal("notice", title, [section(sentence) for sentence in sentences], about=About())


def text_input(
    block_id: str,
    label: str,
    *,
    initial: str = "",
    placeholder: str = "",
    hint: str = "",
    optional: bool = False,
    multiline: bool = False,
    max_length: int = 3000,
) -> Block:
    """A labelled text field."""
    element: Block = {"type": "plain_text_input", "action_id": block_id, "max_length": max_length}
    if multiline:
        element["multiline"] = True
    if shown := plain(initial)[:max_length]:
        element["initial_value"] = shown
    if placeholder:
        element["placeholder"] = plain_text(placeholder, 150)
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, MAX_LABEL),
        "element": element,
        "optional": optional,
    }
    return block | ({"hint": plain_text(hint, MAX_LABEL)} if hint else {})


def choice(
    block_id: str,
    label: str,
    options: Sequence[tuple[str, str]],
    *,
    initial: str | None = None,
    optional: bool = False,
    radio: bool = False,
    placeholder: str = "",
) -> Block:
    """A labelled choice among (value, text)."""
    shown = [{"value": value[:MAX_OPTION], "text": plain_text(text, MAX_OPTION)} for value, text in options]
    element: Block = {
        "type": "radio_buttons" if radio else "static_select",
        "action_id": block_id,
        "options": shown,
    }
    if chosen := next((option for option in shown if option["value"] == initial), None):
        element["initial_option"] = chosen
    if placeholder and not radio:
        element["placeholder"] = plain_text(placeholder, 150)
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain_text(label, MAX_LABEL),
        "element": element,
        "optional": optional,
    }


class Review:
    """What a manager decides on: its submit approves, a button turns it into `Denial`."""

    callback_id = "review"
    deny = "deny"
    confirmation = "confirmation"

    @classmethod
    def build(cls, request: Request, *, nonce: str, shown: str, caution: str | None = None) -> View:
        """What goes away and when, who asks and why, and what happens either way."""
        about = About(nonce=nonce, request=request.id, shown=shown)
        blocks = [
            *map(section, trial(request)),
            section(standing(request)),
            *_listed(request),
            *map(section, unsighted(request)),
            fields(facts_to_decide(request)),
            *cls._confirmation(request),
            section(f"{cls._approving(request)} *Deny* asks you why, and the requester reads it."),
            actions(button("Deny…", cls.deny, request.id, style="danger", label=f"Deny {request.id}")),
            context(f"`{request.id}`", f"through {request.connection}", *filter(None, [caution])),
        ]
        return modal(cls.callback_id, f"Review {request.id}", blocks, about=about, submit="Approve")

    @classmethod
    def _approving(cls, request: Request) -> str:
        match request:
            case Request(mode="dry-run"):
                return "*Approve* tries it out."
            case Request(kind=Kind.START_CAMPAIGN):
                return "*Approve* starts it at once, and it calls people."
            case _:
                return "*Approve* sends it at once."

    @classmethod
    def _confirmation(cls, request: Request) -> list[Block]:
        if request.kind not in IRREVERSIBLE:
            return []
        what = "id or name" if cls._name(request) else "id"
        return [text_input(cls.confirmation, f"Type the campaign's {what} to approve", hint=CANNOT_BE_UNDONE)]

    @classmethod
    def is_confirmed(cls, request: Request, view: Mapping[str, Any]) -> bool:
        """Whether what cannot be undone was named by whoever approves it; all else needs no such thing.

        A name that the provider told for the id will do: what is deleted is the id, and whoever typed the
        name has read which campaign that is.
        """
        if request.kind not in IRREVERSIBLE:
            return True
        said = typed(view, cls.confirmation)
        named = set(re.split(r"[\s,;]+", said))
        name = cls._name(request)
        return named == {entry.target_id for entry in request.entries} or (
            name is not None and " ".join(said.split()) == name
        )

    @classmethod
    def _name(cls, request: Request) -> str | None:
        """What people call the one campaign, where that is known, on one line."""
        names = [" ".join(plain(entry.known_as or "").split()) for entry in request.entries]
        return names[0] if len(names) == 1 and names[0] else None


class Denial:
    """Why a request is denied."""

    callback_id = "denial"
    reason = "reason"

    @classmethod
    def build(cls, request: Request, *, nonce: str, shown: str) -> View:
        """The same request, with a field for the reason."""
        about = About(nonce=nonce, request=request.id, shown=shown)
        blocks = [
            *map(section, trial(request)),
            section(standing(request)),
            text_input(
                cls.reason,
                "Why not?",
                placeholder="The customer confirmed the call this morning",
                hint="The requester and the audit channel read this.",
                multiline=True,
                max_length=MAX_REASON,
            ),
        ]
        return modal(cls.callback_id, f"Deny {request.id}", blocks, about=about, submit="Deny request")


class Settling:
    """What became of an unknown, as somebody who looked says."""

    callback_id = "settling"
    what = "what"
    reason = "reason"

    @classmethod
    def build(cls, request: Request, entry: LogEntry, *, nonce: str) -> View:
        """Three answers and a field for how one knows."""
        about = About(nonce=nonce, request=request.id, entry=entry.id)
        options = [
            (Settlement.HAPPENED, "It happened"),
            (Settlement.DID_NOT_HAPPEN, "It did not happen"),
            (Settlement.ORDERED, "Nobody can tell: send it again"),
        ]
        blocks = [
            *map(section, trial(request)),
            section(f"We do not know what became of {target(entry)}. {entry.message or ''}".rstrip()),
            choice(cls.what, "What happened?", options, radio=True),
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
        return modal(cls.callback_id, f"Settle {entry.id}", blocks, about=about, submit="Record")


def _listed(request: Request) -> list[Block]:
    if len(request.entries) == 1:
        return []
    return [section("\n".join(f"• {target(entry)}" for entry in request.entries))]
