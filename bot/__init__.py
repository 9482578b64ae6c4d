"""The Slack app: listeners, services, rules, background workers and the command line."""

from pathlib import Path
from typing import Final

VERSION: Final = "1.0.0"
_PACKAGE: Final = Path(__file__).parent


class CallOpsError(Exception):
    """Base of the errors that CallOps raises for a caller to handle."""


def shipped(name: str) -> Path:
    """Return a file of the project's folder that an installed CallOps has too, inside its package."""
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
