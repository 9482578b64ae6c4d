"""Unknown commands, options and choices of `python -m bot`: status 2, with the probable one."""

import pytest

from bot.cli.parser import make_parser


def refused(capsys: pytest.CaptureFixture[str], *typed: str) -> str:
    """Return the last line that is said of a command that cannot be read."""
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(typed)
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.startswith("usage: python -m bot")
    return printed.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("chek", 'python -m bot: unknown command "chek". Did you mean "check"?'),
        ("Serve", 'python -m bot: unknown command "Serve". Did you mean "serve"?'),
        ("log lst", 'python -m bot log: unknown command "lst". Did you mean "list"?'),
        ("policy explane", 'python -m bot policy: unknown command "explane". Did you mean "explain"?'),
        ("do-not-call improt", 'python -m bot stop: unknown command "improt". Did you mean "import"?'),
        ("check --jsno", 'python -m bot check: unknown option "--jsno". Did you mean "--json"?'),
        ("check -json", 'python -m bot check: unknown option "-json". Did you mean "--json"?'),
        ("log list --form yesterday", 'python -m bot log list: unknown option "--form". Did you mean "--from"?'),
        ("log list --sate=failed", 'python -m bot log list: unknown option "--sate". Did you mean "--state"?'),
        ("log show --jsno", 'python -m bot log show: unknown option "--jsno". Did you mean "--json"?'),
        ("policy explain --usr U0ME", 'python -m bot policy explain: unknown option "--usr". Did you mean "--user"?'),
        ("stop import a.csv --lsit x", 'python -m bot stop import: unknown option "--lsit". Did you mean "--list"?'),
        ("--hlep", 'python -m bot: unknown option "--hlep". Did you mean "--help"?'),
        ("log --hlep list", 'python -m bot log: unknown option "--hlep". Did you mean "--help"?'),
        ("purge --xyzzy", 'python -m bot purge: unknown option "--xyzzy".'),
        ("log list --state succeded", 'python -m bot log list: --state: there is no "succeded". Did you mean "succeeded"?'),
        ("log export --format jsnol", 'python -m bot log export: --format: unknown value "jsnol". Did you mean "jsonl"?'),
        ("log export --format x", 'python -m bot log export: --format: unknown value "x". Use csv or jsonl.'),
        ("log x", 'python -m bot log: unknown command "x". Use list, export, show, fixture or verify.'),
        ("log show", "python -m bot log show: the following arguments are required: id"),
        ("check extra", "python -m bot: unrecognized arguments: extra"),
    ],
)  # fmt: skip
def test_what_was_probably_meant_is_said(capsys: pytest.CaptureFixture[str], typed: str, said: str) -> None:
    """At every level: commands, options and what an option takes; before what else is missing."""
    assert refused(capsys, *typed.split(" ")) == said


def test_what_was_typed_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    """It is another's where a script puts it there: it steers no terminal, and its beginning is enough."""
    assert "\\x1b[2J" in refused(capsys, "log", 'ex\x1b[2J"port"')
    assert len(refused(capsys, "--" + "x" * 9999)) < 120


@pytest.mark.parametrize(
    "typed",
    [
        ("log", "export", "--full"),
        ("log", "list", "--text", "--not an option"),
        ("log", "list", "--text=--reason"),
        ("log", "show", "--", "--A-7K3F"),
        ("log", "list", "--number", "-1"),
    ],
)
def test_what_argparse_takes_is_taken(typed: tuple[str, ...]) -> None:
    """Beginnings of options, values with a space or behind =, what stands behind --, and numbers."""
    assert make_parser().parse_args(typed).command == "log"
