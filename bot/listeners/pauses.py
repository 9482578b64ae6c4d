"""The way of a pause: `/calls pause` and `/calls resume`."""

from dataclasses import dataclass

from bot.parsing.command import Command, FieldProblem, Verb
from bot.services.commands import InvalidCommandError
from bot.services.models import RequestSource
from bot.services.pauses import PauseService
from bot.slack.blocks import Message
from bot.text import parse_errors
from bot.ui import pauses


@dataclass(slots=True)
class PauseFlow:
    """Answers commands that pause calls or let them go on."""

    service: PauseService

    async def answer(self, line: Command, origin: RequestSource) -> Message:
        """Pause or resume. Raises `InvalidCommandError` and `PermissionDeniedError`."""
        if line.problems:
            raise InvalidCommandError(list(line.problems))
        if line.verb is Verb.RESUME:
            ended, left = await self.service.resume(line.connection, origin.person)
            return pauses.resumed(line.connection, ended, left)
        if not line.reason:
            raise InvalidCommandError([FieldProblem("reason", parse_errors.WHY_PAUSE)])
        made = await self.service.pause(
            line.connection,
            origin.person,
            line.reason,
            until=line.at,
            nonce=origin.nonce or origin.delivery_key,
        )
        return pauses.paused(made)
