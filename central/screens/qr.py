"""A QR code as the path of an SVG: one unit a module, dark modules alone."""

from itertools import groupby
from typing import Any

import zxingcpp


def drawn(content: str) -> tuple[int, str]:
    """How many modules a side has, and the path."""
    symbol = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    data, (high, wide) = memoryview(image).tobytes(), image.shape
    path = []
    for y in range(high):
        x = 0
        for light, run in groupby(data[y * wide : (y + 1) * wide], bool):
            length = len(list(run))
            if not light:
                path.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return wide, "".join(path)
