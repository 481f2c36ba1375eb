"""How good a mark looks, in the manner of ISO/IEC TR 29158: an estimate, and no verification.

A verifier lights the part and is calibrated as the standard says; a camera at a line is not.
Measured are cell contrast, cell modulation, axial non-uniformity and unused error correction, each
graded 4 (A) to 0 (F), and the least of them is the whole. Pure.

Else than the standard: one aperture of 60 % of a cell in place of two; the threshold is the middle
between the means of dark and of light cells, told apart as they were decoded. Unused error
correction is that of the decoder, or of the cells as they are measured here, whichever is more.
Fixed pattern damage, grid non-uniformity, distributed damage and minimum reflectance are not
estimated.

The limits of axial non-uniformity are those of ISO/IEC 16022 as datamatrixcode.net tells them;
those of the other three are (U).
"""

from dataclasses import dataclass, replace
from itertools import compress
from math import dist

from PIL import Image, ImageFilter

from drivers.camera.codec import Code
from drivers.camera.ecc200 import Layout, layout, wrong

LETTERS = "FDCBA"
CONTRAST_LIMITS = (0.15, 0.20, 0.25, 0.30)
"""The least that is D, C, B and A."""
MODULATION_LIMITS = (0.20, 0.30, 0.40, 0.50)
CORRECTION_LIMITS = (0.25, 0.37, 0.50, 0.62)
AXIAL_LIMITS = (0.12, 0.10, 0.08, 0.06)
"""The most that is D, C, B and A."""
APERTURE = 0.6
"""Of a cell: over so much of its middle brightness is averaged."""
_STEPS = (0.3, 0.15)
"""Of a cell: how far a corner is moved to where dark and light lie farthest apart."""
_WAYS = tuple((x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y)
_Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Quality:
    """An estimate: contrast, axial non-uniformity and unused correction as ratios; modulation as
    its grade, since that takes error correction into account.
    """

    contrast: float
    modulation: int
    axial: float
    correction: float

    @property
    def grades(self) -> tuple[int, int, int, int]:
        """0 to 4: cell contrast, cell modulation, axial non-uniformity, unused correction."""
        return (
            _grade(self.contrast, CONTRAST_LIMITS),
            self.modulation,
            sum(self.axial <= limit for limit in AXIAL_LIMITS),
            _grade(self.correction, CORRECTION_LIMITS),
        )

    @property
    def grade(self) -> int:
        """The whole: 0 to 4."""
        return min(self.grades)

    @property
    def letter(self) -> str:
        return LETTERS[self.grade]

    @property
    def told(self) -> str:
        """As a reading carries it: `est. B`."""
        return f"est. {self.letter}"


def estimate(picture: Image.Image, code: Code) -> Quality | None:
    """The quality of a Data Matrix in the grey picture where it was seen.

    None of other codes, of sizes whose layout is not known, and of one that was seen in a mirror.
    """
    symbol = layout(code.rows, code.columns)
    amiss = None if symbol is None else wrong(symbol, code.dark)
    if symbol is None or amiss is None:
        return None
    cells = sample(picture, code)
    one, other = _means(cells, code)
    middle, half = (one + other) / 2, (other - one) / 2
    # A decoder that laid its grid askew, and was mended, took cells for their neighbours.
    straight = tuple((value < middle) is (one < other) for value in cells)
    fewer = wrong(symbol, straight)
    if fewer is not None and len(fewer) < len(amiss):
        amiss, code = fewer, replace(code, dark=straight)
    # By how much each cell lies on its own side of the middle: 1 is the mean of its kind.
    own = [
        ((middle - value) if dark else (value - middle)) / half if half else 0.0
        for value, dark in zip(cells, code.dark, strict=True)
    ]
    return Quality(
        contrast=abs(other - one) / max(one, other, 1.0),
        modulation=_modulation(symbol, own, amiss),
        axial=_axial(code),
        correction=_unused(symbol, amiss),
    )


def _grade(value: float, limits: tuple[float, ...]) -> int:
    return sum(value >= limit for limit in limits)


def _unused(symbol: Layout, amiss: set[int]) -> float:
    """Of the block that has the least left."""
    worst = max(
        sum(_block(symbol, word) == block for word in amiss) for block in range(symbol.blocks)
    )
    return 1 - 2 * worst / (symbol.correction // symbol.blocks)


def _block(symbol: Layout, word: int) -> int:
    return (word if word < symbol.data else word - symbol.data) % symbol.blocks


def _modulation(symbol: Layout, own: list[float], amiss: set[int]) -> int:
    """A codeword is as good as its worst cell, and of none where it is wrong. At each grade, those
    below it are taken for mistakes: the grade counts as far as correction would have mended them.
    """
    grades = [
        0 if number in amiss else _grade(min(own[cell] for cell in cells), MODULATION_LIMITS)
        for number, cells in enumerate(symbol.cells)
    ]
    return max(
        min(level, _grade(_unused(symbol, below), CORRECTION_LIMITS))
        for level in range(5)
        for below in ({number for number, grade in enumerate(grades) if grade < level},)
    )


def sample(picture: Image.Image, code: Code) -> bytes:
    """The brightness of each cell's middle, row by row, 0 to 255.

    A decoder's corners are off by a pixel or two where it saw dots that were made to touch, so each
    is moved a little as long as that sets dark and light farther apart.
    """
    pitch = _pitch(code)
    smooth = picture.filter(ImageFilter.BoxBlur(pitch * APERTURE / 2))
    corners = code.corners
    cells = _flat(smooth, code, corners)
    best = _apart(cells, code)
    for step in _STEPS:
        for corner in range(4):
            for x, y in _WAYS:
                at_x, at_y = corners[corner]
                there = (at_x + x * step * pitch, at_y + y * step * pitch)
                moved = (*corners[:corner], there, *corners[corner + 1 :])
                tried = _flat(smooth, code, moved)
                if (apart := _apart(tried, code)) > best:
                    best, cells, corners = apart, tried, moved
    return cells


def _flat(picture: Image.Image, code: Code, corners: _Corners) -> bytes:
    size = (code.columns, code.rows)
    return picture.transform(
        size,
        Image.Transform.PERSPECTIVE,
        _from_flat(corners, *size),
        Image.Resampling.BILINEAR,
    ).tobytes()


def _means(cells: bytes, code: Code) -> tuple[float, float]:
    """Of the cells that are dark by their meaning, and of the others."""
    dark = sum(compress(cells, code.dark))
    count = sum(code.dark)
    return dark / count, (sum(cells) - dark) / (len(cells) - count)


def _apart(cells: bytes, code: Code) -> float:
    one, other = _means(cells, code)
    return abs(other - one)


def _from_flat(corners: _Corners, wide: int, high: int) -> tuple[float, ...]:
    """Pillow's eight factors that take a point of the flat symbol to one of the picture."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    spread = dx1 * dy2 - dx2 * dy1
    g = (dx3 * dy2 - dx2 * dy3) / spread if spread else 0.0
    h = (dx1 * dy3 - dx3 * dy1) / spread if spread else 0.0
    return (
        (x1 - x0 + g * x1) / wide,
        (x3 - x0 + h * x3) / high,
        x0,
        (y1 - y0 + g * y1) / wide,
        (y3 - y0 + h * y3) / high,
        y0,
        g / wide,
        h / high,
    )


def _pitches(code: Code) -> tuple[float, float]:
    """Pixels from cell to cell along rows and along columns, the mean of both sides."""
    one, two, three, four = code.corners
    across = (dist(one, two) + dist(four, three)) / (2 * code.columns)
    return across, (dist(one, four) + dist(two, three)) / (2 * code.rows)


def _pitch(code: Code) -> float:
    return sum(_pitches(code)) / 2


def _axial(code: Code) -> float:
    """By how much the pitches along rows and columns differ, of their mean."""
    across, down = _pitches(code)
    return abs(across - down) / _pitch(code) if across + down else 1.0
