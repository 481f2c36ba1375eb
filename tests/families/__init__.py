"""Every family of devices, a row each: what is asked of all of them alike is asked from here.

A row is a module of this package, named as the family, with `FAMILY`; beside it lies
`<family>.toml` with the bugs that are planted into its codec. What reads the rows: `make mutants
SET=codecs`, `make fuzz`, `make conformance`, `make bench ONLY=drivers`, and their tests. A device
whose wire has no frames of its own, so that there is no codec to ask, has `DEVICE` alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal, TypeVar

from drivers.exchange import Splitter

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
_Row = TypeVar("_Row", bound="Device")


@dataclass(frozen=True)
class Ear:
    """One end of the wire: how it cuts what comes into frames, and takes a frame apart."""

    splitter: Callable[[], Splitter]
    decoders: tuple[Callable[[bytes], object], ...]
    """Each takes any bytes, and returns a value or raises one of the codec's errors."""


@dataclass(frozen=True)
class Codec:
    """`drivers/<folder>/codec.py`, and what proves it."""

    folder: str
    """Of `drivers`, and of `tests/vectors`."""
    tests: str
    """The file in `tests/drivers`."""
    vectors: tuple[str, ...]
    """Its tests that hold the codec against literals."""
    round_trips: tuple[str, ...]
    """Its tests that a mistake made in both halves passes, as far as it is the same in both."""
    errors: tuple[type[Exception], ...]
    ears: Callable[[], dict[str, Ear]]
    """By what it hears and how it is set."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """What the kit needs of one. `device` and `options` make the line's times quick."""

    name: str
    kind: str
    role: Literal["marker", "reader"]
    device: dict[str, str] = field(default_factory=dict)
    """The simulator's options."""
    options: dict[str, Any] = field(default_factory=dict)
    """The driver's options."""
    speed: float = 200.0
    """How much faster than life the simulator is; readers look too often for more than 1."""
    wire: str = "serial"
    """On which its tests run, as `simulators.pipe.serve` takes it."""
    job: str = ""
    """A stored job that the simulated marker has."""
    late: float = 0.35
    """Seconds, longer than the driver waits for a reply."""
    unseen: frozenset[str] = frozenset()
    """Faults of `conformance.wire` that can make another content of a code, and nothing on this
    wire shows it; `stale` where nothing shows that the device tells of the part before."""
    hiding: frozenset[str] = frozenset()
    """Those that can hide a code, and nothing on this wire shows it."""
    lacks: frozenset[str] = frozenset()
    """Properties for which it has no means."""


@dataclass(frozen=True, kw_only=True)
class Family(Device):
    """One row."""

    codec: Codec


def families() -> dict[str, Family]:
    """The rows by name, sorted."""
    return {name: row for name, row in devices().items() if isinstance(row, Family)}


def devices() -> dict[str, Device]:
    """The rows, and those without a codec, by name, sorted."""
    found = {}
    for module in iter_modules([str(FOLDER)]):
        row = import_module(f"{__name__}.{module.name}")
        device = getattr(row, "FAMILY", getattr(row, "DEVICE", None))
        if isinstance(device, Device):
            found[device.name] = device
    return dict(sorted(found.items()))


def chosen(names: list[str], rows: Mapping[str, _Row]) -> dict[str, _Row]:
    """Those of `rows` of which one of `names` is a part; all where there are none."""
    return {
        name: row for name, row in rows.items() if not names or any(part in name for part in names)
    }
