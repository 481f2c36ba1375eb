"""A picture file to the codes in it: as it is, then by a ladder that closes a dot-peened mark.

Pure, and heavy: some milliseconds where a code is read at once, some tens where the whole ladder is
climbed; a caller with an event loop does it in a thread. The dots of a peened symbol do not touch,
so that a decoder sees none: smoothed, and opened with a disc, the bright gaps between dark dots
close. The second half of the rungs is for light dots on dark metal. A rung's picture is decoded
whole, and the first that shows a code ends the climb.

A symbol is its bytes: `]d1` is a Data Matrix, `]d2` one that begins with FNC1. Without an ECI a
byte is a character of ISO/IEC 8859-1 (ISO/IEC 16022), so that the separators of ISO/IEC 15434 come
out as they were encoded, and the codeword Macro 06 as the envelope that it stands for.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import zxingcpp
from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

LARGEST_PIXELS = 50_000_000
"""A picture with more is refused before it is unpacked."""
LADDER = ((1.5, 5), (1.5, 9), (1.5, 13), (2.5, 7), (2.5, 9))
"""Each rung's smoothing and the width of its disc, in pixels. The first three read 20 of 20 peened
marks that were not read as they are; the last two read turned ones that those three missed.
"""
LADDER_SIDE = 1280
"""A picture that is longer is made smaller for the ladder, by a whole number: its discs are made
for dots of some pixels, and each rung costs as much as the picture is large."""
SYMBOLOGIES = ("DataMatrix", "QRCode")


_UNREADABLE = (
    Image.DecompressionBombError,
    UnidentifiedImageError,
    OSError,
    SyntaxError,  # Pillow's word for a broken PNG
    ValueError,
)


class NoPicture(ValueError):
    """The bytes are no whole picture of a known form."""


@dataclass(frozen=True)
class Code:
    """One code of a picture. `corners`: x, y in pixels, from the symbol's upper left, clockwise.

    `dark`: of a Data Matrix each of its cells as it was taken, row by row, mistakes and all.
    """

    content: str
    symbology: str
    corners: tuple[tuple[float, float], ...]
    rows: int = 0
    columns: int = 0
    dark: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What is in a picture. `rung`: 0 as it is, then the ladder's; that of the last where none."""

    picture: Image.Image
    codes: tuple[Code, ...]
    rung: int


def unpack(data: bytes) -> Image.Image:
    """The picture in a file (JPEG, PNG, BMP, TIFF, PGM), grey. Raises NoPicture if it is cut."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "BMP", "TIFF", "PPM")) as image:
            if image.width * image.height <= LARGEST_PIXELS:
                return ImageOps.exif_transpose(image).convert("L")
            too_many = f"{image.width} by {image.height} pixels are too many"
    except _UNREADABLE as fault:
        raise NoPicture(str(fault) or type(fault).__name__) from fault
    raise NoPicture(too_many)


def decode(data: bytes, symbologies: Sequence[str] = SYMBOLOGIES, *, ladder: bool = True) -> Seen:
    """What is in a picture file. `symbologies` by zxing-cpp's names. Raises NoPicture."""
    picture = unpack(data)
    formats = zxingcpp.barcode_formats_from_str("|".join(symbologies))
    codes = _codes(picture, formats, 1)
    if codes or not ladder:
        return Seen(picture, codes, 0)
    smaller = -(-max(picture.size) // LADDER_SIDE)
    for rung, seen in enumerate(_rungs(picture.reduce(smaller)), start=1):
        codes = _codes(seen, formats, smaller)
        if codes:
            return Seen(picture, codes, rung)
    return Seen(picture, (), 2 * len(LADDER))


def opened(picture: Image.Image, width: int) -> Image.Image:
    """Grey opening with a disc of `width` pixels: what is bright and narrower than it is gone."""
    runs = _disc(width)
    return _under_disc(_under_disc(picture, runs, darker=True), runs, darker=False)


def _rungs(picture: Image.Image) -> Iterator[Image.Image]:
    for dark_on_light in (picture, ImageOps.invert(picture)):
        for smoothing, width in LADDER:
            yield opened(dark_on_light.filter(ImageFilter.GaussianBlur(smoothing)), width)


def _disc(width: int) -> list[tuple[int, int]]:
    """Of each row of a disc, how far it lies below the middle and its half width."""
    radius = width // 2
    return [(dy, round((radius * radius - dy * dy) ** 0.5)) for dy in range(-radius, radius + 1)]


def _under_disc(picture: Image.Image, disc: list[tuple[int, int]], *, darker: bool) -> Image.Image:
    """Each pixel the darkest, or brightest, under the disc. Its rows of one width are made once."""
    choose = ImageChops.darker if darker else ImageChops.lighter
    beyond = 255 if darker else 0
    rows: dict[int, Image.Image] = {0: picture}
    for half in range(1, max(half for _, half in disc) + 1):
        both = (_moved(picture, half, 0, beyond), _moved(picture, -half, 0, beyond))
        rows[half] = reduce(choose, both, rows[half - 1])
    return reduce(choose, (_moved(rows[half], 0, dy, beyond) for dy, half in disc))


def _moved(picture: Image.Image, dx: int, dy: int, beyond: int) -> Image.Image:
    if not dx and not dy:
        return picture
    moved = Image.new("L", picture.size, beyond)
    moved.paste(picture, (dx, dy))
    return moved


def _codes(picture: Image.Image, formats: Any, smaller: int) -> tuple[Code, ...]:
    """The codes without a fault, different ones once each; so much smaller is the picture."""
    found: list[Any] = list(
        zxingcpp.read_barcodes(picture, formats=formats, text_mode=zxingcpp.TextMode.Plain)
    )
    codes: dict[tuple[str, str], Code] = {}
    for each in found:
        code = _code(each, smaller)
        codes.setdefault((code.content, code.symbology), code)
    return tuple(codes.values())


def _code(found: Any, smaller: int) -> Code:
    at = found.position
    corners: Sequence[Any] = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    rows, columns, dark = 0, 0, b""
    if found.format == zxingcpp.BarcodeFormat.DataMatrix:
        image = found.to_image(scale=1, add_quiet_zones=False)
        rows, columns = image.shape
        dark = memoryview(image).tobytes()
    return Code(
        found.bytes.decode("latin-1"),
        found.symbology_identifier,
        tuple((float(each.x * smaller), float(each.y * smaller)) for each in corners),
        rows,
        columns,
        tuple(value == 0 for value in dark),
    )
