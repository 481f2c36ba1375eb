"""A generated register is as if it had been ingested, and the same whenever it is generated."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from central import config as configuration
from central import db
from central.generate.cast import Fate
from central.generate.ground import signed_plan
from central.generate.lines import Writer
from central.generate.rows import Rows
from central.generate.schedule import LEASE, Run, schedule
from central.generate.trays import Bench, Place, tray
from central.migrations.versions import v0024_at_size
from gateway.contract.plan import Plan
from gateway.contract.record import decode_record, encode_record
from gateway.contract.signed import SigningKey, take_apart
from tests.support.central import Centre

MARKS = 3_000
_FATES: tuple[Fate, ...] = (
    *("good", "scrapped", "rejected", "voided", "unknown", "accepted", "strange", "doubled"),
    *("good", "good"),
)


def _bench(run: Run) -> Bench:
    payload = signed_plan(run, 1790000000, SigningKey.new(), ())
    return Bench(run, 7, Plan.from_line(take_apart("plan", payload).line))


def _runs() -> list[Run]:
    """The first order of each product."""
    found: dict[str, Run] = {}
    for run in schedule(MARKS, first_batch=1):
        found.setdefault(run.line.product.code, run)
    return list(found.values())


@pytest.mark.parametrize("run", _runs(), ids=lambda run: str(run.line.product.code))
def test_what_is_known_of_a_good_tray_is_what_the_rules_make_of_it(run: Run) -> None:
    told: list[Rows] = []
    lines: list[list[str]] = []
    for fates in (None, ["good"] * run.line.tray):
        rows, writer = Rows(), Writer(run.gateway, "seed")
        made = tray(_bench(run), writer, run.begins, run.start, fates, Place(4, 1, 31), rows)  # type: ignore[arg-type]
        told.append(rows)
        lines.append(made[0])
    assert lines[0] == lines[1]
    for name, known in told[0].tables.items():
        assert sorted(known) == sorted(told[1].tables[name]), name


@pytest.mark.parametrize("run", _runs(), ids=lambda run: str(run.line.product.code))
def test_each_line_is_as_the_contract_writes_it(run: Run) -> None:
    writer = Writer(run.gateway, "seed")
    start = run.begins - timedelta(minutes=1)
    until = (run.begins + LEASE).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lines = [writer.opened(start), writer.accepted(start, 1790000000, 1, until, run)]
    fates = [_FATES[at % len(_FATES)] for at in range(run.line.tray)]
    if run.line.verify.mode == "sample":
        fates = ["good", "doubled", *["scrapped"] * (run.line.tray - 3), "rejected"]  # type: ignore[list-item]
    rows = Rows()
    lines += tray(_bench(run), writer, run.begins, run.start, fates, Place(4, 1, 31), rows)[0]
    for line in lines:
        assert encode_record(decode_record(line.encode())).decode() == line
    assert any(not row.endswith("\tok\n") for row in rows.tables["record"])


@pytest.mark.parametrize("marks", [1, 100, MARKS, 2_000_000])
def test_no_order_of_a_gateway_begins_before_the_last_has_ended(marks: int) -> None:
    runs = schedule(marks, first_batch=1)
    for gateway in {run.gateway for run in runs}:
        mine = [run for run in runs if run.gateway == gateway]
        assert all(a.ends < b.begins for a, b in pairwise(mine))
        assert all(run.ends - run.begins < LEASE for run in mine)
    ids = sorted(batch.id for run in runs for batch in run.batches)
    assert ids == list(range(1, len(ids) + 1))


@pytest.fixture(scope="module")
def generated() -> Iterator[Centre]:
    with Centre.started(bare=True) as centre:
        centre.run("migrate")
        centre.run("generate", "--items", str(MARKS), "--seed", "3", "--workers", "2")
        yield centre


_SAME = (
    "SELECT uii, component, state, basis, changed, sample FROM item ORDER BY id",
    "SELECT subject, key, what, payload, at FROM act WHERE subject <> 'register' ORDER BY id",
    "SELECT stream, seq, position, item FROM claim ORDER BY stream, seq, position",
    "SELECT code, disposition, holder, place, package, disputed FROM article ORDER BY code",
)


@pytest.mark.slow
@pytest.mark.long
def test_it_is_rebuilt_as_it_is(generated: Centre) -> None:
    told = json.loads(generated.run("rebuild", "--json"))
    assert told["identical"], told["differences"]
    assert told["batches"] > 0


@pytest.mark.slow
@pytest.mark.long
def test_it_balances_and_has_something_of_everything(generated: Centre) -> None:
    generated.reconcile()
    for table in ("refusal", "alert", "legacy", "event", "consignment_article", "voided_block"):
        assert generated.sql(f"SELECT count(*) FROM {table}")[0][0], table
    states = generated.sql("SELECT DISTINCT state FROM orders ORDER BY 1")
    assert states == [("closed",), ("released",)]
    assert generated.sql("SELECT count(*) FROM act WHERE basis <> 'generated, seed 3'") == [(1,)]
    guard = (generated.folder / "guard" / "issued").read_text()
    assert '"UMG.ASH78"' in guard


@pytest.mark.slow
@pytest.mark.long
def test_the_station_of_a_claim_is_taken_from_its_record(generated: Centre) -> None:
    """As an upgrade does with what was ingested before there was such a column."""
    query = "SELECT station, count(*) FROM claim GROUP BY station"
    before = generated.sql(query)
    generated.sql("UPDATE claim SET station = ''")
    engine = db.owner_engine(configuration.load(generated.folder / "central.toml"))
    with engine.begin() as connection:
        v0024_at_size.fill(connection)
    engine.dispose()
    assert generated.sql(query) == before == [("station-1", before[0][1])]


@pytest.mark.slow
@pytest.mark.long
def test_the_same_seed_gives_the_same_register(generated: Centre) -> None:
    with Centre.started(bare=True) as other:
        other.run("migrate")
        other.run("generate", "--items", str(MARKS), "--seed", "3", "--workers", "1")
        for query in _SAME:
            assert other.sql(query) == generated.sql(query)


@pytest.mark.slow
@pytest.mark.long
def test_what_is_made_up_does_not_stand_beside_anything(generated: Centre) -> None:
    before = generated.sql("SELECT count(*) FROM act")
    generated.run("generate", "--items", "100", expect=1)
    assert generated.sql("SELECT count(*) FROM act") == before
