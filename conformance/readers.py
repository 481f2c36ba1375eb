"""Properties of a reader: never a code that was not there in this session, none lost silently."""

import asyncio
from typing import Any

from conformance.questions import end, opened, seconds_of
from conformance.rig import CONTENT, OTHER, Broken, NotOffered, Rig, spread
from drivers.errors import DeviceError
from simulators.faults import Direction


async def look(rig: Rig, driver: Any, seconds: float | None = None) -> list[str]:
    """One whole look, as a station does it."""
    await driver.flush()
    await driver.open()
    readings = await driver.read(rig.look_seconds if seconds is None else seconds)
    await driver.close()
    return [reading.content for reading in readings]


async def counted(rig: Rig, driver: Any, seconds: float | None = None) -> list[str]:
    """A station repeats a look that did not count, on a new wire."""
    for _ in range(12):
        try:
            await driver.connect()
            return await look(rig, driver, seconds)
        except DeviceError:
            await end(driver)
            await asyncio.sleep(0.02)
    raise Broken("no look counted")


def true(rig: Rig, found: list[str], there: list[str], after: str, kind: str = "") -> None:
    """What was found is what was there; where the wire shows nothing, at least no mark of ours."""
    if found == there:
        return
    # Another content than any that is engraved: a station takes it for a foreign mark and stops.
    if kind in rig.unseen and found and not set(found) & ({CONTENT, OTHER} - set(there)):
        return
    if kind in rig.hiding and not found:
        return
    raise Broken(f"{found} after {after}, and there was {there}")


async def reads(rig: Rig) -> None:
    """Code after code, and nothing where there is none."""
    driver = await opened(rig)
    for there in ([CONTENT], [OTHER], [], [CONTENT]):
        await rig.metal.lay(*there)
        true(rig, await look(rig, driver, None if there else 0.15), there, "a look")


async def steady(rig: Rig) -> None:
    """It finds what lies there each time it looks."""
    there = await rig.metal.contents()
    driver = await opened(rig)
    for _ in range(3):
        true(rig, await look(rig, driver), there, "a look")


async def refuses(rig: Rig) -> None:
    """A reader that takes no trigger has not seen nothing: it says so."""
    disable = getattr(rig.the_body(), "disable", None)
    if disable is None:
        raise NotOffered
    await rig.metal.lay(CONTENT)
    driver = await opened(rig)
    disable()
    try:
        found = await look(rig, driver, 0.15)
    except DeviceError:
        return
    raise Broken(f"it takes no trigger, and a look counts: {found}")


async def abandoned(rig: Rig) -> None:
    """A code of a session that was given up, or of the part before, is in no later one."""
    await rig.metal.lay(CONTENT)
    driver = await opened(rig)
    await driver.flush()
    await driver.open()
    await asyncio.sleep(0.1)
    await rig.metal.lay()
    true(rig, await counted(rig, driver, 0.15), [], "a session that was given up")
    if "stale" in rig.unseen:
        return
    try:
        rig.the_body().misbehave("stale", 1)
    except NotOffered:
        return
    await rig.metal.lay(CONTENT)
    await counted(rig, driver)
    rig.the_body().misbehave("stale", 1)
    await rig.metal.lay(OTHER)
    found = await counted(rig, driver)
    if OTHER not in found:
        raise Broken(f"the code of the part before, alone: {found}")


async def through(rig: Rig, kinds: tuple[str, ...], directions: tuple[Direction, ...]) -> None:
    """Each fault at each point of a look: a look that counts is true, and all is well after."""
    driver = await opened(rig)
    landed = 0
    for kind in kinds:
        for direction in directions:
            before = rig.tap.passed[direction]
            there = await _laid(rig, [CONTENT])
            true(rig, await counted(rig, driver), there, "nothing")
            points = spread(rig.tap.passed[direction] - before, rig.points)
            for index, point in enumerate(points):
                there = await _laid(rig, ([OTHER], [], [CONTENT])[index % 3])
                hits = rig.tap.landed[kind]
                rig.tap.strike(kind, direction, point, seconds_of(rig, kind))
                found = await counted(rig, driver, None if there else 0.15)
                true(rig, found, there, f"{kind} {direction} at piece {point}", kind)
                landed += rig.tap.landed[kind] - hits
                rig.tap.clear()
                await asyncio.sleep(seconds_of(rig, kind))
                there = await _laid(rig, [CONTENT])
                true(rig, await counted(rig, driver), there, "all was well again")
    if not landed:
        raise Broken("no fault met any bytes")


async def power_cut(rig: Rig) -> None:
    """Without power no look counts; with it again it reads."""
    body = rig.the_body()
    await rig.metal.lay(CONTENT)
    for looking in (False, True):
        driver = await opened(rig)
        await driver.flush()
        if looking:
            await driver.open()
        await body.power(False)
        try:
            if not looking:
                await driver.flush()
                await driver.open()
            found = await driver.read(0.15)
            await driver.close()
        except DeviceError:
            found = ()
        else:
            raise Broken(f"a look counts without power: {found}")
        await body.power(True)
        await end(driver)
        true(rig, await counted(rig, driver), [CONTENT], "a cut")
        await end(driver)


async def second_session(rig: Rig) -> None:
    """A second program is kept out, or what either reads was there."""
    there = await _laid(rig, [CONTENT])
    driver, other = await opened(rig), rig.driver()
    try:
        await other.connect()
        true(rig, await look(rig, other), there, "a look of a second connection")
    except DeviceError:
        await end(other)
    true(rig, await counted(rig, driver), there, "a second connection")
    await end(other)
    true(rig, await counted(rig, driver), there, "a second connection had gone")


async def _laid(rig: Rig, contents: list[str]) -> list[str]:
    """Lay such a piece, or take what lies there where nobody can."""
    try:
        await rig.metal.lay(*contents)
    except NotOffered:
        return await rig.metal.contents()
    return contents
