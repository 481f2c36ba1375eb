"""Every family of devices, a row each: what is asked of all of them alike is asked from here.

A row is a module of this package, named as the family, with `FAMILY`; beside it lies
`<family>.toml` with the bugs that are planted into its codec. What reads the rows: `make mutants
SET=codecs`, `make fuzz`, `make conformance`, `make bench ONLY=drivers`, and their tests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal

from drivers.exchange import Splitter

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent


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


@dataclass(frozen=True)
class Family:
    """One row. `device` and `options` make the line's times quick."""

    name: str
    kind: str
    role: Literal["marker", "reader"]
    codec: Codec
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
    wire shows it."""


def families() -> dict[str, Family]:
    """The rows by name, sorted."""
    found = {}
    for module in iter_modules([str(FOLDER)]):
        family = getattr(import_module(f"{__name__}.{module.name}"), "FAMILY", None)
        if isinstance(family, Family):
            found[family.name] = family
    return dict(sorted(found.items()))


def chosen(names: list[str]) -> dict[str, Family]:
    """Those of which one of `names` is a part; all where there are none."""
    return {
        name: family
        for name, family in families().items()
        if not names or any(part in name for part in names)
    }
