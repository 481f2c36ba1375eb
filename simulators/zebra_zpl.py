"""A Zebra label printer on ZPL II: what it prints is kept as a picture.

It answers `~HS` in the guide's three strings. Out of paper, open or paused it keeps formats and
prints them when that is over. Of such a printer older editions of the guide say that it answers
with its flags, newer ones that it says nothing: `silent` chooses the latter. `mute` is a printer
that knows no `~HS`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from simulators.options import Given
from simulators.part import PartStore
from simulators.pipe import Wire
from simulators.wired import WiredDevice
from simulators.zpl import Format, Reader
from simulators.zpl_image import draw

_SETTINGS = "030"
"""9600 baud, eight bits, one stop bit: what the first string of a network printer says too."""


@dataclass(frozen=True)
class Printed:
    """One format, printed so many times."""

    label: Format
    image: Image.Image


class ZebraZpl(WiredDevice):
    """`printed`: all that came out of it. Formats that wait outlive a connection."""

    def __init__(
        self, labels: Path | None = None, *, silent: bool = False, mute: bool = False
    ) -> None:
        super().__init__()
        self.printed: list[Printed] = []
        self.unknown: list[str] = []
        """Commands that it ignored."""
        self._labels = labels
        self._silent, self._mute = silent, mute
        self._waiting: list[Format] = []
        self._lacks = dict.fromkeys(("paper", "head", "ribbon", "pause"), False)
        self._length = 0

    def state(self) -> dict[str, Any]:
        return {
            **self._lacks,
            "waiting": len(self._waiting),
            "printed": sum(each.label.copies for each in self.printed),
        }

    async def operate(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        """`paper`, `ribbon`, `head`, `pause`, each with `on`: out, out, open, paused."""
        if op not in self._lacks:
            return await super().operate(op, request)
        self.lacks(op, bool(request.get("on", True)))
        return {}

    def lacks(self, what: str, on: bool = True) -> None:
        """As `operate`; what waits is printed once nothing is lacking."""
        self._lacks[what] = on
        self._print()

    async def talk(self, wire: Wire) -> None:
        reader = Reader()
        while data := await wire.read():
            for found in reader.feed(data):
                if isinstance(found, Format):
                    self._waiting.append(found)
                    self._print()
                elif not (self._mute or (self._silent and any(self._lacks.values()))):
                    await wire.write(self._status(reader))
            self.unknown += reader.unknown
            reader.unknown.clear()

    def _print(self) -> None:
        if any(self._lacks.values()):
            return
        for label in self._waiting:
            self._length = label.length
            self.printed.append(Printed(label, draw(label)))
            if self._labels is not None:
                self.printed[-1].image.save(self._labels / f"{len(self.printed):04}.png")
        self._waiting.clear()

    def _status(self, reader: Reader) -> bytes:
        def flag(value: bool) -> str:
            return str(int(value))

        lacks = {name: flag(on) for name, on in self._lacks.items()}
        partial = flag(reader.unfinished)
        first = (
            f"{_SETTINGS},{lacks['paper']},{lacks['pause']},{self._length:04},"
            f"{len(self._waiting):03},0,0,{partial},000,0,0,0"
        )
        strings = (
            first,
            f"000,0,{lacks['head']},{lacks['ribbon']},1,2,4,0,00000000,1,000",
            "1234,0",
        )
        return b"".join(b"\x02" + string.encode("ascii") + b"\x03\r\n" for string in strings)


def build(options: dict[str, str], parts: PartStore, station: str, speed: float) -> ZebraZpl:
    """Options: labels (a folder that pictures are put into), silent and mute (0 or 1).
    Raises ValueError."""
    given = Given(options)
    told = given.text("labels")
    labels = Path(told) if told else None
    if labels is not None and not labels.is_dir():
        raise ValueError(f"labels: there is no folder {labels}")
    silent, mute = given.switch("silent"), given.switch("mute")
    given.end()
    return ZebraZpl(labels, silent=silent, mute=mute)
