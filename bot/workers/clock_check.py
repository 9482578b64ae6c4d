"""Compares this machine's clock with Slack's while the app runs. `check` compares them only before."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.client import SlackAnswer, answer_of, answered
from bot.slack.http_mode import NOT_OLDER
from bot.text.findings import Finding, Result, ok, skipped, wrong

CLOCK_MAY_BE_OFF = timedelta(seconds=30)
"""The largest difference without a warning. Signed tokens, leases and deadlines depend on the clock."""


def about_clock(tolds: Iterable[SlackAnswer | str | None]) -> Finding:
    """Return a finding on whether the machine's clock agrees with Slack's."""
    dated = [(one.heard, one.date) for one in tolds if isinstance(one, SlackAnswer) and one.date]
    if not dated:
        return skipped("clock", "Slack did not tell its time")
    heard, date = dated[0]
    off = heard - date
    if abs(off) > CLOCK_MAY_BE_OFF:
        how = f"{abs(off).total_seconds():.0f} s {'ahead of' if off > timedelta(0) else 'behind'} Slack's"
        return wrong("clock", f"This machine's clock is {how}.", "Let the machine keep its time by NTP.")
    return ok("clock", f"This machine's clock agrees with Slack's, {heard:%Y-%m-%d %H:%M} UTC.")


EVERY: Final = 300.0
"""Seconds between two comparisons. Between them, Slack gets no requests for the clock."""

_log = logging.getLogger(__name__)


class ClockCheck:
    """Warns of a wrong clock, by the date of Slack's answers to `auth.test`.

    With ``over_http``, Slack sends signed requests, which are valid for five minutes.
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
        """The difference of the clocks and its remedy, in sentences. None if the clocks agree."""

    async def run_once(self) -> bool:
        """Ask Slack if it is time. Return False, as there is never more to do at once."""
        if self._seconds() - self._looked >= EVERY:
            self._looked = self._seconds()
            self._compare(await answer_of(self._client.auth_test(), self._clock))
        return False

    def ask_slack(self, answer: AsyncSlackResponse) -> None:
        """Compare the clocks by an answer that has just come."""
        self._looked = self._seconds()
        self._compare(answered(answer, self._clock()))

    def _compare(self, answer: SlackAnswer) -> None:
        """Compare the clocks. An answer without a date changes nothing."""
        found = about_clock([answer])
        if found.result is Result.FAIL:
            before, self.warning = self.warning, f"{found.message} {found.fix}{self._consequence}"
            if before is None:
                _log.warning("%s", self.warning)
        elif found.result is Result.PASS:
            if self.warning:
                _log.info("This machine's clock agrees with Slack's again")
            self.warning = None
