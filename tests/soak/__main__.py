"""`make soak`: real programs, servers and devices for some minutes, while things go wrong.

    python -m tests.soak --minutes 5 [--seed N] [--gateways 10] [--verbose]

Prints one line of JSON, then which scenes were played and what came of them. Exit 0: the parts,
the journals and the register agree, every line goes on, and the register names whatever is lost or
doubled. Exit 1: they do not, or it was ended; the folder stays, and is named. Exit 2: wrong use.
"""

import argparse
import asyncio
import json
import logging
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.needs import NEEDS
from tests.soak.run import Ended, Soak

GOOD, FINDING, WRONG_USE = 0, 1, 2
NEEDED = ("needs_mosquitto", "needs_postgres_server")


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=_minutes, default=5, metavar="N")
    parser.add_argument("--gateways", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, help="decides what goes wrong, when and to whom")
    parser.add_argument("--verbose", action="store_true", help="tell each fault as it is done")
    arguments = parser.parse_args()
    lacking = [need for need in NEEDS if need.marker in NEEDED and need.missing()]
    if lacking:
        packages = " ".join(package for need in lacking for package in need.packages)
        print(f"soak: on Debian: sudo apt-get install {packages}", file=sys.stderr)
        return WRONG_USE
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if arguments.verbose else logging.WARNING,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="gjurma-soak-"))
    print(f"soak: seed {seed}, {folder}", file=sys.stderr)
    return asyncio.run(_run(Soak(folder, arguments.minutes, arguments.gateways, seed)))


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= 24 * 60:
        raise argparse.ArgumentTypeError("more than 0, at most a day")
    return minutes


async def _run(soak: Soak) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, soak.ending.set)
    try:
        line = await soak.run()
    except Ended:
        print("soak: ended before its time; nothing was counted", file=sys.stderr)
        if not soak.faults:
            shutil.rmtree(soak.folder)
        line = None
    for fault in soak.faults:
        print(f"soak: {fault}", file=sys.stderr)
    if line is not None:
        print(json.dumps(line))
        print("\n".join(soak.summary), flush=True)
    if line is None or soak.faults:
        if soak.folder.exists():
            print(f"soak: everything is in {soak.folder}", file=sys.stderr)
        return FINDING
    shutil.rmtree(soak.folder)
    return GOOD


if __name__ == "__main__":
    sys.exit(main())
