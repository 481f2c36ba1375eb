"""Which driver stands behind a kind of device.

The built-in drivers stand in a literal table and are imported only when asked for. A third party
adds one by an entry point in the group `gjurma.drivers`: its name is the kind, its object a `Kind`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pydantic import BaseModel

from drivers.protocols import CodeReader, Marker
from drivers.transport import parse_url

GROUP = "gjurma.drivers"

_BUILT_IN = {
    "camera": "drivers.camera.driver",
    "cognex-dmcc": "drivers.cognex_dmcc.driver",
    "gravotech-tl07": "drivers.gravotech_tl07.driver",
    "honeywell": "drivers.honeywell.driver",
    "keyence-md": "drivers.keyence_md.driver",
    "keyence-sr": "drivers.keyence_sr.driver",
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
    wires: tuple[str, ...] = field(default=(), kw_only=True)
    """The schemes of its URLs; empty where those of `drivers.address` are meant, as `build` takes
    them."""
    grades: bool = field(default=False, kw_only=True)
    """Its readings can carry a grade, where the device is set to tell one."""
    strangers: tuple[Mapping[str, object], ...] = field(default=(), kw_only=True)
    """Options with each of which `connect` and `identify` may be tried on a reader of another make,
    because they set nothing and trigger nothing there. None for a marker: it is never guessed."""
    explain: Callable[[bytes, bool], str] | None = field(default=None, kw_only=True)
    """`explain(data, sent)`: what the frames in `data` mean to a person; never raises."""
    parse_url: Callable[[str], object] = field(default=parse_url, kw_only=True)
    """What refuses a wrong URL by a ValueError, whatever the options."""


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
    if kind.role == "marker" and kind.strangers:
        raise ImportError(f"driver {name!r}: a marker may not be tried on a device of another make")
    return kind
