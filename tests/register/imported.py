"""Files of stock for the tests of imports, and what is planted in them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "vectors" / "imports"
HEADINGS = "inventory,maker,model,calibre,serial,marks,year,country,holder,place,disposition"

PLANTED: tuple[tuple[int, str, int, str], ...] = (
    (5, "Nr. inventarit", 1, "missing"),
    (6, "Prodhuesi", 2, "missing"),
    (7, "Viti i prodhimit", 7, "malformed"),
    (8, "Vendi i prodhimit", 8, "malformed"),
    (9, "Gjendja", 11, "malformed"),
    (11, "Mbajtësi", 9, "not-found"),
    (12, "Vendndodhja", 10, "not-found"),
    (13, "Vendndodhja", 10, "not-of-holder"),
    (14, "Nr. inventarit", 1, "repeated"),
    (15, "", 0, "malformed"),
    (16, "Numri i serisë", 5, "missing"),
    (16, "Viti i prodhimit", 7, "malformed"),
    (16, "Vendi i prodhimit", 8, "malformed"),
    (17, "Numri i serisë", 5, "malformed"),
)
"""Of armet.csv: line, heading, position and code of each refusal. Line 10 is empty, the row on 17
goes on over 18."""
GOOD_LINES = (2, 3, 4, 19)


def weapon(index: int, **more: str) -> str:
    """A row under `HEADINGS`; each has a serial of its own."""
    cells = {
        "inventory": f"D-{index:06}",
        "maker": "Zastava",
        "model": "M70",
        "calibre": "7.62x39",
        "serial": f"S{index:06}",
        "marks": f"ZASTAVA M70 S{index:06}",
        "year": str(1970 + index % 20),
        "country": "RS",
        "holder": "DEP",
        "place": "DEP.1",
        "disposition": "in-store",
    }
    return ",".join((cells | more).values())


def csv(rows: Iterable[str], headings: str = HEADINGS) -> bytes:
    return "\n".join([headings, *rows, ""]).encode()


_FAULTS = (
    ({"serial": ""}, "serial", "missing"),
    ({"year": "next"}, "year", "malformed"),
    ({"holder": "NOBODY"}, "holder", "not-found"),
    ({"inventory": "B-000001"}, "inventory", "repeated"),
    ({"place": "UMG.GR"}, "place", "not-of-holder"),
)


def large(count: int) -> tuple[bytes, list[tuple[int, str, str]]]:
    """So many rows; in every thousandth a fault: (line, heading, code). The row before it has the
    marks of the first. Two files of different length have no mark in common."""
    planted: list[tuple[int, str, str]] = []

    def rows() -> Iterator[str]:
        for index in range(1, count + 1):
            own = {"inventory": f"B-{index:06}", "model": f"M70B-{count}"}
            if index % 1000 == 0:
                change, heading, code = _FAULTS[index // 1000 % len(_FAULTS)]
                planted.append((index + 1, heading, code))
                own |= change
            elif index % 1000 == 999:
                own |= {"serial": "s-000001"}
            yield weapon(index, **own | {"inventory": f"{count}-{own['inventory']}"})

    content = csv(rows())
    return content, planted
