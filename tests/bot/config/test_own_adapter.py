"""An adapter outside the project, which the file names by its dotted path from the working folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bot.config.test_loader import FILE, environment
from tests.support.tree import ROOT

VOICE = """
from providers.actions import CallRef, CancelCall, Kind
from providers.base import Adapter, Capability, ConnectionSettings, Request
from providers.settings import Secret

class Settings(ConnectionSettings):
    api_key: Secret

class Voice(Adapter):
    provider = "voice"
    title = "Our Voice"
    support = "the people on the third floor"
    settings_type = Settings
    capabilities = (Capability(Kind.CANCEL_CALL, target=CallRef),)

    def build(self, action, context):
        return Request(path="/cancel", headers={})

    def parse(self, action, reply):
        return None

class Unfinished(Adapter):
    provider = "unfinished"
    title = "Unfinished"

class Unsettled(Voice):
    settings_type = dict

NUMBER = 7
"""

SCRIPT = """
import asyncio, os
from datetime import UTC, datetime
from bot.config.environment import ConfigError
from bot.config.loader import load
from bot.config.settings import make_adapters
from providers.actions import CampaignRef, DeleteCampaign, CannotSendError
from providers.base import Context

now = datetime(2025, 12, 30, tzinfo=UTC)
try:
    settings = load(os.environ)
except ConfigError as fault:
    raise SystemExit("\\n".join(fault.faults)) from None
for name, adapter in make_adapters(settings, lambda: now).items():
    print(name, type(adapter).__module__, adapter.title, adapter.settings.base_url)
    try:
        adapter.prepare(DeleteCampaign(target=CampaignRef(campaign_id="c1")), Context(now=now, action_id="A-1"))
    except CannotSendError as refused:
        print(refused.message)
    asyncio.run(adapter.aclose())
"""


def loaded(tmp_path: Path, provider: str, **modules: str) -> subprocess.CompletedProcess[str]:
    """Return how a start with this provider ends, in a folder that holds these modules."""
    package = tmp_path / "my_company"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    file = FILE.replace('"callkaro"', f'"{provider}"\nbase_url = "https://voice.example"')
    file = file.replace('agents = { payments = "6803fa770b666a64ab1694c1e" }\n', "")
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(tmp_path, file) | {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )


def test_an_adapter_of_ones_own_is_a_connection(tmp_path: Path) -> None:
    """A dotted path names a class in the working folder.

    It has its own settings, and messages name it by its title.
    """
    started = loaded(tmp_path, "my_company.voice:Voice", voice=VOICE)
    assert started.stderr == ""
    assert started.stdout.splitlines() == [
        "reminders my_company.voice Our Voice https://voice.example",
        "Our Voice can't delete campaigns.",
    ]


@pytest.mark.parametrize(
    ("provider", "voice", "says"),
    [
        pytest.param("their_company.voice:Voice", VOICE, 'there is no module "their_company": it is looked for in the working folder', id="no package"),
        pytest.param("my_company.vioce:Voice", VOICE, 'there is no module "my_company.vioce"', id="no module"),
        pytest.param("my_company.voice:Vioce", VOICE, '"my_company.voice" has nothing called Vioce', id="no name"),
        pytest.param("my_company.voice:NUMBER", VOICE, "is no adapter: it has to be a class made from providers.base.Adapter", id="no class"),
        pytest.param("my_company.voice:Settings", VOICE, "is no adapter: it has to be", id="another class"),
        pytest.param("my_company.voice:Unfinished", VOICE, "it lacks support, settings_type, capabilities, build, parse", id="not whole"),
        pytest.param("my_company.voice:Unsettled", VOICE, "its settings_type has to be made from providers.settings.ConnectionSettings", id="no settings"),
        pytest.param("my_company.voice:Voice", "\nimport nothing_of_this_name", "cannot be imported: ModuleNotFoundError: No module named 'nothing_of_this_name' (voice.py, line 2)", id="an import that fails"),
        pytest.param("my_company.voice:Voice", "from providers.base import Nothing", "cannot be imported: ImportError: cannot import name 'Nothing'", id="a name that is not there"),
        pytest.param("my_company.voice:Voice", "x = 1\nx = = 2", "cannot be imported: SyntaxError: invalid syntax (voice.py, line 2)", id="no Python"),
        pytest.param("my_company.voice:Voice", "1 / 0", "cannot be imported: ZeroDivisionError: division by zero (voice.py, line 1)", id="it raises"),
        pytest.param("my_company/voice.py:Voice", VOICE, '"my_company/voice.py:Voice" is no provider built in', id="a path"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_adapter_is_said(tmp_path: Path, provider: str, voice: str, says: str) -> None:
    """A wrong name or a broken module is a fault of a single line about the file."""
    started = loaded(tmp_path, provider, voice=voice)
    assert started.returncode == 1
    assert started.stderr.startswith("callops.toml: connections.reminders.provider: ")
    assert says in started.stderr
    assert started.stderr.count("\n") == 1


def test_its_settings_are_checked_like_any_other(tmp_path: Path) -> None:
    """A secret in the file and an unknown key are faults in the words of the file."""
    started = loaded(tmp_path, 'my_company.voice:Voice"\ncolour = "red', voice=VOICE)
    assert "callops.toml: connections.reminders.colour: there is no such key" in started.stderr
