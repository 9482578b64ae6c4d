"""The modal in which somebody says what became of an action that is in doubt."""

from collections.abc import Mapping
from typing import Final

from bot.services.models import Settlement
from bot.slack.blocks import View, context, section
from bot.text import deciding
from bot.ui.modal import MAX_REASON, About, choice, modal, text_input
from bot.ui.request_status import trial
from bot.ui.request_summary import one_task
from providers.actions import Kind
from storage.models import LogEntry, Request

_DONE: Final[Mapping[Kind, str]] = {
    Kind.PLACE_CALL: "placed",
    Kind.CANCEL_CALL: "cancelled",
    Kind.DELETE_CAMPAIGN: "deleted",
    Kind.STOP_CAMPAIGN: "stopped",
    Kind.START_CAMPAIGN: "started",
}
"""What has happened, where it happened: "it" alone could be the call as well as its cancellation."""


class Settling:
    """What became of an unknown, as somebody who looked says."""

    callback_id = "settling"
    what = "what"
    evidence = "evidence"
    reason = "reason"

    @classmethod
    def build(cls, request: Request, entry: LogEntry, *, nonce: str) -> View:
        """Three answers, where one has it from, and a field for how one knows.

        What happened is what was asked for: of a cancellation, that the call is cancelled.
        """
        what = one_task(request, entry)
        about = About(nonce=nonce, request=request.id, entry=entry.id)
        options = [
            (Settlement.HAPPENED, f"It happened: {_DONE[entry.kind]}"),
            (Settlement.DID_NOT_HAPPEN, f"It did not happen: not {_DONE[entry.kind]}"),
            (Settlement.ORDERED, "Nobody can tell: send it again"),
        ]
        blocks = [
            *map(section, trial(request)),
            section(f"❓ *We do not know whether it happened:* {what}. {entry.message or ''}".rstrip()),
            choice(cls.what, "What happened?", options, radio=True),
            choice(
                cls.evidence,
                "What shows it?",
                [*deciding.EVIDENCE.items()],
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
