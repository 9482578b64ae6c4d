"""Compares this machine's clock with Slack's while the bot runs: `check` sees only how it is before."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.cli.checks.slack import Told, about_clock, answered, told
from bot.slack.http_mode import NOT_OLDER
from bot.text.findings import Result

EVERY: Final = 300.0
"""Seconds between two looks. Meanwhile Slack is asked for nothing on account of the clock."""

_log = logging.getLogger(__name__)


class ClockCheck:
    """What is to be said of this machine's clock, by the date of Slack's answers to `auth.test`.

    ``over_http``: Slack sends signed requests, which are good for five minutes.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        over_http: bool,
        clock: Callable[[], datetime],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._clock, self._seconds = clock, seconds
        self._consequence = (
            f" Slack's requests are turned away while it is more than {NOT_OLDER // 60} minutes off."
            if over_http
            else ""
        )
        self._looked = 0.0
        self.warning: str | None = None
        """What is wrong with the clock and what to do, in sentences."""

    async def step(self) -> bool:
        """Ask Slack, when it is time to. Return that there is no more to do."""
        if self._seconds() - self._looked >= EVERY:
            self._looked = self._seconds()
            self._compare(await told(self._client.auth_test(), self._clock))
        return False

    def look(self, answer: AsyncSlackResponse) -> None:
        """Compare the clocks by an answer that has just come."""
        self._looked = self._seconds()
        self._compare(answered(answer, self._clock()))

    def _compare(self, answer: Told) -> None:
        """Compare the clocks. An answer without a date changes nothing."""
        found = about_clock([answer])
        if found.result is Result.WRONG:
            before, self.warning = self.warning, f"{found.what} {found.mend}{self._consequence}"
            if before is None:
                _log.warning("%s", self.warning)
        elif found.result is Result.OK:
            if self.warning:
                _log.info("This machine's clock agrees with Slack's again")
            self.warning = None
