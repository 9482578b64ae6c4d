import pytest

from providers.actions import CampaignRef, Kind
from providers.base import Adapter, Capability
from providers.callkaro import CallKaro
from providers.feature_matrix import TABLES, matrix, written
from providers.registry import PROVIDERS
from tests.support.tree import ROOT


@pytest.mark.parametrize("file", TABLES)
def test_each_table_is_what_the_adapters_declare(file: str) -> None:
    """README and docs say what the capabilities say; `make provider-table` writes it anew."""
    name, make = TABLES[file]
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text == written(text, name, make(tuple(PROVIDERS.values()))), "run  make provider-table"


def test_a_cell_says_how_well_it_is_known_and_how_it_is_addressed() -> None:
    """Each declared kind has its source, its target, and its drastic effects."""

    class Another(Adapter):
        title = "Another"
        provider = "another"
        capabilities = (Capability(Kind.STOP_CAMPAIGN, target=CampaignRef, source="undocumented"),)

    class Few(CallKaro):
        capabilities = (
            Capability(Kind.PLACE_CALL, fields=frozenset({"at", "gap"})),
            CallKaro.capabilities[1],
        )

    assert matrix((Few, Another)).splitlines() == [
        "| provider | place call | cancel call | stop campaign |",
        "| --- | --- | --- | --- |",
        "| [CallKaro](docs/providers/callkaro.md) | documented: by number | documented: by number, all at once |  |",
        "| [Another](docs/providers/another.md) |  |  | undocumented: by campaign id |",
        "",
        "A call placed by CallKaro may have at, gap.",
    ]


def test_what_is_around_a_table_stays() -> None:
    """Only what stands between the comments is written anew; a file without them is left alone."""
    begin, end = "<!-- provider table: made by `make provider-table` -->", "<!-- end of provider table -->"
    assert written(f"a\n{begin}\nold\n{end}\nb", "provider table", "\\1") == f"a\n{begin}\n\\1\n{end}\nb"
    with pytest.raises(ValueError, match="there should be one"):
        written("a", "provider table", "new")
