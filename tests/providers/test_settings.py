import pytest
from pydantic import ValidationError

from providers.registry import PROVIDERS
from providers.settings import ConnectionSettings
from providers.voxworks import VoxworksSettings
from tests.providers.made import callkaro, voxworks


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.voxworks.ai", "https://api.voxworks.ai"),
        ("https://api.voxworks.ai/", "https://api.voxworks.ai"),
        ("https://gateway.example:8443/voice/v1/", "https://gateway.example:8443/voice/v1"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://8.8.8.8", "https://8.8.8.8"),
        ("https://[2606:4700:4700::1111]", "https://[2606:4700:4700::1111]"),
        ("http://127.0.0.1:4810", "http://127.0.0.1:4810"),
        ("http://localhost:4810", "http://localhost:4810"),
        ("http://[::1]:4810", "http://[::1]:4810"),
        ("https://127.0.0.1", "https://127.0.0.1"),
    ],
)
def test_addresses_that_are_trusted(given: str, kept: str) -> None:
    """Public addresses need https, and addresses of this computer need not."""
    assert ConnectionSettings(base_url=given).base_url == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api.voxworks.ai",
        "https://",
        "https:///path",
        "ftp://api.voxworks.ai",
        "file:///etc/passwd",
        "http://api.voxworks.ai",
        "http://example",
        "http://localhost.evil.example",
        "http://8.8.8.8",
        "https://169.254.169.254",
        "http://169.254.169.254/latest",
        "https://10.0.0.1",
        "https://192.168.1.1",
        "https://172.16.0.1",
        "https://100.64.0.1",
        "https://0.0.0.0",
        "https://224.0.0.1",
        "https://255.255.255.255",
        "https://[fe80::1]",
        "https://[fc00::1]",
        "https://[::ffff:169.254.169.254]",
        "https://[::]",
        "https://2130706433",
        "https://0x7f.1",
        "https://127.1",
        "https://0177.0.0.1",
        "https://user:secret@api.voxworks.ai",
        "https://api.voxworks.ai@evil.example",
        "https://api.voxworks.ai?x=1",
        "https://api.voxworks.ai?",
        "https://api.voxworks.ai#x",
        "https://api.voxworks.ai/../admin",
        "https://api.voxworks.ai/a/..",
        "https://api.voxworks.ai/%2e%2e/admin",
        "https://api.voxworks.ai\\@evil.example",
        "https://api.voxworks.ai /x",
        "https://api.voxworks.ai\r\nX: y",
        "https://api.voxworks.ai:99999",
        "https://api..voxworks.ai",
        "https://https://api.voxworks.ai",
        "https://api.voxworks.ai:/v1",
        "https://api.voxworks.ai:",
        "https://api.voxworks.ai//v1",
        "https://xn--a.voxworks.ai",
        "https://-.example",
        "https://vöxworks.ai",
        "https://evil.example\u3002x",
    ],
)
def test_addresses_that_are_refused(given: str) -> None:
    """A key is never sent in the clear, into a network, or to a host that only looks right."""
    with pytest.raises(ValidationError):
        ConnectionSettings(base_url=given)


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("", "empty"),
        (" key", "begins or ends"),
        ("key\n", "begins or ends"),
        ("ke\r\ny: z", "line break"),
        ("ke\x00y", "control"),
        ("ké", "ASCII"),
        ("ke\u200by", "ASCII"),
    ],
)
def test_a_key_that_cannot_be_a_header_is_refused(secret: str, says: str) -> None:
    """A badly copied key is refused at load with a reason, and is not shown."""
    with pytest.raises(ValidationError, match=says) as refused:
        VoxworksSettings.model_validate({"api_key": secret})
    assert repr(secret)[1:-1] not in str(refused.value).replace(says, "") or not secret


def test_a_key_is_never_shown() -> None:
    """Neither settings nor their faults print a key."""
    assert "canary" not in repr(voxworks().settings) + str(callkaro().settings)
    with pytest.raises(ValidationError) as refused:
        VoxworksSettings.model_validate({"api_key": "canary-\n-key"})
    assert "canary" not in str(refused.value)


def test_secrets_are_found_by_their_type() -> None:
    """Every secret among the settings is redacted from replies."""
    assert voxworks().settings.secrets() == ("canary-key-5d1f",)


def test_settings_are_values() -> None:
    """An unknown key is a fault, and nothing changes after loading."""
    with pytest.raises(ValidationError):
        VoxworksSettings.model_validate({"api_key": "k", "tiemout": 1})
    with pytest.raises(ValidationError):
        setattr(voxworks().settings, "base_url", "https://evil.example")  # noqa: B010 - mypy knows it is frozen


def test_the_registry_names_each_adapter_as_it_names_itself() -> None:
    """Every built-in provider stands under its own name, with its own settings."""
    for name, adapter in PROVIDERS.items():
        assert adapter.provider == name
        assert issubclass(adapter.settings_type, ConnectionSettings)
        assert adapter.capabilities
