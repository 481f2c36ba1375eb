"""Properties that only ask: they hold for every driver, and no metal can change by them."""

import asyncio
from typing import Any

from conformance.rig import Broken, Rig, spread
from drivers.errors import DeviceError, LinkError, PortBusy
from simulators.faults import Direction

BOTH: tuple[Direction, ...] = ("to_host", "to_device")


async def end(driver: Any) -> None:
    """Let go of the wire."""
    await (driver.shut() if hasattr(driver, "shut") else driver.close())


async def opened(rig: Rig) -> Any:
    driver = rig.driver()
    await driver.connect()
    return driver


async def ask(driver: Any) -> Any:
    """Who it is; of a marker also that it tells its state."""
    told = await driver.identify()
    if hasattr(driver, "status"):
        await driver.status()
    return told


async def asked_again(driver: Any, tries: int = 12) -> Any:
    """As a person does it who wants an answer: on a new connection where the wire failed."""
    for _ in range(tries):
        try:
            await driver.connect()
            return await ask(driver)
        except LinkError:
            await end(driver)
            await asyncio.sleep(0.05)
        except DeviceError:
            await asyncio.sleep(0.05)
    raise Broken("it does not answer again")


async def identify(rig: Rig) -> None:
    """It says the same of itself each time, on a second connect and a second wire too."""
    driver = await opened(rig)
    told = await ask(driver)
    await driver.connect()
    again = await ask(driver)
    await end(driver)
    await driver.connect()
    if not told == again == await ask(driver):
        raise Broken(f"{told}, then {again}")


async def answers(rig: Rig, kinds: tuple[str, ...], directions: tuple[Direction, ...]) -> None:
    """Under each fault at each point an answer is the right one, or an error by name."""
    driver = await opened(rig)
    told = await ask(driver)
    for kind in kinds:
        for direction in directions:
            before = rig.tap.passed[direction]
            await asked_again(driver)
            for point in spread(rig.tap.passed[direction] - before, max(rig.points // 4, 2)):
                rig.tap.strike(kind, direction, point, seconds_of(rig, kind))
                try:
                    await ask(driver)
                except DeviceError:
                    await end(driver)
                rig.tap.clear()
                await asyncio.sleep(seconds_of(rig, kind))
                if (again := await asked_again(driver)) != told:
                    raise Broken(f"after {kind} {direction}: {again}, and not {told}")


async def second_connection(rig: Rig) -> None:
    """A second program is kept out, or asks and changes nothing."""
    driver = await opened(rig)
    told = await ask(driver)
    other = rig.driver()
    try:
        await other.connect()
        await ask(other)
    except PortBusy:
        pass
    except DeviceError:
        await end(other)
    if await asked_again(driver) != told:
        raise Broken("another answer with a second connection")
    await end(other)
    if await asked_again(driver) != told:
        raise Broken("another answer after a second connection")


def seconds_of(rig: Rig, kind: str) -> float:
    return {"cut": 0.2, "delay": rig.late, "split": 0.02}.get(kind, 0.0)
