"""Where everything stands on a label: A6 upright, positions in millimetres from its upper left.

Pure: the same label gives the same layout, and both forms, PDF and ZPL, draw that alone. Widths of
bars and modules are whole dots at 8 and at 12 dots a millimetre. The symbol of an SSCC keeps to
the GS1 General Specifications for logistic labels: X 0.495 to 0.94 mm, bars of 31.75 mm or more,
ten modules of quiet zone, at the foot of the label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from central.labels.content import Goods, Label, Party
from central.labels.fitting import Lines, fitted, grouped, most, on_one_line
from central.register.products.symbol import size
from central.screens.texts import Texts

WIDTH, HEIGHT = 105.0, 148.0
MARGIN = 5.0
INNER = WIDTH - 2 * MARGIN
RULE = 0.5
BAR = 0.5
"""The X of the linear symbol."""
BARS = 32.0
MODULES = (1.5, 1.25, 1.0)
"""Of the Data Matrix, the first with which it goes into `_SIDE`."""
CODE_128 = 156
"""Modules of an SSCC in GS1-128: start, FNC1, ten pairs and check of 11 each, the stop of 13."""
_CAPTION = 2.4
_NAMES = (5.0, 4.5, 4.0, 3.6, 3.2, 2.8, 2.5, 2.2, 2.0)
_VALUES = (4.5, 4.0, 3.6, 3.2, 2.8, 2.5, 2.2, 2.0)
_LINES = (3.2, 2.8, 2.4, 2.0)
_LEAST = 2.0
_CELL = 11.0
_HEAD, _ROW, _WIDE = 5.2, 7.0, 68.0
_GOODS = (43.0, 98.5)
_SYMBOL = 99.5
_SIDE = 36.0


@dataclass(frozen=True)
class Text:
    """One line. `y` is the top of its letters' box, `size` that box's height; `room` is how wide
    it may be. Centred within its room where it says so."""

    x: float
    y: float
    size: float
    text: str
    room: float
    bold: bool = False
    centred: bool = False


@dataclass(frozen=True)
class Rule:
    """A black rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Linear:
    """GS1-128 of an element string, without its application identifiers' brackets."""

    x: float
    y: float
    bar: float
    height: float
    value: str


@dataclass(frozen=True)
class Matrix:
    """Square Data Matrix, ECC 200; `side` is the most that it can take."""

    x: float
    y: float
    module: float
    side: float
    value: str


Field: TypeAlias = Text | Rule | Linear | Matrix


def lay_out(label: Label, t: Texts) -> tuple[Field, ...]:
    """Every field, from the top down."""
    return (
        *_parties(label, t),
        *_goods(label, t),
        Rule(MARGIN, _SYMBOL, INNER, RULE),
        *(_linear(label) if label.is_sscc else _matrix(label, t)),
    )


def _parties(label: Label, t: Texts) -> Iterator[Field]:
    journey = label.journey
    second: tuple[str, Party | None]
    if journey is not None:
        first, second = (t("Sender"), journey.sender), (t("Recipient"), journey.recipient)
        note = t("Consignment {number}", number=journey.number)
    else:
        first, second = (t("Holder"), label.holder), (t("Place"), label.place)
        note = ""
    for y, (caption, party), more in ((MARGIN, first, ""), (24.0, second, note)):
        yield from _party(y, caption, party, more)
        yield Rule(MARGIN, y + 17.5, INNER, RULE)


def _party(y: float, caption: str, party: Party | None, more: str) -> Iterator[Field]:
    yield _caption(MARGIN, y, caption, INNER)
    if party is None:
        return
    lines = fitted(party.name, INNER, 10.0, _NAMES, bold=True)
    yield from _placed(lines, MARGIN, y + 3.2, INNER, bold=True)
    told = [
        party.code,
        *([f"NCAGE {party.ncage}"] if party.ncage else []),
        *([more] if more else []),
    ]
    yield from _placed(
        fitted(" · ".join(told), INNER, 3.0, (2.6, 2.2, 2.0)), MARGIN, y + 14.0, INNER
    )


def _goods(label: Label, t: Texts) -> Iterator[Field]:
    top, _ = _GOODS
    match label.goods:
        case ():
            yield _caption(MARGIN, top, t("Contents"), INNER)
            text = (
                t.counting(label.packages, "{n} package", n=grouped(label.packages))
                if label.packages
                else t("None told of yet")
            )
            yield from _placed(fitted(text, INNER, 6.0, _VALUES), MARGIN, top + 3.4, INNER)
        case (only,):
            yield from _one_kind(only, label.packages, t)
        case several:
            yield from _kinds(several, label.packages, t)


def _one_kind(goods: Goods, packages: int, t: Texts) -> Iterator[Field]:
    top, _ = _GOODS
    yield _caption(MARGIN, top, t("Contents"), INNER)
    lines = fitted(goods.model, INNER, 8.6, (7.0, 6.0, *_NAMES), bold=True)
    yield from _placed(lines, MARGIN, top + 3.2, INNER, bold=True)
    half = INNER / 2 - 1.5
    for index, (caption, value) in enumerate(_cells(goods, packages, t, half)):
        x = MARGIN + (index % 2) * (half + 3.0)
        y = top + 12.8 + (index // 2) * _CELL
        yield _caption(x, y, caption, half)
        yield from _placed(
            fitted(value, half, 6.0, _VALUES, bold=True), x, y + 3.0, half, bold=True
        )


def _cells(goods: Goods, packages: int, t: Texts, room: float) -> Iterator[tuple[str, str]]:
    """What there is, in the order in which people look for it."""
    yield t("Quantity"), t.counting(goods.pieces, "{n} piece", n=grouped(goods.pieces))
    if goods.rounds is not None:
        yield t("Rounds"), grouped(goods.rounds)
    if packages:
        yield t("Inner packages"), grouped(packages)
    if goods.lots:
        yield (
            t("Lot") if len(goods.lots) == 1 else t("Lots"),
            most(goods.lots, 2 * room, _VALUES[-1]),
        )
    if goods.calibre:
        yield t("Calibre"), goods.calibre
    if goods.nsn is not None:
        yield "NSN", goods.nsn
    if goods.product is not None and goods.product != goods.model:
        yield t("Product"), goods.product


def _kinds(several: Sequence[Goods], packages: int, t: Texts) -> Iterator[Field]:
    top, bottom = _GOODS
    pieces = sum(goods.pieces for goods in several)
    told = t("Mixed contents: {kinds} kinds, {n} pieces", kinds=len(several), n=grouped(pieces))
    if packages:
        told += " · " + t.counting(packages, "{n} package", n=grouped(packages))
    yield from _placed(fitted(told, INNER, 4.0, _LINES), MARGIN, top, INNER)
    rows = int((bottom - top - _HEAD) // _ROW)
    shown = several if len(several) <= rows else several[: rows - 1]
    y = top + _HEAD
    for goods in shown:
        yield from _row(goods, y, t)
        y += _ROW
    if len(shown) < len(several):
        rest = t("and {n} more kinds", n=len(several) - len(shown))
        yield from _placed(fitted(rest, INNER, 3.4, _LINES), MARGIN, y, INNER)


def _row(goods: Goods, y: float, t: Texts) -> Iterator[Field]:
    """One of several kinds: what it is and how many, and below that the numbers it goes by."""
    calibre = [goods.calibre] if goods.calibre and goods.calibre not in goods.model else []
    what = " · ".join([goods.model, *calibre])
    number = [f"NSN {goods.nsn}"] if goods.nsn else []
    lots = [f"{t('Lot')} {most(goods.lots, _WIDE - 36.0, _LEAST)}"] if goods.lots else []
    x = MARGIN + _WIDE + 2.0
    room = WIDTH - MARGIN - x
    count = t.counting(goods.pieces, "{n} piece", n=grouped(goods.pieces))
    yield from _placed(fitted(what, _WIDE, 3.6, _LINES, bold=True), MARGIN, y, _WIDE, bold=True)
    yield from _placed(fitted(count, room, 3.6, _LINES, bold=True), x, y, room, bold=True)
    if number or lots:
        below = fitted(" · ".join([*number, *lots]), _WIDE, 2.6, (2.4, 2.2, _LEAST))
        yield from _placed(below, MARGIN, y + 3.7, _WIDE)


def _linear(label: Label) -> Iterator[Field]:
    yield _caption(MARGIN, _SYMBOL + 1.5, "SSCC", INNER)
    x = (WIDTH - CODE_128 * BAR) / 2
    yield Linear(x, 104.5, BAR, BARS, label.element_string)
    yield Text(MARGIN, 138.0, 5.0, f"(00) {label.code}", INNER, bold=True, centred=True)


def _matrix(label: Label, t: Texts) -> Iterator[Field]:
    needed = size(label.envelope)
    assert needed is not None, "a number is ASCII, and 50 characters at most"
    module = next(each for each in MODULES if needed.plain * each <= _SIDE)
    side = needed.plain * module
    yield Matrix(MARGIN + 2.0, 105.0, module, side, label.envelope)
    x = MARGIN + 2.0 + side + 5.0
    room = WIDTH - MARGIN - x
    yield _caption(x, 105.0, t("Licence plate (ISO/IEC 15459)"), room)
    lines = on_one_line(label.code, room, (6.5, 6.0, 5.5, 5.0, 4.5), bold=True)
    if lines is None:
        lines = fitted(label.code, room, 30.0, (5.0, 4.5, 4.0, 3.6), bold=True)
    yield from _placed(lines, x, 109.0, room, bold=True)


def _caption(x: float, y: float, text: str, room: float) -> Text:
    lines = fitted(text, room, _CAPTION * 1.2, (_CAPTION, 2.0))
    return Text(x, y, lines.size, lines.texts[0], room)


def _placed(lines: Lines, x: float, y: float, room: float, *, bold: bool = False) -> Iterator[Text]:
    for index, text in enumerate(lines.texts):
        yield Text(x, y + index * lines.pitch, lines.size, text, room, bold)
