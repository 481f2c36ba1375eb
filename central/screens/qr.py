"""A QR code: its dark modules, as runs or as the path of an SVG with one unit a module."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import zxingcpp


def runs(content: str) -> tuple[int, Iterator[tuple[int, int, int]]]:
    """How many modules a side has, and (x, y, length) of each run of dark ones in a row."""
    symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    data, (high, wide) = memoryview(image).tobytes(), image.shape

    def found() -> Iterator[tuple[int, int, int]]:
        for y in range(high):
            x = 0
            for light, run in groupby(data[y * wide : (y + 1) * wide], bool):
                length = len(list(run))
                if not light:
                    yield x, y, length
                x += length

    return wide, found()


def drawn(content: str) -> tuple[int, str]:
    """How many modules a side has, and the path."""
    wide, dark = runs(content)
    return wide, "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in dark)
