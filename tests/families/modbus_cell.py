"""The marking cell on Modbus, whose codec has registers where others have bytes."""

from collections.abc import Callable, Sequence

from drivers.modbus_cell import codec
from tests.families import Codec, Ear, Family


class Requests:
    """What a library does on this wire: whole requests, here told apart by their length's byte."""

    def __init__(self) -> None:
        self._open = bytearray()
        self.garbage = 0

    def reset(self) -> None:
        self.garbage += len(self._open)
        self._open.clear()

    def feed(self, data: bytes) -> list[bytes]:
        self._open += data
        found = []
        while self._open and len(self._open) > 2 * self._open[0]:
            size = 1 + 2 * self._open[0]
            found.append(bytes(self._open[1:size]))
            del self._open[:size]
        return found


def _registers(count: int, decode: Callable[[Sequence[int]], object]) -> Callable[[bytes], object]:
    """Bytes as registers, so many of them, or as many as there are where that is odd."""

    def decoded(frame: bytes) -> object:
        octets = frame if len(frame) % 16 == 15 else frame.ljust(2 * count, b"\0")[: 2 * count]
        pairs = zip(octets[::2], octets[1::2], strict=False)
        return decode([high << 8 | low for high, low in pairs])

    return decoded


def _tray(registers: Sequence[int]) -> object:
    table = registers[74 : 74 + codec.TABLE_REGISTERS]
    areas = [*registers, *[0] * (codec.TOTAL_REGISTERS - codec.AREAS)]
    command = codec.decode_command(registers[: codec.HOST_REGISTERS])
    return codec.decode_tray(command, table, areas[: codec.TOTAL_REGISTERS - codec.AREAS])


def _echo(registers: Sequence[int]) -> object:
    state = codec.decode_state(registers[:13])
    return codec.decode_echo(state, registers[13:])


FAMILY = Family(
    name="modbus_cell",
    kind="modbus-cell",
    role="marker",
    codec=Codec(
        folder="modbus_cell",
        tests="test_modbus_codec.py",
        vectors=("test_vectors",),
        round_trips=(
            "test_text_is_refused_or_comes_back",
            "test_any_image_decodes_and_encodes_to_itself",
        ),
        errors=(ValueError,),
        ears=lambda: {
            "registers": Ear(
                Requests,
                (
                    _registers(codec.HOST_REGISTERS, codec.decode_command),
                    _registers(codec.SNAPSHOT_REGISTERS, codec.decode_snapshot),
                    _registers(codec.REPORT_REGISTERS, codec.decode_report),
                    _registers(106, _tray),
                    _registers(13 + codec.TEXT_REGISTERS, _echo),
                    codec.decode_text,
                ),
            )
        },
    ),
    options={"reply_timeout": 0.3, "accept_timeout": 0.5},
    wire="tcp://127.0.0.1:0",
    job="1",
)
