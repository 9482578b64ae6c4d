"""Faults of the settings: no fault, traceback or repr shows a secret."""

import base64
import traceback
from pathlib import Path

import pytest

from bot.config.environment import ConfigError
from bot.config.loader import load
from tests.bot.config.test_loader import FILE, environment

CANARY = "cnry5d1f"
KEY = base64.b64encode(CANARY.encode() * 4).decode()
SECRETS = {
    "SLACK_BOT_TOKEN": f"xoxb-{CANARY}",
    "SLACK_APP_TOKEN": f"xapp-{CANARY}",
    "CALLOPS_KEY": KEY,
    "CALLKARO_API_KEY": CANARY,
    "VOXWORKS_API_KEY": CANARY,
    "RYNG_ACCESS_TOKEN": CANARY,
    "KORE_CLIENT_SECRET": CANARY,
    "KORE_JWT": CANARY,
}
CONNECTIONS = """
[connections.vox]
provider = "voxworks"
api_key = "env:VOXWORKS_API_KEY"
[connections.dialer]
provider = "ryng"
subdomain = "tenant"
access_token = "env:RYNG_ACCESS_TOKEN"
[connections.kore]
provider = "kore"
base_url = "https://platform.kore.ai"
app_id = "st-1"
account_id = "a"
client_id = "cs-1"
client_secret = "env:KORE_CLIENT_SECRET"
[connections.other-kore]
provider = "kore"
base_url = "https://platform.kore.ai"
app_id = "st-1"
account_id = "a"
token = "env:KORE_JWT"
"""
SPOILT = {
    "a line break": f"{CANARY}\n{CANARY}",
    "a header of its own": f"{CANARY}\r\nX-Evil: {CANARY}",
    "a space before": f" {CANARY}",
    "not ASCII": f"{CANARY}é",
    "invisible": f"{CANARY}\u200b",
    "a scheme before": f"Bearer {CANARY}",
    "nothing but a canary": CANARY,
}
IN_THE_FILE = {
    "a key in the file": ('"env:CALLKARO_API_KEY"', f'"{CANARY}"'),
    "a key that is a number": ('"env:CALLKARO_API_KEY"', "5117"),
    "a key in a list": ('"env:CALLKARO_API_KEY"', f'["{CANARY}"]'),
    "a key in a table": ('"env:CALLKARO_API_KEY"', f'{{ value = "{CANARY}" }}'),
    "a user name in an address": ("[groups]", f'base_url = "https://u:{CANARY}@api.callkaro.ai"\n[groups]'),
    "a key in an address": ("[groups]", f'base_url = "https://api.callkaro.ai?key={CANARY}"\n[groups]'),
    "an address that is none": ("[groups]", f'base_url = "{CANARY} of ours"\n[groups]'),
    "a key where a zone stands": ("[groups]", f'timezone = "{CANARY}"\n[groups]'),
    "no TOML": ('"env:CALLKARO_API_KEY"', f'"{CANARY}'),
}


def told(environment: dict[str, str]) -> str:
    """Return everything that loading prints, faults or settings."""
    try:
        settings = load(environment)
    except ConfigError as fault:
        return "\n".join((*fault.faults, str(fault), repr(fault), traceback.format_exc()))
    connections = [repr(one) for one in settings.connections.values()]
    return "\n".join((repr(settings), str(settings), *connections))


def whole(tmp_path: Path, file: str = FILE) -> dict[str, str]:
    """Return a faultless environment in which every secret is a canary."""
    return environment(tmp_path, file + CONNECTIONS) | SECRETS


def test_right_settings_tell_no_secret(tmp_path: Path) -> None:
    """Everything loads, and its output has neither a secret nor the key's bytes."""
    text = told(whole(tmp_path))
    assert "other-kore" in text
    assert CANARY not in text
    assert KEY not in text


@pytest.mark.parametrize("variable", SECRETS)
@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_secret_is_not_told(tmp_path: Path, variable: str, spoilt: str) -> None:
    """The fault of a spoilt secret has its name alone."""
    text = told(whole(tmp_path) | {variable: SPOILT[spoilt]})
    assert CANARY not in text
    assert KEY not in text


@pytest.mark.parametrize("fault", IN_THE_FILE)
def test_a_secret_in_the_wrong_place_is_not_told(tmp_path: Path, fault: str) -> None:
    """A secret in the file, or in another field, is still not repeated."""
    old, new = IN_THE_FILE[fault]
    assert old in FILE
    environment = whole(tmp_path, FILE.replace(old, new))
    if "timezone" in new or "base_url" in new:  # these keys belong to the connection above
        assert new in Path(environment["CALLOPS_CONFIG"]).read_text(encoding="utf-8")
    text = told(environment)
    assert "callops.toml: " in text or "callops.toml can't be read" in text
    assert CANARY not in text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", f"postgresql://callops:{CANARY}@db.example/callops"),
        ("DATABASE_URL", f"sqlite:///callops.db?key={CANARY}"),
        ("SLACK_API_URL", f"http://u:{CANARY}@slack.example/api/"),
    ],
)
def test_a_password_in_an_address_is_not_told(tmp_path: Path, variable: str, value: str) -> None:
    """The fault about a database's address names the variable and its expected value."""
    text = told(whole(tmp_path) | {variable: value})
    assert variable in text
    assert CANARY not in text
