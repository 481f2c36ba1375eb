"""A simulated label printer that runs within the test, on a TCP port of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from simulators.faults import Faults
from simulators.zebra_zpl import ZebraZpl


class LabelPrinter:
    """`device` is touched by its own thread alone: `lacks`, `state` and `printed` ask that."""

    def __init__(self, device: ZebraZpl) -> None:
        self.device = device
        self.faults = Faults()
        self.address = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="label printer")

    @classmethod
    @contextmanager
    def running(cls, device: ZebraZpl | None = None) -> Iterator["LabelPrinter"]:
        printer = cls(device or ZebraZpl())
        printer._thread.start()
        try:
            starting = printer.device.start("tcp://127.0.0.1:0", printer.faults)
            url = asyncio.run_coroutine_threadsafe(starting, printer._loop).result(10)
            printer.address = url.removeprefix("tcp://")
            yield printer
        finally:
            asyncio.run_coroutine_threadsafe(printer.device.stop(), printer._loop).result(10)
            printer._loop.call_soon_threadsafe(printer._loop.stop)
            printer._thread.join(10)
            printer._loop.close()

    def lacks(self, what: str, on: bool = True) -> None:
        async def change() -> None:
            self.device.lacks(what, on)

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    @property
    def count(self) -> int:
        """Labels that came out, every copy counted."""
        return int(self.device.state()["printed"])
