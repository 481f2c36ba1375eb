"""The demo's state folder: one demo in it at a time, and nothing of anybody else's touched."""

import contextlib
import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulators.demo.equipment import MARKER, READER
from simulators.demo.processes import end_leftovers, program
from simulators.demo.sites import SITES
from simulators.part import FILE

LOCK = "demo.lock"
SOCKET = "demo.sock"
OWN = frozenset(
    {
        *(LOCK, SOCKET, "demo.json", "demo.new", "central.toml", "people.json"),
        *("setup.code", ".setup.code.new", "accounts.json", "accounts.new", "people.new"),
        *("broker", "guard", "keys", "logs", "pg", ".pg.lock", FILE, f"{FILE}-journal"),
        *(site.gateway for site in SITES),
    }
)
"""All that a demo makes there; only these are ever removed."""


class FolderRefused(Exception):
    """A state folder that this demo must not touch; `str()` says why."""


@contextlib.contextmanager
def alone_in(state: Path) -> Iterator[None]:
    """One demo a folder, and only in a folder of its own. Raises `FolderRefused`."""
    try:
        there = {entry.name for entry in state.iterdir()} - {LOCK} if state.exists() else set()
        if there and not _is_a_demos(state):
            raise FolderRefused(f"{state} is not a demo's folder; give another one with --state")
        state.mkdir(parents=True, exist_ok=True)
        lock = (state / LOCK).open("w")
    except OSError as error:
        raise FolderRefused(
            f"{error.filename or state}: {error.strerror}; give another folder with --state"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderRefused(
                f"a demo is running in {state}; end it, or give another folder with --state"
            ) from None
        yield


def _is_a_demos(state: Path) -> bool:
    """By what `demo.json` says, not by its name."""
    try:
        value = json.loads((state / "demo.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and {"ports", "pids", "parts", "logs"} <= value.keys()


def equipment(state: Path, gateway: str) -> dict[str, str]:
    """The kinds of `marker` and `reader` that a folder's line was begun with; empty if not yet."""
    if not (state / "demo.json").exists():
        return {}
    told: dict[str, Any] = json.loads((state / "demo.json").read_text("utf-8"))
    usual = {"marker": MARKER, "reader": READER}  # of a folder from before there was a choice
    kinds: dict[str, str] = told.get("equipment", {}).get(gateway, usual)
    return kinds


def clean_up(state: Path, *, fresh: bool) -> Iterator[str]:
    """What a demo that was killed left running and half made; tells what was done."""
    for name in end_leftovers(state):
        yield f"ended what was left running: {name}"
    begun = (state / "people.json").exists() or (state / f"logs/{SITES[0].gateway}.log").exists()
    if fresh or not begun:  # the register is half seeded, and nothing was marked
        _empty(state)


def _empty(state: Path) -> None:
    if (state / "central.toml").exists():
        subprocess.run(  # noqa: S603 -- this project's own program
            [program("gjurma-central"), "stop-database", "--state", str(state)],
            check=False,
            capture_output=True,
        )
    for entry in state.iterdir():
        if entry.name not in OWN or entry.name == LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
