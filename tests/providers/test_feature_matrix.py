import pytest

from providers.actions import CampaignRef, Kind
from providers.base import Adapter, Capability
from providers.callkaro import CallKaro
from providers.feature_matrix import TABLES, matrix, written
from providers.registry import PROVIDERS
from tests.support.tree import ROOT


@pytest.mark.parametrize("file", TABLES)
def test_each_table_is_what_the_adapters_declare(file: str) -> None:
    """README and docs match the capabilities, and `make matrix` rewrites them."""
    name, make = TABLES[file]
    text = (ROOT / file).read_text(encoding="utf-8")
    assert text == written(text, name, make(tuple(PROVIDERS.values()))), "run  make matrix"


def test_a_cell_says_how_well_it_is_known_and_how_it_is_addressed() -> None:
    """Each declared kind has its source, its target, and its drastic effects."""

    class Another(Adapter):
        title = "Another"
        provider = "another"
        capabilities = (Capability(Kind.STOP_CAMPAIGN, target=CampaignRef, source="beyond"),)

    class Few(CallKaro):
        capabilities = (
            Capability(Kind.PLACE_CALL, fields=frozenset({"at", "gap"})),
            CallKaro.capabilities[1],
        )

    assert matrix((Few, Another)).splitlines() == [
        "| provider | place call | cancel call | stop campaign |",
        "| --- | --- | --- | --- |",
        "| [CallKaro](docs/providers/callkaro.md) | documented: by number | documented: by number, all at once |  |",
        "| [Another](docs/providers/another.md) |  |  | beyond: by campaign id |",
        "",
        "A call placed by CallKaro may have at, gap.",
    ]


def test_what_is_around_a_table_stays() -> None:
    """Only the text between the comments is rewritten. A file without them stays."""
    begin, end = "<!-- matrix: made by `make matrix` -->", "<!-- end of matrix -->"
    assert written(f"a\n{begin}\nold\n{end}\nb", "matrix", "\\1") == f"a\n{begin}\n\\1\n{end}\nb"
    with pytest.raises(ValueError, match="there should be one"):
        written("a", "matrix", "new")
