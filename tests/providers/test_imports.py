import subprocess
import sys

import grimp
import pytest

from providers.registry import PROVIDERS


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("providers.actions", ("httpx", "phonenumbers", "providers.base")),
        (
            "providers.phone",
            ("httpx", "phonenumbers.geocoder", "phonenumbers.carrier", "phonenumbers.geodata"),
        ),
        ("providers.registry", ("phonenumbers.geocoder", "phonenumbers.geodata")),
    ],
)
def test_imports_stay_light(module: str, without: tuple[str, ...]) -> None:
    """The vocabulary imports no HTTP client, and phone numbers no geography."""
    script = f"import sys, {module}; print(*(name for name in {without!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert result.stdout.strip() == ""


def test_no_adapter_imports_another() -> None:
    """In the whole registry, no adapter leads to another one, not even indirectly."""
    adapters = {adapter.__module__ for adapter in PROVIDERS.values()}
    graph = grimp.build_graph("providers")
    chains = [
        graph.find_shortest_chain(importer=one, imported=other)
        for one in adapters
        for other in adapters - {one}
    ]
    assert [chain for chain in chains if chain] == []
