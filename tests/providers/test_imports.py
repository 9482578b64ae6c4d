import subprocess
import sys

import pytest


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
    """The vocabulary costs no HTTP client, and telephone numbers no geography."""
    script = f"import sys, {module}; print(*(name for name in {without!r} if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert result.stdout.strip() == ""
