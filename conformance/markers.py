"""Properties of a marker, proved from the part: what it says became of a shot is what is on it."""

import asyncio
import contextlib
from typing import Any

from conformance.questions import ask, end, opened, seconds_of
from conformance.rig import Broken, NotOffered, Rig, spread
from drivers.errors import DeviceError, DeviceRefused, LinkError
from drivers.protocols import Did, Marker, MarkText, Outcome, Shot
from simulators.faults import Direction


def shot(rig: Rig) -> Shot:
    """The next shot: the same text each time, on a new piece, with a number of its own."""
    rig.sequence += 1
    return Shot((MarkText(1, rig.content, rig.lines),), rig.sequence)


async def disarmed(driver: Marker, sequence: int | None = None, tries: int = 12) -> Outcome | None:
    """Disarm as a station does: again and again, with a new connection, until it is confirmed."""
    for _ in range(tries):
        try:
            await driver.connect()
            return await driver.disarm(sequence)
        except LinkError:
            await driver.close()
            await asyncio.sleep(0.05)
        except DeviceError:
            await asyncio.sleep(0.01)
    raise Broken("it could never be confirmed that nothing can engrave")


def agree(said: Did, engraved: list[str], content: str) -> None:
    """DONE means engraved once, NOT_STARTED means blank; never twice, never anything else."""
    if engraved not in ([], [content]):
        raise Broken(f"on the part: {engraved}")
    if said is Did.DONE and not engraved:
        raise Broken("said to be done, and the part is blank")
    if said is Did.NOT_STARTED and engraved:
        raise Broken("said not to have started, and the part is engraved")


async def cycle(rig: Rig, driver: Marker, *, pedal: bool = False) -> Did:
    """One shot on a new piece, and what the driver says became of it in the end."""
    await rig.metal.lay()
    made = shot(rig)
    said = Did.UNKNOWN
    try:
        await driver.connect()
        await driver.arm(made)
        if pedal:
            if not await rig.the_body().pedal():
                raise Broken("armed, and its input does not fire it")
        else:
            await driver.fire()
        said = (await driver.outcome(rig.outcome_seconds)).did
    except DeviceRefused:
        said = Did.NOT_STARTED
    except DeviceError:
        said = Did.UNKNOWN
    proof = await disarmed(driver, made.sequence)
    before = await rig.metal.contents()
    if rig.body is not None:
        if await rig.body.pedal():
            raise Broken("disarmed, and its input fires it")
        await asyncio.sleep(0.03)
        if await rig.metal.contents() != before:
            raise Broken("engraved after a confirmed disarm")
    if proof is not None and said is Did.UNKNOWN:
        said = proof.did
    agree(said, before, rig.content)
    return said


async def ready(rig: Rig) -> Any:
    """A driver with its job chosen."""
    driver = await opened(rig)
    await disarmed(driver)
    await driver.select_job(rig.job)
    return driver


async def well(rig: Rig, driver: Any, after: str) -> None:
    """It marks as ever: once, and it says so."""
    await asyncio.sleep(0)
    await disarmed(driver)
    for _ in range(4):
        try:
            await driver.select_job(rig.job)
            break
        except DeviceError:
            await disarmed(driver)
    if (said := await cycle(rig, driver)) is not Did.DONE:
        raise Broken(f"not well again after {after}: {said.value}")


async def refusals(rig: Rig) -> None:
    """What it cannot engrave it refuses before a byte of it leaves; a job that is not there too."""
    driver = await ready(rig)
    await rig.metal.lay()
    unfit = MarkText(1, "\u0001\u20ac" * 200, rig.lines)
    if driver.refuses(unfit) is None:
        raise Broken("it would take what no symbol of it can hold")
    if driver.refuses(MarkText(1, rig.content, rig.lines)) is not None:
        raise Broken("it does not take a mark as a register has it")
    try:
        await driver.select_job("9999-no-such-job")
    except DeviceError:
        pass
    else:
        raise Broken("it chose a job that is not there")
    if rig.body is not None and await rig.body.pedal():
        raise Broken("a refusal leaves it armed")
    if await rig.metal.contents():
        raise Broken("a refusal engraves")


async def by_command(rig: Rig) -> None:
    """A shot by command is engraved once, and again on the next piece."""
    driver = await ready(rig)
    for _ in range(2):
        await driver.select_job(rig.job)
        if (said := await cycle(rig, driver)) is not Did.DONE:
            raise Broken(f"a shot without any fault is {said.value}")


async def by_input(rig: Rig) -> None:
    """A shot by its own input is engraved once; a second start does nothing if it says so."""
    body = rig.the_body()
    driver = await ready(rig)
    if "input" not in driver.starts or not driver.single_shot:
        raise NotOffered
    if (said := await cycle(rig, driver, pedal=True)) is not Did.DONE:
        raise Broken(f"a shot by its input is {said.value}")
    await driver.select_job(rig.job)
    await rig.metal.lay()
    made = shot(rig)
    await driver.arm(made)
    fired = [await body.pedal(), await body.pedal()]
    await driver.outcome(rig.outcome_seconds)
    fired.append(await body.pedal())
    await disarmed(driver, made.sequence)
    if fired != [True, False, False] or await rig.metal.contents() != [rig.content]:
        raise Broken(f"armed for one shot, its input fired {fired.count(True)} times")


async def through(rig: Rig, kinds: tuple[str, ...], directions: tuple[Direction, ...]) -> None:
    """Each fault at each point of a shot: driver and part agree, and all is well afterwards."""
    driver = await ready(rig)
    landed = 0
    for kind in kinds:
        for direction in directions:
            before = rig.tap.passed[direction]
            await well(rig, driver, "nothing")
            count = rig.tap.passed[direction] - before
            for point in spread(count, rig.points):
                # What choosing a job sends comes before a shot and is struck with it.
                rig.tap.strike(kind, direction, point, seconds_of(rig, kind))
                hits = rig.tap.landed[kind]
                with contextlib.suppress(DeviceError):
                    await driver.select_job(rig.job)
                await cycle(rig, driver)
                landed += rig.tap.landed[kind] - hits
                rig.tap.clear()
                await asyncio.sleep(seconds_of(rig, kind))
                await well(rig, driver, f"{kind} {direction} at piece {point}")
    if not landed:
        raise Broken("no fault met any bytes")


async def second_master(rig: Rig) -> None:
    """A second program that asks while a shot is armed changes nothing of it."""
    driver = await ready(rig)
    await rig.metal.lay()
    made = shot(rig)
    await driver.arm(made)
    other = rig.driver()
    try:
        await other.connect()
        await ask(other)
    except DeviceError:
        pass
    if await rig.metal.contents():
        raise Broken("a question from a second connection fires")
    said = Did.UNKNOWN
    try:
        await driver.fire()
        said = (await driver.outcome(rig.outcome_seconds)).did
    except DeviceRefused:
        said = Did.NOT_STARTED
    except DeviceError:
        said = Did.UNKNOWN
    await end(other)
    proof = await disarmed(driver, made.sequence)
    if proof is not None and said is Did.UNKNOWN:
        said = proof.did
    agree(said, await rig.metal.contents(), rig.content)
    await well(rig, driver, "a second connection")


async def restarted(rig: Rig) -> None:
    """A driver that begins anew over an armed or a marking device claims nothing untrue."""
    for fired in (False, True):
        driver = await ready(rig)
        await rig.metal.lay()
        made = shot(rig)
        await driver.arm(made)
        if fired:
            await driver.fire()
        await driver.close()
        driver = await opened(rig)
        proof = await disarmed(driver, made.sequence)
        engraved = await rig.metal.contents()
        agree(Did.UNKNOWN if proof is None else proof.did, engraved, rig.content)
        if engraved != ([rig.content] if fired else []):
            raise Broken("a restart changes what is engraved")
        await well(rig, driver, "a restart")
        await driver.close()


async def power_cut(rig: Rig) -> None:
    """Without power nothing is confirmed; with it again nothing untrue is said."""
    body = rig.the_body()
    for state in ("chosen", "armed", "marking", "ended"):
        driver = await ready(rig)
        await rig.metal.lay()
        made = shot(rig)
        if state != "chosen":
            await driver.arm(made)
        if state in ("marking", "ended"):
            await driver.fire()
        said = Did.UNKNOWN
        if state == "ended":
            said = (await driver.outcome(rig.outcome_seconds)).did
        await body.power(False)
        try:
            await driver.disarm(made.sequence)
        except DeviceError:
            pass
        else:
            raise Broken(f"{state}: a disarm is confirmed without power")
        await body.power(True)
        proof = await disarmed(driver, made.sequence if state != "chosen" else None)
        if proof is not None and said is Did.UNKNOWN:
            said = proof.did
        agree(said, await rig.metal.contents(), rig.content)
        await well(rig, driver, f"a cut when {state}")
        await driver.close()
