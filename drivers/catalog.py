"""Which driver stands behind a kind of device.

The built-in drivers stand in a literal table and are imported only when asked for. A third party
adds one by an entry point in the group `gjurma.drivers`: its name is the kind, its object a `Kind`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pydantic import BaseModel

from drivers.protocols import CodeReader, Marker

GROUP = "gjurma.drivers"

_BUILT_IN = {
    "cognex-dmcc": "drivers.cognex_dmcc.driver",
    "gravotech-tl07": "drivers.gravotech_tl07.driver",
    "microscan": "drivers.microscan.driver",
    "modbus-cell": "drivers.modbus_cell.driver",
    "panasonic-lp": "drivers.panasonic_lp.driver",
    "telesis": "drivers.telesis.driver",
    "zebra-ssi": "drivers.zebra_ssi.driver",
}


@dataclass(frozen=True)
class Kind:
    """A kind of device: what it is, its options, and how to build its driver.

    `options` is a pydantic model that forbids unknown fields. `build(url, options, name)` takes
    an instance of that model and raises ValueError if the URL is wrong; it never connects.
    """

    name: str
    role: Literal["marker", "reader"]
    options: type[BaseModel]
    build: Callable[[str, Any, str], Marker | CodeReader]


class UnknownKindError(LookupError):
    """No driver of that name is installed."""


def names() -> list[str]:
    """The names of all kinds, sorted; imports none."""
    return sorted({*_BUILT_IN, *(point.name for point in _foreign())})


def find(name: str) -> Kind:
    """The kind called `name`. Raises UnknownKindError; ImportError if a third party's is broken."""
    if name in _BUILT_IN:
        return _checked(name, import_module(_BUILT_IN[name]).KIND)
    for point in _foreign():
        if point.name == name:
            return _checked(name, point.load())
    raise UnknownKindError(f"no driver {name!r}; there are {', '.join(names())}")


def kinds() -> list[Kind]:
    """Every kind, sorted by name."""
    return [find(name) for name in names()]


def _foreign() -> list[EntryPoint]:
    """Third parties' entry points; a built-in kind cannot be replaced from outside."""
    return [point for point in entry_points(group=GROUP) if point.name not in _BUILT_IN]


def _checked(name: str, kind: object) -> Kind:
    if not isinstance(kind, Kind) or kind.name != name:
        raise ImportError(f"driver {name!r} does not offer a Kind of that name")
    if kind.options.model_config.get("extra") != "forbid":
        raise ImportError(f"driver {name!r}: its options accept unknown fields")
    return kind
