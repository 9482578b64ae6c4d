"""`python -m bot demo` as a process: its output, its end, and whom it answers."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import ENDS_WITHIN, Demo
from tests.support.tree import ROOT


def family(parent: int) -> set[int]:
    """Return every process that descends from this one, as the kernel knows them."""
    pairs = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = entry.read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        pairs.append((int(stat.partition(" ")[0]), int(stat.rpartition(")")[2].split()[1])))
    found, more = set[int](), {parent}
    while more:
        more = {process for process, its_parent in pairs if its_parent in more} - found
        found |= more
    return found


def alive(process: int) -> bool:
    """Return whether a process still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ask(address: str, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
    """Send a request with exactly these headers, and return its status and body."""
    where = urlsplit(address)
    with closing(
        http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=ENDS_WITHIN)
    ) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, None if body is None else json.dumps(body), named)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are told by /proc, which only Linux has"
)
@pytest.mark.parametrize(
    ("keep", "by"), [(False, signal.SIGINT), (True, signal.SIGHUP)], ids=["Ctrl-C", "hang-up"]
)
def test_a_signal_stops_everything(by: signal.Signals, *, keep: bool) -> None:
    """After Ctrl-C or a closed terminal no process and no open port is left.

    The folder is gone, or named if kept.
    """
    running = Demo("--keep") if keep else Demo()
    children = family(running.process.pid)
    assert len(children) == 2  # the stand-ins and the bot
    assert (running.folder / "callops.db").exists()
    assert running.end(by) == 0
    assert [child for child in children if alive(child)] == []
    with socket.socket() as connection:
        assert connection.connect_ex(("127.0.0.1", urlsplit(running.address).port or 0)) != 0
    assert running.folder.exists() is keep
    if keep:
        assert running.told[-1] == f"Kept: {running.folder}"
        with closing(sqlite3.connect(running.folder / "callops.db")) as log:
            assert log.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = sorted(one.name for one in running.folder.iterdir())
        assert {"bot.log", "callops.db", "callops.toml", "providers.jsonl"} <= {*kept}
        assert "Traceback" not in (running.folder / "bot.log").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="processes are told by /proc, which only Linux has"
)
def test_ctrl_c_while_it_starts_stops_what_was_started(tmp_path: Path) -> None:
    """The signal comes after the first process has started, and before the last."""
    starting = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    children = set[int]()
    while not children:
        assert starting.poll() is None
        children = family(starting.pid)
    starting.send_signal(signal.SIGINT)
    told, _ = starting.communicate(timeout=ENDS_WITHIN)
    assert starting.returncode == 0, told
    assert "Traceback" not in told
    assert [child for child in children if alive(child)] == []
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said() -> None:
    """The user reads that the port is taken, and nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "bot", "demo", "--no-browser", "--port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=ENDS_WITHIN,
        )
    assert ended.returncode == 2
    assert f"Port {port} cannot be had" in ended.stderr


ORIGIN = {"Content_Type": "application/json"}
COMMAND = {"person": "U0AGENT", "channel": "C0SUPPORT", "text": "/calls help"}


def test_only_the_page_itself_is_answered(demo: Demo) -> None:
    """Another host name, another origin, a form, or no origin is refused, and nothing is done."""
    own = demo.address.rstrip("/")
    host = urlsplit(own).netloc
    assert ask(own, "GET", "/")[0] == 200
    assert ask(own, "GET", "/", Host="evil.example")[0] == 403
    assert ask(own, "GET", "/live/U0AGENT", Host=f"evil.example:{urlsplit(own).port}")[0] == 403
    assert ask(own, "GET", "/", Origin="http://evil.example")[0] == 403
    for headers in (
        {**ORIGIN, "Origin": "http://evil.example"},
        {**ORIGIN, "Origin": "null"},
        ORIGIN,
        {"Content_Type": "text/plain", "Origin": own},
        {**ORIGIN, "Origin": own, "Host": "evil.example"},
    ):
        assert ask(own, "POST", "/do/command", COMMAND, **headers)[0] == 403, headers
    assert ask(own, "POST", "/do/command", COMMAND, **ORIGIN, Origin=own, Host=host)[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        (
            "say",
            {"person": "U0GUEST", "channel": "C0APPROVE", "text": "hello"},
            "U0GUEST is not in call-approvals",
        ),
        ("say", {"person": "U0NOBODY", "channel": "C0SUPPORT", "text": "hello"}, "nobody is called U0NOBODY"),
        (
            "click",
            {"person": "U0AGENT", "channel": "C0SUPPORT", "ts": "1", "block_id": "b", "action_id": "a"},
            "sees no such message",
        ),
        ("submit", {"person": "U0AGENT", "view_id": "V1"}, "does not look at V1"),
        ("arm", {"provider": "nobody", "fault": "reset"}, "there is no provider nobody"),
        ("arm", {"provider": "kore", "fault": "flood"}, "there is no fault flood"),
        ("ring", {"provider": "kore", "end": "busy"}, "there is no provider kore whose calls ring"),
        ("ring", {"provider": "ryng", "end": "engaged"}, "Input should be 'answered'"),
        ("bot", {"does": "dance"}, "does"),
        ("say", {"person": "U0AGENT"}, "Field required"),
        ("say", [], "should be an object"),
    ],
)
def test_what_cannot_be_done_is_said(demo: Demo, path: str, body: object, sentence: str) -> None:
    """The answer is 409 with a sentence, for what Slack's client would not allow and for unknown acts."""
    own = demo.address.rstrip("/")
    status, told = ask(own, "POST", f"/do/{path}", body, **ORIGIN, Origin=own)
    assert status == 409
    assert sentence in json.loads(told)["sentence"]


def test_the_page_is_closed_to_everything_else(demo: Demo) -> None:
    """The page's policy forbids the browser to load, run, frame or send anything from or to elsewhere."""
    where = urlsplit(demo.address)
    for path, status in (("/", 200), ("/js/main.js", 200), ("/nothing", 404), ("/live/U0NOBODY", 404)):
        with closing(http.client.HTTPConnection(where.hostname or "", where.port or 0)) as connection:
            connection.request("GET", path)
            reply = connection.getresponse()
            assert reply.status == status, path
            policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
    static = ROOT / "playground" / "web" / "static"
    for file in static.rglob("*.[jhc]s*"):
        text = file.read_text(encoding="utf-8")
        assert "innerHTML" not in text, file
        assert "://" not in text.replace("http://www.w3.org/2000/svg", ""), file
