"""What a check says of Slack: the tokens, their scopes, the clock, the channels. Pure, but for `told`."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.app import SCOPES
from bot.config.loader import Found
from bot.listeners.log_files import EXPORT_SCOPES
from bot.slack.users import SLACK_TROUBLE, answered_with, trouble
from bot.text.findings import Finding, ok, skipped, warning, wrong

CHECK_SCOPES = frozenset({"channels:read", "groups:read"})
"""What only the check needs: whether the app is in a channel, public or private. It reads no message."""

OPTIONAL_SCOPES = CHECK_SCOPES | EXPORT_SCOPES
"""What is served without."""

CLOCK_MAY_BE_OFF = timedelta(seconds=30)
"""Signed tokens have times in them, and leases and deadlines are read by the clock."""

REINSTALL = "Update the Slack app from manifest.yml and reinstall it to the workspace."
UNREACHED = "Slack cannot be reached"
_NEEDED_FOR = {
    "commands": "to hear slash commands",
    "chat:write": "to post",
    "users:read": "to know who asks, and their time zone",
    "usergroups:read": "to know who is in the user groups that the file names",
    "channels:read": "to check whether the app is in a public channel",
    "files:write": "to send exports of the log as files",
    "groups:read": "to check whether the app is in a private channel",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What Slack answered to one call.

    ``trouble`` is why there is no answer; ``refused`` whether that was Slack's own word, and no failure on
    the way; ``needed`` the scope it names. ``date`` is Slack's clock; ``heard`` is ours at that time;
    ``scopes`` are the token's.
    """

    answer: Mapping[str, Any] | None
    heard: datetime
    trouble: str | None = None
    refused: bool = False
    needed: str | None = None
    date: datetime | None = None
    scopes: frozenset[str] | None = None


def _now() -> datetime:
    return datetime.now(UTC)


async def told(call: Awaitable[AsyncSlackResponse], clock: Callable[[], datetime] = _now) -> Told:
    """Make a call and say what came of it, and when by a clock."""
    try:
        response = await call
    except SLACK_TROUBLE as error:
        now = clock()
        if not isinstance(error, SlackApiError):
            return Told(None, now, _in_words(error))
        # Where the answer is not JSON, the library hands on the HTTP client's own response.
        said = getattr(error.response, "data", None)
        refused = isinstance(said, Mapping) and answered_with(error) == HTTPStatus.OK
        needed = said.get("needed") if isinstance(said, Mapping) else None
        return Told(None, now, trouble(error), refused, needed, _date(error.response.headers))
    return answered(response, clock())


def answered(response: AsyncSlackResponse, heard: datetime) -> Told:
    """Return what an answer says, heard at that time."""
    headers = response.headers
    listed = headers.get("x-oauth-scopes")
    scopes = None if listed is None else frozenset(filter(None, map(str.strip, listed.split(","))))
    # The library's type says that an answer may be bytes; no method used here has such.
    return Told(dict(response.data), heard, date=_date(headers), scopes=scopes)  # type: ignore[arg-type]


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None


def _in_words(error: BaseException) -> str:
    """What kept Slack from answering."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "this machine finds no address for that name"
        case aiohttp.ClientSSLError():
            return "its certificate is not trusted on this machine"
        case aiohttp.ClientConnectorError():
            return "nobody there takes the connection"
        case TimeoutError():
            return "it did not answer in time"
        case _:
            return f"the connection broke ({trouble(error)})"


def why_not_asked(bot: Told | str) -> str | None:
    """Why Slack can be asked nothing more with the bot's token: what is wrong with it, or came of it."""
    if isinstance(bot, str):
        return bot
    if bot.answer is not None:
        return None
    return "Slack does not take SLACK_BOT_TOKEN" if bot.refused else UNREACHED


def about_tokens(bot: Told | str, app: Told | str | None, url: str) -> Iterator[Finding]:
    """Whether Slack takes the tokens; a text: why there is none to ask with; None: Slack comes over HTTP."""
    if isinstance(bot, str):
        yield skipped("Slack", bot)
    elif bot.answer:
        yield from _about_workspace(bot.answer)
    else:
        yield _about_trouble("Slack", bot, "SLACK_BOT_TOKEN", url, "OAuth & Permissions")
    if app is None:
        return
    if isinstance(app, str):
        yield skipped("Socket Mode", app)
    elif why_not_asked(bot) == UNREACHED and not app.answer and not app.refused:
        yield skipped("Socket Mode", UNREACHED)
    elif app.answer:
        yield ok("Socket Mode", "Slack takes the app-level token and would open a connection.")
    else:
        where = "Basic Information; it needs the scope connections:write"
        yield _about_trouble("Socket Mode", app, "SLACK_APP_TOKEN", url, where)


def _about_workspace(answer: Mapping[str, Any]) -> Iterator[Finding]:
    known = f"{answer.get('user')} is known in {answer.get('team')} ({answer.get('team_id')})"
    grid = answer.get("enterprise_id")
    yield ok("Slack", f"{known}, of the Enterprise Grid organisation {grid}." if grid else f"{known}.")
    if answer.get("is_enterprise_install"):
        yield warning(
            "Slack",
            "The app is installed for the whole organisation, and CallOps works in one workspace of it. "
            "Slack has to be told the workspace of a user group then, and CallOps does not tell it.",
            "Install it in the one workspace that it is for.",
        )


def _about_trouble(check: str, told: Told, token: str, url: str, where: str) -> Finding:
    if told.refused:
        return wrong(
            check,
            f"Slack does not take {token}: {told.trouble}.",
            f"Copy it again from the Slack app's page {where}.",
        )
    mend = (
        "See whether a firewall keeps this machine from it, and whether https://slack-status.com names "
        "trouble; then check again."
    )
    return wrong(check, f"Slack cannot be reached at {url}: {told.trouble}.", mend)


def about_scopes(bot: Told | str, *, user_groups: bool) -> Iterator[Finding]:
    """Whether the bot's token may do what is used, and no more."""
    if isinstance(bot, str) or not bot.answer:
        yield skipped("scopes", why_not_asked(bot) or UNREACHED)
        return
    if bot.scopes is None:
        yield skipped("scopes", "Slack's answer did not name them")
        return
    needed = SCOPES if user_groups else SCOPES - {"usergroups:read"}
    missing = sorted(needed - bot.scopes)
    for scope in missing:
        yield wrong(
            "scopes", f"The app lacks {scope}, needed {_NEEDED_FOR.get(scope, 'for its work')}.", REINSTALL
        )
    for scope in sorted(OPTIONAL_SCOPES - bot.scopes):
        yield warning(
            "scopes", f"The app lacks {scope}, needed {_NEEDED_FOR[scope]}; it serves without.", REINSTALL
        )
    spare = sorted(bot.scopes - SCOPES - OPTIONAL_SCOPES)
    if spare:
        yield warning(
            "scopes",
            f"The app may do more than CallOps uses: {', '.join(spare)}.",
            f"Take it out. {REINSTALL}",
        )
    if not missing and not spare:
        yield ok("scopes", "The app may do what CallOps uses, and no more.")


def about_clock(tolds: Iterable[Told | str | None]) -> Finding:
    """Whether the machine's clock agrees with Slack's."""
    dated = [(one.heard, one.date) for one in tolds if isinstance(one, Told) and one.date]
    if not dated:
        return skipped("clock", "Slack did not tell its time")
    heard, date = dated[0]
    off = heard - date
    if abs(off) > CLOCK_MAY_BE_OFF:
        how = f"{abs(off).total_seconds():.0f} s {'ahead of' if off > timedelta(0) else 'behind'} Slack's"
        return wrong("clock", f"This machine's clock is {how}.", "Let the machine keep its time by NTP.")
    return ok("clock", f"This machine's clock agrees with Slack's, {heard:%Y-%m-%d %H:%M} UTC.")


def channels(found: Found) -> dict[str, list[str]]:
    """Every channel that is posted into, with what for."""
    uses: dict[str, list[str]] = {}
    if found.slack:
        uses.setdefault(found.slack.audit_channel, []).append("audit")
        uses.setdefault(found.slack.approvals_channel, []).append("approvals")
    for connection in found.connections.values():
        if connection.audit_channel:
            uses.setdefault(connection.audit_channel, []).append(f"audit of {connection.name}")
    return uses


def about_channel(channel: str, uses: Iterable[str], told: Told) -> Finding:
    """Whether the app can post into a channel."""
    name = f"channel {channel}"
    use = ", ".join(uses)
    match told.trouble:
        case None:
            return _about_known_channel(name, use, (told.answer or {}).get("channel") or {})
        case "missing_scope":
            return skipped(name, f"the app lacks {told.needed}: look whether it is in the channel ({use})")
        case "channel_not_found":
            return wrong(
                name,
                f"Slack shows the app no such channel ({use}): the id is wrong, or the app is not in it.",
                "Check the id, under About in the channel; if it is right, type /invite @CallOps there.",
            )
        case trouble:
            return skipped(name, f"Slack answered {trouble}: check again")


def _about_known_channel(name: str, use: str, channel: Mapping[str, Any]) -> Finding:
    called = f"#{channel.get('name')} ({use})"
    if channel.get("is_archived"):
        return wrong(
            name,
            f"{called} is archived.",
            "Unarchive it, or name another in the file. What waits for it is posted then.",
        )
    if not channel.get("is_member"):
        return wrong(
            name,
            f"The app is not in {called}.",
            "Type /invite @CallOps in it. What waits for it is posted then.",
        )
    return ok(name, f"The app is in {called}.")
