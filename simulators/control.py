"""The back door of a simulated device: a Unix socket, one JSON object a line, one reply a line.

Operations of every device: fault, landed, state, pedal, hold, release, await_held, power. A family
may add its own (`Device.operate`).
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, Protocol

from simulators.faults import KINDS, Faults


class Moments:
    """Where a device can be stopped, as with a debugger: it answers nothing until `release`."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names
        self.current = ""
        """The last of the moments that the device reached; a family clears it when it is over."""
        self._hold = ""
        self._passes = 0
        self._held = asyncio.Event()
        self._released = asyncio.Event()

    def hold(self, name: str, after: int = 0) -> None:
        """Stop the device when it reaches `name` next, or after it has passed it so many times.

        Raises ValueError if it never does.
        """
        if name not in self.names:
            raise ValueError(f"no moment {name!r}; there are {', '.join(self.names) or 'none'}")
        if self._held.is_set():
            raise ValueError(f"held at {self.current!r}; release first")
        self._hold, self._passes = name, after

    def release(self) -> None:
        """Let the device go on, and forget a hold that was not reached."""
        self._hold = ""
        self._held.clear()
        self._released.set()

    @property
    def held(self) -> bool:
        return self._held.is_set()

    async def await_held(self, seconds: float) -> bool:
        """Whether the device stood still within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._held.wait()
        except TimeoutError:
            return False
        return True

    async def reach(self, name: str) -> None:
        """Called by the device; returns at once unless it is to be held here."""
        self.current = name
        if self._hold == name and self._passes:
            self._passes -= 1
        elif self._hold == name:
            self._hold = ""
            self._released.clear()
            self._held.set()
            await self.stand_still()

    async def stand_still(self) -> None:
        """Called by the device before it does anything: waits while it is held."""
        if self.held:
            await self._released.wait()


class Device(Protocol):
    """A simulated device, whatever its family."""

    moments: Moments

    async def start(self, listen: str, faults: Faults) -> str:
        """Open the wire and return its URL."""

    async def stop(self) -> None: ...

    async def broken(self) -> BaseException:
        """Wait for a defect of the simulator itself."""

    def state(self) -> dict[str, Any]:
        """The device's state, for JSON; `moment` is added."""

    async def pedal(self) -> bool:
        """The device's own input fires what is armed, and does nothing when nothing is.

        Returns whether it fired. Raises ValueError where there is no such input.
        """

    async def power(self, on: bool) -> None:
        """Off: it dies and forgets all that is not retentive."""

    def misbehave(self, name: str, count: int) -> None:
        """Do wrong, `count` times, as a bad device would. Raises ValueError for unknown names.

        A family may take more that the request says (`position`).
        """

    def misdeeds(self) -> dict[str, int]:
        """How often each wrong behaviour really happened."""

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        """An operation of this family alone. Raises ValueError if there is none of that name."""


class Control:
    """Serves one device's back door."""

    def __init__(self, device: Device, faults: Faults) -> None:
        self._device = device
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self, path: Path) -> None:
        # asyncio removes the socket that a killed process left behind.
        self._path = path
        self._server = await asyncio.start_unix_server(self._talk, path)

    async def stop(self) -> None:
        if self._server is None or self._path is None:
            return
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.to_thread(self._path.unlink, missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while line := await reader.readline():
                reply = await self.answer(line)
                writer.write(json.dumps(reply, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass  # whoever asked did not wait for the answer
        finally:
            self._talks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def answer(self, line: bytes) -> dict[str, Any]:
        """The reply to one request line; what is wrong with it is told as `error`."""
        try:
            request = dict(json.loads(line))
            return {"ok": True, **await self._do(str(request.pop("op", "")), request)}
        except (ValueError, TypeError, LookupError) as fault:
            return {"ok": False, "error": str(fault)}

    def arm(self, request: dict[str, Any]) -> None:
        """Let a fault happen, of the wire or of the device: `name`, and what it takes beside that.

        Raises ValueError, TypeError.
        """
        given = dict(request)
        name = str(given.pop("name", ""))
        if name in KINDS:
            self._faults.arm(name, **given)
        else:
            self._device.misbehave(name, **{"count": 1, **given})

    async def _do(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        device, moments = self._device, self._device.moments
        match op:
            case "fault":
                self.arm(request)
            case "landed":
                return {"landed": {**self._faults.landed, **device.misdeeds()}}
            case "state":
                held = {"moment": moments.current, "held": moments.held}
                return {"state": {**device.state(), **held}}
            case "pedal":
                if moments.held:
                    raise ValueError(f"held at {moments.current!r}")
                return {"fired": await device.pedal()}
            case "hold":
                moments.hold(str(request.get("moment", "")), int(request.get("after", 0)))
            case "release":
                moments.release()
            case "await_held":
                return {"held": await moments.await_held(float(request.get("timeout", 10)))}
            case "power":
                await device.power(bool(request["on"]))
            case _:
                return await device.operate(op, request)
        return {}


async def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to the device whose back door is `path`. Raises OSError if none is there."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not line:
        raise ConnectionResetError(f"{path}: the device ended without an answer")
    reply: dict[str, Any] = json.loads(line)
    return reply
