"""Commands that run to their end."""

import subprocess
from pathlib import Path


def completed(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a command, whatever its exit code."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
