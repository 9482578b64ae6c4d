"""Builds the grammar's names and settings from the configuration and its connections."""

from collections.abc import Mapping, Sequence
from typing import Final

from bot.config.settings import Settings
from bot.parsing.command import CancelsBy, CommandContext, ConnectionInfo
from bot.policy.rules import Rule
from bot.text import parse_errors
from providers.actions import Kind, NumberRef
from providers.base import Adapter

REQUIRABLE: Final = ("reason", "purpose", "consent")
"""The keys of a rule that can require a field."""


def vocabulary(settings: Settings, adapters: Mapping[str, Adapter]) -> CommandContext:
    """Return the names and settings that the configuration adds to the grammar."""
    return CommandContext(
        {name: words_of(adapter) for name, adapter in adapters.items()},
        settings.slack.default_region,
        settings.slack.reasons,
        settings.off,
        hours=any(rule.calling_hours for rule in settings.rules)
        or any(one.calling_hours for one in settings.connections.values()),
        required=required(settings.rules),
    )


def required(rules: Sequence[Rule]) -> Mapping[Kind, frozenset[str]]:
    """Return, for each kind of action, the fields that all rules which allow it require."""
    allowing = {
        kind: [rule for rule in rules if rule.effect == "allow" and kind in rule.actions] for kind in Kind
    }
    return {
        kind: frozenset(
            name for name in REQUIRABLE if some and all(getattr(rule, name) == "required" for rule in some)
        )
        for kind, some in allowing.items()
    }


def caution(provider: Adapter | type[Adapter], kind: Kind) -> str | None:
    """Return the warning about an undocumented kind of action, None if it is documented or unsupported."""
    sources = [known.source for known in provider.capabilities if known.kind is kind]
    return parse_errors.undocumented([provider.title]) if sources and "documented" not in sources else None


def cancels(provider: type[Adapter], *, allow_undocumented: bool) -> bool:
    """Return whether calls can be cancelled through a connection to this provider."""
    return any(
        known.kind is Kind.CANCEL_CALL and (allow_undocumented or known.source == "documented")
        for known in provider.capabilities
    )


def words_of(adapter: Adapter) -> ConnectionInfo:
    """Return the facts about a connection for the grammar, help and previews."""
    places = adapter.capability(Kind.PLACE_CALL)
    kinds = frozenset(capability.kind for capability in adapter.available)
    return ConnectionInfo(
        agents=adapter.agents,
        kinds=kinds,
        cancels_by=_cancels_by(adapter),
        raw_agents=adapter.raw_agents,
        fields=places.fields if places else frozenset(),
        numbers=adapter.settings.allow_numbers,
        title=adapter.title,
        undocumented=frozenset(kind for kind in kinds if caution(adapter, kind)),
        dry_run=adapter.settings.mode == "dry-run",
        tells_ends=adapter.tells_ends,
    )


def _cancels_by(adapter: Adapter) -> CancelsBy | None:
    cancels = adapter.capability(Kind.CANCEL_CALL)
    if cancels is None:
        return None
    return "number" if cancels.target is NumberRef else "call_id"
