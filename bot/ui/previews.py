"""The second step of placing by form. Its submit is the decision that the form's was not. Pure."""

from bot.parsing.command import ConnectionWords, Line
from bot.services.models import Wish
from bot.slack.blocks import View, context, fields, section
from bot.ui.command_replies import place_facts, preview_notes
from bot.ui.modal import About, modal
from providers.transport.request import Prepared


class PlacePreview:
    """The second step of placing by form: exactly what would be placed; its submit places it."""

    callback_id = "preview"

    @classmethod
    def build(
        cls, wish: Wish, prepared: Prepared, line: Line, *, through: ConnectionWords, nonce: str, channel: str
    ) -> View:
        """The same facts as the preview of a command."""
        first, facts = place_facts(wish, prepared, line, through)
        blocks = [
            section(first),
            *fields(facts),
            context(*preview_notes(through)),
        ]
        return modal(
            cls.callback_id,
            "Place this call?",
            blocks,
            about=About(nonce=nonce, channel=channel),
            submit="Place this call",
        )
