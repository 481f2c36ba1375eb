"""A peer that expects and replies raw hex; imports no codec.

It keeps drivers honest: what it says is written in the test, byte for byte.
"""

import asyncio
from dataclasses import dataclass

from simulators.pipe import Wire


@dataclass(frozen=True)
class Expect:
    """The next bytes from the host must be these, however they are cut."""

    hex: str


@dataclass(frozen=True)
class Reply:
    """Send these bytes, `wait` seconds after the step before."""

    hex: str
    wait: float = 0.0


Step = Expect | Reply


class Script:
    """Plays its steps once, on the first connection. `fault` says where the host left the script.

    The wire stays open at the end, and whatever comes then is a fault too.
    """

    def __init__(self, *steps: Step) -> None:
        self._steps = steps
        self.fault = ""
        self.played = 0

    async def __call__(self, wire: Wire) -> None:
        pending = await self.play(wire)
        if self.fault:
            return
        while data := pending or await wire.read():
            pending = b""
            self.fault = f"after the last step came {data.hex(' ')}"

    async def play(self, wire: Wire) -> bytes:
        """Play the steps, or set `fault`; return what the host sent beyond the last one."""
        pending = b""
        for step in self._steps[self.played :]:
            if isinstance(step, Reply):
                await asyncio.sleep(step.wait)
                await wire.write(bytes.fromhex(step.hex))
            else:
                wanted = bytes.fromhex(step.hex)
                while len(pending) < len(wanted) and wanted.startswith(pending):
                    data = await wire.read()
                    if not data:
                        self.fault = f"step {self.played}: the host left, {step.hex} was expected"
                        return b""
                    pending += data
                if not pending.startswith(wanted):
                    self.fault = f"step {self.played}: {step.hex} expected, {pending.hex(' ')} came"
                    return b""
                pending = pending[len(wanted) :]
            self.played += 1
        return pending

    def check(self) -> None:
        """Raise AssertionError unless every step was played and nothing else came."""
        if self.fault:
            raise AssertionError(self.fault)
        if self.played != len(self._steps):
            raise AssertionError(f"step {self.played} of {len(self._steps)} was never reached")
