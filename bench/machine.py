"""What the numbers were measured on: without it they mean nothing."""

import os
import platform
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IN_MEMORY = {"tmpfs", "ramfs"}


def describe(folder: Path) -> dict[str, Any]:
    """The machine and the disk under `folder`. The load is what others, too, are doing on it."""
    disk = disk_of(folder)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "disk": disk,
        "load_before": round(os.getloadavg()[0], 2),
    }


def disk_of(folder: Path) -> dict[str, str]:
    """The mount that holds `folder`: device, file system, options."""
    best: tuple[int, dict[str, str]] = (-1, {})
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        point = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields[4]))
        if folder.resolve().is_relative_to(point) and len(point.parts) > best[0]:
            found = {"device": kinds[1], "type": kinds[0], "options": fields[5]}
            best = (len(point.parts), found)
    return best[1]


def to_text(machine: dict[str, Any]) -> str:
    disk = machine["disk"]
    on_disk = f"{disk['type']} on {disk['device']} ({disk['options']})"
    return "\n".join(
        (
            (
                f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB;"
                f" Linux {machine['kernel']}; {on_disk}"
            ),
            (
                f"Python {machine['python']}, SQLite {machine['sqlite']},"
                f" PostgreSQL {machine.get('postgresql', 'not started')};"
                f" load {machine['load_before']} before, {machine['load_after']} after"
            ),
        )
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
