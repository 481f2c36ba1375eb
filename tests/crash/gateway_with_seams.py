"""The real gateway, which ends itself by SIGKILL at a named effect, or lives by another clock.

    python -m tests.crash.gateway_with_seams --config FILE
        [--kill cycle|recovery:before|after:EFFECT:N]  the Nth EFFECT since the first Prepare, or
                                                       of the recovery at the start
        [--clock FILE]   the file holds seconds to add to the wall clock, and `synchronised` where
                         the kernel is to say so; read at every look

Everything else is `gjurma-gateway run`.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gateway.agent import Seams, run
from gateway.clock import TrustedClock, wall
from gateway.config import load
from gateway.moves import (
    Effect,
    Prepare,
)


@dataclass
class KillSwitch:
    """Counts effects, and ends the process at the one that is meant."""

    during: str
    moment: str
    effect: str
    nth: int
    _phase: str = "recovery"
    _counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @classmethod
    def parse(cls, text: str) -> "KillSwitch":
        during, moment, effect, nth = text.split(":")
        assert during in ("cycle", "recovery")
        assert moment in ("before", "after")
        return cls(during, moment, effect, int(nth))

    async def observe(self, moment: str, _station: str, effect: Effect) -> None:
        if moment == "before" and isinstance(effect, Prepare):
            self._phase = "cycle"
        here = (self._phase, moment, type(effect).__name__)
        self._counts[here] += 1
        if here == (self.during, self.moment, self.effect) and self._counts[here] == self.nth:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Jumping:
    """A clock that is off by as many seconds as the file says."""

    path: Path

    def wall(self) -> datetime:
        return wall() + timedelta(seconds=float(self.path.read_text().split()[0]))

    def synchronised(self) -> bool:
        return "synchronised" in self.path.read_text()

    def clock(self, trust_hardware: bool) -> TrustedClock:
        return TrustedClock(trust_hardware, wall=self.wall, synchronised=self.synchronised)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--kill", type=KillSwitch.parse)
    parser.add_argument("--clock", type=Path)
    options = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    seams = Seams()
    if options.kill is not None:
        seams.observer = options.kill.observe
    if options.clock is not None:
        seams.clock = Jumping(options.clock).clock
    return asyncio.run(run(load(options.config), seams))


if __name__ == "__main__":
    sys.exit(main())
