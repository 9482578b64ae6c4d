"""docs/first-contact.md: each assumption about a provider, and how the first real request settles it."""

import re

import pytest

from bot.app import SCOPES
from bot.cli.checks.slack import CHECK_SCOPES
from providers.registry import PROVIDERS
from tests.support.tree import ROOT

PAGE = (ROOT / "docs/first-contact.md").read_text(encoding="utf-8")
LEGENDS = re.compile(r"(?:what no page\s+says|is marked) (?:is )?\*assumed\*\.", re.IGNORECASE)
"""Places on which a page explains the word."""


def provider_page(provider: str) -> str:
    """Return the page of facts about a provider."""
    return (ROOT / f"docs/providers/{provider}.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return the page's section about a provider, or an empty text."""
    _, _, rest = PAGE.partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_assumption_has_an_id(provider: str) -> None:
    """The word never stands alone on a provider's page, except in its explanation."""
    text = LEGENDS.sub("", provider_page(provider))
    alone = [
        text[max(0, one.start() - 60) : one.end()]
        for one in re.finditer(r"\*assumed\*(?! \([A-Z]\d+\))", text)
    ]
    assert alone == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_assumption_has_its_line(provider: str) -> None:
    """Each id has exactly one row: the assumption, what settles it, and what to do otherwise.

    A provider without assumptions needs no section on the page.
    """
    marked = re.findall(r"\*assumed\* \(([A-Z]\d+)\)", provider_page(provider))
    rows = re.findall(
        r"^\| ([A-Z]\d+) \|(.+)\|(.+)\|(.+)\|$", section(PROVIDERS[provider].title), re.MULTILINE
    )
    assert sorted(marked) == sorted(row[0] for row in rows)
    assert len(set(marked)) == len(marked)
    assert [row[0] for row in rows if not all(cell.strip() for cell in row)] == []


def test_the_settings_it_names_are_settings() -> None:
    """The row's remedy is an existing setting."""
    known = {name for adapter in PROVIDERS.values() for name in adapter.settings_type.model_fields}
    named = set(re.findall(r"`(\w+) = ", "".join(section(one.title) for one in PROVIDERS.values())))
    assert named
    assert named - known == set()


def test_the_checks_scopes_are_explained() -> None:
    """Each scope of the check alone is on the page, and serving does not need it."""
    assert [scope for scope in CHECK_SCOPES if f"`{scope}`" not in PAGE] == []
    assert not CHECK_SCOPES & SCOPES


def test_its_links_lead_somewhere() -> None:
    """The page has no dead link into the repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
