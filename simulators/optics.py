"""A picture of what is engraved, as a camera would take it; a real decoder has to read it back.

A symbol is encoded by zxing-cpp, so that an envelope of format 06 is the codeword Macro 06, and
laid on brushed metal by laser (dark squares) or dot peen (craters that do not touch). What spoils
the picture is an effect of a name and a strength of 0 to 1, where 1 is its bound (`EFFECTS`). An
engraving of a quality below 0.5 has cells that were never reached: nobody says that it cannot be
read, its picture does. All chance comes from a seed and the engraving, so that one engraving has
one picture; of a greater strength the same cells are worn, and more.

Unverified: that metal looks like this. The bounds are chosen, not measured on parts.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from simulators.part import Engraving

Grey = npt.NDArray[np.float64]
"""Brightness of pixels, 0 to 255, (rows, columns)."""
Style = Literal["laser", "dot-peen"]
STYLES: tuple[Style, ...] = ("laser", "dot-peen")

PITCH = 10
"""Pixels from the middle of one cell to that of the next."""
MARGIN = 4
"""Cells of metal around a symbol."""
LINES = 4
"""Cells of height below it for the legible lines."""
EMPTY_SIDE = 34
"""Cells of a picture with no symbol in it."""
METAL, ENGRAVED = 176.0, 62.0
"""The brightness of bare metal, and of the bottom of a mark."""
JPEG_QUALITY = 90
SPOILED = (0.4, 1.0)
"""Strengths, from and to, of the effect that spoils a mark."""


@dataclass(frozen=True)
class Effect:
    """What spoils a picture. `bound` is what strength 1 comes to, in `unit`."""

    name: str
    bound: float
    unit: str
    does: str


EFFECTS: dict[str, Effect] = {
    each.name: each
    for each in (
        Effect("contrast", 0.93, "of the difference of mark and metal", "is lost"),
        Effect("tilt", 15.0, "degrees", "the part lies turned in the picture"),
        Effect("perspective", 0.28, "of its width", "one side is farther away and smaller"),
        Effect("glare", 300.0, "grey levels", "a lamp's reflection lies over a part of it"),
        Effect("wear", 0.06, "of the cells", "are worn away"),
        Effect("missed", 3.0, "columns", "of cells were not struck"),
        Effect("blur", 0.6, "of a cell (sigma)", "is out of focus"),
        Effect("noise", 95.0, "grey levels (sigma)", "the sensor's noise"),
    )
}


@dataclass(frozen=True)
class Optics:
    """How a camera at one station sees: the kind of mark, each effect's strength, the seed."""

    style: Style = "laser"
    strengths: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"no style {self.style!r}; there are {', '.join(STYLES)}")
        for name, strength in self.strengths.items():
            if name not in EFFECTS:
                raise ValueError(f"no effect {name!r}; there are {', '.join(EFFECTS)}")
            if not 0 <= strength <= 1:
                raise ValueError(f"{name}: a strength is 0 to 1, not {strength:g}")

    def of(self, effect: str) -> float:
        """What the effect comes to, in its unit."""
        return self.strengths.get(effect, 0.0) * EFFECTS[effect].bound


def spoiled(engraving: Engraving, optics: Optics, rate: float, by: Sequence[str]) -> Optics:
    """How one engraving is seen where a share of them, `rate`, is spoiled by one effect of `by`."""
    chance = _chance(optics.seed, engraving.id, engraving.content, engraving.at, "spoiled")
    if chance.random() >= rate:
        return optics
    effect = by[int(chance.integers(len(by)))]
    strength = float(chance.uniform(*SPOILED))
    return replace(optics, strengths={**optics.strengths, effect: strength})


def see(engravings: Sequence[Engraving], optics: Optics) -> bytes:
    """The picture of a piece, a JPEG file: bare metal where nothing is engraved.

    Positions lie side by side, in their order; what was marked over lies over what was there.
    """
    picture = io.BytesIO()
    look_at(engravings, optics).save(picture, "JPEG", quality=JPEG_QUALITY)
    return picture.getvalue()


def see_nothing(optics: Optics) -> bytes:
    """The picture of an empty fixture: a dark plate, and no metal on it."""
    side = EMPTY_SIDE * PITCH
    chance = _chance(optics.seed, "fixture")
    plate = 40 + 4 * chance.standard_normal((side, side))
    plate[:: 4 * PITCH, :] += 25
    picture = io.BytesIO()
    _as_image(plate).save(picture, "JPEG", quality=JPEG_QUALITY)
    return picture.getvalue()


def look_at(engravings: Sequence[Engraving], optics: Optics) -> Image.Image:
    """As `see`, not yet a file: grey, 8 bits."""
    places: dict[int, list[Engraving]] = {}
    for engraving in engravings:
        places.setdefault(engraving.position, []).append(engraving)
    plates = [_plate(places[at], optics) for at in sorted(places)] or [_plate([], optics)]
    return _as_image(np.hstack(list(_of_one_height(plates))))


def _plate(engravings: Sequence[Engraving], optics: Optics) -> Grey:
    """One position: its metal, what is engraved there, and all that spoils its picture."""
    chance = _chance(optics.seed, *((each.id, each.content, each.at) for each in engravings))
    marks = [_symbol(each, optics) for each in engravings]
    cells = max((len(each) for each in marks), default=EMPTY_SIDE - 2 * MARGIN)
    lines = any(each.lines for each in engravings)
    high, wide = (cells + 2 * MARGIN + LINES * lines) * PITCH, (cells + 2 * MARGIN) * PITCH
    depth = np.zeros((high, wide))
    for each, mark in zip(engravings, marks, strict=True):
        part = (_squares if optics.style == "laser" else _craters)(mark, chance)
        top = MARGIN * PITCH
        there = depth[top : top + part.shape[0], top : top + part.shape[1]]
        np.maximum(there, part, out=there)
        if each.lines:
            _write(depth, each.lines, (cells + MARGIN + 1) * PITCH)
    lost = optics.of("contrast")
    picture = _metal(high, wide, chance) * (1 - depth * (1 - ENGRAVED / METAL) * (1 - lost))
    picture = _turn(picture, optics)
    picture = picture + _glare(high, wide, optics, chance)
    picture = np.clip(picture, 0, 255)
    blurred = _as_image(picture).filter(ImageFilter.GaussianBlur(optics.of("blur") * PITCH))
    noise = chance.standard_normal((high, wide)) * (1.5 + optics.of("noise"))
    seen: Grey = np.asarray(blurred, dtype=np.float64) + noise
    return seen


def _chance(seed: int, *of: Any) -> np.random.Generator:
    digest = hashlib.sha256(repr((seed, *of)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _symbol(engraving: Engraving, optics: Optics) -> Grey:
    """How deep each cell is, 0 to 1: what was never reached, missed or worn away is 0."""
    cells = np.array(_cells(engraving.content), dtype=np.float64)
    chance = _chance(optics.seed, engraving.id, engraving.content, engraving.at, "cells")
    luck = chance.random(cells.shape)
    order = chance.permutation(np.arange(1, cells.shape[1] - 1))
    bared = optics.of("wear") + max(0.0, 0.5 - engraving.quality) * 3
    cells[luck < bared] = 0
    missed = optics.of("missed")
    cells[:, order[: int(missed)]] = 0
    if missed % 1 and int(missed) < len(order):  # a part of one more, from the top
        cells[: round(missed % 1 * len(cells)), order[int(missed)]] = 0
    return cells


@cache
def _cells(content: str) -> tuple[tuple[int, ...], ...]:
    """A symbol's cells, 1 where it is dark. A content that is not ASCII is told in ISO 8859-1."""
    symbol = zxingcpp.create_barcode(
        content.encode("latin-1"), zxingcpp.BarcodeFormat.DataMatrix, force_square=True
    )
    image: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    return tuple(tuple(int(value == 0) for value in row) for row in np.array(image).tolist())


def _squares(cells: Grey, chance: np.random.Generator) -> Grey:
    """Laser: whole cells, not all of them equally dark, with soft edges."""
    uneven = cells * (1 - 0.12 * chance.random(cells.shape))
    whole = uneven.repeat(PITCH, axis=0).repeat(PITCH, axis=1)
    soft = _as_image(whole * 255).filter(ImageFilter.GaussianBlur(0.8))
    return np.asarray(soft, dtype=np.float64) / 255


def _craters(cells: Grey, chance: np.random.Generator) -> Grey:
    """Dot peen: a round dot a cell, a little beside its place, bright where it catches the lamp."""
    high, wide = cells.shape
    found = np.zeros((high * PITCH, wide * PITCH))
    y, x = np.mgrid[0:PITCH, 0:PITCH] + 0.5
    shifts = chance.normal(0, 0.035 * PITCH, (high, wide, 2))
    widths = (0.40 + 0.03 * chance.standard_normal((high, wide))) * PITCH
    for row, column in zip(*np.nonzero(cells), strict=True):
        dy, dx = shifts[row, column] + PITCH / 2
        far = np.hypot(y - dy, x - dx) / widths[row, column]
        lamp = np.hypot(y - dy + 0.14 * PITCH, x - dx + 0.14 * PITCH) / (0.16 * PITCH)
        dot = np.clip((1.1 - far) * 5, 0, 1) - 0.45 * np.exp(-(lamp**2))
        place = found[row * PITCH : (row + 1) * PITCH, column * PITCH : (column + 1) * PITCH]
        np.maximum(place, np.clip(dot, 0, 1), out=place)
    return found


def _write(depth: Grey, lines: Sequence[str], top: int) -> None:
    """The legible lines below the symbol."""
    image = Image.new("L", (depth.shape[1], LINES * PITCH))
    draw = ImageDraw.Draw(image)
    size = max(int(LINES * PITCH / max(len(lines), 2)) - 3, 6)
    for number, line in enumerate(lines):
        draw.text((MARGIN * PITCH, number * (size + 2)), line, fill=230, font=_font(size))
    part = np.asarray(image, dtype=np.float64) / 255
    there = depth[top : top + part.shape[0]]
    np.maximum(there, part[: len(there)], out=there)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    data = files("reportlab").joinpath("fonts", "Vera.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(data), size)


def _metal(high: int, wide: int, chance: np.random.Generator) -> Grey:
    """Brushed along its rows, and lit a little more at one side."""
    brushed = np.repeat(chance.standard_normal((high, wide // 20 + 1)), 20, axis=1)[:, :wide]
    metal: Grey = METAL + 5 * brushed + np.linspace(-8, 8, wide)
    return metal


def _turn(picture: Grey, optics: Optics) -> Grey:
    """Tilt, then perspective, around the middle; beyond the edge the metal goes on."""
    angle, farther = optics.of("tilt"), optics.of("perspective")
    if not angle and not farther:
        return picture
    high, wide = picture.shape
    image = _as_image(picture)
    if angle:
        image = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=int(METAL))
    if farther:
        near, far = 0.02, farther / 2
        # Where each corner of the part is seen: its right side is smaller, and comes nearer.
        seen = (
            (near * wide, near * high),
            ((1 - far) * wide, far * high),
            ((1 - far) * wide, (1 - far) * high),
            (near * wide, (1 - near) * high),
        )
        whole = ((0, 0), (wide, 0), (wide, high), (0, high))
        image = image.transform(
            (wide, high),
            Image.Transform.PERSPECTIVE,
            _projection(seen, whole),
            Image.Resampling.BICUBIC,
            fillcolor=int(METAL),
        )
    return np.asarray(image, dtype=np.float64)


def _projection(
    seen: Sequence[tuple[float, float]], part: Sequence[tuple[float, float]]
) -> list[float]:
    """The eight factors by which Pillow finds the part's point for a point that is seen."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, part, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    factors: list[float] = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    return factors


def _glare(high: int, wide: int, optics: Optics, chance: np.random.Generator) -> Grey:
    y, x = np.mgrid[0:high, 0:wide]
    at_y, at_x = (0.3 + 0.4 * chance.random(2)) * (high, wide)
    far = np.hypot((y - at_y) / (0.20 * high), (x - at_x) / (0.24 * wide))
    light: Grey = optics.of("glare") * np.exp(-(far**2))
    return light


def _of_one_height(plates: list[Grey]) -> Iterator[Grey]:
    high = max(len(each) for each in plates)
    for each in plates:
        yield np.pad(each, ((0, high - len(each)), (0, 0)), mode="edge")


def _as_image(grey: Grey) -> Image.Image:
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
