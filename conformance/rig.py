"""What a property is tried on: a driver's wire with its faults, the metal, the device itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from conformance.wire import Tap
from drivers.catalog import find
from drivers.errors import DeviceError
from drivers.protocols import CodeReader, Marker

CONTENT = "[)>\x1e06\x1d18S7A72000000001\x1e\x04"
"""V2 of the item identification vectors."""
OTHER = "[)>\x1e06\x1d18S7A72000000002\x1e\x04"
LINES = ("7A7 2000000001",)


class NotOffered(Exception):
    """The device, or who tries it, has no means for this property."""


class Broken(AssertionError):
    """A property does not hold; `str()` says what was seen."""


class Metal(Protocol):
    """The piece before the device, and the truth about it."""

    async def lay(self, *contents: str) -> None:
        """A new piece, with these codes on it. Raises NotOffered."""

    async def contents(self) -> list[str]:
        """All that is engraved on it, oldest first."""


class Body(Protocol):
    """The device beside its wire: a simulated one's back door."""

    async def pedal(self) -> bool: ...
    async def power(self, on: bool) -> None: ...
    def misbehave(self, name: str, count: int) -> None: ...


@dataclass
class Rig:
    """One device. `url` is that of the wire laid before it."""

    kind: str
    url: str
    options: dict[str, Any]
    tap: Tap
    metal: Metal
    body: Body | None = None
    job: str = ""
    content: str = CONTENT
    lines: tuple[str, ...] = LINES
    late: float = 0.35
    """Seconds, longer than the driver waits for a reply."""
    outcome_seconds: float = 0.3
    look_seconds: float = 0.5
    points: int = 24
    """At how many points of a conversation a fault is let in, at most."""
    unseen: frozenset[str] = frozenset()
    """Faults that can make another content of a code, and nothing on this wire shows it; `stale`
    where nothing shows that the device tells of the part before."""
    hiding: frozenset[str] = frozenset()
    """Faults that can hide a code, and nothing on this wire shows it."""
    sequence: int = 0
    made: list[Marker | CodeReader] = field(default_factory=list)

    def driver(self) -> Any:
        """A driver as a program has it that has just begun."""
        kind = find(self.kind)
        made = kind.build(self.url, kind.options.model_validate(self.options), "device")
        self.made.append(made)
        return made

    async def shut(self) -> None:
        """Close every driver that was made."""
        for made in self.made:
            try:
                await (made.shut() if hasattr(made, "shut") else made.close())
            except DeviceError:
                continue

    def the_body(self) -> Body:
        if self.body is None:
            raise NotOffered
        return self.body


def spread(count: int, most: int) -> list[int]:
    """Numbers below `count`, evenly apart, at most so many; the first and the last are there."""
    if count <= most:
        return list(range(count))
    return sorted({round(each * (count - 1) / max(most - 1, 1)) for each in range(most)})


Property = Callable[[Rig], Any]
