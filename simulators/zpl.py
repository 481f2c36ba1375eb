"""ZPL II as a printer reads it: a stream of bytes, commands as they come, formats when they end.

By the ZPL II Programming Guide, the commands that labels use and no others: `^XA ^XZ ^CI ^PW ^LL
^LH ^PQ ^FO ^FS ^FD ^FH ^FB ^A ^GB ^BY ^BC ^BX` and `~HS`. What it does not know it ignores, as
a printer does, and notes. A prefix begins a command wherever it stands, also within field data.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

_FORMAT, _CONTROL = b"^", b"~"
_PREFIX = re.compile(rb"[\^~]")
_AT_ONCE = (b"^XA", b"^XZ", b"~HS")
"""They need nothing behind them to be known for what they are."""
_HEX = re.compile(rb"([0-9A-Fa-f]{2})")
_ENCODINGS = {28: "utf-8"}


@dataclass(frozen=True)
class Command:
    """`name` with its prefix, `^FO`; `^A` has the font's letter among its parameters."""

    name: str
    data: bytes

    @property
    def parameters(self) -> list[str]:
        return self.data.decode("ascii", "replace").split(",")


@dataclass(frozen=True)
class Field:
    """What stands between two `^FS`: a text, a box, or a symbol, at its origin in dots.

    `kind`: text, box, code-128, data-matrix. `data`: as it is once `^FH` has been carried out.
    """

    kind: str = "text"
    x: int = 0
    y: int = 0
    data: bytes = b""
    encoding: str = "cp850"
    height: int = 0
    width: int = 0
    thickness: int = 1
    module: int = 2
    quality: int = 0
    block: tuple[int, str] | None = None

    @property
    def text(self) -> str:
        return self.data.decode(self.encoding, "replace")


@dataclass
class Format:
    """One label. Sizes in dots."""

    width: int = 0
    length: int = 0
    copies: int = 1
    fields: list[Field] = field(default_factory=list)


class Reader:
    """Takes bytes as they arrive; `unknown` are the names of commands that it ignored."""

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self._buffer = b""
        self._format: Format | None = None
        self._encoding = "cp850"
        self._module, self._bars = 2, 10
        self._begin_field()

    @property
    def unfinished(self) -> bool:
        return self._format is not None

    def feed(self, data: bytes) -> Iterator[Format | str]:
        """Formats that have ended, and `~HS` where the host asked that."""
        self._buffer += data
        while (command := self._next()) is not None:
            if command.name == "~HS":
                yield command.name
            elif command.name == "^XA":
                self._format = Format()
                self._begin_field()
            elif command.name == "^XZ":
                if self._format is not None:
                    yield self._format
                self._format = None
            elif self._format is not None:
                self._carry_out(command, self._format)
            else:
                self.unknown.append(command.name)

    def _next(self) -> Command | None:
        start = _PREFIX.search(self._buffer)
        if start is None:
            self._buffer = b""
            return None
        self._buffer = self._buffer[start.start() :]
        if len(self._buffer) < 3:
            return None
        name = self._buffer[:3]
        if name.upper() in _AT_ONCE:
            self._buffer = self._buffer[3:]
            return Command(name.decode().upper(), b"")
        end = _PREFIX.search(self._buffer, 1)
        if end is None:
            return None
        whole, self._buffer = self._buffer[: end.start()], self._buffer[end.start() :]
        cut = 2 if whole[:2].upper() == b"^A" else 3
        return Command(whole[:cut].decode("latin-1").upper(), whole[cut:].replace(b"\n", b""))

    def _begin_field(self) -> None:
        self._field = Field(encoding=self._encoding)
        self._escape: bytes | None = None

    def _carry_out(self, command: Command, label: Format) -> None:
        given = command.parameters

        def number(at: int, default: int) -> int:
            return int(given[at]) if at < len(given) and given[at].strip().isdigit() else default

        now = self._field
        match command.name:
            case "^CI":
                self._encoding = _ENCODINGS.get(number(0, 0), "cp850")
                self._field = replace(now, encoding=self._encoding)
            case "^PW":
                label.width = number(0, 0)
            case "^LL":
                label.length = number(0, 0)
            case "^LH" if number(0, 0) == number(1, 0) == 0:
                pass
            case "^PQ":
                label.copies = number(0, 1)
            case "^FO":
                self._field = replace(now, x=number(0, 0), y=number(1, 0))
            case "^A" if given[0][:2] == "0N":
                self._field = replace(now, height=number(1, 15), width=number(2, 0))
            case "^FB":
                self._field = replace(
                    now, block=(number(0, 0), given[3] if len(given) > 3 else "L")
                )
            case "^GB":
                self._field = replace(
                    now, kind="box", width=number(0, 1), height=number(1, 1), thickness=number(2, 1)
                )
            case "^BY":
                self._module, self._bars = number(0, 2), number(2, 10)
            case "^BC" if given[2:6] == ["N", "N", "N", "N"]:
                self._field = replace(
                    now, kind="code-128", module=self._module, height=number(1, self._bars)
                )
            case "^BX":
                self._field = replace(
                    now, kind="data-matrix", module=number(1, 0), quality=number(2, 0)
                )
            case "^FH":
                self._escape = command.data[:1] or b"_"
            case "^FD":
                self._field = replace(now, data=self._filled(command.data))
            case "^FS":
                if now.data or now.kind == "box":
                    label.fields.append(now)
                self._begin_field()
            case _:
                self.unknown.append(command.name)

    def _filled(self, data: bytes) -> bytes:
        """With each escape and two hexadecimal digits made one byte."""
        if self._escape is None:
            return data
        first, *rest = data.split(self._escape)
        filled = first
        for part in rest:
            code = _HEX.match(part)
            filled += bytes.fromhex(code[1].decode()) + part[2:] if code else self._escape + part
        return filled
