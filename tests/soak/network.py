"""A way through the network, for each connection on it: it is cut, slow, or silent."""

import asyncio

from simulators.demo.cable import Cable


class Way(Cable):
    """A cable that may also delay what it carries, or carry nothing and tell nobody."""

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.delay_s = 0.0
        """How long each piece of data waits on its way."""
        self._passing = asyncio.Event()
        self._passing.set()

    def hush(self) -> None:
        """From now on nothing arrives, and no connection ends: to both ends the other is slow."""
        self._passing.clear()

    def clear(self) -> None:
        """The way is as it should be; what was held back arrives."""
        self.delay_s = 0.0
        self._passing.set()
        self.plug()

    async def stop(self) -> None:
        self.clear()
        await super().stop()

    async def carry(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await super().carry(data, writer)
