"""Configuration from the environment and the file, and its faults, which are reported all at once."""

import base64
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.environment import ConfigError
from bot.config.loader import load
from bot.config.settings import RENAMED
from bot.policy.rules import written
from providers.actions import SINGLE_KINDS, Kind
from providers.registry import PROVIDERS
from tests.support.tree import ROOT

KEY = base64.b64encode(bytes(32)).decode()

OTHER_SECRETS = {"VOXWORKS_API_KEY": "another-key", "RYNG_ACCESS_TOKEN": "a-token", "KORE_JWT": "a.jwt.token"}
OTHER_SECRETS |= {"CALLKARO_WEBHOOK_SECRET": "a-word-of-22-letters-x"}

FILE = """
[slack]
audit_channel = "C0AUDIT"
approvals_channel = "C0APPROVE"

[connections.reminders]
provider = "callkaro"
api_key = "env:CALLKARO_API_KEY"
agents = { payments = "6803fa770b666a64ab1694c1e" }

[groups]
managers = ["U0MANAGER", "S0MANAGERS"]

[[rules]]
name = "cancel"
actions = ["cancel_call"]
approve = ["managers"]
"""


def environment(tmp_path: Path, file: str = FILE, **more: str) -> dict[str, str]:
    """Return a whole environment around a file."""
    path = tmp_path / "callops.toml"
    path.write_text(file, encoding="utf-8")
    return {
        "CALLOPS_CONFIG": str(path),
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "CALLOPS_KEY": KEY,
        "CALLKARO_API_KEY": "canary-key",
    } | more


def faults(tmp_path: Path, file: str = FILE, **more: str) -> list[str]:
    """Return the faults of an environment."""
    with pytest.raises(ConfigError) as caught:
        load(environment(tmp_path, file, **more))
    return caught.value.faults


def test_a_small_file_is_enough(tmp_path: Path) -> None:
    """Every setting that is not marked as required has a default."""
    settings = load(environment(tmp_path))
    assert settings.rules[0].expires == timedelta(hours=8)
    assert settings.slack.default_region == "IN"
    assert settings.database == Path("callops.db")
    assert settings.audit_channel("reminders") == "C0AUDIT"
    assert settings.rules[0].actions == (Kind.CANCEL_CALL,)


WRITTEN_BY_EDITORS = {
    "a byte-order mark": FILE.encode("utf-8-sig"),
    "lines of Windows": FILE.replace("\n", "\r\n").encode(),
    "both": FILE.replace("\n", "\r\n").encode("utf-8-sig"),
    "lines of an old Mac": FILE.replace("\n", "\r").encode(),
    "no last line end": FILE.strip().encode("utf-8-sig"),
}
NO_TEXT = {
    "UTF-16": (FILE.encode("utf-16"), "it is in UTF-16"),
    "UTF-16, the other way": (b"\xfe\xff" + FILE.encode("utf-16-be"), "it is in UTF-16"),
    "UTF-16 without its mark": (FILE.encode("utf-16-le"), "it holds bytes that no text has"),
    "UTF-32": (FILE.encode("utf-32"), "it is in UTF-32"),
    "Latin-1": (FILE.replace('"cancel"', '"Kündigung"').encode("latin-1"), "line 15 isn't in UTF-8"),
    "Windows-1252": (FILE.replace('"cancel"', '"don’t"').encode("cp1252"), "line 15 isn't in UTF-8"),  # noqa: RUF001
    "packed": (b"\x1f\x8b\x08\x00", "it is in gzip"),
    "a document": (b"PK\x03\x04", "it is in zip"),
}


@pytest.mark.parametrize("content", WRITTEN_BY_EDITORS.values(), ids=WRITTEN_BY_EDITORS)
def test_a_file_is_read_as_any_editor_writes_it(tmp_path: Path, content: bytes) -> None:
    """A file is read with or without a byte-order mark, and with any line ends."""
    variables = environment(tmp_path)
    Path(variables["CALLOPS_CONFIG"]).write_bytes(content)
    settings = load(variables)
    assert settings.rules == load(environment(tmp_path)).rules
    assert settings.audit_channel("reminders") == "C0AUDIT"


@pytest.mark.parametrize(("content", "says"), NO_TEXT.values(), ids=NO_TEXT)
def test_a_file_in_another_encoding_says_so(tmp_path: Path, content: bytes, says: str) -> None:
    """The fault names the encoding where it can be told, and says how to save the file."""
    variables = environment(tmp_path)
    Path(variables["CALLOPS_CONFIG"]).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(variables)
    path = variables["CALLOPS_CONFIG"]
    assert caught.value.faults == [f"{path} can't be read: {says}: save it as plain text in UTF-8"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of its own, with the variables of its `.env` and no others."""
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "bot", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize(
    ("mark", "end"), [("", "\n"), ("\ufeff", "\n"), ("\ufeff", "\r\n"), ("", "\r\n"), ("", "\r")]
)
def test_the_environments_file_is_read_as_any_editor_writes_it(tmp_path: Path, mark: str, end: str) -> None:
    """The first line of `.env` counts too, and no value keeps a line end."""
    lines = ["DATABASE_URL=sqlite:///nowhere.db", f'CALLOPS_KEY="{KEY}"', "CALLOPS_CONFIG=mine.toml", ""]
    (tmp_path / ".env").write_bytes((mark + end.join(lines)).encode())
    (tmp_path / "mine.toml").write_bytes(FILE.replace("\n", end).encode("utf-8-sig"))
    assert run(tmp_path, "log", "list").stderr == "There is no log at nowhere.db: is DATABASE_URL right?\n"
    linted = run(tmp_path, "policy", "lint", "--json")
    assert [one["check"] for one in json.loads(linted.stdout)] == ["rules", "user group S0MANAGERS"]


@pytest.mark.parametrize(
    ("encoding", "says"), [("utf-16", "it is in UTF-16"), ("latin-1", "line 2 isn't in UTF-8")]
)
def test_an_environments_file_in_another_encoding_says_so(tmp_path: Path, encoding: str, says: str) -> None:
    """Every command reports a `.env` in another encoding, such as PowerShell's, and does nothing."""
    (tmp_path / ".env").write_bytes(f"CALLOPS_KEY={KEY}\nNOTE=ü\n".encode(encoding))
    for command in (("log", "list"), ("serve",), ("check",), ("policy", "lint"), ("purge",)):
        left = run(tmp_path, *command)
        assert (left.returncode, left.stdout) == (2, ""), command
        assert f".env can't be read: {says}: save it as plain text in UTF-8." in left.stderr
        assert "Traceback" not in left.stderr


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    """No more of it is read than a file of settings has, whichever of the two it is."""
    left = run(tmp_path, "policy", "lint", "--config", "/dev/zero")
    assert (left.returncode, left.stderr) == (1, "")
    assert "/dev/zero can't be read: it is larger than 16 MB" in left.stdout
    (tmp_path / ".env").symlink_to("/dev/zero")
    left = run(tmp_path, "log", "list")
    assert (left.returncode, left.stderr) == (2, ".env can't be read: it is larger than 16 MB.\n")


def test_the_example_file_loads(tmp_path: Path) -> None:
    """The example file is valid as an operator copies it."""
    example = (ROOT / "callops.example.toml").read_text(encoding="utf-8")
    settings = load(environment(tmp_path, example, **OTHER_SECRETS))
    assert set(settings.connections) == {"reminders", "voxworks", "dialer", "kore"}
    assert settings.rules[0].actions == (Kind.CANCEL_CALL, Kind.DELETE_CAMPAIGN)


def test_every_commented_setting_of_the_example_is_one(tmp_path: Path) -> None:
    """The example is also valid with all its commented settings."""
    lines = (ROOT / "callops.example.toml").read_text(encoding="utf-8").splitlines()
    whole = [
        line.removeprefix("# ")
        if line.startswith("# ") and ("=" in line or "# [" in line) and '"env:NAME"' not in line
        else line
        for line in lines
    ]
    settings = load(environment(tmp_path, "\n".join(whole), **OTHER_SECRETS))
    assert settings.audit_channel("reminders") == "C0COLLECTIONS"
    assert {kind for rule in settings.rules for kind in rule.actions} == set(SINGLE_KINDS)


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    """The faults of the environment and of the file are reported together."""
    file = FILE.replace("C0AUDIT", "audit").replace('approve = ["managers"]', 'approve = ["manager"]')
    found = "\n".join(faults(tmp_path, file, SLACK_BOT_TOKEN="", CALLOPS_KEY="short", LOG_LEVEL="loud"))
    for part in (
        "slack.audit_channel: write a channel's id (C…)",
        'there is no group "manager"; did you mean "managers"?',
        "SLACK_BOT_TOKEN isn't set",
        "CALLOPS_KEY isn't 32 bytes",
        "LOG_LEVEL is LOUD",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("[slack]", "[slak]", 'slak: there is no such table; did you mean "slack"?', id="a table's typo"),
        pytest.param('provider = "callkaro"', 'provider = "callkaro"\ndashboard_url = "http://callkaro.ai"', "write an address that begins with https://", id="a dashboard without https"),
        pytest.param("audit_channel", "audit_chanel", "did you mean", id="a key's typo"),
        pytest.param('"callkaro"', '"twilio"', '"twilio" is no provider built in; built in are ' + ", ".join(sorted(PROVIDERS)), id="no provider of ours"),
        pytest.param('"callkaro"', '"calkaro"', 'did you mean "callkaro"?', id="a provider's typo"),
        pytest.param('["cancel_call"]', '["cancel_cal"]', 'rules "cancel".actions.0: should be', id="a kind's typo"),
        pytest.param('name = "cancel"', 'name = "cancel"\nnotify = "some"', "notify: should be 'first', 'all' or 'nobody'", id="whom to notify"),
        pytest.param('name = "cancel"', 'name = "cancel"\nreveal = ["manager"]', 'reveal: there is no group "manager"; did you mean "managers"?', id="who may see numbers"),
        pytest.param('approve = ["managers"]', "", "settle is missing", id="nobody could settle"),
        pytest.param('name = "cancel"', 'name = "cancel"\napprovals = 11', "approvals: Input should be less than or equal to 10", id="more approvals than people"),
        pytest.param('name = "cancel"', 'name = "cancel"\napprovals = 0', "greater than or equal to 1", id="no approval"),
        pytest.param('name = "cancel"', 'name = "cancel"\naprovals = 2', 'did you mean "approvals"?', id="a key mistyped"),
        pytest.param('["cancel_call"]', '["cancel_cal"]', 'did you mean "cancel_call"?', id="an action mistyped"),
        pytest.param('name = "cancel"', 'name = "cancel"\nconnections = ["reminder"]', 'there is no connection "reminder"; did you mean "reminders"?', id="a connection mistyped"),
        pytest.param('name = "cancel"', 'name = "cancel"\nreasons = ["custmer asked"]', 'did you mean "customer asked"?', id="a reason mistyped"),
        pytest.param("[slack]", f"[slack]\ndenial_reasons = {[f'reason {n}' for n in range(100)]}", "slack.denial_reasons: ", id="more reasons than a list takes"),
        pytest.param('name = "cancel"', 'name = "cancel"\ncountries = ["in"]', 'did you mean "IN"?', id="a country in small letters"),
        pytest.param('name = "cancel"', 'name = "cancel"\ncountries = ["XQ"]', '"XQ" is no country', id="no country"),
        pytest.param('name = "cancel"', 'name = "cancel"\nchannels = ["#support"]', "write a channel's id", id="a channel's name"),
        pytest.param('name = "cancel"', 'name = "cancel"\nhours = "20:00-08:00"', "timezone is missing", id="hours without a clock"),
        pytest.param('name = "cancel"', 'name = "cancel"\nhours = "20-8"', 'such as "20:00-08:00"', id="no hours"),
        pytest.param('name = "cancel"', 'name = "cancel"\nhours = "20:00-20:00"\ntimezone = "UTC"', "begins and ends at the same time", id="hours of no length"),
        pytest.param('name = "cancel"', 'name = "cancel"\ntimezone = "UTC"', "without hours", id="a clock for nothing"),
        pytest.param('name = "cancel"', 'name = "cancel"\nescalate_to = ["managers"]', "go together", id="escalated, but when"),
        pytest.param('name = "cancel"', 'name = "cancel"\nescalate_to = ["managers"]\nescalate_after = "9h"', "after its time ran out", id="escalated too late"),
        pytest.param('name = "cancel"', 'name = "cancel"\nnotify_groups = ["everyone"]', "can't be written to", id="everyone is told"),
        pytest.param('name = "cancel"', 'name = "cancel"\nnotify_groups = ["manager"]', 'did you mean "managers"?', id="a group to tell mistyped"),
        pytest.param('approve = ["managers"]', 'settle = ["managers"]\napprovals = 2', "nobody is asked to approve here", id="approvals by nobody"),
        pytest.param('approve = ["managers"]', 'approve = ["managers"]\neffect = "deny"', "only says for whom", id="a denial that is approved"),
        pytest.param('["cancel_call"]', '["cancel_call", "delete_campaign"]\ncountries = ["IN"]', "a campaign has no number", id="a campaign's country"),
        pytest.param('name = "cancel"', 'name = "cancel"\nexpires = "soon"', 'such as "8h"', id="no duration"),
        pytest.param('"callkaro"', '"callkaro"\nmode = "dry"', "mode: should be 'live' or 'dry-run'", id="a mode nobody knows"),
        pytest.param('"env:CALLKARO_API_KEY"', '"canary-secret"', 'write "env:NAME"', id="a secret in the file"),
        pytest.param('"callkaro"', '"callkaro"\nbase_url = "http://example.com"', "https", id="plain http elsewhere"),
        pytest.param('"callkaro"', '"callkaro"\ntimezone = "Asia/Nowhere"', "time zone", id="no time zone"),
        pytest.param("managers = [", "everyone = [", "means all full members", id="a reserved group"),
        pytest.param('"U0MANAGER", ', '"mira", ', "write a person's id", id="a name for an id"),
        pytest.param("connections.reminders]", "connections.Reminders]", "small letters", id="a name nobody can type"),
    ],
)  # fmt: skip
def test_a_fault_names_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Each fault says where it is and what to write, and never shows a secret."""
    found = "\n".join(faults(tmp_path, FILE.replace(old, new)))
    assert says in found
    assert "canary" not in found
    assert "pydantic" not in found


CONNECTION, RULE, DISPATCH = 'provider = "callkaro"\n', 'name = "cancel"\n', "[dispatch]\n"
FORMER = {
    "ask_next": (DISPATCH, "dispatch", "next_approver_after"),
    "beyond_documents": (CONNECTION, "connections.reminders", "allow_undocumented"),
    "between": (RULE, 'rules "cancel"', "hours"),
    "daily": ("[slack]\n", "slack", "daily_summary"),
    "lift": (RULE, 'rules "cancel"', "unblock"),
    "margin": (DISPATCH, "dispatch", "send_margin"),
    "own": (RULE, 'rules "cancel"', "self_approval"),
    "tell": (RULE, 'rules "cancel"', "notify_groups"),
    "webhook": (CONNECTION, "connections.reminders", "webhook_secret"),
}
"""Former keys: the line they come after, the table's name in a fault, and the present key."""


@pytest.mark.parametrize("old", RENAMED)
def test_a_former_key_names_the_present_one(tmp_path: Path, old: str) -> None:
    """A former key is a fault wherever the present one could be, and nowhere else has a present one."""
    after, where, new = FORMER[old]
    file = f"{FILE}\n[dispatch]\n"
    assert faults(tmp_path, file.replace(after, f"{after}{old} = true\n")) == [
        f"callops.toml: {where}.{old}: this key is now {new}"
    ]
    [elsewhere] = faults(tmp_path, f"{FILE}\n[retention]\n{old} = true\n")
    assert f"callops.toml: retention.{old}: there is no such key" in elsewhere


def test_a_connection_without_its_secret_is_off_and_named(tmp_path: Path) -> None:
    """The other connections are on."""
    more = '[connections.vox]\nprovider = "voxworks"\napi_key = "env:VOX_KEY"\n'
    settings = load(environment(tmp_path, FILE + more))
    assert set(settings.connections) == {"reminders"}
    assert settings.off == {"vox": "VOX_KEY not set"}


KORE = """
[connections.kore]
provider = "kore"
base_url = "https://platform.kore.ai"
app_id = "st-1"
account_id = "a1"
"""


def test_of_two_ways_in_only_one_needs_its_secret(tmp_path: Path) -> None:
    """A secret that the file does not name is not missed.

    A named secret that is not set disables the connection.
    """
    signing = 'client_id = "cs-1"\nclient_secret = "env:KORE_SECRET"\n'
    on = load(environment(tmp_path, FILE + KORE + signing, KORE_SECRET="canary-secret-of-the-jwt-app"))
    assert "kore" in on.connections
    assert "canary" not in repr(on)
    off = load(environment(tmp_path, FILE + KORE + signing))
    assert off.off == {"kore": "KORE_SECRET not set"}


@pytest.mark.parametrize("key", ["token", "client_secret"])
def test_an_optional_secret_in_the_file_is_a_fault_too(tmp_path: Path, key: str) -> None:
    """Secrets come from the environment, even those that a connection need not have."""
    found = "\n".join(faults(tmp_path, f'{FILE}{KORE}{key} = "canary-secret"\n'))
    assert (
        f'connections.kore.{key}: secrets come from the environment or a file: write "env:NAME" or "file:PATH"'
        in found
    )
    assert "canary" not in found


def test_an_empty_variable_is_unset(tmp_path: Path) -> None:
    """An empty variable in `.env` counts as not set."""
    assert load(environment(tmp_path, LOG_LEVEL="", DATABASE_URL="")).log_level == "INFO"


@pytest.mark.parametrize("key", ["canary\nkey", " canary", "canary\r", "cänary"])
def test_a_secret_that_no_header_can_carry_is_refused(tmp_path: Path, key: str) -> None:
    """A key with a line break, or a space at its end, is a fault that does not show the key."""
    found = "\n".join(faults(tmp_path, CALLKARO_API_KEY=key))
    assert "connections.reminders.api_key" in found
    assert "canary" not in found


def test_no_secret_shows_in_the_settings(tmp_path: Path) -> None:
    """Neither `repr` nor `str` shows a key or a token."""
    shown = repr(load(environment(tmp_path, SLACK_BOT_TOKEN="xoxb-canary", SLACK_APP_TOKEN="xapp-canary")))
    assert "canary" not in shown
    assert KEY not in shown


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """The fault names the file and the command that writes one."""
    [found] = faults(tmp_path, CALLOPS_CONFIG=str(tmp_path / "none.toml"))
    assert "write one with  python -m bot init" in found


@pytest.mark.parametrize("url", ["http://slack.com/api/", "http://10.0.0.1/"])
def test_slack_is_spoken_to_over_https_only(tmp_path: Path, url: str) -> None:
    """Plain http is allowed only to this computer."""
    assert any("SLACK_API_URL must be https" in fault for fault in faults(tmp_path, SLACK_API_URL=url))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://bot.example", "https://bot.example"),
        ("https://bot.example:8443/call-ops/", "https://bot.example:8443/call-ops"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("", None),
    ],
)
def test_the_public_address_is_known_if_it_is_set(tmp_path: Path, url: str, found: str | None) -> None:
    """Providers are told addresses below it."""
    assert load(environment(tmp_path, PUBLIC_URL=url)).public_url == found


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example",
        "bot.example",
        "https://canary@bot.example",
        "https://bot.example/?canary=1",
        "https://bot.example/a b",
        "https://127.0.0.1.evil.example@canary",
        "ftp://127.0.0.1",
    ],
)
def test_the_public_address_is_https_or_this_machine(tmp_path: Path, url: str) -> None:
    """The secrets of webhooks stand behind it. The fault doesn't repeat it."""
    [fault] = faults(tmp_path, PUBLIC_URL=url)
    assert fault.startswith("PUBLIC_URL must be https, or on this machine")
    assert "canary" not in fault


HEARING = FILE.replace(
    'provider = "callkaro"',
    'provider = "callkaro"\nwebhook_secret = "env:CALLKARO_WEBHOOK_SECRET"\nsend_action_id = true\nallow_undocumented = true',
)


def test_webhooks_are_heard_on_this_machine_unless_told_otherwise(tmp_path: Path) -> None:
    """HOST and PORT have defaults, and the environment overrides them."""
    usual = load(environment(tmp_path))
    assert (usual.host, usual.port) == ("127.0.0.1", 3000)
    other = load(environment(tmp_path, HOST="0.0.0.0", PORT="8080"))
    assert (other.host, other.port) == ("0.0.0.0", 8080)


@pytest.mark.parametrize("port", ["http", "-1", "65536", "3000.0", " 3000", "²"])
def test_a_port_is_a_number(tmp_path: Path, port: str) -> None:
    """A port that is no number is a fault."""
    assert faults(tmp_path, PORT=port) == [f"PORT is {port}: write a number up to 65535"]


def test_a_webhook_without_its_word_puts_its_connection_off(tmp_path: Path) -> None:
    """As any secret that is missing; with it the connection is on, and a short one is a fault."""
    assert load(environment(tmp_path, HEARING)).off == {"reminders": "CALLKARO_WEBHOOK_SECRET not set"}
    assert "reminders" in load(environment(tmp_path, HEARING, CALLKARO_WEBHOOK_SECRET="x" * 22)).connections
    [fault] = faults(tmp_path, HEARING, CALLKARO_WEBHOOK_SECRET="canary")
    assert "connections.reminders.webhook_secret: must be 22 to 128 random letters" in fault
    assert "canary" not in fault


def test_a_webhook_that_could_not_be_understood_says_what_to_add(tmp_path: Path) -> None:
    """Without our id in the metadata, no webhook could name its action."""
    file = HEARING.replace("send_action_id = true\n", "")
    [fault] = faults(tmp_path, file, CALLKARO_WEBHOOK_SECRET="x" * 22)
    assert fault.endswith(
        "connections.reminders: webhook_secret needs more: add send_action_id = true to this connection"
    )


def test_calling_hours_are_known_by_country_and_can_be_written_down(tmp_path: Path) -> None:
    """A rule and a connection name a country's hours or their own.

    The file's hours come before the built-in ones.
    """
    own = '[calling_hours]\nDE = [{ from = "9:00", until = "18:00", days = "Mon-Fri" }]\n'
    file = own + FILE.replace(
        'name = "cancel"', 'name = "cancel"\ncalling_hours = "DE"\nunblock = ["managers"]'
    )
    file = file.replace('provider = "callkaro"', 'provider = "callkaro"\ncalling_hours = "recipient"')
    settings = load(environment(tmp_path, file))
    assert settings.rules[0].calling_hours == "DE"
    assert settings.connections["reminders"].calling_hours == "recipient"
    assert settings.hours["DE"].words() == "Mon to Fri from 9:00 AM to 6:00 PM"
    assert {"IN", "US"} <= settings.hours.keys()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('calling_hours = "DE"', 'rules "cancel".calling_hours: no calling hours are known for DE'),
        ('calling_hours = "Germany"', 'rules "cancel".calling_hours: write a country'),
        ('calling_hours = { from = "18:00", until = "9:00" }', "from comes before until"),
        ('purpose = "always"', "purpose: should be"),
        ('unblock = ["leads"]', 'rules "cancel".unblock: there is no group "leads"'),
    ],
)
def test_what_is_wrong_with_calling_hours_is_said(tmp_path: Path, line: str, fault: str) -> None:
    """Each fault of calling hours names its place, in the words of the file."""
    found = faults(tmp_path, FILE.replace('name = "cancel"', f'name = "cancel"\n{line}'))
    assert any(fault in one for one in found), found


def test_what_is_wrong_with_a_countrys_hours_is_said(tmp_path: Path) -> None:
    """The faults concern the country's code and the keys below it."""
    table = '[calling_hours]\nGermany = "IN"\nDE = "IN"\nFR = { from = "9", until = "18:00" }\n'
    found = " ".join(faults(tmp_path, table + FILE))
    assert "calling_hours.Germany: write a country's two capital letters" in found
    assert "calling_hours.DE: write from, until and days" in found
    assert "calling_hours.FR: write an hour and minutes" in found


def test_how_long_things_are_kept_is_checked(tmp_path: Path) -> None:
    """Retention times leave something to purge, and each hold names a request or a number."""
    wrong = FILE + '\n[retention]\nkeep_at_least = "90d"\nkeep_at_most = "30d"\nhold = ["A-7K3F"]\n'
    assert faults(tmp_path, wrong) == [
        "callops.toml: retention: keep_at_most must be longer than keep_at_least"
    ]
    right = wrong.replace('"30d"', '"365d"').replace('"A-7K3F"', '"A-7K3F", "+919876543210"')
    retention = load(environment(tmp_path, right)).retention
    assert (retention.keep_at_least, retention.keep_at_most) == (timedelta(days=90), timedelta(days=365))
    assert retention.hold == {"A-7K3F", "+919876543210"}


def test_hours_of_a_rule_are_kept_in_words(tmp_path: Path) -> None:
    """The log keeps the rules as JSON, in which the hours of a rule are text."""
    own = 'calling_hours = { from = "9:00", until = "18:00" }'
    settings = load(environment(tmp_path, FILE.replace('name = "cancel"', f'name = "cancel"\n{own}')))
    kept = json.loads(json.dumps(written(settings.rules, settings.groups, {})))
    assert "from 9:00 AM to 6:00 PM" in kept["rules"][0]["calling_hours"]


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9464", ("::1", 9464)),
        ("0.0.0.0:9464,unprotected", ("0.0.0.0", 9464)),
        ("", None),
    ],
)
def test_metrics_are_served_where_the_environment_says(
    tmp_path: Path, told: str, read: tuple[str, int] | None
) -> None:
    """Only this machine can read them, unless the variable says otherwise."""
    assert load(environment(tmp_path, METRICS=told)).metrics == read


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("0.0.0.0:9464", "or 0.0.0.0:9464,unprotected if only your Prometheus reaches it"),
        ("127.0.0.2.evil.example:1", "where others can read them without a password"),
        ("9464", "write an address and a port, such as 127.0.0.1:9464"),
        ("127.0.0.1:99999", "write an address and a port"),
        ("http://127.0.0.1:9464", "write an address and a port"),
    ],
)
def test_metrics_for_others_are_refused(tmp_path: Path, told: str, why: str) -> None:
    """They have no password, so an address for others needs a word more."""
    [fault] = faults(tmp_path, METRICS=told)
    assert fault.startswith(f"METRICS is {told}")
    assert why in fault
