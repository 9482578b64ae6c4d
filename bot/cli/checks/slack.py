"""Checks of tokens, scopes and channels in Slack."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.app import SCOPES
from bot.config.loader import ConfigReport
from bot.listeners.log_search import EXPORT_SCOPES
from bot.slack.client import SlackAnswer
from bot.slack.files import FILE_SCOPES
from bot.text.findings import Finding, ok, skipped, warning, wrong
from bot.text.terminal import program

CHECK_SCOPES = frozenset({"channels:read", "groups:read"})
"""Scopes that only `check` uses: they tell whether the app is in a channel. They read no message."""

OPTIONAL_SCOPES = CHECK_SCOPES | EXPORT_SCOPES | FILE_SCOPES
"""Scopes without which CallOps still serves. `manifest.yml` requests them as optional."""


REINSTALL = f"Reinstall the app with the present manifest: `{program()} manifest` prints it."
IN_SLACK = (
    "Slack shows a bot token neither the Home tab nor shortcuts. In Slack, open CallOps: it has a Home tab. "
    "Type / in a message: “Place a call” is listed. If not, reinstall it."
)
UNREACHED = "Slack can't be reached"
_NEEDED_FOR = {
    "commands": "to receive slash commands",
    "chat:write": "to post",
    "users:read": "to know requesters and their time zones",
    "usergroups:read": "to know who is in user groups",
    "channels:read": "to check whether the app is in a public channel",
    "files:read": "to read call lists that people upload",
    "files:write": "to send exports of the log as files",
    "groups:read": "to check whether the app is in a private channel",
}
_WITHOUT = {
    "files:read": "no call list can be given as a file",
    "files:write": "exports are made at the terminal",
    "channels:read": "look yourself",
    "groups:read": "look yourself",
}


def why_not_asked(bot: SlackAnswer | str) -> str | None:
    """Return why Slack cannot be asked more, or None."""
    if isinstance(bot, str):
        return bot
    if bot.answer is not None:
        return None
    return "Slack rejects SLACK_BOT_TOKEN" if bot.refused else UNREACHED


def about_tokens(bot: SlackAnswer | str, app: SlackAnswer | str | None, url: str) -> Iterator[Finding]:
    """Report whether Slack accepts the tokens.

    ``app`` is None over HTTP, and a text if there is no token to ask with.
    """
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
        yield ok("Socket Mode", "Slack accepts the app-level token and would open a connection.")
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
            "The app is installed for the whole organisation, but CallOps works in one workspace. "
            "User groups can't be read this way.",
            "Install it in that one workspace.",
        )


def _about_trouble(check: str, told: SlackAnswer, token: str, url: str, where: str) -> Finding:
    if told.refused:
        return wrong(
            check,
            f"Slack rejects {token}: {told.problem}.",
            f"Copy it again from the Slack app's page {where}.",
        )
    mend = "Check the firewall of this machine and https://slack-status.com. Then check again."
    return wrong(check, f"Slack can't be reached at {url}: {told.problem}.", mend)


def about_scopes(bot: SlackAnswer | str, *, user_groups: bool) -> Iterator[Finding]:
    """Report missing and superfluous scopes."""
    if isinstance(bot, str) or not bot.answer:
        yield skipped("scopes", why_not_asked(bot) or UNREACHED)
        return
    if bot.scopes is None:
        yield skipped("scopes", "Slack's answer didn't list them")
        return
    needed = SCOPES if user_groups else SCOPES - {"usergroups:read"}
    missing = sorted(needed - bot.scopes)
    for scope in missing:
        yield wrong(
            "scopes", f"The app lacks {scope}, needed {_NEEDED_FOR.get(scope, 'for its work')}.", REINSTALL
        )
    for scope in sorted(OPTIONAL_SCOPES - bot.scopes):
        yield warning(
            "scopes",
            f"The app lacks {scope}, needed {_NEEDED_FOR[scope]}. It runs without: {_WITHOUT[scope]}.",
            REINSTALL,
        )
    spare = sorted(bot.scopes - SCOPES - OPTIONAL_SCOPES)
    if spare:
        yield warning(
            "scopes",
            f"The app has scopes that CallOps doesn't use: {', '.join(spare)}.",
            f"Remove them. {REINSTALL}",
        )
    if not missing and not spare:
        yield ok("scopes", f"The app has the scopes that CallOps uses, and no more. {IN_SLACK}")


def channels(found: ConfigReport) -> dict[str, list[str]]:
    """Return each channel that is posted to, with its uses."""
    uses: dict[str, list[str]] = {}
    if found.slack:
        uses.setdefault(found.slack.audit_channel, []).append("audit")
        uses.setdefault(found.slack.approvals_channel, []).append("approvals")
    for connection in found.connections.values():
        if connection.audit_channel:
            uses.setdefault(connection.audit_channel, []).append(f"audit of {connection.name}")
    return uses


def about_channel(channel: str, uses: Iterable[str], told: SlackAnswer) -> Finding:
    """Report whether the app can post to a channel."""
    name = f"channel {channel}"
    use = ", ".join(uses)
    match told.problem:
        case None:
            return _about_known_channel(name, use, (told.answer or {}).get("channel") or {})
        case "missing_scope":
            return skipped(
                name, f"the app lacks {told.needed}, so check yourself that it's in the channel ({use})"
            )
        case "channel_not_found":
            return wrong(
                name,
                f"Slack shows the app no such channel ({use}). The ID is wrong, or the app isn't in it.",
                "Check the ID under About in the channel. If it's right, type /invite @CallOps there.",
            )
        case trouble:
            return skipped(name, f"Slack answered {trouble}")


def _about_known_channel(name: str, use: str, channel: Mapping[str, Any]) -> Finding:
    called = f"#{channel.get('name')} ({use})"
    if channel.get("is_archived"):
        return wrong(
            name,
            f"{called} is archived.",
            "Unarchive it, or name another in the file. Waiting messages are posted then.",
        )
    if not channel.get("is_member"):
        return wrong(
            name,
            f"The app isn't in {called}.",
            "Type /invite @CallOps in it. Waiting messages are posted then.",
        )
    return ok(name, f"The app is in {called}.")
