"""What a simulated marking cell keeps through a loss of power."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from drivers.modbus_cell.codec import HIGHEST_POSITION, Place, Report, Result


@dataclass(frozen=True)
class Memory:
    """`running`: the shot of that number had not ended. `marks` positions of a tray were asked for.

    `places` is, by position from 1 on, result, echo length and echo CRC of a tray's shot.
    """

    sequence: int = 0
    result: int = Result.NONE
    echo: str = ""
    good: int = 0
    failed: int = 0
    running: bool = False
    marks: int = 0
    places: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * HIGHEST_POSITION


class Retained:
    """A `Memory` and the file that it is in; without one it lives as long as the process."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.memory = Memory()
        if path is not None and path.exists():
            kept = json.loads(path.read_text())
            kept["places"] = tuple(tuple(place) for place in kept.get("places", Memory.places))
            self.memory = Memory(**kept)

    def keep(self, **changes: Any) -> None:
        """In the file when this returns, whole or not at all."""
        self.memory = replace(self.memory, **changes)
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(asdict(self.memory)))
            fresh.replace(self._path)

    def keep_place(self, position: int, place: Place) -> None:
        places = list(self.memory.places)
        places[position - 1] = (place.result, place.echo_length, place.echo_crc)
        self.keep(places=tuple(places))

    def forget_result(self) -> None:
        """What RESULT_ACK clears: all but the number and the counters."""
        self.keep(result=Result.NONE, echo="", marks=0, places=Memory.places)

    @property
    def report(self) -> Report:
        places = tuple(Place(*place) for place in self.memory.places)
        return Report(self.memory.sequence, self.memory.marks, places)
