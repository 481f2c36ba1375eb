"""Simulated devices in a process of their own, so that a driver's time is not also theirs.

    python -m bench.devices WIRE FAMILY ...

Prints their URLs as one line of JSON; one called `dead` takes a connection and never answers, and
one like `telesis/0.005` takes so many seconds longer to answer. Ends when its input does.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulators.device import build
from simulators.faults import Faults
from simulators.part import PartStore
from simulators.pipe import Wire, serve
from tests.families import families

DEAD = "dead"


@contextmanager
def devices(wire: str, names: list[str]) -> Iterator[list[str]]:
    """Their URLs, in the same order."""
    command = [sys.executable, "-m", "bench.devices", wire, *names]
    process = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield list(json.loads(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


async def _silent(wire: Wire) -> None:
    while await wire.read():
        pass


async def main(wire: str, names: list[str]) -> None:
    rows = families()
    with tempfile.TemporaryDirectory(prefix="gjurma-bench-") as folder:
        parts = PartStore(Path(folder) / "parts.db")
        urls = []
        for number, name in enumerate(names):
            if name == DEAD:
                urls.append((await serve(wire, _silent, Faults())).url)
                continue
            family, _, longer = name.partition("/")
            row, faults = rows[family], Faults()
            if longer:
                faults.arm("delay", "to_host", count=sys.maxsize, seconds=float(longer))
            device = build(row.kind, dict(row.device), parts, f"s{number}", row.speed)
            urls.append(await device.start(wire, faults))
        print(json.dumps(urls), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
