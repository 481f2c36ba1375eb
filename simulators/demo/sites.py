"""The two factories of the demo: what stands there, what they mark, and for whom.

Gramsh marks pistols: receiver, barrel and slide carry one number, each with its component's code
and by a job of its own. Poliçan marks cartons, four in a tray, and reads every fifth back.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.demo.equipment import MARKER, MARKERS, READER, READERS, Equipment

RS, GS, EOT = "\x1e", "\x1d", "\x04"


@dataclass(frozen=True)
class Subject:
    """A licensed producer, its product and one order, as the officer's API takes them."""

    entity: dict[str, Any]
    licence: str
    product: dict[str, Any]
    order: dict[str, Any]

    @property
    def approval(self) -> dict[str, Any]:
        """The type approval of the product; when it was issued is not said."""
        report = f"Raport prove: {self.product['code']}".encode()
        return {
            "number": f"TA-{self.product['code']}",
            "kind": "type-approval",
            "institution": "Qendra e provave, demonstrim",
            "product": self.product["code"],
            "result": "passed",
            "document": hashlib.sha256(report).hexdigest(),
        }


@dataclass(frozen=True)
class Site:
    """One gateway with one station: a marker, and a reader a place of the tray."""

    gateway: str
    station: str
    place: str
    marker: Equipment
    reader: Equipment
    subject: Subject

    @property
    def tray(self) -> int:
        """How many parts lie there at a time."""
        return int(self.subject.product.get("tray", 1))

    @property
    def reader_roles(self) -> tuple[str, ...]:
        """The readers' names, from place 1 on."""
        if self.tray == 1:
            return ("reader",)
        return tuple(f"reader-{place}" for place in range(1, self.tray + 1))

    @property
    def ncage(self) -> str:
        """The producer's code, as it stands in every symbol."""
        return str(self.subject.entity["ncage"])

    @property
    def components(self) -> dict[str, str]:
        """By the code in the symbol, the name of each piece that carries a number."""
        return {each["symbol"]: each["name"] for each in self.subject.product["components"]}


def gramsh(marker: str = MARKER, reader: str = READER) -> Site:
    """Pistols, with that kind of marker and of reader. Raises KeyError for kinds that are none."""
    receiver, barrel, slide = MARKERS[marker].jobs
    return Site(
        gateway="gramsh.line-1",
        station="receivers",
        place="Gramsh",
        marker=MARKERS[marker],
        reader=READERS[reader],
        subject=Subject(
            entity={"code": "umgs", "name": "Uzina Mekanike e Gramshit", "ncage": "A001H"},
            licence="AIM-2026-0001",
            product={
                "code": "pistol-g9",
                "model": "G9",
                "calibre": "9x19",
                "category": "ML1",
                "country": "AL",
                "kind": "serial",
                "space": "umgs-g9",
                "components": [
                    {"name": "receiver", "symbol": "RC", "job": receiver},
                    {"name": "barrel", "symbol": "BL", "job": barrel},
                    {"name": "slide", "symbol": "SL", "job": slide},
                ],
                "template": {
                    "content": (
                        f"[)>{RS}06{GS}17VA001H{GS}1PG9{GS}S{{serial}}{GS}20P{{component}}{RS}{EOT}"
                    ),
                    "lines": ["ALB UMGS G9 9x19 {serial} {component}"],
                    "serial_prefix": "26",
                    "serial_digits": 6,
                },
            },
            order={"code": "G9-2026-11", "quantity": 100_000, "job": receiver},
        ),
    )


POLICAN = Site(
    gateway="polican.packing-1",
    station="cartons",
    place="Poliçan",
    marker=Equipment("modbus-cell", "tcp", {"positions": "4"}),
    reader=READERS["zebra-ssi"],
    subject=Subject(
        entity={"code": "kmp", "name": "Kombinati Mekanik i Poliçanit", "ncage": "A002H"},
        licence="AIM-2026-0002",
        product={
            "code": "9x19-fmj-carton",
            "model": "9x19 FMJ",
            "calibre": "9x19",
            "category": "ML3",
            "country": "AL",
            "kind": "package",
            "lot_format": "mil-std-1168c",
            "space": "kmp-cartons",
            "tray": 4,
            "components": [{"name": "carton", "symbol": ""}],
            "template": {
                "content": f"[)>{RS}06{GS}17VA002H{GS}1T{{lot}}{GS}S{{serial}}{RS}{EOT}",
                "lines": ["{lot} {serial}"],
                "serial_prefix": "C",
                "serial_digits": 7,
            },
        },
        order={
            "code": "FMJ-2026-11",
            "quantity": 100_000,
            "job": "1",
            "lot": "KMP26L001-012",
            "contents": 50,
            "verify": {"mode": "sample", "every": 5},
        },
    ),
)

SITES = (gramsh(), POLICAN)
"""As they are where nobody asks for other devices."""


def gateway_toml(
    site: Site,
    *,
    folder: Path,
    broker_port: int,
    web_port: int,
    screen_port: int,
    marker_url: str,
    reader_urls: tuple[str, ...],
    speed: float,
) -> str:
    """The gateway's configuration file."""
    look = 0.12

    def options(of: Equipment) -> str:
        waits = {name: max(real / speed, least) for name, (real, least) in of.waits.items()}
        return _inline({**of.driver, **waits})

    lines = [
        f"# {site.place}: written by the demo",
        f'gateway = "{site.gateway}"',
        'journal = "journal"',
        "",
        "[guard]",
        f"path = {json.dumps(str(folder / 'guard' / 'guard'))}",
        "same_disk = true  # the demo has one disk only",
        "",
        "[broker]",
        f'url = "mqtt://127.0.0.1:{broker_port}"',
        "",
        "[central]",
        f'url = "http://127.0.0.1:{web_port}"',
        "",
        "[uplink]",
        "resend_after_s = 2",
        "backoff_max_s = 2",
        "start_grace_s = 5",
        "",
        "[screen]",
        f'listen = "127.0.0.1:{screen_port}"',
        "",
        "[[station]]",
        f'name = "{site.station}"',
        f"look_s = {look}",
        "read_s = 0.8",
        "mark_timeout_s = 5",
        "",
        "[station.marker]",
        f'kind = "{site.marker.kind}"',
        f'url = "{marker_url}"',
        f"options = {options(site.marker)}",
        "",
    ]
    for url in reader_urls:
        lines += [
            "[[station.reader]]",
            f'kind = "{site.reader.kind}"',
            f'url = "{url}"',
            f"options = {options(site.reader)}",
            "",
        ]
    return "\n".join(lines)


def _inline(values: dict[str, Any]) -> str:
    """A TOML inline table of plain values, which are written as in JSON."""
    return "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items()) + "}"
