"""A centre with a store, a device in it, and marked items that are the store's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from simulators.scanner import Scanner
from tests.support.central import Centre
from tests.support.peer import Peer
from tests.support.wait import wait_for

SYMBOL = "[)>\x1e06\x1d17VA7G1H\x1d1PM70\x1dS{serial}\x1d20PRECEIVER\x1e\x04"
MARKED = 60


def symbol(index: int) -> str:
    """The content of the mark by its index: what is engraved on the item `UII.format(index)`."""
    return SYMBOL.format(serial=f"G{index:06}")


@dataclass
class Store:
    """A site `UMG.GR` with two stores, and whatever devices a test wants in them."""

    centre: Centre
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def code(self, name: str, reason: str = "new") -> str:
        """By which a device enrols, once."""
        invited = self.centre.post(f"/api/v1/devices/{name}/invite", {"reason": reason})
        return str(invited["code"])

    def device(self, place: str = "UMG.D1") -> Scanner:
        number = next(self.numbers)
        name = f"gramsh.scanner-{number}"
        self.centre.post("/api/v1/devices", {"name": name, "place": place})
        return self.enrol(name, self.folder / name)

    def enrol(self, name: str, folder: Path, reason: str = "new") -> Scanner:
        return Scanner.enrolled(folder, self.centre.url, name, self.code(name, reason), reason)

    def deliver(self, scanner: Scanner) -> dict[str, Any]:
        """Send all, and wait until all of it was judged: the device's disagreements."""
        scanner.send(self.http)
        return self.judged(scanner)

    def judged(self, scanner: Scanner) -> dict[str, Any]:
        self.concluded(scanner)
        path = f"/api/v1/devices/{scanner.name}/disagreements?epoch={scanner.epoch}&limit=500"
        return dict(self.centre.get(path))

    def concluded(self, scanner: Scanner) -> None:
        """Wait until all that it sent was judged."""
        query = (
            "SELECT 1 FROM concluded c JOIN stream s ON s.id = c.stream"
            " WHERE s.gateway = %s AND s.epoch = %s AND c.seq = %s"
        )
        name = (scanner.name, scanner.epoch, scanner.seq)
        wait_for("all scans judged", lambda: self.centre.sql(query, *name), 90)

    def events(self, scanner: Scanner) -> list[tuple[Any, ...]]:
        """seq, kind and articles of its events, in the order of the acts."""
        return self.centre.sql(
            "SELECT split_part(key, '/', 3)::int, what, payload->'articles' FROM act"
            " WHERE subject = 'event' AND key LIKE %s ORDER BY id",
            f"{scanner.name}/{scanner.epoch}/%",
        )


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    with Centre.started("plan", "ingest-1", "ingest-2", "serve", "scans") as centre:
        centre.standard(quantity=MARKED)
        for code, kind, parent in (
            ("UMG.GR", "site", None),
            ("UMG.D1", "store", "UMG.GR"),
            ("UMG.D2", "store", "UMG.GR"),
        ):
            place = {"code": code, "kind": kind, "parent": parent, "entity": "UMG", "name": code}
            centre.post("/api/v1/places", place)
        peer = Peer(centre, "gramsh.line-1")
        peer.enroll()
        peer.accept("G-1")
        for index in range(1, MARKED + 1):
            peer.good(index)
        peer.deliver()
        peer.disconnect()
        made = Store(centre, folder)
        yield made
        made.http.close()
