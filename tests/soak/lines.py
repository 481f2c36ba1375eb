"""What the lines of a soak are: most mark one piece at a time, three are of a kind of their own."""

from dataclasses import dataclass, field
from typing import Any

from tests.crash.site import PRODUCT, Kind, Start
from tests.support.central import Centre

RS, GS, EOT = "\x1e", "\x1d", "\x04"
KINDS: tuple[Kind, ...] = ("panasonic-lp", "modbus-cell")
CARTON, PISTOL = "soak-carton", "soak-pistol"
TRAY = 4


@dataclass(frozen=True)
class Post:
    """One line: its marker, who fires, how many places it has, and what its order says."""

    kind: Kind
    start: Start = "operator"
    tray: int = 1
    product: str = PRODUCT
    order: dict[str, Any] = field(default_factory=dict)


OWN_KIND = (
    Post("panasonic-lp", product=PISTOL),
    Post(
        "modbus-cell",
        tray=TRAY,
        product=CARTON,
        order={
            "lot": "X26L001-001",
            "contents": 50,
            "verify": {"mode": "sample", "every": 5},
        },
    ),
    Post("panasonic-lp", start="pedal"),
)
"""Pistols of three pieces; trays of cartons, every fifth read back; hands-free by a pedal."""


def post(index: int) -> Post:
    """The line of that number, from 0."""
    return OWN_KIND[index] if index < len(OWN_KIND) else Post(KINDS[index % len(KINDS)])


def make_products(centre: Centre) -> None:
    """What is marked beside the pieces of `site.seed`, by the same producer."""
    head = f"[)>{RS}06{GS}17VA7G3H{GS}"
    centre.add_product(
        PISTOL,
        "UMX",
        f"{head}1PP9{GS}S{{serial}}{GS}20P{{component}}{RS}{EOT}",
        model="P9",
        serial="P",
        line="{serial} {component}",
        components=[
            {"name": "receiver", "symbol": "RC", "job": "1"},
            {"name": "barrel", "symbol": "BL", "job": "2"},
            {"name": "slide", "symbol": "SL", "job": "3"},
        ],
    )
    centre.add_product(
        CARTON,
        "UMX",
        f"{head}1T{{lot}}{GS}S{{serial}}{RS}{EOT}",
        model="9x19 FMJ",
        serial="C",
        line="{lot} {serial}",
        kind="package",
        tray=TRAY,
        components=[{"name": "carton", "symbol": ""}],
    )
