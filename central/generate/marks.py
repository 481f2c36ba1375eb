"""One worker: journals its gateways' trays in the order of time, and copies what follows from them.

Gateways share nothing, and ids were given beforehand; so any number of workers writes the same.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from central import db
from central.config import Config
from central.generate.cast import Fate
from central.generate.lines import Writer
from central.generate.rows import Rows
from central.generate.schedule import Batch, Run
from central.generate.trays import Bench, Place, tray
from gateway.contract.batch import BatchHeader, body_of, first_head, heads
from gateway.contract.encoding import format_time
from gateway.contract.plan import Plan
from gateway.contract.signed import SigningKey, sign, take_apart
from gateway.contract.topics import Boot

AMISS = 30
"""One tray of so many has something amiss."""
AT_ONCE = 60
"""So many batches go in one transaction."""
ARRIVES = timedelta(seconds=2)
_OF_ONE: tuple[Fate, ...] = (
    *("scrapped", "scrapped", "scrapped", "rejected", "rejected", "voided", "voided"),
    *("accepted", "unknown", "strange", "doubled"),
)
"""What may befall a part that is read itself, the more often the more it stands here."""


@dataclass(frozen=True)
class Site:
    """A gateway's whole life: its stream, and each run with the plan that it is made under."""

    gateway: str
    stream: int
    runs: tuple[tuple[Run, bytes], ...]


@dataclass(frozen=True)
class Ended:
    """Where a stream stands after its last batch."""

    stream: int
    committed: int
    head: bytes
    boot: Boot
    plan: tuple[int, int]


def key_of(seed: int, gateway: str) -> SigningKey:
    """A gateway's key. Only its public part is kept anywhere."""
    return SigningKey.from_bytes(
        hashlib.sha256(f"gjurma generate {seed} {gateway}".encode()).digest()
    )


def write(
    config: Config, seed: int, sites: Sequence[Site], tell: Callable[[int], object]
) -> list[Ended]:
    """All batches of these gateways; `tell` hears after each transaction of how many more marks."""
    streams = [Stream(seed, site) for site in sites]
    pending = sorted(
        ((batch.id, stream, at) for stream in streams for at, batch in stream.batches()),
        key=lambda each: each[0],
    )
    rows = Rows()
    with db.connect(config) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.commit()
        for begin in range(0, len(pending), AT_ONCE):
            for number, stream, at in pending[begin : begin + AT_ONCE]:
                stream.make(at, number, rows)
            marks = len(rows.tables["item"])
            rows.write(connection)
            connection.commit()
            tell(marks)
    return [stream.ended() for stream in streams]


class Stream:
    """One gateway's journal, of which only the end is held. Not `amiss`: nothing ever is."""

    def __init__(self, seed: int, site: Site, *, amiss: bool = True) -> None:
        self._site = site
        self._amiss = amiss
        self._seed = seed
        self._key = key_of(seed, site.gateway)
        self._writer = Writer(site.gateway, f"{seed}/{site.gateway}")
        self._head = first_head(site.gateway, 1)
        self._boot = Boot(1, hashlib.sha256(f"{seed}/{site.gateway}".encode()).hexdigest()[:16])
        self._run = -1
        self._bench: Bench | None = None
        self._done = 0
        self._random = Random()  # noqa: S311 - nothing is kept secret by it

    def batches(self) -> Iterator[tuple[int, Batch]]:
        """Each with the run that it is of."""
        for at, (run, _) in enumerate(self._site.runs):
            for batch in run.batches:
                yield at, batch

    def make(self, at: int, number: int, rows: Rows) -> None:
        """The next batch, which is of run `at`."""
        run, _ = self._site.runs[at]
        batch = run.batches[self._done if at == self._run else 0]
        assert batch.id == number
        first = self._writer.seq + 1
        lines = [] if at == self._run else self._begin(at, batch, rows)
        bench = self._bench
        assert bench is not None
        item, when = batch.first_item, batch.begins
        for each in range(batch.trays):
            made, count = tray(
                bench,
                self._writer,
                when + run.pace * each,
                run.start + (self._done * run.line.trays + each) * run.line.tray,
                self._fates(run),
                Place(batch.id, first, item),
                rows,
            )
            lines += made
            item += count
        self._done += 1
        self._sign(batch, first, [line.encode() for line in lines], rows)

    def _begin(self, at: int, batch: Batch, rows: Rows) -> list[str]:
        """The plan of the run is accepted; the first one follows on the journal's opening."""
        run, payload = self._site.runs[at]
        plan = Plan.from_line(take_apart("plan", payload).line)
        self._bench = Bench(run, self._site.stream, plan)
        self._run, self._done = at, 0
        self._random = Random(f"{self._seed}/{run.code}")  # noqa: S311
        writer, before = self._writer, batch.begins - timedelta(minutes=1)
        lines = [writer.opened(before)] if at == 0 else []
        until = format_time(plan.lease_until)
        lines.append(writer.accepted(before, *self._bench.key, until, run))
        for pos, what in enumerate(["opened", "accepted"][-len(lines) :]):
            rows.tables["record"].append(f"{batch.id}\t{pos}\t{what}\t{format_time(before)}\tok\n")
        return lines

    def _fates(self, run: Run) -> list[Fate] | None:
        if not self._amiss or self._random.randrange(AMISS):
            return None
        size = run.line.tray
        fates: list[Fate] = ["good"] * size
        if run.line.verify.mode != "sample":
            fates[self._random.randrange(size)] = self._random.choice(_OF_ONE)
        elif self._random.randrange(4) == 0:
            fates[-1] = "rejected"  # the sample itself
        else:
            fates[self._random.randrange(size - 1)] = self._random.choice(("scrapped", "doubled"))
        return fates

    def _sign(self, batch: Batch, first: int, lines: Sequence[bytes], rows: Rows) -> None:
        before = self._head
        for head in heads(before, lines):
            self._head = head
        header = BatchHeader(
            gateway=self._site.gateway,
            epoch=1,
            boot=str(self._boot),
            first=first,
            last=self._writer.seq,
            prev=before.hex(),
            head=self._head.hex(),
        ).line()
        signed = take_apart("batch", sign("batch", header, self._key))
        run = self._site.runs[self._run][0]
        received = batch.begins + run.pace * (batch.trays - 1) + timedelta(minutes=2) + ARRIVES
        rows.batches.append(
            (
                *(batch.id, self._site.stream, first, self._writer.seq, self._head, header),
                *(signed.key_id, signed.signature, body_of(lines), received),
            )
        )

    def ended(self) -> Ended:
        assert self._bench is not None
        return Ended(self._site.stream, self._writer.seq, self._head, self._boot, self._bench.key)
