"""A separate pytest, in another process and another tree."""

import os
import subprocess
import sys
from pathlib import Path


def another_pytest(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a tree, with only the plugin that its tests need, because loading all takes longer."""
    plugins = ("-p", "no:cacheprovider", "-p", "pytest_asyncio.plugin")
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pytest", *plugins, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
