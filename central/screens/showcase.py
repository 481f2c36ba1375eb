"""What the design system's own page shows: samples, and one table that sorts as a desk's does."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from central.screens import texts
from central.screens.texts import Language
from central.screens.viewer import AsViewer, Shown, anybody

pages = APIRouter(include_in_schema=False, route_class=Shown)

# Order, entity, product, state, its tone and shape, how many good.
_ORDERS = (
    ("G9-2026-11", "umgs", "G9 · 9x19", "issued", "info", "open", "1 482"),
    ("G9-2026-10", "umgs", "G9 · 9x19", "finished", "good", None, "30 000"),
    ("FMJ-2026-09", "kmp", "9x19 FMJ", "held", "attention", None, "74"),
)
_SORTED = {"order": ("Order", 0), "product": ("Product", 2), "good": ("Good", 6)}
_FIRST_MINUTE = 1_795_546_800


@pages.get("/design", **anybody())
def components(viewer: AsViewer, sort: Annotated[str, Query(max_length=20)] = "") -> Response:
    return viewer.page("design.html", **values(viewer.language, sort))


def values(language: Language, sort: str) -> dict[str, Any]:
    """For `design.html`. `sort`: a column's key, with a hyphen before it to begin from above."""
    s = texts.load(language, "showcase")
    by, falling = sort.removeprefix("-"), sort.startswith("-")
    if by not in _SORTED:
        by, falling = "order", True
    place = _SORTED[by][1]
    orders = sorted(
        _ORDERS,
        key=lambda each: (len(str(each[place])) if by == "good" else 0, each[place]),
        reverse=falling,
    )
    columns = [
        {
            "label": s(label),
            "href": f"?sort={'' if key != by or falling else '-'}{key}",
            "sorted": ("descending" if falling else "ascending") if key == by else None,
            "number": key == "good",
        }
        for key, (label, _) in _SORTED.items()
    ]
    columns.insert(2, {"label": s("State")})
    minutes = range(60)
    return {
        "s": s,
        "orders": orders,
        "columns": columns,
        "times": [_FIRST_MINUTE + 60 * minute for minute in minutes],
        "marked": [round(44 + 8 * math.sin(minute / 7)) for minute in minutes],
        "aside": [1 if minute % 13 == 5 else 0 for minute in minutes],
    }
