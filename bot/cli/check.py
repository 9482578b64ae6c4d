"""`python -m bot check`: everything to know before the first real call. It asks, and changes nothing.

No message is posted, no row is written, no provider is asked for anything. Where one check makes another
impossible, that is said in its place, so that nothing is left out silently.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.cli.checks import people, setup, slack, upkeep
from bot.cli.checks.connections import about_connection_zones, about_connections
from bot.cli.checks.rules import about_accounts, about_rules
from bot.cli.checks.screens import about_screens
from bot.cli.checks.web import about_web
from bot.cli.init import next_steps
from bot.config.environment import ConfigError, key_bytes
from bot.config.loader import ConfigReport, load, read_config
from bot.policy.rules import EVERYONE, PEOPLE
from bot.slack.client import SlackAnswer, answer_of, make_client
from bot.slack.users import Workspace
from bot.text.findings import Finding, anything_wrong, as_lines, as_objects, skipped
from bot.text.terminal import program, say, say_json
from bot.workers import clock_check

MOST_PEOPLE = 90
"""People who are asked for: `users.info` takes about a hundred a minute."""

MAX_CONCURRENT = 5


def run(
    variables: Mapping[str, str], *, as_json: bool, online: bool = False, backups: Path | None = None
) -> int:
    """Check everything and print it; the exit status: 0 nothing is wrong, 1 something is.

    ``online`` lets Slack validate the screens. ``backups`` is the folder of backups.
    """
    found = read_config(variables)
    findings = asyncio.run(check(found, variables, online=online, backups=backups))
    if as_json:
        say_json(as_objects(findings), indent=2)
    else:
        say(*as_lines(findings))
        if not any(map(found.usable, ("SLACK_BOT_TOKEN", "CALLOPS_KEY"))) and not found.path.exists():
            say(*next_steps(before=(f"Run  {program()} init  in the folder of the bot.",)))
    return int(anything_wrong(findings))


async def check(
    found: ConfigReport,
    variables: Mapping[str, str],
    *,
    online: bool = False,
    backups: Path | None = None,
) -> list[Finding]:
    """Look at everything, in the order in which a person would mend it."""
    place = setup.place(found)
    key = key_bytes(found.key.get_secret_value())
    return [
        *setup.about_file(found),
        *setup.about_environment(found),
        *_about_rules(found),
        *setup.about_log(place, key_given=key is not None, platform=found.platform),
        *await _about_slack(found),
        *(await _about_screens(variables, found) if online else []),
        *await about_web(found),
        *await upkeep.about_metrics(found),
        *upkeep.about_watchdog(variables),
        *upkeep.about_backups(backups, datetime.now(UTC)),
        *await about_connections(found),
        *about_connection_zones(found.connections, datetime.now(UTC)),
    ]


def _about_rules(found: ConfigReport) -> list[Finding]:
    """Find what the file alone tells of its rules. Findings about people follow once Slack has answered."""
    whole = found.readable and not any(where.startswith(("rules", "groups")) for where in found.unread)
    if not whole:
        return []
    return [*about_rules(found.rules, found.groups), *about_accounts(found.rules, found.connections)]


async def _about_screens(variables: Mapping[str, str], found: ConfigReport) -> list[Finding]:
    client = make_client(found.bot_token.get_secret_value(), found.slack_api_url)
    try:
        settings = load(variables)
    except ConfigError:
        return [skipped("screens", "the file or the environment has errors")]
    return await about_screens(settings, client)


async def _about_slack(found: ConfigReport) -> list[Finding]:
    client = make_client(found.bot_token.get_secret_value(), found.slack_api_url)
    bot: SlackAnswer | str | None = found.trouble_with("SLACK_API_URL", "SLACK_BOT_TOKEN")
    bot = bot or await answer_of(client.auth_test())
    app = await _about_app_token(found, client)
    why_not = slack.why_not_asked(bot)
    user_groups = any(one.startswith("S") for ids in found.groups.values() for one in ids)
    return [
        *slack.about_tokens(bot, app, found.slack_api_url),
        clock_check.about_clock([bot, app]),
        *slack.about_scopes(bot, user_groups=user_groups),
        *await _about_channels(found, client, why_not),
        *await _about_people(found, client, bot),
    ]


async def _about_app_token(found: ConfigReport, client: AsyncWebClient) -> SlackAnswer | str | None:
    """Return what Slack says of the app-level token, or why it was not asked. None if no token is needed."""
    if trouble := found.trouble_with("SLACK_API_URL", "SLACK_APP_TOKEN"):
        return trouble
    if found.app_token is None:
        return None
    return await answer_of(client.apps_connections_open(app_token=found.app_token.get_secret_value()))


async def _about_channels(found: ConfigReport, client: AsyncWebClient, why_not: str | None) -> list[Finding]:
    uses = slack.channels(found)
    if why_not:
        findings = [skipped(f"channel {one}", why_not) for one in uses]
    else:
        answers = await _ask_each(uses, lambda channel: client.conversations_info(channel=channel))
        findings = [slack.about_channel(one, uses[one], answers[one]) for one in uses]
    if found.slack is None:
        findings.append(skipped("channels", f"[slack] in {found.path} can't be read"))
    return findings


async def _about_people(found: ConfigReport, client: AsyncWebClient, bot: SlackAnswer | str) -> list[Finding]:
    findings = [
        skipped(where if where.startswith("rules") else "groups", f"{found.path} has an error there")
        for where in found.unread
        if where.startswith(("rules", "groups"))
    ]
    if not found.readable:
        return [skipped("groups and rules", f"{found.path} can't be read")]
    if isinstance(bot, str) or bot.answer is None:
        return [
            *findings,
            skipped("groups and rules", slack.why_not_asked(bot) or slack.UNREACHED),
        ]
    named = {name for rule in found.rules for field in PEOPLE for name in getattr(rule, field)}
    used = {name: ids for name, ids in found.groups.items() if name in named - {EVERYONE}}
    slack_groups = sorted({one for ids in used.values() for one in ids if one.startswith("S")})
    user_groups = await _ask_each(slack_groups, lambda one: client.usergroups_users_list(usergroup=one))
    everyone = frozenset[str]().union(*(people.people_of(ids, user_groups) for ids in used.values()))
    answers = await _ask_each(sorted(everyone)[:MOST_PEOPLE], lambda one: client.users_info(user=one))
    workspace = Workspace.of(bot.answer)
    groups = {name: people.look_at(name, ids, user_groups, answers, workspace) for name, ids in used.items()}
    for group in groups.values():
        findings += people.about_group(group)
    for rule in found.rules:
        findings += people.about_rule(rule, groups)
    known = [people.person(one, workspace) for one in answers.values() if one.answer]
    return [*findings, people.about_zones(one for one in known if not one.deleted)]


async def _ask_each(
    names: Iterable[str], call: Callable[[str], Awaitable[AsyncSlackResponse]]
) -> dict[str, SlackAnswer]:
    """Return Slack's answer for each name: a person, channel or user group. A few are asked at once."""
    room = asyncio.Semaphore(MAX_CONCURRENT)

    async def one(name: str) -> SlackAnswer:
        async with room:
            return await answer_of(call(name))

    listed = list(names)
    return dict(zip(listed, await asyncio.gather(*map(one, listed)), strict=True))
