"""Words that connections add to the grammar and to help come from their adapters and settings."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.parsing.command import CALL_FIELDS, ConnectionInfo
from bot.parsing.vocabulary import caution, words_of
from providers.actions import Kind
from providers.base import Adapter
from providers.callkaro import CallKaro, CallKaroSettings
from providers.registry import PROVIDERS
from providers.voxworks import Voxworks, VoxworksSettings

PLACE, CANCEL = Kind.PLACE_CALL, Kind.CANCEL_CALL


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def voxworks(**settings: Any) -> Adapter:
    """Return a connection to Voxworks with an agent."""
    return Voxworks(VoxworksSettings(api_key="k", agents={"welcome": "a1b2"}, **settings), clock=now)


def test_only_what_the_settings_allow_can_be_typed() -> None:
    """Undocumented features bring agents, fields and a mark. Without the setting there is none of it."""
    assert words_of(voxworks()) == ConnectionInfo(
        kinds=frozenset({CANCEL}), cancels_by="call_id", fields=frozenset(), title="Voxworks"
    )
    assert words_of(voxworks(allow_undocumented=True)) == ConnectionInfo(
        agents=("welcome",),
        kinds=frozenset({PLACE, CANCEL}),
        cancels_by="call_id",
        fields=frozenset({"at", "metadata"}),
        title="Voxworks",
        undocumented=frozenset({PLACE}),
        tells_ends=True,
    )


def test_what_is_tried_out_is_known() -> None:
    """The context has the mode, and the only numbers that calls may go to."""
    tried = words_of(voxworks(mode="dry-run", allow_numbers=("+919876543210",)))
    assert (tried.dry_run, tried.numbers) == (True, ("+919876543210",))


def test_what_is_documented_needs_no_caution() -> None:
    """CallKaro takes every option of a call, and its documents have them all."""
    known = words_of(CallKaro(CallKaroSettings(api_key="k", agents={"payments": "6803"}), clock=now))
    assert (known.fields, known.cancels_by, known.undocumented) == (CALL_FIELDS, "number", frozenset())


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_the_mark_follows_what_the_adapter_declares(provider: type[Adapter]) -> None:
    """Each undocumented kind is marked with the provider's name, and no other."""
    for known in provider.capabilities:
        said = caution(provider, known.kind)
        assert (said is None) == (known.source == "documented")
        assert said is None or provider.title in said
