"""When each order is made and where, and under which ids its batches stand: pure.

    runs = schedule(100_000, first_batch=1)     # in the order of their beginnings

Ids are given in the order of time over all gateways, so that each worker can write its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from central.generate.cast import BEGIN, END, LINES, Line
from central.register.lots.number import LotNumber
from central.register.numbers.models import block_id
from gateway.contract.plan import Block, PlanOrder

MARKS_AN_ORDER = 20_000
"""About so many at most, and never fewer orders a gateway than there are below."""
FEWEST_ORDERS = 4
LONGEST = timedelta(days=20)
"""An order is made in one go, within the lease of one plan."""
LEASE = timedelta(days=31)
SPARE = 40
"""Numbers of a block that are left over at its end, one of so many."""
LAST = END - timedelta(days=50)
"""Then each gateway begins its last order, which is under way still."""


@dataclass(frozen=True)
class Batch:
    """One of a run: its id, and the first that its items may have."""

    id: int
    first_item: int
    trays: int
    begins: datetime


@dataclass(frozen=True)
class Run:
    """An order that one gateway makes: `number` of those of the gateway, from 1."""

    line: Line
    gateway: str
    number: int
    trays: int
    start: int
    begins: datetime
    pace: timedelta
    """From one tray to the next."""
    batches: tuple[Batch, ...] = ()

    @property
    def code(self) -> str:
        return f"{self.line.product.code}-{self.gateway.rpartition('-')[2]}-{self.number:04d}"

    @property
    def parts(self) -> int:
        """How many numbers it claims."""
        return self.trays * self.line.tray

    @property
    def ends(self) -> datetime:
        return self.begins + self.pace * self.trays

    @property
    def lot(self) -> str:
        """By MIL-STD-1168C, which a weapon's lot may follow too: a series for each gateway."""
        at = int(self.gateway.rpartition("-")[2]) * 100 + (self.number - 1) // 999
        sequence = (self.number - 1) % 999 + 1
        maker, when = self.line.maker, self.begins
        return str(LotNumber(maker, when.year % 100, when.month, at, sequence))

    @property
    def block(self) -> Block:
        end = self.start + self.parts + self.parts // SPARE
        space = self.line.space
        return Block(
            id=block_id(space, self.start), space=space, start=self.start, end=end, order=self.code
        )

    @property
    def order(self) -> PlanOrder:
        """As its plan names it."""
        product = self.line.product
        return PlanOrder(
            id=self.code,
            product=product.code,
            kind=product.kind,
            quantity=self.parts,
            contents=self.line.contents,
            lot=self.lot,
            job="1",
            template=product.template,
            components=product.components,
            verify=self.line.verify,
            tray=self.line.tray,
            state="released",
        )


def schedule(marks: int, first_batch: int) -> list[Run]:
    """About `marks` marks in whole trays; the ids of batches go on from `first_batch`."""
    runs = sorted(_runs(marks), key=lambda run: (run.begins, run.gateway))
    runs = list(_numbered(runs))
    return cut(runs, first_batch)


def _runs(marks: int) -> Iterator[Run]:
    """Without numbers yet: those are given in the order of time."""
    every = [(line, gateway) for line in LINES for gateway in line.gateways]
    for at, (line, gateway) in enumerate(every):
        a_tray = line.tray * len(line.product.components)
        trays = max(1, round(marks * line.share / 100 / len(line.gateways) / a_tray))
        count = min(trays, max(FEWEST_ORDERS, -(-trays * a_tray // MARKS_AN_ORDER)))
        apart = (LAST - BEGIN) / max(1, count - 1)
        for number in range(1, count + 1):
            mine = trays * number // count - trays * (number - 1) // count
            begins = BEGIN + apart * (number - 1) + timedelta(days=at)
            pace = min(timedelta(minutes=5), min(LONGEST, apart * 0.7) / mine)
            yield Run(line, gateway, number, mine, 0, begins, pace)


def _numbered(runs: list[Run]) -> Iterator[Run]:
    """A block follows on the one before it in its space."""
    following: dict[str, int] = {}
    for run in runs:
        start = following.get(run.line.space, 1)
        given = replace(run, start=start)
        following[run.line.space] = given.block.end + 1
        yield given


def cut(runs: list[Run], first_batch: int) -> list[Run]:
    """Each with its batches; their ids are in the order of time over all runs."""
    pieces = [
        (run.begins + run.pace * done, at, min(run.line.trays, run.trays - done))
        for at, run in enumerate(runs)
        for done in range(0, run.trays, run.line.trays)
    ]
    found: list[list[Batch]] = [[] for _ in runs]
    item = 1
    for number, (begins, at, trays) in enumerate(sorted(pieces), start=first_batch):
        line = runs[at].line
        found[at].append(Batch(number, item, trays, begins))
        item += trays * line.tray * len(line.product.components)
    return [replace(run, batches=tuple(mine)) for run, mine in zip(runs, found, strict=True)]
