"""How large a square Data Matrix (ECC 200, ISO/IEC 16022) a content needs, in modules a side.

Compared with an independent encoder: for every square symbol that it chose, the same size. What a
device's own encoder takes is the device's: one that knows the macros of ISO/IEC 15434 may need
less than `compact`, one that knows no encodation but ASCII needs `plain`.
"""

from dataclasses import dataclass

CAPACITY = {
    10: 3,
    12: 5,
    14: 8,
    16: 12,
    18: 18,
    20: 22,
    22: 30,
    24: 36,
    26: 44,
    32: 62,
    36: 86,
    40: 114,
    44: 144,
    48: 174,
    52: 204,
    64: 280,
    72: 368,
    80: 456,
    88: 576,
    96: 696,
    104: 816,
    120: 1050,
    132: 1304,
    144: 1558,
}
"""By the side, border included: the data codewords."""
_ONE_VALUE = frozenset(" 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NEVER = 1_000_000


@dataclass(frozen=True)
class Size:
    """Sides in modules. `compact`: the smallest by ASCII and C40; `plain`: by ASCII alone."""

    compact: int
    plain: int


def size(content: str) -> Size | None:
    """None for what is not ASCII, or longer than the largest symbol holds."""
    if not content.isascii():
        return None
    plain = _smallest(_ascii_codewords(content))
    compact = _smallest_mixed(content)
    return None if plain is None or compact is None else Size(min(plain, compact), plain)


def _smallest(codewords: int) -> int | None:
    return next((side for side, held in CAPACITY.items() if codewords <= held), None)


def _ascii_codewords(content: str) -> int:
    """Two digits in a row share a codeword."""
    count = position = 0
    while position < len(content):
        position += 2 if _is_pair(content, position) else 1
        count += 1
    return count


def _smallest_mixed(content: str) -> int | None:
    """The best of all changes between ASCII and C40, position by position.

    C40 puts three values into two codewords; what is no capital, digit or space takes two values.
    Changing to it, and back, takes a codeword each.
    """
    length = len(content)
    plain = [_NEVER] * (length + 3)
    mixed = [[_NEVER] * 3 for _ in range(length + 1)]
    plain[0] = 0
    for at in range(length + 1):
        plain[at] = min(plain[at], mixed[at][0] + 1)
        mixed[at][0] = min(mixed[at][0], plain[at] + 1)
        if at == length:
            break
        plain[at + 1] = min(plain[at + 1], plain[at] + 1)
        if _is_pair(content, at):
            plain[at + 2] = min(plain[at + 2], plain[at] + 1)
        values = 1 if content[at] in _ONE_VALUE else 2
        for pending in range(3):
            full, left = divmod(pending + values, 3)
            mixed[at + 1][left] = min(mixed[at + 1][left], mixed[at][pending] + 2 * full)
    # A symbol that is filled to its end needs no change back.
    whole = {mixed[length][0], mixed[length][2] + 2}
    return next(
        (side for side, held in CAPACITY.items() if plain[length] <= held or held in whole), None
    )


def _is_pair(content: str, at: int) -> bool:
    pair = content[at : at + 2]
    return len(pair) == 2 and pair.isdigit()
