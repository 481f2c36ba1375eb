"""Where a Data Matrix keeps its codewords, and which of them error correction had to mend. Pure.

Sizes, regions and the placement of codewords are those of ISO/IEC 16022 (ECC 200; tables of symbol
attributes and the annex on placement), Reed-Solomon over GF(256) with the polynomial 301, roots 2^1
and on. The decoder's own word of it is not used: zxing-cpp 3.1.1 writes an unused share of 0.0999
as 0.9. Symbols larger than 104 by 104 are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

_POLYNOMIAL = 301
_SIZES: dict[tuple[int, int], tuple[int, int, int]] = {
    (10, 10): (3, 5, 1),
    (12, 12): (5, 7, 1),
    (14, 14): (8, 10, 1),
    (16, 16): (12, 12, 1),
    (18, 18): (18, 14, 1),
    (20, 20): (22, 18, 1),
    (22, 22): (30, 20, 1),
    (24, 24): (36, 24, 1),
    (26, 26): (44, 28, 1),
    (32, 32): (62, 36, 1),
    (36, 36): (86, 42, 1),
    (40, 40): (114, 48, 1),
    (44, 44): (144, 56, 1),
    (48, 48): (174, 68, 1),
    (52, 52): (204, 84, 2),
    (64, 64): (280, 112, 2),
    (72, 72): (368, 144, 4),
    (80, 80): (456, 192, 4),
    (88, 88): (576, 224, 4),
    (96, 96): (696, 272, 4),
    (104, 104): (816, 336, 6),
    (8, 18): (5, 7, 1),
    (8, 32): (10, 11, 1),
    (12, 26): (16, 14, 1),
    (12, 36): (22, 18, 1),
    (16, 36): (32, 24, 1),
    (16, 48): (49, 28, 1),
}
"""By rows and columns: codewords of data, of correction, and the blocks they are woven into."""


@dataclass(frozen=True)
class Layout:
    """One size of symbol. `cells`: of each codeword its eight cells (row * columns + column), the
    highest bit first.
    """

    data: int
    correction: int
    blocks: int
    cells: tuple[tuple[int, ...], ...]


@cache
def layout(rows: int, columns: int) -> Layout | None:
    """The layout of a size; None of one that is not in the table."""
    found = _SIZES.get((rows, columns))
    if found is None:
        return None
    down = across = _regions(rows)
    if rows != columns:
        down, across = 1, 1 + (columns > 26)
    high, wide = rows - 2 * down, columns - 2 * across
    tall, broad = high // down, wide // across
    codewords: dict[int, dict[int, int]] = {}
    for (row, column), (codeword, bit) in _placement(high, wide).items():
        y, x = row + 1 + 2 * (row // tall), column + 1 + 2 * (column // broad)
        codewords.setdefault(codeword, {})[bit] = y * columns + x
    cells = tuple(tuple(codewords[number][bit] for bit in range(8)) for number in sorted(codewords))
    return Layout(*found, cells)


def wrong(symbol: Layout, dark: Sequence[bool]) -> set[int] | None:
    """Which codewords are not what the others say; None if they are too many to tell.

    `dark`: every cell of the symbol, row by row.
    """
    words = [_byte(dark, cells) for cells in symbol.cells]
    found: set[int] = set()
    for block in range(symbol.blocks):
        places = [*range(block, symbol.data, symbol.blocks)]
        places += range(symbol.data + block, symbol.data + symbol.correction, symbol.blocks)
        amiss = _amiss([words[at] for at in places], symbol.correction // symbol.blocks)
        if amiss is None:
            return None
        found |= {places[at] for at in amiss}
    return found


def _byte(dark: Sequence[bool], cells: Sequence[int]) -> int:
    value = 0
    for cell in cells:
        value = value << 1 | dark[cell]
    return value


def _regions(side: int) -> int:
    """Of a square symbol, how many regions stand along a side."""
    return 1 if side <= 26 else 2 if side <= 52 else 4


def _placement(high: int, wide: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Of each cell of the joined regions, its codeword and bit (0 is the highest)."""
    taken: dict[tuple[int, int], tuple[int, int]] = {}
    for codeword, cells in enumerate(_shapes(high, wide, taken)):
        for bit, (row, column) in enumerate(cells):
            y, x = row, column
            if y < 0:
                y, x = y + high, x + 4 - (high + 4) % 8
            if x < 0:
                y, x = y + 4 - (wide + 4) % 8, x + wide
            taken[y, x] = (codeword, bit)
    return taken


def _shapes(
    high: int, wide: int, taken: dict[tuple[int, int], tuple[int, int]]
) -> Iterator[list[tuple[int, int]]]:
    """The cells of one codeword after another, in diagonals up and down from the lower left."""
    row, column = 4, 0
    while row < high or column < wide:
        if column == 0 and row == high:
            yield _corner(high, wide, [(-1, 0), (-1, 1), (-1, 2)], 2, 4)
        if column == 0 and row == high - 2 and wide % 4:
            yield _corner(high, wide, [(-3, 0), (-2, 0), (-1, 0)], 4, 2)
        if column == 0 and row == high - 2 and wide % 8 == 4:
            yield _corner(high, wide, [(-3, 0), (-2, 0), (-1, 0)], 2, 4)
        if column == 2 and row == high + 4 and wide % 8 == 0:
            yield [(high - 1, 0), (high - 1, wide - 1)] + [
                (row, wide - back) for row in (0, 1) for back in (3, 2, 1)
            ]
        while True:
            if row < high and column >= 0 and (row, column) not in taken:
                yield _utah(row, column)
            row, column = row - 2, column + 2
            if row < 0 or column >= wide:
                break
        row, column = row + 1, column + 3
        while True:
            if row >= 0 and column < wide and (row, column) not in taken:
                yield _utah(row, column)
            row, column = row + 2, column - 2
            if row >= high or column < 0:
                break
        row, column = row + 3, column + 1


def _corner(
    high: int, wide: int, lower: list[tuple[int, int]], across: int, down: int
) -> list[tuple[int, int]]:
    """A shape of which three cells lie in the lower left, and an angle in the upper right."""
    return [
        *((high + row, column) for row, column in lower),
        *((0, wide - back) for back in range(across, 0, -1)),
        *((row, wide - 1) for row in range(1, down)),
    ]


def _utah(row: int, column: int) -> list[tuple[int, int]]:
    """The common shape, whose last bit lies at row, column."""
    return [
        (row - 2, column - 2),
        (row - 2, column - 1),
        (row - 1, column - 2),
        (row - 1, column - 1),
        (row - 1, column),
        (row, column - 2),
        (row, column - 1),
        (row, column),
    ]


def _tables() -> tuple[list[int], list[int]]:
    powers, logs, value = [0] * 510, [0] * 256, 1
    for exponent in range(255):
        powers[exponent] = powers[exponent + 255] = value
        logs[value] = exponent
        value <<= 1
        if value > 255:
            value ^= _POLYNOMIAL
    return powers, logs


_POWERS, _LOGS = _tables()


def _times(one: int, other: int) -> int:
    return _POWERS[_LOGS[one] + _LOGS[other]] if one and other else 0


def _value(polynomial: Sequence[int], at: int) -> int:
    """Of a polynomial, the lowest power first."""
    result = 0
    for factor in reversed(polynomial):
        result = _times(result, at) ^ factor
    return result


def _amiss(words: Sequence[int], correction: int) -> list[int] | None:
    """Places of a block that are wrong (Berlekamp, Massey; then each place is tried)."""
    backwards = list(reversed(words))
    syndromes = [_value(backwards, _POWERS[power]) for power in range(1, correction + 1)]
    if not any(syndromes):
        return []
    locator, former, length, gap, before = [1], [1], 0, 1, 1
    for step, syndrome in enumerate(syndromes):
        apart = syndrome
        for power in range(1, min(length, len(locator) - 1) + 1):
            apart ^= _times(locator[power], syndromes[step - power])
        if not apart:
            gap += 1
            continue
        factor = _POWERS[_LOGS[apart] + 255 - _LOGS[before]]
        mended = locator + [0] * max(len(former) + gap - len(locator), 0)
        for power, value in enumerate(former):
            mended[power + gap] ^= _times(factor, value)
        if 2 * length <= step:
            former, length, gap, before = locator, step + 1 - length, 1, apart
        else:
            gap += 1
        locator = mended
    if 2 * length > correction:
        return None
    places = [
        len(words) - 1 - power
        for power in range(len(words))
        if _value(locator, _POWERS[(255 - power) % 255]) == 0
    ]
    return places if len(places) == length else None
