"""What the simulated devices on a byte stream share: a listener, and refusals by default."""

from typing import Any

from simulators.control import Moments
from simulators.faults import Faults
from simulators.pipe import Listener, Wire, serve


class WiredDevice:
    """A device that talks on a wire by itself; a family overrides what it can do."""

    def __init__(self, moments: tuple[str, ...] = ()) -> None:
        self.moments = Moments(moments)
        self._listener: Listener | None = None

    async def talk(self, wire: Wire) -> None:
        """Serve one connection until it ends."""
        raise NotImplementedError

    async def start(self, listen: str, faults: Faults) -> str:
        self._listener = await serve(listen, self.talk, faults)
        return self._listener.url

    async def stop(self) -> None:
        self.moments.release()
        if self._listener is not None:
            await self._listener.close()

    async def broken(self) -> BaseException:
        assert self._listener is not None
        return await self._listener.broken

    def state(self) -> dict[str, Any]:
        return {}

    async def pedal(self) -> None:
        raise ValueError("this device has no input of its own")

    async def power(self, on: bool) -> None:
        raise ValueError("this device has no switch")

    def misbehave(self, name: str, count: int) -> None:
        raise ValueError(f"this device knows no fault {name!r}")

    def misdeeds(self) -> dict[str, int]:
        return {}

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(f"no operation {op!r}")
