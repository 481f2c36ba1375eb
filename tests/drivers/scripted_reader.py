"""A triggered reader's driver, played through raw bytes that a test writes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import pytest
from pydantic import BaseModel

from drivers.errors import LinkClosed
from drivers.protocols import Reading
from drivers.triggered import TriggeredReader
from simulators.faults import Faults
from simulators.pipe import serve
from simulators.scripted import Script, Step
from tests.support.virtual import MEMORY, SERIAL_IN_MEMORY

Driver = TypeVar("Driver", bound=TriggeredReader)
Played = TypeVar("Played", bound=TriggeredReader, covariant=True)


class Play(Protocol[Played]):
    """Has `act` meet the steps, all of them, on a wire of its own."""

    def __call__(
        self,
        act: Callable[[Played], Awaitable[None]],
        *steps: Step,
        listen: str = ...,
        **options: Any,
    ) -> None: ...


def player(
    driver: Callable[[str, Any, str], Driver], model: type[BaseModel], **usual: Any
) -> Play[Driver]:
    """For one family; its waits are short, and `usual` are options of its own."""

    def play(
        act: Callable[[Driver], Awaitable[None]],
        *steps: Step,
        listen: str = SERIAL_IN_MEMORY,
        **options: Any,
    ) -> None:
        async def whole() -> None:
            script = Script(*steps)
            listener = await serve(listen, script, Faults())
            waits = {"reply_seconds": 0.6, "result_seconds": 0.15, "linger": 0.03}
            given = model.model_validate({**waits, **usual, **options})
            reader = driver(listener.url, given, "reader")
            try:
                async with asyncio.timeout(10):
                    await act(reader)
            finally:
                await asyncio.sleep(0.02)  # what the driver should not have sent shows up by now
                await reader.shut()
                await listener.close()
            script.check()

        asyncio.run(whole())

    return play


def meets_an_end(
    driver: Callable[[str, Any, str], TriggeredReader], options: BaseModel, *connect: Step
) -> None:
    """A reader that goes away is told as that, at once and at the next connection."""

    async def act() -> None:
        listener = await serve(MEMORY, Script(*connect), Faults())
        reader = driver(listener.url, options, "reader")
        await reader.connect()
        await listener.close()
        with pytest.raises(LinkClosed):
            await reader.flush()
        with pytest.raises(LinkClosed):
            await reader.connect()
        await reader.shut()

    asyncio.run(act())


async def look(reader: TriggeredReader, seconds: float = 0.5) -> tuple[Reading, ...]:
    """From the connection to what was read."""
    await reader.connect()
    await reader.flush()
    await reader.open()
    return await reader.read(seconds)


async def sees(reader: TriggeredReader, *contents: str, seconds: float = 0.5) -> None:
    """One whole look that counts."""
    assert [reading.content for reading in await look(reader, seconds)] == [*contents]
    await reader.close()
