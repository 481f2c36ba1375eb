"""Every marker's driver and the simulated marker on a wire: what is on the part?

A row is a family of markers as it is set. What one family alone promises is in its own
`test_*_part.py`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import OutcomeUnknown
from drivers.protocols import Activity, Did, Outcome
from tests.drivers import gravotech_bench, keyence_md_bench, panasonic_bench, telesis_bench
from tests.drivers.keyence_md_bench import COUNTED
from tests.drivers.marking import CONTENT, SHOT, Rig, cycle, disarmed, on_part, through_faults

REAL_WIRES = ("tcp://127.0.0.1:0", "serial")
MODES = ("compatible", "standard")


@dataclass(frozen=True)
class Setting:
    """A family of markers as it is set: options of the simulated marker and of its driver."""

    bench: Callable[..., AbstractAsyncContextManager[Rig]]
    job: str
    device: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    pedals: tuple[bool, ...] = (False,)
    """The starts that are tried: by command, and by the marker's input."""
    delay: float = 0.35
    """Seconds that are longer than the driver waits for a reply."""
    again: bool = True
    """The driver can tell a second shot of the same content from the first one."""

    @asynccontextmanager
    async def open(self, folder: Path, *wire: str, **options: Any) -> AsyncIterator[Rig]:
        async with self.bench(folder, self.device, *wire, **(self.options | options)) as rig:
            yield rig


def gravotech(
    device: dict[str, str] | None = None, pedals: tuple[bool, ...] = (False,), **options: Any
) -> Setting:
    return Setting(gravotech_bench.bench, gravotech_bench.JOB, device or {}, options, pedals=pedals)


def keyence(device: dict[str, str], again: bool = True, /, **options: Any) -> Setting:
    return Setting(keyence_md_bench.bench, keyence_md_bench.JOB, device, options, again=again)


def panasonic(device: dict[str, str] | None = None, **options: Any) -> Setting:
    return Setting(panasonic_bench.bench, "1", device or {}, options)


def telesis(device: dict[str, str] | None = None, **options: Any) -> Setting:
    return Setting(telesis_bench.bench, telesis_bench.JOB, device or {}, options, delay=0.2)


SENT = {
    **{
        f"gravotech {readback} {after}": gravotech(
            {"readback": readback, "after": after},
            (False, True) if after == "alive" else (False,),
            readback=readback,
        )
        for readback, after in product(("plain", "quoted", "named"), ("alive", "ready"))
    },
    **{
        f"keyence {dialect} {answer} {counter}": keyence(
            {"dialect": dialect, "answer": answer, "counter": counter},
            dialect=dialect,
            counter=counter or None,
        )
        for dialect, answer, counter in product(("job", "program"), ("start", "end"), ("", "A"))
    },
    **{
        f"panasonic {checksum} {terminator} {mode}": panasonic(
            {"checksum": checksum, "terminator": terminator},
            checksum=checksum == "on",
            terminator=terminator,
            mode=mode,
        )
        for checksum, terminator, mode in product(("off", "on"), ("cr", "crlf"), MODES)
    },
    **{
        f"telesis {replies} {check}": telesis(settings, **settings)
        for replies, (check, station) in product(
            ("framed", "bare"), (("decimal", ""), ("hex", "07"), ("none", ""))
        )
        for settings in [{"replies": replies, "check": check, "station": station}]
    },
}
USUAL = (
    "gravotech plain alive",
    "keyence job start A",
    "panasonic off cr compatible",
    "panasonic off cr standard",
    "telesis framed decimal",
)
"""What is tried over a real TCP connection and a real pseudo-terminal too."""


@pytest.mark.parametrize(
    ("name", "wire"),
    [*((name, ()) for name in SENT), *((name, (wire,)) for name in USUAL for wire in REAL_WIRES)],
    ids=lambda value: value if isinstance(value, str) else "".join(value) or "memory",
)
async def test_what_was_sent_is_on_the_part(
    tmp_path: Path, name: str, wire: tuple[str, ...]
) -> None:
    setting = SENT[name]
    async with setting.open(tmp_path, *wire) as rig:
        if name.startswith("panasonic"):
            assert (await rig.driver.status()).activity is Activity.OFF
        await rig.driver.select_job(setting.job)
        assert (await rig.driver.status()).activity is Activity.READY
        for pedal in setting.pedals:
            assert await cycle(rig, pedal) is Did.DONE
            (engraving,) = on_part(rig)
            assert (engraving.content, engraving.lines) == (CONTENT, ("7A7 2000000001",))
            assert engraving.position == 1
            assert engraving.readable
            await rig.driver.select_job(setting.job)


@pytest.mark.parametrize(
    "setting",
    [
        gravotech(),
        keyence({}, mark_seconds=0.1),
        *(panasonic(mode=mode) for mode in MODES),
        telesis(),
    ],
    ids=["gravotech", "keyence", *MODES, "telesis"],
)
async def test_held_when_the_metal_has_changed_and_nothing_was_replied(
    tmp_path: Path, setting: Setting
) -> None:
    async with setting.open(tmp_path) as rig:
        await rig.driver.select_job(setting.job)
        rig.parts.load("line")
        await rig.driver.arm(SHOT)
        rig.device.moments.hold("marked")
        with pytest.raises(OutcomeUnknown):
            await rig.driver.fire()
        assert await rig.device.moments.await_held(1)
        assert len(on_part(rig)) == 1
        rig.device.moments.release()
        assert await disarmed(rig) == Outcome(Did.DONE)
        assert len(on_part(rig)) == 1


MISDEEDS = {
    "faint": (Did.DONE, [False]),
    "silent": (Did.UNKNOWN, [True]),
    "failed": (Did.UNKNOWN, [False]),
    "refuse": (Did.NOT_STARTED, []),
    "kept": (Did.UNKNOWN, [True]),
    "twice": (Did.DONE, [True]),
    "garble": (Did.NOT_STARTED, []),
    "late": (Did.DONE, [True]),
}
"""What a marker does wrong, what the driver says of it, and whether the mark can be read."""
WRONGED = [
    *(
        (
            gravotech({"after": after, "late": "20"}, leaves_ready=after == "alive"),
            f"gravotech {after}",
            tuple(MISDEEDS),
        )
        for after in ("alive", "ready")
    ),
    *(
        (
            keyence({"answer": answer, "late": "20", **counted}, bool(counted), **counted),
            f"keyence {answer} {counted.get('counter', '')}",
            ("faint", "silent", "failed", "refuse", "garble", "late"),
        )
        for answer, counted in product(("start", "end"), ({}, COUNTED))
    ),
    *(
        (
            panasonic(mode=mode, own_input=False),
            f"panasonic {mode}",
            ("faint", "silent", "kept", "twice", "failed", "refuse"),
        )
        for mode in MODES
    ),
    *(
        (
            telesis({"done": done, "late": "20"}, clear_done=done),
            f"telesis {done}",
            ("faint", "silent", "failed", "refuse", "late"),
        )
        for done in ("reset", "start")
    ),
]


@pytest.mark.parametrize(
    ("setting", "misdeed"),
    [
        pytest.param(setting, misdeed, id=f"{name} {misdeed}")
        for setting, name, misdeeds in WRONGED
        for misdeed in misdeeds
    ],
)
async def test_a_marker_that_does_wrong(tmp_path: Path, setting: Setting, misdeed: str) -> None:
    said, readable = MISDEEDS[misdeed]
    async with setting.open(tmp_path) as rig:
        await rig.driver.select_job(setting.job)
        rig.device.misbehave(misdeed, 1)
        assert await cycle(rig) is said
        assert rig.device.misdeeds() == {misdeed: 1}
        assert [each.readable for each in on_part(rig)] == readable
        if setting.again or said is not Did.DONE:
            for _ in range(2 if setting.again else 1):
                await rig.driver.select_job(setting.job)
                assert await cycle(rig) is Did.DONE


FAULTY = {
    "gravotech": gravotech(),
    **{
        f"keyence {answer}": keyence({"answer": answer, **COUNTED}, mark_seconds=0.4, **COUNTED)
        for answer in ("start", "end")
    },
    **{
        f"panasonic {mode}": panasonic({"checksum": "on"}, checksum=True, mode=mode)
        for mode in MODES
    },
    "telesis": telesis(),
}
PLACES = [
    ("gravotech", "to_device", 5),
    ("gravotech", "to_device", 65),
    ("gravotech", "to_host", 50),
    *(
        (f"keyence {answer}", direction, after)
        for answer in ("start", "end")
        for direction, after in (("to_device", 240), ("to_device", 660), ("to_host", 230))
    ),
    ("panasonic compatible", "to_device", 64),
    ("panasonic compatible", "to_host", 52),
    ("panasonic standard", "to_device", 64),
    ("panasonic standard", "to_host", 72),
    ("telesis", "to_device", 65),
    ("telesis", "to_host", 70),
]
"""Bytes of a shot after which a fault lands: in the text, at the start, in a reply."""


async def met(
    folder: Path, name: str, kind: str, direction: str, places: range, *wire: str
) -> None:
    setting = FAULTY[name]
    async with setting.open(folder, *wire) as rig:
        await through_faults(rig, setting.job, kind, direction, places, delay=setting.delay)


@pytest.mark.parametrize("kind", ["drop", "double", "split", "flip"])
@pytest.mark.parametrize(("name", "direction", "after"), PLACES)
async def test_driver_and_part_agree_through_a_fault(
    tmp_path: Path, name: str, kind: str, direction: str, after: int
) -> None:
    await met(tmp_path, name, kind, direction, range(after, after + 1))


FAULTS = pytest.mark.faults


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["drop", "double", "split", "delay", "flip", "cut"])
@pytest.mark.parametrize(
    ("name", "direction", "places", "wire"),
    [
        ("panasonic compatible", "to_device", range(0, 115, 20), ()),
        ("panasonic compatible", "to_host", range(0, 90, 20), ()),
        pytest.param("panasonic standard", "to_device", range(0, 115, 20), (), marks=FAULTS),
        pytest.param("panasonic standard", "to_host", range(0, 130, 20), (), marks=FAULTS),
        *(
            pytest.param(name, direction, places, ("serial",), marks=FAULTS)
            for name, direction, places in (
                ("panasonic compatible", "to_device", range(0, 115, 5)),
                ("panasonic compatible", "to_host", range(0, 90, 5)),
                ("panasonic standard", "to_device", range(0, 115, 5)),
                ("panasonic standard", "to_host", range(0, 130, 5)),
            )
        ),
        *(
            pytest.param(name, direction, places, (), marks=FAULTS)
            for name, direction, places in (
                ("keyence start", "to_device", range(0, 1180, 60)),
                ("keyence end", "to_device", range(30, 1180, 60)),
                ("keyence start", "to_host", range(0, 690, 46)),
                ("keyence end", "to_host", range(23, 690, 46)),
            )
        ),
    ],
)
async def test_driver_and_part_agree_wherever_a_fault_lands(
    tmp_path: Path, name: str, kind: str, direction: str, places: range, wire: tuple[str, ...]
) -> None:
    await met(tmp_path, name, kind, direction, places, *wire)
