"""Code 128 as a printer draws it from `^BC` in mode N: start and invocation codes, then the bars.

The table and the check character are those of ISO/IEC 15417; the invocation codes, `>;` for
start in subset C and `>8` for FNC1, are those of the ZPL II Programming Guide.
"""

_TABLE = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232
122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122
321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311
211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113
213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422
121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111
241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121
412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412
211214 211232
"""
_PATTERNS = _TABLE.split()
_STOP = "2331112"
_STARTS = {"9": 103, ":": 104, ";": 105}
_INVOKED = {"5": 99, "6": 100, "7": 101, "8": 102}
_SUBSETS = {103: "A", 104: "B", 105: "C", 99: "C", 100: "B", 101: "A"}


def widths(data: str) -> list[int]:
    """Bars and spaces in turn, in modules. Raises ValueError for what the printer draws not."""
    values = _values(data)
    check = (values[0] + sum(at * value for at, value in enumerate(values))) % 103
    patterns = [_PATTERNS[value] for value in (*values, check)]
    return [int(width) for pattern in (*patterns, _STOP) for width in pattern]


def _values(data: str) -> list[int]:
    values: list[int] = []
    subset = "B"
    at = 0
    while at < len(data):
        if data[at] == ">":
            code = data[at + 1 : at + 2]
            value = _INVOKED.get(code) if values else _STARTS.get(code)
            if value is None:
                raise ValueError(f"invocation code >{code}")
            subset = _SUBSETS.get(value, subset)
            at += 2
        elif not values:
            value = _STARTS[":"]
        elif subset == "C":
            pair = data[at : at + 2]
            if len(pair) != 2 or not pair.isdigit():
                raise ValueError(f"{pair!r} is no pair of digits")
            value = int(pair)
            at += 2
        else:
            value = ord(data[at]) - ord(" ")
            if subset != "B" or not 0 <= value < 95:
                raise ValueError(f"{data[at]!r} in subset {subset}")
            at += 1
        values.append(value)
    return values
