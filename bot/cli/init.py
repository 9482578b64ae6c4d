"""`callops init`: writes the two files of a new installation, and names the next steps."""

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Final

from bot import shipped
from bot.config.environment import new_key
from bot.text.terminal import complain, program, say

APPS: Final = "https://api.slack.com/apps"
ENVIRONMENT: Final = ".env"
CONFIGURATION: Final = "callops.toml"
_NO_KEY: Final = "\nCALLOPS_KEY=\n"
PRIVATE: Final = 0o600
SHARED: Final = 0o644


def run(_: Namespace, variables: Mapping[str, str]) -> int:
    """Write `.env`, with a new key, and the configuration file. Existing files are kept.

    Return the exit status: 0, or 2 if a file cannot be written.
    """
    files = {
        ENVIRONMENT: (_example(".env.example").replace(_NO_KEY, f"\nCALLOPS_KEY={new_key()}\n"), PRIVATE),
        variables.get("CALLOPS_CONFIG") or CONFIGURATION: (_example("callops.example.toml"), SHARED),
    }
    for name, (text, mode) in files.items():
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            say(f"Kept {name}, which is there already.")
            continue
        except OSError as error:
            complain(f"{name} can't be written: {error.strerror}.")
            return 2
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - with the mode of its making
            file.write(text)
        say(f"Wrote {name}.")
    say(*next_steps())
    return 0


def _example(name: str) -> str:
    return shipped(name).read_text(encoding="utf-8").replace("python -m bot", program())


def next_steps(*, before: Sequence[str] = ()) -> list[str]:
    """Return the steps after `init` as lines, numbered, behind those that come ``before``."""
    steps = [
        *before,
        f"Create the Slack app at {APPS}, From a manifest. Paste the output of  {program()} manifest",
        "Install the app, and invite it to your audit channel and your approvals channel.",
        f"Fill in {ENVIRONMENT}. Keep a copy of CALLOPS_KEY in a safe place.",
        f"Fill in {CONFIGURATION}: your channels, connections, groups and rules.",
        f"Run  {program()} check  until nothing is wrong.",
        f"Run  {program()} serve",
    ]
    return ["", "Next:", *(f"  {number}. {step}" for number, step in enumerate(steps, start=1))]
