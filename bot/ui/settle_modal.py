"""The modal in which a person records an unknown outcome."""

from collections.abc import Mapping
from typing import Any, Final

from bot.config.settings import Connection
from bot.services.models import Settlement
from bot.slack.blocks import Block, View, actions, button, confirm, context, fields, paragraphs, section
from bot.text import interactions, vocabulary
from bot.text.interactions import Evidence
from bot.text.markup import code, person, quote, when
from bot.ui.decision_facts import full_numbers
from bot.ui.modal import MAX_REASON, About, choice, modal, text_input, typed
from bot.ui.request_status import trial
from bot.ui.request_summary import one_task, voice_agents
from bot.ui.review_modal import has_numbers, reveal_button
from providers.actions import Kind
from storage.models import ActionRecord, Request, call_time

OPEN_SCREEN: Final = "open_screen"
"""The link to the provider's own screen."""
_PROVIDER: Final = "the provider"
_OUTCOMES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.PLACE_CALL: ("The call was placed", "The call was not placed"),
    Kind.CANCEL_CALL: ("The call was cancelled", "The call is still scheduled"),
    Kind.DELETE_CAMPAIGN: ("The campaign was deleted", "The campaign still exists"),
    Kind.STOP_CAMPAIGN: ("The campaign was stopped", "The campaign is still running"),
    Kind.START_CAMPAIGN: ("The campaign was started", "The campaign was not started"),
}
"""Both answers for each kind of action: done, and not done."""
_SEEN: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "The call is in {}'s call list",
    Kind.CANCEL_CALL: "{} lists no call to this number",
    Kind.DELETE_CAMPAIGN: "{} lists no such campaign",
    Kind.STOP_CAMPAIGN: "{} shows the campaign as stopped",
    Kind.START_CAMPAIGN: "{} shows the campaign as running",
}
"""An example of what a person saw."""
_AGAIN: Final[Mapping[Kind, str]] = {
    Kind.CANCEL_CALL: "If the first request worked, this may cancel a newer call.",
    Kind.DELETE_CAMPAIGN: "If the first request worked, this finds no campaign to delete.",
    Kind.STOP_CAMPAIGN: "If the first request worked, this may stop a campaign that was started since.",
    Kind.START_CAMPAIGN: "If the first request worked, people may be called twice.",
}
"""The risk of a second request. A call is never placed a second time: it is requested anew."""


def title_of(connection: Connection | None) -> str:
    """Return the name of a connection's provider. None is a connection that is no longer configured."""
    return connection.title if connection else _PROVIDER


def screen_button(connection: Connection | None) -> list[Block]:
    """Return the link to the provider's own screen, if its address is configured."""
    if connection is None or connection.dashboard_url is None:
        return []
    label = f"Open {connection.title}"
    return [button(label, OPEN_SCREEN, connection.name) | {"url": connection.dashboard_url}]


class Settling:
    """The modal in which a person records an unknown outcome."""

    callback_id = "settling"
    what = "what"
    evidence = "evidence"
    reason = "reason"
    again = "send_again"
    reveal = "reveal_unknown"

    @classmethod
    def build(
        cls,
        request: Request,
        record: ActionRecord,
        *,
        nonce: str,
        connection: Connection | None = None,
        fault: str = "",
        may_reveal: bool = False,
        hidden: bool = False,
        revealed: bool = False,
    ) -> View:
        """Return the modal with the two outcomes, the evidence and what was seen.

        ``fault`` says why the request was not sent again. ``may_reveal`` means that the person may see full
        numbers, and ``revealed`` that they are shown. ``hidden`` means that some text was masked.
        """
        title, kind = title_of(connection), record.kind
        about = About(nonce=nonce, request=request.id, action=record.id)
        happened, did_not = _OUTCOMES[kind]
        outcomes = [(Settlement.HAPPENED, happened), (Settlement.DID_NOT_HAPPEN, did_not)]
        sources = [(one, text.format(title)) for one, text in interactions.EVIDENCE.items()]
        steps = screen_button(connection)
        if may_reveal and not revealed and (hidden or has_numbers(request)):
            steps.insert(0, reveal_button(request, cls.reveal))
        blocks = [
            *map(section, [fault] if fault else []),
            *map(section, trial(request)),
            section(f"{_headline(request, record)}\n{record.message or ''}".rstrip()),
            *(paragraphs(full_numbers(request)) if revealed and has_numbers(request) else []),
            *fields(_facts(request, record, title)),
            *([actions(*steps)] if steps else []),
            choice(cls.what, "Outcome", outcomes, radio=True),
            choice(cls.evidence, "Where did you check?", sources, placeholder="Choose one"),
            text_input(
                cls.reason,
                "What did you see?",
                placeholder=_SEEN[kind].format(title),
                hint="Saved in the log with your name.",
                multiline=True,
                max_length=MAX_REASON,
            ),
            *([actions(_send_again(kind, record))] if kind in _AGAIN else []),
            context(request.id, request.connection),
        ]
        return modal(cls.callback_id, "Record the outcome", blocks, about=about, submit="Record outcome")

    @classmethod
    def read(cls, view: Mapping[str, Any]) -> tuple[Settlement | None, Evidence, str]:
        """Return the chosen outcome, its evidence and the note. Anything may be missing."""
        what, evidence = typed(view, cls.what), typed(view, cls.evidence) or Evidence.NONE
        return Settlement(what) if what else None, Evidence(evidence), typed(view, cls.reason)


def _headline(request: Request, record: ActionRecord) -> str:
    return f"{vocabulary.UNKNOWN} *Outcome unknown* · {one_task(request, record)}"


def _facts(request: Request, record: ActionRecord, title: str) -> list[tuple[str, str]]:
    """Return what a person needs to find the call or the campaign at the provider."""
    by = f"{person(request.requester)}, {when(request.asked_at)}"
    facts = [(vocabulary.REQUESTED_BY, by)]
    if at := call_time(request, record):
        facts.append((vocabulary.CALL_TIME, when(at)))
    if request.reason:
        facts.append((vocabulary.REASON, quote(request.reason)))
    if agents := voice_agents(request):
        facts.append((vocabulary.VOICE_AGENT, agents))
    if reference := record.reference or record.target_id:
        facts.append((f"ID at {title}", code(reference)))
    return facts


def _send_again(kind: Kind, record: ActionRecord) -> Block:
    """Return the button that sends the request again, with a dialog that names the risk."""
    label = f"Send {record.id} again"
    asks = confirm("Send it again?", _AGAIN[kind], yes="Send again", no="Go back") | {"style": "danger"}
    made = button("Send again anyway…", Settling.again, record.id, style="danger", label=label)
    return made | {"confirm": asks}
