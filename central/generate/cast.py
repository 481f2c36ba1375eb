"""Who and what a generated register is of: entities, places, licences, products and gateways."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from central.register.certificates.models import NewCertificate
from central.register.entities.models import NewEntity
from central.register.identifiers import MilitaryCategory
from central.register.licences.models import NewLicence
from central.register.places.models import NewPlace
from central.register.products.models import Kind, LotFormat, NewProduct
from gateway.contract.plan import Component, Template, Verify

BEGIN = datetime(2022, 1, 3, 6, tzinfo=UTC)
END = datetime(2026, 6, 30, tzinfo=UTC)
"""Between these everything happens; the same whenever it is generated."""
LICENSED_UNTIL = datetime(2040, 1, 1, tzinfo=UTC)
NO_DOCUMENT = "0" * 64
DIGITS = 8
"""Of a serial number."""


@dataclass(frozen=True)
class Line:
    """What is made of a product, and where. `share`: of all marks, in percent. `tray`: how many
    parts a cycle marks; `trays`: how many of them a batch holds."""

    product: NewProduct
    share: int
    gateways: tuple[str, ...]
    tray: int
    trays: int
    verify: Verify
    contents: int | None = None

    @property
    def maker(self) -> str:
        return self.product.entity

    @property
    def space(self) -> str:
        return f"{self.maker}.{self.product.code}"


def _product(
    code: str,
    entity: str,
    model: str,
    calibre: str,
    content: str,
    prefix: str,
    components: tuple[str, ...],
    *,
    kind: Kind = "serial",
    lot_format: LotFormat = "free",
    category: MilitaryCategory = MilitaryCategory.ML1,
) -> NewProduct:
    several = len(components) > 1
    return NewProduct(
        code=code,
        entity=entity,
        model=model,
        calibre=calibre,
        category=category,
        country="AL",
        kind=kind,
        lot_format=lot_format,
        components=tuple(
            Component(name=name, symbol=name.upper() if several else "") for name in components
        ),
        template=Template(
            content=content,
            lines=("{serial}",),
            serial_prefix=prefix,
            serial_digits=DIGITS,
        ),
    )


def _weapon(part: str, component: str = "") -> str:
    return f"[)>\x1e06\x1d17VA7G1H\x1d1P{part}\x1dS{{serial}}{component}\x1e\x04"


_CARTON = "[)>\x1e06\x1d17VA5P2H\x1d1T{lot}\x1dS{serial}\x1e\x04"
_EACH = Verify(mode="each")


def _ammunition(code: str, model: str, calibre: str, prefix: str) -> NewProduct:
    return _product(
        code,
        "KMP",
        model,
        calibre,
        _CARTON,
        prefix,
        ("carton",),
        kind="package",
        lot_format="mil-std-1168c",
        category=MilitaryCategory.ML3,
    )


LINES: tuple[Line, ...] = (
    Line(
        _product("ASH78", "UMG", "ASH-78", "7.62x39", _weapon("ASH78"), "R", ("receiver",)),
        share=20,
        gateways=("gramsh.line-1", "gramsh.line-2"),
        tray=10,
        trays=16,
        verify=_EACH,
    ),
    Line(
        _product(
            "PA26",
            "UMG",
            "PA-26",
            "9x19",
            _weapon("PA26", "\x1d20P{component}"),
            "P",
            ("receiver", "barrel", "slide"),
        ),
        share=20,
        gateways=("gramsh.line-3", "gramsh.line-4"),
        tray=10,
        trays=5,
        verify=_EACH,
    ),
    Line(
        _ammunition("9X19-FMJ", "9x19 FMJ", "9x19", "A"),
        share=35,
        gateways=("policani.line-1", "policani.line-2"),
        tray=50,
        trays=7,
        verify=Verify(mode="sample", every=50),
        contents=1000,
    ),
    Line(
        _ammunition("762X39-M43", "7.62x39 M43", "7.62x39", "B"),
        share=25,
        gateways=("policani.line-3", "policani.line-4"),
        tray=50,
        trays=7,
        verify=Verify(mode="sample", every=50),
        contents=700,
    ),
)

ENTITIES: tuple[NewEntity, ...] = (
    NewEntity(code="UMG", name="Uzina Mekanike Gramsh", kinds=("producer",), ncage="A7G1H"),
    NewEntity(code="KMP", name="Kombinati Mekanik Poliçan", kinds=("producer",), ncage="A5P2H"),
    NewEntity(code="FA", name="Forcat e Armatosura", kinds=("state-institution", "store")),
    NewEntity(code="PSH", name="Policia e Shtetit", kinds=("state-institution",)),
    NewEntity(code="ARMEX", name="Armex Tregti", kinds=("trader", "store")),
    NewEntity(code="TRANS", name="Trans Adriatik", kinds=("carrier",)),
    NewEntity(code="RIPAR", name="Riparime Elbasan", kinds=("repairer",)),
)
RECEIVERS = ("FA", "PSH", "ARMEX")
"""Who takes delivery, in turn."""

_SITES = {
    "UMG": (40.9389, 20.1842),
    "KMP": (40.6131, 20.0958),
    "FA": (41.3275, 19.8187),
    "PSH": (41.3317, 19.8319),
    "ARMEX": (41.3231, 19.4414),
    "RIPAR": (41.1125, 20.0822),
}


def store_of(entity: str) -> str:
    """Its one store."""
    return f"{entity}-depo"


def places() -> Iterator[NewPlace]:
    """Sites, their stores and lines; what stands below comes after what it stands in."""
    for entity, (latitude, longitude) in _SITES.items():
        site = f"{entity}-site"
        yield NewPlace(
            code=site,
            kind="site",
            entity=entity,
            name=f"Vendi i {entity}",
            latitude=latitude,
            longitude=longitude,
        )
        yield NewPlace(code=store_of(entity), kind="store", entity=entity, parent=site, name="Depo")
    for line in LINES:
        for gateway in line.gateways:
            yield NewPlace(
                code=gateway,
                kind="line",
                entity=line.maker,
                parent=f"{line.maker}-site",
                name=gateway,
            )


def licences() -> Iterator[NewLicence]:
    """One each, without limits; the carrier's for transport."""
    for entity, activity in (
        ("UMG", "production"),
        ("KMP", "production"),
        ("ARMEX", "trade"),
        ("TRANS", "transport"),
    ):
        yield NewLicence.model_validate(
            {
                "number": f"L-{entity}",
                "entity": entity,
                "valid_from": BEGIN,
                "valid_until": LICENSED_UNTIL,
                "activities": (activity,),
            }
        )


def approval(product: str) -> NewCertificate:
    """The type approval that a product's orders rest on."""
    return NewCertificate(
        number=f"TA-{product}",
        kind="type-approval",
        institution="Qendra e provave",
        product=product,
        result="passed",
        issued=BEGIN,
        document=NO_DOCUMENT,
    )


def acceptance(number: str, product: str, lot: str, issued: datetime) -> NewCertificate:
    """Of a whole lot."""
    return NewCertificate(
        number=number,
        kind="acceptance",
        institution="Komisioni i pranimit",
        product=product,
        lot=lot,
        result="passed",
        sampling="125 of the lot, accepted on 2",
        issued=issued,
        document=NO_DOCUMENT,
    )


Fate = Literal[
    "good", "rejected", "scrapped", "voided", "unknown", "accepted", "strange", "doubled"
]
"""What becomes of a mark. `strange`: it says another lot than its order, and is refused;
`doubled`: a second intent claims its number, and is refused."""
