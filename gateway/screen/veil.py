"""A picture of a part as the page may show it: every code that can be read is struck through.

A reader in somebody's hand must not find on the screen what it has to find on the part. What is
kept stays as it is; this is a copy. Heavy: call it in a thread.
"""

import io

from PIL import ImageDraw

from drivers.camera.codec import Code, NoPicture, decode, unpack

MEDIA_TYPE = "image/jpeg"
LONGEST = 800
"""Pixels; a page shows no more of it."""
_STRIP = (0.3, 0.7)
"""Of a symbol's height: more than any error correction mends."""
_SYMBOLOGIES = ("DataMatrix", "QRCode", "Code128", "Code39", "EAN13")


def veil(data: bytes) -> bytes | None:
    """A JPEG file; None of what is no picture."""
    try:
        image = unpack(data)
        image.thumbnail((LONGEST, LONGEST))
        # What cannot be read at first may be, once what lay beside it is covered.
        for _ in range(5):
            smaller = io.BytesIO()
            image.save(smaller, "PNG", compress_level=1)
            codes = decode(smaller.getvalue(), _SYMBOLOGIES).codes
            if not codes:
                break
            for code in codes:
                ImageDraw.Draw(image).polygon(_strip(code), fill=0)
    except NoPicture:
        return None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def _strip(code: Code) -> list[tuple[float, float]]:
    """From one side of a symbol to the other, across its middle."""
    upper_left, upper_right, lower_right, lower_left = code.corners

    def between(
        one: tuple[float, float], other: tuple[float, float], share: float
    ) -> tuple[float, float]:
        return (
            one[0] + (other[0] - one[0]) * share,
            one[1] + (other[1] - one[1]) * share,
        )

    high, low = _STRIP
    return [
        between(upper_left, lower_left, high),
        between(upper_right, lower_right, high),
        between(upper_right, lower_right, low),
        between(upper_left, lower_left, low),
    ]
