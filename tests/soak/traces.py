"""What the programs' logs hold that they should not: a Python trace is something unexpected."""

import re
from pathlib import Path

TRACE = "Traceback (most recent call last)"
ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
"""Where a log entry begins."""
LIBRARIES_OWN = re.compile(
    # aiomqtt asks the loop for a socket that paho has closed meanwhile; the loop refuses, and the
    # session ends by its own word.
    r"Exception in callback BaseSelectorEventLoop\.add_writer.*Bad file descriptor",
    re.DOTALL,
)
"""Traces that say nothing of our programs."""


def traces(folder: Path) -> list[str]:
    """Where each trace in the logs below `folder` stands, and its last line."""
    return [
        f"{path}: {entry.strip().splitlines()[-1]}"
        for path in sorted(folder.rglob("*.log"))
        for entry in ENTRY.split(path.read_text(errors="replace"))
        if TRACE in entry and not LIBRARIES_OWN.search(entry)
    ]
