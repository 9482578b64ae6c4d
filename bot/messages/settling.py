"""The modal in which somebody says what became of an action that is in doubt."""

from bot.blocks import context, section
from bot.messages import deciding
from bot.messages.modals import MAX_REASON, About, View, choice, modal, text_input
from bot.messages.standing import trial
from bot.messages.tasks import target
from bot.operations import Settlement
from storage.entries import LogEntry, Request


class Settling:
    """What became of an unknown, as somebody who looked says."""

    callback_id = "settling"
    what = "what"
    evidence = "evidence"
    reason = "reason"

    @classmethod
    def build(cls, request: Request, entry: LogEntry, *, nonce: str) -> View:
        """Three answers, where one has it from, and a field for how one knows."""
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
        return modal(cls.callback_id, f"Settle {entry.id}", blocks, about=about, submit="Record")
