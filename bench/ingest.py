"""Records a second into the register, against what PostgreSQL alone takes for the same rows.

Once through the broker, with real worker processes, and once with the store called directly;
one and two workers; batches as gateways send them when they catch up (500 records), when they are
a little behind (50) and when they are live (3, one part).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bench import direct, floors
from bench.fleet import Gateway, Players, records_in
from bench.measure import Measurement
from bench.workers import together
from tests.support.central import Centre
from tests.support.wait import wait_for


@dataclass(frozen=True)
class Size:
    """How much is measured: batches of each gateway a round, by the records in a batch."""

    rounds: int
    gateways: int
    batches: dict[int, int]
    workers: tuple[int, ...] = (1, 2)


FULL = Size(rounds=3, gateways=16, batches={500: 2, 50: 10, 3: 50})
QUICK = Size(rounds=1, gateways=2, batches={50: 2}, workers=(2,))

Lanes = dict[str, list[bytes]]


def run(size: Size, about: dict[str, Any]) -> list[Measurement]:
    """Starts a centre of its own. Enters PostgreSQL's version into `about`."""
    with Centre.started("serve", "plan", block_size=1_000_000, anew=True) as centre:
        centre.standard("bench.nobody")
        about["postgresql"] = centre.sql("SHOW server_version")[0][0]
        fleet = [
            Gateway.enrolled(centre, f"bench.line-{n}", f"B-{n}", 500_000)
            for n in range(1, size.gateways + 1)
        ]
        centre.stop("plan")
        centre.stop("serve")
        _settle(centre, fleet)
        return [_measure(centre, fleet, size, records) for records in size.batches]


def _settle(centre: Centre, fleet: Sequence[Gateway]) -> None:
    """`opened` and `accepted` of each gateway, so that every measured batch holds parts."""
    lots = [[(g.peer.gateway, batch)] for g in fleet for batch in g.rest()]
    together(direct.ingest, [(centre.folder / "central.toml", lots)])


def _measure(centre: Centre, fleet: Sequence[Gateway], size: Size, records: int) -> Measurement:
    count = size.batches[records]
    found = Measurement(
        f"ingest-{records}",
        f"Ingest, batches of {records} records, {size.gateways} gateways",
        "records/s",
        "higher",
    )
    for _ in range(size.rounds):
        for number in size.workers:
            suffix = f", {number} worker{'s' if number > 1 else ''}"
            names = {name: name + suffix for name in floors.FLOORS}
            before = _newest(centre)
            alone = _direct(centre, _lanes(fleet, count, records), number)
            for name, rate in _floors(centre, before, size.gateways, number).items():
                found.add(names[name], rate)
            found.add(f"store called directly{suffix}", alone, against=names.values())
            through = _through_the_broker(centre, _lanes(fleet, count, records), number)
            found.add(f"through the broker{suffix}", through, against=names.values())
    found.notes = [
        "a commit takes one batch of each gateway that a worker has: ours and the floors alike",
        "the broker, the gateways' session and the workers share the machine's cores",
    ]
    return found


def _lanes(fleet: Sequence[Gateway], count: int, records: int) -> Lanes:
    return {g.peer.gateway: g.batches(count, records) for g in fleet}


def _direct(centre: Centre, lanes: Lanes, number: int) -> float:
    total = records_in(batch for batches in lanes.values() for batch in batches)
    names = sorted(lanes)
    shares = []
    for worker in range(number):
        mine = names[worker::number]
        depth = max(len(lanes[name]) for name in mine)
        lots = [[(name, lanes[name][turn]) for name in mine] for turn in range(depth)]
        shares.append((centre.folder / "central.toml", lots))
    return total / together(direct.ingest, shares)


def _through_the_broker(centre: Centre, lanes: Lanes, number: int) -> float:
    total = records_in(batch for batches in lanes.values() for batch in batches)
    names = [f"ingest-{worker}" for worker in range(number)]
    lines = {name: _connections(centre, name) for name in names}
    for name in names:
        centre.start(name)
    players = Players(centre.broker.port)
    try:
        for name in names:
            wait_for(name, lambda name=name: _connections(centre, name) > lines[name], 60)  # type: ignore[misc]
        return total / players.play(lanes)
    finally:
        players.close()
        for name in names:
            centre.stop(name)


def _connections(centre: Centre, name: str) -> int:
    """How often a worker has come to the broker, by its own log."""
    path = centre.folder / f"{name}.log"
    return centre.log(name).count("connected to the broker") if path.exists() else 0


def _newest(centre: Centre) -> int:
    return int(centre.sql("SELECT coalesce(max(id), 0) FROM batch")[0][0])


def _floors(centre: Centre, before: int, gateways: int, number: int) -> dict[str, float]:
    """Each floor with the rows of the batches after `before`, in lots as the workers had them."""
    with psycopg.connect(centre.database) as connection:
        found = connection.execute(
            "SELECT stream, id FROM batch WHERE id > %s ORDER BY stream, first", (before,)
        ).fetchall()
        streams = sorted({stream for stream, _ in found})
        by_stream = {s: [batch for stream, batch in found if stream == s] for s in streams}
        shares: list[list[floors.Rows]] = []
        for worker in range(number):
            mine = streams[worker::number]
            depth = max(len(by_stream[stream]) for stream in mine)
            lots = [[by_stream[stream][turn] for stream in mine] for turn in range(depth)]
            shares.append([floors.read_rows(connection, lot) for lot in lots])
        total = sum(len(rows.records) for share in shares for rows in share)
        rates = {}
        for name in floors.FLOORS:
            floors.make_tables(connection)
            seconds = together(floors.run, [(centre.database, name, share) for share in shares])
            rates[name] = total / seconds
    return rates
